// SPDX-License-Identifier: GPL-3.0-or-later
// The seeds' other systems (memory/spec.md 6.8): Malta FPGA, PC RAM around 4 GiB, the serial line at port 0x3f8, HITB
// and edu. tests/guest/machine/malta.c and where_am_i.c are guests that use them.
#include "machine/cpu.h"
#include "machine/devices/devices.h"
#include "softmmu/system.h"
#include "tests/machine/fixture.h"
#include "tests/softmmu/listener_log.h"
#include "util/log.h"
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define MALTA 0x1f000000u

static void start(Fixture *f, const char *board, uint64_t ram)
{
    f->config.board = board;
    f->config.ram_size = ram;
    fixture_boot(f);
}

// What the code under test logs about device accesses, from here to end_trace.
static char *trace_path;

static void begin_trace(Fixture *f)
{
    trace_path = g_strdup(fixture_path(f, "trace"));
    assert_true(log_open(trace_path, NULL));
    log_mask = LOG_MMIO;
}

static void end_trace(const char *expected)
{
    g_autofree char *text = NULL;
    log_mask = 0;
    fflush(log_lock());
    log_unlock();
    assert_true(g_file_get_contents(trace_path, &text, NULL, NULL));
    assert_string_equal(text, expected);
    g_clear_pointer(&trace_path, g_free);
}

// --- Malta FPGA of seed 0 ------------------------------------------------------------------------------------------

// R2.28: the 8-byte store arrives as two of 4, and only the first asks for the reset.
static void t170_malta_fpga(void **state)
{
    Fixture *f = *state;
    start(f, "malta-fpga", 128 << 20);
    assert_int_equal(fixture_ld(f, MALTA + 0x200, 4), 0);
    fixture_st(f, MALTA + 0x500, 4, 0x41);
    assert_int_equal(f->resets, 0);
    begin_trace(f);
    address_space_write(board_memory(f->board), MALTA + 0x500, MEMTXATTRS_NONE, "\x42\0\0\0\0\0\0\0", 8);
    end_trace("mmio: write malta-fpga +0x500 size 4: 0x42\nmmio: write malta-fpga +0x504 size 4: 0x0\n");
    assert_int_equal(f->resets, 1);
    address_space_write(board_memory(f->board), MALTA + 0x500, MEMTXATTRS_NONE, "\0\0\0\0\x42\0\0\0", 8);
    assert_int_equal(f->resets, 1); // as a big-endian guest's store arrives
}

static void malta_fpga_registers(void **state)
{
    Fixture *f = *state;
    start(f, "malta-fpga", 128 << 20);
    assert_int_equal(fixture_ld(f, MALTA + 0x508, 4), 0x0a);
    assert_int_equal(fixture_ld(f, MALTA + 0x208, 4), 0x10);
    assert_int_equal(fixture_ld(f, MALTA + 0x210, 4), 0);
    fixture_st(f, MALTA + 0x408, 4, 0x155);
    assert_int_equal(fixture_ld(f, MALTA + 0x408, 4), 0x55);
    fixture_st(f, MALTA + 0x410, 4, 0x12345678);
    assert_int_equal(fixture_ld(f, MALTA + 0x410, 4), 0x12345678);
    for (unsigned i = 0; i < 8; i++)
        fixture_st(f, MALTA + 0x418 + 8 * i, 4, 'A' + i);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(fixture_ld(f, MALTA + 0x418 + 8 * i, 4), 'A' + i);
    fixture_st(f, MALTA + 0xa00, 4, 7);
    assert_int_equal(fixture_ld(f, MALTA + 0xa00, 4), 7);
    assert_int_equal(fixture_ld(f, MALTA + 0xb00, 4), 3);
    fixture_st(f, MALTA + 0xb08, 4, 1);
    fixture_st(f, MALTA + 0xb10, 4, 0); // the clock is pulled down
    assert_int_equal(fixture_ld(f, MALTA + 0xb00, 4), 2);
    assert_int_equal(fixture_ld(f, MALTA + 0x300, 4), 0); // unknown
    MemTxResult r; // between the two windows is nothing
    address_space_ld(board_memory(f->board), MALTA + 0x900, 4, &r);
    assert_int_equal(r, MEMTX_DECODE_ERROR);
    assert_true(board_reset(f->board, NULL));
    assert_int_equal(fixture_ld(f, MALTA + 0xa00, 4), 0);
    assert_int_equal(fixture_ld(f, MALTA + 0x508, 4), 0x0a);
}

// --- PC RAM of seeds 1 and 2 ---------------------------------------------------------------------------------------

typedef struct {
    gpa_t start, end; // end 0: the last row
    const char *name;
    uint64_t offset;
} Range;

static void check_ranges(Fixture *f, uint64_t gib, const Range *expected)
{
    start(f, "pcmap", gib << 30);
    gpa_t at = 0;
    for (const Range *e = expected; e->end; e++) {
        MemorySection s = address_space_lookup(board_memory(f->board), at);
        if (!s.mr) { // the hole before
            at += s.len;
            s = address_space_lookup(board_memory(f->board), at);
        }
        assert_int_equal(s.addr, e->start);
        assert_int_equal(s.len, e->end - e->start + 1);
        assert_string_equal(s.mr->name, e->name);
        assert_int_equal(s.offset, e->offset);
        at += s.len;
    }
    assert_null(address_space_lookup(board_memory(f->board), at).mr);
}

static void t171_pcmap(void **state)
{
    static const Range two[] = {{0, 0x7fffffff, "pc.ram", 0}, {0xfee00000, 0xfeefffff, "apic", 0}, {0}};
    static const Range four[] = {{0, 0xbfffffff, "pc.ram", 0}, {0xfee00000, 0xfeefffff, "apic", 0},
                                 {0x100000000, 0x13fffffff, "pc.ram", 0xc0000000}, {0}};
    static const Range eight[] = {{0, 0xbfffffff, "pc.ram", 0}, {0xfee00000, 0xfeefffff, "apic", 0},
                                  {0x100000000, 0x23fffffff, "pc.ram", 0xc0000000}, {0}};
    check_ranges(*state, 2, two);
    check_ranges(*state, 4, four);
    check_ranges(*state, 8, eight);
}

static bool listed(const char *line)
{
    return fixture_listed(line, memory_print_tree);
}

// The second alias is there only with RAM for it; the priority of the interrupt controller; and the table that a PC's
// firmware would hand on says what the flat view shows.
static void pcmap_aliases_and_e820(void **state)
{
    Fixture *f = *state;
    BoardRange e820[2];
    start(f, "pcmap", UINT64_C(3) << 30);
    assert_false(listed("ram-above-4g"));
    assert_int_equal(board_ram_ranges(f->board, e820), 1);
    start(f, "pcmap", UINT64_C(4) << 30);
    assert_true(listed("  0000000000000000-00000000bfffffff (prio 0, ram): alias ram-below-4g @pc.ram "
                       "0000000000000000-00000000bfffffff\n"));
    assert_true(listed("  0000000100000000-000000013fffffff (prio 0, ram): alias ram-above-4g @pc.ram "
                       "00000000c0000000-00000000ffffffff\n"));
    assert_true(listed("  00000000fee00000-00000000feefffff (prio 4096, i/o): apic\n"));
    assert_int_equal(board_ram_ranges(f->board, e820), 2);
    for (unsigned i = 0; i < 2; i++) {
        MemorySection s = address_space_lookup(board_memory(f->board), e820[i].base);
        assert_string_equal(s.mr->name, "pc.ram");
        assert_int_equal(s.before, 0);
        assert_int_equal(s.len, e820[i].size);
    }
}

// What a listener is told when the interrupt controller comes on top of the map, as it does late on a PC.
static void t172_apic_order(void **state)
{
    Fixture *f = *state;
    ListenerLog log;
    g_autoptr(GString) told = g_string_new(NULL);
    start(f, "pcmap", UINT64_C(4) << 30);
    memory_lock();
    MemoryRegion *apic = address_space_lookup(board_memory(f->board), 0xfee00000).mr, *container = apic->container;
    memory_region_del_subregion(container, apic);
    listener_log_init(&log, "", LISTENER_PRIORITY_ACCEL, told);
    memory_listener_register(&log.l, board_memory(f->board));
    assert_told(told, "begin | add 0-bfffffff pc.ram | add 100000000-13fffffff pc.ram | commit");
    memory_region_add_subregion_overlap(container, 0xfee00000, apic, 0x1000);
    assert_told(told, "begin | nop 0-bfffffff pc.ram | add fee00000-feefffff apic | nop 100000000-13fffffff pc.ram | "
                      "commit");
    memory_listener_unregister(&log.l);
    memory_unlock();
}

// A guest's store through 4 GiB is read back at host offset 0xc0000000.
static void pcmap_guest_store(void **state)
{
    // slli a1, a1, 32; sd a0, 16(a1); j .
    static const uint32_t code[] = {0x02059593, 0x00a5b823, 0x0000006f};
    Fixture *f = *state;
    start(f, "pcmap", UINT64_C(4) << 30);
    for (unsigned i = 0; i < G_N_ELEMENTS(code); i++)
        fixture_st(f, 4 * i, 4, code[i]);
    CpuConfig config = {.features = hart_features_default, .tlb_bits = 8};
    Cpu *cpu = cpu_new(f->board, 0, &config);
    assert_int_equal(cpu->hart.env.pc, 0); // no MROM: the start of RAM
    cpu->hart.env.r[10] = UINT64_C(0x1122334455667788);
    cpu->hart.env.r[11] = 1;
    cpu->hart.env.icount_limit = 10;
    cpu->hart.env.left = 10;
    engine_run(cpu->engine);
    MemorySection low = address_space_lookup(board_memory(f->board), 0);
    uint64_t stored;
    memcpy(&stored, low.host + 0xc0000010, sizeof stored);
    assert_int_equal(stored, UINT64_C(0x1122334455667788));
    cpu_free(cpu);
}

// --- the load helper and tlb_fill of seed 4 ------------------------------------------------------------------------
// A hart in M mode without translation looks addresses up in the TLB like any other: a page's first load is a fill, the
// next finds its entry, and after one of a page that shares its slot it is among the victims. A device's loads come by
// the slow path each time.
static void softmmu_load_and_tlb_fill(void **state)
{
    // ld a1, 0(a0) twice; ld a1, 0(a2); ld a1, 0(a0); lw a1, 0(a3) twice; j .
    static const uint32_t code[] = {0x00053583, 0x00053583, 0x00063583, 0x00053583, 0x0006a583, 0x0006a583, 0x0000006f};
    Fixture *f = *state;
    start(f, "clabpu", UINT64_C(64) << 20);
    for (unsigned i = 0; i < G_N_ELEMENTS(code); i++)
        fixture_st(f, 0x80000000 + 4 * i, 4, code[i]);
    CpuConfig config = {.features = hart_features_default, .tlb_bits = 8};
    Cpu *cpu = cpu_new(f->board, 0, &config);
    IrEnv *env = &cpu->hart.env;
    env->pc = 0x80000000;
    env->r[10] = 0x80110000;
    env->r[12] = 0x80210000; // 256 pages on
    env->r[13] = 0x2000000;  // msip
    env->icount_limit = env->left = 12;
    tlb_watch(cpu->tlb, 0x80300000, 1, true, true); // while anything is watched RAM is not one run
    engine_run(cpu->engine);
    TlbStats s;
    tlb_stats(cpu->tlb, &s);
    const TlbCounters *loads = &s.kind[PRV_M][ACCESS_READ];
    assert_int_equal(loads->fill_ok, 3);
    assert_int_equal(loads->victim_hit, 1);
    assert_int_equal(loads->slow_mmio, 1);
    assert_int_equal(loads->hit, 0); // the second load of a0's page: the fast path, which nobody counts
    assert_int_equal(s.evict[PRV_M], 2);
    cpu_free(cpu);
}

// --- the serial line of seed 1 -------------------------------------------------------------------------------------

// One call per character at port 0x3f8, which finds an 8-byte region "serial" in the space "I/O".
static void t173_serial_where_am_i(void **state)
{
    static const char text[] = "Where am I?\n";
    Fixture *f = *state;
    GString *expected = g_string_new(NULL);
    start(f, "malta-fpga", 128 << 20);
    MemorySection s = address_space_lookup(board_io(f->board), 0x3f8);
    assert_string_equal(board_io(f->board)->name, "I/O");
    assert_string_equal(s.mr->name, "serial");
    assert_int_equal(memory_region_size(s.mr), 8);
    assert_int_equal(s.offset, 0);
    begin_trace(f);
    for (const char *p = text; *p; p++) {
        char c = *p;
        assert_int_equal(address_space_rw(board_io(f->board), 0x3f8, MEMTXATTRS_NONE, &c, 1, true), MEMTX_OK);
        g_string_append_printf(expected, "mmio: write serial +0x0 size 1: 0x%x\n", c);
    }
    end_trace(expected->str);
    assert_true(g_str_has_prefix(expected->str, "mmio: write serial +0x0 size 1: 0x57\n"));
    assert_string_equal(fixture_output(f), text);
    fixture_st(f, 0x180003f8, 1, '!'); // through the window in memory
    assert_string_equal(fixture_output(f), "!");
    assert_int_equal(address_space_ld(board_io(f->board), 0x3fd, 1, NULL), 0x60);
    assert_int_equal(address_space_ld(board_io(f->board), 0x3f0, 1, NULL), 0xff); // nobody
    assert_int_equal(address_space_ld(board_io(f->board), 0x3fc, 2, NULL), 0x6008);
    g_string_free(expected, TRUE);
}

// --- HITB and edu of seeds 1 and 3 ---------------------------------------------------------------------------------

#define BAR 0xfea00000u
#define BUFFER 0x40000u
#define RAM_A 0x80001000u
#define RAM_B 0x80003000u

static void plug(Fixture *f, const DeviceRow *row)
{
    start(f, "clabpu", 128 << 20);
    fixture_add_device(f, row);
}

static const DeviceRow hitb = {&device_hitb, "hitb-mmio", BAR, 0, 1};
static const DeviceRow edu = {&device_edu, "edu-mmio", BAR, 0, 1, 0, "mask=0xffffffff"};
static const DeviceRow narrow_edu = {&device_edu, "edu-mmio", BAR, 0, 1};

static void dma(Fixture *f, uint32_t from, uint32_t to, uint32_t count, unsigned command)
{
    fixture_st(f, BAR + 0x80, 4, from);
    fixture_st(f, BAR + 0x88, 4, to);
    fixture_st(f, BAR + 0x90, 4, count);
    fixture_st(f, BAR + 0x98, 4, command);
    assert_int_equal(fixture_ld(f, BAR + 0x98, 4), command); // it runs
    fixture_st(f, BAR + 0x80, 4, 1);                         // ignored meanwhile
    assert_int_equal(fixture_ld(f, BAR + 0x80, 4), from);
    assert_int_equal(board_next_deadline_ns(f->board, 0, 1), f->now_ns + 100000000);
    f->now_ns += 100000000;
    board_run_timers(f->board, 0, 1, f->now_ns);
    assert_int_equal(fixture_ld(f, BAR + 0x98, 4), command & ~1u);
}

static void set_far_timer(Fixture *f)
{
    fixture_st(f, 0x2004000, 8, UINT64_MAX); // mtimecmp, so that the only deadline is the device's
}

// R2.27: the store of 8 bytes comes as two calls, the second of which has no register.
static void hitb_split_store(void **state)
{
    Fixture *f = *state;
    plug(f, &hitb);
    begin_trace(f);
    address_space_write(board_memory(f->board), BAR + 0x80, MEMTXATTRS_NONE, "\0\x10\x04\0\0\0\0\0", 8);
    end_trace("mmio: write hitb-mmio +0x80 size 4: 0x41000\nmmio: write hitb-mmio +0x84 size 4: 0x0\n");
    assert_int_equal(fixture_ld(f, BAR + 0x80, 4), 0x41000);
}

static ram_t written_at;
static uint64_t written_len;

static void on_written(void *opaque, ram_t at, uint64_t len)
{
    (void)opaque;
    written_at = at;
    written_len = len;
}

// A block goes from RAM to the device and back, byte for byte; the RAM that changed is reported (code in it goes).
static void t174_hitb_edu(void **state)
{
    Fixture *f = *state;
    const DeviceRow *rows[] = {&hitb, &edu};
    for (unsigned k = 0; k < 2; k++) {
        uint8_t out[1000], back[1002];
        f->now_ns = 0;
        plug(f, rows[k]);
        set_far_timer(f);
        for (unsigned i = 0; i < sizeof out; i++)
            out[i] = (uint8_t)(i * 7 + k);
        address_space_write(board_memory(f->board), RAM_A, MEMTXATTRS_NONE, out, sizeof out);
        dma(f, RAM_A, BUFFER + 24, sizeof out, 1);
        memory_set_ram_written_hook(on_written, NULL);
        dma(f, BUFFER + 24, RAM_B + 1, sizeof out, 3);
        memory_set_ram_written_hook(NULL, NULL);
        MemorySection ram = address_space_lookup(board_memory(f->board), RAM_B + 1);
        assert_int_equal(written_at, ram.mr->ram->offset + ram.offset);
        assert_int_equal(written_len, sizeof out);
        address_space_read(board_memory(f->board), RAM_B, MEMTXATTRS_NONE, back, sizeof back);
        assert_true(back[0] == 0 && back[1001] == 0);
        assert_memory_equal(back + 1, out, sizeof out);
    }
}

// The seed's DMA_BASE + 0x1000, one past the buffer, and everything else that leaves it: no byte of RAM changes, and
// nothing goes into the buffer.
static void t174_range_check(void **state)
{
    static const struct {
        uint32_t device, count;
    } bad[] = {{0x41000, 1}, {0x41000, 0x1000}, {0x40fff, 2},         {0x3ffff, 1},
               {0, 8},       {0x40000, 0x1001}, {0x40000, 0xffffffff}};
    Fixture *f = *state;
    plug(f, &hitb);
    set_far_timer(f);
    fixture_st(f, RAM_A, 8, 0x1122334455667788);
    fixture_st(f, RAM_B, 8, 0x99);
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        dma(f, bad[i].device, RAM_B, bad[i].count, 3);
        assert_int_equal(fixture_ld(f, RAM_B, 8), 0x99);
        dma(f, RAM_A, bad[i].device, bad[i].count, 1);
    }
    dma(f, BUFFER, RAM_B, 8, 3);
    assert_int_equal(fixture_ld(f, RAM_B, 8), 0);
    dma(f, BUFFER + 0xff8, RAM_B, 8, 3); // the last bytes are all right
}

// DMA into the device's own registers is denied (R1.15): they keep their values.
static void t174_own_registers(void **state)
{
    Fixture *f = *state;
    plug(f, &hitb);
    set_far_timer(f);
    dma(f, BUFFER, BAR + 0x88, 4, 3);
    assert_int_equal(fixture_ld(f, BAR + 0x88, 4), BAR + 0x88);
    fixture_st(f, RAM_A, 8, UINT64_MAX);
    dma(f, RAM_A, BUFFER, 8, 1);
    dma(f, BAR + 0x80, BUFFER, 8, 1); // reads give 0
    dma(f, BUFFER, RAM_B, 8, 3);
    assert_int_equal(fixture_ld(f, RAM_B, 8), 0);
}

// edu's default mask has 28 bits: RAM at 0x80000000 is out of its reach, and what it finds below is nothing.
static void t174_mask(void **state)
{
    Fixture *f = *state;
    const DeviceRow *rows[] = {&narrow_edu, &edu};
    for (unsigned k = 0; k < 2; k++) {
        plug(f, rows[k]);
        set_far_timer(f);
        fixture_st(f, RAM_B, 8, 0x99);
        dma(f, BUFFER, RAM_B, 8, 3);
        assert_int_equal(fixture_ld(f, RAM_B, 8), k ? 0 : 0x99);
    }
}

static void edu_registers(void **state)
{
    Fixture *f = *state;
    MemTxResult r;
    plug(f, &edu);
    assert_int_equal(fixture_ld(f, BAR, 4), 0x010000ed);
    fixture_st(f, BAR + 4, 4, 0x12345678);
    assert_int_equal(fixture_ld(f, BAR + 4, 4), 0xedcba987);
    fixture_st(f, BAR + 8, 4, 10);
    assert_int_equal(fixture_ld(f, BAR + 8, 4), 3628800);
    fixture_st(f, BAR + 8, 4, 0xffffffff);
    assert_int_equal(fixture_ld(f, BAR + 8, 4), 0);
    assert_int_equal(fixture_ld(f, BAR, 8), UINT64_MAX); // 8 bytes only from 0x80 on
    assert_int_equal(fixture_ld(f, BAR + 0x80, 8), 0);
    address_space_ld(board_memory(f->board), BAR, 2, &r);
    assert_int_equal(r, MEMTX_DECODE_ERROR);
    fixture_st(f, BAR + 0x20, 4, 0xff);
    assert_int_equal(fixture_ld(f, BAR + 0x20, 4), 0x80);
    fixture_st(f, BAR + 8, 4, 3);
    assert_int_equal(fixture_ld(f, BAR + 0x24, 4), 1);
    fixture_st(f, BAR + 0x60, 4, 0x10);
    assert_int_equal(fixture_ld(f, BAR + 0x24, 4), 0x11);
    fixture_st(f, BAR + 0x64, 4, 0x01);
    assert_int_equal(fixture_ld(f, BAR + 0x24, 4), 0x10);
    set_far_timer(f);
    dma(f, RAM_A, BUFFER, 8, 5);
    assert_int_equal(fixture_ld(f, BAR + 0x24, 4), 0x110);
}

// --- memory_map_init and the four globals of seeds 1 to 3 ----------------------------------------------------------

// Right behind it there is what V7 shows, and ports on which nobody answers.
static void memory_map_init_globals(void **state)
{
    GString *out = g_string_new(NULL);
    uint32_t value = 0;
    MemTxResult r;
    (void)state;
    memory_lock();
    memory_map_init(NULL);
    memory_print_tree(out, 0);
    assert_string_equal(out->str, "address-space: memory\n"
                                  "  0000000000000000-ffffffffffffffff (prio 0, i/o): system\n\n"
                                  "address-space: I/O\n"
                                  "  0000000000000000-000000000000ffff (prio 0, i/o): io\n\n");
    assert_ptr_equal(address_space_memory.root, get_system_memory());
    assert_ptr_equal(address_space_io.root, get_system_io());
    assert_int_equal(address_space_ld(&address_space_io, 0x3f8, 1, &r), 0xff);
    assert_int_equal(r, MEMTX_OK);
    r = address_space_read(&address_space_io, 0xfffe, MEMTXATTRS_NONE, &value, 4);
    assert_int_equal(r, MEMTX_DECODE_ERROR);
    assert_int_equal(value, 0x0000ffff);
    assert_int_equal(address_space_ld(&address_space_memory, 0x80000000, 4, &r), 0);
    assert_int_equal(r, MEMTX_DECODE_ERROR);
    memory_map_exit();
    memory_unlock();
    g_string_free(out, TRUE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(softmmu_load_and_tlb_fill), TEST(t172_apic_order),
        TEST(t170_malta_fpga),        TEST(malta_fpga_registers), TEST(t171_pcmap),
        TEST(pcmap_aliases_and_e820), TEST(pcmap_guest_store),    TEST(t173_serial_where_am_i),
        TEST(hitb_split_store),       TEST(t174_hitb_edu),        TEST(t174_range_check),
        TEST(t174_own_registers),     TEST(t174_mask),            TEST(edu_registers),
        cmocka_unit_test(memory_map_init_globals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
