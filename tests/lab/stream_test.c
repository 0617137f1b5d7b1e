// SPDX-License-Identifier: GPL-3.0-or-later
// The decoder: stream.cases, whole and one record at a time; and junk, which must not crash.
#include "tests/test.h"
#include "tests/lab/records.h"
#include "lab/stream.h"
#include <glib.h>
#include <inttypes.h>
#include <string.h>

// --- what is reported, as text

static const char kinds[] = "rwf";

static void on_access(void *opaque, const LabAccess *a)
{
    GString *out = opaque;
    g_string_append_printf(out, "%c 0x%" PRIx64 " %c ", kinds[a->kind], a->va, "US?M"[a->priv]);
    if (a->translated)
        g_string_append_printf(out, "%u/%u %u %u", a->bits, a->levels, a->asid, a->space);
    else
        g_string_append(out, "bare");
    g_string_append_printf(out, " @%d #%" PRIu64 "%s%s%s%s\n", (int32_t)a->site, a->insns, a->fault ? " fault" : "",
                           a->cross ? " cross" : "", a->global ? " global" : "", a->writable ? "" : " ro");
}

static void on_repeat(void *opaque, const LabAccess *a, uint64_t loads, uint64_t stores)
{
    g_string_append_printf(opaque, "+%c 0x%" PRIx64 " %" PRIu64 " %" PRIu64 "\n", kinds[a->kind], a->va, loads, stores);
}

static void on_flush(void *opaque, LabFlush what, gva_t va, uint16_t asid)
{
    static const char *const names[] = {"all", "va", "asid", "va_asid", "reset", "pmp"};
    g_string_append_printf(opaque, "flush %s 0x%" PRIx64 " %u\n", names[what], va, asid);
}

static void on_space(void *opaque, uint32_t space, uint16_t asid)
{
    g_string_append_printf(opaque, "space %u %u\n", space, asid);
}

static void on_host_miss(void *opaque, MemAccess kind, unsigned cause, uint32_t site)
{
    g_string_append_printf(opaque, "host %c %u @%d\n", kinds[kind], cause, (int32_t)site);
}

static void on_time(void *opaque, uint64_t insns)
{
    if (insns)
        g_string_append_printf(opaque, "time %" PRIu64 "\n", insns);
}

static void on_end(void *opaque, uint64_t insns, uint64_t loads, uint64_t stores)
{
    g_string_append_printf(opaque, "end %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", insns, loads, stores);
}

static LabListener listener(GString *out)
{
    return (LabListener){out, on_access, on_repeat, on_flush, on_space, on_host_miss, on_time, on_end};
}

static void append_code(GString *out, const LabStream *s)
{
    unsigned n = lab_stream_blocks(s);
    if (!n)
        return;
    g_string_append(out, "code");
    for (uint32_t site = 0;; site++) {
        gva_t pc = lab_stream_pc(s, site);
        g_string_append_printf(out, " 0x%" PRIx64, pc);
        if (!pc || site > 100)
            break;
    }
    for (unsigned i = 0; i < n; i++) {
        LabBlock b = lab_stream_block(s, i);
        g_string_append_printf(out, "\nblock 0x%" PRIx64 " %u %u %u %" PRIu64, b.pc, b.insns, b.loads, b.stores,
                               b.runs);
    }
    g_string_append_c(out, '\n');
}

// step: so many records at a time.
static char *decode(const GArray *records, size_t step)
{
    GString *out = g_string_new(NULL);
    LabListener to = listener(out);
    LabStream *s = lab_stream_new(&to);
    GError *error = NULL;
    bool good = true;
    for (size_t i = 0; i < records->len && good; i += step) {
        TapRecord some[4096]; // so that tools see what reads behind a piece
        size_t n = MIN(step, records->len - i);
        memcpy(some, &g_array_index(records, TapRecord, i), n * sizeof(some[0]));
        good = lab_stream_feed(s, some, n, &error);
        assert_true(good == !error);
    }
    if (error)
        g_string_append_printf(out, "error %s\n", error->message);
    else
        append_code(out, s);
    if (error) { // nothing more after that
        GError *again = NULL;
        size_t length = out->len;
        TapRecord r = rec_event(TAP_END, 0, 0);
        assert_false(lab_stream_feed(s, &r, 1, &again));
        assert_int_equal(out->len, length);
        g_error_free(again);
    }
    g_clear_error(&error);
    lab_stream_free(s);
    return g_string_free(out, FALSE);
}

// --- cases

static uint64_t number(char *const *word, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (!word[i])
            return 0;
    return word[n] ? g_ascii_strtoull(word[n], NULL, 0) : 0;
}

static MemAccess kind_of(const char *word)
{
    const char *found = word && word[0] ? strchr(kinds, word[0]) : NULL;
    assert_non_null(found);
    return (MemAccess)(found - kinds);
}

static unsigned allow_of(const char *word)
{
    unsigned allow = 0;
    for (const char *p = word; *p; p++)
        allow |= *p == 'r' ? TAP_PAGE_READ : *p == 'w' ? TAP_PAGE_WRITE : *p == 'x' ? TAP_PAGE_EXEC : TAP_PAGE_GLOBAL;
    return allow;
}

static TapRecord record_of(const char *line)
{
    static const char *const plain[] = {"time", "loads", "stores", "mode", "space"};
    g_auto(GStrv) w = g_strsplit(line, " ", -1);
    unsigned n = g_strv_length(w);
    bool cross = n > 2 && strcmp(w[n - 1], "cross") == 0;
    const char *op = w[0];
    if (strcmp(op, "f") == 0)
        return rec_fetch(number(w, 1), number(w, 2), number(w, 3), cross);
    if (strcmp(op, "r") == 0 || strcmp(op, "w") == 0)
        return rec_data(kind_of(op), number(w, 1), number(w, 2), number(w, 3), number(w, 4), cross);
    for (unsigned i = 0; i < G_N_ELEMENTS(plain); i++)
        if (strcmp(op, plain[i]) == 0)
            return rec_event(TAP_TIME + i, number(w, 1), 0);
    if (strcmp(op, "page") == 0)
        return rec_event(TAP_PAGE, number(w, 1) | allow_of(w[3]), number(w, 2));
    if (strcmp(op, "fault") == 0)
        return rec_event(TAP_FAULT, number(w, 2), kind_of(w[1]));
    if (strcmp(op, "flush") == 0)
        return rec_event(TAP_FLUSH, number(w, 1), number(w, 2));
    if (strcmp(op, "flush_all") == 0)
        return rec_event(TAP_FLUSH_ALL, number(w, 1), 0);
    if (strcmp(op, "block") == 0)
        return rec_event(TAP_BLOCK, number(w, 1), number(w, 2));
    if (strcmp(op, "ops") == 0)
        return rec_event(TAP_BLOCK_OPS, number(w, 1) | number(w, 2) << 16 | number(w, 3) << 32, number(w, 4));
    if (strcmp(op, "runs") == 0)
        return rec_event(TAP_BLOCK_RUNS, number(w, 1), number(w, 2));
    if (strcmp(op, "host") == 0)
        return rec_event(TAP_HOST_MISS, number(w, 3), kind_of(w[1]) | number(w, 2) << 2);
    if (strcmp(op, "end") == 0)
        return rec_event(TAP_END, 0, 0);
    assert_string_equal(op, "raw");
    return (TapRecord){number(w, 1), number(w, 2), number(w, 3)};
}

static void check_case(const char *name, const GArray *records, const char *expected)
{
    static const size_t steps[] = {4096, 1, 3};
    for (unsigned i = 0; i < G_N_ELEMENTS(steps); i++) {
        g_autofree char *got = decode(records, steps[i]);
        if (strcmp(got, expected) != 0)
            fail_msg("case %s, %zu at a time\n--- expected\n%s--- got\n%s", name, steps[i], expected, got);
    }
}

static void test_cases(void **state)
{
    (void)state;
    g_autofree char *text = NULL;
    assert_true(g_file_get_contents("tests/lab/stream.cases", &text, NULL, NULL));
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autoptr(GArray) records = g_array_new(FALSE, FALSE, sizeof(TapRecord));
    g_autoptr(GString) expected = g_string_new(NULL);
    const char *name = NULL;
    unsigned cases = 0;
    for (char **line = lines;; line++) {
        if (!*line || g_str_has_prefix(*line, "case ")) {
            if (name)
                check_case(name, records, expected->str);
            cases += name != NULL;
            if (!*line)
                break;
            name = *line + 5;
            g_array_set_size(records, 0);
            g_string_truncate(expected, 0);
        } else if (g_str_has_prefix(*line, "> ")) {
            g_string_append_printf(expected, "%s\n", *line + 2);
        } else if (**line && **line != '#') {
            g_array_append_val(records, ((TapRecord[]){record_of(*line)}));
        }
    }
    assert_true(cases > 30);
}

// --- junk

// Records that are damaged here and there, so that some go far.
static void test_junk(void **state)
{
    (void)state;
    g_autoptr(GRand) rand = g_rand_new_with_seed(6);
    for (unsigned round = 0; round < 3000; round++) {
        g_autoptr(GArray) records = g_array_new(FALSE, FALSE, sizeof(TapRecord));
        unsigned n = g_rand_int_range(rand, 1, 60);
        for (unsigned i = 0; i < n; i++) {
            static const uint8_t sizes[] = {12, 16, 21, 30, 39, 48};
            uint64_t what = (uint64_t)g_rand_int(rand) << 32 | g_rand_int(rand);
            uint32_t tag = g_rand_int_range(rand, 0, TAP_EVENTS) << TAP_SHIFT | g_rand_int_range(rand, 0, 8);
            uint32_t count = g_rand_int(rand) >> g_rand_int_range(rand, 0, 32);
            if (g_rand_boolean(rand))
                what &= 0xffff;
            if ((tag >> TAP_SHIFT) == TAP_PAGE && (tag & TAP_KIND) == TAP_EVENT)
                count = sizes[g_rand_int_range(rand, 0, 6)];
            if ((tag & TAP_KIND) < ACCESS_FETCH)
                count = i;
            if (round & 1 && (tag & TAP_KIND) == TAP_EVENT && g_rand_int_range(rand, 0, 8))
                tag = TAP_PAGE << TAP_SHIFT | TAP_EVENT, count = 12;
            g_array_append_val(records, ((TapRecord){what, tag, count}));
        }
        g_autofree char *once = decode(records, 4096), *one = decode(records, 1);
        assert_string_equal(once, one);
    }
}

// A page map against a list of everything that was said.
static void test_pages_random(void **state)
{
    (void)state;
    static const uint8_t sizes[] = {12, 16, 21, 30};
    g_autoptr(GRand) rand = g_rand_new_with_seed(7);
    struct said { uint64_t va, bits; bool global; uint32_t space; } said[8000];
    unsigned n = 0;
    g_autoptr(GString) out = g_string_new(NULL), expected = g_string_new(NULL);
    LabListener to = {.opaque = out, .access = on_access};
    LabStream *s = lab_stream_new(&to);
    uint64_t loads = 0;
    TapRecord r = rec_event(TAP_MODE, 0x35, 0);
    assert_true(lab_stream_feed(s, &r, 1, NULL));
    for (unsigned i = 0; i < 40000; i++) {
        uint32_t space = g_rand_int_range(rand, 1, 3);
        r = rec_event(TAP_SPACE, UINT64_C(8) << 60 | (i ? space : 1), 0);
        space = i ? space : 1;
        assert_true(lab_stream_feed(s, &r, 1, NULL));
        uint64_t va = (uint64_t)g_rand_int_range(rand, 0, 4) << 12 | (uint64_t)g_rand_int_range(rand, 0, 2) << 21 |
                      (uint64_t)g_rand_int_range(rand, 0, 2) << 30;
        if (n < G_N_ELEMENTS(said) && g_rand_int_range(rand, 0, 3) == 0) {
            unsigned bits = sizes[g_rand_int_range(rand, 0, 4)];
            bool global = g_rand_int_range(rand, 0, 3) == 0;
            said[n++] = (struct said){va >> bits << bits, bits, global, space};
            r = rec_event(TAP_PAGE, (va & PAGE_MASK) | TAP_PAGE_WRITE | (global ? TAP_PAGE_GLOBAL : 0), bits);
            assert_true(lab_stream_feed(s, &r, 1, NULL));
            continue;
        }
        r = rec_data(ACCESS_READ, va, loads++, 0, 0, false);
        assert_true(lab_stream_feed(s, &r, 1, NULL));
        r = rec_event(TAP_MODE, 0x35, 0); // so that it is reported
        assert_true(lab_stream_feed(s, &r, 1, NULL));
        unsigned bits = 12;
        bool global = false;
        for (unsigned k = n; k-- > 0;)
            if ((said[k].space == space || said[k].global) && va >> said[k].bits == said[k].va >> said[k].bits) {
                bits = said[k].bits;
                global = said[k].global;
                break;
            }
        g_string_append_printf(expected, "r 0x%" PRIx64 " S %u/3 0 %u @0 #0%s\n", va, bits, space,
                               global ? " global" : "");
    }
    assert_string_equal(out->str, expected->str);
    lab_stream_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_junk),
        cmocka_unit_test(test_pages_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
