// SPDX-License-Identifier: GPL-3.0-or-later
// A network of the program's own: libslirp, in a thread. Only that thread calls it; frames pass through two queues.
#include "machine/net_user.h"

#include "softmmu/memory.h"
#include "util/clock.h"
#include "util/log.h"
#include <arpa/inet.h>
#include <errno.h>
#include <gio/gio.h>
#include <libslirp.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define SENT_MAX     256  // frames from the guest that wait for the thread
#define RECEIVED_MAX 4096 // frames that wait for the guest: more than all windows of some connections

typedef struct {
    SlirpTimerCb fire;
    void *opaque;
    int64_t at_ms; // INT64_MAX: not armed
} Timer;

struct NetUser {
    Slirp *slirp;
    GThread *thread;
    int wake_fd;
    GArray *fds;       // of struct pollfd: wake_fd, then libslirp's; the thread's, as timers are
    GPtrArray *timers; // of Timer *
    GMutex lock;       // everything below
    bool stop;
    GQueue sent, received; // of GBytes *
    bool told;             // the card knows that something was received
    bool waiting;          // the card had no room to send
    void (*ready)(void *opaque);
    void *opaque;
};

// --- what libslirp calls -------------------------------------------------------------------------------------------

static ssize_t on_packet(const void *data, size_t size, void *opaque)
{
    NetUser *n = opaque;
    g_mutex_lock(&n->lock);
    if (n->received.length < RECEIVED_MAX)
        g_queue_push_tail(&n->received, g_bytes_new(data, size));
    g_mutex_unlock(&n->lock);
    return (ssize_t)size;
}

static void on_guest_error(const char *message, void *opaque G_GNUC_UNUSED)
{
    if (log_on(LOG_GUEST_ERROR))
        log_printf("network: %s\n", message);
}

static int64_t now_ns(void *opaque G_GNUC_UNUSED)
{
    return (int64_t)clock_ns(CLOCK_MONOTONIC);
}

static void *timer_new(SlirpTimerCb fire, void *fire_opaque, void *opaque)
{
    Timer *t = g_new(Timer, 1);
    *t = (Timer){fire, fire_opaque, INT64_MAX};
    g_ptr_array_add(((NetUser *)opaque)->timers, t);
    return t;
}

static void timer_free(void *timer, void *opaque)
{
    g_ptr_array_remove(((NetUser *)opaque)->timers, timer);
    g_free(timer);
}

static void timer_arm(void *timer, int64_t at_ms, void *opaque G_GNUC_UNUSED)
{
    ((Timer *)timer)->at_ms = at_ms;
}

static void ignore_fd(int fd G_GNUC_UNUSED, void *opaque G_GNUC_UNUSED)
{
}

static void ignore(void *opaque G_GNUC_UNUSED) // the thread looks at everything in each round
{
}

static int add_fd(int fd, int events, void *opaque)
{
    NetUser *n = opaque;
    struct pollfd p = {.fd = fd};
    p.events |= events & SLIRP_POLL_IN ? POLLIN : 0;
    p.events |= events & SLIRP_POLL_OUT ? POLLOUT : 0;
    p.events |= events & SLIRP_POLL_PRI ? POLLPRI : 0;
    g_array_append_val(n->fds, p);
    return (int)n->fds->len - 1;
}

static int get_events(int index, void *opaque)
{
    short got = g_array_index(((NetUser *)opaque)->fds, struct pollfd, index).revents;
    return (got & POLLIN ? SLIRP_POLL_IN : 0) | (got & POLLOUT ? SLIRP_POLL_OUT : 0) |
           (got & POLLPRI ? SLIRP_POLL_PRI : 0) | (got & POLLERR ? SLIRP_POLL_ERR : 0) |
           (got & POLLHUP ? SLIRP_POLL_HUP : 0);
}

static const SlirpCb callbacks = {
    .send_packet = on_packet,
    .guest_error = on_guest_error,
    .clock_get_ns = now_ns,
    .timer_new = timer_new,
    .timer_free = timer_free,
    .timer_mod = timer_arm,
    .register_poll_fd = ignore_fd,
    .unregister_poll_fd = ignore_fd,
    .notify = ignore,
};

// --- the thread ----------------------------------------------------------------------------------------------------

// How long poll may wait: libslirp's timers, and those that it has given away.
static int patience_ms(const NetUser *n, uint32_t slirp_ms)
{
    int64_t now = now_ns(NULL) / 1000000, wait = MIN(slirp_ms, (uint32_t)G_MAXINT);
    for (guint i = 0; i < n->timers->len; i++)
        wait = MIN(wait, MAX(((const Timer *)n->timers->pdata[i])->at_ms - now, 0));
    return wait == G_MAXINT ? -1 : (int)wait;
}

static void run_timers(NetUser *n)
{
    int64_t now = now_ns(NULL) / 1000000;
    for (guint i = 0; i < n->timers->len; i++) {
        Timer *t = n->timers->pdata[i];
        if (t->at_ms > now)
            continue;
        t->at_ms = INT64_MAX;
        t->fire(t->opaque); // may arm it again, and frees none
    }
}

static void look_at_sockets(NetUser *n)
{
    uint32_t timeout = UINT32_MAX;
    struct pollfd wake = {.fd = n->wake_fd, .events = POLLIN};
    eventfd_t ignored;
    g_array_set_size(n->fds, 0);
    g_array_append_val(n->fds, wake);
    slirp_pollfds_fill(n->slirp, &timeout, add_fd, n);
    int r = poll((struct pollfd *)n->fds->data, n->fds->len, patience_ms(n, timeout));
    eventfd_read(n->wake_fd, &ignored);
    slirp_pollfds_poll(n->slirp, r < 0, get_events, n);
}

// Hands over what the guest has sent. False: the thread shall end.
static bool take_sent(NetUser *n)
{
    GQueue frames = G_QUEUE_INIT;
    g_mutex_lock(&n->lock);
    bool stop = n->stop;
    frames = n->sent;
    g_queue_init(&n->sent);
    g_mutex_unlock(&n->lock);
    for (GBytes *b; (b = g_queue_pop_head(&frames)); g_bytes_unref(b)) {
        gsize size;
        const uint8_t *data = g_bytes_get_data(b, &size);
        if (!stop)
            slirp_input(n->slirp, data, (int)size);
    }
    return !stop;
}

static void tell_card(NetUser *n)
{
    g_mutex_lock(&n->lock);
    bool wanted = (n->received.length && !n->told) || n->waiting;
    n->told |= n->received.length > 0;
    n->waiting = false;
    g_mutex_unlock(&n->lock);
    if (!wanted)
        return;
    memory_lock();
    if (n->ready) // changed under the big lock only
        n->ready(n->opaque);
    memory_unlock();
}

static gpointer run(gpointer opaque)
{
    NetUser *n = opaque;
    do {
        look_at_sockets(n);
        run_timers(n);
        bool go_on = take_sent(n);
        if (!go_on)
            break;
        tell_card(n);
    } while (true);
    return NULL;
}

// --- the card's side -----------------------------------------------------------------------------------------------

void net_user_set_card(NetUser *n, void (*ready)(void *opaque), void *opaque)
{
    g_mutex_lock(&n->lock);
    n->ready = ready;
    n->opaque = opaque;
    n->told = false;
    g_mutex_unlock(&n->lock);
}

bool net_user_send(NetUser *n, const void *frame, size_t size)
{
    g_assert(size >= NET_FRAME_MIN && size <= NET_FRAME_MAX);
    g_mutex_lock(&n->lock);
    bool first = !n->sent.length, room = n->sent.length < SENT_MAX;
    if (room)
        g_queue_push_tail(&n->sent, g_bytes_new(frame, size));
    else
        n->waiting = true;
    g_mutex_unlock(&n->lock);
    if (first)
        eventfd_write(n->wake_fd, 1);
    return room;
}

GBytes *net_user_take(NetUser *n)
{
    g_mutex_lock(&n->lock);
    GBytes *frame = g_queue_pop_head(&n->received);
    if (!frame)
        n->told = false;
    g_mutex_unlock(&n->lock);
    return frame;
}

// --- life ----------------------------------------------------------------------------------------------------------

static struct in_addr ipv4(uint32_t address)
{
    return (struct in_addr){htonl(address)};
}

static struct in6_addr ipv6(uint8_t last)
{
    return (struct in6_addr){.s6_addr = {0xfe, 0xc0, [15] = last}};
}

static Slirp *start_slirp(NetUser *n, const NetItem *item)
{
    const SlirpConfig config = { // the addresses are QEMU's
        .version = 1,
        .restricted = item->restricted,
        .in_enabled = true,
        .vnetwork = ipv4(0x0a000200),
        .vnetmask = ipv4(0xffffff00),
        .vhost = ipv4(0x0a000202),
        .in6_enabled = true,
        .vprefix_addr6 = ipv6(0),
        .vprefix_len = 64,
        .vhost6 = ipv6(2),
        .vdhcp_start = ipv4(0x0a00020f),
        .vnameserver = ipv4(0x0a000203),
        .vnameserver6 = ipv6(3),
    };
    return slirp_new(&config, &callbacks, n);
}

static bool add_forwards(NetUser *n, unsigned index, const GArray *forwards, GError **error)
{
    for (guint i = 0; i < forwards->len; i++) {
        const NetForward *f = &g_array_index(forwards, NetForward, i);
        if (f->netdev != index)
            continue;
        errno = 0;
        if (slirp_add_hostfwd(n->slirp, f->udp, ipv4(f->host), f->host_port, ipv4(f->guest), f->guest_port)) {
            int saved = errno ? errno : EADDRINUSE;
            g_set_error(error, G_IO_ERROR, g_io_error_from_errno(saved), "-netdev user,hostfwd=%s: %s", f->text,
                        g_strerror(saved));
            return false;
        }
    }
    return true;
}

NetUser *net_user_new(const NetItem *item, unsigned index, const GArray *forwards, GError **error)
{
    NetUser *n = g_new0(NetUser, 1);
    g_mutex_init(&n->lock);
    g_queue_init(&n->sent);
    g_queue_init(&n->received);
    n->fds = g_array_new(FALSE, FALSE, sizeof(struct pollfd));
    n->timers = g_ptr_array_new();
    n->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    n->slirp = start_slirp(n, item);
    if (!add_forwards(n, index, forwards, error)) {
        net_user_free(n);
        return NULL;
    }
    n->thread = g_thread_new("network", run, n);
    return n;
}

static void free_frame(gpointer frame)
{
    g_bytes_unref(frame);
}

void net_user_free(NetUser *n)
{
    if (!n)
        return;
    g_mutex_lock(&n->lock);
    n->stop = true;
    g_mutex_unlock(&n->lock);
    eventfd_write(n->wake_fd, 1);
    if (n->thread)
        g_thread_join(n->thread);
    slirp_cleanup(n->slirp);
    g_queue_clear_full(&n->sent, free_frame);
    g_queue_clear_full(&n->received, free_frame);
    g_array_free(n->fds, TRUE);
    g_ptr_array_free(n->timers, TRUE);
    close(n->wake_fd);
    g_mutex_clear(&n->lock);
    g_free(n);
}
