// SPDX-License-Identifier: GPL-3.0-or-later
// Registers by the numbers that gdb has for RISC-V: x0..x31, pc, f0..f31, then CSRs by their number, then the
// privilege. The target description has those that the harts have.
#include "machine/gdb/gdb_private.h"

#include "frontend/csr.h"
#include "frontend/fp_state.h"
#include "frontend/trap.h"
#include <inttypes.h>
#include <string.h>

enum {
    REG_PC = 32,
    REG_F0 = 33,
    REG_CSR0 = 65,
    REG_PRIV = REG_CSR0 + 0x1000,
    REG_IN_G = REG_PC + 1, // the g packet has those in front
    CSR_FIRST_FP = 1,
    CSR_LAST_FP = 3,
    ERROR_INVALID = 22,
};

// --- one register --------------------------------------------------------------------------------------------

// Is there such a CSR, whatever the hart may do now?
static bool has_csr(const Hart *hart, unsigned csr)
{
    Hart h = *hart;
    h.priv = PRV_M;
    h.mstatus |= MSTATUS_FS;
    return csr_allowed(&h, csr, false);
}

static bool exists(const Hart *hart, uint64_t n)
{
    return n < REG_CSR0 || n == REG_PRIV || (n < REG_PRIV && has_csr(hart, (unsigned)n - REG_CSR0));
}

static bool read_csr(const Hart *hart, unsigned csr, uint64_t *value)
{
    if (fp_csr(csr)) {
        *value = fp_csr_read(hart, csr);
        return true;
    }
    Hart h = *hart; // which may, as M-mode
    h.priv = PRV_M;
    return csr_read(&h, csr, value);
}

bool gdb_register(const Cpu *cpu, uint64_t n, uint64_t *value)
{
    const Hart *hart = &cpu->hart;
    if (n >= REG_CSR0 && n < REG_PRIV)
        return has_csr(hart, (unsigned)n - REG_CSR0) && read_csr(hart, (unsigned)n - REG_CSR0, value);
    if (n > REG_PRIV)
        return false;
    *value = n < REG_PC     ? hart->env.r[n]
             : n == REG_PC  ? hart->env.pc
             : n < REG_CSR0 ? hart->env.r[n - 1]
                            : hart->priv;
    return true;
}

// As an instruction of M-mode, which would have retired by now: what it sets counters to is what they are.
static bool write_csr(Hart *hart, unsigned csr, uint64_t value)
{
    unsigned priv = hart->priv;
    uint64_t fs = hart->mstatus & MSTATUS_FS;
    if (fp_csr(csr)) {
        fp_csr_write(hart, csr, value);
        hart_set_status(hart, priv, (hart->mstatus & ~MSTATUS_FS) | (fs ? MSTATUS_FS : 0));
        return true;
    }
    hart_set_status(hart, PRV_M, hart->mstatus);
    hart->env.icount_limit--;
    bool ok = csr_write(hart, csr, value);
    hart->env.icount_limit++;
    hart_set_status(hart, priv, hart->mstatus);
    return ok;
}

static bool write_register(Cpu *cpu, uint64_t n, uint64_t value)
{
    Hart *hart = &cpu->hart;
    if (n >= REG_CSR0 && n < REG_PRIV)
        return write_csr(hart, (unsigned)n - REG_CSR0, value);
    if (n < REG_PC) {
        hart->env.r[n] = n ? value : 0;
    } else if (n == REG_PC) {
        hart->env.pc = value & ~UINT64_C(1);
        hart->wfi = false; // it goes on there
    } else if (n < REG_CSR0) {
        hart->env.r[n - 1] = value;
        if (fp_enabled(hart)) // an operating system must save it
            hart_set_status(hart, hart->priv, hart->mstatus | MSTATUS_FS);
    } else if (value == PRV_U || value == PRV_S || value == PRV_M) {
        hart_set_status(hart, (unsigned)value, hart->mstatus);
    } else {
        return false;
    }
    return true;
}

// --- packets -------------------------------------------------------------------------------------------------

static Cpu *chosen(const Gdb *g)
{
    return machine_cpu(g->m, g->hart);
}

void gdb_registers_read(Gdb *g, const char *args G_GNUC_UNUSED)
{
    for (unsigned n = 0; n < REG_IN_G; n++) {
        uint64_t v;
        gdb_register(chosen(g), n, &v);
        packet_put_bytes(g->reply, &v, sizeof v); // x86 has the guest's byte order
    }
}

void gdb_registers_write(Gdb *g, const char *args)
{
    uint64_t v[REG_IN_G];
    if (!packet_get_bytes(args, v, sizeof v)) {
        gdb_reply_error(g, ERROR_INVALID);
        return;
    }
    for (unsigned n = 0; n < REG_IN_G; n++)
        write_register(chosen(g), n, v[n]);
    gdb_reply_ok(g);
}

void gdb_register_read(Gdb *g, const char *args)
{
    uint64_t n, v;
    Cpu *cpu = chosen(g);
    if (!packet_number_then(&args, 0, &n) || !exists(&cpu->hart, n))
        gdb_reply_error(g, ERROR_INVALID);
    else if (gdb_register(cpu, n, &v))
        packet_put_bytes(g->reply, &v, sizeof v);
    else
        gdb_reply(g, "xxxxxxxxxxxxxxxx"); // not to be had now
}

void gdb_register_write(Gdb *g, const char *args)
{
    uint64_t n, v;
    Cpu *cpu = chosen(g);
    if (packet_number_then(&args, '=', &n) && packet_get_bytes(args, &v, sizeof v) && exists(&cpu->hart, n) &&
        write_register(cpu, n, v))
        gdb_reply_ok(g);
    else
        gdb_reply_error(g, ERROR_INVALID);
}

// --- the target description ----------------------------------------------------------------------------------

static void reg(GString *out, const char *name, unsigned n, const char *more)
{
    g_string_append_printf(out, "<reg name=\"%s\" bitsize=\"64\" regnum=\"%u\"%s/>\n", name, n, more);
}

static void feature_cpu(GString *out)
{
    g_string_append(out, "<feature name=\"org.gnu.gdb.riscv.cpu\">\n");
    for (unsigned n = 0; n < REG_PC; n++) {
        const char *type = n == 1 ? " type=\"code_ptr\"" : n >= 2 && n <= 4 ? " type=\"data_ptr\"" : " type=\"int\"";
        reg(out, n == 8 ? "fp" : hart_reg_names[n], n, type);
    }
    reg(out, "pc", REG_PC, " type=\"code_ptr\"");
    g_string_append(out, "</feature>\n");
}

static void feature_fpu(GString *out)
{
    g_string_append(out, "<feature name=\"org.gnu.gdb.riscv.fpu\">\n"
                         "<union id=\"riscv_double\">\n"
                         "<field name=\"float\" type=\"ieee_single\"/>\n"
                         "<field name=\"double\" type=\"ieee_double\"/>\n"
                         "</union>\n");
    for (unsigned n = REG_F0; n < REG_CSR0; n++)
        reg(out, hart_reg_names[n - 1], n, " type=\"riscv_double\"");
    for (unsigned csr = CSR_FIRST_FP; csr <= CSR_LAST_FP; csr++)
        reg(out, csr_name(csr), REG_CSR0 + csr, " type=\"int\" group=\"float\"");
    g_string_append(out, "</feature>\n");
}

static void feature_csr(GString *out, const Hart *hart)
{
    g_string_append(out, "<feature name=\"org.gnu.gdb.riscv.csr\">\n");
    for (unsigned csr = CSR_LAST_FP + 1; csr < 0x1000; csr++)
        if (csr_name(csr) && has_csr(hart, csr))
            reg(out, csr_name(csr), REG_CSR0 + csr, " type=\"uint64\" save-restore=\"no\"");
    g_string_append(out, "</feature>\n");
}

char *gdb_registers_xml(const Gdb *g)
{
    GString *out = g_string_new("<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n"
                                "<target version=\"1.0\">\n<architecture>riscv:rv64</architecture>\n");
    feature_cpu(out);
    feature_fpu(out);
    feature_csr(out, &machine_cpu(g->m, 0)->hart);
    g_string_append(out, "<feature name=\"org.gnu.gdb.riscv.virtual\">\n");
    reg(out, "priv", REG_PRIV, " type=\"int\" save-restore=\"no\"");
    g_string_append(out, "</feature>\n</target>\n");
    return g_string_free(out, FALSE);
}
