// SPDX-License-Identifier: GPL-3.0-or-later
// -accel check sees what it is for: compiled code that computes or stores otherwise than the interpreter. The mirror's
// copy of RAM is spoilt through its own TLB to make it differ.
#include "machine/check.h"
#include "tests/machine/fixture.h"
#include <string.h>

#define CODE UINT64_C(0x80000000)
#define DATA UINT64_C(0x80008000)
#define GP   3
#define A0   10
#define A2   12

typedef struct {
    Cpu *cpu, *mirror;
    Check *check;
} Pair;

// for (;;) { a0 += 1; a2 = d@(gp); d@(gp + 8) = a0; }
static const uint32_t code[] = {0x00150513, 0x0001b603, 0x00a1b423, 0xff5ff06f};

static Pair start(Fixture *f, bool svadu)
{
    fixture_boot(f);
    for (unsigned i = 0; i < G_N_ELEMENTS(code); i++)
        fixture_st(f, CODE + 4 * i, 4, code[i]);
    fixture_st(f, DATA, 8, 77);
    CpuConfig config = {.features = hart_features_default, .tlb_bits = 8};
    config.features.svadu = svadu;
    Cpu *cpu = cpu_new(f->board, 0, &config);
    config.engine = (EngineConfig){.baseline = true, .warm = 2};
    Cpu *mirror = cpu_new(f->board, 0, &config);
    cpu->hart.env.pc = CODE;
    cpu->hart.env.r[GP] = DATA;
    return (Pair){cpu, mirror, check_new(cpu, mirror, NULL)};
}

static void stop(Pair p)
{
    check_free(p.check);
    cpu_free(p.mirror);
    cpu_free(p.cpu);
}

static char *run(Pair p, int64_t insns)
{
    IrEnv *env = &p.cpu->hart.env;
    env->icount_limit += (uint64_t)(insns - env->left);
    env->left = insns;
    return check_run(p.check);
}

static void spoil(Pair p, uint64_t addr)
{
    MemFault fault;
    assert_true(tlb_store(p.mirror->tlb, addr, 8, 5, &fault));
}

static void all_is_well(void **state)
{
    Pair p = start(*state, false);
    assert_null(run(p, 1000));
    assert_null(run(p, 1000));
    assert_null(check_memory(p.check));
    uint64_t stretches, insns, done = ir_env_icount(&p.cpu->hart.env);
    check_counts(p.check, &stretches, &insns);
    assert_in_range(done, 2000, 2010);
    assert_in_range(insns, done - 40, done);
    assert_in_range(stretches, 1, 20);
    assert_int_equal(p.cpu->hart.env.r[A0], (done + 3) / 4);
    assert_int_equal(p.cpu->hart.env.r[A2], 77);
    stop(p);
}

static void another_register(void **state)
{
    Pair p = start(*state, false);
    assert_null(run(p, 100));
    spoil(p, DATA);
    g_autofree char *message = run(p, 100);
    assert_non_null(message);
    assert_non_null(strstr(message, "register a2 differs"));
    assert_null(check_memory(p.check)); // said already
    stop(p);
}

static void a_stray_store(void **state)
{
    for (int svadu = 0; svadu < 2; svadu++) {
        Pair p = start(*state, svadu);
        assert_null(run(p, 100));
        spoil(p, DATA + 0x123450);
        assert_null(run(p, 100));
        g_autofree char *message = check_memory(p.check);
        assert_int_equal(!message, svadu); // the mirror may have set A bits that the processor has not
        if (message)
            assert_non_null(strstr(message, "the page at 0x8012b000"));
        stop(p);
        fixture_reset(*state);
    }
}

int main(int argc, char **argv)
{
    test_data = argc > 1 ? argv[1] : "";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_is_well, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(another_register, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_stray_store, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
