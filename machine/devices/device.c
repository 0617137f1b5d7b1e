// SPDX-License-Identifier: GPL-3.0-or-later
// What all devices have in common, and the list of a board's devices.
#include "machine/devices/device.h"

#include <inttypes.h>
#include <string.h>

void device_bus_init(DeviceBus *bus)
{
    memory_owner_init(&bus->unattached, "container", "/machine/unattached", false, NULL);
    bus->devices = g_ptr_array_new();
    bus->regions = g_ptr_array_new();
    bus->timers = g_ptr_array_new();
}

static void free_device(Device *d)
{
    g_free(d->path);
    g_free(d->id);
    g_free(d);
}

void device_bus_deinit(DeviceBus *bus)
{
    while (bus->devices->len) {
        Device *d = bus->devices->pdata[bus->devices->len - 1];
        g_ptr_array_set_size(bus->devices, (gint)bus->devices->len - 1);
        d->type->unrealize(d);
        free_device(d);
    }
    g_ptr_array_free(bus->devices, TRUE);
    g_ptr_array_free(bus->regions, TRUE);
    g_ptr_array_free(bus->timers, TRUE);
}

char *device_new_path(DeviceBus *bus)
{
    return g_strdup_printf("/machine/unattached/device[%u]", bus->numbered++);
}

static void set_owner(Device *d)
{
    const DeviceType *type = d->type;
    d->path = device_property(d, "path");
    d->id = device_property(d, "id");
    bool device = d->path || d->id || type->owning == DEVICE_OWNS;
    if (!d->path && type->owning == DEVICE_OWNS)
        d->path = device_new_path(d->bus);
    else if (!d->path && type->owning == DEVICE_IS_MEMORY && !d->row->size)
        d->path = g_strdup_printf("/objects/%s", d->row->name);
    memory_owner_init(&d->owner, type->name, d->path, device, NULL);
    d->owner.id = d->id;
}

Device *device_new(DeviceBus *bus, const DeviceRow *row, GError **error)
{
    Device *d = g_malloc0(row->type->size);
    d->type = row->type;
    d->row = row;
    d->bus = bus;
    set_owner(d);
    if (!row->type->realize(d, error)) {
        free_device(d);
        return NULL;
    }
    if (row->type->set_irq && !bus->interrupts)
        bus->interrupts = d;
    g_ptr_array_add(bus->devices, d);
    return d;
}

void device_bus_reset(DeviceBus *bus)
{
    for (guint i = 0; i < bus->devices->len; i++) {
        Device *d = bus->devices->pdata[i];
        if (d->type->reset)
            d->type->reset(d);
    }
}

// --- properties ----------------------------------------------------------------------------------------------------

char *device_property(const Device *d, const char *name)
{
    size_t length = strlen(name);
    for (const char *p = d->row->properties; p && *p;) {
        size_t n = strcspn(p, ",");
        if (n > length && p[length] == '=' && !strncmp(p, name, length))
            return g_strndup(p + length + 1, n - length - 1);
        p += n + (p[n] == ',');
    }
    return NULL;
}

uint64_t device_property_number(const Device *d, const char *name, uint64_t otherwise)
{
    g_autofree char *text = device_property(d, name);
    return text ? g_ascii_strtoull(text, NULL, 0) : otherwise;
}

// --- regions -------------------------------------------------------------------------------------------------------

MemoryRegion *device_region(const DeviceBus *bus, const char *name)
{
    for (guint i = 0; i < bus->regions->len; i++) {
        MemoryRegion *mr = bus->regions->pdata[i];
        if (!strcmp(mr->name, name))
            return mr;
    }
    g_assert_not_reached();
}

void device_own(Device *d, MemoryRegion *mr)
{
    if (mr->owner)
        return;
    if (d->path || d->id)
        memory_region_set_owner(mr, &d->owner);
    else
        memory_region_set_parent(mr, &d->bus->unattached);
}

void device_map(Device *d, MemoryRegion *mr, uint64_t offset)
{
    g_autofree char *in = device_property(d, "in");
    MemoryRegion *parent = in && strcmp(in, "-") ? device_region(d->bus, in) : in ? NULL : d->bus->system;
    device_own(d, mr);
    g_ptr_array_add(d->bus->regions, mr);
    if (parent)
        memory_region_add_subregion_overlap(parent, d->row->base + offset, mr, d->row->priority);
}

void device_unmap(Device *d, MemoryRegion *mr)
{
    g_ptr_array_remove(d->bus->regions, mr);
    if (mr->container)
        memory_region_del_subregion(mr->container, mr);
}

void device_map_io(Device *d, const MemoryRegionOps *ops, uint64_t size)
{
    memory_region_init_io(&d->mr, ops, d, d->row->name, size);
    device_map(d, &d->mr, 0);
}

void device_unrealize(Device *d)
{
    device_unmap(d, &d->mr);
    memory_region_deinit(&d->mr);
}

// --- interrupts, console -------------------------------------------------------------------------------------------

void device_set_irq(const Device *d, bool level)
{
    Device *controller = d->bus->interrupts;
    if (controller && d->row->irq)
        controller->type->set_irq(controller, d->row->irq, level);
}

static void on_input(void *opaque)
{
    DeviceBus *bus = opaque;
    memory_lock();
    if (bus->console_reader->type->input)
        bus->console_reader->type->input(bus->console_reader);
    memory_unlock();
}

void device_want_input(Device *d)
{
    DeviceBus *bus = d->bus;
    if (!bus->console_reader && bus->console)
        console_set_input_handler(bus->console, on_input, bus);
    bus->console_reader = d;
}

size_t device_console_read(const Device *d, void *data, size_t size)
{
    const DeviceBus *bus = d->bus;
    return bus->console && bus->console_reader == d ? console_read(bus->console, data, size, false) : 0;
}

void device_console_write(const Device *d, uint8_t byte)
{
    if (d->bus->console)
        console_write(d->bus->console, &byte, 1);
}

// --- time ----------------------------------------------------------------------------------------------------------

uint64_t device_now_ns(const Device *d)
{
    return d->bus->hooks.clock_ns(d->bus->hooks.opaque);
}

void device_timer_init(DeviceTimer *t, Device *d, void (*fire)(void *opaque), void *opaque)
{
    *t = (DeviceTimer){d, UINT64_MAX, fire, opaque};
}

void device_timer_arm(DeviceTimer *t, uint64_t at_ns)
{
    if (t->at == at_ns)
        return;
    DeviceBus *bus = t->device->bus;
    t->at = at_ns;
    g_ptr_array_remove_fast(bus->timers, t);
    if (at_ns == UINT64_MAX)
        return;
    g_ptr_array_add(bus->timers, t);
    bus->hooks.deadline_changed(bus->hooks.opaque, 0); // hart 0's thread runs them
}

uint64_t device_bus_deadline(const DeviceBus *bus)
{
    uint64_t best = UINT64_MAX;
    for (guint i = 0; i < bus->timers->len; i++)
        best = MIN(best, ((const DeviceTimer *)bus->timers->pdata[i])->at);
    return best;
}

void device_bus_run_timers(DeviceBus *bus, uint64_t now_ns)
{
    for (guint i = 0; i < bus->timers->len;) {
        DeviceTimer *t = bus->timers->pdata[i];
        if (t->at > now_ns) {
            i++;
            continue;
        }
        t->at = UINT64_MAX;
        g_ptr_array_remove_index_fast(bus->timers, i);
        MemoryActor actor;
        memory_actor_begin(&actor, &t->device->owner);
        t->fire(t->opaque); // may arm itself again, later than now
        memory_actor_end(&actor);
        i = 0;
    }
}

// --- device tree ---------------------------------------------------------------------------------------------------

uint32_t device_phandle(const Device *d)
{
    uint64_t n = device_property_number(d, "phandle", 0);
    return n ? 2 * d->bus->harts + (uint32_t)n : 0;
}

void device_node(const Device *d, DtWriter *w, const char *name, const char *compatible, uint64_t size)
{
    const DeviceRow *row = d->row;
    dt_begin(w, "%s@%" PRIx64, name, row->base);
    if (device_phandle(d))
        dt_u32(w, "phandle", device_phandle(d));
    if (row->irq && d->bus->interrupts) {
        dt_u32(w, "interrupts", row->irq);
        dt_u32(w, "interrupt-parent", device_phandle(d->bus->interrupts));
    }
    dt_reg(w, row->base, size ? size : row->size);
    dt_words(w, "compatible", compatible);
}
