// SPDX-License-Identifier: GPL-3.0-or-later
// All window lengths at once: a use of a page at time t whose last use was at t' is the first one in its window of 2^k
// instructions if t >> k != t' >> k. So a use counts for some short windows and stops at the first long one that both
// lie in. Lengths that give too many windows are dropped as the run goes on.
#include "lab/working_set.h"

#include "lab/pair_map.h"

enum { FIRST = 10, LEVELS = 64 }; // the shortest window: 2^FIRST

struct WorkingSet {
    PairMap last; // page, space: when it was used last, + 1, in units of 2^FIRST
    uint32_t *count[LEVELS];
    unsigned low; // the shortest length that is left
    uint64_t page, now;
    uint32_t space;
    bool any; // page is one
};

WorkingSet *working_set_new(void)
{
    WorkingSet *w = g_new0(WorkingSet, 1);
    pair_map_init(&w->last);
    w->low = FIRST;
    for (unsigned k = FIRST; k < LEVELS; k++)
        w->count[k] = g_new0(uint32_t, WORKING_SET_WINDOWS);
    return w;
}

void working_set_free(WorkingSet *w)
{
    if (!w)
        return;
    pair_map_deinit(&w->last);
    for (unsigned k = FIRST; k < LEVELS; k++)
        g_free(w->count[k]);
    g_free(w);
}

static void use(WorkingSet *w, uint64_t page, uint32_t space, uint64_t insns)
{
    uint64_t *last = pair_map_at(&w->last, page, space), t = insns >> FIRST;
    if (*last == t + 1)
        return;
    for (unsigned k = w->low; k < LEVELS; k++) {
        unsigned shift = k - FIRST;
        if (*last && (*last - 1) >> shift == t >> shift)
            break;
        w->count[k][t >> shift]++;
    }
    *last = t + 1;
}

// The page used last, in every window up to now.
static void go_on(WorkingSet *w, uint64_t insns)
{
    insns = MAX(insns, w->now);
    while (insns >> w->low >= WORKING_SET_WINDOWS)
        w->low++;
    for (uint64_t n = (w->now >> w->low) + 1; w->any && n <= insns >> w->low; n++)
        use(w, w->page, w->space, n << w->low);
    w->now = insns;
}

void working_set_touch(WorkingSet *w, uint64_t page, uint32_t space, uint64_t insns)
{
    go_on(w, insns);
    use(w, page, space, w->now);
    w->page = page;
    w->space = space;
    w->any = true;
}

void working_set_leave(WorkingSet *w, uint64_t insns)
{
    go_on(w, insns);
    w->any = false;
}

void working_set_end(WorkingSet *w, uint64_t insns)
{
    go_on(w, insns);
}

unsigned working_set_bits(const WorkingSet *w)
{
    return w->low;
}

uint32_t working_set_pages(const WorkingSet *w, unsigned bits, uint64_t n)
{
    g_assert(bits >= w->low);
    return bits < LEVELS && n < WORKING_SET_WINDOWS ? w->count[bits][n] : 0;
}
