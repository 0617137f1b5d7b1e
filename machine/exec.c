// SPDX-License-Identifier: GPL-3.0-or-later
// The run loop. One thread runs the hart in slices of some thousand instructions; between slices it looks at time,
// interrupts, limits and requests from outside. The main thread serves the console and the signals.
//
// Guest time is the host's, or with -icount made of retired instructions and of the time that wfi skips. Then a slice
// ends where the next timer is due, and compilations are waited for, so that a run without outside input repeats
// exactly.
#include "machine/exec.h"

#include "machine/check.h"
#include "machine/code_cache_command.h"
#include "machine/cpu_model.h"
#include "frontend/trap.h"
#include "util/log.h"
#include <glib-unix.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SLICE 100000        // instructions; bounds how late an interrupt from outside is seen: some 0.1 ms
#define TRAP_LOOP_LIMIT 5000 // traps in a row that retire nothing before we say so

struct Machine {
    const Options *options;
    Board *board;
    Console *console;
    Cpu *cpu, *mirror;
    char *isa; // of the harts
    Check *check;
    RegionStore *store; // persistent code cache, or NULL
    GMainLoop *loop;
    GMutex lock; // for wake
    GCond wake;  // an interrupt line changed, or the run is over
    int stop;    // atomic
    uint64_t start_ns;   // of the host's monotonic clock: time 0 of the guest
    uint64_t skipped_ns; // -icount: time that passed in wfi; the hart's thread only
    uint64_t last_pc; // at the end of the slice before
    bool noted_stuck; // the hart's thread only
    // Set once, by whoever ends the run first (under lock).
    bool ended;
    int status;
    char *message;
};

static void end_run(Machine *m, int status, char *message)
{
    g_mutex_lock(&m->lock);
    if (m->ended) {
        g_free(message);
    } else {
        m->ended = true;
        m->status = status;
        m->message = message;
    }
    g_atomic_int_set(&m->stop, 1);
    if (m->cpu)
        g_atomic_int_set(&m->cpu->hart.env.exit_request, 1);
    g_cond_broadcast(&m->wake);
    g_mutex_unlock(&m->lock);
}

static void hook_set_irq(void *opaque, unsigned hart, unsigned irq, bool level)
{
    Machine *m = opaque;
    (void)hart;
    if (!m->cpu)
        return;
    cpu_set_irq(m->cpu, irq, level);
    g_mutex_lock(&m->lock);
    g_cond_broadcast(&m->wake);
    g_mutex_unlock(&m->lock);
}

static void hook_exit(void *opaque, uint64_t code)
{
    Machine *m = opaque;
    char *message = NULL;
    if (code > 255)
        message = g_strdup_printf("the guest exited with status %" PRIu64 ", reported as 255", code);
    end_run(m, code > 255 ? 255 : (int)code, message);
    if (m->cpu && m->cpu->thread == g_thread_self())
        ir_env_kick_self(&m->cpu->hart.env);
}

static void hook_deadline_changed(void *opaque)
{
    Machine *m = opaque;
    if (m->cpu && m->cpu->thread == g_thread_self())
        ir_env_kick_self(&m->cpu->hart.env);
}

static uint64_t host_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static bool virtual_time(const Machine *m)
{
    return m->options->icount_shift >= 0;
}

static uint64_t hook_clock_ns(void *opaque)
{
    const Machine *m = opaque;
    if (!virtual_time(m))
        return host_ns() - m->start_ns;
    return m->cpu ? (ir_env_icount(&m->cpu->hart.env) << m->options->icount_shift) + m->skipped_ns : 0;
}

static int64_t virtual_us(void *opaque)
{
    return (int64_t)(hook_clock_ns(opaque) / 1000);
}

static BoardConfig board_config(Machine *m)
{
    const Options *o = m->options;
    return (BoardConfig){
        .board = o->machine,
        .ram_size = o->ram_size,
        .harts = o->harts,
        .bios = o->command == COMMAND_MTREE && !o->bios && !o->kernel ? "none" : o->bios, // nothing will run
        .kernel = o->kernel,
        .start_at_entry = o->start_at_entry,
        .initrd = o->initrd,
        .append = o->append,
        .dtb = o->dtb,
        .items = o->load_items,
        .guest_args = o->guest_args,
        .chroot = o->chroot,
        .signature = o->signature,
        .signature_granularity = o->signature_granularity,
        .isa = m->isa,
        .mmu_type = cpu_model_mmu_type(&o->features),
        .htif_compat_qemu = o->htif_compat_qemu,
        .console = m->console,
    };
}

static EngineConfig engine_config(const Options *o)
{
    unsigned cores = g_get_num_processors();
    return (EngineConfig){
        .jit = o->accel == ACCEL_JIT && !(log_mask & LOG_NOCHAIN),
        .system = o->accel != ACCEL_CHECK,
        .baseline = o->accel == ACCEL_BASELINE || (o->accel == ACCEL_JIT && !o->jit_no_baseline),
        .warm = o->jit_warm ? (unsigned)o->jit_warm : ENGINE_DEFAULT_WARM,
        .threshold = o->jit_threshold ? (unsigned)MIN(o->jit_threshold, G_MAXINT32) : ENGINE_DEFAULT_THRESHOLD,
        .opt = o->jit_opt < 0 ? ENGINE_DEFAULT_OPT : (unsigned)o->jit_opt,
        .workers = o->jit_workers ? o->jit_workers : CLAMP(cores - 1, 1, 4),
        .sync = o->jit_sync || o->icount_shift >= 0,
        .stats = o->stats != STATS_NONE,
    };
}

static void hook_ram_written(void *opaque, ram_t start, uint64_t len)
{
    Machine *m = opaque;
    if (m->cpu)
        code_pages_written(m->cpu->pages, start, len);
    if (m->check)
        check_ram_written(m->check, start, len);
}

static void hook_commit(void *opaque)
{
    Machine *m = opaque;
    if (m->cpu)
        tlb_flush(m->cpu->tlb);
    if (m->mirror)
        tlb_flush(m->mirror->tlb);
}

Machine *machine_new(const Options *options, GError **error)
{
    Machine *m = g_new0(Machine, 1);
    m->options = options;
    m->isa = cpu_model_isa(&options->features);
    m->start_ns = host_ns();
    g_mutex_init(&m->lock);
    g_cond_init(&m->wake);
    BoardHooks hooks = {m, hook_set_irq, hook_exit, hook_deadline_changed, hook_clock_ns};
    if (options->command != COMMAND_MTREE && !(m->console = console_new(options->serial, error)))
        goto fail;
    BoardConfig config = board_config(m);
    m->board = board_new(&config, &hooks, error);
    if (!m->board || !board_load(m->board, error))
        goto fail;
    return m;
fail:
    machine_free(m);
    return NULL;
}

static void make_cpus(Machine *m)
{
    const Options *o = m->options;
    CpuConfig config = {engine_config(o), o->features, o->tlb_bits, o->semihosting};
    m->store = code_cache_open(o);
    config.engine.store = m->store;
    memory_set_commit_hook(hook_commit, m);
    memory_set_ram_written_hook(hook_ram_written, m);
    m->cpu = cpu_new(m->board, 0, &config);
    if (o->accel == ACCEL_CHECK) {
        config.engine.jit = true;
        config.engine.baseline = !o->jit_no_baseline;
        config.semihosting = false;
        m->mirror = cpu_new(m->board, 0, &config);
        m->check = check_new(m->cpu, m->mirror);
    }
    if (virtual_time(m)) {
        tlb_set_clock(m->cpu->tlb, virtual_us, m);
        if (m->mirror)
            tlb_set_clock(m->mirror->tlb, virtual_us, m);
    }
    board_run_timers(m->board, 0); // mtimecmp is 0 at reset, so the timer line is up (spec 6.2)
}

void machine_free(Machine *m)
{
    if (!m)
        return;
    memory_set_commit_hook(NULL, NULL);
    memory_set_ram_written_hook(NULL, NULL);
    check_free(m->check);
    cpu_free(m->mirror);
    cpu_free(m->cpu);
    region_store_free(m->store);
    board_free(m->board);
    console_free(m->console);
    g_mutex_clear(&m->lock);
    g_cond_clear(&m->wake);
    g_free(m->isa);
    g_free(m->message);
    g_free(m);
}

// Tells the user why nothing will happen any more. The run goes on: only the user knows whether that is wanted.
static void note(Machine *m, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void note(Machine *m, const char *format, ...)
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

// Says once that the only hart waits and no interrupt source of the board that it has enabled will ever fire.
static void note_endless_wait(Machine *m, uint64_t due)
{
    const Hart *hart = &m->cpu->hart;
    bool timer = due != UINT64_MAX && hart->mie & (UINT64_C(1) << IRQ_M_TIMER | UINT64_C(1) << IRQ_S_TIMER);
    if (m->noted_stuck || timer || hart_interrupt_pending(hart))
        return;
    m->noted_stuck = true;
    note(m, "the guest waits for an interrupt that cannot come (wfi before pc 0x%" PRIx64 ", mie 0x%" PRIx64 ")",
         hart->env.pc, hart->mie);
}

// Says once that the only hart jumps from an instruction to itself with interrupts off.
static void note_endless_loop(Machine *m)
{
    const Hart *hart = &m->cpu->hart;
    uint64_t pc = hart->env.pc;
    bool same = pc == m->last_pc;
    m->last_pc = pc;
    if (!same || m->noted_stuck || (hart->mie && (hart->priv != PRV_M || hart->mstatus & MSTATUS_MIE)))
        return;
    uint8_t code[4] = {0};
    address_space_read(board_memory(m->board), pc, MEMTXATTRS_NONE, code, 2);
    address_space_read(board_memory(m->board), pc + 2, MEMTXATTRS_NONE, code + 2, 2);
    static const uint8_t jal_self[4] = {0x6f, 0, 0, 0}, c_j_self[2] = {0x01, 0xa0};
    if (memcmp(code, jal_self, sizeof jal_self) && memcmp(code, c_j_self, sizeof c_j_self))
        return;
    m->noted_stuck = true;
    note(m, "the guest spins for ever: the instruction at pc 0x%" PRIx64 " jumps to itself, interrupts are off", pc);
}

// Sleeps until an interrupt is pending, a timer is due or the run ends. Virtual time jumps to the timer instead.
static void wait_for_interrupt(Machine *m)
{
    Hart *hart = &m->cpu->hart;
    uint64_t due = board_next_deadline_ns(m->board), now = hook_clock_ns(m);
    gint64 until_us = (gint64)MIN((m->start_ns + MIN(due, INT64_MAX / 2)) / 1000 + 1, INT64_MAX / 2);
    note_endless_wait(m, due);
    g_mutex_lock(&m->lock);
    while (!hart_interrupt_pending(hart) && !g_atomic_int_get(&m->stop)) {
        if (due == UINT64_MAX) {
            g_cond_wait(&m->wake, &m->lock);
        } else if (virtual_time(m)) {
            m->skipped_ns += due > now ? due - now : 0;
            break;
        } else if (!g_cond_wait_until(&m->wake, &m->lock, until_us)) {
            break;
        }
    }
    g_mutex_unlock(&m->lock);
    hart->wfi = false;
}

static void check_trap_loop(Machine *m)
{
    Hart *hart = &m->cpu->hart;
    if (hart->trap_loop_count < TRAP_LOOP_LIMIT)
        return;
    bool s = hart->priv == PRV_S;
    char x = s ? 's' : 'm';
    end_run(m, 1,
            g_strdup_printf("the guest is in a trap loop: at pc 0x%" PRIx64 " its trap handler traps itself (%ccause %"
                            PRIu64 ", %ctval 0x%" PRIx64 ", %ctvec 0x%" PRIx64 ")",
                            s ? hart->sepc : hart->mepc, x, s ? hart->scause : hart->mcause, x,
                            s ? hart->stval : hart->mtval, x, s ? hart->stvec : hart->mtvec));
}

static void run_slice(Machine *m, int64_t insns)
{
    IrEnv *env = &m->cpu->hart.env;
    env->icount_limit += (uint64_t)(insns - env->left);
    env->left = insns;
    if (m->check) {
        char *message = check_run(m->check);
        if (message)
            end_run(m, 1, message);
    } else {
        engine_run(m->cpu->engine);
    }
    tlb_relieve(m->cpu->tlb);
}

static gboolean quit_loop(gpointer opaque)
{
    Machine *m = opaque;
    g_main_loop_quit(m->loop);
    return G_SOURCE_REMOVE;
}

// How many instructions may run before the loop has to look again; 0: the budget is used up.
static int64_t slice_length(Machine *m, uint64_t now, uint64_t due)
{
    uint64_t length = SLICE, budget = m->options->instructions;
    if (budget) {
        uint64_t done = ir_env_icount(&m->cpu->hart.env);
        length = done < budget ? MIN(length, budget - done) : 0;
    }
    if (virtual_time(m) && due > now && due != UINT64_MAX)
        length = MIN(length, ((due - now - 1) >> m->options->icount_shift) + 1);
    return (int64_t)length;
}

static gpointer hart_thread(gpointer opaque)
{
    Machine *m = opaque;
    Hart *hart = &m->cpu->hart;
    m->cpu->thread = g_thread_self();
    while (!g_atomic_int_get(&m->stop)) {
        g_atomic_int_set(&hart->env.exit_request, 0);
        if (hart->wfi)
            wait_for_interrupt(m);
        uint64_t due = board_next_deadline_ns(m->board);
        uint64_t now = hook_clock_ns(m); // behind the other two: what is due is seen to be
        if (now >= due) {
            board_run_timers(m->board, now);
            due = board_next_deadline_ns(m->board);
        }
        hart_take_interrupt(hart);
        int64_t slice = slice_length(m, now, due);
        if (!slice) {
            end_run(m, EXIT_STATUS_LIMIT,
                    g_strdup_printf("%" PRIu64 " instructions done (--instructions)", ir_env_icount(&hart->env)));
            break;
        }
        run_slice(m, slice);
        check_trap_loop(m);
        note_endless_loop(m);
    }
    g_idle_add(quit_loop, m); // from inside the loop: it may not run yet
    return NULL;
}

static gboolean on_timeout(gpointer opaque)
{
    Machine *m = opaque;
    end_run(m, EXIT_STATUS_LIMIT, g_strdup_printf("%g seconds are over (--timeout)", m->options->timeout));
    console_stop(m->console);
    return G_SOURCE_REMOVE;
}

static gboolean on_signal(Machine *m, int number)
{
    end_run(m, 128 + number, NULL); // as a shell reports a program that the signal ended
    console_stop(m->console);
    return G_SOURCE_CONTINUE;
}

static gboolean on_sigint(gpointer opaque)
{
    return on_signal(opaque, SIGINT);
}

static gboolean on_sigterm(gpointer opaque)
{
    return on_signal(opaque, SIGTERM);
}

static gboolean on_sighup(gpointer opaque)
{
    return on_signal(opaque, SIGHUP);
}

static void on_quit(void *opaque)
{
    Machine *m = opaque;
    end_run(m, 0, NULL);
    console_stop(m->console);
}

// A run whose output was lost has not succeeded.
static void check_output(Machine *m)
{
    int error = console_write_error(m->console);
    if (!error)
        return;
    if (!m->status)
        m->status = 1;
    if (!m->message)
        m->message = g_strdup_printf("-serial %s: output was lost: %s", m->options->serial, g_strerror(error));
}

// Nor has one in which compiled code stored what it should not have.
static void check_end(Machine *m)
{
    char *message = m->check ? check_memory(m->check) : NULL;
    if (!message)
        return;
    g_free(m->message);
    m->message = message;
    m->status = 1;
}

void machine_run(Machine *m, RunResult *out)
{
    if (board_harts(m->board) > 1) { // a board with more can be listed and described, but not run
        m->message = g_strdup_printf("-smp %u: only one hart can run so far", board_harts(m->board));
        *out = (RunResult){1, m->message, 0};
        return;
    }
    make_cpus(m);
    m->loop = g_main_loop_new(NULL, FALSE);
    console_set_quit_handler(m->console, on_quit, m);
    console_attach(m->console, NULL);
    guint signals[] = {g_unix_signal_add(SIGINT, on_sigint, m), g_unix_signal_add(SIGTERM, on_sigterm, m),
                       g_unix_signal_add(SIGHUP, on_sighup, m)};
    guint timer = m->options->timeout > 0 ? g_timeout_add((guint)(m->options->timeout * 1000), on_timeout, m) : 0;
    if (!board_has_htif_exit(m->board) && !m->options->semihosting && m->options->command == COMMAND_RUN)
        note(m, "this guest has no way to exit (no HTIF symbols)");
    gint64 start = g_get_monotonic_time();
    GThread *t = g_thread_new("hart", hart_thread, m);
    g_main_loop_run(m->loop);
    g_thread_join(t);
    m->cpu->thread = NULL;
    if (timer && g_main_context_find_source_by_id(NULL, timer))
        g_source_remove(timer);
    for (unsigned i = 0; i < G_N_ELEMENTS(signals); i++)
        g_source_remove(signals[i]);
    g_main_loop_unref(m->loop);
    check_output(m);
    check_end(m);
    *out = (RunResult){m->status, m->message, (double)(g_get_monotonic_time() - start) / 1e6};
}

Board *machine_board(Machine *m)
{
    return m->board;
}

Cpu *machine_cpu(Machine *m)
{
    return m->cpu;
}

Cpu *machine_mirror(Machine *m)
{
    return m->mirror;
}

void machine_check_counts(Machine *m, uint64_t *stretches, uint64_t *insns)
{
    *stretches = *insns = 0;
    if (m->check)
        check_counts(m->check, stretches, insns);
}
