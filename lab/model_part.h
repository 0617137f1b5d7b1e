// SPDX-License-Identifier: GPL-3.0-or-later
// One structure of a modelled TLB (lab/model.h): ways with entries, what is known of every entry that it was ever asked
// for, and beside it a fully associative LRU of as many entries, which tells conflicts from lack of room.
//
// An entry is named by a key: page number and size, ASID and whether it is global, in one word. The number of the page
// carries a one behind its last bit, so that pages of two sizes at one address are two keys.
#pragma once
#include "lab/model.h"
#include "lab/page_map.h"

#define NO_WAY UINT32_MAX
#define KEY_GLOBAL 1u
#define KEY_SHIFT 17 // ASID and KEY_GLOBAL below

static inline uint64_t part_key(gva_t va, unsigned bits, uint16_t asid, bool global)
{
    uint64_t page = (va >> bits << 1 | 1) << (bits - PAGE_BITS);
    return page << KEY_SHIFT | (global ? KEY_GLOBAL : (uint32_t)asid << 1);
}

typedef struct {
    uint64_t key;        // 0: invalid
    uint32_t node;
    uint32_t newer, older; // ways, in the set's order of replacement
    bool writable, prefetched;
    struct Row *row; // of the page; a hint
} Way;

typedef struct {
    uint32_t used;
    uint32_t hole;           // no way below it is invalid
    uint32_t newest, oldest; // NO_WAY: none
} WaySet;

typedef struct { // an entry that was asked for
    uint64_t key;
    uint32_t way;    // where it is
    uint32_t shadow; // and there
    uint8_t gone;    // ModelCause: why it is not; CAUSE_CAPACITY: replaced
    bool writable;   // then
} Node;

typedef struct {
    uint64_t key;
    uint32_t node, newer, older;
} ShadowWay;

typedef struct {
    ModelPart spec;
    uint32_t entries;
    Way *way;
    WaySet *set;
    uint8_t *tree; // of PLRU: `ways` bytes for each set, byte n: where the older half of node n is
    uint64_t random;
    uint32_t *front; // ways where keys were found
    unsigned front_shift;
    // nodes and a hash table of their numbers
    Node *node;
    uint32_t nodes, room;
    uint64_t *table; // high bits of the hash << 32 | node + 1
    uint64_t table_mask;
    ShadowWay *shadow; // NULL: the structure is itself one
    uint32_t shadow_used, shadow_newest, shadow_oldest, shadow_free;
    uint64_t filled, replaced, flushed; // entries; filled = replaced + flushed + those that are there
} Part;

void part_init(Part *p, const ModelPart *spec, uint64_t seed);
void part_deinit(Part *p);
// NULL if what it keeps about itself is in order; else what is not.
const char *part_check(const Part *p);

// The way that has the key, or NO_WAY. Changes nothing that counts.
uint32_t part_find(Part *p, uint64_t key);
// The way's entry is written anew.
void part_renew(Part *p, uint32_t way);
// Why the key is not there.
ModelCause part_why(Part *p, uint64_t key);
// Enters a key that is not there.
uint32_t part_fill(Part *p, uint64_t key, uint32_t set, bool writable);
// Brings an entry that is not there, but was and was replaced. False: it is there, or nothing is known of it.
bool part_prefetch(Part *p, uint64_t key, uint32_t set);
// Takes away the entries that match. `cause` is remembered.
void part_flush_all(Part *p, bool globals, ModelCause cause);
void part_flush_asid(Part *p, uint16_t asid, ModelCause cause);
// asid < 0: of every ASID, and global ones if globals.
void part_flush_va(Part *p, gva_t va, int asid, bool globals, ModelCause cause);

static inline uint32_t part_set(const Part *p, gva_t va, unsigned bits)
{
    return va >> bits & (p->spec.sets - 1);
}

static inline uint64_t part_hash(uint64_t key)
{
    return key * UINT64_C(0x9e3779b97f4a7c15);
}

static inline uint32_t part_lookup(Part *p, uint64_t key)
{
    uint32_t way = p->front[part_hash(key) >> p->front_shift];
    return p->way[way].key == key ? way : part_find(p, key);
}

// --- replacement (lab/model_policy.c)

void policy_init(Part *p, uint64_t seed);
void policy_filled(Part *p, uint32_t way);
void policy_removed(Part *p, uint32_t way); // before its key goes
uint32_t policy_victim(Part *p, uint32_t set); // all ways are valid
void policy_newest(Part *p, uint32_t way);
void policy_point_away(Part *p, uint32_t way);

// --- the shadow (lab/model_cause.c)

void shadow_init(Part *p);
// The entry was asked for: it is the most recent there.
void shadow_touch(Part *p, uint32_t node);
void shadow_remove(Part *p, uint32_t slot);

// A hit of a way: its order of replacement.
static inline void part_touch(Part *p, uint32_t way)
{
    const Way *w = &p->way[way];
    if (p->spec.policy == POLICY_LRU) {
        if (w->newer != NO_WAY)
            policy_newest(p, way);
    } else if (p->spec.policy == POLICY_PLRU) {
        policy_point_away(p, way);
    }
    if (p->shadow && (p->shadow_newest == NO_WAY || p->shadow[p->shadow_newest].node != w->node))
        shadow_touch(p, w->node);
}
