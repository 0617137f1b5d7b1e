// SPDX-License-Identifier: GPL-3.0-or-later
// Random guest programs on the whole engine, with everything that happens between blocks: heat, regions, chains, jump
// caches, leaving and coming back, invalidation. The evaluator follows block by block.
//
// The guest's instructions are not bytes in memory but random IR blocks, found by pc; the bytes there are data that
// the program also stores to. So code is invalidated all the time without changing its meaning.
#include "tests/test.h"
#include "backend/stencil_forms.h"
#include "tests/backend/rig.h"
#include "tests/ir/gen.h"
#include "tests/ir/sandbox.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define RAM_SIZE    0x40000u
#define CODE_BASE   (RIG_RAM + 0x20000)
#define WINDOW_SIZE 0x400u

typedef struct {
    Sandbox box; // first: the hart
    Rig rig;
    IrMem mem;
    GArray *seen; // Seen, of machines with a tap
    GArray *site_pc; // uint64_t
    uint64_t runs_loads, runs_stores; // by executions of blocks
    GArray *block_ops;                // uint64_t
    TapRecord buffer[4];              // the first one is there to be read only
    Tap oracle;                       // of the reference: its records go to `seen` as they should be
} Machine;

typedef struct { // a record of an access
    uint64_t va, pc;
    uint32_t tag, count; // without the site
} Seen;

static IrCode *program;
static uint64_t done_insns, jit_insns, regions, invalidations, denials, tap_records, tap_crosses, tap_whole;

// The block with an instruction at pc and the index of that insn op; NULL if there is none.
static const IrBlock *find_insn(uint64_t pc, unsigned *index)
{
    for (unsigned i = 0; i < program->n_blocks; i++) {
        const IrBlock *b = program->blocks[i];
        for (unsigned k = 0; k < b->n_ops; k++) {
            if (b->ops[k].op == IR_OP_INSN && program->base + (uint64_t)b->ops[k].imm == pc) {
                *index = k;
                return b;
            }
        }
    }
    return NULL;
}

// The guest's block of at most max instructions at pc, as offsets from base. Where the program has none, a jump back
// into it.
static void block_of(IrBlock *out, uint64_t base, uint64_t pc, unsigned max)
{
    int64_t by = (int64_t)(program->base - base);
    unsigned from = 0;
    const IrBlock *b = find_insn(pc, &from);
    ir_block_reset(out, (int64_t)(pc - base));
    out->edge[0].block = out->edge[1].block = -1;
    if (!b) {
        b = program->blocks[(pc >> 1) % program->n_blocks];
        ir_insn(out, out->pc, 2, 0);
        out->edge[0].pc = b->pc + by;
        ir_emit(out, IR_OP_JUMP, 0, IR_NOVAL, IR_NOVAL, 0);
        return;
    }
    for (unsigned i = from; i < b->n_ops; i++) {
        IrInst op = b->ops[i];
        if (op.op == IR_OP_INSN && out->n_insns == max) {
            out->edge[0].pc = op.imm + by;
            ir_emit(out, IR_OP_JUMP, 0, IR_NOVAL, IR_NOVAL, 0);
            return;
        }
        if (op.op == IR_OP_INSN) {
            out->n_insns++;
        } else {
            op.a -= op.a == IR_NOVAL ? 0 : (IrVal)from;
            op.b -= op.b == IR_NOVAL ? 0 : (IrVal)from;
            op.c -= op.c == IR_NOVAL ? 0 : (IrVal)from;
        }
        if (op.op == IR_OP_INSN || op.op == IR_OP_PC)
            op.imm = (int64_t)((uint64_t)op.imm + (uint64_t)by);
        IrVal v = ir_emit(out, (IrOpcode)op.op, op.reg, op.a, op.b, op.imm);
        out->ops[v].c = op.c;
    }
    for (unsigned k = 0; k < 2; k++)
        out->edge[k].pc = b->edge[k].pc + by;
}

static bool lift(void *opaque, uint64_t base, uint64_t pc, unsigned max_insns, IrBlock *out, MemFault *fault)
{
    Machine *m = opaque;
    const uint8_t *host;
    ram_t ram;
    if (!tlb_fetch(m->rig.tlb, pc, &host, &ram, fault))
        return false;
    block_of(out, base, pc, max_insns);
    return true;
}

// As the sandbox does it, but control stays where code can be fetched.
static void mem_fault(IrEnv *env, const MemFault *fault)
{
    Machine *m = (Machine *)env;
    m->box.n_faults++;
    m->box.trace = (m->box.trace ^ env->pc ^ ir_env_icount(env) << 32 ^ fault->addr ^ sandbox_hash(&m->box)) *
                       UINT64_C(0x9e3779b97f4a7c15) +
                   fault->kind * 4u + fault->access;
    env->r[3] += fault->addr;
    env->pc = RIG_RAM + (fault->addr & 0x7ffe);
    env->left--; // or a program that only faults would never end
}

// Half the time the instruction is done, else it traps.
static bool fp_denied(IrEnv *env, unsigned mask, uint32_t bits)
{
    Machine *m = (Machine *)env;
    m->box.n_denied++;
    m->box.trace = (m->box.trace ^ env->pc ^ ir_env_icount(env) << 32 ^ mask ^ bits ^ sandbox_hash(&m->box)) *
                   UINT64_C(0x9e3779b97f4a7c15);
    denials++;
    if (sandbox_lets_pass(&m->box, mask))
        return true;
    env->pc = RIG_RAM + (bits & 0x7ffe);
    env->left--; // as after faults
    return false;
}

static void helper(IrEnv *env, uint64_t a, uint64_t b)
{
    Machine *m = (Machine *)env;
    m->box.n_helpers++;
    m->box.trace =
        (m->box.trace ^ env->pc ^ ir_env_icount(env) << 32 ^ a ^ sandbox_hash(&m->box)) * UINT64_C(0x9e3779b97f4a7c15) +
        b;
    env->r[2] ^= a;
    sandbox_change_fp(&m->box, a ^ b);
    env->pc += 4;
    env->left--;
}

// --- a tap: what the engine records is compared with what the filter (util/tap.h) leaves of each single access

static void take_record(Machine *m, const TapRecord *r)
{
    uint32_t event = r->tag >> TAP_SHIFT;
    if ((r->tag & TAP_KIND) != TAP_EVENT) {
        Seen s = {r->what, g_array_index(m->site_pc, uint64_t, event), r->tag & 7, r->count};
        g_array_append_val(m->seen, s);
    } else if (event == TAP_BLOCK) {
        for (uint32_t i = 0; i < r->count; i++) {
            uint64_t pc = r->what + 2 * i;
            g_array_append_val(m->site_pc, pc);
        }
    } else if (event == TAP_BLOCK_OPS) {
        g_array_append_val(m->block_ops, r->what);
    } else {
        assert_int_equal(event, TAP_BLOCK_RUNS);
        uint64_t ops = g_array_index(m->block_ops, uint64_t, r->count);
        m->runs_loads += r->what * (ops >> 16 & 0xffff);
        m->runs_stores += r->what * (ops >> 32);
    }
}

static void take_records(Tap *tap)
{
    Machine *m = tap->opaque;
    for (TapRecord *r = m->buffer + 1; r < tap->cursor; r++)
        take_record(m, r);
    m->buffer[0] = tap->cursor[-1];
    tap->cursor = m->buffer + 1;
}

// Goes to another page of `kind` in its own way, so that it cannot have the same fault as the filter in util/tap.h.
static void see(Machine *m, uint64_t va, MemAccess kind, bool cross, uint32_t count)
{
    uint64_t page = va >> PAGE_BITS;
    uint64_t *last = kind == ACCESS_FETCH ? &m->oracle.last_fetch : &m->oracle.last_data;
    bool stored = m->oracle.written && kind != ACCESS_FETCH; // the last data page was stored to
    bool same = *last == page && (kind != ACCESS_WRITE || stored);
    if (!same || cross) {
        Seen s = {va, m->box.env.pc, kind | (cross ? TAP_CROSS : 0), count};
        g_array_append_val(m->seen, s);
        *last = page;
        if (kind != ACCESS_FETCH)
            m->oracle.written = kind == ACCESS_WRITE;
    }
}

static void see_data(Machine *m, uint64_t va, unsigned size, MemAccess kind)
{
    uint32_t count = (m->oracle.loads & 0xffff) | (uint32_t)m->oracle.stores << 16;
    see(m, va, kind, false, count);
    if (((va + size - 1) ^ va) >> PAGE_BITS)
        see(m, (va + size - 1) & PAGE_MASK, kind, true, count);
    *(kind == ACCESS_READ ? &m->oracle.loads : &m->oracle.stores) += 1;
}

static bool seen_load(void *opaque, uint64_t addr, unsigned size, uint64_t *value, MemFault *fault)
{
    Machine *m = opaque;
    see_data(m, addr, size, ACCESS_READ);
    return tlb_load(m->rig.tlb, addr, size, value, fault);
}

static bool seen_store(void *opaque, uint64_t addr, unsigned size, uint64_t value, MemFault *fault)
{
    Machine *m = opaque;
    see_data(m, addr, size, ACCESS_WRITE);
    return tlb_store(m->rig.tlb, addr, size, value, fault);
}

static void tap_start(Machine *ref, Machine *dut)
{
    Machine *both[] = {ref, dut};
    for (unsigned i = 0; i < 2; i++) {
        both[i]->seen = g_array_new(FALSE, FALSE, sizeof(Seen));
        both[i]->site_pc = g_array_new(FALSE, FALSE, sizeof(uint64_t));
        both[i]->block_ops = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    }
    ref->mem = (IrMem){ref, seen_load, seen_store};
    ref->oracle.last_data = ref->oracle.last_fetch = UINT64_MAX;
    dut->box.env.tap = (Tap){.cursor = dut->buffer + 1,
                             .end = dut->buffer + G_N_ELEMENTS(dut->buffer),
                             .last_data = TAP_NO_PAGE,
                             .last_fetch = TAP_NO_PAGE,
                             .full = take_records,
                             .opaque = dut};
    tlb_set_tap(dut->rig.tlb, &dut->box.env.tap);
}

static void tap_compare(const Machine *ref, Machine *dut)
{
    take_records(&dut->box.env.tap);
    unsigned n = MIN(ref->seen->len, dut->seen->len);
    for (unsigned i = 0; i < n; i++) {
        Seen a = g_array_index(ref->seen, Seen, i), b = g_array_index(dut->seen, Seen, i);
        if (!memcmp(&a, &b, sizeof a))
            continue;
        fprintf(stderr, "record %u: 0x%" PRIx64 " at 0x%" PRIx64 " %u 0x%x in place of 0x%" PRIx64 " at 0x%" PRIx64
                " %u 0x%x\n", i, b.va, b.pc, b.tag, b.count, a.va, a.pc, a.tag, a.count);
        fail();
    }
    // Compiled code may have left before the first instruction of a block, at the end of a slice.
    for (unsigned i = n; i < dut->seen->len; i++)
        assert_int_equal(g_array_index(dut->seen, Seen, i).pc, dut->box.env.pc);
    assert_int_equal(ref->seen->len, n);
    assert_int_equal(ref->oracle.loads, dut->box.env.tap.loads);
    assert_int_equal(ref->oracle.stores, dut->box.env.tap.stores);
    tap_records += n;
    for (unsigned i = 0; i < n; i++)
        tap_crosses += g_array_index(dut->seen, Seen, i).tag & TAP_CROSS ? 1 : 0;
    if (n) {
        g_array_remove_range(ref->seen, 0, n);
        g_array_remove_range(dut->seen, 0, n);
    }
}

// Counted one by one and by blocks it is the same, if none was left in its middle.
static void tap_end(Machine *dut, bool interpreted)
{
    EngineStats stats;
    engine_stats(dut->rig.engine, &stats);
    assert_int_equal(stats.loads, dut->box.env.tap.loads);
    assert_int_equal(stats.stores, dut->box.env.tap.stores);
    engine_end_tap(dut->rig.engine);
    take_records(&dut->box.env.tap);
    assert_true(dut->runs_loads >= stats.loads && dut->runs_stores >= stats.stores);
    if (interpreted && !dut->box.n_faults && !dut->box.n_denied) {
        assert_int_equal(dut->runs_loads, stats.loads);
        assert_int_equal(dut->runs_stores, stats.stores);
        tap_whole++;
    }
    tlb_set_tap(dut->rig.tlb, NULL);
    dut->box.env.tap.cursor = NULL;
}

static Machine *machine_new(uint64_t seed, const EngineConfig *config)
{
    static const IrHelper helpers[SANDBOX_HELPERS] = {{"zero", helper}, {"one", helper}, {"two", helper}};
    static const IrEnvOps ops = {mem_fault, helpers, SANDBOX_HELPERS, fp_denied};
    Machine *m = g_new0(Machine, 1);
    EngineGuest guest = {.opaque = m, .lift = lift};
    sandbox_init(&m->box, seed, 0);
    rig_init(&m->rig, &m->box.env, RAM_SIZE, config, &guest);
    m->box.env.ops = &ops;
    m->box.env.pc = program->base + (uint64_t)program->blocks[0]->pc;
    m->mem = rig_mem(&m->rig);
    return m;
}

static void machine_free(Machine *m)
{
    rig_deinit(&m->rig);
    if (m->seen) {
        g_array_free(m->seen, TRUE);
        g_array_free(m->site_pc, TRUE);
        g_array_free(m->block_ops, TRUE);
    }
    g_free(m);
}

static void step_ref(Machine *m)
{
    IrEnv *env = &m->box.env;
    const uint8_t *host;
    ram_t ram;
    MemFault fault;
    if (!tlb_fetch(m->rig.tlb, env->pc, &host, &ram, &fault)) {
        mem_fault(env, &fault);
        return;
    }
    g_autoptr(IrCode) one = ir_code_new(env->pc & PAGE_MASK);
    ir_code_add(one, ir_block_new(0));
    block_of(one->blocks[0], one->base, env->pc, 1); // one instruction at a time: any boundary can be reached
    if (m->seen) {
        unsigned len = one->blocks[0]->ops[0].reg;
        see(m, env->pc, ACCESS_FETCH, false, (uint32_t)ir_env_icount(env));
        if (((env->pc + len - 1) ^ env->pc) >> PAGE_BITS)
            see(m, (env->pc + len - 1) & PAGE_MASK, ACCESS_FETCH, true, (uint32_t)ir_env_icount(env));
    }
    ir_eval(one, 0, env, &m->mem);
}

static void compare(const Machine *ref, Machine *dut)
{
    const char *where = NULL;
    memset(dut->box.env.r + IR_NREGS, 0, IR_NTEMPS * 8);
    if (ir_env_icount(&ref->box.env) != ir_env_icount(&dut->box.env))
        where = "number of instructions";
    else if (memcmp(ref->box.env.r, dut->box.env.r, sizeof ref->box.env.r))
        where = "registers";
    else if (memcmp(ref->rig.ram.ram->host, dut->rig.ram.ram->host, RAM_SIZE))
        where = "memory";
    else if (ref->box.env.pc != dut->box.env.pc)
        where = "pc";
    else if (ref->box.env.fflags != dut->box.env.fflags || ref->box.env.frm != dut->box.env.frm)
        where = "floating-point state";
    else if (ref->box.trace != dut->box.trace)
        where = "faults and helper calls";
    else if (ref->rig.dev_hash != dut->rig.dev_hash)
        where = "device accesses";
    if (!where)
        return;
    g_autoptr(GString) s = g_string_new(NULL);
    ir_print(s, program);
    fprintf(stderr, "%s%s differ: pc 0x%" PRIx64 " 0x%" PRIx64 ", after %" PRIu64 " and %" PRIu64 " instructions\n",
            s->str, where, ref->box.env.pc, dut->box.env.pc, ir_env_icount(&ref->box.env),
            ir_env_icount(&dut->box.env));
    fail();
}

// Makes the instructions of b independent, so that each can be a block's first: what is computed in an earlier one is
// replaced by a register. Makes addresses even.
static void make_insns(GenRng *rng, IrBlock *b, unsigned n_regs)
{
    IrBlock *old = ir_block_copy(b);
    g_autofree IrVal *now = g_new(IrVal, old->n_ops);
    unsigned start = 0;
    b->n_ops = b->n_insns = 0;
    for (unsigned i = 0; i < old->n_ops; i++) {
        IrInst op = old->ops[i];
        if (op.op == IR_OP_INSN) {
            start = i;
            b->n_insns++;
        } else {
            IrVal *operand[] = {&op.a, &op.b, &op.c};
            for (unsigned k = 0; k < 3; k++)
                if (*operand[k] != IR_NOVAL)
                    *operand[k] = *operand[k] < start ? ir_get(b, gen_below(rng, n_regs)) : now[*operand[k]];
            if (op.op == IR_OP_JMPIND)
                op.a = ir_binop(b, IR_OP_AND, op.a, ir_const(b, -2));
        }
        now[i] = ir_emit(b, (IrOpcode)op.op, op.reg, op.a, op.b, op.imm);
        b->ops[now[i]].c = op.c;
    }
    ir_block_free(old);
}

// Registers 0 .. N_PINNED-1 change places with those that baseline code keeps in host registers.
static void use_pinned(IrBlock *b)
{
#define REGISTER(i, host, guest) guest,
    static const uint8_t pinned[] = {PINNED(REGISTER)};
#undef REGISTER
    for (unsigned i = 0; i < b->n_ops; i++) {
        IrInst *op = &b->ops[i];
        if (op->op != IR_OP_GET && op->op != IR_OP_PUT)
            continue;
        unsigned reg = op->reg;
        for (unsigned k = 0; k < N_PINNED; k++)
            reg = reg == k ? pinned[k] : reg == pinned[k] ? k : reg;
        op->reg = (uint8_t)reg;
    }
}

static IrCode *random_program(GenRng *rng, bool tap)
{
    bool atomics = gen_below(rng, 2) && !tap, pin = gen_below(rng, 2);
    GenConfig config = {.base = CODE_BASE,
                        .max_blocks = 2 + gen_below(rng, 20),
                        .max_insns = 1 + gen_below(rng, 6),
                        .max_ops = 1 + gen_below(rng, 4),
                        .n_regs = pin ? N_PINNED + gen_below(rng, 3) : 4 + gen_below(rng, 28),
                        .n_helpers = SANDBOX_HELPERS,
                        .leave = true,
                        .memory = true,
                        .atomics = atomics,
                        .fp = gen_below(rng, 2) && !(tap && pin),
                        // On the code now and then, which lies below the base (see gen_code).
                        // With a tap some accesses are over two pages.
                        .mem_base = (gen_below(rng, 3) ? RIG_RAM + 0x10f00 : CODE_BASE - 0x800) + (tap ? 4 : 0),
                        .mem_size = WINDOW_SIZE,
                        .wild = atomics ? 0 : 20 + gen_below(rng, 200)};
    IrCode *code = gen_code(rng, &config);
    for (unsigned i = 0; i < code->n_blocks; i++)
        make_insns(rng, code->blocks[i], config.n_regs);
    for (unsigned i = 0; i < code->n_blocks && pin; i++)
        use_pinned(code->blocks[i]);
    return code;
}

// Steps, slices and single blocks of the engine in a random mix.
static void run_some(GenRng *rng, Machine *dut)
{
    rig_slice(&dut->rig, 1 + gen_below(rng, 400));
    uint64_t before = ir_env_icount(&dut->box.env), n = gen_below(rng, 100);
    switch (gen_below(rng, 12)) {
    case 4: // a fault retires an instruction here, see mem_fault
        engine_run_exactly(dut->rig.engine, n);
        assert_true(ir_env_icount(&dut->box.env) - before == n);
        break;
    case 0:
        engine_step_block(dut->rig.engine);
        break;
    case 1:
        engine_unlink(dut->rig.engine);
        engine_run(dut->rig.engine);
        break;
    case 2:
        if (dut->seen) // that is for -accel check, where entries are not counted exactly
            engine_run(dut->rig.engine);
        else
            engine_enter_compiled(dut->rig.engine);
        break;
    case 3: { // a device writes: nothing changes, but all code on the page goes
        ram_t page = dut->rig.ram.ram->offset + (CODE_BASE - RIG_RAM) - PAGE_SIZE;
        code_pages_written(dut->rig.pages, page, PAGE_SIZE);
        invalidations++;
        break;
    }
    default:
        engine_run(dut->rig.engine);
    }
}

static void check_program(GenRng *rng, EngineConfig config)
{
    EngineConfig none = {.jit = false};
    program = random_program(rng, config.tap);
    Machine *ref = machine_new(rng->state, &none), *dut = machine_new(rng->state, &config);
    memcpy(dut->rig.ram.ram->host + 0x10f00, dut->box.ram, WINDOW_SIZE);
    memcpy(ref->rig.ram.ram->host + 0x10f00, ref->box.ram, WINDOW_SIZE);
    if (config.tap)
        tap_start(ref, dut);
    for (unsigned n = 0; n < 100; n++) {
        run_some(rng, dut);
        while (ir_env_icount(&ref->box.env) < ir_env_icount(&dut->box.env))
            step_ref(ref);
        compare(ref, dut);
        if (config.tap)
            tap_compare(ref, dut);
    }
    if (config.tap)
        tap_end(dut, !config.baseline);
    EngineStats stats;
    engine_stats(dut->rig.engine, &stats);
    assert_int_equal(stats.regions_failed, 0);
    assert_int_equal(stats.workers_lost, 0);
    done_insns += ir_env_icount(&dut->box.env);
    jit_insns += stats.jit_insns;
    regions += stats.regions;
    machine_free(ref);
    machine_free(dut);
    ir_code_free(program);
}

static void interpreter(void **state)
{
    GenRng rng = {30};
    (void)state;
    for (unsigned i = 0; i < 150; i++)
        check_program(&rng, (EngineConfig){.jit = false});
    assert_true(done_insns > 500000);
}

static void baseline(void **state)
{
    GenRng rng = {32};
    uint64_t before = jit_insns;
    (void)state;
    for (unsigned i = 0; i < 150; i++)
        check_program(&rng, (EngineConfig){.baseline = true, .system = true, .warm = i % 4, .stats = i % 2});
    assert_true(jit_insns - before > 300000);
}

static void tapped(void **state)
{
    GenRng rng = {33};
    (void)state;
    for (unsigned i = 0; i < 300; i++)
        check_program(&rng, (EngineConfig){.tap = true, .baseline = i % 2, .system = true, .warm = i / 2 % 3});
    assert_true(tap_records > 100000);
    assert_true(tap_crosses > 500);
    assert_true(tap_whole > 10);
}

static void compiled(void **state)
{
    GenRng rng = {31};
    (void)state;
    g_setenv("ASAN_OPTIONS", "detect_leaks=0", TRUE); // the worker's libgccjit leaks by design
    for (unsigned i = 0; i < 60; i++)
        check_program(
            &rng,
            (EngineConfig){
                .jit = true, .baseline = i / 2 % 2, .system = i % 2, .warm = 2, .threshold = 5 + i % 16,
                .opt = i % 3, .workers = 1, .sync = i % 4 != 3, .stats = i % 2});
    assert_true(regions > 100);
    assert_true(jit_insns > 100000);
    assert_true(invalidations > 100);
    assert_true(denials > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(interpreter),
        cmocka_unit_test(baseline),
        cmocka_unit_test(tapped),
        cmocka_unit_test(compiled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
