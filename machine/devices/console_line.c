// SPDX-License-Identifier: GPL-3.0-or-later
// A ring of received bytes between the console and a UART's registers.
#include "machine/devices/console_line.h"

void console_line_init(ConsoleLine *l, Device *d)
{
    *l = (ConsoleLine){.device = d, .connected = device_property_number(d, "connected", 1)};
    if (l->connected)
        device_want_input(d);
}

void console_line_send(const ConsoleLine *l, uint8_t byte)
{
    if (l->connected)
        device_console_write(l->device, byte);
}

bool console_line_fill(ConsoleLine *l, unsigned capacity)
{
    uint8_t bytes[CONSOLE_LINE_FIFO];
    if (!l->connected || l->n >= capacity)
        return false;
    size_t n = device_console_read(l->device, bytes, capacity - l->n);
    for (size_t i = 0; i < n; i++)
        console_line_put(l, bytes[i]);
    return n;
}

void console_line_put(ConsoleLine *l, uint8_t byte)
{
    l->fifo[(l->first + l->n++) % CONSOLE_LINE_FIFO] = byte;
}

uint8_t console_line_take(ConsoleLine *l)
{
    uint8_t byte = l->fifo[l->first];
    l->first = (l->first + 1) % CONSOLE_LINE_FIFO;
    l->n--;
    return byte;
}
