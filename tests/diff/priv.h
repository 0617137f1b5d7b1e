// SPDX-License-Identifier: GPL-3.0-or-later
// Random privileged programs: what their parts share.
//
// A program is a row of episodes in a loop. An episode starts in M-mode, where random CSRs, page-table entries and PMP
// entries change, and then visits S- or U-mode. Handlers in M and S fold what they see of a trap into a checksum and
// step over the instruction. Random control flow goes forward, so that every episode ends: with an ecall, with a fetch
// that cannot be resumed, or after too many traps.
//
// Code in the image runs at its physical address in M- and S-mode, and in U-mode under translation USER_OFFSET above
// it. Beside it lie code pages and data pages, which random page tables map in "windows": window offset x leads to
// 0x80000000 + x where no entry says otherwise, so that leaves of every level reach both.
#pragma once
#include "tests/diff/items.h"

#define CODE_PAGES  (IMAGE_BASE + 0x200000)
#define DATA_PAGES  (IMAGE_BASE + 0x400000)
#define TABLE_PAGES (IMAGE_BASE + 0x600000)
#define PAGE_TABLE_PAIRS DATA_BASE // address and first value of every page-table entry that is used, ended by 0
#define PAGES       8 // of code, and of data
#define USER_OFFSET UINT64_C(0x40000000)
#define WINDOWS     4 // per root; window 0 is global
#define ROOTS       2 // per mode

enum { // further registers with a duty
    CALL_REG = 4,  // where the code pages are
    MARK = 9,      // what goes on, for the trap handlers
    M_REG = 27,    // of the handler in M-mode; 0 outside
    S_REG = 28,    // of the handler in S-mode; 0 outside
};
enum { // values of MARK
    MARK_NONE,
    MARK_AMO,    // an access fault or page fault of a load counts as one of a store
    MARK_END,    // the next trap ends the episode
    MARK_ESCAPE, // the handler in S-mode seeks a trap that is not delegated
};

enum { // private slots
    SLOT_CONT = SLOT_TABLE, // where the next episode begins
    SLOT_EPISODE_TRAPS,     // traps in this one
    SLOT_TRAP_LIMIT,
    SLOT_TRACE, // not 0: print every trap
    SLOT_LOOP,
    SLOT_M_SAVE,
    SLOT_S_SAVE = SLOT_M_SAVE + 16,
    SLOT_LAST = SLOT_S_SAVE + 16,
};

enum { // CSRs
    FFLAGS = 0x001, FRM = 0x002, FCSR = 0x003, SSTATUS = 0x100, SIE = 0x104, STVEC = 0x105, SCOUNTEREN = 0x106,
    SENVCFG = 0x10a, SSCRATCH = 0x140, SEPC = 0x141, SCAUSE = 0x142, STVAL = 0x143, SIP = 0x144,
    SATP = 0x180, MSTATUS = 0x300, MISA = 0x301, MEDELEG = 0x302, MIDELEG = 0x303, MIE = 0x304, MTVEC = 0x305,
    MCOUNTEREN = 0x306, MENVCFG = 0x30a, MCOUNTINHIBIT = 0x320, MSCRATCH = 0x340, MEPC = 0x341, MCAUSE = 0x342,
    MTVAL = 0x343, MIP = 0x344, PMPCFG0 = 0x3a0, PMPADDR0 = 0x3b0, MCYCLE = 0xb00, MINSTRET = 0xb02, CYCLE = 0xc00,
    INSTRET = 0xc02, MVENDORID = 0xf11, MHARTID = 0xf14, MCONFIGPTR = 0xf15,
};

#define STATUS_SIE  UINT64_C(0x2)
#define STATUS_MIE  UINT64_C(0x8)
#define STATUS_SPIE UINT64_C(0x20)
#define STATUS_MPIE UINT64_C(0x80)
#define STATUS_SPP  UINT64_C(0x100)
#define STATUS_MPP  UINT64_C(0x1800)
#define STATUS_MPP_S UINT64_C(0x800)
#define STATUS_FS   UINT64_C(0x6000)
#define STATUS_MPRV UINT64_C(0x20000)
#define STATUS_SUM  UINT64_C(0x40000)
#define STATUS_MXR  UINT64_C(0x80000)
#define STATUS_TVM  UINT64_C(0x100000)
#define STATUS_TW   UINT64_C(0x200000)
#define STATUS_TSR  UINT64_C(0x400000)

typedef struct {
    Program p;
    bool extensions; // Svnapot, Svpbmt and Svinval are there
    bool pmp;        // PMP entries change; then data accesses are aligned if portable
    unsigned priv;   // 0 U, 1 S, 3 M: where the code being emitted runs
    uint64_t status; // TVM, TW and TSR as they are
    int mode;        // 0 Bare; 1..3: Sv39, Sv48, Sv57
    int last_paged;  // the last mode but Bare
    unsigned root;
    uint64_t mideleg;
    unsigned index[4][WINDOWS]; // of a window in the root table, by mode
    unsigned functions;         // entry points into the code pages
    uint16_t function[64];      // their offsets
    uint16_t patch[64];         // those of instructions that may be replaced
    unsigned patches;
} Priv;

uint64_t some_bits(Asm *a, uint64_t mask); // a random subset
bool percent(Asm *a, unsigned n);          // true n times out of 100
void load_operand(Priv *g, unsigned reg, uint64_t mask); // reg := (random register or constant) & mask

void set_windows(Priv *g); // the registers that point into windows := windows of the present mode

// Every item emits code that may destroy TEMP, TEMP2, x5 and what some_rd gives.

// priv_runtime.c: emits the runtime at IMAGE_BASE, which starts at `start` in M-mode. Returns the address of the final
// report, which prints the state and exits. trace: every trap prints five lines.
uint64_t priv_emit_runtime(Priv *g, uint64_t start, bool trace);
uint64_t priv_handler(bool machine); // mtvec or stvec without its mode; known once the runtime was emitted

// priv_pages.c
void pages_init(Priv *g);       // chooses the windows and what the tables hold at first
void pages_emit_start(Priv *g); // code that fills code, data and table pages
uint64_t some_window(Priv *g);  // the base of one of the present mode; IMAGE_BASE if Bare
uint64_t some_space(Priv *g);   // a value for satp; sets mode and root
void fence_after_switch(Priv *g, int last_paged); // behind a write of satp; last_paged as it was before
void item_edit(Priv *g);        // changes a page-table entry, and fences
void item_satp(Priv *g);        // another address space
void item_fence(Priv *g);       // a fence that nothing needs
void item_call(Priv *g);        // into the code pages
void item_patch(Priv *g);       // changes code there and calls it

// priv_pmp.c
void pmp_emit_start(Priv *g);
void item_pmp(Priv *g); // M-mode

// priv_csr.c
void item_csr(Priv *g);
uint64_t legal_status(Priv *g, bool machine); // for mstatus or sstatus, without reserved values of fields
void set_deleg(Priv *g);                      // medeleg, mideleg and mie
void set_enabled(Priv *g, unsigned number, uint64_t mask); // mie or sie

// priv_items.c
void access_window(Priv *g, uint64_t va, unsigned n); // n loads or stores at va; in M-mode as a mode below
void item_any(Priv *g);
