// SPDX-License-Identifier: GPL-3.0-or-later
// Why lookups miss (docs/tlb.md, "The host softTLB").
//
// Beside the tables a shadow remembers each page that a table ever had: since which flush of that table, or what took
// it out. A flush of a whole table writes only one word, its number in the table's history; why it came is kept for
// each stretch of flushes with the same cause. So a page that was entered before the present number went with the
// first flush behind it.
//
// What is remembered belongs to a space (tlb_set_context), not to the table that it has at the time. The last MMU index
// has a space of its own, and so have global pages: that one tells which of them some context has or had.
#include "softmmu/tlb_private.h"

#include <glib.h>
#include <string.h>

#define HISTORY_MAX (1u << 20) // stretches in all histories, 16 bytes each

const char *const tlb_miss_cause_names[TLB_MISS_CAUSES] = {
    "fault", "upgrade", "cold", "flush_all", "flush_va", "flush_asid", "context", "other", "resize", "conflict",
    "capacity", "forgotten",
};

enum { SPACE_MACHINE, SPACE_GLOBAL, SPACE_MORE, SPACE_FIRST };

#define THERE 0xffu // in place of a TlbMissCause: nothing took the page out but flushes of the whole table

typedef struct {
    uint64_t key;   // page number and MMU index; 0: free
    uint64_t space;
    uint64_t state; // number of the table's flushes when it came << 8 | THERE or a TlbMissCause
} Row;

typedef struct {
    uint64_t number; // of the first flush
    uint64_t cause;
} Stretch;

typedef struct {
    TlbSpaceStats stats;
    uint64_t flushes[TLB_MMU_INDEXES];
    GArray *history[TLB_MMU_INDEXES]; // of Stretch, ascending; NULL: none
    uint64_t forgotten[TLB_MMU_INDEXES]; // flushes before this one have no stretch any more
} Space;

typedef struct { // counted once, by privilege as the difference between two points in time
    uint64_t lookups[ACCESS_KINDS], misses[ACCESS_KINDS];
    uint64_t crossings[ACCESS_KINDS], unstarted[ACCESS_KINDS], not_looked_up[ACCESS_KINDS];
} Counted;

typedef struct TlbCauses {
    Row *rows;
    uint64_t n_slots, max_rows;
    bool full; // a page was not remembered
    GPtrArray *spaces;
    GHashTable *by_key;
    unsigned stretches;
    Counted seen; // at the last change of privilege
    TlbMissStats stats;
} TlbCauses;

static Space *space_of(const TlbCauses *c, unsigned n)
{
    return g_ptr_array_index(c->spaces, n);
}

static unsigned add_space(TlbCauses *c, TlbSpaceKind kind, uint64_t key, unsigned asid)
{
    Space *s = g_new0(Space, 1);
    s->stats.kind = kind;
    s->stats.key = key;
    s->stats.asid = asid;
    g_ptr_array_add(c->spaces, s);
    return c->spaces->len - 1;
}

static void free_space(void *opaque)
{
    Space *s = opaque;
    for (unsigned i = 0; i < TLB_MMU_INDEXES; i++)
        if (s->history[i])
            g_array_unref(s->history[i]);
    g_free(s);
}

// --- pages -------------------------------------------------------------------------------------------------

// A page number has 52 bits: without page tables all bits of an address tell pages apart.
static uint64_t row_key(unsigned mmu, gva_t page)
{
    return page >> PAGE_BITS | (uint64_t)mmu << 52 | UINT64_C(1) << 63;
}

// The row of that, or a free one.
static Row *find_row(const TlbCauses *c, uint64_t space, uint64_t key)
{
    uint64_t i = ((key ^ space << 54) * UINT64_C(0x9e3779b97f4a7c15)) >> 20;
    for (;; i++) {
        Row *r = &c->rows[i & (c->n_slots - 1)];
        if ((r->key == key && r->space == space) || !r->key)
            return r;
    }
}

static void grow_rows(TlbCauses *c)
{
    Row *old = c->rows;
    uint64_t n = c->n_slots;
    c->n_slots = n ? 2 * n : 1024;
    c->rows = g_new0(Row, c->n_slots);
    for (uint64_t i = 0; i < n; i++)
        if (old[i].key)
            *find_row(c, old[i].space, old[i].key) = old[i];
    g_free(old);
}

// Notes that a page is there, or what took it out.
static void note(TlbCauses *c, unsigned space, unsigned mmu, gva_t page, unsigned state)
{
    uint64_t key = row_key(mmu, page);
    Row *r = find_row(c, space, key);
    if (!r->key && c->stats.remembered >= c->max_rows) {
        c->full = true;
        return;
    }
    if (!r->key) {
        if (2 * ++c->stats.remembered > c->n_slots) {
            grow_rows(c);
            r = find_row(c, space, key);
        }
        r->key = key;
        r->space = space;
    }
    r->state = space_of(c, space)->flushes[mmu] << 8 | state;
}

static bool is_noted(const TlbCauses *c, unsigned space, unsigned mmu, gva_t page)
{
    return find_row(c, space, row_key(mmu, page))->key;
}

// --- flushes of whole tables -------------------------------------------------------------------------------

static void add_flush(TlbCauses *c, unsigned space, unsigned mmu, TlbMissCause cause)
{
    Space *s = space_of(c, space);
    GArray *h = s->history[mmu];
    uint64_t number = s->flushes[mmu]++;
    if (!h)
        h = s->history[mmu] = g_array_new(FALSE, FALSE, sizeof(Stretch));
    if (h->len && g_array_index(h, Stretch, h->len - 1).cause == cause)
        return;
    if (c->stretches >= HISTORY_MAX && h->len > 1) { // the older half goes
        unsigned gone = h->len / 2;
        s->forgotten[mmu] = g_array_index(h, Stretch, gone).number;
        g_array_remove_range(h, 0, gone);
        c->stretches -= gone;
    }
    Stretch new = {number, cause};
    g_array_append_val(h, new);
    c->stretches++;
}

static unsigned flush_cause(const Space *s, unsigned mmu, uint64_t number)
{
    const GArray *h = s->history[mmu];
    unsigned lo = 0, hi = h->len; // the last stretch that begins at or before it
    if (number < s->forgotten[mmu])
        return TLB_MISS_FORGOTTEN;
    while (hi - lo > 1) {
        unsigned mid = (lo + hi) / 2;
        if (g_array_index(h, Stretch, mid).number <= number)
            lo = mid;
        else
            hi = mid;
    }
    return (unsigned)g_array_index(h, Stretch, lo).cause;
}

// What took a page out: a TlbMissCause, COLD if it never was in, or THERE.
static unsigned what_took(const TlbCauses *c, unsigned space, unsigned mmu, gva_t page)
{
    const Space *s = space_of(c, space);
    const Row *r = find_row(c, space, row_key(mmu, page));
    if (space == SPACE_MORE)
        return TLB_MISS_FORGOTTEN;
    if (!r->key)
        return c->full ? TLB_MISS_FORGOTTEN : TLB_MISS_COLD;
    uint64_t number = r->state >> 8;
    if ((r->state & 0xff) != THERE)
        return r->state & 0xff;
    return number < s->flushes[mmu] ? flush_cause(s, mmu, number) : THERE;
}

// --- misses ------------------------------------------------------------------------------------------------

static unsigned space_now(const Tlb *tlb, unsigned mmu)
{
    return mmu < TLB_SPACE_INDEXES ? tlb->context[tlb->current]->space : SPACE_MACHINE;
}

static TlbMissCause replaced(const TlbTable *t)
{
    return t->used < t->size ? TLB_MISS_CONFLICT : TLB_MISS_CAPACITY;
}

// The page has an entry, though not one that answers. A victim with flags has been replaced, for all that.
static bool find_entry(const TlbTable *t, gva_t page, MemAccess access, TlbMissCause *cause)
{
    *cause = TLB_MISS_UPGRADE;
    if (tlb_entry_page(tlb_slot(t, page)) == page)
        return true;
    for (unsigned v = 0; v < TLB_VICTIMS; v++) {
        if (tlb_entry_page(&t->victim[v]) == page) {
            if (t->victim[v].cmp[access] != TLB_EMPTY)
                *cause = replaced(t);
            return true;
        }
    }
    return false;
}

TlbMiss tlb_miss_begin(Tlb *tlb, gva_t page, MemAccess access, unsigned mmu)
{
    TlbCauses *c = tlb->causes;
    TlbMissCause entry;
    TlbMiss miss = {.space = (uint16_t)space_now(tlb, mmu), .size = TLB_SIZE_NONE};
    bool there = find_entry(tlb->table[mmu], page, access, &entry);
    miss.cause = (uint8_t)(there ? entry : what_took(c, miss.space, mmu, page));
    return miss;
}

static unsigned size_index(unsigned bits)
{
    static const uint8_t sizes[TLB_PAGE_SIZES] = {PAGE_BITS, 16, 21, 30, 39, 48};
    unsigned i = TLB_PAGE_SIZES - 1;
    while (i && bits < sizes[i])
        i--;
    return i;
}

void tlb_miss_filled(Tlb *tlb, TlbMiss *miss, gva_t page, unsigned mmu, const TlbCold *cold)
{
    TlbCauses *c = tlb->causes;
    miss->size = (uint8_t)size_index(tlb_cold_bits(cold));
    if (miss->cause == THERE) { // an entry went without a word: tlb_check tells
        c->stats.lost++;
        miss->cause = TLB_MISS_OTHER;
    }
    if (cold->pa & TLB_COLD_GLOBAL) {
        if (miss->cause == TLB_MISS_COLD) {
            unsigned elsewhere = what_took(c, SPACE_GLOBAL, mmu, page);
            miss->cause = (uint8_t)(elsewhere == THERE ? TLB_MISS_CONTEXT : elsewhere);
        }
        note(c, SPACE_GLOBAL, mmu, page, THERE);
    }
    if (miss->space != SPACE_MORE)
        note(c, miss->space, mmu, page, THERE);
}

void tlb_miss_count(Tlb *tlb, const TlbMiss *miss, unsigned mmu, MemAccess access, int n)
{
    TlbCauses *c = tlb->causes;
    unsigned cause = miss->size == TLB_SIZE_NONE ? TLB_MISS_FAULT : miss->cause;
    c->stats.miss[mmu][access][cause] += (uint64_t)(int64_t)n;
    c->stats.size[mmu][access][miss->size] += (uint64_t)(int64_t)n;
    space_of(c, miss->space)->stats.miss[access][cause] += (uint64_t)(int64_t)n;
}

void tlb_causes_dropped(Tlb *tlb, unsigned mmu, gva_t page)
{
    unsigned space = space_now(tlb, mmu);
    if (space != SPACE_MORE)
        note(tlb->causes, space, mmu, page, replaced(tlb->table[mmu]));
}

// --- what takes entries out --------------------------------------------------------------------------------

void tlb_causes_page(Tlb *tlb, const TlbContext *c, unsigned mmu, gva_t page)
{
    unsigned space = c ? c->space : SPACE_MACHINE;
    if (space != SPACE_MORE)
        note(tlb->causes, space, mmu, page, TLB_MISS_FLUSH_VA);
}

void tlb_causes_emptied(Tlb *tlb, const TlbContext *c, unsigned mmu, TlbMissCause cause)
{
    add_flush(tlb->causes, c ? c->space : SPACE_MACHINE, mmu, cause);
}

void tlb_causes_global(Tlb *tlb, unsigned mmu, gva_t page, TlbMissCause cause)
{
    if (page == TLB_EMPTY)
        add_flush(tlb->causes, SPACE_GLOBAL, mmu, cause);
    else if (is_noted(tlb->causes, SPACE_GLOBAL, mmu, page))
        note(tlb->causes, SPACE_GLOBAL, mmu, page, cause);
}

void tlb_causes_context(Tlb *tlb, TlbContext *context)
{
    TlbCauses *c = tlb->causes;
    void *known = g_hash_table_lookup(c->by_key, &context->key);
    if (known) {
        context->space = GPOINTER_TO_UINT(known);
    } else if (c->spaces->len - SPACE_FIRST >= TLB_SPACES) {
        context->space = SPACE_MORE;
    } else {
        context->space = add_space(c, TLB_SPACE, context->key, context->asid);
        g_hash_table_insert(c->by_key, &space_of(c, context->space)->stats.key, GUINT_TO_POINTER(context->space));
    }
}

// --- privileges --------------------------------------------------------------------------------------------

static Counted count_all(const Tlb *tlb)
{
    Counted all = {0};
    for (unsigned k = 0; k < ACCESS_KINDS; k++) {
        for (unsigned m = 0; m < TLB_MMU_INDEXES; m++) {
            const TlbCounters *c = &tlb->stats.kind[m][k];
            all.misses[k] += c->fill_ok + c->fill_fault;
            all.lookups[k] += c->hit + c->slow_mmio + c->slow_notdirty + c->slow_discard + c->slow_recheck +
                              c->slow_watch + c->victim_hit + c->fill_ok + c->fill_fault;
        }
        all.crossings[k] = tlb->stats.crossings[k];
        all.unstarted[k] = tlb->stats.unstarted[k];
        all.not_looked_up[k] = tlb->stats.not_looked_up[k];
    }
    return all;
}

static void add_privilege(const Tlb *tlb, const Counted *now, TlbMissStats *to)
{
    const Counted *seen = &tlb->causes->seen;
    unsigned p = tlb->fetch_mmu;
    for (unsigned k = 0; k < ACCESS_KINDS; k++) {
        to->lookups[p][k] += now->lookups[k] - seen->lookups[k];
        to->privilege[p][k] += now->misses[k] - seen->misses[k];
        to->crossings[p][k] += now->crossings[k] - seen->crossings[k];
        to->unstarted[p][k] += now->unstarted[k] - seen->unstarted[k];
        to->not_looked_up[p][k] += now->not_looked_up[k] - seen->not_looked_up[k];
    }
}

void tlb_causes_privilege(Tlb *tlb)
{
    Counted now = count_all(tlb);
    add_privilege(tlb, &now, &tlb->causes->stats);
    tlb->causes->seen = now;
}

// --- life, results -----------------------------------------------------------------------------------------

void tlb_set_causes(Tlb *tlb, uint64_t pages)
{
    g_assert(!tlb->causes && pages);
    TlbCauses *c = tlb->causes = g_new0(TlbCauses, 1);
    c->max_rows = pages;
    c->spaces = g_ptr_array_new_with_free_func(free_space);
    c->by_key = g_hash_table_new(g_int64_hash, g_int64_equal);
    grow_rows(c);
    add_space(c, TLB_SPACE_MACHINE, 0, 0);
    add_space(c, TLB_SPACE, 0, 0); // of global pages: it has no misses
    add_space(c, TLB_SPACE_MORE, 0, 0);
    c->seen = count_all(tlb);
    for (unsigned n = 0; n < tlb->n_contexts; n++)
        tlb_causes_context(tlb, tlb->context[n]);
}

void tlb_causes_free(Tlb *tlb)
{
    TlbCauses *c = tlb->causes;
    if (!c)
        return;
    g_hash_table_destroy(c->by_key);
    g_ptr_array_free(c->spaces, TRUE);
    g_free(c->rows);
    g_free(c);
}

bool tlb_miss_stats(const Tlb *tlb, TlbMissStats *out)
{
    if (!tlb->causes)
        return false;
    Counted now = count_all(tlb);
    *out = tlb->causes->stats;
    add_privilege(tlb, &now, out);
    return true;
}

// The space of global pages is no space.
unsigned tlb_spaces(const Tlb *tlb)
{
    return tlb->causes ? tlb->causes->spaces->len - 1 : 0;
}

TlbSpaceStats tlb_space_stats(const Tlb *tlb, unsigned n)
{
    return space_of(tlb->causes, n + (n >= SPACE_GLOBAL))->stats;
}
