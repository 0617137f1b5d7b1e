// SPDX-License-Identifier: GPL-3.0-or-later
// Physical memory protection (privileged spec 3.7): 16 entries with a granularity of 4 bytes.
//
// The lowest-numbered entry that holds any byte of an access decides. It must hold all bytes, else the access
// fails whatever its bits say. Unlocked entries do not bind M-mode. Without a matching entry M-mode may do
// all, U-mode nothing.
#include "frontend/pmp.h"
#include "util/bits.h"

enum { PMP_R = 1, PMP_W = 2, PMP_X = 4, PMP_A_SHIFT = 3, PMP_L = 0x80 };
enum { PMP_OFF, PMP_TOR, PMP_NA4, PMP_NAPOT };
#define PMP_CFG_MASK  (PMP_R | PMP_W | PMP_X | 3 << PMP_A_SHIFT | PMP_L)
#define PMP_ADDR_MASK ((UINT64_C(1) << 54) - 1) // bits 55:2 of the address

static unsigned mode(uint8_t cfg)
{
    return cfg >> PMP_A_SHIFT & 3;
}

// The bytes [*first, *last] of an entry; false if it holds none.
static bool entry_range(const Hart *hart, unsigned i, uint64_t *first, uint64_t *last)
{
    uint64_t addr = hart->pmpaddr[i];
    switch (mode(hart->pmpcfg[i])) {
    case PMP_TOR:
        *first = i ? hart->pmpaddr[i - 1] << 2 : 0;
        *last = (addr << 2) - 1;
        return *first < addr << 2;
    case PMP_NA4:
        *first = addr << 2;
        *last = *first + 3;
        return true;
    case PMP_NAPOT: {
        uint64_t low = addr ^ (addr + 1); // the trailing ones and the zero above them: size / 4 - 1
        *first = (addr & ~low) << 2;
        *last = *first | low << 2 | 3;
        return true;
    }
    default:
        return false;
    }
}

static bool entry_permits(uint8_t cfg, MemAccess access, unsigned priv)
{
    static const uint8_t bit[ACCESS_KINDS] = {
        [ACCESS_READ] = PMP_R, [ACCESS_WRITE] = PMP_W, [ACCESS_FETCH] = PMP_X};
    return (priv == PRV_M && !(cfg & PMP_L)) || (cfg & bit[access]);
}

bool hart_pmp_allows(const Hart *hart, uint64_t pa, unsigned size, MemAccess access, unsigned priv,
                     bool *whole_page)
{
    uint64_t end = pa + size - 1;
    uint64_t page = pa & PAGE_MASK, page_end = page + PAGE_SIZE - 1;
    for (unsigned i = 0; i < HART_PMP_ENTRIES; i++) {
        uint64_t first, last;
        if (!entry_range(hart, i, &first, &last) || last < page || first > page_end) {
            continue;
        }
        if (first > page || last < page_end) {
            *whole_page = false;
        }
        if (first <= end && last >= pa) {
            return first <= pa && last >= end && entry_permits(hart->pmpcfg[i], access, priv);
        }
    }
    return priv == PRV_M;
}

void hart_pmp_same(const Hart *hart, uint64_t page, uint64_t *first, uint64_t *last)
{
    for (unsigned i = 0; i < HART_PMP_ENTRIES; i++) {
        uint64_t start, end;
        if (!entry_range(hart, i, &start, &end))
            continue;
        if (start <= page && end >= page) { // it decides about the page; what it lies behind does not matter there
            *first = MAX(*first, start);
            *last = MIN(*last, end);
            return;
        }
        if (end < page)
            *first = MAX(*first, end + 1);
        else
            *last = MIN(*last, start - 1);
    }
}

static void changed(Hart *hart)
{
    if (hart->hooks.tlb_flush) {
        hart->hooks.tlb_flush(hart->hooks.opaque);
    }
}

uint64_t pmp_cfg_read(const Hart *hart, unsigned reg)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < 8; i++) {
        value |= (uint64_t)hart->pmpcfg[reg * 4 + i] << (8 * i);
    }
    return value;
}

void pmp_cfg_write(Hart *hart, unsigned reg, uint64_t value)
{
    bool any = false;
    for (unsigned i = 0; i < 8; i++) {
        uint8_t *cfg = &hart->pmpcfg[reg * 4 + i];
        uint8_t new = (uint8_t)(bits_get(value, 8 * i, 8) & PMP_CFG_MASK);
        if (!(new &PMP_R)) {
            new &= (uint8_t)~PMP_W; // W without R is reserved
        }
        if (!(*cfg & PMP_L) && *cfg != new) {
            *cfg = new;
            any = true;
        }
    }
    if (any) {
        changed(hart);
    }
}

// A locked TOR entry also locks the address below it, which is its lower bound.
static bool addr_locked(const Hart *hart, unsigned i)
{
    if (hart->pmpcfg[i] & PMP_L) {
        return true;
    }
    return i + 1 < HART_PMP_ENTRIES && (hart->pmpcfg[i + 1] & PMP_L) && mode(hart->pmpcfg[i + 1]) == PMP_TOR;
}

void pmp_addr_write(Hart *hart, unsigned entry, uint64_t value)
{
    value &= PMP_ADDR_MASK;
    if (!addr_locked(hart, entry) && hart->pmpaddr[entry] != value) {
        hart->pmpaddr[entry] = value;
        changed(hart);
    }
}
