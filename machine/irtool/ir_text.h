// SPDX-License-Identifier: GPL-3.0-or-later
// IR in files: alone, or among what else a log has.
#pragma once
#include "machine/irtool/ir_case.h"

typedef struct {
    IrCase *c;
    unsigned line; // where it begins
} IrPiece;

// The pieces of IR in a text, in order; the caller frees the array. A piece begins with `code`, or with `block b0`
// where a dump of one block has no such line (its base is then the number in the `OP:` line in front of it, or 0). A
// text that begins as IR does must be IR to its end. NULL: *error names the line. Cases are not finished
// (ir_case_finish).
GPtrArray *ir_text_pieces(const char *text, GError **error);

// The whole file, "-": standard input; errors name it.
char *ir_text_read(const char *path, GError **error);
