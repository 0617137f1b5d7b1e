// SPDX-License-Identifier: GPL-3.0-or-later
// The image of a random program under construction: memory layout, instructions, and the ELF file it becomes.
#pragma once
#include "tests/frontend/encode.h"
#include <glib.h>

#define IMAGE_BASE UINT64_C(0x80000000) // runtime: entry, trap handler, final report
#define TOHOST (IMAGE_BASE + 0x1000)    // fromhost is 8 bytes behind
#define PRIVATE (IMAGE_BASE + 0x2000)   // a page the random code does not touch on purpose
#define CODE_BASE (IMAGE_BASE + 0x3000)
#define CODE_END (IMAGE_BASE + 0x40000)
#define DATA_BASE (IMAGE_BASE + 0x40000)
#define DATA_SIZE 0x6000 // a guard page on either side of the window
#define WINDOW (DATA_BASE + 0x1000)
#define WINDOW_MASK 0x3fff
#define IMAGE_SIZE (DATA_BASE + DATA_SIZE - IMAGE_BASE)

// PRIVATE_REG points at its middle: every slot is in reach of a 12-bit offset.
#define PRIVATE_MIDDLE (PRIVATE + 0x800)
enum { // slots of 8 bytes from its start on
    SLOT_X5, SLOT_X6, SLOT_X7,          // saved by the trap handler
    SLOT_TRAP_SUM, SLOT_TRAPS,          // what the handler adds up
    SLOT_COUNTERS,                      // sum of minstret differences
    SLOT_REGS,                          // 32 registers at the end
    SLOT_TABLE = SLOT_REGS + 32,        // tables of code addresses and the rest grow from here
    SLOTS = 512,
};

enum { // registers with a duty; random code writes the others only
    RA = 1,
    SP = 2,          // somewhere in the window, multiple of 16
    WINDOW_REG = 3,  // gp: WINDOW
    PRIVATE_REG = 4, // tp: PRIVATE_MIDDLE
    POINTER = 8,     // somewhere in the window; within reach of compressed instructions
    COUNTER = 9,     // of the outer register loop
    COUNTER2 = 27,   // of the inner one
    TEMP3 = 28,
    MASK_REG = 29,   // WINDOW_MASK
    TEMP = 30,
    TEMP2 = 31,      // the trap handler destroys it
};

typedef struct {
    uint8_t image[IMAGE_SIZE];
    uint64_t pc; // where the next instruction goes
    uint64_t random;
} Asm;

uint32_t below(Asm *a, uint32_t n);   // random number 0..n-1
bool one_in(Asm *a, uint32_t n);

void put16(Asm *a, uint16_t bits);
void put32(Asm *a, uint32_t bits);
void put64_at(Asm *a, uint64_t addr, uint64_t value);

// Encodes with operands as in Insn; those the format lacks are ignored. aq and rl are random.
void op(Asm *a, InsnId id, unsigned rd, unsigned rs1, unsigned rs2, int64_t imm);
static inline void op_r(Asm *a, InsnId id, unsigned rd, unsigned rs1, unsigned rs2)
{
    op(a, id, rd, rs1, rs2, 0);
}
static inline void op_i(Asm *a, InsnId id, unsigned rd, unsigned rs1, int64_t imm)
{
    op(a, id, rd, rs1, 0, imm);
}
static inline void op_store(Asm *a, InsnId id, unsigned rs2, unsigned rs1, int64_t imm)
{
    op(a, id, 0, rs1, rs2, imm);
}
// Branch or jump from the current place to an address.
void branch_to(Asm *a, InsnId id, unsigned rs1, unsigned rs2, uint64_t target);
void jump_to(Asm *a, unsigned rd, uint64_t target);
// rd := addr, always 8 bytes of code.
void load_address(Asm *a, unsigned rd, uint64_t addr);
// rd := value, always 8 bytes of code.
void load_int32(Asm *a, unsigned rd, int32_t value);
// rd := value, as much code as it takes; the same for all values of the image's addresses, and for those of U-mode.
void load_int64(Asm *a, unsigned rd, uint64_t value);
void csr(Asm *a, InsnId id, unsigned rd, unsigned number, unsigned source);
// Offset of a private slot from PRIVATE_REG.
int64_t slot_offset(unsigned slot);

// A hole for a branch or jump forward: reserve, emit what is skipped, then land. compressed: 2 bytes, so that the code
// in between must stay below 256 bytes and the branch has one register out of x8..x15 (c.beqz, c.bnez; c.j).
typedef struct {
    uint64_t at;
    InsnId id; // a branch, or INSN_JAL
    unsigned rs1, rs2;
    bool compressed;
} Hole;
Hole hole(Asm *a, InsnId id, unsigned rs1, unsigned rs2, bool compressed);
void land(Asm *a, const Hole *h);

bool write_elf(const Asm *a, const char *path);
