// SPDX-License-Identifier: GPL-3.0-or-later
// The queue: a ring of chunks with a lock. A chunk is handed over when it is full, or when the consumer has nothing to
// do, so that the lock costs little when the stream is fast and nothing waits when it is slow.
#include "lab/pipe.h"
#include <string.h>

#define RECORDS 8192u // of a chunk: 128 KiB
#define CHUNKS 32u

typedef struct {
    TapRecord *r;
    size_t n;
} Chunk;

struct LabPipe {
    LabConsumer consume;
    void *opaque;
    GThread *thread;
    Chunk chunk[CHUNKS];
    size_t filling; // records in the chunk at `head`; the putting thread's
    GMutex lock;    // of the rest
    GCond changed;
    unsigned head, tail; // chunks handed over, and consumed, modulo 2 * CHUNKS
    bool idle;           // the consumer waits
    bool closed, failed;
    GError *error;
};

static unsigned queued(const LabPipe *p)
{
    return (p->head - p->tail) % (2 * CHUNKS);
}

static void *consume_all(void *opaque)
{
    LabPipe *p = opaque;
    g_mutex_lock(&p->lock);
    for (;;) {
        while (!queued(p) && !p->closed) {
            p->idle = true;
            g_cond_wait(&p->changed, &p->lock);
        }
        p->idle = false;
        if (!queued(p))
            break;
        Chunk *c = &p->chunk[p->tail % CHUNKS];
        bool failed = p->failed;
        g_mutex_unlock(&p->lock);
        GError *error = NULL;
        if (!failed)
            failed = !p->consume(p->opaque, c->r, c->n, &error);
        g_mutex_lock(&p->lock);
        if (error)
            p->error = error;
        p->failed = failed;
        p->tail = (p->tail + 1) % (2 * CHUNKS);
        g_cond_broadcast(&p->changed);
    }
    g_mutex_unlock(&p->lock);
    return NULL;
}

LabPipe *lab_pipe_new(LabConsumer consume, void *opaque)
{
    LabPipe *p = g_new0(LabPipe, 1);
    p->consume = consume;
    p->opaque = opaque;
    for (unsigned i = 0; i < CHUNKS; i++)
        p->chunk[i].r = g_new(TapRecord, RECORDS);
    g_mutex_init(&p->lock);
    g_cond_init(&p->changed);
    p->thread = g_thread_new("tlb-model", consume_all, p);
    return p;
}

// The chunk at head goes over; returns when there is another one. Locked.
static void hand_over(LabPipe *p)
{
    p->chunk[p->head % CHUNKS].n = p->filling;
    p->filling = 0;
    p->head = (p->head + 1) % (2 * CHUNKS);
    g_cond_broadcast(&p->changed);
    while (queued(p) == CHUNKS)
        g_cond_wait(&p->changed, &p->lock);
}

void lab_pipe_put(LabPipe *p, const TapRecord *r, size_t n)
{
    while (n) {
        Chunk *c = &p->chunk[p->head % CHUNKS];
        size_t some = MIN(n, RECORDS - p->filling);
        memcpy(c->r + p->filling, r, some * sizeof(*r));
        p->filling += some;
        r += some;
        n -= some;
        g_mutex_lock(&p->lock);
        if (p->filling == RECORDS || (!n && p->idle))
            hand_over(p);
        g_mutex_unlock(&p->lock);
    }
}

bool lab_pipe_close(LabPipe *p, GError **error)
{
    g_mutex_lock(&p->lock);
    if (p->filling)
        hand_over(p);
    p->closed = true;
    g_cond_broadcast(&p->changed);
    g_mutex_unlock(&p->lock);
    g_thread_join(p->thread);
    bool good = !p->failed;
    if (p->error)
        g_propagate_error(error, p->error);
    for (unsigned i = 0; i < CHUNKS; i++)
        g_free(p->chunk[i].r);
    g_mutex_clear(&p->lock);
    g_cond_clear(&p->changed);
    g_free(p);
    return good;
}
