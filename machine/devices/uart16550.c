// SPDX-License-Identifier: GPL-3.0-or-later
// The 16550A: FIFOs of 16 bytes, prioritised interrupts, loopback. What it sends is sent at once, so the transmitter is
// always empty; what it receives it takes from the console as fast as it is read.
//
// With its FIFO on, the receiver asks for service when the trigger level is reached, or when bytes lie in the FIFO for
// the time of four characters and nobody reads them (character timeout).
#include "machine/devices/console_line.h"
#include "machine/devices/devices.h"

#define FIFO 16
#define REGISTERS 8

enum { RBR_THR, IER, IIR_FCR, LCR, MCR, LSR, MSR, SCR };
enum { IER_RDI = 1, IER_THRI = 2, IER_RLSI = 4, IER_MSI = 8 };
enum { IIR_NONE = 1, IIR_MSI = 0, IIR_THRI = 2, IIR_RDI = 4, IIR_RLSI = 6, IIR_TIMEOUT = 12, IIR_FIFO = 0xc0 };
enum { FCR_ENABLE = 1, FCR_CLEAR_RX = 2 };
enum { LCR_DLAB = 0x80 };
enum { MCR_LOOP = 0x10 };
enum { LSR_DR = 1, LSR_OE = 2, LSR_THRE = 0x20, LSR_TEMT = 0x40 };
enum { MSR_DELTAS = 0x0f, MSR_TERI = 4, MSR_CTS = 0x10, MSR_DSR = 0x20, MSR_RI = 0x40, MSR_DCD = 0x80 };

typedef struct {
    Device device;
    ConsoleLine line;
    DeviceTimer arrival, timeout;
    uint32_t clock_hz;
    bool timed_out; // the bytes in the FIFO have waited long enough
    bool thr_empty; // the interrupt for it is due
    uint16_t divisor;
    uint8_t ier, fcr, lcr, mcr, lsr_errors, msr, scr;
} Uart;

static unsigned capacity(const Uart *u)
{
    return u->fcr & FCR_ENABLE ? FIFO : 1;
}

static unsigned trigger(const Uart *u)
{
    static const uint8_t levels[] = {1, 4, 8, 14};
    return u->fcr & FCR_ENABLE ? levels[u->fcr >> 6] : 1;
}

// The most urgent cause for an interrupt, as IIR has it.
static uint8_t cause(const Uart *u)
{
    if (u->ier & IER_RLSI && u->lsr_errors)
        return IIR_RLSI;
    if (u->ier & IER_RDI && u->line.n >= trigger(u))
        return IIR_RDI;
    if (u->ier & IER_RDI && u->line.n && u->timed_out)
        return IIR_TIMEOUT;
    if (u->ier & IER_THRI && u->thr_empty)
        return IIR_THRI;
    if (u->ier & IER_MSI && u->msr & MSR_DELTAS)
        return IIR_MSI;
    return IIR_NONE;
}

static void update(Uart *u)
{
    device_set_irq(&u->device, cause(u) != IIR_NONE);
}

// Something was put into the receiver or taken out: the time of four characters begins anew.
static void restart_timeout(Uart *u)
{
    u->timed_out = false;
    if (!u->line.n || u->line.n >= trigger(u)) {
        device_timer_arm(&u->timeout, UINT64_MAX);
        return;
    }
    uint64_t character = UINT64_C(10) * 16 * MAX(u->divisor, 1) * 1000000000 / u->clock_hz;
    device_timer_arm(&u->timeout, device_now_ns(&u->device) + 4 * character);
}

static void on_timeout(void *opaque)
{
    Uart *u = opaque;
    u->timed_out = true;
    update(u);
}

// Takes from the console what there is room for.
static void fill(Uart *u)
{
    if (!(u->mcr & MCR_LOOP) && console_line_fill(&u->line, capacity(u)))
        restart_timeout(u);
}

static void on_arrival(void *opaque)
{
    Uart *u = opaque;
    fill(u);
    update(u);
}

// On the main loop's thread, which may not ask for the time: the rest is done by one that runs harts.
static void input(Device *d)
{
    device_timer_arm(&((Uart *)d)->arrival, 0);
}

static uint8_t read_rbr(Uart *u)
{
    if (!u->line.n)
        return 0;
    uint8_t byte = console_line_take(&u->line);
    fill(u);
    restart_timeout(u);
    return byte;
}

static uint8_t read_iir(Uart *u)
{
    uint8_t value = cause(u);
    if (value == IIR_THRI)
        u->thr_empty = false;
    return value | (u->fcr & FCR_ENABLE ? IIR_FIFO : 0);
}

static uint8_t read_lsr(Uart *u)
{
    if (!u->line.n)
        fill(u); // a guest that polls need not wait for the main loop to get the lock
    uint8_t value = (u->line.n ? LSR_DR : 0) | u->lsr_errors | LSR_THRE | LSR_TEMT;
    u->lsr_errors = 0;
    return value;
}

// What the modem lines say: in loopback the UART's own outputs, else a modem that is always ready.
static uint8_t modem_lines(const Uart *u)
{
    if (!(u->mcr & MCR_LOOP))
        return MSR_CTS | MSR_DSR | MSR_DCD;
    return (uint8_t)((u->mcr & 2) << 3 | (u->mcr & 1) << 5 | (u->mcr & 4) << 4 | (u->mcr & 8) << 4);
}

static void update_modem(Uart *u)
{
    uint8_t lines = modem_lines(u), changed = lines ^ (u->msr & 0xf0);
    u->msr = lines | (u->msr & MSR_DELTAS) | ((changed & ~MSR_RI) >> 4);
    if (changed & MSR_RI && !(lines & MSR_RI))
        u->msr |= MSR_TERI;
}

static uint8_t read_msr(Uart *u)
{
    uint8_t value = u->msr;
    u->msr &= ~MSR_DELTAS;
    return value;
}

static uint64_t uart_read(void *opaque, uint64_t addr, unsigned size G_GNUC_UNUSED)
{
    Uart *u = opaque;
    uint8_t value = 0;
    bool dlab = u->lcr & LCR_DLAB;
    switch (addr) {
    case RBR_THR: value = dlab ? u->divisor & 0xff : read_rbr(u); break;
    case IER: value = dlab ? u->divisor >> 8 : u->ier; break;
    case IIR_FCR: value = read_iir(u); break;
    case LCR: value = u->lcr; break;
    case MCR: value = u->mcr; break;
    case LSR: value = read_lsr(u); break;
    case MSR: value = read_msr(u); break;
    case SCR: value = u->scr; break;
    }
    update(u);
    return value;
}

static void loop_back(Uart *u, uint8_t byte)
{
    if (u->line.n < capacity(u))
        console_line_put(&u->line, byte);
    else
        u->lsr_errors |= LSR_OE; // only here: the console waits until there is room
    restart_timeout(u);
}

static void write_thr(Uart *u, uint8_t byte)
{
    if (u->mcr & MCR_LOOP)
        loop_back(u, byte);
    else
        console_line_send(&u->line, byte);
    u->thr_empty = true;
}

static void write_ier(Uart *u, uint8_t value)
{
    if (value & ~u->ier & IER_THRI)
        u->thr_empty = true; // and it is empty
    u->ier = value & 0x0f;
    if (u->ier & IER_RDI)
        fill(u);
}

static void clear_rx(Uart *u)
{
    u->line.n = 0;
    restart_timeout(u);
}

static void write_fcr(Uart *u, uint8_t value)
{
    if ((value ^ u->fcr) & FCR_ENABLE || value & FCR_CLEAR_RX)
        clear_rx(u);
    u->fcr = value & FCR_ENABLE ? value & (0xc0 | FCR_ENABLE) : 0;
    fill(u);
    restart_timeout(u);
}

static void uart_write(void *opaque, uint64_t addr, uint64_t data, unsigned size G_GNUC_UNUSED)
{
    Uart *u = opaque;
    uint8_t value = (uint8_t)data;
    bool dlab = u->lcr & LCR_DLAB;
    switch (addr) {
    case RBR_THR:
        if (dlab)
            u->divisor = (u->divisor & 0xff00) | value;
        else
            write_thr(u, value);
        break;
    case IER:
        if (dlab)
            u->divisor = (uint16_t)(value << 8) | (u->divisor & 0xff);
        else
            write_ier(u, value);
        break;
    case IIR_FCR: write_fcr(u, value); break;
    case LCR: u->lcr = value; break;
    case MCR:
        u->mcr = value & 0x1f;
        update_modem(u);
        fill(u);
        break;
    case SCR: u->scr = value; break;
    }
    update(u);
}

// A wide access reaches one register, as on QEMU's boards; at a port it is one access for each byte.
static const MemoryRegionOps memory_ops = {
    .read = uart_read,
    .write = uart_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 1, .max_access_size = 8},
    .impl = {.min_access_size = 1, .max_access_size = 8},
};

static const MemoryRegionOps port_ops = {
    .read = uart_read,
    .write = uart_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .impl = {.min_access_size = 1, .max_access_size = 1},
};

static void reset(Device *d)
{
    Uart *u = (Uart *)d;
    u->ier = u->fcr = u->lcr = u->scr = u->lsr_errors = 0;
    u->mcr = 8; // OUT2, as QEMU has it
    u->divisor = 12;
    u->thr_empty = false;
    u->msr = modem_lines(u);
    clear_rx(u);
    update(u);
}

// clock=HZ: of the baud rate generator. connected=0: not to the console.
static bool realize(Device *d, GError **error G_GNUC_UNUSED)
{
    Uart *u = (Uart *)d;
    g_autofree char *in = device_property(d, "in");
    bool port = in && device_region(d->bus, in) == d->bus->io;
    u->clock_hz = (uint32_t)device_property_number(d, "clock", 1843200);
    device_timer_init(&u->timeout, d, on_timeout, u);
    device_timer_init(&u->arrival, d, on_arrival, u);
    device_map_io(d, port ? &port_ops : &memory_ops, REGISTERS);
    console_line_init(&u->line, d);
    return true;
}

static void describe(const Device *d, DtWriter *w)
{
    device_node(d, w, "serial", "ns16550a", 0x100);
    dt_u32(w, "clock-frequency", ((const Uart *)d)->clock_hz);
    dt_end(w);
}

const DeviceType device_uart16550 = {
    "uart 16550", sizeof(Uart), realize, device_unrealize, .reset = reset, .input = input, .describe = describe,
};
