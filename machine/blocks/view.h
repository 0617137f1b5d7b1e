// SPDX-License-Identifier: GPL-3.0-or-later
// What addend blocks looks at: the pieces of code of all harts in one order of heat, with names, and those of them
// that were asked for.
#pragma once
#include "backend/inspect.h"
#include "machine/names.h"

typedef struct { // who is asked for names
    void *opaque;
    // What is at pc of this hart; lines: with source file and line. See names_at.
    Name (*at)(void *opaque, unsigned hart, uint64_t pc, bool lines);
} ViewNames;

typedef struct { // of the run. Strings are the caller's, good as long as the view; NULL: nothing to say
    const char *guest, *machine, *accel;
    const char *ended; // how it ended
    unsigned harts;
    double seconds;    // wall clock
    uint64_t insns;    // retired by all harts
} ViewRun;

typedef struct {
    CodePiece *code;
    unsigned id;          // of the view: place in the order of heat, from 0
    double percent;       // of the heat of all pieces
    uint64_t guest_bytes; // of its instructions
    char *symbol;         // of its head: "name+0x12", or ""
    bool selected, filled; // filled: forms and host code were asked for
} ViewPiece;

typedef struct {
    ViewRun run;
    ViewNames names;
    GPtrArray *pieces;   // of ViewPiece *, by id
    GPtrArray *selected; // of ViewPiece *, hottest first
    GHashTable *by_code; // hart << 32 | CodePiece.id -> ViewPiece
    uint64_t heat;       // of all
    uint64_t tier_heat[3]; // by CodeTier
    unsigned tier_pieces[3];
} View;

// One for each hart of the machine, in that order; pieces stay the inspections'. names may be used as long as the view.
View *view_new(const ViewRun *run, const ViewNames *names, Inspection *const *inspections, unsigned n);
void view_free(View *v);

typedef struct {
    GArray *pcs;      // of uint64_t: pieces with an instruction there
    GPtrArray *globs; // of char *: pieces with code of a function of that name; both empty or NULL: all pieces
    unsigned tiers;   // bit n: CodeTier n; 0: all
    unsigned top;     // so many at most; 0: all
} ViewWanted;

// Fills in selected.
void view_select(View *v, const ViewWanted *wanted);

typedef struct { // an instruction for people
    char *text; // assembly, blanks in place of tabs
    Name name;  // with source line
} ViewInsn;

// Of each CodeInsn of a piece; of ViewInsn, the caller frees it.
GArray *view_insns(const View *v, const ViewPiece *p);

// The piece that an edge leads to, or NULL.
const ViewPiece *view_target(const View *v, const ViewPiece *from, const CodeEdge *edge);
// "name+0x12" of an address of that hart, or ""; the caller frees it.
char *view_symbol(const View *v, unsigned hart, uint64_t pc);
// Host bytes per guest byte; 0 where nothing was compiled.
double view_expansion(const ViewPiece *p);
uint64_t view_ns(const ViewPiece *p); // of all its stages
