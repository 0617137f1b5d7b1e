// SPDX-License-Identifier: GPL-3.0-or-later
// Stack distances for one set, for any number of entries.
//
// The top of the stack is an array, as in lab/sweep_sets.c. What leaves it goes to the end of a time line of slots, on
// which each entry or hole stands where it was put; a place's depth is the number of slots taken behind it, which a
// Fenwick tree over words of 64 slots counts. When the line is full it is written anew without its gaps, and without
// what lies deeper than anybody asks.
#include "lab/sweep_private.h"

#include <math.h>
#include <string.h>

#define TOP 32u
#define NOWHERE 0u // in `place`
#define IN_TOP 1u
#define LINE 2u    // + slot
#define MIN_SLOTS (1u << 14)

typedef struct { // of `some`: sizes up to this, and above that of the segment before
    uint32_t upto;
    bool old;
} Segment;

struct SweepFull {
    uint32_t max; // depths from here on are all the same
    uint32_t top[TOP];
    unsigned top_holes;
    uint32_t *place, n_place; // by id
    // --- the line
    uint32_t slots, now, taken; // now: the next free slot
    uint32_t *who;              // by slot: id or SWEEP_HOLE, if taken
    uint64_t *bits;             // taken
    uint32_t *tree;             // Fenwick: numbers of bits in words
    GArray *holes;              // a heap of slots, the latest first
    // --- counts
    uint64_t *missed[ACCESS_KINDS]; // by depth, as in lab/sweep_sets.c; [max]: max or more, or not there
    int64_t *upgraded;              // by entries: differences from one to the next
    unsigned sample;
    uint64_t *group_missed[SWEEP_GROUPS];
    // ... made from them for results: of that depth and more; by entries
    bool summed;
    uint64_t *misses[ACCESS_KINDS], *group_misses[SWEEP_GROUPS];
    // --- data side: copies that may be old
    bool data;
    uint8_t *old; // by id: SweepOld
    uint32_t n_old;
    GHashTable *some; // id -> GArray of Segment; the last one is up to UINT32_MAX
};

// --- the line --------------------------------------------------------------------------------------------------

static void tree_add(SweepFull *u, uint32_t slot, uint32_t by)
{
    for (uint32_t i = slot / 64 + 1; i <= u->slots / 64; i += i & -i)
        u->tree[i] += by;
}

static void take_slot(SweepFull *u, uint32_t slot, uint32_t id)
{
    u->who[slot] = id;
    u->bits[slot / 64] |= UINT64_C(1) << slot % 64;
    tree_add(u, slot, 1);
    u->taken++;
}

static void free_slot(SweepFull *u, uint32_t slot)
{
    u->bits[slot / 64] &= ~(UINT64_C(1) << slot % 64);
    tree_add(u, slot, UINT32_MAX);
    u->taken--;
}

// Slots taken behind this one.
static uint32_t behind(const SweepFull *u, uint32_t slot)
{
    uint64_t upto = UINT64_MAX >> (63 - slot % 64);
    uint32_t n = (uint32_t)__builtin_popcountll(u->bits[slot / 64] & upto);
    for (uint32_t i = slot / 64; i; i &= i - 1)
        n += u->tree[i];
    return u->taken - n;
}

static void hole_push(SweepFull *u, uint32_t slot)
{
    u->who[slot] = SWEEP_HOLE;
    g_array_append_val(u->holes, slot);
    uint32_t *h = (uint32_t *)(void *)u->holes->data;
    for (guint i = u->holes->len - 1; i && h[(i - 1) / 2] < slot; i = (i - 1) / 2) {
        h[i] = h[(i - 1) / 2];
        h[(i - 1) / 2] = slot;
    }
}

static void hole_pop(SweepFull *u)
{
    uint32_t *h = (uint32_t *)(void *)u->holes->data;
    guint n = u->holes->len - 1, i = 0;
    uint32_t last = h[n];
    for (guint k; (k = 2 * i + 1) < n; i = k) {
        k += k + 1 < n && h[k + 1] > h[k];
        if (h[k] <= last)
            break;
        h[i] = h[k];
    }
    h[i] = last;
    g_array_set_size(u->holes, n);
}

static void line_alloc(SweepFull *u, uint32_t slots)
{
    u->slots = slots;
    u->now = u->taken = 0;
    u->who = g_new(uint32_t, slots);
    u->bits = g_new0(uint64_t, slots / 64);
    u->tree = g_new0(uint32_t, slots / 64 + 1);
    g_array_set_size(u->holes, 0);
}

// The line is full: closes its gaps, and leaves out what lies too deep.
static void renew_line(SweepFull *u)
{
    uint32_t n = u->slots, keep = MIN(u->taken, u->max), drop = u->taken - keep, slots = MIN_SLOTS;
    g_autofree uint32_t *who = u->who;
    g_autofree uint64_t *bits = u->bits;
    g_free(u->tree);
    while (slots < keep * UINT64_C(3))
        slots *= 2;
    line_alloc(u, slots);
    for (uint32_t s = 0; s < n; s++) {
        if (!(bits[s / 64] >> s % 64 & 1))
            continue;
        uint32_t id = who[s];
        if (drop) {
            drop--;
            if (id != SWEEP_HOLE)
                u->place[id] = NOWHERE;
            continue;
        }
        take_slot(u, u->now, id);
        if (id == SWEEP_HOLE)
            hole_push(u, u->now);
        else
            u->place[id] = LINE + u->now;
        u->now++;
    }
}

static void put_on_line(SweepFull *u, uint32_t id)
{
    take_slot(u, u->now, id);
    u->place[id] = LINE + u->now++;
}

// --- the stack -------------------------------------------------------------------------------------------------

static uint32_t touch_top(SweepFull *u, uint32_t id)
{
    uint32_t carry = id, here;
    unsigned d = 0;
    for (;; d++) {
        here = u->top[d];
        u->top[d] = carry;
        if (here == id)
            return d;
        if (here == SWEEP_HOLE)
            break;
        carry = here;
    }
    while (u->top[++d] != id)
        continue;
    u->top[d] = SWEEP_HOLE; // moved here
    return d;
}

// All of the top, or what lies above its first hole or its end, moves down by one. What fell out, or EMPTY.
static uint32_t push_top(SweepFull *u, uint32_t id)
{
    unsigned d = 0;
    if (u->top_holes || u->top[TOP - 1] == SWEEP_EMPTY)
        while (u->top[d] != SWEEP_HOLE && u->top[d] != SWEEP_EMPTY)
            d++;
    else
        d = TOP - 1;
    uint32_t out = u->top[d];
    u->top_holes -= out == SWEEP_HOLE;
    memmove(u->top + 1, u->top, d * sizeof *u->top);
    u->top[0] = id;
    return out == SWEEP_HOLE ? SWEEP_EMPTY : out;
}

// As touch of lab/sweep_sets.c. Depth before; max or more: too deep, or not there.
static uint32_t touch(SweepFull *u, uint32_t id)
{
    if (u->place[id] == IN_TOP)
        return touch_top(u, id);
    if (u->now == u->slots)
        renew_line(u);
    uint32_t at = u->place[id], depth = at == NOWHERE ? u->max : TOP + behind(u, at - LINE);
    bool hole = u->top_holes;
    uint32_t out = push_top(u, id);
    u->place[id] = IN_TOP;
    if (hole) {
        if (at != NOWHERE)
            hole_push(u, at - LINE);
    } else if (out != SWEEP_EMPTY) {
        uint32_t latest = u->holes->len ? g_array_index(u->holes, uint32_t, 0) : 0;
        bool fills = u->holes->len && (at == NOWHERE || latest > at - LINE);
        if (fills) {
            hole_pop(u);
            free_slot(u, latest);
        }
        if (at != NOWHERE) {
            if (fills)
                hole_push(u, at - LINE);
            else
                free_slot(u, at - LINE);
        }
        put_on_line(u, out);
    }
    return depth;
}

static void invalidate(SweepFull *u, uint32_t id)
{
    uint32_t at = u->place[id];
    if (at == IN_TOP) {
        unsigned d = 0;
        while (u->top[d] != id)
            d++;
        u->top[d] = SWEEP_HOLE;
        u->top_holes++;
    } else if (at != NOWHERE) {
        hole_push(u, at - LINE);
    }
    u->place[id] = NOWHERE;
}

static void reset(SweepFull *u)
{
    for (unsigned d = 0; d < TOP; d++)
        if (u->top[d] != SWEEP_HOLE && u->top[d] != SWEEP_EMPTY)
            u->place[u->top[d]] = NOWHERE;
    memset(u->top, 0, sizeof u->top);
    u->top_holes = 0;
    for (uint32_t s = 0; s < u->now; s++)
        if ((u->bits[s / 64] >> s % 64 & 1) && u->who[s] != SWEEP_HOLE)
            u->place[u->who[s]] = NOWHERE;
    memset(u->bits, 0, u->slots / 64 * sizeof *u->bits);
    memset(u->tree, 0, (u->slots / 64 + 1) * sizeof *u->tree);
    g_array_set_size(u->holes, 0);
    u->now = u->taken = 0;
}

// --- old copies ------------------------------------------------------------------------------------------------

static GArray *some_of(SweepFull *u, uint32_t id)
{
    GArray *some = g_hash_table_lookup(u->some, GUINT_TO_POINTER(id));
    if (!some) {
        Segment all = {UINT32_MAX, u->old[id] == SWEEP_OLD_ALL};
        some = g_array_new(FALSE, FALSE, sizeof(Segment));
        g_array_append_val(some, all);
        g_hash_table_insert(u->some, GUINT_TO_POINTER(id), some);
        u->old[id] = SWEEP_OLD_SOME;
    }
    return some;
}

static void set_old(SweepFull *u, uint32_t id, SweepOld now)
{
    if (u->old[id] == SWEEP_OLD_SOME)
        g_hash_table_remove(u->some, GUINT_TO_POINTER(id));
    u->old[id] = (uint8_t)now;
}

// A load of depth filled all sizes up to that.
static void fill_some(GArray *some, uint32_t depth, bool old)
{
    while (g_array_index(some, Segment, 0).upto <= depth)
        g_array_remove_index(some, 0);
    Segment s = {depth, old};
    if (depth && g_array_index(some, Segment, 0).old != old)
        g_array_prepend_val(some, s);
}

// A store of depth misses in those larger sizes whose copy is old.
static void count_upgrades(SweepFull *u, uint32_t id, uint32_t depth)
{
    const GArray *some = u->old[id] == SWEEP_OLD_SOME ? some_of(u, id) : NULL;
    Segment all = {UINT32_MAX, true};
    uint32_t above = depth;
    for (guint i = 0; i < (some ? some->len : 1); i++) {
        Segment s = some ? g_array_index(some, Segment, i) : all;
        uint32_t upto = MIN(s.upto, u->max);
        if (s.old && upto > above) {
            u->upgraded[above + 1]++;
            u->upgraded[upto + 1]--;
        }
        above = MAX(above, upto);
    }
}

static void mind_old(SweepFull *u, const SweepItem *it, uint32_t depth)
{
    bool writable = it->what & SWEEP_WRITABLE;
    SweepOld old = u->old[it->id];
    if (it->what & SWEEP_NEW) {
        set_old(u, it->id, writable ? SWEEP_OLD_NONE : SWEEP_OLD_ALL);
    } else if ((it->what & SWEEP_KIND) == ACCESS_WRITE) {
        if (old != SWEEP_OLD_NONE)
            count_upgrades(u, it->id, depth);
        set_old(u, it->id, SWEEP_OLD_NONE);
    } else if (old != (writable ? SWEEP_OLD_NONE : SWEEP_OLD_ALL)) {
        fill_some(some_of(u, it->id), depth, !writable);
    }
}

// --- items -----------------------------------------------------------------------------------------------------

static void count_access(SweepFull *u, const SweepItem *it)
{
    unsigned group = it->what >> SWEEP_GROUP_SHIFT;
    if (u->sample > 1 && !group)
        return;
    uint32_t depth = touch(u, it->id);
    depth = MIN(depth, u->max);
    u->missed[it->what & SWEEP_KIND][depth]++;
    if (u->sample > 1)
        u->group_missed[group - 1][depth]++;
    if (u->data)
        mind_old(u, it, depth);
}

void sweep_full_feed(SweepFull *u, const SweepItem *items, size_t n, uint32_t ids)
{
    u->summed = false;
    u->place = sweep_need_ids(u->place, &u->n_place, ids, sizeof *u->place);
    if (u->data)
        u->old = sweep_need_ids(u->old, &u->n_old, ids, 1);
    for (const SweepItem *it = items; it < items + n; it++) {
        if ((it->what & SWEEP_KIND) != SWEEP_NOTE)
            count_access(u, it);
        else if (it->what == SWEEP_GONE)
            invalidate(u, it->id);
        else
            reset(u);
    }
}

// --- results ---------------------------------------------------------------------------------------------------

// The depth in the sample at which so many entries begin to miss.
static uint32_t scaled(const SweepFull *u, double entries)
{
    double d = ceil(entries / u->sample);
    return d > u->max ? u->max : (uint32_t)d;
}

static void sum_up(const SweepFull *u, uint64_t *to, const uint64_t *missed)
{
    uint64_t sum = 0;
    for (uint32_t d = u->max + 1; d-- > 0;)
        to[d] = sum += missed[d];
}

static void make_sums(SweepFull *u)
{
    if (u->summed)
        return;
    uint64_t upgraded = 0;
    for (unsigned k = 0; k < ACCESS_KINDS; k++)
        sum_up(u, u->misses[k], u->missed[k]);
    for (uint32_t w = 1; w <= u->max; w++)
        u->misses[ACCESS_WRITE][w] += upgraded += (uint64_t)u->upgraded[w];
    for (unsigned g = 0; u->sample > 1 && g < SWEEP_GROUPS; g++)
        sum_up(u, u->group_misses[g], u->group_missed[g]);
    u->summed = true;
}

uint64_t sweep_full_misses(SweepFull *u, MemAccess kind, unsigned entries)
{
    make_sums(u);
    return u->misses[kind][scaled(u, entries)] * u->sample;
}

static double all_kinds(const SweepFull *u, double entries, uint64_t refs)
{
    if (entries < 1)
        return (double)refs;
    double sum = 0;
    for (unsigned k = 0; k < ACCESS_KINDS; k++)
        sum += (double)u->misses[k][scaled(u, entries)];
    return MIN(sum * u->sample, (double)refs);
}

double sweep_full_error(SweepFull *u, uint64_t refs, unsigned entries)
{
    if (u->sample <= 1)
        return 0;
    make_sums(u);
    // Which pages are in the sample: by the spread of the groups' sums.
    double sum = 0, squares = 0;
    for (unsigned g = 0; g < SWEEP_GROUPS; g++) {
        double m = (double)u->group_misses[g][scaled(u, entries)];
        sum += m;
        squares += m * m;
    }
    double n = SWEEP_GROUPS, groups = MAX(squares - sum * sum / n, 0) * n / (n - 1) * u->sample * (u->sample - 1);
    // How deep an access is: the number of sampled pages above it is binomial. A third of what three deviations make.
    double three = 3 * sqrt((double)entries * (u->sample - 1)), here = all_kinds(u, entries, refs);
    double less = all_kinds(u, entries - three, refs) - here, more = here - all_kinds(u, entries + three, refs);
    double depth = MAX(less, more) / 3;
    return sqrt(groups + depth * depth);
}

// --- the unit --------------------------------------------------------------------------------------------------

SweepFull *sweep_full_new(const SweepConfig *config, SweepSide side)
{
    SweepFull *u = g_new0(SweepFull, 1);
    double n = config->sample, most = config->max_entries;
    u->sample = config->sample;
    u->max = (uint32_t)ceil((most + 3 * sqrt(most * (n - 1))) / n);
    u->data = side == SWEEP_DATA;
    u->holes = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    u->some = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_array_unref);
    line_alloc(u, MIN_SLOTS);
    for (unsigned k = 0; k < ACCESS_KINDS; k++) {
        u->missed[k] = g_new0(uint64_t, u->max + 1);
        u->misses[k] = g_new0(uint64_t, u->max + 1);
    }
    for (unsigned g = 0; u->sample > 1 && g < SWEEP_GROUPS; g++) {
        u->group_missed[g] = g_new0(uint64_t, u->max + 1);
        u->group_misses[g] = g_new0(uint64_t, u->max + 1);
    }
    u->upgraded = g_new0(int64_t, u->max + 2);
    return u;
}

void sweep_full_free(SweepFull *u)
{
    for (unsigned k = 0; k < ACCESS_KINDS; k++) {
        g_free(u->missed[k]);
        g_free(u->misses[k]);
    }
    for (unsigned g = 0; g < SWEEP_GROUPS; g++) {
        g_free(u->group_missed[g]);
        g_free(u->group_misses[g]);
    }
    g_free(u->upgraded);
    g_free(u->place);
    g_free(u->who);
    g_free(u->bits);
    g_free(u->tree);
    g_free(u->old);
    g_array_unref(u->holes);
    g_hash_table_unref(u->some);
    g_free(u);
}
