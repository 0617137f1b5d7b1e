// SPDX-License-Identifier: GPL-3.0-or-later
// The FPGA of MIPS' Malta board: software reset, status, LEDs, display, GPIO (Malta user's manual, "board registers").
//
// The window of the UART at 0x900 belongs to nobody here: like on the real board the registers are shown through two
// aliases of one region, before it and behind it.
#include "machine/devices/devices.h"

#include "util/log.h"
#include <inttypes.h>
#include <string.h>

#define SIZE     0x100000
#define UART     0x900
#define UART_END 0xa00
#define SOFTRES_MAGIC 0x42
#define DIGITS 8

enum {
    SWITCH = 0x200,
    STATUS = 0x208,
    JUMPERS = 0x210,
    LED_BAR = 0x408,
    ASCII_WORD = 0x410,
    ASCII_POS0 = 0x418, // eight of them, eight bytes apart
    ASCII_END = 0x458,
    SOFTRES = 0x500,
    BREAKRES = 0x508,
    GPIO_OUT = 0xa00,
    GPIO_IN = 0xa08,
    I2C_INPUT = 0xb00,
    I2C_OUTPUT_ENABLE = 0xb08,
    I2C_OUTPUT = 0xb10,
    I2C_SELECT = 0xb18
};

typedef struct {
    Device device;
    MemoryRegion all, low, high; // the registers, and the two windows through which they are seen
    uint32_t leds, word, breakres, gpio_out, i2c_enable, i2c_out, i2c_select;
    char digits[DIGITS];
} Malta;

// The register that keeps what is stored at addr; NULL: none.
static uint32_t *cell(Malta *m, uint64_t addr)
{
    switch (addr) {
    case LED_BAR: return &m->leds;
    case ASCII_WORD: return &m->word;
    case BREAKRES: return &m->breakres;
    case GPIO_OUT: return &m->gpio_out;
    case I2C_OUTPUT_ENABLE: return &m->i2c_enable;
    case I2C_OUTPUT: return &m->i2c_out;
    case I2C_SELECT: return &m->i2c_select;
    default: return NULL;
    }
}

static bool is_digit(uint64_t addr)
{
    return addr >= ASCII_POS0 && addr < ASCII_END && addr % 8 == 0;
}

static uint64_t malta_read(void *opaque, uint64_t addr, unsigned size G_GNUC_UNUSED)
{
    Malta *m = opaque;
    uint32_t *kept = cell(m, addr);
    if (kept)
        return *kept;
    if (is_digit(addr))
        return (uint8_t)m->digits[(addr - ASCII_POS0) / 8];
    if (addr == STATUS)
        return 0x10; // revision 1, little-endian
    if (addr == JUMPERS || addr == GPIO_IN || addr == SWITCH)
        return 0;
    if (addr == I2C_INPUT) // nobody pulls the lines, clock and data, down but we
        return 3 & (m->i2c_out | ~m->i2c_enable);
    if (log_on(LOG_GUEST_ERROR))
        log_printf("malta-fpga: read of unknown register 0x%" PRIx64 "\n", addr);
    return 0;
}

static void malta_write(void *opaque, uint64_t addr, uint64_t data, unsigned size G_GNUC_UNUSED)
{
    Malta *m = opaque;
    uint32_t *kept = cell(m, addr);
    if (kept)
        *kept = addr == LED_BAR || addr == BREAKRES ? data & 0xff : (uint32_t)data;
    else if (is_digit(addr))
        m->digits[(addr - ASCII_POS0) / 8] = (char)data;
    else if (addr == SOFTRES && data == SOFTRES_MAGIC)
        m->device.bus->reset(m->device.bus->opaque);
    else if (addr != SOFTRES && log_on(LOG_GUEST_ERROR))
        log_printf("malta-fpga: store of 0x%" PRIx64 " to unknown register 0x%" PRIx64 "\n", data, addr);
}

static const MemoryRegionOps malta_ops = { // no sizes: an access of 8 bytes comes as two of 4 (R2.28)
    .read = malta_read,
    .write = malta_write,
    .endianness = DEVICE_NATIVE_ENDIAN,
};

static void reset(Device *d)
{
    Malta *m = (Malta *)d;
    m->leds = m->word = m->gpio_out = 0;
    m->i2c_enable = 0;
    m->i2c_out = 3;
    m->i2c_select = 1;
    m->breakres = 0x0a;
    memset(m->digits, ' ', sizeof m->digits);
}

static bool realize(Device *d, GError **error G_GNUC_UNUSED)
{
    Malta *m = (Malta *)d;
    memory_region_init_io(&m->all, &malta_ops, m, d->row->name, SIZE);
    device_own(d, &m->all);
    memory_region_init_alias(&m->low, d->row->name, &m->all, 0, UART);
    memory_region_init_alias(&m->high, d->row->name, &m->all, UART_END, SIZE - UART_END);
    device_map(d, &m->low, 0);
    device_map(d, &m->high, UART_END);
    return true;
}

static void unrealize(Device *d)
{
    Malta *m = (Malta *)d;
    device_unmap(d, &m->low);
    device_unmap(d, &m->high);
    memory_region_deinit(&m->low);
    memory_region_deinit(&m->high);
    memory_region_deinit(&m->all);
}

const DeviceType device_malta_fpga = {"malta-fpga", sizeof(Malta), realize, unrealize, .reset = reset};
