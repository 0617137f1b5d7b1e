// SPDX-License-Identifier: GPL-3.0-or-later
// Hart state: register names, reset, interrupt lines, printing.
#include "frontend/hart.h"
#include "frontend/csr.h"
#include "frontend/decode.h"
#include "frontend/fp_state.h"
#include "frontend/helpers.h"
#include "frontend/trap.h"
#include <inttypes.h>
#include <string.h>

_Static_assert(offsetof(Hart, env) == 0, "a pointer to a Hart is a pointer to its IrEnv");

const char *const hart_reg_names[64] = {
    "zero", "ra",  "sp",  "gp",  "tp",  "t0",  "t1",   "t2",   "s0",  "s1",  "a0",   "a1",   "a2",
    "a3",   "a4",  "a5",  "a6",  "a7",  "s2",  "s3",   "s4",   "s5",  "s6",  "s7",   "s8",   "s9",
    "s10",  "s11", "t3",  "t4",  "t5",  "t6",  "ft0",  "ft1",  "ft2", "ft3", "ft4",  "ft5",  "ft6",
    "ft7",  "fs0", "fs1", "fa0", "fa1", "fa2", "fa3",  "fa4",  "fa5", "fa6", "fa7",  "fs2",  "fs3",
    "fs4",  "fs5", "fs6", "fs7", "fs8", "fs9", "fs10", "fs11", "ft8", "ft9", "ft10", "ft11",
};

// RV64 (MXL = 2) and one bit per extension letter, S and U for the modes (priv. spec 3.1.1).
#define MISA_LETTER(c) (UINT64_C(1) << ((c) - 'A'))
#define MISA_VALUE                                                                                           \
    (UINT64_C(2) << 62 | MISA_LETTER('I') | MISA_LETTER('M') | MISA_LETTER('A') | MISA_LETTER('F') |         \
     MISA_LETTER('D') | MISA_LETTER('C') | MISA_LETTER('S') | MISA_LETTER('U'))

const HartFeatures hart_features_default = {
#define FEATURE(name, on) .name = on,
#include "frontend/features.def"
    .sv48 = true,
    .sv57 = true,
    .rdtime = true,
};

void hart_init(Hart *hart, uint64_t hartid, const HartHooks *hooks)
{
    memset(hart, 0, sizeof *hart);
    hart->hooks = *hooks;
    hart->hartid = hartid;
    hart->features = hart_features_default;
    hart->env.ops = &hart_env_ops;
    hart_reset(hart, 0);
}

// The counters start at 0 whatever has been retired before; everything that the manual leaves open is 0 too,
// so that runs repeat.
void hart_reset(Hart *hart, uint64_t reset_pc)
{
    IrEnv *env = &hart->env;
    memset(env->r, 0, sizeof env->r);
    env->pc = reset_pc;
    env->res_addr = ~UINT64_C(0);
    env->res_value = 0;
    env->fflags = env->frm = 0;
    hart->wfi = false;
    hart->mie = hart->mtvec = hart->mepc = hart->mcause = hart->mtval = hart->mscratch = 0;
    hart->mcounteren = hart->mcountinhibit = 0;
    hart->medeleg = hart->mideleg = hart->mip_soft = 0;
    hart->stvec = hart->sepc = hart->scause = hart->stval = hart->sscratch = 0;
    hart->scounteren = hart->senvcfg = hart->satp = hart->stimecmp = 0;
    // A hart whose description says Svadu and not Svade starts with it (device tree binding of the extensions).
    hart->menvcfg = hart->features.svadu ? MENVCFG_ADUE : 0;
    hart->misa = MISA_VALUE;
    hart->mcycle_offset = hart->minstret_offset = -(int64_t)ir_env_icount(env);
    hart->mcycle_held = hart->minstret_held = 0;
    memset(hart->pmpcfg, 0, sizeof hart->pmpcfg);
    memset(hart->pmpaddr, 0, sizeof hart->pmpaddr);
    memset(hart->mhpmevent, 0, sizeof hart->mhpmevent);
    memset(hart->hpm_offset, 0, sizeof hart->hpm_offset);
    hart->trap_count = hart->trap_loop_count = hart->interrupt_count = 0;
    hart->last_trap_pc = hart->last_trap_icount = ~UINT64_C(0);
    hart_set_status(hart, PRV_M, MSTATUS_UXL_64 | MSTATUS_SXL_64);
    if (hart->hooks.space_changed) {
        hart->hooks.space_changed(hart->hooks.opaque);
    }
    if (hart->hooks.stimecmp_changed) {
        hart->hooks.stimecmp_changed(hart->hooks.opaque, false, 0);
    }
    if (hart->hooks.tlb_flush) {
        hart->hooks.tlb_flush(hart->hooks.opaque); // the PMP entries are gone
    }
}

uint64_t hart_absent_exts(const Hart *hart)
{
    const HartFeatures *f = &hart->features;
    const struct {
        InsnExt ext;
        bool there;
    } exts[] = {
        {EXT_ZBA, f->zba},         {EXT_ZBB, f->zbb},       {EXT_ZBS, f->zbs},      {EXT_SVINVAL, f->svinval},
        {EXT_ZICBOM, f->zicbom},   {EXT_ZICBOZ, f->zicboz}, {EXT_ZAWRS, f->zawrs},
    };
    uint64_t absent = 0;
    for (unsigned i = 0; i < G_N_ELEMENTS(exts); i++) {
        absent |= (uint64_t)!exts[i].there << exts[i].ext;
    }
    return absent;
}

void hart_set_irq(Hart *hart, unsigned irq, bool level)
{
    int bit = 1 << irq;
    if (!level) {
        __atomic_and_fetch(&hart->mip, ~bit, __ATOMIC_SEQ_CST);
    } else if (!(__atomic_fetch_or(&hart->mip, bit, __ATOMIC_SEQ_CST) & bit)) {
        __atomic_store_n(&hart->env.exit_request, 1, __ATOMIC_SEQ_CST);
    }
}

static void print_csrs(const Hart *hart, GString *out, uint64_t mstatus)
{
    const struct {
        const char *name;
        uint64_t value;
    } csrs[] = {
        {"pc", hart->env.pc},       {"mhartid", hart->hartid},
        {"mstatus", mstatus},       {"mip", hart_mip(hart)},
        {"mie", hart->mie},         {"mideleg", hart->mideleg},
        {"medeleg", hart->medeleg}, {"mtvec", hart->mtvec},
        {"stvec", hart->stvec},     {"mepc", hart->mepc},
        {"sepc", hart->sepc},       {"mcause", hart->mcause},
        {"scause", hart->scause},   {"mtval", hart->mtval},
        {"stval", hart->stval},     {"mscratch", hart->mscratch},
        {"sscratch", hart->sscratch}, {"satp", hart->satp},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(csrs); i++) {
        g_string_append_printf(out, " %-8s %016" PRIx64 "\n", csrs[i].name, csrs[i].value);
    }
}

static void print_registers(const Hart *hart, GString *out, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        g_autofree char *name = g_strdup_printf("%c%u/%s", "xf"[i / 32], i % 32, hart_reg_names[i]);
        g_string_append_printf(out, " %-8s %016" PRIx64 "%s", name, hart->env.r[i], i % 4 == 3 ? "\n" : "");
    }
}

void hart_print(const Hart *hart, GString *out)
{
    bool fp = fp_enabled(hart);
    print_csrs(hart, out, hart->mstatus);
    if (fp)
        g_string_append_printf(out, " %-8s %016" PRIx64 "\n", "fcsr", fp_csr_read(hart, CSR_FCSR));
    print_registers(hart, out, fp ? 64 : 32);
}

void hart_print_state(const Hart *hart, GString *out, bool fpu)
{
    bool dirty = (hart->mstatus & MSTATUS_FS) == MSTATUS_FS;
    print_csrs(hart, out, hart->mstatus | (dirty ? MSTATUS_SD : 0));
    print_registers(hart, out, fpu ? 64 : 32);
}
