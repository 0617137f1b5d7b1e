// SPDX-License-Identifier: GPL-3.0-or-later
// A debugger's view of a processor's memory (memory/spec.md R2.25).
#include "machine/cpu.h"

bool cpu_physical_memory_rw_debug(Cpu *cpu, gpa_t pa, void *buf, uint64_t len, bool is_write)
{
    const MemTxAttrs attrs = {.debug = 1, .memory = is_write};
    AddressSpace *as = board_cpu_memory(cpu->board, (unsigned)cpu->hart.hartid);
    return address_space_rw(as, pa, attrs, buf, len, is_write) == MEMTX_OK;
}

bool cpu_memory_rw_debug(Cpu *cpu, gva_t va, void *buf, uint64_t len, bool is_write)
{
    uint8_t *bytes = buf;
    while (len) {
        uint64_t pa, part = MIN(len, PAGE_SIZE - (va & ~PAGE_MASK));
        if (!hart_debug_translate(&cpu->hart, va, hart_data_mmu(&cpu->hart), &pa))
            return false;
        if (!cpu_physical_memory_rw_debug(cpu, pa, bytes, part, is_write))
            return false;
        va += part;
        bytes += part;
        len -= part;
    }
    return true;
}
