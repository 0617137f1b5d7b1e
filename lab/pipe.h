// SPDX-License-Identifier: GPL-3.0-or-later
// A hart's records on their way to another thread: so that a second core models what the first one runs.
#pragma once
#include "util/tap.h"
#include <glib.h>
#include <stdbool.h>

typedef struct LabPipe LabPipe;
// Takes records in the order in which they were put, on the pipe's thread. False: *error; it is not called again.
typedef bool (*LabConsumer)(void *opaque, const TapRecord *r, size_t n, GError **error);

// Starts the thread. opaque belongs to it until lab_pipe_close.
LabPipe *lab_pipe_new(LabConsumer consume, void *opaque);
// Copies the records; waits while the consumer is far behind. One thread at a time.
void lab_pipe_put(LabPipe *p, const TapRecord *r, size_t n);
// Waits until all was consumed, ends the thread, frees the pipe. False: the consumer failed, *error is its.
bool lab_pipe_close(LabPipe *p, GError **error);
