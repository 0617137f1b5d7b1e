// SPDX-License-Identifier: GPL-3.0-or-later
// Threads that wait for the host's disks in place of harts.
#pragma once

typedef struct IoPool IoPool;
typedef struct IoJob IoJob;

struct IoJob { // at the beginning of its owner's object, who keeps it until done
    void (*work)(IoJob *job); // on a thread of the pool, without any lock
    void (*done)(IoJob *job); // then, on the same thread, under the big lock
};

IoPool *io_pool_new(void);
// Waits for the jobs that are left: not under the big lock. NULL is allowed.
void io_pool_free(IoPool *pool);
// Jobs run in any order, a few at a time. Any thread.
void io_pool_add(IoPool *pool, IoJob *job);
