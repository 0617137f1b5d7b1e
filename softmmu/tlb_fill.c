// SPDX-License-Identifier: GPL-3.0-or-later
// Lookup in the software TLB: main table, victims, translation (R5.6, R5.10, R5.50).
//
// Every lookup counts exactly once. An engine asks tlb_ram first and lets the interpreter do what that
// refuses, so the second lookup of one access would hide what the first one found (a fill would look like a
// hit). Hence the first is taken back and its counter kept until the page is looked up again (tlb_defer).
#include "softmmu/tlb_private.h"

#include "softmmu/code_pages.h"
#include "softmmu/dirty.h"
#include "softmmu/iommu.h"
#include "util/log.h"
#include <string.h>

static const char *const access_names[ACCESS_KINDS] = {"read", "write", "fetch"};
static const char *const fault_names[] = {"none", "align", "access", "page"};

// One entry in the making: what lies at the physical page, and so which flags each kind of access gets.
typedef struct {
    uint64_t flags[ACCESS_KINDS];
    uint8_t *host;
    ram_t ram;
    uint64_t before, after; // bytes of the same flat range around the page
    MemoryRegion *device;   // all of the page is this one's, from `offset` on; or NULL
    uint64_t offset;
} Backing;

uint8_t *tlb_section_host(const Tlb *tlb, const MemorySection *s)
{
    return s->mr->ram == tlb->copied ? (uint8_t *)((uintptr_t)s->host + (uintptr_t)tlb->delta) : s->host;
}

bool tlb_ram_is_dirty(const Tlb *tlb, ram_t ram)
{
    return !(tlb->code && code_pages_test(tlb->code, ram)) && !(dirty_any_clean() && dirty_page_is_clean(ram));
}

static Backing find_backing(Tlb *tlb, gpa_t page)
{
    Backing b = {.flags = {TLB_MMIO, TLB_MMIO, TLB_MMIO}, .ram = TLB_EMPTY};
    MemorySection s = address_space_lookup(tlb->as, page); // good until the hart is stopped
    IommuAccess may = IOMMU_RW;
    if (!s.host && s.mr && s.mr->iommu) {
        s = iommu_resolve(s, IOMMU_NONE, MEMTXATTRS_NONE, &may);
    } else if (!s.host && s.mr && s.len >= PAGE_SIZE) {
        b.device = s.mr;
        b.offset = s.offset;
    }
    if (!s.mr || !s.host || s.len < PAGE_SIZE)
        return b;
    bool fixed = s.mr->readonly || s.mr->kind == REGION_ROM_DEVICE;
    if (tlb->copied && s.mr->ram != tlb->copied && !fixed)
        return b;
    ram_t ram = s.mr->ram->offset + (ram_t)(s.host - s.mr->ram->host);
    // Code is tracked by pages of RAM: one that is mapped over two guest pages is left to the piecewise path.
    if (ram & ~PAGE_MASK)
        return b;
    b.ram = ram;
    b.before = s.before & PAGE_MASK;
    b.after = (s.len & PAGE_MASK) - PAGE_SIZE;
    b.host = tlb_section_host(tlb, &s);
    if (may & IOMMU_RO)
        b.flags[ACCESS_READ] = b.flags[ACCESS_FETCH] = 0;
    if (!(may & IOMMU_WO))
        return b; // the access itself is refused piece by piece
    if (s.direct_write)
        b.flags[ACCESS_WRITE] = tlb_ram_is_dirty(tlb, ram) ? 0 : TLB_NOTDIRTY;
    else if (s.readonly)
        b.flags[ACCESS_WRITE] = TLB_DISCARD;
    return b;
}

static void log_fill(gva_t va, MemAccess access, unsigned mmu, const TlbTranslation *tr, const uint64_t *cmp)
{
    unsigned flags = 0;
    for (unsigned k = 0; k < ACCESS_KINDS; k++)
        flags |= cmp[k] == TLB_EMPTY ? 0 : cmp[k] & ~PAGE_MASK;
    log_printf(
        "mmu: fill %s mmu %u va 0x%" G_GINT64_MODIFIER "x pa 0x%" G_GINT64_MODIFIER "x %c%c%c%s%s%s%s\n",
        access_names[access], mmu, va, tr->page | (va & ~PAGE_MASK), tr->allow[ACCESS_READ] ? 'r' : '-',
        tr->allow[ACCESS_WRITE] ? 'w' : '-', tr->allow[ACCESS_FETCH] ? 'x' : '-',
        flags & TLB_MMIO ? " mmio" : "", flags & TLB_DISCARD ? " rom" : "",
        flags & TLB_NOTDIRTY ? " code" : "", flags & TLB_INVALID ? " partial" : "");
}

static void tap_page(Tap *tap, gva_t va, const TlbTranslation *tr)
{
    unsigned flags = (tr->allow[ACCESS_READ] ? TAP_PAGE_READ : 0) | (tr->allow[ACCESS_WRITE] ? TAP_PAGE_WRITE : 0) |
                     (tr->allow[ACCESS_FETCH] ? TAP_PAGE_EXEC : 0) | (tr->global ? TAP_PAGE_GLOBAL : 0);
    tap_event(tap, TAP_PAGE, (va & PAGE_MASK) | flags, MAX(tr->large_bits, PAGE_BITS));
}

// A page may lie in at most one place: the victims lose it before the main slot gets it.
static void drop_victims(TlbTable *t, gva_t page)
{
    for (unsigned v = 0; v < TLB_VICTIMS; v++) {
        if (tlb_entry_page(&t->victim[v]) == page)
            tlb_entry_clear(&t->victim[v]);
    }
}

static void evict(Tlb *tlb, unsigned mmu, const TlbEntry *e, const TlbCold *cold)
{
    TlbTable *t = tlb->table[mmu];
    unsigned v = t->next_victim++ % TLB_VICTIMS;
    tlb->stats.evict[mmu]++;
    t->evictions++;
    tlb->stats.victim_drop[mmu] += tlb_entry_page(&t->victim[v]) != TLB_EMPTY;
    if (tlb->causes && tlb_entry_page(&t->victim[v]) != TLB_EMPTY)
        tlb_causes_dropped(tlb, mmu, tlb_entry_page(&t->victim[v]));
    t->victim[v] = *e;
    t->victim_cold[v] = *cold;
}

static bool fill(Tlb *tlb, gva_t va, unsigned size, MemAccess access, unsigned mmu, MemFault *fault)
{
    TlbTranslation tr = {0};
    gva_t page = va & PAGE_MASK;
    if (!tlb->hooks.translate(tlb->hooks.opaque, va, size, access, mmu, &tr, fault)) {
        if (log_on(LOG_MMU))
            log_printf("mmu: fault %s mmu %u va 0x%" G_GINT64_MODIFIER "x %s\n", access_names[access], mmu,
                       va, fault_names[fault->kind]);
        return false;
    }
    g_assert(tr.allow[access] && !(tr.page & ~PAGE_MASK) && tr.large_bits < 64);
    if (tlb->tap && tr.translated)
        tap_page(tlb->tap, va, &tr);
    Backing b = find_backing(tlb, tr.page);

    // The table is looked at only now: translation may have led to a flush.
    TlbTable *t = tlb->table[mmu];
    TlbEntry *e = tlb_slot(t, va);
    TlbCold *cold = &t->cold[e - t->entries];
    drop_victims(t, page);
    uint64_t old = tlb_entry_page(e);
    if (old == TLB_EMPTY)
        t->used++;
    else if (old != page)
        evict(tlb, mmu, e, cold);
    for (unsigned k = 0; k < ACCESS_KINDS; k++)
        e->cmp[k] = tr.allow[k] ? page | b.flags[k] | (tr.whole_page ? 0 : TLB_INVALID) : TLB_EMPTY;
    if (tlb->watches)
        tlb_watch_flag(tlb, e);
    e->addend = (uint64_t)(uintptr_t)b.host - page;
    *cold = (TlbCold){tr.page | (tr.global ? TLB_COLD_GLOBAL : 0) | tr.large_bits, b.ram};
    if (b.device) {
        e->addend = (uint64_t)(uintptr_t)b.device;
        *cold = (TlbCold){cold->pa | TLB_COLD_DEVICE, b.offset};
    }
    t->dirty = true;
    if (tlb->runs && !tlb->watches && b.host && b.flags[ACCESS_WRITE] != TLB_DISCARD)
        tlb_run_add(tlb, mmu, e, cold, &tr, b.before, b.after);
    if (tr.large_bits) {
        addr_ranges_add(&t->large, va, tr.large_bits);
        t->large_bits = MAX(t->large_bits, tr.large_bits);
    }
    if (log_on(LOG_MMU))
        log_fill(va, access, mmu, &tr, e->cmp);
    return true;
}

// R5.10: an exact match among the victims changes places with the main slot.
static bool take_victim(TlbTable *t, gva_t page, MemAccess access)
{
    for (unsigned v = 0; v < TLB_VICTIMS; v++) {
        if (t->victim[v].cmp[access] != page)
            continue;
        TlbEntry *e = tlb_slot(t, page);
        TlbCold *cold = &t->cold[e - t->entries];
        TlbEntry entry = *e;
        TlbCold entry_cold = *cold;
        t->used += tlb_entry_page(e) == TLB_EMPTY;
        *e = t->victim[v];
        *cold = t->victim_cold[v];
        t->victim[v] = entry;
        t->victim_cold[v] = entry_cold;
        return true;
    }
    return false;
}

static uint64_t *flag_counter(TlbCounters *c, uint64_t flags)
{
    if (flags & TLB_MMIO)
        return &c->slow_mmio;
    if (flags & TLB_DISCARD)
        return &c->slow_discard;
    if (flags & TLB_NOTDIRTY)
        return &c->slow_notdirty;
    return flags & TLB_WATCH ? &c->slow_watch : &c->hit;
}

// The counter that a lookup of this page was taken back from, or NULL. tlb->miss: what goes with it.
static uint64_t *deferred_counter(Tlb *tlb, gva_t page, const TlbCounters *c)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(tlb->deferred); i++) {
        TlbDeferred *d = &tlb->deferred[i];
        if (d->page == page && d->counter >= &c->hit && d->counter < &c->hit + sizeof *c / sizeof c->hit) {
            uint64_t *counter = d->counter;
            d->counter = NULL;
            tlb->miss = d->miss;
            return counter;
        }
    }
    return NULL;
}

// The same for what the table does not have, and keeps the cause in tlb->miss.
static bool __attribute__((noinline)) fill_missing(Tlb *tlb, gva_t va, unsigned size, MemAccess access,
                                                   unsigned mmu, MemFault *fault)
{
    gva_t page = va & PAGE_MASK;
    tlb->miss = tlb_miss_begin(tlb, page, access, mmu);
    bool ok = fill(tlb, va, size, access, mmu, fault);
    if (ok) {
        const TlbTable *t = tlb->table[mmu];
        tlb_miss_filled(tlb, &tlb->miss, page, mmu, &t->cold[tlb_slot(t, va) - t->entries]);
    }
    if (tlb->tap) {
        uint32_t cause = ok ? tlb->miss.cause : TLB_MISS_FAULT;
        tap_event(tlb->tap, TAP_HOST_MISS, va, (uint32_t)access | cause << 2);
    }
    return ok;
}

static bool is_miss(const TlbCounters *c, const uint64_t *counter)
{
    return counter == &c->fill_ok || counter == &c->fill_fault;
}

// The cause, in tlb->miss, of a lookup that was counted just now, if that is a miss.
static void __attribute__((noinline)) count_cause(Tlb *tlb, const TlbLook *look, MemAccess access)
{
    if (is_miss(&tlb->stats.kind[look->mmu][access], look->counter))
        tlb_miss_count(tlb, &tlb->miss, look->mmu, access, 1);
}

static bool __attribute__((noinline)) refuse(Tlb *tlb, gva_t va, MemAccess access, unsigned mmu, uint64_t *counter,
                                             TlbLook *out)
{
    out->counter = counter;
    out->mmu = mmu;
    out->miss = tlb->miss;
    if (tlb->causes)
        count_cause(tlb, out, access);
    if (tlb->tap && access != ACCESS_FETCH) // who fetches may only be looking
        tap_refused(tlb->tap, va, access);
    return false;
}

bool tlb_lookup(Tlb *tlb, gva_t va, unsigned size, MemAccess access, TlbLook *out, MemFault *fault)
{
    unsigned mmu = access == ACCESS_FETCH ? tlb->fetch_mmu : tlb->data_mmu;
    TlbCounters *c = &tlb->stats.kind[mmu][access];
    TlbTable *t = tlb->table[mmu];
    gva_t page = va & PAGE_MASK;
    uint64_t cmp = tlb_slot(t, va)->cmp[access];
    uint64_t *counter;
    bool ok = true;

    if (cmp == page) {
        counter = &c->hit;
    } else if (tlb_cmp_is(cmp, page)) {
        counter = cmp & TLB_INVALID ? &c->slow_recheck : flag_counter(c, cmp);
        if (cmp & TLB_INVALID)
            ok = fill(tlb, va, size, access, mmu, fault);
    } else if (take_victim(t, page, access)) {
        counter = &c->victim_hit;
        tlb->table[mmu]->evictions++; // a conflict too: a larger table may not have it
    } else {
        ok = tlb->causes ? fill_missing(tlb, va, size, access, mmu, fault) : fill(tlb, va, size, access, mmu, fault);
        counter = ok ? &c->fill_ok : &c->fill_fault;
    }
    uint64_t *before = ok ? deferred_counter(tlb, page, c) : NULL;
    if (before)
        counter = before;
    ++*counter;
    if (!ok)
        return refuse(tlb, va, access, mmu, counter, out);

    const TlbEntry *e = tlb_slot(t, va);
    const TlbCold *cold = &t->cold[e - t->entries];
    bool device = cold->pa & TLB_COLD_DEVICE;
    *out = (TlbLook){
        .va = va,
        .pa = tlb_cold_page(cold) + (va & ~PAGE_MASK),
        .large_bits = tlb_cold_bits(cold),
        .global = cold->pa & TLB_COLD_GLOBAL,
        .host = (uint8_t *)(uintptr_t)(e->addend + va),
        .ram = cold->ram + (va & ~PAGE_MASK),
        .device = device ? (MemoryRegion *)(uintptr_t)e->addend : NULL,
        .offset = cold->ram + (va & ~PAGE_MASK),
        .flags = (unsigned)(e->cmp[access] & ~PAGE_MASK),
        .mmu = mmu,
        .counter = counter,
        .miss = tlb->miss,
    };
    if (tlb->causes)
        count_cause(tlb, out, access);
    return true;
}

void tlb_uncount(Tlb *tlb, const TlbLook *look, MemAccess access)
{
    --*look->counter;
    if (tlb->causes && is_miss(&tlb->stats.kind[look->mmu][access], look->counter))
        tlb_miss_count(tlb, &look->miss, look->mmu, access, -1);
}

void tlb_defer(Tlb *tlb, const TlbLook *look, MemAccess access, unsigned n)
{
    tlb_uncount(tlb, look, access);
    if (n == 0)
        tlb->deferred[1].counter = NULL; // of an earlier access
    tlb->deferred[n] = (TlbDeferred){look->va & PAGE_MASK, look->counter, look->miss};
}

void tlb_recount(Tlb *tlb, MemAccess access)
{
    const TlbCounters *c = &tlb->stats.kind[tlb->data_mmu][access];
    uint64_t *counter = deferred_counter(tlb, tlb->deferred[0].page, c);
    if (!counter)
        return;
    ++*counter;
    if (tlb->causes && is_miss(c, counter))
        tlb_miss_count(tlb, &tlb->miss, tlb->data_mmu, access, 1);
}

void tlb_clear_notdirty(Tlb *tlb, const TlbLook *look)
{
    TlbTable *t = tlb->table[look->mmu];
    TlbEntry *e = tlb_slot(t, look->va);
    if (tlb_cmp_is(e->cmp[ACCESS_WRITE], look->va & PAGE_MASK) &&
        t->cold[e - t->entries].ram == (look->ram & PAGE_MASK))
        e->cmp[ACCESS_WRITE] &= ~(uint64_t)TLB_NOTDIRTY;
}
