// SPDX-License-Identifier: GPL-3.0-or-later
// From a hart that has to stop to a machine that stands and a debugger that knows why.
#include "machine/gdb/gdb_private.h"

#include "backend/breakpoints.h"
#include <inttypes.h>

#define RETRY_MS 100
#define RETRY_ALONE_MS 1000 // no debugger waits, and trying has the other harts wait
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
    g_mutex_lock(&m->lock); // still inside the section: whoever stops the machine finds the report
    h->stop = stop;
    h->waits = true;
    if (!g->stopping)
        g->stopping = g_idle_add_full(G_PRIORITY_HIGH, on_report, g, NULL);
    g_mutex_unlock(&m->lock);
    exclusive_leave(&m->exclusive);
    g_mutex_lock(&m->lock);
    while (h->waits && !g_atomic_int_get(&m->stop))
        g_cond_wait(&r->wake, &m->lock);
    h->waits = false;
    g_mutex_unlock(&m->lock);
    exclusive_enter(&m->exclusive); // when the machine goes on
}

// --- the main thread -----------------------------------------------------------------------------------------

static void drop_source(Gdb *g)
{
    g_mutex_lock(&g->m->lock);
    if (g->stopping)
        g_source_remove(g->stopping);
    g->stopping = 0;
    g_mutex_unlock(&g->m->lock);
}

// The report to tell of, by harts in turn; those that wait need not any more. The breakpoints and accesses that the
// others stand in front of they come to again; a step that is done stays done without a word.
static Stop take_reports(Gdb *g)
{
    Machine *m = g->m;
    Stop stop = {STOP_NONE, 0, 0, 0};
    drop_source(g);
    g_mutex_lock(&m->lock);
    for (unsigned i = 0; i < gdb_n_harts(g); i++) {
        GdbHart *h = &g->harts[(g->next_report + i) % gdb_n_harts(g)];
        if (h->waits && !stop.why)
            stop = h->stop;
        h->waits = h->passes = false;
    }
    for (unsigned i = 0; i < m->n_runners; i++)
        g_cond_signal(&m->runners[i].wake);
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
    if (g->left) { // what stopped them is of no account any more
        stop.why = STOP_NONE;
        gdb_points_clear(g);
        gdb_all_run(g);
        g->left = false;
    }
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

// Until it works: a hart may wait inside an instruction for what the user types. Without a debugger to tell they all go
// on then.
static void try_to_stop(Gdb *g)
{
    Machine *m = g->m;
    bool alone = !connection_is_open(g->connection);
    if (machine_stop(m)) {
        if (alone)
            gdb_let_go(g);
        return;
    }
    g_mutex_lock(&m->lock);
    if (!g->stopping)
        g->stopping = g_timeout_add(alone ? RETRY_ALONE_MS : RETRY_MS, on_report, g);
    g_mutex_unlock(&m->lock);
}

static gboolean on_report(gpointer opaque)
{
    Gdb *g = opaque;
    g_mutex_lock(&g->m->lock);
    g->stopping = 0; // this source's number
    g_mutex_unlock(&g->m->lock);
    try_to_stop(g);
    return G_SOURCE_REMOVE;
}

void gdb_interrupt(Gdb *g)
{
    if (machine_stopped(g->m))
        return;
    drop_source(g); // which would try it once more
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
}
