// SPDX-License-Identifier: GPL-3.0-or-later
// Two teaching devices with registers and a DMA engine: QEMU's edu (docs/specs/edu), and HITB's, which is like it but
// takes accesses of any size and has only the engine.
//
// The engine copies count bytes between RAM and the device's buffer of 4096 bytes, which lies at 0x40000 of the
// device's own addresses. A copy takes 100 ms of the board's time; meanwhile stores to its registers are ignored. A
// range that is not wholly inside the buffer is refused: nothing is copied. What comes from RAM, and what goes there,
// passes through the address space like any other access, so a copy from or to the device's own registers is denied by
// the guard against re-entrant accesses (R1.15).
#include "machine/devices/devices.h"

#include "util/log.h"
#include <inttypes.h>

#define SIZE       0x100000
#define BUFFER     0x40000
#define BUFFER_LEN 4096
#define DMA_NS     UINT64_C(100000000)
#define EDU_ID     0x010000ed

enum { ID = 0x00, INVERT = 0x04, FACTORIAL = 0x08, STATUS = 0x20, IRQ_STATUS = 0x24, IRQ_RAISE = 0x60, IRQ_ACK = 0x64 };
enum { DMA_SOURCE = 0x80, DMA_DEST = 0x88, DMA_COUNT = 0x90, DMA_COMMAND = 0x98 };
enum { RUN = 1, TO_RAM = 2, INTERRUPT = 4 }; // command
enum { STATUS_COMPUTING = 1, STATUS_IRQ = 0x80 };
enum { IRQ_FACTORIAL = 1, IRQ_DMA = 0x100 };

typedef struct {
    Device device;
    DeviceTimer timer;
    bool small; // edu, with all its registers
    uint64_t mask; // of addresses in RAM
    uint32_t inverted, factorial, status, irqs;
    uint64_t source, dest, count, command;
    uint8_t buffer[BUFFER_LEN];
} Edu;

static void raise_irq(Edu *e, uint32_t bits)
{
    e->irqs |= bits;
    device_set_irq(&e->device, e->irqs);
}

// --- DMA -----------------------------------------------------------------------------------------------------------

static bool in_buffer(const Edu *e, uint64_t addr)
{
    return addr >= BUFFER && e->count <= BUFFER_LEN && addr - BUFFER <= BUFFER_LEN - e->count;
}

static void run_dma(void *opaque)
{
    Edu *e = opaque;
    bool to_ram = e->command & TO_RAM;
    uint64_t mine = to_ram ? e->source : e->dest, ram = (to_ram ? e->dest : e->source) & e->mask;
    if (in_buffer(e, mine)) {
        MemTxResult r = address_space_rw(e->device.bus->memory, ram, MEMTXATTRS_NONE, e->buffer + (mine - BUFFER),
                                         e->count, to_ram);
        if (r != MEMTX_OK && log_on(LOG_GUEST_ERROR))
            log_printf("%s: DMA at 0x%" PRIx64 " failed (%u)\n", e->device.row->name, ram, r);
    } else if (log_on(LOG_GUEST_ERROR)) {
        log_printf("%s: DMA of 0x%" PRIx64 " bytes at 0x%" PRIx64 " is outside the buffer\n", e->device.row->name,
                   e->count, mine);
    }
    e->command &= ~(uint64_t)RUN;
    if (e->command & INTERRUPT)
        raise_irq(e, IRQ_DMA);
}

static uint64_t *dma_register(Edu *e, uint64_t addr)
{
    switch (addr) {
    case DMA_SOURCE: return &e->source;
    case DMA_DEST: return &e->dest;
    case DMA_COUNT: return &e->count;
    case DMA_COMMAND: return &e->command;
    default: return NULL;
    }
}

static void dma_write(Edu *e, uint64_t addr, uint64_t data)
{
    uint64_t *reg = dma_register(e, addr);
    if (!reg || e->command & RUN)
        return;
    *reg = data;
    if (addr == DMA_COMMAND && data & RUN)
        device_timer_arm(&e->timer, device_now_ns(&e->device) + DMA_NS);
}

// --- the rest of edu -----------------------------------------------------------------------------------------------

// Done at once, so the guest never sees it computing.
static void factorial(Edu *e, uint32_t n)
{
    uint32_t product = 1;
    for (uint32_t i = n; i > 1 && product; i--) // 2 ^ 32 divides it from 34! on
        product *= i;
    e->factorial = product;
    if (e->status & STATUS_IRQ)
        raise_irq(e, IRQ_FACTORIAL);
}

static uint64_t edu_register(const Edu *e, uint64_t addr)
{
    switch (addr) {
    case ID: return EDU_ID;
    case INVERT: return e->inverted;
    case FACTORIAL: return e->factorial;
    case STATUS: return e->status;
    case IRQ_STATUS: return e->irqs;
    default: return UINT64_MAX;
    }
}

// edu takes 4 bytes anywhere, and 8 from DMA_SOURCE on.
static bool size_ok(const Edu *e, uint64_t addr, unsigned size)
{
    return !e->small || size == 4 || (size == 8 && addr >= DMA_SOURCE);
}

static uint64_t edu_read(void *opaque, uint64_t addr, unsigned size)
{
    Edu *e = opaque;
    const uint64_t *reg = dma_register(e, addr);
    if (!size_ok(e, addr, size))
        return UINT64_MAX;
    return reg ? *reg : e->small ? edu_register(e, addr) : 0;
}

static void edu_write(void *opaque, uint64_t addr, uint64_t data, unsigned size)
{
    Edu *e = opaque;
    if (!size_ok(e, addr, size))
        return;
    if (addr >= DMA_SOURCE) {
        dma_write(e, addr, data);
    } else if (e->small) {
        switch (addr) {
        case INVERT: e->inverted = ~(uint32_t)data; break;
        case FACTORIAL: factorial(e, (uint32_t)data); break;
        case STATUS: e->status = data & STATUS_IRQ; break;
        case IRQ_RAISE: raise_irq(e, (uint32_t)data); break;
        case IRQ_ACK:
            e->irqs &= ~(uint32_t)data;
            device_set_irq(&e->device, e->irqs);
            break;
        }
    }
}

static const MemoryRegionOps edu_ops = {
    .read = edu_read,
    .write = edu_write,
    .endianness = DEVICE_NATIVE_ENDIAN,
    .valid = {.min_access_size = 4, .max_access_size = 8},
    .impl = {.min_access_size = 4, .max_access_size = 8},
};

static const MemoryRegionOps hitb_ops = { // no sizes: an access of 8 bytes comes as two of 4 (R2.27)
    .read = edu_read,
    .write = edu_write,
    .endianness = DEVICE_NATIVE_ENDIAN,
};

static void reset(Device *d)
{
    Edu *e = (Edu *)d;
    e->inverted = e->factorial = e->status = e->irqs = 0;
    e->source = e->dest = e->count = e->command = 0;
    device_timer_arm(&e->timer, UINT64_MAX);
    device_set_irq(d, false);
}

// mask=N: of the addresses that the engine can reach (default: 28 bits for edu, all for hitb).
static bool realize(Device *d, GError **error G_GNUC_UNUSED)
{
    Edu *e = (Edu *)d;
    e->small = d->type == &device_edu;
    e->mask = device_property_number(d, "mask", e->small ? 0xfffffff : UINT64_MAX);
    device_timer_init(&e->timer, d, run_dma, e);
    device_map_io(d, e->small ? &edu_ops : &hitb_ops, SIZE);
    return true;
}

const DeviceType device_edu = {"edu", sizeof(Edu), realize, device_unrealize, .reset = reset};
const DeviceType device_hitb = {"hitb", sizeof(Edu), realize, device_unrealize, .reset = reset};
