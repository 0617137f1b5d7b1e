// SPDX-License-Identifier: GPL-3.0-or-later
// Commands that stop, reset and end the machine, and choose a hart.
#include "machine/monitor/monitor_private.h"


static void stop(Monitor *mon, const char *arguments G_GNUC_UNUSED)
{
    machine_stop(mon->m); // the harts are held, so it does
}

static void cont(Monitor *mon, const char *arguments G_GNUC_UNUSED)
{
    machine_cont(mon->m);
}

static void quit(Monitor *mon, const char *arguments G_GNUC_UNUSED)
{
    machine_quit(mon->m);
}

static void reset(Monitor *mon, const char *arguments G_GNUC_UNUSED)
{
    machine_system_reset(mon->m);
}

static void choose_cpu(Monitor *mon, const char *arguments)
{
    uint64_t n;
    if (g_ascii_string_to_unsigned(arguments, 10, 0, board_harts(machine_board(mon->m)) - 1, &n, NULL))
        mon->hart = (unsigned)n;
    else
        monitor_printf(mon, "there is no hart '%s'\n", arguments);
}

const MonitorCommand commands_run[] = {
    {"stop|s", "", "stop the harts and guest time", true, stop},
    {"cont|c", "", "let them go on", false, cont},
    {"system_reset", "", "reset the machine", false, reset},
    {"quit|q", "", "end the run, with status 0", false, quit},
    {"cpu", "N", "make hart N the one that x, gva2gpa, info tlb and others are about", false, choose_cpu},
    {NULL},
};
