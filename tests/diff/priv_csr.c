// SPDX-License-Identifier: GPL-3.0-or-later
// CSR accesses of privileged programs, and the list of what is not compared with QEMU 7.2.
#include "tests/diff/priv.h"

// Everything that a portable program keeps away from or masks, because the manual leaves it open ("may") or because
// QEMU 7.2 does otherwise ("QEMU:"). Sections are those of the privileged manual 1.12 unless said otherwise. Programs
// that are not portable, which only Addend's engines run, heed only the rows marked (all).
//
//  rule          manual        what differs                                           how it is kept out
//  mtval-ebreak  3.1.16        may: mtval of a breakpoint is its address or 0         handlers clear it
//  sinval-tval   3.1.16        may: QEMU's mtval of an illegal sinval.vma is 0        only where it is legal
//  amo-cause     3.7.1, 4.3.1  QEMU: an AMO faults first as a load                    MARK_AMO; medeleg alike for both;
//                                                                                     none where PMP entries are in use
//  amo-a         4.3.1         QEMU: an AMO that faults as a store has set A          a load in front of it
//  amo-align     unpriv. 8.4   QEMU: a misaligned AMO faults as a load                AMOs are aligned
//  sc-fault      unpriv. 8.2   may: an SC without reservation fails before it faults  SC only behind an LR that did not
//  lr-sc-size    unpriv. 8.2   QEMU: an SC narrower than its LR fails                 same size (all)
//  xepc-0        3.1.14        QEMU: bit 0 of mepc and sepc can be written            written as 0 (all)
//  uxl           3.1.6.3       may: UXL is WARL; QEMU lets U-mode be 32 bits wide    written as 0 or 2 (all)
//  mpp           3.1.6.1       may: MPP = 2 is reserved                               not written (all)
//  fs            3.1.6.6       may: Initial and Clean turn Dirty at any time          Off and Dirty, but for writes
//                                                                                     that must make it Dirty
//  status-vs     3.1.6.6       QEMU: VS can be written without V                      written as 0 (all)
//  mprv-trap     3.1.6.3       QEMU: keeps translations made under MPRV over traps    handlers clear MPRV first (all)
//  mprv-mret     3.1.6.3       QEMU: mret and sret to S or U leave MPRV as it is      MPRV is off at a return
//  sum-fetch     4.3.1         QEMU: a data access of S-mode to a U page under SUM    S-mode writes code pages by their
//                              lets S-mode fetch from it until the next flush         other address
//  irq-order     3.1.9         QEMU: takes the pending interrupt of lowest number     one is enabled at a time
//  csr-zero      unpriv. 9.1   QEMU: csrrs of a read-only CSR with a register that    written with constants (all)
//                              is 0 does not trap
//  medeleg       3.1.8         may: which causes can be delegated                     those of table 3.6 but ecall of M
//  counters      3.1.10        may: what cycle, instret and hpmcounters count         values are dropped
//  mcounteren    3.1.11        may: which bits there are                              CY and IR only
//  envcfg        3.1.18        may: which fields there are                            FIOM only
//  ids           3.1.2..4      may: marchid, mimpid                                   not read
//  time          3.1.10        the spike machine has no time CSR, so no stimecmp      not accessed (all)
//  triggers      debug 5       may: tselect and the rest                              not accessed (all)
//  pmp-w         3.7.1         may: R = 0 with W = 1 is reserved                      not written (all)
//  pmp-edge      3.7.1.1       QEMU: a misaligned access over the end of an entry or  accesses are aligned where PMP
//                              page is checked as a whole, at physical addresses      entries are in use
//  pmp-fetch     3.7.1         QEMU: a fetch is checked to the end of its page        entries over code are whole pages
//  pmp-ad        3.7.2         QEMU: no check of W before it sets A and D             R and W alike over page tables
//  pmp-tor       3.7.1.1       QEMU: a TOR entry does not see its lower bound change  its address is written again
//  pmp-sfence    3.7.2         may: changes are seen late                             sfence.vma behind each (all)
//  pte-fence     4.2.1         may: changes of tables are seen late                   the fence 4.2.1 asks for (all)
//  pte-reserved  4.4.1         QEMU: with Svnapot or Svpbmt ignores bits 60:54        not set then
//  pte-napot     5             QEMU: sets A before it finds that N may not be set     A and D are set with such an N
//  pte-pbmt      6             QEMU: PBMT = 3 is valid, and 1 and 2 without PBMTE     3 is not set; PBMTE is
//  pte-ad        4.3.1         may: Svade or A and D by hardware, which QEMU does     -cpu svadu=on, ADUE = 1
//  misaligned-io 3.6           QEMU: a misaligned access outside of RAM is done, and  aligned where it may hit no RAM
//                              fails, in aligned parts
//  pte-device    3.6           QEMU: page tables outside of RAM fault as page faults  they are in RAM (all)
//
// CSRs that are in neither list below are not accessed. The numbers of mepc and the rest that a program reads back are
// compared whole.

typedef struct {
    uint16_t number;
    uint64_t write, read; // bits that random values may have; bits that are compared
    bool restore;         // its old value is put back at once
    bool read_only;
} Row;

#define ALL  (~UINT64_C(0))
#define IRQS UINT64_C(0xaaa)
#define SUPERVISOR_IRQS UINT64_C(0x222)
#define STATUS_READ                                                                                                    \
    (STATUS_SIE | STATUS_MIE | STATUS_SPIE | STATUS_MPIE | STATUS_SPP | STATUS_MPP | STATUS_FS | STATUS_MPRV |         \
     STATUS_SUM | STATUS_MXR | STATUS_TVM | STATUS_TW | STATUS_TSR | UINT64_C(0x8000000f00000000))

static const Row rows[] = {
    {FFLAGS, ALL, ALL, false, false},
    {FRM, 7, ALL, false, false},
    {FCSR, ALL, ALL, false, false},
    {CYCLE, 0, 0, false, true},
    {INSTRET, 0, 0, false, true},
    {CYCLE + 3, 0, 0, false, true},
    {CYCLE + 31, 0, 0, false, true},
    {SSTATUS, 0, 0, false, false},
    {SSTATUS, 0, 0, false, false},
    {SIE, ALL, ALL, false, false},
    {STVEC, ALL, ALL, true, false},
    {SCOUNTEREN, 5, 5, false, false},
    {SENVCFG, 1, 1, false, false},
    {SSCRATCH, ALL, ALL, false, false},
    {SEPC, ~UINT64_C(1), ALL, false, false},
    {SCAUSE, ALL, ALL, false, false},
    {STVAL, ALL, ALL, false, false},
    {SIP, ALL, ALL, false, false},
    {SATP, UINT64_C(7) << 60 | 0xffffffff, ALL, false, false}, // changed below
    {MSTATUS, 0, 0, false, false},
    {MSTATUS, 0, 0, false, false},
    {MISA, ALL, ALL, false, false},
    {MEDELEG, UINT64_C(0xb3ff), UINT64_C(0xb3ff), false, false},
    {MIDELEG, ALL, SUPERVISOR_IRQS, false, false},
    {MIE, IRQS, IRQS, false, false},
    {MTVEC, ALL, ALL, true, false},
    {MCOUNTEREN, 5, 5, false, false},
    {MENVCFG, 1, 1, false, false},
    {MCOUNTINHIBIT, 5, 5, true, false},
    {MSCRATCH, ALL, ALL, false, false},
    {MEPC, ~UINT64_C(1), ALL, false, false},
    {MCAUSE, ALL, ALL, false, false},
    {MTVAL, ALL, ALL, false, false},
    {MIP, IRQS, IRQS, false, false},
    {MVENDORID, 0, ALL, false, true},
    {MHARTID, 0, ALL, false, true},
    {MCONFIGPTR, 0, ALL, false, true},
    {PMPADDR0, 0, ALL, false, false},
    {PMPADDR0 + 3, 0, ALL, false, false},
    {PMPADDR0 + 15, 0, ALL, false, false},
    {PMPCFG0, 0, ALL, false, false},
    {PMPCFG0 + 2, 0, ALL, false, false},
    {MCYCLE, 0, 0, false, false},
    {MINSTRET, 0, 0, false, false},
};

// There is no such CSR on a hart without hypervisor, vectors and the rest.
static const uint16_t absent[] = {
    0x004, 0x008, 0x00f, 0x015, 0x080, 0x0ff, 0x110, 0x145, 0x14e, 0x181, 0x1ff, 0x200, 0x204, 0x240, 0x280, 0x2ff,
    0x308, 0x30c, 0x310, 0x31a, 0x345, 0x34a, 0x350, 0x3a1, 0x3a3, 0x3a4, 0x3c0, 0x400, 0x500, 0x600, 0x643, 0x680,
    0x747, 0x757, 0x7c0, 0x800, 0x8ff, 0x9c0, 0xb01, 0xb80, 0xb82, 0xbc0, 0xc20, 0xc80, 0xc82, 0xcff, 0xe12, 0xf10,
    0xf16, 0xfff,
};

static const InsnId kinds[] = {INSN_CSRRW, INSN_CSRRS, INSN_CSRRC, INSN_CSRRWI, INSN_CSRRSI, INSN_CSRRCI};

uint64_t legal_status(Priv *g, bool machine)
{
    Asm *a = &g->p.asm_;
    uint64_t v = some_bits(a, STATUS_SIE | STATUS_SPIE | STATUS_SPP | STATUS_SUM | STATUS_MXR);
    v |= percent(a, 85) ? STATUS_FS : 0;
    if (!g->p.portable) // rule fs
        v ^= some_bits(a, STATUS_FS);
    if (!machine)
        return v;
    static const uint8_t mpp[] = {0, 1, 3};
    v |= some_bits(a, STATUS_MIE | STATUS_MPIE) | (uint64_t)mpp[below(a, 3)] << 11;
    if (percent(a, 40))
        v |= some_bits(a, STATUS_TVM | STATUS_TW | STATUS_TSR);
    return percent(a, 30) ? v | UINT64_C(2) << 32 : v;
}

// mstatus and sstatus: only fields whose every value is legal, in constants.
static void access_status(Priv *g, unsigned number)
{
    Asm *a = &g->p.asm_;
    bool machine = number == MSTATUS;
    uint64_t value = legal_status(g, machine);
    InsnId kind = kinds[below(a, 3)];
    if (kind != INSN_CSRRW) {
        value &= ~(STATUS_MPP | UINT64_C(3) << 32);
        if (percent(a, 50))
            value &= ~STATUS_FS;
    }
    if (kind == INSN_CSRRC && percent(a, 80))
        value &= ~STATUS_FS;
    uint64_t limits = STATUS_TVM | STATUS_TW | STATUS_TSR;
    if (machine && g->priv == 3)
        g->status = kind == INSN_CSRRW ? value & limits
                    : kind == INSN_CSRRS ? g->status | (value & limits) : g->status & ~value;
    unsigned rd = some_rd(&g->p);
    load_int64(a, TEMP, value);
    csr(a, kind, rd, number, TEMP);
    load_int64(a, TEMP, STATUS_READ);
    op_r(a, INSN_AND, rd, rd, TEMP);
}

static void access_row(Priv *g, const Row *row)
{
    Asm *a = &g->p.asm_;
    unsigned rd = some_rd(&g->p);
    bool reads = row->read_only ? !one_in(a, 8) : !row->write || one_in(a, 3);
    if (g->p.portable && (row->number == SIE || row->number == MIE)) // rule irq-order
        reads = true;
    if (reads || (g->priv == 3 && row->number == SATP)) {
        csr(a, one_in(a, 4) ? INSN_CSRRSI : INSN_CSRRS, rd, row->number, 0);
    } else if (row->restore) {
        unsigned old = one_in(a, 2) ? 5 : 6;
        load_operand(g, TEMP, row->write);
        csr(a, kinds[below(a, 3)], old, row->number, TEMP);
        csr(a, INSN_CSRRS, rd == old ? 0 : rd, row->number, 0);
        csr(a, INSN_CSRRW, 0, row->number, old);
    } else if (row->read_only || one_in(a, 3)) {
        unsigned keeps = row->number == MENVCFG; // ADUE and PBMTE stay
        csr(a, kinds[3 + keeps + below(a, 3 - keeps)], rd, row->number,
            row->read_only ? 1 + below(a, 31) : below(a, 32) & row->write);
    } else {
        bool envcfg = row->number == MENVCFG || row->number == SENVCFG;
        load_operand(g, TEMP, envcfg && !g->p.portable ? 0xd1 : row->write); // FIOM, CBCFE, CBZE and half of CBIE
        csr(a, kinds[(row->number == MENVCFG) + below(a, row->number == MENVCFG ? 2 : 3)], rd, row->number, TEMP);
    }
    if (row->read == ALL)
        return;
    load_int64(a, TEMP, row->read);
    op_r(a, INSN_AND, rd, rd, TEMP);
}

// A write that names no mode there is has no effect (4.1.11).
static void access_bad_satp(Priv *g)
{
    Asm *a = &g->p.asm_;
    static const uint8_t modes[] = {1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 14, 15};
    load_int64(a, TEMP, random_next(&a->random) >> 4 | (uint64_t)modes[below(a, G_N_ELEMENTS(modes))] << 60);
    csr(a, INSN_CSRRW, some_rd(&g->p), SATP, TEMP);
}

void item_csr(Priv *g)
{
    Asm *a = &g->p.asm_;
    if (one_in(a, 8)) {
        csr(a, kinds[below(a, 6)], some_rd(&g->p), absent[below(a, G_N_ELEMENTS(absent))], below(a, 32));
        return;
    }
    const Row *row;
    do
        row = &rows[below(a, G_N_ELEMENTS(rows))];
    while ((row->number >> 8 & 3) > g->priv && !one_in(a, 3));
    if (row->number == MSTATUS || row->number == SSTATUS)
        access_status(g, row->number);
    else if (row->number == SATP && one_in(a, 2))
        access_bad_satp(g);
    else if (row->number == SATP)
        csr(a, INSN_CSRRS, some_rd(&g->p), SATP, 0);
    else
        access_row(g, row);
}

void set_enabled(Priv *g, unsigned number, uint64_t mask)
{
    Asm *a = &g->p.asm_;
    uint64_t enabled = some_bits(a, mask);
    if (g->p.portable) { // rule irq-order
        enabled = UINT64_C(1) << below(a, 16);
        enabled &= mask;
    }
    load_int64(a, TEMP, enabled);
    csr(a, INSN_CSRRW, some_rd(&g->p), number, TEMP);
}

// One of illegal instruction, breakpoint and ecall of S-mode always leads to M-mode; with TSR the first does, as M-mode
// does the handler's sret.
void set_deleg(Priv *g)
{
    Asm *a = &g->p.asm_;
    uint64_t causes = some_bits(a, 0xb3ff), irqs = some_bits(a, SUPERVISOR_IRQS);
    if (percent(a, 30))
        causes |= UINT64_C(0xb1ff);
    static const uint8_t ways_out[] = {2, 3, 9};
    causes &= ~(UINT64_C(1) << ways_out[below(a, 3)]);
    if (g->status & STATUS_TSR)
        causes &= ~UINT64_C(4);
    if (g->p.portable) { // rule amo-cause
        causes = (causes & ~UINT64_C(0x8080)) | (causes >> 5 & 1) << 7 | (causes >> 13 & 1) << 15;
    }
    load_int64(a, TEMP, causes);
    csr(a, INSN_CSRRW, 0, MEDELEG, TEMP);
    load_int64(a, TEMP, irqs);
    csr(a, INSN_CSRRW, 0, MIDELEG, TEMP);
    g->mideleg = irqs;
    set_enabled(g, MIE, IRQS);
}
