// SPDX-License-Identifier: GPL-3.0-or-later
// The baseline tier: host code for one interpreter block, made by copying stencils (backend/stencils.c).
#pragma once
#include "backend/code_cache.h"

// Compiled code of b in its own unit (u->block = b), every slot leaving: it is entered like a region, through
// u->code. Its entries are counted in b->runs; when those run out it leaves by a site with JIT_HOT. The result is for
// code_cache_add_baseline, and lies in the arena. system: it calls the helpers of system instructions, else it leaves
// before them. env: the hart, about to enter b, by whose registers guesses are made. keep: notes where the code has
// addresses (JitUnit.fixups). NULL and an error when executable memory is full.
JitUnit *baseline_translate(Block *b, const IrEnv *env, bool system, bool keep, CodeMemory *memory, CodeArena *arena,
                            GError **error);
// Which instruction each part of such code belongs to (backend/inspect.h), found by choosing its stencils once more.
GArray *baseline_lines(const JitUnit *u);
// The unit of such code, without code yet, but with its slots.
JitUnit *baseline_unit_new(Block *b, unsigned n_slots, CodeArena *arena);

// Installs the code of a slot whose way goes through the jump table: JitSlot {it, its own slots, its number}. It leaves
// by that site if the table does not know the address. NULL when executable memory is full.
JitCode baseline_by_table(CodeMemory *memory);
