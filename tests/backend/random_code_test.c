// SPDX-License-Identifier: GPL-3.0-or-later
// Random IR on the interpreter and as compiled code, against the evaluator.
//
// Both sides have a machine of their own with the same contents. On the interpreter, faults and helpers happen and
// must be the same in the same order. Compiled code leaves before them instead; there the evaluator gets a memory in
// which everything but plain RAM faults, and its fault hook compares the exact state at that point.
#include "tests/test.h"
#include "tests/backend/compile.h"
#include "tests/backend/loop_code.h"
#include "tests/backend/rig.h"
#include "tests/ir/gen.h"
#include "tests/ir/sandbox.h"
#include "backend/interp.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define RAM_SIZE    0x4000u
#define CODE_BASE   UINT64_C(0x80100000)
#define WINDOW      (RIG_RAM + 0x1f00) // where most accesses go: over two pages
#define WINDOW_SIZE 0x200u

typedef struct { // a sandbox's hart, in front of a rig's memory
    Sandbox box;
    Rig rig;
    IrMem mem;
    bool left; // compiled code's reference: a fault or helper was met
} Machine;

static Machine *ref, *dut; // reference, and device under test
static uint64_t done_insns;
static unsigned done_leaves, done_entries, done_tries; // left before an instruction; got past the entry; did not

// Plain RAM only: everything else is what compiled code leaves before.
static bool ram_load(void *opaque, uint64_t addr, unsigned size, uint64_t *value, MemFault *fault)
{
    Machine *m = opaque;
    void *host = tlb_ram(m->rig.tlb, addr, size, ACCESS_READ);
    *fault = (MemFault){FAULT_ACCESS, ACCESS_READ, addr};
    *value = 0;
    if (host)
        memcpy(value, host, size);
    return host;
}

static bool ram_store(void *opaque, uint64_t addr, unsigned size, uint64_t value, MemFault *fault)
{
    Machine *m = opaque;
    void *host = tlb_ram(m->rig.tlb, addr, size, ACCESS_WRITE);
    *fault = (MemFault){FAULT_ACCESS, ACCESS_WRITE, addr};
    if (host)
        memcpy(host, &value, size);
    return host;
}

static void leave_fault(IrEnv *env, const MemFault *fault)
{
    (void)env, (void)fault;
    ref->left = true;
}

static void leave_helper(IrEnv *env, uint64_t a, uint64_t b)
{
    (void)env, (void)a, (void)b;
    ref->left = true;
}

static bool leave_denied(IrEnv *env, unsigned mask, uint32_t bits)
{
    (void)env, (void)mask, (void)bits;
    ref->left = true;
    return false;
}

static Machine *machine_new(void)
{
    EngineConfig config = {.jit = false};
    Machine *m = g_new0(Machine, 1);
    rig_init(&m->rig, &m->box.env, RAM_SIZE, &config, NULL);
    return m;
}

static void machine_free(Machine *m)
{
    rig_deinit(&m->rig);
    g_free(m);
}

// Registers and memory from the seed; the engine's words stay.
static void machine_reset(Machine *m, uint64_t seed, int64_t left)
{
    IrEnv old = m->box.env;
    sandbox_init(&m->box, seed, left);
    m->box.env.tlb_mask = old.tlb_mask;
    m->box.env.runs = old.runs;
    m->box.env.tlb_table = old.tlb_table;
    m->box.env.jumps = old.jumps;
    m->box.env.engine = old.engine;
    m->box.env.ram_slow = old.ram_slow;
    m->box.env.jit_access = old.jit_access;
    m->box.env.atomic_slow = old.atomic_slow;
    m->box.env.system = old.system;
    m->box.env.fp = old.fp;
    m->box.env.fp_soft = old.fp_soft;
    m->box.env.jit_call = old.jit_call;
    tlb_ram(m->rig.tlb, WINDOW, 1, ACCESS_READ);
    tlb_relieve(m->rig.tlb);
    memcpy(rig_ram(&m->rig, WINDOW), m->box.ram, WINDOW_SIZE);
    m->rig.dev_hash = m->rig.dev_calls = 0;
    m->mem = rig_mem(&m->rig);
    m->left = false;
}

static void differ(const char *what, const IrCode *code, const IrBlock *b)
{
    g_autoptr(GString) s = g_string_new(NULL);
    ir_print(s, code);
    fprintf(stderr,
            "%s; %s differs after the block at +0x%" PRIx64 "\nref: pc 0x%" PRIx64 " left %" PRId64
            "\ndut: pc 0x%" PRIx64 " left %" PRId64 "\n",
            s->str, what, (uint64_t)b->pc, ref->box.env.pc, ref->box.env.left, dut->box.env.pc, dut->box.env.left);
    for (unsigned r = 0; r < IR_NREGS; r++)
        if (ref->box.env.r[r] != dut->box.env.r[r])
            fprintf(stderr, "r%u 0x%" PRIx64 " 0x%" PRIx64 "\n", r, ref->box.env.r[r], dut->box.env.r[r]);
    fail();
}

static void compare(const IrCode *code, const IrBlock *b)
{
    const char *where;
    memset(dut->box.env.r + IR_NREGS, 0, IR_NTEMPS * 8); // the interpreter's own
    if (!sandbox_equal(&ref->box, &dut->box, &where))
        differ(where, code, b);
    if (memcmp(rig_ram(&ref->rig, RIG_RAM), rig_ram(&dut->rig, RIG_RAM), RAM_SIZE))
        differ("RAM", code, b);
    if (ref->rig.dev_hash != dut->rig.dev_hash)
        differ("the device", code, b);
}

static GenConfig random_config(GenRng *rng)
{
    // Where an SC without a reservation faults is the engines' business (R2.49), so atomics stay in RAM.
    bool atomics = gen_below(rng, 2), wild = !atomics, fp = gen_below(rng, 2), floats = fp && gen_below(rng, 3);
    return (GenConfig){.base = CODE_BASE,
                       .max_blocks = 1 + gen_below(rng, 12),
                       .max_insns = 1 + gen_below(rng, 12),
                       .max_ops = 1 + gen_below(rng, 6),
                       .n_regs = floats             ? 2 + gen_below(rng, 6)
                                 : gen_below(rng, 4) ? 2 + gen_below(rng, 30) : IR_NREGS,
                       .n_helpers = SANDBOX_HELPERS,
                       .leave = true,
                       .memory = gen_below(rng, 8) != 0,
                       .atomics = atomics,
                       .fp = fp,
                       .floats = floats,
                       .mem_base = gen_below(rng, 6) || atomics ? WINDOW
                                   : gen_below(rng, 2)          ? RIG_DEV
                                                                : RIG_ROM,
                       .mem_size = WINDOW_SIZE,
                       .wild = wild ? 5 + gen_below(rng, 40) : 0};
}

// Guest addresses are even.
static void even_jumps(IrCode *code)
{
    for (unsigned i = 0; i < code->n_blocks; i++) {
        IrBlock *b = code->blocks[i];
        IrInst last = b->ops[b->n_ops - 1];
        if (last.op != IR_OP_JMPIND)
            continue;
        b->n_ops--;
        IrVal even = ir_binop(b, IR_OP_AND, last.a, ir_const(b, -2));
        ir_unop(b, IR_OP_JMPIND, even);
    }
}

static IrCode *random_code(GenRng *rng)
{
    GenConfig config = random_config(rng);
    IrCode *code = gen_code(rng, &config);
    g_autoptr(GError) error = NULL;
    even_jumps(code);
    if (!ir_verify(code, SANDBOX_HELPERS, &error))
        fail_msg("%s", error->message);
    return code;
}

static int block_at(const IrCode *code, uint64_t pc)
{
    for (unsigned i = 0; i < code->n_blocks; i++)
        if (code->base + (uint64_t)code->blocks[i]->pc == pc)
            return (int)i;
    return -1;
}

// The block in a code of its own, so that the evaluator stops behind it.
static IrCode *single(const IrCode *code, unsigned i)
{
    IrCode *one = ir_code_new(code->base);
    IrBlock *b = ir_block_copy(code->blocks[i]);
    b->edge[0].block = b->edge[1].block = -1;
    b->n_guess = 0;
    ir_code_add(one, b);
    return one;
}

// The reference does the block at its pc. False if there is none.
static bool step_ref(IrCode *const *singles, const IrCode *code)
{
    int i = block_at(code, ref->box.env.pc);
    if (i >= 0)
        ir_eval(singles[i], 0, &ref->box.env, &ref->mem);
    return i >= 0;
}

static IrCode **split(const IrCode *code)
{
    IrCode **singles = g_new(IrCode *, code->n_blocks);
    for (unsigned i = 0; i < code->n_blocks; i++)
        singles[i] = single(code, i);
    return singles;
}

static void free_split(IrCode **singles, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        ir_code_free(singles[i]);
    g_free(singles);
}

// --- the interpreter ---

static Block **translate_all(const IrCode *code, Interp *in)
{
    Block **blocks = g_new0(Block *, code->n_blocks);
    for (unsigned i = 0; i < code->n_blocks; i++) {
        blocks[i] = interp_translate(code->blocks[i], code->base, false, NULL);
        assert_non_null(blocks[i]);
        blocks[i]->heat = blocks[i]->heat_start = INT32_MAX;
        if (i % 2) // the others are found by the driver
            interp_note_jump(in, blocks[i]);
    }
    for (unsigned i = 0; i < code->n_blocks; i++)
        for (unsigned k = 0; k < 2; k++)
            if (blocks[i]->succ_pc[k] != UINT64_MAX && code->blocks[i]->edge[k].block >= 0 && (i + k) % 3)
                blocks[i]->succ[k] = blocks[code->blocks[i]->edge[k].block];
    return blocks;
}

static void run_interp(GenRng *rng, const IrCode *code, Interp *in, Block **blocks)
{
    IrCode **singles = split(code);
    const Sandbox *r = &ref->box, *d = &dut->box;
    for (unsigned n = 0; d->env.left > 0 && n < 60; n++) { // bounded: blocks that only fault retire nothing
        int at = block_at(code, d->env.pc);
        if (at < 0) { // trapped, or left the code
            at = (int)gen_below(rng, code->n_blocks);
            dut->box.env.pc = ref->box.env.pc = code->base + (uint64_t)code->blocks[at]->pc;
        }
        assert_int_equal(interp_run(in, blocks[at]), INTERP_PC);
        do {
            if (!step_ref(singles, code))
                break;
        } while (r->env.left > d->env.left || r->n_faults < d->n_faults || r->n_helpers < d->n_helpers ||
                 r->n_denied < d->n_denied);
        compare(code, code->blocks[at]);
    }
    done_insns += ir_env_icount(&d->env);
    free_split(singles, code->n_blocks);
}

static void check_interp(GenRng *rng)
{
    g_autoptr(IrCode) code = random_code(rng);
    Interp in;
    machine_reset(ref, rng->state, 300);
    machine_reset(dut, rng->state, 300);
    interp_init(&in, &dut->box.env, dut->rig.tlb);
    JumpTables *jumps = jump_tables_new();
    in.jumps = jump_tables_enter(jumps, 3, 0, 0);
    Block **blocks = translate_all(code, &in);
    run_interp(rng, code, &in, blocks);
    for (unsigned i = 0; i < code->n_blocks; i++)
        block_free(blocks[i]);
    g_free(blocks);
    jump_tables_free(jumps);
}

static void interpreter(void **state)
{
    (void)state;
    GenRng rng = {20};
    for (unsigned i = 0; i < 3000; i++)
        check_interp(&rng);
    assert_true(done_insns > 300000);
}

// --- compiled code ---

// An entry may want floating-point registers to be singles, or doubles but no NaNs: tries what it accepts.
static LeftBy enter(GenRng *rng, JitUnit *u, unsigned entry)
{
    IrEnv *r = &ref->box.env, *d = &dut->box.env;
    LeftBy by = compiled_run(u, d, entry);
    for (unsigned tries = 0; by == LEFT_ENTRY && !d->fp_leave && tries < 30; tries++) {
        done_tries++;
        for (unsigned n = 32; n < IR_NREGS; n++)
            r->r[n] = d->r[n] = gen_below(rng, 2) ? gen_random(rng) >> 2 : gen_random(rng) >> 34 | UINT64_MAX << 32;
        by = compiled_run(u, d, entry);
    }
    return by;
}

static void run_entry(GenRng *rng, const IrCode *code, IrCode *const *singles, JitUnit *u, unsigned entry, bool linear)
{
    static const IrHelper helpers[SANDBOX_HELPERS] = {
        {"zero", leave_helper}, {"one", leave_helper}, {"two", leave_helper}};
    static const IrEnvOps ops = {leave_fault, helpers, SANDBOX_HELPERS, leave_denied};
    int64_t left = gen_below(rng, 8) ? gen_below(rng, 200) : -(int64_t)gen_below(rng, 2);
    IrEnv *r = &ref->box.env, *d = &dut->box.env;
    machine_reset(ref, rng->state, left);
    machine_reset(dut, rng->state, left);
    if (r->frm == IR_RM_RMM) // the host cannot round so, and compiled code leaves before
        r->fp_off |= IR_FP_BAD_RM;
    ref->mem = (IrMem){ref, ram_load, ram_store};
    r->ops = &ops;
    d->pc = r->pc = u->base + (uint64_t)u->entries[entry];
    LeftBy by = enter(rng, u, entry);
    if (by == LEFT_INDIRECT)
        assert_true(d->exit_site == JIT_SITE_PC);
    while (r->left > d->left && !ref->left)
        if (!step_ref(singles, code))
            break;
    if (by == LEFT_BEFORE && !ref->left && r->pc == d->pc)
        step_ref(singles, code);
    if (linear && by == LEFT_BEFORE && (!ref->left || r->pc != d->pc)) { // before a group that is in no run
        memcpy(rig_ram(&dut->rig, RIG_RAM), rig_ram(&ref->rig, RIG_RAM), RAM_SIZE);
        return;
    }
    if (by == LEFT_BEFORE) // it must not have left for nothing
        assert_true(ref->left);
    if (by == LEFT_STOP)
        assert_true(d->left <= 0);
    if (by == LEFT_ENTRY)
        assert_true(d->left == r->left);
    done_entries += by != LEFT_ENTRY;
    assert_int_equal(r->pc, d->pc);
    r->fp_off &= r->frm == IR_RM_RMM ? ~(uint64_t)IR_FP_BAD_RM : UINT64_MAX;
    compare(code, code->blocks[0]);
    done_insns += ir_env_icount(d);
    done_leaves += by == LEFT_BEFORE;
}

static void check_compiled(GenRng *rng, Compiler *c, IrCode *code, bool linear)
{
    IrCode **singles = split(code);
    c->stats = gen_below(rng, 2);
    c->shared = gen_below(rng, 2);
    c->linear = linear;
    JitUnit *u = compile_code(c, code);
    for (unsigned k = 0; k < 20; k++)
        for (unsigned entry = 0; entry < u->n_entries; entry++)
            run_entry(rng, code, singles, u, entry, c->linear);
    jit_unit_free(u);
    code_memory_reset(c->memory);
    free_split(singles, code->n_blocks);
}

static void check_random(GenRng *rng, Compiler *c)
{
    g_autoptr(IrCode) code = random_code(rng);
    check_compiled(rng, c, code, gen_below(rng, 2));
}

// Loops that walk in RAM, and out of it.
static void loops(void **state)
{
    Compiler c;
    GenRng rng = {22};
    (void)state;
    done_insns = done_leaves = 0;
    compiler_init(&c, SANDBOX_HELPERS);
    c.opt = 1;
    for (unsigned n = 0; n < 200; n++) {
        g_autoptr(IrCode) code = loop_code(&rng, CODE_BASE, RIG_RAM, RAM_SIZE);
        check_compiled(&rng, &c, code, true);
    }
    compiler_deinit(&c);
    assert_true(done_insns > 100000);
    assert_true(done_leaves > 300);
}

static void compiled(void **state)
{
    static const unsigned regions[] = {60, 160, 60, 5};
    Compiler c;
    GenRng rng = {21};
    (void)state;
    done_insns = done_leaves = done_entries = done_tries = 0;
    compiler_init(&c, SANDBOX_HELPERS);
    for (unsigned i = 0; i < G_N_ELEMENTS(regions); i++) {
        c.opt = i;
        for (unsigned n = 0; n < regions[i]; n++)
            check_random(&rng, &c);
    }
    compiler_deinit(&c);
    assert_true(done_insns > 100000);
    assert_true(done_leaves > 300);
    assert_true(done_entries > 1000);
    assert_true(done_tries > 10);
}

int main(void)
{
    ref = machine_new();
    dut = machine_new();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(interpreter),
        cmocka_unit_test(compiled),
        cmocka_unit_test(loops),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    machine_free(ref);
    machine_free(dut);
    return failed;
}
