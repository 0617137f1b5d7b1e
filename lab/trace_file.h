// SPDX-License-Identifier: GPL-3.0-or-later
// Recorded tap streams in a file: all harts of a run, compressed in chunks (docs/tlb.md, "The trace file").
//
// Chunks are independent of one another, each with a digest, so that a reader on several cores can decode them side by
// side, and one that was cut short says so and gives what is whole.
#pragma once
#include "util/tap.h"
#include <glib.h>
#include <stdbool.h>

typedef struct { // what the run was; printed in reports
    unsigned harts;
    const char *machine, *guest; // board; command line of the guest
    bool icount;                 // -icount: a second recording is the same
} TraceInfo;

typedef struct {
    uint64_t addr, size; // size 0: unknown
    const char *name;
} TraceSymbol;

typedef struct TraceWriter TraceWriter;
// NULL: *error names path, also if there is a file that is no trace. The file gets its name in trace_writer_close: what
// is killed before leaves nothing, and a trace of that name stays as it is until then. A pipe or device is written to
// as it comes.
TraceWriter *trace_writer_new(const char *path, const TraceInfo *info, GError **error);
// Other threads compress and write; waits if they are far behind. Each hart's own thread, side by side.
// False: something went wrong, now or before, and no more of use will be written; what, trace_writer_close tells.
bool trace_writer_put(TraceWriter *w, unsigned hart, const TapRecord *r, size_t n);
// In any order, one thread at a time; s is copied.
void trace_writer_symbol(TraceWriter *w, const TraceSymbol *s);
// No hart writes any more. Frees w. False: *error, the file is not there.
bool trace_writer_close(TraceWriter *w, GError **error);

typedef struct TraceReader TraceReader;
// NULL: *error names path and what is wrong: the file cannot be read or is no trace.
TraceReader *trace_reader_new(const char *path, GError **error);
const TraceInfo *trace_reader_info(const TraceReader *t);
// The next piece of some hart's stream, in the order in which it was written: *n records that are good until the next
// call. NULL: the end, or *error is set: the file is damaged or cut short, and says how much is missing; all that is
// whole before that was given.
const TapRecord *trace_reader_next(TraceReader *t, unsigned *hart, size_t *n, GError **error);
// After the end: sorted by address, the reader's.
const TraceSymbol *trace_reader_symbols(const TraceReader *t, size_t *n);
void trace_reader_free(TraceReader *t);
