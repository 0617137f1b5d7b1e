// SPDX-License-Identifier: GPL-3.0-or-later
// The monitor on the console's terminal or pipe.
//
// A hart that waits for input may be the one that reads the terminal, so what is typed is only noted and then handled
// by the main loop.
#include "machine/monitor/channel.h"
#include "machine/monitor/editor.h"
#include "machine/terminal.h"

#include <stdio.h>
#include <unistd.h>

enum { EVENT_FOCUS = 256, EVENT_UNFOCUS }; // beside bytes

typedef struct {
    Channel base;
    Console *console;
    bool own;        // the console is freed with the channel
    bool tty, focus; // the main loop's view of the latter
    bool plain_tty;  // a terminal, but there is no library to edit lines
    bool greeted, in_line;
    LineBuffer line; // of a pipe
    GMutex lock;
    GArray *events; // of uint16_t, under lock
    guint source;   // under lock: of the main loop, which will look at them; 0: none
} StdioChannel;

static void end_line(void *opaque, const char *line)
{
    StdioChannel *c = opaque;
    c->in_line = true;
    c->base.user.line(c->base.user.opaque, line);
    c->in_line = false;
}

static char **complete(void *opaque, const char *before, const char *word)
{
    const StdioChannel *c = opaque;
    return c->base.user.complete(c->base.user.opaque, before, word);
}

static bool edits(const StdioChannel *c)
{
    return c->tty && !c->plain_tty;
}

static void set_focus(StdioChannel *c, bool on)
{
    if (c->focus == on)
        return;
    if (on) {
        channel_write(&c->base, "\n", c->tty);
        if (!c->greeted)
            c->base.user.opened(c->base.user.opaque);
        c->greeted = true;
    }
    c->focus = on;
    if (on && c->tty && !c->plain_tty)
        c->plain_tty = !editor_start(MONITOR_PROMPT, &(EditorUser){c, end_line, complete});
    if (on && (!c->tty || c->plain_tty))
        channel_prompt(&c->base);
    else if (!on && edits(c))
        editor_stop();
}

// A terminal that nobody edits on is still in raw mode.
static void add_plain(StdioChannel *c, uint8_t byte)
{
    if (c->plain_tty && byte == '\r')
        byte = '\n';
    if (c->plain_tty)
        channel_write(&c->base, (const char *)&byte, 1);
    line_buffer_add(&c->line, &c->base, byte);
}

static void handle(StdioChannel *c, unsigned event)
{
    if (event >= EVENT_FOCUS)
        set_focus(c, event == EVENT_FOCUS);
    else if (edits(c))
        editor_byte((uint8_t)event);
    else
        add_plain(c, (uint8_t)event);
}

static gboolean on_events(gpointer opaque)
{
    StdioChannel *c = opaque;
    g_mutex_lock(&c->lock);
    g_autoptr(GArray) events = c->events;
    c->events = g_array_new(FALSE, FALSE, sizeof(uint16_t));
    c->source = 0;
    g_mutex_unlock(&c->lock);
    for (guint i = 0; i < events->len; i++)
        handle(c, g_array_index(events, uint16_t, i));
    return G_SOURCE_REMOVE;
}

static void note(StdioChannel *c, unsigned event)
{
    uint16_t e = (uint16_t)event;
    g_mutex_lock(&c->lock);
    g_array_append_val(c->events, e);
    if (!c->source)
        c->source = g_idle_add_full(G_PRIORITY_DEFAULT, on_events, c, NULL);
    g_mutex_unlock(&c->lock);
}

static void on_typed(void *opaque, const uint8_t *data, size_t n)
{
    for (size_t i = 0; i < n; i++)
        note(opaque, data[i]);
}

static void on_focus(void *opaque, bool on)
{
    note(opaque, on ? EVENT_FOCUS : EVENT_UNFOCUS);
}

static void stdio_write(Channel *base, const char *text, size_t size)
{
    StdioChannel *c = (StdioChannel *)base;
    bool editing = edits(c) && c->focus && !c->in_line;
    if (editing)
        editor_hide();
    if (c->tty)
        fflush(stdout); // what the editor has written
    console_write(c->console, text, size);
    if (editing)
        editor_show();
}

static void stdio_free(Channel *base)
{
    StdioChannel *c = (StdioChannel *)base;
    console_set_monitor(c->console, &(ConsoleMonitor){0}, false);
    if (edits(c) && c->focus)
        editor_stop();
    if (c->source)
        g_source_remove(c->source);
    if (c->own) {
        console_free(c->console);
        terminal_restore();
    }
    g_array_free(c->events, TRUE);
    g_mutex_clear(&c->lock);
    g_free(c);
}

Channel *channel_stdio_new(Console *console, bool focus, const ChannelUser *user)
{
    StdioChannel *c = g_new0(StdioChannel, 1);
    c->base = (Channel){*user, stdio_write, stdio_free};
    c->console = console;
    c->tty = console_is_tty(console);
    c->events = g_array_new(FALSE, FALSE, sizeof(uint16_t));
    g_mutex_init(&c->lock);
    console_set_monitor(console, &(ConsoleMonitor){c, on_typed, on_focus}, focus);
    if (focus)
        on_focus(c, true);
    return &c->base;
}

Channel *channel_stdio_new_own(const ChannelUser *user)
{
    Console *console = console_new_fds(STDIN_FILENO, STDOUT_FILENO, false);
    terminal_set_raw(true);
    Channel *c = channel_stdio_new(console, true, user);
    ((StdioChannel *)c)->own = true;
    console_attach(console, NULL);
    return c;
}
