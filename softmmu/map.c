// SPDX-License-Identifier: GPL-3.0-or-later
// Mapped buffers and bounce buffers (spec 2.7).
#include "softmmu/memory_map.h"
#include "softmmu/bus.h"
#include "softmmu/space.h"
#include <pthread.h>

typedef struct {
    uint8_t *buffer;
    MemoryRegion *mr; // referred to; NULL: a bounce buffer
    ram_t ram;        // of mr: of the buffer
    gpa_t addr;       // of a bounce buffer
    uint64_t len;
    MemTxAttrs attrs;
} Mapping;

typedef struct {
    void (*notify)(void *opaque);
    void *opaque;
} Client;

struct MapState {
    pthread_mutex_t lock;
    GArray *mappings, *clients; // Mapping, Client
    uint64_t bounced;
};

MapState *map_state_new(void)
{
    MapState *m = g_new0(MapState, 1);
    pthread_mutex_init(&m->lock, NULL);
    m->mappings = g_array_new(FALSE, FALSE, sizeof(Mapping));
    m->clients = g_array_new(FALSE, FALSE, sizeof(Client));
    return m;
}

void map_state_free(MapState *m)
{
    g_assert(!m->mappings->len);
    g_array_free(m->mappings, TRUE);
    g_array_free(m->clients, TRUE);
    pthread_mutex_destroy(&m->lock);
    g_free(m);
}

// --- mapping -----------------------------------------------------------------------------------------------

static void add_mapping(AddressSpace *as, Mapping m)
{
    pthread_mutex_lock(&as->maps->lock);
    g_array_append_val(as->maps->mappings, m);
    pthread_mutex_unlock(&as->maps->lock);
}

// How many of len bytes from s on, which may be touched directly, are in one piece: neighbouring ranges, or translated
// pages, may go on with the same region.
static uint64_t extent(const FlatView *view, const MemorySection *s, gpa_t addr, uint64_t len, const BusAccess *a)
{
    uint64_t got = MIN(len, s->len);
    while (got < len && addr + got >= addr) {
        MemorySection next = bus_section(view, addr + got, a);
        if (next.mr != s->mr || next.offset != s->offset + got || !bus_direct(&next, a)) {
            break;
        }
        got += MIN(len - got, next.len);
    }
    return got;
}

static void *map_bounce(AddressSpace *as, gpa_t addr, uint64_t *len, bool is_write, MemTxAttrs attrs)
{
    MapState *m = as->maps;
    pthread_mutex_lock(&m->lock);
    *len = MIN(*len, MAP_BOUNCE_BYTES - m->bounced);
    m->bounced += *len;
    pthread_mutex_unlock(&m->lock);
    if (!*len) {
        return NULL;
    }
    uint8_t *buffer = g_malloc0(*len);
    add_mapping(as, (Mapping){buffer, NULL, 0, addr, *len, attrs});
    if (!is_write) {
        (void)address_space_read(as, addr, attrs, buffer, *len); // what fails reads as zero
    }
    return buffer;
}

void *address_space_map(AddressSpace *as, gpa_t addr, uint64_t *len, bool is_write, MemTxAttrs attrs)
{
    BusAccess a = {.attrs = attrs, .is_write = is_write, .into_rom = attrs.debug};
    if (!*len) {
        return NULL;
    }
    const FlatView *view = space_enter(as);
    MemorySection s = bus_section(view, addr, &a);
    bool direct = bus_direct(&s, &a);
    if (direct) {
        *len = extent(view, &s, addr, *len, &a);
        memory_region_ref(s.mr);
    }
    space_leave();
    if (!direct) {
        return map_bounce(as, addr, len, is_write, attrs);
    }
    add_mapping(as, (Mapping){s.host, s.mr, s.mr->ram->offset + s.offset, addr, *len, attrs});
    return s.host;
}

// --- unmapping ---------------------------------------------------------------------------------------------

static Mapping take_mapping(MapState *m, const void *buffer)
{
    guint i = 0;
    pthread_mutex_lock(&m->lock);
    while (i < m->mappings->len && g_array_index(m->mappings, Mapping, i).buffer != buffer) {
        i++;
    }
    g_assert(i < m->mappings->len);
    Mapping found = g_array_index(m->mappings, Mapping, i);
    g_array_remove_index_fast(m->mappings, i);
    pthread_mutex_unlock(&m->lock);
    return found;
}

static void call_clients(GArray *clients)
{
    for (guint i = 0; i < clients->len; i++) {
        Client *c = &g_array_index(clients, Client, i);
        c->notify(c->opaque);
    }
    g_array_free(clients, TRUE);
}

static void free_bounce(MapState *m, const Mapping *mapping)
{
    g_free(mapping->buffer);
    pthread_mutex_lock(&m->lock);
    m->bounced -= mapping->len;
    GArray *clients = m->clients; // each is called once
    m->clients = g_array_new(FALSE, FALSE, sizeof(Client));
    pthread_mutex_unlock(&m->lock);
    call_clients(clients);
}

void address_space_unmap(AddressSpace *as, void *buffer, bool is_write, uint64_t access_len)
{
    Mapping m = take_mapping(as->maps, buffer);
    g_assert(access_len <= m.len);
    if (m.mr) {
        if (is_write && access_len) {
            memory_ram_written(m.ram, access_len);
        }
        memory_region_unref(m.mr);
        return;
    }
    if (is_write) {
        (void)address_space_write(as, m.addr, m.attrs, buffer, access_len);
    }
    free_bounce(as->maps, &m);
}

// --- clients -----------------------------------------------------------------------------------------------

void address_space_register_map_client(AddressSpace *as, void (*notify)(void *opaque), void *opaque)
{
    MapState *m = as->maps;
    Client c = {notify, opaque};
    pthread_mutex_lock(&m->lock);
    bool room = m->bounced < MAP_BOUNCE_BYTES;
    if (!room) {
        g_array_append_val(m->clients, c);
    }
    pthread_mutex_unlock(&m->lock);
    if (room) {
        notify(opaque);
    }
}

void address_space_unregister_map_client(AddressSpace *as, void (*notify)(void *opaque), void *opaque)
{
    MapState *m = as->maps;
    pthread_mutex_lock(&m->lock);
    for (guint i = m->clients->len; i-- > 0;) {
        const Client *c = &g_array_index(m->clients, Client, i);
        if (c->notify == notify && c->opaque == opaque) {
            g_array_remove_index(m->clients, i);
        }
    }
    pthread_mutex_unlock(&m->lock);
}
