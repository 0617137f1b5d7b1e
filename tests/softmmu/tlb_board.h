// SPDX-License-Identifier: GPL-3.0-or-later
// A small physical map with recording devices, and a translation that tests can program, for the TLB tests.
#pragma once
#include "softmmu/code_pages.h"
#include "softmmu/memory.h"
#include "softmmu/tlb.h"
#include "tests/test.h"
#include <string.h>

#define ROM_BASE  0x100000u
#define ROM_SIZE  0x2000u
#define DEV_BASE  0x2000000u // accepts everything
#define DEV_SIZE  0x1000u
#define DEV4_BASE (DEV_BASE + DEV_SIZE) // aligned words only
#define RAM_BASE  0x80000000u
#define RAM_SIZE  0x40000u
#define HOLE_BASE 0x40000000u

typedef struct {
    uint64_t addr, data;
    unsigned size;
    bool write;
} Call;

typedef struct { // device: offset k reads k until it is written
    uint8_t bytes[DEV_SIZE];
    Call calls[16]; // the first ones
    unsigned n_calls;
    uint64_t hash; // of all calls, in order
} Recorder;

typedef struct { // one virtual page under one MMU index
    gpa_t page;
    bool allow[ACCESS_KINDS];
    bool partial; // permissions by 8-byte granules: those with bit 3 of the address set are refused
} Map;

#define MAP_PAGES 256
#define MAP_BASE  (UINT64_C(0) - (MAP_PAGES / 2 << PAGE_BITS)) // around the wrap of the address space

typedef struct {
    MemoryRegion root, ram, rom, dev, dev4;
    MemoryRegion alias[16]; // windows into RAM, for tests that want more
    unsigned n_alias;
    Recorder rec, rec4;
    AddressSpace as;
    Map map[TLB_MMU_INDEXES][MAP_PAGES]; // page 0 as physical page: no mapping
    unsigned n_translations;
    uint64_t fast_mask;
    TlbEntry *fast_table;
    CodePages *code;
    Tlb *tlb;
} Board;

static inline void recorder_note(Recorder *r, Call c)
{
    if (r->n_calls < G_N_ELEMENTS(r->calls))
        r->calls[r->n_calls] = c;
    r->hash =
        (r->hash ^ c.data ^ c.addr << 48 ^ c.size ^ (uint64_t)c.write << 40) * UINT64_C(0x9e3779b97f4a7c15);
    r->n_calls++;
}

static inline uint64_t recorder_read(void *opaque, uint64_t addr, unsigned size)
{
    Recorder *r = opaque;
    uint64_t v = 0;
    memcpy(&v, r->bytes + addr, size);
    recorder_note(r, (Call){addr, v, size, false});
    return v;
}

static inline void recorder_write(void *opaque, uint64_t addr, uint64_t data, unsigned size)
{
    Recorder *r = opaque;
    memcpy(r->bytes + addr, &data, size);
    recorder_note(r, (Call){addr, data, size, true});
}

static const MemoryRegionOps recorder_any_ops = {
    .read = recorder_read,
    .write = recorder_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 1, .max_access_size = 8, .unaligned = true},
    .impl = {.min_access_size = 1, .max_access_size = 8, .unaligned = true},
};

static const MemoryRegionOps recorder_word_ops = {
    .read = recorder_read,
    .write = recorder_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 4, .max_access_size = 4},
    .impl = {.min_access_size = 4, .max_access_size = 4},
};

// Outside the window of maps: identity, everything allowed.
static inline bool board_translate(void *opaque, gva_t va, unsigned size, MemAccess access, unsigned mmu,
                                   TlbTranslation *out, MemFault *fault)
{
    Board *b = opaque;
    uint64_t i = (va - MAP_BASE) >> PAGE_BITS;
    b->n_translations++;
    if (i >= MAP_PAGES) {
        *out = (TlbTranslation){va & PAGE_MASK, {true, true, true}, true, 0};
        return true;
    }
    const Map *m = &b->map[mmu][i];
    if (!m->page || !m->allow[access]) {
        *fault = (MemFault){FAULT_PAGE, access, va};
        return false;
    }
    if (m->partial && ((va & 8) || ((va + size - 1) & 8))) {
        *fault = (MemFault){FAULT_ACCESS, access, va};
        return false;
    }
    *out = (TlbTranslation){.page = m->page, .whole_page = !m->partial};
    memcpy(out->allow, m->allow, sizeof out->allow);
    return true;
}

// rights: letters of r, w, x and p (partial).
static inline void board_map(Board *b, unsigned mmu, unsigned i, gpa_t page, const char *rights)
{
    b->map[mmu][i] =
        (Map){page, {strchr(rights, 'r'), strchr(rights, 'w'), strchr(rights, 'x')}, strchr(rights, 'p')};
}

// len bytes of RAM from offset on appear at addr too.
static inline void board_alias(Board *b, uint64_t addr, uint64_t offset, uint64_t len, bool readonly)
{
    MemoryRegion *mr = &b->alias[b->n_alias++];
    memory_region_init_alias(mr, "alias", &b->ram, offset, len);
    memory_region_set_readonly(mr, readonly);
    memory_region_add_subregion(&b->root, addr, mr);
}

// invalidate NULL: no code tracking.
static inline void board_init(Board *b, unsigned bits, void (*invalidate)(void *, ram_t, uint64_t),
                              void *opaque)
{
    GError *error = NULL;
    memset(b, 0, sizeof *b);
    memory_region_init(&b->root, "system", UINT64_MAX);
    assert_true(memory_region_init_ram(&b->ram, "ram", RAM_SIZE, &error));
    assert_true(memory_region_init_rom(&b->rom, "rom", ROM_SIZE, &error));
    memory_region_init_io(&b->dev, &recorder_any_ops, &b->rec, "dev", DEV_SIZE);
    memory_region_init_io(&b->dev4, &recorder_word_ops, &b->rec4, "dev4", DEV_SIZE);
    memory_region_add_subregion(&b->root, RAM_BASE, &b->ram);
    memory_region_add_subregion(&b->root, ROM_BASE, &b->rom);
    memory_region_add_subregion(&b->root, DEV_BASE, &b->dev);
    memory_region_add_subregion(&b->root, DEV4_BASE, &b->dev4);
    address_space_init(&b->as, &b->root, "memory");
    for (unsigned i = 0; i < DEV_SIZE; i++)
        b->rec.bytes[i] = b->rec4.bytes[i] = (uint8_t)i;
    for (unsigned i = 0; i < ROM_SIZE; i++)
        b->rom.ram->host[i] = (uint8_t)(i * 7 + 1);
    for (unsigned i = 0; i < RAM_SIZE; i++)
        b->ram.ram->host[i] = (uint8_t)(i * 13 + (i >> 8));
    TlbHooks hooks = {board_translate, b};
    b->code = invalidate ? code_pages_new(invalidate, opaque) : NULL;
    b->tlb = tlb_new(&b->as, b->code, &hooks, bits, &b->fast_mask, &b->fast_table);
    if (b->code)
        code_pages_add_tlb(b->code, b->tlb);
}

static inline void board_deinit(Board *b)
{
    MemoryRegion *all[] = {&b->ram, &b->rom, &b->dev, &b->dev4};
    tlb_free(b->tlb);
    code_pages_free(b->code);
    address_space_deinit(&b->as);
    for (unsigned i = 0; i < b->n_alias; i++) {
        memory_region_del_subregion(&b->root, &b->alias[i]);
        memory_region_deinit(&b->alias[i]);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(all); i++) {
        memory_region_del_subregion(&b->root, all[i]);
        memory_region_deinit(all[i]);
    }
    memory_region_deinit(&b->root);
}

// The entry that the interpreter and compiled code look at, and their compare.
static inline TlbEntry *board_entry(const Board *b, gva_t va)
{
    return (TlbEntry *)(void *)((char *)b->fast_table + ((va >> 7) & b->fast_mask));
}

static inline bool board_hits(const Board *b, gva_t va, unsigned size, MemAccess access)
{
    return board_entry(b, va)->cmp[access] == (va & (PAGE_MASK | (size - 1)));
}

static inline uint64_t counters_sum(const TlbCounters *c)
{
    return c->hit + c->slow_mmio + c->slow_notdirty + c->slow_discard + c->slow_recheck + c->slow_watch +
           c->victim_hit + c->fill_ok + c->fill_fault;
}

// All lookups that were counted (spec 5.8).
static inline uint64_t board_lookups(const Board *b)
{
    TlbStats s;
    uint64_t n = 0;
    tlb_stats(b->tlb, &s);
    for (unsigned m = 0; m < TLB_MMU_INDEXES; m++) {
        for (unsigned k = 0; k < ACCESS_KINDS; k++)
            n += counters_sum(&s.kind[m][k]);
        assert_true(s.used[m] <= s.size[m]);
    }
    return n;
}
