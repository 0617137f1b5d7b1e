// SPDX-License-Identifier: GPL-3.0-or-later
// Control and status registers: the functions that the rows of csr.def name.
//
// Counters. Instructions are counted by env->left alone; a counter is that count plus an offset, or a held
// value while mcountinhibit stops it. An instruction that reads a counter does not see itself. One that
// writes it sets what the next instruction reads, so the offset takes the writer's own retirement into
// account; likewise a change of mcountinhibit takes effect behind the writer.
#include "frontend/csr.h"
#include "frontend/fp_state.h"
#include "frontend/pmp.h"
#include "frontend/trap.h"

#define ALL_BITS        (~UINT64_C(0))
#define MCOUNTEREN_MASK UINT64_C(0xfffffffd) // all but TM: there is no time CSR
#define MENVCFG_FIOM    UINT64_C(1)
#define MIE_MASK        (UINT64_C(1) << IRQ_M_SOFT | UINT64_C(1) << IRQ_M_TIMER | UINT64_C(1) << IRQ_M_EXT)
#define INHIBIT_CY      UINT64_C(1)
#define INHIBIT_IR      UINT64_C(4)

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
READ_FIELD(mstatus, mstatus)
READ_FIELD(mie, mie)
READ_FIELD(mtvec, mtvec)
READ_FIELD(mcountinhibit, mcountinhibit)

static uint64_t read_mip(const Hart *hart, unsigned csr)
{
    (void)csr;
    return (uint64_t)__atomic_load_n(&hart->mip, __ATOMIC_SEQ_CST) & MIE_MASK;
}

// Of the modes only U and M exist: other values leave MPP as it is (3.1.6.1). UXL is read-only.
static void write_mstatus(Hart *hart, unsigned csr, uint64_t value)
{
    (void)csr;
    uint64_t mask = MSTATUS_MIE | MSTATUS_MPIE | MSTATUS_MPRV | MSTATUS_TW | MSTATUS_FS;
    unsigned mpp = (value & MSTATUS_MPP) >> MSTATUS_MPP_SHIFT;
    if (mpp == PRV_U || mpp == PRV_M) {
        mask |= MSTATUS_MPP;
    }
    hart_set_status(hart, hart->priv, (hart->mstatus & ~mask) | (value & mask));
    hart_poll_interrupts(hart);
}

static void write_mie(Hart *hart, unsigned csr, uint64_t value)
{
    (void)csr;
    hart->mie = value & MIE_MASK;
    hart_poll_interrupts(hart);
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
    hart->mcountinhibit = value & (INHIBIT_CY | INHIBIT_IR);
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

bool csr_allowed(const Hart *hart, unsigned csr, bool write)
{
    if (!csr_name(csr) || hart->priv < (csr >> 8 & 3) || (write && csr >> 10 == 3)) {
        return false;
    }
    if (fp_csr(csr) && !fp_enabled(hart)) {
        return false;
    }
    bool user_counter = (csr & ~0x1fu) == 0xc00;
    return !user_counter || hart->priv == PRV_M || (hart->mcounteren >> (csr & 0x1f) & 1);
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
