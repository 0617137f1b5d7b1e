// SPDX-License-Identifier: GPL-3.0-or-later
// What the tests of the engines share: a small machine (RAM, ROM, one device, TLB) with an engine, around any hart.
#pragma once
#include "backend/engine.h"
#include "frontend/hart.h"
#include "softmmu/memory.h"

#define RIG_RAM      UINT64_C(0x80000000)
#define RIG_ROM      UINT64_C(0x1000)
#define RIG_ROM_SIZE 0x1000u
#define RIG_DEV      UINT64_C(0x10000000) // reads give numbers made from address and history
#define RIG_DEV_SIZE 0x1000u
#define RIG_TIME     UINT64_C(0x123456789) // what the time CSR reads

typedef struct {
    IrEnv *env;
    MemoryRegion root, ram, rom, dev;
    AddressSpace as;
    CodePages *pages;
    Tlb *tlb;
    Engine *engine;
    uint64_t dev_hash; // over all device accesses in order
    uint64_t dev_times; // over the instruction counts at all device accesses
    unsigned dev_calls;
    const Hart *hart; // whose page tables and PMP count, or NULL
    uint64_t denied; // page that only M-mode may fetch from; 0: none
} Rig;

// A machine around env, whose frontend fields (registers, ops) are the caller's. guest NULL: the engine is only there
// to serve compiled code. Addresses are physical, everything is allowed.
void rig_init(Rig *rig, IrEnv *env, uint64_t ram_size, const EngineConfig *config, const EngineGuest *guest);
void rig_deinit(Rig *rig);
// RAM at the guest address, which must lie in RAM.
void *rig_ram(Rig *rig, uint64_t addr);
// Guest memory through the rig's TLB, for ir_eval. Lives as long as the rig.
IrMem rig_mem(Rig *rig);
// The next slice: left becomes insns without a change of the instruction count.
void rig_slice(Rig *rig, int64_t insns);
// Runs the engine for the next slice, whatever asked it to stop before.
void rig_run(Rig *rig, int64_t insns);

// A rig with a real hart in M-mode at RIG_RAM, PMP open, with its page tables and fences.
typedef struct {
    Hart hart;
    Rig rig;
} HartRig;

void hart_rig_init(HartRig *h, uint64_t ram_size, const EngineConfig *config);
void hart_rig_deinit(HartRig *h);
// Puts n instructions of four bytes at addr, as a debugger would: translated code of these bytes goes.
void hart_rig_poke(HartRig *h, uint64_t addr, const uint32_t *insns, unsigned n);
// From now on only M-mode may fetch from the page; the one before is free again.
void hart_rig_deny_fetch(HartRig *h, uint64_t page);

// Calls run(opaque) in three threads at once, as several engines that share something; returns when all are done.
void rig_threads(GThreadFunc run, void *opaque);
