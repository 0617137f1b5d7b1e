// SPDX-License-Identifier: GPL-3.0-or-later
// Compressing and writing a trace of instructions. A fixed number of chunks goes round between the harts and the thread
// that compresses, so memory is bounded and a hart that is too fast waits.
#include "machine/log/itrace_file.h"

#include "machine/log/itrace_read.h"
#include <errno.h>
#include <gio/gio.h>
#include <stdio.h>
#include <string.h>
#include <zstd.h>

#define LEVEL 3
#define CHUNKS 16     // more than a hart each: those that wait to be compressed
#define OUT_SIZE ((size_t)256 << 10)

struct ItraceFile {
    char *path;
    FILE *file;
    ZSTD_CCtx *zstd;
    GAsyncQueue *filled, *spare; // ItraceBuffer
    GThread *thread;
    ItraceReader *reader; // text: what chunks mean, as lines. Else NULL
    ItraceText *text;
    char *lines, *at;
    uint8_t *out;
    GError *wrong; // of the thread: a chunk that we made ourselves is bad. Never
    int failed;    // atomic: errno of what could not be written, or 0
};

static void fail(ItraceFile *f, int why)
{
    g_atomic_int_compare_and_exchange(&f->failed, 0, why ? why : EIO);
}

static void compress(ItraceFile *f, const void *bytes, size_t size, ZSTD_EndDirective how)
{
    ZSTD_inBuffer in = {bytes, size, 0};
    size_t rest;
    do {
        ZSTD_outBuffer out = {f->out, OUT_SIZE, 0};
        rest = ZSTD_compressStream2(f->zstd, &out, &in, how);
        g_assert(!ZSTD_isError(rest));
        if (!itrace_file_failed(f) && fwrite(f->out, 1, out.pos, f->file) != out.pos)
            fail(f, errno);
    } while (how == ZSTD_e_continue ? in.pos < in.size : rest != 0);
}

static void flush_lines(ItraceFile *f)
{
    compress(f, f->lines, (size_t)(f->at - f->lines), ZSTD_e_continue);
    f->at = f->lines;
}

static void line_room(ItraceFile *f)
{
    if ((size_t)(f->at - f->lines) > OUT_SIZE - TRACE_LINE)
        flush_lines(f);
}

static void text_insn(void *opaque, unsigned hart, uint64_t pc, uint32_t bits, const LogEffects *effects)
{
    ItraceFile *f = opaque;
    line_room(f);
    f->at = itrace_text_insn(f->text, f->at, hart, pc, bits, effects);
}

static void text_trap(void *opaque, unsigned hart, uint64_t cause, uint64_t epc, uint64_t tval)
{
    ItraceFile *f = opaque;
    line_room(f);
    f->at = itrace_text_trap(f->at, hart, cause, epc, tval);
}

static void write_chunk(ItraceFile *f, const ItraceBuffer *c)
{
    if (!f->reader)
        compress(f, c, sizeof c->head + c->head.size, ZSTD_e_continue);
    else if (!f->wrong)
        itrace_reader_chunk(f->reader, &c->head, c->bytes, &f->wrong);
}

static gpointer run(gpointer opaque)
{
    ItraceFile *f = opaque;
    for (ItraceBuffer *c; (c = g_async_queue_pop(f->filled))->head.hart != ITRACE_END; g_async_queue_push(f->spare, c))
        if (!itrace_file_failed(f))
            write_chunk(f, c);
    return NULL;
}

static bool failed(const char *path, int why, GError **error)
{
    g_set_error(error, G_IO_ERROR, g_io_error_from_errno(why), "--trace-insns: cannot write %s: %s", path,
                g_strerror(why));
    return false;
}

ItraceFile *itrace_file_open(const char *path, bool text, unsigned flags, unsigned harts, GError **error)
{
    FILE *file = fopen(path, "we");
    if (!file) {
        failed(path, errno, error);
        return NULL;
    }
    setvbuf(file, NULL, _IONBF, 0);
    ItraceFile *f = g_new0(ItraceFile, 1);
    f->path = g_strdup(path);
    f->file = file;
    f->out = g_malloc(OUT_SIZE);
    f->zstd = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(f->zstd, ZSTD_c_compressionLevel, LEVEL);
    ZSTD_CCtx_setParameter(f->zstd, ZSTD_c_checksumFlag, 1);
    f->filled = g_async_queue_new();
    f->spare = g_async_queue_new();
    for (unsigned i = 0; i < CHUNKS + harts; i++)
        g_async_queue_push(f->spare, g_new0(ItraceBuffer, 1));
    if (text) {
        static const ItraceListener listener = {NULL, text_insn, text_trap};
        ItraceListener l = listener;
        l.opaque = f;
        f->reader = itrace_reader_new(flags, harts, &l);
        f->text = itrace_text_new(flags);
        f->lines = f->at = g_malloc(OUT_SIZE);
    } else {
        ItraceHeader h = {.version = ITRACE_VERSION, .flags = flags, .harts = harts};
        memcpy(h.magic, ITRACE_MAGIC, sizeof h.magic);
        compress(f, &h, sizeof h, ZSTD_e_continue);
    }
    f->thread = g_thread_new("trace", run, f);
    return f;
}

ItraceBuffer *itrace_file_take(ItraceFile *f)
{
    return g_async_queue_pop(f->spare);
}

void itrace_file_put(ItraceFile *f, ItraceBuffer *c)
{
    g_async_queue_push(f->filled, c);
}

bool itrace_file_failed(ItraceFile *f)
{
    return g_atomic_int_get(&f->failed);
}

static void end(ItraceFile *f, uint64_t insns)
{
    struct {
        ItraceChunk head;
        uint64_t insns;
    } last = {{ITRACE_END, sizeof insns}, insns};
    if (f->reader)
        flush_lines(f);
    else
        compress(f, &last, sizeof last, ZSTD_e_continue);
    compress(f, NULL, 0, ZSTD_e_end);
}

bool itrace_file_close(ItraceFile *f, bool complete, uint64_t insns, GError **error)
{
    ItraceBuffer *c = itrace_file_take(f);
    c->head.hart = ITRACE_END;
    itrace_file_put(f, c);
    g_thread_join(f->thread);
    g_free(c);
    if (complete)
        end(f, insns);
    if (fclose(f->file))
        fail(f, errno);
    g_assert(!f->wrong);
    bool ok = !f->failed || failed(f->path, f->failed, error);
    while ((c = g_async_queue_try_pop(f->spare)))
        g_free(c);
    g_async_queue_unref(f->filled);
    g_async_queue_unref(f->spare);
    ZSTD_freeCCtx(f->zstd);
    itrace_reader_free(f->reader);
    itrace_text_free(f->text);
    g_free(f->lines);
    g_free(f->out);
    g_free(f->path);
    g_free(f);
    return ok;
}
