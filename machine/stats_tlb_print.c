// SPDX-License-Identifier: GPL-3.0-or-later
// The softTLB's counts as text for people and as JSON.
#include "machine/json_members.h"
#include "machine/stats_tlb.h"
#include "machine/text_table.h"

#include <inttypes.h>

#define ASIDS_SHOWN 10

static const char *const kind_names[ACCESS_KINDS] = {"load", "store", "fetch"};
static const char *const index_names[TLB_MMU_INDEXES] = {"U", "S", "S+SUM", "M"};
static const char *const privilege_names[TLB_PRIVILEGES] = {"U", "S", NULL, "M"};
static const char *const size_names[TLB_PAGE_SIZES + 1] = {"4K", "64K", "2M", "1G", "512G", "256T", "fault"};
static const char *const flush_names[TLB_FLUSH_KINDS] = {"all", "va", "asid", "va_asid", "other"};

typedef struct { // all that a kind of access did
    uint64_t lookups, hits, misses; // hits: plain ones, inlined or not
    TlbCounters counted;
} Access;

static void add_counters(TlbCounters *sum, const TlbCounters *c)
{
    uint64_t *to = (uint64_t *)(void *)sum;
    const uint64_t *from = (const uint64_t *)(const void *)c;
    for (unsigned i = 0; i < sizeof *sum / sizeof *to; i++)
        to[i] += from[i];
}

static Access access_of(const StatsTlb *s, unsigned k)
{
    Access a = {0};
    for (unsigned m = 0; m < TLB_MMU_INDEXES; m++)
        add_counters(&a.counted, &s->tlb.kind[m][k]);
    a.hits = a.counted.hit;
    for (unsigned p = 0; p < TLB_PRIVILEGES; p++) {
        a.lookups += s->lookups[p][k];
        a.hits += s->fast[p][k];
    }
    a.misses = a.counted.fill_ok + a.counted.fill_fault;
    return a;
}

static double per_1000(const StatsTlb *s, uint64_t n)
{
    return s->insns ? 1000.0 * (double)n / (double)s->insns : 0;
}

// --- text --------------------------------------------------------------------------------------------------

static void columns(TextTable *t, const char *const *titles, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        text_table_column(t, titles[i]);
}

static void print_accesses(const StatsTlb *s, GString *out)
{
    static const char *const titles[] = {"lookups", "hit rate", "hits", "victim hits", "misses", "per 1000 insns",
                                         "faults", "mmio", "code page", "rom", "partial page", "watched",
                                         "page crossings"};
    TextTable *t = text_table_new("Host softTLB");
    columns(t, titles, G_N_ELEMENTS(titles));
    for (unsigned k = 0; k < ACCESS_KINDS; k++) {
        Access a = access_of(s, k);
        text_table_row(t, kind_names[k]);
        text_table_int(t, a.lookups);
        text_table_percent(t, a.lookups - MIN(a.misses, a.lookups), a.lookups, 4);
        text_table_int(t, s->counted ? a.hits : 0);
        text_table_int(t, a.counted.victim_hit);
        text_table_int(t, a.misses);
        text_table_double(t, per_1000(s, a.misses), 4);
        text_table_int(t, a.counted.fill_fault);
        text_table_int(t, a.counted.slow_mmio);
        text_table_int(t, a.counted.slow_notdirty);
        text_table_int(t, a.counted.slow_discard);
        text_table_int(t, a.counted.slow_recheck);
        text_table_int(t, a.counted.slow_watch);
        text_table_int(t, s->tlb.crossings[k]);
    }
    text_table_print(t, out, 0, 12);
}

static void print_privileges(const StatsTlb *s, GString *out)
{
    TextTable *t = text_table_new("by privilege");
    for (unsigned k = 0; k < ACCESS_KINDS; k++) {
        g_autofree char *title = g_strconcat(kind_names[k], "s", NULL);
        text_table_column(t, k == ACCESS_FETCH ? "fetches" : title);
        text_table_column(t, "misses");
        text_table_column(t, "hit rate");
    }
    for (unsigned p = 0; p < TLB_PRIVILEGES; p++) {
        if (!privilege_names[p])
            continue;
        text_table_row(t, privilege_names[p]);
        for (unsigned k = 0; k < ACCESS_KINDS; k++) {
            uint64_t misses = s->miss.privilege[p][k], lookups = s->lookups[p][k];
            text_table_int(t, lookups);
            text_table_int(t, misses);
            text_table_percent(t, lookups - MIN(misses, lookups), lookups, 4);
        }
    }
    text_table_print(t, out, 2, 16);
}

static void print_causes(const StatsTlb *s, GString *out)
{
    TextTable *t = text_table_new("misses by cause");
    columns(t, kind_names, ACCESS_KINDS);
    for (unsigned m = 0; m < TLB_MMU_INDEXES; m++)
        text_table_column(t, index_names[m]);
    for (unsigned c = 0; c < TLB_MISS_CAUSES; c++) {
        uint64_t by_kind[ACCESS_KINDS] = {0}, by_index[TLB_MMU_INDEXES] = {0};
        for (unsigned m = 0; m < TLB_MMU_INDEXES; m++) {
            for (unsigned k = 0; k < ACCESS_KINDS; k++) {
                by_kind[k] += s->miss.miss[m][k][c];
                by_index[m] += s->miss.miss[m][k][c];
            }
        }
        text_table_row(t, tlb_miss_cause_names[c]);
        for (unsigned k = 0; k < ACCESS_KINDS; k++)
            text_table_int(t, by_kind[k]);
        for (unsigned m = 0; m < TLB_MMU_INDEXES; m++)
            text_table_int(t, by_index[m]);
    }
    text_table_print(t, out, 2, 16);
}

static void print_sizes(const StatsTlb *s, GString *out)
{
    TextTable *t = text_table_new("by page size");
    columns(t, kind_names, ACCESS_KINDS);
    for (unsigned z = 0; z < TLB_PAGE_SIZES; z++) {
        text_table_row(t, size_names[z]);
        for (unsigned k = 0; k < ACCESS_KINDS; k++) {
            uint64_t n = 0;
            for (unsigned m = 0; m < TLB_MMU_INDEXES; m++)
                n += s->miss.size[m][k][z];
            text_table_int(t, n);
        }
    }
    text_table_print(t, out, 2, 16);
}

static void print_indexes(const StatsTlb *s, GString *out)
{
    static const char *const titles[] = {"entries", "used", "victim hits", "misses", "evicted", "victims dropped",
                                         "flushed", "one asid", "by page", "elided", "grown", "shrunk"};
    const TlbStats *t = &s->tlb;
    TextTable *table = text_table_new("by MMU index");
    columns(table, titles, G_N_ELEMENTS(titles));
    for (unsigned m = 0; m < TLB_MMU_INDEXES; m++) {
        TlbCounters c = {0};
        for (unsigned k = 0; k < ACCESS_KINDS; k++)
            add_counters(&c, &t->kind[m][k]);
        uint64_t row[] = {t->size[m], t->used[m], c.victim_hit, c.fill_ok + c.fill_fault, t->evict[m],
                          t->victim_drop[m], t->flush_all[m], t->flush_asid[m], t->flush_page[m], t->flush_elided[m],
                          t->grow[m], t->shrink[m]};
        _Static_assert(G_N_ELEMENTS(row) == G_N_ELEMENTS(titles), "a number for each title");
        bool nothing = !stats_tlb_lookups(&c);
        text_table_row(table, index_names[m]);
        for (unsigned i = 0; i < G_N_ELEMENTS(row); i++)
            text_table_int(table, nothing ? 0 : row[i]);
    }
    text_table_print(table, out, 2, 16);
}

static uint64_t misses_of(const StatsAsid *a)
{
    uint64_t n = 0;
    for (unsigned k = 0; k < ACCESS_KINDS; k++)
        for (unsigned c = 0; c < TLB_MISS_CAUSES; c++)
            n += a->miss[k][c];
    return n;
}

static int by_misses(const void *a, const void *b)
{
    uint64_t x = misses_of(*(const StatsAsid *const *)a), y = misses_of(*(const StatsAsid *const *)b);
    return (x < y) - (x > y);
}

static char *asid_label(const StatsAsid *a)
{
    return a->kind == TLB_SPACE_MACHINE ? g_strdup("machine mode")
           : a->kind == TLB_SPACE_MORE  ? g_strdup("other spaces")
                                        : g_strdup_printf("ASID %u", a->asid);
}

static void print_asids(const StatsTlb *s, GString *out)
{
    g_autoptr(GPtrArray) rows = g_ptr_array_new();
    for (unsigned i = 0; i < s->asids->len; i++)
        if (misses_of(&g_array_index(s->asids, StatsAsid, i)))
            g_ptr_array_add(rows, &g_array_index(s->asids, StatsAsid, i));
    if (rows->len < 2)
        return;
    g_ptr_array_sort(rows, by_misses);
    TextTable *t = text_table_new("by address space");
    text_table_column(t, "spaces");
    text_table_column(t, "misses");
    columns(t, tlb_miss_cause_names, TLB_MISS_CAUSES);
    for (unsigned i = 0; i < MIN(rows->len, ASIDS_SHOWN); i++) {
        const StatsAsid *a = rows->pdata[i];
        g_autofree char *label = asid_label(a);
        text_table_row(t, label);
        text_table_int(t, a->kind == TLB_SPACE ? a->spaces : 0);
        text_table_int(t, misses_of(a));
        for (unsigned c = 0; c < TLB_MISS_CAUSES; c++)
            text_table_int(t, a->miss[ACCESS_READ][c] + a->miss[ACCESS_WRITE][c] + a->miss[ACCESS_FETCH][c]);
    }
    text_table_print(t, out, 2, 16);
    if (rows->len > ASIDS_SHOWN)
        g_string_append_printf(out, "  and %u more, with fewer misses\n", rows->len - ASIDS_SHOWN);
}

static uint64_t all_flushes(const StatsTlb *s)
{
    uint64_t n = 0;
    for (unsigned f = 0; f < TLB_FLUSH_KINDS; f++)
        n += s->tlb.flushes[f];
    return n;
}

static void print_flushes(const StatsTlb *s, GString *out)
{
    const uint64_t *f = s->tlb.flushes;
    g_string_append_printf(out,
                           "  %-16s  %" PRIu64 " (%.4f per 1000 insns): %" PRIu64 " of all, %" PRIu64 " by address, %"
                           PRIu64 " by ASID, %" PRIu64 " by both, %" PRIu64 " for other reasons\n",
                           "flushes", all_flushes(s), per_1000(s, all_flushes(s)), f[TLB_FLUSH_ALL], f[TLB_FLUSH_VA],
                           f[TLB_FLUSH_ASID], f[TLB_FLUSH_VA_ASID], f[TLB_FLUSH_OTHER]);
    if (s->tlb.context_switch)
        g_string_append_printf(out,
                               "  %-16s  %" PRIu64 " switches, %" PRIu64 " new spaces, %" PRIu64
                               " contexts given up for them\n",
                               "address spaces", s->tlb.context_switch, s->tlb.context_new, s->tlb.context_evict);
}

void stats_tlb_text(const StatsTlb *s, bool whole, GString *out)
{
    print_accesses(s, out);
    if (whole && s->causes) {
        print_privileges(s, out);
        print_causes(s, out);
        print_sizes(s, out);
    }
    if (whole)
        print_indexes(s, out);
    if (whole && s->causes)
        print_asids(s, out);
    print_flushes(s, out);
}

// --- JSON --------------------------------------------------------------------------------------------------

static void add_ints(JsonBuilder *b, const char *name, const char *const *names, const uint64_t *v, unsigned n)
{
    json_begin_object(b, name);
    for (unsigned i = 0; i < n; i++)
        json_add_int(b, names[i], v[i]);
    json_builder_end_object(b);
}

static void add_slow(JsonBuilder *b, const TlbCounters *c)
{
    json_add_int(b, "victim_hits", c->victim_hit);
    json_add_int(b, "misses", c->fill_ok + c->fill_fault);
    json_add_int(b, "faults", c->fill_fault);
    json_add_int(b, "mmio", c->slow_mmio);
    json_add_int(b, "code_page", c->slow_notdirty);
    json_add_int(b, "rom", c->slow_discard);
    json_add_int(b, "partial_page", c->slow_recheck);
    json_add_int(b, "watched", c->slow_watch);
}

static void add_access(JsonBuilder *b, const StatsTlb *s, unsigned k)
{
    Access a = access_of(s, k);
    uint64_t causes[TLB_MISS_CAUSES] = {0}, sizes[TLB_PAGE_SIZES + 1] = {0};
    json_begin_object(b, kind_names[k]);
    if (s->counted) {
        json_add_int(b, "lookups", a.lookups);
        json_add_int(b, "hits", a.hits);
        if (s->tapped && k != ACCESS_FETCH)
            json_add_int(b, "accesses_one_by_one", s->direct[k]);
        json_add_double(b, "hit_rate", a.lookups ? 1 - (double)a.misses / (double)a.lookups : 1);
    }
    add_slow(b, &a.counted);
    json_add_double(b, "misses_per_1000_instructions", per_1000(s, a.misses));
    json_add_int(b, "page_crossings", s->tlb.crossings[k]);
    json_add_int(b, "other_lookups", s->tlb.unstarted[k]);
    json_add_int(b, "refused_before_lookup", s->tlb.not_looked_up[k]);
    for (unsigned m = 0; s->causes && m < TLB_MMU_INDEXES; m++) {
        for (unsigned c = 0; c < TLB_MISS_CAUSES; c++)
            causes[c] += s->miss.miss[m][k][c];
        for (unsigned z = 0; z <= TLB_PAGE_SIZES; z++)
            sizes[z] += s->miss.size[m][k][z];
    }
    if (s->causes) {
        add_ints(b, "causes", tlb_miss_cause_names, causes, TLB_MISS_CAUSES);
        add_ints(b, "page_sizes", size_names, sizes, TLB_PAGE_SIZES + 1);
    }
    json_builder_end_object(b);
}

static void add_index(JsonBuilder *b, const StatsTlb *s, unsigned m)
{
    const TlbStats *t = &s->tlb;
    json_begin_object(b, index_names[m]);
    for (unsigned k = 0; k < ACCESS_KINDS; k++) {
        json_begin_object(b, kind_names[k]);
        json_add_int(b, "slow_hits", t->kind[m][k].hit);
        add_slow(b, &t->kind[m][k]);
        if (s->causes) {
            add_ints(b, "causes", tlb_miss_cause_names, s->miss.miss[m][k], TLB_MISS_CAUSES);
            add_ints(b, "page_sizes", size_names, s->miss.size[m][k], TLB_PAGE_SIZES + 1);
        }
        json_builder_end_object(b);
    }
    json_add_int(b, "entries", t->size[m]);
    json_add_int(b, "used", t->used[m]);
    json_add_int(b, "evictions", t->evict[m]);
    json_add_int(b, "victims_dropped", t->victim_drop[m]);
    json_add_int(b, "flush_all", t->flush_all[m]);
    json_add_int(b, "flush_asid", t->flush_asid[m]);
    json_add_int(b, "flush_page", t->flush_page[m]);
    json_add_int(b, "flush_elided", t->flush_elided[m]);
    json_add_int(b, "grow", t->grow[m]);
    json_add_int(b, "shrink", t->shrink[m]);
    json_builder_end_object(b);
}

static void add_privileges(JsonBuilder *b, const StatsTlb *s)
{
    json_begin_object(b, "privilege");
    for (unsigned p = 0; p < TLB_PRIVILEGES; p++) {
        if (!privilege_names[p])
            continue;
        json_begin_object(b, privilege_names[p]);
        for (unsigned k = 0; k < ACCESS_KINDS; k++) {
            json_begin_object(b, kind_names[k]);
            json_add_int(b, "lookups", s->lookups[p][k]);
            json_add_int(b, "misses", s->miss.privilege[p][k]);
            json_builder_end_object(b);
        }
        json_builder_end_object(b);
    }
    json_builder_end_object(b);
}

static void add_asids(JsonBuilder *b, const StatsTlb *s)
{
    static const char *const names[] = {[TLB_SPACE] = "space", [TLB_SPACE_MACHINE] = "machine",
                                        [TLB_SPACE_MORE] = "more"};
    json_builder_set_member_name(b, "address_spaces");
    json_builder_begin_array(b);
    for (unsigned i = 0; i < s->asids->len; i++) {
        const StatsAsid *a = &g_array_index(s->asids, StatsAsid, i);
        if (!misses_of(a))
            continue;
        json_begin_object(b, NULL);
        json_builder_set_member_name(b, "kind");
        json_builder_add_string_value(b, names[a->kind]);
        json_add_int(b, "asid", a->asid);
        json_add_int(b, "spaces", a->spaces);
        json_add_int(b, "misses", misses_of(a));
        for (unsigned k = 0; k < ACCESS_KINDS; k++)
            add_ints(b, kind_names[k], tlb_miss_cause_names, a->miss[k], TLB_MISS_CAUSES);
        json_builder_end_object(b);
    }
    json_builder_end_array(b);
}

void stats_tlb_json(const StatsTlb *s, JsonBuilder *b)
{
    json_begin_object(b, "tlb");
    for (unsigned k = 0; k < ACCESS_KINDS; k++)
        add_access(b, s, k);
    add_ints(b, "flushes", flush_names, s->tlb.flushes, TLB_FLUSH_KINDS);
    json_add_double(b, "flushes_per_1000_instructions", per_1000(s, all_flushes(s)));
    json_add_int(b, "context_switches", s->tlb.context_switch);
    json_add_int(b, "context_new", s->tlb.context_new);
    json_add_int(b, "context_given_up", s->tlb.context_evict);
    json_begin_object(b, "mmu");
    for (unsigned m = 0; m < TLB_MMU_INDEXES; m++)
        add_index(b, s, m);
    json_builder_end_object(b);
    if (s->counted && s->causes)
        add_privileges(b, s);
    if (s->causes) {
        add_asids(b, s);
        json_add_int(b, "pages_remembered", s->miss.remembered);
    }
    json_builder_end_object(b);
}
