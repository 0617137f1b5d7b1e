// SPDX-License-Identifier: GPL-3.0-or-later
// The program: options, then one of its commands.
#include "lab/model.h"
#include "machine/aot.h"
#include "machine/blocks/blocks_run.h"
#include "machine/code_cache_command.h"
#include "machine/demo.h"
#include "machine/exec.h"
#include "machine/irtool/irtool.h"
#include "machine/log/itrace_command.h"
#include "machine/observers.h"
#include "machine/stats.h"
#include "machine/tlb_command.h"
#include "util/log.h"

#include <errno.h>
#include <gio/gio.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

static int fail(const GError *error)
{
    fprintf(stderr, "addend: %s\n", error->message);
    return 1;
}

static bool file_error(const char *option, const char *path, GError **error)
{
    g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "%s%s: %s", option, path, g_strerror(errno));
    return false;
}

static int output_lost(void)
{
    g_autoptr(GError) error = NULL;
    file_error("standard output", "", &error);
    return fail(error);
}

static int list_memory(const Options *o)
{
    g_autoptr(GError) error = NULL;
    Machine *m = machine_new(o, &error);
    if (!m)
        return fail(error);
    g_autoptr(GString) text = g_string_new(NULL);
    unsigned flags = (o->mtree_disabled ? MTREE_DISABLED : 0) | (o->mtree_owner ? MTREE_OWNER : 0) |
                     (o->mtree_dispatch ? MTREE_DISPATCH : 0);
    (o->mtree_flat ? memory_print_flat : memory_print_tree)(text, flags);
    machine_free(m);
    fputs(text->str, stdout);
    return fflush(stdout) ? output_lost() : 0;
}

// Before the run, which would be in vain if its statistics could not be written.
static bool open_stats(const Options *o, FILE **out, GError **error)
{
    *out = o->stats_file ? fopen(o->stats_file, "we") : stderr;
    return *out || file_error("--stats=json:", o->stats_file, error);
}

// Closes out if it was opened.
static bool write_stats(Machine *m, const Options *o, const RunResult *run, FILE *out, GError **error)
{
    g_autofree char *wrong = NULL;
    if (o->stats != STATS_NONE) {
        g_autofree char *text = o->stats == STATS_JSON ? stats_json(m, run, &wrong) : stats_text(m, run, &wrong);
        fputs(text, out);
    }
    bool lost = ferror(out); // of a text longer than the buffer: fclose does not say so
    if (out != stderr && (fclose(out) || lost))
        return file_error("--stats=json:", o->stats_file, error);
    if (wrong)
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "statistics do not add up: %s", wrong);
    return !wrong;
}

static void print_tlb_models(void)
{
    g_autofree char *text = model_presets_text();
    fputs(text, stdout);
}

// Tells of each, and frees them; the exit status if there is one, else status.
static int fail_all(GPtrArray *errors, int status)
{
    for (unsigned i = 0; i < errors->len; i++)
        status = fail(errors->pdata[i]);
    g_ptr_array_free(errors, TRUE);
    return status;
}

static void dump_dtb(const Options *o, Machine *m, GPtrArray *errors)
{
    GError *error = NULL;
    if (!board_dump_dtb(machine_board(m), o->dumpdtb, &error))
        g_ptr_array_add(errors, error);
}

// The exit status so far.
static int run_observed(const Options *o, Machine *m, Observers *observers, FILE *stats, GPtrArray *errors)
{
    RunResult r;
    GError *error = NULL;
    machine_run(m, &r);
    fflush(stdout);
    if (r.message)
        fprintf(stderr, "addend: %s\n", r.message);
    int status = blocks_run_status(o, m, r.status);
    if (!write_stats(m, o, &r, stats, &error))
        g_ptr_array_add(errors, error);
    observers_finish(observers, m, &r, errors);
    if (o->command == COMMAND_DEMO) {
        g_autofree char *line = stats_summary(m, &r);
        fputs(line, stderr);
    }
    return status;
}

static int run(const Options *o)
{
    GError *error = NULL;
    FILE *stats;
    Observers *observers = NULL;
    Machine *m = NULL;
    int status = 0;
    GPtrArray *errors = g_ptr_array_new_with_free_func((GDestroyNotify)g_error_free);
    bool ready = (!o->log_file || log_open(o->log_file, &error)) && open_stats(o, &stats, &error) &&
                 observers_new(o, &observers, &error) && (m = machine_new(o, &error)) &&
                 observers_attach(observers, m, &error);
    if (!ready)
        g_ptr_array_add(errors, error);
    else if (o->dumpdtb)
        dump_dtb(o, m, errors);
    else
        status = run_observed(o, m, observers, stats, errors);
    machine_free(m);
    if (ready && !o->dumpdtb)
        observers_close(observers, errors);
    observers_free(observers);
    return fail_all(errors, status);
}

static int reduce(const Options *o)
{
    g_autoptr(GError) error = NULL;
    if (o->log_file && !log_open(o->log_file, &error))
        return fail(error);
    int status = irtool_reduce(o, &error);
    return error ? fail(error) : fflush(stdout) ? output_lost() : status;
}

// The demo guest is a file in memory for the time of the run, so that it is loaded like any other. how: what to do.
static int run_demo(Options *o, int (*how)(const Options *o))
{
    int fd = memfd_create("addend-demo", MFD_CLOEXEC);
    size_t done = 0;
    for (ssize_t n = 1; fd >= 0 && n > 0 && done < demo_elf_size; done += n > 0 ? (size_t)n : 0)
        n = write(fd, demo_elf + done, demo_elf_size - done);
    if (done < demo_elf_size) {
        fprintf(stderr, "addend: demo: no memory for the guest: %s\n", g_strerror(errno));
        if (fd >= 0)
            close(fd);
        return 1;
    }
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
    o->bios = "none";
    o->kernel = path;
    o->start_at_entry = true;
    int status = how(o);
    close(fd);
    return status;
}

int main(int argc, char **argv)
{
    Options o;
    g_autoptr(GError) error = NULL;
    int status;
    signal(SIGXFSZ, SIG_IGN); // a file that may not grow is an error like others
    if (!options_parse(&o, argc, argv, &error) || !irtool_plant(&o, &error)) {
        status = fail(error);
    } else if (o.command == COMMAND_IR) {
        status = ir_command(&o, stdout, &error);
        status = error ? fail(error) : fflush(stdout) ? output_lost() : status;
    } else if (o.command == COMMAND_DEMO || o.blocks_demo) {
        status = run_demo(&o, o.command == COMMAND_REDUCE ? reduce : run);
    } else if (o.command == COMMAND_REDUCE) {
        status = reduce(&o);
    } else if (o.command == COMMAND_RUN || o.command == COMMAND_BLOCKS || o.tlb_action == TLB_RECORD) {
        status = run(&o);
    } else if (o.command == COMMAND_MTREE) {
        status = list_memory(&o);
    } else if (o.command == COMMAND_CACHE) {
        status = code_cache_command(&o, stdout, &error) ? 0 : error ? fail(error) : 1;
        status = fflush(stdout) ? output_lost() : status;
    } else if (o.command == COMMAND_AOT) {
        status = aot_command(&o, stdout, &error) ? 0 : error ? fail(error) : 1;
        status = fflush(stdout) ? output_lost() : status;
    } else if (o.command == COMMAND_TLB) {
        status = tlb_command(&o, &error) ? 0 : fail(error);
    } else if (o.command == COMMAND_TRACE) {
        status = itrace_command(&o, stdout, &error) ? 0 : fail(error);
        status = fflush(stdout) ? output_lost() : status;
    } else if (o.command == COMMAND_PRINT_TLB_MODELS) {
        print_tlb_models();
        status = fflush(stdout) ? output_lost() : 0;
    } else {
        options_print(&o, stdout);
        status = fflush(stdout) ? output_lost() : 0;
    }
    options_deinit(&o);
    return status;
}
