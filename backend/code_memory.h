// SPDX-License-Identifier: GPL-3.0-or-later
// Executable memory of one engine: a memfd mapped twice, writable here and executable there, so that no page is ever
// both. It grows until it is emptied as a whole.
#pragma once
#include <glib.h>
#include <stddef.h>
#include <stdint.h>

typedef struct CodeMemory CodeMemory;

CodeMemory *code_memory_new(void); // takes nothing from the host until it is used
void code_memory_free(CodeMemory *m);

// Copies size bytes into executable memory. NULL and an error when the memory is full or the host refuses.
void *code_memory_install(CodeMemory *m, const void *bytes, size_t size, GError **error);
// Overwrites 4 bytes of installed code: the distance of a jump. Only by the thread that runs the code.
void code_memory_patch(CodeMemory *m, void *code, int32_t value);
// All that was installed is gone.
void code_memory_reset(CodeMemory *m);
// Bytes installed now.
size_t code_memory_used(const CodeMemory *m);
