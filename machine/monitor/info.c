// SPDX-License-Identifier: GPL-3.0-or-later
// info: the machine, its harts, its memory map, its devices, its engines.
#include "machine/monitor/monitor_private.h"

#include <inttypes.h>
#include <string.h>

static void status(Monitor *mon, const char *arguments G_GNUC_UNUSED)
{
    monitor_printf(mon, "VM status: %s\n", machine_stopped(mon->m) ? "paused" : "running");
}

static void cpus(Monitor *mon, const char *arguments G_GNUC_UNUSED)
{
    static const char *const privs[] = {"U", "S", "?", "M"};
    for (unsigned i = 0; i < board_harts(machine_board(mon->m)); i++) {
        Cpu *cpu = machine_cpu(mon->m, i);
        uint64_t pc = cpu->hart.env.pc;
        const char *name = cpu_symbol(cpu, pc);
        monitor_printf(mon, "%c CPU #%u: pc=0x%016" PRIx64 " %s-mode%s%s%s\n", i == mon->hart ? '*' : ' ', i, pc,
                       privs[cpu->hart.priv & 3], cpu->hart.wfi ? " (waiting)" : "", *name ? " " : "", name);
    }
}

static void registers(Monitor *mon, const char *arguments)
{
    bool all = !strcmp(arguments, "-a");
    if (*arguments && !all) {
        monitor_printf(mon, "info registers takes only -a: '%s'\n", arguments);
        return;
    }
    for (unsigned i = 0; i < board_harts(machine_board(mon->m)); i++) {
        if (!all && i != mon->hart)
            continue;
        monitor_printf(mon, "\nCPU#%u\n", i);
        hart_print(&machine_cpu(mon->m, i)->hart, mon->out);
    }
}

static void mtree(Monitor *mon, const char *arguments)
{
    unsigned flags = 0;
    bool flat = false;
    g_auto(GStrv) words = g_strsplit_set(arguments, " \t", -1);
    for (char **w = words; *w; w++) {
        if (!strcmp(*w, "-f"))
            flat = true;
        else if (!strcmp(*w, "-d"))
            flags |= MTREE_DISPATCH;
        else if (!strcmp(*w, "-o"))
            flags |= MTREE_OWNER;
        else if (!strcmp(*w, "-D"))
            flags |= MTREE_DISABLED;
        else if (**w) {
            monitor_printf(mon, "info mtree: '%s' is none of -f, -d, -o and -D\n", *w);
            return;
        }
    }
    (flat ? memory_print_flat : memory_print_tree)(mon->out, flags);
}

static void ramblock(Monitor *mon, const char *arguments G_GNUC_UNUSED)
{
    memory_print_ram_blocks(mon->out);
}

static void qtree(Monitor *mon, const char *arguments G_GNUC_UNUSED)
{
    board_print_devices(machine_board(mon->m), mon->out);
}

static void roms(Monitor *mon, const char *arguments G_GNUC_UNUSED)
{
    board_print_roms(machine_board(mon->m), mon->out);
}

static void print_engine(Monitor *mon, const char *of, Engine *engine)
{
    EngineStats e;
    engine_stats(engine, &e);
    monitor_printf(mon,
                   "%s:\n"
                   "  interpreter       %" PRIu64 " blocks, %" PRIu64 " instructions\n"
                   "  baseline          %" PRIu64 " blocks, %" PRIu64 " instructions, %" PRIu64 " bytes\n"
                   "  libgccjit         %" PRIu64 " regions, %" PRIu64 " blocks, %" PRIu64 " instructions, %" PRIu64
                   " bytes\n"
                   "  regions           %" PRIu64 " made again, %" PRIu64 " failed, %" PRIu64 " dropped\n"
                   "  code cache        %" PRIu64 " loaded, %" PRIu64 " kept\n"
                   "  retired           %" PRIu64 " in baseline code or regions\n"
                   "  compile time      %.3f CPU seconds; workers lost %" PRIu64 "\n",
                   of, e.blocks, e.block_insns, e.baseline_blocks, e.baseline_insns, e.baseline_bytes, e.regions,
                   e.region_blocks, e.region_insns, e.region_bytes, e.regions_remade, e.regions_failed,
                   e.regions_dropped, e.cache_hits, e.cache_stores, e.jit_insns, (double)e.compile_ns / 1e9,
                   e.workers_lost);
}

static void jit(Monitor *mon, const char *arguments G_GNUC_UNUSED)
{
    for (unsigned i = 0; i < board_harts(machine_board(mon->m)); i++) {
        g_autofree char *name = g_strdup_printf("hart %u", i);
        print_engine(mon, name, machine_cpu(mon->m, i)->engine);
    }
    if (machine_mirror(mon->m))
        print_engine(mon, "mirror", machine_mirror(mon->m)->engine);
}

const MonitorCommand commands_info[] = {
    {"info status", "", "show whether the harts run", false, status},
    {"info cpus", "", "show where each hart is", true, cpus},
    {"info registers", "[-a]", "show the registers of a hart, -a: of all", true, registers},
    {"info mtree", "[-f] [-d] [-o] [-D]",
     "show the memory regions; -f: the flat views, -d: how they look addresses up, -o: owners, -D: disabled ones too",
     true, mtree},
    {"info ramblock", "", "show the blocks of host memory", true, ramblock},
    {"info roms", "", "show what was loaded into memory", true, roms},
    {"info qtree", "", "show the board's devices", true, qtree},
    {"info jit", "", "show what the engines have translated", true, jit},
    {NULL},
};
