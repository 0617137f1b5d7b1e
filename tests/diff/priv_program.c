// SPDX-License-Identifier: GPL-3.0-or-later
// Writes a random privileged program as an ELF file.
//
// priv_program SEED FILE [--portable] [--extensions] [--instructions N] [--trace]
//
// --portable: only what QEMU 7.2 does as the manuals say (see priv_csr.c); --extensions: with Svinval, Svnapot and
// Svpbmt; --trace: every trap prints five lines: way in and status, cause, pc, value.
#include "tests/diff/priv.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t some_bits(Asm *a, uint64_t mask)
{
    return random_next(&a->random) & mask;
}

bool percent(Asm *a, unsigned n)
{
    return below(a, 100) < n;
}

void load_operand(Priv *g, unsigned reg, uint64_t mask)
{
    Asm *a = &g->p.asm_;
    if (one_in(a, 3)) {
        load_int64(a, reg, one_in(a, 4) ? mask : some_bits(a, mask));
    } else if (mask == ~UINT64_C(0)) {
        op_i(a, INSN_ADDI, reg, some_rs(&g->p), 0);
    } else {
        load_int64(a, reg, mask);
        op_r(a, INSN_AND, reg, reg, some_rs(&g->p));
    }
}

void set_windows(Priv *g)
{
    Asm *a = &g->p.asm_;
    load_int64(a, WINDOW_REG, some_window(g) + (WINDOW - DATA_BASE) + (DATA_PAGES - IMAGE_BASE));
    load_int64(a, CALL_REG, some_window(g) + (CODE_PAGES - IMAGE_BASE));
    op_i(a, INSN_ADDI, POINTER, WINDOW_REG, 8 * (int64_t)below(a, 128));
    op_i(a, INSN_ADDI, SP, WINDOW_REG, 0x600);
}

static void set_slot(Asm *a, unsigned slot, unsigned rs)
{
    load_address(a, TEMP2, PRIVATE_MIDDLE);
    op_store(a, INSN_SD, rs, TEMP2, slot_offset(slot));
}

// What a visit finds: delegation, vectors, rights to counters, address space.
static void emit_conditions(Priv *g)
{
    Asm *a = &g->p.asm_;
    for (unsigned i = 0; i < 2; i++) {
        load_address(a, TEMP, priv_handler(i) + below(a, 2));
        csr(a, INSN_CSRRW, 0, i ? MTVEC : STVEC, TEMP);
        csr(a, INSN_CSRRWI, 0, i ? MCOUNTEREN : SCOUNTEREN, some_bits(a, 0xd));
    }
    if (percent(a, 60)) {
        int last = g->last_paged;
        load_int64(a, TEMP, some_space(g));
        csr(a, INSN_CSRRW, 0, SATP, TEMP);
        fence_after_switch(g, last);
    }
    uint64_t status = legal_status(g, true) & ~STATUS_MIE & ~STATUS_MPP;
    g->status = status & (STATUS_TVM | STATUS_TW | STATUS_TSR);
    set_deleg(g);
    g->priv = percent(a, 60);
    bool by_sret = one_in(a, 4);
    status &= ~STATUS_SPP;
    status |= g->priv ? by_sret ? STATUS_SPP : STATUS_MPP_S : 0;
    load_int64(a, TEMP, !g->p.portable && percent(a, 30) ? status | STATUS_MPRV : status); // rule mprv-mret
    csr(a, INSN_CSRRW, 0, MSTATUS, TEMP);
    set_windows(g);
    uint64_t at = a->pc;
    for (unsigned pass = 0; pass < 2; pass++) {
        uint64_t target = a->pc;
        a->pc = at;
        load_int64(a, TEMP, !g->priv && g->mode ? target + USER_OFFSET : target);
        csr(a, INSN_CSRRW, 0, by_sret ? SEPC : MEPC, TEMP);
        op(a, by_sret ? INSN_SRET : INSN_MRET, 0, 0, 0, 0);
    }
}

static void emit_episode(Priv *g)
{
    Asm *a = &g->p.asm_;
    uint64_t cont_at = a->pc;
    a->pc += 8;
    set_slot(a, SLOT_CONT, TEMP);
    set_slot(a, SLOT_EPISODE_TRAPS, 0);
    op_i(a, INSN_ADDI, MARK, 0, MARK_NONE);
    int mode = g->mode;
    g->priv = 3;
    g->mode = 0;
    set_windows(g);
    g->mode = mode;
    for (unsigned n = below(a, 5); n; n--)
        item_any(g);
    emit_conditions(g);
    for (unsigned n = 2 + below(a, 12); n; n--)
        item_any(g);
    op_i(a, INSN_ADDI, MARK, 0, MARK_END);
    op(a, INSN_ECALL, 0, 0, 0, 0);
    uint64_t end = a->pc;
    a->pc = cont_at;
    load_address(a, TEMP, end);
    a->pc = end;
}

static void emit_program(Priv *g, double instructions, bool trace)
{
    Asm *a = &g->p.asm_;
    g->p.floats = one_in(a, 3) ? 0 : 1 + below(a, 8);
    g->p.next_slot = SLOT_LAST;
    g->pmp = one_in(a, 2);
    g->p.user = g->pmp;
    pages_init(g);
    priv_emit_runtime(g, CODE_BASE, trace); // for the addresses of the handlers
    a->pc = CODE_BASE;
    pages_emit_start(g);
    load_int32(a, MASK_REG, WINDOW_MASK);
    uint64_t count_at = a->pc;
    a->pc += 8;
    set_slot(a, SLOT_LOOP, TEMP);
    uint64_t loop = a->pc;
    csr(a, INSN_CSRRW, 0, SATP, 0);
    op_r(a, INSN_SFENCE_VMA, 0, 0, 0);
    unsigned episodes = 10 + below(a, 100);
    for (unsigned i = 0; i < episodes && a->pc < CODE_END - 0x2000; i++)
        emit_episode(g);
    op_i(a, INSN_ADDI, MARK, 0, MARK_NONE);
    csr(a, INSN_CSRRCI, 0, MSTATUS, STATUS_MIE);
    load_address(a, TEMP2, PRIVATE_MIDDLE);
    op_i(a, INSN_LD, TEMP, TEMP2, slot_offset(SLOT_LOOP));
    op_i(a, INSN_ADDI, TEMP, TEMP, -1);
    op_store(a, INSN_SD, TEMP, TEMP2, slot_offset(SLOT_LOOP));
    Hole out = hole(a, INSN_BEQ, TEMP, 0, false);
    jump_to(a, 0, loop);
    land(a, &out);
    uint64_t end = a->pc;
    a->pc = count_at;
    load_int32(a, TEMP, (int32_t)(1 + instructions / (episodes * 1000.0)));
    uint64_t random = a->random;
    uint64_t report = priv_emit_runtime(g, CODE_BASE, trace);
    a->random = random;
    a->pc = end;
    jump_to(a, 0, report);
}

static int usage(void)
{
    fputs("usage: priv_program SEED FILE [--portable] [--extensions] [--instructions N] [--trace]\n", stderr);
    return 2;
}

int main(int argc, char **argv)
{
    static Priv g;
    double instructions = 500000;
    bool trace = false;
    if (argc < 3)
        return usage();
    for (int i = 3; i < argc; i++) {
        if (!strcmp(argv[i], "--portable"))
            g.p.portable = true;
        else if (!strcmp(argv[i], "--extensions"))
            g.extensions = true;
        else if (!strcmp(argv[i], "--trace"))
            trace = true;
        else if (!strcmp(argv[i], "--instructions") && i + 1 < argc)
            instructions = atof(argv[++i]);
        else
            return usage();
    }
    decode_init();
    items_init();
    g.p.asm_.random = (strtoull(argv[1], NULL, 0) + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1;
    for (unsigned i = 0; i < 8; i++)
        random_next(&g.p.asm_.random);
    emit_program(&g, instructions, trace);
    if (write_elf(&g.p.asm_, argv[2]))
        return 0;
    perror(argv[2]);
    return 1;
}
