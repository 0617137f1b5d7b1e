// SPDX-License-Identifier: GPL-3.0-or-later
// What the user is told while the guest runs: why nothing will happen any more. The run goes on, since only the user
// knows whether that is wanted.
#include "machine/exec_private.h"

#include "frontend/trap.h"
#include <inttypes.h>
#include <string.h>

void machine_note(Machine *m, const char *format, ...)
{
    const char *key = console_has_commands(m->console) ? "Ctrl-A x" : "Ctrl-C";
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    if (m->options->timeout > 0 || m->options->instructions)
        fprintf(stderr, "addend: note: %s\n", text);
    else
        fprintf(stderr, "addend: note: %s; %s or --timeout ends it\n", text, key);
}

// Can no hart go on, unless another one has it do so? One that waits may have an interrupt by now. With the lock held.
static bool all_stuck(const Machine *m)
{
    for (unsigned i = 0; i < m->n_cpus; i++) {
        HartProgress p = m->watch[i]->progress;
        if (p == HART_GOES || (p == HART_WAITS && hart_interrupt_pending(&m->cpus[i]->hart)))
            return false;
    }
    return true;
}

// Takes details over. With a way out gone, says so once if this was the last hart that had one.
static void set_progress(Machine *m, unsigned hart, HartProgress now, const char *what, char *details)
{
    g_mutex_lock(&m->lock);
    m->watch[hart]->progress = now;
    if (now != HART_GOES && !m->noted_stuck && all_stuck(m)) {
        m->noted_stuck = true;
        if (m->n_cpus == 1)
            machine_note(m, "the guest %s (%s)", what, details);
        else
            machine_note(m, "no hart will go on: the last one %s (%s)", what, details);
    }
    g_mutex_unlock(&m->lock);
    g_free(details);
}

void note_go(Machine *m, unsigned hart)
{
    if (m->watch[hart]->progress == HART_WAITS)
        set_progress(m, hart, HART_GOES, NULL, NULL);
}

void note_wait(Machine *m, unsigned hart)
{
    const Hart *h = &m->cpus[hart]->hart;
    bool timer = h->mie & (UINT64_C(1) << IRQ_M_TIMER | UINT64_C(1) << IRQ_S_TIMER) &&
                 board_next_deadline_ns(m->board, hart, 1) != UINT64_MAX;
    bool external = h->mie & (UINT64_C(1) << IRQ_M_EXT | UINT64_C(1) << IRQ_S_EXT) &&
                    board_has_external_interrupts(m->board);
    HartProgress now = timer || external ? HART_GOES : HART_WAITS;
    if (now != m->watch[hart]->progress)
        set_progress(m, hart, now, "waits for an interrupt that cannot come",
                     g_strdup_printf("wfi before pc 0x%" PRIx64 ", mie 0x%" PRIx64, h->env.pc, h->mie));
}

// Does the hart jump from an instruction to itself with interrupts off?
static bool spins(Machine *m, unsigned hart)
{
    const Hart *h = &m->cpus[hart]->hart;
    uint64_t pc = h->env.pc;
    bool same = pc == m->watch[hart]->last_pc;
    m->watch[hart]->last_pc = pc;
    if (!same || (h->mie && (h->priv != PRV_M || h->mstatus & MSTATUS_MIE)))
        return false;
    uint8_t code[4] = {0};
    address_space_read(board_memory(m->board), pc, MEMTXATTRS_NONE, code, 2);
    address_space_read(board_memory(m->board), pc + 2, MEMTXATTRS_NONE, code + 2, 2);
    static const uint8_t jal_self[4] = {0x6f, 0, 0, 0}, c_j_self[2] = {0x01, 0xa0};
    return !memcmp(code, jal_self, sizeof jal_self) || !memcmp(code, c_j_self, sizeof c_j_self);
}

#define MANY_CALLS 100 // firmware tries one to see whether it is answered

// A guest that was made for semihosting comes from its trap handler to the same call again, or nowhere.
static void note_refused(Machine *m, unsigned hart)
{
    uint64_t n = m->cpus[hart]->hart.refused_calls;
    if (!n || (n < MANY_CALLS && m->watch[hart]->progress == HART_GOES))
        return;
    g_mutex_lock(&m->lock);
    if (!m->noted_refused)
        machine_note(m, "the guest makes semihosting calls, which are answered with -semihosting only");
    m->noted_refused = true;
    g_mutex_unlock(&m->lock);
}

void note_slice(Machine *m, unsigned hart)
{
    HartProgress now = spins(m, hart) ? HART_SPINS : HART_GOES;
    if (now != m->watch[hart]->progress)
        set_progress(m, hart, now, "spins for ever with interrupts off",
                     g_strdup_printf("the instruction at pc 0x%" PRIx64 " jumps to itself",
                                     m->cpus[hart]->hart.env.pc));
    note_refused(m, hart);
}
