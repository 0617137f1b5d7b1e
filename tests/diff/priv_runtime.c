// SPDX-License-Identifier: GPL-3.0-or-later
// Runtime of privileged programs: start, trap handlers of M- and S-mode, final report.
#include "tests/diff/priv.h"
#include "tests/diff/runtime.h"

#define SAVED_FIRST 10 // x10..x16 and ra are saved for a trace line
static uint64_t handlers[2], sret_of_handler;

uint64_t priv_handler(bool machine)
{
    return handlers[machine];
}

typedef struct {
    bool machine;
    unsigned epc, cause, tval, status, scratch, ie, save, k;
} Side;

static Side side(bool machine)
{
    unsigned up = machine ? 0x200 : 0;
    return (Side){machine, SEPC + up, SCAUSE + up, STVAL + up, SSTATUS + up, SSCRATCH + up, SIE + up,
                  machine ? SLOT_M_SAVE : SLOT_S_SAVE, machine ? M_REG : S_REG};
}

static void read_to(Asm *a, unsigned rd, unsigned number)
{
    csr(a, INSN_CSRRS, rd, number, 0);
}

static void write_from(Asm *a, unsigned number, unsigned rs)
{
    csr(a, INSN_CSRRW, 0, number, rs);
}

static void load(Asm *a, unsigned rd, unsigned slot)
{
    op_i(a, INSN_LD, rd, TEMP2, slot_offset(slot));
}

static void store(Asm *a, unsigned rs, unsigned slot)
{
    op_store(a, INSN_SD, rs, TEMP2, slot_offset(slot));
}

// The table of vectored mode, and behind it what tells its entries apart.
static void emit_vectors(Asm *a, const Side *s)
{
    Hole to_stub[16], to_common[16];
    for (unsigned k = 0; k < 16; k++)
        to_stub[k] = hole(a, INSN_JAL, 0, 0, false);
    for (unsigned k = 0; k < 16; k++) {
        land(a, &to_stub[k]);
        write_from(a, s->scratch, TEMP2);
        op_i(a, INSN_ADDI, s->k, 0, k);
        to_common[k] = hole(a, INSN_JAL, 0, 0, false);
    }
    for (unsigned k = 0; k < 16; k++)
        land(a, &to_common[k]);
}

static void fold(Asm *a, unsigned rs)
{
    op_r(a, INSN_XOR, 6, 6, rs);
    op_i(a, INSN_RORI, 6, 6, 13);
    op_r(a, INSN_SH2ADD, 6, 6, 6);
}

// Rules mtval-ebreak and amo-cause: takes away what may differ. x5 = cause.
static void emit_normalize(Asm *a, const Side *s)
{
    op_i(a, INSN_ADDI, 6, 5, -3);
    Hole no_breakpoint = hole(a, INSN_BNE, 6, 0, false);
    write_from(a, s->tval, 0);
    land(a, &no_breakpoint);
    op_i(a, INSN_ADDI, 6, MARK, -MARK_AMO);
    Hole no_amo = hole(a, INSN_BNE, 6, 0, false);
    op_i(a, INSN_ANDI, 6, 5, 7);
    op_i(a, INSN_ADDI, 6, 6, -5); // 5 and 13
    Hole no_load = hole(a, INSN_BNE, 6, 0, false);
    op_i(a, INSN_ADDI, 5, 5, 2);
    write_from(a, s->cause, 5);
    land(a, &no_load);
    land(a, &no_amo);
}

static void emit_trace(Asm *a, const Side *s, uint64_t print)
{
    load(a, 7, SLOT_TRACE);
    Hole off = hole(a, INSN_BEQ, 7, 0, false);
    store(a, RA, s->save + 3);
    for (unsigned r = SAVED_FIRST; r <= 16; r++)
        store(a, r, s->save + 4 + r - SAVED_FIRST);
    const unsigned what[] = {s->k, 5};
    for (unsigned i = 0; i < G_N_ELEMENTS(what); i++) {
        op_i(a, INSN_ADDI, SAVED_FIRST, what[i], 0);
        jump_to(a, RA, print);
    }
    read_to(a, SAVED_FIRST, s->epc);
    jump_to(a, RA, print);
    read_to(a, 7, s->tval);
    op_i(a, INSN_ADDI, SAVED_FIRST, 7, 0);
    jump_to(a, RA, print);
    op_i(a, INSN_ADDI, SAVED_FIRST, 6, 0);
    jump_to(a, RA, print);
    for (unsigned r = SAVED_FIRST; r <= 16; r++)
        load(a, r, s->save + 4 + r - SAVED_FIRST);
    load(a, RA, s->save + 3);
    land(a, &off);
}

// Into the checksum: the way in, status, cause, pc, value, eight registers. x5 = cause.
static void emit_log(Asm *a, const Side *s, uint64_t print)
{
    emit_normalize(a, s);
    load(a, 6, SLOT_TRAP_SUM);
    fold(a, s->k);
    fold(a, 5);
    read_to(a, 7, s->epc);
    fold(a, 7);
    read_to(a, 7, s->tval);
    fold(a, 7);
    for (unsigned r = 10; r < 18; r++)
        fold(a, r);
    store(a, 6, SLOT_TRAP_SUM);
    emit_trace(a, s, print);
    load(a, 6, SLOT_TRAPS);
    op_i(a, INSN_ADDI, 6, 6, 1);
    store(a, 6, SLOT_TRAPS);
    load(a, 6, SLOT_EPISODE_TRAPS);
    op_i(a, INSN_ADDI, 6, 6, 1);
    store(a, 6, SLOT_EPISODE_TRAPS);
}

// xepc := the next instruction. Its length is read from the image; code elsewhere has only long ones that trap.
static void emit_skip(Asm *a, const Side *s)
{
    read_to(a, 7, s->epc);
    op_i(a, INSN_SRLI, 6, 7, 31);
    op_i(a, INSN_ADDI, 5, 6, -1);
    op_i(a, INSN_ADDI, 6, 0, 4);
    Hole elsewhere = hole(a, INSN_BNE, 5, 0, false);
    op_i(a, INSN_SLLI, 6, 7, 34);
    op_i(a, INSN_SRLI, 6, 6, 34);
    op_i(a, INSN_BSETI, 6, 6, 31);
    op_i(a, INSN_LHU, 6, 6, 0);
    op_i(a, INSN_ANDI, 6, 6, 3);
    op_i(a, INSN_SLTIU, 6, 6, 3);
    op_i(a, INSN_ADDI, 5, 0, 4);
    op_r(a, INSN_SH1ADD, 6, 6, 0);
    op_r(a, INSN_SUB, 6, 5, 6);
    land(a, &elsewhere);
    op_r(a, INSN_ADD, 7, 7, 6);
    write_from(a, s->epc, 7);
}

static void emit_restore(Asm *a, const Side *s)
{
    for (unsigned r = 5; r <= 7; r++)
        load(a, r, s->save + r - 5);
    read_to(a, TEMP2, s->scratch);
    op_i(a, INSN_ADDI, s->k, 0, 0);
}

// Branches to the end of the episode are collected in end[0..1]. An interrupt is switched off; a fetch that failed
// returns to ra, but only once.
static void emit_resume(Asm *a, const Side *s, Hole *end)
{
    read_to(a, 5, s->cause);
    Hole exception = hole(a, INSN_BGE, 5, 0, false);
    op_i(a, INSN_ADDI, 6, 0, 1);
    op_r(a, INSN_SLL, 6, 6, 5);
    csr(a, INSN_CSRRC, 0, s->ie, 6);
    Hole done = hole(a, INSN_JAL, 0, 0, false);
    land(a, &exception);
    op_i(a, INSN_ADDI, 6, 5, -1);
    Hole fetch = hole(a, INSN_BEQ, 6, 0, false);
    op_i(a, INSN_ADDI, 6, 5, -12);
    Hole no_fetch = hole(a, INSN_BNE, 6, 0, false);
    land(a, &fetch);
    read_to(a, 6, s->epc);
    end[0] = hole(a, INSN_BEQ, 6, RA, false);
    end[1] = hole(a, INSN_BEQ, RA, 0, false);
    write_from(a, s->epc, RA);
    Hole done2 = hole(a, INSN_JAL, 0, 0, false);
    land(a, &no_fetch);
    emit_skip(a, s);
    land(a, &done);
    land(a, &done2);
}

// x5 >= 0 if there were not too many traps and MARK does not say to end.
static void emit_should_end(Asm *a, Hole *end)
{
    load(a, 6, SLOT_EPISODE_TRAPS);
    load(a, 7, SLOT_TRAP_LIMIT);
    end[0] = hole(a, INSN_BLTU, 7, 6, false);
    op_i(a, INSN_ADDI, 6, MARK, -MARK_END);
    end[1] = hole(a, INSN_BGE, 6, 0, false);
}

static void emit_machine_end(Asm *a)
{
    load_int32(a, 5, (int32_t)STATUS_MPIE);
    csr(a, INSN_CSRRC, 0, MSTATUS, 5);
    load_int32(a, 5, (int32_t)STATUS_MPP);
    csr(a, INSN_CSRRS, 0, MSTATUS, 5);
    load(a, 5, SLOT_CONT);
    write_from(a, MEPC, 5);
}

// An sret of the other handler that TSR forbids is done here.
static void emit_sret_for_supervisor(Asm *a, const Side *s)
{
    read_to(a, 6, MEPC);
    load_address(a, 7, sret_of_handler);
    Hole other = hole(a, INSN_BNE, 6, 7, false);
    emit_restore(a, s);
    op(a, INSN_SRET, 0, 0, 0, 0);
    land(a, &other);
}

// Tries what may lead to M-mode; medeleg leaves one of them to it.
static void emit_escape(Asm *a)
{
    op_i(a, INSN_ADDI, MARK, 0, MARK_ESCAPE);
    op(a, INSN_ECALL, 0, 0, 0, 0);
    op(a, INSN_EBREAK, 0, 0, 0, 0);
    put32(a, 0xffffffff);
    jump_to(a, 0, a->pc);
}

static void emit_handler(Asm *a, bool machine, uint64_t print)
{
    Side s = side(machine);
    Hole end[4];
    a->pc = (a->pc + 255) & ~UINT64_C(255);
    handlers[machine] = a->pc;
    emit_vectors(a, &s);
    if (machine) { // MPRV off before the first store
        load_int32(a, TEMP2, (int32_t)STATUS_MPRV);
        csr(a, INSN_CSRRC, TEMP2, MSTATUS, TEMP2);
    } else {
        op_i(a, INSN_ADDI, TEMP2, MARK, -MARK_ESCAPE);
        Hole normal = hole(a, INSN_BNE, TEMP2, 0, false);
        read_to(a, TEMP2, SEPC);
        op_i(a, INSN_ADDI, TEMP2, TEMP2, 4);
        write_from(a, SEPC, TEMP2);
        write_from(a, STVAL, 0);
        op(a, INSN_SRET, 0, 0, 0, 0);
        land(a, &normal);
        read_to(a, TEMP2, SSTATUS);
    }
    op_i(a, INSN_SLLI, TEMP2, TEMP2, 4);
    op_r(a, INSN_OR, s.k, s.k, TEMP2);
    load_address(a, TEMP2, PRIVATE_MIDDLE);
    for (unsigned r = 5; r <= 7; r++)
        store(a, r, s.save + r - 5);
    read_to(a, 5, s.cause);
    if (machine)
        emit_sret_for_supervisor(a, &s);
    emit_log(a, &s, print);
    emit_should_end(a, end);
    emit_resume(a, &s, end + 2);
    emit_restore(a, &s);
    if (!machine)
        sret_of_handler = a->pc;
    op(a, machine ? INSN_MRET : INSN_SRET, 0, 0, 0, 0);
    for (unsigned i = 0; i < 4; i++)
        land(a, &end[i]);
    if (machine) {
        emit_machine_end(a);
        emit_restore(a, &s);
        op(a, INSN_MRET, 0, 0, 0, 0);
    } else {
        emit_restore(a, &s);
        emit_escape(a);
    }
}

static void print_register(Asm *a, unsigned r, uint64_t print)
{
    op_i(a, INSN_ADDI, 10, r, 0);
    jump_to(a, RA, print);
}

// x9 := hash of the page-table entries; with trace prints their addresses and values.
static void emit_hash_tables(Asm *a, uint64_t print, bool trace)
{
    load_address(a, 20, PAGE_TABLE_PAIRS);
    op_i(a, INSN_LD, 21, 20, 0);
    op_i(a, INSN_ADDI, 9, 0, 0);
    uint64_t loop = a->pc;
    op_i(a, INSN_LD, 22, 21, 0);
    op_r(a, INSN_XOR, 9, 9, 22);
    op_i(a, INSN_RORI, 9, 9, 17);
    op_r(a, INSN_SH3ADD, 9, 9, 9);
    for (unsigned r = 21; trace && r <= 22; r++) {
        op_i(a, INSN_ADDI, 10, r, 0);
        jump_to(a, RA, print);
    }
    op_i(a, INSN_ADDI, 20, 20, 16);
    op_i(a, INSN_LD, 21, 20, 0);
    branch_to(a, INSN_BNE, 21, 0, loop);
}

// Registers, hashes of data, code and tables, checksum and number of traps, f registers, fcsr, and last minstret, which
// QEMU counts otherwise.
static void emit_report(Asm *a, uint64_t print, bool trace)
{
    load_address(a, TEMP2, PRIVATE_MIDDLE);
    op_i(a, INSN_ADDI, 6, 0, -1);
    store(a, 6, SLOT_TRAP_LIMIT);
    for (unsigned r = 1; r < TEMP2; r++)
        store(a, r, SLOT_REGS + r);
    for (unsigned r = 1; r < TEMP2; r++) {
        load(a, 10, SLOT_REGS + r);
        jump_to(a, RA, print);
    }
    const uint64_t hashed[] = {DATA_PAGES, CODE_PAGES};
    for (unsigned i = 0; i < G_N_ELEMENTS(hashed); i++) {
        emit_hash(a, hashed[i], PAGES * 4096);
        jump_to(a, RA, print);
    }
    emit_hash_tables(a, print, trace);
    print_register(a, 9, print);
    load(a, 10, SLOT_TRAP_SUM);
    jump_to(a, RA, print);
    load(a, 10, SLOT_TRAPS);
    jump_to(a, RA, print);
    load_int32(a, 5, (int32_t)STATUS_FS);
    csr(a, INSN_CSRRS, 0, MSTATUS, 5);
    for (unsigned r = 0; r < 32; r++) {
        op_r(a, INSN_FMV_X_D, 10, r, 0);
        jump_to(a, RA, print);
    }
    const unsigned csrs[] = {FCSR, MINSTRET};
    for (unsigned i = 0; i < G_N_ELEMENTS(csrs); i++) {
        read_to(a, 5, csrs[i]);
        print_register(a, 5, print);
    }
    load_address(a, 5, TOHOST);
    op_i(a, INSN_ADDI, 6, 0, 1);
    op_store(a, INSN_SD, 6, 5, 0);
    jump_to(a, 0, a->pc);
}

static void emit_start(Priv *g, uint64_t start)
{
    Asm *a = &g->p.asm_;
    for (unsigned i = 0; i < 2; i++) {
        load_address(a, 5, handlers[i]);
        write_from(a, i ? MTVEC : STVEC, 5);
    }
    // ADUE, which QEMU 7.2 lacks as it always updates A and D; and PBMTE, for which it does not ask (rule pte-pbmt).
    load_int64(a, 5, UINT64_C(1) << 61 | (g->extensions ? UINT64_C(1) << 62 : 0));
    write_from(a, MENVCFG, 5);
    load_int32(a, 5, 0x02004000);
    op_i(a, INSN_ADDI, 6, 0, -1);
    op_store(a, INSN_SD, 6, 5, 0);
    load_int32(a, 5, (int32_t)STATUS_FS);
    csr(a, INSN_CSRRS, 0, MSTATUS, 5);
    for (unsigned r = 0; r < 32; r++)
        op_r(a, INSN_FMV_D_X, r, 0, 0);
    pmp_emit_start(g);
    jump_to(a, 0, start);
}

uint64_t priv_emit_runtime(Priv *g, uint64_t start, bool trace)
{
    Asm *a = &g->p.asm_;
    a->pc = IMAGE_BASE;
    Hole over = hole(a, INSN_JAL, 0, 0, false);
    uint64_t print = a->pc;
    emit_print_function(a);
    uint64_t report = a->pc;
    emit_report(a, print, trace);
    emit_handler(a, false, print);
    emit_handler(a, true, print);
    land(a, &over);
    emit_start(g, start);
    g_assert(a->pc <= TOHOST);
    put64_at(a, PRIVATE + 8 * SLOT_TRACE, trace);
    put64_at(a, PRIVATE + 8 * SLOT_TRAP_LIMIT, 60);
    return report;
}
