// SPDX-License-Identifier: GPL-3.0-or-later
// The stub's life, and packets to the functions that answer them.
#include "machine/gdb/gdb_private.h"

#include <string.h>

#define CONSOLE_MAX (1u << 20) // of what the monitor says while nobody can be told

// --- answers -------------------------------------------------------------------------------------------------

void gdb_reply(Gdb *g, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    g_string_append_vprintf(g->reply, format, ap);
    va_end(ap);
}

void gdb_reply_ok(Gdb *g)
{
    g_string_assign(g->reply, "OK");
}

void gdb_reply_error(Gdb *g, unsigned number)
{
    g_string_printf(g->reply, "E%02x", number);
}

void gdb_send(Gdb *g, const char *text, size_t size)
{
    g_string_truncate(g->sent, 0);
    packet_write(g->sent, text, size);
    connection_write(g->connection, g->sent->str, g->sent->len);
}

// --- what the monitor says -----------------------------------------------------------------------------------

void gdb_console_flush(Gdb *g)
{
    enum { PART = PACKET_MAX / 2 - 1 };
    g_autoptr(GString) text = g_string_new(NULL);
    for (size_t done = 0, n; done < g->console->len; done += n) {
        n = MIN(g->console->len - done, PART);
        g_string_assign(text, "O");
        packet_put_bytes(text, g->console->str + done, n);
        gdb_send(g, text->str, text->len);
    }
    g_string_truncate(g->console, 0);
}

void gdb_console_write(Gdb *g, const char *text, size_t size)
{
    if (!connection_is_open(g->connection) || g->console->len > CONSOLE_MAX)
        return;
    g_string_append_len(g->console, text, (gssize)size);
    if (g->resumed)
        gdb_console_flush(g);
}

typedef struct {
    Channel base;
    Gdb *g;
} GdbChannel;

static void channel_write_gdb(Channel *c, const char *text, size_t size)
{
    gdb_console_write(((GdbChannel *)c)->g, text, size);
}

static void channel_free_gdb(Channel *c)
{
    g_free(c);
}

static Channel *channel_new(Gdb *g)
{
    GdbChannel *c = g_new0(GdbChannel, 1);
    c->base.write = channel_write_gdb;
    c->base.free = channel_free_gdb;
    c->g = g;
    return &c->base;
}

// --- packets -------------------------------------------------------------------------------------------------

// gdb's extended mode asks for programs to be started; there is one, so it is only told that it is there.
static void extended(Gdb *g, const char *args G_GNUC_UNUSED)
{
    gdb_reply_ok(g);
}

static void restart(Gdb *g, const char *args G_GNUC_UNUSED)
{
    g->silent = true;
    machine_system_reset(g->m);
}

static GdbCommand *const commands[128] = {
    ['?'] = gdb_why,
    ['!'] = extended,
    ['R'] = restart,
    ['c'] = gdb_continue,
    ['C'] = gdb_continue_signal,
    ['s'] = gdb_step,
    ['S'] = gdb_step_signal,
    ['D'] = gdb_detach,
    ['k'] = gdb_kill,
    ['g'] = gdb_registers_read,
    ['G'] = gdb_registers_write,
    ['p'] = gdb_register_read,
    ['P'] = gdb_register_write,
    ['m'] = gdb_memory_read,
    ['M'] = gdb_memory_write,
    ['X'] = gdb_memory_write_binary,
    ['Z'] = gdb_point_insert,
    ['z'] = gdb_point_remove,
    ['H'] = gdb_thread_select,
    ['T'] = gdb_thread_alive,
    ['q'] = gdb_query,
    ['Q'] = gdb_set,
    ['v'] = gdb_verbose,
};

// A debugger that says something while the machine runs wants it to stand.
static void on_packet(Gdb *g)
{
    enum { ERROR_BUSY = 16 };
    uint8_t letter = (uint8_t)g->reader.text[0];
    g_string_truncate(g->reply, 0);
    g->silent = false;
    if (!machine_stop(g->m))
        gdb_reply_error(g, ERROR_BUSY);
    else if (letter < G_N_ELEMENTS(commands) && commands[letter])
        commands[letter](g, g->reader.text + 1);
    if (!g->silent)
        gdb_send(g, g->reply->str, g->reply->len);
}

static void on_bytes(void *opaque, const uint8_t *bytes, size_t size)
{
    Gdb *g = opaque;
    for (size_t i = 0; i < size; i++) {
        switch (packet_read(&g->reader, bytes[i])) {
        case PACKET_READY:
            if (!g->no_ack)
                connection_write(g->connection, "+", 1);
            on_packet(g);
            break;
        case PACKET_BAD:
            if (!g->no_ack)
                connection_write(g->connection, "-", 1);
            break;
        case PACKET_INTERRUPT:
            gdb_interrupt(g);
            break;
        case PACKET_NAK:
            if (!g->no_ack)
                connection_write(g->connection, g->sent->str, g->sent->len);
            break;
        case PACKET_MORE:
            break;
        }
    }
}

// --- life ----------------------------------------------------------------------------------------------------

static void forget_debugger(Gdb *g)
{
    g->reader.state = PACKET_BETWEEN;
    g->no_ack = g->swbreak = g->hwbreak = g->resumed = g->physical = false;
    g->sstep = SSTEP_ENABLE | SSTEP_NOIRQ;
    g->hart = g->run_hart = 0;
    g->run_all = true;
    g->stop = (Stop){STOP_NONE, 0, 0, 0};
    g_string_truncate(g->sent, 0);
    g_string_truncate(g->console, 0);
}

static void on_opened(void *opaque)
{
    Gdb *g = opaque;
    forget_debugger(g);
    gdb_interrupt(g);
}

// As if it had detached; if the machine cannot be stopped now, as soon as it can.
static void on_closed(void *opaque)
{
    Gdb *g = opaque;
    forget_debugger(g);
    if (machine_stopped(g->m)) {
        gdb_let_go(g);
        return;
    }
    g->left = true;
    gdb_interrupt(g);
}

bool gdb_new(Machine *m, const Options *o, Gdb **out, GError **error)
{
    *out = NULL;
    if (!o->gdb)
        return true;
    Gdb *g = g_new0(Gdb, 1);
    ConnectionUser user = {g, on_opened, on_bytes, on_closed};
    ConnectionSpec spec = {o->gdb_path, o->gdb_host, o->gdb_port};
    g->m = m;
    g->connection = connection_new(&spec, &user, error);
    if (!g->connection) {
        g_free(g);
        return false;
    }
    g->sent = g_string_new(NULL);
    g->reply = g_string_new(NULL);
    g->console = g_string_new(NULL);
    g->harts = g_new0(GdbHart, gdb_n_harts(g));
    for (unsigned i = 0; i < gdb_n_harts(g); i++)
        g->harts[i].g = g;
    gdb_points_new(g);
    forget_debugger(g);
    g->monitor = monitors_add(m->monitors, channel_new(g));
    *out = g;
    return true;
}

void gdb_free(Gdb *g, int status)
{
    if (!g)
        return;
    if (g->stopping)
        g_source_remove(g->stopping);
    if (g->resumed) {
        g_autofree char *text = g_strdup_printf("W%02x", status & 0xff);
        gdb_send(g, text, strlen(text));
    }
    connection_drain(g->connection);
    connection_free(g->connection);
    gdb_points_free(g);
    g_string_free(g->sent, TRUE);
    g_string_free(g->reply, TRUE);
    g_string_free(g->console, TRUE);
    g_free(g->harts);
    g_free(g);
}
