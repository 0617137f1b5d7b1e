// SPDX-License-Identifier: GPL-3.0-or-later
// Spike's log lines. Everything but rare lines is written without printf, which takes ten times as long.
#include "machine/log/commit.h"

#include "frontend/csr.h"
#include "frontend/disas.h"
#include "frontend/trap.h"
#include "machine/log/put.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static char *put_core(char *out, unsigned hart)
{
    if (hart > 9)
        return out + sprintf(out, "core%4u: ", hart);
    memcpy(out, "core   0: ", 10);
    out[7] = (char)('0' + hart);
    return out + 10;
}

static char *put_write(char *out, uint32_t key, uint64_t value)
{
    unsigned number = key >> 4, kind = key & 15;
    *out++ = ' ';
    if (kind == LOG_KEY_CSR) {
        const char *name = csr_name(number);
        *out++ = 'c';
        out = put_number(out, number);
        *out++ = '_';
        out = put_text(out, name ? name : "unknown");
    } else {
        *out++ = kind == LOG_KEY_F ? 'f' : 'x';
        out = put_number(out, number);
        if (number < 10)
            *out++ = ' ';
    }
    *out++ = ' ';
    return put_hex(out, value, 8);
}

static char *put_store(char *out, uint64_t address, unsigned size, uint64_t data)
{
    out = put_hex(put_text(out, " mem "), address, 8);
    *out++ = ' ';
    return put_hex(out, data, size);
}

char *commit_line(char *out, unsigned hart, unsigned priv, const LogInsn *i, const LogEffects *e)
{
    out = put_core(out, hart);
    *out++ = (char)('0' + priv);
    *out++ = ' ';
    out = put_hex(out, i->pc, 8);
    *out++ = ' ';
    *out++ = '(';
    out = put_hex(out, i->bits, i->len);
    *out++ = ')';
    for (unsigned k = 0; k < e->n_writes; k++)
        out = put_write(out, e->write[k].key, e->write[k].value);
    if (e->load)
        out = put_hex(put_text(out, " mem "), e->address, 8);
    if (e->store && e->size <= 8)
        out = put_store(out, e->address, e->size, e->data);
    for (unsigned k = 0; e->store && e->size > 8 && k < e->size; k++) // Spike zeroes a block byte by byte
        out = put_store(out, e->address + k, 1, 0);
    *out++ = '\n';
    return out;
}

char *commit_insn_line(char *out, unsigned hart, const LogInsn *i, const char *symbol, uint64_t repeats)
{
    char text[64], *tab;
    if (symbol)
        out += sprintf(out, "core%4u: >>>>  %.512s\n", hart, symbol);
    if (repeats > 1)
        out += sprintf(out, "core%4u: Executed %" PRIu64 " times\n", hart, repeats);
    disas(text, sizeof text, i->pc, i->bits);
    tab = strchr(text, '\t');
    if (tab)
        *tab = 0;
    out += sprintf(out, "core%4u: 0x%016" PRIx64 " (0x%08" PRIx32 ") ", hart, i->pc, i->bits);
    if (!tab)
        return out + sprintf(out, "%s\n", text);
    out += sprintf(out, "%-7s ", text);
    for (const char *c = tab + 1; *c; c++) {
        *out++ = *c;
        if (*c == ',')
            *out++ = ' ';
    }
    *out++ = '\n';
    return out;
}

char *commit_trap_lines(char *out, unsigned hart, uint64_t cause, uint64_t epc, uint64_t tval)
{
    static const char *const names[] = {
        [EXC_INSN_MISALIGNED] = "instruction_address_misaligned",
        [EXC_INSN_ACCESS] = "instruction_access_fault",
        [EXC_ILLEGAL] = "illegal_instruction",
        [EXC_BREAKPOINT] = "breakpoint",
        [EXC_LOAD_MISALIGNED] = "load_address_misaligned",
        [EXC_LOAD_ACCESS] = "load_access_fault",
        [EXC_STORE_MISALIGNED] = "store_address_misaligned",
        [EXC_STORE_ACCESS] = "store_access_fault",
        [EXC_ECALL_U] = "user_ecall",
        [EXC_ECALL_S] = "supervisor_ecall",
        [EXC_ECALL_M] = "machine_ecall",
        [EXC_INSN_PAGE] = "instruction_page_fault",
        [EXC_LOAD_PAGE] = "load_page_fault",
        [EXC_STORE_PAGE] = "store_page_fault",
    };
    uint64_t number = cause & ~CAUSE_INTERRUPT;
    const char *name = number < G_N_ELEMENTS(names) ? names[number] : NULL;
    if (cause & CAUSE_INTERRUPT)
        return out + sprintf(out, "core%4u: exception interrupt #%" PRIu64 ", epc 0x%016" PRIx64 "\n", hart, number,
                             epc);
    if (name)
        out += sprintf(out, "core%4u: exception trap_%s, epc 0x%016" PRIx64 "\n", hart, name, epc);
    else
        out += sprintf(out, "core%4u: exception trap #%" PRIu64 ", epc 0x%016" PRIx64 "\n", hart, number, epc);
    bool call = number == EXC_ECALL_U || number == EXC_ECALL_S || number == EXC_ECALL_M;
    if (!call) // Spike gives those no tval
        out += sprintf(out, "core%4u:           tval 0x%016" PRIx64 "\n", hart, tval);
    return out;
}
