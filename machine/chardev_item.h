// SPDX-License-Identifier: GPL-3.0-or-later
// What -chardev asks for, between the command line and the machine.
#pragma once
#include <stdbool.h>

typedef enum { CHARDEV_STDIO, CHARDEV_NULL, CHARDEV_FILE } ChardevKind;

typedef struct {
    const char *id; // by which a device or -serial names it
    ChardevKind kind;
    const char *path; // of a file
    bool mux;         // stdio: Ctrl-A begins a command, and the monitor is behind it
    bool no_signals;  // stdio: Ctrl-C and its like are the guest's
    bool append;      // a file is not emptied first
} ChardevItem;
