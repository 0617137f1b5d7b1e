// SPDX-License-Identifier: GPL-3.0-or-later
// The logs of a machine: what each hart's steps are told to, and the files behind it.
#include "machine/log/logs.h"

#include "backend/engine_step.h"
#include "frontend/trap.h"
#include "machine/exec_private.h"
#include "machine/log/commit.h"
#include "machine/log/text_file.h"

#define BUFFER ((size_t)256 << 10) // bytes of lines of a hart until they are written

typedef struct {
    MachineLogs *logs;
    Cpu *cpu;
    unsigned number; // of the hart
    EngineSteps steps;
    GArray *insns;   // LogInsn; the first one is that which is forgotten soon
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
    TextFile *file; // --log-commits, -l
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

// -l: the trap that the hart has just taken, to M-mode or S-mode.
static void put_trap(HartLog *h)
{
    const Hart *hart = &h->cpu->hart;
    bool m = hart->priv == PRV_M;
    room(h);
    h->at = commit_trap_lines(h->at, h->number, m ? hart->mcause : hart->scause, m ? hart->mepc : hart->sepc,
                              m ? hart->mtval : hart->stval);
}

// --- steps -----------------------------------------------------------------------------------------------------

static uint32_t on_translated(void *opaque, const struct Block *b, const IrBlock *ir, bool once)
{
    HartLog *h = opaque;
    uint32_t number = once ? 0 : h->insns->len;
    if (!once)
        g_array_set_size(h->insns, h->insns->len + 1);
    log_insn_init(&g_array_index(h->insns, LogInsn, number), b, ir);
    return number;
}

static void on_dropped(void *opaque)
{
    HartLog *h = opaque;
    g_array_set_size(h->insns, 1);
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
    }
    if (!retired && hart->trap_count != h->traps && h->logs->o->log_insns)
        put_trap(h);
    h->traps = hart->trap_count;
}

void logs_run(MachineLogs *l, Cpu *cpu)
{
    HartLog *h = l->harts[cpu->hart.hartid];
    if (cpu->hart.interrupt_count != h->interrupts && l->o->log_insns)
        put_trap(h);
    h->interrupts = cpu->hart.interrupt_count;
    h->traps = cpu->hart.trap_count;
    engine_run_steps(cpu->engine);
    flush(h);
}

// --- life ------------------------------------------------------------------------------------------------------

bool logs_new(const Options *o, MachineLogs **out, GError **error)
{
    *out = NULL;
    if (!o->log_commits && !o->log_insns)
        return true;
    MachineLogs *l = g_new0(MachineLogs, 1);
    l->o = o;
    l->file = text_file_open("--log", o->spike_log, error);
    if (!l->file) {
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
    h->steps = (EngineSteps){h, on_translated, on_dropped, on_before, on_after};
    h->insns = g_array_new(FALSE, TRUE, sizeof(LogInsn));
    g_array_set_size(h->insns, 1);
    h->text = h->at = g_malloc(BUFFER);
    return h;
}

bool logs_attach(MachineLogs *l, Machine *m, GError **error)
{
    (void)error;
    if (!l)
        return true;
    l->m = m;
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
    (void)l;
    return 1;
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
    g_free(l);
}

bool logs_finish(MachineLogs *l, GError **error)
{
    bool ok = !l || text_file_close(g_steal_pointer(&l->file), error);
    logs_free(l);
    return ok;
}
