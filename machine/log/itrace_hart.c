// SPDX-License-Identifier: GPL-3.0-or-later
// A hart's side of a trace of instructions: what runs becomes numbers of blocks, and values if they are wanted.
#include "machine/log/itrace.h"

#include "backend/engine_steps.h"
#include "frontend/trap.h"
#include "machine/log/itrace_file.h"
#include "util/log.h"
#include <string.h>

#define RECORD_ROOM 1024 // bytes that a record needs at most: a block of 64 instructions, or values
#define KEYS (4096 << 4)

typedef enum { FILTER_ALL, FILTER_SOME, FILTER_NONE } Filter; // of a block, by -dfilter

typedef struct {
    uint64_t pc;
    uint16_t n_insns;
    uint8_t filter; // Filter
    bool defined;   // the file knows it
    uint32_t bits;  // index in HartTrace.bits of its first instruction's
    uint32_t file_number; // if it is defined: what the file calls it. There they rise by ones, for only some are in it
} TracedBlock;

struct HartTrace {
    InsnTrace *trace;
    unsigned hart;
    ItraceBuffer *chunk;
    GArray *blocks; // TracedBlock, by number
    GArray *bits;   // uint32_t
    uint32_t n_defined; // file numbers given, but for 0
    bool started, stopped;
    uint64_t skip, count; // so many more are not to be traced, then are
    bool plain;           // started, nothing to skip, no count, no stop: the usual case
    uint64_t insns;       // traced
    uint64_t *last;       // by key: the last value; then the last address and data
};

struct InsnTrace {
    ItraceFile *file;
    unsigned flags;
    uint64_t skip, count;
    bool has_start, has_stop;
    uint64_t start, stop;
    HartTrace **harts; // NULL: not traced
    unsigned n_harts;
};

// --- records ---------------------------------------------------------------------------------------------------

static uint8_t *room(HartTrace *h)
{
    if (h->chunk && h->chunk->head.size > ITRACE_CHUNK - RECORD_ROOM)
        itrace_file_put(h->trace->file, g_steal_pointer(&h->chunk));
    if (!h->chunk) {
        h->chunk = itrace_file_take(h->trace->file);
        h->chunk->head = (ItraceChunk){h->hart, 0};
    }
    return h->chunk->bytes + h->chunk->head.size;
}

static void done(HartTrace *h, const uint8_t *end)
{
    h->chunk->head.size = (uint32_t)(end - h->chunk->bytes);
}

static inline uint8_t *put_number(uint8_t *out, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        *out++ = (uint8_t)(v | 0x80);
    *out++ = (uint8_t)v;
    return out;
}

static uint8_t *put_difference(uint8_t *out, uint64_t v, uint64_t *last)
{
    int64_t d = (int64_t)(v - *last);
    *last = v;
    return put_number(out, (uint64_t)d << 1 ^ (uint64_t)(d >> 63));
}

static uint8_t *put_kind(uint8_t *out, unsigned kind)
{
    *out++ = 0;
    *out++ = (uint8_t)kind;
    return out;
}

static void put_block(HartTrace *h, uint32_t number, TracedBlock *b)
{
    uint8_t *out = put_kind(room(h), ITRACE_BLOCK);
    b->file_number = number ? ++h->n_defined : 0;
    out = put_number(put_number(put_number(out, b->file_number), b->pc), b->n_insns);
    for (unsigned i = 0; i < b->n_insns; i++) {
        uint32_t bits = g_array_index(h->bits, uint32_t, b->bits + i);
        unsigned len = (bits & 3) == 3 ? 4 : 2;
        memcpy(out, &bits, len);
        out += len;
    }
    b->defined = true;
    done(h, out);
}

static uint8_t *put_values(HartTrace *h, uint8_t *out, const LogEffects *e)
{
    unsigned n = h->trace->flags & ITRACE_REGS ? e->n_writes : 0;
    bool mem = h->trace->flags & ITRACE_MEM, load = mem && e->load, store = mem && e->store, access = load || store;
    unsigned size = access ? (unsigned)__builtin_ctz(e->size) : 0;
    *out++ = (uint8_t)(n | (load ? ITRACE_LOAD : 0) | (store ? ITRACE_STORE : 0) | size << ITRACE_SIZE_SHIFT);
    for (unsigned i = 0; i < n; i++) {
        out = put_number(out, e->write[i].key);
        out = put_difference(out, e->write[i].value, &h->last[e->write[i].key]);
    }
    if (access)
        out = put_difference(out, e->address, &h->last[KEYS]);
    if (store)
        out = put_difference(out, e->data, &h->last[KEYS + 1]);
    return out;
}

// n instructions of a block from its first-th on.
static void put_part(HartTrace *h, uint32_t number, TracedBlock *b, unsigned first, unsigned n, const LogEffects *e)
{
    if (!n)
        return;
    if (!b->defined)
        put_block(h, number, b);
    uint8_t *out = room(h);
    if (first || n < b->n_insns)
        out = put_number(put_number(put_number(put_kind(out, ITRACE_PART), b->file_number), first), n);
    else
        out = put_number(out, (uint64_t)b->file_number + 1);
    if (h->trace->flags & ITRACE_VALUES)
        out = put_values(h, out, e);
    done(h, out);
    h->insns += n;
}

// --- what is traced of what runs -------------------------------------------------------------------------------

// Takes an instruction: is it traced?
static bool wanted(HartTrace *h, uint64_t pc)
{
    const InsnTrace *t = h->trace;
    if (!h->started && t->start == pc)
        h->started = true;
    if (h->started && t->has_stop && t->stop == pc)
        h->stopped = true;
    if (!h->started || h->stopped || !log_in_filter(pc))
        return false;
    if (h->skip) {
        h->skip--;
        return false;
    }
    if (!h->count)
        return false;
    h->count--;
    return true;
}

// One instruction after the other, for ranges that begin and end anywhere.
static void put_wanted(HartTrace *h, uint32_t number, TracedBlock *b, unsigned retired, const LogEffects *e)
{
    unsigned first = 0, n = 0;
    uint64_t pc = b->pc;
    for (unsigned i = 0; i < retired; i++) {
        uint32_t bits = g_array_index(h->bits, uint32_t, b->bits + i);
        if (wanted(h, pc)) {
            first = n ? first : i;
            n++;
        } else {
            put_part(h, number, b, first, n, e);
            n = 0;
        }
        pc += (bits & 3) == 3 ? 4 : 2;
    }
    put_part(h, number, b, first, n, e);
}

void hart_trace_run(HartTrace *h, uint32_t number, unsigned retired, const LogEffects *effects)
{
    TracedBlock *b = &g_array_index(h->blocks, TracedBlock, number);
    if (b->filter == FILTER_NONE && h->plain)
        return;
    if (h->plain && b->filter == FILTER_ALL)
        put_part(h, number, b, 0, retired, effects);
    else
        put_wanted(h, number, b, retired, effects);
}

void hart_trace_define(HartTrace *h, uint32_t number, uint64_t pc, const IrBlock *ir)
{
    TracedBlock b = {.pc = pc, .bits = number ? h->bits->len : 0}; // 0 is defined again and again
    unsigned in = 0;
    if (number >= h->blocks->len)
        g_array_set_size(h->blocks, number + 1);
    for (unsigned i = 0; i < ir->n_ops; i++) {
        const IrInst *op = &ir->ops[i];
        if (op->op != IR_OP_INSN)
            continue;
        uint32_t bits = ir_insn_bits(op);
        if (number)
            g_array_append_val(h->bits, bits);
        else
            g_array_index(h->bits, uint32_t, b.n_insns) = bits;
        b.n_insns++;
        in += log_in_filter(pc + (uint64_t)(op->imm - ir->pc));
    }
    b.filter = in == b.n_insns ? FILTER_ALL : in ? FILTER_SOME : FILTER_NONE;
    g_array_index(h->blocks, TracedBlock, number) = b;
}

void hart_trace_drop(HartTrace *h)
{
    g_array_set_size(h->blocks, 0);
    g_array_set_size(h->bits, ITRACE_BLOCK_INSNS);
    h->n_defined = 0;
    done(h, put_kind(room(h), ITRACE_DROP));
}

void hart_trace_trap(HartTrace *h, uint64_t cause, uint64_t epc, uint64_t tval)
{
    if (!h->started || h->stopped || h->skip || !h->count || !log_in_filter(epc))
        return;
    uint8_t *out = put_kind(room(h), ITRACE_TRAP);
    out = put_number(out, cause << 1 | cause >> 63);
    done(h, put_number(put_number(out, epc), tval));
}

void hart_trace_flush(HartTrace *h)
{
    if (h->chunk && h->chunk->head.size)
        itrace_file_put(h->trace->file, g_steal_pointer(&h->chunk));
}

bool hart_trace_failed(HartTrace *h)
{
    return itrace_file_failed(h->trace->file);
}

// --- life ------------------------------------------------------------------------------------------------------

static HartTrace *hart_trace_new(InsnTrace *t, unsigned hart)
{
    HartTrace *h = g_new0(HartTrace, 1);
    h->trace = t;
    h->hart = hart;
    h->blocks = g_array_new(FALSE, TRUE, sizeof(TracedBlock));
    h->bits = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    g_array_set_size(h->bits, ITRACE_BLOCK_INSNS);
    h->skip = t->skip;
    h->count = t->count;
    h->started = true;
    h->plain = !t->skip && t->count == UINT64_MAX;
    if (t->flags & ITRACE_VALUES)
        h->last = g_new0(uint64_t, KEYS + 2);
    return h;
}

InsnTrace *insn_trace_open(const Options *o, unsigned harts, GError **error)
{
    const TraceItem *i = &o->trace_insns;
    unsigned flags = (i->regs ? ITRACE_REGS : 0) | (i->mem ? ITRACE_MEM : 0) | (i->regs || i->mem ? ITRACE_VALUES : 0);
    ItraceFile *file = itrace_file_open(i->file, i->text, flags, harts, error);
    if (!file)
        return NULL;
    InsnTrace *t = g_new0(InsnTrace, 1);
    t->file = file;
    t->flags = flags;
    t->skip = i->skip;
    t->count = i->count ? i->count : UINT64_MAX;
    t->n_harts = harts;
    t->harts = g_new0(HartTrace *, harts);
    for (unsigned n = 0; n < harts; n++)
        if (!i->harts || (n < 64 && i->harts >> n & 1))
            t->harts[n] = hart_trace_new(t, n);
    return t;
}

void insn_trace_set_range(InsnTrace *t, const uint64_t *start, const uint64_t *stop)
{
    t->start = start ? *start : 0;
    t->has_stop = stop != NULL;
    t->stop = stop ? *stop : 0;
    for (unsigned n = 0; n < t->n_harts; n++) {
        HartTrace *h = t->harts[n];
        if (!h)
            continue;
        h->started = !start;
        h->plain &= !start && !stop;
    }
}

HartTrace *insn_trace_hart(InsnTrace *t, unsigned hart)
{
    return t->harts[hart];
}

static bool end(InsnTrace *t, bool complete, GError **error)
{
    uint64_t insns = 0;
    for (unsigned n = 0; n < t->n_harts; n++) {
        HartTrace *h = t->harts[n];
        if (!h)
            continue;
        insns += h->insns;
        if (h->chunk)
            itrace_file_put(t->file, h->chunk);
        g_array_free(h->blocks, TRUE);
        g_array_free(h->bits, TRUE);
        g_free(h->last);
        g_free(h);
    }
    bool ok = itrace_file_close(t->file, complete, insns, error);
    g_free(t->harts);
    g_free(t);
    return ok;
}

bool insn_trace_close(InsnTrace *t, GError **error)
{
    return !t || end(t, true, error);
}

void insn_trace_abandon(InsnTrace *t)
{
    if (t)
        end(t, false, NULL);
}
