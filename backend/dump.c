// SPDX-License-Identifier: GPL-3.0-or-later
// What -d prints of translation: guest assembly, IR, GIMPLE, host assembly, in QEMU's text shapes.
#include "backend/engine_private.h"

#include "backend/host_code.h"
#include "backend/inspect_private.h"
#include "util/log.h"
#include <inttypes.h>

static void print_asm(Engine *e, FILE *f, const IrBlock *ir, uint64_t base)
{
    for (unsigned i = 0; i < ir->n_ops; i++) {
        const IrInst *op = &ir->ops[i];
        if (op->op == IR_OP_INSN)
            e->guest.print_insn(e->guest.opaque, f, base + (uint64_t)op->imm, op->reg, ir_insn_bits(op));
    }
}

static void print_ir(FILE *f, const IrBlock *ir, int index)
{
    GString *s = g_string_new(NULL);
    ir_print_block(s, ir, index);
    fputs(s->str, f);
    g_string_free(s, TRUE);
}

void dump_block(Engine *e, const IrBlock *ir, uint64_t base)
{
    uint64_t pc = base + (uint64_t)ir->pc;
    if (!log_in_filter(pc))
        return;
    FILE *f = log_lock();
    if (log_on(LOG_IN_ASM)) {
        fprintf(f, "----------------\nIN: %s\n", e->guest.symbol(e->guest.opaque, pc));
        print_asm(e, f, ir, base);
        fputc('\n', f);
    }
    if (log_on(LOG_OP)) {
        fprintf(f, "OP: 0x%016" PRIx64 " %s\n", pc, e->guest.symbol(e->guest.opaque, pc));
        print_ir(f, ir, 0);
        fputc('\n', f);
    }
    log_unlock();
}

// QEMU's four fields, so that scripts find the pc in the second: cs_base and flags are 0 here, and what QEMU calls
// cflags, whose low bits are its count of instructions, is just that count.
static void print_exec(Engine *e, FILE *f, const Block *b)
{
    fprintf(f, "Trace %u: %p [%016x/%016" PRIx64 "/%08x/%08x] %s\n", e->config.hart,
            b->unit ? (void *)b->unit->code : (void *)b->ops, 0, b->pc, 0, b->n_insns,
            e->guest.symbol(e->guest.opaque, b->pc));
}

void dump_entry(Engine *e, const Block *b)
{
    if (!log_in_filter(b->pc))
        return;
    FILE *f = log_lock();
    if (log_on(LOG_EXEC))
        print_exec(e, f, b);
    if (log_on(LOG_CPU))
        e->guest.print_state(e->guest.opaque, f, log_on(LOG_FPU));
    log_unlock();
}

// Host code as assembly, with lines as QEMU has them in front of what belongs to another instruction.
static void print_part(FILE *f, const uint8_t *code, size_t size, uint64_t head, const HostCode *what)
{
    g_autoptr(GArray) host = g_array_new(FALSE, FALSE, sizeof(CodeHost));
    g_array_set_clear_func(host, (GDestroyNotify)host_code_clear);
    host_code_read(host, code, size, (uintptr_t)code, what);
    unsigned at = 0;
    if (what->lines && !what->cold)
        fprintf(f, "  -- guest addr 0x%016" PRIx64 " + tb prologue\n", head);
    for (unsigned i = 0; i < host->len; i++) {
        const CodeHost *h = &g_array_index(host, CodeHost, i);
        for (; what->lines && at < what->lines->len; at++) {
            const UnitLine *l = &g_array_index(what->lines, UnitLine, at);
            if (l->cold == what->cold && l->host > h->addr - (uintptr_t)code)
                break;
            if (l->cold != what->cold)
                continue;
            if (!l->none)
                fprintf(f, "  -- guest addr 0x%016" PRIx64 "\n", l->pc);
            else if (i)
                fprintf(f, "  -- tb entries and exits\n");
        }
        fprintf(f, "0x%08" PRIx64 ":  %s\n", h->addr, h->text);
    }
}

static void print_host(FILE *f, const JitUnit *u)
{
    g_autoptr(GArray) lines = unit_lines(u);
    HostCode what = {.baseline = u->block, .lines = lines};
    print_part(f, u->text, u->code_size, u->base, &what);
    if (u->block) {
        fprintf(f, "  -- tb slow paths + alignment\n");
        what.cold = true;
        print_part(f, u->cold, u->cold_size, u->base, &what);
    }
}

static void print_all_asm(Engine *e, FILE *f, const IrCode *code)
{
    for (unsigned i = 0; i < code->n_blocks; i++)
        print_asm(e, f, code->blocks[i], code->base);
}

static CodePiece *piece_of(const Inspection *i, const void *what)
{
    for (unsigned k = 0; k < i->pieces->len; k++) {
        CodePiece *p = g_ptr_array_index(i->pieces, k);
        if (p->opaque == what)
            return p;
    }
    return NULL;
}

void engine_print_code(Engine *e, uint64_t pc, FILE *f)
{
    Block *b = engine_peek(e, pc);
    const JitUnit *u = b ? b->unit : NULL;
    if (!u) {
        fprintf(f, "no compiled code at 0x%016" PRIx64 "\n", pc);
        return;
    }
    if (!u->block) {
        fprintf(f, "IN: %s\n", e->guest.symbol(e->guest.opaque, pc));
        print_all_asm(e, f, u->ir);
        Inspection *i = inspect(e);
        CodePiece *p = piece_of(i, u);
        g_autoptr(GError) error = NULL;
        if (!inspect_fill(e, p, &error))
            fprintf(f, "%s\n", error->message);
        for (unsigned k = 0; k < p->forms->len; k++) {
            const CodeForm *form = &g_array_index(p->forms, CodeForm, k);
            if (!k || form->changed)
                fprintf(f, "%s:\n%s\n", form->name, form->text);
        }
        inspection_free(i);
    }
    fprintf(f, "OUT: [size=%zu]%s\n", u->code_size + u->cold_size, u->block ? ", baseline" : "");
    print_host(f, u);
}

void dump_baseline(Engine *e, const JitUnit *u)
{
    if (!log_in_filter(u->base))
        return;
    FILE *f = log_lock();
    fprintf(f, "OUT: [size=%zu] 0x%016" PRIx64 " %s, baseline\n", u->code_size + u->cold_size, u->base,
            e->guest.symbol(e->guest.opaque, u->base));
    print_host(f, u);
    fputc('\n', f);
    log_unlock();
}

static void print_region(FILE *f, const JitUnit *u, const char *name)
{
    g_autofree char *ends = inspect_region_end(u);
    fprintf(f, "jit: region 0x%016" PRIx64 " %s: %u blocks, %u guest instructions, %zu bytes, %u entries, %.1f ms\n",
            u->base, name, u->n_blocks, u->n_insns, u->code_size, u->n_entries, (double)u->compile_ns / 1e6);
    fprintf(f, "jit:   ends: %s\njit:   ms:", ends);
    for (unsigned i = 0; i < JIT_STAGES; i++)
        fprintf(f, " %s %.2f", jit_stage_names[i], (double)u->info->stage_ns[i] / 1e6);
    fprintf(f, " load %.2f\n", (double)u->info->load_ns / 1e6);
}

typedef struct {
    FILE *f;
    uint64_t base;
    const char *name; // of the function there
} PassDump;

static void dump_pass(void *opaque, const char *pass, const IrCode *code, bool changed)
{
    const PassDump *d = opaque;
    g_autoptr(GString) s = g_string_new(NULL);
    if (!changed)
        return;
    ir_print(s, code);
    fprintf(d->f, "OP after %s: 0x%016" PRIx64 " %s\n%s\n", pass, d->base, d->name, s->str);
}

static void dump_passes(FILE *f, const JitUnit *u, const char *name)
{
    PassDump d = {f, u->base, name};
    region_run_passes(u, dump_pass, &d);
}

void dump_region(Engine *e, const QueueResult *r, const JitUnit *u)
{
    if (!log_in_filter(u->base))
        return;
    const char *name = e->guest.symbol(e->guest.opaque, u->base);
    FILE *f = log_lock();
    if (log_on(LOG_JIT))
        print_region(f, u, name);
    if (log_on(LOG_OUT_ASM | LOG_GIMPLE | LOG_OP_OPT | LOG_OP_PASS) && log_on(LOG_IN_ASM)) {
        fprintf(f, "----------------\nIN: %s\n", name);
        print_all_asm(e, f, u->ir);
    }
    if (log_on(LOG_OP_PASS))
        dump_passes(f, u, name);
    if (log_on(LOG_OP_OPT) && r->ir)
        fprintf(f, "OP after optimization: 0x%016" PRIx64 " %s\n%s\n", u->base, name, r->ir);
    if (log_on(LOG_GIMPLE) && r->gimple) {
        g_autofree char *text = gimple_with_assembly(e, u, r->gimple);
        fprintf(f, "GIMPLE: 0x%016" PRIx64 " %s\n%s\n", u->base, name, text);
    }
    if (log_on(LOG_OUT_ASM)) {
        fprintf(f, "OUT: [size=%zu] 0x%016" PRIx64 " %s\n", u->code_size, u->base, name);
        print_host(f, u);
        fputc('\n', f);
    }
    log_unlock();
}
