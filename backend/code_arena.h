// SPDX-License-Identifier: GPL-3.0-or-later
// Memory for what describes translated code: given out piece by piece, taken back as a whole.
#pragma once
#include <stddef.h>

typedef struct CodeArena CodeArena;

#define CODE_ARENA_ALIGN 64 // of what is given out: a line of the host's caches

CodeArena *code_arena_new(void); // takes nothing from the host yet
void code_arena_free(CodeArena *a);
// size bytes, not initialised, good until the next reset. Never NULL: without memory the program ends, as with
// g_malloc.
void *code_arena_alloc(CodeArena *a, size_t size);
void code_arena_reset(CodeArena *a); // nothing that was given out is used any more
