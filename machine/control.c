// SPDX-License-Identifier: GPL-3.0-or-later
// What the user does with running harts: stop, go on, reset, quit.
//
// Stopped harts are kept out by one long exclusive section of the main thread, in which shorter ones may lie.
#include "machine/exec_private.h"

#include "machine/gdb/gdb.h"
#include "softmmu/dirty.h"
#include "util/clock.h"

#define PATIENCE_MS 2000 // a slice takes less than one

bool machine_hold(Machine *m)
{
    return exclusive_begin_within(&m->exclusive, PATIENCE_MS);
}

void machine_release(Machine *m)
{
    exclusive_end(&m->exclusive);
}

bool machine_stopped(const Machine *m)
{
    return m->stopped_ns;
}

bool machine_stop(Machine *m)
{
    if (m->stopped_ns)
        return true;
    if (!machine_hold(m))
        return false;
    m->stopped_ns = clock_ns(CLOCK_MONOTONIC);
    memory_set_paused(true);
    if (m->gdb)
        gdb_on_stop(m->gdb);
    return true;
}

void machine_cont(Machine *m)
{
    if (!m->stopped_ns)
        return;
    if (m->gdb)
        gdb_on_cont(m->gdb);
    memory_set_paused(false); // what was put off is done before a hart goes on
    m->start_ns += clock_ns(CLOCK_MONOTONIC) - m->stopped_ns; // the time between has not been
    m->stopped_ns = 0;
    machine_release(m);
}

void machine_end_by_user(Machine *m, int status, char *message)
{
    machine_end_run(m, status, message);
    backends_stop(m);
    machine_cont(m); // while stopped this is the main thread
}

void machine_quit(Machine *m)
{
    machine_end_by_user(m, 0, NULL);
}

void machine_system_reset(Machine *m)
{
    if (m->options->no_reboot) {
        machine_quit(m);
        return;
    }
    machine_reset(m);
    if (m->stopped_ns)
        run_loop_reset(m);
}
