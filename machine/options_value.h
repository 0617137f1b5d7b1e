// SPDX-License-Identifier: GPL-3.0-or-later
// Values of command-line options: numbers, sizes, lists of properties, and hints for what was misspelt.
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

// Sets *error to "OPTION: <formatted text>". Always returns false.
bool value_error(GError **error, const char *option, const char *fmt, ...) G_GNUC_PRINTF(3, 4);

// Decimal or 0x-hexadecimal digits, nothing else, in min..max. False: *error names option and range.
bool value_count(const char *option, const char *text, uint64_t min, uint64_t max, uint64_t *out,
                 GError **error);

// "on", "off" and QEMU's other spellings of them.
bool value_on_off(const char *option, const char *text, bool *out, GError **error);

// A size in bytes, 1 to 2^63: digits and an optional suffix B, K, M, G, T or P, either case; without a suffix
// the number is MiB.
bool value_size(const char *option, const char *text, uint64_t *out, GError **error);

// True if every extension in a RISC-V ISA string (unprivileged spec ch. 27) is one that the hart has, whose own string
// is have.
bool value_isa(const char *option, const char *text, const char *have, GError **error);

// The candidate closest to what was written, or NULL if none is close. candidates: n strings.
const char *value_closest(const char *written, const char *const *candidates, unsigned n);

typedef struct { // one property of an option such as -M
    const char *name;
    // Takes the value (never NULL); option is "-M NAME" style text for messages.
    bool (*set)(void *opaque, const char *option, const char *value, GError **error);
} ValueProperty;

// Goes through "value,name=value,..." (a doubled comma is a comma in a value, as in QEMU). What has no '=' is
// a value for properties[0], and allowed only as the first item.
bool value_properties(const char *option, const char *text, const ValueProperty *properties, unsigned n,
                      void *opaque, GError **error);
