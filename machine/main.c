// SPDX-License-Identifier: GPL-3.0-or-later
// The program: options, then one of its commands.
#include "machine/demo.h"
#include "machine/exec.h"
#include "machine/stats.h"
#include "util/log.h"

#include <glib/gstdio.h>
#include <stdlib.h>
#include <unistd.h>

static int fail(const GError *error)
{
    fprintf(stderr, "addend: %s\n", error->message);
    return 1;
}

static int list_memory(const Options *o)
{
    g_autoptr(GError) error = NULL;
    Machine *m = machine_new(o, &error);
    if (!m)
        return fail(error);
    g_autoptr(GString) text = g_string_new(NULL);
    if (o->mtree_flat)
        memory_print_flat(text);
    else
        memory_print_tree(text, o->mtree_disabled);
    fputs(text->str, stdout);
    machine_free(m);
    return 0;
}

static bool write_stats(Machine *m, const Options *o, const RunResult *run, GError **error)
{
    if (o->stats == STATS_NONE)
        return true;
    g_autofree char *text = o->stats == STATS_JSON ? stats_json(m, run) : stats_text(m, run);
    if (o->stats_file)
        return g_file_set_contents(o->stats_file, text, -1, error);
    fputs(text, stderr);
    return true;
}

static int run(const Options *o)
{
    g_autoptr(GError) error = NULL;
    if (o->log_file && !log_open(o->log_file, &error))
        return fail(error);
    Machine *m = machine_new(o, &error);
    if (!m)
        return fail(error);
    if (o->dumpdtb) {
        bool ok = board_dump_dtb(machine_board(m), o->dumpdtb, &error);
        machine_free(m);
        return ok ? 0 : fail(error);
    }
    RunResult r;
    machine_run(m, &r);
    fflush(stdout);
    if (r.message)
        fprintf(stderr, "addend: %s\n", r.message);
    int status = r.status;
    if (!write_stats(m, o, &r, &error))
        status = fail(error);
    if (o->command == COMMAND_DEMO) {
        g_autofree char *line = stats_summary(m, &r);
        fputs(line, stderr);
    }
    machine_free(m);
    return status;
}

// The demo guest is a file for the time of the run, so that it is loaded like any other.
static int run_demo(Options *o)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = NULL;
    int fd = g_file_open_tmp("addend-demo-XXXXXX", &path, &error);
    if (fd < 0)
        return fail(error);
    close(fd);
    int status = 1;
    if (!g_file_set_contents(path, (const char *)demo_elf, (gssize)demo_elf_size, &error)) {
        fail(error);
    } else {
        o->bios = "none";
        o->kernel = path;
        o->start_at_entry = true;
        status = run(o);
    }
    g_unlink(path);
    return status;
}

int main(int argc, char **argv)
{
    Options o;
    g_autoptr(GError) error = NULL;
    int status;
    if (!options_parse(&o, argc, argv, &error)) {
        status = fail(error);
    } else if (o.command == COMMAND_RUN) {
        status = run(&o);
    } else if (o.command == COMMAND_DEMO) {
        status = run_demo(&o);
    } else if (o.command == COMMAND_MTREE) {
        status = list_memory(&o);
    } else {
        options_print(&o, stdout);
        status = fflush(stdout) ? 1 : 0;
    }
    options_deinit(&o);
    return status;
}
