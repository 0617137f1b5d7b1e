// SPDX-License-Identifier: GPL-3.0-or-later
// From a hart that has to stop to a machine that stands and a debugger that knows why.
#include "machine/gdb/gdb_private.h"

#include "backend/breakpoints.h"
#include <inttypes.h>

#define RETRY_MS 100
enum { SIGNAL_INT = 2, SIGNAL_TRAP = 5 }; // gdb's numbers

bool gdb_holds(const Gdb *g, unsigned hart)
{
    return g_atomic_int_get(&g->harts[hart].action) == HART_HELD;
}

bool gdb_steps(const Gdb *g, unsigned hart)
{
    return g->harts[hart].action == HART_STEPS || g->harts[hart].passes;
}

bool gdb_takes_interrupts(const Gdb *g, unsigned hart)
{
    const GdbHart *h = &g->harts[hart];
    return !h->passes && (h->action != HART_STEPS || !(g->sstep & SSTEP_NOIRQ));
}

bool gdb_has_seen(const Gdb *g, unsigned hart)
{
    return g->harts[hart].seen.why;
}

// --- the harts' threads --------------------------------------------------------------------------------------

// What the end of a slice is for the debugger; STOP_NONE: nothing.
static Stop stop_of(const Gdb *g, GdbHart *h, unsigned hart, bool stepped)
{
    Cpu *cpu = machine_cpu(g->m, hart);
    uint64_t pc = cpu->hart.env.pc;
    h->passes = false;
    if (h->seen.why)
        return h->seen;
    bool done = stepped && h->action == HART_STEPS, inside = done && pc - h->from < h->to - h->from;
    if (done && !inside)
        return (Stop){STOP_STEP, hart, 0, 0};
    bool there = engine_at_breakpoint(cpu->engine);
    const Point *p = inside || there ? gdb_point_hit(g, cpu) : NULL;
    h->passes = there && !p;
    return p ? (Stop){STOP_BREAKPOINT, hart, p->kind, 0} : (Stop){STOP_NONE, hart, 0, 0};
}

static gboolean on_report(gpointer opaque);

void gdb_slice_done(Gdb *g, unsigned hart, bool stepped)
{
    Machine *m = g->m;
    GdbHart *h = &g->harts[hart];
    Stop stop = stop_of(g, h, hart, stepped);
    h->seen.why = STOP_NONE;
    if (!stop.why)
        return;
    Runner *r = &m->runners[m->n_runners > 1 ? hart : 0];
    exclusive_leave(&m->exclusive);
    g_mutex_lock(&m->lock);
    h->stop = stop;
    h->waits = true;
    if (!g->stopping)
        g->stopping = g_idle_add_full(G_PRIORITY_HIGH, on_report, g, NULL);
    while (h->waits && !g_atomic_int_get(&m->stop))
        g_cond_wait(&r->wake, &m->lock);
    h->waits = false;
    g_mutex_unlock(&m->lock);
    exclusive_enter(&m->exclusive); // when the machine goes on
}

// --- the main thread -----------------------------------------------------------------------------------------

// The report to tell of, by harts in turn; those that wait need not any more. What the others have seen they will see
// again.
static Stop take_reports(Gdb *g)
{
    Machine *m = g->m;
    Stop stop = {STOP_NONE, 0, 0, 0};
    g_mutex_lock(&m->lock);
    for (unsigned i = 0; i < gdb_n_harts(g); i++) {
        GdbHart *h = &g->harts[(g->next_report + i) % gdb_n_harts(g)];
        if (h->waits && !stop.why)
            stop = h->stop;
        h->waits = h->passes = false;
    }
    for (unsigned i = 0; i < m->n_runners; i++)
        g_cond_signal(&m->runners[i].wake);
    if (g->stopping)
        g_source_remove(g->stopping);
    g->stopping = 0;
    g_mutex_unlock(&m->lock);
    return stop;
}

static const char *const watch_names[POINT_KINDS] = {[POINT_WRITE] = "watch", [POINT_READ] = "rwatch",
                                                     [POINT_ACCESS] = "awatch"};

void gdb_stop_text(const Gdb *g, GString *out)
{
    const Stop *s = &g->stop;
    g_string_append_printf(out, "T%02xthread:%x;", s->why == STOP_INTERRUPT ? SIGNAL_INT : SIGNAL_TRAP, s->hart + 1);
    if (s->why == STOP_WATCH)
        g_string_append_printf(out, "%s:%" PRIx64 ";", watch_names[s->kind], s->addr);
    else if (s->why == STOP_BREAKPOINT && s->kind == POINT_SOFTWARE && g->swbreak)
        g_string_append(out, "swbreak:;");
    else if (s->why == STOP_BREAKPOINT && s->kind == POINT_HARDWARE && g->hwbreak)
        g_string_append(out, "hwbreak:;");
}

void gdb_on_stop(Gdb *g)
{
    Stop stop = take_reports(g);
    if (!stop.why)
        stop = (Stop){STOP_INTERRUPT, g->hart, 0, 0};
    else
        g->next_report = stop.hart + 1;
    g->stop = stop;
    g->hart = g->run_hart = stop.hart;
    if (!g->resumed)
        return;
    g->resumed = false;
    g_autoptr(GString) text = g_string_new(NULL);
    gdb_stop_text(g, text);
    gdb_send(g, text->str, text->len);
}

// Until it works: a hart may wait inside an instruction for what the user types.
static gboolean try_to_stop(gpointer opaque)
{
    Gdb *g = opaque;
    Machine *m = g->m;
    g_mutex_lock(&m->lock);
    g->stopping = 0; // this source's number
    g_mutex_unlock(&m->lock);
    if (!machine_stop(m)) {
        g_mutex_lock(&m->lock);
        if (!g->stopping)
            g->stopping = g_timeout_add(RETRY_MS, try_to_stop, g);
        g_mutex_unlock(&m->lock);
    }
    return G_SOURCE_REMOVE;
}

static gboolean on_report(gpointer opaque)
{
    return try_to_stop(opaque);
}

void gdb_interrupt(Gdb *g)
{
    if (!machine_stopped(g->m))
        try_to_stop(g);
}

// What was not the guest's doing is SIGTRAP here, as of a program that has just been started.
void gdb_why(Gdb *g, const char *args G_GNUC_UNUSED)
{
    if (g->stop.why == STOP_INTERRUPT)
        g->stop.why = STOP_NONE;
    g->stop.hart = g->hart;
    gdb_stop_text(g, g->reply);
}

void gdb_on_cont(Gdb *g)
{
    if (!g->own_cont)
        gdb_all_run(g);
    take_reports(g); // one that came late: its hart will see the same again
}
