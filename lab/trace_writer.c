// SPDX-License-Identifier: GPL-3.0-or-later
// Writing a trace file.
//
// A hart's records gather in a buffer of its own. Full buffers are coded and compressed by a few threads at once and
// written in the order in which they were handed over. The file has no name until it is complete, so a recording that
// is killed leaves nothing.
#include "lab/trace_file.h"

#include "lab/trace_format.h"
#include "util/bits.h"
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#define LEVEL 3 // of zstd
#define MAX_THREADS 4

typedef struct { // for one job at a time
    TraceCoder *coder;
    ZSTD_CCtx *zstd;
    uint8_t *plain, *packed; // the streams, each in its largest room; then one after another, compressed
} Kit;

typedef struct {
    unsigned hart;
    TapRecord *records;
    size_t n;
    uint64_t number, before;
} Job;

typedef struct {
    TapRecord *records; // NULL: none since the last full buffer
    size_t n;
} Gathering;

struct TraceWriter {
    int fd;
    char *path;      // as the user named it
    char *temporary; // NULL: the file has no name yet (O_TMPFILE), or is no regular file
    bool plain;      // not a regular file: written in place
    TraceHeader header;
    char *info;
    Gathering *harts;
    GThreadPool *pool;
    GArray *symbols; // of TraceSymbol, and their names
    GMutex lock;
    GCond changed;
    // --- under lock
    uint64_t taken, records, written; // parts handed over, their records; parts that are in the file
    unsigned max_jobs;
    GPtrArray *buffers, *kits; // not in use
    int why;                   // errno of the first write that failed, or 0
};

// --- the file --------------------------------------------------------------------------------------------------

static int write_all(int fd, const void *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = write(fd, (const uint8_t *)bytes + done, size - done);
        if (n == 0 || (n < 0 && errno != EINTR))
            return n ? errno : ENOSPC;
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static bool failed(GError **error, const char *path, int why)
{
    g_set_error(error, G_IO_ERROR, g_io_error_from_errno(why), "%s: %s", path, g_strerror(why));
    return false;
}

static char *temporary_name(const char *path)
{
    static gint n;
    g_autofree char *dir = g_path_get_dirname(path), *base = g_path_get_basename(path);
    g_autofree char *name = g_strdup_printf(".%.200s.%d-%d", base, (int)getpid(), g_atomic_int_add(&n, 1));
    return g_build_filename(dir, name, NULL);
}

// A file without a name where the host has such, else one with a temporary name.
static int create(TraceWriter *w)
{
    struct stat st;
    if (stat(w->path, &st) == 0 && !S_ISREG(st.st_mode)) {
        w->plain = true;
        return open(w->path, O_WRONLY | O_CLOEXEC);
    }
    if (access(w->path, F_OK) == 0 && access(w->path, W_OK))
        return -1; // rename would not mind
    g_autofree char *dir = g_path_get_dirname(w->path);
    int fd = access("/proc/self/fd", X_OK) ? -1 : open(dir, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
    if (fd < 0) {
        w->temporary = temporary_name(w->path);
        fd = open(w->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    }
    return fd;
}

// Gives the finished file its name. 0 or errno.
static int publish(TraceWriter *w)
{
    if (w->plain)
        return 0;
    w->header.parts = w->taken;
    w->header.records = w->records;
    w->header.digest = trace_header_digest(&w->header, w->info);
    if (pwrite(w->fd, &w->header, sizeof w->header, 0) != (ssize_t)sizeof w->header)
        return errno;
    if (!w->temporary) {
        char self[40];
        g_snprintf(self, sizeof self, "/proc/self/fd/%d", w->fd);
        char *name = temporary_name(w->path);
        if (linkat(AT_FDCWD, self, AT_FDCWD, name, AT_SYMLINK_FOLLOW)) {
            int why = errno;
            g_free(name);
            return why;
        }
        w->temporary = name;
    }
    if (rename(w->temporary, w->path))
        return errno;
    g_clear_pointer(&w->temporary, g_free);
    return 0;
}

// --- parts -----------------------------------------------------------------------------------------------------

// Waits for its turn, writes, and lets the next one do so.
static void append(TraceWriter *w, TracePart *part, const void *packed)
{
    part->outside = trace_packed_digest(packed, part->packed);
    part->digest = trace_part_digest(part);
    g_mutex_lock(&w->lock);
    while (w->written != part->number)
        g_cond_wait(&w->changed, &w->lock);
    int why = w->why;
    g_mutex_unlock(&w->lock);
    why = why ? why : write_all(w->fd, part, sizeof *part);
    why = why ? why : write_all(w->fd, packed, part->packed);
    g_mutex_lock(&w->lock);
    w->why = why;
    w->written++;
    g_cond_broadcast(&w->changed);
    g_mutex_unlock(&w->lock);
}

static void kit_free(gpointer p)
{
    Kit *k = p;
    trace_coder_free(k->coder);
    ZSTD_freeCCtx(k->zstd);
    g_free(k->plain);
    g_free(k->packed);
    g_free(k);
}

static Kit *kit_new(void)
{
    Kit *k = g_new0(Kit, 1);
    k->coder = trace_coder_new();
    k->zstd = ZSTD_createCCtx();
    k->plain = g_malloc((size_t)TRACE_CHUNK_RECORDS * TRACE_RECORD_MAX);
    k->packed = g_malloc(ZSTD_compressBound((size_t)TRACE_CHUNK_RECORDS * TRACE_RECORD_MAX));
    return k;
}

static void pack_chunk(Kit *k, const Job *j, TracePart *part)
{
    uint8_t *stream[TRACE_STREAMS];
    size_t size[TRACE_STREAMS], at = 0, total = 0;
    for (unsigned s = 0; s < TRACE_STREAMS; at += j->n * trace_stream_max[s++])
        stream[s] = k->plain + at;
    trace_encode(k->coder, j->records, j->n, stream, size);
    for (unsigned s = 0; s < TRACE_STREAMS; total += size[s++]) {
        memmove(k->plain + total, stream[s], size[s]);
        part->size[s] = (uint32_t)size[s];
    }
    size_t room = ZSTD_compressBound(total);
    part->packed = (uint32_t)ZSTD_compressCCtx(k->zstd, k->packed, room, k->plain, total, LEVEL);
    part->content = digest_of(0, j->records, j->n * sizeof *j->records);
}

static void do_job(gpointer data, gpointer user)
{
    Job *j = data;
    TraceWriter *w = user;
    g_mutex_lock(&w->lock);
    Kit *k = w->kits->len ? g_ptr_array_steal_index_fast(w->kits, w->kits->len - 1) : NULL;
    g_mutex_unlock(&w->lock);
    k = k ? k : kit_new();
    TracePart part = {.kind = TRACE_PART_CHUNK, .hart = j->hart, .number = j->number, .before = j->before,
                      .n = (uint32_t)j->n};
    pack_chunk(k, j, &part);
    append(w, &part, k->packed);
    g_mutex_lock(&w->lock);
    g_ptr_array_add(w->kits, k);
    g_ptr_array_add(w->buffers, j->records);
    g_mutex_unlock(&w->lock);
    g_free(j);
}

static void hand_over(TraceWriter *w, unsigned hart)
{
    Job *j = g_new(Job, 1);
    *j = (Job){.hart = hart, .records = w->harts[hart].records, .n = w->harts[hart].n};
    w->harts[hart] = (Gathering){NULL, 0};
    g_mutex_lock(&w->lock);
    while (w->taken - w->written >= w->max_jobs)
        g_cond_wait(&w->changed, &w->lock);
    j->number = w->taken++;
    j->before = w->records;
    w->records += j->n;
    g_thread_pool_push(w->pool, j, NULL); // under lock: in order, so that who waits for a turn waits for a running one
    g_mutex_unlock(&w->lock);
}

static TapRecord *new_buffer(TraceWriter *w)
{
    g_mutex_lock(&w->lock);
    TapRecord *r = w->buffers->len ? g_ptr_array_steal_index_fast(w->buffers, w->buffers->len - 1) : NULL;
    g_mutex_unlock(&w->lock);
    return r ? r : g_new(TapRecord, TRACE_CHUNK_RECORDS);
}

bool trace_writer_put(TraceWriter *w, unsigned hart, const TapRecord *r, size_t n)
{
    g_assert(hart < w->header.harts);
    Gathering *g = &w->harts[hart];
    while (n) {
        if (!g->records)
            g->records = new_buffer(w);
        size_t some = MIN(n, TRACE_CHUNK_RECORDS - g->n);
        memcpy(g->records + g->n, r, some * sizeof *r);
        g->n += some;
        r += some;
        n -= some;
        if (g->n == TRACE_CHUNK_RECORDS)
            hand_over(w, hart);
    }
    g_mutex_lock(&w->lock);
    bool ok = !w->why;
    g_mutex_unlock(&w->lock);
    return ok;
}

// --- symbols, and the end --------------------------------------------------------------------------------------

static void symbol_clear(gpointer p)
{
    g_free((char *)((TraceSymbol *)p)->name);
}

void trace_writer_symbol(TraceWriter *w, const TraceSymbol *s)
{
    TraceSymbol copy = {s->addr, s->size, g_strdup(s->name)};
    g_array_append_val(w->symbols, copy);
}

static int compare_symbols(gconstpointer a, gconstpointer b)
{
    const TraceSymbol *x = a, *y = b;
    return x->addr != y->addr ? (x->addr > y->addr) - (x->addr < y->addr) : strcmp(x->name, y->name);
}

static TracePart next_part(TraceWriter *w, TracePartKind kind)
{
    return (TracePart){.kind = kind, .number = w->taken++, .before = w->records};
}

static void append_symbols(TraceWriter *w)
{
    g_autoptr(GByteArray) plain = g_byte_array_new();
    g_array_sort(w->symbols, compare_symbols);
    unsigned n = MIN(w->symbols->len, TRACE_MAX_SYMBOLS);
    const TraceSymbol *s = (const TraceSymbol *)(const void *)w->symbols->data;
    TracePart part = next_part(w, TRACE_PART_SYMBOLS);
    for (unsigned i = 0; i < n; i++)
        g_byte_array_append(plain, (const guint8 *)(uint64_t[]){s[i].addr, s[i].size}, 16);
    for (; part.n < n && plain->len - n * 16 + strlen(s[part.n].name) < TRACE_MAX_NAMES; part.n++)
        g_byte_array_append(plain, (const guint8 *)s[part.n].name, (guint)strlen(s[part.n].name) + 1);
    if (part.n < n)
        g_byte_array_remove_range(plain, part.n * 16, (n - part.n) * 16);
    while (plain->len % 8)
        g_byte_array_append(plain, (const guint8 *)"", 1);
    part.size[0] = part.n * 16;
    part.size[1] = plain->len - part.size[0];
    part.content = digest_of(0, plain->data, plain->len);
    size_t room = ZSTD_compressBound(plain->len);
    g_autofree uint8_t *packed = g_malloc(room);
    part.packed = (uint32_t)ZSTD_compress(packed, room, plain->data, plain->len, LEVEL);
    append(w, &part, packed);
}

static void writer_free(TraceWriter *w)
{
    if (w->pool)
        g_thread_pool_free(w->pool, FALSE, TRUE);
    if (w->temporary)
        unlink(w->temporary);
    if (w->fd >= 0)
        close(w->fd);
    for (unsigned h = 0; h < w->header.harts; h++)
        g_free(w->harts[h].records);
    g_free(w->harts);
    g_free(w->path);
    g_free(w->temporary);
    g_free(w->info);
    g_array_unref(w->symbols);
    g_ptr_array_unref(w->buffers);
    g_ptr_array_unref(w->kits);
    g_mutex_clear(&w->lock);
    g_cond_clear(&w->changed);
    g_free(w);
}

bool trace_writer_close(TraceWriter *w, GError **error)
{
    for (unsigned h = 0; h < w->header.harts; h++)
        if (w->harts[h].n)
            hand_over(w, h);
    g_mutex_lock(&w->lock);
    while (w->written != w->taken)
        g_cond_wait(&w->changed, &w->lock);
    g_mutex_unlock(&w->lock);
    append_symbols(w);
    TracePart end = next_part(w, TRACE_PART_END);
    append(w, &end, NULL);
    int why = w->why ? w->why : publish(w);
    bool ok = !why || failed(error, w->path, why);
    writer_free(w);
    return ok;
}

// --- the beginning ---------------------------------------------------------------------------------------------

static void make_info(TraceWriter *w, const TraceInfo *info)
{
    const char *machine = info->machine ? info->machine : "", *guest = info->guest ? info->guest : "";
    size_t a = strlen(machine) + 1, b = MIN(strlen(guest), TRACE_MAX_INFO / 2) + 1, size = align_up(a + b, 8);
    w->info = g_malloc0(size);
    memcpy(w->info, machine, a);
    memcpy(w->info + a, guest, b - 1);
    w->header = (TraceHeader){.version = TRACE_VERSION, .info_size = (uint32_t)size, .harts = info->harts,
                              .flags = info->icount};
    memcpy(w->header.magic, TRACE_MAGIC, sizeof w->header.magic);
    w->header.digest = trace_header_digest(&w->header, w->info);
}

// A file of somebody's that is no trace, perhaps the guest itself, named by mistake.
static bool is_other_file(const char *path)
{
    char magic[sizeof TRACE_MAGIC - 1];
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return false;
    bool other = !fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size &&
                 (read(fd, magic, sizeof magic) != sizeof magic || memcmp(magic, TRACE_MAGIC, sizeof magic));
    close(fd);
    return other;
}

TraceWriter *trace_writer_new(const char *path, const TraceInfo *info, GError **error)
{
    if (is_other_file(path)) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_EXIST, "%s: is there already and is not a trace: remove it first",
                    path);
        return NULL;
    }
    TraceWriter *w = g_new0(TraceWriter, 1);
    unsigned threads = MIN(g_get_num_processors(), MAX_THREADS);
    make_info(w, info);
    w->path = g_strdup(path);
    w->harts = g_new0(Gathering, info->harts);
    w->symbols = g_array_new(FALSE, FALSE, sizeof(TraceSymbol));
    g_array_set_clear_func(w->symbols, symbol_clear);
    w->buffers = g_ptr_array_new_with_free_func(g_free);
    w->kits = g_ptr_array_new_with_free_func(kit_free);
    w->max_jobs = threads + 2;
    g_mutex_init(&w->lock);
    g_cond_init(&w->changed);
    w->fd = create(w);
    int why = w->fd < 0 ? errno : 0;
    if (w->fd < 0)
        g_clear_pointer(&w->temporary, g_free); // there is no such file
    why = why ? why : write_all(w->fd, &w->header, sizeof w->header);
    why = why ? why : write_all(w->fd, w->info, w->header.info_size);
    if (why) {
        failed(error, path, why);
        writer_free(w);
        return NULL;
    }
    w->pool = g_thread_pool_new(do_job, w, (gint)threads, FALSE, NULL);
    return w;
}
