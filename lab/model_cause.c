// SPDX-License-Identifier: GPL-3.0-or-later
// Why something missed (Hill's three Cs): a fully associative LRU of as many entries as the structure has, which sees
// the same accesses, fills and flushes. What that would still have was lost to a conflict in a set or to the policy,
// what it lost too was lost for want of room.
#include "lab/model_part.h"

void shadow_init(Part *p)
{
    p->shadow_newest = p->shadow_oldest = p->shadow_free = NO_WAY;
    if (p->spec.sets > 1 || p->spec.policy != POLICY_LRU)
        p->shadow = g_new0(ShadowWay, p->entries);
}

static void take_out(Part *p, uint32_t slot)
{
    ShadowWay *w = &p->shadow[slot];
    if (w->newer != NO_WAY)
        p->shadow[w->newer].older = w->older;
    else
        p->shadow_newest = w->older;
    if (w->older != NO_WAY)
        p->shadow[w->older].newer = w->newer;
    else
        p->shadow_oldest = w->newer;
}

static void append(Part *p, uint32_t slot)
{
    ShadowWay *w = &p->shadow[slot];
    w->newer = NO_WAY;
    w->older = p->shadow_newest;
    if (w->older != NO_WAY)
        p->shadow[w->older].newer = slot;
    else
        p->shadow_oldest = slot;
    p->shadow_newest = slot;
}

void shadow_remove(Part *p, uint32_t slot)
{
    ShadowWay *w = &p->shadow[slot];
    take_out(p, slot);
    p->node[w->node].shadow = NO_WAY;
    w->key = 0;
    w->older = p->shadow_free;
    p->shadow_free = slot;
}

void shadow_touch(Part *p, uint32_t node)
{
    uint32_t slot = p->node[node].shadow;
    if (slot != NO_WAY) {
        if (slot != p->shadow_newest) {
            take_out(p, slot);
            append(p, slot);
        }
        return;
    }
    if (p->shadow_free == NO_WAY && p->shadow_used == p->entries)
        shadow_remove(p, p->shadow_oldest);
    if (p->shadow_free != NO_WAY) {
        slot = p->shadow_free;
        p->shadow_free = p->shadow[slot].older;
    } else {
        slot = p->shadow_used++;
    }
    p->shadow[slot].key = p->node[node].key;
    p->shadow[slot].node = node;
    p->node[node].shadow = slot;
    append(p, slot);
}

ModelCause part_why(Part *p, uint64_t key)
{
    uint64_t hash = part_hash(key);
    for (uint64_t i = hash >> 20;; i++) {
        uint64_t word = p->table[i & p->table_mask];
        if (!word)
            return CAUSE_COLD;
        const Node *n = &p->node[(uint32_t)word - 1];
        if (word >> 32 != hash >> 32 || n->key != key)
            continue;
        return n->gone == CAUSE_CAPACITY && n->shadow != NO_WAY ? CAUSE_CONFLICT : n->gone;
    }
}
