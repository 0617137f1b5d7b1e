// SPDX-License-Identifier: GPL-3.0-or-later
// Executable memory of one engine: a memfd mapped twice, writable here and executable there, so that no page is ever
// both. It grows until it is emptied as a whole.
#pragma once
#include <glib.h>
#include <stddef.h>
#include <stdint.h>

typedef struct CodeMemory CodeMemory;

#define CODE_MEMORY_SIZE ((size_t)256 << 20) // unless another one is asked for

CodeMemory *code_memory_new(size_t size); // 0: CODE_MEMORY_SIZE. Takes nothing from the host until it is used
void code_memory_free(CodeMemory *m);

// Copies size bytes into executable memory. NULL: G_IO_ERROR_NO_SPACE if it must be emptied first, G_IO_ERROR_FAILED if
// the host gives none (either has been told on stderr, once), another error if so much never fits.
void *code_memory_install(CodeMemory *m, const void *bytes, size_t size, GError **error);
// Overwrites 4 bytes of installed code: the distance of a jump. Only by the thread that runs the code.
void code_memory_patch(CodeMemory *m, void *code, int32_t value);
// All that was installed is gone.
void code_memory_reset(CodeMemory *m);
// Bytes installed now.
size_t code_memory_used(const CodeMemory *m);
