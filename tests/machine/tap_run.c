// SPDX-License-Identifier: GPL-3.0-or-later
// Runs a guest with a tap (machine/tap.h) and says what came out of it.
//
//     tap_run none|drop|count|digest|text|all FILE ADDEND-OPTION...
//
// none: no tap. drop: it is thrown away. count: how many records of each kind. digest: a hash over what must be the
// same whatever engine runs the guest, so sites as addresses, and no times, blocks and pages; then the totals. text:
// the same in full. all: everything. What it has to say goes to FILE.
#include "machine/tap.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { HARTS = 8 };

typedef struct {
    GArray *pc; // uint64_t, by site
    uint64_t kinds[4], crosses, events[TAP_EVENTS];
    uint64_t digest, loads, stores, block_loads, block_stores;
    GArray *ops; // uint64_t, by block
    bool ended;
} HartLog;

typedef struct {
    const char *mode;
    FILE *out;
    HartLog hart[HARTS];
} Log;

static const char *const event_names[TAP_EVENTS] = {
    "TIME", "LOADS", "STORES", "MODE", "SPACE", "PAGE", "FAULT", "FLUSH", "FLUSH_ALL", "BLOCK", "OPS", "RUNS",
    "HOST_MISS", "END",
};

static void hash(HartLog *h, uint64_t v)
{
    h->digest = (h->digest ^ v) * UINT64_C(0x9e3779b97f4a7c15);
    h->digest ^= h->digest >> 29;
}

static uint64_t pc_of(const HartLog *h, uint32_t site)
{
    return site < h->pc->len ? g_array_index(h->pc, uint64_t, site) : 0;
}

static void note_event(HartLog *h, const TapRecord *r, unsigned event)
{
    h->events[event]++;
    h->ended = event == TAP_END;
    if (event == TAP_LOADS)
        h->loads = r->what;
    if (event == TAP_STORES)
        h->stores = r->what;
    if (event == TAP_BLOCK) {
        for (uint32_t i = 0; i < r->count; i++) {
            uint64_t pc = r->what + 2 * i;
            g_array_append_val(h->pc, pc);
        }
    } else if (event == TAP_BLOCK_OPS) {
        g_array_append_val(h->ops, r->what);
    } else if (event == TAP_BLOCK_RUNS) {
        uint64_t ops = g_array_index(h->ops, uint64_t, r->count);
        h->block_loads += r->what * (ops >> 16 & 0xffff);
        h->block_stores += r->what * (ops >> 32);
    }
}

static bool is_common(unsigned event)
{
    return event == TAP_MODE || event == TAP_SPACE || event == TAP_FAULT || event == TAP_FLUSH ||
           event == TAP_FLUSH_ALL || event == TAP_END;
}

static void one(Log *log, unsigned hart, const TapRecord *r)
{
    HartLog *h = &log->hart[hart];
    unsigned kind = r->tag & TAP_KIND, event = r->tag >> TAP_SHIFT;
    bool text = !strcmp(log->mode, "text"), all = !strcmp(log->mode, "all");
    h->kinds[kind]++;
    if (kind == TAP_EVENT) {
        note_event(h, r, event);
        if (is_common(event)) {
            hash(h, r->what);
            hash(h, event | (uint64_t)r->count << 32);
        }
        if (all || (text && is_common(event)))
            fprintf(log->out, "%u %s 0x%" PRIx64 " 0x%x\n", hart, event_names[event], r->what, r->count);
        return;
    }
    uint64_t pc = pc_of(h, event);
    h->crosses += r->tag & TAP_CROSS ? 1 : 0;
    hash(h, r->what);
    hash(h, pc << 3 | (r->tag & 7));
    hash(h, r->count);
    if (text || all)
        fprintf(log->out, "%u %c%s 0x%" PRIx64 " at 0x%" PRIx64 " %u %u\n", hart, "RWF"[kind],
                r->tag & TAP_CROSS ? "+" : "", r->what, pc, kind == ACCESS_FETCH ? r->count : r->count & 0xffff,
                kind == ACCESS_FETCH ? 0 : r->count >> 16);
}

static void records(void *opaque, unsigned hart, const TapRecord *r, size_t n)
{
    Log *log = opaque;
    HartLog *h = &log->hart[hart];
    if (!strcmp(log->mode, "drop"))
        return;
    if (!strcmp(log->mode, "count")) { // quickly
        for (size_t i = 0; i < n; i++)
            h->kinds[r[i].tag & TAP_KIND]++;
        return;
    }
    for (size_t i = 0; i < n; i++)
        one(log, hart, &r[i]);
}

static void print_end(const Log *log, unsigned hart, const Cpu *cpu)
{
    const HartLog *h = &log->hart[hart];
    EngineStats s;
    engine_stats(cpu->engine, &s);
    fprintf(log->out,
            "hart %u: %" PRIu64 " reads, %" PRIu64 " writes, %" PRIu64 " fetches, %" PRIu64 " events, %" PRIu64
            " crosses%s\n",
            hart, h->kinds[0], h->kinds[1], h->kinds[2], h->kinds[3], h->crosses, h->ended ? "" : ", no end");
    fprintf(log->out, "hart %u: digest %016" PRIx64 "\n", hart, h->digest);
    fprintf(log->out,
            "hart %u: %" PRIu64 " instructions, %" PRIu64 " loads, %" PRIu64 " stores, %" PRIu64 " and %" PRIu64
            " by blocks, %" PRIu64 " and %" PRIu64 " as the engine has it\n",
            hart, ir_env_icount(&cpu->hart.env), h->loads, h->stores, h->block_loads, h->block_stores, s.loads,
            s.stores);
    for (unsigned i = 0; i < TAP_EVENTS; i++)
        if (h->events[i] && strcmp(log->mode, "text"))
            fprintf(log->out, "hart %u: %" PRIu64 " %s\n", hart, h->events[i], event_names[i]);
}

static int fail(const char *why)
{
    fprintf(stderr, "tap_run: %s\n", why);
    return 2;
}

int main(int argc, char **argv)
{
    Options o;
    Log log = {0};
    g_autoptr(GError) error = NULL;
    if (argc < 4)
        return fail("tap_run none|drop|count|digest|text|all FILE ADDEND-OPTION...");
    log.mode = argv[1];
    log.out = fopen(argv[2], "w");
    if (!log.out)
        return fail(argv[2]);
    for (unsigned i = 0; i < HARTS; i++) {
        log.hart[i].pc = g_array_new(FALSE, FALSE, sizeof(uint64_t));
        log.hart[i].ops = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    }
    argv[2] = argv[0];
    Machine *m = options_parse(&o, argc - 2, argv + 2, &error) ? machine_new(&o, &error) : NULL;
    if (!m)
        return fail(error->message);
    TapListener listener = {&log, records};
    if (strcmp(log.mode, "none"))
        machine_set_tap(m, &listener);
    RunResult r;
    machine_run(m, &r);
    fflush(stdout);
    if (r.message)
        fprintf(stderr, "tap_run: %s\n", r.message);
    for (unsigned i = 0; machine_ran(m) && i < MIN(board_harts(machine_board(m)), HARTS); i++)
        print_end(&log, i, machine_cpu(m, i));
    machine_free(m);
    options_deinit(&o);
    for (unsigned i = 0; i < HARTS; i++) {
        g_array_free(log.hart[i].pc, TRUE);
        g_array_free(log.hart[i].ops, TRUE);
    }
    fclose(log.out);
    return r.status;
}
