// SPDX-License-Identifier: GPL-3.0-or-later
// Takes the machine code out of a relocatable object that GCC made, without calling the linker.
#pragma once
#include <glib.h>

// The code section of the ELF object in bytes, with relocations inside it applied; *entry is the offset of function
// `symbol`. An object that needs anything outside its code section (data, other symbols) is refused.
GByteArray *object_load(const void *bytes, size_t size, const char *symbol, size_t *entry, GError **error);
