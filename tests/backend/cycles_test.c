// SPDX-License-Identifier: GPL-3.0-or-later
// A thousand engines that are started, run and stopped leave nothing: no memory, descriptors, threads, mappings,
// processes or files.
#include "tests/test.h"
#include "tests/backend/rig.h"
#include <glib/gstdio.h>
#include <stdio.h>
#include <unistd.h>

enum { T0 = 5, T2 = 7 };

#define CYCLES 1000u
#define COMPILE_EACH 40u // cycles; the others find what an earlier one kept
#define ROUNDS 3000u

#ifdef __SANITIZE_ADDRESS__
// What AddressSanitizer keeps from being used again looks like a leak here.
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "quarantine_size_mb=4:thread_local_quarantine_size_kb=16";
}
#endif

static char *tmp; // where workers have their files

typedef struct {
    unsigned descriptors, threads, mappings, children, files;
    size_t resident; // bytes
} Usage;

static unsigned entries(const char *path)
{
    unsigned n = 0;
    g_autoptr(GDir) d = g_dir_open(path, 0, NULL);
    while (d && g_dir_read_name(d))
        n++;
    return n;
}

static unsigned count(const char *path, char what)
{
    g_autofree char *text = NULL;
    unsigned n = 0;
    g_file_get_contents(path, &text, NULL, NULL);
    for (const char *p = text; p && *p; p++)
        n += *p == what;
    return n;
}

static Usage usage(void)
{
    g_autofree char *children = g_strdup_printf("/proc/self/task/%d/children", (int)getpid()), *statm = NULL;
    Usage u = {entries("/proc/self/fd"), entries("/proc/self/task"), count("/proc/self/maps", '\n'),
               count(children, ' '), entries(tmp), 0};
    unsigned long size, resident = 0;
    g_file_get_contents("/proc/self/statm", &statm, NULL, NULL);
    if (statm && sscanf(statm, "%lu %lu", &size, &resident) == 2)
        u.resident = resident * (size_t)sysconf(_SC_PAGESIZE);
    return u;
}

// Counts to ROUNDS in a loop, which gets hot.
static void cycle(RegionStore *store, unsigned number)
{
    static const uint32_t code[] = {
        0x00128293, // addi t0, t0, 1
        0xfe729ee3, // bne t0, t2, .-4
        0x0000006f, // j .
    };
    bool compile = number % COMPILE_EACH == 0;
    EngineConfig config = {.jit = true, .baseline = true, .system = true, .warm = 16, .threshold = 200, .opt = 0,
                           .workers = 2, .sync = number % 3, .store = compile ? NULL : store};
    HartRig *h = g_new0(HartRig, 1);
    hart_rig_init(h, 0x10000, &config);
    hart_rig_poke(h, RIG_RAM, code, G_N_ELEMENTS(code));
    h->hart.env.r[T2] = ROUNDS;
    rig_slice(&h->rig, 2 * ROUNDS + 10); // may end while a worker is busy
    engine_run(h->rig.engine);
    assert_int_equal(h->hart.env.r[T0], ROUNDS);
    hart_rig_deinit(h);
    g_free(h);
}

static void nothing_is_left(void **state)
{
    (void)state;
    g_autofree char *dir = g_dir_make_tmp("addend-test-XXXXXX", NULL);
    RegionStore *store = NULL;
    Usage before = {0}, after;
    for (unsigned i = 0; i < CYCLES; i++) {
        if (i % 10 == 0) {
            region_store_free(store);
            if (i == CYCLES / 5) // what is made once and kept is there by then
                before = usage();
            store = region_store_open(dir, 1 << 20, true, NULL);
            assert_non_null(store);
        }
        cycle(store, i);
    }
    region_store_free(store);
    after = usage();
    assert_int_equal(after.descriptors, before.descriptors);
    assert_int_equal(after.threads, before.threads);
    assert_in_range(after.mappings, 0, before.mappings + 8); // malloc's arenas
    assert_int_equal(after.children, 0);
    assert_int_equal(after.files, 0);
    assert_in_range(after.resident, 0, before.resident + (4 << 20));
    store = region_store_open(dir, 1 << 20, false, NULL);
    uint64_t bytes;
    unsigned kept;
    region_store_purge(store, &bytes, &kept);
    region_store_free(store);
    assert_int_equal(g_rmdir(dir), 0);
}

int main(void)
{
    g_setenv("ASAN_OPTIONS", "detect_leaks=0", TRUE); // for the worker: libgccjit leaks by design
    tmp = g_dir_make_tmp("addend-test-XXXXXX", NULL);
    g_setenv("TMPDIR", tmp, TRUE);
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_is_left)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    g_rmdir(tmp);
    g_free(tmp);
    return failed;
}
