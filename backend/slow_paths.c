// SPDX-License-Identifier: GPL-3.0-or-later
// What compiled code calls in place: misses in the TLB, devices, atomic accesses, system instructions.
#include "backend/engine_private.h"

#include "backend/atomic.h"
#include "backend/fp_mode.h"
#include "backend/jit_call.h"

static void *ram_slow(IrEnv *env, uint64_t va, uint64_t kind)
{
    Engine *e = env->engine;
    e->stats.jit_slow++;
    char *host = tlb_ram(e->tlb, va, kind & 0xff, kind & JIT_RAM_WRITE ? ACCESS_WRITE : ACCESS_READ);
    return host ? (void *)((uintptr_t)host - va) : NULL;
}

// Of the address there is an entry that leads to a device, or to what shares its page.
static bool at_device(const IrEnv *env, uint64_t va, unsigned size, MemAccess access)
{
    const TlbEntry *t = (const TlbEntry *)(void *)((char *)env->tlb_table + ((va >> 7) & env->tlb_mask));
    return t->cmp[access] == ((va & (PAGE_MASK | (size - 1))) | TLB_MMIO);
}

// A device is called here, as of the instruction that asks; what then ends the slice makes the block's end leave. A
// fault is taken by run_unit, or the device would see the access twice.
static JitAccess access_device(Engine *e, uint64_t va, uint64_t kind, uint64_t value, int64_t left, const JitUnit *u)
{
    IrEnv *env = e->env;
    unsigned insn = (unsigned)(kind >> 16), size = kind & 0xff;
    env->pc = u->block->pc + u->block->insn_pc[insn];
    env->left = left - insn;
    u->block->devices++;
    e->device_word = value;
    fp_mode_leave(env);
    bool ok = kind & JIT_RAM_WRITE ? tlb_store(e->tlb, va, size, value, &e->fault)
                                   : tlb_load(e->tlb, va, size, &e->device_word, &e->fault);
    fp_mode_enter(env);
    e->faulted = !ok;
    return (JitAccess){ok ? (char *)((uintptr_t)&e->device_word - va) : NULL, env->left + insn};
}

JitAccess jit_access_slow(IrEnv *env, uint64_t va, uint64_t kind, uint64_t value, int64_t left, JitSlot *slots)
{
    Engine *e = env->engine;
    MemAccess access = kind & JIT_RAM_WRITE ? ACCESS_WRITE : ACCESS_READ;
    if (at_device(env, va, kind & 0xff, access) && !(kind & JIT_NO_DEVICE) && e->config.system)
        return access_device(e, va, kind, value, left, jit_unit_of(slots));
    return (JitAccess){env->ram_slow(env, va, kind), left};
}

static uint64_t atomic_slow(IrEnv *env, uint64_t va, uint64_t value, uint64_t kind)
{
    Engine *e = env->engine;
    MemFault fault;
    uint64_t out = 0;
    env->exit_site = !atomic_access(env, e->tlb, kind, va, value, true, &out, &fault);
    return out;
}

static void system_slow(IrEnv *env, uint64_t helper, uint64_t a, uint64_t b)
{
    fp_mode_leave(env);
    env->ops->helpers[helper].fn(env, a, b);
    fp_mode_enter(env);
}

void slow_paths_init(IrEnv *env)
{
    env->ram_slow = ram_slow;
    env->jit_access = jit_access;
    env->atomic_slow = atomic_slow;
    env->system = system_slow;
}
