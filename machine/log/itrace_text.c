// SPDX-License-Identifier: GPL-3.0-or-later
// The lines of a trace of instructions.
#include "machine/log/itrace_read.h"

#include "frontend/csr.h"
#include "frontend/decode.h"
#include "frontend/disas.h"
#include "frontend/trap.h"
#include "machine/log/put.h"
#include <inttypes.h>
#include <stdio.h>

#define ROWS 65536
#define COLUMNS 32 // of the disassembly, where values follow

typedef struct { // an instruction, as it was written last
    uint64_t pc;
    uint32_t bits;
    uint8_t len; // of text; 0: nothing yet
    char text[83];
} Row;

struct ItraceText {
    unsigned flags;
    Row rows[ROWS];
};

ItraceText *itrace_text_new(unsigned flags)
{
    ItraceText *t = g_new0(ItraceText, 1);
    decode_init();
    t->flags = flags;
    return t;
}

void itrace_text_free(ItraceText *t)
{
    g_free(t);
}

// " PC BITS DISASSEMBLY"
static const Row *row_of(ItraceText *t, uint64_t pc, uint32_t bits)
{
    Row *r = &t->rows[(pc >> 1 ^ bits >> 7) % ROWS];
    char text[64];
    if (r->len && r->pc == pc && r->bits == bits)
        return r;
    unsigned len = disas(text, sizeof text, pc, bits);
    for (char *c = text; *c; c++)
        if (*c == '\t')
            *c = ' ';
    r->pc = pc;
    r->bits = bits;
    r->len = (uint8_t)g_snprintf(r->text, sizeof r->text, " %016" PRIx64 " %0*" PRIx32 "%*s %s", pc, (int)(2 * len),
                                 bits, (int)(8 - 2 * len), "", text);
    r->len = MIN(r->len, sizeof r->text - 1);
    return r;
}

static char *put_values(const ItraceText *t, char *out, const LogEffects *e)
{
    for (unsigned i = 0; t->flags & ITRACE_REGS && i < e->n_writes; i++) {
        unsigned number = e->write[i].key >> 4, kind = e->write[i].key & 15;
        unsigned reg = number % 32 + (kind == LOG_KEY_F ? 32 : 0);
        const char *name = kind == LOG_KEY_CSR ? csr_name(number) : hart_reg_names[reg];
        *out++ = ' ';
        out = put_text(out, name ? name : "unknown");
        *out++ = '=';
        out = put_hex(out, e->write[i].value, 8);
    }
    if (!(t->flags & ITRACE_MEM) || (!e->load && !e->store))
        return out;
    out = put_text(out, e->load && e->store ? " amo[" : e->load ? " load[" : " store[");
    out = put_hex(out, e->address, 8);
    out = put_number(put_text(out, "]:"), e->size);
    if (e->store)
        out = put_hex(put_text(out, "="), e->data, MIN(e->size, 8));
    return out;
}

char *itrace_text_insn(ItraceText *t, char *out, unsigned hart, uint64_t pc, uint32_t bits, const LogEffects *effects)
{
    const Row *r = row_of(t, pc, bits);
    char *begin = out = put_number(out, hart);
    memcpy(out, r->text, r->len);
    out += r->len;
    if (effects && (effects->n_writes || effects->load || effects->store)) {
        for (; out < begin + 27 + COLUMNS; out++)
            *out = ' ';
        out = put_values(t, out, effects);
    }
    *out++ = '\n';
    return out;
}

char *itrace_text_trap(char *out, unsigned hart, uint64_t cause, uint64_t epc, uint64_t tval)
{
    bool interrupt = cause & CAUSE_INTERRUPT;
    return out + sprintf(out, "%u %016" PRIx64 " -------- %s %" PRIu64 " (%s) tval=0x%" PRIx64 "\n", hart, epc,
                         interrupt ? "interrupt" : "exception", cause & ~CAUSE_INTERRUPT,
                         hart_trap_name(cause & ~CAUSE_INTERRUPT, interrupt), tval);
}
