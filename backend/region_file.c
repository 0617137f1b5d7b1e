// SPDX-License-Identifier: GPL-3.0-or-later
// Compiled regions as bytes, and the checks that no damaged file passes.
#include "backend/region_file.h"

#include "backend/moves.h"
#include <gio/gio.h>
#include <inttypes.h>
#include <string.h>

#define VERSION 4
#define MAX_BLOCKS 65536u
#define MAX_SITES (1u << 20)
#define MAX_TEXT (64u << 20)
#define SUFFIX ".region"

static const char magic[8] = "ADDENDRG";

// A new part of the compiler's answer must be kept in the file too.
_Static_assert(sizeof(JitAnswer) == 96 && sizeof(JitSite) == 24, "region files hold what an answer says of code");
_Static_assert(sizeof(RegionHeader) % 8 == 0 && sizeof(RegionBlock) == 40 && sizeof(RegionGuess) == 16,
               "region files have no holes");

static bool bad(GError **error, const char *what)
{
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s", what);
    return false;
}

static void digest_of(RegionKey *out, const void *bytes, size_t size)
{
    gsize n = sizeof out->bytes;
    GChecksum *c = g_checksum_new(G_CHECKSUM_SHA256);
    g_checksum_update(c, bytes, (gssize)size);
    g_checksum_get_digest(c, out->bytes, &n);
    g_checksum_free(c);
}

static uint64_t total_size(const RegionHeader *h)
{
    return sizeof *h + (uint64_t)h->n_blocks * sizeof(RegionBlock) + (uint64_t)h->n_guesses * sizeof(RegionGuess) +
           (uint64_t)h->n_entries * sizeof(int64_t) + (uint64_t)h->n_sites * sizeof(JitSite) +
           (uint64_t)h->n_moves * sizeof(uint32_t) + h->text_size + h->exits_size;
}

// What comes behind the digest, header included.
static void digest_file(RegionKey *out, const uint8_t *bytes, size_t size)
{
    size_t start = offsetof(RegionHeader, key);
    digest_of(out, bytes + start, size - start);
}

GBytes *region_file_encode(const RegionFile *r)
{
    RegionHeader h = r->header;
    memcpy(h.magic, magic, sizeof magic);
    h.version = VERSION;
    h.header_size = sizeof h;
    h.file_size = total_size(&h);
    GByteArray *out = g_byte_array_sized_new((guint)h.file_size);
    g_byte_array_append(out, (const guint8 *)&h, sizeof h);
    g_byte_array_append(out, (const guint8 *)r->blocks, h.n_blocks * (guint)sizeof(RegionBlock));
    g_byte_array_append(out, (const guint8 *)r->guesses, h.n_guesses * (guint)sizeof(RegionGuess));
    g_byte_array_append(out, (const guint8 *)r->entries, h.n_entries * (guint)sizeof(int64_t));
    g_byte_array_append(out, (const guint8 *)r->sites, h.n_sites * (guint)sizeof(JitSite));
    g_byte_array_append(out, (const guint8 *)r->moves, h.n_moves * (guint)sizeof(uint32_t));
    g_byte_array_append(out, r->text, h.text_size);
    g_byte_array_append(out, r->exits, h.exits_size);
    digest_file(&((RegionHeader *)(void *)out->data)->digest, out->data, out->len);
    return g_byte_array_free_to_bytes(out);
}

static bool check_header(const RegionHeader *h, size_t size, GError **error)
{
    if (memcmp(h->magic, magic, sizeof magic))
        return bad(error, "it is no compiled region");
    if (h->version != VERSION || h->header_size != sizeof *h)
        return bad(error, "it has another version");
    if (h->n_blocks - 1 >= MAX_BLOCKS || h->n_guesses > MAX_SITES || h->n_entries > h->n_blocks ||
        h->n_sites > MAX_SITES || h->n_slots > h->n_sites || h->text_size > MAX_TEXT || h->exits_size > MAX_TEXT ||
        h->entry >= h->text_size || h->n_moves > h->text_size || h->movable > 1 || (h->n_moves && !h->movable))
        return bad(error, "a number in its header is out of range");
    if (h->file_size != size || total_size(h) != size)
        return bad(error, "it has the wrong size");
    return true;
}

static bool check_blocks(const RegionFile *r, GError **error)
{
    const RegionHeader *h = &r->header;
    uint64_t guesses = 0, insns = 0;
    bool head = false;
    for (unsigned i = 0; i < h->n_blocks; i++) {
        const RegionBlock *b = &r->blocks[i];
        for (int k = 0; k < 2; k++)
            if (b->edge[k] < -1 || b->edge[k] >= (int64_t)h->n_blocks)
                return bad(error, "an edge leads nowhere");
        if (i && b->pc <= b[-1].pc)
            return bad(error, "its blocks are out of order");
        head |= b->pc == 0 && b->is_entry;
        guesses += b->n_guess;
        insns += b->n_insns;
    }
    for (unsigned i = 0; i < h->n_guesses; i++)
        if (r->guesses[i].block < 0 || (unsigned)r->guesses[i].block >= h->n_blocks)
            return bad(error, "a guess leads nowhere");
    return (guesses == h->n_guesses && insns == h->n_insns && head) || bad(error, "its blocks do not add up");
}

static bool is_entry(const RegionFile *r, int64_t pc)
{
    for (unsigned i = 0; i < r->header.n_blocks; i++)
        if (r->blocks[i].pc == pc)
            return r->blocks[i].is_entry;
    return false;
}

static bool check_code(const RegionFile *r, GError **error)
{
    for (unsigned i = 0; i < r->header.n_entries; i++)
        if (!is_entry(r, r->entries[i]))
            return bad(error, "an entry is none of its blocks");
    for (unsigned i = 0; i < r->header.n_sites; i++)
        if (r->sites[i].why > JIT_REFUSED && r->sites[i].why != JIT_JUMPED)
            return bad(error, "a way out has no known reason");
    if (!moves_are_good(r->moves, r->header.n_moves, r->header.text_size))
        return bad(error, "a guest address is outside its code");
    return true;
}

bool region_file_decode(const void *bytes, size_t size, RegionFile *r, GError **error)
{
    const uint8_t *p = bytes;
    if (size < sizeof r->header)
        return bad(error, "it is too short");
    memcpy(&r->header, p, sizeof r->header);
    const RegionHeader *h = &r->header;
    if (!check_header(h, size, error))
        return false;
    RegionKey digest;
    digest_file(&digest, p, size);
    if (memcmp(&digest, &h->digest, sizeof digest))
        return bad(error, "its digest is wrong");
    p += sizeof *h;
    r->blocks = (const RegionBlock *)(const void *)p;
    p += h->n_blocks * sizeof(RegionBlock);
    r->guesses = (const RegionGuess *)(const void *)p;
    p += h->n_guesses * sizeof(RegionGuess);
    r->entries = (const int64_t *)(const void *)p;
    p += h->n_entries * sizeof(int64_t);
    r->sites = (const JitSite *)(const void *)p;
    p += h->n_sites * sizeof(JitSite);
    r->moves = (const uint32_t *)(const void *)p;
    r->text = p + h->n_moves * sizeof(uint32_t);
    r->exits = r->text + h->text_size;
    return check_blocks(r, error) && check_code(r, error);
}

char *region_file_name(uint64_t head, const RegionKey *key)
{
    GString *s = g_string_new(NULL);
    g_string_printf(s, "%016" PRIx64 "-", head);
    for (unsigned i = 0; i < 16; i++)
        g_string_append_printf(s, "%02x", key->bytes[i]);
    g_string_append(s, SUFFIX);
    return g_string_free(s, FALSE);
}

bool region_file_parse_name(const char *name, uint64_t *head)
{
    *head = 0;
    for (unsigned i = 0; i < 49; i++) {
        bool digit = (name[i] >= '0' && name[i] <= '9') || (name[i] >= 'a' && name[i] <= 'f');
        if (i == 16 ? name[i] != '-' : !digit)
            return false;
        if (i < 16)
            *head = *head << 4 | (uint64_t)g_ascii_xdigit_value(name[i]);
    }
    return !strcmp(name + 49, SUFFIX);
}
