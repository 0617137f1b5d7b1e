// SPDX-License-Identifier: GPL-3.0-or-later
// Stack distances for 2, 4, 8 ... sets: a short array for each set, the last one used in front.
//
// Sets are halved from one level to the next, so the entries above an entry in a finer set are some of those above it
// in the coarser one. Who is on top there is on top everywhere behind, and nothing moves: the search ends.
#include "lab/sweep_private.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    uint32_t mask;   // of a page number: the set
    uint32_t n_kept; // sets that are simulated
    uint32_t *kept;  // NULL: all; else by set: 1 + its row, or 0
    uint32_t *rows;  // n_kept * ways
    uint64_t *missed[ACCESS_KINDS]; // by depth: so many missed with that many ways and fewer; [ways]: not there at all
    uint64_t *upgraded;             // stores only, by ways: more that missed because the copy was old
    uint64_t *row_missed;           // with a sample: by row and number of ways, all kinds; the place 0 is free
} Level;

struct SweepSets {
    unsigned ways, n_levels, sample;
    Level level[SWEEP_MAX_SET_BITS];
    // --- data side: copies that may be old
    bool data;
    uint8_t *old; // by id: SweepOld
    uint32_t ids;
    GHashTable *some; // id -> uint64_t[n_levels]: bit n: n + 1 ways hold an old copy
};

// --- one set ---------------------------------------------------------------------------------------------------

// Puts id on top of the stack: what was above it moves down into the topmost hole, or into its own old place. Its depth
// before, or ways: not there.
static inline unsigned touch(uint32_t *set, unsigned ways, uint32_t id)
{
    uint32_t carry = id, here;
    unsigned d = 0;
    for (;; d++) {
        if (d == ways)
            return ways;
        here = set[d];
        set[d] = carry;
        if (here == id)
            return d;
        if (here == SWEEP_EMPTY)
            return ways;
        if (here == SWEEP_HOLE)
            break;
        carry = here;
    }
    for (d++; d < ways && set[d] != SWEEP_EMPTY; d++)
        if (set[d] == id) {
            set[d] = SWEEP_HOLE;
            return d;
        }
    return ways;
}

static inline uint32_t *set_of(const SweepSets *u, const Level *l, uint32_t index, uint32_t *row)
{
    *row = index & l->mask;
    if (l->kept) {
        if (!l->kept[*row])
            return NULL;
        *row = l->kept[*row] - 1;
    }
    return l->rows + (size_t)*row * u->ways;
}

static void count_row(const SweepSets *u, const Level *l, uint32_t row, unsigned depth)
{
    for (unsigned w = 1; w <= depth; w++)
        l->row_missed[(size_t)row * (u->ways + 1) + w]++;
}

#define NOT_DRAWN UINT_MAX

// Puts the item's page on top of its set, in *row, and counts where it missed. As touch, or NOT_DRAWN.
static inline unsigned look_up(const SweepSets *u, const Level *l, const SweepItem *it, MemAccess kind, uint32_t *row)
{
    uint32_t *set = set_of(u, l, it->index, row);
    if (!set)
        return NOT_DRAWN;
    unsigned depth = touch(set, u->ways, it->id);
    if (!depth)
        return 0;
    l->missed[kind][depth]++;
    if (l->row_missed)
        count_row(u, l, *row, depth);
    return depth;
}

// --- old copies ------------------------------------------------------------------------------------------------

static uint64_t lowest(unsigned n)
{
    return n >= 64 ? UINT64_MAX : (UINT64_C(1) << n) - 1;
}

// From now on this page's copies are noted size by size.
static uint64_t *some_of(SweepSets *u, uint32_t id)
{
    uint64_t *some = g_hash_table_lookup(u->some, GUINT_TO_POINTER(id));
    if (!some) {
        some = g_new(uint64_t, u->n_levels);
        for (unsigned i = 0; i < u->n_levels; i++)
            some[i] = u->old[id] == SWEEP_OLD_ALL ? UINT64_MAX : 0;
        g_hash_table_insert(u->some, GUINT_TO_POINTER(id), some);
        u->old[id] = SWEEP_OLD_SOME;
    }
    return some;
}

static void forget_old(SweepSets *u, uint32_t id, SweepOld now)
{
    if (u->old[id] == SWEEP_OLD_SOME)
        g_hash_table_remove(u->some, GUINT_TO_POINTER(id));
    u->old[id] = (uint8_t)now;
}

// A load where some copies are old, or become so: those of up to depth ways are filled now.
static void load_mixed(SweepSets *u, const SweepItem *it, uint64_t *some)
{
    uint32_t row;
    for (unsigned i = 0; i < u->n_levels; i++) {
        unsigned depth = look_up(u, &u->level[i], it, ACCESS_READ, &row);
        if (!depth)
            return;
        if (depth != NOT_DRAWN)
            some[i] = it->what & SWEEP_WRITABLE ? some[i] & ~lowest(depth) : some[i] | lowest(depth);
    }
}

// The first store to a page whose copies may be old: no copy is, after it.
static void store_upgrades(SweepSets *u, const SweepItem *it)
{
    const uint64_t *some = u->old[it->id] == SWEEP_OLD_SOME ? some_of(u, it->id) : NULL;
    uint32_t row;
    for (unsigned i = 0; i < u->n_levels; i++) {
        const Level *l = &u->level[i];
        unsigned depth = look_up(u, l, it, ACCESS_WRITE, &row);
        if (depth == NOT_DRAWN)
            continue;
        for (unsigned w = depth + 1; w <= u->ways; w++) {
            bool old = some ? some[i] >> (w - 1) & 1 : true;
            l->upgraded[w] += old;
            if (l->row_missed)
                l->row_missed[(size_t)row * (u->ways + 1) + w] += old;
        }
    }
    forget_old(u, it->id, SWEEP_OLD_NONE);
}

// True: the access was counted here, as it may find an old copy.
static bool mind_old(SweepSets *u, const SweepItem *it, MemAccess kind)
{
    bool writable = it->what & SWEEP_WRITABLE;
    SweepOld old = u->old[it->id];
    if (it->what & SWEEP_NEW) {
        forget_old(u, it->id, writable ? SWEEP_OLD_NONE : SWEEP_OLD_ALL);
        return false;
    }
    if (kind == ACCESS_WRITE) {
        if (old != SWEEP_OLD_NONE)
            store_upgrades(u, it);
        return old != SWEEP_OLD_NONE;
    }
    if (old == (writable ? SWEEP_OLD_NONE : SWEEP_OLD_ALL))
        return false; // all copies are and stay of the one sort
    load_mixed(u, it, some_of(u, it->id));
    return true;
}

// --- items -----------------------------------------------------------------------------------------------------

static inline void count_access(SweepSets *u, const SweepItem *it)
{
    MemAccess kind = it->what & SWEEP_KIND;
    uint32_t row;
    if (u->data && ((it->what & SWEEP_NEW) || u->old[it->id] != SWEEP_OLD_NONE || !(it->what & SWEEP_WRITABLE)) &&
        mind_old(u, it, kind))
        return;
    for (unsigned i = 0; i < u->n_levels; i++)
        if (!look_up(u, &u->level[i], it, kind, &row))
            return;
}

static void invalidate(SweepSets *u, const SweepItem *it)
{
    uint32_t row;
    for (unsigned i = 0; i < u->n_levels; i++) {
        uint32_t *set = set_of(u, &u->level[i], it->index, &row);
        for (unsigned w = 0; set && w < u->ways && set[w] != SWEEP_EMPTY; w++)
            if (set[w] == it->id) {
                set[w] = SWEEP_HOLE;
                break;
            }
    }
}

void sweep_sets_feed(SweepSets *u, const SweepItem *items, size_t n, uint32_t ids)
{
    if (u->data)
        u->old = sweep_need_ids(u->old, &u->ids, ids, 1);
    for (const SweepItem *it = items; it < items + n; it++) {
        if ((it->what & SWEEP_KIND) != SWEEP_NOTE)
            count_access(u, it);
        else if (it->what == SWEEP_GONE)
            invalidate(u, it);
        else
            for (unsigned i = 0; i < u->n_levels; i++)
                memset(u->level[i].rows, 0, (size_t)u->level[i].n_kept * u->ways * sizeof(uint32_t));
    }
}

// --- results ---------------------------------------------------------------------------------------------------

static const Level *level_of(const SweepSets *u, unsigned set_bits, unsigned ways)
{
    g_assert(set_bits && set_bits <= u->n_levels && ways && ways <= u->ways);
    return &u->level[set_bits - 1];
}

// How many sets stand behind a row.
static double weight_of(const Level *l)
{
    return ((double)l->mask + 1) / l->n_kept;
}

uint64_t sweep_sets_misses(const SweepSets *u, MemAccess kind, unsigned set_bits, unsigned ways)
{
    const Level *l = level_of(u, set_bits, ways);
    uint64_t sum = kind == ACCESS_WRITE ? l->upgraded[ways] : 0;
    for (unsigned d = ways; d <= u->ways; d++)
        sum += l->missed[kind][d];
    return l->kept ? (uint64_t)llround((double)sum * weight_of(l)) : sum;
}

double sweep_sets_error(const SweepSets *u, unsigned set_bits, unsigned ways)
{
    const Level *l = level_of(u, set_bits, ways);
    if (!l->kept)
        return 0;
    double sum = 0, squares = 0, n = l->n_kept, all = (double)l->mask + 1;
    for (uint32_t row = 0; row < l->n_kept; row++) {
        double m = (double)l->row_missed[(size_t)row * (u->ways + 1) + ways];
        sum += m;
        squares += m * m;
    }
    double variance = MAX(squares - sum * sum / n, 0) / (n - 1);
    return all * sqrt((1 - n / all) * variance / n);
}

// --- the unit --------------------------------------------------------------------------------------------------

typedef struct {
    uint64_t hash;
    uint32_t set;
} Lot;

static int compare_lots(const void *a, const void *b)
{
    const Lot *x = a, *y = b;
    return (x->hash > y->hash) - (x->hash < y->hash);
}

// Draws the sets of a level that are simulated.
static void draw_sets(SweepSets *u, Level *l, uint32_t sets)
{
    l->n_kept = sets;
    if (u->sample <= 1 || sets <= SWEEP_MIN_SETS)
        return;
    g_autofree Lot *lots = g_new(Lot, sets);
    for (uint32_t s = 0; s < sets; s++)
        lots[s] = (Lot){sweep_hash((uint64_t)sets << 32 | s), s};
    qsort(lots, sets, sizeof *lots, compare_lots);
    l->n_kept = MAX(sets / u->sample, SWEEP_MIN_SETS);
    l->kept = g_new0(uint32_t, sets);
    for (uint32_t row = 0; row < l->n_kept; row++)
        l->kept[lots[row].set] = row + 1;
    l->row_missed = g_new0(uint64_t, (size_t)l->n_kept * (u->ways + 1));
}

SweepSets *sweep_sets_new(const SweepConfig *config, SweepSide side)
{
    SweepSets *u = g_new0(SweepSets, 1);
    u->ways = config->max_ways;
    u->n_levels = config->max_set_bits;
    u->sample = config->sample;
    u->data = side == SWEEP_DATA;
    u->some = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    for (unsigned i = 0; i < u->n_levels; i++) {
        Level *l = &u->level[i];
        l->mask = (UINT32_C(2) << i) - 1;
        draw_sets(u, l, l->mask + 1);
        l->rows = g_new0(uint32_t, (size_t)l->n_kept * u->ways);
        for (unsigned k = 0; k < ACCESS_KINDS; k++)
            l->missed[k] = g_new0(uint64_t, u->ways + 1);
        l->upgraded = g_new0(uint64_t, u->ways + 1);
    }
    return u;
}

void sweep_sets_free(SweepSets *u)
{
    for (unsigned i = 0; i < u->n_levels; i++) {
        Level *l = &u->level[i];
        for (unsigned k = 0; k < ACCESS_KINDS; k++)
            g_free(l->missed[k]);
        g_free(l->upgraded);
        g_free(l->row_missed);
        g_free(l->kept);
        g_free(l->rows);
    }
    g_hash_table_unref(u->some);
    g_free(u->old);
    g_free(u);
}
