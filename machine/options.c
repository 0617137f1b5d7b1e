// SPDX-License-Identifier: GPL-3.0-or-later
// The command line: finds the row of each argument, and checks what only makes sense together.
//
// Rows are matched without their dashes, so every option has QEMU's one dash and GNU's two. An argument
// follows as the next word or behind '='. Three shapes are not QEMU's: Spike's +name=value for the rows that
// begin with '+', Spike's -m<MiB>, and options whose argument may be left out, which take it only behind '='.
#include "machine/options.h"

#include "machine/cpu_model.h"
#include "machine/options_rows.h"
#include "machine/options_set.h"
#include "machine/options_value.h"
#include "util/log.h"
#include <gio/gio.h>
#include <string.h>

#define FLAG(f) .action = ACTION_FLAG, .field = offsetof(Options, f)
#define TEXT(f) .action = ACTION_TEXT, .field = offsetof(Options, f)
#define CALL(f) .action = ACTION_CALL, .call = f

const OptionRow option_rows[] = {
#define GROUP(title)              {.group = title},
#define OPTION(n, arg, act, s, h) {.name = n, .argument = arg, .help = h, .scope = s, act},
#define ALIAS(n, of)              {.name = n, .alias_of = of},
#include "machine/options.def"
};
const unsigned option_n_rows = G_N_ELEMENTS(option_rows);

typedef struct {
    Options *o;
    unsigned scope; // RUN, MTREE, CACHE, RUN | AOT, RUN | RECORD, MODEL, SWEEP, REPORT or RUN | BLOCKS
    int argc, at;
    char **argv;
} Parser;

// A row's name without what it begins with.
static const char *bare_name(const OptionRow *row)
{
    return row->name + strspn(row->name, "+-");
}

// The row, with aliases resolved, that is called name (len characters) in a scope; plus: only '+' rows.
static const OptionRow *find_row(const char *name, size_t len, bool plus, unsigned scope)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(option_rows); i++) {
        const OptionRow *row = &option_rows[i];
        if (row->group || (plus && row->name[0] != '+'))
            continue;
        const char *bare = bare_name(row);
        if (strlen(bare) != len || strncmp(bare, name, len))
            continue;
        if (row->alias_of)
            row = find_row(row->alias_of + 1, strlen(row->alias_of) - 1, false, scope);
        if (row && row->scope & scope)
            return row;
    }
    return NULL;
}

static bool unknown_option(const Parser *p, const char *word, const char *name, GError **error)
{
    const char *candidates[G_N_ELEMENTS(option_rows)];
    unsigned n = 0;
    for (unsigned i = 0; i < G_N_ELEMENTS(option_rows); i++)
        if (!option_rows[i].group && (option_rows[i].alias_of || option_rows[i].scope & p->scope))
            candidates[n++] = bare_name(&option_rows[i]);
    if (p->o->tlb_action && find_row(name, strlen(name), word[0] == '+', TLB))
        return value_error(error, word, "addend tlb %s has no such option (addend tlb --help lists whose it is)",
                           options_tlb_action(p->o->tlb_action));
    const char *hint = value_closest(name, candidates, n);
    const char *help = p->scope == MTREE   ? "addend mtree --help"
                       : p->scope == CACHE ? "addend cache --help"
                       : p->scope == TRACE ? "addend trace --help"
                       : p->scope & AOT    ? "addend aot --help"
                       : p->scope & TLB    ? "addend tlb --help"
                       : p->scope & IR     ? "addend ir --help"
                       : p->scope & REDUCE ? "addend blocks reduce --help"
                       : p->scope & BLOCKS ? "addend blocks --help"
                                           : "addend --help";
    if (!hint)
        return value_error(error, "unknown option", "%s (%s lists them)", word, help);
    for (unsigned i = 0; i < G_N_ELEMENTS(option_rows); i++)
        if (!option_rows[i].group && bare_name(&option_rows[i]) == hint)
            hint = option_rows[i].name;
    return value_error(error, "unknown option", "%s: did you mean %s?", word, hint);
}

static bool apply(Options *o, const OptionRow *row, const char *value, GError **error)
{
    void *field = (char *)o + row->field;
    if (value && !*value && strcmp(bare_name(row), "append"))
        return value_error(error, row->name, "needs an argument that is not empty");
    switch (row->action) {
    case ACTION_FLAG:
        *(bool *)field = true;
        return true;
    case ACTION_TEXT:
        *(const char **)field = options_keep(o, value);
        return true;
    case ACTION_CALL:
        return row->call(o, row->name, value, error);
    }
    g_assert_not_reached();
}

// One word that begins with '-' or '+', and its argument.
static bool parse_option(Parser *p, GError **error)
{
    const char *word = p->argv[p->at++];
    bool plus = word[0] == '+';
    const char *name = word + (plus || word[1] != '-' ? 1 : 2);
    if (!plus && name == word + 1 && name[0] == 'm' && g_ascii_isdigit(name[1]))
        return set_spike_ram_size(p->o, "-m", name + 1, error);

    const char *equals = strchr(name, '=');
    size_t len = equals ? (size_t)(equals - name) : strlen(name);
    const OptionRow *row = find_row(name, len, plus, p->scope);
    if (!row) {
        g_autofree char *shown = g_strndup(word, name + len - word);
        return unknown_option(p, shown, shown + (name - word), error);
    }
    const char *value = equals ? equals + 1 : NULL;
    if (!row->argument && value)
        return value_error(error, row->name, "takes no argument");
    if (row->argument && !value && !option_is_optional(row)) {
        if (plus)
            return value_error(error, row->name, "needs an argument: %s=%s", row->name, row->argument);
        if (p->at == p->argc)
            return value_error(error, row->name, "needs an argument: %s", row->argument);
        value = p->argv[p->at++];
    }
    return apply(p->o, row, value, error);
}

static bool is_print_command(OptionsCommand command)
{
    return command >= COMMAND_PRINT_HELP;
}

// Everything from the first word that is no option on: the guest and its arguments.
static bool parse_guest(Parser *p, GError **error)
{
    Options *o = p->o;
    const char *guest = p->argv[p->at];
    if (o->command == COMMAND_DEMO || o->blocks_demo)
        return value_error(error, "demo", "takes no guest file, but '%s' was given", guest);
    if (o->kernel)
        return value_error(error, "two guests", "-kernel %s and %s", o->kernel, guest);
    if (!*guest)
        return value_error(error, "guest", "the file name is empty");
    if (p->at + 1 < p->argc && o->guest_args->len)
        return value_error(error, "-semihosting-config", "arg= and arguments behind %s exclude each other",
                           guest);
    o->kernel = options_keep(o, guest);
    o->start_at_entry = !o->bios;
    if (!o->bios)
        o->bios = "none";
    if (!o->guest_args->len)
        for (; p->at < p->argc; p->at++)
            g_ptr_array_add(o->guest_args, (void *)options_keep(o, p->argv[p->at]));
    return true;
}

// Without explicit arguments the guest's are, as in QEMU, its file name and the words of -append.
static void default_guest_args(Options *o)
{
    bool firmware = o->bios && strcmp(o->bios, "none") && strcmp(o->bios, "default");
    const char *guest = o->kernel ? o->kernel : firmware ? o->bios : NULL;
    if (o->guest_args->len || !guest)
        return;
    g_ptr_array_add(o->guest_args, (void *)guest);
    g_auto(GStrv) words = g_strsplit(o->append ? o->append : "", " ", -1);
    for (char **w = words; *w; w++)
        if (**w)
            g_ptr_array_add(o->guest_args, (void *)options_keep(o, *w));
}

// addend aot does nothing where nothing is compiled, or kept.
static bool check_aot(const Options *o, GError **error)
{
    if (o->accel != ACCEL_JIT || o->no_cache || o->icount_shift >= 0)
        return value_error(error, "aot", "fills the code cache, which is not used with %s",
                           o->accel != ACCEL_JIT ? "any -accel but jit" : o->no_cache ? "--no-cache" : "-icount");
    if (o->dumpdtb)
        return value_error(error, "aot", "dumpdtb= has no use here");
    if (!o->aot_run && (o->timeout > 0 || o->instructions))
        return value_error(error, "aot", "%s is for a run: --run SECONDS",
                           o->instructions ? "--instructions" : "--timeout");
    return true;
}

// The rules between options.
static bool check_together(Options *o, GError **error)
{
    bool devices = o->load_items->len || o->drives->len || o->virtio->len || o->mmio->len;
    bool demo = o->command == COMMAND_DEMO || o->blocks_demo;
    if (demo && (o->kernel || o->bios || o->initrd || o->append || o->dtb || devices))
        return value_error(error, "demo", "brings its own guest, so %s cannot be given",
                           o->kernel        ? "-kernel"
                           : o->bios        ? "-bios"
                           : o->initrd      ? "-initrd"
                           : o->append      ? "-append"
                           : o->dtb         ? "-dtb"
                           : o->drives->len ? "-drive"
                                            : "-device");
    g_autofree char *have = cpu_model_isa(&o->features);
    if (o->isa && !value_isa("--isa", o->isa, have, error))
        return false;
    if (o->initrd && !o->kernel)
        return value_error(error, "-initrd", "only allowed with -kernel");
    if (o->append && !o->kernel)
        return value_error(error, "-append", "only allowed with -kernel");
    if (o->command == COMMAND_MTREE && (o->dumpdtb || o->signature))
        return value_error(error, "mtree", "%s= has no use here", o->dumpdtb ? "dumpdtb" : "signature");
    if (o->command == COMMAND_MTREE && o->mtree_flat && o->mtree_disabled)
        return value_error(error, "mtree", "-D has no use with -f: flat views have no disabled regions");
    if (o->command == COMMAND_MTREE && o->mtree_dispatch && !o->mtree_flat)
        return value_error(error, "mtree", "-d has no use without -f: flat views look addresses up");
    if (o->monitor == MONITOR_STDIO && !strcmp(o->serial, "stdio"))
        return value_error(error, "-monitor", "stdio: the console is there already (-serial mon:stdio has both)");
    if ((o->command == COMMAND_AOT && !check_aot(o, error)) || !check_tlb(o, error) || !check_profile(o, error) ||
        !check_blocks(o, error) || !check_gdb(o, error) || !check_logs(o, error) || !check_ir(o, error))
        return false;
    bool tuned = o->jit_threshold || o->jit_opt >= 0 || o->jit_workers || o->jit_sync;
    if (o->accel == ACCEL_INTERP && (tuned || o->jit_warm || o->jit_no_baseline || o->jit_code_size))
        return value_error(error, "-accel",
                           "interp compiles nothing: threshold, warm, baseline, opt, workers, tb-size and sync have "
                           "no use");
    if (o->accel == ACCEL_BASELINE && (tuned || o->jit_no_baseline))
        return value_error(error, "-accel",
                           "baseline does without libgccjit: threshold, opt, workers and sync have no use");
    return true;
}

static const struct {
    const char *name;
    OptionsCommand command;
} subcommands[] = {{"demo", COMMAND_DEMO}, {"mtree", COMMAND_MTREE}, {"cache", COMMAND_CACHE},
                   {"aot", COMMAND_AOT},   {"tlb", COMMAND_TLB},     {"ir", COMMAND_IR},
                   {"trace", COMMAND_TRACE}, {"blocks", COMMAND_BLOCKS}, {"help", COMMAND_PRINT_HELP}};

static void subcommand(Parser *p)
{
    for (unsigned i = 0; p->argc > 1 && i < G_N_ELEMENTS(subcommands); i++) {
        if (!strcmp(p->argv[1], subcommands[i].name)) {
            p->o->command = subcommands[i].command;
            p->at = 2;
        }
    }
    if (p->argc > 2 && !strcmp(p->argv[1], "blocks") && !strcmp(p->argv[2], "reduce")) {
        p->o->command = COMMAND_REDUCE;
        p->at = 3;
    }
    p->scope = p->o->command == COMMAND_MTREE    ? MTREE
               : p->o->command == COMMAND_CACHE  ? CACHE
               : p->o->command == COMMAND_TRACE  ? TRACE
               : p->o->command == COMMAND_AOT    ? RUN | AOT
               : p->o->command == COMMAND_IR     ? IR
               : p->o->command == COMMAND_BLOCKS ? RUN | BLOCKS
               : p->o->command == COMMAND_REDUCE ? RUN | REDUCE
                                                 : RUN;
}

// The word behind addend blocks that may stand for a guest.
static void parse_blocks(Parser *p)
{
    p->o->blocks_demo = p->at < p->argc && !strcmp(p->argv[p->at], "demo");
    p->at += p->o->blocks_demo;
}

// The word behind addend tlb, or a request for help.
static bool parse_tlb(Parser *p, GError **error)
{
    Options *o = p->o;
    const char *word = p->at < p->argc ? p->argv[p->at] : "";
    if (!strcmp(word, "presets")) {
        o->command = COMMAND_PRINT_TLB_MODELS;
        return p->at + 1 == p->argc || value_error(error, "presets", "takes no arguments");
    }
    p->scope = TLB;
    if (*word == '-')
        return true;
    if (!tlb_action(word, &o->tlb_action, error))
        return false;
    static const unsigned scopes[] = {[TLB_RECORD] = RUN | RECORD, [TLB_MODEL] = MODEL, [TLB_SWEEP] = SWEEP,
                                      [TLB_REPORT] = REPORT};
    p->scope = scopes[o->tlb_action];
    p->at++;
    return true;
}

// A word of addend cache that is no option.
static bool cache_action(Parser *p, GError **error)
{
    static const char *const names[] = {"list", "verify", "purge"};
    const char *word = p->argv[p->at++];
    if (p->o->cache_action)
        return value_error(error, "cache", "one of list, verify and purge at a time");
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++)
        if (!strcmp(word, names[i]))
            p->o->cache_action = (OptionsCacheAction)(CACHE_LIST + i);
    return p->o->cache_action || value_error(error, "cache", "'%s' is none of list, verify and purge", word);
}

// addend help [demo|mtree|cache|aot|tlb|trace|blocks|ir].
static bool parse_help(Parser *p, GError **error)
{
    if (p->at == p->argc)
        return true;
    const char *topic = p->argv[p->at];
    unsigned i = 0;
    while (i < G_N_ELEMENTS(subcommands) - 1 && strcmp(topic, subcommands[i].name)) // all but help
        i++;
    p->o->help_topic = subcommands[i].command;
    if (i == G_N_ELEMENTS(subcommands) - 1)
        return value_error(error, "help",
                           "there is no subcommand '%s', only demo, mtree, cache, aot, tlb, trace, blocks and ir",
                           topic);
    return p->at + 1 == p->argc || value_error(error, "help", "one subcommand at a time");
}

static bool parse_words(Parser *p, GError **error)
{
    Options *o = p->o;
    subcommand(p);
    if (p->argc < 2)
        return value_error(error, "no guest", "addend [options] guest.elf (addend --help tells more)");
    if (o->command == COMMAND_PRINT_HELP)
        return parse_help(p, error);
    OptionsCommand command = o->command;
    if (command == COMMAND_TLB && !parse_tlb(p, error))
        return false;
    if (o->command == COMMAND_PRINT_TLB_MODELS)
        return true;
    if (command == COMMAND_BLOCKS || command == COMMAND_REDUCE)
        parse_blocks(p);
    while (p->at < p->argc) {
        const char *word = p->argv[p->at];
        bool end = !strcmp(word, "--");
        if (end)
            p->at++;
        bool file = o->command == COMMAND_IR && !strcmp(word, "-");
        if (end ? p->at < p->argc : file || (word[0] != '-' && word[0] != '+')) {
            if (o->command == COMMAND_CACHE && cache_action(p, error))
                continue;
            if (o->command == COMMAND_CACHE)
                return false;
            if (o->command == COMMAND_TRACE || o->command == COMMAND_IR) {
                if (!(o->command == COMMAND_TRACE ? trace_word : ir_word)(o, p->argv[p->at++], error))
                    return false;
                continue;
            }
            if (o->command == COMMAND_TLB && o->tlb_action > TLB_RECORD) {
                if (!tlb_word(o, p->argv[p->at++], error))
                    return false;
                continue;
            }
            if (!parse_guest(p, error))
                return false;
            break;
        }
        if (end)
            break;
        if (!parse_option(p, error))
            return false;
        if (is_print_command(o->command)) {
            o->help_topic = command;
            return true;
        }
    }
    if (o->command == COMMAND_CACHE)
        return o->cache_action || value_error(error, "cache", "needs list, verify or purge");
    if (o->command == COMMAND_TRACE)
        return o->trace_file || value_error(error, "trace", "needs the file to print");
    if (o->command == COMMAND_TLB && !o->tlb_action)
        return value_error(error, "tlb", "needs record, model, sweep, report or presets");
    default_guest_args(o);
    add_drive_devices(o);
    if (!check_objects(o, error) || !check_chardevs(o, error) || !check_netdevs(o, error))
        return false;
    return check_together(o, error);
}

bool options_parse(Options *out, int argc, char **argv, GError **error)
{
    *out = (Options){
        .machine = "clabpu",
        .load_items = g_array_new(FALSE, FALSE, sizeof(LoadItem)),
        .drives = g_array_new(FALSE, FALSE, sizeof(DriveItem)),
        .virtio = g_array_new(FALSE, FALSE, sizeof(VirtioItem)),
        .ports = g_array_new(FALSE, FALSE, sizeof(VirtioPort)),
        .netdevs = g_array_new(FALSE, FALSE, sizeof(NetItem)),
        .forwards = g_array_new(FALSE, FALSE, sizeof(NetForward)),
        .mmio = g_array_new(FALSE, FALSE, sizeof(MmioItem)),
        .objects = g_ptr_array_new(),
        .blocks_pcs = g_ptr_array_new(),
        .blocks_symbols = g_ptr_array_new(),
        .chardevs = g_array_new(FALSE, FALSE, sizeof(ChardevItem)),
        .symbols = g_ptr_array_new(),
        .serial = "mon:stdio",
        .signature_granularity = 16,
        .jit_opt = -1,
        .icount_shift = -1,
        .ir_set = g_ptr_array_new(),
        .guest_args = g_ptr_array_new(),
        .text = g_string_chunk_new(256),
    };
    cpu_model_init(&out->features);
    Parser p = {.o = out, .argc = argc, .argv = argv, .at = 1};
    GError *why = NULL;
    if (parse_words(&p, &why))
        return true;
    for (char *c = why->message; *c; c++) // what was typed must not break the message into lines
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    g_propagate_error(error, why);
    return false;
}

void options_deinit(Options *options)
{
    g_ptr_array_free(options->guest_args, TRUE);
    g_array_free(options->load_items, TRUE);
    g_array_free(options->drives, TRUE);
    g_array_free(options->virtio, TRUE);
    g_array_free(options->ports, TRUE);
    g_array_free(options->netdevs, TRUE);
    g_array_free(options->forwards, TRUE);
    g_array_free(options->mmio, TRUE);
    g_ptr_array_free(options->objects, TRUE);
    g_ptr_array_free(options->ir_set, TRUE);
    g_ptr_array_free(options->blocks_pcs, TRUE);
    g_ptr_array_free(options->blocks_symbols, TRUE);
    g_ptr_array_free(options->symbols, TRUE);
    g_array_free(options->chardevs, TRUE);
    g_string_chunk_free(options->text);
}
