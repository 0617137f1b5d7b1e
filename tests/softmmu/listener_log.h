// SPDX-License-Identifier: GPL-3.0-or-later
// A listener that writes down what it is told: "begin | add 0-fff ram | commit", each with its name in front.
#pragma once
#include "softmmu/listener.h"
#include "tests/test.h"
#include <inttypes.h>

typedef struct {
    MemoryListener l;
    GString *log; // may be shared by several
    bool refuse;  // log_global_start fails
} ListenerLog;

static inline void listener_note(MemoryListener *l, const char *what)
{
    GString *log = ((ListenerLog *)(void *)l)->log;
    g_string_append_printf(log, "%s%s%s%s", log->len ? " | " : "", l->name, *l->name ? " " : "", what);
}

static inline void listener_note_range(MemoryListener *l, const char *what, const FlatRange *r)
{
    g_autofree char *text = g_strdup_printf("%s %" PRIx64 "-%" PRIx64 " %s", what, (uint64_t)r->start,
                                            (uint64_t)(r->start + r->size - 1), r->mr->name);
    listener_note(l, text);
}

static inline void listener_note_log(MemoryListener *l, const char *what, const FlatRange *r, unsigned old,
                                     unsigned new)
{
    g_autofree char *text = g_strdup_printf("%s(%u,%u)", what, old, new);
    listener_note_range(l, text, r);
}

static inline void listener_note_fd(MemoryListener *l, const char *what, gpa_t addr, const IoEventfd *e)
{
    g_autofree char *text = g_strdup_printf("%s %" PRIx64 " fd %d", what, addr, e->fd);
    listener_note(l, text);
}

static inline void log_begin(MemoryListener *l)
{
    listener_note(l, "begin");
}

static inline void log_commit(MemoryListener *l)
{
    listener_note(l, "commit");
}

static inline void log_add(MemoryListener *l, const FlatRange *r)
{
    listener_note_range(l, "add", r);
}

static inline void log_del(MemoryListener *l, const FlatRange *r)
{
    listener_note_range(l, "del", r);
}

static inline void log_nop(MemoryListener *l, const FlatRange *r)
{
    listener_note_range(l, "nop", r);
}

static inline void log_log_start(MemoryListener *l, const FlatRange *r, unsigned old, unsigned new)
{
    listener_note_log(l, "start", r, old, new);
}

static inline void log_log_stop(MemoryListener *l, const FlatRange *r, unsigned old, unsigned new)
{
    listener_note_log(l, "stop", r, old, new);
}

static inline void log_sync(MemoryListener *l, const FlatRange *r)
{
    listener_note_range(l, "sync", r);
}

static inline void log_clear(MemoryListener *l, const FlatRange *r)
{
    listener_note_range(l, "clear", r);
}

static inline bool log_global_start(MemoryListener *l, GError **error)
{
    bool refuse = ((ListenerLog *)(void *)l)->refuse;
    listener_note(l, refuse ? "refuse" : "gstart");
    if (refuse)
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "%s cannot", l->name);
    return !refuse;
}

static inline void log_global_stop(MemoryListener *l)
{
    listener_note(l, "gstop");
}

static inline void log_after_sync(MemoryListener *l)
{
    listener_note(l, "after");
}

static inline void log_fd_add(MemoryListener *l, gpa_t addr, const IoEventfd *e)
{
    listener_note_fd(l, "fd+", addr, e);
}

static inline void log_fd_del(MemoryListener *l, gpa_t addr, const IoEventfd *e)
{
    listener_note_fd(l, "fd-", addr, e);
}

// Not registered yet.
static inline void listener_log_init(ListenerLog *r, const char *name, unsigned priority, GString *log)
{
    *r = (ListenerLog){
        .l = {.name = name,
              .priority = priority,
              .begin = log_begin,
              .commit = log_commit,
              .region_add = log_add,
              .region_del = log_del,
              .region_nop = log_nop,
              .log_start = log_log_start,
              .log_stop = log_log_stop,
              .log_sync = log_sync,
              .log_clear = log_clear,
              .log_global_start = log_global_start,
              .log_global_stop = log_global_stop,
              .log_global_after_sync = log_after_sync,
              .eventfd_add = log_fd_add,
              .eventfd_del = log_fd_del},
        .log = log,
    };
}

// What was told since the last call.
#define assert_told(log, text) \
    do { \
        assert_string_equal((log)->str, text); \
        g_string_truncate(log, 0); \
    } while (0)
