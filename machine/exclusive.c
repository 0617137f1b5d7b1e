// SPDX-License-Identifier: GPL-3.0-or-later
// Sections during which no hart runs.
#include "machine/exclusive.h"

#include "softmmu/lock.h"

static __thread bool am_inside; // this thread runs harts and is not asleep

void exclusive_init(Exclusive *x, void (*kick)(void *opaque), void *opaque)
{
    *x = (Exclusive){.kick = kick, .opaque = opaque};
    g_mutex_init(&x->lock);
    g_cond_init(&x->changed);
}

void exclusive_deinit(Exclusive *x)
{
    g_mutex_clear(&x->lock);
    g_cond_clear(&x->changed);
}

// With the lock held. Sections that others want go first.
static void go_inside(Exclusive *x)
{
    while (g_atomic_int_get(&x->wanted))
        g_cond_wait(&x->changed, &x->lock);
    x->inside++;
}

static void go_outside(Exclusive *x)
{
    x->inside--;
    g_cond_broadcast(&x->changed);
}

void exclusive_enter(Exclusive *x)
{
    g_mutex_lock(&x->lock);
    go_inside(x);
    g_mutex_unlock(&x->lock);
    am_inside = true;
}

void exclusive_leave(Exclusive *x)
{
    am_inside = false;
    g_mutex_lock(&x->lock);
    go_outside(x);
    g_mutex_unlock(&x->lock);
}

void exclusive_poll(Exclusive *x)
{
    if (!g_atomic_int_get(&x->wanted))
        return;
    exclusive_leave(x);
    exclusive_enter(x);
}

// With the lock held: the section that this thread wanted is over, or given up.
static void want_no_more(Exclusive *x)
{
    g_atomic_int_add(&x->wanted, -1);
    g_cond_broadcast(&x->changed);
    if (am_inside)
        go_inside(x);
}

// False: until (of g_get_monotonic_time, 0: for ever) was over first, and all is as before.
static bool begin(Exclusive *x, gint64 until)
{
    if (g_atomic_pointer_get(&x->owner) == g_thread_self()) {
        x->depth++;
        return true;
    }
    bool in_time = true;
    unsigned depth = lock_drop();
    g_mutex_lock(&x->lock);
    g_atomic_int_inc(&x->wanted);
    if (am_inside)
        go_outside(x);
    x->kick(x->opaque);
    while (in_time && (x->active || x->inside)) {
        if (until)
            in_time = g_cond_wait_until(&x->changed, &x->lock, until);
        else
            g_cond_wait(&x->changed, &x->lock);
    }
    if (in_time) {
        x->active = true;
        g_atomic_pointer_set(&x->owner, g_thread_self());
    } else {
        want_no_more(x);
    }
    g_mutex_unlock(&x->lock);
    lock_retake(depth);
    return in_time;
}

void exclusive_begin(Exclusive *x)
{
    begin(x, 0);
}

bool exclusive_begin_within(Exclusive *x, unsigned ms)
{
    return begin(x, g_get_monotonic_time() + (gint64)ms * 1000);
}

void exclusive_end(Exclusive *x)
{
    if (x->depth) {
        x->depth--;
        return;
    }
    g_atomic_pointer_set(&x->owner, NULL);
    unsigned depth = lock_drop();
    g_mutex_lock(&x->lock);
    x->active = false;
    want_no_more(x);
    g_mutex_unlock(&x->lock);
    lock_retake(depth);
}
