// SPDX-License-Identifier: GPL-3.0-or-later
// The report of --stats.
#include "machine/stats.h"

#include "machine/json_members.h"
#include "machine/stats_tlb.h"

#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>

typedef struct { // of one hart, or the sum of all
    uint64_t insns, traps;
    EngineStats engine;
    StatsTlb tlb; // behind words of 64 bits, summed as such
} HartReport;

typedef struct {
    uint64_t checked_stretches, checked_insns;
    double seconds, user, system, children;
    uint64_t memory; // peak resident set of this process in bytes, as far as the kernel tells
    HartReport all, *hart; // hart: of each, freed with the report
    unsigned harts;
    char *wrong; // counts that do not add up: which, or NULL; freed with the report
} Report;

static double seconds_of(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
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
    memcpy(out->mode_loads, own.mode_loads, sizeof own.mode_loads);
    memcpy(out->mode_stores, own.mode_stores, sizeof own.mode_stores);
}

static void collect_hart(Machine *m, unsigned hart, Report *all)
{
    const Cpu *cpu = machine_cpu(m, hart);
    HartReport *r = &all->hart[hart];
    r->insns = ir_env_icount(&cpu->hart.env);
    r->traps = cpu->hart.trap_count;
    engine_stats(cpu->engine, &r->engine);
    if (machine_mirror(m))
        take_compiled(m, &r->engine);
    stats_tlb_collect(&r->tlb, cpu->tlb, &r->engine, &cpu->hart.env.tap, r->insns, machine_counts_accesses(m));
    char *wrong = stats_tlb_check(&r->tlb);
    if (!wrong)
        wrong = tlb_check(cpu->tlb);
    if (wrong && !all->wrong)
        all->wrong = g_strdup_printf("hart %u, %s", hart, wrong);
    g_free(wrong);
}

static void add_hart(HartReport *sum, const HartReport *hart)
{
    uint64_t *to = (uint64_t *)(void *)sum;
    const uint64_t *from = (const uint64_t *)(const void *)hart;
    for (unsigned i = 0; i < offsetof(HartReport, tlb) / sizeof *to; i++)
        to[i] += from[i];
    stats_tlb_add(&sum->tlb, &hart->tlb);
}

static void clear(Report *r)
{
    for (unsigned i = 0; i < r->harts; i++)
        stats_tlb_clear(&r->hart[i].tlb);
    stats_tlb_clear(&r->all.tlb);
    g_free(r->hart);
    g_free(r->wrong);
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
    machine_check_counts(m, &r->checked_stretches, &r->checked_insns);
    r->hart = g_new0(HartReport, r->harts);
    for (unsigned i = 0; i < r->harts; i++) {
        collect_hart(m, i, r);
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

// Frees the report.
static void take_wrong(Report *r, char **wrong)
{
    *wrong = g_steal_pointer(&r->wrong);
    clear(r);
}

char *stats_text(Machine *m, const RunResult *run, char **wrong)
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
    if (r.harts)
        stats_tlb_text(&r.all.tlb, true, s);
    for (unsigned i = 0; i < r.harts && r.harts > 1; i++) {
        const HartReport *h = &r.hart[i];
        g_string_append_printf(s, "hart %-2u             %" PRIu64 " instructions, %" PRIu64 " traps\n", i, h->insns,
                               h->traps);
        stats_tlb_text(&h->tlb, false, s);
    }
    take_wrong(&r, wrong);
    return g_string_free(s, FALSE);
}

static void add_harts(JsonBuilder *b, const Report *r)
{
    json_builder_set_member_name(b, "harts");
    json_builder_begin_array(b);
    for (unsigned i = 0; i < r->harts; i++) {
        json_begin_object(b, NULL);
        json_add_int(b, "guest_instructions", r->hart[i].insns);
        json_add_int(b, "traps", r->hart[i].traps);
        stats_tlb_json(&r->hart[i].tlb, b);
        json_builder_end_object(b);
    }
    json_builder_end_array(b);
}

char *stats_json(Machine *m, const RunResult *run, char **wrong)
{
    Report r;
    collect(m, run, &r);
    const EngineStats *e = &r.all.engine;
    g_autoptr(JsonBuilder) b = json_builder_new();
    json_begin_object(b, NULL);
    json_add_int(b, "schema_version", 2);
    json_add_int(b, "status", (uint64_t)run->status);
    json_add_int(b, "guest_instructions", r.all.insns);
    json_add_int(b, "jit_instructions", e->jit_insns - baseline_insns(e));
    json_add_int(b, "baseline_instructions", baseline_insns(e));
    json_add_int(b, "interpreter_instructions", r.all.insns - e->jit_insns);
    json_add_int(b, "checked_instructions", r.checked_insns);
    json_add_int(b, "checked_stretches", r.checked_stretches);
    json_add_double(b, "mips", mips(&r));
    json_add_double(b, "seconds", r.seconds);
    json_add_double(b, "user_seconds", r.user);
    json_add_double(b, "system_seconds", r.system);
    json_add_double(b, "worker_seconds", r.children);
    json_add_int(b, "peak_memory", r.memory);
    json_add_int(b, "traps", r.all.traps);
    json_add_int(b, "blocks", e->blocks);
    json_add_int(b, "block_instructions", e->block_insns);
    json_add_int(b, "baseline_blocks", e->baseline_blocks);
    json_add_int(b, "baseline_block_instructions", e->baseline_insns);
    json_add_int(b, "baseline_bytes", e->baseline_bytes);
    json_add_double(b, "baseline_seconds", (double)e->baseline_ns / 1e9);
    json_add_int(b, "regions", e->regions);
    json_add_int(b, "region_blocks", e->region_blocks);
    json_add_int(b, "region_instructions", e->region_insns);
    json_add_int(b, "region_bytes", e->region_bytes);
    json_add_int(b, "regions_remade", e->regions_remade);
    json_add_int(b, "regions_failed", e->regions_failed);
    json_add_int(b, "regions_dropped", e->regions_dropped);
    json_add_double(b, "compile_seconds", (double)e->compile_ns / 1e9);
    json_add_int(b, "cache_hits", e->cache_hits);
    json_add_int(b, "cache_misses", e->cache_misses);
    json_add_int(b, "cache_stores", e->cache_stores);
    json_add_int(b, "cache_rejected", e->cache_rejected);
    json_add_double(b, "cache_seconds", (double)e->cache_ns / 1e9);
    json_add_int(b, "cache_blocks", e->kept_blocks);
    json_add_int(b, "cache_blocks_with_code", e->kept_code);
    json_add_int(b, "jit_entries", e->jit_entries);
    json_add_int(b, "jit_slow_paths", e->jit_slow);
    json_add_int(b, "workers_lost", e->workers_lost);
    if (r.harts)
        stats_tlb_json(&r.all.tlb, b);
    add_harts(b, &r);
    take_wrong(&r, wrong);
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
    const EngineStats *e = &r.all.engine;
    uint64_t regions = e->regions + e->cache_hits;
    GString *s = g_string_new(NULL);
    g_string_append_printf(s, "addend: %.0f million guest instructions in %.2f s (%.0f MIPS)",
                           (double)r.all.insns / 1e6, r.seconds, mips(&r));
    if (regions)
        g_string_append_printf(s, ", %.1f %% of them in %" PRIu64 " regions compiled by libgccjit in %.2f s",
                               percent(e->jit_insns, r.all.insns), regions, (double)e->compile_ns / 1e9);
    else if (e->jit_insns)
        g_string_append_printf(s, ", %.1f %% of them in %" PRIu64 " blocks of baseline code",
                               percent(e->jit_insns, r.all.insns), e->baseline_blocks);
    g_string_append_c(s, '\n');
    clear(&r);
    return g_string_free(s, FALSE);
}
