// SPDX-License-Identifier: GPL-3.0-or-later
// Engines on IR cases. Control may leave a piece of code and come back: whoever runs looks up the block at the pc, so
// that all engines go the same way.
#include "machine/irtool/case_run.h"

#include "backend/baseline.h"
#include "backend/engine_private.h"
#include "backend/fp_mode.h"
#include "backend/jit_call.h"
#include <gio/gio.h>
#include <inttypes.h>
#include <string.h>

const char *const case_engine_names[CASE_ENGINES] = {"eval", "interp", "baseline", "jit"};

struct CaseTools {
    Queue *queue;
    CodeMemory *memory;
    CodeArena *arena;
    char *key;       // what unit was compiled from; NULL: there is none
    JitUnit *unit;
    CodeMemory *unit_memory;
};

static void on_result(void *opaque)
{
    (void)opaque;
}

CaseTools *case_tools_new(void)
{
    CaseTools *t = g_new0(CaseTools, 1);
    t->memory = code_memory_new(0);
    t->unit_memory = code_memory_new(0);
    t->arena = code_arena_new();
    return t;
}

static void drop_unit(CaseTools *t)
{
    if (t->unit)
        jit_unit_free(t->unit);
    t->unit = NULL;
    g_clear_pointer(&t->key, g_free);
    code_memory_reset(t->unit_memory);
}

void case_tools_free(CaseTools *t)
{
    if (!t)
        return;
    drop_unit(t);
    code_memory_free(t->unit_memory);
    if (t->queue)
        queue_free(t->queue, NULL);
    code_arena_free(t->arena);
    code_memory_free(t->memory);
    g_free(t);
}

void case_run_free(CaseRun *r)
{
    if (!r)
        return;
    case_machine_free(r->m);
    g_free(r);
}

static CaseRun *new_run(const IrCase *c, CaseEngine engine, GError **error)
{
    CaseMachine *m = case_machine_new(c, error);
    if (!m)
        return NULL;
    CaseRun *r = g_new0(CaseRun, 1);
    r->engine = engine;
    r->m = m;
    return r;
}

static CaseRun *end_run(CaseRun *r)
{
    CaseMachine *m = r->m;
    case_machine_settle(m);
    r->stop = m->stop ? m->stop : m->env.left <= 0 ? STOP_LEFT : STOP_OUT;
    r->insns = case_machine_done(m);
    return r;
}

// The index of the block at the machine's pc; -1: it is to stop here.
static int next_block(const IrCase *c, const CaseMachine *m)
{
    return m->stop || m->env.left <= 0 ? -1 : ir_case_block(c, m->env.pc);
}

// --- evaluator ------------------------------------------------------------------------------------

// The block alone, up to the instruction before which `insns` of it are done.
static IrCode *part_of_block(const IrCode *code, unsigned n, uint64_t insns)
{
    IrCode *one = ir_code_new(code->base);
    IrBlock *b = ir_block_copy(code->blocks[n]);
    b->edge[0].block = b->edge[1].block = -1;
    b->n_guess = 0;
    if (insns < b->n_insns) {
        unsigned at = 0;
        for (uint64_t seen = 0; seen <= insns; at++)
            seen += b->ops[at].op == IR_OP_INSN;
        b->n_ops = at - 1;
        b->n_insns = (uint32_t)insns;
        b->edge[0].pc = b->ops[b->n_ops].imm;
        ir_emit(b, IR_OP_JUMP, 0, IR_NOVAL, IR_NOVAL, 0);
    }
    ir_code_add(one, b);
    return one;
}

static void eval_block(CaseMachine *m, const IrCase *c, unsigned n, uint64_t insns)
{
    g_autoptr(IrCode) one = part_of_block(c->code, n, insns);
    ir_eval(one, 0, &m->env, &m->mem);
}

static CaseRun *run_eval(const IrCase *c, GError **error)
{
    CaseRun *r = new_run(c, CASE_EVAL, error);
    for (int n; r && (n = next_block(c, r->m)) >= 0;)
        ir_eval(c->code, (unsigned)n, &r->m->env, &r->m->mem);
    return r ? end_run(r) : NULL;
}

CaseRun *case_run_exactly(const IrCase *c, uint64_t insns, GError **error)
{
    CaseRun *r = new_run(c, CASE_EVAL, error);
    if (!r)
        return NULL;
    case_machine_budget(r->m, (int64_t)insns);
    for (int n; (n = next_block(c, r->m)) >= 0;)
        eval_block(r->m, c, (unsigned)n, (uint64_t)r->m->env.left);
    return end_run(r);
}

GArray *case_boundaries(const IrCase *c, unsigned max)
{
    GArray *at = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    CaseRun *r = new_run(c, CASE_EVAL, NULL);
    for (int n; r && at->len < max && (n = next_block(c, r->m)) >= 0;) {
        uint64_t done = case_machine_done(r->m);
        g_array_append_val(at, done);
        eval_block(r->m, c, (unsigned)n, UINT64_MAX);
    }
    case_run_free(r);
    return at;
}

// --- interpreter ----------------------------------------------------------------------------------

static bool translate_all(const IrCase *c, Interp *in, GPtrArray *blocks, GError **error)
{
    for (unsigned i = 0; i < c->code->n_blocks; i++) {
        Block *b = interp_translate(c->code->blocks[i], c->code->base, false, NULL);
        if (!b) {
            g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "block b%u has too many values for the interpreter", i);
            return false;
        }
        b->heat = b->heat_start = INT32_MAX;
        b->mode = c->paged ? CODE_PAGED : 3;
        *b->runs = INT32_MAX;
        g_ptr_array_add(blocks, b);
    }
    for (unsigned i = 0; in && i < blocks->len; i++) {
        Block *b = g_ptr_array_index(blocks, i);
        interp_note_jump(in, b);
        for (unsigned k = 0; k < 2; k++) {
            int to = b->succ_pc[k] == UINT64_MAX ? -1 : ir_case_block(c, b->succ_pc[k]);
            b->succ[k] = to >= 0 ? g_ptr_array_index(blocks, to) : NULL;
        }
    }
    return true;
}

static CaseRun *run_interp(const IrCase *c, GError **error)
{
    CaseRun *r = new_run(c, CASE_INTERP, error);
    if (!r)
        return NULL;
    Interp in;
    g_autoptr(GPtrArray) blocks = g_ptr_array_new_with_free_func((GDestroyNotify)block_free);
    JumpTables *jumps = jump_tables_new();
    interp_init(&in, &r->m->env, r->m->tlb);
    in.jumps = jump_tables_enter(jumps, 3, 0, 0);
    if (translate_all(c, &in, blocks, error)) {
        for (int n; (n = next_block(c, r->m)) >= 0;)
            interp_run(&in, g_ptr_array_index(blocks, n));
        end_run(r);
    } else {
        g_clear_pointer(&r, case_run_free);
    }
    jump_tables_free(jumps);
    return r;
}

// --- compiled code --------------------------------------------------------------------------------

static void enter(CaseMachine *m, JitUnit *u, uint64_t entry)
{
    IrEnv *env = &m->env;
    fp_mode_enter(env);
    JitSlot *slots = jit_enter(env, u->slots, entry, u->code);
    fp_mode_leave(env);
    u = jit_unit_of(slots);
    if (env->exit_site == JIT_SITE_PC)
        return;
    const JitSite *site = &u->sites[env->exit_site];
    if (site->why == JIT_JUMPED)
        return;
    env->pc = u->base + (uint64_t)site->pc;
    env->left += site->adjust;
    if (site->why == JIT_BEFORE)
        m->stop = STOP_BEFORE;
    else if (site->why == JIT_REFUSED)
        m->stop = STOP_REFUSED;
}

static CaseRun *run_baseline(CaseTools *t, const IrCase *c, GError **error)
{
    CaseRun *r = new_run(c, CASE_BASELINE, error);
    g_autoptr(GPtrArray) blocks = g_ptr_array_new_with_free_func((GDestroyNotify)block_free);
    bool ok = r && translate_all(c, NULL, blocks, error);
    g_autofree JitUnit **units = g_new0(JitUnit *, c->code->n_blocks);
    for (int n; ok && (n = next_block(c, r->m)) >= 0;) {
        if (!units[n]) // when it is about to be entered, as ever
            units[n] = baseline_translate(g_ptr_array_index(blocks, n), &r->m->env, false, false, t->memory, t->arena,
                                          error);
        ok = units[n];
        if (ok)
            enter(r->m, units[n], 0);
    }
    if (ok)
        end_run(r);
    else
        g_clear_pointer(&r, case_run_free);
    code_arena_reset(t->arena);
    code_memory_reset(t->memory);
    return r;
}

QueueResult *case_compile(CaseTools *t, const IrCase *c, const CaseOptions *o, bool gimple, GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);
    ir_print(text, c->code);
    JitRequest rq = {.opt = (uint8_t)o->opt, .movable = c->movable, .linear = !c->paged, .want_gimple = gimple,
                     .want_ir = gimple, .n_helpers = CASE_HELPERS, .skip_passes = o->skip_passes, .plant = o->plant};
    if (!t->queue)
        t->queue = queue_new(1, on_result, NULL);
    queue_submit(t->queue, &rq, text->str, t);
    QueueResult *q = queue_take(t->queue, true);
    if (!q->failed)
        return q;
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s", q->message ? q->message : "the compile worker is lost");
    queue_result_free(q);
    return NULL;
}

// The region of c, perhaps that of the last call: only its state is another one then. The tools keep it.
static JitUnit *compile_unit(CaseTools *t, const IrCase *c, const CaseOptions *o, GError **error)
{
    g_autoptr(GString) key = g_string_new(NULL);
    g_string_printf(key, "%u %u %u %u %u\n", o->opt, o->skip_passes, o->plant, c->paged, c->movable);
    ir_print(key, c->code);
    if (t->key && !strcmp(t->key, key->str))
        return t->unit;
    drop_unit(t);
    QueueResult *q = case_compile(t, c, o, false, error);
    t->unit = q ? unit_from_result(t->unit_memory, c->code->base, q, error) : NULL;
    t->key = t->unit ? g_strdup(key->str) : NULL;
    if (q)
        queue_result_free(q);
    return t->unit;
}

static int entry_at(const JitUnit *u, uint64_t pc)
{
    for (unsigned i = 0; i < u->n_entries; i++)
        if (u->base + (uint64_t)u->entries[i] == pc)
            return (int)i;
    return -1;
}

static CaseRun *run_region(CaseTools *t, const IrCase *c, const CaseOptions *o, GError **error)
{
    JitUnit *u = compile_unit(t, c, o, error);
    CaseRun *r = u ? new_run(c, CASE_REGION, error) : NULL;
    for (int n; r && (n = next_block(c, r->m)) >= 0;) {
        int entry = entry_at(u, r->m->env.pc);
        if (entry >= 0)
            enter(r->m, u, (uint64_t)entry);
        else // the interpreter's, as it is no entry
            eval_block(r->m, c, (unsigned)n, UINT64_MAX);
    }
    return r ? end_run(r) : NULL;
}

CaseRun *case_run(CaseTools *t, const IrCase *c, CaseEngine engine, const CaseOptions *o, GError **error)
{
    switch (engine) {
    case CASE_EVAL:
        return run_eval(c, error);
    case CASE_INTERP:
        return run_interp(c, error);
    case CASE_BASELINE:
        return run_baseline(t, c, error);
    default:
        return run_region(t, c, o, error);
    }
}

// --- comparing ------------------------------------------------------------------------------------

typedef struct {
    uint64_t addr, n;
    uint8_t want, got;
} Different;

static void note_byte(void *opaque, uint64_t addr, uint8_t want, uint8_t got)
{
    Different *d = opaque;
    if (!d->n++)
        *d = (Different){addr, 1, want, got};
}

char *case_run_differs(const CaseRun *want, const CaseRun *got)
{
    const IrEnv *a = &want->m->env, *b = &got->m->env;
    Different d = {0};
    if (want->insns != got->insns)
        return g_strdup_printf("ran %" PRIu64 " instructions, but the evaluator %s at 0x%" PRIx64 ", after %" PRIu64,
                               got->insns, case_stop_words[want->stop], a->pc, want->insns);
    for (unsigned r = 0; r < IR_NREGS; r++)
        if (a->r[r] != b->r[r])
            return g_strdup_printf("register %s is 0x%" PRIx64 " and not 0x%" PRIx64, ir_case_reg_name(r), b->r[r],
                                   a->r[r]);
    if (a->pc != b->pc)
        return g_strdup_printf("pc is 0x%" PRIx64 " and not 0x%" PRIx64, b->pc, a->pc);
    case_machine_compare(want->m, got->m, note_byte, &d);
    if (d.n)
        return g_strdup_printf("the byte at 0x%" PRIx64 " is 0x%02x and not 0x%02x%s", d.addr, d.got, d.want,
                               d.n > 1 ? ", and more" : "");
    if (a->fflags != b->fflags)
        return g_strdup_printf("fflags is 0x%" PRIx64 " and not 0x%" PRIx64, b->fflags, a->fflags);
    if (a->res_addr != b->res_addr)
        return g_strdup_printf("the reservation is 0x%" PRIx64 " and not 0x%" PRIx64, b->res_addr, a->res_addr);
    return NULL;
}

char *case_check(CaseTools *t, const IrCase *c, CaseEngine engine, const CaseOptions *o, GError **error)
{
    g_autoptr(CaseRun) got = case_run(t, c, engine, o, error);
    g_autoptr(CaseRun) want = got ? case_run_exactly(c, got->insns, error) : NULL;
    return want ? case_run_differs(want, got) : NULL;
}

char *case_expected(const IrCase *c, const CaseRun *r)
{
    const CaseExpect *e = &c->expect;
    const IrEnv *env = &r->m->env;
    for (unsigned i = 0; i < IR_NREGS; i++)
        if (e->regs >> i & 1 && env->r[i] != e->r[i])
            return g_strdup_printf("register %s is 0x%" PRIx64 ", expected 0x%" PRIx64, ir_case_reg_name(i), env->r[i],
                                   e->r[i]);
    if (e->has_pc && env->pc != e->pc)
        return g_strdup_printf("pc is 0x%" PRIx64 ", expected 0x%" PRIx64, env->pc, e->pc);
    if (e->has_fflags && env->fflags != e->fflags)
        return g_strdup_printf("fflags is 0x%" PRIx64 ", expected 0x%" PRIx64, env->fflags, e->fflags);
    for (unsigned i = 0; i < e->mem->len; i++) {
        const CaseMem *m = &g_array_index(e->mem, CaseMem, i);
        for (unsigned k = 0; k < m->len; k++)
            if (case_machine_byte(r->m, m->addr + k) != m->bytes[k])
                return g_strdup_printf("the byte at 0x%" PRIx64 " is 0x%02x, expected 0x%02x", m->addr + k,
                                       case_machine_byte(r->m, m->addr + k), m->bytes[k]);
    }
    return NULL;
}
