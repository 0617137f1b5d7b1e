// SPDX-License-Identifier: GPL-3.0-or-later
// Walks, and the cache that shortens them. Each level's is a fully associative LRU structure as any other; an entry is
// for the range that one page-table entry of that level covers, and of an ASID.
#include "lab/model_walk.h"

static unsigned bits_of(unsigned level)
{
    return PAGE_BITS + 9 * level;
}

void walk_init(WalkCache *w, unsigned entries)
{
    *w = (WalkCache){0};
    for (unsigned i = 0; entries && i < WALK_LEVELS; i++)
        part_init(&w->level[i], &(ModelPart){.sets = 1, .ways = entries, .policy = POLICY_LRU}, 0);
}

void walk_deinit(WalkCache *w)
{
    for (unsigned i = 0; i < WALK_LEVELS; i++)
        part_deinit(&w->level[i]);
}

unsigned walk_do(WalkCache *w, const LabAccess *a, bool *hit)
{
    unsigned root = MAX(a->levels, 1); // the level above the one that is read first
    unsigned leaf = a->fault ? 0 : (a->bits - PAGE_BITS) / 9;
    unsigned from = root;
    *hit = false;
    if (leaf >= root)
        return 1;
    for (unsigned level = leaf + 1; w->level[0].entries && level < root; level++) {
        Part *p = &w->level[level - 1];
        uint64_t key = part_key(a->va, bits_of(level), a->asid, false);
        uint32_t way = part_lookup(p, key);
        if (way != NO_WAY) {
            part_touch(p, way);
            *hit = true;
            from = level;
            break;
        }
        if (!a->fault)
            part_fill(p, key, 0, false);
    }
    return from - leaf;
}

void walk_flush_all(WalkCache *w)
{
    for (unsigned i = 0; i < WALK_LEVELS && w->level[i].entries; i++)
        part_flush_all(&w->level[i], true, CAUSE_FLUSH_ALL);
}

void walk_flush_asid(WalkCache *w, uint16_t asid)
{
    for (unsigned i = 0; i < WALK_LEVELS && w->level[i].entries; i++)
        part_flush_asid(&w->level[i], asid, CAUSE_FLUSH_ASID);
}
