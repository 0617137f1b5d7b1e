// SPDX-License-Identifier: GPL-3.0-or-later
// Assembly text: a mnemonic and an operand template, by the format or, for compressed ones, by a table here.
//
// In a template every letter is an operand and every other character stands for itself:
//   d rd   s rs1   t rs2           i immediate, decimal     u U immediate without its 12 zeros, hex
//   x shift amount, hex            p pc + immediate, hex    c CSR name or number
//   z 5-bit immediate (rs1 field)  P pred   Q succ of a fence
//   D S T R rd, rs1, rs2, rs3 as f registers       m a comma and the rounding mode, or nothing if it is the usual one
// A compressed instruction is printed from its expansion, so its template leaves out the operands that its
// short form implies.
#include "frontend/disas.h"
#include "frontend/hart.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

typedef struct {
    char *buf;
    size_t size, len; // len < size always
} Text;

typedef struct {
    uint16_t mask, match;
    const char *name, *operands;
} CompressedName;

typedef struct {
    uint16_t number, count;
    const char *prefix, *suffix; // suffix: NULL for a single register, whose prefix is the whole name
    unsigned first;
} CsrName;

static const char *const format_operands[FMTS] = {
    [FMT_NONE] = "",
    [FMT_R] = "d,s,t",
    [FMT_R2] = "d,s",
    [FMT_I] = "d,s,i",
    [FMT_LOAD] = "d,i(s)",
    [FMT_S] = "t,i(s)",
    [FMT_B] = "s,t,p",
    [FMT_U] = "d,u",
    [FMT_J] = "d,p",
    [FMT_SHAMT] = "d,s,x",
    [FMT_CSR] = "d,c,s",
    [FMT_CSRI] = "d,c,z",
    [FMT_AMO] = "d,t,(s)",
    [FMT_LR] = "d,(s)",
    [FMT_FENCE] = "P,Q",
    [FMT_SFENCE] = "s,t",
    [FMT_CBO] = "(s)",
    [FMT_SHAMTW] = "d,s,x",
    [FMT_FLOAD] = "D,i(s)",
    [FMT_FS] = "T,i(s)",
    [FMT_R4] = "D,S,T,Rm",
    [FMT_FRM] = "D,S,Tm",
    [FMT_FRM2] = "D,Sm",
    [FMT_FR] = "D,S,T",
    [FMT_FCMP] = "d,S,T",
    [FMT_F2X] = "d,S",
    [FMT_F2XRM] = "d,Sm",
    [FMT_X2F] = "D,s",
    [FMT_X2FRM] = "D,sm",
};

// The first row that matches counts. The shift amount 0 of a shift by immediate has a name of its own (an
// RV128 one).
static const CompressedName compressed_names[] = {
    { 0xe003, 0x0000, "c.addi4spn", "d,s,i" },
    { 0xe003, 0x2000, "c.fld", "D,i(s)" },
    { 0xe003, 0x4000, "c.lw", "d,i(s)" },
    { 0xe003, 0x6000, "c.ld", "d,i(s)" },
    { 0xe003, 0xa000, "c.fsd", "T,i(s)" },
    { 0xe003, 0xc000, "c.sw", "t,i(s)" },
    { 0xe003, 0xe000, "c.sd", "t,i(s)" },
    { 0xe003, 0x0001, "c.addi", "d,i" },
    { 0xe003, 0x2001, "c.addiw", "d,i" },
    { 0xe003, 0x4001, "c.li", "d,i" },
    { 0xef83, 0x6101, "c.addi16sp", "d,i" },
    { 0xe003, 0x6001, "c.lui", "d,u" },
    { 0xfc7f, 0x8001, "c.srli64", "d" },
    { 0xec03, 0x8001, "c.srli", "d,x" },
    { 0xfc7f, 0x8401, "c.srai64", "d" },
    { 0xec03, 0x8401, "c.srai", "d,x" },
    { 0xec03, 0x8801, "c.andi", "d,i" },
    { 0xfc63, 0x8c01, "c.sub", "d,t" },
    { 0xfc63, 0x8c21, "c.xor", "d,t" },
    { 0xfc63, 0x8c41, "c.or", "d,t" },
    { 0xfc63, 0x8c61, "c.and", "d,t" },
    { 0xfc63, 0x9c01, "c.subw", "d,t" },
    { 0xfc63, 0x9c21, "c.addw", "d,t" },
    { 0xe003, 0xa001, "c.j", "p" },
    { 0xe003, 0xc001, "c.beqz", "s,p" },
    { 0xe003, 0xe001, "c.bnez", "s,p" },
    { 0xf07f, 0x0002, "c.slli64", "d" },
    { 0xe003, 0x0002, "c.slli", "d,x" },
    { 0xe003, 0x2002, "c.fldsp", "D,i(s)" },
    { 0xe003, 0x4002, "c.lwsp", "d,i(s)" },
    { 0xe003, 0x6002, "c.ldsp", "d,i(s)" },
    { 0xffff, 0x9002, "c.ebreak", "" },
    { 0xf07f, 0x8002, "c.jr", "s" },
    { 0xf07f, 0x9002, "c.jalr", "s" },
    { 0xf003, 0x8002, "c.mv", "d,t" },
    { 0xf003, 0x9002, "c.add", "d,t" },
    { 0xe003, 0xa002, "c.fsdsp", "T,i(s)" },
    { 0xe003, 0xc002, "c.swsp", "t,i(s)" },
    { 0xe003, 0xe002, "c.sdsp", "t,i(s)" },
};

static const CsrName csr_names[] = {
#define CSR_NAME(number, name) { number, 1, name, NULL, 0 },
#define CSR_NAMES(number, count, prefix, first, suffix) { number, count, prefix, suffix, first },
#include "frontend/csr_names.def"
#undef CSR_NAME
#undef CSR_NAMES
};

G_GNUC_PRINTF(2, 3)
static void put(Text *text, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int n = vsnprintf(text->buf + text->len, text->size - text->len, format, args);
    va_end(args);
    g_assert(n >= 0);
    text->len = MIN(text->len + (size_t)n, text->size - 1);
}

static void put_csr(Text *text, unsigned csr)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(csr_names); i++) {
        const CsrName *name = &csr_names[i];

        if (csr < name->number || csr >= (unsigned)name->number + name->count)
            continue;
        put(text, "%s", name->prefix);
        if (name->suffix)
            put(text, "%u%s", name->first + csr - name->number, name->suffix);
        return;
    }
    put(text, "0x%x", csr);
}

// A fence's set of access kinds: device input and output, memory reads and writes.
static void put_fence_set(Text *text, unsigned set)
{
    if (set == 0)
        put(text, "unknown");
    for (unsigned i = 0; i < 4; i++)
        if (set & 8 >> i)
            put(text, "%c", "iorw"[i]);
}

// Static modes have the names of the manual. Conversions that are always exact stand without one for rne, as GNU as
// reads and writes them; elsewhere that stands for dyn.
static void put_rounding_mode(Text *text, const Insn *insn)
{
    static const char *const names[8] = { "rne", "rtz", "rdn", "rup", "rmm", [7] = "dyn" };
    bool exact = insn->id == INSN_FCVT_D_S || insn->id == INSN_FCVT_D_W || insn->id == INSN_FCVT_D_WU;

    if (insn->rm != (exact ? 0 : 7))
        put(text, ",%s", names[insn->rm]);
}

static void put_operand(Text *text, const Insn *insn, uint64_t pc, char kind)
{
    switch (kind) {
    case 'd':
        put(text, "%s", hart_reg_names[insn->rd]);
        break;
    case 's':
        put(text, "%s", hart_reg_names[insn->rs1]);
        break;
    case 't':
        put(text, "%s", hart_reg_names[insn->rs2]);
        break;
    case 'D':
        put(text, "%s", hart_reg_names[32 + insn->rd]);
        break;
    case 'S':
        put(text, "%s", hart_reg_names[32 + insn->rs1]);
        break;
    case 'T':
        put(text, "%s", hart_reg_names[32 + insn->rs2]);
        break;
    case 'R':
        put(text, "%s", hart_reg_names[32 + insn->rs3]);
        break;
    case 'm':
        put_rounding_mode(text, insn);
        break;
    case 'i':
        put(text, "%" PRId64, insn->imm);
        break;
    case 'u':
        put(text, "0x%x", (unsigned)(insn->imm >> 12) & 0xfffff);
        break;
    case 'x':
        put(text, "0x%x", (unsigned)insn->imm);
        break;
    case 'p':
        put(text, "0x%" PRIx64, pc + (uint64_t)insn->imm);
        break;
    case 'c':
        put_csr(text, (unsigned)insn->imm);
        break;
    case 'z':
        put(text, "%u", insn->rs1);
        break;
    case 'P':
        put_fence_set(text, insn->imm >> 4 & 15);
        break;
    case 'Q':
        put_fence_set(text, insn->imm & 15);
        break;
    default:
        put(text, "%c", kind);
        break;
    }
}

static const CompressedName *compressed_name(uint16_t bits)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(compressed_names); i++)
        if ((bits & compressed_names[i].mask) == compressed_names[i].match)
            return &compressed_names[i];
    return NULL;
}

// Encodings with a name of their own that are no rows: instructions of other names, or promised to stay
// illegal.
static const char *special_name(const Insn *insn)
{
    if (insn->len == 2)
        return insn->raw == 0 ? "c.unimp" : NULL;
    if (insn->raw == 0xc0001073) // csrrw zero,cycle,zero: writes a read-only CSR
        return "unimp";
    return insn->raw == 0x8330000f ? "fence.tso" : NULL;
}

unsigned disas(char *buf, size_t size, uint64_t pc, uint32_t bits)
{
    Text text = { buf, size, 0 };
    Insn insn = decode(bits);
    const char *name = special_name(&insn);
    const char *operands = "";

    g_assert(size > 0);
    if (!name && insn.id == INSN_ILLEGAL) {
        put(&text, ".%ubyte\t0x%x", insn.len, insn.raw);
        return insn.len;
    }
    if (!name && insn.len == 2) {
        const CompressedName *compressed = compressed_name((uint16_t)insn.raw);

        g_assert(compressed);
        name = compressed->name;
        operands = compressed->operands;
    } else if (!name) {
        name = insn_info[insn.id].name;
        operands = format_operands[insn_info[insn.id].format];
    }

    put(&text, "%s", name);
    if (insn.aq || insn.rl)
        put(&text, ".%s%s", insn.aq ? "aq" : "", insn.rl ? "rl" : "");
    for (const char *p = operands; *p; p++) {
        if (p == operands)
            put(&text, "\t");
        put_operand(&text, &insn, pc, *p);
    }
    return insn.len;
}

unsigned disas_line(char *buf, size_t size, uint64_t pc, uint32_t bits)
{
    char text[64];
    unsigned len = disas(text, sizeof text, pc, bits);
    g_snprintf(buf, size, "0x%016" PRIx64 ":  %0*x          %*s%s", pc, (int)len * 2, bits, len == 2 ? 4 : 0, "", text);
    return len;
}
