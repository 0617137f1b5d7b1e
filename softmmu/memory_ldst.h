// SPDX-License-Identifier: GPL-3.0-or-later
// Single values by size and byte order (spec 2.6): address_space_ldl_be(as, addr, attrs, &result) and the like.
//
// ub and b: 1 byte; uw and w: 2; l: 4; q: 8. _le and _be say how the value lies in memory. The _phys ones ignore the
// result: what fails reads as zero and writes nothing.
#pragma once
#include "softmmu/memory.h"

// address_space_ld and _st with attributes.
uint64_t address_space_load(AddressSpace *as, gpa_t addr, unsigned size, MemTxAttrs attrs, MemTxResult *result);
void address_space_store(AddressSpace *as, gpa_t addr, unsigned size, uint64_t value, MemTxAttrs attrs,
                         MemTxResult *result);

#define MEMORY_LDST(ld, st, type, swap) \
    static inline type address_space_##ld(AddressSpace *space, gpa_t addr, MemTxAttrs attrs, MemTxResult *result) \
    { \
        return swap((type)address_space_load(space, addr, sizeof(type), attrs, result)); \
    } \
    static inline void address_space_##st(AddressSpace *space, gpa_t addr, type value, MemTxAttrs attrs, \
                                          MemTxResult *result) \
    { \
        address_space_store(space, addr, sizeof(type), swap(value), attrs, result); \
    } \
    static inline type ld##_phys(AddressSpace *space, gpa_t addr) \
    { \
        return address_space_##ld(space, addr, MEMTXATTRS_NONE, NULL); \
    } \
    static inline void st##_phys(AddressSpace *space, gpa_t addr, type value) \
    { \
        address_space_##st(space, addr, value, MEMTXATTRS_NONE, NULL); \
    }

MEMORY_LDST(ldub, stb, uint8_t, )
MEMORY_LDST(lduw_le, stw_le, uint16_t, )
MEMORY_LDST(lduw_be, stw_be, uint16_t, __builtin_bswap16)
MEMORY_LDST(ldl_le, stl_le, uint32_t, )
MEMORY_LDST(ldl_be, stl_be, uint32_t, __builtin_bswap32)
MEMORY_LDST(ldq_le, stq_le, uint64_t, )
MEMORY_LDST(ldq_be, stq_be, uint64_t, __builtin_bswap64)
#undef MEMORY_LDST
