// SPDX-License-Identifier: GPL-3.0-or-later
// What the program tells of itself: help for each command, and the lists behind -M help and the like.
#include "machine/options.h"

#include "machine/cpu_model.h"
#include "machine/options_rows.h"
#include "machine/options_value.h"
#include "util/log.h"
#include <string.h>

// Help text from column 4 on, broken between words.
static void print_wrapped(const char *text, FILE *out)
{
    g_auto(GStrv) words = g_strsplit(text, " ", -1);
    unsigned column = 0;
    for (char **w = words; *w; w++) {
        if (column + 1 + strlen(*w) > 78 || !column)
            column = fprintf(out, "%s       ", column ? "\n" : "") - (column > 0);
        column += fprintf(out, " %s", *w);
    }
    fputc('\n', out);
}

static void print_rows(unsigned scope, FILE *out)
{
    const char *heading = NULL;
    for (unsigned i = 0; i < option_n_rows; i++) {
        const OptionRow *row = &option_rows[i];
        if (row->group)
            heading = row->group;
        if (!(row->scope & scope))
            continue;
        if (heading)
            fprintf(out, "\n%s:\n", heading);
        heading = NULL;
        fprintf(out, "  %s", row->name);
        for (unsigned j = i + 1; j < option_n_rows && option_rows[j].alias_of; j++)
            fprintf(out, ", %s", option_rows[j].name);
        const char *space = !row->argument || option_is_optional(row) ? "" : row->name[0] == '+' ? "=" : " ";
        fprintf(out, "%s%s\n", space, row->argument ? row->argument : "");
        print_wrapped(row->help, out);
    }
}

static void print_help(OptionsCommand topic, FILE *out)
{
    if (topic == COMMAND_MTREE) {
        fprintf(out, "usage: addend mtree [-f] [-d] [-o] [-D] [options] [guest.elf]\n"
                     "Prints the memory regions of a board, as QEMU's info mtree does.\n");
        print_rows(MTREE, out);
        return;
    }
    if (topic == COMMAND_CACHE) {
        fprintf(out, "usage: addend cache list|verify|purge [--cache-dir DIRECTORY]\n"
                     "Lists the compiled code that is kept for later runs, checks it, or removes it.\n");
        print_rows(CACHE, out);
        return;
    }
    if (topic == COMMAND_TRACE) {
        fprintf(out, "usage: addend trace FILE\n"
                     "Prints what --trace-insns FILE wrote: a line for each instruction that was executed.\n");
        print_rows(TRACE, out);
        return;
    }
    if (topic == COMMAND_AOT) {
        fprintf(out, "usage: addend aot [--run SECONDS] [options] [guest.elf [arguments...]]\n"
                     "Compiles the guest ahead of time and keeps the code, so that already its first run starts with "
                     "it.\nGive the options of that run. The guest is not run unless --run is given.\n");
        print_rows(RUN | AOT, out);
        return;
    }
    if (topic == COMMAND_TLB) {
        fprintf(out, "usage: addend tlb record -o TRACE [options] [guest.elf [arguments...]]\n"
                     "       addend tlb model TRACE --tlb-model SPEC [-o FILE]\n"
                     "       addend tlb sweep TRACE [options] [-o FILE]\n"
                     "       addend tlb report TRACE [options] [-o FILE|DIRECTORY]\n"
                     "       addend tlb presets\n"
                     "Records what a hardware TLB would be asked; runs a model of one on the recording; finds the "
                     "misses of\nevery geometry in one pass; tells which code misses, and why. record also takes the "
                     "options of a run.\n");
        print_rows(TLB, out);
        return;
    }
    if (topic == COMMAND_IR || topic == COMMAND_REDUCE) {
        fputs(irtool_usage(topic), out);
        print_rows(topic == COMMAND_IR ? IR : REDUCE, out);
        return;
    }
    if (topic == COMMAND_BLOCKS) {
        fprintf(out, "usage: addend blocks [options] [guest.elf [arguments...]]\n"
                     "       addend blocks demo [options]\n"
                     "Runs the guest until it ends (or --timeout, --instructions or the user ends it) and shows what "
                     "it was translated\nto: which code is hot, its assembly, IR, GIMPLE and host code, and why it is "
                     "what it is. Takes the options of a run, too.\n");
        print_rows(BLOCKS, out);
        return;
    }
    if (topic == COMMAND_DEMO)
        fprintf(out,
                "usage: addend demo [options]\n"
                "Runs the guest that is built into the program. The options are those of addend itself.\n");
    else
        fprintf(out, "usage: addend [options] [guest.elf [arguments...]]\n"
                     "       addend demo [options]\n"
                     "       addend mtree [-f] [-d] [-o] [-D] [options] [guest.elf]\n"
                     "       addend cache list|verify|purge [--cache-dir DIRECTORY]\n"
                     "       addend aot [--run SECONDS] [options] [guest.elf [arguments...]]\n"
                     "       addend tlb record|model|sweep|report|presets ...\n"
                     "       addend trace FILE\n"
                     "       addend ir run|opt|compile [options] FILE\n"
                     "       addend blocks reduce [-o CASE.ir] [options] [guest.elf [arguments...]]\n"
                     "       addend blocks [options] [guest.elf [arguments...]]\n"
                     "       addend help [demo|mtree|cache|aot|tlb|trace|blocks|ir]\n"
                     "Runs RV64 machines. guest.elf alone stands for -bios none -kernel guest.elf.\n"
                     "Options take one dash or two, and their argument as the next word or behind '='.\n");
    print_rows(RUN, out);
}

void options_print(const Options *options, FILE *out)
{
    switch (options->command) {
    case COMMAND_PRINT_HELP:
        print_help(options->help_topic, out);
        break;
    case COMMAND_PRINT_VERSION:
        fprintf(out, "addend " ADDEND_VERSION "\n");
        break;
    case COMMAND_PRINT_MACHINES:
        choice_print(LIST_MACHINE, out);
        break;
    case COMMAND_PRINT_CPUS:
        choice_print(LIST_CPU, out);
        cpu_model_print(out);
        break;
    case COMMAND_PRINT_ACCELS:
        choice_print(LIST_ACCEL, out);
        break;
    case COMMAND_PRINT_DEVICES:
        choice_print(LIST_DEVICE, out);
        break;
    case COMMAND_PRINT_LOG_ITEMS:
        log_print_help(out);
        break;
    case COMMAND_RUN:
    case COMMAND_DEMO:
    case COMMAND_MTREE:
    case COMMAND_CACHE:
    case COMMAND_TRACE:
    case COMMAND_AOT:
    case COMMAND_TLB:
    case COMMAND_IR:
    case COMMAND_REDUCE:
    case COMMAND_BLOCKS:
    case COMMAND_PRINT_TLB_MODELS:
        g_assert_not_reached();
    }
}
