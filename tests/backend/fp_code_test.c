// SPDX-License-Identifier: GPL-3.0-or-later
// Every floating-point op as compiled code of both tiers against its definition: each rounding mode, static and
// dynamic, each kind of conversion, over edge operands, in five modes of the guest, with flags set before or not.
#include "tests/test.h"
#include "tests/backend/compile.h"
#include "tests/ir/gen.h"
#include "backend/baseline.h"
#include "backend/fp_host.h"
#include "backend/interp.h"
#include "backend/jit_call.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BASE UINT64_C(0x80000000)
#define BATCH 40 // ops compiled as one region
#define F0 32
#define OTHER_FLAGS (IR_FP_NX | IR_FP_OF)

typedef struct {
    IrOpcode op;
    unsigned imm;
} Variant;

static GArray *variants;
static uint64_t checked;
static IrEnv env;

static bool rounds(IrOpcode op)
{
    return ir_op_info[op].args[ir_n_values(op)] == 'i';
}

static void make_variants(void)
{
    static const unsigned modes[] = {IR_RM_DYN, IR_RM_RNE, IR_RM_RTZ, IR_RM_RDN, IR_RM_RUP, IR_RM_RMM};

    variants = g_array_new(FALSE, FALSE, sizeof(Variant));
    for (unsigned op = IR_OP_FADD32; op <= IR_OP_FCLASS64; op++) {
        bool kinds = op == IR_OP_FMADD32 || op == IR_OP_FMADD64 || (op >= IR_OP_FTOI32 && op <= IR_OP_ITOF64);
        for (unsigned kind = 0; kind < (kinds ? 4 : 1); kind++)
            for (unsigned m = 0; m < (rounds((IrOpcode)op) ? G_N_ELEMENTS(modes) : 1); m++) {
                Variant v = {(IrOpcode)op, rounds((IrOpcode)op) ? 8 * kind + modes[m] : 0};
                g_array_append_val(variants, v);
            }
    }
}

// f0 := op of f1, f2 and f3, or twice so: the second takes the first's result as operand `again` - 1.
static IrBlock *block_of(const Variant *v, int64_t pc, unsigned again)
{
    IrBlock *b = ir_block_new(pc);
    unsigned n = ir_n_values(v->op);
    IrVal a[3] = {IR_NOVAL, IR_NOVAL, IR_NOVAL};

    b->is_entry = true;
    ir_insn(b, pc, 4, 0);
    ir_fpcheck(b, IR_FP_OFF | IR_FP_CLEAN | IR_FP_BAD_RM, 0);
    for (unsigned k = 0; k < n; k++)
        a[k] = ir_get(b, F0 + 1 + k);
    IrVal r = n == 3 ? ir_triop(b, v->op, a[0], a[1], a[2], v->imm) : ir_emit(b, v->op, 0, a[0], a[1], v->imm);
    if (again) {
        ir_put(b, F0 + 4, r);
        a[again - 1] = r;
        ir_insn(b, pc + 4, 4, 0);
        r = n == 3 ? ir_triop(b, v->op, a[0], a[1], a[2], v->imm) : ir_emit(b, v->op, 0, a[0], a[1], v->imm);
    }
    ir_put(b, F0, r);
    b->edge[0] = (IrEdge){-1, pc + 8};
    ir_emit(b, IR_OP_JUMP, 0, IR_NOVAL, IR_NOVAL, 0);
    return b;
}

static void fail_at(const Variant *v, const uint64_t in[3], unsigned again, unsigned frm, unsigned before,
                    uint64_t want, unsigned flags)
{
    fail_msg("%s(%" PRIx64 ", %" PRIx64 ", %" PRIx64 ") imm %x again %u, frm %u, fflags %x: %" PRIx64
             " fflags %x, not %" PRIx64 " fflags %x",
             ir_op_info[v->op].name, in[0], in[1], in[2], v->imm, again, frm, before, env.r[F0], (unsigned)env.fflags,
             want, flags);
}

// One run in mode frm; compiled code leaves before what rounds dynamically and to ties away.
static void check_one(const Variant *v, JitUnit *u, unsigned entry, const uint64_t in[3], unsigned again, unsigned frm,
                      unsigned before)
{
    unsigned imm = (v->imm & IR_FP_RM) == IR_RM_DYN ? (v->imm & ~(unsigned)IR_FP_RM) | frm : v->imm;
    uint64_t flags = before, args[3] = {in[0], in[1], in[2]};
    uint64_t want = ir_eval_fp(v->op, args[0], args[1], args[2], imm, &flags), first = want;
    if (again) {
        args[again - 1] = want;
        want = ir_eval_fp(v->op, args[0], args[1], args[2], imm, &flags);
    }
    env.left = 100;
    env.frm = frm;
    env.fflags = before;
    env.r[F0] = env.r[F0 + 4] = 1;
    for (unsigned k = 0; k < 3; k++)
        env.r[F0 + 1 + k] = in[k];
    LeftBy by = compiled_run(u, &env, entry);
    checked++;
    if (frm == IR_RM_RMM) {
        assert_int_not_equal(by, LEFT_CHAIN);
        return;
    }
    assert_int_equal(by, LEFT_CHAIN);
    if (env.r[F0] != want || env.fflags != flags || (again && env.r[F0 + 4] != first))
        fail_at(v, in, again, frm, before, want, (unsigned)flags);
}

static void operands(GenRng *rng, const Variant *v, unsigned n, uint64_t in[3])
{
    bool single = ((v->op - IR_OP_FADD32) % 2 == 0) != (v->op == IR_OP_F64TO32 || v->op == IR_OP_F32TO64);
    static const double limits[] = {2147483648.0, -2147483648.0, 4294967296.0, 9223372036854775808.0,
                                    -9223372036854775808.0, 18446744073709551616.0, 0, -1};

    gen_fp_operands(rng, single, in);
    if (v->op >= IR_OP_ITOF32 && v->op <= IR_OP_ITOF64) {
        in[0] = gen_edge(rng);
    } else if ((v->op == IR_OP_FTOI32 || v->op == IR_OP_FTOI64) && n % 2) { // near the limits of the integer types
        double d = limits[gen_below(rng, 8)] + (gen_below(rng, 33) - 16.0) / 8;
        float f = (float)d;
        uint32_t word;
        memcpy(&word, &f, sizeof word);
        memcpy(&in[0], &d, sizeof d);
        in[0] += gen_below(rng, 3) - UINT64_C(1);
        if (single)
            in[0] = UINT64_C(0xffffffff) << 32 | (word + gen_below(rng, 3) - 1);
    }
    if (n % 16 == 0)
        in[1] = in[0];
}

static void check_variant(GenRng *rng, const Variant *v, JitUnit *u, unsigned entry, unsigned again, unsigned rounds_)
{
    for (unsigned n = 0; n < rounds_; n++) {
        uint64_t in[3];
        operands(rng, v, n, in);
        for (unsigned frm = 0; frm < IR_RM_MODES; frm++) {
            check_one(v, u, entry, in, again, frm, 0);
            check_one(v, u, entry, in, again, frm, n % 2 ? OTHER_FLAGS : 31);
        }
    }
}

// Which operand of a second op may be the result of a first one; 0: none.
static unsigned pick_again(unsigned n, IrOpcode op)
{
    bool same_type = op <= IR_OP_FMAX64;
    return same_type ? n % (ir_n_values(op) + 1) : 0;
}

static void regions(void **state)
{
    GenRng rng = {71};
    Compiler c;
    (void)state;

    checked = 0;
    compiler_init(&c, 0);
    for (unsigned first = 0; first < 2 * variants->len; first += BATCH) {
        g_autoptr(IrCode) code = ir_code_new(BASE);
        unsigned end = MIN(first + BATCH, 2 * variants->len);
        for (unsigned i = first; i < end; i++) {
            const Variant *v = &g_array_index(variants, Variant, i / 2);
            ir_code_add(code, block_of(v, 16 * (i - first), i % 2 ? pick_again(i / 2, v->op) : 0));
        }
        JitUnit *u = compile_code(&c, code);
        assert_int_equal(u->n_entries, end - first);
        for (unsigned i = first; i < end; i++) {
            const Variant *v = &g_array_index(variants, Variant, i / 2);
            check_variant(&rng, v, u, i - first, i % 2 ? pick_again(i / 2, v->op) : 0, 800);
        }
        jit_unit_free(u);
    }
    compiler_deinit(&c);
    assert_true(checked > 3000000);
}

static void baseline(void **state)
{
    GenRng rng = {72};
    (void)state;

    checked = 0;
    CodeMemory *memory = code_memory_new(0);
    CodeArena *arena = code_arena_new();
    for (unsigned i = 0; i < variants->len; i++) {
        const Variant *v = &g_array_index(variants, Variant, i);
        for (unsigned again = 0; again <= (v->op <= IR_OP_FMAX64 ? ir_n_values(v->op) : 0); again++) {
            g_autoptr(GError) error = NULL;
            g_autoptr(IrBlock) ir = block_of(v, 0, again);
            Block *b = interp_translate(ir, BASE, false, arena);
            *b->runs = INT32_MAX;
            JitUnit *u = baseline_translate(b, &env, false, false, memory, arena, &error);
            if (!u)
                fail_msg("%s", error->message);
            check_variant(&rng, v, u, 0, again, 800);
            code_arena_reset(arena);
        }
    }
    code_arena_free(arena);
    code_memory_free(memory);
    assert_true(checked > 3000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(baseline),
        cmocka_unit_test(regions),
    };

    env.fp = fp_host_functions();
    env.fp_soft = fp_host_soft;
    env.jit_call = jit_call;
    make_variants();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    g_array_free(variants, TRUE);
    return failed;
}
