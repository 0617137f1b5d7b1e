// SPDX-License-Identifier: GPL-3.0-or-later
// The parts of a view in JSON, for the file and for the page.
#pragma once
#include "machine/blocks/json_out.h"
#include "machine/blocks/source_text.h"
#include "machine/blocks/view.h"

#define BLOCKS_SCHEMA_VERSION 1 // another number: what is there means something else, or is there no more

// Members of the object that j is in.
void blocks_json_run(JsonOut *j, const View *v);
// A piece as an element of an array. columns: host is an object of columns, which takes a fifth of the room: starts
// (pairs: line, address; the addresses of those that follow are by len), len, insn, text (one string, a line for each),
// notes (pairs: line, text), cold (the first line of the cold part).
void blocks_json_piece(JsonOut *j, const View *v, const ViewPiece *p, SourceText *sources, bool columns);
