// SPDX-License-Identifier: GPL-3.0-or-later
// What a pass changed: two IR texts compared, and which guest instruction each line of a text belongs to.
#pragma once
#include "backend/inspect.h"

typedef struct {
    unsigned before; // line of the new text that it stood before; n_lines: at the end
    unsigned line;   // of the old text
} LineRemoved;

typedef struct { // a form, line by line
    const CodeForm *form;
    char **lines;     // NULL at the end
    unsigned n_lines;
    int *insn;        // by line: index in CodePiece.insns, or -1
    char *marks;      // by line: ' ' as before, '+' new, '~' other operands. NULL: nothing to compare it with
    unsigned *was;    // where the mark is ' ' or '~': line of the old text
    GArray *removed;  // of LineRemoved, in order; NULL likewise
} FormLines;

// The forms of a piece that has been filled; of FormLines, the caller frees it. Each IR form is compared with the one
// before. Names of values and blocks do not count: passes number them anew.
GArray *form_lines(const CodePiece *piece);
