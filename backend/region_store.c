// SPDX-License-Identifier: GPL-3.0-or-later
// The folder of the persistent code cache.
#include "backend/region_store.h"

#include "util/warn.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FILE (128u << 20)
#define TEMP_PREFIX ".new-"
#define TEMP_AGE 600 // seconds after which a temporary file is what a broken-off write left

typedef struct {
    char *name;
    uint64_t size;
    struct timespec used;
} Found;

typedef struct { // for the writing thread
    char *name; // NULL: end, or a request for an answer
    GBytes *bytes; // NULL: they are in
    char *temporary;
    uint64_t size; // ... so many
    bool last;
    GAsyncQueue *answer; // a reference
} Write;

struct RegionStore {
    int dir; // descriptor
    char *path;
    uint64_t max_bytes;
    GMutex lock;
    GHashTable *index; // head (guint64) -> GPtrArray of file names; NULL: not read yet. Under lock
    GThread *writer; // NULL before the first write. Under lock
    GAsyncQueue *writes;
    uint64_t held; // bytes in the folder as far as we know, 0: not looked yet. Writer's thread only
    uint64_t written; // atomic: bytes, by us
    int broken;    // atomic: writing failed, so there is no more of it
    int said;      // a warning has been given: one in all, whatever goes wrong
};

char *region_store_default_dir(void)
{
    return g_build_filename(g_get_user_cache_dir(), "addend", NULL);
}

// --- opening -------------------------------------------------------------------------------------------------

static bool is_safe(const struct stat *st)
{
    return st->st_uid == geteuid() && !(st->st_mode & (S_IWGRP | S_IWOTH));
}

RegionStore *region_store_open(const char *dir, uint64_t max_bytes, bool create, GError **error)
{
    struct stat st;
    if (create)
        g_mkdir_with_parents(dir, 0700);
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st)) {
        g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "code cache %s: %s", dir, g_strerror(errno));
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    if (!is_safe(&st)) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED, "code cache %s: not used, because %s", dir,
                    st.st_uid == geteuid() ? "others may write to it" : "it belongs to another user");
        close(fd);
        return NULL;
    }
    RegionStore *s = g_new0(RegionStore, 1);
    s->dir = fd;
    s->path = g_strdup(dir);
    s->max_bytes = max_bytes;
    s->writes = g_async_queue_new();
    g_mutex_init(&s->lock);
    return s;
}

static void found_free(gpointer p)
{
    Found *f = p;
    g_free(f->name);
    g_free(f);
}

// To be read from its start; NULL if that is not possible.
static DIR *open_folder(const RegionStore *s)
{
    int fd = openat(s->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    if (!d && fd >= 0)
        close(fd);
    return d;
}

// All region files that may be read, or, with temporaries set, those that broken-off writes left.
static GPtrArray *scan(RegionStore *s, bool temporaries)
{
    GPtrArray *all = g_ptr_array_new_with_free_func(found_free);
    DIR *d = open_folder(s);
    for (struct dirent *e; d && (e = readdir(d));) {
        struct stat st;
        uint64_t head;
        bool ours = temporaries ? g_str_has_prefix(e->d_name, TEMP_PREFIX) : region_file_parse_name(e->d_name, &head) ||
                                                                             block_file_is_name(e->d_name);
        if (!ours || fstatat(s->dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
            continue;
        Found *f = g_new(Found, 1);
        *f = (Found){g_strdup(e->d_name), (uint64_t)st.st_size, st.st_mtim};
        g_ptr_array_add(all, f);
    }
    if (d)
        closedir(d);
    return all;
}

static void index_add(RegionStore *s, uint64_t head, const char *name)
{
    GPtrArray *names = g_hash_table_lookup(s->index, &head);
    if (!names) {
        names = g_ptr_array_new_with_free_func(g_free);
        g_hash_table_insert(s->index, g_memdup2(&head, sizeof head), names);
    }
    for (unsigned i = 0; i < names->len; i++)
        if (!strcmp(g_ptr_array_index(names, i), name))
            return;
    g_ptr_array_add(names, g_strdup(name));
}

// Names are enough, so that a large cache does not cost much until it is used.
static void need_index(RegionStore *s)
{
    if (s->index)
        return;
    s->index = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
    DIR *d = open_folder(s);
    for (struct dirent *e; d && (e = readdir(d));) {
        uint64_t head;
        if (region_file_parse_name(e->d_name, &head))
            index_add(s, head, e->d_name);
    }
    if (d)
        closedir(d);
}

bool region_store_has(RegionStore *s, uint64_t head)
{
    g_mutex_lock(&s->lock);
    need_index(s);
    bool has = g_hash_table_contains(s->index, &head);
    g_mutex_unlock(&s->lock);
    return has;
}

// --- reading -------------------------------------------------------------------------------------------------

// A file that is ours alone. -1: *damage says why, or is NULL where it is just gone.
static int open_ours(RegionStore *s, const char *name, size_t *size, struct timespec *used, const char **damage)
{
    struct stat st;
    *damage = NULL;
    int fd = openat(s->dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        *damage = errno == ENOENT ? NULL : "it cannot be opened";
        return -1;
    }
    if (fstat(fd, &st) || !S_ISREG(st.st_mode) || !is_safe(&st))
        *damage = "it belongs to or may be changed by others";
    else if (st.st_size > MAX_FILE)
        *damage = "it is too large";
    if (*damage) {
        close(fd);
        return -1;
    }
    *size = (size_t)st.st_size;
    *used = st.st_mtim;
    return fd;
}

// The whole of it. NULL: likewise.
static uint8_t *read_file(RegionStore *s, const char *name, size_t *size, struct timespec *used, const char **damage)
{
    int fd = open_ours(s, name, size, used, damage);
    uint8_t *bytes = NULL;
    if (fd >= 0) {
        bytes = g_malloc(*size + 1);
        size_t done = 0;
        for (ssize_t n; done < *size && (n = read(fd, bytes + done, *size - done)) != 0;) {
            if (n < 0 && errno != EINTR)
                break;
            done += n > 0 ? (size_t)n : 0;
        }
        if (done < *size) {
            *damage = "it cannot be read";
            g_clear_pointer(&bytes, g_free);
        }
        close(fd);
    }
    return bytes;
}

// Decodes the file; its name must be the one that follows from its contents. NULL likewise, and *message to be freed.
static uint8_t *load(RegionStore *s, const char *name, RegionFile *r, struct timespec *used, char **message)
{
    size_t size;
    const char *damage;
    GError *error = NULL;
    *message = NULL;
    uint8_t *bytes = read_file(s, name, &size, used, &damage);
    if (!bytes) {
        *message = g_strdup(damage);
        return NULL;
    }
    if (region_file_decode(bytes, size, r, &error)) {
        g_autofree char *right = region_file_name(r->header.head, &r->header.key);
        if (!strcmp(right, name))
            return bytes;
        *message = g_strdup("it has the name of another one");
    } else {
        *message = g_strdup(error->message);
        g_error_free(error);
    }
    g_free(bytes);
    return NULL;
}

static void index_remove(RegionStore *s, uint64_t head, const char *name)
{
    g_mutex_lock(&s->lock);
    GPtrArray *names = s->index ? g_hash_table_lookup(s->index, &head) : NULL;
    for (unsigned i = 0; names && i < names->len; i++)
        if (!strcmp(g_ptr_array_index(names, i), name))
            g_ptr_array_remove_index_fast(names, i--);
    if (names && !names->len)
        g_hash_table_remove(s->index, &head);
    g_mutex_unlock(&s->lock);
}

static int last_used_first(gconstpointer p, gconstpointer q)
{
    const Found *a = *(Found *const *)p, *b = *(Found *const *)q;
    if (a->used.tv_sec != b->used.tv_sec)
        return a->used.tv_sec < b->used.tv_sec ? 1 : -1;
    return a->used.tv_nsec < b->used.tv_nsec ? 1 : a->used.tv_nsec > b->used.tv_nsec ? -1 : 0;
}

// The files for head as they are now.
static GPtrArray *candidates(RegionStore *s, uint64_t head)
{
    GPtrArray *all = g_ptr_array_new_with_free_func(found_free);
    g_mutex_lock(&s->lock);
    need_index(s);
    const GPtrArray *names = g_hash_table_lookup(s->index, &head);
    for (unsigned i = 0; names && i < names->len; i++) {
        Found *f = g_new0(Found, 1);
        f->name = g_strdup(g_ptr_array_index(names, i));
        g_ptr_array_add(all, f);
    }
    g_mutex_unlock(&s->lock);
    for (unsigned i = 0; all->len > 1 && i < all->len; i++) {
        Found *f = g_ptr_array_index(all, i);
        struct stat st;
        if (!fstatat(s->dir, f->name, &st, AT_SYMLINK_NOFOLLOW))
            f->used = st.st_mtim;
    }
    g_ptr_array_sort(all, last_used_first);
    return all;
}

void region_store_damaged(RegionStore *s, const char *name, const char *message)
{
    warn_once(&s->said, "code cache %s: %s is damaged (%s): removed, and so is any other such file", s->path, name,
              message);
    unlinkat(s->dir, name, 0);
}

int region_store_open_file(RegionStore *s, const char *name, uint64_t *size)
{
    size_t bytes;
    struct timespec used;
    const char *damage;
    int fd = open_ours(s, name, &bytes, &used, &damage);
    if (damage)
        region_store_damaged(s, name, damage);
    if (fd < 0)
        return -1;
    *size = bytes;
    utimensat(s->dir, name, NULL, AT_SYMLINK_NOFOLLOW);
    return fd;
}

bool region_store_find(RegionStore *s, uint64_t head, bool (*use)(const RegionFile *r, void *opaque), void *opaque)
{
    g_autoptr(GPtrArray) all = candidates(s, head);
    for (unsigned i = 0; i < all->len; i++) {
        const Found *f = g_ptr_array_index(all, i);
        struct timespec used;
        RegionFile r;
        g_autofree char *message = NULL;
        g_autofree uint8_t *bytes = load(s, f->name, &r, &used, &message);
        if (!bytes) {
            index_remove(s, head, f->name);
            if (message)
                region_store_damaged(s, f->name, message);
        } else if (use(&r, opaque)) {
            utimensat(s->dir, f->name, NULL, AT_SYMLINK_NOFOLLOW);
            return true;
        }
    }
    return false;
}

// --- writing -------------------------------------------------------------------------------------------------

// Removes the files that were not used for longest, until a tenth of the room is free. Their users will not find them
// and compile.
static void evict(RegionStore *s)
{
    g_autoptr(GPtrArray) temporaries = scan(s, true);
    int64_t now = g_get_real_time() / G_USEC_PER_SEC;
    for (unsigned i = 0; i < temporaries->len; i++) {
        const Found *f = g_ptr_array_index(temporaries, i);
        if (now - f->used.tv_sec > TEMP_AGE)
            unlinkat(s->dir, f->name, 0);
    }
    g_autoptr(GPtrArray) all = scan(s, false);
    g_ptr_array_sort(all, last_used_first);
    s->held = 0;
    for (unsigned i = 0; i < all->len; i++)
        s->held += ((Found *)g_ptr_array_index(all, i))->size;
    if (s->held <= s->max_bytes)
        return;
    for (unsigned i = all->len; i-- && s->held > s->max_bytes - s->max_bytes / 10;) {
        const Found *f = g_ptr_array_index(all, i);
        unlinkat(s->dir, f->name, 0);
        s->held -= f->size;
    }
}

static bool write_whole(int fd, const uint8_t *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = write(fd, bytes + done, size - done);
        if (n == 0 || (n < 0 && errno != EINTR))
            return false;
        done += n > 0 ? (size_t)n : 0;
    }
    return true;
}

static int create_temporary(RegionStore *s, char temporary[REGION_STORE_TEMPORARY])
{
    static gint number;
    g_snprintf(temporary, REGION_STORE_TEMPORARY, TEMP_PREFIX "%d-%d-%x", (int)getpid(),
               g_atomic_int_add(&number, 1), g_random_int());
    return openat(s->dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

// Under a name of its own first, so that no reader sees half a file.
static bool write_file(RegionStore *s, const char *name, const uint8_t *bytes, size_t size)
{
    char temporary[REGION_STORE_TEMPORARY];
    int fd = create_temporary(s, temporary);
    if (fd < 0)
        return false;
    bool ok = write_whole(fd, bytes, size);
    ok = close(fd) == 0 && ok;
    ok = ok && renameat(s->dir, temporary, s->dir, name) == 0;
    int why = errno;
    if (!ok)
        unlinkat(s->dir, temporary, 0);
    errno = why;
    return ok;
}

static void give_up_writing(RegionStore *s, int why)
{
    g_atomic_int_set(&s->broken, 1);
    warn_once(&s->said, "code cache %s: nothing is kept any more: %s", s->path, g_strerror(why));
}

static void write_one(RegionStore *s, const Write *w)
{
    gsize size = w->size;
    uint64_t head;
    const uint8_t *bytes = w->bytes ? g_bytes_get_data(w->bytes, &size) : NULL;
    if (g_atomic_int_get(&s->broken) || size > s->max_bytes) {
        if (w->temporary)
            unlinkat(s->dir, w->temporary, 0);
        return;
    }
    if (!s->held)
        evict(s); // which counts
    if (bytes ? !write_file(s, w->name, bytes, size) : renameat(s->dir, w->temporary, s->dir, w->name) != 0) {
        give_up_writing(s, errno);
        return;
    }
    s->held += size;
    __atomic_add_fetch(&s->written, size, __ATOMIC_RELAXED);
    if (s->held > s->max_bytes)
        evict(s);
    g_mutex_lock(&s->lock);
    if (s->index && region_file_parse_name(w->name, &head))
        index_add(s, head, w->name);
    g_mutex_unlock(&s->lock);
}

static gpointer writer_thread(gpointer p)
{
    RegionStore *s = p;
    sigset_t too_large;
    sigemptyset(&too_large);
    sigaddset(&too_large, SIGXFSZ); // write shall just fail
    pthread_sigmask(SIG_BLOCK, &too_large, NULL);
    for (bool last = false; !last;) {
        Write *w = g_async_queue_pop(s->writes);
        if (w->name)
            write_one(s, w);
        if (w->answer) {
            g_async_queue_push(w->answer, s);
            g_async_queue_unref(w->answer);
        }
        last = w->last;
        if (w->bytes)
            g_bytes_unref(w->bytes);
        g_free(w->name);
        g_free(w->temporary);
        g_free(w);
    }
    return NULL;
}

static void push(RegionStore *s, Write what)
{
    g_async_queue_push(s->writes, g_memdup2(&what, sizeof what));
}

static void need_writer(RegionStore *s)
{
    g_mutex_lock(&s->lock);
    if (!s->writer)
        s->writer = g_thread_new("cache", writer_thread, s);
    g_mutex_unlock(&s->lock);
}

void region_store_put(RegionStore *s, const RegionFile *r)
{
    if (g_atomic_int_get(&s->broken))
        return;
    need_writer(s);
    push(s, (Write){.name = region_file_name(r->header.head, &r->header.key), .bytes = region_file_encode(r)});
}

int region_store_create(RegionStore *s, char temporary[REGION_STORE_TEMPORARY])
{
    int fd = g_atomic_int_get(&s->broken) ? -1 : create_temporary(s, temporary);
    if (fd < 0 && !g_atomic_int_get(&s->broken))
        give_up_writing(s, errno);
    return fd;
}

void region_store_keep_file(RegionStore *s, const char *temporary, int fd, const char *name, uint64_t size)
{
    int why = errno;
    if (close(fd) && size) {
        why = errno;
        size = 0;
    }
    if (!size) {
        unlinkat(s->dir, temporary, 0);
        give_up_writing(s, why);
        return;
    }
    need_writer(s);
    push(s, (Write){.name = g_strdup(name), .temporary = g_strdup(temporary), .size = size});
}

bool region_store_flush(RegionStore *s)
{
    g_mutex_lock(&s->lock);
    bool any = s->writer;
    g_mutex_unlock(&s->lock);
    if (any) {
        GAsyncQueue *answer = g_async_queue_new();
        push(s, (Write){.answer = g_async_queue_ref(answer)});
        g_async_queue_pop(answer);
        g_async_queue_unref(answer);
    }
    return !g_atomic_int_get(&s->broken);
}

uint64_t region_store_written(const RegionStore *s)
{
    return __atomic_load_n(&s->written, __ATOMIC_RELAXED);
}

uint64_t region_store_max_bytes(const RegionStore *s)
{
    return s->max_bytes;
}

void region_store_free(RegionStore *s)
{
    if (!s)
        return;
    if (s->writer) {
        push(s, (Write){.last = true});
        g_thread_join(s->writer);
    }
    g_async_queue_unref(s->writes);
    if (s->index)
        g_hash_table_destroy(s->index);
    g_mutex_clear(&s->lock);
    close(s->dir);
    g_free(s->path);
    g_free(s);
}

// --- the commands --------------------------------------------------------------------------------------------

static int by_name(gconstpointer p, gconstpointer q)
{
    return strcmp((*(Found *const *)p)->name, (*(Found *const *)q)->name);
}

static void each_blocks(RegionStore *s, const Found *f, void (*fn)(const RegionStoreEntry *e, void *opaque),
                        void *opaque)
{
    size_t size;
    struct timespec used;
    const char *damage;
    g_autoptr(GError) error = NULL;
    RegionStoreEntry e = {f->name, f->size, f->used.tv_sec, NULL, NULL, 0};
    int fd = open_ours(s, f->name, &size, &used, &damage);
    if (fd >= 0 && !block_file_check(fd, f->name, size, &e.n_blocks, &error))
        damage = error->message;
    e.damage = damage;
    if (fd >= 0 || damage)
        fn(&e, opaque);
}

void region_store_each(RegionStore *s, void (*fn)(const RegionStoreEntry *e, void *opaque), void *opaque)
{
    g_autoptr(GPtrArray) all = scan(s, false);
    g_ptr_array_sort(all, by_name);
    for (unsigned i = 0; i < all->len; i++) {
        const Found *f = g_ptr_array_index(all, i);
        struct timespec used = f->used;
        RegionFile r;
        if (block_file_is_name(f->name)) {
            each_blocks(s, f, fn, opaque);
            continue;
        }
        g_autofree char *message = NULL;
        g_autofree uint8_t *bytes = load(s, f->name, &r, &used, &message);
        if (bytes || message) {
            RegionStoreEntry e = {f->name, f->size, used.tv_sec, message, bytes ? &r : NULL, 0};
            fn(&e, opaque);
        }
    }
}

unsigned region_store_purge(RegionStore *s, uint64_t *bytes, unsigned *kept)
{
    unsigned n = 0;
    *bytes = 0;
    *kept = 0;
    for (int temporaries = 0; temporaries < 2; temporaries++) {
        g_autoptr(GPtrArray) all = scan(s, temporaries);
        for (unsigned i = 0; i < all->len; i++) {
            const Found *f = g_ptr_array_index(all, i);
            if (unlinkat(s->dir, f->name, 0)) {
                *kept += errno != ENOENT;
                continue;
            }
            *bytes += f->size;
            n++;
        }
    }
    return n;
}
