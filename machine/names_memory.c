// SPDX-License-Identifier: GPL-3.0-or-later
// Guest memory as names are read from it: RAM and ROM only (page tables too), nothing is marked or counted, no access
// fails loudly.
#include "machine/names_private.h"

#include <string.h>

#define MMU_S 1
#define MMU_M 3

// Addresses of a kernel are translated even for a hart in M-mode.
bool names_translate(Cpu *cpu, uint64_t va, uint64_t *pa)
{
    unsigned mmu = hart_fetch_mmu(&cpu->hart);
    return hart_debug_translate(&cpu->hart, va, mmu == MMU_M && va >> 63 ? MMU_S : mmu, pa);
}

const uint8_t *names_host(Cpu *cpu, uint64_t pa, uint64_t *len)
{
    MemorySection s = address_space_lookup(board_cpu_memory(cpu->board, (unsigned)cpu->hart.hartid), pa);
    if (!s.mr || !s.host)
        return NULL;
    *len = s.len;
    return s.mr->ram == cpu->copied ? s.host + cpu->ram_delta : s.host;
}

bool names_read(Cpu *cpu, uint64_t va, void *buf, uint64_t len)
{
    uint8_t *to = buf;
    while (len) {
        uint64_t pa, have, part = MIN(len, PAGE_SIZE - (va & ~PAGE_MASK));
        const uint8_t *host = names_translate(cpu, va, &pa) ? names_host(cpu, pa, &have) : NULL;
        if (!host || have < part)
            return false;
        memcpy(to, host, part);
        to += part;
        va += part;
        len -= part;
    }
    return true;
}
