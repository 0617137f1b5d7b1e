// SPDX-License-Identifier: GPL-3.0-or-later
// No room for compiled code: its memory is full again and again while workers compile, or the host gives less than it
// may take, or none. What the guest computes is the same, and the user reads one line.
#include "tests/test.h"
#include "tests/backend/encode.h"
#include "tests/backend/rig.h"
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif
#define RAM_SIZE 0x40000u
#define LENGTH 5u // instructions of a loop
#define LOOPS (RAM_SIZE / 4 / LENGTH - 1)

// RAM full of loops of two blocks; number i adds i & 1023 to T1 as often as T2 says, and falls into the next one.
static void fill_ram(HartRig *h)
{
    for (uint32_t i = 0; i < LOOPS; i++) {
        const uint32_t code[LENGTH] = {
            addi(T0, T0, 1),
            0x0040006f, // j .+4
            addi(T1, T1, i & 1023),
            0xfe729ae3, // bne t0, t2, .-12
            addi(T0, 0, 0),
        };
        hart_rig_poke(h, RIG_RAM + 4 * LENGTH * i, code, LENGTH);
    }
    const uint32_t end = 0x0000006f; // j .
    hart_rig_poke(h, RIG_RAM + 4 * LENGTH * LOOPS, &end, 1);
}

// Runs all the loops from the first on and checks the sum. Returns how many regions were made.
static uint64_t run_loops(const EngineConfig *config, uint64_t rounds, unsigned loops)
{
    HartRig *h = g_new0(HartRig, 1);
    hart_rig_init(h, RAM_SIZE, config);
    fill_ram(h);
    h->hart.env.pc = RIG_RAM + 4 * LENGTH * (LOOPS - loops);
    h->hart.env.r[T2] = rounds;
    uint64_t sum = 0, insns = 0;
    for (unsigned i = LOOPS - loops; i < LOOPS; i++) {
        sum += rounds * (i & 1023);
        insns += 4 * rounds + 1;
    }
    for (uint64_t done; (done = ir_env_icount(&h->hart.env)) < insns;) { // results are taken in between
        rig_slice(&h->rig, (int64_t)MIN(insns - done, 5000));
        engine_run(h->rig.engine);
    }
    EngineStats s;
    engine_stats(h->rig.engine, &s);
    bool good = h->hart.env.r[T1] == sum && h->hart.env.pc == RIG_RAM + 4 * LENGTH * LOOPS &&
                ir_env_icount(&h->hart.env) - insns < 64;
    if (!good)
        fprintf(stderr, "pc 0x%" G_GINT64_MODIFIER "x, t1 %" G_GUINT64_FORMAT " after %" G_GUINT64_FORMAT "\n",
                h->hart.env.pc, h->hart.env.r[T1], ir_env_icount(&h->hart.env));
    hart_rig_deinit(h);
    g_free(h);
    return s.regions;
}

// What fn writes to stderr in a process of its own, which must end well.
static char *said_by(void (*fn)(void))
{
    int fd;
    g_autofree char *path = NULL, *text = NULL;
    assert_true((fd = g_file_open_tmp("addend-test-XXXXXX", &path, NULL)) >= 0);
    fflush(NULL);
    pid_t pid = fork();
    if (!pid) {
        dup2(fd, STDERR_FILENO);
        fn();
        fflush(stderr);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    close(fd);
    g_file_get_contents(path, &text, NULL, NULL);
    g_unlink(path);
    if (status)
        fail_msg("status %d: %s", status, text);
    return g_steal_pointer(&text);
}

static void expect_said(void (*fn)(void), const char *part)
{
    g_autofree char *text = said_by(fn);
    assert_non_null(text);
    const char *end = strchr(text, '\n');
    if (!part)
        assert_string_equal(text, "");
    else if (!end || end[1] || !strstr(text, part))
        fail_msg("one line about '%s' is expected, not '%s'", part, text);
}

static EngineConfig config_with(size_t code_size, bool jit)
{
    return (EngineConfig){.jit = jit, .baseline = true, .system = true, .warm = 2, .threshold = 100, .opt = 0,
                          .workers = 2, .code_size = code_size};
}

// The host refuses memory that is writable and executable at once (or, if it is too old to be told so, as much of it as
// code may take), and has that many bytes for files in memory.
static void limit_files(rlim_t bytes)
{
    if (prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0L, 0L, 0L))
        setrlimit(RLIMIT_DATA, &(struct rlimit){128 << 20, 128 << 20});
    struct rlimit limit = {bytes, bytes};
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
}

static void plenty(void)
{
    EngineConfig config = config_with(0, false);
    run_loops(&config, 20, LOOPS);
}

static void full_of_baseline(void)
{
    EngineConfig config = config_with(64 << 10, false);
    run_loops(&config, 20, LOOPS);
}

static void full_of_regions(void)
{
    EngineConfig config = config_with(8 << 10, true);
    if (run_loops(&config, 2000000, 60) < 3) // installed while all else is dropped
        _exit(1);
}

static void full_while_waiting(void)
{
    EngineConfig config = config_with(8 << 10, true);
    config.sync = true;
    if (run_loops(&config, 1000, 30) < 30)
        _exit(1);
}

static void too_small_for_any(void)
{
    EngineConfig config = config_with(64, true);
    config.baseline = false;
    config.sync = true;
    if (run_loops(&config, 500, 5))
        _exit(1);
}

static void host_gives_little(void)
{
    limit_files(300 << 10);
    EngineConfig config = config_with(0, false);
    run_loops(&config, 20, LOOPS);
}

static void host_gives_none(void)
{
    limit_files(100 << 10);
    EngineConfig config = config_with(0, true);
    run_loops(&config, 20, LOOPS);
}

static void one_line_each(void **state)
{
    (void)state;
    expect_said(plenty, NULL);
    expect_said(full_of_baseline, "are full");
    expect_said(full_of_regions, "are full");
    expect_said(full_while_waiting, "are full");
    expect_said(too_small_for_any, "cannot be used");
    expect_said(host_gives_little, "no more memory");
    expect_said(host_gives_none, "no memory");
}

int main(void)
{
    g_setenv("ASAN_OPTIONS", "detect_leaks=0", TRUE); // for the worker: libgccjit leaks by design
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_line_each)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
