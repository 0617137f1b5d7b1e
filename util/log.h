// SPDX-License-Identifier: GPL-3.0-or-later
// Categories of the -d option, the -D file and the -dfilter address ranges.
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum {
#define LOG(name, text, help) LOG_BIT_##name,
#include "util/log.def"
#undef LOG
    LOG_BITS
};
enum {
#define LOG(name, text, help) LOG_##name = 1u << LOG_BIT_##name,
#include "util/log.def"
#undef LOG
};

extern unsigned log_mask; // set once at start-up; read anywhere

static inline bool log_on(unsigned categories)
{
    return __builtin_expect(log_mask & categories, 0);
}

// True if addr passes -dfilter (always, when none was given).
bool log_in_filter(uint64_t addr);

// "a,b,c" as in -d; an unknown item is an error naming it.
bool log_parse_items(const char *items, GError **error);

// "start+len,start-len,start..end" as in -dfilter; numbers in C notation.
bool log_parse_filter(const char *ranges, GError **error);

// Sends the log to a file instead of stderr; "%d" becomes the process id.
bool log_open(const char *path, GError **error);

// One line (or several) into the log, unconditionally; callers test log_on first. Thread-safe per call.
void log_printf(const char *fmt, ...) G_GNUC_PRINTF(1, 2);

// The stream behind log_printf, for printers that take a FILE; between lock and unlock nobody else writes.
FILE *log_lock(void);
void log_unlock(void);

// Prints the list for `-d help`.
void log_print_help(FILE *out);
