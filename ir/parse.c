// SPDX-License-Identifier: GPL-3.0-or-later
// IR text to IrCode; the inverse of print.c.
//
// A recursive-descent reader over the text itself. Every read function returns false after setting p->error,
// so that the first problem ends the parse with its line. Edges to blocks get their offsets at the end, when
// all blocks are known.
#include "ir/ir.h"
#include <gio/gio.h>
#include <string.h>

typedef struct {
    const char *s; // rest of the text
    unsigned line;
    IrCode *code;
    IrBlock *block;
    GArray *edge_line; // per block: line of its edges
    GError **error;
} Parser;

static bool fail(Parser *p, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

static bool fail(Parser *p, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    g_autofree char *what = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    g_set_error(p->error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "line %u: %s", p->line, what);
    return false;
}

// --- characters and words ------------------------------------------------------------------------

static void skip_blanks(Parser *p)
{
    while (*p->s == ' ' || *p->s == '\t' || *p->s == '\r')
        p->s++;
    if (*p->s == ';')
        p->s += strcspn(p->s, "\n");
}

// To the next line that holds something; false at the end of the text.
static bool skip_lines(Parser *p)
{
    for (skip_blanks(p); *p->s == '\n'; skip_blanks(p)) {
        p->s++;
        p->line++;
    }
    return *p->s;
}

static bool end_of_line(Parser *p)
{
    skip_blanks(p);
    if (*p->s && *p->s != '\n')
        return fail(p, "text after the end: '%.*s'", (int)MIN(strcspn(p->s, " \t\r\n"), 40), p->s);
    return true;
}

static bool is_word_char(char c)
{
    return g_ascii_isalnum(c) || c == '.' || c == '_';
}

// The word at the cursor, of length 0 if there is none.
static size_t word_length(Parser *p)
{
    size_t n = 0;

    skip_blanks(p);
    while (is_word_char(p->s[n]))
        n++;
    return n;
}

static bool is_word(const char *s, size_t n, const char *word)
{
    return strlen(word) == n && memcmp(s, word, n) == 0;
}

static bool accept_char(Parser *p, char c)
{
    skip_blanks(p);
    if (*p->s != c)
        return false;
    p->s++;
    return true;
}

static bool accept_word(Parser *p, const char *word)
{
    size_t n = word_length(p);

    if (!is_word(p->s, n, word))
        return false;
    p->s += n;
    return true;
}

static bool expect_char(Parser *p, char c)
{
    return accept_char(p, c) || fail(p, "expected '%c'", c);
}

// `word=`
static bool expect_key(Parser *p, const char *word)
{
    return (accept_word(p, word) && accept_char(p, '=')) || fail(p, "expected '%s='", word);
}

// --- numbers -------------------------------------------------------------------------------------

// Unsigned, in decimal or 0x notation, at most `max`.
static bool read_number(Parser *p, uint64_t max, uint64_t *v)
{
    size_t n = word_length(p), start = 0;
    unsigned base = 10;

    if (n > 2 && p->s[0] == '0' && p->s[1] == 'x') {
        base = 16;
        start = 2;
    }
    if (n == 0)
        return fail(p, "expected a number");
    *v = 0;
    for (size_t i = start; i < n; i++) {
        int digit = g_ascii_xdigit_value(p->s[i]);
        if (digit < 0 || (unsigned)digit >= base)
            return fail(p, "bad number '%.*s'", (int)MIN(n, 40), p->s);
        if (__builtin_mul_overflow(*v, base, v) || __builtin_add_overflow(*v, (unsigned)digit, v))
            return fail(p, "number '%.*s' is too large", (int)MIN(n, 40), p->s);
    }
    if (*v > max)
        return fail(p, "number '%.*s' is too large", (int)MIN(n, 40), p->s);
    p->s += n;
    return true;
}

static bool read_magnitude(Parser *p, bool negative, int64_t *v)
{
    uint64_t u;

    if (!read_number(p, negative ? (uint64_t)1 << 63 : INT64_MAX, &u))
        return false;
    *v = (int64_t)(negative ? 0 - u : u);
    return true;
}

static bool read_imm(Parser *p, int64_t *v)
{
    return read_magnitude(p, accept_char(p, '-'), v);
}

// A number behind + or -.
static bool read_offset(Parser *p, int64_t *v)
{
    if (accept_char(p, '-'))
        return read_magnitude(p, true, v);
    return expect_char(p, '+') && read_magnitude(p, false, v);
}

// A name of one letter and a decimal number, as v12.
static bool read_name(Parser *p, char letter, const char *what, unsigned max, unsigned *index)
{
    size_t n = word_length(p);
    unsigned v = 0;

    if (n < 2 || n > 10 || p->s[0] != letter || (p->s[1] == '0' && n > 2))
        return fail(p, "expected %s", what);
    for (size_t i = 1; i < n; i++) {
        if (!g_ascii_isdigit(p->s[i]))
            return fail(p, "expected %s", what);
        v = v * 10 + (unsigned)(p->s[i] - '0');
    }
    if (v > max)
        return fail(p, "'%.*s' is out of range", (int)n, p->s);
    p->s += n;
    *index = v;
    return true;
}

static bool read_value(Parser *p, IrVal *v)
{
    unsigned index;

    if (!read_name(p, 'v', "a value", IR_MAX_OPS, &index))
        return false;
    *v = (IrVal)index;
    return true;
}

// --- edges ---------------------------------------------------------------------------------------

static bool read_block_name(Parser *p, int32_t *block)
{
    unsigned index;

    if (!read_name(p, 'b', "a block", INT32_MAX, &index))
        return false;
    *block = (int32_t)index;
    g_array_index(p->edge_line, unsigned, p->edge_line->len - 1) = p->line;
    return true;
}

static bool read_edge(Parser *p, IrEdge *e)
{
    skip_blanks(p);
    if (*p->s == 'b')
        return read_block_name(p, &e->block);
    e->block = -1;
    return (*p->s == '+' || *p->s == '-') ? read_offset(p, &e->pc) : fail(p, "expected a block or an offset");
}

static bool read_guesses(Parser *p)
{
    if (!accept_char(p, '['))
        return true;
    do {
        int32_t block = -1;
        int64_t pc;
        if (!read_offset(p, &pc) || (accept_char(p, ':') && !read_block_name(p, &block)))
            return false;
        ir_block_guess(p->block, pc, block);
    } while (accept_char(p, ','));
    return expect_char(p, ']');
}

// Offsets of edges that name a block.
static bool resolve_edges(Parser *p)
{
    for (unsigned b = 0; b < p->code->n_blocks; b++) {
        IrBlock *block = p->code->blocks[b];
        p->line = g_array_index(p->edge_line, unsigned, b);
        for (unsigned e = 0; e < 2; e++) {
            if (block->edge[e].block >= (int64_t)p->code->n_blocks)
                return fail(p, "there is no block b%d", block->edge[e].block);
            if (block->edge[e].block >= 0)
                block->edge[e].pc = p->code->blocks[block->edge[e].block]->pc;
        }
    }
    return true;
}

// --- ops -----------------------------------------------------------------------------------------

static bool read_opcode(Parser *p, IrInst *i)
{
    size_t n = word_length(p);

    for (unsigned op = 0; op < IR_OPS; op++)
        if (is_word(p->s, n, ir_op_info[op].name)) {
            i->op = (uint8_t)op;
            p->s += n;
            return true;
        }
    return n ? fail(p, "unknown op '%.*s'", (int)MIN(n, 40), p->s) : fail(p, "expected an op");
}

static bool read_amo_kind(Parser *p, IrInst *i)
{
    size_t n = word_length(p);

    for (unsigned k = 0; k < IR_AMOS; k++)
        if (is_word(p->s, n, ir_amo_names[k])) {
            i->imm = k;
            p->s += n;
            return true;
        }
    return fail(p, "unknown kind of AMO '%.*s'", (int)MIN(n, 40), p->s);
}

static bool read_insn(Parser *p, IrInst *i)
{
    uint64_t len, bits;

    if (!read_offset(p, &i->imm) || !expect_key(p, "len") || !read_number(p, UINT8_MAX, &len) ||
        !expect_key(p, "bits") || !read_number(p, UINT32_MAX, &bits))
        return false;
    i->reg = (uint8_t)len;
    i->a = (IrVal)bits;
    i->b = (IrVal)(bits >> 16);
    return true;
}

// The operand of letter `c`, or nothing for an immediate that stands in front.
static bool read_arg(Parser *p, IrInst *i, char c, bool first)
{
    bool in_front = i->op == IR_OP_SYS || i->op == IR_OP_AMO32 || i->op == IR_OP_AMO64;
    unsigned reg;

    if (c == 'i' && in_front)
        return true;
    if (!first && !expect_char(p, ','))
        return false;
    if (c == 'v')
        return read_value(p, i->a == IR_NOVAL ? &i->a : i->b == IR_NOVAL ? &i->b : &i->c);
    if (c == 'i')
        return i->op == IR_OP_PC ? read_offset(p, &i->imm) : read_imm(p, &i->imm);
    if (!read_name(p, 'r', "a register", IR_NREGS - 1, &reg))
        return false;
    i->reg = (uint8_t)reg;
    return true;
}

static bool read_operands(Parser *p, IrInst *i)
{
    if (i->op == IR_OP_INSN)
        return read_insn(p, i);
    if (i->op == IR_OP_SYS) {
        uint64_t helper;
        if (!read_number(p, INT64_MAX, &helper))
            return false;
        i->imm = (int64_t)helper;
    }
    if ((i->op == IR_OP_AMO32 || i->op == IR_OP_AMO64) && !read_amo_kind(p, i))
        return false;
    for (const char *s = ir_op_info[i->op].args; *s; s++)
        if (!read_arg(p, i, *s, s == ir_op_info[i->op].args))
            return false;
    if (i->op == IR_OP_JUMP)
        return read_edge(p, &p->block->edge[0]);
    if (ir_is_br(i->op))
        return expect_char(p, ',') && read_edge(p, &p->block->edge[0]) && expect_char(p, ',') &&
               read_edge(p, &p->block->edge[1]);
    return i->op != IR_OP_JMPIND || read_guesses(p);
}

static bool read_op(Parser *p)
{
    IrInst i = {.a = IR_NOVAL, .b = IR_NOVAL, .c = IR_NOVAL};
    unsigned position = p->block->n_ops, name = position;
    size_t n = word_length(p);
    bool named = n > 1 && p->s[0] == 'v' && g_ascii_isdigit(p->s[1]);

    if (position >= IR_MAX_OPS)
        return fail(p, "the block has too many ops");
    if (named && (!read_name(p, 'v', "a value", IR_MAX_OPS, &name) || !expect_char(p, '=')))
        return false;
    if (name != position)
        return fail(p, "v%u is the op at position %u", name, position);
    if (!read_opcode(p, &i))
        return false;
    if (named != ir_op_info[i.op].has_value)
        return fail(p, named ? "%s defines no value" : "%s defines a value, which must be named",
                    ir_op_info[i.op].name);
    if (!read_operands(p, &i) || !end_of_line(p))
        return false;
    ir_triop(p->block, i.op, i.a, i.b, i.c, i.imm);
    p->block->ops[position].reg = i.reg;
    return true;
}

// --- blocks and the whole ------------------------------------------------------------------------

// What may follow: key=number, else *out stays as it is.
static bool read_option(Parser *p, const char *key, uint64_t *out)
{
    return !is_word(p->s, word_length(p), key) || (expect_key(p, key) && read_number(p, UINT64_MAX, out));
}

static bool read_block_head(Parser *p)
{
    unsigned index;
    int64_t pc;
    uint64_t insns, count = 0, leaves = 0;

    if (!accept_word(p, "block"))
        return fail(p, "expected 'block'");
    if (!read_name(p, 'b', "a block", INT32_MAX, &index))
        return false;
    if (index != p->code->n_blocks)
        return fail(p, "expected block b%u", p->code->n_blocks);
    if (!read_offset(p, &pc))
        return false;
    bool is_entry = accept_word(p, "entry");
    if (!expect_key(p, "insns") || !read_number(p, UINT32_MAX, &insns))
        return false;
    if (!read_option(p, "count", &count) || !read_option(p, "leaves", &leaves))
        return false;
    if (!expect_char(p, '{') || !end_of_line(p))
        return false;
    p->block = ir_block_new(pc);
    p->block->is_entry = is_entry;
    p->block->n_insns = (uint32_t)insns;
    p->block->count = count;
    p->block->leaves = leaves;
    ir_code_add(p->code, p->block);
    g_array_append_val(p->edge_line, p->line);
    return true;
}

static bool read_block(Parser *p)
{
    if (!read_block_head(p))
        return false;
    for (;;) {
        if (!skip_lines(p))
            return fail(p, "the text ends inside block b%u", p->code->n_blocks - 1);
        if (accept_char(p, '}'))
            return end_of_line(p);
        if (!read_op(p))
            return false;
    }
}

static bool read_code(Parser *p)
{
    skip_lines(p);
    if (!accept_word(p, "code"))
        return fail(p, "expected 'code' and the base address");
    if (!read_number(p, UINT64_MAX, &p->code->base) || !end_of_line(p))
        return false;
    while (skip_lines(p))
        if (!read_block(p))
            return false;
    return resolve_edges(p);
}

IrCode *ir_parse(const char *text, GError **error)
{
    g_autoptr(IrCode) code = ir_code_new(0);
    g_autoptr(GArray) edge_line = g_array_new(false, false, sizeof(unsigned));
    Parser p = {.s = text, .line = 1, .code = code, .edge_line = edge_line, .error = error};

    return read_code(&p) ? g_steal_pointer(&code) : NULL;
}
