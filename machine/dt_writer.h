// SPDX-License-Identifier: GPL-3.0-or-later
// A device tree while it is being written, node by node; the tree is ours, so none of this fails.
#pragma once
#include <glib.h>
#include <stdint.h>

typedef struct DtWriter DtWriter;

// size: room, in bytes. dt_finish frees the writer and returns the packed tree, which the caller owns.
DtWriter *dt_new(size_t size);
GBytes *dt_finish(DtWriter *w);

void dt_begin(DtWriter *w, const char *format, ...) G_GNUC_PRINTF(2, 3); // a node of that name
void dt_end(DtWriter *w);

// Properties of the node, before its subnodes.
void dt_flag(DtWriter *w, const char *name);
void dt_u32(DtWriter *w, const char *name, uint32_t value);
void dt_u64(DtWriter *w, const char *name, uint64_t value);
void dt_cells(DtWriter *w, const char *name, const uint32_t *values, unsigned n);
void dt_bytes(DtWriter *w, const char *name, const void *data, size_t size);
void dt_string(DtWriter *w, const char *name, const char *value);
void dt_words(DtWriter *w, const char *name, const char *words); // a list of strings: the words between blanks
void dt_reg(DtWriter *w, uint64_t base, uint64_t size);          // reg, two cells for each
