// SPDX-License-Identifier: GPL-3.0-or-later
// What an instruction writes. Registers and addresses follow from its IR; of CSRs it is said what Spike's csr_t::write
// says: each that is written, under the name that holds the bits.
#include "machine/log/insn.h"

#include "backend/interp.h"
#include "frontend/csr.h"
#include "frontend/decode.h"
#include "frontend/fp_state.h"
#include "frontend/trap.h"
#include "util/bits.h"
#include <string.h>

enum { CSR_SSTATUS = 0x100, CSR_SIE = 0x104, CSR_SIP = 0x144 };
enum { CSR_MSTATUS = 0x300, CSR_MIE = 0x304, CSR_MIP = 0x344 };

// The register that value v is; 0: it is a constant, which *offset gets.
static uint8_t operand(const IrBlock *ir, IrVal v, int64_t *offset)
{
    const IrInst *op = &ir->ops[v];
    if (op->op == IR_OP_GET)
        return op->reg;
    g_assert(op->op == IR_OP_CONST);
    *offset += op->imm;
    return 0;
}

static void set_access(LogInsn *i, const IrBlock *ir, const IrInst *op, LogAccess access)
{
    int64_t unused = 0;
    i->access = (uint8_t)access;
    i->size = (uint8_t)ir_op_size(op->op);
    i->base = operand(ir, op->a, &i->offset);
    if (access == LOG_LOAD || access == LOG_STORE)
        i->offset += op->imm;
    else if (access == LOG_AMO)
        i->amo = (uint8_t)op->imm;
    if (access != LOG_LOAD && access != LOG_LR)
        i->data = operand(ir, op->b, &unused); // the only constant is x0
}

static void look_at(LogInsn *i, const IrBlock *ir, const IrInst *op)
{
    switch (op->op) {
    case IR_OP_INSN:
        i->pc += (uint64_t)(op->imm - ir->pc);
        i->bits = ir_insn_bits(op);
        i->len = op->reg;
        break;
    case IR_OP_PUT:
        i->rd = op->reg;
        break;
    case IR_OP_FPCHECK:
        i->floats = true;
        break;
    case IR_OP_SYS:
        i->system = true;
        break;
    case IR_OP_LR32:
    case IR_OP_LR64:
        set_access(i, ir, op, LOG_LR);
        break;
    case IR_OP_SC32:
    case IR_OP_SC64:
        set_access(i, ir, op, LOG_SC);
        break;
    case IR_OP_AMO32:
    case IR_OP_AMO64:
        set_access(i, ir, op, LOG_AMO);
        break;
    default:
        if (ir_is_load(op->op))
            set_access(i, ir, op, LOG_LOAD);
        else if (ir_is_store(op->op))
            set_access(i, ir, op, LOG_STORE);
    }
}

uint64_t log_block_pc(const Block *b)
{
    return b->pc;
}

void log_insn_init(LogInsn *out, const Block *b, const IrBlock *ir)
{
    *out = (LogInsn){.pc = b->pc};
    for (unsigned k = 0; k < ir->n_ops; k++)
        look_at(out, ir, &ir->ops[k]);
    for (const IOp *op = b->ops; out->access >= LOG_LR && op < b->ops + b->n_ops; op++) {
        unsigned iop = interp_op(op->handler);
        if (interp_untapped(iop) == IOP_ATOMIC)
            out->slot = op->d;
        op += interp_cells(iop) - 1;
    }
    Insn insn = decode(out->bits);
    if (out->system && insn.id == INSN_CBO_ZERO)
        *out = (LogInsn){.pc = out->pc, .bits = out->bits, .len = out->len, .access = LOG_ZERO_BLOCK,
                         .size = HART_CACHE_BLOCK, .base = insn.rs1, .system = true};
}

void log_before(LogBefore *w, const LogInsn *i, Hart *hart)
{
    IrEnv *env = &hart->env;
    w->address = env->r[i->base] + (uint64_t)i->offset;
    w->data = env->r[i->data];
    w->mstatus = hart->mstatus;
    if (i->floats) { // so that those that it raises show
        w->fflags = env->fflags;
        env->fflags = 0;
    }
}

static void add(LogEffects *out, uint32_t key, uint64_t value)
{
    unsigned at = out->n_writes++;
    g_assert(at < LOG_MAX_WRITES);
    for (; at && out->write[at - 1].key > key; at--)
        out->write[at] = out->write[at - 1];
    out->write[at].key = key;
    out->write[at].value = value;
}

static void add_csr(LogEffects *out, Hart *hart, unsigned csr)
{
    uint8_t priv = hart->priv;
    uint64_t value;
    hart->priv = PRV_M;
    if (csr_read(hart, csr, &value))
        add(out, csr << 4 | LOG_KEY_CSR, value);
    hart->priv = priv;
}

static void add_csr_writes(LogEffects *out, Hart *hart, unsigned csr)
{
    switch (csr) {
    case CSR_FCSR:
        add_csr(out, hart, CSR_FFLAGS);
        add_csr(out, hart, CSR_FRM);
        break;
    case CSR_SSTATUS:
        add_csr(out, hart, CSR_MSTATUS);
        break;
    case CSR_SIE:
        add_csr(out, hart, CSR_MIE);
        break;
    case CSR_SIP:
        add_csr(out, hart, CSR_MIP);
        break;
    default:
        add_csr(out, hart, csr);
    }
}

static void add_system(LogEffects *out, const LogBefore *w, const LogInsn *i, Hart *hart)
{
    enum { RW = 1, MRET = 0x30200073, SRET = 0x10200073 };
    unsigned kind = (unsigned)bits_get(i->bits, 12, 2), csr = (unsigned)bits_get(i->bits, 20, 12);
    unsigned rd = (unsigned)bits_get(i->bits, 7, 5);
    if (i->bits == MRET || i->bits == SRET)
        add_csr(out, hart, CSR_MSTATUS);
    if (i->len != 4 || bits_get(i->bits, 0, 7) != 0x73 || !kind)
        return;
    if (rd)
        add(out, rd << 4 | LOG_KEY_X, hart->env.r[rd]);
    if (kind != RW && !bits_get(i->bits, 15, 5))
        return;
    add_csr_writes(out, hart, csr);
    if (csr <= CSR_FCSR && hart->mstatus != w->mstatus) // FS is Dirty now
        add_csr(out, hart, CSR_MSTATUS);
}

static void add_access(LogEffects *out, const LogBefore *w, const LogInsn *i, const Hart *hart)
{
    uint64_t result = hart->env.r[i->slot];
    out->address = w->address;
    out->size = i->size;
    out->data = w->data;
    out->load = i->access == LOG_LOAD || i->access == LOG_LR || i->access == LOG_AMO;
    out->store = i->access == LOG_STORE || i->access == LOG_AMO || (i->access == LOG_SC && !result);
    if (i->access == LOG_AMO)
        out->data = ir_eval_amo((IrAmo)i->amo, i->size, result, w->data);
    if (i->access == LOG_ZERO_BLOCK) {
        out->address &= ~(uint64_t)(HART_CACHE_BLOCK - 1);
        out->store = true;
    }
}

void log_after(LogEffects *out, const LogBefore *w, const LogInsn *i, Hart *hart, bool retired)
{
    IrEnv *env = &hart->env;
    out->n_writes = 0;
    out->load = out->store = false;
    uint64_t raised = env->fflags;
    if (i->floats)
        env->fflags |= w->fflags;
    if (!retired)
        return;
    if (i->rd)
        add(out, (i->rd < 32 ? (uint32_t)i->rd << 4 : (uint32_t)(i->rd - 32) << 4 | LOG_KEY_F), env->r[i->rd]);
    if (i->floats) {
        if (raised)
            add_csr(out, hart, CSR_FFLAGS);
        if (hart->mstatus != w->mstatus)
            add_csr(out, hart, CSR_MSTATUS);
    }
    if (i->system)
        add_system(out, w, i, hart);
    if (i->access)
        add_access(out, w, i, hart);
}
