// SPDX-License-Identifier: GPL-3.0-or-later
// Page tables shown to people. What permits an access and what faults is for mmu.c to say: here an entry is a leaf, a
// pointer or invalid.
#include "frontend/mmu_list.h"

#include "frontend/pte.h"
#include "util/bits.h"

#define TABLE_LIMIT 32768 // tables looked at in one listing: some 16 million entries, a second or so
#define MAPPING_LIMIT 65536
#define PTE_LETTERS (PTE_R | PTE_W | PTE_X | PTE_U | PTE_G | PTE_A | PTE_D)

typedef struct {
    const Hart *hart;
    void (*fn)(void *opaque, const HartMapping *mapping);
    void *opaque;
    HartMapping last; // size 0: none yet
    unsigned levels, tables, mappings;
} Lister;

static bool load(const Hart *hart, uint64_t pa, uint64_t *pte)
{
    bool (*fn)(void *, uint64_t, uint64_t *) = hart->hooks.pte_peek ? hart->hooks.pte_peek : hart->hooks.pte_load;
    return fn && fn(hart->hooks.opaque, pa, pte);
}

static unsigned leaf_bits(uint64_t pte, unsigned level)
{
    return pte & PTE_N && level == 0 ? NAPOT_BITS : PAGE_BITS + 9 * level;
}

static HartWalkKind classify(uint64_t pte, unsigned level)
{
    if (!(pte & PTE_V) || ((pte & PTE_W) && !(pte & PTE_R)))
        return HART_WALK_INVALID;
    if (!(pte & (PTE_R | PTE_W | PTE_X)))
        return level ? HART_WALK_TABLE : HART_WALK_INVALID;
    uint64_t ppn = bits_get(pte, PTE_PPN_SHIFT, PTE_PPN_BITS);
    return ppn & ((UINT64_C(1) << 9 * level) - 1) ? HART_WALK_INVALID : HART_WALK_LEAF;
}

static uint64_t target(uint64_t pte, HartWalkKind kind, unsigned level)
{
    uint64_t pa = bits_get(pte, PTE_PPN_SHIFT, PTE_PPN_BITS) << PAGE_BITS;
    return kind == HART_WALK_LEAF ? pa & ~((UINT64_C(1) << leaf_bits(pte, level)) - 1) : pa;
}

static uint64_t root(const Hart *hart)
{
    return bits_get(hart->satp, 0, PTE_PPN_BITS) << PAGE_BITS;
}

unsigned hart_walk(const Hart *hart, uint64_t va, HartWalkStep steps[HART_WALK_STEPS])
{
    unsigned levels = satp_levels(hart->satp), n = 0;
    uint64_t table = root(hart);
    for (unsigned level = levels; level-- > 0;) {
        HartWalkStep *s = &steps[n++];
        *s = (HartWalkStep){.level = level, .vpn = (unsigned)bits_get(va, PAGE_BITS + 9 * level, 9)};
        s->pte_addr = table + 8 * (uint64_t)s->vpn;
        s->kind = load(hart, s->pte_addr, &s->pte) ? classify(s->pte, level) : HART_WALK_UNREADABLE;
        s->next = table = target(s->pte, s->kind, level);
        if (s->kind != HART_WALK_TABLE)
            break;
    }
    return n;
}

static void flush(Lister *l)
{
    if (l->last.size)
        l->fn(l->opaque, &l->last);
    l->mappings += l->last.size != 0;
    l->last.size = 0;
}

static void add(Lister *l, HartMapping m)
{
    HartMapping *last = &l->last;
    if (last->size && last->va + last->size == m.va && last->pa + last->size == m.pa && last->flags == m.flags) {
        last->size += m.size;
        return;
    }
    flush(l);
    *last = m;
}

static bool list_table(Lister *l, uint64_t table, unsigned level, uint64_t va)
{
    if (l->tables++ == TABLE_LIMIT)
        return false;
    for (unsigned i = 0; i < 512; i++) {
        if (l->mappings == MAPPING_LIMIT - 1) // the one that goes on is the last
            return false;
        uint64_t pte, at = va | (uint64_t)i << (PAGE_BITS + 9 * level);
        if (!load(l->hart, table + 8 * (uint64_t)i, &pte))
            continue;
        HartWalkKind kind = classify(pte, level);
        if (level + 1 == l->levels)
            at = (uint64_t)bits_sext(at, PAGE_BITS + 9 * l->levels);
        uint64_t pa = target(pte, kind, level), size = UINT64_C(1) << (PAGE_BITS + 9 * level);
        uint64_t inside = at & ((UINT64_C(1) << leaf_bits(pte, level)) - 1); // an entry of 64 KiB stands there 16 times
        if (kind == HART_WALK_LEAF)
            add(l, (HartMapping){at, pa + inside, size, (unsigned)pte & PTE_LETTERS});
        else if (kind == HART_WALK_TABLE && !list_table(l, pa, level - 1, at))
            return false;
    }
    return true;
}

bool hart_each_mapping(const Hart *hart, void (*fn)(void *opaque, const HartMapping *mapping), void *opaque)
{
    Lister l = {.hart = hart, .fn = fn, .opaque = opaque, .levels = satp_levels(hart->satp)};
    bool all = !l.levels || list_table(&l, root(hart), l.levels - 1, 0);
    flush(&l);
    return all;
}

void hart_print_flags(unsigned flags, char out[8])
{
    static const char letters[] = "rwxugad";
    for (unsigned i = 0; i < 7; i++)
        out[i] = flags & PTE_R << i ? letters[i] : '-';
    out[7] = 0;
}
