// SPDX-License-Identifier: GPL-3.0-or-later
// The machine's life: what it is made of, what board and harts call it for, and how a run starts and ends. The main
// thread serves the console and the signals; the harts run in threads of their own (machine/run_loop.c).
#include "machine/exec_private.h"

#include "machine/aot.h"
#include "machine/code_cache_command.h"
#include "machine/cpu_model.h"
#include "machine/gdb/gdb.h"
#include "machine/log/logs.h"
#include "softmmu/dirty.h"
#include "util/clock.h"
#include "util/log.h"
#include <glib-unix.h>
#include <inttypes.h>
#include <signal.h>

static void kick_harts(void *opaque)
{
    Machine *m = opaque;
    for (unsigned i = 0; i < m->n_cpus; i++)
        g_atomic_int_set(&m->cpus[i]->hart.env.exit_request, 1);
}

void machine_end_run(Machine *m, int status, char *message)
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
    kick_harts(m);
    for (unsigned i = 0; i < m->n_runners; i++)
        g_cond_signal(&m->runners[i].wake);
    g_mutex_unlock(&m->lock);
}

// The thread that runs a hart.
static Runner *runner_of(Machine *m, unsigned hart)
{
    return &m->runners[m->n_runners > 1 ? hart : 0];
}

static void hook_set_irq(void *opaque, unsigned hart, unsigned irq, bool level)
{
    Machine *m = opaque;
    if (hart >= m->n_cpus)
        return;
    cpu_set_irq(m->cpus[hart], irq, level);
    if (!level)
        return;
    g_mutex_lock(&m->lock);
    g_cond_signal(&runner_of(m, hart)->wake);
    g_mutex_unlock(&m->lock);
}

// Ends the slice of the hart that runs in this thread.
static void kick_self(Machine *m)
{
    for (unsigned i = 0; i < m->n_cpus; i++)
        if (cpu_is_mine(m->cpus[i]))
            ir_env_kick_self(&m->cpus[i]->hart.env);
}

static void hook_exit(void *opaque, uint64_t code)
{
    Machine *m = opaque;
    char *message = NULL;
    if (code > 255)
        message = g_strdup_printf("the guest exited with status %" PRIu64 ", reported as 255", code);
    machine_end_run(m, code > 255 ? 255 : (int)code, message);
    kick_self(m);
}

// The guest's. Its slice ends; what it runs until then is of no account.
static void hook_reset(void *opaque)
{
    Machine *m = opaque;
    if (m->options->no_reboot)
        machine_end_run(m, 0, NULL);
    else
        machine_reset(m);
    kick_self(m);
}

static void hook_deadline_changed(void *opaque, unsigned hart)
{
    Machine *m = opaque;
    if (hart >= m->n_cpus)
        return;
    if (cpu_is_mine(m->cpus[hart])) {
        kick_self(m);
        return;
    }
    g_mutex_lock(&m->lock);
    g_atomic_int_set(&m->cpus[hart]->hart.env.exit_request, 1);
    runner_of(m, hart)->look_again = true;
    g_cond_signal(&runner_of(m, hart)->wake);
    g_mutex_unlock(&m->lock);
}

bool machine_virtual_time(const Machine *m)
{
    return m->options->icount_shift >= 0;
}

static uint64_t hook_clock_ns(void *opaque)
{
    const Machine *m = opaque;
    if (!machine_virtual_time(m))
        return (m->stopped_ns ? m->stopped_ns : clock_ns(CLOCK_MONOTONIC)) - m->start_ns;
    uint64_t insns = 0;
    for (unsigned i = 0; i < m->n_cpus; i++)
        insns += ir_env_icount(&m->cpus[i]->hart.env);
    return (insns << m->options->icount_shift) + m->skipped_ns;
}

uint64_t machine_clock_ns(Machine *m)
{
    return hook_clock_ns(m);
}

static int64_t virtual_us(void *opaque)
{
    return (int64_t)(hook_clock_ns(opaque) / 1000);
}

static BoardConfig board_config(Machine *m)
{
    const Options *o = m->options;
    bool repeats = o->icount_shift >= 0 || o->accel == ACCEL_CHECK; // two runs are the same
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
        .drives = o->drives,
        .virtio = o->virtio,
        .ports = o->ports,
        .netdevs = m->netdevs,
        .chardevs = m->chardevs,
        .mmio = o->mmio,
        .guest_args = o->guest_args,
        .chroot = o->chroot,
        .signature = o->signature,
        .signature_granularity = o->signature_granularity,
        .isa = m->isa,
        .mmu_type = cpu_model_mmu_type(&o->features),
        .rng_seed = !repeats && !o->dumpdtb,
        .repeats = repeats,
        .rtc_base_ns = repeats ? 0 : clock_ns(CLOCK_REALTIME),
        .htif_compat_qemu = o->htif_compat_qemu,
        .io = m->io,
        .console = m->console,
    };
}

unsigned machine_threshold(const Options *o)
{
    unsigned usual = o->command == COMMAND_AOT ? AOT_RUN_THRESHOLD : ENGINE_DEFAULT_THRESHOLD;
    return o->jit_threshold ? (unsigned)MIN(o->jit_threshold, G_MAXINT32) : usual;
}

#define KEEP_BLOCKS 1000 // of baseline code: making them takes some milliseconds

static EngineConfig engine_config(const Options *o, unsigned harts)
{
    unsigned cores = g_get_num_processors();
    unsigned workers = o->command == COMMAND_AOT ? cores : CLAMP(cores - 1, 1, 4); // what the guest leaves over
    return (EngineConfig){
        .jit = o->accel == ACCEL_JIT && !(log_mask & LOG_NOCHAIN),
        .system = o->accel != ACCEL_CHECK,
        .baseline = (o->accel == ACCEL_BASELINE || (o->accel == ACCEL_JIT && !o->jit_no_baseline)) &&
                    !(log_mask & LOG_NOCHAIN), // it may leave inside a block and come back to it
        .warm = o->jit_warm ? (unsigned)o->jit_warm : ENGINE_DEFAULT_WARM,
        .threshold = machine_threshold(o),
        .opt = o->jit_opt < 0 ? ENGINE_DEFAULT_OPT : (unsigned)o->jit_opt,
        .workers = MAX((o->jit_workers ? o->jit_workers : workers) / harts, 1),
        .sync = o->jit_sync || o->icount_shift >= 0,
        .code_size = o->jit_code_size,
        .max_insns = o->one_insn ? 1 : 0,
        .stats = o->stats != STATS_NONE && !o->stats_quick,
        .shared = harts > 1,
        .lines = o->jitdump,
        .inspect = o->command == COMMAND_BLOCKS,
    };
}

static void hook_ram_written(void *opaque, ram_t start, uint64_t len)
{
    Machine *m = opaque;
    Cpu *cpu = run_loop_cpu();
    if (cpu)
        code_pages_written(cpu->pages, start, len);
    else if (m->n_cpus)
        code_pages_written_by_other(m->cpus[0]->pages, start, len);
    if (m->check)
        check_ram_written(m->check, start, len);
}

static void hook_commit(void *opaque)
{
    Machine *m = opaque;
    exclusive_begin(&m->exclusive);
    for (unsigned i = 0; i < m->n_cpus; i++)
        cpu_map_changed(m->cpus[i]);
    if (m->mirror)
        cpu_map_changed(m->mirror);
    exclusive_end(&m->exclusive);
}

static void hook_clean(void *opaque, ram_t start, uint64_t len)
{
    Machine *m = opaque;
    exclusive_begin(&m->exclusive);
    for (unsigned i = 0; i < m->n_cpus; i++)
        cpu_pages_clean(m->cpus[i], start, len);
    if (m->mirror)
        cpu_pages_clean(m->mirror, start, len);
    exclusive_end(&m->exclusive);
}

static void hook_begin(void *opaque)
{
    exclusive_begin(opaque);
}

static void hook_end(void *opaque)
{
    exclusive_end(opaque);
}

Machine *machine_new(const Options *options, GError **error)
{
    Machine *m = g_new0(Machine, 1);
    m->options = options;
    m->isa = cpu_model_isa(&options->features);
    m->start_ns = clock_ns(CLOCK_MONOTONIC);
    g_mutex_init(&m->lock);
    exclusive_init(&m->exclusive, kick_harts, m);
    BoardHooks hooks = {m, hook_set_irq, hook_exit, hook_deadline_changed, hook_clock_ns, hook_reset};
    if (options->command != COMMAND_MTREE && !backends_open(m, error))
        goto fail;
    BoardConfig config = board_config(m);
    m->board = board_new(&config, &hooks, error);
    if (!m->board || !board_load(m->board, error))
        goto fail;
    m->names = names_new(m->board);
    for (unsigned i = 0; i < options->symbols->len; i++)
        if (!names_add_file(m->names, options->symbols->pdata[i], error))
            goto fail;
    return m;
fail:
    machine_free(m);
    return NULL;
}

static void make_runners(Machine *m)
{
    unsigned harts = board_harts(m->board);
    m->n_runners = machine_virtual_time(m) ? 1 : harts;
    m->runners = g_new0(Runner, m->n_runners);
    for (unsigned i = 0; i < m->n_runners; i++) {
        m->runners[i] = (Runner){.m = m, .first = i, .n = harts / m->n_runners};
        g_cond_init(&m->runners[i].wake);
    }
    if (m->n_runners > 1)
        code_pages_set_hooks(m->cpus[0]->pages, &(CodePagesHooks){&m->exclusive, hook_begin, hook_end});
}

void machine_add_ready(Machine *m, void (*ready)(void *opaque, Machine *m), void *opaque)
{
    MachineReady r = {ready, opaque};
    if (!m->ready)
        m->ready = g_array_new(FALSE, FALSE, sizeof r);
    g_array_append_val(m->ready, r);
}

static void call_ready(Machine *m)
{
    for (unsigned i = 0; m->ready && i < m->ready->len; i++) {
        const MachineReady *r = &g_array_index(m->ready, MachineReady, i);
        r->call(r->opaque, m);
    }
}

void machine_prepare(Machine *m)
{
    const Options *o = m->options;
    unsigned harts = board_harts(m->board);
    CpuConfig config = {engine_config(o, harts), o->features, o->tlb_bits, o->semihosting, NULL};
    config.engine.tap = m->tap.records;
    config.engine.tally = m->tally;
    m->store = config.engine.tap || config.engine.tally ? NULL : code_cache_open(o);
    config.engine.store = m->store;
    config.engine.program = code_cache_program(o);
    config.engine.keep_blocks = KEEP_BLOCKS;
    if (m->store && !o->jit_threshold && o->command != COMMAND_AOT)
        config.engine.threshold = ENGINE_KEPT_THRESHOLD;
    memory_set_translator(true);
    memory_set_commit_hook(hook_commit, m);
    memory_set_clean_hook(hook_clean, m);
    memory_set_ram_written_hook(hook_ram_written, m);
    names_prepare(m->names);
    m->cpus = g_new0(Cpu *, harts);
    m->watch = g_new0(HartWatch *, harts);
    if (m->logs)
        config.engine.max_insns = logs_max_insns(m->logs);
    for (unsigned i = 0; i < harts; i++) {
        config.engine.steps = m->logs ? logs_steps(m->logs, i) : NULL;
        m->cpus[i] = cpu_new(m->board, i, &config);
        if (m->logs)
            logs_add_cpu(m->logs, m->cpus[i]);
        m->cpus[i]->names = m->names;
        m->watch[i] = g_new0(HartWatch, 1);
        if (config.engine.stats || config.engine.tap) // the tap tells them too
            tlb_set_causes(m->cpus[i]->tlb, TLB_CAUSE_PAGES);
        config.pages = m->cpus[0]->pages;
        config.engine.keep_blocks = 0; // by the first one: most of what boots runs there
        if (machine_virtual_time(m))
            tlb_set_clock(m->cpus[i]->tlb, virtual_us, m);
    }
    make_runners(m);
    memory_lock();
    m->n_cpus = harts; // from now on the hooks reach them, also from threads of the network
    memory_unlock();
    machine_tap_start(m);
    if (o->accel == ACCEL_CHECK) {
        config.engine.jit = true;
        config.engine.tally = false;
        config.engine.baseline = !o->jit_no_baseline;
        config.semihosting = false;
        config.pages = NULL;
        m->mirror = cpu_new(m->board, 0, &config);
        m->mirror->names = m->names;
        machine_check_start(m);
        if (machine_virtual_time(m))
            tlb_set_clock(m->mirror->tlb, virtual_us, m);
    }
    board_run_timers(m->board, 0, harts, 0); // mtimecmp is 0 at reset, so the timer lines are up (spec 6.2)
    call_ready(m);
}

void machine_free(Machine *m)
{
    if (!m)
        return;
    memory_set_commit_hook(NULL, NULL);
    memory_set_clean_hook(NULL, NULL);
    memory_set_ram_written_hook(NULL, NULL);
    memory_set_translator(false);
    memory_lock(); // devices may still call hooks, from threads of the network or of disks
    unsigned harts = m->n_cpus;
    m->n_cpus = 0;
    memory_unlock();
    check_free(m->check);
    cpu_free(m->mirror);
    machine_tap_free(m, harts);
    for (unsigned i = 0; i < harts; i++) {
        cpu_free(m->cpus[i]);
        g_free(m->watch[i]);
    }
    sampler_free(m->sampler);
    tally_free(m->tally);
    g_clear_pointer(&m->ready, g_array_unref);
    region_store_free(m->store);
    names_free(m->names);
    board_free(m->board);
    backends_free(m);
    for (unsigned i = 0; i < m->n_runners; i++)
        g_cond_clear(&m->runners[i].wake);
    g_free(m->runners);
    g_free(m->cpus);
    g_free(m->watch);
    exclusive_deinit(&m->exclusive);
    g_mutex_clear(&m->lock);
    g_free(m->isa);
    g_free(m->message);
    g_free(m);
}

static gboolean on_timeout(gpointer opaque)
{
    Machine *m = opaque;
    machine_end_by_user(m, EXIT_STATUS_LIMIT,
                        g_strdup_printf("%g seconds are over (--timeout)", m->options->timeout));
    return G_SOURCE_REMOVE;
}

static gboolean on_signal(Machine *m, int number)
{
    m->interrupted = true;
    machine_end_by_user(m, 128 + number, NULL); // as a shell reports a program that the signal ended
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

static gboolean on_sigwinch(gpointer opaque)
{
    backends_resized(opaque);
    return G_SOURCE_CONTINUE;
}

static gboolean on_sighup(gpointer opaque)
{
    return on_signal(opaque, SIGHUP);
}

// A run whose output was lost has not succeeded.
static void check_output(Machine *m)
{
    char *lost = backends_lost(m);
    if (!lost)
        return;
    if (!m->status)
        m->status = 1;
    if (m->message)
        g_free(lost);
    else
        m->message = lost;
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

static void start_runners(Machine *m)
{
    m->running = (int)m->n_runners;
    m->budget = (int64_t)MIN(m->options->instructions, (uint64_t)INT64_MAX);
    for (unsigned i = 0; i < m->n_runners; i++) {
        g_autofree char *name = g_strdup_printf("hart %u", i);
        m->runners[i].thread = g_thread_new(name, run_loop, &m->runners[i]);
    }
}

// Why the machine cannot run, or NULL.
static char *cannot_run(const Machine *m)
{
    unsigned harts = board_harts(m->board);
    const char *name = m->options->machine;
    if (!harts)
        return g_strdup_printf("-M %s: the board has no processor", name);
    if (m->options->accel == ACCEL_CHECK && harts > 1)
        return g_strdup_printf("-accel check: only for one hart, not for -smp %u", harts);
    if (m->options->accel == ACCEL_CHECK && !board_one_ram(m->board))
        return g_strdup_printf("-accel check: only for boards with one piece of RAM, not for -M %s", name);
    if (m->options->accel == ACCEL_CHECK && m->tap.records)
        return g_strdup("-accel check: it cannot be recorded what a run accesses then");
    return NULL;
}

// What the user asks for to control the run. False: m->message.
static bool start_monitors(Machine *m)
{
    g_autoptr(GError) error = NULL;
    if (!monitors_new(m, backends_monitored(m), m->options, &m->monitors, &error)) {
        m->message = g_strdup(error->message);
        return false;
    }
    if (!gdb_new(m, m->options, &m->gdb, &error)) {
        g_clear_pointer(&m->monitors, monitors_free);
        m->message = g_strdup(error->message);
        return false;
    }
    if (m->options->start_stopped)
        machine_stop(m);
    return true;
}

void machine_run(Machine *m, RunResult *out)
{
    m->message = cannot_run(m);
    if (m->message) {
        *out = (RunResult){1, m->message, 0};
        return;
    }
    machine_prepare(m);
    if (m->message || !start_monitors(m)) {
        *out = (RunResult){1, m->message, 0};
        return;
    }
    m->loop = g_main_loop_new(NULL, FALSE);
    backends_attach(m);
    guint signals[] = {g_unix_signal_add(SIGINT, on_sigint, m), g_unix_signal_add(SIGTERM, on_sigterm, m),
                       g_unix_signal_add(SIGHUP, on_sighup, m), g_unix_signal_add(SIGWINCH, on_sigwinch, m)};
    guint timer = m->options->timeout > 0 ? g_timeout_add((guint)(m->options->timeout * 1000), on_timeout, m) : 0;
    if (!board_can_exit(m->board) && !m->options->semihosting && m->options->command == COMMAND_RUN)
        machine_note(m, board_has_htif(m->board) ? "this guest has no way to exit (no HTIF symbols)"
                                                 : "this board gives guests no way to exit");
    gint64 start = g_get_monotonic_time();
    start_runners(m);
    g_main_loop_run(m->loop);
    for (unsigned i = 0; i < m->n_runners; i++)
        g_thread_join(m->runners[i].thread);
    if (timer && g_main_context_find_source_by_id(NULL, timer))
        g_source_remove(timer);
    for (unsigned i = 0; i < G_N_ELEMENTS(signals); i++)
        g_source_remove(signals[i]);
    g_main_loop_unref(m->loop);
    g_clear_pointer(&m->monitors, monitors_free);
    check_output(m);
    check_end(m);
    gdb_free(g_steal_pointer(&m->gdb), m->status);
    *out = (RunResult){m->status, m->message, (double)(g_get_monotonic_time() - start) / 1e6};
}

void machine_wake(Machine *m)
{
    g_mutex_lock(&m->lock);
    for (unsigned i = 0; i < m->n_runners; i++) {
        m->runners[i].look_again = true;
        g_cond_signal(&m->runners[i].wake);
    }
    g_mutex_unlock(&m->lock);
}

void machine_reset(Machine *m)
{
    g_atomic_int_set(&m->reset_wanted, 1);
    kick_harts(m);
    machine_wake(m);
}

Board *machine_board(Machine *m)
{
    return m->board;
}

Names *machine_names(Machine *m)
{
    return m->names;
}

bool machine_counts_accesses(const Machine *m)
{
    return !m->options->stats_quick;
}

bool machine_ran(const Machine *m)
{
    return m->n_cpus;
}

Cpu *machine_cpu(Machine *m, unsigned hart)
{
    return m->cpus[hart];
}

Cpu *machine_mirror(Machine *m)
{
    return m->mirror;
}

Check *machine_check(Machine *m)
{
    return m->check;
}

void machine_check_counts(Machine *m, uint64_t *stretches, uint64_t *insns)
{
    *stretches = *insns = 0;
    if (m->check)
        check_counts(m->check, stretches, insns);
}
