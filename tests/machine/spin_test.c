// SPDX-License-Identifier: GPL-3.0-or-later
// Which harts are taken for waiting ones.
#include "machine/spin.h"
#include "tests/test.h"

#define PC 0x80001000

static IrEnv env; // too large for the stack

static Spin slice(SpinWatch *w, uint64_t pc)
{
    env.pc = pc;
    return spin_watch(w, &env);
}

static void waits(void **state)
{
    (void)state;
    SpinWatch w = {0};
    assert_int_equal(slice(&w, PC), SPIN_NO);
    assert_int_equal(slice(&w, PC), SPIN_SURE);
    for (int i = 0; i < 100; i++) { // a value and a count
        env.r[10]++;
        env.r[63] += 3;
        assert_int_equal(slice(&w, PC), SPIN_SURE);
    }
    env.r[15] = env.r[16] = env.r[17] = 5; // elsewhere in the loop there is more on the way
    assert_int_equal(slice(&w, PC + 12), SPIN_SURE);
    env.r[15] = env.r[16] = env.r[17] = 0;
    assert_int_equal(slice(&w, PC), SPIN_SURE);
    assert_int_equal(slice(&w, PC + 64), SPIN_NO); // gone on
    assert_int_equal(slice(&w, PC + 1000), SPIN_NO);
}

static void computes(void **state)
{
    (void)state;
    SpinWatch w = {0};
    unsigned maybe = 0;
    for (unsigned i = 0; i < 1 + 320; i++) {
        for (unsigned r = 5; r < 8; r++)
            env.r[r] += i + r;
        Spin s = slice(&w, PC + i % 2 * 8);
        assert_int_not_equal(s, SPIN_SURE);
        assert_true(i != 1 || s == SPIN_MAYBE); // it might wait all the same
        maybe += s == SPIN_MAYBE;
    }
    assert_in_range(maybe, 10, 20); // but needs no yield each time
}

static void moves_about(void **state)
{
    (void)state;
    SpinWatch w = {0};
    for (uint64_t i = 0; i < 100; i++)
        assert_int_equal(slice(&w, PC + i * 100), SPIN_NO);
    for (uint64_t i = 0; i < 40; i++) { // slowly, through code that has no loop
        env.r[8] += i;
        assert_int_not_equal(slice(&w, PC + i * 4), SPIN_SURE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits),
        cmocka_unit_test(computes),
        cmocka_unit_test(moves_about),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
