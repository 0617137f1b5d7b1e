// SPDX-License-Identifier: GPL-3.0-or-later
// The signature file of architecture tests (memory/spec.md R6.16).
#pragma once
#include "softmmu/memory.h"

// Writes the bytes [begin, end) of as to path: one line per granularity (>= 1) bytes, highest address first,
// in lower-case hex; the last line is padded with zeros. Error: the file cannot be written, or the range is
// not RAM.
bool signature_write(AddressSpace *as, const char *path, gpa_t begin, gpa_t end, unsigned granularity,
                     GError **error);
