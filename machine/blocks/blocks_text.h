// SPDX-License-Identifier: GPL-3.0-or-later
// A view of translated code in the formats of addend blocks.
#pragma once
#include "machine/blocks/view.h"

// The caller frees them.
char *blocks_text(const View *v); // for people: a table, and each selected piece in all its forms
char *blocks_json(const View *v); // docs/blocks.md, "JSON"
char *blocks_dot(const View *v);  // for Graphviz: the selected pieces and the edges between them
char *blocks_html(const View *v); // one page that needs nothing else
