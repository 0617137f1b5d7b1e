// SPDX-License-Identifier: GPL-3.0-or-later
// What translation last said about the pages of each address space.
//
// The emulator says it whenever it walks page tables; what it does not walk it knows from an earlier walk. So of all
// entries that contain an address the one said last holds, be it of the present space or global, said in any.
#pragma once
#include "util/access.h"
#include <stdbool.h>
#include <stdint.h>

#define LAB_SIZES 6 // 4 KiB, 64 KiB, 2 MiB, 1 GiB, 512 GiB, 256 TiB
extern const uint8_t lab_size_bits[LAB_SIZES];
extern const uint8_t lab_size_index[64]; // by bits
// Index in lab_size_bits, or LAB_SIZES: not the size of a page-table entry.
static inline unsigned lab_size_of(unsigned bits)
{
    return bits < 64 ? lab_size_index[bits] : LAB_SIZES;
}

typedef struct {
    uint8_t bits;  // 12 if nothing is known
    uint8_t allow; // TAP_PAGE_*
    bool known;
} PageInfo;

typedef struct PageMap PageMap;
PageMap *page_map_new(void);
void page_map_free(PageMap *m);
// space: not 0. size: index in lab_size_bits.
void page_map_put(PageMap *m, uint32_t space, gva_t va, unsigned size, unsigned allow);
// The slow way: behind the front.
PageInfo page_map_find(PageMap *m, uint32_t space, gva_t va);

// In front of it, pages that were asked for a moment ago.
#define PAGE_FRONT 1024u
typedef struct {
    gva_t page;
    uint32_t space, epoch;
    PageInfo info;
} PageFront;
struct PageMap {
    PageFront front[PAGE_FRONT];
    uint32_t epoch; // fronts of another one are out of date
    struct PageSpaces *spaces;
};

static inline PageFront *page_front(PageMap *m, gva_t page)
{
    return &m->front[(page ^ page >> 10) % PAGE_FRONT];
}

static inline PageInfo page_map_get(PageMap *m, uint32_t space, gva_t va)
{
    gva_t page = va >> PAGE_BITS;
    const PageFront *f = page_front(m, page);
    if (f->page == page && f->space == space && f->epoch == m->epoch)
        return f->info;
    return page_map_find(m, space, va);
}
