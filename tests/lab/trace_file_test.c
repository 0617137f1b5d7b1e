// SPDX-License-Identifier: GPL-3.0-or-later
// Trace files: what goes in comes out; damage is noticed wherever it is; nothing is left of what was broken off.
#include "lab/trace_file.h"
#include "lab/trace_format.h"
#include "tests/test.h"
#include "util/remove_tree.h"
#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char *folder;

static char *in_folder(const char *name)
{
    return g_build_filename(folder, name, NULL);
}

static unsigned entries(void)
{
    unsigned n = 0;
    g_autoptr(GDir) d = g_dir_open(folder, 0, NULL);
    while (g_dir_read_name(d))
        n++;
    return n;
}

static uint64_t next_random(uint64_t *seed)
{
    *seed += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t x = (*seed ^ *seed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

// --- streams ---------------------------------------------------------------------------------------------------

// Records without any sense: every bit may be set.
static void make_noise(TapRecord *r, size_t n, uint64_t seed)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t a = next_random(&seed), b = next_random(&seed);
        r[i] = (TapRecord){a >> (b >> 58), (uint32_t)b, (uint32_t)(b >> 32)};
        if (i && a % 3 == 0)
            r[i].tag = r[i - 1 - a / 3 % MIN(i, 50)].tag;
        if (i && a % 5 == 0)
            r[i].what = r[i - 1].what + (a & 8191);
    }
}

// What a program does: a loop over a list, an array, its stack and another page of code; now and then an event.
static void make_program(TapRecord *r, size_t n, uint64_t seed)
{
    uint64_t insns = 0, loads = 0xfff0, stores = 0, array = 0x20000;
    for (size_t i = 0; i < n; i++) {
        uint64_t a = next_random(&seed);
        uint32_t site = (uint32_t)(i % 7), count = (uint32_t)((loads & 0xffff) | (stores & 0xffff) << 16);
        insns += 5 + site;
        switch (site) {
        case 0:
            r[i] = (TapRecord){0x400000 + (a % 100 << 12 | (a >> 32 & 0xff8)), 100 << TAP_SHIFT | ACCESS_READ, count};
            loads++;
            break;
        case 1:
        case 4:
            r[i] = (TapRecord){0x7ffff000 - 64, (110 + site) << TAP_SHIFT | ACCESS_WRITE, count};
            stores += 1 + site;
            break;
        case 2:
        case 6:
            r[i] = (TapRecord){0x10000 + site * 0x1000, (500 + site) << TAP_SHIFT | ACCESS_FETCH, (uint32_t)insns};
            break;
        case 3:
            array += 24;
            r[i] = (TapRecord){array, 131 << TAP_SHIFT | ACCESS_READ | (array % 4096 > 4088 ? TAP_CROSS : 0), count};
            loads += 2;
            break;
        default:
            r[i] = i % 1000 < 7 ? (TapRecord){insns, TAP_TIME << TAP_SHIFT | TAP_EVENT, 0}
                                : (TapRecord){array & ~UINT64_C(7), 141 << TAP_SHIFT | ACCESS_WRITE, count};
            stores += i % 1000 >= 7;
        }
    }
}

// --- writing and reading ---------------------------------------------------------------------------------------

#define HARTS 3
static const TraceInfo info = {HARTS, "spike", "a.elf --fast", true};
static const TraceSymbol symbols[] = {{0x3000, 16, "main"}, {0x1000, 0, "_start"}, {0x2000, UINT64_MAX, "f"}};

typedef struct {
    TapRecord *r[HARTS];
    size_t n[HARTS];
} Streams;

static void streams_clear(Streams *s)
{
    for (unsigned h = 0; h < HARTS; h++)
        g_free(s->r[h]);
}

static Streams streams_new(size_t n, void (*make)(TapRecord *r, size_t n, uint64_t seed))
{
    Streams s;
    for (unsigned h = 0; h < HARTS; h++) {
        s.n[h] = n >> 2 * h;
        s.r[h] = g_new0(TapRecord, s.n[h] + 1);
        make(s.r[h], s.n[h], h + 1);
    }
    return s;
}

static bool write_streams(const char *path, const Streams *s, GError **error)
{
    TraceWriter *w = trace_writer_new(path, &info, error);
    if (!w)
        return false;
    size_t at[HARTS] = {0};
    for (size_t some = 1, moved = 1; moved; some = some * 5 % 9973) {
        moved = 0;
        for (unsigned h = 0; h < HARTS; h++) {
            size_t n = MIN(some, s->n[h] - at[h]);
            trace_writer_put(w, h, s->r[h] + at[h], n);
            at[h] += n;
            moved += n;
        }
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(symbols); i++)
        trace_writer_symbol(w, &symbols[i]);
    return trace_writer_close(w, error);
}

// Everything that the file gives is what went in. How many records; *error as the reader says.
static size_t read_streams(const char *path, const Streams *s, GError **error)
{
    size_t at[HARTS] = {0}, n, sum = 0;
    unsigned hart;
    TraceReader *t = trace_reader_new(path, error);
    if (!t)
        return 0;
    assert_int_equal(trace_reader_info(t)->harts, HARTS);
    assert_string_equal(trace_reader_info(t)->machine, info.machine);
    assert_string_equal(trace_reader_info(t)->guest, info.guest);
    assert_true(trace_reader_info(t)->icount);
    for (const TapRecord *r; (r = trace_reader_next(t, &hart, &n, error));) {
        assert_true(hart < HARTS && n <= s->n[hart] - at[hart]);
        assert_memory_equal(r, s->r[hart] + at[hart], n * sizeof *r);
        at[hart] += n;
        sum += n;
    }
    g_autoptr(GError) again = NULL;
    assert_null(trace_reader_next(t, &hart, &n, &again));
    assert_true(!*error == !again);
    if (!*error) {
        const TraceSymbol *y = trace_reader_symbols(t, &n);
        assert_int_equal(n, G_N_ELEMENTS(symbols));
        assert_string_equal(y[0].name, "_start");
        assert_string_equal(y[1].name, "f");
        assert_int_equal(y[1].size, UINT64_MAX);
        assert_int_equal(y[2].addr, 0x3000);
        for (unsigned h = 0; h < HARTS; h++)
            assert_int_equal(at[h], s->n[h]);
    }
    trace_reader_free(t);
    return sum;
}

static void round_trip_of(size_t n, void (*make)(TapRecord *r, size_t n, uint64_t seed), double max_bytes)
{
    g_autofree char *path = in_folder("t.trace");
    g_autoptr(GError) error = NULL;
    struct stat st;
    Streams s = streams_new(n, make);
    assert_true(write_streams(path, &s, &error));
    read_streams(path, &s, &error);
    assert_null(error);
    assert_int_equal(stat(path, &st), 0);
    print_message("%zu records: %.3f bytes each\n", s.n[0] + s.n[1] + s.n[2],
                  (double)st.st_size / (double)(s.n[0] + s.n[1] + s.n[2] + 1));
    assert_true((double)st.st_size <= 1000 + max_bytes * (double)(s.n[0] + s.n[1] + s.n[2]));
    assert_int_equal(entries(), 1);
    g_unlink(path);
    streams_clear(&s);
}

static void round_trip(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 5, 1000, TRACE_CHUNK_RECORDS, TRACE_CHUNK_RECORDS + 1, 1300000};
    for (unsigned i = 0; i < G_N_ELEMENTS(lengths); i++) {
        round_trip_of(lengths[i], make_program, 1.0);
        round_trip_of(lengths[i], make_noise, 25);
    }
}

// --- damage ----------------------------------------------------------------------------------------------------

typedef struct {
    char *path, *bytes;
    size_t size;
    Streams s;
} Sample;

static Sample sample_new(void)
{
    Sample x = {.path = in_folder("damaged.trace"), .s = streams_new(300, make_program)};
    g_autoptr(GError) error = NULL;
    assert_true(write_streams(x.path, &x.s, &error));
    assert_true(g_file_get_contents(x.path, &x.bytes, &x.size, NULL));
    return x;
}

static void sample_free(Sample *x)
{
    g_unlink(x->path);
    g_free(x->path);
    g_free(x->bytes);
    streams_clear(&x->s);
}

// The damaged file is refused with one line that names it. How many records there were before.
static size_t refused(const Sample *x, const char *bytes, size_t size, const char *says)
{
    g_autoptr(GError) error = NULL;
    FILE *f = fopen(x->path, "wb");
    assert_true(fwrite(bytes, 1, size, f) == size && !fclose(f));
    size_t n = read_streams(x->path, &x->s, &error);
    assert_non_null(error);
    assert_non_null(strstr(error->message, "damaged.trace: "));
    assert_null(strchr(error->message, '\n'));
    if (says && !strstr(error->message, says))
        fail_msg("\"%s\" does not say \"%s\"", error->message, says);
    return n;
}

// Ends of the parts, by their heads. How many.
static unsigned find_parts(const Sample *x, size_t *end)
{
    unsigned n = 0;
    TraceHeader h;
    TracePart p;
    memcpy(&h, x->bytes, sizeof h);
    for (size_t at = sizeof h + h.info_size; at < x->size; end[n++] = at) {
        memcpy(&p, x->bytes + at, sizeof p);
        at += sizeof p + p.packed;
    }
    return n;
}

static void cut_anywhere(void **state)
{
    (void)state;
    Sample x = sample_new();
    size_t end[8] = {0}, all = x.s.n[0] + x.s.n[1] + x.s.n[2];
    assert_int_equal(find_parts(&x, end), HARTS + 2);
    assert_int_equal(end[HARTS + 1], x.size);
    for (size_t size = 0; size < x.size; size += size < 300 || size > x.size - 300 ? 1 : 7) {
        size_t whole = 0;
        for (unsigned h = 0; h < HARTS; h++)
            whole += size >= end[h] ? x.s.n[h] : 0;
        g_autofree char *says = g_strdup_printf("%zu of %zu records are missing", all - whole, all);
        assert_int_equal(refused(&x, x.bytes, size, size >= 48 + 24 ? says : NULL), whole);
    }
    sample_free(&x);
}

static void flip_anywhere(void **state)
{
    (void)state;
    Sample x = sample_new();
    uint64_t seed = 7;
    size_t end[8] = {0};
    unsigned part = 0;
    find_parts(&x, end);
    for (size_t i = 0, whole = 0; i < x.size; i++) {
        if (i == end[part])
            whole += part < HARTS ? x.s.n[part] : 0, part++;
        x.bytes[i] ^= (char)(1u << (i & 7));
        assert_int_equal(refused(&x, x.bytes, x.size, NULL), whole);
        x.bytes[i] ^= (char)(1u << (i & 7));
    }
    for (unsigned i = 0; i < 200; i++) { // many bytes
        g_autofree char *copy = g_memdup2(x.bytes, x.size);
        for (unsigned k = 0; k < 20; k++)
            copy[next_random(&seed) % x.size] ^= (char)(1 + next_random(&seed) % 255);
        refused(&x, copy, x.size, NULL);
    }
    sample_free(&x);
}

// Heads with the right digests over sizes that lie.
static void lying_heads(void **state)
{
    (void)state;
    Sample x = sample_new();
    size_t at = sizeof(TraceHeader) + ((TraceHeader *)(void *)x.bytes)->info_size;
    uint64_t seed = 3;
    for (unsigned i = 0; i < 3000; i++) {
        g_autofree char *copy = g_memdup2(x.bytes, x.size);
        TracePart p;
        memcpy(&p, copy + at, sizeof p);
        uint32_t *words[] = {&p.kind, &p.hart, &p.n, &p.packed, &p.size[i % TRACE_STREAMS]};
        uint32_t *word = words[next_random(&seed) % 5];
        *word ^= (uint32_t)(1 + next_random(&seed) % UINT32_MAX) >> next_random(&seed) % 32;
        if (i % 3 == 0)
            p.size[0] = p.n;
        p.digest = trace_part_digest(&p);
        if (!memcmp(&p, copy + at, sizeof p) || (p.kind == TRACE_PART_CHUNK && p.hart < HARTS && word == &p.hart))
            continue;
        memcpy(copy + at, &p, sizeof p);
        refused(&x, copy, x.size, NULL);
    }
    sample_free(&x);
}

// As many harts as no board has would be as much memory.
static void lying_harts(void **state)
{
    (void)state;
    Sample x = sample_new();
    static const uint32_t harts[] = {0, TRACE_MAX_HARTS + 1, UINT32_MAX};
    for (unsigned i = 0; i < G_N_ELEMENTS(harts); i++) {
        TraceHeader *h = (void *)x.bytes;
        h->harts = harts[i];
        h->digest = trace_header_digest(h, x.bytes + sizeof *h);
        assert_int_equal(refused(&x, x.bytes, x.size, "the head of the trace is damaged"), 0);
    }
    sample_free(&x);
}

static void decode_noise(void **state)
{
    (void)state;
    enum { N = 2000 };
    TraceCoder *c = trace_coder_new();
    uint64_t seed = 11;
    g_autofree TapRecord *r = g_new(TapRecord, N);
    g_autofree uint8_t *bytes = g_malloc(N * TRACE_RECORD_MAX + TRACE_SLACK);
    for (unsigned round = 0; round < 200; round++) {
        const uint8_t *stream[TRACE_STREAMS];
        size_t size[TRACE_STREAMS], at = 0, n = next_random(&seed) % N;
        for (size_t i = 0; i < N * TRACE_RECORD_MAX + TRACE_SLACK; i++)
            bytes[i] = (uint8_t)next_random(&seed) | (round & 1 ? 0x80 : 0);
        for (unsigned s = 0; s < TRACE_STREAMS; at += size[s++]) {
            stream[s] = bytes + at;
            size[s] = s == TRACE_TOKENS ? n : next_random(&seed) % (n * trace_stream_max[s] + 1);
        }
        trace_decode(c, stream, size, r, n); // under the sanitizers: nothing outside is read
    }
    trace_coder_free(c);
}

static void not_traces(void **state)
{
    (void)state;
    Sample x = sample_new();
    refused(&x, "", 0, "not a trace");
    refused(&x, "\177ELF is something else, and long enough to have a head of a trace file", 70, "not a trace");
    x.bytes[8] = 9;
    refused(&x, x.bytes, x.size, "version 9");
    g_unlink(x.path);
    g_autoptr(GError) error = NULL;
    assert_null(trace_reader_new(x.path, &error));
    assert_non_null(strstr(error->message, "damaged.trace: No such file"));
    g_clear_error(&error);
    assert_null(trace_reader_new(folder, &error));
    assert_non_null(strstr(error->message, folder));
    sample_free(&x);
}

// --- writing that fails ----------------------------------------------------------------------------------------

static void no_such_place(void **state)
{
    (void)state;
    g_autoptr(GError) error = NULL;
    assert_null(trace_writer_new("/nonexistent/x.trace", &info, &error));
    assert_non_null(strstr(error->message, "/nonexistent/x.trace: "));
    g_clear_error(&error);
    assert_null(trace_writer_new(folder, &info, &error));
    assert_non_null(strstr(error->message, folder));
}

static void disk_full(void **state)
{
    (void)state;
    g_autoptr(GError) error = NULL;
    assert_null(trace_writer_new("/dev/full", &info, &error));
    assert_string_equal(error->message, "/dev/full: No space left on device");
    g_clear_error(&error);
    // later: a file may not become so large
    if (fork() == 0) {
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){200000, 200000});
        g_autofree char *path = in_folder("large.trace");
        Streams s = streams_new(900000, make_noise);
        bool ok = write_streams(path, &s, &error);
        streams_clear(&s);
        _exit(ok || !strstr(error->message, "large.trace: File too large") ? 1 : 0);
    }
    int status;
    wait(&status);
    assert_int_equal(status, 0);
    assert_int_equal(entries(), 0);
}

static void killed(void **state)
{
    (void)state;
    g_autofree char *path = in_folder("old.trace");
    assert_true(g_file_set_contents(path, "ADDENDTR", 8, NULL));
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        Streams s = streams_new(600000, make_program);
        TraceWriter *w = trace_writer_new(path, &info, NULL);
        trace_writer_put(w, 0, s.r[0], s.n[0]);
        g_usleep(20000);
        assert_int_equal(write(ready[1], "x", 1), 1);
        pause();
    }
    char c;
    assert_int_equal(read(ready[0], &c, 1), 1);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(ready[0]);
    close(ready[1]);
    assert_int_equal(entries(), 1);
    g_autofree char *text = NULL;
    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    assert_string_equal(text, "ADDENDTR");
    Streams s = streams_new(10, make_program); // and is replaced by a recording that ends
    g_autoptr(GError) error = NULL;
    assert_true(write_streams(path, &s, &error));
    read_streams(path, &s, &error);
    assert_null(error);
    g_unlink(path);
    streams_clear(&s);
}

// --- a pipe ----------------------------------------------------------------------------------------------------

typedef struct {
    const char *path;
    const Streams *s;
} Pipe;

static gpointer write_pipe(gpointer data)
{
    Pipe *p = data;
    g_assert_true(write_streams(p->path, p->s, NULL));
    return NULL;
}

static void through_a_pipe(void **state)
{
    (void)state;
    g_autofree char *path = in_folder("fifo");
    assert_int_equal(mkfifo(path, 0600), 0);
    Streams s = streams_new(100000, make_program);
    Pipe p = {path, &s};
    g_autoptr(GError) error = NULL;
    GThread *thread = g_thread_new("pipe", write_pipe, &p);
    read_streams(path, &s, &error);
    g_thread_join(thread);
    assert_null(error);
    g_unlink(path);
    streams_clear(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        // These two first: they fork, and GLib's threads do not.
        cmocka_unit_test(disk_full),     cmocka_unit_test(killed),
        cmocka_unit_test(round_trip),  cmocka_unit_test(cut_anywhere), cmocka_unit_test(flip_anywhere),
        cmocka_unit_test(lying_heads), cmocka_unit_test(lying_harts), cmocka_unit_test(decode_noise),
        cmocka_unit_test(not_traces),
        cmocka_unit_test(no_such_place), cmocka_unit_test(through_a_pipe),
    };
    folder = g_dir_make_tmp("trace-XXXXXX", NULL);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    remove_tree(folder);
    return failed;
}
