// SPDX-License-Identifier: GPL-3.0-or-later
// Translated code by guest pc and by RAM page.
#include "backend/block_table.h"
#include "backend/exits.h"
#include "backend/region_info.h"

#include "backend/baseline.h"
#include <string.h>

struct CodeCache {
    IrEnv *env;
    CodePages *pages;
    BlockTable *blocks;     // live ones
    GHashTable *page_code;  // RAM page number -> PageCode
    GPtrArray *all_blocks;  // dead ones too
    size_t block_bytes;     // that those take
    GPtrArray *all_units, *all_baseline; // likewise, JitUnit
    JitLink *free_links;
    JumpTables *jumps;
    CodeMemory *memory;
    CodeArena *arena; // blocks, baseline code, links
    JitCode by_table; // in there: the way of a slot through the jump table; NULL until it is needed
    unsigned mode;
    void (*dropped)(void *opaque, const Block *b, const JitUnit *u); // or NULL
    void *opaque;
};

typedef struct {
    GPtrArray *blocks, *units; // live ones with bytes on this page
} PageCode;

static void page_code_free(gpointer p)
{
    PageCode *pc = p;
    g_ptr_array_free(pc->blocks, TRUE);
    g_ptr_array_free(pc->units, TRUE);
    g_free(pc);
}

void block_free(Block *b)
{
    g_free(b); // and what lies behind it
}

// Back to the free ones.
static void drop_incoming(CodeCache *cc, JitUnit *u)
{
    for (JitLink *l; (l = u->incoming); cc->free_links = l) {
        u->incoming = l->next;
        l->next = cc->free_links;
    }
}

static JitLink *new_link(CodeCache *cc)
{
    enum { BATCH = 64 };
    if (!cc->free_links) {
        JitLink *some = code_arena_alloc(cc->arena, BATCH * sizeof *some);
        for (unsigned i = 0; i < BATCH; i++)
            some[i].next = i + 1 < BATCH ? &some[i + 1] : NULL;
        cc->free_links = some;
    }
    JitLink *l = cc->free_links;
    cc->free_links = l->next;
    return l;
}

void jit_unit_free(JitUnit *u)
{
    if (u->slots)
        g_free(u->slots - 1);
    g_free(u->sites);
    g_free(u->entries);
    g_free(u->exit_samples);
    region_info_free(u->info);
    if (u->spans)
        g_array_free(u->spans, TRUE);
    if (u->pages)
        g_array_free(u->pages, TRUE);
    if (u->ir)
        ir_code_free(u->ir);
    exits_free(u->exits);
    g_free(u);
}

CodeCache *code_cache_new(IrEnv *env, CodePages *pages, size_t code_size)
{
    CodeCache *cc = g_new0(CodeCache, 1);
    cc->env = env;
    cc->pages = pages;
    cc->jumps = jump_tables_new();
    cc->memory = code_memory_new(code_size);
    cc->blocks = block_table_new();
    cc->page_code = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, page_code_free);
    cc->arena = code_arena_new();
    cc->all_blocks = g_ptr_array_new();
    cc->all_baseline = g_ptr_array_new();
    cc->all_units = g_ptr_array_new_with_free_func((GDestroyNotify)jit_unit_free);
    return cc;
}

void code_cache_free(CodeCache *cc)
{
    block_table_free(cc->blocks);
    g_hash_table_destroy(cc->page_code);
    g_ptr_array_free(cc->all_blocks, TRUE);
    g_ptr_array_free(cc->all_units, TRUE);
    g_ptr_array_free(cc->all_baseline, TRUE);
    code_arena_free(cc->arena);
    jump_tables_free(cc->jumps);
    code_memory_free(cc->memory);
    g_free(cc);
}

CodeMemory *code_cache_memory(CodeCache *cc)
{
    return cc->memory;
}

CodeArena *code_cache_arena(CodeCache *cc)
{
    return cc->arena;
}

Block *code_cache_find(CodeCache *cc, uint64_t pc, ram_t ram)
{
    return block_table_find(cc->blocks, pc, ram, cc->mode);
}

static PageCode *find_page(CodeCache *cc, ram_t addr)
{
    gint64 page = (gint64)(addr >> PAGE_BITS);
    return g_hash_table_lookup(cc->page_code, &page);
}

bool code_cache_mark(CodeCache *cc, ram_t addr)
{
    gint64 page = (gint64)(addr >> PAGE_BITS);
    if (find_page(cc, addr))
        return false;
    PageCode *pc = g_new0(PageCode, 1);
    pc->blocks = g_ptr_array_new();
    pc->units = g_ptr_array_new();
    g_hash_table_insert(cc->page_code, g_memdup2(&page, sizeof page), pc);
    return code_pages_mark(cc->pages, addr);
}

static PageCode *page_code(CodeCache *cc, ram_t addr)
{
    code_cache_mark(cc, addr);
    return find_page(cc, addr);
}

void code_cache_add_block(CodeCache *cc, Block *b)
{
    b->mode = (uint8_t)cc->mode;
    block_table_add(cc->blocks, b);
    g_ptr_array_add(cc->all_blocks, b);
    cc->block_bytes += block_size(b->n_targets, b->n_ops, b->n_insns);
    for (unsigned i = 0; i < b->n_spans; i++)
        g_ptr_array_add(page_code(cc, b->span[i].start)->blocks, b);
}

void code_cache_add_unit(CodeCache *cc, JitUnit *u)
{
    g_ptr_array_add(cc->all_units, u);
    for (unsigned i = 0; i < u->spans->len; i++) {
        GPtrArray *on = page_code(cc, g_array_index(u->spans, CodeSpan, i).start)->units;
        if (!on->len || g_ptr_array_index(on, on->len - 1) != u)
            g_ptr_array_add(on, u);
    }
}

JitSlot *jit_slots_new(JitUnit *u, unsigned n, CodeArena *arena)
{
    JitSlot *s = arena ? code_arena_alloc(arena, (n + 1) * sizeof *s) : g_new(JitSlot, n + 1);
    memset(s, 0, (n + 1) * sizeof *s);
    *jit_slots_head(s + 1) = (JitSlotsHead){.unit = u, .exits_left = INT64_MAX};
    return s + 1;
}

JitSlot *jit_leave(IrEnv *env, JitSlot *slots, uint64_t entry)
{
    env->exit_site = entry;
    return slots;
}

// Makes the jump behind slot i of baseline code go to `to`.
static void patch_jump(JitUnit *u, unsigned i, const uint8_t *to)
{
    uint8_t *at = u->jump[i];
    if (u->block && at)
        code_memory_patch(u->memory, at, (int32_t)(to - at - 4));
}

void code_cache_reset_slot(JitUnit *u, unsigned i)
{
    u->slots[i] = (JitSlot){jit_leave, u->slots, i};
    if (u->block)
        patch_jump(u, i, u->stub[i]);
}

void code_cache_chain(CodeCache *cc, JitUnit *u, unsigned i, JitUnit *target, uint64_t entry)
{
    JitLink *l = new_link(cc);
    *l = (JitLink){u, i, target->incoming};
    target->incoming = l;
    u->slots[i] = (JitSlot){target->code, target->slots, entry};
    if (u->block)
        patch_jump(u, i, target->block ? target->body : u->stub[i]);
}

static bool single_page(const JitUnit *u)
{
    return u->block ? u->block->n_spans == 1 : u->pages->len == 1;
}

static bool has_page(const JitUnit *u, uint64_t pc, ram_t ram)
{
    if (u->block)
        return u->block->pc >> PAGE_BITS == pc >> PAGE_BITS && !((u->block->span[0].start ^ ram) & PAGE_MASK);
    for (unsigned i = 0; i < u->pages->len; i++) {
        const CodePage *p = &g_array_index(u->pages, CodePage, i);
        if (p->pc == (pc & PAGE_MASK) && p->ram == (ram & PAGE_MASK))
            return true;
    }
    return false;
}

// While u runs the guest's page tables say what they said when it was entered, about its own pages.
bool code_cache_may_chain(const JitUnit *u, const Block *b)
{
    return !u->paged || (single_page(b->unit) && has_page(u, b->pc, b->span[0].start));
}

bool code_cache_may_link(const Block *from, const Block *to)
{
    return !(from->mode & CODE_PAGED) || (to->n_spans == 1 && from->pc >> PAGE_BITS == to->pc >> PAGE_BITS &&
                                          !((from->span[0].start ^ to->span[0].start) & PAGE_MASK));
}

void code_cache_chain_by_table(CodeCache *cc, JitUnit *u, unsigned i)
{
    if (!cc->by_table)
        cc->by_table = baseline_by_table(cc->memory);
    if (cc->by_table)
        u->slots[i] = (JitSlot){cc->by_table, u->slots, i};
}

// Nothing goes straight to u any more.
static void unlink_incoming(CodeCache *cc, JitUnit *u)
{
    for (const JitLink *l = u->incoming; l; l = l->next)
        if (l->unit->slots[l->slot].slots == u->slots)
            code_cache_reset_slot(l->unit, l->slot);
    drop_incoming(cc, u);
    if (u->block)
        jump_tables_drop(cc->jumps, u->base, u->slots);
    for (unsigned i = 0; i < u->n_entries; i++)
        jump_tables_drop(cc->jumps, u->base + (uint64_t)u->entries[i], u->slots);
}

static void kill_unit(CodeCache *cc, JitUnit *u)
{
    if (cc->dropped)
        cc->dropped(cc->opaque, NULL, u);
    u->dead = true;
    unlink_incoming(cc, u);
    for (unsigned i = 0; i < cc->all_blocks->len; i++) {
        Block *b = g_ptr_array_index(cc->all_blocks, i);
        if (b->unit == u) {
            b->unit = b->base;
            b->entry = 0;
            b->queued = false;
        }
    }
}

void code_cache_add_baseline(CodeCache *cc, JitUnit *u)
{
    g_ptr_array_add(cc->all_baseline, u);
    u->block->unit = u->block->base = u;
    u->block->entry = 0;
}

void code_cache_set_unit(CodeCache *cc, Block *b, JitUnit *u, uint64_t entry)
{
    if (b->base)
        unlink_incoming(cc, b->base);
    if (b->unit && b->unit != b->base && b->unit != u)
        unlink_incoming(cc, b->unit);
    b->unit = u;
    b->entry = entry;
}

static bool span_hit(const CodeSpan *s, ram_t start, uint64_t len)
{
    return s->start < start + len && start < s->start + s->len;
}

static void kill_block(CodeCache *cc, Block *b)
{
    if (cc->dropped)
        cc->dropped(cc->opaque, b, NULL);
    b->dead = true;
    b->count_base = block_count(b);
    b->base_count = block_base_count(b);
    b->heat = b->heat_start = *b->runs = b->runs_start = 0;
    tap_event(&cc->env->tap, TAP_BLOCK_RUNS, b->count_base, b->number);
    if (b->base) {
        b->base->dead = true;
        unlink_incoming(cc, b->base);
        b->unit = b->unit == b->base ? NULL : b->unit;
        b->base = NULL;
    }
    block_table_remove(cc->blocks, b);
}

static void drop_if_empty(CodeCache *cc, ram_t addr)
{
    const PageCode *pc = find_page(cc, addr);
    if (!pc || pc->blocks->len || pc->units->len)
        return;
    gint64 page = (gint64)(addr >> PAGE_BITS);
    g_hash_table_remove(cc->page_code, &page);
    code_pages_clear(cc->pages, addr);
}

static void remove_from_pages(CodeCache *cc, const CodeSpan *spans, unsigned n, gpointer what, bool unit)
{
    for (unsigned i = 0; i < n; i++) {
        PageCode *pc = find_page(cc, spans[i].start);
        if (!pc)
            continue;
        g_ptr_array_remove_fast(unit ? pc->units : pc->blocks, what);
        drop_if_empty(cc, spans[i].start);
    }
}

static void invalidate_page(CodeCache *cc, ram_t start, uint64_t len)
{
    PageCode *pc = find_page(cc, start); // it goes with the last of its code
    for (unsigned i = 0; pc && i < pc->blocks->len;) {
        Block *b = g_ptr_array_index(pc->blocks, i);
        if (span_hit(&b->span[0], start, len) || (b->n_spans > 1 && span_hit(&b->span[1], start, len))) {
            kill_block(cc, b);
            remove_from_pages(cc, b->span, b->n_spans, b, false);
            pc = find_page(cc, start);
        } else {
            i++;
        }
    }
    for (unsigned i = 0; pc && i < pc->units->len;) {
        JitUnit *u = g_ptr_array_index(pc->units, i);
        bool hit = false;
        for (unsigned k = 0; k < u->spans->len && !hit; k++)
            hit = span_hit(&g_array_index(u->spans, CodeSpan, k), start, len);
        if (hit) {
            kill_unit(cc, u);
            remove_from_pages(cc, (CodeSpan *)(void *)u->spans->data, u->spans->len, u, true);
            pc = find_page(cc, start);
        } else {
            i++;
        }
    }
    drop_if_empty(cc, start); // marked, but nothing was translated
}

void code_cache_invalidate(CodeCache *cc, ram_t start, uint64_t len)
{
    while (len) {
        uint64_t part = MIN(len, PAGE_SIZE - (start & ~PAGE_MASK));
        invalidate_page(cc, start, part);
        start += part;
        len -= part;
    }
}

JumpTable *code_cache_set_mode(CodeCache *cc, unsigned mode, uint64_t space, unsigned asid)
{
    JumpTable *t = jump_tables_enter(cc->jumps, mode, space, asid);
    cc->env->jumps = t->code;
    cc->mode = mode;
    return t;
}

void code_cache_note_jump(CodeCache *cc, uint64_t pc, JitUnit *u, uint64_t entry)
{
    JumpEntry *row = &cc->env->jumps[jit_jump_row(pc)];
    jump_table_use(jump_tables_current(cc->jumps), jit_jump_row(pc));
    if (row->pc != pc && !(row->pc & 1)) // an empty row must not push out what belongs into the other one
        cc->env->jumps[jit_jump_row(pc) ^ 1] = *row;
    *row = (JumpEntry){pc, u->code, u->slots, u->block ? (uintptr_t)u->body : entry};
}

JumpTables *code_cache_jumps(CodeCache *cc)
{
    return cc->jumps;
}

static void reset_slots(CodeCache *cc, const GPtrArray *units)
{
    for (unsigned i = 0; i < units->len; i++) {
        JitUnit *u = g_ptr_array_index(units, i);
        for (unsigned k = 0; k < u->n_slots; k++)
            code_cache_reset_slot(u, k);
        drop_incoming(cc, u);
    }
}

void code_cache_unlink_all(CodeCache *cc)
{
    for (unsigned i = 0; i < cc->all_blocks->len; i++) {
        Block *b = g_ptr_array_index(cc->all_blocks, i);
        b->succ[0] = b->succ[1] = NULL;
    }
    reset_slots(cc, cc->all_units);
    reset_slots(cc, cc->all_baseline);
    jump_tables_forget_all(cc->jumps);
}

void code_cache_flush_all(CodeCache *cc)
{
    GHashTableIter it;
    gpointer key;
    g_hash_table_iter_init(&it, cc->page_code);
    while (g_hash_table_iter_next(&it, &key, NULL))
        code_pages_clear(cc->pages, (ram_t)(*(gint64 *)key) << PAGE_BITS);
    g_hash_table_remove_all(cc->page_code);
    block_table_clear(cc->blocks);
    g_ptr_array_set_size(cc->all_blocks, 0);
    cc->block_bytes = 0;
    g_ptr_array_set_size(cc->all_units, 0);
    g_ptr_array_set_size(cc->all_baseline, 0);
    cc->free_links = NULL;
    code_arena_reset(cc->arena);
    jump_tables_forget_all(cc->jumps);
    code_memory_reset(cc->memory);
    cc->by_table = NULL;
}

void code_cache_each_block(CodeCache *cc, void (*fn)(Block *b, void *opaque), void *opaque)
{
    for (unsigned i = 0; i < cc->all_blocks->len; i++)
        fn(g_ptr_array_index(cc->all_blocks, i), opaque);
}

void code_cache_set_watcher(CodeCache *cc, void (*dropped)(void *opaque, const Block *b, const JitUnit *u),
                            void *opaque)
{
    cc->dropped = dropped;
    cc->opaque = opaque;
}

Block *code_cache_block(const CodeCache *cc, unsigned i)
{
    return g_ptr_array_index(cc->all_blocks, i);
}

unsigned code_cache_blocks(const CodeCache *cc)
{
    return cc->all_blocks->len;
}

const GPtrArray *code_cache_units(const CodeCache *cc)
{
    return cc->all_units;
}

size_t code_cache_block_bytes(const CodeCache *cc)
{
    return cc->block_bytes;
}
