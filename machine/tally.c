// SPDX-License-Identifier: GPL-3.0-or-later
// The tally of a machine's harts.
#include "machine/tally.h"

#include "machine/exec_private.h"

typedef struct {
    Tally *tally;
    unsigned hart;
} TallyHart;

struct Tally {
    GArray *listeners; // TallyListener
    TallyHart *hart;
};

static void runs(void *opaque, const EngineRuns *r)
{
    const TallyHart *h = opaque;
    for (unsigned i = 0; i < h->tally->listeners->len; i++) {
        const TallyListener *l = &g_array_index(h->tally->listeners, TallyListener, i);
        l->runs(l->opaque, h->hart, r);
    }
}

static void ready(void *opaque, Machine *m)
{
    Tally *t = opaque;
    for (unsigned i = 0; i < m->n_cpus; i++) {
        t->hart[i] = (TallyHart){t, i};
        engine_set_tally(m->cpus[i]->engine, runs, &t->hart[i]);
    }
}

void machine_add_tally(Machine *m, const TallyListener *listener)
{
    if (!m->tally) {
        m->tally = g_new0(Tally, 1);
        m->tally->listeners = g_array_new(FALSE, FALSE, sizeof(TallyListener));
        m->tally->hart = g_new0(TallyHart, board_harts(m->board));
        machine_add_ready(m, ready, m->tally);
    }
    g_array_append_val(m->tally->listeners, *listener);
}

void machine_end_tally(Machine *m)
{
    for (unsigned i = 0; m->tally && i < m->n_cpus; i++)
        engine_end_tally(m->cpus[i]->engine);
}

void tally_free(Tally *t)
{
    if (!t)
        return;
    g_array_free(t->listeners, TRUE);
    g_free(t->hart);
    g_free(t);
}
