// SPDX-License-Identifier: GPL-3.0-or-later
// Kept baseline blocks as bytes, and the checks that no damaged file passes.
#include "backend/block_file.h"

#include "util/bits.h"
#include "util/digest.h"
#include <errno.h>
#include <gio/gio.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define VERSION 1
#define SUFFIX ".blocks"
#define WINDOW (256u << 10) // bytes read at once: records that follow one another are used one after another
#define WINDOWS 4
#define MAX_RECORD (1u << 20)
#define MAX_RECORDS (1u << 20)

static const char magic[8] = "ADDENDBL";

typedef struct {
    char magic[8];
    uint32_t version, header_size;
    uint64_t digest; // of what follows in the header, and the index
    uint64_t file_size, index_at;
    uint32_t n_records, pad;
    RegionKey key;
} Header;

typedef struct {
    uint64_t tag; // tag_of
    uint64_t at;
} Row; // of the index: ascending

typedef struct {
    uint8_t *bytes;
    uint64_t start;
    size_t size, room;
    uint64_t used; // when
} Window;

struct BlockFile {
    int fd;
    Header header;
    Row *rows;
    uint32_t *table; // tag -> 1 + row, open addressing, linear probing; 0: empty
    unsigned bits;
    Window windows[WINDOWS];
    uint64_t now;
};

struct BlockWriter {
    int fd;
    Header header;
    GArray *rows;
    GByteArray *out; // not written yet
    uint64_t at;     // ... of it, the place in the file
    uint64_t max_bytes;
    int why;         // errno of a write that failed, or 0
};

static uint64_t tag_of(uint64_t pc, unsigned mode)
{
    return digest_mix(mode + 1, pc) * UINT64_C(0x9e3779b97f4a7c15);
}

static bool bad(GError **error, const char *what)
{
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s", what);
    return false;
}

// --- records -------------------------------------------------------------------------------------------------

static uint64_t size_of(const BlockRecord *r)
{
    return align_up(sizeof *r + r->n_ops * UINT64_C(16) + r->n_sites * sizeof(JitSite) + r->n_fixups * UINT64_C(4) +
                        r->n_insns * UINT64_C(2) + r->n_bytes + r->hot_size + r->cold_size, 8);
}

static void parts_of(const BlockRecord *r, BlockParts *p)
{
    p->ops = (const uint64_t *)(const void *)(r + 1);
    p->sites = (const JitSite *)(const void *)(p->ops + (size_t)r->n_ops * 2);
    p->fixups = (const uint32_t *)(const void *)(p->sites + r->n_sites);
    p->insn_pc = (const uint16_t *)(const void *)(p->fixups + r->n_fixups);
    p->bytes = (const uint8_t *)(p->insn_pc + r->n_insns);
    p->hot = p->bytes + r->n_bytes;
    p->cold = p->hot + r->hot_size;
}

static bool is_place(const BlockRecord *r, uint32_t place, unsigned room)
{
    uint64_t offset = place & ~BLOCK_COLD;
    return offset + room <= (place & BLOCK_COLD ? r->cold_size : r->hot_size);
}

static bool check_code(const BlockRecord *r, const BlockParts *p, GError **error)
{
    for (unsigned i = 0; i < r->n_fixups; i++) {
        uint32_t f = p->fixups[i];
        uint32_t place = BLOCK_FIXUP_OFFSET(f) | (BLOCK_FIXUP_IS_COLD(f) ? BLOCK_COLD : 0);
        if (BLOCK_FIXUP_TO(f) > BLOCK_TO_TARGETS || !is_place(r, place, BLOCK_FIXUP_TO(f) < BLOCK_TO_SLOTS ? 4 : 8))
            return bad(error, "an address is outside its code");
    }
    for (unsigned i = 0; i < r->n_sites; i++)
        if (p->sites[i].why > JIT_HOT)
            return bad(error, "a way out has no known reason");
    for (unsigned k = 0; k < r->n_slots; k++)
        if ((r->jump[k] != BLOCK_NOWHERE && !is_place(r, r->jump[k], 4)) || !is_place(r, r->stub[k], 1))
            return bad(error, "a jump is outside its code");
    return is_place(r, r->entry, 1) || bad(error, "its entry is outside its code");
}

// Everything in a record of room bytes at most.
static bool check_record(const BlockRecord *r, uint64_t room, BlockParts *parts, GError **error)
{
    if (room < sizeof *r || r->size > room || r->size > MAX_RECORD || r->size % 8 || size_of(r) != r->size)
        return bad(error, "a block has the wrong size");
    if (digest_of(0, &r->pc, r->size - offsetof(BlockRecord, pc)) != r->digest)
        return bad(error, "the digest of a block is wrong");
    parts_of(r, parts);
    if (!r->n_insns || !r->n_ops || r->n_bytes < r->n_insns * 2 || r->n_bytes > r->n_insns * 4 || r->n_slots > 2 ||
        r->n_sites < r->n_slots || r->is_call > 1 || r->is_system > 1 || r->has_targets > 1)
        return bad(error, "a number in a block is out of range");
    return !r->hot_size || check_code(r, parts, error);
}

// --- reading -------------------------------------------------------------------------------------------------

// False: *error.
static bool read_at(int fd, void *to, size_t size, uint64_t at, GError **error)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = pread(fd, (uint8_t *)to + done, size - done, (off_t)(at + done));
        if (n == 0 || (n < 0 && errno != EINTR))
            return bad(error, n ? "it cannot be read" : "it is too short");
        done += n > 0 ? (size_t)n : 0;
    }
    return true;
}

static bool check_header(const Header *h, uint64_t size, const RegionKey *key, GError **error)
{
    if (memcmp(h->magic, magic, sizeof magic))
        return bad(error, "it has no kept blocks");
    if (h->version != VERSION || h->header_size != sizeof *h)
        return bad(error, "it has another version");
    if (h->file_size != size || h->n_records > MAX_RECORDS || h->index_at < sizeof *h || h->index_at % 8 ||
        h->index_at > size || size - h->index_at != h->n_records * (uint64_t)sizeof(Row))
        return bad(error, "it has the wrong size");
    return !key || !memcmp(key, &h->key, sizeof *key) || bad(error, "it has the name of another one");
}

static uint64_t header_digest(const Header *h, const Row *rows)
{
    uint64_t d = digest_of(0, &h->file_size, sizeof *h - offsetof(Header, file_size));
    return digest_of(d, rows, h->n_records * sizeof *rows);
}

static bool read_index(BlockFile *f, GError **error)
{
    Header *h = &f->header;
    f->rows = g_new(Row, h->n_records + 1);
    if (!read_at(f->fd, f->rows, h->n_records * sizeof(Row), h->index_at, error))
        return false;
    f->rows[h->n_records] = (Row){0, h->index_at};
    if (header_digest(h, f->rows) != h->digest)
        return bad(error, "the digest of its index is wrong");
    for (f->bits = 4; (uint64_t)1 << f->bits < h->n_records * UINT64_C(2);)
        f->bits++;
    f->table = g_new0(uint32_t, (size_t)1 << f->bits);
    for (uint32_t i = 0; i < h->n_records; i++) {
        if (f->rows[i].at < sizeof *h || f->rows[i].at % 8 || f->rows[i].at >= f->rows[i + 1].at)
            return bad(error, "its blocks are out of order");
        size_t k = f->rows[i].tag >> (64 - f->bits);
        while (f->table[k])
            k = (k + 1) & (((size_t)1 << f->bits) - 1);
        f->table[k] = i + 1;
    }
    return true;
}

BlockFile *block_file_open(int fd, uint64_t size, const RegionKey *key, GError **error)
{
    BlockFile *f = g_new0(BlockFile, 1);
    f->fd = fd;
    if ((size >= sizeof f->header || bad(error, "it is too short")) &&
        read_at(fd, &f->header, sizeof f->header, 0, error) && check_header(&f->header, size, key, error) &&
        read_index(f, error))
        return f;
    block_file_free(f);
    return NULL;
}

void block_file_free(BlockFile *f)
{
    if (!f)
        return;
    for (unsigned i = 0; i < WINDOWS; i++)
        g_free(f->windows[i].bytes);
    g_free(f->rows);
    g_free(f->table);
    close(f->fd);
    g_free(f);
}

unsigned block_file_count(const BlockFile *f)
{
    return f->header.n_records;
}

uint64_t block_file_size(const BlockFile *f)
{
    return f->header.file_size;
}

uint32_t block_file_find(const BlockFile *f, uint64_t pc, unsigned mode, uint32_t after)
{
    uint64_t tag = tag_of(pc, mode);
    size_t k = tag >> (64 - f->bits);
    bool seen = after == BLOCK_NOWHERE;
    for (; f->table[k]; k = (k + 1) & (((size_t)1 << f->bits) - 1)) {
        uint32_t i = f->table[k] - 1;
        if (seen && f->rows[i].tag == tag)
            return i;
        seen |= i == after;
    }
    return BLOCK_NOWHERE;
}

// The bytes of record i, in a window.
static const uint8_t *bytes_of(BlockFile *f, uint32_t i, GError **error)
{
    uint64_t at = f->rows[i].at, end = f->rows[i + 1].at;
    Window *w = f->windows;
    for (unsigned k = 0; k < WINDOWS; k++) {
        Window *v = &f->windows[k];
        if (at >= v->start && end <= v->start + v->size) {
            v->used = ++f->now;
            return v->bytes + (at - v->start);
        }
        w = v->used < w->used ? v : w;
    }
    size_t size = (size_t)MIN(MAX(end - at, WINDOW), f->header.index_at - at);
    if (end - at > MAX_RECORD)
        return bad(error, "a block is too large") ? w->bytes : NULL;
    if (size > w->room) {
        g_free(w->bytes);
        w->room = MAX(size, WINDOW);
        w->bytes = g_malloc(w->room);
    }
    w->size = 0;
    if (!read_at(f->fd, w->bytes, size, at, error))
        return NULL;
    w->start = at;
    w->size = size;
    w->used = ++f->now;
    return w->bytes;
}

const BlockRecord *block_file_read(BlockFile *f, uint32_t i, BlockParts *parts, GError **error)
{
    const BlockRecord *r = (const BlockRecord *)(const void *)bytes_of(f, i, error);
    if (!r || !check_record(r, f->rows[i + 1].at - f->rows[i].at, parts, error))
        return NULL;
    return tag_of(r->pc, r->mode) == f->rows[i].tag || bad(error, "a block is not what its index says") ? r : NULL;
}

bool block_file_check(int fd, const char *name, uint64_t size, unsigned *n_blocks, GError **error)
{
    BlockFile *f = block_file_open(fd, size, NULL, error);
    BlockParts parts;
    g_autofree char *right = f ? block_file_name(0, &f->header.key) : NULL;
    bool good = f && (!strcmp(strchr(right, '-'), strchr(name, '-')) || bad(error, "it has the name of another one"));
    *n_blocks = f ? block_file_count(f) : 0;
    for (uint32_t i = 0; good && i < *n_blocks; i++)
        good = block_file_read(f, i, &parts, error);
    block_file_free(f);
    return good;
}

// --- writing -------------------------------------------------------------------------------------------------

BlockWriter *block_writer_new(int fd, const RegionKey *key, uint64_t max_bytes)
{
    BlockWriter *w = g_new0(BlockWriter, 1);
    w->fd = fd;
    w->header.version = VERSION;
    w->header.header_size = sizeof w->header;
    w->header.key = *key;
    w->max_bytes = max_bytes;
    memcpy(w->header.magic, magic, sizeof magic);
    w->rows = g_array_new(FALSE, FALSE, sizeof(Row));
    w->out = g_byte_array_sized_new(WINDOW + MAX_RECORD / 4);
    w->at = sizeof w->header;
    return w;
}

static void write_at(BlockWriter *w, const void *bytes, size_t size, uint64_t at)
{
    for (size_t done = 0; !w->why && done < size;) {
        ssize_t n = pwrite(w->fd, (const uint8_t *)bytes + done, size - done, (off_t)(at + done));
        if (n == 0 || (n < 0 && errno != EINTR))
            w->why = n ? errno : ENOSPC;
        done += n > 0 ? (size_t)n : 0;
    }
}

static void flush(BlockWriter *w)
{
    write_at(w, w->out->data, w->out->len, w->at);
    w->at += w->out->len;
    g_byte_array_set_size(w->out, 0);
}

bool block_writer_add(BlockWriter *w, const BlockRecord *r, const BlockParts *parts)
{
    uint64_t size = size_of(r), start = w->out->len;
    if (w->why || size > MAX_RECORD || w->at + start + size > w->max_bytes || w->rows->len == MAX_RECORDS)
        return false;
    static const uint8_t zeros[8];
    Row row = {tag_of(r->pc, r->mode), w->at + start};
    g_array_append_val(w->rows, row);
    g_byte_array_append(w->out, (const uint8_t *)r, sizeof *r);
    g_byte_array_append(w->out, (const uint8_t *)parts->ops, r->n_ops * 16);
    g_byte_array_append(w->out, (const uint8_t *)parts->sites, r->n_sites * (guint)sizeof(JitSite));
    g_byte_array_append(w->out, (const uint8_t *)parts->fixups, r->n_fixups * 4);
    g_byte_array_append(w->out, (const uint8_t *)parts->insn_pc, r->n_insns * 2u);
    g_byte_array_append(w->out, parts->bytes, r->n_bytes);
    g_byte_array_append(w->out, parts->hot, r->hot_size);
    g_byte_array_append(w->out, parts->cold, r->cold_size);
    g_byte_array_append(w->out, zeros, (guint)(start + size - w->out->len));
    BlockRecord *out = (BlockRecord *)(void *)(w->out->data + start);
    out->size = (uint32_t)size;
    out->digest = digest_of(0, &out->pc, out->size - offsetof(BlockRecord, pc));
    if (w->out->len >= WINDOW)
        flush(w);
    return true;
}

uint64_t block_writer_finish(BlockWriter *w)
{
    Header *h = &w->header;
    flush(w);
    h->n_records = w->rows->len;
    h->index_at = w->at;
    h->file_size = w->at + h->n_records * sizeof(Row);
    h->digest = header_digest(h, (const Row *)(const void *)w->rows->data);
    write_at(w, w->rows->data, h->n_records * sizeof(Row), w->at);
    write_at(w, h, sizeof *h, 0);
    uint64_t size = w->why ? 0 : h->file_size;
    int why = w->why;
    g_array_free(w->rows, TRUE);
    g_byte_array_free(w->out, TRUE);
    g_free(w);
    errno = why;
    return size;
}

// --- names ---------------------------------------------------------------------------------------------------

char *block_file_name(uint64_t program, const RegionKey *key)
{
    g_autofree char *region = region_file_name(program, key);
    *strchr(region, '.') = 0;
    return g_strconcat(region, SUFFIX, NULL);
}

bool block_file_is_name(const char *name)
{
    uint64_t head;
    if (!g_str_has_suffix(name, SUFFIX))
        return false;
    g_autofree char *stem = g_strndup(name, strlen(name) - strlen(SUFFIX));
    g_autofree char *region = g_strconcat(stem, ".region", NULL);
    return region_file_parse_name(region, &head);
}
