// SPDX-License-Identifier: GPL-3.0-or-later
// Printing a trace of instructions: the zstd frame, its chunks, their records, lines.
#include "machine/log/itrace_command.h"

#include "machine/log/itrace_read.h"
#include <errno.h>
#include <gio/gio.h>
#include <string.h>
#include <zstd.h>

#define PIECE ((size_t)256 << 10)

typedef struct {
    const char *path;
    FILE *in, *out;
    ZSTD_DCtx *zstd;
    uint8_t *packed;
    ZSTD_inBuffer input;
    bool frame_ended; // and no other has begun
    uint8_t *chunk;
    ItraceReader *reader;
    ItraceText *text;
    char *lines, *at;
    bool lost; // the output
} Printer;

static bool fail(const Printer *p, GError **error, const char *what)
{
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "trace: %s: %s", p->path, what);
    return false;
}

// Unpacks up to size bytes; *got fewer only at the end of the file.
static bool unpack(Printer *p, void *bytes, size_t size, size_t *got, GError **error)
{
    ZSTD_outBuffer out = {bytes, size, 0};
    while (out.pos < size) {
        if (p->input.pos == p->input.size) {
            p->input = (ZSTD_inBuffer){p->packed, fread(p->packed, 1, PIECE, p->in), 0};
            if (ferror(p->in))
                return fail(p, error, g_strerror(errno));
        }
        bool no_input = p->input.size == 0;
        if (no_input && p->frame_ended)
            break;
        size_t before = out.pos, rest = ZSTD_decompressStream(p->zstd, &out, &p->input);
        if (ZSTD_isError(rest)) {
            g_autofree char *what = g_strdup_printf("damaged, or no trace (%s)", ZSTD_getErrorName(rest));
            return fail(p, error, what);
        }
        p->frame_ended = !rest;
        if (no_input && out.pos == before)
            return fail(p, error, "cut short: the run that wrote it did not end");
    }
    *got = out.pos;
    return true;
}

static void flush(Printer *p)
{
    size_t size = (size_t)(p->at - p->lines);
    p->lost |= fwrite(p->lines, 1, size, p->out) != size;
    p->at = p->lines;
}

static void on_insn(void *opaque, unsigned hart, uint64_t pc, uint32_t bits, const LogEffects *effects)
{
    Printer *p = opaque;
    if ((size_t)(p->at - p->lines) > PIECE - TRACE_LINE)
        flush(p);
    p->at = itrace_text_insn(p->text, p->at, hart, pc, bits, effects);
}

static void on_trap(void *opaque, unsigned hart, uint64_t cause, uint64_t epc, uint64_t tval)
{
    Printer *p = opaque;
    if ((size_t)(p->at - p->lines) > PIECE - TRACE_LINE)
        flush(p);
    p->at = itrace_text_trap(p->at, hart, cause, epc, tval);
}

static bool whole(Printer *p, void *bytes, size_t size, GError **error)
{
    size_t got;
    return unpack(p, bytes, size, &got, error) && (got == size || fail(p, error, "damaged: it ends too early"));
}

static bool print_end(Printer *p, const ItraceChunk *head, GError **error)
{
    uint64_t insns;
    size_t got;
    uint8_t more;
    if (head->size != sizeof insns || !whole(p, &insns, sizeof insns, error))
        return *error ? false : fail(p, error, "damaged: its end is");
    if (!unpack(p, &more, 1, &got, error))
        return false;
    if (got)
        return fail(p, error, "damaged: something follows its end");
    return insns == itrace_reader_insns(p->reader) || fail(p, error, "damaged: instructions are missing");
}

static bool print_chunks(Printer *p, GError **error)
{
    ItraceChunk head;
    g_autoptr(GError) why = NULL;
    while (!p->lost) {
        if (!whole(p, &head, sizeof head, error))
            return false;
        if (head.hart == ITRACE_END)
            return print_end(p, &head, error);
        if (head.size > ITRACE_CHUNK)
            return fail(p, error, "damaged: a part of it is too large");
        if (!whole(p, p->chunk, head.size, error))
            return false;
        if (!itrace_reader_chunk(p->reader, &head, p->chunk, &why)) {
            g_autofree char *what = g_strdup_printf("damaged: %s", why->message);
            return fail(p, error, what);
        }
    }
    return true;
}

// format=text: as it is.
static bool copy(Printer *p, const void *begin, size_t size, GError **error)
{
    memcpy(p->lines, begin, size);
    p->at = p->lines + size;
    for (size_t got = 1; got && !p->lost; p->at = p->lines + got) {
        flush(p);
        if (!unpack(p, p->lines, PIECE, &got, error))
            return false;
    }
    return true;
}

static bool print(Printer *p, GError **error)
{
    ItraceHeader h;
    size_t got;
    if (!unpack(p, &h, sizeof h, &got, error))
        return false;
    if (got < sizeof h || memcmp(h.magic, ITRACE_MAGIC, sizeof h.magic))
        return !got || g_ascii_isdigit(h.magic[0]) ? copy(p, &h, got, error)
                                                   : fail(p, error, "no trace of instructions");
    if (h.version != ITRACE_VERSION)
        return fail(p, error, "a version of the format that this addend does not know");
    if (!h.harts || h.harts > ITRACE_MAX_HARTS || h.flags & ~(unsigned)(ITRACE_VALUES | ITRACE_REGS | ITRACE_MEM))
        return fail(p, error, "damaged: its header is");
    ItraceListener listener = {p, on_insn, on_trap};
    p->reader = itrace_reader_new(h.flags, h.harts, &listener);
    p->text = itrace_text_new(h.flags);
    return print_chunks(p, error);
}

bool itrace_command(const Options *o, FILE *out, GError **error)
{
    Printer p = {.path = o->trace_file, .in = fopen(o->trace_file, "re"), .out = out};
    if (!p.in)
        return fail(&p, error, g_strerror(errno));
    p.zstd = ZSTD_createDCtx();
    p.packed = g_malloc(PIECE);
    p.chunk = g_malloc(ITRACE_CHUNK);
    p.lines = p.at = g_malloc(PIECE);
    bool ok = print(&p, error);
    flush(&p);
    fclose(p.in);
    ZSTD_freeDCtx(p.zstd);
    itrace_reader_free(p.reader);
    itrace_text_free(p.text);
    g_free(p.packed);
    g_free(p.chunk);
    g_free(p.lines);
    return ok;
}
