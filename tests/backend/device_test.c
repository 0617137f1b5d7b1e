// SPDX-License-Identifier: GPL-3.0-or-later
// Devices that do more than answer, called from every tier: they refuse, end the slice, change the memory map or the
// code that called them. What the guest sees of that does not depend on what runs it.
#include "tests/test.h"
#include "tests/backend/encode.h"
#include "tests/backend/rig.h"
#include "tests/backend/tiers.h"
#include "frontend/trap.h"
#include <string.h>

#define DEVICE (RIG_DEV + 0x1000) // the one of this file
#define SHADOW (RIG_RAM + 0x8000) // RAM that may be hidden by other RAM
#define HANDLER 0x1000            // in RAM

static const EngineConfig outside = {.baseline = true, .warm = 4, .stats = true}; // as under -accel check

static HartRig *rig;
#define h    (*rig)
#define R(n) h.hart.env.r[n]

// --- the device: what it does is the register that is accessed ----------------------------------------------
enum { COUNT = 0x0, REFUSE = 0x10, END_SLICE = 0x20, HIDE = 0x30, REWRITE = 0x40, RAISE = 0x50 };

static MemoryRegion device, shadow;
static unsigned calls;
static uint64_t times;    // of all calls
static uint32_t new_insn; // what REWRITE puts at `patched`
static uint64_t patched;

static MemTxResult access_device(void *opaque, uint64_t addr, uint64_t *value, bool is_write)
{
    (void)opaque;
    calls++;
    times = times * 31 + ir_env_icount(&h.hart.env);
    if (!is_write)
        *value = calls;
    switch (addr) {
    case REFUSE:
        return calls % 3 ? MEMTX_OK : MEMTX_ERROR;
    case END_SLICE:
        ir_env_kick_self(&h.hart.env);
        break;
    case HIDE: // every other time, so that the TLB has the device when it does
        if (calls % 2 == 0)
            memory_region_set_enabled(&shadow, !shadow.enabled);
        break;
    case REWRITE:
        hart_rig_poke(&h, patched, &new_insn, 1);
        break;
    case RAISE:
        hart_set_irq(&h.hart, IRQ_M_SOFT, true);
        ir_env_kick_self(&h.hart.env);
        break;
    default:
        break;
    }
    return MEMTX_OK;
}

static MemTxResult device_read(void *opaque, uint64_t addr, uint64_t *data, unsigned size, MemTxAttrs attrs)
{
    (void)size, (void)attrs;
    return access_device(opaque, addr, data, false);
}

static MemTxResult device_write(void *opaque, uint64_t addr, uint64_t data, unsigned size, MemTxAttrs attrs)
{
    (void)size, (void)attrs;
    return access_device(opaque, addr, &data, true);
}

static const MemoryRegionOps ops = {.read_with_attrs = device_read, .write_with_attrs = device_write};

static void on_commit(void *opaque)
{
    (void)opaque;
    h.hart.hooks.tlb_flush(&h);
}

static void start(void **state, const uint32_t *code, unsigned n)
{
    rig = g_new0(HartRig, 1);
    hart_rig_init(&h, 0x40000, *state);
    hart_rig_poke(&h, RIG_RAM, code, n);
    memory_region_init_io(&device, &ops, NULL, "moody", 0x1000);
    memory_region_add_subregion(&h.rig.root, DEVICE, &device);
    assert_true(memory_region_init_ram(&shadow, "shadow", 0x1000, NULL));
    memory_region_set_enabled(&shadow, false);
    memory_region_add_subregion_overlap(&h.rig.root, SHADOW, &shadow, 1);
    memory_set_commit_hook(on_commit, NULL);
    calls = 0;
    times = 0;
    R(TP) = DEVICE;
    R(GP) = SHADOW;
}

static EngineStats stop(void)
{
    EngineStats s;
    memory_set_commit_hook(NULL, NULL);
    engine_stats(h.rig.engine, &s);
    memory_region_del_subregion(&h.rig.root, &device);
    memory_region_del_subregion(&h.rig.root, &shadow);
    memory_region_deinit(&device);
    memory_region_deinit(&shadow);
    hart_rig_deinit(&h);
    g_free(rig);
    return s;
}

static void run(int64_t insns)
{
    rig_run(&h.rig, insns);
    tlb_relieve(h.rig.tlb); // as the run loop does: there are runs of pages
}

static uint64_t icount(void)
{
    return ir_env_icount(&h.hart.env);
}

static const EngineConfig *config(void **state)
{
    return *state;
}

// A refusal is the trap of that very instruction, and the device was asked once.
static void refuses(void **state)
{
    const uint32_t code[] = {addi(A0, A0, 1), lw(A1, REFUSE, TP), addi(A5, A5, 1), sw(A0, REFUSE, TP),
                             addi(A4, A4, 1), bne(A0, A2, -20),   jal(ZERO, 0)};
    const uint32_t handler[] = {addi(S0, S0, 1), 0x34102373 /* csrr t1, mepc */, addi(T1, T1, 4),
                                0x34131073 /* csrw mepc, t1 */, 0x30200073 /* mret */};
    start(state, code, G_N_ELEMENTS(code));
    hart_rig_poke(&h, RIG_RAM + HANDLER, handler, G_N_ELEMENTS(handler));
    h.hart.mtvec = RIG_RAM + HANDLER;
    R(A2) = 600;
    uint64_t hash = 0, now = 1;
    for (unsigned call = 1; call <= 1200; call++) {
        hash = hash * 31 + now;
        now += call % 2 ? 2 : 4;     // to the next call
        now += call % 3 ? 0 : 5 - 1; // by way of the handler, and it was not done
    }
    for (unsigned n = 0; h.hart.env.pc != RIG_RAM + 24; n++) {
        run(1 + n % 97);
        assert_int_equal(h.hart.mcause == 0 || h.hart.mcause == 5 || h.hart.mcause == 7, 1);
        assert_true(!h.hart.trap_count || h.hart.mtval == DEVICE + REFUSE);
    }
    assert_int_equal(calls, 1200);
    assert_int_equal(R(S0), 400);
    assert_int_equal(R(A4), 600);
    assert_int_equal(R(A5), 600);
    assert_int_equal(times, hash);
    EngineStats s = stop();
    if (config(state)->stats) {
        assert_int_equal(s.loads, 600);
        assert_int_equal(s.stores, 600);
    }
}

// A device that ends the slice: the block is done, no more, and no instruction is counted twice or not at all.
static void ends_slice(void **state)
{
    const uint32_t code[] = {addi(A0, A0, 1),  addi(A1, A1, 1),  sw(A0, END_SLICE, TP), addi(A5, A5, 1),
                             bne(A0, A2, -16), jal(ZERO, 0)};
    start(state, code, G_N_ELEMENTS(code));
    R(A2) = 5000;
    for (unsigned n = 1; n <= 300; n++) {
        run(100000);
        assert_int_equal(calls, n);
        assert_int_equal(R(A0), n);
        assert_int_equal(R(A5), n);
        assert_int_equal(icount(), 5 * n);
        assert_int_equal(h.hart.env.pc, RIG_RAM);
    }
    stop();
}

// An interrupt that the access raises is taken before the block that follows.
static void raises(void **state)
{
    const uint32_t code[] = {addi(A0, A0, 1), sw(A0, RAISE, TP), addi(A5, A5, 1), bne(A0, A2, -12), jal(ZERO, 0)};
    const uint32_t handler[] = {addi(S0, S0, 1), 0x30200073 /* mret */};
    start(state, code, G_N_ELEMENTS(code));
    hart_rig_poke(&h, RIG_RAM + HANDLER, handler, G_N_ELEMENTS(handler));
    h.hart.mtvec = RIG_RAM + HANDLER;
    h.hart.mie = 1u << IRQ_M_SOFT;
    h.hart.mstatus |= 8;
    R(A2) = 400;
    for (unsigned n = 1; n < 400; n++) {
        run(100000);
        assert_int_equal(R(A0), n);
        assert_int_equal(R(A5), n);
        assert_true(hart_take_interrupt(&h.hart));
        assert_int_equal(h.hart.mepc, RIG_RAM);
        hart_set_irq(&h.hart, IRQ_M_SOFT, false);
        assert_int_equal(R(S0), n - 1);
        assert_int_equal(icount(), 4 * n + 2 * (n - 1));
    }
    stop();
}

// Accesses behind one that shows or hides other RAM in the page which they go to, in the same block: the words around
// it are loaded through one base register, as compiled code likes to do with one look.
static void hides_page(void **state)
{
    const uint32_t code[] = {addi(A0, A0, 1), lw(A1, 0, GP),   sw(A0, HIDE, TP), lw(A3, 4, GP),
                             lw(A4, 8, GP),   bne(A0, A2, -20), jal(ZERO, 0)};
    start(state, code, G_N_ELEMENTS(code));
    uint32_t *over = (uint32_t *)(void *)shadow.ram->host, *under = rig_ram(&h.rig, SHADOW);
    for (unsigned i = 0; i < 3; i++) {
        over[i] = 0x100 + i;
        under[i] = 0x200 + i;
    }
    R(A2) = UINT64_MAX;
    for (unsigned n = 1; n <= 300; n++) {
        run(6);
        while (h.hart.env.pc != RIG_RAM) // engines may end a slice elsewhere
            run(1);
        uint64_t round = R(A0), before = (round - 1) / 2, after = round / 2; // how often it changed
        assert_int_equal(calls, round);
        assert_int_equal(R(A1), before % 2 ? 0x100 : 0x200);
        assert_int_equal(R(A3), after % 2 ? 0x101 : 0x201);
        assert_int_equal(R(A4), after % 2 ? 0x102 : 0x202);
    }
    stop();
}

// The device writes over the block that called it: the old one is not run again.
static void rewrites(void **state)
{
    const uint32_t code[] = {addi(A0, A0, 1), addi(A1, A1, 0) /* patched */, sw(A0, REWRITE, TP), bne(A0, A2, -12),
                             jal(ZERO, 0)};
    start(state, code, G_N_ELEMENTS(code));
    patched = RIG_RAM + 4;
    R(A2) = UINT64_MAX;
    uint64_t want = 0;
    for (unsigned n = 1; n <= 300; n++) {
        new_insn = addi(A1, A1, n % 7);
        run(4);
        while (h.hart.env.pc != RIG_RAM)
            run(1);
        assert_int_equal(calls, R(A0));
        assert_int_equal(R(A1), want);
        want += n % 7;
        assert_int_equal(icount(), 4 * R(A0));
    }
    stop();
}

// What only answers is called from where it is asked.
static void in_place(void **state)
{
    const uint32_t code[] = {addi(A0, A0, 1), lw(A1, COUNT, TP), lw(A3, COUNT, TP), sw(A3, COUNT, TP),
                             bne(A0, A2, -16), jal(ZERO, 0)};
    start(state, code, G_N_ELEMENTS(code));
    R(A2) = 1000;
    run(5000);
    while (h.hart.env.pc != RIG_RAM + 20)
        run(1);
    assert_int_equal(calls, 3000);
    assert_int_equal(R(A1), 2998);
    assert_int_equal(R(A3), 2999);
    EngineStats s = stop();
    if (config(state)->baseline && config(state)->system)
        assert_true(s.jit_insns > 4500 && s.jit_entries < 300); // it stayed inside but to count
    if (config(state)->baseline && !config(state)->system)
        assert_true(s.jit_entries > 900); // it left before each
}

#define ALL(test) ON(test, interp), ON(test, baseline), ON(test, outside), ON(test, tiered)

int main(void)
{
    g_setenv("ASAN_OPTIONS", "detect_leaks=0", TRUE); // for the worker: libgccjit leaks by design
    const struct CMUnitTest tests[] = {ALL(refuses),    ALL(ends_slice), ALL(raises),
                                       ALL(hides_page), ALL(rewrites),   ALL(in_place)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
