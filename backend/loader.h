// SPDX-License-Identifier: GPL-3.0-or-later
// Takes the machine code out of a relocatable object that GCC made, without calling the linker.
#pragma once
#include <glib.h>
#include <stdbool.h>

// The code section of the ELF object in bytes, with relocations inside it applied; *entry is the offset of function
// `symbol`. An object that needs anything outside its code section (data, other symbols) is refused.
GByteArray *object_load(const void *bytes, size_t size, const char *symbol, size_t *entry, GError **error);
// Puts what the object's section called `name` holds into out, which is empty and stays so if there is none. False: the
// object cannot be read, there are relocations of that section, or two of them.
bool object_section(const void *bytes, size_t size, const char *name, GByteArray *out);
