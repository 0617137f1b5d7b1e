// SPDX-License-Identifier: GPL-3.0-or-later
// Tier-up: which hot block is compiled next, and what happens when its code arrives.
#include "backend/baseline.h"
#include "backend/engine_private.h"
#include "backend/exits.h"
#include "backend/loader.h"
#include "backend/moves.h"
#include "backend/unit_lines.h"
#include "ir/plant.h"
#include "util/log.h"
#include "util/clock.h"
#include "util/warn.h"
#include <gio/gio.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

// Of a batch: an empty region takes GCC some 10 ms, 60 instructions take 30.
#define BATCH_INSNS 60
#define AGAIN 8 // a block inside a region must be interpreted this much more before it gets code of its own

// Heat counts down in the interpreter, to baseline code; runs in that, to a region. Either is refilled each time it
// runs out, so that a block which waits for a worker keeps being counted and the hottest goes first.
void tier_reset_heat(Engine *e, Block *b)
{
    uint64_t hot = e->queue ? MIN((uint64_t)e->config.threshold * (b->compiled ? AGAIN : 1), INT_MAX) : INT_MAX;
    b->count_base = block_count(b);
    b->base_count = block_base_count(b);
    bool now = b->base || (b->kept_code && !e->no_code); // whose code is there already
    b->heat = b->heat_start = now ? 0 : (int32_t)(e->config.baseline ? MIN(e->config.warm, hot) : hot);
    *b->runs = b->runs_start = b->base ? (int32_t)hot : 0;
}

void tier_not_installed(Engine *e, const GError *error)
{
    static gint said;
    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_NO_SPACE))
        e->flush_wanted = true;
    else if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_FAILED))
        e->no_code = true;
    else
        warn_once(&said, "compiled code cannot be used (%s): it runs in a slower tier", error->message);
}

void tier_warm(Engine *e, Block *b)
{
    if (tier_cache_load(e, b))
        return;
    g_autoptr(GError) error = NULL;
    JitUnit *u = NULL;
    uint64_t start = clock_ns(CLOCK_MONOTONIC), kept = e->stats.kept_code, cpu = costs_now(e);
    if (e->config.baseline && !b->uncached && !e->no_code && !(u = tier_blocks_code(e, b, &error)) && !error)
        u = baseline_translate(b, e->env, e->config.system, tier_blocks_wanted(e, b), code_cache_memory(e->cache),
                               code_cache_arena(e->cache), &error);
    if (!u) {
        if (error)
            tier_not_installed(e, error);
        tier_hot(e, b);
        return;
    }
    code_cache_add_baseline(e->cache, u);
    if (e->costs)
        costs_add(e, b, (BlockCosts){.ns[COST_BASELINE] = costs_now(e) - cpu});
    tier_blocks_made(e, b);
    e->stats.baseline_blocks++;
    e->stats.baseline_insns += b->n_insns;
    e->stats.baseline_bytes += u->code_size + u->cold_size;
    e->stats.baseline_ns += clock_ns(CLOCK_MONOTONIC) - start;
    tier_reset_heat(e, b);
    tier_cache_try_again(e, b);
    if (log_on(LOG_OUT_ASM))
        dump_baseline(e, u);
    if (e->watchers)
        engine_tell_block(e, ENGINE_BASELINE, b, u, e->stats.kept_code != kept, start);
}

// The pages of b, once each: blocks come in the order of their pc.
static void add_pages(JitUnit *u, const Block *b)
{
    for (unsigned i = 0; i < b->n_spans; i++) {
        CodePage p = {(b->pc & PAGE_MASK) + i * PAGE_SIZE, b->span[i].start & PAGE_MASK};
        if (!u->pages->len || g_array_index(u->pages, CodePage, u->pages->len - 1).pc != p.pc)
            g_array_append_val(u->pages, p);
    }
}

GByteArray *text_of_result(QueueResult *r, size_t *entry, GError **error)
{
    const GByteArray *o = r->object;
    g_autofree char *name = object_name("region", r->index);
    g_autoptr(GByteArray) text = object_load(o->data, o->len, name, entry, error);
    if (text)
        r->moves = moves_of_object(o->data, o->len, r->index, text, *entry, error);
    if (text && r->want_lines)
        r->lines = lines_of_object(o->data, o->len, text->len, *entry);
    if (r->moves)
        r->exits = exits_section(o->data, o->len, r->index, error);
    return r->exits ? g_steal_pointer(&text) : NULL;
}

JitUnit *unit_from_result(CodeMemory *memory, uint64_t base, QueueResult *r, GError **error)
{
    size_t entry;
    g_autoptr(GByteArray) text = text_of_result(r, &entry, error);
    return text ? unit_from_code(memory, base, text, entry, r, error) : NULL;
}

JitUnit *unit_from_code(CodeMemory *memory, uint64_t base, const GByteArray *text, size_t entry, QueueResult *r,
                        GError **error)
{
    ExitTable *exits = exits_parse(r->exits->data, r->exits->len, r->n_sites, error);
    uint8_t *code = exits ? code_memory_install(memory, text->data, text->len, error) : NULL;
    if (!code) {
        exits_free(exits);
        return NULL;
    }
    JitUnit *u = g_new0(JitUnit, 1);
    u->base = base;
    u->memory = memory;
    u->text = code;
    u->code = (JitCode)(void *)(code + entry);
    u->code_size = text->len;
    u->exits = exits;
    u->slots = jit_slots_new(u, r->n_slots, NULL);
    u->sites = g_steal_pointer(&r->sites);
    u->entries = g_steal_pointer(&r->entries);
    u->n_slots = r->n_slots;
    u->n_sites = r->n_sites;
    u->n_entries = r->n_entries;
    u->compile_ns = r->compile_ns;
    u->info = region_info_new();
    u->info->lines = g_steal_pointer(&r->lines);
    memcpy(u->info->stage_ns, r->stage_ns, sizeof r->stage_ns);
    u->spans = g_array_new(FALSE, FALSE, sizeof(CodeSpan));
    for (unsigned i = 0; i < u->n_slots; i++)
        code_cache_reset_slot(u, i);
    return u;
}

static int compare_spans(gconstpointer p, gconstpointer q)
{
    const CodeSpan *a = p, *b = q;
    return a->start < b->start ? -1 : a->start > b->start;
}

// What the unit was made from.
static void describe_unit(JitUnit *u, const Trace *t)
{
    u->n_blocks = t->blocks->len;
    u->info->rq = t->rq;
    u->info->ends = t->ends;
    u->info->mode = t->head->mode;
    u->info->times_made = t->remade ? t->remade->info->times_made + 1 : 0;
    u->pages = g_array_new(FALSE, FALSE, sizeof(CodePage));
    for (unsigned i = 0; i < t->blocks->len; i++) {
        const Block *b = g_ptr_array_index(t->blocks, i);
        u->n_insns += b->n_insns;
        g_array_append_vals(u->spans, b->span, b->n_spans);
        add_pages(u, b);
    }
    g_array_sort(u->spans, compare_spans);
}

static bool stale(const Engine *e, const Trace *t)
{
    if (t->epoch != e->epoch)
        return true;
    for (unsigned i = 0; i < t->blocks->len; i++)
        if (((Block *)g_ptr_array_index(t->blocks, i))->dead)
            return true;
    return false;
}

static void install(Engine *e, Trace *t, QueueResult *r)
{
    g_autoptr(GError) error = NULL;
    uint64_t start = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    JitUnit *u = unit_from_result(code_cache_memory(e->cache), t->code->base, r, &error);
    if (!u) {
        e->stats.regions_failed++;
        t->head->refused = true;
        costs_refused(e, t->head, error->message);
        tier_not_installed(e, error);
        if (log_on(LOG_JIT))
            log_printf("jit: %s\n", error->message);
        if (e->watchers)
            engine_tell_trace(e, ENGINE_REGION_FAILED, t, r->compile_ns, error->message);
        return;
    }
    tier_cache_keep(e, t, u, r);
    tier_add_unit(e, t, u);
    u->info->load_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - start;
    e->stats.regions++;
    e->stats.regions_remade += t->remade != NULL;
    e->stats.region_insns += u->n_insns;
    e->stats.region_blocks += u->n_blocks;
    e->stats.region_bytes += u->code_size;
    if (log_on(LOG_JIT | LOG_OP_OPT | LOG_OP_PASS | LOG_GIMPLE | LOG_OUT_ASM))
        dump_region(e, r, u);
    if (e->watchers)
        engine_tell_region(e, ENGINE_REGION, u, false, t->sent_ns);
}

void tier_add_unit(Engine *e, Trace *t, JitUnit *u)
{
    describe_unit(u, t);
    u->map_epoch = 0; // its first entry looks
    tier_count_exits(e, u);
    u->paged = t->head->mode & CODE_PAGED;
    code_cache_add_unit(e->cache, u);
    for (unsigned i = 0; i < u->n_entries; i++) {
        for (unsigned k = 0; k < t->blocks->len; k++) {
            Block *b = g_ptr_array_index(t->blocks, k);
            if (b->pc != u->base + (uint64_t)u->entries[i])
                continue;
            b->count_base = block_count(b);
            b->base_count = block_base_count(b);
            code_cache_set_unit(e->cache, b, u, i);
            b->heat = b->heat_start = 0; // from now on every entry comes through the engine
            *b->runs = b->runs_start = 0;
        }
    }
    for (unsigned k = 0; k < t->blocks->len; k++) {
        Block *b = g_ptr_array_index(t->blocks, k);
        b->compiled = true;
        if (b->unit == b->base)
            tier_reset_heat(e, b);
    }
    u->ir = g_steal_pointer(&t->code);
}

// While a region is being compiled its blocks are no candidates of their own.
static void set_in_work(const Trace *t, bool in_work)
{
    for (unsigned i = 0; i < t->blocks->len; i++) {
        Block *b = g_ptr_array_index(t->blocks, i);
        b->in_work = in_work;
        b->queued = false;
    }
}

static void take(Engine *e, QueueResult *r)
{
    Trace *t = r->job;
    e->stats.compile_ns += r->compile_ns;
    if (t->epoch == e->epoch) {
        set_in_work(t, false);
        t->head->refused = r->failed; // once is enough
    }
    if (r->failed) {
        e->stats.regions_failed++;
        if (t->epoch == e->epoch)
            costs_refused(e, t->head, r->message);
        if (log_on(LOG_JIT))
            log_printf("jit: region at 0x%" PRIx64 ": %s\n", t->code->base, r->message);
        if (e->watchers)
            engine_tell_trace(e, ENGINE_REGION_FAILED, t, r->compile_ns, r->message);
    } else if (stale(e, t)) {
        e->stats.regions_dropped++;
        if (e->watchers)
            engine_tell_trace(e, ENGINE_REGION_FAILED, t, r->compile_ns,
                              t->epoch != e->epoch ? "all code was dropped meanwhile"
                                                   : "its guest code was written to meanwhile");
    } else {
        install(e, t, r);
    }
    trace_free(t);
    queue_result_free(r);
}

bool tier_take(Engine *e, bool wait)
{
    QueueResult *r = queue_take(e->queue, wait);
    if (r)
        take(e, r);
    return r;
}

static Block *hottest(Engine *e)
{
    Block *best = NULL;
    unsigned at = 0;
    for (unsigned i = 0; i < e->candidates->len;) {
        Block *b = g_ptr_array_index(e->candidates, i);
        if (b->dead || b->unit != b->base || b->in_work || b->compiled) {
            b->queued = false;
            g_ptr_array_remove_index_fast(e->candidates, i);
            continue;
        }
        if (engine_peek(e, b->pc) == b && (!best || block_count(b) > block_count(best))) { // mapped at this moment
            best = b;
            at = i;
        }
        i++;
    }
    if (best)
        g_ptr_array_remove_index_fast(e->candidates, at);
    return best;
}

// User programs under an operating system: these are what comes at another address each time. Elsewhere constants are
// shorter and known to GCC.
bool tier_movable(const Block *b)
{
    return b->mode == CODE_PAGED;
}

JitRequest tier_request(const Engine *e, const Block *head)
{
    return (JitRequest){.opt = (uint8_t)e->config.opt,
                        .stats = e->config.stats,
                        .shared = e->config.shared,
                        .movable = tier_movable(head),
                        .linear = !(head->mode & CODE_PAGED),
                        .second_regs = head->second_regs,
                        .second_start = e->env->runs.run[2].start,
                        .second_size = e->env->runs.run[2].size,
                        .n_helpers = e->env->ops->n_helpers,
                        .plant = plant_get()};
}

// The trace as a job for the queue, its text to be freed; how many instructions it has.
static unsigned make_job(Engine *e, Trace *t, QueueJob *out)
{
    t->cache_head = tier_cache_head(e, t->head);
    GString *text = g_string_new(NULL);
    ir_print(text, t->code);
    t->rq = tier_request(e, t->head);
    set_in_work(t, true);
    *out = (QueueJob){t->rq, g_string_free(text, FALSE), t};
    out->rq.want_gimple = log_on(LOG_GIMPLE);
    out->rq.want_ir = log_on(LOG_OP_OPT);
    out->rq.want_lines = e->config.lines || log_on(LOG_OUT_ASM);
    unsigned insns = 0;
    for (unsigned i = 0; i < t->code->n_blocks; i++)
        insns += t->code->blocks[i]->n_insns;
    return insns;
}

static void tell_sent(Engine *e, const QueueJob *jobs, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        Trace *t = jobs[i].job;
        t->sent_ns = clock_ns(CLOCK_MONOTONIC);
        engine_tell_trace(e, ENGINE_REGION_SENT, t, 0, NULL);
    }
}

static void submit(Engine *e, QueueJob *jobs, unsigned n)
{
    if (e->watchers)
        tell_sent(e, jobs, n);
    if (n)
        queue_submit_batch(e->queue, jobs, n);
    for (unsigned i = 0; i < n; i++)
        g_free(jobs[i].text);
}

void tier_submit_trace(Engine *e, Trace *t)
{
    QueueJob job;
    make_job(e, t, &job);
    submit(e, &job, 1);
}

// What the region around b is to have; NULL: it is not worth it.
static Trace *form(Engine *e, Block *b, uint64_t min_mean)
{
    Trace *t = trace_form(e, b, min_mean);
    b->mean_low = !t;
    if (!t)
        b->queued = false;
    return t;
}

void tier_submit(Engine *e, Block *b, uint64_t min_mean)
{
    Trace *t = form(e, b, min_mean);
    if (t)
        tier_submit_trace(e, t);
}

// The hottest region to a free worker, and with it the next ones that would else wait, as long as it is not delayed by
// much. False: there is none.
static bool submit_hottest(Engine *e)
{
    QueueJob jobs[JIT_BATCH];
    unsigned n = 0, total = 0;
    Block *b;
    while (n < JIT_BATCH && (!n || e->candidates->len >= queue_idle(e->queue)) && (b = hottest(e))) {
        Trace *t = form(e, b, e->config.threshold);
        if (!t)
            continue;
        total += make_job(e, t, &jobs[n]);
        if (n && total > BATCH_INSNS) { // too large for this batch: the next one
            submit(e, jobs, n);
            submit(e, &jobs[n], 1);
            return true;
        }
        n++;
    }
    submit(e, jobs, n);
    return n;
}

void tier_poll(Engine *e)
{
    g_atomic_int_set(&e->result_ready, 0);
    while (tier_take(e, false))
        ;
    while (queue_idle(e->queue) && (tier_remake_next(e) || submit_hottest(e))) // the former have run for longest
        ;
}

void tier_hot(Engine *e, Block *b)
{
    if (b->uncached || tier_cache_hot(e, b))
        return;
    tier_reset_heat(e, b);
    if (!e->queue || b->queued || b->in_work || b->refused || e->no_code)
        return;
    b->compiled = false; // it was interpreted a lot all the same
    b->queued = true;
    b->second_regs = 0;
    for (unsigned r = 1; r < 32; r++)
        if (e->env->r[r] - e->env->runs.run[2].start < e->env->runs.run[2].size)
            b->second_regs |= 1u << r;
    if (e->config.sync) {
        tier_submit(e, b, 0);
        while (tier_take(e, true))
            ;
        return;
    }
    g_ptr_array_add(e->candidates, b);
    if (queue_idle(e->queue))
        tier_poll(e);
}
