// SPDX-License-Identifier: GPL-3.0-or-later
// Recording a timeline. Each hart writes into its own part, on its own thread.
#include "machine/profile/timeline_private.h"

#include "backend/engine_watch.h"
#include "machine/exec_private.h"
#include "machine/names.h"
#include "machine/sampler.h"
#include "util/clock.h"

#define INSTANTS_MAX 4000 // of a kind and cause: what happens more often is in the counters only
#define WAITS_MAX 20000
#define COMPILES_MAX 50000

static uint64_t time_of(const Timeline *t, uint64_t ns)
{
    return t->guest_time ? machine_clock_ns(t->m) : ns - MIN(ns, t->start_ns);
}

// --- bins

static void widen(TimelineHart *h)
{
    unsigned n = (h->bins->len + 1) / 2;
    for (unsigned i = 0; i < n; i++) {
        Bin sum = g_array_index(h->bins, Bin, 2 * i);
        if (2 * i + 1 < h->bins->len) {
            const Bin *b = &g_array_index(h->bins, Bin, 2 * i + 1);
            sum.insns += b->insns;
            sum.misses += b->misses;
            uint32_t *to = &sum.translated;
            const uint32_t *from = &b->translated;
            for (unsigned k = 0; k < (sizeof sum - offsetof(Bin, translated)) / sizeof *to; k++)
                to[k] += from[k];
        }
        g_array_index(h->bins, Bin, i) = sum;
    }
    g_array_set_size(h->bins, n);
    h->bin_ns *= 2;
    h->misses_bin /= 2;
}

static Bin *bin_at(TimelineHart *h, uint64_t ts)
{
    while (ts / h->bin_ns >= BINS_MAX)
        widen(h);
    unsigned i = (unsigned)(ts / h->bin_ns);
    if (i >= h->bins->len)
        g_array_set_size(h->bins, i + 1);
    return &g_array_index(h->bins, Bin, i);
}

// The hart has retired insns up to ts: evenly since it was last asked.
static void progress(TimelineHart *h, uint64_t ts, uint64_t insns)
{
    uint64_t left = insns - h->last_insns, at = h->last_ts;
    bin_at(h, ts); // may widen
    while (left && at < ts) {
        uint64_t end = MIN((at / h->bin_ns + 1) * h->bin_ns, ts);
        uint64_t part = (uint64_t)((double)left * ((double)(end - at) / (double)(ts - at)));
        bin_at(h, at)->insns += part;
        left -= part;
        at = end;
    }
    bin_at(h, ts)->insns += left;
    h->last_ts = MAX(ts, h->last_ts);
    h->last_insns = insns;
}

static uint64_t tlb_misses(const Cpu *cpu)
{
    TlbStats s;
    uint64_t n = 0;
    tlb_stats(cpu->tlb, &s);
    for (unsigned m = 0; m < TLB_MMU_INDEXES; m++)
        for (unsigned a = 0; a < ACCESS_KINDS; a++)
            n += s.kind[m][a].fill_ok + s.kind[m][a].fill_fault;
    return n;
}

static void count_misses(TimelineHart *h, uint64_t ts)
{
    uint64_t n = tlb_misses(h->cpu);
    bin_at(h, ts)->misses += n - h->misses;
    h->misses = n;
    h->misses_bin = ts / h->bin_ns;
}

static void sample(void *opaque, Cpu *cpu, uint64_t insns)
{
    Timeline *t = opaque;
    TimelineHart *h = &t->hart[cpu->hart.hartid];
    uint64_t ts = time_of(t, clock_ns(CLOCK_MONOTONIC));
    (void)insns;
    progress(h, ts, ir_env_icount(&cpu->hart.env));
    if (ts / h->bin_ns != h->misses_bin)
        count_misses(h, ts);
}

// --- the processor's events

static void add_instant(TimelineHart *h, const Instant *i, uint64_t what)
{
    if (h->n_instants[i->kind][what % CAUSES]++ < INSTANTS_MAX)
        g_array_append_val(h->instants, *i);
}

// Takes waits for one that have little between them, until they are few.
static void merge_waits(TimelineHart *h)
{
    while (h->waits->len >= WAITS_MAX) {
        unsigned n = 0;
        h->wait_gap = h->wait_gap ? 2 * h->wait_gap : BIN_NS;
        for (unsigned i = 0; i < h->waits->len; i++) {
            const Wait *w = &g_array_index(h->waits, Wait, i);
            Wait *before = n ? &g_array_index(h->waits, Wait, n - 1) : NULL;
            if (before && w->start - before->end <= h->wait_gap) {
                before->end = w->end;
                before->n += w->n;
            } else {
                g_array_index(h->waits, Wait, n++) = *w;
            }
        }
        g_array_set_size(h->waits, n);
    }
}

static void end_wait(TimelineHart *h, uint64_t ts)
{
    Wait w = {h->wait_start, ts, 1};
    merge_waits(h);
    g_array_append_val(h->waits, w);
    h->last_ts = MAX(ts, h->last_ts); // nothing retired meanwhile
}

static void cpu_event(void *opaque, const CpuEvent *e)
{
    TimelineHart *h = opaque;
    uint64_t ts = time_of(h->timeline, e->ns);
    progress(h, ts, e->insns);
    Bin *b = bin_at(h, ts);
    switch (e->kind) {
    case CPU_EXCEPTION:
        b->exceptions[e->cause % CAUSES]++;
        break;
    case CPU_INTERRUPT:
        b->interrupts[e->cause % CAUSES]++;
        break;
    case CPU_WFI_BEGIN:
        h->wait_start = ts;
        return;
    case CPU_WFI_END:
        end_wait(h, ts);
        return;
    case CPU_TLB_FLUSH:
        b->flushes++;
        break;
    case CPU_TLB_FENCE:
        b->fences++;
        break;
    case CPU_SPACE:
        b->spaces++;
        break;
    case CPU_RESET:
        break;
    }
    Instant i = {e->kind, ts, e->cause, e->tval, e->pc, NULL};
    add_instant(h, &i, e->kind == CPU_EXCEPTION || e->kind == CPU_INTERRUPT ? e->cause : 0);
}

// --- the engine's

static Compile *open_compile(TimelineHart *h, uint64_t pc)
{
    for (unsigned i = h->compiles->len; i-- > 0;) {
        Compile *c = &g_array_index(h->compiles, Compile, i);
        if (c->open && c->pc == pc)
            return c;
    }
    return NULL;
}

static void add_compile(TimelineHart *h, const EngineEvent *e, uint64_t ts, bool open)
{
    if (h->compiles->len >= COMPILES_MAX)
        return;
    Name name = names_at(machine_names(h->timeline->m), h->cpu, e->pc, false);
    Compile c = {.start = ts, .end = ts, .pc = e->pc, .n_blocks = e->n_blocks, .n_insns = e->n_insns, .open = open,
                 .loaded = e->loaded, .name = g_strdup(name.function), .bytes = e->host_bytes};
    g_array_append_val(h->compiles, c);
}

static void end_compile(TimelineHart *h, const EngineEvent *e, uint64_t ts)
{
    if (e->loaded)
        add_compile(h, e, ts - MIN(ts, e->end_ns - e->start_ns), true);
    Compile *c = open_compile(h, e->pc);
    if (!c)
        return;
    c->open = false;
    c->end = ts;
    c->cpu_ns = e->loaded ? 0 : e->cpu_ns;
    c->bytes = e->host_bytes;
    c->why = g_strdup(e->why);
}

static void engine_event(void *opaque, const EngineEvent *e)
{
    TimelineHart *h = opaque;
    uint64_t ts = time_of(h->timeline, e->end_ns);
    Bin *b = bin_at(h, ts);
    switch (e->kind) {
    case ENGINE_TRANSLATED:
        b->translated++;
        b->kept += e->loaded;
        break;
    case ENGINE_BASELINE:
        b->baseline++;
        break;
    case ENGINE_REGION_SENT:
        add_compile(h, e, ts, true);
        break;
    case ENGINE_REGION:
        b->regions++;
        end_compile(h, e, ts);
        break;
    case ENGINE_REGION_FAILED:
        end_compile(h, e, ts);
        break;
    case ENGINE_DROPPED:
        b->dropped++;
        break;
    case ENGINE_FLUSHED:
        add_instant(h, &(Instant){CPU_TLB_FLUSH, ts, 0, 0, 0, e->why}, 1);
        break;
    }
}

static void ready(void *opaque, Machine *m)
{
    Timeline *t = opaque;
    t->start_ns = clock_ns(CLOCK_MONOTONIC);
    for (unsigned i = 0; i < t->n_harts; i++) {
        TimelineHart *h = &t->hart[i];
        Cpu *compiled = machine_mirror(m) ? machine_mirror(m) : machine_cpu(m, i); // what -accel check compiles
        h->cpu = machine_cpu(m, i);
        h->watcher = (CpuWatcher){h, cpu_event, NULL};
        cpu_add_watcher(h->cpu, &h->watcher);
        engine_add_watcher(compiled->engine, &(EngineWatcher){h, engine_event});
    }
}

uint64_t timeline_end(Timeline *t)
{
    uint64_t end = time_of(t, clock_ns(CLOCK_MONOTONIC));
    for (unsigned i = 0; i < t->n_harts; i++) {
        progress(&t->hart[i], end, ir_env_icount(&t->hart[i].cpu->hart.env));
        count_misses(&t->hart[i], end);
    }
    return end;
}

static void clear_compile(gpointer p)
{
    Compile *c = p;
    g_free(c->name);
    g_free(c->why);
}

Timeline *timeline_attach(Machine *m, bool guest_time)
{
    Timeline *t = g_new0(Timeline, 1);
    t->m = m;
    t->guest_time = guest_time;
    t->n_harts = board_harts(machine_board(m));
    t->hart = g_new0(TimelineHart, t->n_harts);
    for (unsigned i = 0; i < t->n_harts; i++) {
        TimelineHart *h = &t->hart[i];
        h->timeline = t;
        h->bins = g_array_new(FALSE, TRUE, sizeof(Bin));
        h->instants = g_array_new(FALSE, FALSE, sizeof(Instant));
        h->waits = g_array_new(FALSE, FALSE, sizeof(Wait));
        h->compiles = g_array_new(FALSE, FALSE, sizeof(Compile));
        g_array_set_clear_func(h->compiles, clear_compile);
        h->bin_ns = BIN_NS;
    }
    machine_add_ready(m, ready, t);
    machine_add_sampler(m, SAMPLER_PERIOD, &(SampleListener){t, sample});
    return t;
}

void timeline_free(Timeline *t)
{
    for (unsigned i = 0; t && i < t->n_harts; i++) {
        TimelineHart *h = &t->hart[i];
        g_array_free(h->bins, TRUE);
        g_array_free(h->instants, TRUE);
        g_array_free(h->waits, TRUE);
        g_array_free(h->compiles, TRUE);
    }
    if (t)
        g_free(t->hart);
    g_free(t);
}
