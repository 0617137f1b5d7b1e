// SPDX-License-Identifier: GPL-3.0-or-later
// What a processor writes to its tap besides accesses (util/tap.h): time, and events that change what accesses mean.
// Nothing where the tap is off. On the hart's thread, or while it is stopped.
#pragma once
#include "machine/cpu.h"

// From now on accesses are recorded: cursor to end, at least 8 records, have room, and cursor[-1] can be read; full as
// in Tap. The processor has not run yet; EngineConfig.tap. Writes how the stream begins.
void cpu_tap_start(Cpu *cpu, TapRecord *cursor, TapRecord *end, void (*full)(Tap *tap), void *opaque);
// The last records, TAP_END included. Then the tap is off.
void cpu_tap_end(Cpu *cpu);

void cpu_tap_slice(Cpu *cpu);       // one begins
void cpu_tap_mode(Cpu *cpu);        // privilege, MPRV, MPP or satp may have changed
void cpu_tap_fence(Cpu *cpu, const HartFence *what);
void cpu_tap_flush(Cpu *cpu, TapFlushCause cause); // MAP: perhaps by another thread; it is written later then
void cpu_tap_cache_block(Cpu *cpu, uint64_t va, MemAccess access); // the instruction accesses the block of va
