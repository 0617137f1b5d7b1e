// SPDX-License-Identifier: GPL-3.0-or-later
// info mem and info tlb: what is mapped, and what the TLB has of it (memory/spec.md 5, 6.9).
#include "frontend/mmu_list.h"
#include "machine/monitor/monitor_private.h"
#include "softmmu/tlb_list.h"

#include <inttypes.h>

static void print_mapping(void *opaque, const HartMapping *m)
{
    char attr[8];
    hart_print_flags(m->flags, attr);
    monitor_printf(opaque, "%016" PRIx64 " %016" PRIx64 " %016" PRIx64 " %s\n", m->va, m->pa, m->size, attr);
}

static void mem(Monitor *mon, const char *arguments G_GNUC_UNUSED)
{
    const Hart *hart = &monitor_cpu(mon)->hart;
    if (hart_data_mmu(hart) == TLB_MMU_INDEXES - 1 || !(hart->satp >> 60)) {
        monitor_printf(mon, "No translation or protection\n");
        return;
    }
    monitor_printf(mon, "vaddr            paddr            size             attr\n"
                        "---------------- ---------------- ---------------- -------\n");
    if (!hart_each_mapping(hart, print_mapping, mon))
        monitor_printf(mon, "... there is more than is looked at\n");
}

static void collect(void *opaque, const TlbListed *entry)
{
    g_array_append_val(opaque, *entry);
}

static int64_t order(const TlbListed *a, const TlbListed *b)
{
    if (a->mmu != b->mmu)
        return (int64_t)a->mmu - b->mmu;
    if (a->current != b->current)
        return a->current ? -1 : 1;
    if (a->asid != b->asid)
        return (int64_t)a->asid - b->asid;
    return a->va < b->va ? -1 : a->va > b->va;
}

static int compare(const void *a, const void *b)
{
    int64_t d = order(a, b);
    return d < 0 ? -1 : d > 0;
}

static void print_entry(Monitor *mon, const TlbListed *e)
{
    static const char *const indexes[TLB_MMU_INDEXES] = {"U", "S", "S+SUM", "M"};
    monitor_printf(mon, "%-5s %4x%c %016" PRIx64 " %016" PRIx64 " %c%c%c ", indexes[e->mmu], e->asid,
                   e->current ? ' ' : '-', e->va, e->pa, e->allow[ACCESS_READ] ? 'r' : '-',
                   e->allow[ACCESS_WRITE] ? 'w' : '-', e->allow[ACCESS_FETCH] ? 'x' : '-');
    if (e->host)
        monitor_printf(mon, "%016" PRIxPTR, (uintptr_t)e->host);
    else
        monitor_printf(mon, "%-16s", "-");
    monitor_printf(mon, "%s%s%s%s%s%s%s", e->flags & TLB_MMIO ? " mmio" : "", e->flags & TLB_DISCARD ? " rom" : "",
                   e->flags & TLB_NOTDIRTY ? " code" : "", e->flags & TLB_INVALID ? " partial" : "",
                   e->flags & TLB_WATCH ? " watched" : "", e->global ? " global" : "", e->victim ? " victim" : "");
    if (e->large_bits)
        monitor_printf(mon, " of 2^%u", e->large_bits);
    monitor_printf(mon, "\n");
}

static void tlb(Monitor *mon, const char *arguments G_GNUC_UNUSED)
{
    g_autoptr(GArray) entries = g_array_new(FALSE, FALSE, sizeof(TlbListed));
    tlb_each_entry(monitor_cpu(mon)->tlb, collect, entries);
    g_array_sort(entries, compare);
    monitor_printf(mon, "index asid  vaddr            paddr            att host             flags\n"
                        "----- ----- ---------------- ---------------- --- ---------------- -----\n");
    for (guint i = 0; i < entries->len; i++)
        print_entry(mon, &g_array_index(entries, TlbListed, i));
}

const MonitorCommand commands_paging[] = {
    {"info mem", "", "show what the page tables map", true, mem},
    {"info tlb", "", "show the entries of the TLB; - behind asid: of an address space that was left", true, tlb},
    {NULL},
};
