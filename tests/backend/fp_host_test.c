// SPDX-License-Identifier: GPL-3.0-or-later
// The floating-point ops on the host against their definition, in every state that they tell apart: rounding modes,
// static and dynamic, and NX set before or not.
#include "tests/test.h"
#include "backend/fp_host.h"
#include "tests/ir/gen.h"
#include <inttypes.h>
#include <string.h>

static const IrFpFn *functions;
static uint64_t checked;

static void check(IrOpcode op, const uint64_t v[3], unsigned more)
{
    bool rounds = ir_op_info[op].args[ir_n_values(op)] == 'i';

    for (unsigned state = 0; state < (rounds ? 4 * IR_RM_MODES : 2); state++) {
        unsigned rm = rounds ? state / 4 : 0, before = state % 2 ? IR_FP_NX : IR_FP_DZ;
        bool dynamic = rounds && state & 2;
        IrEnv env = {.fflags = before, .frm = dynamic ? rm : IR_RM_RTZ};
        uint64_t flags = before, want = ir_eval_fp(op, v[0], v[1], v[2], rm | more, &flags);
        uint64_t got = functions[op - IR_OP_FADD32](&env, v[0], v[1], v[2], (dynamic ? IR_RM_DYN : rm) | more);
        checked++;
        if (got != want || env.fflags != flags)
            fail_msg("%s(%" PRIx64 ", %" PRIx64 ", %" PRIx64 ") imm %x, fflags %x: %" PRIx64 " fflags %x, not %" PRIx64
                     " fflags %x",
                     ir_op_info[op].name, v[0], v[1], v[2], rm | more, before, got, (unsigned)env.fflags, want,
                     (unsigned)flags);
    }
}

static void host_equals_definition(void **state)
{
    GenRng rng = {51};
    (void)state;

    for (unsigned op = IR_OP_FADD32; op <= IR_OP_FCLASS64; op++) {
        bool more = op == IR_OP_FMADD32 || op == IR_OP_FMADD64 || (op >= IR_OP_FTOI32 && op <= IR_OP_ITOF64);
        bool single = ((op - IR_OP_FADD32) % 2 == 0) != (op == IR_OP_F64TO32 || op == IR_OP_F32TO64);
        for (unsigned n = 0; n < 15000; n++) {
            uint64_t v[3];
            gen_fp_operands(&rng, single, v);
            if (op >= IR_OP_ITOF32 && op <= IR_OP_ITOF64)
                v[0] = gen_edge(&rng);
            if (n % 16 == 0)
                v[1] = v[0];
            check((IrOpcode)op, v, more ? 8 * gen_below(&rng, 4) : 0);
        }
    }
    assert_true(checked > 5000000);
}

// Conversions around the limits of the integer types, with fractions.
static void limits(void **state)
{
    static const double at[] = {0, 1, -1, 2147483647.0, 2147483648.0, -2147483648.0, 4294967295.0, 4294967296.0,
                                9223372036854775808.0, -9223372036854775808.0, 18446744073709551616.0};
    (void)state;

    for (unsigned i = 0; i < G_N_ELEMENTS(at); i++)
        for (int step = -12; step <= 12; step++) {
            double d = at[i] + step / 4.0;
            float f = (float)d;
            uint64_t v[2][3] = {{0}}, next;
            uint32_t word;
            memcpy(&word, &f, sizeof word);
            memcpy(&next, &at[i], sizeof next);
            v[0][0] = UINT64_C(0xffffffff) << 32 | word;
            memcpy(&v[1][0], &d, sizeof d);
            for (unsigned kind = 0; kind < 32; kind += 8) {
                check(IR_OP_FTOI32, v[0], kind);
                check(IR_OP_FTOI64, v[1], kind);
                check(IR_OP_FTOI64, (uint64_t[]){next + (uint64_t)step, 0, 0}, kind);
            }
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(host_equals_definition),
        cmocka_unit_test(limits),
    };

    functions = fp_host_functions();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
