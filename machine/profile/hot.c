// SPDX-License-Identifier: GPL-3.0-or-later
// Which blocks the guest's instructions ran in: counted, or sampled where there are regions, which count nothing
// inside.
#include "machine/profile/hot.h"

#include "backend/engine_private.h"
#include "backend/inspect.h"
#include "machine/names.h"
#include "machine/profile/quote.h"
#include "machine/sampler.h"
#include "machine/tally.h"
#include <inttypes.h>

#define BLOCKS_MAX 1000000 // of a hart: some 100 MB

typedef struct {
    gint64 key;          // of HotHart.blocks
    uint64_t pc, count, insns; // executions (0: not known) and instructions
    unsigned n_insns;    // 0: not known
    CodeTier tier;           // at last
    bool user;
    char *name;          // of user code, which may be gone at the end; or NULL
} HotBlock;

typedef struct {
    Hot *hot;
    Cpu *cpu;
    GHashTable *blocks; // pc | mode in its lowest bit -> HotBlock
    HotBlock others;    // what is not among them
} HotHart;

struct Hot {
    Machine *m;
    bool exact;
    HotHart *hart;
    unsigned n_harts;
};

static void free_block(gpointer p)
{
    HotBlock *b = p;
    g_free(b->name);
    g_free(b);
}

// Instructions are at even addresses.
static HotBlock *block_at(HotHart *h, uint64_t pc, bool user)
{
    gint64 key = (gint64)(pc | user);
    HotBlock *b = g_hash_table_lookup(h->blocks, &key);
    if (b)
        return b;
    if (g_hash_table_size(h->blocks) >= BLOCKS_MAX)
        return &h->others;
    b = g_new0(HotBlock, 1);
    b->key = key;
    b->pc = pc;
    b->user = user;
    g_hash_table_insert(h->blocks, &b->key, b);
    return b;
}

static char *name_of(Hot *h, Cpu *cpu, uint64_t pc)
{
    Name n = names_at(machine_names(h->m), cpu, pc, !cpu);
    if (!n.function)
        return NULL;
    GString *s = g_string_new(n.function);
    if (n.offset)
        g_string_append_printf(s, "+0x%" PRIx64, n.offset);
    if (n.image && cpu)
        g_string_append_printf(s, " (%s)", n.image);
    if (n.file)
        g_string_append_printf(s, " %s:%u", n.file, n.line);
    return g_string_free(s, FALSE);
}

// What a block was called when it was made may be another program's: the last one counts.
static void note_translated(HotHart *h, const EngineEvent *e)
{
    bool user = h->cpu->hart.priv == PRV_U;
    HotBlock *b = block_at(h, e->pc, user);
    b->n_insns = e->n_insns;
    b->tier = CODE_INTERP;
    if (!user || b == &h->others)
        return;
    g_free(b->name);
    b->name = name_of(h->hot, h->cpu, e->pc);
}

static void note_region(HotHart *h, const EngineEvent *e, CodeTier tier)
{
    bool user = h->cpu->hart.priv == PRV_U;
    const IrCode *ir = e->unit ? e->unit->ir : NULL;
    for (unsigned i = 0; ir && i < ir->n_blocks; i++)
        block_at(h, ir->base + (uint64_t)ir->blocks[i]->pc, user)->tier = tier;
}

static void event(void *opaque, const EngineEvent *e)
{
    HotHart *h = opaque;
    if (e->kind == ENGINE_TRANSLATED)
        note_translated(h, e);
    else if (e->kind == ENGINE_BASELINE)
        block_at(h, e->pc, h->cpu->hart.priv == PRV_U)->tier = CODE_BASELINE;
    else if (e->kind == ENGINE_REGION)
        note_region(h, e, CODE_REGION);
    else if (e->kind == ENGINE_DROPPED && e->unit && !e->unit->block)
        note_region(h, e, CODE_BASELINE);
}

static void runs(void *opaque, unsigned hart, const EngineRuns *r)
{
    HotHart *h = &((Hot *)opaque)->hart[hart];
    HotBlock *b = block_at(h, r->head, (r->mode & CODE_MMU) == PRV_U);
    b->insns += (uint64_t)r->count * r->n_insns; // less than nothing where a block was left
    if (r->whole) {
        b->count += (uint64_t)r->count;
        b->n_insns = b == &h->others ? 1 : r->n_insns;
    }
}

static void sample(void *opaque, Cpu *cpu, uint64_t insns)
{
    Hot *h = opaque;
    block_at(&h->hart[cpu->hart.hartid], cpu->hart.env.pc, cpu->hart.priv == PRV_U)->insns += insns;
}

static void ready(void *opaque, Machine *m)
{
    Hot *h = opaque;
    for (unsigned i = 0; i < h->n_harts; i++) {
        h->hart[i].cpu = machine_cpu(m, i);
        engine_add_watcher(h->hart[i].cpu->engine, &(EngineWatcher){&h->hart[i], event});
        if (machine_mirror(m))
            engine_add_watcher(machine_mirror(m)->engine, &(EngineWatcher){&h->hart[i], event});
    }
}

Hot *hot_attach(Machine *m, bool exact)
{
    Hot *h = g_new0(Hot, 1);
    h->m = m;
    h->exact = exact;
    h->n_harts = board_harts(machine_board(m));
    h->hart = g_new0(HotHart, h->n_harts);
    for (unsigned i = 0; i < h->n_harts; i++) {
        h->hart[i].hot = h;
        h->hart[i].others = (HotBlock){.user = true, .name = (char *)(uintptr_t)"(others)"};
        h->hart[i].blocks = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, free_block);
    }
    machine_add_ready(m, ready, h);
    if (exact)
        machine_add_tally(m, &(TallyListener){h, runs});
    else
        machine_add_sampler(m, SAMPLER_PERIOD / 2, &(SampleListener){h, sample});
    return h;
}

// --- the table

typedef struct {
    const HotBlock *b;
    unsigned hart;
    uint64_t insns;
} Row;

static int by_heat(gconstpointer p, gconstpointer q)
{
    const Row *a = p, *b = q;
    if (a->insns != b->insns)
        return a->insns > b->insns ? -1 : 1;
    return a->b->pc < b->b->pc ? -1 : a->b->pc > b->b->pc;
}

// Those that ran, hottest first; *total: instructions of all.
static GArray *all_rows(const Hot *h, uint64_t *total)
{
    GArray *rows = g_array_new(FALSE, FALSE, sizeof(Row));
    *total = 0;
    for (unsigned i = 0; i < h->n_harts; i++) {
        GHashTableIter it;
        gpointer value;
        g_hash_table_iter_init(&it, h->hart[i].blocks);
        while (g_hash_table_iter_next(&it, NULL, &value)) {
            const HotBlock *b = value;
            Row row = {b, i, b->insns};
            *total += b->insns;
            if (b->insns)
                g_array_append_val(rows, row);
        }
        Row others = {&h->hart[i].others, i, h->hart[i].others.insns};
        *total += others.insns;
        if (others.insns)
            g_array_append_val(rows, others);
    }
    g_array_sort(rows, by_heat);
    return rows;
}

static double percent(uint64_t part, uint64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

static void add_text(GString *s, const Hot *h, const Row *r, uint64_t total)
{
    g_autofree char *own = r->b->user ? NULL : name_of((Hot *)(uintptr_t)h, NULL, r->b->pc);
    const char *name = own ? own : r->b->name ? r->b->name : "";
    uint64_t count = h->exact ? r->b->count : r->b->n_insns ? r->insns / r->b->n_insns : 0;
    g_string_append_printf(s, "%6.2f %15" PRIu64 " %s%13" PRIu64 " %5u  %-11s ", percent(r->insns, total), r->insns,
                           h->exact ? " " : "~", count, r->b->n_insns, code_tier_names[r->b->tier]);
    if (h->n_harts > 1)
        g_string_append_printf(s, "%4u ", r->hart);
    g_string_append_printf(s, "0x%016" PRIx64 " %s\n", r->b->pc, name);
}

static GString *hot_table(const Hot *h, const GArray *rows, unsigned n, uint64_t total)
{
    GString *s = g_string_new(NULL);
    g_string_append_printf(s, "hottest blocks of %u, %s; %" PRIu64 " instructions in all\n"
                              "     %%    instructions     executions insns  tier        %spc                 where\n",
                           rows->len, h->exact ? "counted" : "sampled", total, h->n_harts > 1 ? "hart " : "");
    for (unsigned i = 0; i < MIN(n, rows->len); i++)
        add_text(s, h, &g_array_index(rows, Row, i), total);
    return s;
}

static void add_json(GString *s, const Hot *h, const Row *r, uint64_t total)
{
    g_autofree char *own = r->b->user ? NULL : name_of((Hot *)(uintptr_t)h, NULL, r->b->pc);
    const char *name = own ? own : r->b->name;
    g_string_append_printf(s, "{\"hart\":%u,\"pc\":\"0x%" PRIx64 "\",\"user\":%s,\"instructions\":%" PRIu64
                              ",\"percent\":%.4f,\"block_instructions\":%u,\"tier\":\"%s\"",
                           r->hart, r->b->pc, r->b->user ? "true" : "false", r->insns, percent(r->insns, total),
                           r->b->n_insns, code_tier_names[r->b->tier]);
    if (h->exact)
        g_string_append_printf(s, ",\"executions\":%" PRIu64, r->b->count);
    if (name) {
        g_string_append(s, ",\"where\":");
        quote_json(s, name);
    }
    g_string_append_c(s, '}');
}

static GString *hot_json(const Hot *h, const GArray *rows, unsigned n, uint64_t total)
{
    GString *s = g_string_new(NULL);
    g_string_append_printf(s, "{\"schema_version\":1,\"exact\":%s,\"instructions\":%" PRIu64 ",\"blocks\":[",
                           h->exact ? "true" : "false", total);
    for (unsigned i = 0; i < MIN(n, rows->len); i++) {
        g_string_append(s, i ? ",\n" : "\n");
        add_json(s, h, &g_array_index(rows, Row, i), total);
    }
    g_string_append(s, "\n]}\n");
    return s;
}

GString *hot_text(Hot *h, unsigned n, const char *path)
{
    uint64_t total;
    g_autoptr(GArray) rows = all_rows(h, &total);
    return path && g_str_has_suffix(path, ".json") ? hot_json(h, rows, n, total) : hot_table(h, rows, n, total);
}

void hot_free(Hot *h)
{
    for (unsigned i = 0; h && i < h->n_harts; i++)
        g_hash_table_destroy(h->hart[i].blocks);
    if (h)
        g_free(h->hart);
    g_free(h);
}
