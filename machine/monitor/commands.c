// SPDX-License-Identifier: GPL-3.0-or-later
// The table of commands: from a line to the row that does it, help, completion.
#include "machine/monitor/monitor_private.h"

#include <string.h>

static void help(Monitor *mon, const char *arguments);

static const MonitorCommand commands_help[] = {
    {"help|?", "[COMMAND]", "show what commands there are, or one of them", false, help},
    {"info", "[TOPIC]", "show something about the machine; alone: what there is", false, NULL},
    {NULL},
};

static const MonitorCommand *const groups[] = {commands_help,   commands_run,    commands_memory,
                                               commands_paging, commands_trace, commands_info};

// Whether the len characters at word are one of the spellings in names ("cont|c").
static bool spelled(const char *names, const char *word, size_t len)
{
    for (const char *n = names; n; n = strchr(n, '|') ? strchr(n, '|') + 1 : NULL) {
        if (strcspn(n, "|") == len && !strncmp(n, word, len))
            return true;
    }
    return false;
}

static const MonitorCommand *find(const char *name, size_t len)
{
    for (unsigned g = 0; g < G_N_ELEMENTS(groups); g++)
        for (const MonitorCommand *c = groups[g]; c->name; c++)
            if (spelled(c->name, name, len))
                return c;
    return NULL;
}

// The command that the line begins with; *end is behind its name. A name ends at a blank or a slash (x/4xw).
static const MonitorCommand *find_first(const char *line, size_t *end)
{
    *end = strcspn(line, " \t/");
    const MonitorCommand *c = find(line, *end);
    if (!c || strcmp(c->name, "info"))
        return c;
    const char *topic = line + *end + strspn(line + *end, " \t");
    if (!*topic)
        return c;
    size_t len = strcspn(topic, " \t");
    g_autofree char *name = g_strdup_printf("info %.*s", (int)len, topic);
    *end = (size_t)(topic - line) + len;
    return find(name, strlen(name));
}

static bool is_info(const MonitorCommand *c)
{
    return g_str_has_prefix(c->name, "info ");
}

static void print_help(Monitor *mon, const MonitorCommand *c)
{
    const char *blank = *c->arguments && *c->arguments != '/' ? " " : "";
    monitor_printf(mon, "%s%s%s -- %s\n", c->name, blank, c->arguments, c->help);
}

static void list(Monitor *mon, bool topics)
{
    for (unsigned g = 0; g < G_N_ELEMENTS(groups); g++)
        for (const MonitorCommand *c = groups[g]; c->name; c++)
            if (is_info(c) == topics)
                print_help(mon, c);
}

static void help(Monitor *mon, const char *arguments)
{
    size_t end;
    const MonitorCommand *c = *arguments ? find_first(arguments, &end) : NULL;
    if (!*arguments || (c && !c->run))
        list(mon, c);
    else if (c && !arguments[end])
        print_help(mon, c);
    else
        monitor_printf(mon, "unknown command: '%s'\n", arguments);
}

void commands_run_line(Monitor *mon, const char *line)
{
    g_autofree char *text = g_strstrip(g_strdup(line));
    size_t end;
    if (!*text)
        return;
    const MonitorCommand *c = find_first(text, &end);
    if (!c) {
        g_autofree char *printable = g_strescape(text, NULL);
        printable[MIN(end, strlen(printable))] = 0;
        monitor_printf(mon, "unknown command: '%s' (help lists them)\n", printable);
    } else if (!c->run) {
        list(mon, true);
    } else if (c->hold && !machine_hold(mon->m)) {
        monitor_printf(mon, "a hart waits for input of the console: type there first\n");
    } else {
        c->run(mon, text + end + strspn(text + end, " \t"));
        if (c->hold)
            machine_release(mon->m);
    }
}

char **commands_complete(const char *before, const char *word)
{
    g_autofree char *head = g_strstrip(g_strdup(before));
    const char *prefix = g_str_has_prefix(head, "help") ? head + 4 : g_str_has_prefix(head, "?") ? head + 1 : head;
    prefix += strspn(prefix, " ");
    GPtrArray *found = g_ptr_array_new();
    bool topics = !strcmp(prefix, "info"), first = !*prefix;
    for (unsigned g = 0; g < G_N_ELEMENTS(groups) && (topics || first); g++) {
        for (const MonitorCommand *c = groups[g]; c->name; c++) {
            if (is_info(c) != topics)
                continue;
            const char *name = topics ? c->name + strlen("info ") : c->name;
            g_autofree char *one = g_strndup(name, strcspn(name, "| ")); // "trace gva": by its first word
            if (g_str_has_prefix(one, word))
                g_ptr_array_add(found, g_steal_pointer(&one));
        }
    }
    g_ptr_array_add(found, NULL);
    return (char **)g_ptr_array_free(found, FALSE);
}
