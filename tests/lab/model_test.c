// SPDX-License-Identifier: GPL-3.0-or-later
// The model's counts where they are known from the books.
#include "tests/test.h"
#include "tests/lab/naive_model.h"
#include "tests/lab/records.h"
#include <glib.h>
#include <math.h>
#include <string.h>

static Model *make(const char *text)
{
    ModelSpec spec;
    GError *error = NULL;
    if (!model_spec_parse(text, &spec, &error))
        fail_msg("%s", error->message);
    return model_new(&spec);
}

static void done(Model *m)
{
    char *wrong = model_reconcile(m);
    if (wrong)
        fail_msg("%s", wrong);
    model_free(m);
}

static LabAccess page_access(uint64_t page, MemAccess kind)
{
    return (LabAccess){.va = page << 12, .kind = kind, .priv = 1, .translated = true, .writable = true, .bits = 12,
                       .levels = 3, .asid = 1, .space = 1};
}

static void give(Model *m, LabAccess a)
{
    LabListener to = model_listener(m);
    to.access(m, &a);
}

static void load(Model *m, uint64_t page)
{
    give(m, page_access(page, ACCESS_READ));
}

static void flush(Model *m, LabFlush what, uint64_t page, uint16_t asid)
{
    LabListener to = model_listener(m);
    to.flush(m, what, page << 12, asid);
}

// Of a unit, all kinds, privileges and sizes.
static ModelCounts counts(const Model *m, ModelUnit unit)
{
    ModelCounts sum = {0};
    for (unsigned i = 0; i < ACCESS_KINDS * 4 * MODEL_SIZES; i++) {
        const ModelCounts *c = &model_totals(m)->unit[unit][0][0][0] + i;
        sum.accesses += c->accesses;
        sum.hits += c->hits;
        sum.misses += c->misses;
        for (unsigned cause = 0; cause < MODEL_CAUSES; cause++)
            sum.cause[cause] += c->cause[cause];
    }
    return sum;
}

static uint64_t misses(const Model *m)
{
    return counts(m, MODEL_L1D).misses;
}

// --- replacement

static void test_cyclic(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 128; n *= 2) {
        g_autofree char *text = g_strdup_printf("l1d=%u", n);
        Model *fits = make(text), *not = make(text);
        for (unsigned round = 0; round < 10; round++) {
            for (unsigned page = 0; page < n; page++)
                load(fits, page);
            for (unsigned page = 0; page <= n; page++)
                load(not, page);
        }
        ModelCounts c = counts(fits, MODEL_L1D);
        assert_int_equal(c.misses, n);
        assert_int_equal(c.cause[CAUSE_COLD], n);
        assert_int_equal(c.hits, 9 * n);
        c = counts(not, MODEL_L1D);
        assert_int_equal(c.hits, 0);
        assert_int_equal(c.cause[CAUSE_COLD], n + 1);
        assert_int_equal(c.cause[CAUSE_CAPACITY], 9 * (n + 1));
        done(fits);
        done(not);
    }
}

// Pages of one set: as many as ways fit; one more is a conflict each time.
static void test_strided(void **state)
{
    (void)state;
    for (unsigned pages = 4; pages <= 5; pages++) {
        Model *m = make("l1d=16x4");
        for (unsigned round = 0; round < 10; round++)
            for (unsigned i = 0; i < pages; i++)
                load(m, 5 + i * 16);
        ModelCounts c = counts(m, MODEL_L1D);
        assert_int_equal(c.cause[CAUSE_COLD], pages);
        assert_int_equal(c.cause[CAUSE_CONFLICT], pages == 4 ? 0 : 45);
        assert_int_equal(c.cause[CAUSE_CAPACITY], 0);
        assert_int_equal(c.hits, pages == 4 ? 36 : 0);
        done(m);
    }
}

static uint64_t misses_of(const char *text, const char *pages)
{
    Model *m = make(text);
    for (const char *p = pages; *p; p++)
        load(m, *p);
    uint64_t n = misses(m);
    done(m);
    return n;
}

static void test_known_sequences(void **state)
{
    (void)state;
    static const char belady[] = "123412512345", silberschatz[] = "70120304230321201701";
    assert_int_equal(misses_of("l1d=3/fifo", belady), 9);
    assert_int_equal(misses_of("l1d=4/fifo", belady), 10); // Belady's anomaly
    assert_int_equal(misses_of("l1d=3/lru", belady), 10);
    assert_int_equal(misses_of("l1d=4/lru", belady), 8);
    assert_int_equal(misses_of("l1d=3/fifo", silberschatz), 15);
    assert_int_equal(misses_of("l1d=3/lru", silberschatz), 12);
    // Tree-PLRU, four ways. abcd, then a: the root points right, and there to c, where LRU would take b.
    assert_int_equal(misses_of("l1d=4/plru", "abcdaeb"), 5);
    assert_int_equal(misses_of("l1d=4/plru", "abcdaec"), 6);
    assert_int_equal(misses_of("l1d=4/lru", "abcdaeb"), 6);
    assert_int_equal(misses_of("l1d=4/lru", "abcdaec"), 5);
    // e for c, b: the root points right, right to d; f for d; then left again, to a.
    assert_int_equal(misses_of("l1d=4/plru", "abcdaebfd"), 7);
    assert_int_equal(misses_of("l1d=4/plru", "abcdaebfga"), 8);
    assert_int_equal(misses_of("l1d=2/plru", "abcabcab"), misses_of("l1d=2/lru", "abcabcab"));
}

// Uniform and independent: what is there is N of P pages, whatever the policy, so that an access hits with N / P.
static void test_uniform(void **state)
{
    (void)state;
    static const char *const texts[] = {"l1d=64", "l1d=64/plru", "l1d=64/fifo", "l1d=64/random,seed=1"};
    const unsigned accesses = 200000, pages = 100, warm = 5000;
    for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++) {
        ModelSpec spec;
        assert_true(model_spec_parse(texts[i], &spec, NULL));
        Model *m = model_new(&spec);
        Naive *n = naive_new(&spec);
        LabListener to = naive_listener(n);
        g_autoptr(GRand) rand = g_rand_new_with_seed(11);
        uint64_t before = 0;
        for (unsigned k = 0; k < accesses + warm; k++) {
            LabAccess a = page_access(g_rand_int_range(rand, 0, pages), ACCESS_READ);
            if (k == warm)
                before = counts(m, MODEL_L1D).hits;
            give(m, a);
            if (k < 20000)
                to.access(to.opaque, &a);
            if (k == 19999)
                assert_memory_equal(model_totals(m), naive_totals(n), sizeof(ModelTotals));
        }
        double p = 64.0 / pages, hits = (double)(counts(m, MODEL_L1D).hits - before);
        assert_true(fabs(hits - accesses * p) < 4 * sqrt(accesses * p * (1 - p)));
        naive_free(n);
        done(m);
    }
}

static void test_seed(void **state)
{
    (void)state;
    static const char *const texts[] = {"l1d=8/random", "l1d=8/random", "l1d=8/random,seed=1", "l1d=8/random,seed=100"};
    uint64_t n[4];
    for (unsigned i = 0; i < 4; i++) {
        Model *m = make(texts[i]);
        for (unsigned k = 0; k < 10000; k++)
            load(m, k * 7919 % 13 + k % 3);
        n[i] = misses(m);
        done(m);
    }
    assert_int_equal(n[0], n[1]);
    assert_true(n[0] != n[2] && n[0] != n[3] && n[2] != n[3]);
}

// --- flushes and spaces

static void check_again(const char *text, LabFlush what, uint16_t asid, ModelCause cause, unsigned expected)
{
    Model *m = make(text);
    LabAccess global = page_access(9, ACCESS_READ), other = page_access(1, ACCESS_READ);
    global.global = true;
    other.asid = 2;
    for (unsigned round = 0; round < 2; round++) {
        for (uint64_t page = 0; page < 4; page++)
            load(m, page);
        give(m, other);
        give(m, global);
        if (!round)
            flush(m, what, 1, asid);
    }
    ModelCounts c = counts(m, MODEL_L1D);
    assert_int_equal(c.misses, 6 + expected);
    assert_int_equal(c.cause[cause], expected);
    assert_int_equal(model_totals(m)->flushes[what], 1);
    done(m);
}

static void test_flushes(void **state)
{
    (void)state;
    static const char *const texts[] = {"l1d=8", "l1d=4x4", "l1d=2x8/plru"};
    for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++) {
        check_again(texts[i], LAB_FLUSH_ALL, 0, CAUSE_FLUSH_ALL, 6);
        check_again(texts[i], LAB_FLUSH_VA, 0, CAUSE_FLUSH_VA, 2); // of both ASIDs
        check_again(texts[i], LAB_FLUSH_ASID, 1, CAUSE_FLUSH_ASID, 4);
        check_again(texts[i], LAB_FLUSH_ASID, 2, CAUSE_FLUSH_ASID, 1);
        check_again(texts[i], LAB_FLUSH_VA_ASID, 1, CAUSE_FLUSH_VA, 1);
        check_again(texts[i], LAB_FLUSH_VA_ASID, 3, CAUSE_FLUSH_VA, 0);
        check_again(texts[i], LAB_FLUSH_RESET, 0, CAUSE_OTHER, 6);
        check_again(texts[i], LAB_FLUSH_PMP, 0, CAUSE_OTHER, 6);
    }
    check_again("l1d=8,asid=off", LAB_FLUSH_ASID, 3, CAUSE_FLUSH_ASID, 5); // it cannot tell
    check_again("l1d=8,asid=off", LAB_FLUSH_VA_ASID, 3, CAUSE_FLUSH_VA, 2);
}

// Two spaces in turn: with ASIDs nothing is lost; without them all but global pages are.
static void test_spaces(void **state)
{
    (void)state;
    for (unsigned tags = 0; tags < 2; tags++) {
        Model *m = make(tags ? "l1d=16" : "l1d=16,asid=off");
        LabListener to = model_listener(m);
        for (unsigned round = 0; round < 10; round++) {
            to.space(m, 1 + round % 2, 1 + round % 2);
            for (uint64_t page = 0; page < 4; page++) {
                LabAccess a = page_access(page, ACCESS_READ);
                a.asid = a.space = 1 + round % 2;
                a.global = page == 3;
                give(m, a);
            }
        }
        ModelCounts c = counts(m, MODEL_L1D);
        assert_int_equal(c.cause[CAUSE_COLD], 7);
        assert_int_equal(c.cause[CAUSE_SATP], tags ? 0 : 24);
        assert_int_equal(c.misses, tags ? 7 : 31);
        assert_int_equal(model_totals(m)->space_changes, 10);
        size_t n;
        g_autofree ModelRow *rows = model_rows(m, MODEL_BY_ASID, &n);
        assert_int_equal(n, 3);
        assert_int_equal(rows[2].key == UINT64_MAX, 1);
        assert_int_equal(rows[2].kind[ACCESS_READ].accesses, 10);
        assert_int_equal(rows[2].kind[ACCESS_READ].misses, 1);
        done(m);
    }
}

// An entry that a fully associative LRU lost long ago is hit when fences have emptied that.
static void test_lucky(void **state)
{
    (void)state;
    Model *m = make("l1d=2x1");
    static const unsigned pages[] = {1, 0, 2};
    for (unsigned i = 0; i < 3; i++)
        load(m, pages[i]);
    flush(m, LAB_FLUSH_VA, 0, 0);
    flush(m, LAB_FLUSH_VA, 2, 0);
    load(m, 1);
    assert_int_equal(counts(m, MODEL_L1D).hits, 1);
    load(m, 0); // replaced by 2, and the fence took it from the other too
    assert_int_equal(counts(m, MODEL_L1D).cause[CAUSE_CAPACITY], 1);
    done(m);
}

// --- sizes, upgrades, faults

static void test_sizes(void **state)
{
    (void)state;
    Model *m = make("l1d=4");
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 512; i++) {
            LabAccess large = page_access(0x200 + i, ACCESS_READ), napot = page_access(0x1000 + i % 16, ACCESS_READ);
            large.bits = 21;
            napot.bits = 16;
            give(m, large);
            give(m, napot);
        }
    }
    assert_int_equal(model_totals(m)->unit[MODEL_L1D][ACCESS_READ][1][2].misses, 1);
    assert_int_equal(model_totals(m)->unit[MODEL_L1D][ACCESS_READ][1][1].misses, 1);
    assert_int_equal(counts(m, MODEL_L1D).accesses, 2048);
    // A fence for any address in a large page takes it.
    flush(m, LAB_FLUSH_VA, 0x3ff, 0);
    LabAccess a = page_access(0x200, ACCESS_READ);
    a.bits = 21;
    give(m, a);
    assert_int_equal(counts(m, MODEL_L1D).cause[CAUSE_FLUSH_VA], 1);
    done(m);

    // Classes: large pages do not push out small ones; a second level without them.
    m = make("l1d=2:4k+1:2m,l2=8:4k-64k");
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 4; i++) {
            a = page_access(0x200 * (8 + i), ACCESS_READ);
            a.bits = 21;
            give(m, a);
            load(m, i % 2);
        }
    }
    assert_int_equal(model_totals(m)->unit[MODEL_L1D][ACCESS_READ][1][0].misses, 2);
    assert_int_equal(model_totals(m)->unit[MODEL_L1D][ACCESS_READ][1][2].misses, 12);
    assert_int_equal(model_totals(m)->unit[MODEL_L2][ACCESS_READ][1][2].cause[CAUSE_SIZE], 12);
    assert_int_equal(model_totals(m)->walks, 14);
    done(m);
}

static void test_upgrade_and_fault(void **state)
{
    (void)state;
    Model *m = make("l1d=4,l2=8");
    LabAccess a = page_access(1, ACCESS_READ), store = page_access(1, ACCESS_WRITE);
    a.writable = false;
    give(m, a);     // cold, clean
    give(m, a);     // hit
    give(m, store); // upgrade, in both levels
    give(m, store); // hit
    give(m, a);     // hit: a load takes nothing away
    give(m, store); // hit
    load(m, 2);
    give(m, page_access(2, ACCESS_WRITE)); // may be written: hit
    a = page_access(1, ACCESS_WRITE);
    a.fault = true;
    give(m, a);
    a.va = 7 << 12;
    give(m, a);
    give(m, a); // nothing was entered
    ModelCounts c = counts(m, MODEL_L1D), l2 = counts(m, MODEL_L2);
    assert_int_equal(c.hits, 5);
    assert_int_equal(c.cause[CAUSE_UPGRADE], 1);
    assert_int_equal(c.cause[CAUSE_FAULT], 3);
    assert_int_equal(c.cause[CAUSE_COLD], 2);
    assert_int_equal(l2.cause[CAUSE_UPGRADE], 1);
    assert_int_equal(l2.accesses, 6);
    assert_int_equal(model_totals(m)->walks, 6);
    done(m);
}

static void test_bare(void **state)
{
    (void)state;
    for (unsigned bare = 0; bare < 2; bare++) {
        Model *m = make(bare ? "l1d=4,bare=on" : "l1d=4");
        LabListener to = model_listener(m);
        LabAccess a = {.va = 0x1000, .kind = ACCESS_READ, .priv = 3, .bits = 12, .writable = true};
        give(m, a);
        to.repeat(m, &a, 5, 2);
        assert_int_equal(model_totals(m)->untranslated[ACCESS_READ][3], 6);
        assert_int_equal(model_totals(m)->untranslated[ACCESS_WRITE][3], 2);
        assert_int_equal(counts(m, MODEL_L1D).accesses, bare ? 8 : 0);
        assert_int_equal(model_totals(m)->untranslated_misses, bare);
        assert_int_equal(model_totals(m)->walks, 0);
        done(m);
    }
}

// --- levels, walks, prefetch

static void test_second_level(void **state)
{
    (void)state;
    Model *m = make("l1d=16,l2=16x8");
    for (unsigned round = 0; round < 10; round++)
        for (unsigned page = 0; page < 65; page++)
            load(m, page);
    ModelCounts c = counts(m, MODEL_L1D), l2 = counts(m, MODEL_L2);
    assert_int_equal(c.hits, 0);
    assert_int_equal(l2.accesses, 650);
    assert_int_equal(l2.hits, 585);
    assert_int_equal(l2.cause[CAUSE_COLD], 65);
    assert_int_equal(model_totals(m)->walks, 65);
    assert_int_equal(model_totals(m)->walk_reads, 3 * 65);
    done(m);
}

static void check_walk(Model *m, LabAccess a, unsigned reads)
{
    uint64_t before = model_totals(m)->walk_reads;
    give(m, a);
    assert_int_equal(model_totals(m)->walk_reads - before, reads);
}

static void test_walks(void **state)
{
    (void)state;
    Model *m = make("l1d=1,walk=2");
    LabAccess large = page_access(0x200 * 5, ACCESS_READ), deep = page_access(1, ACCESS_READ), fault = deep;
    large.bits = 21;
    deep.levels = 5;
    deep.asid = 3;
    fault.fault = true;
    check_walk(m, page_access(0, ACCESS_READ), 3);
    check_walk(m, page_access(1, ACCESS_READ), 1);             // the same last table
    check_walk(m, page_access(0x200, ACCESS_READ), 2);         // another one of the same gigabyte
    check_walk(m, page_access(0x40000, ACCESS_READ), 3);       // another gigabyte
    check_walk(m, large, 1);                                   // the first gigabyte's table is known
    check_walk(m, page_access(0x80000, ACCESS_READ), 3);       // the least recent of three gigabytes goes: the second
    check_walk(m, page_access(0x40000 + 0x200, ACCESS_READ), 3);
    check_walk(m, deep, 5);
    flush(m, LAB_FLUSH_VA, 1, 0);                              // spares what points to tables
    check_walk(m, page_access(2, ACCESS_READ), 3);             // lost to others in the meantime
    check_walk(m, deep, 1);
    flush(m, LAB_FLUSH_ASID, 0, 3);
    check_walk(m, page_access(3, ACCESS_READ), 1);
    check_walk(m, deep, 5);
    flush(m, LAB_FLUSH_ALL, 0, 0);
    check_walk(m, page_access(0, ACCESS_READ), 3);
    flush(m, LAB_FLUSH_ALL, 0, 0);
    check_walk(m, fault, 3);
    check_walk(m, fault, 3); // enters nothing
    assert_int_equal(model_totals(m)->walks, 15);
    assert_int_equal(model_totals(m)->walk_cache_hits, 5);
    done(m);
}

// Ten pages over and over in eight entries: LRU alone never hits. The next page brought along makes each second one
// hit; in front of a second level, whose hits are first-level misses too, all but the one behind the last page.
static void test_prefetch(void **state)
{
    (void)state;
    for (unsigned l2 = 0; l2 < 2; l2++) {
        Model *m = make(l2 ? "l1d=1,l2=8,prefetch=1" : "l1d=8,prefetch=1");
        for (unsigned round = 0; round < 11; round++)
            for (unsigned page = 0; page < 10; page++)
                load(m, page);
        unsigned hits = l2 ? 90 : 50;
        assert_int_equal(counts(m, l2 ? MODEL_L2 : MODEL_L1D).hits, hits);
        assert_int_equal(model_totals(m)->prefetches, hits);
        assert_int_equal(model_totals(m)->prefetch_hits, hits);
        done(m);
    }
}

// --- through records

// Loads of 5 pages, 3 rounds, each page twice; fetches of one page; a crossing.
static void test_records(void **state)
{
    (void)state;
    Model *m = make("l1d=4,l1i=2");
    LabListener to = model_listener(m);
    LabStream *s = lab_stream_new(&to);
    GArray *r = g_array_new(FALSE, FALSE, sizeof(TapRecord));
    uint64_t loads = 0;
    TapRecord begin[] = {rec_event(TAP_TIME, 1000, 0), rec_event(TAP_SPACE, UINT64_C(0x8000700000080000), 0),
                         rec_event(TAP_MODE, 0x35, 0), rec_fetch(0x10000, 1000, 3, false)};
    g_array_append_vals(r, begin, 4);
    for (unsigned i = 0; i < 15; i++, loads += 2)
        g_array_append_val(r, ((TapRecord[]){rec_data(ACCESS_READ, (i % 5) << 12, loads, 0, 4, false)}));
    TapRecord end[] = {rec_data(ACCESS_READ, 0x9ffe, loads, 0, 5, false),
                       rec_data(ACCESS_READ, 0xa000, loads, 0, 5, true),
                       rec_event(TAP_TIME, 1100, 0), rec_event(TAP_LOADS, loads + 1, 0), rec_event(TAP_END, 0, 0)};
    g_array_append_vals(r, end, 5);
    assert_true(lab_stream_feed(s, (TapRecord *)(void *)r->data, r->len, NULL));
    const ModelTotals *t = model_totals(m);
    assert_int_equal(t->insns, 100);
    assert_int_equal(t->loads, 31);
    assert_int_equal(t->crossings[ACCESS_READ], 1);
    assert_int_equal(t->fetches, 100);
    assert_int_equal(counts(m, MODEL_L1I).misses, 1);
    assert_int_equal(counts(m, MODEL_L1I).hits, 99);
    assert_int_equal(misses(m), 17);
    assert_int_equal(counts(m, MODEL_L1D).accesses, 32);
    size_t n;
    g_autofree ModelRow *rows = model_rows(m, MODEL_BY_SITE, &n);
    assert_int_equal(n, 3);
    assert_int_equal(rows[0].key, 4);
    assert_int_equal(rows[0].kind[ACCESS_READ].misses, 15);
    assert_int_equal(rows[0].kind[ACCESS_READ].hits, 15);
    g_array_free(r, TRUE);
    lab_stream_free(s);
    done(m);
}

// Counts that do not add up are found.
static void test_reconcile(void **state)
{
    (void)state;
    Model *m = make("l1d=4");
    LabListener to = model_listener(m);
    load(m, 1);
    to.end(m, 0, 2, 0);
    g_autofree char *wrong = model_reconcile(m);
    assert_string_equal(wrong, "accesses by the model and by the hart of loads: 1 and 2");
    model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cyclic),
        cmocka_unit_test(test_strided),
        cmocka_unit_test(test_known_sequences),
        cmocka_unit_test(test_uniform),
        cmocka_unit_test(test_seed),
        cmocka_unit_test(test_flushes),
        cmocka_unit_test(test_spaces),
        cmocka_unit_test(test_lucky),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_upgrade_and_fault),
        cmocka_unit_test(test_bare),
        cmocka_unit_test(test_second_level),
        cmocka_unit_test(test_walks),
        cmocka_unit_test(test_prefetch),
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_reconcile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
