// SPDX-License-Identifier: GPL-3.0-or-later
// Telling how often blocks ran.
#include "backend/engine_tally.h"

#include "backend/engine_private.h"

static void tell(const Engine *e, const Block *b, unsigned mode, unsigned insn, int64_t count, uint64_t base_count)
{
    uint16_t offsets[MAX_BLOCK_INSNS];
    unsigned n = 0;
    for (unsigned i = insn; i < b->n_insns; i++)
        offsets[n++] = (uint16_t)(b->insn_pc[i] - b->insn_pc[insn]);
    EngineRuns r = {b->pc + b->insn_pc[insn], b->pc, mode, n, offsets, block_bytes(b) + b->insn_pc[insn], count,
                    base_count, !insn && count > 0};
    e->tally(e->tally_opaque, &r);
}

static void left(void *opaque, const Block *b, unsigned insn)
{
    const Engine *e = opaque;
    tell(e, b, b->uncached ? e->uncached_mode : b->mode, insn, -1, 0);
}

static void tell_block(Block *b, void *opaque)
{
    if (block_count(b))
        tell(opaque, b, b->mode, 0, (int64_t)block_count(b), block_base_count(b));
}

void engine_set_tally(Engine *e, void (*runs)(void *opaque, const EngineRuns *r), void *opaque)
{
    e->tally = runs;
    e->tally_opaque = opaque;
    e->in.left = left;
    e->in.opaque = e;
}

void engine_tally_uncached_ends(Engine *e)
{
    if (e->tally && block_count(e->uncached))
        tell(e, e->uncached, e->uncached_mode, 0, (int64_t)block_count(e->uncached), 0);
}

void engine_tally_blocks_end(Engine *e)
{
    if (e->tally)
        code_cache_each_block(e->cache, tell_block, e);
}

void engine_end_tally(Engine *e)
{
    engine_tally_blocks_end(e);
    if (e->uncached)
        engine_tally_uncached_ends(e);
}
