// SPDX-License-Identifier: GPL-3.0-or-later
// What the monitor's files share: one conversation, and what a command is.
#pragma once
#include "machine/monitor/channel.h"
#include "machine/monitor/monitor.h"

typedef struct MonitorTrace MonitorTrace; // trace.c

typedef struct Monitor { // one conversation
    Monitors *set;
    Machine *m;
    Channel *channel;
    unsigned hart; // that commands are about
    GString *out;  // what the present command has said
} Monitor;

struct Monitors {
    Machine *m;
    GPtrArray *all; // of Monitor *
    MonitorTrace *trace;   // NULL: nothing has been traced
};

typedef struct {
    const char *name;      // "cont|c": with another spelling; "info mem": behind info
    const char *arguments; // for help; "" for none
    const char *help;
    bool hold; // the harts are stopped meanwhile
    void (*run)(Monitor *mon, const char *arguments); // arguments: stripped, "" if there are none
} MonitorCommand;

// The commands of each file; the last row has no name.
extern const MonitorCommand commands_run[], commands_info[], commands_paging[], commands_memory[], commands_trace[];

// One more conversation; the channel is its own. Commands are run by commands_run_line, whose answer the caller takes.
Monitor *monitors_add(Monitors *set, Channel *channel);
void monitor_printf(Monitor *mon, const char *format, ...) G_GNUC_PRINTF(2, 3);
Cpu *monitor_cpu(const Monitor *mon); // the one that commands are about

// commands.c. Runs one line; what it says goes to mon->out.
void commands_run_line(Monitor *mon, const char *line);
// What word, with before in front of it on the line, could become: the caller frees the list.
char **commands_complete(const char *before, const char *word);

// trace.c. Stops tracing. While no hart runs.
void monitor_trace_free(MonitorTrace *trace);
