// SPDX-License-Identifier: GPL-3.0-or-later
// The softTLB's counts: collected, summed, and checked against each other (memory/spec.md 5.8).
//
// Lookups that took a slow path were counted there. How many data accesses there were follows from the executions of
// blocks; each is a lookup, but for those that were refused before it. An access over two pages is one more, and so is
// what engines do not count as an access. What is left over hit in inlined code. Fetches are counted lookups only.
#include "machine/stats_tlb.h"

#include <inttypes.h>

static const char *const kind_names[ACCESS_KINDS] = {"load", "store", "fetch"};
static const char *const privilege_names[TLB_PRIVILEGES] = {"U", "S", "", "M"};

static int compare_asids(const void *a, const void *b)
{
    const StatsAsid *x = a, *y = b;
    return x->kind != y->kind ? (x->kind > y->kind) - (x->kind < y->kind) : (x->asid > y->asid) - (x->asid < y->asid);
}

// Sorts, and makes one row of those with the same ASID.
static void merge_asids(GArray *rows)
{
    unsigned n = 0;
    g_array_sort(rows, compare_asids);
    for (unsigned i = 0; i < rows->len; i++) {
        StatsAsid *row = &g_array_index(rows, StatsAsid, i), *to = &g_array_index(rows, StatsAsid, n ? n - 1 : 0);
        if (!n || compare_asids(to, row)) {
            g_array_index(rows, StatsAsid, n++) = *row;
            continue;
        }
        to->spaces += row->spaces;
        for (unsigned k = 0; k < ACCESS_KINDS; k++)
            for (unsigned c = 0; c < TLB_MISS_CAUSES; c++)
                to->miss[k][c] += row->miss[k][c];
    }
    g_array_set_size(rows, n);
}

void stats_tlb_collect(StatsTlb *out, const Tlb *tlb, const EngineStats *engine, const Tap *tap, uint64_t insns,
                       bool counted)
{
    *out = (StatsTlb){.insns = insns, .counted = counted, .asids = g_array_new(FALSE, FALSE, sizeof(StatsAsid)),
                      .direct = {[ACCESS_READ] = tap->loads, [ACCESS_WRITE] = tap->stores}, .tapped = tap->full};
    tlb_stats(tlb, &out->tlb);
    out->causes = tlb_miss_stats(tlb, &out->miss);
    for (unsigned p = 0; p < TLB_PRIVILEGES; p++) {
        out->started[p][ACCESS_READ] = engine->mode_loads[p];
        out->started[p][ACCESS_WRITE] = engine->mode_stores[p];
    }
    for (unsigned n = 0; n < tlb_spaces(tlb); n++) {
        TlbSpaceStats s = tlb_space_stats(tlb, n);
        StatsAsid row = {.kind = s.kind, .asid = s.asid, .spaces = 1};
        memcpy(row.miss, s.miss, sizeof row.miss);
        g_array_append_val(out->asids, row);
    }
    merge_asids(out->asids);
}

void stats_tlb_add(StatsTlb *sum, const StatsTlb *hart)
{
    _Static_assert(offsetof(StatsTlb, asids) % sizeof(uint64_t) == 0, "sums are made word by word");
    uint64_t *to = (uint64_t *)(void *)sum;
    const uint64_t *from = (const uint64_t *)(const void *)hart;
    for (unsigned i = 0; i < offsetof(StatsTlb, asids) / sizeof *to; i++)
        to[i] += from[i];
    if (!sum->asids)
        sum->asids = g_array_new(FALSE, FALSE, sizeof(StatsAsid));
    g_array_append_vals(sum->asids, hart->asids->data, hart->asids->len);
    merge_asids(sum->asids);
    sum->counted = hart->counted;
    sum->causes = hart->causes;
    sum->tapped = hart->tapped;
}

void stats_tlb_clear(StatsTlb *s)
{
    if (s->asids)
        g_array_free(s->asids, TRUE);
    s->asids = NULL;
}

uint64_t stats_tlb_lookups(const TlbCounters *c)
{
    return c->hit + c->slow_mmio + c->slow_notdirty + c->slow_discard + c->slow_recheck + c->slow_watch +
           c->victim_hit + c->fill_ok + c->fill_fault;
}

// --- identities --------------------------------------------------------------------------------------------

static uint64_t sum_of(const uint64_t *of, unsigned n)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < n; i++)
        sum += of[i];
    return sum;
}

static char *unequal(unsigned kind, const char *what, uint64_t part, uint64_t whole)
{
    return part == whole ? NULL
                         : g_strdup_printf("%s: %" PRIu64 " %s, but %" PRIu64 " in all", kind_names[kind], part, what,
                                           whole);
}

static char *check_misses(const StatsTlb *s, unsigned k)
{
    uint64_t misses = 0, by_asid = 0, by_privilege = 0;
    char *wrong = NULL;
    for (unsigned m = 0; m < TLB_MMU_INDEXES && !wrong; m++) {
        const TlbCounters *c = &s->tlb.kind[m][k];
        uint64_t of_index = c->fill_ok + c->fill_fault;
        misses += of_index;
        wrong = unequal(k, "misses by cause", sum_of(s->miss.miss[m][k], TLB_MISS_CAUSES), of_index);
        if (!wrong)
            wrong = unequal(k, "misses by page size", sum_of(s->miss.size[m][k], TLB_PAGE_SIZES + 1), of_index);
        if (!wrong)
            wrong = unequal(k, "misses by faults", s->miss.miss[m][k][TLB_MISS_FAULT], c->fill_fault);
    }
    for (unsigned i = 0; i < s->asids->len; i++)
        by_asid += sum_of(g_array_index(s->asids, StatsAsid, i).miss[k], TLB_MISS_CAUSES);
    for (unsigned p = 0; p < TLB_PRIVILEGES; p++)
        by_privilege += s->miss.privilege[p][k];
    if (!wrong)
        wrong = unequal(k, "misses by address space", by_asid, misses);
    return wrong ? wrong : unequal(k, "misses by privilege", by_privilege, misses);
}

// Derives the lookups of a privilege and those that hit in inlined code.
static char *derive(StatsTlb *s, unsigned p, unsigned k)
{
    const TlbMissStats *m = &s->miss;
    uint64_t counted = m->lookups[p][k];
    uint64_t more = s->started[p][k] + m->crossings[p][k] + m->unstarted[p][k], not = m->not_looked_up[p][k];
    if (k == ACCESS_FETCH) {
        s->lookups[p][k] = counted;
        return NULL;
    }
    if (more < not || more - not < counted)
        return g_strdup_printf("%s under %s: %" PRIu64 " lookups were counted, but %" PRIu64 " accesses, %" PRIu64
                               " crossings and %" PRIu64 " other lookups, less %" PRIu64 " refused before, are only %"
                               PRId64, kind_names[k], privilege_names[p], counted, s->started[p][k],
                               m->crossings[p][k], m->unstarted[p][k], not, (int64_t)(more - not));
    s->lookups[p][k] = more - not;
    s->fast[p][k] = more - not - counted;
    return NULL;
}

// The two ways of counting: by the executions of blocks, and one by one.
static char *check_direct(const StatsTlb *s, unsigned k)
{
    uint64_t started = 0;
    for (unsigned p = 0; p < TLB_PRIVILEGES; p++)
        started += s->started[p][k];
    return unequal(k, "accesses by executions of blocks", started, s->direct[k]);
}

char *stats_tlb_check(StatsTlb *s)
{
    char *wrong = NULL;
    for (unsigned k = 0; k < ACCESS_FETCH && s->tapped && s->counted && !wrong; k++)
        wrong = check_direct(s, k);
    if (wrong)
        return wrong;
    for (unsigned m = 0; m < TLB_MMU_INDEXES; m++)
        if (s->tlb.used[m] > s->tlb.size[m])
            return g_strdup_printf("MMU index %u: %" PRIu64 " entries in use of %" PRIu64, m, s->tlb.used[m],
                                   s->tlb.size[m]);
    for (unsigned k = 0; k < ACCESS_KINDS && s->causes && !wrong; k++)
        wrong = check_misses(s, k);
    for (unsigned k = 0; k < ACCESS_KINDS && s->causes && !wrong; k++) {
        uint64_t counted = 0, by_privilege = 0;
        for (unsigned m = 0; m < TLB_MMU_INDEXES; m++)
            counted += stats_tlb_lookups(&s->tlb.kind[m][k]);
        for (unsigned p = 0; p < TLB_PRIVILEGES; p++)
            by_privilege += s->miss.lookups[p][k];
        wrong = unequal(k, "slow lookups by privilege", by_privilege, counted);
        for (unsigned p = 0; p < TLB_PRIVILEGES && s->counted && !wrong; p++)
            wrong = derive(s, p, k);
    }
    return wrong;
}
