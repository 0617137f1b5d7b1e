// SPDX-License-Identifier: GPL-3.0-or-later
// Pieces of code looked at from all sides: what a block or region is in each form, how often it ran, what it cost, how
// it is linked, why it ended there and why it is not in a better tier. Plain data, for machine/blocks/ to print.
#pragma once
#include "backend/engine.h"

typedef enum { CODE_INTERP, CODE_BASELINE, CODE_REGION } CodeTier;
extern const char *const code_tier_names[]; // "interpreter", "baseline", "region"

typedef struct { // a guest instruction
    uint64_t pc;
    uint32_t bits;
    uint8_t len;
    unsigned block; // index in CodePiece.blocks
} CodeInsn;

typedef struct { // a basic block of a piece
    uint64_t pc, end;  // guest addresses: its first byte, the one behind its last
    unsigned first_insn, n_insns; // in CodePiece.insns
    uint64_t count;    // executions; of a region: by samples, without any as the profile had it when it was made
    bool entry;        // of a region: control may come here from outside
} CodeBlock;

typedef struct { // a host instruction
    uint64_t addr;  // in this process
    uint8_t len;
    bool cold;      // out of line, in another part of memory
    int insn;       // index in CodePiece.insns of what it was made from; -1: of none (entry, exits)
    char *text;     // AT&T syntax: mnemonic, blanks, operands
    char *note;     // what an operand refers to, such as a helper's name or an env field; or NULL
} CodeHost;

typedef struct { // an IR or GIMPLE text
    char *name;    // "lifted", then each pass that ran, in order: "unpeel", "state", "fold", ...; "GIMPLE"
    char *text;    // IR: ir_parse reads it. GIMPLE has lines "/* 0xPC: assembly */" before what follows from it
    bool changed;  // by this pass
    unsigned n_ops; // of all blocks; 0 for GIMPLE
} CodeForm;

typedef enum { EDGE_NEXT, EDGE_TAKEN, EDGE_INDIRECT, EDGE_SYSTEM, EDGE_LEAVE } CodeEdgeKind;
extern const char *const code_edge_names[];
typedef struct { // where control goes from the end of a block
    CodeEdgeKind kind; // LEAVE: a region leaves before the instruction at `to`
    uint64_t from;   // guest pc of the instruction that goes
    uint64_t to;     // guest pc; UINT64_MAX: not known (indirect)
    int to_piece;    // id of the piece that runs there, perhaps the same one; -1: none, or not among these
    bool chained;    // goes there directly, without the engine or a table
    uint64_t count;  // how often, if it is known; else 0
} CodeEdge;

typedef struct { // a stage of making it
    const char *name; // "lift", "translate", "baseline", "parse", "passes", "emit", "gcc", "assemble", "load", ...
    uint64_t ns;      // CPU time
} CodeStage;

typedef struct {
    unsigned id;       // of this inspection, from 0
    unsigned hart;     // filled in by who asks several engines
    CodeTier tier;
    uint64_t pc;       // guest address of its head
    unsigned mode;     // MMU index of its fetches
    bool paged, dead;  // dead: its guest code was overwritten, or a larger region has taken its place
    bool loaded;       // came from the persistent code cache
    unsigned times_made; // regions: how often it was made again, larger
    uint64_t count;    // entries; of a region: ways out to other code
    uint64_t heat;     // guest instructions that ran in it, as far as is known (docs/blocks.md says how)
    GArray *blocks;    // CodeBlock
    GArray *insns;     // CodeInsn, in the order of blocks
    GArray *edges;     // CodeEdge
    size_t host_bytes, cold_bytes; // 0 in the interpreter
    GArray *stages;    // CodeStage; what is not known is not there
    char *end_reason;  // of each piece: why it ends where it does
    char *not_better;  // why it is not in the next tier, in words; NULL for a region
    // Only with inspect_fill:
    GArray *forms;     // CodeForm, or NULL
    GArray *host;      // CodeHost, or NULL
    bool exact;        // the host code was made anew to tell what belongs to what, and is the same byte for byte
    void *opaque;      // for backend/inspect*.c
} CodePiece;

// What was inspected: pieces in the order of heat, hottest first. Good until the engine runs again.
typedef struct {
    GPtrArray *pieces; // of CodePiece *
} Inspection;

// All code that e holds, dead code too, without forms and host code. While the hart is stopped (or the run is over).
Inspection *inspect(Engine *e);
void inspection_free(Inspection *i);
// Fills in forms and host of one piece; for a region that takes its compile time again (the worker makes it once more
// with everything told). False: *error says why there is less (the worker died, say); what could be had is there.
bool inspect_fill(Engine *e, CodePiece *piece, GError **error);

// Heat from outside, for code whose inner blocks are not counted: insns instructions have run about pc just now.
// On the hart's thread, between slices.
void inspect_sample(Engine *e, uint64_t pc, uint64_t insns);

// --- host addresses to guest instructions, of one piece of compiled code -------------------------
struct JitUnit;
typedef struct {
    uint32_t host;  // offset in the unit's text, cold: in its cold part; ascending within each
    bool cold;
    bool none;      // from here on it belongs to no instruction
    bool data;      // ... because it is no code but a table
    uint64_t pc;    // guest instruction that the host code from here on belongs to
} UnitLine;
// UnitLine, in the order hot, cold; the caller frees it. Regions: only those compiled with EngineConfig.lines. Empty if
// it is not known.
GArray *unit_lines(const struct JitUnit *u);
