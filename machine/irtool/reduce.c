// SPDX-License-Identifier: GPL-3.0-or-later
// addend blocks reduce: runs the guest under -accel check; what differs is cut out, made small and blamed on somebody.
#include "machine/irtool/reduce.h"

#include "ir/plant.h"
#include "machine/check.h"
#include "machine/irtool/irtool.h"
#include "util/access.h"
#include <errno.h>
#include <gio/gio.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SECONDS 60.0
#define MAX_PAGES 4096

typedef struct {
    const Options *o;
    IrCase *c;
    Reduce r;
    unsigned insns;  // of the piece as it was
    uint64_t pc;
    char *symbol, *what;
} Found;

// --- from the machine to a case -------------------------------------------------------------------

static void add_page(IrCase *c, uint64_t page, const uint8_t *bytes)
{
    CaseRange r = {page, PAGE_SIZE};
    g_array_append_val(c->ram, r);
    for (unsigned i = 0; i < PAGE_SIZE; i += CASE_MEM_BYTES) {
        static const uint8_t zero[CASE_MEM_BYTES];
        CaseMem m = {.addr = page + i, .len = CASE_MEM_BYTES};
        memcpy(m.bytes, bytes + i, CASE_MEM_BYTES);
        if (memcmp(m.bytes, zero, sizeof zero))
            g_array_append_val(c->mem, m);
    }
}

// The page of a fault, as the guest has it. False: the fault is the guest's own.
static bool add_faulted(IrCase *c, const Check *check, const MemFault *f)
{
    uint8_t bytes[PAGE_SIZE];
    for (unsigned far = 0; far < 2; far++) { // of an access over two pages it may be the second
        uint64_t page = (f->addr & PAGE_MASK) + far * PAGE_SIZE;
        bool there = false;
        for (unsigned i = 0; i < c->ram->len; i++)
            there |= page - g_array_index(c->ram, CaseRange, i).start < g_array_index(c->ram, CaseRange, i).len;
        if (there)
            continue;
        if (!check_piece_read(check, page, f->access, bytes, PAGE_SIZE))
            return false;
        add_page(c, page, bytes);
        return true;
    }
    return false;
}

// Memory that the evaluator touches on its way.
static void add_memory(IrCase *c, const Check *check)
{
    for (unsigned i = 0; i < MAX_PAGES && ir_case_finish(c, NULL); i++) {
        g_autoptr(CaseRun) run = case_run_exactly(c, (uint64_t)c->left, NULL);
        if (!run || run->stop != STOP_FAULT || !add_faulted(c, check, &run->m->fault))
            break;
    }
}

static IrCase *case_of(const CheckPiece *p, const Check *check)
{
    IrCase *c = ir_case_new(ir_code_copy(p->piece.code));
    c->pc = p->pc;
    memcpy(c->r, p->r, sizeof c->r);
    c->frm = p->frm;
    c->fflags = p->fflags;
    c->fp_off = p->fp_off;
    c->res_addr = p->res_addr;
    c->res_value = p->res_value;
    c->left = (int64_t)p->insns;
    c->paged = p->piece.paged;
    c->movable = p->piece.movable;
    add_memory(c, check);
    if (!c->paged) { // all of it, as runs of pages matter
        CaseRange dram;
        check_dram(check, &dram.start, &dram.len);
        g_array_append_val(c->ram, dram);
    }
    return c;
}

static void take(Found *f, Machine *m, const CheckPiece *p)
{
    f->c = case_of(p, machine_check(m));
    f->r.tier = p->piece.region ? CASE_REGION : CASE_BASELINE;
    f->r.options = (CaseOptions){.opt = p->piece.opt, .plant = plant_get()};
    f->insns = shrink_insns(f->c->code);
    f->pc = p->pc;
    f->symbol = g_strdup(cpu_symbol(machine_cpu(m, 0), p->pc));
    f->what = g_strdup(p->what);
}

// --- telling --------------------------------------------------------------------------------------

static const char *tier_name(const Found *f)
{
    return f->r.tier == CASE_REGION ? "region" : "baseline code";
}

// What this program was called with.
static char *command_line(void)
{
    GString *s = g_string_new("addend");
    char *words = NULL;
    gsize len = 0;
    g_file_get_contents("/proc/self/cmdline", &words, &len, NULL);
    for (gsize at = words ? strlen(words) + 1 : 0; at < len; at += strlen(words + at) + 1) {
        g_autofree char *quoted = g_shell_quote(words + at);
        bool plain = strspn(words + at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=,.:/+@%") ==
                     strlen(words + at);
        g_string_append_printf(s, " %s", plain ? words + at : quoted);
    }
    for (char *c = s->str; *c; c++) // it is one line of a comment
        *c = (unsigned char)*c < 0x20 ? '?' : *c;
    g_free(words);
    return g_string_free(s, FALSE);
}

static void expect_byte(void *opaque, uint64_t addr, uint8_t was, uint8_t now)
{
    IrCase *c = opaque;
    CaseMem *last = c->expect.mem->len ? &g_array_index(c->expect.mem, CaseMem, c->expect.mem->len - 1) : NULL;
    (void)was;
    if (last && last->len < CASE_MEM_BYTES && last->addr + last->len == addr) {
        last->bytes[last->len++] = now;
    } else {
        CaseMem m = {.addr = addr, .len = 1, .bytes = {now}};
        g_array_append_val(c->expect.mem, m);
    }
}

// What the evaluator says, so that the case is a test of it too.
static void add_expectations(IrCase *c)
{
    CaseOptions o = {0};
    g_autoptr(CaseRun) run = case_run(NULL, c, CASE_EVAL, &o, NULL);
    if (!run)
        return;
    for (unsigned r = 1; r < IR_NREGS; r++)
        if (run->m->env.r[r] != c->r[r]) {
            c->expect.regs |= UINT64_C(1) << r;
            c->expect.r[r] = run->m->env.r[r];
        }
    c->expect.has_pc = true;
    c->expect.pc = run->m->env.pc;
    CaseMachine *before = case_machine_new(c, NULL);
    if (before)
        case_machine_compare(before, run->m, expect_byte, c);
    case_machine_free(before);
}

static void print_header(GString *s, const Found *f, const Blame *b)
{
    g_autofree char *command = command_line();
    g_string_append_printf(s, "; Cut out of the %s at 0x%" PRIx64 "%s%s, where %s differed from the interpreter.\n",
                           tier_name(f), f->pc, *f->symbol ? " " : "", f->symbol, f->what);
    if (b) {
        g_string_append_printf(s, "; Wrong: %s%s%s\n", b->part, b->op ? ", " : "", b->op ? b->op : "");
        g_string_append_printf(s, "; because %s.\n", b->how);
    } else {
        g_string_append(s, "; Alone it does not differ.\n");
    }
    g_string_append_printf(s, "; Made by: %s\n", command);
    g_string_append_printf(s, "; Replay: addend ir run %s --accel all -O %u%s%s\n",
                           f->o->reduce_output ? f->o->reduce_output : "FILE", f->r.options.opt,
                           f->o->plant ? " --plant " : "", f->o->plant ? f->o->plant : "");
}

static bool write_case(const Found *f, const Blame *b, GError **error)
{
    g_autoptr(GString) s = g_string_new(NULL);
    print_header(s, f, b);
    ir_case_print(s, f->c);
    if (!f->o->reduce_output) {
        fputs(s->str, stdout);
        return true;
    }
    return g_file_set_contents(f->o->reduce_output, s->str, (gssize)s->len, error);
}

static bool finish(Found *f, GError **error)
{
    Reduce *r = &f->r;
    gint64 start = g_get_monotonic_time();
    double seconds = f->o->reduce_seconds > 0 ? f->o->reduce_seconds : SECONDS;
    r->deadline = start + (gint64)(seconds * 1e6);
    fprintf(stderr, "addend: %s differs in %s at 0x%" PRIx64 " %s, %u instructions\n", f->what, tier_name(f), f->pc,
            f->symbol, f->insns);
    r->tools = case_tools_new();
    bool alone = reduce_fails(r, f->c), ok;
    if (alone) {
        shrink(r, &f->c);
        r->deadline = g_get_monotonic_time() + (gint64)(seconds * 1e6);
        Blame b = blame_find(r, f->c);
        add_expectations(f->c);
        fprintf(stderr, "addend: reduced to %u instructions in %.1f s, %u runs\n", shrink_insns(f->c->code),
                (double)(g_get_monotonic_time() - start) / 1e6, r->tries);
        fprintf(stderr, "addend: wrong: %s%s%s: %s\n", b.part, b.op ? ", " : "", b.op ? b.op : "", b.how);
        ok = write_case(f, &b, error);
        blame_clear(&b);
    } else {
        fprintf(stderr, "addend: alone, from the state that it was entered in, it does the same as the evaluator\n");
        ok = write_case(f, NULL, error);
    }
    case_tools_free(r->tools);
    return ok;
}

// --- the run --------------------------------------------------------------------------------------

static int no_piece(Machine *m, const RunResult *run)
{
    uint64_t stretches, insns;
    bool differs = run->message && g_str_has_prefix(run->message, "check: "), ran = machine_check(m);
    machine_check_counts(m, &stretches, &insns);
    if (run->message)
        fprintf(stderr, "addend: %s\n", run->message);
    if (differs)
        fprintf(stderr, "addend: no piece of compiled code differs alone: not cut out\n");
    else if (ran)
        fprintf(stderr, "addend: no difference in %" PRIu64 " instructions of compiled code\n", insns);
    return differs || !ran;
}

int irtool_reduce(const Options *o, GError **error)
{
    Machine *m = machine_new(o, error);
    Found f = {.o = o};
    RunResult run;
    int status = 1;
    if (!m)
        return 1;
    machine_run(m, &run);
    fflush(stdout);
    const CheckPiece *p = machine_check(m) ? check_piece(machine_check(m)) : NULL;
    if (p)
        take(&f, m, p);
    else
        status = no_piece(m, &run);
    machine_free(m);
    if (p)
        finish(&f, error);
    ir_case_free(f.c);
    g_free(f.symbol);
    g_free(f.what);
    return status;
}
