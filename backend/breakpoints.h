// SPDX-License-Identifier: GPL-3.0-or-later
// Breakpoints of a debugger: guest addresses in front of which an engine stops, and single steps.
//
// The guest's memory is not changed. As long as an address is one, there is no block that begins there or goes across
// it, and no compiled code with such a block in it: whatever leads there comes to where the engine looks a block up,
// which is the only place that knows of breakpoints. Code that has nothing to do with one is what it would be.
#pragma once
#include "backend/engine.h"

// The breakpoints from now on: n addresses, ascending, each once; of any address space. What stays a breakpoint costs
// nothing; code at the others, and code that ended in front of a former one, is dropped. While the hart is stopped.
void engine_set_breakpoints(Engine *e, const uint64_t *pcs, unsigned n);
// Did the last engine_run end in front of a breakpoint, at env->pc? It will again, unless that is no more one, or the
// hart steps.
bool engine_at_breakpoint(const Engine *e);
// One instruction, whether it is at a breakpoint or not; it may trap instead, or its fetch. Hart's thread only.
void engine_step(Engine *e);
