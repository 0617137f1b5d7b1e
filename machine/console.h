// SPDX-License-Identifier: GPL-3.0-or-later
// The serial line of the machine: where the guest's output goes and its input comes from (-serial).
//
// Input waits in a queue until the guest takes it. Nothing is lost: when the queue is full, a pipe is left
// unread. With a terminal on stdin the terminal is in raw mode while the console exists, and is restored on
// every way out of the program. In the "mon:" form Ctrl-A starts a command: x quits, h prints help, c goes to
// the monitor and back, Ctrl-A sends Ctrl-A.
#pragma once
#include "machine/chardev_item.h"
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Console Console;

// spec: "mon:stdio" (also for NULL: the default and -nographic), "stdio" (no commands, Ctrl-C ends the
// program as usual), "null" or "none", "file:PATH" (output only). Error: anything else, or a file that cannot
// be written.
Console *console_new(const char *spec, GError **error);

// The same on open descriptors, which stay the caller's; in_fd may be -1. commands: Ctrl-A is special.
Console *console_new_fds(int in_fd, int out_fd, bool commands);

// What a -chardev asks for. Error: a file that cannot be written.
Console *console_new_chardev(const ChardevItem *item, GError **error);

// Restores the terminal. NULL is allowed. No other thread may use it any more.
void console_free(Console *console);

// Reads the input in the main loop of context from now on. Once.
void console_attach(Console *console, GMainContext *context);

// Who takes what is typed. The first two are called on the thread that read the input, the main loop's or one inside
// console_read, the others on the main loop's; no lock of the console is held. Functions may be NULL. Set before
// console_attach.
typedef struct {
    void *opaque;
    void (*input)(void *opaque);   // data wait for console_read
    void (*ended)(void *opaque);   // there will be no more, but some may wait
    void (*output)(void *opaque);  // console_write_some may be tried again
    void (*resized)(void *opaque); // console_size has changed
} ConsoleUser;
void console_set_user(Console *console, const ConsoleUser *user);
// The same for who wants the first alone.
void console_set_input_handler(Console *console, void (*input)(void *opaque), void *opaque);
// Called for Ctrl-A x, on the threads that read. quit must not take the big lock, which a hart that waits for input may
// hold.
void console_set_quit_handler(Console *console, void (*quit)(void *opaque), void *opaque);

// The monitor, which what is typed goes to while it has the focus. Both functions are called on the thread that read
// the input, with locks held: they only take note. Set before console_attach.
typedef struct {
    void *opaque;
    void (*typed)(void *opaque, const uint8_t *data, size_t n);
    void (*focus)(void *opaque, bool on); // Ctrl-A c; not called for the first focus
} ConsoleMonitor;
// focus: at first the monitor has it.
void console_set_monitor(Console *console, const ConsoleMonitor *monitor, bool focus);

// Writes all of it; false if the output is gone. Any thread.
bool console_write(Console *console, const void *data, size_t size);

// Writes what the output takes without waiting, and returns how many bytes that were. If some are left, user.output is
// called when it takes more (once it is attached). Output that is gone takes everything. Any thread.
size_t console_write_some(Console *console, const void *data, size_t size);

// Takes up to size bytes of input. wait: blocks until there is at least one; 0 then means end of input or
// console_stop. Any thread.
size_t console_read(Console *console, void *data, size_t size, bool wait);

// Makes every present and future waiting console_read return. Any thread.
void console_stop(Console *console);

// There was an input, it has ended and all of it was taken. Any thread.
bool console_ended(Console *console);

// Columns and rows of the terminal that is written to; false: it is none. Any thread.
bool console_size(const Console *console, unsigned *columns, unsigned *rows);
void console_resized(Console *console); // that has changed

// The errno of the first failed console_write; 0: all output arrived. Any thread.
int console_write_error(Console *console);

bool console_reads_commands(const Console *console); // Ctrl-A is special, on a terminal or not
bool console_is_tty(const Console *console);       // both directions are a terminal
bool console_has_commands(const Console *console); // the user can type Ctrl-A x
