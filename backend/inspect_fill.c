// SPDX-License-Identifier: GPL-3.0-or-later
// The forms of one piece of code: IR, what passes make of it, GIMPLE, host code.
#include "backend/inspect_private.h"

#include "backend/host_code.h"
#include "backend/unit_lines.h"
#include <gio/gio.h>
#include <stdlib.h>
#include <string.h>

static void form_clear(CodeForm *f)
{
    g_free(f->name);
    g_free(f->text);
}

static unsigned count_ops(const IrCode *code)
{
    unsigned n = 0;
    for (unsigned i = 0; i < code->n_blocks; i++)
        n += code->blocks[i]->n_ops;
    return n;
}

static void add_ir(CodePiece *p, const char *name, const IrCode *code, bool changed)
{
    GString *s = g_string_new(NULL);
    ir_print(s, code);
    CodeForm f = {g_strdup(name), g_string_free(s, FALSE), changed, count_ops(code)};
    g_array_append_val(p->forms, f);
}

// The code that block b was made from, as IR. NULL: *error.
static IrCode *lift_again(const Engine *e, const Block *b, GError **error)
{
    g_autoptr(IrCode) code = ir_code_new(b->pc);
    IrBlock *ir = ir_block_new(0);
    ir_code_add(code, ir);
    if (!e->guest.lift_bytes ||
        !e->guest.lift_bytes(e->guest.opaque, b->pc, b->pc, block_bytes(b), block_end(b) - b->pc, b->n_insns, ir)) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "the block at 0x%" G_GINT64_MODIFIER
                    "x cannot be lifted again", b->pc);
        return NULL;
    }
    ir->is_entry = true;
    ir->count = block_count(b);
    return g_steal_pointer(&code);
}

static int insn_at(const CodePiece *p, uint64_t pc)
{
    for (unsigned i = 0; i < p->insns->len; i++)
        if (g_array_index(p->insns, CodeInsn, i).pc == pc)
            return (int)i;
    return -1;
}

// Notes of each host instruction from `first` on, of a part that lies at addr, which guest instruction it belongs to.
static void assign_insns(CodePiece *p, const GArray *lines, unsigned first, uint64_t addr, bool cold)
{
    unsigned at = 0;
    int insn = -1;
    for (unsigned i = first; i < p->host->len; i++) {
        CodeHost *h = &g_array_index(p->host, CodeHost, i);
        for (; at < lines->len; at++) {
            const UnitLine *l = &g_array_index(lines, UnitLine, at);
            if (l->cold == cold && l->host > h->addr - addr)
                break;
            if (l->cold == cold)
                insn = l->none ? -1 : insn_at(p, l->pc);
        }
        h->insn = insn;
    }
}

static void add_part(CodePiece *p, const GArray *lines, const uint8_t *code, size_t size, uint64_t addr, bool cold)
{
    unsigned first = p->host->len;
    HostCode what = {.cold = cold, .baseline = p->tier == CODE_BASELINE, .lines = lines};
    host_code_read(p->host, code, size, addr, &what);
    assign_insns(p, lines, first, addr, cold);
}

static void new_host(CodePiece *p)
{
    p->host = g_array_new(FALSE, FALSE, sizeof(CodeHost));
    g_array_set_clear_func(p->host, (GDestroyNotify)host_code_clear);
}

static void add_host(CodePiece *p, const JitUnit *u)
{
    g_autoptr(GArray) lines = unit_lines(u);
    p->exact = lines->len;
    new_host(p);
    add_part(p, lines, u->text, u->code_size, (uintptr_t)u->text, false);
    if (u->block)
        add_part(p, lines, u->cold, u->cold_size, (uintptr_t)u->cold, true);
}

void region_run_passes(const JitUnit *u, RegionPass *after, void *opaque)
{
    g_autoptr(IrCode) copy = ir_code_copy(u->ir);
    const JitRequest *rq = &u->info->rq;
    ir_pipeline(copy, &(IrPipeline){
                          .skip = rq->skip_passes | (rq->stats ? IR_PASS_WIDEN : 0),
                          .aligned = !rq->linear,
                          .after = after,
                          .opaque = opaque,
                      });
}

static void add_pass(void *opaque, const char *name, const IrCode *code, bool changed)
{
    add_ir(opaque, name, code, changed);
}

static void on_result(void *opaque)
{
    (void)opaque;
}

// The region compiled once more, with everything told. NULL: *error.
static QueueResult *compile_again(Engine *e, const JitUnit *u, GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);
    ir_print(text, u->ir);
    JitRequest rq = u->info->rq;
    rq.want_gimple = rq.want_lines = 1;
    if (!e->again)
        e->again = queue_new(1, on_result, NULL);
    queue_submit(e->again, &rq, text->str, e);
    QueueResult *r = queue_take(e->again, true);
    if (r && !r->failed)
        return r;
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "the region at 0x%" G_GINT64_MODIFIER
                "x cannot be compiled again: %s", u->base, r ? r->message : "the worker is gone");
    g_clear_pointer(&r, queue_result_free);
    return NULL;
}

// The assembly of the instruction at pc, without address and bits; NULL: u has none there.
static char *insn_text(const Engine *e, const JitUnit *u, uint64_t pc)
{
    for (unsigned i = 0; i < u->ir->n_blocks; i++)
        for (unsigned k = 0; k < u->ir->blocks[i]->n_ops; k++) {
            const IrInst *op = &u->ir->blocks[i]->ops[k];
            if (op->op != IR_OP_INSN || u->base + (uint64_t)op->imm != pc)
                continue;
            char *line = NULL;
            size_t size;
            FILE *f = open_memstream(&line, &size);
            e->guest.print_insn(e->guest.opaque, f, pc, op->reg, ir_insn_bits(op));
            fclose(f);
            const char *text = strchr(line, ':');
            text = text ? text + 1 + strspn(text + 1, " ") : line;
            text += strspn(text, "0123456789abcdef");
            char *out = g_strchomp(g_strdup(text + strspn(text, " ")));
            free(line);
            return g_strdelimit(out, "\t", ' ');
        }
    return NULL;
}

// Appends a line of GIMPLE without GCC's "[guest:12:0] ", which are lines as in Emit.lines.
static void add_gimple(GString *out, const char *line)
{
    static const char mark[] = "[guest:";
    for (const char *at; (at = strstr(line, mark));) {
        const char *end = strstr(at, "] ");
        if (!end)
            break;
        g_string_append_len(out, line, at - line);
        line = end + strlen("] ");
    }
    g_string_append(out, line);
}

char *gimple_with_assembly(const Engine *e, const JitUnit *u, const char *gimple)
{
    GString *out = g_string_new(NULL);
    g_auto(GStrv) lines = g_strsplit(gimple, "\n", -1);
    for (char **line = lines; *line; line++) {
        const char *comment = strstr(*line, "/* 0x");
        uint64_t pc = comment ? g_ascii_strtoull(comment + 3, NULL, 16) : 0;
        g_autofree char *insn = comment ? insn_text(e, u, pc) : NULL;
        if (insn)
            g_string_append_printf(out, "  /* 0x%" G_GINT64_MODIFIER "x: %s */", pc, insn);
        else
            add_gimple(out, *line);
        if (line[1])
            g_string_append_c(out, '\n');
    }
    return g_string_free(out, FALSE);
}

// What the worker says of the region: GIMPLE, and lines, which are those of u if its code has come out the same.
static bool add_told(Engine *e, CodePiece *p, const JitUnit *u, GError **error)
{
    QueueResult *r = compile_again(e, u, error);
    if (!r)
        return false;
    size_t entry;
    g_autoptr(GByteArray) text = text_of_result(r, &entry, error);
    if (text) {
        g_autoptr(GArray) lines = unit_lines_of(r->lines, u->base);
        p->exact = text->len == u->code_size && !memcmp(text->data, u->text, text->len);
        g_array_set_size(p->host, 0);
        add_part(p, lines, p->exact ? u->text : text->data, text->len, (uintptr_t)u->text, false);
    }
    if (r->gimple) {
        CodeForm f = {g_strdup("GIMPLE"), gimple_with_assembly(e, u, r->gimple), true, 0};
        g_array_append_val(p->forms, f);
    }
    queue_result_free(r);
    return text;
}

bool inspect_fill(Engine *e, CodePiece *p, GError **error)
{
    const JitUnit *u = piece_unit(p);
    if (p->forms)
        return true;
    p->forms = g_array_new(FALSE, FALSE, sizeof(CodeForm));
    g_array_set_clear_func(p->forms, (GDestroyNotify)form_clear);
    if (u)
        add_host(p, u);
    if (p->tier == CODE_REGION) {
        add_ir(p, "lifted", u->ir, false);
        region_run_passes(u, add_pass, p);
        return add_told(e, p, u, error);
    }
    g_autoptr(IrCode) code = lift_again(e, piece_block(p), error);
    if (code)
        add_ir(p, "lifted", code, false);
    return code;
}
