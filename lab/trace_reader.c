// SPDX-License-Identifier: GPL-3.0-or-later
// Reading a trace file: parts are read one after another, and chunks unpacked by all cores ahead of the caller.
//
// Nothing in the file is believed: sizes are bounded before memory is taken, and a part counts only if the digests of
// its head and of what was unpacked are right. After the first part that is not, no more are given: what follows would
// not be the stream of the hart.
#include "lab/trace_file.h"

#include "lab/trace_format.h"
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#define MAX_THREADS 8

typedef struct { // a chunk on its way
    TracePart part;
    uint8_t *packed;
    size_t packed_room;
    uint8_t *plain;
    size_t plain_room;
    TapRecord *records;
    size_t records_room;
    TraceCoder *coder;
    bool done, good; // done: under the reader's lock
} Job;

struct TraceReader {
    int fd;
    char *path;
    TraceHeader header;
    char *info_text;
    TraceInfo info;
    GThreadPool *pool;
    GMutex lock;
    GCond changed;
    Job *jobs;             // a ring
    unsigned n_jobs, head; // head: the one to give next
    unsigned busy;         // jobs from head on that hold a chunk
    bool given;            // the caller has the records of head
    uint64_t parts, records; // read from the file; given to the caller
    uint64_t read_records;   // in the parts read
    bool at_end;             // no more parts are to be read
    GError *trouble;         // ... because of this; told when the chunks before are given
    GArray *symbols;         // of TraceSymbol
    uint8_t *symbol_bytes;   // their names
};

// --- what can be wrong -----------------------------------------------------------------------------------------

static bool bad(GError **error, const TraceReader *t, const char *what)
{
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s: %s", t->path, what);
    return false;
}

// what: "is cut short", "is damaged"
static void set_trouble(TraceReader *t, const char *what, uint64_t parts, uint64_t records)
{
    g_clear_error(&t->trouble);
    t->at_end = true;
    if (t->header.parts)
        g_set_error(&t->trouble, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                    "%s: the trace %s after %" PRIu64 " of %" PRIu64 " parts: %" PRIu64 " of %" PRIu64
                    " records are missing", t->path, what, parts, t->header.parts,
                    t->header.records - MIN(records, t->header.records), t->header.records);
    else
        g_set_error(&t->trouble, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                    "%s: the trace %s after %" PRIu64 " parts with %" PRIu64 " records; how many are missing is not "
                    "known", t->path, what, parts, records);
}

// --- the file --------------------------------------------------------------------------------------------------

// How many of the bytes there are.
static size_t read_some(TraceReader *t, void *to, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t n = read(t->fd, (uint8_t *)to + done, size - done);
        if (n == 0 || (n < 0 && errno != EINTR))
            break;
        done += n > 0 ? (size_t)n : 0;
    }
    return done;
}

static bool read_header(TraceReader *t, GError **error)
{
    TraceHeader *h = &t->header;
    if (read_some(t, h, sizeof *h) != sizeof *h || memcmp(h->magic, TRACE_MAGIC, sizeof h->magic))
        return bad(error, t, "it is not a trace of \"addend tlb record\"");
    if (h->version != TRACE_VERSION) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s: a trace of version %u, and this program reads %u",
                    t->path, h->version, TRACE_VERSION);
        return false;
    }
    if (h->info_size < 8 || h->info_size > TRACE_MAX_INFO || h->info_size % 8)
        return bad(error, t, "the head of the trace is damaged");
    t->info_text = g_malloc(h->info_size);
    if (read_some(t, t->info_text, h->info_size) != h->info_size)
        return bad(error, t, "the trace is cut short in its head");
    char *guest = memchr(t->info_text, 0, h->info_size);
    if (trace_header_digest(h, t->info_text) != h->digest || !guest || t->info_text[h->info_size - 1] ||
        guest == t->info_text + h->info_size - 1 || !h->harts || h->harts > TRACE_MAX_HARTS)
        return bad(error, t, "the head of the trace is damaged");
    t->info = (TraceInfo){h->harts, t->info_text, guest + 1, h->flags & 1};
    return true;
}

static size_t plain_size(const TracePart *p)
{
    size_t sum = 0;
    for (unsigned s = 0; s < TRACE_STREAMS; s++)
        sum += p->size[s];
    return sum;
}

static bool check_part(const TraceReader *t, const TracePart *p)
{
    if (p->digest != trace_part_digest(p) || p->number != t->parts || p->before != t->read_records)
        return false;
    if (p->kind == TRACE_PART_SYMBOLS && (p->n > TRACE_MAX_SYMBOLS || p->size[0] != p->n * 16 || p->size[2] ||
                                          p->size[1] > TRACE_MAX_NAMES || p->size[3] || p->size[4]))
        return false;
    if (p->kind == TRACE_PART_END)
        return !p->packed;
    if (p->kind == TRACE_PART_CHUNK) {
        if (!p->n || p->n > TRACE_CHUNK_RECORDS || p->hart >= t->header.harts)
            return false;
        for (unsigned s = 0; s < TRACE_STREAMS; s++)
            if (p->size[s] > p->n * trace_stream_max[s])
                return false;
    }
    return (p->kind == TRACE_PART_CHUNK || p->kind == TRACE_PART_SYMBOLS) &&
           p->packed <= ZSTD_compressBound(plain_size(p));
}

static void need_room(uint8_t **bytes, size_t *room, size_t size)
{
    if (*room >= size)
        return;
    g_free(*bytes);
    *bytes = g_malloc(size);
    *room = size;
}

static bool unpack(Job *j)
{
    size_t size = plain_size(&j->part);
    need_room(&j->plain, &j->plain_room, size + TRACE_SLACK);
    memset(j->plain + size, 0, TRACE_SLACK);
    return ZSTD_decompress(j->plain, size, j->packed, j->part.packed) == size;
}

// --- chunks ----------------------------------------------------------------------------------------------------

static bool decode(Job *j)
{
    const uint8_t *stream[TRACE_STREAMS];
    size_t size[TRACE_STREAMS], at = 0;
    for (unsigned s = 0; s < TRACE_STREAMS; at += size[s++]) {
        stream[s] = j->plain + at;
        size[s] = j->part.size[s];
    }
    if (j->records_room < j->part.n) {
        g_free(j->records);
        j->records = g_new(TapRecord, j->part.n);
        j->records_room = j->part.n;
    }
    if (!j->coder)
        j->coder = trace_coder_new();
    return trace_decode(j->coder, stream, size, j->records, j->part.n) &&
           digest_of(0, j->records, j->part.n * sizeof *j->records) == j->part.content;
}

static void do_job(gpointer data, gpointer user)
{
    Job *j = data;
    TraceReader *t = user;
    bool good = unpack(j) && decode(j);
    g_mutex_lock(&t->lock);
    j->good = good;
    j->done = true;
    g_cond_signal(&t->changed);
    g_mutex_unlock(&t->lock);
}

static bool check_names(TraceReader *t, const TracePart *p)
{
    const uint8_t *name = t->symbol_bytes + p->size[0], *end = name + p->size[1];
    for (uint32_t i = 0; i < p->n; i++) {
        uint64_t number[2];
        const uint8_t *nul = name < end ? memchr(name, 0, (size_t)(end - name)) : NULL;
        if (!nul)
            return false;
        memcpy(number, t->symbol_bytes + (size_t)i * 16, sizeof number);
        TraceSymbol s = {number[0], number[1], (const char *)name};
        g_array_append_val(t->symbols, s);
        name = nul + 1;
    }
    return true;
}

static bool take_symbols(TraceReader *t, Job *j)
{
    if (t->symbol_bytes || !unpack(j))
        return false;
    size_t size = plain_size(&j->part);
    t->symbol_bytes = g_memdup2(j->plain, size + 1);
    return digest_of(0, t->symbol_bytes, size) == j->part.content && check_names(t, &j->part);
}

// Takes what the file has next: a chunk to be unpacked in job j (true), or something else.
static bool read_part(TraceReader *t, Job *j)
{
    TracePart *p = &j->part;
    if (read_some(t, p, sizeof *p) != sizeof *p) {
        set_trouble(t, "is cut short", t->parts, t->read_records);
        return false;
    }
    if (!check_part(t, p)) {
        set_trouble(t, "is damaged", t->parts, t->read_records);
        return false;
    }
    need_room(&j->packed, &j->packed_room, p->packed);
    if (read_some(t, j->packed, p->packed) != p->packed) {
        set_trouble(t, "is cut short", t->parts, t->read_records);
        return false;
    }
    if (trace_packed_digest(j->packed, p->packed) != p->outside ||
        (p->kind == TRACE_PART_SYMBOLS && !take_symbols(t, j))) {
        set_trouble(t, "is damaged", t->parts, t->read_records);
        return false;
    }
    t->at_end = p->kind == TRACE_PART_END;
    t->parts++;
    t->read_records += p->kind == TRACE_PART_CHUNK ? p->n : 0;
    return p->kind == TRACE_PART_CHUNK;
}

static void read_ahead(TraceReader *t)
{
    while (!t->at_end && t->busy < t->n_jobs) {
        Job *j = &t->jobs[(t->head + t->busy) % t->n_jobs];
        j->done = false;
        if (read_part(t, j)) {
            t->busy++;
            g_thread_pool_push(t->pool, j, NULL);
        }
    }
}

static void wait_for(TraceReader *t, const Job *j)
{
    g_mutex_lock(&t->lock);
    while (!j->done)
        g_cond_wait(&t->changed, &t->lock);
    g_mutex_unlock(&t->lock);
}

const TapRecord *trace_reader_next(TraceReader *t, unsigned *hart, size_t *n, GError **error)
{
    if (t->given) {
        t->head = (t->head + 1) % t->n_jobs;
        t->busy--;
        t->given = false;
    }
    read_ahead(t);
    Job *j = &t->jobs[t->head];
    if (t->busy)
        wait_for(t, j);
    if (t->busy && !j->good)
        set_trouble(t, "is damaged", j->part.number, t->records);
    if (t->trouble && (!t->busy || !j->good)) {
        g_propagate_error(error, g_error_copy(t->trouble));
        return NULL;
    }
    if (!t->busy)
        return NULL;
    t->given = true;
    t->records += j->part.n;
    *hart = j->part.hart;
    *n = j->part.n;
    return j->records;
}

// --- the reader ------------------------------------------------------------------------------------------------

TraceReader *trace_reader_new(const char *path, GError **error)
{
    TraceReader *t = g_new0(TraceReader, 1);
    t->path = g_strdup(path);
    g_mutex_init(&t->lock);
    g_cond_init(&t->changed);
    t->symbols = g_array_new(FALSE, FALSE, sizeof(TraceSymbol));
    t->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (t->fd < 0)
        g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "%s: %s", path, g_strerror(errno));
    if (t->fd < 0 || !read_header(t, error)) {
        trace_reader_free(t);
        return NULL;
    }
    unsigned threads = MIN(g_get_num_processors(), MAX_THREADS);
    t->n_jobs = threads + 1; // one of them is the caller's
    t->jobs = g_new0(Job, t->n_jobs);
    t->pool = g_thread_pool_new(do_job, t, (gint)threads, FALSE, NULL);
    return t;
}

const TraceInfo *trace_reader_info(const TraceReader *t)
{
    return &t->info;
}

const TraceSymbol *trace_reader_symbols(const TraceReader *t, size_t *n)
{
    *n = t->symbols->len;
    return (const TraceSymbol *)(const void *)t->symbols->data;
}

void trace_reader_free(TraceReader *t)
{
    if (!t)
        return;
    if (t->pool)
        g_thread_pool_free(t->pool, TRUE, TRUE);
    for (unsigned i = 0; i < t->n_jobs; i++) {
        g_free(t->jobs[i].packed);
        g_free(t->jobs[i].plain);
        g_free(t->jobs[i].records);
        trace_coder_free(t->jobs[i].coder);
    }
    g_free(t->jobs);
    if (t->fd >= 0)
        close(t->fd);
    g_clear_error(&t->trouble);
    g_array_unref(t->symbols);
    g_free(t->symbol_bytes);
    g_free(t->info_text);
    g_free(t->path);
    g_mutex_clear(&t->lock);
    g_cond_clear(&t->changed);
    g_free(t);
}
