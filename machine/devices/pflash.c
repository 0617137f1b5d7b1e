// SPDX-License-Identifier: GPL-3.0-or-later
// NOR flash with Intel's command set (CFI primary command set 1): two chips of 16 bits side by side on a bus of 32, as
// on QEMU's virt board. Both always get the same commands.
//
// While the array is read the region is in romd mode, and reads are those of plain memory. A command puts it into
// another mode, in which reads come here. Programming can only clear bits; erasing a block of 256 KiB sets all of them.
// Both are done at once, so the status always says "ready". What the flash held is gone after the run.
#include "machine/devices/devices.h"

#include "util/log.h"
#include <inttypes.h>
#include <string.h>

#define LANES      2                     // chips
#define LANE_BYTES 2                     // bytes of each in a word
#define BUS_BYTES  (LANES * LANE_BYTES)
#define BLOCK      (UINT64_C(256) << 10) // of both together
#define BUFFER     4096                  // bytes of a buffered write, of both together
#define MAKER      0x89                  // Intel
#define CHIP       0x18

enum {
    PROGRAM_ALT = 0x10,
    ERASE = 0x20,
    PROGRAM = 0x40,
    CLEAR_STATUS = 0x50,
    LOCK = 0x60,
    READ_STATUS = 0x70,
    READ_ID = 0x90,
    QUERY = 0x98,
    CONFIRM = 0xd0,
    WRITE_BUFFER = 0xe8,
    RESET_ARRAY = 0xf0,
    READ_ARRAY = 0xff
};
enum { STATUS_READY = 0x80, STATUS_ERASE_ERROR = 0x20, STATUS_PROGRAM_ERROR = 0x10 };

typedef enum { // what the next store is
    NEXT_COMMAND,
    NEXT_PROGRAM, // the data
    NEXT_ERASE,   // its confirmation
    NEXT_LOCK,    // what to do with the lock
    NEXT_COUNT,   // of a buffered write: words - 1
    NEXT_DATA,
    NEXT_CONFIRM
} Next;

typedef struct {
    uint64_t addr;
    uint32_t data;
    unsigned size;
} Word;

typedef struct {
    Device device;
    uint8_t mode; // READ_ARRAY, READ_STATUS, READ_ID or QUERY
    uint8_t status;
    Next next;
    unsigned expected; // words of a buffered write that are still to come
    unsigned n;
    Word words[BUFFER]; // at worst single bytes
} Flash;

static void set_mode(Flash *f, uint8_t mode)
{
    f->mode = mode;
    memory_region_rom_device_set_romd(&f->device.mr, mode == READ_ARRAY);
}

// --- reading -------------------------------------------------------------------------------------------------------

// Byte n of the query table of one chip (JEDEC CFI, JEP137).
static uint8_t query(const Flash *f, uint64_t n)
{
    static const uint8_t table[] = {
        'Q', 'R', 'Y', 0x01, 0x00, 0x31, 0x00,     // 0x10: command set 1, its table is at 0x31
        0x00, 0x00, 0x00, 0x00,                    // 0x17: no alternative one
        0x45, 0x55, 0x00, 0x00,                    // 0x1b: supply 4.5 to 5.5 V, none for programming
        0x07, 0x07, 0x0a, 0x00,                    // 0x1f: typical times: 2^n us for a word, a buffer; ms for a block
        0x04, 0x04, 0x04, 0x00,                    // 0x23: the longest: 2^n times that
        0x00, 0x02, 0x00, 0x0b, 0x00, 0x01,        // 0x27: size (below), x8/x16, buffer of 2^11, one kind of blocks:
        0x00, 0x00, 0x00, 0x00,                    // 0x2d: their number and size (below)
        'P', 'R', 'I', '1', '0', 0x00, 0x00, 0x00, // 0x31: version 1.0, no further features
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01,
    };
    uint64_t chip = f->device.row->size / LANES, last = f->device.row->size / BLOCK - 1, block = BLOCK / LANES / 256;
    switch (n) {
    case 0x27: return (uint8_t)__builtin_ctzll(chip);
    case 0x2d: return (uint8_t)last;
    case 0x2e: return (uint8_t)(last >> 8);
    case 0x2f: return (uint8_t)block;
    case 0x30: return (uint8_t)(block >> 8);
    default: return n >= 0x10 && n - 0x10 < sizeof table ? table[n - 0x10] : 0;
    }
}

static uint8_t identity(uint64_t n)
{
    return n == 0 ? MAKER : n == 1 ? CHIP : 0;
}

// Not in romd mode. What a chip says stands in the low byte of its lane.
static uint64_t flash_read(void *opaque, uint64_t addr, unsigned size)
{
    const Flash *f = opaque;
    uint64_t n = addr / BUS_BYTES & 0xff, value = 0;
    uint8_t byte = f->mode == READ_ID ? identity(n) : f->mode == QUERY ? query(f, n) : f->status;
    if (f->mode == READ_ARRAY) { // a look in between; the array is at hand
        memcpy(&value, memory_region_ram_ptr(&f->device.mr) + addr, size);
        return GUINT64_FROM_LE(value);
    }
    for (unsigned lane = 0; lane < LANES; lane++)
        value |= (uint64_t)byte << (lane * LANE_BYTES * 8);
    return value >> (addr % LANE_BYTES * 8);
}

// --- writing -------------------------------------------------------------------------------------------------------

static void program(Flash *f, const Word *w)
{
    uint8_t *at = memory_region_ram_ptr(&f->device.mr) + w->addr;
    for (unsigned i = 0; i < w->size; i++)
        at[i] &= (uint8_t)(w->data >> (8 * i));
    memory_region_flush_rom_device(&f->device.mr, w->addr, w->size);
}

static void erase(Flash *f, uint64_t addr)
{
    addr -= addr % BLOCK;
    memset(memory_region_ram_ptr(&f->device.mr) + addr, 0xff, BLOCK);
    memory_region_flush_rom_device(&f->device.mr, addr, BLOCK);
}

static void command(Flash *f, uint8_t cmd)
{
    uint8_t mode = READ_STATUS;
    switch (cmd) {
    case PROGRAM:
    case PROGRAM_ALT: f->next = NEXT_PROGRAM; break;
    case ERASE: f->next = NEXT_ERASE; break;
    case LOCK: f->next = NEXT_LOCK; break;
    case WRITE_BUFFER: f->next = NEXT_COUNT; break;
    case READ_STATUS:
    case READ_ID:
    case QUERY: mode = cmd; break;
    case CLEAR_STATUS:
        f->status = STATUS_READY;
        mode = READ_ARRAY;
        break;
    default:
        mode = READ_ARRAY;
        if (cmd && cmd != RESET_ARRAY && cmd != READ_ARRAY && log_on(LOG_UNIMP))
            log_printf("%s: unknown command 0x%x\n", f->device.row->name, cmd);
    }
    set_mode(f, mode);
}

static void failed(Flash *f, uint8_t bits)
{
    f->status |= bits;
    f->next = NEXT_COMMAND;
}

static void commit(Flash *f)
{
    for (unsigned i = 0; i < f->n; i++)
        program(f, &f->words[i]);
}

static void flash_write(void *opaque, uint64_t addr, uint64_t data, unsigned size)
{
    Flash *f = opaque;
    uint8_t cmd = (uint8_t)data;
    Next was = f->next;
    Word w = {addr, (uint32_t)data, size};
    f->next = NEXT_COMMAND;
    switch (was) {
    case NEXT_COMMAND: command(f, cmd); break;
    case NEXT_PROGRAM: program(f, &w); break;
    case NEXT_LOCK: break; // locks are accepted, and there are none
    case NEXT_ERASE:
        if (cmd == CONFIRM)
            erase(f, addr);
        else if (cmd == READ_ARRAY)
            set_mode(f, READ_ARRAY);
        else
            failed(f, STATUS_ERASE_ERROR | STATUS_PROGRAM_ERROR); // both: a wrong sequence of commands
        break;
    case NEXT_COUNT:
        f->n = 0;
        f->expected = (unsigned)(data & 0xffff) + 1;
        if (f->expected * size > BUFFER)
            failed(f, STATUS_PROGRAM_ERROR);
        else
            f->next = NEXT_DATA;
        break;
    case NEXT_DATA:
        f->words[f->n++] = w;
        f->next = --f->expected ? NEXT_DATA : NEXT_CONFIRM;
        break;
    case NEXT_CONFIRM:
        if (cmd == CONFIRM)
            commit(f);
        else
            failed(f, STATUS_ERASE_ERROR | STATUS_PROGRAM_ERROR);
        break;
    }
}

static const MemoryRegionOps flash_ops = {
    .read = flash_read,
    .write = flash_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 1, .max_access_size = 8},
    .impl = {.min_access_size = 1, .max_access_size = 4},
};

// --- the device ----------------------------------------------------------------------------------------------------

static void reset(Device *d)
{
    Flash *f = (Flash *)d;
    f->status = STATUS_READY;
    f->next = NEXT_COMMAND;
    set_mode(f, READ_ARRAY);
}

// banks=N: the node of the device tree, for this row and those of the N - 1 behind it; without it there is none.
static bool realize(Device *d, GError **error)
{
    Flash *f = (Flash *)d;
    g_assert(d->row->size % BLOCK == 0);
    f->mode = READ_ARRAY;
    if (!memory_region_init_rom_device(&d->mr, &flash_ops, f, d->row->name, d->row->size, error))
        return false;
    device_map(d, &d->mr, 0);
    return true;
}

static void describe_root(const Device *d, DtWriter *w)
{
    unsigned banks = (unsigned)device_property_number(d, "banks", 0);
    g_autofree uint32_t *reg = g_new0(uint32_t, (size_t)banks * 4);
    if (!banks)
        return;
    for (unsigned i = 0; i < banks; i++) {
        uint64_t base = d->row->base + i * d->row->size;
        reg[4 * i] = (uint32_t)(base >> 32);
        reg[4 * i + 1] = (uint32_t)base;
        reg[4 * i + 3] = (uint32_t)d->row->size;
    }
    dt_begin(w, "flash@%" PRIx64, d->row->base);
    dt_u32(w, "bank-width", BUS_BYTES);
    dt_cells(w, "reg", reg, banks * 4);
    dt_string(w, "compatible", "cfi-flash");
    dt_end(w);
}

const DeviceType device_pflash = {
    "pflash", sizeof(Flash), realize, device_unrealize, .reset = reset, .describe_root = describe_root,
};
