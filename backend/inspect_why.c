// SPDX-License-Identifier: GPL-3.0-or-later
// Why a piece of code ends where it does, and why it is not in a better tier: reasons of end_reasons.def.
#include "backend/inspect_private.h"

typedef enum {
#define BLOCK_END(NAME, text) BLOCK_END_##NAME,
#include "backend/end_reasons.def"
    BLOCK_ENDS
} BlockEnd;

typedef enum {
#define NOT_BETTER(NAME, text) NOT_BETTER_##NAME,
#include "backend/end_reasons.def"
} NotBetter;

static const char *const block_end_text[] = {
#define BLOCK_END(NAME, text) text,
#include "backend/end_reasons.def"
};

static const char *const region_end_text[] = {
#define REGION_END(NAME, text) text,
#include "backend/end_reasons.def"
};

static const char *const not_better_text[] = {
#define NOT_BETTER(NAME, text) text,
#include "backend/end_reasons.def"
};

// Of a block that runs on into what lies behind it, as jumps to there would.
static BlockEnd end_by_size(const Engine *e, const Block *b)
{
    uint64_t end = block_end(b);
    if (b->n_spans > 1)
        return BLOCK_END_STRADDLES;
    if (breakpoint_at(e, end))
        return BLOCK_END_BREAKPOINT;
    if (!(end & ~PAGE_MASK))
        return BLOCK_END_PAGE;
    if (b->n_insns == MAX_BLOCK_INSNS)
        return BLOCK_END_INSNS;
    if ((end & ~PAGE_MASK) == PAGE_SIZE - 2)
        return BLOCK_END_NEXT_STRADDLES;
    return b->shortened ? BLOCK_END_TEMPS : BLOCK_END_JUMP;
}

char *inspect_block_end(const Engine *e, const Block *b)
{
    BlockEnd end = BLOCK_END_BRANCH;
    if (b->uncached)
        end = BLOCK_END_NOT_RAM;
    else if (b->is_system)
        end = BLOCK_END_SYSTEM;
    else if (b->n_targets)
        end = b->is_call ? BLOCK_END_INDIRECT_CALL : BLOCK_END_INDIRECT;
    else if (b->is_call)
        end = BLOCK_END_CALL;
    else if (b->succ_pc[1] == UINT64_MAX)
        end = b->succ_pc[0] == block_end(b) ? end_by_size(e, b) : BLOCK_END_JUMP;
    return g_strdup(block_end_text[end]);
}

char *inspect_region_end(const JitUnit *u)
{
    GString *s = g_string_new(NULL);
    for (unsigned i = 0; i < REGION_ENDS; i++)
        if (u->info->ends >> i & 1)
            g_string_append_printf(s, "%s%s", s->len ? "; " : "", region_end_text[i]);
    if (!s->len)
        g_string_append(s, "all that leads on is in it");
    return g_string_free(s, FALSE);
}

static bool calls_devices(const Block *b)
{
    return b->devices && b->devices >= block_base_count(b) / 8;
}

// Why there is no region around b, which has baseline code or will not get any.
static NotBetter no_region(const Engine *e, const Block *b)
{
    if (!e->queue)
        return NOT_BETTER_NO_TIER;
    if (b->in_work)
        return NOT_BETTER_IN_WORK;
    if (b->queued)
        return NOT_BETTER_WAITING;
    if (b->refused)
        return NOT_BETTER_REFUSED;
    if (b->is_system && e->config.baseline && e->config.system)
        return NOT_BETTER_SYSTEM;
    if (calls_devices(b) && e->config.baseline && e->config.system)
        return NOT_BETTER_DEVICE;
    return b->mean_low ? NOT_BETTER_MEAN : NOT_BETTER_NOT_HOT;
}

char *inspect_not_better(const Engine *e, const Block *b)
{
    NotBetter why;
    if (b->uncached)
        why = NOT_BETTER_NOT_RAM;
    else if (b->compiled || (b->unit && b->unit != b->base))
        why = NOT_BETTER_IN_REGION;
    else if (e->no_code)
        why = NOT_BETTER_NO_MEMORY;
    else if (!e->config.baseline || b->base)
        why = no_region(e, b);
    else
        why = NOT_BETTER_NOT_WARM;
    const char *text = not_better_text[why];
    if (why == NOT_BETTER_NOT_WARM)
        return g_strdup_printf("%s: %" G_GUINT64_FORMAT " of %u runs", text, block_count(b), e->config.warm + 1);
    if (why == NOT_BETTER_NOT_HOT)
        return g_strdup_printf("%s: %" G_GUINT64_FORMAT " of %u runs", text,
                               b->base ? block_base_count(b) : block_count(b), e->config.threshold);
    if (why == NOT_BETTER_WAITING)
        return g_strdup_printf("%s, with %u others", text, MAX(e->candidates->len, 1) - 1);
    const char *message = why == NOT_BETTER_REFUSED && e->refusals ? g_hash_table_lookup(e->refusals, b) : NULL;
    if (message)
        return g_strdup_printf("%s: %s", text, message);
    return g_strdup(text);
}
