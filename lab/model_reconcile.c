// SPDX-License-Identifier: GPL-3.0-or-later
// The identities between a model's counts (docs/tlb.md, "The model"): numbers that do not add up are no numbers.
#include "lab/model_private.h"
#include <inttypes.h>

static const char *const units[MODEL_UNITS] = {"l1i", "l1d", "l2"};
static const char *const kinds[ACCESS_KINDS] = {"loads", "stores", "fetches"};

static char *differ(const char *what, const char *of, uint64_t left, uint64_t right)
{
    return g_strdup_printf("%s of %s: %" PRIu64 " and %" PRIu64, what, of, left, right);
}

#define EQUAL(what, of, left, right) \
    do { \
        uint64_t left_ = (left), right_ = (right); \
        if (left_ != right_) \
            return differ(what, of, left_, right_); \
    } while (0)

static uint64_t causes_of(const ModelCounts *c)
{
    uint64_t sum = 0;
    for (unsigned cause = 0; cause < MODEL_CAUSES; cause++)
        sum += c->cause[cause];
    return sum;
}

// All of a unit's cells of one kind.
static ModelCounts sum_of(const ModelTotals *t, unsigned unit, unsigned kind)
{
    ModelCounts sum = {0};
    for (unsigned priv = 0; priv < 4; priv++) {
        for (unsigned size = 0; size < MODEL_SIZES; size++) {
            const ModelCounts *c = &t->unit[unit][kind][priv][size];
            sum.accesses += c->accesses;
            sum.hits += c->hits;
            sum.misses += c->misses;
            for (unsigned cause = 0; cause < MODEL_CAUSES; cause++)
                sum.cause[cause] += c->cause[cause];
        }
    }
    return sum;
}

static char *check_cells(const Model *m)
{
    for (unsigned unit = 0; unit < MODEL_UNITS; unit++) {
        for (unsigned n = 0; n < ACCESS_KINDS * 4 * MODEL_SIZES; n++) {
            const ModelCounts *c = &m->totals.unit[unit][0][0][0] + n;
            EQUAL("accesses, and hits + misses", units[unit], c->accesses, c->hits + c->misses);
            EQUAL("misses, and the sum of their causes", units[unit], c->misses, causes_of(c));
        }
    }
    return NULL;
}

static char *check_kinds(const Model *m)
{
    const ModelTotals *t = &m->totals;
    const uint64_t once[ACCESS_KINDS] = {t->loads, t->stores, t->fetches};
    for (unsigned kind = 0; kind < ACCESS_KINDS; kind++) {
        bool fetch = kind == ACCESS_FETCH;
        uint64_t asked = sum_of(t, fetch ? MODEL_L1I : MODEL_L1D, kind).accesses;
        for (unsigned priv = 0; priv < 4 && !m->spec.bare; priv++)
            asked += t->untranslated[kind][priv];
        EQUAL("look-ups with untranslated ones, and accesses with crossings", kinds[kind], asked,
              once[kind] + t->crossings[kind]);
        EQUAL("accesses to the other first level", kinds[kind],
              sum_of(t, fetch ? MODEL_L1D : MODEL_L1I, kind).accesses, 0);
    }
    if (!m->ended)
        return NULL;
    EQUAL("accesses by the model and by the hart", "loads", t->loads, m->end_loads);
    EQUAL("accesses by the model and by the hart", "stores", t->stores, m->end_stores);
    if (t->fetches < t->insns)
        return differ("fewer than instructions", "fetches", t->fetches, t->insns);
    return NULL;
}

static char *check_levels(const Model *m)
{
    const ModelTotals *t = &m->totals;
    uint64_t misses[MODEL_UNITS] = {0};
    for (unsigned kind = 0; kind < ACCESS_KINDS; kind++) {
        unsigned unit = kind == ACCESS_FETCH ? MODEL_L1I : MODEL_L1D;
        ModelCounts first = sum_of(t, unit, kind), second = sum_of(t, MODEL_L2, kind);
        misses[unit] += first.misses;
        misses[MODEL_L2] += second.misses;
        EQUAL("accesses to the second level, and misses of the first", kinds[kind], second.accesses,
              m->has_l2 ? first.misses : 0);
    }
    uint64_t last = m->has_l2 ? misses[MODEL_L2] : misses[MODEL_L1I] + misses[MODEL_L1D];
    EQUAL("walks and untranslated, and misses", "the last level", t->walks + t->untranslated_misses, last);
    if (t->walk_cache_hits > t->walks || t->walk_reads < t->walks)
        return differ("more than walks, or fewer reads than that", "page-walk cache hits", t->walk_cache_hits,
                      t->walk_reads);
    if (t->prefetch_hits > t->prefetches)
        return differ("more than prefetches", "hits", t->prefetch_hits, t->prefetches);
    return NULL;
}

static char *check_rows(const Model *m, ModelBy by)
{
    static const char *const names[MODEL_BYS] = {"rows by ASID", "rows by site", "rows by page"};
    ModelCounts sum[ACCESS_KINDS] = {0};
    size_t n;
    g_autofree ModelRow *rows = rows_sorted(m->rows, by, &n);
    for (size_t i = 0; i < n; i++) {
        for (unsigned kind = 0; kind < ACCESS_KINDS; kind++) {
            const ModelCounts *c = &rows[i].kind[kind];
            sum[kind].accesses += c->accesses;
            for (unsigned cause = 0; cause < MODEL_CAUSES; cause++)
                sum[kind].cause[cause] += c->cause[cause];
        }
    }
    for (unsigned kind = 0; kind < ACCESS_KINDS; kind++) {
        ModelCounts all = sum_of(&m->totals, kind == ACCESS_FETCH ? MODEL_L1I : MODEL_L1D, kind);
        EQUAL("accesses by rows and in all", names[by], sum[kind].accesses, all.accesses);
        for (unsigned cause = 0; cause < MODEL_CAUSES; cause++)
            EQUAL("misses by rows and in all", names[by], sum[kind].cause[cause], all.cause[cause]);
    }
    return NULL;
}

static char *check_parts(const Model *m)
{
    for (unsigned unit = 0; unit < MODEL_UNITS; unit++) {
        for (unsigned n = 0; n < MODEL_PARTS; n++) {
            const Part *p = &m->part[unit][n];
            const char *wrong = p->entries ? part_check(p) : NULL;
            if (wrong)
                return g_strdup_printf("%s, structure %u: %s (%" PRIu64 " filled, %" PRIu64 " replaced, %" PRIu64
                                       " flushed)", units[unit], n, wrong, p->filled, p->replaced, p->flushed);
        }
    }
    return NULL;
}

char *model_reconcile(const Model *m)
{
    static char *(*const checks[])(const Model *) = {check_cells, check_kinds, check_levels, check_parts};
    char *wrong = NULL;
    for (unsigned i = 0; i < G_N_ELEMENTS(checks) && !wrong; i++)
        wrong = checks[i](m);
    for (unsigned by = 0; by < MODEL_BYS && !wrong; by++)
        wrong = check_rows(m, by);
    return wrong;
}
