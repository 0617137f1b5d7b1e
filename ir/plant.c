// SPDX-License-Identifier: GPL-3.0-or-later
// What planted faults are, and breaking IR by them.
#include "ir/plant.h"

#include "ir/opt.h"
#include <gio/gio.h>
#include <string.h>

const char *const plant_place_names[PLANT_PLACES] = {"",       "interp", "baseline", "region", "unpeel",
                                                     "state", "fold",   "dce",      "widen"};
static const char *const fault_names[PLANT_FAULTS] = {"", "imm", "swap", "drop", "sign", "cond"};
static uint32_t planted;

void plant_set(uint32_t packed)
{
    planted = packed;
}

uint32_t plant_get(void)
{
    return planted;
}

_Static_assert(IR_OPS < 256 && PLANT_PLACES <= 16 && PLANT_FAULTS <= 16, "a fault is packed into a word");

uint32_t plant_pack(const Plant *p)
{
    return (uint32_t)p->place | (uint32_t)p->fault << 4 | (uint32_t)p->op << 8 | (uint32_t)p->nth << 16;
}

Plant plant_unpack(uint32_t packed)
{
    return (Plant){(PlantPlace)(packed & 15), (PlantFault)(packed >> 4 & 15), (IrOpcode)(packed >> 8 & 255),
                   packed >> 16};
}

// --- what a fault makes of an op ------------------------------------------------------------------

static const uint8_t other_sign[IR_OPS] = {
#define PAIR(a, b) [IR_OP_##a] = IR_OP_##b, [IR_OP_##b] = IR_OP_##a
    PAIR(LD8U, LD8S), PAIR(LD16U, LD16S), PAIR(LD32U, LD32S), PAIR(SRL, SRA), PAIR(SRL32, SRA32), PAIR(SLT, SLTU),
    PAIR(MULH, MULHU), PAIR(DIV, DIVU), PAIR(REM, REMU), PAIR(DIV32, DIVU32), PAIR(REM32, REMU32),
    PAIR(SEXT16, ZEXT16), PAIR(SEXT32, ZEXT32), PAIR(MIN, MINU), PAIR(MAX, MAXU), PAIR(BR_LT, BR_LTU),
    PAIR(BR_GE, BR_GEU), PAIR(FADD32, FSUB32), PAIR(FADD64, FSUB64), PAIR(FMUL32, FDIV32), PAIR(FMUL64, FDIV64),
    PAIR(FMIN32, FMAX32), PAIR(FMIN64, FMAX64), PAIR(FLT32, FLE32), PAIR(FLT64, FLE64),
#undef PAIR
    [IR_OP_LD64] = IR_OP_LD32S, [IR_OP_ADD32] = IR_OP_ADD, [IR_OP_SUB32] = IR_OP_SUB, [IR_OP_MUL32] = IR_OP_MUL,
    [IR_OP_MULHSU] = IR_OP_MULHU, [IR_OP_SLL32] = IR_OP_SLL,
};

// Equal for not equal; for an order the one that differs where both are equal: a < b becomes a <= b, that is b >= a.
static IrOpcode other_condition(IrOpcode op, bool *swap)
{
    *swap = op >= IR_OP_BR_LT;
    return (IrOpcode)(IR_OP_BR_EQ + ((op - IR_OP_BR_EQ) ^ 1));
}

static bool has_imm(IrOpcode op)
{
    return op == IR_OP_CONST || op == IR_OP_PC || ir_is_load(op) || ir_is_store(op);
}

static bool is_binary(IrOpcode op)
{
    return ir_op_info[op].flags & IRF_PURE && ir_n_values(op) == 2;
}

IrOpcode plant_other(PlantFault fault, IrOpcode op, bool *swap)
{
    uint8_t flags = ir_op_info[op].flags;
    *swap = false;
    switch (fault) {
    case PLANT_IMM:
        return has_imm(op) || is_binary(op) ? op : IR_OPS;
    case PLANT_SWAP:
        *swap = true;
        return ir_n_values(op) >= 2 && !(flags & IRF_COMM) && op != IR_OP_SYS ? op : IR_OPS;
    case PLANT_DROP:
        return op == IR_OP_PUT || ir_is_store(op)                                      ? op
               : flags & IRF_PURE && ir_n_values(op) >= 1 && !(flags & IRF_FP) ? IR_OP_OR : IR_OPS;
    case PLANT_SIGN:
        return other_sign[op] ? other_sign[op] : IR_OPS;
    case PLANT_COND:
        return ir_is_br(op) ? other_condition(op, swap) : IR_OPS;
    case PLANT_USUAL:
    case PLANT_FAULTS:
        break;
    }
    return IR_OPS;
}

PlantFault plant_fault_of(const Plant *p)
{
    static const PlantFault usual[] = {PLANT_COND, PLANT_SIGN, PLANT_SWAP, PLANT_DROP};
    bool swap;
    if (p->fault != PLANT_USUAL)
        return p->fault;
    for (unsigned i = 0; i < G_N_ELEMENTS(usual); i++)
        if (plant_other(usual[i], p->op, &swap) != IR_OPS)
            return usual[i];
    return PLANT_IMM;
}

bool plant_hits(const Plant *p, IrOpcode op, unsigned *seen)
{
    return op == p->op && (++*seen == p->nth || !p->nth);
}

// --- text -----------------------------------------------------------------------------------------

static bool wrong(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static bool wrong(GError **error, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    g_autofree char *text = g_strdup_vprintf(format, ap);
    va_end(ap);
    g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, text);
    return false;
}

static int find(const char *word, const char *const *names, unsigned n)
{
    for (unsigned i = 1; i < n; i++)
        if (!strcmp(word, names[i]))
            return (int)i;
    return 0;
}

// Does baseline code have stencils that choose among forms for it (backend/interp_ops.def)?
static bool of_baseline(IrOpcode op)
{
    bool computes = ir_op_info[op].flags & IRF_PURE && ir_n_values(op);
    return computes || op == IR_OP_CONST || op == IR_OP_PUT || ir_is_load(op) || ir_is_store(op) || ir_is_br(op);
}

bool plant_parse(const char *text, Plant *out, GError **error)
{
    g_auto(GStrv) words = g_strsplit(text, ":", -1);
    unsigned n = g_strv_length(words);
    bool swap;
    *out = (Plant){0};
    if (n < 2 || n > 4)
        return wrong(error, "'%s' is not PLACE:OP[:FAULT][:NTH]", text);
    out->place = (PlantPlace)find(words[0], plant_place_names, PLANT_PLACES);
    if (!out->place)
        return wrong(error, "'%s' is none of interp, baseline, region, unpeel, state, fold, dce and widen", words[0]);
    unsigned op = 0;
    while (op < IR_OPS && strcmp(words[1], ir_op_info[op].name))
        op++;
    if (op == IR_OPS)
        return wrong(error, "there is no IR op '%s' (docs/ir.md lists them)", words[1]);
    out->op = (IrOpcode)op;
    for (unsigned i = 2; i < n; i++) {
        guint64 nth;
        if (g_ascii_string_to_unsigned(words[i], 10, 1, 65535, &nth, NULL))
            out->nth = (unsigned)nth;
        else if (out->nth || out->fault || !(out->fault = (PlantFault)find(words[i], fault_names, PLANT_FAULTS)))
            return wrong(error, "'%s' is none of imm, swap, drop, sign and cond, and no number up to 65535", words[i]);
    }
    if (out->place == PLANT_BASELINE && !of_baseline(out->op))
        return wrong(error, "%s is not done by a stencil of its own kind", words[1]);
    if (plant_other(plant_fault_of(out), out->op, &swap) == IR_OPS)
        return wrong(error, "%s cannot have the fault %s", words[1], fault_names[plant_fault_of(out)]);
    return true;
}

// --- breaking IR ----------------------------------------------------------------------------------

static unsigned count_uses(const IrBlock *b, IrVal v)
{
    unsigned uses = 0;
    for (unsigned i = 0; i < b->n_ops; i++) {
        const IrInst *o = &b->ops[i];
        unsigned n = ir_n_values(o->op);
        uses += (n > 0 && o->a == v) + (n > 1 && o->b == v) + (n > 2 && o->c == v);
    }
    return uses;
}

// A constant operand of a binary op, if nothing else uses it.
static void break_constant(IrBlock *b, const IrInst *i)
{
    IrInst *k = &b->ops[i->b];
    if (k->op == IR_OP_CONST && count_uses(b, i->b) == 1)
        k->imm = (int64_t)((uint64_t)k->imm + 1);
}

static void break_op(IrBlock *b, unsigned index, PlantFault fault)
{
    IrInst *i = &b->ops[index];
    bool swap;
    IrOpcode other = plant_other(fault, (IrOpcode)i->op, &swap);
    if (fault == PLANT_IMM && has_imm((IrOpcode)i->op)) {
        i->imm = (int64_t)((uint64_t)i->imm + 1);
    } else if (fault == PLANT_IMM) {
        break_constant(b, i);
    } else if (fault == PLANT_DROP && !ir_op_info[i->op].has_value) {
        i->op = IR_OP_DEAD;
    } else {
        IrVal a = i->a;
        i->op = (uint8_t)other;
        if (fault == PLANT_DROP) { // a | a
            i->b = a;
            i->c = IR_NOVAL;
            i->imm = 0;
        } else if (swap) {
            i->a = i->b;
            i->b = a;
        }
    }
}

void plant_code(PlantPlace place, IrCode *code)
{
    unsigned seen = 0;
    if (!plant_is(place))
        return;
    Plant p = plant_unpack(plant_get());
    PlantFault fault = plant_fault_of(&p);
    for (unsigned n = 0; n < code->n_blocks; n++) {
        IrBlock *b = code->blocks[n];
        bool dead = false;
        for (unsigned i = 0; i < b->n_ops; i++) {
            if (!plant_hits(&p, (IrOpcode)b->ops[i].op, &seen))
                continue;
            break_op(b, i, fault);
            dead |= b->ops[i].op == IR_OP_DEAD;
        }
        if (dead)
            ir_opt_compact(b);
    }
}
