// SPDX-License-Identifier: GPL-3.0-or-later
// Dirty bits of pages.
//
// RAM may be terabytes of reserved address space, all of it dirty as long as nobody logs, so what is kept are the clean
// pages: a hash table of chunks of 512 pages. A count of clean pages answers the usual question without a look.
//
// Who clears bits marks the pages' entries in all TLBs afterwards, while no hart runs. A store through one that was not
// marked is then over, and what it wrote is seen by whoever reads the page after the snapshot; one that comes later
// finds a clean page.
#include "softmmu/dirty.h"
#include "softmmu/listener.h"
#include "softmmu/space.h"

#define CHUNK_WORDS 8 // of 64 pages

typedef struct {
    uint64_t clean[DIRTY_CLIENTS][CHUNK_WORDS];
} Chunk;

struct DirtySnapshot {
    uint64_t offset, len;       // in the region
    uint64_t first_page;        // in the RAM-offset space
    ram_t base;                 // of the region's offset 0
    uint64_t bits[];            // from the word that holds first_page on
};

#define SLOW (DIRTY_BIT(DIRTY_VGA) | DIRTY_BIT(DIRTY_MIGRATION)) // clients for whose sake stores are slow

uint64_t dirty_n_clean; // pages, once for each client of SLOW; written under the lock
static GMutex lock;     // for this
static GHashTable *chunks; // number -> Chunk; those that are not there are all dirty

typedef struct { // pages, inclusive
    uint64_t first, last;
} Pages;

static Pages pages_of(ram_t start, uint64_t len)
{
    return (Pages){start >> PAGE_BITS, (start + len - 1) >> PAGE_BITS};
}

// Those among the 64 pages of a word.
static uint64_t word_bits(uint64_t word, Pages p)
{
    uint64_t lo = word * 64, hi = lo + 63;
    if (p.last < lo || p.first > hi || p.first > p.last) {
        return 0;
    }
    unsigned from = (unsigned)(MAX(p.first, lo) - lo), to = (unsigned)(MIN(p.last, hi) - lo);
    return UINT64_MAX << from & UINT64_MAX >> (63 - to);
}

static Chunk *find_chunk(uint64_t number)
{
    return chunks ? g_hash_table_lookup(chunks, GSIZE_TO_POINTER(number)) : NULL;
}

static Chunk *make_chunk(uint64_t number)
{
    Chunk *c = find_chunk(number);
    if (!c) {
        if (!chunks) {
            chunks = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, g_free);
        }
        c = g_new0(Chunk, 1);
        g_hash_table_insert(chunks, GSIZE_TO_POINTER(number), c);
    }
    return c;
}

static void count_clean(DirtyClient client, int64_t pages)
{
    if (SLOW & DIRTY_BIT(client)) {
        __atomic_store_n(&dirty_n_clean, dirty_n_clean + (uint64_t)pages, __ATOMIC_RELAXED);
    }
}

// The pages of the chunk become dirty; true: all that it has are.
static bool chunk_set(Chunk *c, uint64_t number, Pages p, unsigned clients)
{
    uint64_t left = 0;
    for (unsigned client = 0; client < DIRTY_CLIENTS; client++) {
        for (unsigned w = 0; w < CHUNK_WORDS; w++) {
            uint64_t set = clients & DIRTY_BIT(client) ? word_bits(number * CHUNK_WORDS + w, p) : 0;
            count_clean(client, -__builtin_popcountll(c->clean[client][w] & set));
            c->clean[client][w] &= ~set;
            left |= c->clean[client][w];
        }
    }
    return !left;
}

static void set_dirty(Pages p, unsigned clients)
{
    uint64_t first = p.first / (64 * CHUNK_WORDS), last = p.last / (64 * CHUNK_WORDS);
    if (!chunks) {
        return;
    }
    if (last - first < g_hash_table_size(chunks)) {
        for (uint64_t n = first; n <= last; n++) {
            Chunk *c = find_chunk(n);
            if (c && chunk_set(c, n, p, clients)) {
                g_hash_table_remove(chunks, GSIZE_TO_POINTER(n));
            }
        }
        return;
    }
    GHashTableIter it;
    gpointer number, c;
    g_hash_table_iter_init(&it, chunks);
    while (g_hash_table_iter_next(&it, &number, &c)) {
        if (chunk_set(c, GPOINTER_TO_SIZE(number), p, clients)) {
            g_hash_table_iter_remove(&it);
        }
    }
}

// Copies the client's bits of the pages to out, if not NULL, and clears them. True if one was set.
static bool take_dirty(Pages p, DirtyClient client, uint64_t *out)
{
    uint64_t first = p.first / 64, any = 0;
    for (uint64_t word = first; word <= p.last / 64; word++) {
        uint64_t *clean = &make_chunk(word / CHUNK_WORDS)->clean[client][word % CHUNK_WORDS];
        uint64_t dirty = word_bits(word, p) & ~*clean;
        if (out) {
            out[word - first] = dirty;
        }
        *clean |= dirty;
        count_clean(client, __builtin_popcountll(dirty));
        any |= dirty;
    }
    return any;
}

// --- writing -------------------------------------------------------------------------------------------------

void dirty_mark(ram_t start, uint64_t len)
{
    if (!len || !dirty_any_clean()) {
        return;
    }
    g_mutex_lock(&lock);
    set_dirty(pages_of(start, len), SLOW);
    g_mutex_unlock(&lock);
}

void dirty_set_code(ram_t page, bool has_code)
{
    Pages p = pages_of(page, 1);
    g_mutex_lock(&lock);
    if (has_code) {
        (void)take_dirty(p, DIRTY_CODE, NULL);
    } else {
        set_dirty(p, DIRTY_BIT(DIRTY_CODE));
    }
    g_mutex_unlock(&lock);
}

bool dirty_page_is_clean(ram_t page)
{
    uint64_t word = page >> PAGE_BITS >> 6, w = word % CHUNK_WORDS, bit = page >> PAGE_BITS & 63;
    g_mutex_lock(&lock);
    const Chunk *c = find_chunk(word / CHUNK_WORDS);
    uint64_t clean = c ? c->clean[DIRTY_VGA][w] | c->clean[DIRTY_MIGRATION][w] : 0;
    g_mutex_unlock(&lock);
    return clean >> bit & 1;
}

// Narrows the bytes by one word's clean pages.
static void narrow(uint64_t word, uint64_t clean, uint64_t page, ram_t *start, ram_t *end)
{
    uint64_t below = page ? clean & word_bits(word, (Pages){0, page - 1}) : 0;
    uint64_t above = clean & word_bits(word, (Pages){page + 1, UINT64_MAX});
    if (below) {
        uint64_t nearest = word * 64 + 63 - (unsigned)__builtin_clzll(below);
        *start = MAX(*start, (nearest + 1) << PAGE_BITS);
    }
    if (above) {
        *end = MIN(*end, (word * 64 + (unsigned)__builtin_ctzll(above)) << PAGE_BITS);
    }
}

void dirty_gap(ram_t addr, ram_t *start, ram_t *end)
{
    if (!dirty_any_clean()) {
        return;
    }
    GHashTableIter it;
    gpointer number, value;
    g_mutex_lock(&lock);
    g_hash_table_iter_init(&it, chunks);
    while (g_hash_table_iter_next(&it, &number, &value)) {
        const Chunk *c = value;
        for (unsigned w = 0; w < CHUNK_WORDS; w++) {
            narrow(GPOINTER_TO_SIZE(number) * CHUNK_WORDS + w, c->clean[DIRTY_VGA][w] | c->clean[DIRTY_MIGRATION][w],
                   addr >> PAGE_BITS, start, end);
        }
    }
    g_mutex_unlock(&lock);
}

// --- reading -------------------------------------------------------------------------------------------------

static void check_range(const MemoryRegion *mr, uint64_t offset, uint64_t len)
{
    g_assert(mr->ram && len && offset <= mr->ram->size && len <= mr->ram->size - offset);
}

// Under the big lock.
static void clear(MemoryRegion *mr, uint64_t offset, uint64_t len, DirtyClient client, uint64_t *out)
{
    g_assert(SLOW & DIRTY_BIT(client));
    listeners_sync(mr);
    g_mutex_lock(&lock);
    Pages p = pages_of(mr->ram->offset + offset, len);
    bool any = take_dirty(p, client, out);
    g_mutex_unlock(&lock);
    if (any) {
        space_pages_clean(p.first << PAGE_BITS, (p.last - p.first + 1) << PAGE_BITS);
    }
    listeners_clear(mr, offset, len);
}

DirtySnapshot *memory_region_snapshot_and_clear_dirty(MemoryRegion *mr, uint64_t offset, uint64_t len,
                                                      DirtyClient client)
{
    check_range(mr, offset, len);
    Pages p = pages_of(mr->ram->offset + offset, len);
    DirtySnapshot *s = g_malloc0(sizeof *s + (p.last / 64 - p.first / 64 + 1) * sizeof s->bits[0]);
    s->offset = offset;
    s->len = len;
    s->base = mr->ram->offset;
    s->first_page = p.first;
    memory_lock();
    clear(mr, offset, len, client, s->bits);
    memory_unlock();
    return s;
}

bool dirty_snapshot_get(const DirtySnapshot *s, uint64_t offset, uint64_t len)
{
    g_assert(len && offset >= s->offset && offset - s->offset <= s->len && len <= s->len - (offset - s->offset));
    Pages p = pages_of(s->base + offset, len);
    uint64_t any = 0;
    for (uint64_t word = p.first / 64; word <= p.last / 64; word++) {
        any |= s->bits[word - s->first_page / 64] & word_bits(word, p);
    }
    return any;
}

void dirty_snapshot_free(DirtySnapshot *s)
{
    g_free(s);
}

void memory_region_reset_dirty(MemoryRegion *mr, uint64_t offset, uint64_t len, DirtyClient client)
{
    check_range(mr, offset, len);
    memory_lock();
    clear(mr, offset, len, client, NULL);
    memory_unlock();
}

bool memory_region_get_dirty(const MemoryRegion *mr, uint64_t offset, uint64_t len, DirtyClient client)
{
    check_range(mr, offset, len);
    Pages p = pages_of(mr->ram->offset + offset, len);
    uint64_t any = 0;
    g_mutex_lock(&lock);
    for (uint64_t word = p.first / 64; word <= p.last / 64; word++) {
        const Chunk *c = find_chunk(word / CHUNK_WORDS);
        any |= word_bits(word, p) & ~(c ? c->clean[client][word % CHUNK_WORDS] : 0);
    }
    g_mutex_unlock(&lock);
    return any;
}

void memory_region_sync_dirty(MemoryRegion *mr)
{
    memory_lock();
    listeners_sync(mr);
    memory_unlock();
}

void memory_global_dirty_log_sync(void)
{
    memory_region_sync_dirty(NULL);
}

void memory_global_after_dirty_log_sync(void)
{
    memory_lock();
    listeners_after_sync();
    space_forget_translations(); // stops the harts
    memory_unlock();
}
