// SPDX-License-Identifier: GPL-3.0-or-later
// Epoch counting: the grace periods of flat views.
//
// The global epoch rises with each retired thing, which is stamped with the new value. A reader publishes the
// epoch it found, then loads the pointer to the view. All four accesses are sequentially consistent, so
// either the writer's scan sees the reader with an epoch below the stamp and waits, or the reader published
// after the scan and thus loads the pointer that the writer stored before it.
#include "softmmu/grace.h"
#include "softmmu/lock.h"
#include <glib.h>
#include <pthread.h>
#include <stdint.h>

typedef struct Reader { // one per thread that ever read
    uint64_t seen;      // epoch at the outermost grace_enter, 0 outside
    unsigned nest;
    struct Reader *next;
} Reader;

typedef struct {
    void *thing;
    void (*release)(void *thing);
    uint64_t stamp;
} Grave;

static uint64_t epoch = 1;
static pthread_mutex_t readers_lock = PTHREAD_MUTEX_INITIALIZER;
static Reader *readers;
static GArray *graves; // of Grave, ascending stamps; under the big lock
static __thread Reader *self;

static void reader_free(gpointer data)
{
    pthread_mutex_lock(&readers_lock);
    for (Reader **p = &readers; *p; p = &(*p)->next) {
        if (*p == data) {
            *p = (*p)->next;
            break;
        }
    }
    pthread_mutex_unlock(&readers_lock);
    g_free(data);
    self = NULL;
}

static GPrivate reader_key = G_PRIVATE_INIT(reader_free);

static Reader *reader_new(void)
{
    Reader *r = g_new0(Reader, 1);
    pthread_mutex_lock(&readers_lock);
    r->next = readers;
    readers = r;
    pthread_mutex_unlock(&readers_lock);
    g_private_set(&reader_key, r);
    return r;
}

void grace_enter(void)
{
    if (!self) {
        self = reader_new();
    }
    if (self->nest++ == 0) {
        uint64_t now = __atomic_load_n(&epoch, __ATOMIC_SEQ_CST);
        __atomic_store_n(&self->seen, now, __ATOMIC_SEQ_CST);
    }
}

void grace_enter_locked(void)
{
    if (!self) {
        self = reader_new();
    }
    if (self->nest++ == 0) {
        __atomic_store_n(&self->seen, __atomic_load_n(&epoch, __ATOMIC_RELAXED), __ATOMIC_RELAXED);
    }
}

void grace_leave(void)
{
    g_assert(self && self->nest);
    if (--self->nest == 0) {
        __atomic_store_n(&self->seen, 0, __ATOMIC_RELEASE);
    }
}

// The lowest epoch that a reader inside has published, UINT64_MAX if there is none.
static uint64_t oldest_reader(void)
{
    uint64_t oldest = UINT64_MAX;
    pthread_mutex_lock(&readers_lock);
    for (Reader *r = readers; r; r = r->next) {
        uint64_t seen = __atomic_load_n(&r->seen, __ATOMIC_SEQ_CST);
        if (seen && seen < oldest) {
            oldest = seen;
        }
    }
    pthread_mutex_unlock(&readers_lock);
    return oldest;
}

// What is released may retire more, or wait for it: so each grave leaves the array first.
void grace_collect(void)
{
    if (!graves || !graves->len) {
        return;
    }
    uint64_t oldest = oldest_reader();
    while (graves->len && g_array_index(graves, Grave, 0).stamp <= oldest) {
        Grave g = g_array_index(graves, Grave, 0);
        g_array_remove_index(graves, 0);
        g.release(g.thing);
    }
}

void grace_retire(void *thing, void (*release)(void *thing))
{
    if (!graves) {
        graves = g_array_new(FALSE, FALSE, sizeof(Grave));
    }
    Grave g = {thing, release, __atomic_add_fetch(&epoch, 1, __ATOMIC_SEQ_CST)};
    g_array_append_val(graves, g);
}

void grace_wait(void)
{
    if (!graves) {
        return;
    }
    for (grace_collect(); graves->len; grace_collect()) {
        g_assert(!self || !self->nest);
        lock_pause();
    }
}
