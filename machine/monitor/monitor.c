// SPDX-License-Identifier: GPL-3.0-or-later
// Conversations: which there are, and from a line to its answer.
#include "machine/monitor/monitor_private.h"

void monitor_printf(Monitor *mon, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    g_string_append_vprintf(mon->out, format, ap);
    va_end(ap);
}

Cpu *monitor_cpu(const Monitor *mon)
{
    return machine_cpu(mon->m, mon->hart);
}

static void say(Monitor *mon)
{
    channel_write(mon->channel, mon->out->str, mon->out->len);
    g_string_truncate(mon->out, 0);
}

static void on_opened(void *opaque)
{
    Monitor *mon = opaque;
    monitor_printf(mon, "Addend monitor - type 'help' for more information\n");
    say(mon);
}

static void on_line(void *opaque, const char *line)
{
    Monitor *mon = opaque;
    commands_run_line(mon, line);
    say(mon);
}

static char **on_complete(void *opaque G_GNUC_UNUSED, const char *before, const char *word)
{
    return commands_complete(before, word);
}

static Monitor *add(Monitors *set)
{
    Monitor *mon = g_new0(Monitor, 1);
    mon->set = set;
    mon->m = set->m;
    mon->out = g_string_new(NULL);
    g_ptr_array_add(set->all, mon);
    return mon;
}

Monitor *monitors_add(Monitors *set, Channel *channel)
{
    Monitor *mon = add(set);
    mon->channel = channel;
    return mon;
}

static ChannelUser user_of(Monitor *mon)
{
    return (ChannelUser){mon, on_opened, on_line, on_complete};
}

static bool open_unix(Monitors *set, const Options *o, GError **error)
{
    Monitor *mon = add(set);
    ChannelUser user = user_of(mon);
    SocketSpec spec = {o->monitor_path, o->monitor_server, o->monitor_wait};
    mon->channel = channel_socket_new(&spec, &user, error);
    return mon->channel;
}

bool monitors_new(Machine *m, Console *console, const Options *o, Monitors **out, GError **error)
{
    bool behind_console = console_reads_commands(console) && o->monitor != MONITOR_NONE;
    bool alone = o->monitor == MONITOR_STDIO && !behind_console;
    *out = NULL;
    if (!behind_console && !alone && o->monitor != MONITOR_UNIX && !o->gdb)
        return true;
    Monitors *set = g_new0(Monitors, 1);
    set->m = m;
    set->all = g_ptr_array_new();
    if (o->monitor == MONITOR_UNIX && !open_unix(set, o, error)) {
        monitors_free(set);
        return false;
    }
    if (behind_console || alone) {
        Monitor *mon = add(set);
        ChannelUser user = user_of(mon);
        mon->channel = alone ? channel_stdio_new_own(&user)
                             : channel_stdio_new(console, o->monitor == MONITOR_STDIO, &user);
    }
    *out = set;
    return true;
}

void monitors_free(Monitors *set)
{
    if (!set)
        return;
    monitor_trace_free(set->trace);
    for (guint i = 0; i < set->all->len; i++) {
        Monitor *mon = set->all->pdata[i];
        if (mon->channel)
            channel_free(mon->channel);
        g_string_free(mon->out, TRUE);
        g_free(mon);
    }
    g_ptr_array_free(set->all, TRUE);
    g_free(set);
}
