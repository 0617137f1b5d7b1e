// SPDX-License-Identifier: GPL-3.0-or-later
// Runs tests/exec/*.cases on the interpreter and as compiled code at several optimisation levels. Argument: the
// directory of the case files.
//
// Compiling each case alone would take minutes. So a first round only collects the cases' blocks (and lets
// the evaluator give the answers), then some hundred blocks at once are compiled as entries of one region, and a
// second round runs them. What the first block does not do (exits, traps, devices) is left to the interpreter.
#include "tests/test.h"
#include "tests/backend/compile.h"
#include "tests/backend/rig.h"
#include "tests/exec_cases.h"
#include "frontend/helpers.h"
#include <string.h>

#define BATCH 150 // blocks in one region

static const char *directory;
static HartRig rig;

// The hart's state without what belongs to an engine.
static void copy_hart(Hart *to, const Hart *from)
{
    Hart old = *to;
    *to = *from;
    to->hooks = old.hooks;
    to->env.tlb_mask = old.env.tlb_mask;
    to->env.runs = old.env.runs;
    to->env.tlb_table = old.env.tlb_table;
    to->env.jumps = old.env.jumps;
    to->env.engine = old.env.engine;
    to->env.ram_slow = old.env.ram_slow;
    to->env.jit_access = old.env.jit_access;
    to->env.atomic_slow = old.env.atomic_slow;
    to->env.system = old.env.system;
    to->env.fp = old.env.fp;
    to->env.fp_soft = old.env.fp_soft;
    to->env.jit_call = old.env.jit_call;
}

static void load_machine(const ExecMachine *m)
{
    memcpy(rig_ram(&rig.rig, EXEC_RAM_BASE), m->ram, EXEC_RAM_SIZE);
    code_pages_written(rig.rig.pages, rig.rig.ram.ram->offset, EXEC_RAM_SIZE);
    copy_hart(&rig.hart, &m->hart);
    rig.hart.hooks.mmu_changed(&rig);
    rig.hart.hooks.tlb_flush(&rig); // each case brings its own page tables and PMP
}

// Interprets what is left of the case.
static void finish_machine(ExecMachine *m)
{
    IrEnv *env = &rig.hart.env;
    while (rig.hart.trap_count == 0 && env->left > 0)
        engine_step_block(rig.rig.engine);
    memcpy(m->ram, rig_ram(&rig.rig, EXEC_RAM_BASE), EXEC_RAM_SIZE);
    copy_hart(&m->hart, &rig.hart);
}

static void run_interp(void *opaque, ExecMachine *m)
{
    (void)opaque;
    load_machine(m);
    finish_machine(m);
}

static unsigned entered_baseline;

static void run_baseline(void *opaque, ExecMachine *m)
{
    (void)opaque;
    load_machine(m);
    engine_enter_compiled(rig.rig.engine);
    entered_baseline += ir_env_icount(&rig.hart.env) != 0;
    finish_machine(m);
}

typedef struct {
    Compiler compiler;
    GPtrArray *units, *codes; // one per batch
    unsigned next;            // case
    unsigned entered;         // cases that did something in compiled code
} Batches;

static void collect(void *opaque, ExecMachine *m)
{
    Batches *b = opaque;
    LiftSource src = {m, exec_fetch, LIFT_MAX_INSNS, 0};
    MemFault fault;
    if (b->next++ % BATCH == 0)
        g_ptr_array_add(b->codes, ir_code_new(EXEC_RAM_BASE));
    IrCode *code = g_ptr_array_index(b->codes, b->codes->len - 1);
    IrBlock *block = ir_block_new(0);
    if (!lift_block(block, &src, code->base, m->hart.env.pc, &fault)) { // a fetch fault; the place is kept
        ir_block_reset(block, 0);
        ir_insn(block, 0, 4, 0);
        ir_emit(block, IR_OP_SYS, 0, ir_const(block, 0), ir_const(block, 0), 0);
    }
    block->is_entry = true;
    ir_code_add(code, block);
    exec_engine_eval.run(exec_engine_eval.opaque, m);
}

static void run_compiled(void *opaque, ExecMachine *m)
{
    Batches *b = opaque;
    unsigned n = b->next++;
    JitUnit *u = g_ptr_array_index(b->units, n / BATCH);
    load_machine(m);
    IrEnv *env = &rig.hart.env;
    uint64_t pc = env->pc;
    assert_int_equal(u->base + (uint64_t)u->entries[n % BATCH], pc);
    compiled_run(u, env, n % BATCH);
    b->entered += ir_env_icount(env) != 0;
    finish_machine(m);
}

static void cases(void **state)
{
    g_autofree char *path = g_strdup_printf("%s/%s.cases", directory, (const char *)*state);
    ExecEngine interp = {"interpreter", NULL, run_interp};
    unsigned count;
    bool leaves_at_once = g_strv_contains((const char *const[]){"system", "priv", "sv", NULL}, *state);
    assert_int_equal(exec_cases_run(path, &interp, &count), 0);
    assert_true(count > 10);

    ExecEngine baseline = {"baseline", NULL, run_baseline};
    entered_baseline = 0;
    assert_int_equal(exec_cases_run(path, &baseline, &count), 0);
    if (!leaves_at_once)
        assert_true(entered_baseline > count / 2);

    Batches b = {.codes = g_ptr_array_new_with_free_func((GDestroyNotify)ir_code_free)};
    ExecEngine collector = {"evaluator", &b, collect};
    assert_int_equal(exec_cases_run(path, &collector, &count), 0);
    compiler_init(&b.compiler, HELPERS);
    for (unsigned opt = 0; opt <= 2; opt++) {
        g_autofree char *name = g_strdup_printf("compiled at -O%u", opt);
        ExecEngine compiled = {name, &b, run_compiled};
        b.compiler.opt = opt;
        b.units = g_ptr_array_new_with_free_func((GDestroyNotify)jit_unit_free);
        for (unsigned i = 0; i < b.codes->len; i++)
            g_ptr_array_add(b.units, compile_code(&b.compiler, g_ptr_array_index(b.codes, i)));
        b.next = b.entered = 0;
        assert_int_equal(exec_cases_run(path, &compiled, &count), 0);
        assert_int_equal(b.next, count);
        if (!leaves_at_once)
            assert_true(b.entered > count / 2);
        g_ptr_array_free(b.units, TRUE);
    }
    compiler_deinit(&b.compiler);
    g_ptr_array_free(b.codes, TRUE);
}

#define CASES(file)                                                                                                    \
    {                                                                                                                  \
        file, cases, NULL, NULL, (void *)file                                                                          \
    }

int main(int argc, char **argv)
{
    assert_int_equal(argc, 2);
    directory = argv[1];
    EngineConfig config = {.baseline = true, .system = true, .warm = 0};
    hart_rig_init(&rig, EXEC_RAM_SIZE, &config);
    const struct CMUnitTest tests[] = {
        CASES("rv64i"), CASES("rv64m"), CASES("rv64a"), CASES("rv64c"),
        CASES("zba"),   CASES("zbb"),   CASES("zbs"),   CASES("system"), CASES("priv"), CASES("sv"),
        CASES("rv64f"), CASES("rv64d"),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    hart_rig_deinit(&rig);
    return failed;
}
