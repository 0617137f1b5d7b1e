// SPDX-License-Identifier: GPL-3.0-or-later
// Disassembles host code and tells what its operands are in the hart.
#include "backend/host_code.h"

#include "backend/stencil_forms.h"
#include <capstone/capstone.h>
#include <string.h>

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

typedef struct {
    GArray *out;
    csh cs;
    cs_insn *insn;
    const HostCode *what;
    uint64_t addr; // of the next instruction
} Reader;

static void add(Reader *r, unsigned len, char *text, char *note)
{
    CodeHost h = {.addr = r->addr - len, .len = (uint8_t)len, .cold = r->what->cold, .insn = -1, .text = text,
                  .note = note};
    g_array_append_val(r->out, h);
}

static void read_code(Reader *r, const uint8_t *code, size_t size)
{
    while (size) {
        if (cs_disasm_iter(r->cs, &code, &size, &r->addr, r->insn)) {
            char *text = g_strdup_printf("%-10s %s", r->insn->mnemonic, r->insn->op_str);
            add(r, r->insn->size, g_strchomp(text), note_of(r->insn, r->what->baseline));
        } else { // nothing that compiled code has, but it must not end here
            r->addr++;
            add(r, 1, g_strdup_printf("%-10s 0x%02x", ".byte", *code++), NULL);
            size--;
        }
    }
}

static void read_data(Reader *r, const uint8_t *data, size_t size)
{
    for (size_t done = 0; done < size; done += MIN(4, size - done)) {
        uint32_t word = 0;
        unsigned n = (unsigned)MIN(4, size - done);
        memcpy(&word, data + done, n);
        r->addr += n;
        add(r, n, g_strdup_printf("%-10s 0x%x", ".long", word), NULL);
    }
}

void host_code_read(GArray *out, const uint8_t *code, size_t size, uint64_t addr, const HostCode *what)
{
    Reader r = {.out = out, .what = what, .addr = addr};
    if (cs_open(CS_ARCH_X86, CS_MODE_64, &r.cs) != CS_ERR_OK)
        return;
    cs_option(r.cs, CS_OPT_SYNTAX, CS_OPT_SYNTAX_ATT);
    cs_option(r.cs, CS_OPT_DETAIL, CS_OPT_ON);
    r.insn = cs_malloc(r.cs);
    size_t done = 0;
    bool data = false;
    for (unsigned i = 0; what->lines && i < what->lines->len; i++) { // a line is where an instruction begins
        const UnitLine *l = &g_array_index(what->lines, UnitLine, i);
        if (l->cold != what->cold || l->host < done || l->host > size)
            continue;
        (data ? read_data : read_code)(&r, code + done, l->host - done);
        done = l->host;
        data = l->data;
    }
    (data ? read_data : read_code)(&r, code + done, size - done);
    cs_free(r.insn, 1);
    cs_close(&r.cs);
}
