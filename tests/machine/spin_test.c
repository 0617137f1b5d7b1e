// SPDX-License-Identifier: GPL-3.0-or-later
// Which harts are taken for waiting ones.
#include "machine/spin.h"
#include "tests/test.h"

#define PC 0x80001000

static IrEnv env; // too large for the stack

static bool slice(SpinWatch *w, uint64_t pc)
{
    env.pc = pc;
    return spin_watch(w, &env);
}

static void waits(void **state)
{
    (void)state;
    SpinWatch w = {0};
    assert_false(slice(&w, PC));
    assert_true(slice(&w, PC));
    for (int i = 0; i < 100; i++) { // a value and a count
        env.r[10]++;
        env.r[63] += 3;
        assert_true(slice(&w, PC));
    }
    env.r[15] = env.r[16] = env.r[17] = 5; // elsewhere in the loop there is more on the way
    assert_true(slice(&w, PC + 12));
    env.r[15] = env.r[16] = env.r[17] = 0;
    assert_true(slice(&w, PC));
    assert_false(slice(&w, PC + 64)); // gone on
    assert_false(slice(&w, PC + 1000));
}

static void change(unsigned i)
{
    for (unsigned r = 5; r < 8; r++)
        env.r[r] += i + r;
}

static void computes(void **state)
{
    (void)state;
    SpinWatch w = {0};
    unsigned yields = 0;
    for (unsigned i = 0; i < 1 + 320; i++) {
        change(i);
        bool yield = slice(&w, PC + i % 2 * 8);
        assert_true(yield || i == 0 || i > 10); // it might wait all the same
        yields += yield;
    }
    assert_in_range(yields, 20, 40); // but needs no yield each time
}

// A turn in each slice; then nothing, once in a while.
static void takes_turns(void **state)
{
    (void)state;
    SpinWatch w = {0};
    slice(&w, PC);
    for (unsigned i = 1; i < 300; i++) {
        if (i % 12)
            change(i);
        assert_true(slice(&w, PC));
    }
}

static void moves_about(void **state)
{
    (void)state;
    SpinWatch w = {0};
    for (uint64_t i = 0; i < 100; i++)
        assert_false(slice(&w, PC + i * 100));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits),
        cmocka_unit_test(computes),
        cmocka_unit_test(takes_turns),
        cmocka_unit_test(moves_about),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
