// SPDX-License-Identifier: GPL-3.0-or-later
// Executable memory of one engine. It grows until it is emptied as a whole.
//
// Code that runs often is packed at its low end, what runs seldom at its high end, so that the host's caches and TLBs
// hold more of the former. Behind it, within reach of an instruction, lie counters that code counts in.
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct CodeMemory CodeMemory;

#define CODE_MEMORY_SIZE ((size_t)256 << 20) // unless another one is asked for

typedef struct { // of baseline code
    uint8_t *hot, *cold;
    int32_t *counter; // 0 at first
} CodePlace;

CodeMemory *code_memory_new(size_t size); // 0: CODE_MEMORY_SIZE. Takes nothing from the host until it is used
void code_memory_free(CodeMemory *m);

// Copies size bytes into executable memory. NULL: G_IO_ERROR_NO_SPACE if it must be emptied first, G_IO_ERROR_FAILED if
// the host gives none (either has been told on stderr, once), another error if so much never fits.
void *code_memory_install(CodeMemory *m, const void *bytes, size_t size, GError **error);
// Finds room for code in two parts, and a counter. False: likewise.
bool code_memory_place(CodeMemory *m, size_t hot, size_t cold, CodePlace *place, GError **error);
// Overwrites code in such a place, or installed: only by the thread that runs the code.
void code_memory_write(CodeMemory *m, void *code, const void *bytes, size_t size);
// Overwrites 4 bytes: the distance of a jump.
void code_memory_patch(CodeMemory *m, void *code, int32_t value);
// All that was installed is gone.
void code_memory_reset(CodeMemory *m);
// Bytes installed now.
size_t code_memory_used(const CodeMemory *m);
