// SPDX-License-Identifier: GPL-3.0-or-later
// Samples of where a hart is, charged to the regions that run there.
//
// Who samples interprets some blocks first, so that samples are not only where regions test for the end of a slice.
// What would have run those blocks is worked out on the way: a region as long as control stays in it, else what is
// entered at the block.
#include "backend/inspect_private.h"

// The number of the block of region u at pc, or -1.
static int region_block(const JitUnit *u, uint64_t pc)
{
    int64_t offset = (int64_t)(pc - u->base);
    unsigned lo = 0, hi = u->ir->n_blocks;
    while (lo < hi) {
        unsigned mid = (lo + hi) / 2;
        int64_t at = u->ir->blocks[mid]->pc;
        if (at == offset)
            return (int)mid;
        if (at < offset)
            lo = mid + 1;
        else
            hi = mid;
    }
    return -1;
}

JitUnit *engine_would_run(const Engine *e, const Block *b)
{
    JitUnit *u = e->ran;
    if (u && u->info && !u->dead && u->info->mode == b->mode && region_block(u, b->pc) >= 0)
        return u;
    return b->unit;
}

void inspect_sample(Engine *e, uint64_t pc, uint64_t insns)
{
    const Block *b = engine_peek(e, pc);
    JitUnit *u = b ? engine_would_run(e, b) : NULL;
    if (!u || !u->info)
        return;
    u->info->sampled += insns;
    if (!u->info->samples)
        u->info->samples = g_new0(uint64_t, u->ir->n_blocks);
    int at = region_block(u, pc);
    if (at >= 0)
        u->info->samples[at] += insns;
}
