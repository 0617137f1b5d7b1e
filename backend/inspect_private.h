// SPDX-License-Identifier: GPL-3.0-or-later
// What the files of the inspection share: inspect.c collects pieces, inspect_edges.c follows them, inspect_why.c gives
// reasons, inspect_fill.c makes their forms.
#pragma once
#include "backend/engine_private.h"
#include "backend/inspect.h"

// What a piece is for the engine: CodePiece.opaque is its Block, or the JitUnit of a region.
static inline Block *piece_block(const CodePiece *p)
{
    return p->tier == CODE_REGION ? NULL : p->opaque;
}

static inline JitUnit *piece_unit(const CodePiece *p)
{
    if (p->tier == CODE_REGION)
        return p->opaque;
    return p->tier == CODE_BASELINE ? (JitUnit *)(uintptr_t)piece_block(p)->base : NULL;
}

typedef struct { // an inspection being made
    Engine *e;
    Inspection *out;
    GHashTable *pieces; // Block or JitUnit -> its CodePiece
    GHashTable *by_pc;  // guest pc, as a pointer -> GPtrArray of Blocks
} Inspect;

// inspect_edges.c: fills in p->edges. All pieces have their ids.
void inspect_edges(Inspect *in, CodePiece *p);

// inspect_why.c: the texts; to be freed
char *inspect_block_end(const Engine *e, const Block *b);
char *inspect_region_end(const JitUnit *u);
// inspect_fill.c: the passes of the worker, on a copy of what u was made from
typedef void RegionPass(void *opaque, const char *name, const IrCode *code, bool changed);
void region_run_passes(const JitUnit *u, RegionPass *after, void *opaque);
// The worker's GIMPLE of a region with assembly in the comments that begin each instruction; to be freed.
char *gimple_with_assembly(const Engine *e, const JitUnit *u, const char *gimple);
char *inspect_not_better(const Engine *e, const Block *b);
