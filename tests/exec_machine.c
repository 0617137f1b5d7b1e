// SPDX-License-Identifier: GPL-3.0-or-later
// The machine of the case files: a hart and 64 KiB of RAM, seen through page tables and PMP but without a TLB.
#include "tests/exec_cases.h"
#include <string.h>

static uint8_t *in_ram(ExecMachine *m, uint64_t pa, unsigned size)
{
    bool is = pa >= EXEC_RAM_BASE && pa - EXEC_RAM_BASE <= EXEC_RAM_SIZE - size;
    return is ? m->ram + (pa - EXEC_RAM_BASE) : NULL;
}

bool exec_store_physical(ExecMachine *m, uint64_t pa, unsigned size, uint64_t value)
{
    uint8_t *at = in_ram(m, pa, size);
    if (at) {
        memcpy(at, &value, size);
    }
    return at;
}

// The RAM behind [va, va + size), which lies in one page. NULL: *fault.
static uint8_t *locate(ExecMachine *m, uint64_t va, unsigned size, MemAccess access, MemFault *fault)
{
    unsigned mmu = access == ACCESS_FETCH ? hart_fetch_mmu(&m->hart) : hart_data_mmu(&m->hart);
    HartPage page;
    if (!hart_translate(&m->hart, va, size, access, mmu, &page, fault)) {
        return NULL;
    }
    uint8_t *at = in_ram(m, page.page | (va & ~PAGE_MASK), size);
    if (!at) {
        *fault = (MemFault){FAULT_ACCESS, access, va};
    }
    return at;
}

// Both pages of an access that crosses from one to another are found before anything happens.
static bool access_memory(ExecMachine *m, uint64_t va, unsigned size, MemAccess access, uint64_t *value,
                          MemFault *fault)
{
    unsigned room = PAGE_SIZE - (unsigned)(va & ~PAGE_MASK), first = MIN(size, room);
    uint8_t *at[2] = {locate(m, va, first, access, fault), NULL};
    if (!at[0] || (first < size && !(at[1] = locate(m, va + first, size - first, access, fault)))) {
        return false;
    }
    for (unsigned i = 0; i < 2 && at[i]; i++) {
        uint8_t *bytes = (uint8_t *)value + (i ? first : 0);
        unsigned n = i ? size - first : first;
        memcpy(access == ACCESS_WRITE ? at[i] : bytes, access == ACCESS_WRITE ? bytes : at[i], n);
    }
    return true;
}

bool exec_load(void *opaque, uint64_t addr, unsigned size, uint64_t *value, MemFault *fault)
{
    *value = 0;
    return access_memory(opaque, addr, size, ACCESS_READ, value, fault);
}

bool exec_store(void *opaque, uint64_t addr, unsigned size, uint64_t value, MemFault *fault)
{
    return access_memory(opaque, addr, size, ACCESS_WRITE, &value, fault);
}

bool exec_fetch(void *opaque, uint64_t pc, uint16_t *parcel, MemFault *fault)
{
    uint64_t value = 0;
    bool ok = access_memory(opaque, pc, 2, ACCESS_FETCH, &value, fault);
    *parcel = (uint16_t)value;
    return ok;
}

static bool pte_load(void *opaque, uint64_t pa, uint64_t *pte)
{
    uint8_t *at = in_ram(opaque, pa, 8);
    if (at) {
        memcpy(pte, at, 8);
    }
    return at;
}

static bool pte_swap(void *opaque, uint64_t pa, uint64_t old, uint64_t new, uint64_t *old_seen)
{
    return pte_load(opaque, pa, old_seen) && (*old_seen != old || exec_store_physical(opaque, pa, 8, new));
}

static bool cache_block(void *opaque, uint64_t va, bool zero, MemFault *fault)
{
    uint64_t block = va & ~UINT64_C(63);
    uint8_t *at = locate(opaque, block, 64, zero ? ACCESS_WRITE : ACCESS_READ, fault);
    if (!at) {
        *fault = (MemFault){fault->kind, ACCESS_WRITE, va};
    } else if (zero) {
        memset(at, 0, 64);
    }
    return at;
}

uint64_t exec_time(void *opaque)
{
    (void)opaque;
    return EXEC_TIME;
}

void exec_reset(ExecMachine *m)
{
    HartHooks hooks = {.opaque = m,
                       .time = exec_time,
                       .pte_load = pte_load,
                       .pte_swap = pte_swap,
                       .cache_block = cache_block};
    hart_init(&m->hart, 0, &hooks);
    m->hart.pmpaddr[15] = UINT64_MAX >> 10; // everything is allowed
    m->hart.pmpcfg[15] = 0x1f;
    m->hart.env.pc = EXEC_RAM_BASE;
    for (unsigned i = 1; i < IR_NREGS; i++) {
        m->hart.env.r[i] = UINT64_C(0x5a5a000000000000) + i;
    }
    for (unsigned i = 0; i < EXEC_RAM_SIZE; i += 2) {
        memcpy(m->ram + i, (uint8_t[]){0x02, 0x90}, 2);
    }
}
