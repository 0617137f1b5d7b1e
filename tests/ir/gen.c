// SPDX-License-Identifier: GPL-3.0-or-later
// Random valid IR.
#include "tests/ir/gen.h"

typedef struct {
    GenRng *rng;
    const GenConfig *config;
    IrCode *code;
    IrBlock *b;
    int64_t pc; // of the next instruction
} Gen;

uint64_t gen_random(GenRng *rng)
{
    uint64_t z = rng->state += UINT64_C(0x9e3779b97f4a7c15); // splitmix64

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

unsigned gen_below(GenRng *rng, unsigned n)
{
    return (unsigned)(gen_random(rng) >> 32) % n;
}

static bool one_in(Gen *g, unsigned n)
{
    return gen_below(g->rng, n) == 0;
}

uint64_t gen_edge(GenRng *rng)
{
    static const uint64_t edges[] = {
        0, 1, 2, 7, 8, 31, 32, 48, 56, 63, 64, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, INT32_MAX,
        (uint64_t)INT32_MIN, UINT32_C(0x80000000), UINT32_MAX, UINT64_C(1) << 32, INT64_MAX,
        UINT64_C(1) << 63,
    };
    uint64_t v;

    switch (gen_below(rng, 6)) {
    case 0:
    case 1: v = edges[gen_below(rng, G_N_ELEMENTS(edges))]; break;
    case 2: v = UINT64_C(1) << gen_below(rng, 64); break;
    case 3: v = gen_below(rng, 4096); break;
    case 4: return gen_random(rng);
    default: return ~UINT64_C(0) << gen_below(rng, 64);
    }
    switch (gen_below(rng, 4)) {
    case 0: return 0 - v;
    case 1: return ~v;
    default: return v;
    }
}

static uint64_t random_float(GenRng *rng, bool single)
{
    unsigned frac = single ? 23 : 52, bits = single ? 8 : 11, bias = (1u << (bits - 1)) - 1;
    uint64_t near[] = {0, 1, bias - frac, bias - 1, bias, bias + 1, bias + frac, bias + 31, bias + 63, 2 * bias,
                       2 * bias + 1};
    uint64_t exponent = near[gen_below(rng, G_N_ELEMENTS(near))] + gen_below(rng, 3) - 1;
    uint64_t fraction = gen_edge(rng) & ((UINT64_C(1) << frac) - 1);

    exponent = gen_below(rng, 4) ? exponent & ((1u << bits) - 1) : gen_random(rng) & ((1u << bits) - 1);
    if (gen_below(rng, 3) == 0)
        fraction = gen_random(rng) & ((UINT64_C(1) << frac) - 1);
    uint64_t v = exponent << frac | fraction | (uint64_t)gen_below(rng, 2) << (frac + bits);
    return !single ? v : gen_below(rng, 16) ? v | UINT64_C(0xffffffff) << 32 : v | gen_random(rng) << 32;
}

uint64_t gen_float(GenRng *rng)
{
    return random_float(rng, gen_below(rng, 2));
}

static uint64_t with_exponent(bool single, uint64_t v, int exponent)
{
    unsigned frac = single ? 23 : 52, max = single ? 0xff : 0x7ff;
    uint64_t field = (uint64_t)CLAMP(exponent, 0, (int)max);

    return (v & ~((uint64_t)max << frac)) | field << frac;
}

static int exponent_of(bool single, uint64_t v)
{
    return single ? v >> 23 & 0xff : v >> 52 & 0x7ff;
}

void gen_fp_operands(GenRng *rng, bool single, uint64_t v[3])
{
    int bias = single ? 127 : 1023, frac = single ? 23 : 52, jitter = (int)gen_below(rng, 5) - 2;

    for (unsigned i = 0; i < 3; i++)
        v[i] = random_float(rng, gen_below(rng, 100) ? single : !single);
    int a = exponent_of(single, v[0]), b = exponent_of(single, v[1]);
    switch (gen_below(rng, 8)) {
    case 0: // a + b
        v[1] = with_exponent(single, v[1], a + (int)gen_below(rng, 2 * (unsigned)frac + 8) - frac - 4);
        break;
    case 1: // a * b near the smallest normal number, or the largest
        v[1] = with_exponent(single, v[1], (gen_below(rng, 2) ? 1 : 2 * bias) + bias - a + jitter);
        break;
    case 2: // the same for a / b
        v[1] = with_exponent(single, v[1], a + bias - (gen_below(rng, 2) ? 1 : 2 * bias) + jitter);
        break;
    case 3: // among the subnormal ones, or below
        v[1] = with_exponent(single, v[1], bias - a - (int)gen_below(rng, (unsigned)frac + 4));
        break;
    case 4: // a * b + c
        v[2] = with_exponent(single, v[2], a + b - bias + (int)gen_below(rng, 4 * (unsigned)frac) - 2 * frac);
        break;
    case 5: // ... with c next to a * b
        v[2] = with_exponent(single, v[2], a + b - bias + jitter / 2);
        break;
    default:
        break;
    }
}

static IrVal emit_const(Gen *g, uint64_t v)
{
    return ir_const(g->b, (int64_t)v);
}

static unsigned pick_reg(Gen *g)
{
    return gen_below(g->rng, g->config->n_regs);
}

// A value: a recent one of the block, or a new constant, register or pc.
static IrVal pick_value(Gen *g)
{
    unsigned n = g->b->n_ops;

    for (unsigned tries = 0; tries < 6; tries++) {
        unsigned back = gen_below(g->rng, one_in(g, 8) ? n : MIN(n, 6));
        if (ir_op_info[g->b->ops[n - 1 - back].op].has_value)
            return (IrVal)(n - 1 - back);
    }
    switch (gen_below(g->rng, 8)) {
    case 0: return ir_emit(g->b, IR_OP_PC, 0, IR_NOVAL, IR_NOVAL, (int64_t)gen_edge(g->rng));
    case 1:
    case 2:
    case 3: return emit_const(g, gen_edge(g->rng));
    default: return ir_get(g->b, pick_reg(g));
    }
}

static void emit_pure(Gen *g)
{
    IrOpcode op;
    IrVal a, b;

    do
        op = (IrOpcode)gen_below(g->rng, IR_OPS);
    while (!(ir_op_info[op].flags & IRF_PURE));
    if (op == IR_OP_CONST || op == IR_OP_PC) {
        ir_emit(g->b, op, 0, IR_NOVAL, IR_NOVAL, (int64_t)gen_edge(g->rng));
        return;
    }
    a = pick_value(g);
    if (ir_n_values(op) == 1) {
        ir_unop(g->b, op, a);
        return;
    }
    b = one_in(g, 3) ? emit_const(g, gen_edge(g->rng)) : one_in(g, 12) ? a : pick_value(g);
    if (one_in(g, 2))
        ir_binop(g->b, op, a, b);
    else
        ir_binop(g->b, op, b, a);
}

static IrVal pick_float(Gen *g)
{
    return one_in(g, 3) ? emit_const(g, gen_float(g->rng)) : pick_value(g);
}

static void emit_fp(Gen *g)
{
    IrOpcode op = (IrOpcode)(IR_OP_FADD32 + gen_below(g->rng, IR_OP_FCLASS64 - IR_OP_FADD32 + 1));
    unsigned n = ir_n_values(op), imm = gen_below(g->rng, IR_RM_MODES + 2);
    IrVal v[3] = {IR_NOVAL, IR_NOVAL, IR_NOVAL};

    for (unsigned i = 0; i < n; i++)
        v[i] = pick_float(g);
    imm = imm >= IR_RM_MODES ? IR_RM_DYN : imm;
    if (op == IR_OP_FMADD32 || op == IR_OP_FMADD64 || (op >= IR_OP_FTOI32 && op <= IR_OP_ITOF64))
        imm |= 8 * gen_below(g->rng, 4);
    ir_triop(g->b, op, v[0], v[1], v[2], ir_op_info[op].args[n] == 'i' ? imm : 0);
}

// A check that covers everything, and ops.
static void emit_fps(Gen *g)
{
    ir_fpcheck(g->b, IR_FP_OFF | IR_FP_CLEAN | IR_FP_BAD_RM, (uint32_t)gen_random(g->rng));
    for (unsigned n = 1 + gen_below(g->rng, 3); n; n--)
        emit_fp(g);
}

// An address of `size` bytes in the window, as far as *imm and the result add up to it. Atomics meet on a few
// places, so that SC often succeeds.
static IrVal emit_address(Gen *g, bool is_atomic, int64_t *imm)
{
    const GenConfig *c = g->config;
    IrVal v = pick_value(g);
    uint64_t mask = is_atomic ? 0x18 : one_in(g, 4) ? c->mem_size / 2 - 1 : (c->mem_size - 1) & ~UINT64_C(7);

    *imm = is_atomic || one_in(g, 3) ? 0 : (int64_t)gen_below(g->rng, 4096) - 2048;
    if (c->wild && one_in(g, c->wild))
        return v;
    if (one_in(g, 4))
        return emit_const(g, c->mem_base + (gen_random(g->rng) & mask) - (uint64_t)*imm);
    IrVal m = emit_const(g, mask);
    v = ir_binop(g->b, IR_OP_AND, v, m);
    m = emit_const(g, c->mem_base - (uint64_t)*imm);
    return ir_binop(g->b, IR_OP_ADD, v, m);
}

static unsigned float_reg(Gen *g, bool single)
{
    bool other = one_in(g, 25);
    return 32 + gen_below(g->rng, 3) + 3 * (single != other);
}

static uint64_t special_float(Gen *g, bool single)
{
    static const uint64_t doubles[] = {0, UINT64_C(0x7ff0000000000000), UINT64_C(0xfff0000000000000),
                                       UINT64_C(0x7ff8000000000000), UINT64_C(0xfff8000000000123),
                                       UINT64_C(0x7ff0000000000001), UINT64_C(0x3ff0000000000000)};
    static const uint32_t singles[] = {0, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc00123, 0x7f800001, 0x3f800000};
    unsigned i = gen_below(g->rng, G_N_ELEMENTS(singles));
    return single ? UINT64_C(0xffffffff00000000) | singles[i] : doubles[i];
}

// A float between memory or an integer register and a register, or from one to another.
static void move_float(Gen *g, bool single)
{
    IrVal v;
    int64_t imm;
    unsigned reg = float_reg(g, single);
    switch (gen_below(g->rng, 8)) {
    case 0: // loads
        v = emit_address(g, false, &imm);
        v = ir_emit(g->b, single ? IR_OP_LD32U : IR_OP_LD64, 0, v, IR_NOVAL, imm);
        ir_put(g->b, reg, single ? ir_unop(g->b, IR_OP_BOX32, v) : v);
        break;
    case 1:
        v = emit_address(g, false, &imm);
        ir_emit(g->b, single ? IR_OP_ST32 : IR_OP_ST64, 0, v, ir_get(g->b, reg), imm);
        break;
    case 2:
        v = ir_get(g->b, reg);
        ir_put(g->b, pick_reg(g), single ? ir_unop(g->b, IR_OP_SEXT32, v) : v);
        break;
    case 3:
        v = ir_get(g->b, pick_reg(g));
        ir_put(g->b, reg, single ? ir_unop(g->b, IR_OP_BOX32, v) : v);
        break;
    case 4:
        v = ir_get(g->b, float_reg(g, single));
        ir_put(g->b, reg, single ? ir_unop(g->b, IR_OP_UNBOX32, v) : v);
        break;
    default:
        ir_put(g->b, reg, emit_const(g, one_in(g, 2) ? special_float(g, single) : random_float(g->rng, single)));
    }
}

// An operation on float registers; a sign operation if it computes nothing.
static void compute_float(Gen *g, bool computes)
{
    IrOpcode op = computes ? (IrOpcode)(IR_OP_FADD32 + gen_below(g->rng, IR_OP_FCLASS64 - IR_OP_FADD32 + 1))
                           : (IrOpcode)(IR_OP_FSGNJ32 + gen_below(g->rng, 6));
    bool single = (op - (computes ? IR_OP_FADD32 : IR_OP_FSGNJ32)) % 2 == 0, from = single, integer = false;
    unsigned imm = one_in(g, 4) ? gen_below(g->rng, IR_RM_MODES) : IR_RM_DYN, n = ir_n_values(op);
    IrVal v[3] = {IR_NOVAL, IR_NOVAL, IR_NOVAL};

    if (op == IR_OP_F64TO32 || op == IR_OP_F32TO64)
        from = !single;
    if (op == IR_OP_FMADD32 || op == IR_OP_FMADD64 || (op >= IR_OP_FTOI32 && op <= IR_OP_ITOF64))
        imm |= 8 * gen_below(g->rng, 4);
    integer = (op >= IR_OP_FEQ32 && op <= IR_OP_FLE64) || op == IR_OP_FTOI32 || op == IR_OP_FTOI64 ||
              op >= IR_OP_FCLASS32;
    for (unsigned i = 0; i < n; i++)
        v[i] = i && one_in(g, 4)                                 ? v[0]
               : op == IR_OP_ITOF32 || op == IR_OP_ITOF64 ? ir_get(g->b, pick_reg(g))
                                                          : ir_get(g->b, float_reg(g, from));
    IrVal r = ir_triop(g->b, op, v[0], v[1], v[2], ir_op_info[op].args[n] == 'i' ? imm : 0);
    ir_put(g->b, integer && computes ? pick_reg(g) : float_reg(g, single), r);
}

static void emit_floats(Gen *g)
{
    ir_fpcheck(g->b, IR_FP_OFF | IR_FP_CLEAN | IR_FP_BAD_RM, (uint32_t)gen_random(g->rng));
    if (one_in(g, 3) && g->config->memory)
        move_float(g, one_in(g, 2));
    else
        compute_float(g, !one_in(g, 4));
}

static void emit_pures(Gen *g)
{
    for (unsigned n = 1 + gen_below(g->rng, g->config->max_ops); n; n--) {
        if (one_in(g, 4))
            ir_get(g->b, pick_reg(g));
        else
            emit_pure(g);
    }
}

static void emit_puts(Gen *g)
{
    for (unsigned n = gen_below(g->rng, 3); n; n--) {
        IrVal v = pick_value(g);
        ir_put(g->b, pick_reg(g), v);
    }
}

static void emit_atomic(Gen *g)
{
    IrOpcode op = (IrOpcode)(IR_OP_LR32 + gen_below(g->rng, IR_OP_AMO64 - IR_OP_LR32 + 1));
    int64_t imm;
    IrVal b = pick_value(g), a = emit_address(g, true, &imm);

    if (op == IR_OP_LR32 || op == IR_OP_LR64)
        ir_unop(g->b, op, a);
    else
        ir_emit(g->b, op, 0, a, b, op == IR_OP_AMO32 || op == IR_OP_AMO64 ? gen_below(g->rng, IR_AMOS) : 0);
}

static void emit_memory(Gen *g)
{
    int64_t imm;

    if (g->config->atomics && one_in(g, 3)) {
        emit_atomic(g);
        return;
    }
    if (one_in(g, 20)) {
        ir_emit(g->b, IR_OP_FENCE, 0, IR_NOVAL, IR_NOVAL, 0);
        return;
    }
    IrOpcode op = (IrOpcode)(IR_OP_LD8U + gen_below(g->rng, IR_OP_ST64 - IR_OP_LD8U + 1));
    IrVal b = ir_is_store(op) ? pick_value(g) : IR_NOVAL, a = emit_address(g, false, &imm);
    ir_emit(g->b, op, 0, a, b, imm);
}

static void start_insn(Gen *g)
{
    unsigned len = one_in(g, 2) ? 2 : 4;

    ir_insn(g->b, g->pc, len, (uint32_t)gen_random(g->rng) >> (len == 2 ? 16 : 0));
    g->pc += len;
}

static IrEdge pick_edge(Gen *g)
{
    int32_t block = (int32_t)gen_below(g->rng, g->code->n_blocks);

    if (g->config->leave && one_in(g, 5))
        return (IrEdge){-1, (int64_t)(gen_random(g->rng) & 0xffff) - 0x8000};
    return (IrEdge){block, g->code->blocks[block]->pc};
}

static void emit_jmpind(Gen *g)
{
    IrVal v = pick_value(g);

    for (unsigned n = gen_below(g->rng, 4); n; n--) {
        unsigned block = gen_below(g->rng, g->code->n_blocks);
        ir_block_guess(g->b, g->code->blocks[block]->pc, (int32_t)block);
        if (one_in(g, 2))
            v = ir_emit(g->b, IR_OP_PC, 0, IR_NOVAL, IR_NOVAL, g->code->blocks[block]->pc);
    }
    if (one_in(g, 3)) { // hide it from the passes
        ir_put(g->b, pick_reg(g), v);
        v = ir_get(g->b, pick_reg(g));
    }
    ir_unop(g->b, IR_OP_JMPIND, v);
}

static void emit_terminator(Gen *g)
{
    unsigned kind = gen_below(g->rng, 12);

    if (g->config->n_helpers && kind == 0) {
        start_insn(g);
        IrVal a = pick_value(g), b = pick_value(g);
        ir_emit(g->b, IR_OP_SYS, 0, a, b, gen_below(g->rng, g->config->n_helpers));
        return;
    }
    if (g->config->leave && kind == 1) {
        emit_jmpind(g);
        return;
    }
    g->b->edge[0] = pick_edge(g);
    if (kind < 5) {
        ir_emit(g->b, IR_OP_JUMP, 0, IR_NOVAL, IR_NOVAL, 0);
        return;
    }
    g->b->edge[1] = pick_edge(g);
    IrVal a = pick_value(g), b = one_in(g, 4) ? emit_const(g, 0) : pick_value(g);
    ir_binop(g->b, (IrOpcode)(IR_OP_BR_EQ + gen_below(g->rng, 6)), a, b);
}

static void fill_block(Gen *g)
{
    g->pc = g->b->pc;
    for (unsigned n = 1 + gen_below(g->rng, g->config->max_insns); n; n--) {
        start_insn(g);
        if (g->config->floats && !one_in(g, 8)) {
            emit_floats(g);
            continue;
        }
        emit_pures(g);
        if (g->config->memory && one_in(g, 2))
            emit_memory(g);
        else if (g->config->fp && one_in(g, 2))
            emit_fps(g);
        if (one_in(g, 2))
            emit_pures(g);
        emit_puts(g);
    }
    emit_terminator(g);
}

IrCode *gen_code(GenRng *rng, const GenConfig *config)
{
    unsigned n = 1 + gen_below(rng, config->max_blocks);
    Gen g = {.rng = rng, .config = config, .code = ir_code_new(config->base)};
    int64_t pc = -(int64_t)(gen_random(rng) & 0xfff0);

    for (unsigned i = 0; i < n; i++) {
        IrBlock *b = ir_block_new(pc);
        b->is_entry = i == 0 || one_in(&g, 3);
        b->count = one_in(&g, 2) ? gen_random(rng) >> gen_below(rng, 64) : 0;
        ir_code_add(g.code, b);
        pc += 4 * (int64_t)config->max_insns + 4 + (int64_t)(gen_random(rng) & 0xff0);
    }
    for (unsigned i = 0; i < n; i++) {
        g.b = g.code->blocks[i];
        fill_block(&g);
    }
    return g.code;
}
