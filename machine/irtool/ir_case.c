// SPDX-License-Identifier: GPL-3.0-or-later
// IR cases: made, copied, checked and printed.
#include "machine/irtool/ir_case.h"

#include "frontend/hart.h"
#include "util/access.h"
#include <gio/gio.h>
#include <inttypes.h>
#include <string.h>

IrCase *ir_case_new(IrCode *code)
{
    IrCase *c = g_new0(IrCase, 1);
    c->code = code;
    c->pc = code->base;
    for (unsigned i = code->n_blocks; i-- > 0;)
        if (code->blocks[i]->is_entry || i == 0)
            c->pc = code->base + (uint64_t)code->blocks[i]->pc;
    c->res_addr = UINT64_MAX;
    c->left = CASE_LEFT;
    c->ram = g_array_new(FALSE, FALSE, sizeof(CaseRange));
    c->mem = g_array_new(FALSE, FALSE, sizeof(CaseMem));
    c->expect.mem = g_array_new(FALSE, FALSE, sizeof(CaseMem));
    return c;
}

IrCase *ir_case_copy(const IrCase *from)
{
    IrCase *c = g_memdup2(from, sizeof *from);
    c->code = ir_code_copy(from->code);
    c->ram = g_array_copy(from->ram);
    c->mem = g_array_copy(from->mem);
    c->expect.mem = g_array_copy(from->expect.mem);
    return c;
}

void ir_case_free(IrCase *c)
{
    if (!c)
        return;
    ir_code_free(c->code);
    g_array_free(c->ram, TRUE);
    g_array_free(c->mem, TRUE);
    g_array_free(c->expect.mem, TRUE);
    g_free(c);
}

const char *ir_case_reg_name(unsigned reg)
{
    return hart_reg_names[reg];
}

bool ir_case_reg(const char *name, unsigned *reg)
{
    guint64 n;
    for (*reg = 0; *reg < IR_NREGS; ++*reg)
        if (!strcmp(name, hart_reg_names[*reg]))
            return true;
    bool x = name[0] == 'x', f = name[0] == 'f', r = name[0] == 'r';
    if (!(x || f || r) || !g_ascii_string_to_unsigned(name + 1, 10, 0, r ? IR_NREGS - 1 : 31, &n, NULL))
        return false;
    *reg = (unsigned)n + (f ? 32 : 0);
    return true;
}

int ir_case_block(const IrCase *c, uint64_t pc)
{
    int found = -1;
    for (unsigned i = 0; i < c->code->n_blocks; i++) {
        const IrBlock *b = c->code->blocks[i];
        if (c->code->base + (uint64_t)b->pc != pc)
            continue;
        if (b->is_entry)
            return (int)i;
        found = found < 0 ? (int)i : found;
    }
    return found;
}

// --- what must hold before it is run --------------------------------------------------------------

static int by_start(gconstpointer p, gconstpointer q)
{
    const CaseRange *a = p, *b = q;
    return a->start < b->start ? -1 : a->start > b->start;
}

static int by_addr(gconstpointer p, gconstpointer q)
{
    const CaseMem *a = p, *b = q;
    return a->addr < b->addr ? -1 : a->addr > b->addr;
}

static void add_pages(GArray *ram, uint64_t start, uint64_t len)
{
    CaseRange r = {start & PAGE_MASK, 0};
    r.len = ((start + len - 1) | ~PAGE_MASK) + 1 - r.start;
    g_array_append_val(ram, r);
}

// Pages in ascending order, ranges that touch made one.
static void tidy_ram(IrCase *c)
{
    for (unsigned i = 0; i < c->mem->len; i++) {
        const CaseMem *m = &g_array_index(c->mem, CaseMem, i);
        add_pages(c->ram, m->addr, m->len);
    }
    g_array_sort(c->ram, by_start);
    g_array_sort(c->mem, by_addr);
    unsigned n = 0;
    for (unsigned i = 0; i < c->ram->len; i++) {
        CaseRange r = g_array_index(c->ram, CaseRange, i);
        CaseRange *last = n ? &g_array_index(c->ram, CaseRange, n - 1) : NULL;
        if (last && r.start <= last->start + last->len)
            last->len = MAX(last->len, r.start + r.len - last->start);
        else
            g_array_index(c->ram, CaseRange, n++) = r;
    }
    g_array_set_size(c->ram, n);
}

static bool wrong(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static bool wrong(GError **error, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    g_autofree char *text = g_strdup_vprintf(format, ap);
    va_end(ap);
    g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, text);
    return false;
}

// An odd address would find what compiled code takes for an empty row (jit_abi.h); frontends clear the lowest bit.
static bool jumps_evenly(const IrBlock *b)
{
    const IrInst *last = &b->ops[b->n_ops - 1];
    if (last->op != IR_OP_JMPIND)
        return true;
    const IrInst *to = &b->ops[last->a];
    if (to->op != IR_OP_AND)
        return (to->op == IR_OP_CONST || to->op == IR_OP_PC) && !(to->imm & 1);
    const IrInst *a = &b->ops[to->a], *m = &b->ops[to->b];
    return (a->op == IR_OP_CONST && !(a->imm & 1)) || (m->op == IR_OP_CONST && !(m->imm & 1));
}

// A block begins where its first instruction does, and the others are not far behind, as the interpreter has them.
static bool has_places(const IrBlock *b)
{
    if (b->ops[0].imm != b->pc)
        return false;
    for (unsigned i = 0; i < b->n_ops; i++) {
        const IrInst *o = &b->ops[i];
        if (o->op == IR_OP_INSN && (o->imm < b->pc || (uint64_t)o->imm - (uint64_t)b->pc > INT16_MAX || o->reg > 4))
            return false;
    }
    return true;
}

// Is what b has from its op i on the same as all of the other block?
static bool same_from(const IrBlock *b, unsigned i, const IrBlock *other)
{
    if (b->n_ops - i != other->n_ops || b->edge[0].pc != other->edge[0].pc || b->edge[1].pc != other->edge[1].pc)
        return false;
    for (unsigned k = 0; k < other->n_ops; k++) {
        const IrInst *x = &b->ops[i + k], *y = &other->ops[k];
        unsigned n = ir_n_values(x->op);
        if (x->op != y->op || x->reg != y->reg || x->imm != y->imm || (n > 0 && x->a != y->a + i) ||
            (n > 1 && x->b != y->b + i) || (n > 2 && x->c != y->c + i))
            return false;
    }
    return true;
}

static bool has_fpcheck(const IrBlock *b)
{
    for (unsigned i = 0; i < b->n_ops; i++)
        if (b->ops[i].op == IR_OP_FPCHECK)
            return true;
    return false;
}

// Where two blocks have the instruction at an address, a frontend has lifted it alike for both; ir_unpeel goes by that
// where the second one is a loop of its own. The block that does not agree with a loop; -1: all do. (What has passed an
// fpcheck needs no other one, so those are not compared.)
static int disagrees(const IrCode *code)
{
    for (unsigned n = 0; n < code->n_blocks; n++) {
        const IrBlock *loop = code->blocks[n];
        if (loop->edge[0].block != (int)n && loop->edge[1].block != (int)n)
            continue;
        for (unsigned m = 0; m < code->n_blocks; m++) {
            const IrBlock *b = code->blocks[m];
            bool comparable = m != n && !has_fpcheck(b);
            for (unsigned i = 1; comparable && i < b->n_ops; i++)
                if (b->ops[i].op == IR_OP_INSN && b->ops[i].imm == loop->pc && !same_from(b, i, loop))
                    return (int)m;
        }
    }
    return -1;
}

bool ir_case_finish(IrCase *c, GError **error)
{
    if (!c->code->n_blocks)
        return wrong(error, "there is no block");
    if (!ir_verify(c->code, CASE_HELPERS, error))
        return false;
    for (unsigned i = 0; i < c->code->n_blocks; i++)
        if (!c->code->blocks[i]->n_insns) // it might run for ever
            return wrong(error, "block b%u: no insn op, so it cannot be run", i);
    for (unsigned i = 0; i < c->code->n_blocks; i++)
        if (!has_places(c->code->blocks[i]))
            return wrong(error, "block b%u: its first insn op is not at its address, or one is far from it", i);
    for (unsigned i = 0; i < c->code->n_blocks; i++)
        if (!jumps_evenly(c->code->blocks[i]))
            return wrong(error, "block b%u: jmpind needs an even address: something and an even constant", i);
    if (disagrees(c->code) >= 0)
        return wrong(error, "block b%d: a loop that is a block begins inside of it, but not with the same ops",
                     disagrees(c->code));
    if (c->code->base & 1)
        return wrong(error, "the code's address is odd");
    int start = ir_case_block(c, c->pc);
    if (start < 0)
        return wrong(error, "no block begins at the pc 0x%" PRIx64, c->pc);
    c->code->blocks[start]->is_entry = true;
    tidy_ram(c);
    return true;
}

// --- text -----------------------------------------------------------------------------------------

static void print_mem(GString *out, const char *word, const GArray *mem)
{
    for (unsigned i = 0; i < mem->len; i++) {
        const CaseMem *m = &g_array_index(mem, CaseMem, i);
        g_string_append_printf(out, ";; %s 0x%" PRIx64 " =", word, m->addr);
        for (unsigned k = 0; k < m->len; k++)
            g_string_append_printf(out, " %02x", m->bytes[k]);
        g_string_append_c(out, '\n');
    }
}

static void print_number(GString *out, const char *word, uint64_t v, uint64_t usual)
{
    if (v != usual)
        g_string_append_printf(out, ";; %s = 0x%" PRIx64 "\n", word, v);
}

static void print_expect(GString *out, const CaseExpect *e)
{
    for (unsigned r = 0; r < IR_NREGS; r++)
        if (e->regs >> r & 1)
            g_string_append_printf(out, ";; expect %s = 0x%" PRIx64 "\n", ir_case_reg_name(r), e->r[r]);
    if (e->has_pc)
        g_string_append_printf(out, ";; expect pc = 0x%" PRIx64 "\n", e->pc);
    if (e->has_fflags)
        g_string_append_printf(out, ";; expect fflags = 0x%" PRIx64 "\n", e->fflags);
    print_mem(out, "expect mem", e->mem);
}

void ir_case_print(GString *out, const IrCase *c)
{
    g_string_append_printf(out, ";; pc = 0x%" PRIx64 "\n", c->pc);
    if (c->left != CASE_LEFT)
        g_string_append_printf(out, ";; left = %" PRId64 "\n", c->left);
    if (c->paged)
        g_string_append(out, ";; paged\n");
    if (c->movable)
        g_string_append(out, ";; movable\n");
    for (unsigned r = 0; r < IR_NREGS; r++)
        if (c->r[r])
            g_string_append_printf(out, ";; reg %s = 0x%" PRIx64 "\n", ir_case_reg_name(r), c->r[r]);
    print_number(out, "frm", c->frm, 0);
    print_number(out, "fflags", c->fflags, 0);
    print_number(out, "fp_off", c->fp_off, 0);
    if (c->res_addr != UINT64_MAX)
        g_string_append_printf(out, ";; reservation = 0x%" PRIx64 " 0x%" PRIx64 "\n", c->res_addr, c->res_value);
    for (unsigned i = 0; i < c->ram->len; i++) {
        const CaseRange *r = &g_array_index(c->ram, CaseRange, i);
        g_string_append_printf(out, ";; ram 0x%" PRIx64 " 0x%" PRIx64 "\n", r->start, r->len);
    }
    print_mem(out, "mem", c->mem);
    print_expect(out, &c->expect);
    ir_print(out, c->code);
}
