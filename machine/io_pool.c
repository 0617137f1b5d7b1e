// SPDX-License-Identifier: GPL-3.0-or-later
// Threads that wait for the host's disks in place of harts.
#include "machine/io_pool.h"

#include "softmmu/memory.h"
#include <glib.h>

#define THREADS 4

struct IoPool {
    GThreadPool *threads;
};

static void run(gpointer data, gpointer user_data G_GNUC_UNUSED)
{
    IoJob *job = data;
    job->work(job);
    memory_lock();
    job->done(job);
    memory_unlock();
}

IoPool *io_pool_new(void)
{
    IoPool *pool = g_new(IoPool, 1);
    pool->threads = g_thread_pool_new(run, NULL, THREADS, FALSE, NULL); // threads start when they are needed
    return pool;
}

void io_pool_free(IoPool *pool)
{
    if (!pool)
        return;
    g_thread_pool_free(pool->threads, FALSE, TRUE);
    g_free(pool);
}

void io_pool_add(IoPool *pool, IoJob *job)
{
    g_thread_pool_push(pool->threads, job, NULL); // without a new thread an old one does it later
}
