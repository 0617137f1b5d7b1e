// SPDX-License-Identifier: GPL-3.0-or-later
// The big lock: one thread at a time in devices and in the region tree (R2.13).
#include "softmmu/lock.h"
#include "softmmu/memory.h"

static GRecMutex big_lock;
static __thread unsigned held; // by this thread, so that lock_drop can release a recursive lock in one go

void memory_lock(void)
{
    g_rec_mutex_lock(&big_lock);
    held++;
}

void memory_unlock(void)
{
    g_assert(held);
    held--;
    g_rec_mutex_unlock(&big_lock);
}

unsigned lock_drop(void)
{
    unsigned depth = held;
    while (held) {
        memory_unlock();
    }
    return depth;
}

void lock_retake(unsigned depth)
{
    while (held < depth) {
        memory_lock();
    }
}
