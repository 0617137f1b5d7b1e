// SPDX-License-Identifier: GPL-3.0-or-later
// The model against the plain one (naive_model.c), on random streams: page tables that change with fences and without,
// spaces, privileges, sizes, faults, crossings; every count and every row.
#include "tests/test.h"
#include "tests/lab/naive_model.h"
#include <glib.h>
#include <inttypes.h>
#include <string.h>

typedef struct {
    LabListener to[2];
    GRand *rand;
    uint32_t space;
    unsigned mapped[4][16]; // by space and 2 MiB region: size of its pages, index; bit 4: global
    uint64_t clean[4];      // by space and page number % 64: not written yet
    LabAccess last[2];
    bool any[2];
    unsigned pages;
    bool data_first;
} Stream;

static int range(Stream *s, int end)
{
    return g_rand_int_range(s->rand, 0, end);
}

static void access_random(Stream *s)
{
    static const uint8_t bits[] = {12, 12, 16, 21, 30, 39};
    static const uint8_t privs[] = {0, 1, 3};
    LabAccess a = {.kind = range(s, 3), .priv = privs[range(s, 3)], .site = range(s, 50)};
    a.translated = range(s, 16) != 0;
    a.fault = range(s, 40) == 0;
    a.cross = range(s, 20) == 0;
    uint64_t page = range(s, 3) ? range(s, s->pages) : range(s, s->pages / 4 + 1);
    // Some near one another, some in regions apart.
    a.va = range(s, 2) ? page << 12 : (page & 15) << 21 | (page >> 4 & 7) << 12;
    if (range(s, 30) == 0)
        a.va = (uint64_t)range(s, 6) << 30;
    a.va |= range(s, 4096);
    a.bits = 12;
    a.writable = true;
    if (a.translated) {
        unsigned region = a.va >> 21 & 15, map = s->mapped[s->space][region];
        a.levels = s->space == 3 ? 4 : 3;
        a.bits = bits[(map & 7) % (a.levels == 4 ? 6 : 5)];
        a.global = map >> 4 & 1;
        a.asid = s->space == 3 ? 0 : s->space * 3; // two share one
        a.space = s->space + 1;
        uint64_t bit = UINT64_C(1) << (a.va >> 12 & 63);
        a.writable = !(s->clean[s->space] & bit);
        if (a.kind == ACCESS_WRITE && !a.fault) {
            a.writable = true;
            s->clean[s->space] &= ~bit;
        }
    }
    bool fetch = a.kind == ACCESS_FETCH;
    s->last[fetch] = a;
    s->any[fetch] = true;
    for (unsigned i = 0; i < 2; i++)
        s->to[i].access(s->to[i].opaque, &a);
}

static void step(Stream *s)
{
    unsigned what = range(s, 400);
    bool fetch = range(s, 2);
    for (unsigned i = 0, kind = range(s, 6), va = range(s, s->pages) << 12, asid = range(s, 4) * 3; i < 2; i++) {
        LabListener *to = &s->to[i];
        if (what == 0)
            to->flush(to->opaque, kind, va, asid);
        else if (what < 4)
            to->flush(to->opaque, LAB_FLUSH_VA, va, 0);
        else if (what < 6)
            to->flush(to->opaque, LAB_FLUSH_VA_ASID, va, asid);
        else if (what < 8)
            to->flush(to->opaque, LAB_FLUSH_ASID, 0, asid);
    }
    if (what < 8) {
        s->any[0] = s->any[1] = false;
        return;
    }
    if (what < 12) {
        uint32_t space = range(s, 4);
        if (space == s->space)
            return;
        s->space = space;
        s->any[0] = s->any[1] = false;
        for (unsigned i = 0; i < 2; i++)
            s->to[i].space(s->to[i].opaque, space + 1, 0);
    } else if (what < 14) {
        s->mapped[range(s, 4)][range(s, 16)] = range(s, 32);
        s->clean[range(s, 4)] |= (uint64_t)g_rand_int(s->rand) << range(s, 33);
    } else if (what < 100 && s->any[fetch] && !s->last[fetch].fault) {
        uint64_t loads = range(s, 5), stores = fetch || s->last[fetch].kind != ACCESS_WRITE ? 0 : range(s, 5);
        s->any[fetch] = false;
        for (unsigned i = 0; i < 2 && loads + stores; i++)
            s->to[i].repeat(s->to[i].opaque, &s->last[fetch], loads, stores);
    } else {
        access_random(s);
    }
}

// --- comparison

static int by_key(const void *a, const void *b)
{
    const ModelRow *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->space < y->space ? -1 : x->space > y->space;
}

static void compare_rows(const Model *m, const Naive *n, ModelBy by, const char *spec)
{
    size_t nm, nn;
    g_autofree ModelRow *rm = model_rows(m, by, &nm);
    const ModelRow *rows = naive_rows(n, by, &nn);
    for (size_t i = 1; i < nm; i++) {
        uint64_t misses[2] = {0};
        for (unsigned k = 0; k < 2; k++)
            for (unsigned kind = 0; kind < ACCESS_KINDS; kind++)
                misses[k] += rm[i - 1 + k].kind[kind].misses;
        assert_true(misses[0] > misses[1] || (misses[0] == misses[1] && by_key(&rm[i - 1], &rm[i]) < 0));
    }
    if (nm != nn)
        fail_msg("%s: rows %u: %zu and %zu", spec, by, nm, nn);
    g_autofree ModelRow *rn = g_memdup2(rows, nn * sizeof(*rn));
    if (nn) {
        qsort(rm, nm, sizeof(*rm), by_key);
        qsort(rn, nn, sizeof(*rn), by_key);
    }
    for (size_t i = 0; i < nn; i++)
        if (rm[i].key != rn[i].key || rm[i].space != rn[i].space ||
            memcmp(rm[i].kind, rn[i].kind, sizeof(rm[i].kind)) != 0)
            fail_msg("%s: row %zu of %u, 0x%" PRIx64, spec, i, by, rn[i].key);
}

static void compare(const Model *m, const Naive *n, const char *spec, unsigned round)
{
    const uint64_t *a = (const uint64_t *)model_totals(m), *b = (const uint64_t *)naive_totals(n);
    for (size_t i = 0; i < sizeof(ModelTotals) / 8; i++)
        if (a[i] != b[i])
            fail_msg("%s, round %u: word %zu of the totals: %" PRIu64 ", not %" PRIu64, spec, round, i, a[i], b[i]);
    for (unsigned by = 0; by < 3; by++)
        compare_rows(m, n, by, spec);
    char *wrong = model_reconcile(m);
    if (wrong)
        fail_msg("%s: %s", spec, wrong);
}

// Draws a description; the parser completes it.
static char *random_spec(GRand *rand)
{
    static const char *const l1[] = {"16", "4x2", "8x1", "1", "2", "8:4k-64k+4:2m", "4x2:4k+2x2:64k+3:2m-512g+1:256t",
                                     "2x8", "1x3", "16x4"};
    static const char *const l2[] = {"none", "64", "16x4", "8x8:4k-4k", "32x2:4k+8:2m", "128x8", "16x3"};
    static const char *const policies[] = {"lru", "plru", "fifo", "random"};
    GString *s = g_string_new(NULL);
    bool plru;
    do {
        unsigned i = g_rand_int_range(rand, 0, G_N_ELEMENTS(l1)), d = g_rand_int_range(rand, 0, G_N_ELEMENTS(l1));
        g_string_printf(s, "l1i=%s,l1d=%s,l2=%s", l1[i], l1[d], l2[g_rand_int_range(rand, 0, G_N_ELEMENTS(l2))]);
        unsigned policy = g_rand_int_range(rand, 0, 4);
        g_string_append_printf(s, ",policy=%s", policies[policy]);
        plru = policy == 1;
    } while (plru && strpbrk(s->str, "3") && (strstr(s->str, "x3") || strstr(s->str, "3:")));
    if (g_rand_int_range(rand, 0, 3) == 0)
        g_string_append(s, ",asid=off");
    if (g_rand_int_range(rand, 0, 3) == 0)
        g_string_append(s, ",bare=on");
    int prefetch = g_rand_int_range(rand, -4, 4);
    g_string_append_printf(s, ",walk=%d,prefetch=%d,seed=%d", g_rand_int_range(rand, 0, 5), MAX(prefetch, 0),
                           g_rand_int_range(rand, 0, 1000));
    return g_string_free(s, FALSE);
}

static void test_random(void **state)
{
    (void)state;
    g_autoptr(GRand) rand = g_rand_new_with_seed(0x71b);
    for (unsigned round = 0; round < 300; round++) {
        g_autofree char *text = random_spec(rand);
        ModelSpec spec;
        GError *error = NULL;
        if (!model_spec_parse(text, &spec, &error))
            fail_msg("%s: %s", text, error->message);
        Model *m = model_new(&spec);
        Naive *n = naive_new(&spec);
        Stream s = {.to = {model_listener(m), naive_listener(n)}, .rand = rand,
                    .pages = 1 << g_rand_int_range(rand, 3, 9)};
        for (unsigned i = 0; i < 4; i++)
            for (unsigned k = 0; k < 16; k++)
                s.mapped[i][k] = range(&s, 32) & (range(&s, 2) ? 0x10 : 0x1f);
        for (unsigned i = 0; i < 3000; i++)
            step(&s);
        compare(m, n, text, round);
        model_free(m);
        naive_free(n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
