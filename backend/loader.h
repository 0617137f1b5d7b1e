// SPDX-License-Identifier: GPL-3.0-or-later
// Takes the machine code out of a relocatable object that GCC made, without calling the linker.
#pragma once
#include <glib.h>
#include <stdbool.h>

// The code section of function `symbol` of the ELF object in bytes and the read-only ones that it refers to, with
// relocations between them applied; *entry is the function's offset. A function that needs anything else (data, other
// symbols) is refused.
GByteArray *object_load(const void *bytes, size_t size, const char *symbol, size_t *entry, GError **error);
// The name of what belongs to a region of an object: stem and number (jit_abi.h). The caller frees it.
char *object_name(const char *stem, unsigned index);
// Puts what the object's section called `name` holds into out, which is empty and stays so if there is none. False: the
// object cannot be read, there are relocations of that section, or two of them.
bool object_section(const void *bytes, size_t size, const char *name, GByteArray *out);
