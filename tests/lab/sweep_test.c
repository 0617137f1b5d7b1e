// SPDX-License-Identifier: GPL-3.0-or-later
// The sweep against a naive simulation of each geometry, to the last unit; textbook streams; estimates of samples.
#include "lab/model.h"
#include "lab/sweep.h"
#include "tests/test.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>

#define ALL_SIZES (UINT64_C(1) << 12 | UINT64_C(1) << 16 | UINT64_C(1) << 21 | UINT64_C(1) << 30)

static uint64_t next_random(uint64_t *seed)
{
    *seed += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t x = (*seed ^ *seed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

// --- events ----------------------------------------------------------------------------------------------------

typedef struct {
    enum { EVENT_ACCESS, EVENT_REPEAT, EVENT_FLUSH, EVENT_SPACE } what;
    LabAccess a;
    uint64_t loads, stores;
    LabFlush flush;
} Event;

static void play(const LabListener *l, const Event *e, size_t n)
{
    for (; n; n--, e++) {
        if (e->what == EVENT_ACCESS)
            l->access(l->opaque, &e->a);
        else if (e->what == EVENT_REPEAT)
            l->repeat(l->opaque, &e->a, e->loads, e->stores);
        else if (e->what == EVENT_FLUSH)
            l->flush(l->opaque, e->flush, e->a.va, e->a.asid);
        else
            l->space(l->opaque, e->a.space, e->a.asid);
    }
}

// How wild a random stream is: an event of the kind every so many accesses, or 0.
typedef struct {
    unsigned pages, flush, space, fault, bare, clean, repeat;
    bool narrow; // flushes by address only, of pages in use
} Recipe;

typedef struct {
    const Recipe *x;
    uint64_t seed;
    uint16_t asid;
    uint32_t space;
    bool *dirty; // by page: may be written
} Generator;

static bool every(Generator *g, unsigned n)
{
    return n && next_random(&g->seed) % n == 0;
}

// A few pages are used most. The page says of what kind it is; now and then one is mapped otherwise.
static LabAccess random_access(Generator *g)
{
    static const uint8_t sizes[] = {12, 12, 12, 12, 12, 16, 21, 30};
    uint64_t r = next_random(&g->seed), page = r % (every(g, 3) ? g->x->pages : g->x->pages / 8 + 1);
    unsigned area = every(g, 400) ? r >> 40 & 7 : page & 7;
    LabAccess a = {.va = page << (area < 6 ? 12 : 19) | (r >> 50 & 0xff8), .bits = sizes[area], .priv = 1,
                   .translated = true, .global = area == 3 || every(g, 300), .asid = g->asid, .space = g->space};
    a.kind = every(g, 4) ? ACCESS_FETCH : every(g, 4) ? ACCESS_WRITE : ACCESS_READ;
    a.fault = every(g, g->x->fault);
    if (every(g, g->x->bare))
        a = (LabAccess){.va = a.va, .bits = 12, .priv = 3, .kind = a.kind, .fault = a.fault};
    if (every(g, g->x->clean))
        g->dirty[page] = false;
    if (a.kind == ACCESS_WRITE && !a.fault)
        g->dirty[page] = true;
    a.writable = !a.translated || !g->x->clean || g->dirty[page];
    return a;
}

static Event *random_events(const Recipe *x, size_t n, uint64_t seed)
{
    Event *e = g_new0(Event, n);
    g_autofree bool *dirty = g_new0(bool, x->pages);
    Generator g = {x, seed, 0, 1, dirty};
    bool pending[2] = {false, false};
    LabAccess last[2];
    for (size_t i = 0; i < n; i++) {
        unsigned side = (unsigned)(next_random(&g.seed) & 1);
        if (every(&g, x->flush)) {
            e[i].what = EVENT_FLUSH;
            e[i].flush = every(&g, 3) ? LAB_FLUSH_VA_ASID : every(&g, 3) ? LAB_FLUSH_ASID : every(&g, 5) ? LAB_FLUSH_ALL
                         : every(&g, 9) ? LAB_FLUSH_RESET : LAB_FLUSH_VA;
            e[i].a.va = random_access(&g).va;
            e[i].a.asid = (uint16_t)(next_random(&g.seed) % 4);
            e[i].flush = x->narrow ? LAB_FLUSH_VA : e[i].flush;
        } else if (every(&g, x->space)) {
            g.asid = (uint16_t)(next_random(&g.seed) % 4);
            g.space = 1 + g.asid;
            e[i] = (Event){.what = EVENT_SPACE, .a = {.asid = g.asid, .space = g.space}};
        } else if (pending[side] && every(&g, x->repeat)) {
            e[i] = (Event){.what = EVENT_REPEAT, .a = last[side], .loads = next_random(&g.seed) % 9,
                           .stores = side ? next_random(&g.seed) % 9 : 0};
            pending[side] = false;
        } else {
            e[i].a = random_access(&g);
            side = e[i].a.kind != ACCESS_FETCH;
            last[side] = e[i].a;
            pending[side] = !e[i].a.fault;
        }
    }
    return e;
}

// --- one cache, the simple way ---------------------------------------------------------------------------------

typedef struct {
    bool valid, writable, global;
    uint64_t page;
    unsigned bits;
    uint16_t asid;
    uint64_t used;
} Entry;

typedef struct {
    const SweepConfig *config;
    SweepSide side;
    unsigned sets, ways;
    Entry *entry;
    uint64_t now, accesses[ACCESS_KINDS], misses[ACCESS_KINDS];
} Cache;

static bool cached(const Cache *c, const LabAccess *a)
{
    return (a->kind == ACCESS_FETCH) == (c->side == SWEEP_FETCH) && (a->translated || c->config->bare) &&
           (c->config->sizes >> a->bits & 1);
}

static void cache_access(void *opaque, const LabAccess *a)
{
    Cache *c = opaque;
    if (!cached(c, a))
        return;
    c->accesses[a->kind]++;
    c->misses[a->kind]++;
    if (a->fault)
        return;
    bool global = a->global || !a->translated;
    uint64_t page = a->va >> a->bits;
    Entry *set = c->entry + page % c->sets * c->ways, *victim = NULL;
    for (unsigned w = 0; w < c->ways; w++) {
        Entry *e = &set[w];
        if (e->valid && e->page == page && e->bits == a->bits && e->global == global &&
            (global || !c->config->asid || e->asid == a->asid)) {
            c->misses[a->kind] -= a->kind != ACCESS_WRITE || e->writable;
            e->writable |= a->kind == ACCESS_WRITE;
            e->used = ++c->now;
            return;
        }
        if (!victim || (victim->valid && (!e->valid || e->used < victim->used)))
            victim = e;
    }
    *victim = (Entry){true, a->writable || !a->translated, global, page, a->bits, a->asid, ++c->now};
}

static void cache_repeat(void *opaque, const LabAccess *a, uint64_t loads, uint64_t stores)
{
    Cache *c = opaque;
    if (!cached(c, a))
        return;
    c->accesses[a->kind == ACCESS_FETCH ? ACCESS_FETCH : ACCESS_READ] += loads;
    c->accesses[ACCESS_WRITE] += stores;
}

static void cache_flush(void *opaque, LabFlush what, gva_t va, uint16_t asid)
{
    Cache *c = opaque;
    for (unsigned i = 0; i < c->sets * c->ways; i++) {
        Entry *e = &c->entry[i];
        bool there = va >> e->bits == e->page, own = !e->global && (!c->config->asid || e->asid == asid);
        bool keep = (what == LAB_FLUSH_VA && !there) || (what == LAB_FLUSH_ASID && !own) ||
                    (what == LAB_FLUSH_VA_ASID && !(own && there));
        e->valid &= keep;
    }
}

static void cache_space(void *opaque, uint32_t space, uint16_t asid)
{
    Cache *c = opaque;
    (void)space;
    (void)asid;
    for (unsigned i = 0; !c->config->asid && i < c->sets * c->ways; i++)
        c->entry[i].valid &= c->entry[i].global;
}

// --- against that ----------------------------------------------------------------------------------------------

static Sweep *sweep_of(const SweepConfig *config, const Event *e, size_t n)
{
    Sweep *s = sweep_new(config);
    LabListener l = sweep_listener(s);
    play(&l, e, n);
    return s;
}

static void same_as_cache(const SweepConfig *config, Sweep *s, const Event *e, size_t n, unsigned sets, unsigned ways)
{
    for (unsigned side = 0; side < SWEEP_SIDES; side++) {
        Cache c = {.config = config, .side = side, .sets = sets, .ways = ways, .entry = g_new0(Entry, sets * ways)};
        LabListener l = {&c, cache_access, cache_repeat, cache_flush, cache_space, NULL, NULL, NULL};
        play(&l, e, n);
        for (unsigned k = 0; k < ACCESS_KINDS; k++) {
            assert_int_equal(sweep_accesses(s, side, k), c.accesses[k]);
            if (sweep_misses(s, side, k, sets, ways) != c.misses[k])
                fail_msg("%u sets of %u, side %u, kind %u: sweep %" PRIu64 ", simulation %" PRIu64 " misses", sets,
                         ways, side, k, sweep_misses(s, side, k, sets, ways), c.misses[k]);
        }
        g_free(c.entry);
    }
    assert_true(sweep_error(s, SWEEP_DATA, sets, ways) == 0);
}

static void compare(const SweepConfig *config, const Recipe *x, size_t n, uint64_t seed)
{
    g_autofree Event *e = random_events(x, n, seed);
    Sweep *s = sweep_of(config, e, n);
    for (unsigned sets = 2; sets <= 1u << config->max_set_bits; sets *= 2)
        for (unsigned ways = 1; ways <= config->max_ways; ways++)
            same_as_cache(config, s, e, n, sets, ways);
    for (unsigned entries = 1; entries <= config->max_entries; entries += 1 + entries / 3)
        same_as_cache(config, s, e, n, 1, entries);
    same_as_cache(config, s, e, n, 1, config->max_entries);
    sweep_free(s);
}

#define SEVEN_BY_EIGHT .max_set_bits = 7, .max_ways = 8, .max_entries = 300, .sample = 1

static void equals_simulation(void **state)
{
    (void)state;
    static const Recipe recipes[] = {
        {.pages = 40},
        {.pages = 700},
        {.pages = 700, .clean = 30, .repeat = 4},
        {.pages = 150, .flush = 6, .clean = 15, .narrow = true},
        {.pages = 700, .flush = 10, .clean = 40, .narrow = true},
        {.pages = 60, .clean = 5, .fault = 20, .repeat = 4},
        {.pages = 200, .flush = 20, .clean = 40},
        {.pages = 90, .flush = 8, .space = 30, .fault = 30, .bare = 9, .clean = 6, .repeat = 4},
        {.pages = 3000, .flush = 300, .space = 200, .fault = 50, .bare = 20, .clean = 20, .repeat = 4},
    };
    static const SweepConfig configs[] = {
        {SEVEN_BY_EIGHT, .asid = true, .bare = true, .sizes = UINT64_MAX},
        {SEVEN_BY_EIGHT, .asid = false, .bare = false, .sizes = ALL_SIZES},
        {SEVEN_BY_EIGHT, .asid = true, .bare = false, .sizes = UINT64_C(1) << 21 | UINT64_C(1) << 30},
        {SEVEN_BY_EIGHT, .asid = false, .bare = true, .sizes = UINT64_C(1) << 12},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(recipes); i++)
        for (unsigned k = 0; k < G_N_ELEMENTS(configs); k++)
            compare(&configs[k], &recipes[i], 4000, i * 10 + k);
}

// Short ones in great number: what seldom happens happens at once.
static void many_short_ones(void **state)
{
    (void)state;
    SweepConfig config = {.max_set_bits = 2, .max_ways = 4, .max_entries = 12, .sizes = UINT64_MAX, .sample = 1};
    uint64_t seed = 1;
    for (unsigned i = 0; i < 4000; i++) {
        uint64_t r = next_random(&seed);
        Recipe x = {.pages = 2 + r % 24, .flush = r >> 8 & 15, .space = r >> 16 & 31, .fault = r >> 24 & 31,
                    .bare = r >> 32 & 15, .clean = r >> 40 & 7, .repeat = r >> 48 & 7};
        config.asid = r >> 60 & 1;
        config.bare = r >> 61 & 1;
        compare(&config, &x, 150, i);
    }
}

// More pages than the time line has slots, so that it is renewed, with holes and entries in all places.
static void long_lines(void **state)
{
    (void)state;
    static const Recipe recipes[] = {{.pages = 30000, .clean = 9}, {.pages = 20000, .flush = 50, .clean = 9}};
    SweepConfig config = {.max_set_bits = 1, .max_ways = 1, .max_entries = 9000, .sizes = UINT64_MAX, .sample = 1};
    for (unsigned i = 0; i < G_N_ELEMENTS(recipes); i++) {
        enum { N = 400000 };
        g_autofree Event *e = random_events(&recipes[i], N, i);
        Sweep *s = sweep_of(&config, e, N);
        static const unsigned sizes[] = {32, 100};
        for (unsigned k = 0; k < G_N_ELEMENTS(sizes); k++)
            same_as_cache(&config, s, e, N, 1, sizes[k]);
        sweep_free(s);
        // large ones, against the smaller line of a sweep that drops what is deep
        SweepConfig deep = config;
        deep.max_entries = 60000;
        Sweep *a = sweep_of(&config, e, N), *b = sweep_of(&deep, e, N);
        for (unsigned entries = 1; entries <= config.max_entries; entries += 1 + entries / 50)
            for (unsigned k = 0; k < ACCESS_KINDS; k++)
                assert_int_equal(sweep_misses(a, k == ACCESS_FETCH ? SWEEP_FETCH : SWEEP_DATA, k, 1, entries),
                                 sweep_misses(b, k == ACCESS_FETCH ? SWEEP_FETCH : SWEEP_DATA, k, 1, entries));
        sweep_free(a);
        sweep_free(b);
    }
}

// --- against the model -----------------------------------------------------------------------------------------

static uint64_t model_misses(const ModelTotals *t, SweepSide side, MemAccess kind, uint64_t sizes)
{
    static const uint8_t bits[MODEL_SIZES] = {12, 16, 21, 30, 39, 48};
    uint64_t sum = 0;
    for (unsigned priv = 0; priv < 4; priv++)
        for (unsigned i = 0; i < MODEL_SIZES; i++)
            if (sizes >> bits[i] & 1)
                sum += t->unit[side == SWEEP_FETCH ? MODEL_L1I : MODEL_L1D][kind][priv][i].misses;
    return sum;
}

// A model of two structures, one for each of these sizes, is two sweeps.
static void same_as_model(const Event *e, size_t n, const SweepConfig config[2], Sweep *const s[2], unsigned sets,
                          unsigned ways)
{
    ModelSpec spec = {.asid = config[0].asid, .bare = config[0].bare};
    for (unsigned i = 0; i < 2 && config[i].sizes; i++)
        spec.part[MODEL_L1I][i] = spec.part[MODEL_L1D][i] = (ModelPart){sets, ways, config[i].sizes, POLICY_LRU};
    Model *m = model_new(&spec);
    LabListener l = model_listener(m);
    play(&l, e, n);
    for (unsigned i = 0; i < 2 && config[i].sizes; i++)
        for (unsigned k = 0; k < ACCESS_KINDS; k++) {
            SweepSide side = k == ACCESS_FETCH ? SWEEP_FETCH : SWEEP_DATA;
            uint64_t misses = sweep_misses(s[i], side, k, sets, ways);
            uint64_t truth = model_misses(model_totals(m), side, k, config[i].sizes);
            if (misses != truth)
                fail_msg("%u sets of %u, kind %u: sweep %" PRIu64 ", model %" PRIu64 " misses", sets, ways, k, misses,
                         truth);
        }
    g_autofree char *wrong = model_reconcile(m);
    if (wrong)
        fail_msg("%s", wrong);
    model_free(m);
}

static void equals_model(void **state)
{
    (void)state;
    enum { N = 30000 };
    static const Recipe recipes[] = {
        {.pages = 100, .clean = 30, .repeat = 4},
        {.pages = 90, .flush = 8, .space = 30, .fault = 30, .bare = 9, .clean = 6, .repeat = 4},
        {.pages = 2000, .flush = 300, .space = 200, .fault = 50, .bare = 20, .clean = 20, .repeat = 4},
    };
    unsigned geometries = 0;
    for (unsigned i = 0; i < 4 * G_N_ELEMENTS(recipes); i++) {
        uint64_t small = i & 2 ? UINT64_C(1) << 12 : UINT64_MAX;
        SweepConfig config[2] = {{SEVEN_BY_EIGHT, .asid = i & 1, .bare = i / 4 % 2, .sizes = small}};
        config[1] = config[0];
        config[1].sizes = ~small;
        g_autofree Event *e = random_events(&recipes[i / 4], N, i);
        Sweep *s[2] = {sweep_of(&config[0], e, N), sweep_of(&config[1], e, N)};
        for (unsigned sets = 1; sets <= 128; sets *= 2)
            for (unsigned ways = 1; ways <= 8; ways++, geometries++)
                same_as_model(e, N, config, s, sets, ways);
        for (unsigned entries = 16; entries <= 256; entries *= 2)
            same_as_model(e, N, config, s, 1, entries);
        sweep_free(s[0]);
        sweep_free(s[1]);
    }
    assert_true(geometries >= 60);
}

// --- textbook --------------------------------------------------------------------------------------------------

static const SweepConfig plain = {.max_set_bits = 8, .max_ways = 8, .max_entries = 1024, .asid = true,
                                  .sizes = UINT64_MAX, .sample = 1};

static void load(const LabListener *l, uint64_t page)
{
    LabAccess a = {.va = page << 12, .bits = 12, .translated = true, .writable = true, .kind = ACCESS_READ};
    l->access(l->opaque, &a);
}

static uint64_t load_misses(Sweep *s, unsigned sets, unsigned ways)
{
    return sweep_misses(s, SWEEP_DATA, ACCESS_READ, sets, ways);
}

// N + 1 pages in turn: no hit in N entries, and N + 1 misses in as many.
static void cyclic(void **state)
{
    (void)state;
    for (unsigned n = 1; n < 700; n = n * 2 + n / 5 + 1) {
        Sweep *s = sweep_new(&plain);
        LabListener l = sweep_listener(s);
        for (unsigned i = 0; i < 10 * (n + 1); i++)
            load(&l, i % (n + 1));
        assert_int_equal(sweep_accesses(s, SWEEP_DATA, ACCESS_READ), 10 * (n + 1));
        assert_int_equal(load_misses(s, 1, n), 10 * (n + 1));
        assert_int_equal(load_misses(s, 1, n + 1), n + 1);
        sweep_free(s);
    }
}

// 64 pages in strides of 2^k: they share 2^(bits - k) sets.
static void strided(void **state)
{
    (void)state;
    for (unsigned k = 0; k <= 9; k++) {
        Sweep *s = sweep_new(&plain);
        LabListener l = sweep_listener(s);
        for (unsigned i = 0; i < 20 * 64; i++)
            load(&l, (uint64_t)(i % 64) << k);
        for (unsigned bits = 1; bits <= 8; bits++)
            for (unsigned ways = 1; ways <= 8; ways++) {
                unsigned used = MIN(64, bits > k ? 1u << (bits - k) : 1), each = 64 / used;
                assert_int_equal(load_misses(s, 1u << bits, ways), each <= ways ? 64 : 20 * 64);
            }
        sweep_free(s);
    }
}

// Of P pages at random: a hit with probability W / P, whatever the policy; in sets too.
static void uniform(void **state)
{
    (void)state;
    enum { P = 512, N = 400000 };
    Sweep *s = sweep_new(&plain);
    LabListener l = sweep_listener(s);
    uint64_t seed = 5;
    for (unsigned i = 0; i < N; i++)
        load(&l, next_random(&seed) % P);
    for (unsigned entries = 8; entries <= P; entries *= 2) {
        double p = 1 - (double)entries / P, sd = sqrt(N * p * (1 - p)) + P;
        assert_true(fabs((double)load_misses(s, 1, entries) - N * p) < 5 * sd);
        if (entries <= 256)
            assert_true(fabs((double)load_misses(s, entries, 1) - N * p) < 5 * sd);
        if (entries >= 16)
            assert_true(fabs((double)load_misses(s, entries / 8, 8) - N * p) < 5 * sd);
    }
    assert_int_equal(load_misses(s, 1, P), P);
    sweep_free(s);
}

// --- samples ---------------------------------------------------------------------------------------------------

// Streams of several kinds: uniform, skewed, cyclic with noise.
static void sampled_stream(const LabListener *l, unsigned which, unsigned pages, size_t n, uint64_t seed)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t r = next_random(&seed);
        double f = (double)(r >> 11) / (double)(UINT64_C(1) << 53);
        uint64_t page = which == 0 ? r % pages : which == 1 ? (uint64_t)(pages * f * f * f)
                        : which == 2 ? ((r & 7) ? i % (pages / 3) : r % pages)
                        : (uint64_t)exp(f * log(pages));
        load(l, page * 0x9e3779b1u >> 3 & 0xfffff);
    }
}

// Estimates lie within three standard errors of the truth.
static void estimates(void **state)
{
    (void)state;
    unsigned tried = 0, outside = 0, stated = 0;
    double worst = 0;
    for (unsigned run = 0; run < 40; run++) {
        SweepConfig config = {.max_set_bits = 10, .max_ways = 4, .max_entries = 8192, .asid = true,
                              .sizes = UINT64_MAX, .sample = 1};
        Sweep *s[2];
        for (unsigned i = 0; i < 2; i++) {
            config.sample = i ? 2u << run % 5 : 1;
            s[i] = sweep_new(&config);
            LabListener l = sweep_listener(s[i]);
            sampled_stream(&l, run % 4, 1000 + run * 300, 100000, run);
            assert_int_equal(sweep_accesses(s[i], SWEEP_DATA, ACCESS_READ), 100000);
        }
        for (unsigned sets = 1; sets <= 1024; sets *= 2)
            for (unsigned ways = 1; ways <= (sets == 1 ? 8192 : 4); ways *= 2) {
                double truth = (double)load_misses(s[0], sets, ways), error = sweep_error(s[1], SWEEP_DATA, sets, ways);
                double off = fabs((double)load_misses(s[1], sets, ways) - truth);
                if (sets > 1 && sets <= 32)
                    assert_true(off == 0 && error == 0);
                tried++;
                outside += off > 3 * error + 0.5;
                stated += error < 0.1 * truth;
                worst = MAX(worst, error > 0 ? off / error : 0);
            }
        sweep_free(s[0]);
        sweep_free(s[1]);
    }
    print_message("%u estimates, %u outside of three standard errors, %u with an error below a tenth, worst %.1f\n",
                  tried, outside, stated, worst);
    assert_true(outside * 100 <= tried);
    assert_true(stated * 2 > tried);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_simulation), cmocka_unit_test(many_short_ones), cmocka_unit_test(long_lines),
        cmocka_unit_test(cyclic),            cmocka_unit_test(strided),         cmocka_unit_test(uniform),
        cmocka_unit_test(estimates),         cmocka_unit_test(equals_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
