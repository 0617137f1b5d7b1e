// SPDX-License-Identifier: GPL-3.0-or-later
// Reading a trace of instructions. The file may be anything: nothing is believed.
#include "machine/log/itrace_read.h"

#include "frontend/trap.h"
#include <gio/gio.h>
#include <string.h>

#define KEYS (4096u << 4)

typedef struct {
    uint64_t pc;
    uint32_t bits;    // index in HartReader.bits
    uint32_t n_insns; // 0: there is no such block
} ReadBlock;

typedef struct {
    GArray *blocks; // ReadBlock, by number
    GArray *bits;   // uint32_t
    uint64_t *last; // as in itrace_hart.c
} HartReader;

struct ItraceReader {
    unsigned flags, n_harts;
    ItraceListener listener;
    HartReader *harts;
    uint64_t insns;
};

typedef struct { // where in a chunk
    const uint8_t *at, *end;
    const char *wrong; // NULL: nothing
} Cursor;

ItraceReader *itrace_reader_new(unsigned flags, unsigned harts, const ItraceListener *listener)
{
    ItraceReader *r = g_new0(ItraceReader, 1);
    r->flags = flags;
    r->n_harts = harts;
    r->listener = *listener;
    r->harts = g_new0(HartReader, harts);
    return r;
}

void itrace_reader_free(ItraceReader *r)
{
    if (!r)
        return;
    for (unsigned i = 0; i < r->n_harts; i++) {
        if (r->harts[i].blocks) {
            g_array_free(r->harts[i].blocks, TRUE);
            g_array_free(r->harts[i].bits, TRUE);
        }
        g_free(r->harts[i].last);
    }
    g_free(r->harts);
    g_free(r);
}

uint64_t itrace_reader_insns(const ItraceReader *r)
{
    return r->insns;
}

static uint64_t bad(Cursor *c, const char *what)
{
    if (!c->wrong)
        c->wrong = what;
    c->at = c->end;
    return 0;
}

static inline uint8_t get_byte(Cursor *c)
{
    return c->at < c->end ? *c->at++ : (uint8_t)bad(c, "a record is cut short");
}

static inline uint64_t get_number(Cursor *c)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t b = get_byte(c);
        v |= (uint64_t)(b & 0x7f) << shift;
        if (!(b & 0x80))
            return v;
    }
    return bad(c, "a number is too long");
}

static uint64_t get_difference(Cursor *c, uint64_t *last)
{
    uint64_t v = get_number(c);
    return *last += v >> 1 ^ -(v & 1);
}

static void get_values(HartReader *h, Cursor *c, LogEffects *e)
{
    unsigned what = get_byte(c);
    e->n_writes = what & ITRACE_N_WRITES;
    e->load = what & ITRACE_LOAD;
    e->store = what & ITRACE_STORE;
    e->size = 1u << (what >> ITRACE_SIZE_SHIFT);
    if (e->n_writes > LOG_MAX_WRITES)
        e->n_writes = (unsigned)bad(c, "an instruction writes too much");
    for (unsigned i = 0; i < e->n_writes; i++) {
        uint64_t key = get_number(c);
        key = key < KEYS ? key : bad(c, "there is no such register");
        e->write[i].key = (uint32_t)key;
        e->write[i].value = get_difference(c, &h->last[key]);
    }
    if (e->load || e->store)
        e->address = get_difference(c, &h->last[KEYS]);
    if (e->store)
        e->data = get_difference(c, &h->last[KEYS + 1]);
}

static void get_block(HartReader *h, Cursor *c)
{
    uint64_t number = get_number(c), pc = get_number(c), n = get_number(c);
    if (number >= ITRACE_MAX_NUMBERS || (number && number != MAX(h->blocks->len, 1)) || !n || n > ITRACE_BLOCK_INSNS) {
        bad(c, "a block has no such number or size");
        return;
    }
    ReadBlock b = {pc, number ? h->bits->len : 0, (uint32_t)n};
    for (unsigned i = 0; i < n && !c->wrong; i++) {
        uint32_t bits = get_byte(c);
        bits |= (uint32_t)get_byte(c) << 8;
        if ((bits & 3) == 3) {
            bits |= (uint32_t)get_byte(c) << 16;
            bits |= (uint32_t)get_byte(c) << 24;
        }
        if (number)
            g_array_append_val(h->bits, bits);
        else
            g_array_index(h->bits, uint32_t, i) = bits;
    }
    if (c->wrong)
        return;
    if (number >= h->blocks->len)
        g_array_set_size(h->blocks, (guint)number + 1);
    g_array_index(h->blocks, ReadBlock, number) = b;
}

// n instructions from the first-th on; UINT32_MAX: to the last.
static void get_run(ItraceReader *r, unsigned hart, Cursor *c, uint64_t number, uint64_t first, uint64_t n)
{
    HartReader *h = &r->harts[hart];
    LogEffects effects = {0};
    const ReadBlock *b = number < h->blocks->len ? &g_array_index(h->blocks, ReadBlock, number) : NULL;
    if (!b || !b->n_insns || first >= b->n_insns || (n != UINT32_MAX && (!n || n > b->n_insns - first))) {
        bad(c, "there is no such block, or part of it");
        return;
    }
    uint64_t last = n == UINT32_MAX ? b->n_insns : first + n, pc = b->pc;
    const uint32_t *bits = &g_array_index(h->bits, uint32_t, b->bits);
    bool values = r->flags & ITRACE_VALUES;
    if (values)
        get_values(h, c, &effects);
    for (uint64_t i = 0; i < last && !c->wrong; pc += (bits[i++] & 3) == 3 ? 4 : 2) {
        if (i < first)
            continue;
        r->insns++;
        r->listener.insn(r->listener.opaque, hart, pc, bits[i], values ? &effects : NULL);
    }
}

static void get_trap(ItraceReader *r, unsigned hart, Cursor *c)
{
    uint64_t cause = get_number(c), epc = get_number(c), tval = get_number(c);
    if (!c->wrong)
        r->listener.trap(r->listener.opaque, hart, cause >> 1 | (cause & 1 ? CAUSE_INTERRUPT : 0), epc, tval);
}

static void get_other(ItraceReader *r, unsigned hart, Cursor *c)
{
    HartReader *h = &r->harts[hart];
    switch (get_byte(c)) {
    case ITRACE_BLOCK:
        get_block(h, c);
        break;
    case ITRACE_PART: {
        uint64_t number = get_number(c), first = get_number(c), n = get_number(c);
        get_run(r, hart, c, number, first, n == UINT32_MAX ? 0 : n);
        break;
    }
    case ITRACE_TRAP:
        get_trap(r, hart, c);
        break;
    case ITRACE_DROP:
        g_array_set_size(h->blocks, 0);
        g_array_set_size(h->bits, ITRACE_BLOCK_INSNS);
        break;
    default:
        bad(c, "there is no such record");
    }
}

bool itrace_reader_chunk(ItraceReader *r, const ItraceChunk *head, const uint8_t *bytes, GError **error)
{
    Cursor c = {bytes, bytes + head->size, NULL};
    if (head->hart >= r->n_harts) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "there is no hart %u", head->hart);
        return false;
    }
    HartReader *h = &r->harts[head->hart];
    if (!h->blocks) {
        h->blocks = g_array_new(FALSE, TRUE, sizeof(ReadBlock));
        h->bits = g_array_new(FALSE, TRUE, sizeof(uint32_t));
        g_array_set_size(h->bits, ITRACE_BLOCK_INSNS);
        if (r->flags & ITRACE_VALUES)
            h->last = g_new0(uint64_t, KEYS + 2);
    }
    while (c.at < c.end) {
        uint64_t v = get_number(&c);
        if (v)
            get_run(r, head->hart, &c, v - 1, 0, UINT32_MAX);
        else if (!c.wrong)
            get_other(r, head->hart, &c);
    }
    if (c.wrong)
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s", c.wrong);
    return !c.wrong;
}
