// SPDX-License-Identifier: GPL-3.0-or-later
// Control and status registers: the functions that the rows of csr.def name.
//
// Counters. Instructions are counted by env->left alone; a counter is that count plus an offset, or a held
// value while mcountinhibit stops it. An instruction that reads a counter does not see itself. One that
// writes it sets what the next instruction reads, so the offset takes the writer's own retirement into
// account; likewise a change of mcountinhibit takes effect behind the writer.
#include "frontend/csr.h"
#include "frontend/fp_state.h"
#include "frontend/hpm.h"
#include "frontend/pmp.h"
#include "frontend/trap.h"

#define ALL_BITS        (~UINT64_C(0))
#define COUNTEREN_TM    UINT64_C(2)
#define COUNTEREN_MASK  UINT64_C(0xffffffff)
#define IRQ_BIT(irq)    (UINT64_C(1) << (irq))
#define SUPERVISOR_IRQS (IRQ_BIT(IRQ_S_SOFT) | IRQ_BIT(IRQ_S_TIMER) | IRQ_BIT(IRQ_S_EXT))
#define MIE_MASK        (SUPERVISOR_IRQS | IRQ_BIT(IRQ_M_SOFT) | IRQ_BIT(IRQ_M_TIMER) | IRQ_BIT(IRQ_M_EXT))
#define MEDELEG_MASK    UINT64_C(0xb3ff) // all of table 3.6 but the ecall of M-mode
#define SENVCFG_MASK    (ENVCFG_FIOM | ENVCFG_CBIE | ENVCFG_CBCFE | ENVCFG_CBZE)
#define SSTATUS_WRITE                                                                                        \
    (MSTATUS_SIE | MSTATUS_SPIE | MSTATUS_SPP | MSTATUS_FS | MSTATUS_SUM | MSTATUS_MXR)
#define SSTATUS_READ    (SSTATUS_WRITE | MSTATUS_UXL_64 | MSTATUS_SD)
#define INHIBIT_MASK    UINT64_C(0xfffffffd) // there is no bit for time
#define INHIBIT_CY      UINT64_C(1)
#define INHIBIT_IR      UINT64_C(4)

enum { CSR_STIMECMP = 0x14d, CSR_SATP = 0x180, CSR_CYCLE = 0xc00, CSR_TIME = 0xc01, CSR_MIP = 0x344 };

static uint64_t read_zero(const Hart *hart, unsigned csr)
{
    (void)hart;
    (void)csr;
    return 0;
}

static void write_ignored(Hart *hart, unsigned csr, uint64_t value)
{
    (void)hart;
    (void)csr;
    (void)value;
}

#define READ_FIELD(name, field)                                                                              \
    static uint64_t read_##name(const Hart *hart, unsigned csr)                                              \
    {                                                                                                        \
        (void)csr;                                                                                           \
        return hart->field;                                                                                  \
    }
READ_FIELD(mhartid, hartid)
READ_FIELD(misa, misa)
READ_FIELD(mie, mie)
READ_FIELD(mtvec, mtvec)
READ_FIELD(mcountinhibit, mcountinhibit)

static uint64_t read_mip(const Hart *hart, unsigned csr)
{
    (void)csr;
    return hart_mip(hart) & MIE_MASK;
}

// Only what software holds can be written: STIP is a line while Sstc drives it (Sstc spec 2.1).
static void write_mip(Hart *hart, unsigned csr, uint64_t value)
{
    (void)csr;
    uint64_t mask = SUPERVISOR_IRQS & ~(hart->menvcfg & MENVCFG_STCE ? IRQ_BIT(IRQ_S_TIMER) : 0);
    hart->mip_soft = value & mask;
    hart_poll_interrupts(hart);
}

static uint64_t read_sip(const Hart *hart, unsigned csr)
{
    return read_mip(hart, csr) & hart->mideleg;
}

static void write_sip(Hart *hart, unsigned csr, uint64_t value)
{
    (void)csr;
    uint64_t mask = IRQ_BIT(IRQ_S_SOFT) & hart->mideleg;
    hart->mip_soft = (hart->mip_soft & ~mask) | (value & mask);
    hart_poll_interrupts(hart);
}

static uint64_t read_mstatus(const Hart *hart, unsigned csr)
{
    (void)csr;
    bool dirty = (hart->mstatus & MSTATUS_FS) == MSTATUS_FS;
    return hart->mstatus | (dirty ? MSTATUS_SD : 0);
}

static uint64_t read_sstatus(const Hart *hart, unsigned csr)
{
    return read_mstatus(hart, csr) & SSTATUS_READ;
}

static void write_status(Hart *hart, uint64_t mask, uint64_t value)
{
    hart_set_status(hart, hart->priv, (hart->mstatus & ~mask) | (value & mask));
    hart_poll_interrupts(hart);
}

// MPP = 2 is no mode: it leaves MPP as it is (3.1.6.1). UXL and SXL are read-only.
static void write_mstatus(Hart *hart, unsigned csr, uint64_t value)
{
    (void)csr;
    uint64_t mask = SSTATUS_WRITE | MSTATUS_MIE | MSTATUS_MPIE | MSTATUS_MPRV | MSTATUS_TVM | MSTATUS_TW | MSTATUS_TSR;
    unsigned mpp = (value & MSTATUS_MPP) >> MSTATUS_MPP_SHIFT;
    if (mpp == PRV_U || mpp == PRV_S || mpp == PRV_M) {
        mask |= MSTATUS_MPP;
    }
    write_status(hart, mask, value);
}

static void write_sstatus(Hart *hart, unsigned csr, uint64_t value)
{
    (void)csr;
    write_status(hart, SSTATUS_WRITE, value);
}

static void write_mie(Hart *hart, unsigned csr, uint64_t value)
{
    (void)csr;
    hart->mie = value & MIE_MASK;
    hart_poll_interrupts(hart);
}

static uint64_t read_sie(const Hart *hart, unsigned csr)
{
    (void)csr;
    return hart->mie & hart->mideleg;
}

static void write_sie(Hart *hart, unsigned csr, uint64_t value)
{
    write_mie(hart, csr, (hart->mie & ~hart->mideleg) | (value & hart->mideleg));
}

READ_FIELD(mideleg, mideleg)

static void write_mideleg(Hart *hart, unsigned csr, uint64_t value)
{
    (void)csr;
    hart->mideleg = value & SUPERVISOR_IRQS;
    hart_poll_interrupts(hart);
}

READ_FIELD(stvec, stvec)

static void write_stvec(Hart *hart, unsigned csr, uint64_t value)
{
    (void)csr;
    if (!(value & 2)) { // as mtvec
        hart->stvec = value;
    }
}

READ_FIELD(mcounteren, mcounteren)

static void write_mcounteren(Hart *hart, unsigned csr, uint64_t value)
{
    (void)csr;
    hart->mcounteren = value & (hart->hooks.time ? COUNTEREN_MASK : COUNTEREN_MASK & ~COUNTEREN_TM);
}

// Modes 2 and 3 are reserved: such a write is ignored as a whole (3.1.7).
static void write_mtvec(Hart *hart, unsigned csr, uint64_t value)
{
    (void)csr;
    if (!(value & 2)) {
        hart->mtvec = value;
    }
}

static uint64_t read_fp(const Hart *hart, unsigned csr)
{
    return fp_csr_read(hart, csr);
}

static void write_fp(Hart *hart, unsigned csr, uint64_t value)
{
    fp_csr_write(hart, csr, value);
}

static uint64_t read_mcycle(const Hart *hart, unsigned csr)
{
    (void)csr;
    bool held = hart->mcountinhibit & INHIBIT_CY;
    return held ? hart->mcycle_held : ir_env_icount(&hart->env) + (uint64_t)hart->mcycle_offset;
}

static uint64_t read_minstret(const Hart *hart, unsigned csr)
{
    (void)csr;
    bool held = hart->mcountinhibit & INHIBIT_IR;
    return held ? hart->minstret_held : ir_env_icount(&hart->env) + (uint64_t)hart->minstret_offset;
}

// The instruction count that the next instruction will see.
static uint64_t next_icount(const Hart *hart)
{
    return ir_env_icount(&hart->env) + 1;
}

static void write_mcycle(Hart *hart, unsigned csr, uint64_t value)
{
    (void)csr;
    hart->mcycle_held = value;
    hart->mcycle_offset = (int64_t)(value - next_icount(hart));
}

static void write_minstret(Hart *hart, unsigned csr, uint64_t value)
{
    (void)csr;
    hart->minstret_held = value;
    hart->minstret_offset = (int64_t)(value - next_icount(hart));
}

static void write_mcountinhibit(Hart *hart, unsigned csr, uint64_t value)
{
    (void)csr;
    uint64_t now = next_icount(hart);
    uint64_t flipped = hart->mcountinhibit ^ value;
    if (flipped & INHIBIT_CY) {
        if (value & INHIBIT_CY) {
            hart->mcycle_held = now + (uint64_t)hart->mcycle_offset;
        } else {
            hart->mcycle_offset = (int64_t)(hart->mcycle_held - now);
        }
    }
    if (flipped & INHIBIT_IR) {
        if (value & INHIBIT_IR) {
            hart->minstret_held = now + (uint64_t)hart->minstret_offset;
        } else {
            hart->minstret_offset = (int64_t)(hart->minstret_held - now);
        }
    }
    hpm_inhibit(hart, value & INHIBIT_MASK);
    hart->mcountinhibit = value & INHIBIT_MASK;
}

// Counter 3 is the first; its number is in the low five bits of the CSR's, as that of its selector is.
static uint64_t read_hpmcounter(const Hart *hart, unsigned csr)
{
    return hpm_read(hart, (csr & 0x1f) - 3);
}

static void write_hpmcounter(Hart *hart, unsigned csr, uint64_t value)
{
    hpm_write(hart, (csr & 0x1f) - 3, value);
}

static uint64_t read_hpmevent(const Hart *hart, unsigned csr)
{
    return hart->mhpmevent[(csr & 0x1f) - 3];
}

static void write_hpmevent(Hart *hart, unsigned csr, uint64_t value)
{
    hpm_select(hart, (csr & 0x1f) - 3, value);
}

static uint64_t read_time(const Hart *hart, unsigned csr)
{
    (void)csr;
    return hart->hooks.time(hart->hooks.opaque);
}

static void tell_stimecmp(Hart *hart)
{
    if (hart->hooks.stimecmp_changed) {
        hart->hooks.stimecmp_changed(hart->hooks.opaque, hart->menvcfg & MENVCFG_STCE, hart->stimecmp);
    }
    hart_poll_interrupts(hart);
}

READ_FIELD(stimecmp, stimecmp)

static void write_stimecmp(Hart *hart, unsigned csr, uint64_t value)
{
    (void)csr;
    hart->stimecmp = value;
    tell_stimecmp(hart);
}

// CBIE = 2 is reserved: it leaves CBIE as it is.
static uint64_t legal_envcfg(uint64_t old, uint64_t value, uint64_t mask)
{
    if ((value & ENVCFG_CBIE) >> ENVCFG_CBIE_SHIFT == 2) {
        mask &= ~ENVCFG_CBIE;
    }
    return (old & ~mask) | (value & mask);
}

static uint64_t envcfg_mask(const Hart *hart)
{
    const HartFeatures *f = &hart->features;
    return ENVCFG_FIOM | (f->zicbom ? ENVCFG_CBIE | ENVCFG_CBCFE : 0) | (f->zicboz ? ENVCFG_CBZE : 0);
}

READ_FIELD(menvcfg, menvcfg)

static void write_menvcfg(Hart *hart, unsigned csr, uint64_t value)
{
    (void)csr;
    const HartFeatures *f = &hart->features;
    uint64_t mask = envcfg_mask(hart) | (f->sstc ? MENVCFG_STCE : 0) | (f->svpbmt ? MENVCFG_PBMTE : 0) |
                    (f->svadu ? MENVCFG_ADUE : 0);
    uint64_t old = hart->menvcfg;
    hart->menvcfg = legal_envcfg(old, value, mask);
    uint64_t flipped = hart->menvcfg ^ old;
    if ((flipped & (MENVCFG_PBMTE | MENVCFG_ADUE)) && hart->hooks.tlb_flush) {
        hart->hooks.tlb_flush(hart->hooks.opaque);
    }
    if (flipped & MENVCFG_STCE) {
        hart->mip_soft &= ~IRQ_BIT(IRQ_S_TIMER);
        tell_stimecmp(hart);
    }
}

READ_FIELD(senvcfg, senvcfg)

static void write_senvcfg(Hart *hart, unsigned csr, uint64_t value)
{
    (void)csr;
    hart->senvcfg = legal_envcfg(hart->senvcfg, value, envcfg_mask(hart));
}

READ_FIELD(satp, satp)

// A write that asks for a mode that is not there has no effect at all (4.1.11).
static void write_satp(Hart *hart, unsigned csr, uint64_t value)
{
    (void)csr;
    unsigned mode = (unsigned)(value >> 60);
    bool there = mode == 0 || mode == 8 || (mode == 9 && hart->features.sv48) || (mode == 10 && hart->features.sv57);
    if (there && hart->satp != value) {
        hart->satp = value;
        if (hart->hooks.space_changed) {
            hart->hooks.space_changed(hart->hooks.opaque);
        }
    }
}

// The set of trigger types of a trigger that does not exist: type 0 alone (debug spec 5.2.4).
static uint64_t read_tinfo(const Hart *hart, unsigned csr)
{
    (void)hart;
    (void)csr;
    return 1;
}

static uint64_t read_pmpcfg(const Hart *hart, unsigned csr)
{
    return pmp_cfg_read(hart, csr & 0xf);
}

static void write_pmpcfg(Hart *hart, unsigned csr, uint64_t value)
{
    pmp_cfg_write(hart, csr & 0xf, value);
}

static uint64_t read_pmpaddr(const Hart *hart, unsigned csr)
{
    return hart->pmpaddr[csr & 0xf];
}

static void write_pmpaddr(Hart *hart, unsigned csr, uint64_t value)
{
    pmp_addr_write(hart, csr & 0xf, value);
}

const char *csr_name(unsigned csr)
{
    switch (csr) {
#define CSR(number, name, read, write)                                                                       \
    case number:                                                                                             \
        return #name;
#define CSR_FIELD(number, name, mask) CSR(number, name, , )
#include "frontend/csr.def"
#undef CSR
#undef CSR_FIELD
    default:
        return NULL;
    }
}

// CSRs that not every hart has.
static bool exists(const Hart *hart, unsigned csr)
{
    switch (csr) {
    case CSR_TIME:
        return hart->hooks.time;
    case CSR_STIMECMP:
        return hart->features.sstc;
    default:
        return csr_name(csr);
    }
}

// Bit n of the registers that open counter n (0xc00 + n) to the modes below (3.1.11, 4.1.5).
static bool counter_enabled(const Hart *hart, unsigned n)
{
    if (hart->priv == PRV_M) {
        return true;
    }
    return (hart->mcounteren >> n & 1) && (hart->priv == PRV_S || (hart->scounteren >> n & 1));
}

bool csr_allowed(const Hart *hart, unsigned csr, bool write)
{
    if (!exists(hart, csr) || hart->priv < (csr >> 8 & 3) || (write && csr >> 10 == 3)) {
        return false;
    }
    if (fp_csr(csr) && !fp_enabled(hart)) {
        return false;
    }
    if ((csr & ~0x1fu) == CSR_CYCLE) {
        return counter_enabled(hart, csr & 0x1f);
    }
    if (hart->priv == PRV_S && csr == CSR_SATP) {
        return !(hart->mstatus & MSTATUS_TVM);
    }
    if (hart->priv == PRV_S && csr == CSR_STIMECMP) { // Sstc spec 2.2
        return (hart->menvcfg & MENVCFG_STCE) && (hart->mcounteren & COUNTEREN_TM);
    }
    return true;
}

bool csr_read(Hart *hart, unsigned csr, uint64_t *value)
{
    if (!csr_allowed(hart, csr, false)) {
        return false;
    }
    switch (csr) {
#define CSR(number, name, read, write)                                                                       \
    case number:                                                                                             \
        *value = read_##read(hart, csr);                                                                     \
        break;
#define CSR_FIELD(number, name, mask)                                                                        \
    case number:                                                                                             \
        *value = hart->name;                                                                                 \
        break;
#include "frontend/csr.def"
#undef CSR
#undef CSR_FIELD
    }
    return true;
}

uint64_t csr_modified(const Hart *hart, unsigned csr, uint64_t value)
{
    return csr == CSR_MIP ? hart->mip_soft : value;
}

bool csr_write(Hart *hart, unsigned csr, uint64_t value)
{
    if (!csr_allowed(hart, csr, true)) {
        return false;
    }
    switch (csr) {
#define CSR(number, name, read, write)                                                                       \
    case number:                                                                                             \
        write_##write(hart, csr, value);                                                                     \
        break;
#define CSR_FIELD(number, name, mask)                                                                        \
    case number:                                                                                             \
        hart->name = value & (mask);                                                                         \
        break;
#include "frontend/csr.def"
#undef CSR
#undef CSR_FIELD
    }
    return true;
}
