// SPDX-License-Identifier: GPL-3.0-or-later
// Console input and output.
//
// Whoever needs input reads the host: the main loop when the descriptor is readable, or a hart that waits
// inside console_read (a semihosting read). Both go through pump(), so that Ctrl-A x works even while the
// main loop waits for the big lock behind that hart. The wake-up eventfd ends a hart's wait when the main
// loop was faster.
#include "machine/console.h"
#include "machine/terminal.h"
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define QUEUE_LIMIT                                                                                          \
    65536 // bytes waiting before a pipe is left unread; a terminal is always read, for Ctrl-A x
#define CTRL_A 1

struct Console {
    int in_fd, out_fd; // -1: none
    bool own_out, commands, in_tty, in_file, out_tty, raw;
    ConsoleUser user;
    void (*quit)(void *opaque);
    void *quit_opaque;
    ConsoleMonitor monitor; // typed NULL: there is none
    int write_error; // atomic
    GMutex lock; // everything below
    GByteArray *queue;
    size_t taken; // bytes of queue already given away
    bool escaped; // the last byte was Ctrl-A
    bool eof, stopped;
    bool at_monitor; // what is typed goes there
    int wake_fd;
    GMainContext *context;
    GSource *source; // attached, unless the queue is full or the input ended
    GSource *out_source; // attached while somebody waits for room in the output
};

Console *console_new_fds(int in_fd, int out_fd, bool commands)
{
    Console *c = g_new0(Console, 1);
    c->in_fd = in_fd;
    c->out_fd = out_fd;
    c->commands = commands;
    struct stat st;
    c->in_tty = in_fd >= 0 && isatty(in_fd);
    c->in_file = in_fd >= 0 && !fstat(in_fd, &st) && S_ISREG(st.st_mode);
    c->out_tty = out_fd >= 0 && isatty(out_fd);
    c->eof = in_fd < 0;
    c->queue = g_byte_array_new();
    c->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    g_mutex_init(&c->lock);
    return c;
}

static Console *new_stdio(bool commands, bool signals)
{
    Console *c = console_new_fds(STDIN_FILENO, STDOUT_FILENO, commands);
    c->raw = true;
    terminal_set_raw(signals);
    return c;
}

static Console *new_file(const char *path, bool append)
{
    int fd = open(path, O_WRONLY | O_CREAT | (append ? O_APPEND : O_TRUNC) | O_CLOEXEC, 0666);
    if (fd < 0)
        return NULL;
    Console *c = console_new_fds(-1, fd, false);
    c->own_out = true;
    return c;
}

Console *console_new(const char *spec, GError **error)
{
    bool mon = !spec || !strcmp(spec, "mon:stdio");
    if (mon || !strcmp(spec, "stdio"))
        return new_stdio(mon, !mon);
    if (!strcmp(spec, "null") || !strcmp(spec, "none"))
        return console_new_fds(-1, -1, false);
    if (g_str_has_prefix(spec, "file:") && spec[5]) {
        Console *c = new_file(spec + 5, false);
        if (!c)
            g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "-serial %s: %s", spec, g_strerror(errno));
        return c;
    }
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                "-serial %s: not one of mon:stdio, stdio, null, none, file:PATH", spec);
    return NULL;
}

Console *console_new_chardev(const ChardevItem *item, GError **error)
{
    if (item->kind == CHARDEV_STDIO)
        return new_stdio(item->mux, !item->no_signals);
    if (item->kind == CHARDEV_NULL)
        return console_new_fds(-1, -1, false);
    Console *c = new_file(item->path, item->append);
    if (!c)
        g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "-chardev file,path=%s: %s", item->path,
                    g_strerror(errno));
    return c;
}

static void drop_source(GSource **source)
{
    if (!*source)
        return;
    g_source_destroy(*source);
    g_source_unref(*source);
    *source = NULL;
}

void console_free(Console *c)
{
    if (!c)
        return;
    drop_source(&c->source);
    drop_source(&c->out_source);
    if (c->context)
        g_main_context_unref(c->context);
    if (c->raw)
        terminal_restore();
    if (c->own_out)
        close(c->out_fd);
    close(c->wake_fd);
    g_byte_array_free(c->queue, TRUE);
    g_mutex_clear(&c->lock);
    g_free(c);
}

bool console_has_commands(const Console *c)
{
    return c->commands && c->in_tty;
}

bool console_reads_commands(const Console *c)
{
    return c->commands;
}

bool console_is_tty(const Console *c)
{
    return c->in_tty && c->out_tty;
}

void console_set_user(Console *c, const ConsoleUser *user)
{
    c->user = *user;
}

void console_set_input_handler(Console *c, void (*input)(void *opaque), void *opaque)
{
    c->user = (ConsoleUser){.opaque = opaque, .input = input};
}

void console_set_quit_handler(Console *c, void (*quit)(void *opaque), void *opaque)
{
    c->quit = quit;
    c->quit_opaque = opaque;
}

void console_set_monitor(Console *c, const ConsoleMonitor *monitor, bool focus)
{
    c->monitor = *monitor;
    c->at_monitor = focus;
}

bool console_write(Console *c, const void *data, size_t size)
{
    if (c->out_fd < 0)
        return true;
    for (const uint8_t *p = data; size;) {
        ssize_t n = write(c->out_fd, p, size);
        if (n > 0) {
            p += n;
            size -= (size_t)n;
        } else if (n < 0 && errno == EAGAIN) { // somebody else made the shared terminal non-blocking
            poll(&(struct pollfd){.fd = c->out_fd, .events = POLLOUT}, 1, -1);
        } else if (n < 0 && errno != EINTR) {
            g_atomic_int_compare_and_exchange(&c->write_error, 0, errno);
            return false;
        }
    }
    return true;
}

static gboolean on_writable(int fd G_GNUC_UNUSED, GIOCondition condition G_GNUC_UNUSED, void *data)
{
    Console *c = data;
    g_mutex_lock(&c->lock);
    g_clear_pointer(&c->out_source, g_source_unref);
    g_mutex_unlock(&c->lock);
    if (c->user.output)
        c->user.output(c->user.opaque);
    return G_SOURCE_REMOVE;
}

// Calls the user when there is room in the output.
static void watch_output(Console *c)
{
    g_mutex_lock(&c->lock);
    if (c->context && !c->out_source) {
        c->out_source = g_unix_fd_source_new(c->out_fd, G_IO_OUT | G_IO_HUP | G_IO_ERR);
        g_source_set_callback(c->out_source, G_SOURCE_FUNC(on_writable), c, NULL);
        g_source_attach(c->out_source, c->context);
    }
    g_mutex_unlock(&c->lock);
}

size_t console_write_some(Console *c, const void *data, size_t size)
{
    size_t done = 0;
    while (c->out_fd >= 0 && done < size) {
        struct pollfd p = {.fd = c->out_fd, .events = POLLOUT};
        if (!poll(&p, 1, 0)) {
            watch_output(c);
            return done;
        }
        size_t n = MIN(size - done, PIPE_BUF); // so much goes into a pipe that has room, without waiting
        if (!console_write(c, (const uint8_t *)data + done, n))
            break;
        done += n;
    }
    return size; // or nobody will ever take the rest
}

int console_write_error(Console *c)
{
    return g_atomic_int_get(&c->write_error);
}

static void say(Console *c, const char *text)
{
    console_write(c, text, strlen(text));
}

static void print_help(Console *c)
{
    say(c, "\r\nCtrl-A h  this help\r\nCtrl-A x  quit\r\n");
    if (c->monitor.typed)
        say(c, "Ctrl-A c  to the monitor and back\r\n");
    say(c, "Ctrl-A Ctrl-A  send Ctrl-A\r\n");
}

static size_t queued(const Console *c)
{
    return c->queue->len - c->taken;
}

// Lock held, as below.
static void give(Console *c, uint8_t byte)
{
    if (c->at_monitor)
        c->monitor.typed(c->monitor.opaque, &byte, 1);
    else
        g_byte_array_append(c->queue, &byte, 1);
}

static void change_focus(Console *c)
{
    if (!c->monitor.typed) {
        say(c, "\r\nthere is no monitor\r\n");
        return;
    }
    c->at_monitor = !c->at_monitor;
    c->monitor.focus(c->monitor.opaque, c->at_monitor);
}

// Sorts bytes from the host into the queue and commands. Returns true for Ctrl-A x. Lock held.
static bool accept_bytes(Console *c, const uint8_t *data, size_t n)
{
    bool quit = false;
    for (size_t i = 0; i < n; i++) {
        uint8_t b = data[i];
        if (c->commands && !c->escaped && b == CTRL_A) {
            c->escaped = true;
            continue;
        }
        if (!c->escaped || b == CTRL_A)
            give(c, b);
        else if (b == 'x')
            quit = true;
        else if (b == 'h')
            print_help(c);
        else if (b == 'c')
            change_focus(c);
        c->escaped = false;
    }
    return quit;
}

static bool full(const Console *c)
{
    return !c->in_tty && queued(c) >= QUEUE_LIMIT;
}

// Moves what the host has into the queue without blocking, and calls the handlers (tell: also the one for input).
// Returns false when there is no point in watching the descriptor: end of input, or the queue is full.
static bool pump(Console *c, bool tell)
{
    uint8_t buffer[4096];
    bool quit = false, got = false, ended = false;
    g_mutex_lock(&c->lock);
    struct pollfd p = {.fd = c->in_fd, .events = POLLIN};
    if (!c->eof && !full(c) && poll(&p, 1, 0) == 1) {
        ssize_t n = read(c->in_fd, buffer, sizeof buffer);
        if (n > 0) {
            quit = accept_bytes(c, buffer, (size_t)n);
            got = queued(c) > 0;
            eventfd_write(c->wake_fd, 1);
        } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
            c->eof = ended = true;
            eventfd_write(c->wake_fd, 1);
        }
    }
    bool more = !c->eof && !full(c);
    g_mutex_unlock(&c->lock);
    if (quit && c->quit)
        c->quit(c->quit_opaque);
    if (tell && got && c->user.input)
        c->user.input(c->user.opaque);
    if (tell && ended && c->user.ended)
        c->user.ended(c->user.opaque);
    return more;
}

static gboolean on_readable(int fd G_GNUC_UNUSED, GIOCondition condition G_GNUC_UNUSED, void *data)
{
    Console *c = data;
    if (pump(c, true))
        return G_SOURCE_CONTINUE;
    g_mutex_lock(&c->lock);
    bool drop = (c->eof || full(c)) && c->source;
    if (drop)
        g_clear_pointer(&c->source, g_source_unref);
    g_mutex_unlock(&c->lock);
    return drop ? G_SOURCE_REMOVE : G_SOURCE_CONTINUE;
}

// Lock held.
static void watch(Console *c)
{
    if (!c->context || c->source || c->eof || full(c))
        return;
    c->source = g_unix_fd_source_new(c->in_fd, G_IO_IN | G_IO_HUP | G_IO_ERR);
    g_source_set_callback(c->source, G_SOURCE_FUNC(on_readable), c, NULL);
    g_source_attach(c->source, c->context);
}

void console_attach(Console *c, GMainContext *context)
{
    g_mutex_lock(&c->lock);
    g_assert(!c->context);
    c->context = context ? g_main_context_ref(context) : g_main_context_ref(g_main_context_default());
    watch(c);
    g_mutex_unlock(&c->lock);
}

// Lock held.
static size_t take(Console *c, void *data, size_t size)
{
    size_t n = MIN(size, queued(c));
    if (n)
        memcpy(data, c->queue->data + c->taken, n);
    c->taken += n;
    if (c->taken == c->queue->len || c->taken > QUEUE_LIMIT) {
        g_byte_array_remove_range(c->queue, 0, (guint)c->taken);
        c->taken = 0;
    }
    watch(c);
    return n;
}

size_t console_read(Console *c, void *data, size_t size, bool wait)
{
    for (bool pumped = false;; pumped = true) {
        g_mutex_lock(&c->lock);
        size_t n = take(c, data, size);
        // What a file holds is there at once: the main loop's timing must not show in a run that is to repeat exactly.
        bool more = wait || (c->in_file && !pumped);
        bool done = n || !size || !more || c->eof || c->stopped;
        eventfd_t ignored;
        if (!done)
            eventfd_read(c->wake_fd, &ignored);
        g_mutex_unlock(&c->lock);
        if (done)
            return n;
        struct pollfd p[2] = {{.fd = c->in_fd, .events = POLLIN}, {.fd = c->wake_fd, .events = POLLIN}};
        if (wait)
            poll(p, 2, -1);
        pump(c, wait);
    }
}

bool console_ended(Console *c)
{
    g_mutex_lock(&c->lock);
    bool ended = c->in_fd >= 0 && c->eof && !queued(c);
    g_mutex_unlock(&c->lock);
    return ended;
}

bool console_size(const Console *c, unsigned *columns, unsigned *rows)
{
    struct winsize size;
    if (!c->out_tty || ioctl(c->out_fd, TIOCGWINSZ, &size))
        return false;
    *columns = size.ws_col;
    *rows = size.ws_row;
    return true;
}

void console_resized(Console *c)
{
    if (c->user.resized && c->out_tty)
        c->user.resized(c->user.opaque);
}

void console_stop(Console *c)
{
    g_mutex_lock(&c->lock);
    c->stopped = true;
    eventfd_write(c->wake_fd, 1);
    g_mutex_unlock(&c->lock);
}
