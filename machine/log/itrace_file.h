// SPDX-License-Identifier: GPL-3.0-or-later
// The file behind a trace of instructions: takes chunks from the harts' threads, compresses them in one of its own.
#pragma once
#include "machine/log/itrace_format.h"
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct ItraceFile ItraceFile;

typedef struct {
    ItraceChunk head;
    uint8_t bytes[ITRACE_CHUNK];
} ItraceBuffer;

// text: lines rather than chunks are compressed. NULL: *error names the file.
ItraceFile *itrace_file_open(const char *path, bool text, unsigned flags, unsigned harts, GError **error);
// A chunk to fill; waits while compression is far behind. Any thread.
ItraceBuffer *itrace_file_take(ItraceFile *f);
void itrace_file_put(ItraceFile *f, ItraceBuffer *c); // gives it back filled
bool itrace_file_failed(ItraceFile *f);             // it cannot be written any more: chunks are thrown away
// Behind the last chunk: writes the end, closes and frees. complete: so many instructions were traced; else the file
// stays cut short. False: *error (may be NULL).
bool itrace_file_close(ItraceFile *f, bool complete, uint64_t insns, GError **error);
