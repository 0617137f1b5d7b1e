// SPDX-License-Identifier: GPL-3.0-or-later
// The report of --stats.
//
// TLB accesses are lookups: an access that crosses a page makes two. Those that took a slow path were counted there;
// the hits are the rest, derived from block execution counts (memory/spec.md 5.8).
#include "machine/stats.h"

#include <inttypes.h>
#include <json-glib/json-glib.h>
#include <string.h>
#include <sys/resource.h>

typedef struct {
    uint64_t lookups, hits, victim_hits, misses, faults, mmio, notdirty, discard, recheck;
} Access;

typedef struct { // of one hart, or the sum of all
    uint64_t insns, traps;
    EngineStats engine;
    Access kind[ACCESS_KINDS];
} HartReport;
_Static_assert(sizeof(HartReport) % sizeof(uint64_t) == 0, "sums are made word by word");

typedef struct {
    uint64_t checked_stretches, checked_insns;
    double seconds, user, system, children;
    uint64_t memory; // peak resident set of this process in bytes, as far as the kernel tells
    HartReport all, *hart; // hart: of each, freed with the report
    unsigned harts;
    bool accesses; // they were counted
} Report;

static double seconds_of(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static void sum_access(const TlbStats *t, MemAccess k, uint64_t started, Access *out)
{
    for (unsigned m = 0; m < TLB_MMU_INDEXES; m++) {
        const TlbCounters *c = &t->kind[m][k];
        out->victim_hits += c->victim_hit;
        out->misses += c->fill_ok + c->fill_fault;
        out->faults += c->fill_fault;
        out->mmio += c->slow_mmio;
        out->notdirty += c->slow_notdirty;
        out->discard += c->slow_discard;
        out->recheck += c->slow_recheck;
        out->hits += c->hit;
    }
    uint64_t slow = out->victim_hits + out->misses + out->mmio + out->notdirty + out->discard + out->recheck +
                    out->hits;
    out->lookups = MAX(started, slow);
    out->hits += out->lookups - slow;
}

// Under -accel check what is compiled belongs to the mirror.
static void take_compiled(Machine *m, EngineStats *out)
{
    EngineStats own = *out;
    engine_stats(machine_mirror(m)->engine, out);
    out->jit_insns = own.jit_insns;
    out->baseline_done = own.baseline_done;
    out->blocks = own.blocks;
    out->block_insns = own.block_insns;
    out->loads = own.loads;
    out->stores = own.stores;
}

static void collect_hart(Machine *m, unsigned hart, HartReport *r)
{
    const Cpu *cpu = machine_cpu(m, hart);
    TlbStats tlb;
    r->insns = ir_env_icount(&cpu->hart.env);
    r->traps = cpu->hart.trap_count;
    engine_stats(cpu->engine, &r->engine);
    if (machine_mirror(m))
        take_compiled(m, &r->engine);
    tlb_stats(cpu->tlb, &tlb);
    sum_access(&tlb, ACCESS_READ, r->engine.loads, &r->kind[ACCESS_READ]);
    sum_access(&tlb, ACCESS_WRITE, r->engine.stores, &r->kind[ACCESS_WRITE]);
    sum_access(&tlb, ACCESS_FETCH, 0, &r->kind[ACCESS_FETCH]);
}

static void add_hart(HartReport *sum, const HartReport *hart)
{
    uint64_t *to = (uint64_t *)(void *)sum;
    const uint64_t *from = (const uint64_t *)(const void *)hart;
    for (unsigned i = 0; i < sizeof *sum / sizeof *to; i++)
        to[i] += from[i];
}

// Not ru_maxrss: that counts what this process was before execve, too.
static uint64_t peak_memory(void)
{
    g_autofree char *status = NULL;
    const char *line = NULL;
    if (g_file_get_contents("/proc/self/status", &status, NULL, NULL))
        line = strstr(status, "VmHWM:");
    return line ? g_ascii_strtoull(line + strlen("VmHWM:"), NULL, 10) * 1024 : 0;
}

static void collect(Machine *m, const RunResult *run, Report *r)
{
    *r = (Report){.seconds = run->seconds, .harts = machine_ran(m) ? board_harts(machine_board(m)) : 0};
    struct rusage self, children;
    getrusage(RUSAGE_SELF, &self);
    getrusage(RUSAGE_CHILDREN, &children);
    r->user = seconds_of(self.ru_utime);
    r->system = seconds_of(self.ru_stime);
    r->children = seconds_of(children.ru_utime) + seconds_of(children.ru_stime);
    r->memory = peak_memory();
    r->accesses = machine_counts_accesses(m);
    machine_check_counts(m, &r->checked_stretches, &r->checked_insns);
    r->hart = g_new0(HartReport, r->harts);
    for (unsigned i = 0; i < r->harts; i++) {
        collect_hart(m, i, &r->hart[i]);
        add_hart(&r->all, &r->hart[i]);
    }
}

static double percent(uint64_t part, uint64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

static double mips(const Report *r)
{
    return r->seconds > 0 ? (double)r->all.insns / r->seconds / 1e6 : 0;
}

// Of the instructions in compiled code, those in baseline code. It counts blocks, and one may be left in its middle.
static uint64_t baseline_insns(const EngineStats *e)
{
    return MIN(e->baseline_done, e->jit_insns);
}

static const char *const access_names[ACCESS_KINDS] = {"load", "store", "fetch"};

static void print_tlb(GString *s, const HartReport *r, bool accesses)
{
    for (unsigned k = 0; k < ACCESS_KINDS; k++) {
        const Access *a = &r->kind[k];
        g_string_append_printf(s, "TLB %-5s           ", access_names[k]);
        if (accesses)
            g_string_append_printf(s, "%" PRIu64 " lookups, %" PRIu64 " hits (%.4f %%), ", a->lookups, a->hits,
                                   percent(a->hits, a->lookups));
        g_string_append_printf(s,
                               "%" PRIu64 " victim hits, %" PRIu64 " misses (%" PRIu64 " faults), %" PRIu64
                               " mmio, %" PRIu64
                               " code page, %" PRIu64 " rom, %" PRIu64 " partial page\n",
                               a->victim_hits, a->misses, a->faults, a->mmio, a->notdirty, a->discard, a->recheck);
    }
}

char *stats_text(Machine *m, const RunResult *run)
{
    Report r;
    collect(m, run, &r);
    const EngineStats *e = &r.all.engine;
    GString *s = g_string_new(NULL);
    g_string_append_printf(s, "guest instructions  %" PRIu64 "  (%.1f MIPS in %.3f s)\n", r.all.insns, mips(&r),
                           r.seconds);
    g_string_append_printf(s,
                           "  interpreter       %5.1f %%\n"
                           "  baseline          %5.1f %%\n"
                           "  libgccjit         %5.1f %%\n",
                           percent(r.all.insns - e->jit_insns, r.all.insns), percent(baseline_insns(e), r.all.insns),
                           percent(e->jit_insns - baseline_insns(e), r.all.insns));
    if (r.checked_stretches)
        g_string_append_printf(s, "  checked           %" PRIu64 " compiled instructions in %" PRIu64 " stretches\n",
                               r.checked_insns, r.checked_stretches);
    g_string_append_printf(s, "traps               %" PRIu64 "\n", r.all.traps);
    g_string_append_printf(s, "host CPU seconds    %.3f user, %.3f system, %.3f in workers\n", r.user, r.system,
                           r.children);
    g_string_append_printf(s, "peak memory         %.1f MB\n", (double)r.memory / 1e6);
    g_string_append_printf(s, "blocks              %" PRIu64 "  (%" PRIu64 " instructions)\n", e->blocks,
                           e->block_insns);
    g_string_append_printf(s,
                           "baseline blocks     %" PRIu64 "  (%" PRIu64 " instructions, %" PRIu64
                           " bytes; %.3f seconds)\n",
                           e->baseline_blocks, e->baseline_insns, e->baseline_bytes, (double)e->baseline_ns / 1e9);
    g_string_append_printf(s,
                           "regions compiled    %" PRIu64 "  (%" PRIu64 " blocks, %" PRIu64 " instructions, %" PRIu64
                           " bytes; %.3f CPU seconds)\n",
                           e->regions, e->region_blocks, e->region_insns, e->region_bytes, (double)e->compile_ns / 1e9);
    g_string_append_printf(s,
                           "  made again        %" PRIu64 "\n"
                           "  failed, dropped   %" PRIu64 ", %" PRIu64 "; workers lost %" PRIu64 "\n",
                           e->regions_remade, e->regions_failed, e->regions_dropped, e->workers_lost);
    g_string_append_printf(s,
                           "code cache          %" PRIu64 " regions loaded in %.3f s, %" PRIu64 " missed, %" PRIu64
                           " kept, %" PRIu64 " not fitting\n",
                           e->cache_hits, (double)e->cache_ns / 1e9, e->cache_misses, e->cache_stores,
                           e->cache_rejected);
    g_string_append_printf(s, "  baseline code     %" PRIu64 " blocks, %" PRIu64 " with code\n", e->kept_blocks,
                           e->kept_code);
    g_string_append_printf(s, "entries, slow paths %" PRIu64 ", %" PRIu64 "\n", e->jit_entries, e->jit_slow);
    print_tlb(s, &r.all, r.accesses);
    for (unsigned i = 0; i < r.harts && r.harts > 1; i++) {
        const HartReport *h = &r.hart[i];
        g_string_append_printf(s, "hart %-2u             %" PRIu64 " instructions, %" PRIu64 " traps\n", i, h->insns,
                               h->traps);
        print_tlb(s, h, r.accesses);
    }
    g_free(r.hart);
    return g_string_free(s, FALSE);
}

static void add_int(JsonBuilder *b, const char *name, uint64_t v)
{
    json_builder_set_member_name(b, name);
    json_builder_add_int_value(b, (gint64)v);
}

static void add_double(JsonBuilder *b, const char *name, double v)
{
    json_builder_set_member_name(b, name);
    json_builder_add_double_value(b, v);
}

static void add_tlb(JsonBuilder *b, const HartReport *r, bool accesses)
{
    json_builder_set_member_name(b, "tlb");
    json_builder_begin_object(b);
    for (unsigned k = 0; k < ACCESS_KINDS; k++) {
        const Access *a = &r->kind[k];
        json_builder_set_member_name(b, access_names[k]);
        json_builder_begin_object(b);
        if (accesses) {
            add_int(b, "lookups", a->lookups);
            add_int(b, "hits", a->hits);
        }
        add_int(b, "victim_hits", a->victim_hits);
        add_int(b, "misses", a->misses);
        add_int(b, "faults", a->faults);
        add_int(b, "mmio", a->mmio);
        add_int(b, "code_page", a->notdirty);
        add_int(b, "rom", a->discard);
        add_int(b, "partial_page", a->recheck);
        json_builder_end_object(b);
    }
    json_builder_end_object(b);
}

static void add_harts(JsonBuilder *b, const Report *r)
{
    json_builder_set_member_name(b, "harts");
    json_builder_begin_array(b);
    for (unsigned i = 0; i < r->harts; i++) {
        json_builder_begin_object(b);
        add_int(b, "guest_instructions", r->hart[i].insns);
        add_int(b, "traps", r->hart[i].traps);
        add_tlb(b, &r->hart[i], r->accesses);
        json_builder_end_object(b);
    }
    json_builder_end_array(b);
}

char *stats_json(Machine *m, const RunResult *run)
{
    Report r;
    collect(m, run, &r);
    const EngineStats *e = &r.all.engine;
    g_autoptr(JsonBuilder) b = json_builder_new();
    json_builder_begin_object(b);
    add_int(b, "schema_version", 1);
    add_int(b, "status", (uint64_t)run->status);
    add_int(b, "guest_instructions", r.all.insns);
    add_int(b, "jit_instructions", e->jit_insns - baseline_insns(e));
    add_int(b, "baseline_instructions", baseline_insns(e));
    add_int(b, "interpreter_instructions", r.all.insns - e->jit_insns);
    add_int(b, "checked_instructions", r.checked_insns);
    add_int(b, "checked_stretches", r.checked_stretches);
    add_double(b, "mips", mips(&r));
    add_double(b, "seconds", r.seconds);
    add_double(b, "user_seconds", r.user);
    add_double(b, "system_seconds", r.system);
    add_double(b, "worker_seconds", r.children);
    add_int(b, "peak_memory", r.memory);
    add_int(b, "traps", r.all.traps);
    add_int(b, "blocks", e->blocks);
    add_int(b, "block_instructions", e->block_insns);
    add_int(b, "baseline_blocks", e->baseline_blocks);
    add_int(b, "baseline_block_instructions", e->baseline_insns);
    add_int(b, "baseline_bytes", e->baseline_bytes);
    add_double(b, "baseline_seconds", (double)e->baseline_ns / 1e9);
    add_int(b, "regions", e->regions);
    add_int(b, "region_blocks", e->region_blocks);
    add_int(b, "region_instructions", e->region_insns);
    add_int(b, "region_bytes", e->region_bytes);
    add_int(b, "regions_remade", e->regions_remade);
    add_int(b, "regions_failed", e->regions_failed);
    add_int(b, "regions_dropped", e->regions_dropped);
    add_double(b, "compile_seconds", (double)e->compile_ns / 1e9);
    add_int(b, "cache_hits", e->cache_hits);
    add_int(b, "cache_misses", e->cache_misses);
    add_int(b, "cache_stores", e->cache_stores);
    add_int(b, "cache_rejected", e->cache_rejected);
    add_double(b, "cache_seconds", (double)e->cache_ns / 1e9);
    add_int(b, "cache_blocks", e->kept_blocks);
    add_int(b, "cache_blocks_with_code", e->kept_code);
    add_int(b, "jit_entries", e->jit_entries);
    add_int(b, "jit_slow_paths", e->jit_slow);
    add_int(b, "workers_lost", e->workers_lost);
    add_tlb(b, &r.all, r.accesses);
    add_harts(b, &r);
    g_free(r.hart);
    json_builder_end_object(b);
    g_autoptr(JsonGenerator) g = json_generator_new();
    g_autoptr(JsonNode) root = json_builder_get_root(b);
    json_generator_set_root(g, root);
    json_generator_set_pretty(g, TRUE);
    g_autofree char *text = json_generator_to_data(g, NULL);
    return g_strconcat(text, "\n", NULL);
}

char *stats_summary(Machine *m, const RunResult *run)
{
    Report r;
    collect(m, run, &r);
    g_free(r.hart);
    return g_strdup_printf("addend: %.0f million guest instructions in %.2f s (%.0f MIPS), %.1f %% of them in %" PRIu64
                           " regions compiled by libgccjit in %.2f s\n",
                           (double)r.all.insns / 1e6, r.seconds, mips(&r), percent(r.all.engine.jit_insns, r.all.insns),
                           r.all.engine.regions, (double)r.all.engine.compile_ns / 1e9);
}
