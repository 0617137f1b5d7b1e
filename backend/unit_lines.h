// SPDX-License-Identifier: GPL-3.0-or-later
// The table by which a region's host code belongs to guest instructions.
#pragma once
#include <glib.h>
#include <stdint.h>

// The lines (JitLine) of an object with one region, whose function is at `entry` in its text: ascending by their place
// in the text, one for each. NULL: it has none, or none that are good.
GArray *lines_of_object(const void *object, size_t size, size_t text_size, size_t entry);
// The same as UnitLine, of a region at that base. lines may be NULL.
GArray *unit_lines_of(const GArray *lines, uint64_t base);
