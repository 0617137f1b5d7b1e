// SPDX-License-Identifier: GPL-3.0-or-later
// addend aot.
#include "machine/aot.h"

#include "backend/ahead.h"
#include "machine/exec_private.h"
#include <gio/gio.h>
#include <inttypes.h>

#define ROM_STEPS 64

static bool in_rom(Machine *m, uint64_t pc)
{
    MemorySection s = address_space_lookup(board_cpu_memory(m->board, 0), pc);
    return !s.mr || s.readonly;
}

static void add_function(const Symbol *s, void *opaque)
{
    AheadFunction fn = {s->addr, s->size};
    g_array_append_val((GArray *)opaque, fn);
}

// The first hart goes through the boot ROM, which says where the guest's code begins; what it finds from there on gets
// estimated counts.
static void estimate(Machine *m)
{
    Cpu *cpu = m->cpus[0];
    for (unsigned i = 0; i < ROM_STEPS && in_rom(m, cpu->hart.env.pc); i++)
        engine_run_exactly(cpu->engine, 1);
    AheadFunction start = {cpu->hart.env.pc, 0};
    g_autoptr(GArray) functions = g_array_new(FALSE, FALSE, sizeof(AheadFunction));
    g_array_append_val(functions, start);
    board_each_function(m->board, add_function, functions);
    bool all;
    unsigned blocks = engine_estimate(cpu->engine, (const AheadFunction *)(const void *)functions->data,
                                      functions->len, &all);
    if (!all)
        fprintf(stderr, "addend: warning: aot: there is more code than the %u blocks that were looked at\n", blocks);
}

// False: the user has had enough.
static bool run(Machine *m)
{
    RunResult r;
    machine_run(m, &r);
    fflush(stdout);
    bool over = r.status == EXIT_STATUS_LIMIT;
    if (r.message && !over)
        fprintf(stderr, "addend: %s\n", r.message);
    return over || !m->interrupted;
}

// False: not everything could be kept.
static bool compile(Machine *m, uint64_t min_count, FILE *out, double seconds, GTimer *timer, RegionStore *store)
{
    uint64_t regions = 0, insns = 0, failed = 0, known = 0, gcc_ns = 0;
    bool full = false;
    for (unsigned i = 0; i < m->n_cpus; i++) {
        Engine *e = m->cpus[i]->engine;
        AheadResult r;
        EngineStats s;
        engine_compile_ahead(e, min_count, &r);
        engine_stats(e, &s);
        regions += s.regions;
        insns += s.region_insns;
        failed += s.regions_failed;
        gcc_ns += s.compile_ns;
        known += s.cache_hits;
        full |= r.code_full;
    }
    bool kept = region_store_flush(store);
    fprintf(out, "addend aot: %" PRIu64 " regions of %" PRIu64 " guest instructions compiled in %.1f s (%.1f s of GCC",
            regions, insns, g_timer_elapsed(timer, NULL), (double)gcc_ns / 1e9);
    if (seconds > 0)
        fprintf(out, ", after %.1f s of the guest", seconds);
    fprintf(out, "), %" PRIu64 " bytes kept; %" PRIu64 " regions were there already", region_store_written(store),
            known);
    if (failed)
        fprintf(out, ", %" PRIu64 " failed", failed);
    fprintf(out, full ? "; stopped: no room for more code\n" : "\n");
    return kept;
}

bool aot_command(const Options *o, FILE *out, GError **error)
{
    g_autoptr(GTimer) timer = g_timer_new();
    Machine *m = machine_new(o, error);
    if (!m)
        return false;
    bool ok = !o->aot_run || run(m);
    double seconds = o->aot_run ? g_timer_elapsed(timer, NULL) : 0;
    if (!o->aot_run)
        machine_prepare(m);
    RegionStore *store = m->store;
    g_timer_start(timer);
    if (ok && !store) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "aot: there is no code cache to fill");
        ok = false;
    }
    if (ok && !o->aot_run)
        estimate(m);
    if (ok && !compile(m, o->aot_run ? machine_threshold(o) : 8 * AHEAD_ONCE, out, seconds, timer, store)) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "aot: not everything could be kept");
        ok = false;
    }
    machine_free(m);
    return ok;
}
