// SPDX-License-Identifier: GPL-3.0-or-later
// The logs of a machine: what each hart's steps are told to, and the files behind it.
#include "machine/log/logs.h"

#include "backend/engine_steps.h"
#include "frontend/trap.h"
#include "machine/exec_private.h"
#include "machine/log/commit.h"
#include "machine/log/itrace.h"
#include "machine/log/text_file.h"
#include "machine/names.h"
#include <gio/gio.h>

#define BUFFER ((size_t)256 << 10) // bytes of lines of a hart until they are written

typedef struct {
    MachineLogs *logs;
    Cpu *cpu;
    unsigned number; // of the hart
    EngineSteps steps;
    HartTrace *trace; // NULL: none
    GArray *insns;   // LogInsn, if single instructions are told; the first one is that which is forgotten soon
    uint32_t numbers; // given to blocks, 0 to those that are forgotten soon
    // --- between two callbacks
    LogBefore before;
    LogEffects effects;
    unsigned priv;               // of the instruction that runs
    uint64_t traps, interrupts;  // of the hart, as far as they were told
    uint64_t last_pc, repeats;   // -l: of the last line, and how often the instruction came again
    uint32_t last_bits;
    char *text, *at; // lines that are not written yet
} HartLog;

struct MachineLogs {
    const Options *o;
    Machine *m;
    TextFile *file;   // --log-commits, -l; or NULL
    InsnTrace *trace; // --trace-insns, or NULL
    bool values;      // single instructions are told, with what they do
    HartLog **harts;
    unsigned n_harts;
    int failed; // atomic: the end of the run was asked for
};

// --- lines -----------------------------------------------------------------------------------------------------

// In the main loop: a run whose log cannot be written any more, as on a full disk, ends.
static gboolean quit(gpointer data)
{
    MachineLogs *l = data;
    machine_quit(l->m);
    return G_SOURCE_REMOVE;
}

static void flush(HartLog *h)
{
    MachineLogs *l = h->logs;
    bool ok = h->at == h->text || text_file_write(l->file, h->text, (size_t)(h->at - h->text));
    h->at = h->text;
    ok &= !h->trace || !hart_trace_failed(h->trace);
    if (!ok && g_atomic_int_compare_and_exchange(&l->failed, 0, 1))
        g_idle_add(quit, l);
}

static void room(HartLog *h)
{
    if ((size_t)(h->at - h->text) > BUFFER - COMMIT_ROOM)
        flush(h);
}

// -l: the instruction that comes next. One that comes again at once is counted only, as Spike does.
static void put_insn(HartLog *h, const LogInsn *i)
{
    if (h->repeats && i->pc == h->last_pc && i->bits == h->last_bits) {
        h->repeats++;
        return;
    }
    uint64_t offset;
    const char *symbol = board_symbol(h->cpu->board, i->pc, &offset);
    h->at = commit_insn_line(h->at, h->number, i, symbol && !offset ? symbol : NULL, h->repeats);
    h->last_pc = i->pc;
    h->last_bits = i->bits;
    h->repeats = 1;
}

// The trap that the hart has just taken, to M-mode or S-mode.
static void put_trap(HartLog *h)
{
    const Hart *hart = &h->cpu->hart;
    bool m = hart->priv == PRV_M;
    uint64_t cause = m ? hart->mcause : hart->scause, epc = m ? hart->mepc : hart->sepc;
    uint64_t tval = m ? hart->mtval : hart->stval;
    room(h);
    if (h->logs->o->log_insns)
        h->at = commit_trap_lines(h->at, h->number, cause, epc, tval);
    if (h->trace)
        hart_trace_trap(h->trace, cause, epc, tval);
}

// --- steps -----------------------------------------------------------------------------------------------------

static uint32_t on_translated(void *opaque, const struct Block *b, const IrBlock *ir, bool once)
{
    HartLog *h = opaque;
    uint32_t number = once ? 0 : ++h->numbers;
    if (h->logs->values) {
        if (number >= h->insns->len)
            g_array_set_size(h->insns, number + 1);
        log_insn_init(&g_array_index(h->insns, LogInsn, number), b, ir);
    }
    if (h->trace)
        hart_trace_define(h->trace, number, log_block_pc(b), ir);
    return number;
}

static void on_dropped(void *opaque)
{
    HartLog *h = opaque;
    h->numbers = 0;
    g_array_set_size(h->insns, 0);
    if (h->trace)
        hart_trace_drop(h->trace);
}

static void on_before(void *opaque, uint32_t number)
{
    HartLog *h = opaque;
    const LogInsn *i = &g_array_index(h->insns, LogInsn, number);
    room(h);
    h->priv = h->cpu->hart.priv;
    log_before(&h->before, i, &h->cpu->hart);
    if (h->logs->o->log_insns)
        put_insn(h, i);
}

static void on_after(void *opaque, uint32_t number, unsigned retired)
{
    HartLog *h = opaque;
    Hart *hart = &h->cpu->hart;
    if (number != UINT32_MAX) {
        const LogInsn *i = &g_array_index(h->insns, LogInsn, number);
        log_after(&h->effects, &h->before, i, hart, retired);
        if (retired && h->logs->o->log_commits)
            h->at = commit_line(h->at, h->number, h->priv, i, &h->effects);
        if (retired && h->trace)
            hart_trace_run(h->trace, number, 1, &h->effects);
    }
    if (hart->trap_count != h->traps)
        put_trap(h);
    h->traps = hart->trap_count;
}

// For traces without values: whole blocks.
static void on_block(void *opaque, uint32_t number, unsigned retired)
{
    HartLog *h = opaque;
    if (retired)
        hart_trace_run(h->trace, number, retired, NULL);
    if (h->cpu->hart.trap_count != h->traps)
        put_trap(h);
    h->traps = h->cpu->hart.trap_count;
}

static void on_nothing(void *opaque, uint32_t number, unsigned retired)
{
    (void)opaque, (void)number, (void)retired;
}

void logs_run(MachineLogs *l, Cpu *cpu, bool step)
{
    HartLog *h = l->harts[cpu->hart.hartid];
    if (cpu->hart.interrupt_count != h->interrupts)
        put_trap(h);
    h->interrupts = cpu->hart.interrupt_count;
    h->traps = cpu->hart.trap_count;
    if (step)
        engine_run_step(cpu->engine);
    else
        engine_run_steps(cpu->engine);
    flush(h);
    if (h->trace && l->n_harts > 1)
        hart_trace_flush(h->trace);
}

// --- life ------------------------------------------------------------------------------------------------------

bool logs_new(const Options *o, MachineLogs **out, GError **error)
{
    *out = NULL;
    bool lines = o->log_commits || o->log_insns, trace = o->trace_insns.file;
    if (!lines && !trace)
        return true;
    MachineLogs *l = g_new0(MachineLogs, 1);
    l->o = o;
    l->values = lines || o->trace_insns.regs || o->trace_insns.mem;
    l->file = lines ? text_file_open("--log", o->spike_log, error) : NULL;
    if (lines && !l->file) {
        logs_free(l);
        return false;
    }
    *out = l;
    return true;
}

static HartLog *hart_log_new(MachineLogs *l, unsigned number)
{
    HartLog *h = g_new0(HartLog, 1);
    h->logs = l;
    h->number = number;
    h->trace = l->trace ? insn_trace_hart(l->trace, number) : NULL;
    h->steps = (EngineSteps){h, on_translated, on_dropped, l->values ? on_before : NULL,
                             l->values ? on_after : h->trace ? on_block : on_nothing};
    h->insns = g_array_new(FALSE, TRUE, sizeof(LogInsn));
    h->text = h->at = g_malloc(BUFFER);
    return h;
}

// What start= or stop= means: a number, or a symbol of what was loaded.
static bool address_of(Names *names, const char *text, uint64_t *pc, GError **error)
{
    char *end;
    *pc = g_ascii_strtoull(text, &end, 0);
    if ((end != text && !*end) || names_address(names, text, pc))
        return true;
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "--trace-insns: %s is neither an address nor a known symbol",
                text);
    return false;
}

static bool open_trace(MachineLogs *l, GError **error)
{
    Names *names = machine_names(l->m);
    const TraceItem *t = &l->o->trace_insns;
    uint64_t start, stop;
    if ((t->start && !address_of(names, t->start, &start, error)) ||
        (t->stop && !address_of(names, t->stop, &stop, error)))
        return false;
    l->trace = insn_trace_open(l->o, board_harts(machine_board(l->m)), error);
    if (l->trace)
        insn_trace_set_range(l->trace, t->start ? &start : NULL, t->stop ? &stop : NULL);
    return l->trace;
}

bool logs_attach(MachineLogs *l, Machine *m, GError **error)
{
    if (!l)
        return true;
    l->m = m;
    if (l->o->trace_insns.file && !open_trace(l, error))
        return false;
    l->n_harts = board_harts(machine_board(m));
    l->harts = g_new0(HartLog *, l->n_harts);
    for (unsigned i = 0; i < l->n_harts; i++)
        l->harts[i] = hart_log_new(l, i);
    m->logs = l;
    return true;
}

const EngineSteps *logs_steps(MachineLogs *l, unsigned hart)
{
    return &l->harts[hart]->steps;
}

unsigned logs_max_insns(const MachineLogs *l)
{
    return l->values || l->o->one_insn ? 1 : 0;
}

void logs_add_cpu(MachineLogs *l, Cpu *cpu)
{
    l->harts[cpu->hart.hartid]->cpu = cpu;
}

void logs_free(MachineLogs *l)
{
    if (!l)
        return;
    for (unsigned i = 0; i < l->n_harts; i++) {
        g_array_free(l->harts[i]->insns, TRUE);
        g_free(l->harts[i]->text);
        g_free(l->harts[i]);
    }
    g_free(l->harts);
    text_file_close(l->file, NULL);
    insn_trace_abandon(l->trace);
    g_free(l);
}

bool logs_finish(MachineLogs *l, GError **error)
{
    if (!l)
        return true;
    bool file = text_file_close(g_steal_pointer(&l->file), error);
    bool trace = insn_trace_close(g_steal_pointer(&l->trace), file ? error : NULL);
    logs_free(l);
    return file && trace;
}
