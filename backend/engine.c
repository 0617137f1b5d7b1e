// SPDX-License-Identifier: GPL-3.0-or-later
// The engine's loop: find the block at the pc, enter compiled code or interpret, link what follows what.
//
// Compiled code can leave *before* an instruction that it cannot do (device, fault, system instruction). That block
// is then interpreted even if compiled code starts there, or nothing would ever move.
#include "backend/engine_private.h"

#include "backend/engine_steps.h"
#include "backend/fp_host.h"
#include "backend/fp_mode.h"
#include "backend/jit_call.h"
#include "backend/jit_tap.h"
#include "util/clock.h"
#include "util/log.h"
#include <string.h>

#define ENTRY_WEIGHT 4
#define MAX_ROUNDS 20000 // turns of the loop in one slice: traps retire nothing, so `left` alone might not end it
#define MAX_BLOCK_BYTES ((size_t)256 << 20) // of blocks; then everything is dropped and starts anew

static void on_result(void *opaque)
{
    Engine *e = opaque;
    g_atomic_int_set(&e->result_ready, 1);
}

Engine *engine_new(const EngineConfig *config, const EngineGuest *guest, IrEnv *env, Tlb *tlb, CodePages *pages)
{
    Engine *e = g_new0(Engine, 1);
    e->config = *config;
    if (config->tap || config->tally || config->steps) {
        e->config.jit = false;
        e->config.store = NULL;
    }
    e->config.system &= !config->tally;
    if (config->steps)
        e->config.baseline = false;
    if (config->max_insns)
        e->config.store = NULL; // what is kept is longer
    else
        e->config.max_insns = MAX_BLOCK_INSNS;
    e->guest = *guest;
    e->env = env;
    e->tlb = tlb;
    e->pages = pages;
    env->engine = e;
    slow_paths_init(env);
    if (config->tap)
        jit_tap_init(env);
    env->fp = fp_host_functions();
    env->fp_soft = fp_host_soft;
    env->jit_call = jit_call;
    e->cache = code_cache_new(env, pages, config->code_size);
    interp_init(&e->in, env, tlb);
    engine_set_mode(e, 3, 0, 0);
    e->scratch = ir_block_new(0);
    e->chain = !(log_mask & LOG_NOCHAIN);
    e->candidates = g_ptr_array_new();
    e->remakes = g_ptr_array_new();
    e->preds = g_hash_table_new(NULL, NULL);
    e->pred_list = g_array_new(FALSE, TRUE, sizeof(Pred));
    g_array_set_size(e->pred_list, 1);
    e->return_sites = g_hash_table_new(NULL, NULL);
    if (e->config.jit)
        e->queue = queue_new(MAX(config->workers, 1), on_result, e);
    e->persistent = tier_cache_new(e);
    e->kept = tier_blocks_new(e);
    e->tap = tap_blocks_new(e);
    e->costs = config->inspect ? g_hash_table_new_full(NULL, NULL, NULL, g_free) : NULL;
    return e;
}

static void drop_trace(void *job)
{
    trace_free(job);
}

void engine_free(Engine *e)
{
    if (e->queue)
        queue_free(e->queue, drop_trace);
    if (e->uncached)
        block_free(e->uncached);
    g_ptr_array_free(e->candidates, TRUE);
    g_ptr_array_free(e->remakes, TRUE);
    g_hash_table_destroy(e->preds);
    g_array_free(e->pred_list, TRUE);
    g_hash_table_destroy(e->return_sites);
    ir_block_free(e->scratch);
    costs_forget(e);
    g_clear_pointer(&e->costs, g_hash_table_destroy);
    if (e->again)
        queue_free(e->again, NULL);
    tier_blocks_free(e);
    code_cache_free(e->cache);
    tier_cache_free(e->persistent);
    tap_blocks_free(e->tap);
    breakpoints_free(e);
    g_clear_pointer(&e->watchers, g_array_unref);
    g_free(e);
}

// Bytes of guest code.
static uint32_t code_length(const IrBlock *ir)
{
    uint32_t len = 0;
    for (unsigned i = 0; i < ir->n_ops; i++)
        if (ir->ops[i].op == IR_OP_INSN)
            len = (uint32_t)(ir->ops[i].imm - ir->pc) + ir->ops[i].reg;
    return len;
}

static void set_spans(Block *b, uint32_t len, ram_t ram, ram_t next_page)
{
    uint32_t room = PAGE_SIZE - (uint32_t)(ram & ~PAGE_MASK);
    b->span[0] = (CodeSpan){ram, MIN(len, room)};
    b->n_spans = 1;
    if (len > room)
        b->span[b->n_spans++] = (CodeSpan){next_page, len - room};
}

uint64_t block_end(const Block *b)
{
    uint64_t len = b->span[0].len;
    if (b->n_spans > 1)
        len += b->span[1].len;
    return b->pc + len;
}

// Lifts and translates at pc; fewer instructions if the temporaries run out. NULL after taking a fault.
static Block *translate(Engine *e, uint64_t pc, unsigned max, CodeArena *arena)
{
    MemFault fault;
    Block *b = NULL;
    for (bool first = true; !b; max /= 2, first = false) {
        uint64_t start = costs_now(e), lifted;
        if (!e->guest.lift(e->guest.opaque, pc, pc, max, e->scratch, &fault) ||
            (e->breakpoints && !breakpoints_cut(e, pc, &fault))) {
            tap_blocks_fetch_fault(e, &fault);
            return NULL;
        }
        lifted = costs_now(e);
        b = interp_translate(e->scratch, pc, e->config.tap, arena);
        if (b)
            b->shortened = !first;
        if (b && e->costs && arena) // those of others are not asked for
            costs_add(e, b, (BlockCosts){{lifted - start, costs_now(e) - lifted}});
    }
    if (e->tap)
        tap_blocks_name(e, b, code_length(e->scratch), !arena);
    if (e->config.steps)
        b->number = e->config.steps->translated(e->config.steps->opaque, b, e->scratch, !arena);
    e->stats.blocks++;
    e->stats.block_insns += b->n_insns;
    if (log_on(LOG_IN_ASM | LOG_OP))
        dump_block(e, e->scratch, pc);
    return b;
}

// A block of at most max instructions that is forgotten when the next one is made.
Block *engine_uncached(Engine *e, uint64_t pc, unsigned max)
{
    if (e->uncached) {
        engine_stats_uncached_ends(e);
        engine_tally_uncached_ends(e);
        tap_blocks_forgotten(e, e->uncached);
        block_free(e->uncached);
    }
    e->in.last = NULL; // it may have been that one
    e->uncached = translate(e, pc, max, NULL);
    e->uncached_mode = e->mode;
    if (e->uncached) {
        set_spans(e->uncached, code_length(e->scratch), 0, 0); // its length only
        e->uncached->uncached = true;
        e->uncached->heat = e->uncached->heat_start = 1;
    }
    return e->uncached;
}

// Takes up the links of the current mode and space. Nothing of one goes straight to another.
static void enter_mode(Engine *e)
{
    JumpTable *t = code_cache_set_mode(e->cache, e->mode, e->space, e->asid);
    e->in.jumps = t;
    e->map_epoch = t->epoch;
    e->in.last = NULL;
    e->from = NULL;
}

// tlb_fetch, for what links are made to.
static bool fetch(Engine *e, uint64_t pc, const uint8_t **host, ram_t *ram, MemFault *fault)
{
    if (!tlb_fetch(e->tlb, pc, host, ram, fault))
        return false;
    TlbFetched page = tlb_fetched(e->tlb);
    if (jump_tables_note_page(code_cache_jumps(e->cache), pc, page.global, page.large_bits))
        enter_mode(e);
    return true;
}

// Does a page that code goes on to lie in RAM that may be run as a whole?
static bool fetch_page(Engine *e, uint64_t pc, ram_t *ram)
{
    const uint8_t *host;
    MemFault fault;
    return fetch(e, pc & PAGE_MASK, &host, ram, &fault) && host;
}

// Does the code at pc still lie in these pages? next: the one that its first instruction straddles into, or 0.
static bool still_there(Engine *e, uint64_t pc, ram_t page, ram_t next)
{
    ram_t now;
    return fetch_page(e, pc, &now) && now == page && (!next || (fetch_page(e, pc + 3, &now) && now == next));
}

static Block *translate_cached(Engine *e, uint64_t pc, ram_t ram, const uint8_t *host)
{
    ram_t next = 0;
    uint64_t start = e->watchers ? clock_ns(CLOCK_MONOTONIC) : 0;
    // An instruction that may straddle into a page with rules of its own is looked at each time.
    if (((pc + 3) ^ pc) & PAGE_MASK && !fetch_page(e, pc + 3, &next))
        return engine_uncached(e, pc, 1);
    bool moved = code_cache_mark(e->cache, ram);
    if (next)
        moved |= code_cache_mark(e->cache, next);
    if (moved && !still_there(e, pc, ram & PAGE_MASK, next))
        return engine_uncached(e, pc, 1);
    Block *b = e->kept && !next && !breakpoint_on_page(e, pc) ? tier_blocks_find(e, pc, ram, host) : NULL;
    if (!b) {
        b = translate(e, pc, e->config.max_insns, code_cache_arena(e->cache));
        if (!b)
            return NULL;
        set_spans(b, code_length(e->scratch), ram, next);
        b->cut = e->breakpoints && breakpoint_at(e, block_end(b));
    }
    tier_reset_heat(e, b);
    code_cache_add_block(e->cache, b);
    if (e->watchers)
        engine_tell_block(e, ENGINE_TRANSLATED, b, NULL, b->kept, start);
    return b;
}

// A block depends on its second page too, which the pc does not show.
static bool second_page_holds(Engine *e, const Block *b)
{
    ram_t ram;
    return b->n_spans < 2 || (fetch_page(e, b->pc + 3, &ram) && ram == (b->span[1].start & PAGE_MASK));
}

// b's compiled code, if the guest may still run all of it: since it was made, permissions may have changed. NULL: b is
// interpreted.
static JitUnit *usable_unit(Engine *e, const Block *b)
{
    JitUnit *u = b->unit;
    if (!u || u->block || u->map_epoch == e->map_epoch)
        return u;
    for (unsigned i = 0; i < u->pages->len; i++) {
        const CodePage *p = &g_array_index(u->pages, CodePage, i);
        ram_t ram;
        if (!fetch_page(e, p->pc, &ram) || ram != p->ram)
            return NULL;
    }
    u->map_epoch = e->map_epoch;
    return u;
}

Block *engine_peek(Engine *e, uint64_t pc)
{
    Block *b = interp_find_jump(&e->in, pc);
    if (b->pc == pc && !b->dead)
        return b;
    const uint8_t *host;
    ram_t ram;
    MemFault fault;
    if (!fetch(e, pc, &host, &ram, &fault) || !host)
        return NULL;
    return code_cache_find(e->cache, pc, ram);
}

Block *engine_block(Engine *e, uint64_t pc)
{
    Block *b = interp_find_jump(&e->in, pc);
    if (b->pc == pc && !b->dead)
        return b;
    const uint8_t *host;
    ram_t ram;
    MemFault fault;
    if (e->breakpoints && breakpoint_stops(e, pc))
        return NULL;
    if (!fetch(e, pc, &host, &ram, &fault)) {
        tap_blocks_fetch_fault(e, &fault);
        return NULL;
    }
    if (!host)
        return engine_uncached(e, pc, 1);
    b = code_cache_find(e->cache, pc, ram);
    if (!b)
        b = translate_cached(e, pc, ram, host);
    else if (!second_page_holds(e, b))
        b = engine_uncached(e, pc, 1);
    return b;
}

Block *engine_make(Engine *e, uint64_t pc)
{
    const uint8_t *host;
    ram_t ram, next;
    MemFault fault;
    if (breakpoint_at(e, pc) || !fetch(e, pc, &host, &ram, &fault) || !host)
        return NULL;
    Block *b = code_cache_find(e->cache, pc, ram);
    if (b)
        return second_page_holds(e, b) ? b : NULL;
    if (((pc + 3) ^ pc) & PAGE_MASK && !fetch_page(e, pc + 3, &next))
        return NULL;
    b = translate_cached(e, pc, ram, host);
    return b && !b->uncached ? b : NULL;
}

// Leads compiled code straight from where it left to b.
static void chain(Engine *e, Block *b)
{
    if (code_cache_may_chain(e->from, b)) {
        code_cache_chain(e->cache, e->from, e->from_slot, b->unit, b->entry);
    } else {
        code_cache_chain_by_table(e->cache, e->from, e->from_slot);
        code_cache_note_jump(e->cache, b->pc, b->unit, b->entry);
    }
}

static bool leads_to(const JitUnit *u, unsigned slot, const Block *b)
{
    return !u->dead && u->base + (uint64_t)u->sites[slot].pc == b->pc;
}

// The block behind the static exit by which baseline code was left, if that is known, else NULL.
static Block *next_of(const Engine *e)
{
    const JitUnit *u = e->from;
    Block *b = u && u->block && !u->dead ? u->block->succ[e->from_slot] : NULL;
    return b && !b->dead && b->pc == e->env->pc ? b : NULL;
}

// The interpreter came from `last` to b by a static edge, unless an interrupt sent it elsewhere.
static void link_interpreted(Engine *e, Block *last, Block *b)
{
    if (last->dead || last->succ_pc[e->in.edge] != b->pc)
        return;
    if (code_cache_may_link(last, b))
        last->succ[e->in.edge] = b;
    else
        interp_note_jump(&e->in, b);
}

// The same for compiled code, which left by a slot of e->from.
static void link_compiled(Engine *e, Block *b)
{
    bool usable = usable_unit(e, b); // this may have had to forget where control came from
    const JitUnit *from = e->from;
    if (!from || !leads_to(from, e->from_slot, b))
        return;
    if (usable)
        chain(e, b);
    else if (from->block && code_cache_may_link(from->block, b))
        from->block->succ[e->from_slot] = b;
    else
        interp_note_jump(&e->in, b);
}

// Remembers how control came to b, so that next time it comes without the engine, or the engine finds b at once.
void engine_link_to(Engine *e, Block *b)
{
    bool indirect = e->in.indirect || e->from_indirect;
    if (e->chain && !b->uncached) { // else every entry comes through here
        if (e->in.last)
            link_interpreted(e, e->in.last, b);
        else if (e->from)
            link_compiled(e, b);
        else if (e->from_indirect && usable_unit(e, b))
            code_cache_note_jump(e->cache, b->pc, b->unit, b->entry);
        if (indirect)
            interp_note_jump(&e->in, b);
    }
    if (indirect)
        b->ind_target = true;
    e->in.last = NULL;
    e->in.indirect = e->from_indirect = false;
    e->from = NULL;
}

// Runs compiled code until it returns. True if the next block must be interpreted.
static bool run_unit(Engine *e, Block *b)
{
    IrEnv *env = e->env;
    uint64_t before = ir_env_icount(env);
    e->stats.jit_entries++;
    fp_mode_enter(env);
    JitSlot *slots = jit_enter(env, b->unit->slots, b->entry, b->unit->code);
    fp_mode_leave(env);
    JitUnit *u = e->ran = jit_unit_of(slots);
    bool interpret = false, faulted = e->faulted;
    const JitSite *site = env->exit_site == JIT_SITE_PC ? NULL : &u->sites[env->exit_site];
    if (!site || site->why == JIT_JUMPED) {
        e->from_indirect = true;
    } else {
        env->pc = u->base + (uint64_t)site->pc;
        env->left += site->adjust;
        env->n_load -= site->loads;
        env->n_store -= site->stores;
        env->tap.loads -= site->loads;
        env->tap.stores -= site->stores;
        interpret = site->why == JIT_BEFORE || site->why == JIT_REFUSED;
        if (site->why == JIT_HOT) {
            (*u->block->runs)++;
            tier_hot(e, u->block);
        }
        if (env->exit_site < u->n_slots) {
            e->from = u;
            e->from_slot = (unsigned)env->exit_site;
        }
    }
    if (e->in.left && (interpret || faulted) && u->block)
        e->in.left(e->in.opaque, u->block, (unsigned)-site->adjust);
    if (faulted) {
        e->faulted = interpret = false;
        *(e->fault.access == ACCESS_READ ? &env->n_load : &env->n_store) += 1; // it was done
        tap_add(&env->tap, e->fault.access, 1);
        env->ops->mem_fault(env, &e->fault);
    }
    e->stats.jit_insns += ir_env_icount(env) - before;
    if (jit_slots_head(slots)->exits_left < 0)
        tier_exit_counted(e, u, site);
    return interpret;
}

// Runs b and what follows. The block that it ended before, if that is known, else NULL.
static Block *interpret(Engine *e, Block *b)
{
    e->ran = NULL;
    if (interp_run(&e->in, b) != INTERP_ENTER)
        return NULL;
    e->in.entered->heat++; // INTERP_ENTER has counted the entry already, and the loop counts it again
    return e->in.entered->dead ? NULL : e->in.entered;
}

// True: no block is good any more.
bool engine_flush_if_wanted(Engine *e)
{
    if (!e->flush_wanted && code_cache_block_bytes(e->cache) < MAX_BLOCK_BYTES)
        return false;
    const char *why = e->flush_wanted ? "the memory for code is full" : "too many blocks";
    e->flush_wanted = false;
    e->epoch++;
    g_ptr_array_set_size(e->candidates, 0);
    g_ptr_array_set_size(e->remakes, 0);
    g_hash_table_remove_all(e->preds);
    g_array_set_size(e->pred_list, 1);
    g_hash_table_remove_all(e->return_sites);
    e->noted = 0;
    e->ran = NULL;
    costs_forget(e);
    engine_stats_blocks_end(e);
    engine_tally_blocks_end(e);
    tap_blocks_dropped(e);
    if (e->config.steps)
        e->config.steps->dropped(e->config.steps->opaque);
    code_cache_flush_all(e->cache);
    enter_mode(e);
    if (e->watchers)
        engine_tell(e, (EngineEvent){.kind = ENGINE_FLUSHED, .why = why});
    return true;
}

// The way from compiled code to an interpreted block and back costs what ENTRY_WEIGHT times interpreting it does.
static void weigh_entry(Block *b)
{
    int32_t more = MIN(b->heat, ENTRY_WEIGHT - 1);
    b->heat -= MAX(more, 0);
    b->count_base -= (uint64_t)MAX(more, 0); // the number of entries stays
}

void engine_run(Engine *e)
{
    IrEnv *env = e->env;
    bool force_interp = false;
    Block *known = NULL; // the block at env->pc
    e->at_breakpoint = false;
    for (unsigned round = 0; env->left > 0 && round < MAX_ROUNDS && !g_atomic_int_get(&env->exit_request);
         round++) {
        if (e->queue && g_atomic_int_get(&e->result_ready))
            tier_poll(e);
        if (engine_flush_if_wanted(e))
            known = NULL;
        Block *b = known ? known : engine_block(e, env->pc);
        known = NULL;
        if (!b)
            continue;
        bool compiled_before = e->from || e->from_indirect;
        engine_link_to(e, b);
        if (compiled_before && !b->unit)
            weigh_entry(b);
        if (log_on(LOG_EXEC | LOG_CPU))
            dump_entry(e, b);
        if (--b->heat < 0) {
            if (!b->unit)
                tier_warm(e, b);
            if (b->unit) { // every entry comes here; only what is interpreted counts
                bool run = !force_interp && usable_unit(e, b);
                b->count_base += (uint64_t)((int64_t)b->heat_start - b->heat) - run;
                b->heat = b->heat_start = 0;
                if (run) {
                    force_interp = run_unit(e, b);
                    known = next_of(e);
                    continue;
                }
            }
        }
        force_interp = false;
        known = interpret(e, b);
    }
}

// Interprets b alone: the slice is made to end with it.
void engine_run_one(Engine *e, Block *b)
{
    int64_t rest = e->env->left - 1;
    e->ran = engine_would_run(e, b);
    engine_link_to(e, b);
    b->heat--;
    e->env->icount_limit -= (uint64_t)rest;
    e->env->left = 1;
    interp_run(&e->in, b);
    e->env->icount_limit += (uint64_t)rest;
    e->env->left += rest;
    e->in.last = NULL;
}

bool engine_enter_compiled(Engine *e)
{
    if (e->queue && g_atomic_int_get(&e->result_ready))
        tier_poll(e);
    engine_flush_if_wanted(e);
    Block *b = engine_block(e, e->env->pc);
    if (!b)
        return false;
    if (!b->unit && --b->heat < 0)
        tier_warm(e, b);
    engine_link_to(e, b);
    if (!usable_unit(e, b))
        return false;
    run_unit(e, b);
    return true;
}

void engine_invalidate(Engine *e, ram_t start, uint64_t len)
{
    code_cache_invalidate(e->cache, start, len);
}

void engine_set_mode(Engine *e, unsigned mode, uint64_t space, unsigned asid)
{
    if (e->config.stats)
        engine_stats_mode_ends(e);
    e->mode = mode;
    e->space = space;
    e->asid = asid;
    enter_mode(e);
}

void engine_forget_spaces(Engine *e, unsigned asid)
{
    jump_tables_forget_spaces(code_cache_jumps(e->cache), asid);
    enter_mode(e);
}

void engine_forget_page(Engine *e, uint64_t va, unsigned asid)
{
    jump_tables_forget_page(code_cache_jumps(e->cache), va, asid);
    enter_mode(e);
}

void engine_unlink(Engine *e)
{
    code_cache_unlink_all(e->cache);
    enter_mode(e);
}
