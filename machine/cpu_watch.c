// SPDX-License-Identifier: GPL-3.0-or-later
// Telling watchers what happens to a processor.
#include "machine/cpu_watch.h"

#include "machine/cpu.h"
#include "util/clock.h"

static void hook_trap(void *opaque, uint64_t number, bool interrupt, uint64_t tval)
{
    cpu_tell(opaque, interrupt ? CPU_INTERRUPT : CPU_EXCEPTION, number, tval);
}

void cpu_add_watcher(Cpu *cpu, CpuWatcher *watcher)
{
    watcher->next = cpu->watchers;
    cpu->watchers = watcher;
    cpu->hart.hooks.trap = hook_trap;
}

void cpu_tell(Cpu *cpu, CpuEventKind kind, uint64_t cause, uint64_t tval)
{
    const IrEnv *env = &cpu->hart.env;
    CpuEvent event = {kind, (unsigned)cpu->hart.hartid, env->pc, cause, tval, clock_ns(CLOCK_MONOTONIC),
                      ir_env_icount(env)};
    for (CpuWatcher *w = cpu->watchers; w; w = w->next)
        w->event(w->opaque, &event);
}

void cpu_tell_wfi(Cpu *cpu, bool waits)
{
    if (!cpu->watchers || waits == cpu->waiting)
        return;
    cpu->waiting = waits;
    cpu_tell(cpu, waits ? CPU_WFI_BEGIN : CPU_WFI_END, 0, 0);
}
