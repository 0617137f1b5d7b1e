// SPDX-License-Identifier: GPL-3.0-or-later
// The big lock: one thread at a time in devices and in the region tree (R2.13).
//
// Recursive by a counter of the thread's own: one access to a device takes it several times.
#include "softmmu/lock.h"
#include "softmmu/memory.h"
#include <pthread.h>

static pthread_mutex_t big_lock = PTHREAD_MUTEX_INITIALIZER;
static __thread unsigned held; // by this thread

void memory_lock(void)
{
    if (held++ == 0) {
        pthread_mutex_lock(&big_lock);
    }
}

void memory_unlock(void)
{
    g_assert(held);
    if (--held == 0) {
        pthread_mutex_unlock(&big_lock);
    }
}

unsigned lock_drop(void)
{
    unsigned depth = held;
    if (depth) {
        held = 1;
        memory_unlock();
    }
    return depth;
}

void lock_retake(unsigned depth)
{
    g_assert(!held);
    if (depth) {
        memory_lock();
        held = depth;
    }
}

void lock_pause(void)
{
    unsigned depth = lock_drop();
    g_usleep(50);
    lock_retake(depth);
}
