// SPDX-License-Identifier: GPL-3.0-or-later
// Virtio's console device (virtio 1.2, 5.3): ports, each with a console of the host behind it.
//
// A single console at port 0 is all there is without VIRTIO_CONSOLE_F_MULTIPORT, which is offered when there are other
// ports; then two control queues tell each side what the other has opened.
//
// Nothing is lost either way. What the host cannot take stays in its chain, which the driver gets back when all of it
// was taken; what the driver gives no room for, or arrives while it has not opened the port, waits in the console.
#include "machine/devices/virtio.h"

#include "util/log.h"
#include <string.h>

enum { F_SIZE = 0, F_MULTIPORT = 1, F_EMERG_WRITE = 2 };
enum { CONFIG_COLS = 0, CONFIG_ROWS = 2, CONFIG_PORTS = 4, CONFIG_EMERG_WR = 8, CONFIG_SIZE = 12 };
enum { CONTROL_RX = 2, CONTROL_TX = 3 }; // queues; receive and transmit are the driver's view
enum { DEVICE_READY, PORT_ADD, PORT_REMOVE, PORT_READY, CONSOLE_PORT, RESIZE, PORT_OPEN, PORT_NAME }; // events

#define PIECE 4096 // bytes between a chain and the console

typedef struct Serial Serial;

typedef struct {
    Serial *serial;
    bool there;
    VirtioPort item;
    bool ready, guest_open; // for the driver; by the driver
    bool told_open;         // what the driver knows of the other side
    unsigned untold;        // events that the driver shall be told, by bit
    uint64_t sent;          // of the next chain to transmit
} Port;

struct Serial {
    VirtioDevice virtio;
    Port ports[VIRTIO_PORTS];
    Port *port; // whose chains are being served
};

typedef struct { // a control message, little-endian; a name follows
    uint32_t id;
    uint16_t event, value;
} Control;

static bool multiport(const Serial *s)
{
    return virtio_has(&s->virtio, F_MULTIPORT);
}

static unsigned number(const Port *p)
{
    return (unsigned)(p - p->serial->ports);
}

static unsigned rx_queue(const Port *p)
{
    return number(p) ? 2 * number(p) + 2 : 0;
}

// The port of a queue that is not for control.
static Port *port_of(Serial *s, unsigned queue)
{
    return &s->ports[queue < CONTROL_RX ? 0 : queue / 2 - 1];
}

static Console *console_of(const Port *p)
{
    return p->there ? p->item.console : NULL;
}

// --- data ----------------------------------------------------------------------------------------------------------

// Runs that repeat wait for the host.
static size_t put(const Port *p, const uint8_t *data, size_t size)
{
    Console *c = console_of(p);
    if (!c)
        return size;
    if (!p->serial->virtio.slot->bus->repeats)
        return console_write_some(c, data, size);
    console_write(c, data, size);
    return size;
}

static uint32_t transmit(VirtioDevice *v, const VirtioChain *c)
{
    Port *p = ((Serial *)v)->port;
    uint8_t data[PIECE];
    if (c->in) {
        virtio_broken(v, "a buffer to write among those to transmit");
        return 0;
    }
    p->sent = MIN(p->sent, c->out); // the driver may have changed its mind
    while (p->sent < c->out) {
        size_t n = MIN(c->out - p->sent, sizeof data);
        if (!virtio_chain_read(v, c, p->sent, data, n))
            return 0;
        size_t done = put(p, data, n);
        p->sent += done;
        if (done < n)
            return VIRTIO_LATER;
    }
    p->sent = 0;
    return 0;
}

// Whether the driver wants what was typed: at a console always.
static bool open_for_input(const Port *p)
{
    return console_of(p) && (p->guest_open || p->item.is_console || !multiport(p->serial));
}

static uint32_t receive(VirtioDevice *v, const VirtioChain *c)
{
    Port *p = ((Serial *)v)->port;
    uint8_t data[PIECE];
    uint64_t done = 0;
    if (c->out) {
        virtio_broken(v, "a buffer to read among those to receive");
        return 0;
    }
    if (!open_for_input(p))
        return VIRTIO_LATER;
    while (done < c->in) {
        size_t n = console_read(console_of(p), data, MIN(c->in - done, sizeof data), false);
        if (!n)
            break;
        if (!virtio_chain_write(v, c, done, data, n))
            return 0;
        done += n;
    }
    return done || !c->in ? (uint32_t)done : VIRTIO_LATER;
}

// --- control -------------------------------------------------------------------------------------------------------

static bool host_open(const Port *p)
{
    return console_of(p) && (p->item.is_console || !console_ended(console_of(p)));
}

// The next port of which the driver does not know everything.
static Port *untold(Serial *s)
{
    for (unsigned i = 0; i < VIRTIO_PORTS; i++)
        if (s->ports[i].untold)
            return &s->ports[i];
    return NULL;
}

// Tells the driver one thing.
static uint32_t tell(VirtioDevice *v, const VirtioChain *c)
{
    Port *p = untold((Serial *)v);
    if (c->out) {
        virtio_broken(v, "a buffer to read among those for control messages");
        return 0;
    }
    if (!p)
        return VIRTIO_LATER;
    unsigned event = (unsigned)__builtin_ctz(p->untold); // PORT_ADD is the first
    bool value = event != PORT_OPEN || host_open(p);
    Control m = {GUINT32_TO_LE(number(p)), GUINT16_TO_LE(event), GUINT16_TO_LE(value)};
    size_t name = event == PORT_NAME ? strlen(p->item.name) : 0;
    if (c->in < sizeof m + name) {
        virtio_broken(v, "no room for a control message");
        return 0;
    }
    p->untold &= ~(1u << event);
    if (event == PORT_OPEN)
        p->told_open = value;
    if (!virtio_chain_write(v, c, 0, &m, sizeof m) || (name && !virtio_chain_write(v, c, sizeof m, p->item.name, name)))
        return 0;
    return (uint32_t)(sizeof m + name);
}

static void obey(Serial *s, uint32_t id, unsigned event, bool value)
{
    Port *p = id < VIRTIO_PORTS && s->ports[id].there ? &s->ports[id] : NULL;
    if (event == DEVICE_READY) {
        for (unsigned i = 0; value && i < VIRTIO_PORTS; i++)
            if (s->ports[i].there)
                s->ports[i].untold |= 1 << PORT_ADD;
    } else if (p && event == PORT_READY && value) {
        p->ready = true;
        p->untold |= (p->item.is_console ? 1 << CONSOLE_PORT : 0) | (p->item.name ? 1 << PORT_NAME : 0);
        p->untold |= host_open(p) ? 1 << PORT_OPEN : 0;
    } else if (p && event == PORT_OPEN) {
        p->guest_open = value;
        virtio_defer(&s->virtio, rx_queue(p));
    } else if (!p && log_on(LOG_GUEST_ERROR)) {
        log_printf("%s: control message %u for port %u, which is not there\n", s->virtio.type->name, event, id);
    }
}

static uint32_t listen(VirtioDevice *v, const VirtioChain *c)
{
    Control m;
    if (c->in || c->out < sizeof m)
        virtio_broken(v, "a control message that is none");
    else if (virtio_chain_read(v, c, 0, &m, sizeof m))
        obey((Serial *)v, GUINT32_FROM_LE(m.id), GUINT16_FROM_LE(m.event), m.value);
    return 0;
}

// What was typed has ended, and the driver has got all of it.
static void tell_end(Port *p)
{
    if (!p->ready || p->told_open == host_open(p))
        return;
    p->untold |= 1 << PORT_OPEN;
    virtio_notify(&p->serial->virtio, CONTROL_RX);
}

static void notify(VirtioDevice *v, unsigned queue)
{
    Serial *s = (Serial *)v;
    bool control = queue == CONTROL_RX || queue == CONTROL_TX;
    if (queue >= CONTROL_RX && !multiport(s))
        return;
    if (control) {
        virtio_serve(v, queue, queue == CONTROL_RX ? tell : listen);
        if (queue == CONTROL_TX)
            virtio_notify(v, CONTROL_RX);
        return;
    }
    s->port = port_of(s, queue);
    virtio_serve(v, queue, queue & 1 ? transmit : receive);
    if (multiport(s) && !(queue & 1))
        tell_end(port_of(s, queue));
}

// --- what the console says, on any thread --------------------------------------------------------------------------

static void serve_soon(const Port *p, unsigned queue)
{
    memory_lock();
    virtio_notify_soon(&p->serial->virtio, queue);
    memory_unlock();
}

static void on_input(void *opaque)
{
    serve_soon(opaque, rx_queue(opaque));
}

static void on_output(void *opaque)
{
    serve_soon(opaque, rx_queue(opaque) + 1);
}

static void put_size(Port *p)
{
    unsigned columns = 0, rows = 0;
    console_size(p->item.console, &columns, &rows);
    virtio_set_config(&p->serial->virtio, CONFIG_COLS, columns, 2);
    virtio_set_config(&p->serial->virtio, CONFIG_ROWS, rows, 2);
}

static void on_resized(void *opaque)
{
    Port *p = opaque;
    memory_lock();
    put_size(p);
    virtio_config_changed(&p->serial->virtio);
    memory_unlock();
}

// --- life ----------------------------------------------------------------------------------------------------------

// Output in an emergency, before there is a driver (5.3.4).
static void config_written(VirtioDevice *v, unsigned at, uint8_t byte)
{
    Console *c = console_of(&((Serial *)v)->ports[0]);
    if (at == CONFIG_EMERG_WR && c)
        console_write(c, &byte, 1);
}

static void reset(VirtioDevice *v)
{
    Serial *s = (Serial *)v;
    for (unsigned i = 0; i < VIRTIO_PORTS; i++) {
        Port *p = &s->ports[i];
        p->ready = p->guest_open = p->told_open = false;
        p->untold = 0;
        p->sent = 0;
    }
}

static void add_port(Serial *s, const VirtioPort *item)
{
    Port *p = &s->ports[item->nr];
    p->there = true;
    p->item = *item;
    if (!item->console)
        return;
    ConsoleUser user = {p, on_input, on_input, on_output, NULL};
    unsigned columns, rows;
    if (!item->nr && console_size(item->console, &columns, &rows)) {
        s->virtio.offered |= 1 << F_SIZE;
        user.resized = on_resized;
        put_size(p);
    }
    console_set_user(item->console, &user);
}

static bool realize(VirtioDevice *v, const VirtioItem *item, GError **error G_GNUC_UNUSED)
{
    Serial *s = (Serial *)v;
    unsigned ports = 1;
    for (unsigned i = 0; i < VIRTIO_PORTS; i++)
        s->ports[i].serial = s;
    for (unsigned i = 0; i < item->n_ports; i++) {
        add_port(s, &item->ports[i]);
        ports = MAX(ports, (unsigned)item->ports[i].nr + 1);
    }
    virtio_set_config(v, CONFIG_PORTS, ports, 4);
    v->offered |= 1 << F_EMERG_WRITE;
    if (item->n_ports != 1 || !s->ports[0].there) {
        v->offered |= 1 << F_MULTIPORT;
        v->n_queues = 2 * (ports + 1);
    }
    return true;
}

static void unrealize(VirtioDevice *v)
{
    Serial *s = (Serial *)v;
    for (unsigned i = 0; i < VIRTIO_PORTS; i++)
        if (console_of(&s->ports[i]))
            console_set_user(s->ports[i].item.console, &(ConsoleUser){0});
}

const VirtioType virtio_console = {
    "virtio-serial-device", 3, sizeof(Serial), 2, CONFIG_SIZE, realize, unrealize, reset, notify, config_written,
};
