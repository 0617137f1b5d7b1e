// SPDX-License-Identifier: GPL-3.0-or-later
// The goldfish real-time clock: nanoseconds since 1970 in two halves, and one alarm.
//
// Reading the low half latches the high one. The clock is the board's, which starts at rtc_base_ns, plus what the guest
// has set. The alarm fires when the clock reaches it, at once if it has.
#include "machine/devices/devices.h"

#define SIZE 0x24

enum {
    TIME_LOW = 0x00,
    TIME_HIGH = 0x04,
    ALARM_LOW = 0x08,
    ALARM_HIGH = 0x0c,
    IRQ_ENABLED = 0x10,
    CLEAR_ALARM = 0x14,
    ALARM_STATUS = 0x18,
    CLEAR_INTERRUPT = 0x1c
};

typedef struct {
    Device device;
    DeviceTimer timer;
    uint64_t offset;    // what the guest added to the clock
    uint32_t high;      // latched
    uint64_t alarm;
    uint32_t alarm_high;
    bool running, pending, enabled;
} Rtc;

static uint64_t now(const Rtc *r)
{
    return r->device.bus->rtc_base_ns + device_now_ns(&r->device) + r->offset;
}

static void update(Rtc *r)
{
    device_set_irq(&r->device, r->pending && r->enabled);
}

static void stop_alarm(Rtc *r)
{
    r->running = false;
    device_timer_arm(&r->timer, UINT64_MAX);
}

static void on_alarm(void *opaque)
{
    Rtc *r = opaque;
    r->running = false;
    r->pending = true;
    update(r);
}

static void start_alarm(Rtc *r)
{
    uint64_t t = now(r), at;
    if ((int64_t)(r->alarm - t) <= 0) {
        stop_alarm(r);
        on_alarm(r);
        return;
    }
    r->running = true;
    bool never = __builtin_add_overflow(device_now_ns(&r->device), r->alarm - t, &at);
    device_timer_arm(&r->timer, never ? UINT64_MAX : at);
}

static uint64_t rtc_read(void *opaque, uint64_t addr, unsigned size G_GNUC_UNUSED)
{
    Rtc *r = opaque;
    uint64_t t;
    switch (addr) {
    case TIME_LOW:
        t = now(r);
        r->high = (uint32_t)(t >> 32);
        return (uint32_t)t;
    case TIME_HIGH: return r->high;
    case ALARM_LOW: return (uint32_t)r->alarm;
    case ALARM_HIGH: return r->alarm >> 32;
    case IRQ_ENABLED: return r->enabled;
    case ALARM_STATUS: return r->running;
    default: return 0;
    }
}

static void rtc_write(void *opaque, uint64_t addr, uint64_t data, unsigned size G_GNUC_UNUSED)
{
    Rtc *r = opaque;
    uint64_t t;
    switch (addr) {
    case TIME_LOW: // each half is set by itself
        t = now(r);
        r->offset += ((t & ~UINT64_C(0xffffffff)) | data) - t;
        break;
    case TIME_HIGH:
        t = now(r);
        r->offset += (data << 32 | (t & 0xffffffff)) - t;
        break;
    case ALARM_LOW:
        r->alarm = (uint64_t)r->alarm_high << 32 | data;
        start_alarm(r);
        break;
    case ALARM_HIGH: r->alarm_high = (uint32_t)data; break;
    case IRQ_ENABLED: r->enabled = data & 1; break;
    case CLEAR_ALARM: stop_alarm(r); break;
    case CLEAR_INTERRUPT: r->pending = false; break;
    }
    if (r->running && (addr == TIME_LOW || addr == TIME_HIGH))
        start_alarm(r);
    update(r);
}

static const MemoryRegionOps rtc_ops = {
    .read = rtc_read,
    .write = rtc_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 4, .max_access_size = 4},
    .impl = {.min_access_size = 4, .max_access_size = 4},
};

// The time stays: a battery keeps it.
static void reset(Device *d)
{
    Rtc *r = (Rtc *)d;
    r->alarm = 0;
    r->alarm_high = 0;
    r->pending = r->enabled = false;
    stop_alarm(r);
    update(r);
}

static bool realize(Device *d, GError **error G_GNUC_UNUSED)
{
    Rtc *r = (Rtc *)d;
    device_timer_init(&r->timer, d, on_alarm, r);
    device_map_io(d, &rtc_ops, SIZE);
    return true;
}

static void describe(const Device *d, DtWriter *w)
{
    device_node(d, w, "rtc", "google,goldfish-rtc", 0x1000);
    dt_end(w);
}

const DeviceType device_rtc = {
    "goldfish rtc", sizeof(Rtc), realize, device_unrealize, .reset = reset, .describe = describe,
};
