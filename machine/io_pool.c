// SPDX-License-Identifier: GPL-3.0-or-later
// Threads that wait for the host's disks in place of harts. (GLib's pools would do, but ThreadSanitizer cannot see
// through them.)
#include "machine/io_pool.h"

#include "softmmu/memory.h"
#include <glib.h>

#define THREADS 4

struct IoPool {
    GMutex lock; // everything below
    GCond wake;
    GQueue jobs; // of IoJob *, not begun
    GThread *threads[THREADS];
    unsigned started, idle;
    bool stop;
};

static void do_job(IoJob *job)
{
    job->work(job);
    memory_lock();
    job->done(job);
    memory_unlock();
}

static gpointer run(gpointer opaque)
{
    IoPool *pool = opaque;
    g_mutex_lock(&pool->lock);
    for (;;) {
        pool->idle++;
        while (!pool->jobs.length && !pool->stop)
            g_cond_wait(&pool->wake, &pool->lock);
        pool->idle--;
        IoJob *job = g_queue_pop_head(&pool->jobs);
        if (!job)
            break;
        g_mutex_unlock(&pool->lock);
        do_job(job);
        g_mutex_lock(&pool->lock);
    }
    g_mutex_unlock(&pool->lock);
    return NULL;
}

IoPool *io_pool_new(void)
{
    IoPool *pool = g_new0(IoPool, 1);
    g_mutex_init(&pool->lock);
    g_cond_init(&pool->wake);
    g_queue_init(&pool->jobs);
    return pool;
}

void io_pool_free(IoPool *pool)
{
    if (!pool)
        return;
    g_mutex_lock(&pool->lock);
    pool->stop = true;
    g_cond_broadcast(&pool->wake);
    g_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->started; i++)
        g_thread_join(pool->threads[i]);
    g_assert(!pool->jobs.length);
    g_cond_clear(&pool->wake);
    g_mutex_clear(&pool->lock);
    g_free(pool);
}

void io_pool_add(IoPool *pool, IoJob *job)
{
    g_mutex_lock(&pool->lock);
    if (pool->idle <= pool->jobs.length && pool->started < THREADS) {
        GThread *t = g_thread_try_new("disk", run, pool, NULL);
        if (t)
            pool->threads[pool->started++] = t;
    }
    bool alone = !pool->started; // the host has no threads left
    if (!alone)
        g_queue_push_tail(&pool->jobs, job);
    g_cond_signal(&pool->wake);
    g_mutex_unlock(&pool->lock);
    if (alone)
        do_job(job);
}
