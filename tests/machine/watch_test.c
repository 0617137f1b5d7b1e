// SPDX-License-Identifier: GPL-3.0-or-later
// What watchers and samplers are told of a guest in which known things happen (tests/guest/machine/events.c).
#include "tests/test.h"
#include "machine/cpu_watch.h"
#include "machine/exec_private.h"
#include "machine/sampler.h"
#include <inttypes.h>
#include <string.h>

#define WORK (400000 * 60) // instructions in work_a and work_b

static const char *guest; // argv[1]

typedef struct {
    unsigned kinds[CPU_RESET + 1], ecalls, illegal, timers, wrong;
    bool waits;
    uint64_t last_ns, last_insns, fences[4], satp[2];
} Seen;

static void see(void *opaque, const CpuEvent *e)
{
    Seen *s = opaque;
    s->wrong += e->ns < s->last_ns || e->insns < s->last_insns || e->hart != 0;
    s->last_ns = e->ns;
    s->last_insns = e->insns;
    if (e->kind == CPU_EXCEPTION) {
        s->ecalls += e->cause == EXC_ECALL_M;
        s->illegal += e->cause == EXC_ILLEGAL && !e->tval;
        s->wrong += e->pc < 0x80000000 || e->pc >= 0x80100000;
    }
    s->timers += e->kind == CPU_INTERRUPT && e->cause == IRQ_M_TIMER;
    if (e->kind == CPU_TLB_FENCE && s->kinds[CPU_TLB_FENCE] < 2) {
        s->fences[2 * s->kinds[CPU_TLB_FENCE]] = e->cause;
        s->fences[2 * s->kinds[CPU_TLB_FENCE] + 1] = e->tval;
    }
    if (e->kind == CPU_SPACE && s->kinds[CPU_SPACE] < 2)
        s->satp[s->kinds[CPU_SPACE]] = e->tval;
    if (e->kind == CPU_WFI_BEGIN || e->kind == CPU_WFI_END) {
        s->wrong += s->waits == (e->kind == CPU_WFI_BEGIN);
        s->waits = e->kind == CPU_WFI_BEGIN;
    }
    s->kinds[e->kind]++;
}

typedef struct {
    uint64_t samples, insns, in_a, in_b, digest;
} Samples;

static void sample(void *opaque, Cpu *cpu, uint64_t insns)
{
    Samples *s = opaque;
    uint64_t offset;
    const char *name = board_symbol(cpu->board, cpu->hart.env.pc, &offset);
    s->samples++;
    s->insns += insns;
    s->in_a += name && !strcmp(name, "work_a") ? insns : 0;
    s->in_b += name && !strcmp(name, "work_b") ? insns : 0;
    s->digest = (s->digest ^ cpu->hart.env.pc) * UINT64_C(0x9e3779b97f4a7c15) + insns;
}

static CpuWatcher watchers[2];

static void watch(void *opaque, Machine *m)
{
    Seen *s = opaque;
    for (unsigned i = 0; i < 2; i++) {
        watchers[i] = (CpuWatcher){&s[i], see, NULL};
        cpu_add_watcher(machine_cpu(m, 0), &watchers[i]);
    }
}

// Runs the guest; how many instructions. Either may be NULL; seen are two.
static uint64_t run(const char *accel, bool icount, Seen *seen, Samples *samples, uint64_t period)
{
    const char *argv[] = {"addend", "-display", "none", "-serial", "null", "-accel", accel, "-bios", "none", "-kernel",
                          guest,    "-icount",  "0"};
    g_autoptr(GError) error = NULL;
    Options o;
    assert_true(options_parse(&o, G_N_ELEMENTS(argv) - (icount ? 0 : 2), (char **)(uintptr_t)argv, &error));
    Machine *m = machine_new(&o, &error);
    assert_non_null(m);
    SampleListener listener = {samples, sample};
    Samples rare = {0};
    if (samples) {
        machine_add_sampler(m, 1000000, &(SampleListener){&rare, sample});
        machine_add_sampler(m, period, &listener);
    }
    if (seen)
        machine_add_ready(m, watch, seen);
    RunResult r;
    machine_run(m, &r);
    assert_int_equal(r.status, 0);
    if (samples) {
        assert_int_equal(samples->samples, rare.samples);
        assert_int_equal(samples->digest, rare.digest);
    }
    uint64_t insns = ir_env_icount(&machine_cpu(m, 0)->hart.env);
    machine_free(m);
    options_deinit(&o);
    return insns;
}

static const char *const engines[] = {"interp", "baseline,warm=1", "jit,threshold=200,sync=on", "check"};

static void everything_is_told_once(void **state)
{
    (void)state;
    for (unsigned i = 0; i < G_N_ELEMENTS(engines); i++) {
        Seen two[2] = {0};
        run(engines[i], i > 0, two, NULL, 0);
        const Seen *s = two;
        assert_memory_equal(&two[0].kinds, &two[1].kinds, sizeof two[0].kinds);
        assert_int_equal(s->wrong, 0);
        assert_int_equal(s->ecalls, 3);
        assert_int_equal(s->illegal, 1);
        assert_int_equal(s->kinds[CPU_EXCEPTION], 4);
        assert_int_equal(s->timers, 5);
        assert_int_equal(s->kinds[CPU_INTERRUPT], 5);
        assert_int_equal(s->kinds[CPU_WFI_BEGIN], s->kinds[CPU_WFI_END]);
        if (i) // else the host may be so slow that the time is over before the guest waits
            assert_int_equal(s->kinds[CPU_WFI_BEGIN], 5);
        assert_false(s->waits);
        assert_int_equal(s->kinds[CPU_TLB_FENCE], 2);
        assert_int_equal(s->fences[0], 0);
        assert_int_equal(s->fences[2], CPU_FENCE_PAGE);
        assert_int_equal(s->fences[3], 0x80000000);
        assert_int_equal(s->kinds[CPU_SPACE], 2);
        assert_true(s->satp[0] == (UINT64_C(8) << 60 | 0x80000));
        assert_int_equal(s->satp[1], 0);
        assert_int_equal(s->kinds[CPU_RESET], 0);
    }
}

// 60 instructions each time around: 48 in work_a, 12 in work_b, which no test of a region's loop lies in.
static void samples_fall_where_instructions_run(void **state)
{
    (void)state;
    for (unsigned i = 0; i < G_N_ELEMENTS(engines) - 1; i++) {
        Samples s = {0};
        uint64_t insns = run(engines[i], false, NULL, &s, 2003);
        double mean = (double)s.insns / (double)s.samples;
        print_message("%s: %" PRIu64 " samples, mean %.0f, %.4f in work_a, %.4f in work_b\n", engines[i], s.samples,
                      mean, (double)s.in_a / WORK, (double)s.in_b / WORK);
        assert_true(mean > 1900 && mean < 2300);
        assert_true(s.insns <= insns && s.insns > insns - 5000);
        assert_true(s.in_a > 0.79 * WORK && s.in_a < 0.81 * WORK);
        assert_true(s.in_b > 0.19 * WORK && s.in_b < 0.21 * WORK);
    }
}

static void samples_repeat(void **state)
{
    (void)state;
    for (unsigned i = 0; i < G_N_ELEMENTS(engines); i++) {
        Samples a = {0}, b = {0};
        uint64_t plain = run(engines[i], true, NULL, NULL, 0);
        assert_int_equal(run(engines[i], true, NULL, &a, 10007), plain);
        assert_int_equal(run(engines[i], true, NULL, &b, 10007), plain);
        assert_memory_equal(&a, &b, sizeof a);
        assert_true(a.samples > 2000);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(everything_is_told_once),
                                       cmocka_unit_test(samples_fall_where_instructions_run),
                                       cmocka_unit_test(samples_repeat)};
    guest = argc > 1 ? argv[1] : NULL;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
