// SPDX-License-Identifier: GPL-3.0-or-later
// Compiled code cut out of an engine, so that it can be compiled and run again alone (docs/blocks.md).
#pragma once
#include "backend/engine.h"

typedef struct {
    IrCode *code;    // as lifted; the caller's. Its base is the piece's
    bool region;     // else baseline code of one block
    bool paged;      // page tables translate its addresses
    bool movable;    // as in JitRequest
    unsigned opt;    // GCC's optimisation level
} CutPiece;

// What runs compiled if control comes to pc now. False: there is nothing, or its guest code cannot be read any more.
bool engine_cut(Engine *e, uint64_t pc, CutPiece *out);

// False: from now on each piece of compiled code comes back to the engine. Between slices.
void engine_set_chaining(Engine *e, bool on);
