// SPDX-License-Identifier: GPL-3.0-or-later
// The persistent code cache on disk: damaged files, foreign folders, full disks, and several programs at once.
#include "tests/test.h"
#include "tests/backend/temp_dir.h"
#include "backend/region_store.h"
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

// A region with all parts, told apart by number; text_size bytes of code.
typedef struct {
    RegionFile file;
    RegionBlock blocks[3];
    RegionGuess guesses[2];
    int64_t entries[2];
    JitSite sites[3];
    uint32_t moves[2];
    uint8_t text[4000], exits[21];
} Sample;

static void make_sample(Sample *s, uint64_t head, unsigned number, uint32_t text_size)
{
    *s = (Sample){
        .blocks = {{-8, {1, -1}, 2, 0, 0, 0}, {0, {-1, 2}, 3, 2, 1, 0}, {12, {0, -1}, 1, 0, 1, 0}},
        .guesses = {{12, 2, 0}, {-8, 0, 0}},
        .entries = {0, 12},
        .sites = {{100, 1, 2, 3, JIT_EDGE}, {-20, 0, 0, 0, JIT_EDGE}, {4, 7, 0, 0, JIT_BEFORE}},
        .moves = {0, 9},
    };
    bool movable = text_size >= 17;
    memset(s->text, (int)number, sizeof s->text);
    memset(s->exits, (int)number + 1, sizeof s->exits);
    s->file = (RegionFile){
        .header = {.head = head, .base = 0x80000000, .compile_ns = 5, .n_blocks = 3, .n_guesses = 2, .n_entries = 2,
                   .n_sites = 3, .n_slots = 2, .n_insns = 6, .text_size = text_size, .entry = 1,
                   .exits_size = sizeof s->exits, .movable = movable, .n_moves = movable ? 2 : 0},
        .blocks = s->blocks,
        .guesses = s->guesses,
        .entries = s->entries,
        .sites = s->sites,
        .text = s->text,
        .moves = s->moves,
        .exits = s->exits,
    };
    memcpy(s->file.header.key.bytes, &number, sizeof number);
}

static void put(RegionStore *s, uint64_t head, unsigned number, uint32_t text_size)
{
    Sample sample;
    make_sample(&sample, head, number, text_size);
    region_store_put(s, &sample.file);
}

// --- the format ------------------------------------------------------------------------------------------------

static uint8_t *encoded(size_t *size)
{
    Sample s;
    make_sample(&s, 7, 3, 37);
    g_autoptr(GBytes) bytes = region_file_encode(&s.file);
    const void *p = g_bytes_get_data(bytes, size);
    return g_memdup2(p, *size);
}

static bool decodes(const uint8_t *bytes, size_t size)
{
    RegionFile r;
    g_autoptr(GError) error = NULL;
    g_autofree uint8_t *copy = g_memdup2(bytes, size); // ends where it ends, for sanitizers
    assert_true(region_file_decode(copy, size, &r, &error) == !error);
    return !error;
}

static void roundtrip(void **state)
{
    (void)state;
    size_t size;
    g_autofree uint8_t *bytes = encoded(&size);
    RegionFile r;
    Sample s;
    make_sample(&s, 7, 3, 37);
    assert_true(region_file_decode(bytes, size, &r, NULL));
    assert_int_equal(r.header.head, 7);
    assert_int_equal(r.header.base, 0x80000000);
    assert_memory_equal(&r.header.key, &s.file.header.key, sizeof(RegionKey));
    assert_memory_equal(r.blocks, s.blocks, sizeof s.blocks);
    assert_memory_equal(r.guesses, s.guesses, sizeof s.guesses);
    assert_memory_equal(r.entries, s.entries, sizeof s.entries);
    assert_memory_equal(r.sites, s.sites, sizeof s.sites);
    assert_memory_equal(r.text, s.text, 37);
    assert_memory_equal(r.moves, s.moves, sizeof s.moves);
    assert_memory_equal(r.exits, s.exits, sizeof s.exits);
}

static void each_byte_counts(void **state)
{
    (void)state;
    size_t size;
    g_autofree uint8_t *bytes = encoded(&size);
    for (size_t i = 0; i < size; i++)
        for (int bit = 0; bit < 8; bit++) {
            bytes[i] ^= (uint8_t)(1 << bit);
            assert_false(decodes(bytes, size));
            bytes[i] ^= (uint8_t)(1 << bit);
        }
    for (size_t i = 0; i < size; i++)
        for (unsigned value = 0; value < 256; value += 255) {
            uint8_t was = bytes[i];
            bytes[i] = (uint8_t)value;
            assert_true(decodes(bytes, size) == (value == was));
            bytes[i] = was;
        }
    assert_true(decodes(bytes, size));
}

static void each_length_counts(void **state)
{
    (void)state;
    size_t size;
    g_autofree uint8_t *bytes = encoded(&size);
    for (size_t n = 0; n < size; n++)
        assert_false(decodes(bytes, n));
    bytes = g_realloc(bytes, size + 9);
    memset(bytes + size, 0, 9);
    for (size_t n = 1; n < 9; n++)
        assert_false(decodes(bytes, size + n));
}

// The same with a digest that is right: numbers that lead outside are found all the same.
static void numbers_are_checked(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        uint32_t value;
    } changes[] = {
#define HEADER(field, value) {offsetof(RegionHeader, field), value}
#define BLOCK(n, field, value) {sizeof(RegionHeader) + (n) * sizeof(RegionBlock) + offsetof(RegionBlock, field), value}
#define MOVE(n, value) {sizeof(RegionHeader) + 3 * sizeof(RegionBlock) + 2 * sizeof(RegionGuess) + 2 * 8 + \
                        3 * sizeof(JitSite) + (n) * 4, value}
        HEADER(n_blocks, 0), HEADER(n_blocks, 2), HEADER(n_blocks, 4), HEADER(n_blocks, UINT32_MAX),
        HEADER(n_guesses, 1), HEADER(n_guesses, UINT32_MAX), HEADER(n_entries, 4), HEADER(n_entries, UINT32_MAX),
        HEADER(n_sites, 2), HEADER(n_sites, UINT32_MAX), HEADER(n_slots, 4), HEADER(exits_size, UINT32_MAX),
        HEADER(movable, 0), HEADER(movable, 2), HEADER(n_moves, 1), HEADER(n_moves, 3), HEADER(n_moves, UINT32_MAX),
        MOVE(0, 2), MOVE(1, 7), MOVE(1, 30), MOVE(1, UINT32_MAX),
        HEADER(n_insns, 7), HEADER(text_size, 0), HEADER(text_size, 38), HEADER(text_size, UINT32_MAX),
        HEADER(entry, 37), HEADER(entry, UINT32_MAX), HEADER(version, 1), HEADER(header_size, 0), HEADER(file_size, 0),
        BLOCK(0, edge, 3), BLOCK(0, edge, (uint32_t)-2), BLOCK(2, edge, UINT32_MAX / 2), BLOCK(1, pc, 12),
        BLOCK(1, pc, 2), BLOCK(0, n_insns, 3), BLOCK(1, n_guess, 1), BLOCK(0, n_guess, 2),
        {sizeof(RegionHeader) + 3 * sizeof(RegionBlock) + offsetof(RegionGuess, block), 3},
        {sizeof(RegionHeader) + 3 * sizeof(RegionBlock) + offsetof(RegionGuess, block), UINT32_MAX},
        {sizeof(RegionHeader) + 3 * sizeof(RegionBlock) + 2 * sizeof(RegionGuess), 4}, // an entry
        {sizeof(RegionHeader) + 3 * sizeof(RegionBlock) + 2 * sizeof(RegionGuess), (uint32_t)-8},
        {sizeof(RegionHeader) + 3 * sizeof(RegionBlock) + 2 * sizeof(RegionGuess) + 16 + offsetof(JitSite, why), 3},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(changes); i++) {
        size_t size;
        gsize n = REGION_KEY_SIZE;
        g_autofree uint8_t *bytes = encoded(&size);
        memcpy(bytes + changes[i].at, &changes[i].value, sizeof changes[i].value);
        GChecksum *c = g_checksum_new(G_CHECKSUM_SHA256);
        size_t start = offsetof(RegionHeader, key);
        g_checksum_update(c, bytes + start, (gssize)(size - start));
        g_checksum_get_digest(c, bytes + offsetof(RegionHeader, digest), &n);
        g_checksum_free(c);
        if (decodes(bytes, size))
            fail_msg("change %u is not found", i);
    }
}

static void names(void **state)
{
    (void)state;
    RegionKey key = {{0xab, 1}};
    uint64_t head;
    g_autofree char *name = region_file_name(UINT64_C(0x123456789abcdef0), &key);
    assert_string_equal(name, "123456789abcdef0-ab010000000000000000000000000000.region");
    assert_true(region_file_parse_name(name, &head));
    assert_int_equal(head, UINT64_C(0x123456789abcdef0));
    for (size_t n = strlen(name); n--;) {
        name[n] = 0;
        assert_false(region_file_parse_name(name, &head));
    }
    assert_false(region_file_parse_name("123456789ABCDEF0-ab010000000000000000000000000000.region", &head));
    assert_false(region_file_parse_name("123456789abcdef0-ab010000000000000000000000000000.regionx", &head));
}

// --- the folder ------------------------------------------------------------------------------------------------

static RegionStore *open_store(uint64_t max_bytes)
{
    g_autoptr(GError) error = NULL;
    RegionStore *s = region_store_open(temp_dir, max_bytes, true, &error);
    if (!s)
        fail_msg("%s", error->message);
    return s;
}

static bool note(const RegionFile *r, void *opaque)
{
    *(int *)opaque = r->text[0];
    return true;
}

static bool refuse(const RegionFile *r, void *opaque)
{
    *(int *)opaque = *(int *)opaque * 16 + r->text[0];
    return false;
}

// The number of the region that is found first, or -1.
static int first(RegionStore *s, uint64_t head)
{
    int number = -1;
    bool found = region_store_find(s, head, note, &number);
    assert_true(found == (number >= 0));
    return number;
}

static char *path_of(uint64_t head, unsigned number)
{
    Sample s;
    make_sample(&s, head, number, 37);
    g_autofree char *name = region_file_name(head, &s.file.header.key);
    return g_build_filename(temp_dir, name, NULL);
}

static void set_age(uint64_t head, unsigned number, time_t seconds)
{
    g_autofree char *path = path_of(head, number);
    struct timespec t[2] = {{time(NULL) - seconds, 0}, {time(NULL) - seconds, 0}};
    assert_int_equal(utimensat(AT_FDCWD, path, t, 0), 0);
}

static void kept_between_runs(void **state)
{
    (void)state;
    RegionStore *s = open_store(1 << 20);
    assert_false(region_store_has(s, 1));
    put(s, 1, 1, 10);
    put(s, 1, 2, 10);
    put(s, 2, 3, 4000);
    region_store_flush(s);
    assert_true(region_store_has(s, 1));
    region_store_free(s);
    set_age(1, 1, 50);
    set_age(1, 2, 100);
    s = open_store(1 << 20);
    assert_true(region_store_has(s, 1));
    assert_false(region_store_has(s, 3));
    int order = 0;
    assert_false(region_store_find(s, 1, refuse, &order));
    assert_int_equal(order, 0x12); // the last used first
    assert_int_equal(first(s, 1), 1);
    assert_int_equal(first(s, 2), 3);
    assert_int_equal(first(s, 3), -1);
    g_autofree char *path = path_of(1, 1);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_true(time(NULL) - st.st_mtime < 10); // it was used
    assert_int_equal(st.st_mode & 0777, 0600);
    region_store_free(s);
}

static int said(char **text)
{
    g_autofree char *path = g_build_filename(temp_dir, "stderr", NULL);
    int lines = 0;
    g_file_get_contents(path, text, NULL, NULL);
    for (const char *p = *text; p && *p; p++)
        lines += *p == '\n';
    return lines;
}

// Runs fn in a process of its own with stderr in a file: lines written there; 1000 if it died.
static int lines_said_by(void (*fn)(void), char **text)
{
    g_autofree char *path = g_build_filename(temp_dir, "stderr", NULL);
    fflush(NULL);
    pid_t pid = fork();
    if (!pid) {
        if (!freopen(path, "w", stderr))
            _exit(1);
        fn();
        fflush(stderr);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    int lines = said(text);
    return status ? 1000 : lines;
}

static void read_damaged(void)
{
    RegionStore *s = open_store(1 << 20);
    for (unsigned i = 1; i <= 6; i++)
        if (first(s, i) != (i == 6 ? 6 : -1))
            _exit(1);
    region_store_free(s);
}

static void damaged_files_go(void **state)
{
    (void)state;
    RegionStore *s = open_store(1 << 20);
    for (unsigned i = 1; i <= 6; i++)
        put(s, i, i, 100);
    region_store_free(s);
    g_autofree char *p1 = path_of(1, 1), *p2 = path_of(2, 2), *p3 = path_of(3, 3), *p4 = path_of(4, 4),
                    *p5 = path_of(5, 5), *p6 = path_of(6, 6), *text = NULL;
    assert_int_equal(truncate(p1, 60), 0);
    assert_int_equal(truncate(p2, 0), 0);
    assert_int_equal(g_chmod(p3, 0666), 0);
    assert_int_equal(rename(p6, p4), 0); // another one's name
    assert_int_equal(unlink(p5), 0);
    assert_int_equal(symlink(p4, p5), 0);
    s = open_store(1 << 20);
    put(s, 6, 6, 100);
    region_store_free(s);
    assert_int_equal(lines_said_by(read_damaged, &text), 1);
    assert_non_null(strstr(text, "damaged"));
    char *const gone[] = {p1, p2, p3, p4, p5};
    struct stat st;
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(lstat(gone[i], &st), -1);
    assert_int_equal(lstat(p6, &st), 0);
    g_autofree char *text2 = NULL;
    assert_int_equal(lines_said_by(read_damaged, &text2), 0);
}

static void strange_files(void **state)
{
    (void)state;
    g_autofree char *fifo = path_of(1, 1), *folder = path_of(2, 2);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(mkdir(folder, 0700), 0);
    RegionStore *s = open_store(1 << 20);
    assert_int_equal(first(s, 1), -1);
    assert_int_equal(first(s, 2), -1);
    region_store_free(s);
}

static void unsafe_folder(void **state)
{
    (void)state;
    static const mode_t modes[] = {0777, 0770, 0707, 0720, 0702};
    for (unsigned i = 0; i < G_N_ELEMENTS(modes); i++) {
        g_autoptr(GError) error = NULL;
        assert_int_equal(g_chmod(temp_dir, (int)modes[i]), 0);
        assert_null(region_store_open(temp_dir, 1 << 20, true, &error));
        assert_non_null(strstr(error->message, "others may write"));
    }
    g_chmod(temp_dir, 0755);
    region_store_free(open_store(1 << 20));
    g_autoptr(GError) error = NULL, absent = NULL;
    if (geteuid()) {
        assert_null(region_store_open("/", 1 << 20, true, &error));
        assert_non_null(strstr(error->message, "another user"));
    }
    assert_null(region_store_open("/nonexistent/x", 1 << 20, false, &absent));
    assert_non_null(strstr(absent->message, "/nonexistent/x"));
}

static void folder_is_made(void **state)
{
    (void)state;
    g_autofree char *a = g_build_filename(temp_dir, "a", NULL), *b = g_build_filename(a, "b", NULL);
    g_autoptr(GError) error = NULL;
    RegionStore *s = region_store_open(b, 1 << 20, true, &error);
    assert_non_null(s);
    region_store_free(s);
    struct stat st;
    assert_int_equal(stat(b, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    g_rmdir(b);
    g_rmdir(a);
}

static unsigned count_files(uint64_t *bytes)
{
    unsigned n = 0;
    GDir *d = g_dir_open(temp_dir, 0, NULL);
    *bytes = 0;
    for (const char *name; (name = g_dir_read_name(d));) {
        g_autofree char *path = g_build_filename(temp_dir, name, NULL);
        struct stat st;
        if (stat(path, &st))
            continue; // evicted by another process
        *bytes += (uint64_t)st.st_size;
        n++;
    }
    g_dir_close(d);
    return n;
}

static void eviction(void **state)
{
    (void)state;
    uint64_t bytes;
    RegionStore *s = open_store(100000);
    for (unsigned i = 0; i < 20; i++) { // 4.4 KB each
        put(s, i, i, 4000);
        region_store_flush(s);
        set_age(i, i, 1000 - i);
    }
    assert_int_equal(first(s, 0), 0); // the oldest is used again
    for (unsigned i = 20; i < 26; i++)
        put(s, i, i, 4000);
    region_store_free(s);
    count_files(&bytes);
    assert_in_range(bytes, 80000, 100000);
    s = open_store(100000);
    assert_int_equal(first(s, 0), 0);
    assert_int_equal(first(s, 1), -1);
    assert_int_equal(first(s, 25), 25);
    region_store_free(s);
    s = open_store(10000); // a smaller bound holds from the next write on
    put(s, 30, 30, 4000);
    region_store_free(s);
    count_files(&bytes);
    assert_in_range(bytes, 4000, 10000);
    s = open_store(1000); // nothing fits
    put(s, 31, 31, 4000);
    region_store_flush(s);
    assert_int_equal(first(s, 31), -1);
    region_store_free(s);
}

static void leftovers_go(void **state)
{
    (void)state;
    g_autofree char *old = g_build_filename(temp_dir, ".new-1-2-3", NULL);
    g_autofree char *fresh = g_build_filename(temp_dir, ".new-1-2-4", NULL);
    struct timespec t[2] = {{1000, 0}, {1000, 0}};
    g_file_set_contents(old, "x", 1, NULL);
    g_file_set_contents(fresh, "x", 1, NULL);
    utimensat(AT_FDCWD, old, t, 0);
    RegionStore *s = open_store(1 << 20);
    put(s, 1, 1, 10);
    region_store_free(s);
    assert_false(g_file_test(old, G_FILE_TEST_EXISTS));
    assert_true(g_file_test(fresh, G_FILE_TEST_EXISTS)); // somebody may be writing it
}

static void fill_up(void)
{
    struct rlimit limit = {300, 300}; // bytes of a file
    RegionStore *s = open_store(1 << 20);
    setrlimit(RLIMIT_FSIZE, &limit);
    for (unsigned i = 0; i < 5; i++)
        put(s, i, i, 4000);
    region_store_flush(s);
    for (unsigned i = 0; i < 5; i++)
        if (first(s, i) != -1)
            _exit(1);
    region_store_free(s);
}

static void disk_full(void **state)
{
    (void)state;
    uint64_t bytes;
    g_autofree char *text = NULL;
    assert_int_equal(lines_said_by(fill_up, &text), 1);
    assert_non_null(strstr(text, "nothing is kept any more"));
    assert_int_equal(count_files(&bytes), 1); // stderr
}

static void no_permission(void **state)
{
    (void)state;
    RegionStore *s = open_store(1 << 20);
    g_rmdir(temp_dir); // nothing can be made there now, whoever we are
    int saved = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY);
    dup2(null, STDERR_FILENO);
    put(s, 1, 1, 10);
    region_store_flush(s);
    assert_int_equal(first(s, 1), -1);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(null);
    region_store_free(s);
}

// One of several programs that write, read and evict the same regions.
static void busy_process(unsigned seed)
{
    RegionStore *s = open_store(60000);
    for (unsigned i = 0; i < 300; i++) {
        unsigned n = (i * 7 + seed * 13) % 30;
        put(s, n, n, 4000);
        int found = first(s, (n + seed) % 30);
        if (found >= 0 && (unsigned)found != (n + seed) % 30)
            _exit(1);
    }
    region_store_free(s);
    _exit(0);
}

static void several_programs(void **state)
{
    (void)state;
    pid_t pid[4];
    g_autofree char *path = g_build_filename(temp_dir, "stderr", NULL), *text = NULL;
    fflush(NULL);
    for (unsigned i = 0; i < 4; i++)
        if (!(pid[i] = fork())) {
            if (!freopen(path, "a", stderr))
                _exit(1);
            busy_process(i);
        }
    for (unsigned i = 0; i < 4; i++) {
        int status;
        assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(said(&text), 0);
    uint64_t bytes;
    assert_true(count_files(&bytes) > 5);
    assert_true(bytes < 4 * 60000);
}

static void count_entry(const RegionStoreEntry *e, void *opaque)
{
    unsigned *counts = opaque;
    counts[!e->region]++;
    assert_true(!e->region == !!e->damage);
}

static void listing_and_purge(void **state)
{
    (void)state;
    RegionStore *s = open_store(1 << 20);
    put(s, 1, 1, 100);
    put(s, 2, 2, 100);
    region_store_flush(s);
    g_autofree char *damaged = path_of(1, 1), *other = g_build_filename(temp_dir, "letter.txt", NULL),
                    *left = g_build_filename(temp_dir, ".new-9-9-9", NULL);
    assert_int_equal(truncate(damaged, 50), 0);
    g_file_set_contents(other, "x", 1, NULL);
    g_file_set_contents(left, "xy", 2, NULL);
    unsigned counts[2] = {0}, kept;
    region_store_each(s, count_entry, counts);
    assert_int_equal(counts[0], 1);
    assert_int_equal(counts[1], 1);
    assert_true(g_file_test(damaged, G_FILE_TEST_EXISTS));
    uint64_t bytes;
    assert_int_equal(region_store_purge(s, &bytes, &kept), 3);
    assert_int_equal(kept, 0);
    assert_true(bytes > 52);
    assert_int_equal(count_files(&bytes), 1);
    region_store_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roundtrip), cmocka_unit_test(each_byte_counts), cmocka_unit_test(each_length_counts),
        cmocka_unit_test(numbers_are_checked), cmocka_unit_test(names), FOLDER_TEST(kept_between_runs),
        FOLDER_TEST(damaged_files_go), FOLDER_TEST(strange_files), FOLDER_TEST(unsafe_folder),
        FOLDER_TEST(folder_is_made), FOLDER_TEST(eviction), FOLDER_TEST(leftovers_go), FOLDER_TEST(disk_full),
        FOLDER_TEST(no_permission), FOLDER_TEST(several_programs), FOLDER_TEST(listing_and_purge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
