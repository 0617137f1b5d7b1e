// SPDX-License-Identifier: GPL-3.0-or-later
// Disassembles host code and tells what its operands are in the hart.
#include "backend/host_code.h"

#include "backend/stencil_forms.h"
#include <capstone/capstone.h>

typedef struct {
    const char *name;
    size_t at, size;
} Field;

#define FIELD(f) {#f, offsetof(IrEnv, f), sizeof(((IrEnv *)NULL)->f)}
static const Field fields[] = { // of IrEnv, but for registers
    FIELD(tlb_mask), FIELD(tlb_table), FIELD(jumps), FIELD(runs.run[0].start), FIELD(runs.run[0].size),
    FIELD(runs.run[1].start), FIELD(runs.run[1].size), FIELD(runs.run[2].start), FIELD(runs.run[2].size),
    FIELD(runs.run[3].start), FIELD(runs.run[3].size), FIELD(runs.addend), FIELD(pc), FIELD(left), FIELD(icount_limit),
    FIELD(exit_site), FIELD(res_addr), FIELD(res_value), FIELD(n_load), FIELD(n_store), FIELD(fflags), FIELD(frm),
    FIELD(fp_off), FIELD(engine), FIELD(fp_leave), FIELD(fp), FIELD(fp_soft), FIELD(jit_call), FIELD(jit_stop),
    FIELD(jit_slots), FIELD(jit_sp), FIELD(ram_slow), FIELD(jit_access), FIELD(atomic_slow), FIELD(system), FIELD(ops),
    FIELD(exit_request), FIELD(tap.cursor), FIELD(tap.end), FIELD(tap.last_data), FIELD(tap.last_fetch),
    FIELD(tap.loads), FIELD(tap.stores), FIELD(tap.tag), FIELD(tap_full), FIELD(tap_fetch), FIELD(tap_atomic),
};

void host_code_clear(CodeHost *h)
{
    g_free(h->text);
    g_free(h->note);
}

// What lies at that offset in the hart; NULL: nothing that has a name.
static char *field_at(int64_t offset)
{
    int64_t r = (offset - (int64_t)offsetof(IrEnv, r)) / (int64_t)sizeof(uint64_t);
    if (offset >= (int64_t)offsetof(IrEnv, r) && r < IR_NREGS)
        return g_strdup_printf("r%d", (int)r);
    if (offset >= (int64_t)offsetof(IrEnv, r) && r < IR_NREGS + IR_NTEMPS)
        return g_strdup_printf("temporary %d", (int)r - IR_NREGS);
    for (unsigned i = 0; i < G_N_ELEMENTS(fields); i++)
        if (offset >= (int64_t)fields[i].at && offset < (int64_t)(fields[i].at + fields[i].size))
            return g_strdup(fields[i].name);
    return NULL;
}

static char *note_of(const cs_insn *insn, bool baseline)
{
    const cs_x86 *x = &insn->detail->x86;
    x86_reg env = baseline ? X86_REG_RDI : X86_REG_RBP;
    for (unsigned i = 0; i < x->op_count; i++) {
        const x86_op_mem *m = &x->operands[i].mem;
        if (x->operands[i].type == X86_OP_MEM && m->base == env && m->index == X86_REG_INVALID)
            return field_at(m->disp + (baseline ? STENCIL_NEAR : 0));
    }
    return NULL;
}

void host_code_read(GArray *out, const uint8_t *code, size_t size, uint64_t addr, bool cold, bool baseline)
{
    csh cs;
    if (cs_open(CS_ARCH_X86, CS_MODE_64, &cs) != CS_ERR_OK)
        return;
    cs_option(cs, CS_OPT_SYNTAX, CS_OPT_SYNTAX_ATT);
    cs_option(cs, CS_OPT_DETAIL, CS_OPT_ON);
    cs_insn *insn = cs_malloc(cs);
    while (size) {
        CodeHost h = {.addr = addr, .len = 1, .cold = cold, .insn = -1};
        if (cs_disasm_iter(cs, &code, &size, &addr, insn)) {
            h.len = (uint8_t)insn->size;
            h.text = g_strdup_printf("%-10s %s", insn->mnemonic, insn->op_str);
            h.note = note_of(insn, baseline);
            g_strchomp(h.text);
        } else { // nothing that compiled code has, but it must not end here
            h.text = g_strdup_printf("%-10s 0x%02x", ".byte", *code);
            code++;
            addr++;
            size--;
        }
        g_array_append_val(out, h);
    }
    cs_free(insn, 1);
    cs_close(&cs);
}
