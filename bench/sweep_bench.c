// SPDX-License-Identifier: GPL-3.0-or-later
// What a trace weighs, and one sweep over it against a model for each of its geometries.
//
//     sweep_bench TRACE [NAME]
//
// Prints a line "WHAT VALUE UNIT" for each figure. Models run in a process each, as many at once as there are cores,
// and read the trace themselves; the sweep must have the same misses. NAME: only "trace", "sweep" or "sample".
#include "lab/model.h"
#include "lab/sweep.h"
#include "lab/trace_file.h"
#include "util/clock.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HARTS = 16, MAX_SETS = 256, MAX_WAYS = 8 }; // 2, 4 ... 256 sets of 1 to 8 ways: 64 geometries

static const char *path;
static uint64_t records, insns, accesses;

static void die(const char *what)
{
    fprintf(stderr, "sweep_bench: %s\n", what);
    exit(1);
}

static double cpu_seconds(void)
{
    double sum = 0;
    static const int whose[] = {RUSAGE_SELF, RUSAGE_CHILDREN};
    for (unsigned i = 0; i < 2; i++) {
        struct rusage u;
        getrusage(whose[i], &u);
        sum += (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec);
        sum += 1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
    }
    return sum;
}

typedef struct {
    double wall, cpu;
} Times;

static Times start(void)
{
    return (Times){1e-9 * (double)clock_ns(CLOCK_MONOTONIC), cpu_seconds()};
}

static void stop(const char *what, Times t)
{
    Times now = start();
    t = (Times){now.wall - t.wall, now.cpu - t.cpu};
    printf("%s %.3f s\n%s-cpu %.3f s\n%s-per-record %.1f ns of CPU time\n", what, t.wall, what, t.cpu, what,
           1e9 * t.cpu / (double)records);
    fflush(stdout);
}

static void count_end(void *opaque, uint64_t n, uint64_t loads, uint64_t stores)
{
    (void)opaque;
    insns += n;
    accesses += loads + stores;
}

// Reads the trace; the harts' streams go to the listeners, or nowhere.
static void read_trace(const LabListener *listeners)
{
    g_autoptr(GError) error = NULL;
    LabStream *streams[HARTS] = {NULL};
    TraceReader *t = trace_reader_new(path, &error);
    size_t n;
    unsigned hart;
    if (!t || trace_reader_info(t)->harts > HARTS)
        die(t ? "too many harts" : error->message);
    records = 0;
    for (const TapRecord *r; (r = trace_reader_next(t, &hart, &n, &error)); records += n) {
        if (!listeners)
            continue;
        if (!streams[hart])
            streams[hart] = lab_stream_new(&listeners[hart]);
        if (!lab_stream_feed(streams[hart], r, n, &error))
            break;
    }
    if (error)
        die(error->message);
    for (unsigned h = 0; h < HARTS; h++)
        if (streams[h])
            lab_stream_free(streams[h]);
    trace_reader_free(t);
}

static void measure_trace(void)
{
    LabListener l[HARTS];
    struct stat st;
    read_trace(NULL); // into the host's cache
    Times t = start();
    read_trace(NULL);
    stop("reading", t);
    for (unsigned h = 0; h < HARTS; h++)
        l[h] = (LabListener){.end = count_end};
    t = start();
    read_trace(l);
    stop("decoding", t);
    if (stat(path, &st))
        die("no file");
    printf("records %" PRIu64 "\ninstructions %" PRIu64 "\naccesses %" PRIu64 "\nfile %" PRIu64 " bytes\n", records,
           insns, accesses, (uint64_t)st.st_size);
    printf("per-record %.3f bytes\nper-instruction %.4f bits\n", (double)st.st_size / (double)records,
           8 * (double)st.st_size / (double)insns);
}

static void run_sweep(unsigned sample, Sweep **sweeps)
{
    SweepConfig config = {.max_set_bits = 8, .max_ways = MAX_WAYS, .max_entries = 1024, .asid = true,
                          .sizes = UINT64_MAX, .sample = sample};
    LabListener l[HARTS];
    for (unsigned h = 0; h < HARTS; h++) {
        sweeps[h] = sweep_new(&config);
        l[h] = sweep_listener(sweeps[h]);
    }
    Times t = start();
    read_trace(l);
    for (unsigned h = 0; h < HARTS; h++)
        sweep_misses(sweeps[h], SWEEP_DATA, ACCESS_READ, 1, 1);
    stop(sample > 1 ? "sample" : "sweep", t);
}

// A process for one geometry. expected: misses by kind, of all harts.
static int model_process(unsigned sets, unsigned ways, char *const *expected)
{
    ModelSpec spec = {.asid = true};
    Model *m[HARTS];
    LabListener l[HARTS];
    spec.part[MODEL_L1I][0] = spec.part[MODEL_L1D][0] = (ModelPart){sets, ways, UINT64_MAX, POLICY_LRU};
    for (unsigned h = 0; h < HARTS; h++) {
        m[h] = model_new(&spec);
        l[h] = model_listener(m[h]);
    }
    read_trace(l);
    for (unsigned k = 0; k < ACCESS_KINDS; k++) {
        uint64_t sum = 0;
        for (unsigned i = 0; i < HARTS * 4 * MODEL_SIZES; i++)
            sum += model_totals(m[i / (4 * MODEL_SIZES)])->unit[k == ACCESS_FETCH ? MODEL_L1I : MODEL_L1D][k]
                                                               [i / MODEL_SIZES % 4][i % MODEL_SIZES].misses;
        if (sum != g_ascii_strtoull(expected[k], NULL, 10))
            die("model and sweep differ");
    }
    return 0;
}

static void start_model(const char *self, Sweep *const *sweeps, unsigned sets, unsigned ways)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
    GPid pid;
    g_ptr_array_add(argv, g_strdup(self));
    g_ptr_array_add(argv, g_strdup(path));
    g_ptr_array_add(argv, g_strdup("model"));
    g_ptr_array_add(argv, g_strdup_printf("%u", sets));
    g_ptr_array_add(argv, g_strdup_printf("%u", ways));
    for (unsigned k = 0; k < ACCESS_KINDS; k++) {
        uint64_t sum = 0;
        for (unsigned h = 0; h < HARTS; h++)
            sum += sweep_misses(sweeps[h], k == ACCESS_FETCH ? SWEEP_FETCH : SWEEP_DATA, k, sets, ways);
        g_ptr_array_add(argv, g_strdup_printf("%" PRIu64, sum));
    }
    g_ptr_array_add(argv, NULL);
    if (!g_spawn_async(NULL, (char **)argv->pdata, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &pid, &error))
        die(error->message);
}

static void wait_for_one(void)
{
    int status;
    if (wait(&status) < 0 || status)
        die("a model failed");
}

static void measure_models(const char *self, Sweep *const *sweeps)
{
    unsigned running = 0, cores = g_get_num_processors();
    Times t = start();
    for (unsigned sets = 2; sets <= MAX_SETS; sets *= 2)
        for (unsigned ways = 1; ways <= MAX_WAYS; ways++) {
            if (running == cores)
                wait_for_one();
            else
                running++;
            start_model(self, sweeps, sets, ways);
        }
    for (; running; running--)
        wait_for_one();
    stop("models", t);
}

int main(int argc, char **argv)
{
    Sweep *sweeps[HARTS];
    const char *only = argc > 2 ? argv[2] : "";
    if (argc < 2)
        die("which trace?");
    path = argv[1];
    if (argc == 5 + ACCESS_KINDS && !strcmp(only, "model"))
        return model_process((unsigned)atoi(argv[3]), (unsigned)atoi(argv[4]), argv + 5);
    if (!*only || !strcmp(only, "trace"))
        measure_trace();
    if (!*only || !strcmp(only, "sample"))
        run_sweep(16, sweeps);
    if (!strcmp(only, "sample") || !strcmp(only, "trace"))
        return 0;
    run_sweep(1, sweeps);
    if (strcmp(only, "sweep"))
        measure_models(argv[0], sweeps);
    return 0;
}
