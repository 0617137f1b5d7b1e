// SPDX-License-Identifier: GPL-3.0-or-later
// The monitor on a Unix socket, and what channels have in common.
//
// A server has one client at a time; others wait until it has gone.
#include "machine/monitor/channel.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define PAUSE_BYTES (1u << 20) // unread answers, from which on no more commands are read
#define LOST_BYTES (8u << 20)  // ... and no more is kept

typedef struct {
    Channel base;
    char *path;
    int listener, fd; // -1: none
    guint starting, accepting, reading, sending; // sources, 0: none
    GByteArray *out; // not sent yet
    LineBuffer line;
} SocketChannel;

void channel_write(Channel *c, const char *text, size_t size)
{
    if (size)
        c->write(c, text, size);
}

void channel_free(Channel *c)
{
    c->free(c);
}

void channel_prompt(Channel *c)
{
    channel_write(c, MONITOR_PROMPT, strlen(MONITOR_PROMPT));
}

void line_buffer_add(LineBuffer *b, Channel *c, uint8_t byte)
{
    if (byte != '\n') {
        if (b->size < MONITOR_LINE_MAX)
            b->text[b->size++] = byte ? (char)byte : '?';
        return;
    }
    bool fits = b->size < MONITOR_LINE_MAX;
    size_t end = fits && b->size && b->text[b->size - 1] == '\r' ? b->size - 1 : b->size;
    b->size = 0;
    if (fits) {
        b->text[end] = 0;
        c->user.line(c->user.opaque, b->text);
    } else {
        static const char message[] = "the line is too long\n";
        channel_write(c, message, sizeof message - 1);
    }
    channel_prompt(c);
}

static void stop_source(guint *source)
{
    if (*source)
        g_source_remove(*source);
    *source = 0;
}

static gboolean on_client(int fd, GIOCondition condition, gpointer opaque);

static void hang_up(SocketChannel *c)
{
    stop_source(&c->reading);
    stop_source(&c->sending);
    close(c->fd);
    c->fd = -1;
    c->line.size = 0;
    g_byte_array_set_size(c->out, 0);
    if (c->listener >= 0 && !c->accepting)
        c->accepting = g_unix_fd_add(c->listener, G_IO_IN, on_client, c);
}

// Sends what the client takes now. False: it is gone.
static bool send_some(SocketChannel *c)
{
    while (c->out->len) {
        ssize_t n = send(c->fd, c->out->data, c->out->len, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return true;
        if (n < 0) {
            g_byte_array_set_size(c->out, 0);
            return false;
        }
        g_byte_array_remove_range(c->out, 0, (guint)n);
    }
    return true;
}

static void watch_input(SocketChannel *c);

static gboolean on_writable(int fd G_GNUC_UNUSED, GIOCondition condition G_GNUC_UNUSED, gpointer opaque)
{
    SocketChannel *c = opaque;
    if (send_some(c) && c->out->len)
        return G_SOURCE_CONTINUE;
    c->sending = 0;
    watch_input(c); // which finds out if the client is gone
    return G_SOURCE_REMOVE;
}

static void socket_write(Channel *base, const char *text, size_t size)
{
    SocketChannel *c = (SocketChannel *)base;
    if (c->fd < 0 || c->out->len > LOST_BYTES)
        return;
    g_byte_array_append(c->out, (const guint8 *)text, (guint)size);
    if (send_some(c) && c->out->len && !c->sending) // if the client is gone, reading finds that out
        c->sending = g_unix_fd_add(c->fd, G_IO_OUT, on_writable, c);
}

static gboolean on_readable(int fd G_GNUC_UNUSED, GIOCondition condition G_GNUC_UNUSED, gpointer opaque)
{
    SocketChannel *c = opaque;
    uint8_t buffer[4096];
    ssize_t n = recv(c->fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        c->reading = 0; // the source goes by what this returns
        hang_up(c);
        return G_SOURCE_REMOVE;
    }
    for (ssize_t i = 0; i < n; i++)
        line_buffer_add(&c->line, &c->base, buffer[i]);
    if (c->out->len < PAUSE_BYTES)
        return G_SOURCE_CONTINUE;
    c->reading = 0;
    return G_SOURCE_REMOVE;
}

static void watch_input(SocketChannel *c)
{
    if (!c->reading)
        c->reading = g_unix_fd_add(c->fd, G_IO_IN, on_readable, c);
}

static void greet(SocketChannel *c)
{
    watch_input(c);
    c->base.user.opened(c->base.user.opaque);
    channel_prompt(&c->base);
}

// The same for who was there before the main loop.
static gboolean on_start(gpointer opaque)
{
    SocketChannel *c = opaque;
    c->starting = 0;
    greet(c);
    return G_SOURCE_REMOVE;
}

static void start_with(SocketChannel *c, int fd)
{
    c->fd = fd;
    c->starting = g_idle_add_full(G_PRIORITY_DEFAULT, on_start, c, NULL);
}

static gboolean on_client(int fd, GIOCondition condition G_GNUC_UNUSED, gpointer opaque)
{
    SocketChannel *c = opaque;
    int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    if (client < 0)
        return G_SOURCE_CONTINUE; // it has changed its mind
    c->accepting = 0;
    c->fd = client;
    greet(c);
    return G_SOURCE_REMOVE;
}

static void socket_free(Channel *base)
{
    SocketChannel *c = (SocketChannel *)base;
    stop_source(&c->starting);
    stop_source(&c->accepting);
    stop_source(&c->reading);
    stop_source(&c->sending);
    if (c->fd >= 0)
        close(c->fd);
    if (c->listener >= 0) {
        close(c->listener);
        unlink(c->path);
    }
    g_byte_array_free(c->out, TRUE);
    g_free(c->path);
    g_free(c);
}

static bool fail(const char *path, const char *what, GError **error)
{
    int saved = errno;
    g_set_error(error, G_IO_ERROR, g_io_error_from_errno(saved), "-monitor unix:%s: %s: %s", path, what,
                g_strerror(saved));
    return false;
}

// A socket that nobody listens to any more is in the way.
static void remove_old(const char *path)
{
    struct stat st;
    if (!lstat(path, &st) && S_ISSOCK(st.st_mode))
        unlink(path);
}

static bool open_server(SocketChannel *c, const struct sockaddr_un *address, bool wait, GError **error)
{
    remove_old(c->path);
    c->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->listener < 0)
        return fail(c->path, "socket", error);
    if (bind(c->listener, (const struct sockaddr *)address, sizeof *address)) {
        int saved = errno;
        close(c->listener);
        c->listener = -1; // what is there is not ours to remove
        errno = saved;
        return fail(c->path, "cannot listen", error);
    }
    if (listen(c->listener, 1))
        return fail(c->path, "cannot listen", error);
    if (!wait) {
        c->accepting = g_unix_fd_add(c->listener, G_IO_IN, on_client, c);
        return true;
    }
    fprintf(stderr, "addend: waiting for a connection to %s\n", c->path);
    int client;
    do {
        client = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC);
    } while (client < 0 && (errno == EINTR || errno == ECONNABORTED));
    if (client < 0)
        return fail(c->path, "accept", error);
    start_with(c, client);
    return true;
}

static bool open_client(SocketChannel *c, const struct sockaddr_un *address, GError **error)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)address, sizeof *address)) {
        fail(c->path, "cannot connect", error);
        if (fd >= 0)
            close(fd);
        return false;
    }
    start_with(c, fd);
    return true;
}

Channel *channel_socket_new(const SocketSpec *spec, const ChannelUser *user, GError **error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (g_strlcpy(address.sun_path, spec->path, sizeof address.sun_path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        fail(spec->path, "cannot be a socket", error);
        return NULL;
    }
    SocketChannel *c = g_new0(SocketChannel, 1);
    c->base = (Channel){*user, socket_write, socket_free};
    c->path = g_strdup(spec->path);
    c->listener = c->fd = -1;
    c->out = g_byte_array_new();
    if (!(spec->server ? open_server(c, &address, spec->wait, error) : open_client(c, &address, error))) {
        channel_free(&c->base);
        return NULL;
    }
    return &c->base;
}
