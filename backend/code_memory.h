// SPDX-License-Identifier: GPL-3.0-or-later
// The executable memory of one engine: a memfd mapped twice, writable here and executable there, so that no page is ever
// both.
#pragma once
#include <glib.h>
#include <stddef.h>
#include <stdint.h>

typedef struct CodeMemory CodeMemory;

CodeMemory *code_memory_new(void); // maps nothing yet
void code_memory_free(CodeMemory *cm); // what is installed there goes too
// Copies size bytes into executable memory. NULL and an error when the memory is full or the host refuses.
void *code_memory_install(CodeMemory *cm, const void *bytes, size_t size, GError **error);
// Overwrites 4 bytes of installed code: the distance of a jump. Only by the thread that runs the code.
void code_memory_patch(CodeMemory *cm, void *code, int32_t value);
// Gives back what code_memory_install returned. The space is used again when all of it has been released.
void code_memory_release(CodeMemory *cm, void *code, size_t size);
// Bytes installed now.
size_t code_memory_used(const CodeMemory *cm);
