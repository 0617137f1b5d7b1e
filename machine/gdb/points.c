// SPDX-License-Identifier: GPL-3.0-or-later
// Breakpoints and watchpoints: what the debugger has set, and what engines and TLBs know of it.
//
// gdb takes everything away at each stop and sets it again when it goes on, so engines and TLBs are told when harts are
// about to run, of what is different then. A step does not look at breakpoints in engines, and watched bytes are looked
// up here too, so what is too much may stay while harts only step.
#include "machine/gdb/gdb_private.h"

#include "backend/breakpoints.h"

#define POINTS_MAX 4096
enum { ERROR_FULL = 28, ERROR_INVALID = 22 };

static const Point *point(const GArray *points, guint i)
{
    return &g_array_index(points, Point, i);
}

static bool same(const Point *a, const Point *b)
{
    return a->kind == b->kind && a->addr == b->addr && a->len == b->len;
}

static int find(const GArray *points, const Point *p)
{
    for (guint i = 0; i < points->len; i++)
        if (same(point(points, i), p))
            return (int)i;
    return -1;
}

const Point *gdb_point_hit(const Gdb *g, Cpu *cpu)
{
    for (guint i = 0; i < g->points->len; i++) {
        const Point *p = point(g->points, i);
        if (p->kind <= POINT_HARDWARE && p->addr == cpu->hart.env.pc && gdb_conditions_hold(p->conditions, cpu))
            return p;
    }
    return NULL;
}

// "TYPE,ADDR,KIND", and conditions behind that. False: an answer has been given.
static bool parse(Gdb *g, const char *args, Point *p)
{
    uint64_t kind;
    p->conditions = NULL;
    if (!packet_number_then(&args, ',', &kind) || !packet_number_then(&args, ',', &p->addr) ||
        !packet_number(&args, &p->len)) {
        gdb_reply_error(g, ERROR_INVALID);
        return false;
    }
    if (kind >= POINT_KINDS) // it is told by an empty answer that there are none of those
        return false;
    p->kind = (PointKind)kind;
    if (p->kind <= POINT_HARDWARE)
        p->len = 0; // of the instruction, of no account
    bool ok = p->kind <= POINT_HARDWARE ? gdb_conditions_parse(args, &p->conditions)
                                        : !*args && p->len && p->addr + (p->len - 1) >= p->addr;
    if (!ok)
        gdb_reply_error(g, ERROR_INVALID);
    return ok;
}

static void forget(gpointer p)
{
    g_clear_pointer(&((Point *)p)->conditions, g_ptr_array_unref);
}

void gdb_point_insert(Gdb *g, const char *args)
{
    Point p;
    if (!parse(g, args, &p))
        return;
    int i = find(g->points, &p);
    if (i < 0 && g->points->len == POINTS_MAX) {
        forget(&p);
        gdb_reply_error(g, ERROR_FULL);
        return;
    }
    if (i < 0) {
        g_array_append_val(g->points, p);
    } else { // with other conditions
        Point *old = &g_array_index(g->points, Point, i);
        forget(old);
        *old = p;
    }
    gdb_reply_ok(g);
}

void gdb_point_remove(Gdb *g, const char *args)
{
    Point p;
    if (!parse(g, args, &p))
        return;
    int i = find(g->points, &p);
    if (i >= 0)
        g_array_remove_index(g->points, (guint)i);
    forget(&p);
    gdb_reply_ok(g);
}

// --- watched bytes -------------------------------------------------------------------------------------------

static bool concerns(const Point *p, const TlbAsked *it)
{
    bool kind = (p->kind == POINT_WRITE && it->writes) || (p->kind == POINT_READ && it->reads) ||
                p->kind == POINT_ACCESS;
    return kind && (it->va - p->addr < p->len || p->addr - it->va < it->size);
}

// The TLBs' guard, on a hart's thread. False: the hart stops in front of the access.
static bool guard(void *opaque, const TlbAsked *it)
{
    GdbHart *h = opaque;
    const Gdb *g = h->g;
    for (guint i = 0; i < g->points->len; i++) {
        const Point *p = point(g->points, i);
        if (p->kind >= POINT_WRITE && concerns(p, it)) {
            uint64_t addr = it->va - p->addr < p->len ? it->va : p->addr;
            h->seen = (Stop){STOP_WATCH, (unsigned)(h - g->harts), p->kind, addr};
            return false;
        }
    }
    return true;
}

// What an AMO reads counts as written for the TLB, so who watches reads is asked about both.
static void watch(Gdb *g, const Point *p, bool on)
{
    bool reads = p->kind != POINT_WRITE;
    for (unsigned i = 0; i < gdb_n_harts(g); i++) {
        Tlb *tlb = machine_cpu(g->m, i)->tlb;
        if (on)
            tlb_watch(tlb, p->addr, p->len, reads, true);
        else
            tlb_unwatch(tlb, p->addr, p->len, reads, true);
    }
}

static void apply_watches(Gdb *g, bool keep)
{
    for (guint i = g->watches->len; i-- && !keep;) {
        if (find(g->points, point(g->watches, i)) >= 0)
            continue;
        watch(g, point(g->watches, i), false);
        g_array_remove_index(g->watches, i);
    }
    for (guint i = 0; i < g->points->len; i++) {
        Point p = *point(g->points, i);
        if (p.kind < POINT_WRITE || find(g->watches, &p) >= 0)
            continue;
        watch(g, &p, true);
        g_array_append_val(g->watches, p);
    }
}

// --- breakpoints ---------------------------------------------------------------------------------------------

static int compare(gconstpointer p, gconstpointer q)
{
    const uint64_t *a = p, *b = q;
    return *a < *b ? -1 : *a > *b;
}

static void apply_breakpoints(Gdb *g)
{
    g_autoptr(GArray) pcs = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    for (guint i = 0; i < g->points->len; i++)
        if (point(g->points, i)->kind <= POINT_HARDWARE)
            g_array_append_val(pcs, point(g->points, i)->addr);
    g_array_sort(pcs, compare);
    uint64_t *pc = (uint64_t *)(void *)pcs->data;
    unsigned n = 0;
    for (guint i = 0; i < pcs->len; i++)
        if (!n || pc[n - 1] != pc[i])
            pc[n++] = pc[i];
    for (unsigned i = 0; i < gdb_n_harts(g); i++)
        engine_set_breakpoints(machine_cpu(g->m, i)->engine, pc, n);
}

void gdb_points_apply(Gdb *g, bool steps_only)
{
    apply_watches(g, steps_only);
    if (!steps_only)
        apply_breakpoints(g);
}

void gdb_points_clear(Gdb *g)
{
    g_array_set_size(g->points, 0);
}

void gdb_points_free(Gdb *g)
{
    for (unsigned i = 0; i < gdb_n_harts(g); i++)
        tlb_set_guard(machine_cpu(g->m, i)->tlb, NULL, NULL);
    g_array_free(g->points, TRUE);
    g_array_free(g->watches, TRUE);
}

void gdb_points_new(Gdb *g)
{
    g->points = g_array_new(FALSE, FALSE, sizeof(Point));
    g_array_set_clear_func(g->points, forget);
    g->watches = g_array_new(FALSE, FALSE, sizeof(Point));
    for (unsigned i = 0; i < gdb_n_harts(g); i++)
        tlb_set_guard(machine_cpu(g->m, i)->tlb, guard, &g->harts[i]);
}
