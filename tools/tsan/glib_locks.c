// SPDX-License-Identifier: GPL-3.0-or-later
// GLib's mutexes and conditions made of those of pthreads, for builds with ThreadSanitizer (-Db_sanitize=thread), which
// cannot see through GLib's own. They take the place of GLib's in the program that this file is linked into.
#include <errno.h>
#include <glib.h>
#include <pthread.h>
#include <stdlib.h>

static pthread_mutex_t make_lock = PTHREAD_MUTEX_INITIALIZER;

// The object behind a GMutex or GCond, which is made at its first use: a static one begins as zeros.
static void *object(void **where, void *(*make)(void))
{
    void *o = __atomic_load_n(where, __ATOMIC_ACQUIRE);
    if (o)
        return o;
    pthread_mutex_lock(&make_lock);
    if (!(o = *where))
        __atomic_store_n(where, o = make(), __ATOMIC_RELEASE);
    pthread_mutex_unlock(&make_lock);
    return o;
}

static void *make_mutex(void)
{
    pthread_mutex_t *m = malloc(sizeof *m);
    pthread_mutex_init(m, NULL);
    return m;
}

static void *make_cond(void)
{
    pthread_cond_t *c = malloc(sizeof *c);
    pthread_condattr_t a;
    pthread_condattr_init(&a);
    pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
    pthread_cond_init(c, &a);
    return c;
}

static pthread_mutex_t *mutex_of(GMutex *m)
{
    return object(&m->p, make_mutex);
}

static pthread_cond_t *cond_of(GCond *c)
{
    return object(&c->p, make_cond);
}

void g_mutex_init(GMutex *m)
{
    m->p = NULL;
}

void g_mutex_clear(GMutex *m)
{
    free(m->p);
    m->p = NULL;
}

void g_mutex_lock(GMutex *m)
{
    pthread_mutex_lock(mutex_of(m));
}

void g_mutex_unlock(GMutex *m)
{
    pthread_mutex_unlock(mutex_of(m));
}

void g_cond_init(GCond *c)
{
    c->p = NULL;
}

void g_cond_clear(GCond *c)
{
    free(c->p);
    c->p = NULL;
}

void g_cond_wait(GCond *c, GMutex *m)
{
    pthread_cond_wait(cond_of(c), mutex_of(m));
}

gboolean g_cond_wait_until(GCond *c, GMutex *m, gint64 end_us)
{
    struct timespec end = {end_us / 1000000, end_us % 1000000 * 1000};
    return pthread_cond_timedwait(cond_of(c), mutex_of(m), &end) != ETIMEDOUT;
}

void g_cond_signal(GCond *c)
{
    pthread_cond_signal(cond_of(c));
}

void g_cond_broadcast(GCond *c)
{
    pthread_cond_broadcast(cond_of(c));
}
