// SPDX-License-Identifier: GPL-3.0-or-later
// The sockets of the gdb stub.
#include "machine/gdb/connection.h"

#include <errno.h>
#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAUSE_BYTES (1u << 20) // not sent yet, from which on nothing more is read
#define DRAIN_MS 1000

struct Connection {
    ConnectionUser user;
    char *path; // to be removed in the end; NULL: none
    GSocket *listener, *client; // client NULL: none
    GSource *accepting, *reading, *sending; // NULL: not now
    GByteArray *out; // not sent yet
};

static void stop(GSource **source)
{
    if (!*source)
        return;
    g_source_destroy(*source);
    g_source_unref(*source);
    *source = NULL;
}

static void start(GSource **source, GSocket *socket, GIOCondition condition, GSocketSourceFunc function, Connection *c)
{
    if (*source)
        return;
    *source = g_socket_create_source(socket, condition, NULL);
    g_source_set_callback(*source, G_SOURCE_FUNC(function), c, NULL);
    g_source_attach(*source, NULL);
}

static gboolean on_client(GSocket *socket, GIOCondition condition, gpointer opaque);

static void hang_up(Connection *c)
{
    stop(&c->reading);
    stop(&c->sending);
    g_clear_object(&c->client);
    g_byte_array_set_size(c->out, 0);
    start(&c->accepting, c->listener, G_IO_IN, on_client, c);
}

// Sends what the client takes now; whether it has gone shows when it is read from.
static void send_some(Connection *c)
{
    while (c->out->len) {
        gssize n = g_socket_send_with_blocking(c->client, (const char *)c->out->data, c->out->len, FALSE, NULL, NULL);
        if (n <= 0)
            break;
        g_byte_array_remove_range(c->out, 0, (guint)n);
    }
}

static gboolean on_readable(GSocket *socket, GIOCondition condition, gpointer opaque);

static gboolean on_writable(GSocket *socket G_GNUC_UNUSED, GIOCondition condition, gpointer opaque)
{
    Connection *c = opaque;
    send_some(c);
    if (condition & (G_IO_ERR | G_IO_HUP))
        g_byte_array_set_size(c->out, 0);
    if (c->out->len)
        return G_SOURCE_CONTINUE;
    stop(&c->sending);
    start(&c->reading, c->client, G_IO_IN, on_readable, c);
    return G_SOURCE_REMOVE;
}

void connection_write(Connection *c, const char *bytes, size_t size)
{
    if (!c->client)
        return;
    g_byte_array_append(c->out, (const guint8 *)bytes, (guint)size);
    send_some(c);
    if (c->out->len)
        start(&c->sending, c->client, G_IO_OUT, on_writable, c);
}

static gboolean on_readable(GSocket *socket, GIOCondition condition G_GNUC_UNUSED, gpointer opaque)
{
    Connection *c = opaque;
    uint8_t buffer[8192];
    g_autoptr(GError) error = NULL;
    gssize n = g_socket_receive_with_blocking(socket, (char *)buffer, sizeof buffer, FALSE, NULL, &error);
    if (n > 0)
        c->user.bytes(c->user.opaque, buffer, (size_t)n);
    else if (!g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
        hang_up(c);
        c->user.closed(c->user.opaque);
        return G_SOURCE_REMOVE;
    }
    if (c->out->len < PAUSE_BYTES)
        return G_SOURCE_CONTINUE;
    stop(&c->reading); // on_writable goes on
    return G_SOURCE_REMOVE;
}

static gboolean on_client(GSocket *socket, GIOCondition condition G_GNUC_UNUSED, gpointer opaque)
{
    Connection *c = opaque;
    c->client = g_socket_accept(socket, NULL, NULL);
    if (!c->client)
        return G_SOURCE_CONTINUE; // it has changed its mind
    g_socket_set_blocking(c->client, FALSE);
    if (!c->path)
        g_socket_set_option(c->client, IPPROTO_TCP, TCP_NODELAY, 1, NULL);
    stop(&c->accepting);
    start(&c->reading, c->client, G_IO_IN, on_readable, c);
    c->user.opened(c->user.opaque);
    return G_SOURCE_REMOVE;
}

// The address that a host's name stands for.
static GInetAddress *resolve(const char *host, GError **error)
{
    GInetAddress *a = g_inet_address_new_from_string(*host ? host : "127.0.0.1");
    if (a)
        return a;
    g_autoptr(GResolver) resolver = g_resolver_get_default();
    GList *all = g_resolver_lookup_by_name(resolver, host, NULL, error);
    if (all)
        a = g_object_ref(all->data);
    g_resolver_free_addresses(all);
    return a;
}

static GSocketAddress *address_of(const ConnectionSpec *spec, GError **error)
{
    if (spec->path)
        return g_unix_socket_address_new(spec->path);
    g_autoptr(GInetAddress) host = resolve(spec->host, error);
    return host ? g_inet_socket_address_new(host, spec->port) : NULL;
}

// A socket that nobody listens to any more is in the way.
static void remove_old(const char *path)
{
    struct stat st;
    if (!lstat(path, &st) && S_ISSOCK(st.st_mode))
        unlink(path);
}

static void tell_port(GSocket *listener)
{
    g_autoptr(GSocketAddress) a = g_socket_get_local_address(listener, NULL);
    if (a)
        fprintf(stderr, "addend: gdb: listening at port %u\n",
                g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(a)));
}

static GSocket *listen_at(const ConnectionSpec *spec, GError **error)
{
    g_autoptr(GSocketAddress) address = address_of(spec, error);
    if (!address)
        return NULL;
    if (spec->path)
        remove_old(spec->path);
    g_autoptr(GSocket) s = g_socket_new(g_socket_address_get_family(address), G_SOCKET_TYPE_STREAM,
                                        G_SOCKET_PROTOCOL_DEFAULT, error);
    if (!s)
        return NULL;
    g_socket_set_listen_backlog(s, 1);
    if (!g_socket_bind(s, address, TRUE, error) || !g_socket_listen(s, error))
        return NULL;
    g_socket_set_blocking(s, FALSE);
    if (!spec->path && !spec->port)
        tell_port(s);
    return g_steal_pointer(&s);
}

Connection *connection_new(const ConnectionSpec *spec, const ConnectionUser *user, GError **error)
{
    GSocket *listener = listen_at(spec, error);
    if (!listener) {
        if (spec->path)
            g_prefix_error(error, "-gdb unix:%s: ", spec->path);
        else
            g_prefix_error(error, "-gdb tcp:%s:%u: ", spec->host, spec->port);
        return NULL;
    }
    Connection *c = g_new0(Connection, 1);
    c->user = *user;
    c->path = g_strdup(spec->path);
    c->listener = listener;
    c->out = g_byte_array_new();
    start(&c->accepting, listener, G_IO_IN, on_client, c);
    return c;
}

bool connection_is_open(const Connection *c)
{
    return c->client;
}

void connection_drain(Connection *c)
{
    gint64 end = g_get_monotonic_time() + DRAIN_MS * 1000;
    while (c->client && c->out->len) {
        gint64 left = (end - g_get_monotonic_time()) / 1000;
        struct pollfd p = {g_socket_get_fd(c->client), POLLOUT, 0};
        if (left <= 0 || (poll(&p, 1, (int)left) < 0 && errno != EINTR) || (p.revents & (POLLERR | POLLHUP)))
            return;
        send_some(c);
    }
}

void connection_free(Connection *c)
{
    if (!c)
        return;
    stop(&c->accepting);
    stop(&c->reading);
    stop(&c->sending);
    g_clear_object(&c->client);
    g_object_unref(c->listener);
    if (c->path)
        unlink(c->path);
    g_byte_array_free(c->out, TRUE);
    g_free(c->path);
    g_free(c);
}
