// SPDX-License-Identifier: GPL-3.0-or-later
// The functions behind the IR op `sys`: each does one whole system instruction (see IrHelper in ir/env.h).
#include "frontend/helpers.h"
#include "frontend/csr.h"
#include "frontend/decode.h"
#include "frontend/fp_state.h"
#include "frontend/trap.h"
#include "util/bits.h"

// The instruction is done; the hart goes on at pc.
static void retire_to(IrEnv *env, uint64_t pc)
{
    env->pc = pc;
    env->left--;
}

static void retire(IrEnv *env, uint64_t raw)
{
    retire_to(env, env->pc + (insn_is_compressed((uint16_t)raw) ? 2 : 4));
}

static void help_illegal(IrEnv *env, uint64_t raw, uint64_t unused)
{
    (void)unused;
    hart_exception((Hart *)env, EXC_ILLEGAL, raw);
}

// csrrs[i] and csrrc[i] with rs1 or immediate field 0 do not write (unprivileged spec 9.1). Reading has no
// side effects here, so csrrw[i] with rd = x0 may read. Rights are checked before anything has an effect.
static void help_csr(IrEnv *env, uint64_t raw, uint64_t operand)
{
    enum { RW = 1, RS = 2, RC = 3 };
    Hart *hart = (Hart *)env;
    unsigned csr = (unsigned)bits_get(raw, 20, 12), rd = (unsigned)bits_get(raw, 7, 5);
    unsigned kind = (unsigned)bits_get(raw, 12, 2);
    bool write = kind == RW || bits_get(raw, 15, 5) != 0;
    uint64_t old;
    if (!csr_allowed(hart, csr, write) || !csr_read(hart, csr, &old)) {
        hart_exception(hart, EXC_ILLEGAL, raw);
        return;
    }
    if (write) {
        uint64_t base = csr_modified(hart, csr, old);
        csr_write(hart, csr, kind == RW ? operand : kind == RS ? base | operand : base & ~operand);
    }
    if (rd != 0) {
        env->r[rd] = old;
    }
    retire(env, raw);
}

static void help_ecall(IrEnv *env, uint64_t raw, uint64_t unused)
{
    Hart *hart = (Hart *)env;
    (void)raw;
    (void)unused;
    hart_exception(hart, EXC_ECALL_U + hart->priv, 0);
}

static void help_ebreak(IrEnv *env, uint64_t raw, uint64_t magic)
{
    Hart *hart = (Hart *)env;
    if (!magic || !hart->semihosting || !hart->hooks.semihost) {
        hart->refused_calls += magic != 0;
        hart_exception(hart, EXC_BREAKPOINT, env->pc);
        return;
    }
    retire(env, raw);
    hart->hooks.semihost(hart->hooks.opaque);
}

static void help_mret(IrEnv *env, uint64_t raw, uint64_t unused)
{
    Hart *hart = (Hart *)env;
    (void)unused;
    if (hart->priv < PRV_M) {
        hart_exception(hart, EXC_ILLEGAL, raw);
        return;
    }
    hart_mret(hart);
    retire_to(env, env->pc);
}

static void help_sret(IrEnv *env, uint64_t raw, uint64_t unused)
{
    Hart *hart = (Hart *)env;
    (void)unused;
    if (hart->priv < PRV_S || (hart->priv == PRV_S && (hart->mstatus & MSTATUS_TSR))) {
        hart_exception(hart, EXC_ILLEGAL, raw);
        return;
    }
    hart_sret(hart);
    retire_to(env, env->pc);
}

// In U-mode it is illegal, since there is an S-mode (3.3.3).
static void help_wfi(IrEnv *env, uint64_t raw, uint64_t unused)
{
    Hart *hart = (Hart *)env;
    (void)unused;
    if (hart->priv < PRV_S || (hart->priv == PRV_S && (hart->mstatus & MSTATUS_TW))) {
        hart_exception(hart, EXC_ILLEGAL, raw);
        return;
    }
    retire(env, raw);
    if (!hart_interrupt_pending(hart)) {
        hart->wfi = true;
        ir_env_kick_self(env);
    }
}

static void help_fence_i(IrEnv *env, uint64_t raw, uint64_t unused)
{
    Hart *hart = (Hart *)env;
    (void)unused;
    if (hart->hooks.fence_i) {
        hart->hooks.fence_i(hart->hooks.opaque);
    }
    retire(env, raw);
}

// sfence.vma and sinval.vma (4.2.1, ch. 7): both at once, ordered with everything.
static void help_fence_vma(IrEnv *env, uint64_t raw, uint64_t unused)
{
    Hart *hart = (Hart *)env;
    unsigned rs1 = (unsigned)bits_get(raw, 15, 5), rs2 = (unsigned)bits_get(raw, 20, 5);
    (void)unused;
    if (hart->priv < PRV_S || (hart->priv == PRV_S && (hart->mstatus & MSTATUS_TVM))) {
        hart_exception(hart, EXC_ILLEGAL, raw);
        return;
    }
    HartFence what = {rs1 != 0, rs2 != 0, env->r[rs1], (uint16_t)env->r[rs2]};
    if (hart->hooks.fence_vma) {
        hart->hooks.fence_vma(hart->hooks.opaque, &what);
    }
    retire(env, raw);
}

// sfence.w.inval and sfence.inval.ir: sinval.vma leaves nothing for them to do. TVM does not concern them.
static void help_fence_inval(IrEnv *env, uint64_t raw, uint64_t unused)
{
    Hart *hart = (Hart *)env;
    (void)unused;
    if (hart->priv < PRV_S) {
        hart_exception(hart, EXC_ILLEGAL, raw);
        return;
    }
    retire(env, raw);
}

// May the hart run this cbo instruction (CMO spec 3.4)? A mode below M needs the bit in menvcfg, U-mode also the one
// in senvcfg. CBIE = 1 turns an inval into a flush, which is the same here: there is no cache.
static bool cache_block_enabled(const Hart *hart, unsigned op)
{
    enum { INVAL = 0, ZERO = 4 };
    uint64_t bit = op == INVAL ? ENVCFG_CBIE : op == ZERO ? ENVCFG_CBZE : ENVCFG_CBCFE;
    return hart->priv == PRV_M ||
           ((hart->menvcfg & bit) && (hart->priv == PRV_S || (hart->senvcfg & bit)));
}

static void help_cache_block(IrEnv *env, uint64_t raw, uint64_t unused)
{
    Hart *hart = (Hart *)env;
    unsigned op = (unsigned)bits_get(raw, 20, 12);
    MemFault fault;
    (void)unused;
    if (!cache_block_enabled(hart, op)) {
        hart_exception(hart, EXC_ILLEGAL, raw);
        return;
    }
    if (hart->hooks.cache_block &&
        !hart->hooks.cache_block(hart->hooks.opaque, env->r[bits_get(raw, 15, 5)], op == 4, &fault)) {
        hart_mem_fault(env, &fault);
        return;
    }
    retire(env, raw);
}

// wrs.nto and wrs.sto may end for any reason, so TW never finds them waiting too long (Zawrs). The slice ends, so
// that what they wait for can happen.
static void help_wrs(IrEnv *env, uint64_t raw, uint64_t unused)
{
    (void)unused;
    retire(env, raw);
    ir_env_kick_self(env);
}

static const IrHelper helpers[HELPERS] = {
#define HELPER(id, text, fn) [HELPER_##id] = {text, fn},
#include "frontend/helpers.def"
#undef HELPER
};

const IrEnvOps hart_env_ops = {hart_mem_fault, helpers, HELPERS, fp_denied};
