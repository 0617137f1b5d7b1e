// SPDX-License-Identifier: GPL-3.0-or-later
// The run loop. Each hart has a thread that runs it in slices of some thousand instructions; between slices it looks
// at time, interrupts, limits and requests from outside.
//
// Guest time is the host's, or with -icount made of the instructions that all harts have retired and of the time that
// wfi skips. Then one thread runs the harts in turn, a slice ends where the next timer is due, and compilations are
// waited for, so that a run without outside input repeats exactly.
#include "machine/exec_private.h"

#include "backend/breakpoints.h"
#include "machine/cpu_tap.h"
#include "machine/cpu_watch.h"
#include "machine/gdb/gdb.h"
#include "machine/log/logs.h"
#include <inttypes.h>
#include <sched.h>

// A slice in instructions. It bounds how late an interrupt from outside is seen: some 0.1 ms. With several harts the
// others may wait for that, for an IPI's answer or to make a page one with code, so slices are short as long as such
// things happen.
#define SLICE 100000
#define SLICE_SHARED 20000
#define SLICE_GROWTH 4 // nothing happened: longer by that fraction
#define TRAP_LOOP_LIMIT 5000 // traps in a row that retire nothing before we say so

static __thread Cpu *running; // by this thread

Cpu *run_loop_cpu(void)
{
    return running;
}

static bool interrupt_pending(const Runner *r)
{
    const Machine *m = r->m;
    for (unsigned i = r->first; i < r->first + r->n; i++)
        if (hart_interrupt_pending(&m->cpus[i]->hart) && !(m->gdb && gdb_holds(m->gdb, i)))
            return true;
    return false;
}

static uint64_t next_deadline(const Runner *r)
{
    return board_next_deadline_ns(r->m->board, r->first, r->n);
}

// All harts of this thread wait: sleeps until an interrupt is pending, a timer is due or the run ends. Virtual time
// jumps to the timer instead.
static void wait_for_interrupt(Runner *r)
{
    Machine *m = r->m;
    uint64_t due = next_deadline(r), now = machine_clock_ns(m);
    gint64 until_us = (gint64)MIN((m->start_ns + MIN(due, INT64_MAX / 2)) / 1000 + 1, INT64_MAX / 2);
    exclusive_leave(&m->exclusive);
    g_mutex_lock(&m->lock);
    while (!interrupt_pending(r) && !r->look_again && !g_atomic_int_get(&m->stop)) {
        if (due == UINT64_MAX) {
            g_cond_wait(&r->wake, &m->lock);
        } else if (machine_virtual_time(m)) {
            m->skipped_ns += due > now ? due - now : 0;
            break;
        } else if (!g_cond_wait_until(&r->wake, &m->lock, until_us)) {
            break;
        }
    }
    r->look_again = false;
    g_mutex_unlock(&m->lock);
    exclusive_enter(&m->exclusive);
}

static void check_trap_loop(Machine *m, const Hart *hart)
{
    if (hart->trap_loop_count < TRAP_LOOP_LIMIT)
        return;
    bool s = hart->priv == PRV_S;
    char x = s ? 's' : 'm';
    g_autofree char *who = m->n_cpus > 1 ? g_strdup_printf("hart %" PRIu64, hart->hartid) : g_strdup("the guest");
    machine_end_run(m, 1,
                    g_strdup_printf("%s is in a trap loop: at pc 0x%" PRIx64
                                    " its trap handler traps itself (%ccause %" PRIu64 ", %ctval 0x%" PRIx64
                                    ", %ctvec 0x%" PRIx64 ")%s",
                                    who, s ? hart->sepc : hart->mepc, x, s ? hart->scause : hart->mcause, x,
                                    s ? hart->stval : hart->mtval, x, s ? hart->stvec : hart->mtvec,
                                    hart->refused_calls ? "; it makes semihosting calls: try -semihosting" : ""));
}

static void run_engine(Machine *m, Cpu *cpu, int64_t insns, bool step)
{
    IrEnv *env = &cpu->hart.env;
    env->icount_limit += (uint64_t)(insns - env->left);
    env->left = insns;
    running = cpu;
    cpu_tap_slice(cpu);
    if (m->check) {
        char *message = check_run(m->check);
        if (message)
            machine_end_run(m, 1, message);
    } else if (m->logs) {
        logs_run(m->logs, cpu, step);
    } else if (step) {
        engine_step(cpu->engine);
    } else {
        engine_run(cpu->engine);
    }
    running = NULL;
    tlb_relieve(cpu->tlb);
}

// Takes from the budget of --instructions, at most length; 0: it is used up.
static int64_t take_budget(Machine *m, int64_t length)
{
    int64_t left = __atomic_load_n(&m->budget, __ATOMIC_RELAXED), take;
    do {
        take = CLAMP(left, 0, length);
    } while (!__atomic_compare_exchange_n(&m->budget, &left, left - take, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return take;
}

// What other harts have of this one's slices. One that spins may wait for another one, which may wait for this one's
// host core.
static void share(Machine *m, Cpu *cpu)
{
    HartWatch *w = m->watch[cpu->hart.hartid];
    bool spins = spin_watch(&w->spin, &cpu->hart.env);
    if (spins)
        sched_yield();
    if (spins || g_atomic_int_get(&cpu->hart.env.exit_request))
        w->slice = SLICE_SHARED;
    else
        w->slice = MIN(w->slice + w->slice / SLICE_GROWTH, SLICE);
}

// Runs at most length instructions, as many as the budget has, and gives the rest back. step: one, for a debugger.
static void run_slice(Machine *m, Cpu *cpu, int64_t length, bool step)
{
    bool limited = m->options->instructions;
    if (limited && !(length = take_budget(m, length))) {
        uint64_t done = m->options->instructions - (uint64_t)__atomic_load_n(&m->budget, __ATOMIC_RELAXED);
        machine_end_run(m, EXIT_STATUS_LIMIT, g_strdup_printf("%" PRIu64 " instructions done (--instructions)", done));
        return;
    }
    uint64_t before = ir_env_icount(&cpu->hart.env);
    run_engine(m, cpu, m->sampler ? sampler_part(m, (unsigned)cpu->hart.hartid, length) : length, step);
    if (m->sampler && !step)
        sampler_look(m, cpu, (int64_t)(ir_env_icount(&cpu->hart.env) - before), length);
    int64_t done = (int64_t)(ir_env_icount(&cpu->hart.env) - before);
    if (limited)
        __atomic_add_fetch(&m->budget, length - done, __ATOMIC_RELAXED);
    check_trap_loop(m, &cpu->hart);
    if (m->n_runners > 1)
        share(m, cpu);
    note_slice(m, (unsigned)cpu->hart.hartid);
}

// How many instructions may run before the loop has to look again.
static int64_t slice_length(const Machine *m, unsigned hart, uint64_t now, uint64_t due)
{
    uint64_t length = m->n_cpus == 1 ? SLICE : m->n_runners == 1 ? SLICE_SHARED : (uint64_t)m->watch[hart]->slice;
    if (m->taps)
        length = MIN(length, TAP_SLICE);
    if (machine_virtual_time(m) && due > now && due != UINT64_MAX)
        length = MIN(length, ((due - now - 1) >> m->options->icount_shift) + 1);
    return (int64_t)length;
}

// Whoever takes the request resets everything while the other harts are stopped, and wakes those that slept.
void run_loop_reset(Machine *m)
{
    g_autoptr(GError) error = NULL;
    if (!g_atomic_int_compare_and_exchange(&m->reset_wanted, 1, 0))
        return;
    exclusive_begin(&m->exclusive);
    if (!board_reset(m->board, &error))
        machine_end_run(m, 1, g_strdup_printf("reset: %s", error->message));
    for (unsigned i = 0; i < m->n_cpus; i++)
        cpu_reset(m->cpus[i]);
    machine_wake(m);
    exclusive_end(&m->exclusive);
}

// One slice of a hart; false if it waits for an interrupt.
static bool run_hart(Runner *r, Cpu *cpu)
{
    Machine *m = r->m;
    Hart *hart = &cpu->hart;
    g_atomic_int_set(&hart->env.exit_request, 0);
    exclusive_poll(&m->exclusive);
    if (g_atomic_int_get(&m->reset_wanted))
        run_loop_reset(m);
    uint64_t due = next_deadline(r);
    uint64_t now = machine_clock_ns(m); // behind the deadline: what is due is seen to be
    if (now >= due) {
        board_run_timers(m->board, r->first, r->n, now);
        due = next_deadline(r);
    }
    bool step = false;
    if (m->gdb) {
        if (gdb_holds(m->gdb, (unsigned)hart->hartid))
            return false;
        step = gdb_steps(m->gdb, (unsigned)hart->hartid);
    }
    if (hart->wfi && !step && !hart_interrupt_pending(hart)) {
        note_wait(m, (unsigned)hart->hartid);
        cpu_tell_wfi(cpu, true);
        return false;
    }
    note_go(m, (unsigned)hart->hartid);
    hart->wfi = false;
    cpu_tell_wfi(cpu, false);
    code_pages_drain(cpu->pages);
    if (!step || gdb_takes_interrupts(m->gdb, (unsigned)hart->hartid))
        hart_take_interrupt(hart);
    run_slice(m, cpu, step ? 1 : slice_length(m, (unsigned)hart->hartid, now, due), step);
    if (m->gdb)
        gdb_slice_done(m->gdb, (unsigned)hart->hartid, step);
    return true;
}

static gboolean quit_loop(gpointer opaque)
{
    Machine *m = opaque;
    g_main_loop_quit(m->loop);
    return G_SOURCE_REMOVE;
}

gpointer run_loop(gpointer opaque)
{
    Runner *r = opaque;
    Machine *m = r->m;
    for (unsigned i = r->first; i < r->first + r->n; i++) {
        g_atomic_pointer_set(&m->cpus[i]->thread, g_thread_self());
        m->watch[i]->slice = SLICE_SHARED;
    }
    exclusive_enter(&m->exclusive);
    while (!g_atomic_int_get(&m->stop)) {
        bool ran = false;
        for (unsigned i = r->first; i < r->first + r->n && !g_atomic_int_get(&m->stop); i++)
            ran |= run_hart(r, m->cpus[i]);
        if (!ran)
            wait_for_interrupt(r);
    }
    for (unsigned i = r->first; i < r->first + r->n; i++) {
        cpu_tap_end(m->cpus[i]);
        cpu_tell_wfi(m->cpus[i], false);
    }
    exclusive_leave(&m->exclusive);
    if (g_atomic_int_dec_and_test(&m->running))
        g_idle_add(quit_loop, m); // from inside the loop: it may not run yet
    return NULL;
}

void machine_check_start(Machine *m)
{
    g_autoptr(GError) error = NULL;
    m->check = check_new(m->cpus[0], m->mirror, &error);
    if (m->check && (m->options->command != COMMAND_REDUCE || check_keep(m->check, &error)))
        return;
    check_free(g_steal_pointer(&m->check));
    m->message = g_strdup(error->message);
}
