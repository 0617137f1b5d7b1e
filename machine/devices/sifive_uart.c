// SPDX-License-Identifier: GPL-3.0-or-later
// SiFive's UART (FU540-C000 manual, chapter 13): transmit and receive registers with the flags full and empty, enables,
// watermark interrupts. What it sends is sent at once.
#include "machine/devices/console_line.h"
#include "machine/devices/devices.h"

#define FIFO 8
#define SIZE 0x20

enum { TXDATA = 0x00, RXDATA = 0x04, TXCTRL = 0x08, RXCTRL = 0x0c, IE = 0x10, IP = 0x14, DIV = 0x18 };
enum { IRQ_TXWM = 1, IRQ_RXWM = 2 };
#define EMPTY UINT32_C(0x80000000)

typedef struct {
    Device device;
    ConsoleLine line;
    uint32_t txctrl, rxctrl, ie, div;
} Uart;

// The transmitter holds 0 bytes, which is below every watermark but 0.
static uint32_t pending(const Uart *u)
{
    uint32_t tx_mark = u->txctrl >> 16 & 7, rx_mark = u->rxctrl >> 16 & 7;
    return (tx_mark ? IRQ_TXWM : 0) | (u->line.n > rx_mark ? IRQ_RXWM : 0);
}

static void update(Uart *u)
{
    device_set_irq(&u->device, pending(u) & u->ie);
}

static void fill(Uart *u)
{
    if (u->rxctrl & 1)
        console_line_fill(&u->line, FIFO);
}

static void input(Device *d)
{
    Uart *u = (Uart *)d;
    fill(u);
    update(u);
}

static uint32_t read_rxdata(Uart *u)
{
    fill(u);
    if (!u->line.n)
        return EMPTY;
    uint8_t byte = console_line_take(&u->line);
    update(u);
    return byte;
}

static uint64_t uart_read(void *opaque, uint64_t addr, unsigned size G_GNUC_UNUSED)
{
    Uart *u = opaque;
    switch (addr) {
    case RXDATA: return read_rxdata(u);
    case TXCTRL: return u->txctrl;
    case RXCTRL: return u->rxctrl;
    case IE: return u->ie;
    case IP: return pending(u);
    case DIV: return u->div;
    default: return 0; // the transmitter is never full
    }
}

static void uart_write(void *opaque, uint64_t addr, uint64_t data, unsigned size G_GNUC_UNUSED)
{
    Uart *u = opaque;
    switch (addr) {
    case TXDATA: console_line_send(&u->line, (uint8_t)data); break;
    case TXCTRL: u->txctrl = data & 0x70003; break;
    case RXCTRL: u->rxctrl = data & 0x70001; break;
    case IE: u->ie = data & 3; break;
    case DIV: u->div = data & 0xffff; break;
    }
    fill(u);
    update(u);
}

static const MemoryRegionOps uart_ops = {
    .read = uart_read,
    .write = uart_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 4, .max_access_size = 4},
    .impl = {.min_access_size = 4, .max_access_size = 4},
};

static void reset(Device *d)
{
    Uart *u = (Uart *)d;
    u->line.n = 0;
    u->txctrl = u->rxctrl = u->ie = u->div = 0;
    update(u);
}

// connected=0: not to the console.
static bool realize(Device *d, GError **error G_GNUC_UNUSED)
{
    Uart *u = (Uart *)d;
    device_map_io(d, &uart_ops, SIZE);
    console_line_init(&u->line, d);
    return true;
}

static void describe(const Device *d, DtWriter *w)
{
    device_node(d, w, "serial", "sifive,uart0", 0x1000);
    dt_end(w);
}

const DeviceType device_sifive_uart = {
    "sifive uart", sizeof(Uart), realize, device_unrealize, .reset = reset, .input = input, .describe = describe,
};
