// SPDX-License-Identifier: GPL-3.0-or-later
// The buffers of a machine's taps, one for each hart.
#include "machine/tap.h"

#include "machine/cpu_tap.h"
#include "machine/exec_private.h"

struct MachineTap {
    TapListener listener;
    unsigned hart;
    TapRecord before; // where records[-1] is
    TapRecord records[TAP_BUFFER];
};

static void full(Tap *tap)
{
    MachineTap *t = tap->opaque;
    size_t n = (size_t)(tap->cursor - t->records);
    if (n) {
        t->listener.records(t->listener.opaque, t->hart, t->records, n);
        t->before = t->records[n - 1];
    }
    tap->cursor = t->records;
}

void machine_set_tap(Machine *m, const TapListener *listener)
{
    m->tap = *listener;
}

void machine_tap_start(Machine *m)
{
    if (!m->tap.records)
        return;
    m->taps = g_new(MachineTap *, m->n_cpus);
    for (unsigned i = 0; i < m->n_cpus; i++) {
        MachineTap *t = m->taps[i] = g_new0(MachineTap, 1);
        t->listener = m->tap;
        t->hart = i;
        cpu_tap_start(m->cpus[i], t->records, t->records + TAP_BUFFER, full, t);
    }
}

void machine_tap_free(Machine *m, unsigned harts)
{
    for (unsigned i = 0; m->taps && i < harts; i++)
        g_free(m->taps[i]);
    g_clear_pointer(&m->taps, g_free);
}
