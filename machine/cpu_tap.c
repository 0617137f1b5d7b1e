// SPDX-License-Identifier: GPL-3.0-or-later
// The events of a processor's tap.
#include "machine/cpu_tap.h"

enum { MODE_DATA_PRIV = 2, MODE_FETCH_TRANSLATED = 4, MODE_DATA_TRANSLATED = 5 }; // TAP_MODE: shifts

static Tap *tap_of(Cpu *cpu)
{
    return &cpu->hart.env.tap;
}

static void put_counts(Cpu *cpu)
{
    Tap *tap = tap_of(cpu);
    tap_event(tap, TAP_TIME, ir_env_icount(&cpu->hart.env), 0);
    tap_event(tap, TAP_LOADS, tap->loads, 0);
    tap_event(tap, TAP_STORES, tap->stores, 0);
}

// Something that changes what accesses mean.
static void put_change(Cpu *cpu, TapEvent event, uint64_t what, uint32_t count)
{
    put_counts(cpu);
    tap_event(tap_of(cpu), event, what, count);
    tap_forget(tap_of(cpu));
}

static unsigned mode_of(const Hart *hart)
{
    static const unsigned privs[] = {PRV_U, PRV_S, PRV_S, PRV_M}; // by MMU index
    unsigned fetch = privs[hart_fetch_mmu(hart) & 3], data = privs[hart_data_mmu(hart)];
    unsigned paged = hart->satp >> 60 != 0;
    return fetch | data << MODE_DATA_PRIV | (paged && fetch != PRV_M) << MODE_FETCH_TRANSLATED |
           (paged && data != PRV_M) << MODE_DATA_TRANSLATED;
}

static void put_space(Cpu *cpu)
{
    cpu->tap_satp = cpu->hart.satp;
    put_change(cpu, TAP_SPACE, cpu->tap_satp, 0);
}

static void put_mode(Cpu *cpu)
{
    cpu->tap_mode = mode_of(&cpu->hart);
    put_change(cpu, TAP_MODE, cpu->tap_mode, 0);
}

void cpu_tap_start(Cpu *cpu, TapRecord *cursor, TapRecord *end, void (*full)(Tap *tap), void *opaque)
{
    *tap_of(cpu) = (Tap){.cursor = cursor, .end = end, .full = full, .opaque = opaque};
    tlb_set_tap(cpu->tlb, tap_of(cpu));
    put_space(cpu);
    put_mode(cpu);
}

void cpu_tap_end(Cpu *cpu)
{
    Tap *tap = tap_of(cpu);
    if (!tap->cursor)
        return;
    engine_end_tap(cpu->engine);
    put_counts(cpu);
    tap_event(tap, TAP_END, 0, 0);
    tap->full(tap);
    tap->cursor = tap->end = NULL;
    tlb_set_tap(cpu->tlb, NULL);
}

void cpu_tap_slice(Cpu *cpu)
{
    Tap *tap = tap_of(cpu);
    if (!tap->cursor)
        return;
    if (tap->late)
        put_change(cpu, TAP_FLUSH_ALL, TAP_FLUSH_MAP, 0);
    else
        put_counts(cpu);
    tap->late = false;
}

void cpu_tap_mode(Cpu *cpu)
{
    if (!tap_of(cpu)->cursor)
        return;
    if (cpu->hart.satp != cpu->tap_satp)
        put_space(cpu);
    if (mode_of(&cpu->hart) != cpu->tap_mode)
        put_mode(cpu);
}

void cpu_tap_fence(Cpu *cpu, const HartFence *what)
{
    uint32_t flags = (what->one_asid ? what->asid | TAP_FLUSH_ASID : 0) | (what->one_page ? TAP_FLUSH_VA : 0);
    if (tap_of(cpu)->cursor)
        put_change(cpu, TAP_FLUSH, what->one_page ? what->va : 0, flags);
}

void cpu_tap_flush(Cpu *cpu, TapFlushCause cause)
{
    Tap *tap = tap_of(cpu);
    if (!tap->cursor)
        return;
    if (cause == TAP_FLUSH_MAP)
        tap->late = true;
    else
        put_change(cpu, TAP_FLUSH_ALL, cause, 0);
}

void cpu_tap_cache_block(Cpu *cpu, uint64_t va, MemAccess access)
{
    Tap *tap = tap_of(cpu);
    if (!tap->cursor)
        return;
    if (!tap_passes(tap, va, access))
        tap_record(tap, va, access, tap->tag);
    tap_add(tap, access, 1);
    tap_begin(tap, va, access, tap->tag);
}
