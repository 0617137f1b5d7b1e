// SPDX-License-Identifier: GPL-3.0-or-later
// One processor of a board: hart, TLB and engine put together.
#pragma once
#include "backend/engine.h"
#include "frontend/hart.h"
#include "machine/board.h"
#include "softmmu/tlb.h"

typedef struct {
    Hart hart;
    Board *board;
    CodePages *pages;
    Tlb *tlb;
    Engine *engine;
    GThread *thread; // the thread that runs it, NULL before
    char symbol[128];
} Cpu;

// A processor in reset state, starting at the board's reset pc. mirror: a second processor of the same hart (-accel
// check), whose engine works on a copy of RAM; it makes no calls to the outside.
Cpu *cpu_new(Board *board, unsigned hartid, const EngineConfig *config, unsigned tlb_bits, bool semihosting);
void cpu_free(Cpu *cpu);

// Raises or lowers an interrupt line; any thread. On the processor's own thread the slice ends.
void cpu_set_irq(Cpu *cpu, unsigned irq, bool level);

// "name+0x12", or "" if no symbol is known; valid until the next call for this processor.
const char *cpu_symbol(Cpu *cpu, uint64_t pc);
