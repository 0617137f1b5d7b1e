// SPDX-License-Identifier: GPL-3.0-or-later
// A UART's line to the board's console: it sends, and keeps what it has received until the guest takes it.
#pragma once
#include "machine/devices/device.h"

#define CONSOLE_LINE_FIFO 16

typedef struct {
    Device *device;
    bool connected; // else nobody is at the other end
    uint8_t fifo[CONSOLE_LINE_FIFO];
    unsigned first, n; // the oldest byte, how many there are
} ConsoleLine;

// The device wants what is typed, unless its row has connected=0.
void console_line_init(ConsoleLine *l, Device *d);
void console_line_send(const ConsoleLine *l, uint8_t byte);
// Takes from the console what there is room for, capacity <= CONSOLE_LINE_FIFO bytes in all. True if something came.
bool console_line_fill(ConsoleLine *l, unsigned capacity);
void console_line_put(ConsoleLine *l, uint8_t byte); // there is room
uint8_t console_line_take(ConsoleLine *l);           // there is one
