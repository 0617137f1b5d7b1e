// SPDX-License-Identifier: GPL-3.0-or-later
// Orders of replacement: LRU and FIFO keep the ways of a set in a list, PLRU a tree of bits, random a generator.
//
// PLRU: the inner nodes of a set are numbered from 1, the children of n are 2n and 2n + 1, the leaves are the ways. A
// node's byte says which child to look in for a victim; a use makes all nodes above its way point to the other side.
// Random: splitmix64; the victim is the high word of its next number times the number of ways.
#include "lab/model_part.h"

static bool listed(const Part *p)
{
    return p->spec.policy == POLICY_LRU || p->spec.policy == POLICY_FIFO;
}

void policy_init(Part *p, uint64_t seed)
{
    p->random = seed;
    if (p->spec.policy == POLICY_PLRU)
        p->tree = g_new0(uint8_t, p->entries);
}

static void append(Part *p, WaySet *s, uint32_t way)
{
    p->way[way].newer = NO_WAY;
    p->way[way].older = s->newest;
    if (s->newest != NO_WAY)
        p->way[s->newest].newer = way;
    else
        s->oldest = way;
    s->newest = way;
}

static void take_out(Part *p, WaySet *s, uint32_t way)
{
    uint32_t newer = p->way[way].newer, older = p->way[way].older;
    if (newer != NO_WAY)
        p->way[newer].older = older;
    else
        s->newest = older;
    if (older != NO_WAY)
        p->way[older].newer = newer;
    else
        s->oldest = newer;
}

void policy_newest(Part *p, uint32_t way)
{
    if (p->way[way].newer == NO_WAY)
        return;
    WaySet *s = &p->set[way / p->spec.ways];
    take_out(p, s, way);
    append(p, s, way);
}

void policy_point_away(Part *p, uint32_t way)
{
    uint32_t ways = p->spec.ways, base = way / ways * ways;
    for (uint32_t n = ways + way - base; n > 1; n >>= 1)
        p->tree[base + (n >> 1)] = !(n & 1);
}

void policy_filled(Part *p, uint32_t way)
{
    if (listed(p))
        append(p, &p->set[way / p->spec.ways], way);
    else if (p->spec.policy == POLICY_PLRU)
        policy_point_away(p, way);
}

void policy_removed(Part *p, uint32_t way)
{
    if (listed(p))
        take_out(p, &p->set[way / p->spec.ways], way);
}

static uint64_t next_random(Part *p)
{
    uint64_t x = p->random += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

uint32_t policy_victim(Part *p, uint32_t set)
{
    uint32_t ways = p->spec.ways, base = set * ways, n = 1;
    switch (p->spec.policy) {
    case POLICY_LRU:
    case POLICY_FIFO:
        return p->set[set].oldest;
    case POLICY_PLRU:
        while (n < ways)
            n = 2 * n + p->tree[base + n];
        return base + n - ways;
    case POLICY_RANDOM:
        return base + (uint32_t)((unsigned __int128)next_random(p) * ways >> 64);
    }
    g_assert_not_reached();
}
