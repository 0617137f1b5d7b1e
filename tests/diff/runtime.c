// SPDX-License-Identifier: GPL-3.0-or-later
// Start, trap handler and final report of a random program.
#include "tests/diff/runtime.h"

enum { // CSRs
    FCSR = 0x003,
    MSTATUS = 0x300, MTVEC = 0x305, MEPC = 0x341, MCAUSE = 0x342, MTVAL = 0x343, PMPCFG0 = 0x3a0, PMPADDR0 = 0x3b0,
};

static void csr_read_to(Asm *a, unsigned rd, unsigned number)
{
    csr(a, INSN_CSRRS, rd, number, 0);
}

static void csr_write_from(Asm *a, unsigned number, unsigned rs)
{
    csr(a, INSN_CSRRW, 0, number, rs);
}

// base: a register that holds PRIVATE_MIDDLE.
static void load_slot(Asm *a, unsigned rd, unsigned slot, unsigned base)
{
    op_i(a, INSN_LD, rd, base, slot_offset(slot));
}

static void store_slot(Asm *a, unsigned rs, unsigned slot, unsigned base)
{
    op_store(a, INSN_SD, rs, base, slot_offset(slot));
}

// Naturally aligned power-of-two region: cfg byte 0x18 | permissions.
static void set_pmp(Asm *a, unsigned entry, uint64_t base, uint64_t size)
{
    load_address(a, 5, base);
    op_i(a, INSN_SRLI, 5, 5, 2);
    op_i(a, INSN_ADDI, 5, 5, (int64_t)size / 8 - 1);
    csr_write_from(a, PMPADDR0 + entry, 5);
}

// A fuzzed page and the data region belong to U-mode, else everything does.
static void open_memory(Asm *a, bool user)
{
    if (user) {
        set_pmp(a, 0, CODE_BASE, 4096);
        for (unsigned page = 0; page < DATA_SIZE / 4096; page++)
            set_pmp(a, 1 + page, DATA_BASE + page * 4096, 4096);
        load_int32(a, 5, 0x1b1b1b1f);
        op_r(a, INSN_ADD_UW, 5, 5, 0);
        op_i(a, INSN_SLLI, 6, 5, 32);
        op_r(a, INSN_OR, 5, 5, 6);
        op_i(a, INSN_BCLRI, 5, 5, 34); // the fifth entry may be read and written only
        csr_write_from(a, PMPCFG0, 5);
        op_i(a, INSN_ADDI, 5, 0, 0);
        csr_write_from(a, MSTATUS, 5);
    } else {
        op_i(a, INSN_ADDI, 5, 0, -1);
        csr_write_from(a, PMPADDR0 + 1, 5);
        load_int32(a, 5, 0x1f00);
        csr_write_from(a, PMPCFG0, 5);
        load_int32(a, 5, 0x1800);
        csr(a, INSN_CSRRS, 0, MSTATUS, 5);
    }
}

static void emit_start(Asm *a, uint64_t start, bool user, uint64_t handler)
{
    load_address(a, 5, handler);
    csr_write_from(a, MTVEC, 5);
    open_memory(a, user);
    if (!user || !one_in(a, 4)) { // mstatus.FS: Initial or Dirty
        load_int32(a, 5, one_in(a, 2) ? 0x2000 : 0x6000);
        csr(a, INSN_CSRRS, 0, MSTATUS, 5);
    }
    load_address(a, 5, start);
    csr_write_from(a, MEPC, 5);
    load_address(a, PRIVATE_REG, PRIVATE_MIDDLE);
    for (unsigned r = 1; r < 32; r++) {
        if (r == PRIVATE_REG)
            continue;
        put64_at(a, PRIVATE + 8 * (SLOT_REGS + r), random_next(&a->random));
        load_slot(a, r, SLOT_REGS + r, PRIVATE_REG);
    }
    load_address(a, WINDOW_REG, WINDOW);
    load_int32(a, MASK_REG, WINDOW_MASK);
    op_i(a, INSN_ADDI, POINTER, WINDOW_REG, 0x400);
    op_i(a, INSN_ADDI, SP, WINDOW_REG, 0x600);
    op(a, INSN_MRET, 0, 0, 0, 0);
}

// x6 := trap checksum with x5 = mcause and the other trap CSRs. A breakpoint may leave its address or 0 in mtval (priv.
// spec 3.1.16), and QEMU differs from us: always 0 here.
static void emit_checksum(Asm *a)
{
    op_i(a, INSN_ADDI, 7, 0, 3);
    Hole no_breakpoint = hole(a, INSN_BNE, 5, 7, false);
    csr_write_from(a, MTVAL, 0);
    land(a, &no_breakpoint);
    load_slot(a, 6, SLOT_TRAP_SUM, TEMP2);
    op_r(a, INSN_XOR, 6, 6, 5);
    csr_read_to(a, 7, MEPC);
    op_r(a, INSN_ADD, 6, 6, 7);
    op_i(a, INSN_RORI, 6, 6, 13);
    csr_read_to(a, 7, MTVAL);
    op_r(a, INSN_XOR, 6, 6, 7);
    op_r(a, INSN_SH2ADD, 6, 6, 6);
    csr_read_to(a, 7, MSTATUS);
    op_i(a, INSN_SRLI, 7, 7, 3);
    op_i(a, INSN_ANDI, 7, 7, 0x311); // MPP, MPIE, MIE
    op_r(a, INSN_ADD, 6, 6, 7);
    op_i(a, INSN_RORI, 6, 6, 29);
    store_slot(a, 6, SLOT_TRAP_SUM, TEMP2);
    load_slot(a, 6, SLOT_TRAPS, TEMP2);
    op_i(a, INSN_ADDI, 6, 6, 1);
    store_slot(a, 6, SLOT_TRAPS, TEMP2);
}

// mepc := the instruction behind the one at mepc; x5, x6 and x7 are free.
static void emit_skip(Asm *a)
{
    csr_read_to(a, 7, MEPC);
    op_i(a, INSN_LHU, 6, 7, 0);
    op_i(a, INSN_ANDI, 6, 6, 3);
    op_i(a, INSN_SLTIU, 6, 6, 3); // 1: compressed
    op_r(a, INSN_SH1ADD, 6, 6, 0);
    op_i(a, INSN_ADDI, 7, 7, 4);
    op_r(a, INSN_SUB, 7, 7, 6);
    csr_write_from(a, MEPC, 7);
}

// Byte fuzzing: random jumps and a random ra lead out of the page. Skips to the next instruction if that still is in
// the page, else to a place in it that depends on the number of traps.
static void emit_stay_in_page(Asm *a)
{
    csr_read_to(a, 7, MEPC);
    load_address(a, 6, CODE_BASE);
    op_r(a, INSN_SUB, 7, 7, 6);
    op_i(a, INSN_SRLI, 7, 7, 12);
    Hole outside = hole(a, INSN_BNE, 7, 0, false);
    emit_skip(a);
    load_address(a, 6, CODE_BASE);
    op_r(a, INSN_SUB, 7, 7, 6);
    op_i(a, INSN_SRLI, 7, 7, 12);
    Hole inside = hole(a, INSN_BEQ, 7, 0, false);
    land(a, &outside);
    load_slot(a, 7, SLOT_TRAPS, TEMP2);
    load_int32(a, 6, 0x9e35);
    op_r(a, INSN_MUL, 7, 7, 6);
    op_i(a, INSN_SLLI, 7, 7, 52);
    op_i(a, INSN_SRLI, 7, 7, 53);
    load_address(a, 6, CODE_BASE);
    op_r(a, INSN_SH1ADD, 7, 7, 6);
    csr_write_from(a, MEPC, 7);
    land(a, &inside);
}

static void emit_resume(Asm *a)
{
    op_i(a, INSN_ADDI, 7, 0, 8); // ecall from U-mode
    Hole not_user = hole(a, INSN_BNE, 5, 7, false);
    load_int32(a, 7, 0x1800);
    csr(a, INSN_CSRRS, 0, MSTATUS, 7);
    land(a, &not_user);
    op_i(a, INSN_ADDI, 5, 5, -1); // fetch fault
    Hole not_fetch = hole(a, INSN_BNE, 5, 0, false);
    csr_write_from(a, MEPC, RA);
    Hole done = hole(a, INSN_JAL, 0, 0, false);
    land(a, &not_fetch);
    emit_skip(a);
    land(a, &done);
}

static void emit_handler(Asm *a, unsigned trap_limit, uint64_t report)
{
    load_address(a, TEMP2, PRIVATE_MIDDLE);
    for (unsigned r = 5; r <= 7; r++)
        store_slot(a, r, SLOT_X5 + r - 5, TEMP2);
    csr_read_to(a, 5, MCAUSE);
    emit_checksum(a);
    if (trap_limit) {
        load_int32(a, 7, (int32_t)trap_limit);
        Hole more = hole(a, INSN_BLTU, 6, 7, false);
        jump_to(a, 0, report);
        land(a, &more);
        emit_stay_in_page(a);
    } else {
        emit_resume(a);
    }
    for (unsigned r = 5; r <= 7; r++)
        load_slot(a, r, SLOT_X5 + r - 5, TEMP2);
    op(a, INSN_MRET, 0, 0, 0, 0);
}

void emit_print_function(Asm *a)
{
    load_address(a, 16, TOHOST);
    op_i(a, INSN_ADDI, 15, 0, 0x101);
    op_i(a, INSN_SLLI, 15, 15, 48);
    op_i(a, INSN_ADDI, 11, 0, 60);
    uint64_t loop = a->pc;
    op_r(a, INSN_SRL, 12, 10, 11);
    op_i(a, INSN_ANDI, 12, 12, 15);
    op_i(a, INSN_SLTIU, 13, 12, 10);
    op_i(a, INSN_ADDI, 14, 0, 'a' - 10 - '0');
    op_r(a, INSN_MUL, 13, 13, 14);
    op_i(a, INSN_ADDI, 12, 12, 'a' - 10);
    op_r(a, INSN_SUB, 12, 12, 13);
    op_r(a, INSN_OR, 12, 12, 15);
    op_store(a, INSN_SD, 0, 16, 8);
    op_store(a, INSN_SD, 12, 16, 0);
    op_i(a, INSN_ADDI, 11, 11, -4);
    branch_to(a, INSN_BGE, 11, 0, loop);
    op_i(a, INSN_ADDI, 12, 15, '\n');
    op_store(a, INSN_SD, 0, 16, 8);
    op_store(a, INSN_SD, 12, 16, 0);
    op_i(a, INSN_JALR, 0, RA, 0);
}

void emit_hash(Asm *a, uint64_t start, uint64_t size)
{
    load_address(a, 11, start);
    load_address(a, 12, start + size);
    load_int32(a, 13, 0x10dcd365);
    op_i(a, INSN_ADDI, 10, 0, 0);
    uint64_t loop = a->pc;
    op_i(a, INSN_LD, 14, 11, 0);
    op_r(a, INSN_XOR, 10, 10, 14);
    op_r(a, INSN_MUL, 10, 10, 13);
    op_i(a, INSN_RORI, 10, 10, 23);
    op_i(a, INSN_ADDI, 11, 11, 8);
    branch_to(a, INSN_BLTU, 11, 12, loop);
}

static void print_slot(Asm *a, unsigned slot, uint64_t print)
{
    load_slot(a, 10, slot, PRIVATE_REG);
    jump_to(a, RA, print);
}

// Registers, hash of the data, trap checksum, number of traps, f registers, fcsr, and last the counters, on which QEMU
// may differ.
static void emit_report(Asm *a, uint64_t print)
{
    load_int32(a, TEMP2, 0x20000); // MPRV
    csr(a, INSN_CSRRC, 0, MSTATUS, TEMP2);
    load_address(a, TEMP2, PRIVATE_MIDDLE);
    for (unsigned r = 1; r < 30; r++)
        store_slot(a, r, SLOT_REGS + r, TEMP2);
    load_address(a, PRIVATE_REG, PRIVATE_MIDDLE);
    for (unsigned r = 1; r < 30; r++)
        print_slot(a, SLOT_REGS + r, print);
    emit_hash(a, DATA_BASE, DATA_SIZE);
    jump_to(a, RA, print);
    print_slot(a, SLOT_TRAP_SUM, print);
    print_slot(a, SLOT_TRAPS, print);
    load_int32(a, 5, 0x6000); // FS
    csr(a, INSN_CSRRS, 0, MSTATUS, 5);
    for (unsigned r = 0; r < 32; r++) {
        op_r(a, INSN_FMV_X_D, 10, r, 0);
        jump_to(a, RA, print);
    }
    csr_read_to(a, 10, FCSR);
    jump_to(a, RA, print);
    print_slot(a, SLOT_COUNTERS, print);
    load_address(a, 5, TOHOST);
    op_i(a, INSN_ADDI, 6, 0, 1);
    op_store(a, INSN_SD, 6, 5, 0);
    jump_to(a, 0, a->pc);
}

Runtime emit_runtime(Asm *a, uint64_t start, bool user, unsigned trap_limit)
{
    Runtime r;
    a->pc = IMAGE_BASE;
    Hole over = hole(a, INSN_JAL, 0, 0, false);
    uint64_t print = a->pc;
    emit_print_function(a);
    r.finish = a->pc;
    op(a, INSN_ECALL, 0, 0, 0, 0);
    uint64_t report = a->pc;
    emit_report(a, print);
    a->pc = (a->pc + 3) & ~UINT64_C(3);
    uint64_t handler = a->pc;
    emit_handler(a, trap_limit, report);
    land(a, &over);
    emit_start(a, start, user, handler);
    g_assert(a->pc <= TOHOST);
    return r;
}
