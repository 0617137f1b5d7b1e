// SPDX-License-Identifier: GPL-3.0-or-later
// The HTIF registers.
//
// Each register is 8 bytes, implemented as two words: an 8-byte store arrives as low word, then high word,
// and the high word is what starts a command, so 8-byte and 4+4-byte stores work alike. Where this differs
// from QEMU's spike board (R6.18), compat_qemu brings back the old rule:
//   - a low store always starts a new command; QEMU ignores it while tohost is not 0, for ever (R6.15);
//   - storing 0 to tohost is no command;
//   - input waits in the console's queue until the guest has asked for a character and fromhost is 0; an answer to
//     getchar is never overwritten (QEMU puts each byte into fromhost at once, R6.14);
//   - all system calls work, with the result in word 0 of the block and response 1; QEMU prints one byte;
//   - each register is a region of its own, so the RAM between the two stays RAM (QEMU takes the whole span).
#include "machine/devices/htif.h"
#include "machine/guest_mem.h"
#include "util/bits.h"
#include "util/log.h"
#include <inttypes.h>

#define HTIF_PRIORITY 1 // over DRAM

typedef struct { // a mapped piece of the register space
    MemoryRegion mr;
    Htif *htif;
    gpa_t base;
} Window;

struct Htif {
    Device device;
    HtifConfig config;
    bool fixed;
    Window windows[2];
    unsigned n_windows;
    gpa_t tohost_addr, fromhost_addr;
    uint64_t tohost, fromhost;
    bool allow;           // a low word of tohost waits for its high word
    bool fromhost_char;   // fromhost holds an answer to getchar
    uint64_t request;     // the last getchar command
    unsigned requests;    // getchar commands not answered yet
    uint64_t pending;     // answer that waits behind a character; 0: none
};

// Fills an empty fromhost with what waits for it.
static void deliver(Htif *h)
{
    uint8_t byte;
    if (h->fromhost)
        return;
    h->fromhost_char = false;
    if (h->pending) {
        h->fromhost = h->pending;
        h->pending = 0;
    } else if (h->requests && device_console_read(&h->device, &byte, 1)) {
        h->requests--;
        h->fromhost = bits_get(h->request, 48, 16) << 48 | 0x100 | byte;
        h->fromhost_char = true;
    }
}

static void input(Device *d)
{
    Htif *h = (Htif *)d;
    uint8_t byte;
    if (!h->config.compat_qemu)
        deliver(h);
    else
        while (device_console_read(d, &byte, 1))
            h->fromhost = bits_get(h->request, 48, 16) << 48 | 0x100 | byte;
}

// Ends the command in tohost with a response. needed: the guest waits for it.
static void respond(Htif *h, uint64_t response, bool needed)
{
    uint64_t value = bits_get(h->tohost, 48, 16) << 48 | response;
    h->tohost = 0;
    if (!h->fromhost_char || h->config.compat_qemu)
        h->fromhost = value;
    else if (needed)
        h->pending = value;
}

// QEMU's only system call: write, fd 1, length 1. Returns the response.
static uint64_t compat_syscall(Htif *h, gpa_t addr)
{
    uint64_t block[4];
    uint8_t byte;
    if (!guest_read_words(h->config.proxy.memory, addr, block, 4) || block[0] != 64 || block[1] != 1 ||
        block[3] != 1 || !guest_read(h->config.proxy.memory, block[2], &byte, 1))
        return 0;
    device_console_write(&h->device, byte);
    return 0x100 | (addr & 0xff);
}

static void system_command(Htif *h, uint64_t payload)
{
    if (payload & 1) { // tohost keeps the exit code
        h->config.proxy.exit(h->config.proxy.opaque, payload >> 1);
    } else if (h->config.compat_qemu) {
        respond(h, compat_syscall(h, payload), true);
    } else if (h->tohost) {
        htif_syscall(&h->config.proxy, payload);
        respond(h, 1, true);
    }
}

static void process(Htif *h)
{
    unsigned device = bits_get(h->tohost, 56, 8), command = bits_get(h->tohost, 48, 8);
    uint64_t payload = bits_get(h->tohost, 0, 48);
    if (device == 0 && command == 0) {
        system_command(h, payload);
    } else if (device == 1 && command == 1) {
        device_console_write(&h->device, payload & 0xff);
        respond(h, 0x100 | (payload & 0xff), false);
    } else if (device == 1 && command == 0) {
        h->request = h->tohost;
        h->requests += h->requests < UINT32_MAX;
        h->tohost = 0;
        if (!h->config.compat_qemu)
            deliver(h);
    } else {
        if (log_on(LOG_UNIMP))
            log_printf("htif: device %u command %u is unknown\n", device, command);
        respond(h, 0, true);
    }
}

static void write_tohost(Htif *h, bool high, uint32_t value)
{
    if (!high) {
        h->allow = !h->config.compat_qemu || h->tohost == 0;
        if (h->allow)
            h->tohost = value;
    } else if (h->allow) {
        h->tohost |= (uint64_t)value << 32;
        h->allow = h->config.compat_qemu; // QEMU: a further high store starts the next command
        process(h);
    }
}

static void write_fromhost(Htif *h, bool high, uint32_t value)
{
    if (high) {
        h->fromhost |= (uint64_t)value << 32;
        return;
    }
    h->fromhost = value;
    h->fromhost_char = false;
    if (!h->config.compat_qemu)
        deliver(h); // the high word of the same store is 0 and leaves the new value alone
}

static uint64_t window_read(void *opaque, uint64_t offset, unsigned size)
{
    const Window *w = opaque;
    gpa_t addr = w->base + offset;
    if (addr == w->htif->fromhost_addr && !w->htif->config.compat_qemu)
        deliver(w->htif); // a guest that polls need not wait for the main loop to get the lock
    if (addr - w->htif->tohost_addr < 8)
        return bits_get(w->htif->tohost, (unsigned)(addr - w->htif->tohost_addr) * 8, size * 8);
    if (addr - w->htif->fromhost_addr < 8)
        return bits_get(w->htif->fromhost, (unsigned)(addr - w->htif->fromhost_addr) * 8, size * 8);
    return 0;
}

static void window_write(void *opaque, uint64_t offset, uint64_t data, unsigned size)
{
    const Window *w = opaque;
    gpa_t addr = w->base + offset;
    if (size == 4 && addr - w->htif->tohost_addr < 8)
        write_tohost(w->htif, addr != w->htif->tohost_addr, (uint32_t)data);
    else if (size == 4 && addr - w->htif->fromhost_addr < 8)
        write_fromhost(w->htif, addr != w->htif->fromhost_addr, (uint32_t)data);
    else if (log_on(LOG_GUEST_ERROR)) // bytes: crt0 may clear the section bytewise
        log_printf("htif: store of %u bytes at 0x%" PRIx64 " ignored\n", size, addr);
}

static const MemoryRegionOps window_ops = {
    .read = window_read,
    .write = window_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 1, .max_access_size = 8},
    .impl = {.min_access_size = 1, .max_access_size = 4},
};

static void map_window(Htif *h, const char *name, gpa_t base, uint64_t size)
{
    Window *w = &h->windows[h->n_windows++];
    w->htif = h;
    w->base = base;
    memory_region_init_io(&w->mr, &window_ops, w, name, size);
    device_own(&h->device, &w->mr);
    memory_region_add_subregion_overlap(h->device.bus->system, base, &w->mr, HTIF_PRIORITY);
}

void htif_set_fixed(Htif *h, bool fixed)
{
    h->fixed = fixed;
}

void htif_place(Htif *h, gpa_t tohost, gpa_t fromhost, const HtifConfig *config)
{
    gpa_t low = MIN(tohost, fromhost), high = MAX(tohost, fromhost);
    g_assert(tohost % 4 == 0 && fromhost % 4 == 0 && high - low >= 8 && !h->n_windows);
    h->config = *config;
    h->tohost_addr = tohost;
    h->fromhost_addr = fromhost;
    device_want_input(&h->device);
    if (config->compat_qemu || high - low == 8) {
        map_window(h, "riscv.htif.uart", low, high + 8 - low);
    } else {
        map_window(h, "riscv.htif.tohost", tohost, 8);
        map_window(h, "riscv.htif.fromhost", fromhost, 8);
    }
}

static bool realize(Device *d G_GNUC_UNUSED, GError **error G_GNUC_UNUSED)
{
    return true;
}

static void unrealize(Device *d)
{
    Htif *h = (Htif *)d;
    for (unsigned i = 0; i < h->n_windows; i++) {
        memory_region_del_subregion(d->bus->system, &h->windows[i].mr);
        memory_region_deinit(&h->windows[i].mr);
    }
}

static void reset(Device *d)
{
    Htif *h = (Htif *)d;
    h->tohost = h->fromhost = h->request = h->pending = 0;
    h->requests = 0;
    h->allow = h->fromhost_char = false;
    h->config.proxy.brk = h->config.proxy.break_start;
}

static void describe_root(const Device *d, DtWriter *w)
{
    dt_begin(w, "htif");
    if (((const Htif *)d)->fixed)
        dt_reg(w, d->row->base, d->row->size);
    dt_string(w, "compatible", "ucb,htif0");
    dt_end(w);
}

const DeviceType device_htif = {
    "htif", sizeof(Htif), realize, unrealize, DEVICE_IS_BOARD,
    .reset = reset, .input = input, .describe_root = describe_root,
};
