// SPDX-License-Identifier: GPL-3.0-or-later
// Do the counters of a software TLB agree with its tables and among each other (memory/spec.md 5.8)?
#include "softmmu/tlb_private.h"

#include <glib.h>
#include <inttypes.h>

static char *check_table(const TlbTable *t, unsigned mmu)
{
    uint64_t used = 0;
    for (uint64_t k = 0; k < t->size; k++)
        used += tlb_entry_page(&t->entries[k]) != TLB_EMPTY;
    if (used == t->used && used <= t->size)
        return NULL;
    return g_strdup_printf("MMU index %u: %" PRIu64 " entries in use are counted, but %" PRIu64 " of %" PRIu64
                           " are not empty",
                           mmu, t->used, used, t->size);
}

static int64_t steps(const Tlb *tlb, const TlbTable *t)
{
    return (int64_t)__builtin_ctzll(t->size) - (int64_t)tlb->start_bits;
}

static char *check_index(const Tlb *tlb, unsigned mmu)
{
    const TlbStats *s = &tlb->stats;
    char *wrong = NULL;
    int64_t sum = mmu < TLB_SPACE_INDEXES ? 0 : steps(tlb, &tlb->machine);
    for (unsigned n = 0; mmu < TLB_SPACE_INDEXES && n < tlb->n_contexts && !wrong; n++) {
        const TlbTable *t = &tlb->context[n]->table[mmu];
        sum += steps(tlb, t);
        wrong = check_table(t, mmu);
    }
    if (!wrong && mmu >= TLB_SPACE_INDEXES)
        wrong = check_table(&tlb->machine, mmu);
    if (wrong)
        return wrong;
    if (sum != s->size_steps[mmu] || (s->size_steps[mmu] > 0 && !s->grow[mmu]) ||
        (s->size_steps[mmu] < 0 && !s->shrink[mmu]))
        return g_strdup_printf("MMU index %u: the tables are 2^%" PRId64 " times as large as at first, but 2^%" PRId64
                               " by %" PRIu64 " growths and %" PRIu64 " shrinkings",
                               mmu, sum, s->size_steps[mmu], s->grow[mmu], s->shrink[mmu]);
    if (s->victim_drop[mmu] > s->evict[mmu])
        return g_strdup_printf("MMU index %u: %" PRIu64 " victims dropped, but %" PRIu64 " entries evicted", mmu,
                               s->victim_drop[mmu], s->evict[mmu]);
    return NULL;
}

static uint64_t sum_of(const uint64_t *of, unsigned n)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < n; i++)
        sum += of[i];
    return sum;
}

static char *differ(unsigned mmu, unsigned kind, const char *what, uint64_t sum, uint64_t misses)
{
    static const char *const kinds[ACCESS_KINDS] = {"load", "store", "fetch"};
    return sum == misses ? NULL
                         : g_strdup_printf("MMU index %u, %s: %" PRIu64 " misses by %s, but %" PRIu64 " in all", mmu,
                                           kinds[kind], sum, what, misses);
}

static char *check_misses(const Tlb *tlb, const TlbMissStats *s)
{
    char *wrong = NULL;
    uint64_t in_all[ACCESS_KINDS] = {0}, in_spaces[ACCESS_KINDS] = {0};
    for (unsigned m = 0; m < TLB_MMU_INDEXES && !wrong; m++) {
        for (unsigned k = 0; k < ACCESS_KINDS && !wrong; k++) {
            const TlbCounters *c = &tlb->stats.kind[m][k];
            uint64_t misses = c->fill_ok + c->fill_fault;
            in_all[k] += misses;
            wrong = differ(m, k, "cause", sum_of(s->miss[m][k], TLB_MISS_CAUSES), misses);
            if (!wrong)
                wrong = differ(m, k, "page size", sum_of(s->size[m][k], TLB_PAGE_SIZES + 1), misses);
            if (!wrong)
                wrong = differ(m, k, "fault", s->miss[m][k][TLB_MISS_FAULT], c->fill_fault);
        }
    }
    for (unsigned n = 0; n < tlb_spaces(tlb); n++) {
        TlbSpaceStats space = tlb_space_stats(tlb, n);
        for (unsigned k = 0; k < ACCESS_KINDS; k++)
            in_spaces[k] += sum_of(space.miss[k], TLB_MISS_CAUSES);
    }
    for (unsigned k = 0; k < ACCESS_KINDS && !wrong; k++) {
        uint64_t by_privilege = 0;
        for (unsigned p = 0; p < TLB_PRIVILEGES; p++)
            by_privilege += s->privilege[p][k];
        wrong = differ(TLB_MMU_INDEXES, k, "address space", in_spaces[k], in_all[k]);
        if (!wrong)
            wrong = differ(TLB_MMU_INDEXES, k, "privilege", by_privilege, in_all[k]);
    }
    if (!wrong && s->lost)
        return g_strdup_printf("%" PRIu64 " misses of pages that nothing took out of their table", s->lost);
    return wrong;
}

char *tlb_check(const Tlb *tlb)
{
    TlbMissStats misses;
    char *wrong = NULL;
    for (unsigned i = 0; i < TLB_MMU_INDEXES && !wrong; i++)
        wrong = check_index(tlb, i);
    if (!wrong && tlb_miss_stats(tlb, &misses))
        wrong = check_misses(tlb, &misses);
    return wrong;
}
