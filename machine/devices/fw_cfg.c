// SPDX-License-Identifier: GPL-3.0-or-later
// QEMU's firmware configuration device: a selector, a window through which the selected item is read byte by byte, and
// a DMA engine (QEMU's docs/specs/fw_cfg). Items: signature, interface version, RAM size, number of harts, and a
// directory of named files, of which there are none.
#include "machine/devices/devices.h"

#include "util/log.h"
#include <inttypes.h>
#include <string.h>

#define DATA_OFFSET 0x00
#define CTL_OFFSET  0x08
#define DMA_OFFSET  0x10
#define MAP_SIZE    0x18
#define DMA_SIGNATURE UINT64_C(0x51454d5520434647) // "QEMU CFG"

enum { SIGNATURE = 0x00, ID = 0x01, RAM_SIZE = 0x03, NB_CPUS = 0x05, MAX_CPUS = 0x0f, FILE_DIR = 0x19 };
enum { ID_TRADITIONAL = 1, ID_DMA = 2 };
enum { DMA_ERROR = 1, DMA_READ = 2, DMA_SKIP = 4, DMA_SELECT = 8, DMA_WRITE = 16 };

typedef struct {
    Device device;
    MemoryRegion data, ctl, dma;
    uint16_t selected;
    uint32_t at;
    uint64_t dma_addr; // a store of its low half starts the transfer
} FwCfg;

// The bytes of the selected item; 0: there is no such item, or it is empty.
static size_t item(const FwCfg *f, uint8_t bytes[8])
{
    const DeviceBus *bus = f->device.bus;
    uint64_t le;
    size_t size;
    switch (f->selected) {
    case SIGNATURE:
        memcpy(bytes, "QEMU", 4);
        return 4;
    case ID: le = ID_TRADITIONAL | ID_DMA, size = 4; break;
    case RAM_SIZE: le = bus->ram_size, size = 8; break;
    case NB_CPUS:
    case MAX_CPUS: le = bus->harts, size = 2; break;
    case FILE_DIR: le = 0, size = 4; break; // big-endian number of files
    default: return 0;
    }
    le = GUINT64_TO_LE(le);
    memcpy(bytes, &le, size);
    return size;
}

// The next n bytes of the item, zeros behind its end.
static void take(FwCfg *f, uint8_t *out, size_t n)
{
    uint8_t bytes[8];
    size_t size = item(f, bytes);
    memset(out, 0, n);
    if (f->at < size)
        memcpy(out, bytes + f->at, MIN(n, size - f->at));
    f->at += (uint32_t)MIN(n, UINT32_MAX - f->at);
}

// The first byte of the item is the most significant one of a wide access.
static uint64_t data_read(void *opaque, uint64_t addr G_GNUC_UNUSED, unsigned size)
{
    uint8_t bytes[8];
    uint64_t value = 0;
    take(opaque, bytes, size);
    for (unsigned i = 0; i < size; i++)
        value = value << 8 | bytes[i];
    return value;
}

static void data_write(void *opaque G_GNUC_UNUSED, uint64_t addr G_GNUC_UNUSED, uint64_t data G_GNUC_UNUSED,
                       unsigned size G_GNUC_UNUSED)
{
    if (log_on(LOG_GUEST_ERROR)) // through DMA only, and then only to items that may be written
        log_printf("fwcfg: store to the data register ignored\n");
}

static void ctl_write(void *opaque, uint64_t addr G_GNUC_UNUSED, uint64_t data, unsigned size G_GNUC_UNUSED)
{
    FwCfg *f = opaque;
    f->selected = (uint16_t)data;
    f->at = 0;
}

// Reads length bytes of the item to guest memory.
static bool transfer(FwCfg *f, gpa_t to, uint64_t length)
{
    uint8_t bytes[4096];
    for (uint64_t n; length; to += n, length -= n) {
        n = MIN(length, sizeof bytes);
        take(f, bytes, n);
        if (address_space_write(f->device.bus->memory, to, MEMTXATTRS_NONE, bytes, n) != MEMTX_OK)
            return false;
    }
    return true;
}

// The request: control and length in 32 bits, then the address in 64, all big-endian. Control becomes 0, or DMA_ERROR.
static void run_dma(FwCfg *f)
{
    AddressSpace *as = f->device.bus->memory;
    struct {
        uint32_t control, length;
        uint64_t address;
    } request;
    gpa_t at = f->dma_addr;
    f->dma_addr = 0;
    bool ok = address_space_read(as, at, MEMTXATTRS_NONE, &request, sizeof request) == MEMTX_OK;
    uint32_t control = GUINT32_FROM_BE(request.control), length = GUINT32_FROM_BE(request.length);
    if (ok && control & DMA_SELECT) {
        f->selected = (uint16_t)(control >> 16);
        f->at = 0;
    }
    if (ok && control & DMA_READ)
        ok = transfer(f, GUINT64_FROM_BE(request.address), length);
    else if (ok && control & DMA_WRITE)
        ok = false; // none of our items may be written
    else if (ok && control & DMA_SKIP)
        f->at += MIN(length, UINT32_MAX - f->at);
    uint32_t result = GUINT32_TO_BE(ok ? 0 : DMA_ERROR);
    address_space_write(as, at, MEMTXATTRS_NONE, &result, sizeof result);
}

static uint64_t dma_read(void *opaque G_GNUC_UNUSED, uint64_t addr, unsigned size)
{
    return DMA_SIGNATURE >> (8 * (8 - addr - size));
}

static void dma_write(void *opaque, uint64_t addr, uint64_t data, unsigned size)
{
    FwCfg *f = opaque;
    if (size == 8) {
        f->dma_addr = data;
        run_dma(f);
    } else if (addr == 0) {
        f->dma_addr = data << 32;
    } else {
        f->dma_addr |= data;
        run_dma(f);
    }
}

static bool dma_accepts(void *opaque G_GNUC_UNUSED, uint64_t addr, unsigned size, bool is_write,
                        MemTxAttrs attrs G_GNUC_UNUSED)
{
    return !is_write || (size == 8 && addr == 0) || (size == 4 && addr % 4 == 0);
}

static const MemoryRegionOps data_ops = {
    .read = data_read,
    .write = data_write,
    .endianness = DEVICE_BIG_ENDIAN,
    .valid = {.min_access_size = 1, .max_access_size = 8},
    .impl = {.min_access_size = 1, .max_access_size = 8},
};

static const MemoryRegionOps ctl_ops = {
    .write = ctl_write,
    .endianness = DEVICE_BIG_ENDIAN,
    .valid = {.min_access_size = 2, .max_access_size = 2},
};

static const MemoryRegionOps dma_ops = {
    .read = dma_read,
    .write = dma_write,
    .endianness = DEVICE_BIG_ENDIAN,
    .valid = {.min_access_size = 1, .max_access_size = 8, .accepts = dma_accepts},
    .impl = {.min_access_size = 1, .max_access_size = 8},
};

static void reset(Device *d)
{
    FwCfg *f = (FwCfg *)d;
    f->selected = 0;
    f->at = 0;
    f->dma_addr = 0;
}

static bool realize(Device *d, GError **error G_GNUC_UNUSED)
{
    FwCfg *f = (FwCfg *)d;
    memory_region_init_io(&f->data, &data_ops, f, "fwcfg.data", 8);
    memory_region_init_io(&f->ctl, &ctl_ops, f, "fwcfg.ctl", 2);
    memory_region_init_io(&f->dma, &dma_ops, f, "fwcfg.dma", 8);
    device_map(d, &f->data, DATA_OFFSET);
    device_map(d, &f->ctl, CTL_OFFSET);
    device_map(d, &f->dma, DMA_OFFSET);
    return true;
}

static void unrealize(Device *d)
{
    FwCfg *f = (FwCfg *)d;
    MemoryRegion *regions[] = {&f->data, &f->ctl, &f->dma};
    for (unsigned i = 0; i < G_N_ELEMENTS(regions); i++) {
        device_unmap(d, regions[i]);
        memory_region_deinit(regions[i]);
    }
}

static void describe_root(const Device *d, DtWriter *w)
{
    dt_begin(w, "fw-cfg@%" PRIx64, d->row->base);
    dt_flag(w, "dma-coherent");
    dt_reg(w, d->row->base, MAP_SIZE);
    dt_string(w, "compatible", "qemu,fw-cfg-mmio");
    dt_end(w);
}

const DeviceType device_fw_cfg = {
    "fw_cfg", sizeof(FwCfg), realize, unrealize, .reset = reset, .describe_root = describe_root,
};
