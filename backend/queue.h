// SPDX-License-Identifier: GPL-3.0-or-later
// The engine's side of the compile workers: jobs out, results in, away from the guest's thread.
#pragma once
#include "backend/jit_abi.h"
#include <glib.h>

typedef struct Queue Queue;

typedef struct { // a finished job; freed by queue_result_free
    void *job;   // as given to queue_submit
    bool failed;
    char *message; // if failed
    GByteArray *object; // perhaps that of other results, too
    unsigned index;     // of the region in it (jit_abi.h)
    GByteArray *exits; // the object's table of exits, for who has read it (backend/exits.h); or NULL
    JitSite *sites;
    int64_t *entries;
    unsigned n_sites, n_slots, n_entries;
    GArray *moves; // moves.h; filled in by unit_from_result
    GArray *lines; // JitLine, likewise, if there are some: by offset in its text, ascending, once for each
    char *gimple, *ir;
    bool want_lines; // as asked for
    uint64_t compile_ns, stage_ns[JIT_STAGES];
} QueueResult;

typedef struct {
    JitRequest rq;
    char *text; // IR
    void *job;
} QueueJob;

// The worker program. Freed by the caller.
char *queue_worker_path(void);
// Starts n worker processes lazily. on_result is called on a queue thread when a result arrived.
Queue *queue_new(unsigned n, void (*on_result)(void *opaque), void *opaque);
// Stops the workers. drop, which may be NULL, is called (on any thread) for each job that was not taken.
void queue_free(Queue *q, void (*drop)(void *job));

// How many workers are free.
unsigned queue_idle(Queue *q);
// Sends IR text (copied) to a free worker; rq's length and id are filled in here.
void queue_submit(Queue *q, const JitRequest *rq, const char *text, void *job);
// The same with n of them, 1 to JIT_BATCH, for one worker, which compiles them together as far as their options allow:
// cheaper, but all are done at the same time. What comes out is as if each had been alone.
void queue_submit_batch(Queue *q, const QueueJob *jobs, unsigned n);
// The next finished job, or NULL. With wait: blocks while jobs are under way.
QueueResult *queue_take(Queue *q, bool wait);
void queue_result_free(QueueResult *r);
// Jobs that ended because a worker died or could not be started.
unsigned queue_lost(const Queue *q);
