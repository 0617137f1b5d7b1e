// SPDX-License-Identifier: GPL-3.0-or-later
// What a machine's devices are connected to on the host: consoles and networks. Made before the board, freed after it.
#include "machine/exec_private.h"
#include "machine/net_user.h"

#include <string.h>

#define CHARDEV "chardev:"

// Calls fn for each console, once.
static void each(Machine *m, void (*fn)(Machine *m, Console *c))
{
    bool done = false;
    for (guint i = 0; m->chardevs && i < m->chardevs->len; i++) {
        Console *c = g_array_index(m->chardevs, BoardChardev, i).console;
        done |= c == m->console;
        fn(m, c);
    }
    if (!done && m->console)
        fn(m, m->console);
}

static Console *find(const Machine *m, const char *id)
{
    for (guint i = 0; i < m->chardevs->len; i++)
        if (!strcmp(g_array_index(m->chardevs, BoardChardev, i).id, id))
            return g_array_index(m->chardevs, BoardChardev, i).console;
    g_assert_not_reached(); // the command line was checked
}

static bool open_networks(Machine *m, GError **error)
{
    const Options *o = m->options;
    m->netdevs = g_array_new(FALSE, FALSE, sizeof(BoardNetdev));
    for (guint i = 0; i < o->netdevs->len; i++) {
        const NetItem *item = &g_array_index(o->netdevs, NetItem, i);
        BoardNetdev n = {item->id, net_user_new(item, i, o->forwards, error)};
        if (!n.net)
            return false;
        g_array_append_val(m->netdevs, n);
    }
    return true;
}

bool backends_open(Machine *m, GError **error)
{
    const Options *o = m->options;
    m->chardevs = g_array_new(FALSE, FALSE, sizeof(BoardChardev));
    for (guint i = 0; i < o->chardevs->len; i++) {
        const ChardevItem *item = &g_array_index(o->chardevs, ChardevItem, i);
        BoardChardev c = {item->id, console_new_chardev(item, error)};
        if (!c.console)
            return false;
        g_array_append_val(m->chardevs, c);
    }
    bool named = g_str_has_prefix(o->serial, CHARDEV);
    m->console = named ? find(m, o->serial + strlen(CHARDEV)) : console_new(o->serial, error);
    return m->console && open_networks(m, error);
}

static void free_console(Machine *m, Console *c)
{
    if (c == m->console)
        m->console = NULL;
    console_free(c);
}

void backends_free(Machine *m)
{
    each(m, free_console);
    if (m->chardevs)
        g_array_free(m->chardevs, TRUE);
    for (guint i = 0; m->netdevs && i < m->netdevs->len; i++)
        net_user_free(g_array_index(m->netdevs, BoardNetdev, i).net);
    if (m->netdevs)
        g_array_free(m->netdevs, TRUE);
}

static void on_quit(void *opaque)
{
    machine_quit(opaque);
}

static void attach(Machine *m, Console *c)
{
    console_set_quit_handler(c, on_quit, m);
    console_attach(c, NULL);
}

void backends_attach(Machine *m)
{
    each(m, attach);
}

static void resized(Machine *m G_GNUC_UNUSED, Console *c)
{
    console_resized(c);
}

void backends_resized(Machine *m)
{
    each(m, resized);
}

static void stop(Machine *m G_GNUC_UNUSED, Console *c)
{
    console_stop(c);
}

void backends_stop(Machine *m)
{
    each(m, stop);
}

char *backends_lost(Machine *m)
{
    int error = console_write_error(m->console);
    if (error)
        return g_strdup_printf("-serial %s: output was lost: %s", m->options->serial, g_strerror(error));
    for (guint i = 0; i < m->chardevs->len; i++) {
        const BoardChardev *c = &g_array_index(m->chardevs, BoardChardev, i);
        error = console_write_error(c->console);
        if (error)
            return g_strdup_printf("-chardev id=%s: output was lost: %s", c->id, g_strerror(error));
    }
    return NULL;
}

Console *backends_monitored(Machine *m)
{
    for (guint i = 0; i < m->chardevs->len; i++) {
        Console *c = g_array_index(m->chardevs, BoardChardev, i).console;
        if (console_reads_commands(c))
            return c;
    }
    return m->console;
}
