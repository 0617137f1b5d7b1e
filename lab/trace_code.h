// SPDX-License-Identifier: GPL-3.0-or-later
// How a chunk of a trace file says its records: a byte for each, and what was not foreseen in four streams beside it
// (docs/tlb.md, "The trace file").
#pragma once
#include "util/tap.h"
#include <stdbool.h>

typedef enum { TRACE_TOKENS, TRACE_TAGS, TRACE_WHATS, TRACE_LOWS, TRACE_COUNTS, TRACE_STREAMS } TraceStream;

// Of each stream a record takes at most so many bytes.
extern const uint8_t trace_stream_max[TRACE_STREAMS];
#define TRACE_RECORD_MAX 32 // of all together, at least
#define TRACE_SLACK 32      // readable bytes that trace_decode wants behind each stream

typedef struct TraceCoder TraceCoder; // some 3 MB; good for any number of chunks, one at a time
TraceCoder *trace_coder_new(void);
void trace_coder_free(TraceCoder *c);
// n records into the streams, of which each has room for n * trace_stream_max bytes; size: what was used.
void trace_encode(TraceCoder *c, const TapRecord *r, size_t n, uint8_t *const stream[TRACE_STREAMS],
                  size_t size[TRACE_STREAMS]);
// The inverse. False: the streams are not those of n records; then r holds anything.
bool trace_decode(TraceCoder *c, const uint8_t *const stream[TRACE_STREAMS], const size_t size[TRACE_STREAMS],
                  TapRecord *r, size_t n);
