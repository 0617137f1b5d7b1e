// SPDX-License-Identifier: GPL-3.0-or-later
// One RISC-V hart: its architectural state and the operations that the outside may do to it.
#pragma once
#include "ir/env.h"
#include <glib.h>

#define HART_PMP_ENTRIES 16

typedef enum { PRV_U = 0, PRV_S = 1, PRV_M = 3 } HartPriv;

// mip / mie bits and mcause interrupt numbers (privileged spec 3.1.9).
enum { IRQ_S_SOFT = 1, IRQ_M_SOFT = 3, IRQ_S_TIMER = 5, IRQ_M_TIMER = 7, IRQ_S_EXT = 9, IRQ_M_EXT = 11 };

enum { // mcause exception codes (privileged spec table 3.6)
    EXC_INSN_MISALIGNED = 0,
    EXC_INSN_ACCESS = 1,
    EXC_ILLEGAL = 2,
    EXC_BREAKPOINT = 3,
    EXC_LOAD_MISALIGNED = 4,
    EXC_LOAD_ACCESS = 5,
    EXC_STORE_MISALIGNED = 6,
    EXC_STORE_ACCESS = 7,
    EXC_ECALL_U = 8,
    EXC_ECALL_S = 9,
    EXC_ECALL_M = 11,
    EXC_INSN_PAGE = 12,
    EXC_LOAD_PAGE = 13,
    EXC_STORE_PAGE = 15,
};

// Which of the optional extensions a hart has; frontend/features.def has the rows.
typedef struct {
#define FEATURE(name, on) bool name;
#include "frontend/features.def"
    bool sv48, sv57; // page-table depths besides Sv39
    bool rdtime;     // the time CSR is there; else firmware has to answer reads of it
} HartFeatures;

extern const HartFeatures hart_features_default;

typedef struct { // what an sfence.vma is for (priv. spec 4.2.1)
    bool one_page, one_asid;
    uint64_t va;   // with one_page: any address in the page
    uint16_t asid; // with one_asid: not the global mappings
} HartFence;

// What a hart asks of its surroundings; all called on the hart's own thread. The board fills it in; NULL
// members are not called.
typedef struct {
    void *opaque;
    void (*tlb_flush)(void *opaque); // what translation or PMP say may have changed anywhere
    // Privilege, MPRV, MPP, SUM or MXR changed: hart_data_mmu, hart_fetch_mmu or hart_space is another one now.
    void (*mmu_changed)(void *opaque);
    void (*fence_i)(void *opaque);
    // Semihosting: an ebreak inside the magic sequence (slli x0,x0,31; ebreak; srai x0,x0,7), when enabled.
    // It does the call in a0/a1 and puts the result in a0. The hart goes on behind the ebreak.
    void (*semihost)(void *opaque);
    void (*space_changed)(void *opaque);                   // satp changed: hart_space is another one now
    void (*fence_vma)(void *opaque, const HartFence *what); // sfence.vma and sinval.vma
    // The real-time counter behind the time CSR, which does not exist without this.
    uint64_t (*time)(void *opaque);
    // The comparator of Sstc: while enabled the line IRQ_S_TIMER is up when time >= value.
    void (*stimecmp_changed)(void *opaque, bool enabled, uint64_t value);
    // Page tables: the aligned 8 bytes at physical address pa; false unless they are RAM. The swap is atomic and
    // stores new only over old; *old_seen tells what was there.
    bool (*pte_load)(void *opaque, uint64_t pa, uint64_t *pte);
    bool (*pte_swap)(void *opaque, uint64_t pa, uint64_t old, uint64_t new, uint64_t *old_seen);
    // Cache-block operation on the block of va: permissions as of a store if zero (then the block becomes 0), else
    // as of a load, but refused as a store. False: *fault.
    bool (*cache_block)(void *opaque, uint64_t va, bool zero, MemFault *fault);
    // TLB misses so far of one access kind, for the event counters.
    uint64_t (*tlb_misses)(void *opaque, MemAccess access);
    // An exception (number: EXC_) or interrupt is about to be taken at env.pc: everything is as before it.
    void (*trap)(void *opaque, uint64_t number, bool interrupt, uint64_t tval);
    // pte_load for debuggers and listings: only of memory, as devices notice that they are read. NULL: pte_load is so.
    bool (*pte_peek)(void *opaque, uint64_t pa, uint64_t *pte);
} HartHooks;

#define HART_CACHE_BLOCK 64 // bytes, of cbo.* (CMO spec 2.7)
#define HART_HPM_COUNTERS 29 // mhpmcounter3..31

typedef struct Hart {
    IrEnv env; // first: engines see only this
    HartHooks hooks;
    uint64_t hartid;
    uint8_t priv;     // HartPriv
    bool semihosting; // ebreak may be a semihosting call
    bool wfi;         // waiting for an interrupt; the run loop sleeps, after a look at mip, and clears it
    HartFeatures features;
    int mip;          // atomic: the levels of the devices' interrupt lines
    uint64_t mip_soft; // the bits of mip that software holds: SSIP, STIP and SEIP
    uint64_t mie, mstatus, mtvec, mepc, mcause, mtval, mscratch, mcounteren, mcountinhibit;
    uint64_t menvcfg, misa, medeleg, mideleg;
    uint64_t stvec, sepc, scause, stval, sscratch, scounteren, senvcfg, satp, stimecmp;
    int64_t mcycle_offset, minstret_offset; // counter = instructions retired + offset, unless inhibited
    uint64_t mcycle_held, minstret_held;    // value while inhibited
    uint8_t pmpcfg[HART_PMP_ENTRIES];
    uint64_t pmpaddr[HART_PMP_ENTRIES];
    uint64_t mhpmevent[HART_HPM_COUNTERS], hpm_offset[HART_HPM_COUNTERS]; // see frontend/hpm.h
    uint64_t trap_count, interrupt_count; // exceptions and interrupts taken; of these, interrupts
    // The last exception: its pc, the instructions retired before it, and how often in a row the same one
    // came with nothing retired in between, as the handler itself trapped. The run loop reports trap loops.
    uint64_t last_trap_pc, last_trap_icount, trap_loop_count;
    uint64_t refused_calls; // semihosting calls that were breakpoints, as semihosting is off
} Hart;

// IR register numbers of the guest: x0..x31 are 0..31, f0..f31 are 32..63, a single NaN-boxed.
extern const char *const hart_reg_names[64]; // ABI names: zero ra sp ...

// Clears *hart, copies *hooks, sets env.ops and resets to pc 0. The engine fields of env are the caller's to
// set afterwards.
void hart_init(Hart *hart, uint64_t hartid, const HartHooks *hooks);
// Puts the hart in reset state (priv. spec 3.4): M-mode, pc = reset_pc, all else 0. Keeps what belongs to
// others: the engine fields of env, the instruction count, and mip, whose bits are the levels of device
// lines.
void hart_reset(Hart *hart, uint64_t reset_pc);

// The extensions whose instructions this hart lacks, for LiftSource.absent (bit n: InsnExt n).
uint64_t hart_absent_exts(const Hart *hart);

// Takes an exception at env.pc (priv. spec 3.1.6.1, 3.1.14..16): CSRs, privilege, pc. Call it with exact
// state; retires nothing. cause is an EXC_ value.
void hart_exception(Hart *hart, uint64_t cause, uint64_t tval);
// If an enabled interrupt is pending takes the most urgent one (priv. spec 3.1.9) and returns true. Call it
// between instructions.
bool hart_take_interrupt(Hart *hart);
bool hart_interrupt_takeable(const Hart *hart); // would it now?
bool hart_interrupt_pending(const Hart *hart); // (mip & mie) != 0: ends wfi, whatever mstatus.MIE says
uint64_t hart_mip(const Hart *hart); // device lines and the bits that software set
// Sets or clears one mip bit; any thread. Sets env.exit_request if it was set newly.
void hart_set_irq(Hart *hart, unsigned irq, bool level);

// MMU index (R5.2) of data accesses (MPRV counted) and of fetches: 0 U, 1 S, 2 S with SUM, 3 M.
unsigned hart_data_mmu(const Hart *hart);
unsigned hart_fetch_mmu(const Hart *hart);
// What addresses of the indexes 0 to 2 mean depends on this number, and else only on what sfence.vma is for.
uint64_t hart_space(const Hart *hart);
uint16_t hart_asid(const Hart *hart);
bool hart_fetch_paged(const Hart *hart); // do page tables translate fetches?

typedef struct { // what translation says about one page
    uint64_t page; // physical address of the 4 KiB page
    bool allow[ACCESS_KINDS];
    bool whole_page;    // false: the answer holds for this access only (PMP granule below 4 KiB)
    uint8_t large_bits; // log2 of the bytes that one page-table entry maps, if it maps more than a page; else 0
    bool global;        // a global mapping
    uint64_t same_before, same_after; // so many bytes before and behind the page are mapped and permitted alike
} HartPage;

// mmu.c: translates va for an access of size bytes, all in one page, under MMU index mmu (priv. spec 4.3.2, PMP
// included). False: *fault says why. out->allow[access] is true on success; the other kinds tell what the same
// answer also permits. May set A and D bits in the page table (Svadu).
bool hart_translate(const Hart *hart, uint64_t va, unsigned size, MemAccess access, unsigned mmu, HartPage *out,
                    MemFault *fault);
// Where va lies for a debugger: whatever the leaf permits, nothing is marked. False: nowhere.
bool hart_debug_translate(const Hart *hart, uint64_t va, unsigned mmu, uint64_t *pa);

// pmp.c: may [pa, pa+size) be accessed with privilege priv (a HartPriv)? *whole_page is set to false when the
// answer may not hold for the whole 4 KiB page, and left alone otherwise (privileged spec 3.7). An access
// with size 1..4096 that lies in one page. Pure.
bool hart_pmp_allows(const Hart *hart, uint64_t pa, unsigned size, MemAccess access, unsigned priv,
                     bool *whole_page);
// Narrows [*first, *last], which contains the page, to bytes for which the answer is that for the page, if that is one
// answer for all of it.
void hart_pmp_same(const Hart *hart, uint64_t page, uint64_t *first, uint64_t *last);

// Appends pc, the main CSRs and x0..x31 as text, in the shape of QEMU's -d cpu; with mstatus.FS not Off fcsr and
// f0..f31 too, as its -d fpu.
void hart_print(const Hart *hart, GString *out);
// The same as QEMU 7.2 prints it for a hart without the H extension (-cpu rv64,h=off): -d cpu, with fpu -d cpu,fpu.
void hart_print_state(const Hart *hart, GString *out, bool fpu);
