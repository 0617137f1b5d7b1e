// SPDX-License-Identifier: GPL-3.0-or-later
// The forms of one piece of code: IR, what passes make of it, GIMPLE, host code.
#include "backend/inspect_private.h"

#include "backend/host_code.h"
#include <gio/gio.h>

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

static void add_part(CodePiece *p, const GArray *lines, const uint8_t *code, size_t size, bool cold)
{
    unsigned first = p->host->len;
    HostCode what = {.cold = cold, .baseline = p->tier == CODE_BASELINE, .lines = lines};
    host_code_read(p->host, code, size, (uintptr_t)code, &what);
    assign_insns(p, lines, first, (uintptr_t)code, cold);
}

static void add_host(CodePiece *p, const JitUnit *u)
{
    g_autoptr(GArray) lines = unit_lines(u);
    p->exact = lines->len;
    p->host = g_array_new(FALSE, FALSE, sizeof(CodeHost));
    g_array_set_clear_func(p->host, (GDestroyNotify)host_code_clear);
    add_part(p, lines, u->text, u->code_size, false);
    if (u->block)
        add_part(p, lines, u->cold, u->cold_size, true);
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
        return true;
    }
    g_autoptr(IrCode) code = lift_again(e, piece_block(p), error);
    if (code)
        add_ir(p, "lifted", code, false);
    return code;
}
