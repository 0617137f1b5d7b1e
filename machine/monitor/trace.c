// SPDX-License-Identifier: GPL-3.0-or-later
// trace gva: tells of each load and store of some bytes how its address was translated (memory/spec.md 6.9).
//
// The harts write the lines, in the middle of their instruction; the main loop passes them on. A hart never waits for
// that: what nobody takes in time is lost, and counted.
#include "frontend/mmu_list.h"
#include "machine/monitor/expression.h"
#include "machine/monitor/monitor_private.h"

#include <inttypes.h>
#include <string.h>

#define PENDING_MAX (4u << 20) // bytes

typedef struct {
    gva_t va;
    uint64_t len;
} Traced;

typedef struct {
    MonitorTrace *trace;
    Cpu *cpu;
} TracedHart;

struct MonitorTrace {
    Machine *m;
    Monitor *to;    // who asked last
    GArray *ranges; // of Traced
    TracedHart *harts;
    GMutex lock; // the rest
    GString *lines;
    uint64_t lost;
    guint source; // of the main loop, which will take them; 0: none
};

static void take_lines(MonitorTrace *t)
{
    g_mutex_lock(&t->lock);
    g_autoptr(GString) lines = t->lines;
    t->lines = g_string_new(NULL);
    if (t->lost)
        g_string_append_printf(lines, "... %" PRIu64 " accesses were not told of\n", t->lost);
    t->lost = 0;
    t->source = 0;
    g_mutex_unlock(&t->lock);
    channel_write(t->to->channel, lines->str, lines->len);
}

static gboolean on_lines(gpointer opaque)
{
    take_lines(opaque);
    return G_SOURCE_REMOVE;
}

static void print_step(GString *out, const HartWalkStep *s)
{
    g_string_append_printf(out, "  level %u: vpn 0x%03x, pte @0x%" PRIx64 " = 0x%" PRIx64, s->level, s->vpn,
                           s->pte_addr, s->pte);
    if (s->kind == HART_WALK_TABLE) {
        g_string_append_printf(out, " -> table 0x%" PRIx64 "\n", s->next);
        return;
    }
    char attr[8]; // rwxugad
    hart_print_flags((unsigned)s->pte & 0xff, attr);
    if (s->kind != HART_WALK_LEAF) {
        g_string_append(out, " -> invalid\n"); // by now: another hart has changed it
        return;
    }
    g_string_append_printf(out, " -> leaf  0x%" PRIx64 " %.3s", s->next, attr);
    for (unsigned i = 3; i < 7; i++)
        if (attr[i] != '-')
            g_string_append_printf(out, " %c", g_ascii_toupper(attr[i]));
    g_string_append_c(out, '\n');
}

static void print_translation(GString *out, const Hart *hart, const TlbWatched *it)
{
    HartWalkStep steps[HART_WALK_STEPS];
    if (it->found != TLB_FILLED) {
        g_string_append_printf(out, "  tlb hit %s\n", it->found == TLB_FOUND ? "main" : "victim");
        return;
    }
    unsigned n = hart_data_mmu(hart) == TLB_MMU_INDEXES - 1 ? 0 : hart_walk(hart, it->va, steps);
    if (!n)
        g_string_append(out, "  no page tables\n");
    for (unsigned i = 0; i < n; i++)
        print_step(out, &steps[i]);
}

static void print_access(GString *out, Cpu *cpu, const TlbWatched *it)
{
    g_string_append_printf(out, "hart %" PRIu64 " pc 0x%" PRIx64 " %s of %u at GVA 0x%" PRIx64 "\n",
                           cpu->hart.hartid, cpu->hart.env.pc, it->access == ACCESS_READ ? "load" : "store", it->size,
                           it->va);
    print_translation(out, &cpu->hart, it);
    memory_lock();
    MemorySection s = address_space_lookup(board_cpu_memory(cpu->board, (unsigned)cpu->hart.hartid), it->pa);
    g_string_append_printf(out, "  GVA 0x%" PRIx64 " GPA 0x%" PRIx64 " (%s + 0x%" PRIx64 ") HVA ", it->va, it->pa,
                           s.mr ? s.mr->name : "unassigned", s.mr ? s.offset : it->pa);
    memory_unlock();
    if (it->host)
        g_string_append_printf(out, "%p", (const void *)it->host);
    else
        g_string_append(out, "-");
    g_string_append_printf(out, ", value 0x%0*" PRIx64 "\n", (int)it->size * 2, it->value);
}

// Others watch bytes too. The ranges change only while no hart runs.
static bool is_traced(const MonitorTrace *t, const TlbWatched *it)
{
    for (guint i = 0; i < t->ranges->len; i++) {
        const Traced *r = &g_array_index(t->ranges, Traced, i);
        if (it->va - r->va < r->len || r->va - it->va < it->size)
            return true;
    }
    return false;
}

// On the hart's thread.
static void on_access(void *opaque, const TlbWatched *it)
{
    const TracedHart *h = opaque;
    MonitorTrace *t = h->trace;
    if (!is_traced(t, it))
        return;
    g_autoptr(GString) text = g_string_new(NULL);
    print_access(text, h->cpu, it);
    g_mutex_lock(&t->lock);
    if (t->lines->len > PENDING_MAX)
        t->lost++;
    else
        g_string_append_len(t->lines, text->str, (gssize)text->len);
    if (!t->source)
        t->source = g_idle_add_full(G_PRIORITY_DEFAULT, on_lines, t, NULL);
    g_mutex_unlock(&t->lock);
}

static unsigned harts_of(const MonitorTrace *t)
{
    return board_harts(machine_board(t->m));
}

static MonitorTrace *trace_new(Monitor *mon)
{
    MonitorTrace *t = g_new0(MonitorTrace, 1);
    t->m = mon->m;
    t->ranges = g_array_new(FALSE, FALSE, sizeof(Traced));
    t->lines = g_string_new(NULL);
    g_mutex_init(&t->lock);
    t->harts = g_new0(TracedHart, harts_of(t));
    for (unsigned i = 0; i < harts_of(t); i++) {
        t->harts[i] = (TracedHart){t, machine_cpu(t->m, i)};
        tlb_set_watch_hook(t->harts[i].cpu->tlb, on_access, &t->harts[i]);
    }
    return t;
}

static void add_range(MonitorTrace *t, Traced r)
{
    g_array_append_val(t->ranges, r);
    for (unsigned i = 0; i < harts_of(t); i++)
        tlb_watch(t->harts[i].cpu->tlb, r.va, r.len, true, true);
}

static void drop_ranges(MonitorTrace *t)
{
    for (guint k = 0; k < t->ranges->len; k++) {
        const Traced *r = &g_array_index(t->ranges, Traced, k);
        for (unsigned i = 0; i < harts_of(t); i++)
            tlb_unwatch(t->harts[i].cpu->tlb, r->va, r->len, true, true);
    }
    g_array_set_size(t->ranges, 0);
}

void monitor_trace_free(MonitorTrace *t)
{
    if (!t)
        return;
    drop_ranges(t);
    for (unsigned i = 0; i < harts_of(t); i++)
        tlb_set_watch_hook(t->harts[i].cpu->tlb, NULL, NULL);
    if (t->source)
        g_source_remove(t->source);
    take_lines(t);
    g_array_free(t->ranges, TRUE);
    g_string_free(t->lines, TRUE);
    g_free(t->harts);
    g_mutex_clear(&t->lock);
    g_free(t);
}

static void list(Monitor *mon)
{
    const MonitorTrace *t = mon->set->trace;
    for (guint i = 0; t && i < t->ranges->len; i++) {
        const Traced *r = &g_array_index(t->ranges, Traced, i);
        monitor_printf(mon, "trace gva 0x%" PRIx64 ",%" PRIu64 "\n", r->va, r->len);
    }
    if (!t || !t->ranges->len)
        monitor_printf(mon, "nothing is traced\n");
}

// "ADDR[,LEN]".
static void trace_gva(Monitor *mon, const char *arguments)
{
    Traced r = {.len = 1};
    g_autoptr(GError) error = NULL;
    Cpu *cpu = monitor_cpu(mon);
    bool ok = expression_value(cpu, &arguments, &r.va, &error);
    if (ok && *arguments == ',') {
        arguments++;
        ok = expression_value(cpu, &arguments, &r.len, &error);
    }
    if (!ok) {
        monitor_printf(mon, "%s\n", error->message);
    } else if (*arguments) {
        monitor_printf(mon, "what is '%s'?\n", arguments);
    } else if (!r.len || r.va + (r.len - 1) < r.va) {
        monitor_printf(mon, "the bytes to trace are none, or go beyond the end of the address space\n");
    } else {
        if (!mon->set->trace)
            mon->set->trace = trace_new(mon);
        mon->set->trace->to = mon;
        add_range(mon->set->trace, r);
    }
}

static void trace(Monitor *mon, const char *arguments)
{
    bool gva = g_str_has_prefix(arguments, "gva") && (!arguments[3] || strchr(" \t", arguments[3]));
    if (!*arguments || !strcmp(arguments, "gva"))
        list(mon);
    else if (gva)
        trace_gva(mon, arguments + 4);
    else if (!strcmp(arguments, "off") && mon->set->trace)
        drop_ranges(mon->set->trace);
    else if (strcmp(arguments, "off"))
        monitor_printf(mon, "trace takes 'gva ADDR[,LEN]' or 'off', not '%s'\n", arguments);
}

const MonitorCommand commands_trace[] = {
    {"trace", "[gva ADDR[,LEN]|off]",
     "tell of each load and store of these bytes how its address is translated; off: of none; alone: list them", true,
     trace},
    {NULL},
};
