// SPDX-License-Identifier: GPL-3.0-or-later
// addend ir run.
#include "ir/plant.h"
#include "machine/irtool/ir_command.h"

#include <inttypes.h>

typedef struct { // bytes that differ, gathered into lines
    GString *was, *now;
    uint64_t start, next;
    FILE *out;
} Bytes;

static void flush(Bytes *b)
{
    if (b->was->len)
        fprintf(b->out, "  mem 0x%" PRIx64 ":%s ->%s\n", b->start, b->was->str, b->now->str);
    g_string_truncate(b->was, 0);
    g_string_truncate(b->now, 0);
}

static void on_byte(void *opaque, uint64_t addr, uint8_t was, uint8_t now)
{
    Bytes *b = opaque;
    if (addr != b->next || addr % CASE_MEM_BYTES == 0) {
        flush(b);
        b->start = addr;
    }
    b->next = addr + 1;
    g_string_append_printf(b->was, " %02x", was);
    g_string_append_printf(b->now, " %02x", now);
}

static void print_changes(const IrCase *c, const CaseRun *r, CaseMachine *before, FILE *out)
{
    const IrEnv *env = &r->m->env;
    for (unsigned i = 0; i < IR_NREGS; i++)
        if (c->r[i] != env->r[i])
            fprintf(out, "  %s 0x%" PRIx64 " -> 0x%" PRIx64 "\n", ir_case_reg_name(i), c->r[i], env->r[i]);
    Bytes b = {g_string_new(NULL), g_string_new(NULL), 0, 0, out};
    case_machine_compare(before, r->m, on_byte, &b);
    flush(&b);
    g_string_free(b.was, TRUE);
    g_string_free(b.now, TRUE);
    if (env->fflags != c->fflags)
        fprintf(out, "  fflags 0x%" PRIx64 " -> 0x%" PRIx64 "\n", c->fflags, env->fflags);
    if (env->res_addr != c->res_addr)
        fprintf(out, "  reservation 0x%" PRIx64 " -> 0x%" PRIx64 "\n", c->res_addr, env->res_addr);
}

static void print_end(const CaseRun *r, FILE *out)
{
    static const char *const kinds[] = {"", "misaligned atomic access", "no such RAM", "page fault"};
    const MemFault *f = &r->m->fault;
    fprintf(out, "%s: %" PRIu64 " instructions, %s at 0x%" PRIx64, case_engine_names[r->engine], r->insns,
            case_stop_words[r->stop], r->m->env.pc);
    if (r->stop == STOP_FAULT)
        fprintf(out, " (%s, %s 0x%" PRIx64 ")", kinds[f->kind], f->access == ACCESS_READ ? "load" : "store", f->addr);
}

// Prints one engine's run; whether it is right.
static int report(const IrCase *c, const CaseRun *r, FILE *out, GError **error)
{
    g_autoptr(CaseRun) want = case_run_exactly(c, r->insns, error);
    if (!want)
        return 1;
    print_end(r, out);
    g_autofree char *wrong = r->engine == CASE_EVAL ? case_expected(c, r) : case_run_differs(want, r);
    fprintf(out, "%s%s\n", !wrong ? "" : r->engine == CASE_EVAL ? ": " : ": differs from the evaluator: ",
            wrong ? wrong : r->engine == CASE_EVAL ? "" : ", as the evaluator");
    CaseMachine *before = r->engine == CASE_EVAL || wrong ? case_machine_new(c, error) : NULL;
    if (before)
        print_changes(c, r, before, out);
    case_machine_free(before);
    return wrong != NULL;
}

int ir_command_run(const Options *o, const IrCase *c, FILE *out, GError **error)
{
    g_autoptr(CaseTools) tools = case_tools_new();
    CaseOptions options = {.opt = o->jit_opt < 0 ? ENGINE_DEFAULT_OPT : (unsigned)o->jit_opt, .plant = plant_get()};
    int status = 0;
    for (CaseEngine e = CASE_EVAL; e < CASE_ENGINES; e++) {
        if (o->ir_accel != IR_ACCEL_ALL && (unsigned)e != (unsigned)o->ir_accel)
            continue;
        g_autoptr(CaseRun) r = case_run(tools, c, e, &options, error);
        if (!r)
            return 1;
        status |= report(c, r, out, error);
    }
    return status;
}
