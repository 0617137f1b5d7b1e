// SPDX-License-Identifier: GPL-3.0-or-later
// The baseline tier: host code for one interpreter block, made by copying stencils (backend/stencils.c).
#pragma once
#include "backend/code_cache.h"

// Compiled code of b in its own unit (u->block = b), every slot leaving: it is entered like a region, through
// u->code. Its entries are counted in b->runs; when those run out it leaves by a site with JIT_HOT. The result is for
// code_cache_add_baseline. NULL and an error when the memory is full.
JitUnit *baseline_translate(CodeMemory *memory, Block *b, GError **error);
