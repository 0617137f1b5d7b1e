// SPDX-License-Identifier: GPL-3.0-or-later
// Regions that can be put at another guest address: where their machine code holds guest addresses.
//
// Each is the 8-byte constant of a movabs, and its distance from the function `region` (4 bytes) is in the section
// ".addend.pc" of the object (jit_abi.h has it for several). Nothing else in a region depends on its base: sites,
// entries and guesses are offsets.
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

// The offsets in text of the guest addresses, ascending (of uint32_t), by the object of which text is the region with
// that index; entry is that of its function in text. Empty if the object names none. The caller owns it. NULL: *error.
GArray *moves_of_object(const void *object, size_t size, unsigned index, const GByteArray *text, size_t entry,
                        GError **error);
// Are these offsets in a text of that size, ascending and apart?
bool moves_are_good(const uint32_t *moves, unsigned n, size_t text_size);
// Adds distance to each guest address in text; the moves are good.
void moves_apply(uint8_t *text, const uint32_t *moves, unsigned n, uint64_t distance);
