// SPDX-License-Identifier: GPL-3.0-or-later
// Atomic memory operations: host atomics on RAM, a load and a store on devices (memory/spec.md 2.10).
//
// SC compares memory with the value LR returned (R2.61): a reservation survives foreign stores of the same value.
#include "backend/atomic.h"

#define NO_RESERVATION UINT64_MAX

static inline uint64_t extend(uint64_t v, unsigned size)
{
    return size == 4 ? (uint64_t)(int64_t)(int32_t)v : v;
}

static uint64_t load_host(void *host, unsigned size)
{
    return size == 4 ? __atomic_load_n((uint32_t *)host, __ATOMIC_SEQ_CST)
                     : __atomic_load_n((uint64_t *)host, __ATOMIC_SEQ_CST);
}

static bool swap_host(void *host, unsigned size, uint64_t expected, uint64_t value)
{
    if (size == 8)
        return __atomic_compare_exchange_n((uint64_t *)host, &expected, value, false, __ATOMIC_SEQ_CST,
                                           __ATOMIC_SEQ_CST);
    uint32_t low = (uint32_t)expected;
    return __atomic_compare_exchange_n((uint32_t *)host, &low, (uint32_t)value, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
}

static bool load_reserved(IrEnv *env, Tlb *tlb, gva_t va, unsigned size, void *host, uint64_t *out, MemFault *fault)
{
    uint64_t v;
    if (host)
        v = load_host(host, size);
    else if (!tlb_load(tlb, va, size, &v, fault))
        return false;
    *out = extend(v, size);
    env->res_addr = va;
    env->res_value = *out;
    return true;
}

static bool store_conditional(IrEnv *env, Tlb *tlb, gva_t va, unsigned size, void *host, uint64_t value, uint64_t *out,
                              MemFault *fault)
{
    bool ok = env->res_addr == va;
    env->res_addr = NO_RESERVATION;
    if (ok && host) {
        ok = swap_host(host, size, env->res_value, value);
    } else if (ok) {
        uint64_t old;
        if (!tlb_atomic_load(tlb, va, size, &old, fault)) {
            fault->access = ACCESS_WRITE;
            return false;
        }
        ok = extend(old, size) == env->res_value;
        if (ok && !tlb_store(tlb, va, size, value, fault))
            return false;
    }
    *out = !ok;
    return true;
}

static bool amo(Tlb *tlb, IrAmo op, gva_t va, unsigned size, void *host, uint64_t value, uint64_t *out, MemFault *fault)
{
    uint64_t old;
    if (host) {
        do {
            old = extend(load_host(host, size), size);
        } while (!swap_host(host, size, old, ir_eval_amo(op, size, old, value)));
    } else {
        if (!tlb_atomic_load(tlb, va, size, &old, fault)) {
            fault->access = ACCESS_WRITE;
            return false;
        }
        old = extend(old, size);
        if (!tlb_store(tlb, va, size, ir_eval_amo(op, size, old, value), fault))
            return false;
    }
    *out = old;
    return true;
}

void atomic_tap(Tap *tap, uint64_t kind, gva_t va, uint32_t tag)
{
    MemAccess access = (kind & 0xff) == JIT_ATOMIC_LR ? ACCESS_READ : ACCESS_WRITE;
    if (!tap_passes(tap, va, access))
        tap_record(tap, va, access, tag);
    tap_add(tap, access, 1);
    tap_begin(tap, va, access, tag);
}

bool atomic_access(IrEnv *env, Tlb *tlb, uint64_t kind, gva_t va, uint64_t value, bool ram_only, uint64_t *out,
                   MemFault *fault)
{
    unsigned size = (kind >> 8) & 0xf, op = kind & 0xff;
    MemAccess access = op == JIT_ATOMIC_LR ? ACCESS_READ : ACCESS_WRITE;
    void *host;
    if (ram_only) {
        fault->kind = FAULT_NONE;
        host = va & (size - 1) ? NULL : tlb_ram(tlb, va, size, access);
        if (!host)
            return false;
    } else if (!tlb_atomic(tlb, va, size, access, &host, fault)) {
        return false;
    }
    bool ok;
    switch (op) {
    case JIT_ATOMIC_LR:
        ok = load_reserved(env, tlb, va, size, host, out, fault);
        break;
    case JIT_ATOMIC_SC:
        ok = store_conditional(env, tlb, va, size, host, value, out, fault);
        break;
    default:
        ok = amo(tlb, (IrAmo)op, va, size, host, value, out, fault);
    }
    tlb_atomic_done(tlb);
    return ok;
}
