// SPDX-License-Identifier: GPL-3.0-or-later
// A timeline as JSON: each hart a process with a track of events and counters, and one for the compile workers.
#include "machine/profile/timeline_private.h"

#include "frontend/trap.h"
#include "machine/exec_private.h"
#include "machine/profile/quote.h"
#include "util/clock.h"
#include <inttypes.h>

#define WORKERS_PID 1000
#define CACHE_TID 1000 // of regions that were loaded, not compiled

typedef struct {
    GString *s;
    bool any;
} Out;

static double us(uint64_t ns)
{
    return (double)ns / 1000;
}

// The start of an event; its arguments, and "}", follow.
static void begin(Out *o, const char *ph, const char *name, const char *cat, uint64_t ts, unsigned pid, unsigned tid)
{
    g_string_append(o->s, o->any ? ",\n{\"name\":" : "\n{\"name\":");
    o->any = true;
    quote_json(o->s, name);
    g_string_append_printf(o->s, ",\"cat\":\"%s\",\"ph\":\"%s\",\"ts\":%.3f,\"pid\":%u,\"tid\":%u", cat, ph, us(ts),
                           pid, tid);
}

static void name_track(Out *o, const char *what, unsigned pid, unsigned tid, const char *name)
{
    begin(o, "M", what, "__metadata", 0, pid, tid);
    g_string_append(o->s, ",\"args\":{\"name\":");
    quote_json(o->s, name);
    g_string_append(o->s, "}}");
}

static unsigned pid_of(const TimelineHart *h)
{
    return 1 + (unsigned)h->cpu->hart.hartid;
}

// --- counters

typedef struct {
    const char *name;
    unsigned first, n; // of the bin's 32-bit counts
} Counter;

#define AT(field) (offsetof(Bin, field) / sizeof(uint32_t))

static const char *const count_names[] = {"translated", "baseline", "from the cache", "regions", "dropped", "fences",
                                          "flushes", "satp"};
static const Counter counters[] = {{"code made", AT(translated), 5},
                                   {"translation changes", AT(fences), 3},
                                   {"exceptions", AT(exceptions), CAUSES},
                                   {"interrupts", AT(interrupts), CAUSES}};

static const char *count_name(unsigned i)
{
    if (i >= AT(interrupts))
        return hart_trap_name(i - AT(interrupts), true);
    return i >= AT(exceptions) ? hart_trap_name(i - AT(exceptions), false) : count_names[i - AT(translated)];
}

static uint32_t count_of(const Bin *b, unsigned i)
{
    return ((const uint32_t *)(const void *)b)[i];
}

// What changes between two bins; a counter is 0 outside.
static bool same(const Bin *a, const Bin *b, const Counter *c)
{
    for (unsigned i = c->first; i < c->first + c->n; i++)
        if (count_of(a, i) != count_of(b, i))
            return false;
    return true;
}

// used: which of its counts are ever there. Values are per millisecond.
static void print_counter(Out *o, const TimelineHart *h, const Counter *c, const bool *used)
{
    static const Bin none;
    const Bin *last = &none;
    for (unsigned k = 0; k <= h->bins->len; k++) {
        const Bin *b = k < h->bins->len ? &g_array_index(h->bins, Bin, k) : &none;
        if (same(b, last, c))
            continue;
        last = b;
        begin(o, "C", c->name, "counter", k * h->bin_ns, pid_of(h), 1);
        const char *sep = ",\"args\":{";
        for (unsigned i = c->first; i < c->first + c->n; i++) {
            if (!used[i])
                continue;
            g_string_append_printf(o->s, "%s\"%s\":%g", sep, count_name(i),
                                   (double)count_of(b, i) * BIN_NS / (double)h->bin_ns);
            sep = ",";
        }
        g_string_append(o->s, "}}");
    }
}

static void print_rate(Out *o, const TimelineHart *h, const char *name, size_t field, double scale)
{
    uint64_t last = 0;
    for (unsigned k = 0; k <= h->bins->len; k++) {
        const uint8_t *b = k < h->bins->len ? (const uint8_t *)&g_array_index(h->bins, Bin, k) : NULL;
        uint64_t v = b ? *(const uint64_t *)(const void *)(b + field) : 0;
        if (v == last)
            continue;
        last = v;
        begin(o, "C", name, "counter", k * h->bin_ns, pid_of(h), 1);
        g_string_append_printf(o->s, ",\"args\":{\"%s\":%.3f}}", name, (double)v * scale / (double)h->bin_ns);
    }
}

static void print_counters(Out *o, const TimelineHart *h)
{
    for (unsigned c = 0; c < G_N_ELEMENTS(counters); c++) {
        bool used[sizeof(Bin) / sizeof(uint32_t)] = {false}, any = false;
        for (unsigned k = 0; k < h->bins->len; k++)
            for (unsigned i = counters[c].first; i < counters[c].first + counters[c].n; i++)
                any |= used[i] |= count_of(&g_array_index(h->bins, Bin, k), i) != 0;
        if (any)
            print_counter(o, h, &counters[c], used);
    }
    print_rate(o, h, "MIPS", offsetof(Bin, insns), 1000);
    print_rate(o, h, "TLB misses", offsetof(Bin, misses), BIN_NS);
}

// --- events of a hart

static void print_fence(Out *o, const Instant *i)
{
    const char *what = i->cause & CPU_FENCE_PAGE ? "page" : "all";
    g_string_append_printf(o->s, ",\"s\":\"t\",\"args\":{\"what\":\"%s%s\"", what,
                           i->cause & CPU_FENCE_ASID ? ", one ASID" : "");
    if (i->cause & CPU_FENCE_PAGE)
        g_string_append_printf(o->s, ",\"address\":\"0x%" PRIx64 "\"", i->tval);
}

static void print_instant(Out *o, const TimelineHart *h, const Instant *i)
{
    static const char *const names[] = {[CPU_TLB_FLUSH] = "TLB flush", [CPU_TLB_FENCE] = "sfence.vma",
                                        [CPU_SPACE] = "satp", [CPU_RESET] = "reset"};
    bool trap = i->kind == CPU_EXCEPTION || i->kind == CPU_INTERRUPT;
    const char *name = i->why ? "code flush" : trap ? hart_trap_name(i->cause, i->kind == CPU_INTERRUPT)
                                                    : names[i->kind];
    const char *cat = i->kind == CPU_EXCEPTION ? "exception" : trap ? "interrupt" : i->why ? "code" : "translation";
    begin(o, "i", name, cat, i->ts, pid_of(h), 1);
    if (i->kind == CPU_TLB_FENCE)
        print_fence(o, i);
    else
        g_string_append(o->s, ",\"s\":\"t\",\"args\":{");
    const char *sep = i->kind == CPU_TLB_FENCE ? "," : "";
    if (i->why) {
        g_string_append(o->s, "\"why\":");
        quote_json(o->s, i->why);
        sep = ",";
    }
    if (i->kind == CPU_SPACE)
        g_string_append_printf(o->s, "\"value\":\"0x%" PRIx64 "\",", i->tval);
    if (i->kind == CPU_EXCEPTION)
        g_string_append_printf(o->s, "\"tval\":\"0x%" PRIx64 "\",", i->tval);
    if (i->kind == CPU_SPACE || trap)
        sep = "";
    if (!i->why)
        g_string_append_printf(o->s, "%s\"pc\":\"0x%" PRIx64 "\"", sep, i->pc);
    g_string_append(o->s, "}}");
}

static void print_hart(Out *o, const TimelineHart *h)
{
    g_autofree char *name = g_strdup_printf("hart %u", pid_of(h) - 1);
    name_track(o, "process_name", pid_of(h), 1, name);
    name_track(o, "thread_name", pid_of(h), 1, "events");
    for (unsigned i = 0; i < h->waits->len; i++) {
        const Wait *w = &g_array_index(h->waits, Wait, i);
        begin(o, "X", "wfi", "wait", w->start, pid_of(h), 1);
        g_string_append_printf(o->s, ",\"dur\":%.3f,\"args\":{\"waits\":%u}}", us(w->end - w->start), w->n);
    }
    for (unsigned i = 0; i < h->instants->len; i++)
        print_instant(o, h, &g_array_index(h->instants, Instant, i));
    print_counters(o, h);
}

// --- compilations

typedef struct {
    const Compile *c;
    unsigned hart;
} Job;

static int by_start(gconstpointer p, gconstpointer q)
{
    const Compile *a = ((const Job *)p)->c, *b = ((const Job *)q)->c;
    return a->start != b->start ? (a->start < b->start ? -1 : 1) : a->end < b->end ? -1 : a->end > b->end;
}

static void print_compile(Out *o, const Job *j, unsigned tid)
{
    const Compile *c = j->c;
    g_autofree char *pc = g_strdup_printf("0x%" PRIx64, c->pc);
    begin(o, "X", c->name ? c->name : pc, c->loaded ? "load" : "compile", c->start, WORKERS_PID, tid);
    g_string_append_printf(o->s,
                           ",\"dur\":%.3f,\"args\":{\"hart\":%u,\"pc\":\"%s\",\"blocks\":%u,\"instructions\":%u,"
                           "\"bytes\":%zu,\"gcc_ms\":%.3f",
                           us(c->end - c->start), j->hart, pc, c->n_blocks, c->n_insns, c->bytes,
                           (double)c->cpu_ns / 1e6);
    if (c->why || c->open) {
        g_string_append(o->s, ",\"not_used\":");
        quote_json(o->s, c->why ? c->why : "the run was over before");
    }
    g_string_append(o->s, "}}");
}

// Tracks are as many as there is side by side.
static void print_compiles(Out *o, const Timeline *t, uint64_t end)
{
    g_autoptr(GArray) jobs = g_array_new(FALSE, FALSE, sizeof(Job)), lanes = g_array_new(FALSE, FALSE, 8);
    bool loaded = false;
    for (unsigned i = 0; i < t->n_harts; i++) {
        for (unsigned k = 0; k < t->hart[i].compiles->len; k++) {
            Compile *c = &g_array_index(t->hart[i].compiles, Compile, k);
            if (c->open)
                c->end = MAX(end, c->start);
            g_array_append_val(jobs, ((Job){c, i}));
        }
    }
    if (!jobs->len)
        return;
    g_array_sort(jobs, by_start);
    name_track(o, "process_name", WORKERS_PID, 1, "compile workers");
    for (unsigned i = 0; i < jobs->len; i++) {
        const Job *j = &g_array_index(jobs, Job, i);
        loaded |= j->c->loaded;
        unsigned lane = 0;
        while (!j->c->loaded && lane < lanes->len && g_array_index(lanes, uint64_t, lane) > j->c->start)
            lane++;
        if (j->c->loaded) {
            print_compile(o, j, CACHE_TID);
            continue;
        }
        if (lane == lanes->len) {
            g_autofree char *name = g_strdup_printf("region %u", lane + 1);
            g_array_append_val(lanes, j->c->end);
            name_track(o, "thread_name", WORKERS_PID, lane + 1, name);
        }
        g_array_index(lanes, uint64_t, lane) = j->c->end;
        print_compile(o, j, lane + 1);
    }
    if (loaded)
        name_track(o, "thread_name", WORKERS_PID, CACHE_TID, "code cache");
}

GString *timeline_text(Timeline *t)
{
    Out o = {g_string_new("{\"displayTimeUnit\":\"ms\",\"traceEvents\":["), false};
    uint64_t end = timeline_end(t);
    for (unsigned i = 0; i < t->n_harts; i++)
        print_hart(&o, &t->hart[i]);
    print_compiles(&o, t, end);
    g_string_append_printf(o.s,
                           "\n],\"otherData\":{\"time\":\"%s\",\"duration_us\":%.3f,\"version\":\"addend\","
                           "\"counters\":\"per millisecond\"}}\n",
                           t->guest_time ? "guest" : "host", us(end));
    return o.s;
}
