// SPDX-License-Identifier: GPL-3.0-or-later
// The engine's side of the persistent code cache: which block a kept region belongs to, and whether it is still right.
//
// A region is looked for when its head becomes warm: that it was hot in an earlier run is reason enough. What was kept
// says how the region was cut from the guest's code, so it is cut the same way again, without a profile; if the IR of
// that is the IR it was compiled from, the machine code is right. Blocks of it that the guest has not reached yet are
// translated; if one is not there (its page is not in memory yet) it is tried again later.
#include "backend/engine_private.h"

#include "backend/moves.h"
#include "util/clock.h"
#include "util/log.h"
#include <gio/gio.h>
#include <inttypes.h>
#include <string.h>

#define RETRY_SHIFT 3 // each next try after 8 times as many runs
#define MAX_RELOADS 4 // of one region while its block is only warm: the guest may change its code all the time

struct TierCache {
    RegionStore *store;
    bool have_surroundings;
    RegionKey surroundings;
    GHashTable *loads; // head (guint64) and pc, mixed -> times loaded, as a pointer; since epoch
    uint64_t epoch;
};

TierCache *tier_cache_new(Engine *e)
{
    // What is to be printed about a compilation, only a compilation knows.
    if (!e->config.store || !e->queue || e->config.lines || log_on(LOG_OP_OPT | LOG_OP_PASS | LOG_GIMPLE | LOG_OUT_ASM))
        return NULL;
    TierCache *c = g_new0(TierCache, 1);
    c->store = e->config.store;
    c->loads = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    return c;
}

void tier_cache_free(TierCache *c)
{
    if (!c)
        return;
    g_hash_table_destroy(c->loads);
    g_free(c);
}

const RegionKey *tier_cache_surroundings(Engine *e)
{
    TierCache *c = e->persistent;
    if (!c->have_surroundings) {
        g_autofree char *worker = queue_worker_path();
        JitRequest rq = {.opt = (uint8_t)e->config.opt,
                         .stats = e->config.stats,
                         .shared = e->config.shared,
                         .n_helpers = e->env->ops->n_helpers};
        region_key_surroundings(&c->surroundings, &rq, worker);
        c->have_surroundings = true;
    }
    return &c->surroundings;
}

uint64_t tier_cache_head(Engine *e, const Block *b)
{
    const uint8_t *host;
    ram_t ram;
    MemFault fault;
    if (!e->persistent || !tlb_fetch(e->tlb, b->pc, &host, &ram, &fault) || !host || ram != b->span[0].start)
        return 0;
    return region_head(tier_cache_surroundings(e), b->pc, host, b->span[0].len, tier_movable(b));
}

// --- loading -------------------------------------------------------------------------------------------------

// Under -accel check the other processor has not looked at the page tables for pages that this one only expects.
static bool may_look(const Engine *e, const Block *head, uint64_t pc)
{
    return e->config.system || !(e->mode & CODE_PAGED) || !((head->pc ^ pc) & PAGE_MASK);
}

// Lifts block i as the file says it was, into t.
static bool lift_block_of(Engine *e, Trace *t, const RegionFile *r, unsigned i, const RegionGuess *guess)
{
    const RegionBlock *f = &r->blocks[i];
    uint64_t base = t->code->base;
    IrBlock *ir = ir_block_new(f->pc);
    MemFault fault;
    ir_code_add(t->code, ir);
    if (!e->guest.lift(e->guest.opaque, base, base + (uint64_t)f->pc, f->n_insns, ir, &fault) ||
        ir->n_insns != f->n_insns)
        return false;
    ir->is_entry = f->is_entry;
    ir->count = f->count;
    ir->leaves = f->leaves;
    ir->edge[0].block = f->edge[0];
    ir->edge[1].block = f->edge[1];
    for (unsigned k = 0; k < f->n_guess; k++)
        ir_block_guess(ir, guess[k].pc, guess[k].block);
    return true;
}

// The region that r was compiled from, as far as the guest has that code at head now: the key has to be compared. NULL
// if it has not.
static Trace *rebuild(Engine *e, const RegionFile *r, Block *head)
{
    Trace *t = g_new0(Trace, 1);
    t->blocks = g_ptr_array_new();
    t->head = head;
    t->epoch = e->epoch;
    t->rq = tier_request(e, head);
    t->rq.second_regs = r->header.second_regs;
    t->rq.second_start = r->header.second_start;
    t->rq.second_size = r->header.second_size;
    t->ends = r->header.ends;
    t->code = ir_code_new(head->pc);
    const RegionGuess *guess = r->guesses;
    for (unsigned i = 0; i < r->header.n_blocks; i++) {
        const RegionBlock *f = &r->blocks[i];
        uint64_t pc = head->pc + (uint64_t)f->pc;
        Block *b = f->pc == 0 ? head : may_look(e, head, pc) ? engine_make(e, pc) : NULL;
        if (!b || b->n_insns != f->n_insns || !lift_block_of(e, t, r, i, guess)) {
            trace_free(t);
            return NULL;
        }
        g_ptr_array_add(t->blocks, b);
        guess += f->n_guess;
    }
    return t;
}

// The unit at this base; r is movable if that is another one than its own.
static JitUnit *make_unit(Engine *e, const RegionFile *r, uint64_t base)
{
    const RegionHeader *h = &r->header;
    g_autoptr(GByteArray) text = g_byte_array_new();
    g_byte_array_append(text, r->text, h->text_size);
    moves_apply(text->data, r->moves, h->n_moves, base - h->base);
    QueueResult *answer = g_new0(QueueResult, 1);
    answer->exits = g_byte_array_new();
    g_byte_array_append(answer->exits, r->exits, h->exits_size);
    answer->sites = g_memdup2(r->sites, h->n_sites * sizeof *r->sites);
    answer->entries = g_memdup2(r->entries, h->n_entries * sizeof *r->entries);
    answer->n_sites = h->n_sites;
    answer->n_slots = h->n_slots;
    answer->n_entries = h->n_entries;
    answer->compile_ns = h->compile_ns;
    g_autoptr(GError) error = NULL;
    JitUnit *u = unit_from_code(code_cache_memory(e->cache), base, text, h->entry, answer, &error);
    queue_result_free(answer);
    if (!u)
        tier_not_installed(e, error);
    return u;
}

typedef struct {
    Engine *e;
    Block *head;
} Use;

static bool use_region(const RegionFile *r, void *opaque)
{
    Use *use = opaque;
    Engine *e = use->e;
    RegionKey key;
    uint64_t start = clock_ns(CLOCK_MONOTONIC);
    bool movable = tier_movable(use->head);
    uint64_t moved = r->header.base - use->head->pc;
    bool here = movable == r->header.movable && (!moved || (movable && !(moved & ~PAGE_MASK)));
    Trace *t = here ? rebuild(e, r, use->head) : NULL;
    if (t)
        region_key(&key, tier_cache_surroundings(e), t->code, movable, trace_linear(t));
    bool same = t && !memcmp(&key, &r->header.key, sizeof key);
    JitUnit *u = same ? make_unit(e, r, use->head->pc) : NULL;
    e->stats.cache_rejected += !same;
    if (u) {
        u->kept = true;
        tier_add_unit(e, t, u);
        e->stats.cache_hits++;
        if (log_on(LOG_JIT))
            log_printf("jit: region 0x%016" PRIx64 " %s: %u blocks, %u guest instructions, %zu bytes, %u entries, from "
                       "the code cache\n",
                       u->base, e->guest.symbol(e->guest.opaque, u->base), u->n_blocks, u->n_insns, u->code_size,
                       u->n_entries);
        if (e->watchers)
            engine_tell_region(e, ENGINE_REGION, u, true, start);
    }
    if (t)
        trace_free(t);
    return u;
}

static unsigned times_loaded(Engine *e, uint64_t place)
{
    TierCache *c = e->persistent;
    if (c->epoch != e->epoch)
        g_hash_table_remove_all(c->loads);
    c->epoch = e->epoch;
    return GPOINTER_TO_UINT(g_hash_table_lookup(c->loads, &place));
}

// The region for b, whatever was loaded before. *known: there may be one, but not now.
static bool load(Engine *e, Block *b, unsigned max_loads, bool *known)
{
    *known = false;
    uint64_t head = tier_cache_head(e, b);
    if (!head || !region_store_has(e->persistent->store, head))
        return false;
    uint64_t place = head ^ b->pc;
    unsigned loads = times_loaded(e, place);
    if (loads >= max_loads)
        return false;
    uint64_t start = clock_ns(CLOCK_MONOTONIC);
    Use use = {e, b};
    bool ok = region_store_find(e->persistent->store, head, use_region, &use);
    if (ok)
        g_hash_table_insert(e->persistent->loads, g_memdup2(&place, sizeof place), GUINT_TO_POINTER(loads + 1));
    *known = !ok;
    e->stats.cache_ns += clock_ns(CLOCK_MONOTONIC) - start;
    return ok;
}

bool tier_cache_load(Engine *e, Block *b)
{
    bool known;
    if (!e->persistent || b->uncached)
        return false;
    bool ok = load(e, b, MAX_RELOADS, &known);
    b->cache_tries = known;
    return ok;
}

// Runs until the next try; 0: no more than usual.
static int32_t next_try(const Engine *e, const Block *b)
{
    uint64_t runs = (uint64_t)e->config.warm << MIN(b->cache_tries * RETRY_SHIFT, 40);
    return b->cache_tries && runs < e->config.threshold ? (int32_t)runs : 0;
}

void tier_cache_try_again(Engine *e, Block *b)
{
    int32_t runs = next_try(e, b);
    if (!runs)
        b->cache_tries = 0;
    else if (b->base)
        *b->runs = b->runs_start = MIN(*b->runs, runs);
}

bool tier_cache_hot(Engine *e, Block *b)
{
    bool known;
    if (!e->persistent)
        return false;
    bool early = b->cache_tries, ok = load(e, b, UINT_MAX, &known);
    if (!ok && !early) {
        e->stats.cache_misses += !b->queued && !b->in_work && !b->refused;
        return false;
    }
    b->cache_tries = ok || !known ? 0 : b->cache_tries + 1;
    if (!ok) {
        tier_reset_heat(e, b);
        tier_cache_try_again(e, b);
    }
    return true;
}

// --- keeping -------------------------------------------------------------------------------------------------

// Does a breakpoint show in it?
static bool has_cut(const Trace *t)
{
    for (unsigned i = 0; i < t->blocks->len; i++)
        if (((const Block *)g_ptr_array_index(t->blocks, i))->cut)
            return true;
    return false;
}

void tier_cache_keep(Engine *e, const Trace *t, const JitUnit *u, const QueueResult *result)
{
    if (!e->persistent || !t->cache_head || has_cut(t))
        return;
    const IrCode *code = t->code;
    g_autoptr(GArray) blocks = g_array_new(FALSE, TRUE, sizeof(RegionBlock));
    g_autoptr(GArray) guesses = g_array_new(FALSE, TRUE, sizeof(RegionGuess));
    unsigned insns = 0;
    for (unsigned i = 0; i < code->n_blocks; i++) {
        const IrBlock *ir = code->blocks[i];
        RegionBlock b = {ir->pc, {ir->edge[0].block, ir->edge[1].block}, ir->n_insns, (uint16_t)ir->n_guess,
                         ir->is_entry, 0, ir->count, ir->leaves};
        g_array_append_val(blocks, b);
        for (unsigned k = 0; k < ir->n_guess; k++) {
            RegionGuess g = {ir->guess[k].pc, ir->guess[k].block, 0};
            g_array_append_val(guesses, g);
        }
        insns += ir->n_insns;
    }
    RegionFile r = {
        .header = {.head = t->cache_head, .base = u->base, .compile_ns = u->compile_ns, .n_blocks = blocks->len,
                   .n_guesses = guesses->len, .n_entries = u->n_entries, .n_sites = u->n_sites,
                   .n_slots = u->n_slots, .n_insns = insns, .text_size = (uint32_t)u->code_size,
                   .entry = (uint32_t)((const uint8_t *)(uintptr_t)u->code - u->text),
                   .exits_size = result->exits->len, .n_moves = result->moves->len,
                   .movable = tier_movable(t->head), .ends = t->ends, .second_regs = t->rq.second_regs,
                   .second_start = t->rq.second_start, .second_size = t->rq.second_size},
        .blocks = (const RegionBlock *)(const void *)blocks->data,
        .guesses = (const RegionGuess *)(const void *)guesses->data,
        .entries = u->entries,
        .sites = u->sites,
        .text = u->text,
        .moves = (const uint32_t *)(const void *)result->moves->data,
        .exits = result->exits->data,
    };
    region_key(&r.header.key, tier_cache_surroundings(e), code, r.header.movable, trace_linear(t));
    region_store_put(e->persistent->store, &r);
    e->stats.cache_stores++;
}
