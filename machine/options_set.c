// SPDX-License-Identifier: GPL-3.0-or-later
// What single options do: each parses its value and fills in its fields of Options.
#include "machine/options_set.h"

#include "machine/cpu_model.h"
#include "machine/options_value.h"
#include "softmmu/tlb.h"
#include "util/log.h"
#include <gio/gio.h>
#include <math.h>
#include <string.h>

#pragma GCC diagnostic ignored "-Wunused-parameter" // all setters have one shape, few need all of it

// Spike's -m<MiB> is an upper bound to its users (riscv-arch-test passes 8796093022208 MiB): more than any
// host can reserve is cut to this.
#define SPIKE_RAM_MAX (UINT64_C(1) << 44)
#define RAM_MAX       (UINT64_C(1) << 60)
#define TIMEOUT_MAX   1e6 // seconds; GLib counts timers in 32 bits of milliseconds

typedef struct {
    ChoiceList list;
    const char *name, *meaning, *help;
} Choice;

static const Choice choices[] = {
#define CHOICE(list, name, meaning, help) {LIST_##list, name, meaning, help},
#include "machine/options.def"
};

const char *options_keep(Options *o, const char *text)
{
    return g_string_chunk_insert_const(o->text, text);
}

void choice_print(ChoiceList list, FILE *out)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(choices); i++)
        if (choices[i].list == list)
            fprintf(out, "%-15s %s\n", choices[i].name, choices[i].help);
}

const char *choose(ChoiceList list, const char *option, const char *value, GError **error)
{
    const char *names[G_N_ELEMENTS(choices)];
    unsigned n = 0;
    for (unsigned i = 0; i < G_N_ELEMENTS(choices); i++) {
        if (choices[i].list != list)
            continue;
        if (!strcmp(choices[i].name, value))
            return choices[i].meaning;
        names[n++] = choices[i].name;
    }
    const char *hint = value_closest(value, names, n);
    if (n == 1) {
        value_error(error, option, "'%s' is not supported, only '%s' is", value, names[0]);
    } else if (hint) {
        value_error(error, option, "unknown value '%s': did you mean '%s'?", value, hint);
    } else {
        names[n] = NULL;
        g_autofree char *all = g_strjoinv(", ", (char **)names);
        value_error(error, option, "unknown value '%s' (one of %s)", value, all);
    }
    return NULL;
}

static bool machine_name(void *opaque, const char *option, const char *value, GError **error)
{
    const char *name = choose(LIST_MACHINE, option, value, error);
    if (name)
        ((Options *)opaque)->machine = name;
    return name;
}

static bool machine_dumpdtb(void *opaque, const char *option, const char *value, GError **error)
{
    Options *o = opaque;
    o->dumpdtb = options_keep(o, value);
    return true;
}

static bool machine_htif_compat(void *opaque, const char *option, const char *value, GError **error)
{
    if (strcmp(value, "qemu") && strcmp(value, "default"))
        return value_error(error, option, "'%s' is neither 'qemu' nor 'default'", value);
    ((Options *)opaque)->htif_compat_qemu = !strcmp(value, "qemu");
    return true;
}

static bool machine_signature(void *opaque, const char *option, const char *value, GError **error)
{
    Options *o = opaque;
    o->signature = options_keep(o, value);
    return true;
}

static bool machine_granularity(void *opaque, const char *option, const char *value, GError **error)
{
    return set_granularity(opaque, option, value, error);
}

static bool accel_name(void *opaque, const char *option, const char *value, GError **error)
{
    const char *name = choose(LIST_ACCEL, option, value, error);
    if (name)
        ((Options *)opaque)->accel = !strcmp(name, "jit")        ? ACCEL_JIT
                                     : !strcmp(name, "interp")   ? ACCEL_INTERP
                                     : !strcmp(name, "baseline") ? ACCEL_BASELINE
                                                                 : ACCEL_CHECK;
    return name;
}

bool set_machine(Options *o, const char *option, const char *value, GError **error)
{
    static const ValueProperty properties[] = {
        {"type", machine_name},
        {"dumpdtb", machine_dumpdtb},
        {"htif-compat", machine_htif_compat},
        {"signature", machine_signature},
        {"signature-granularity", machine_granularity},
        {"accel", accel_name},
    };
    if (!strcmp(value, "help")) {
        o->command = COMMAND_PRINT_MACHINES;
        return true;
    }
    return value_properties(option, value, properties, G_N_ELEMENTS(properties), o, error);
}

bool set_cpu(Options *o, const char *option, const char *value, GError **error)
{
    if (!strcmp(value, "help")) {
        o->command = COMMAND_PRINT_CPUS;
        return true;
    }
    g_auto(GStrv) parts = g_strsplit(value, ",", 2);
    return choose(LIST_CPU, option, parts[0], error) && cpu_model_parse(&o->features, option, value, error);
}

bool set_isa(Options *o, const char *option, const char *value, GError **error)
{
    o->isa = options_keep(o, value);
    return true;
}

static bool ram_size(void *opaque, const char *option, const char *value, GError **error)
{
    uint64_t size;
    if (!value_size(option, value, &size, error))
        return false;
    if (size > RAM_MAX)
        return value_error(error, option, "a size of '%s' is too large", value);
    ((Options *)opaque)->ram_size = size;
    return true;
}

bool set_ram_size(Options *o, const char *option, const char *value, GError **error)
{
    static const ValueProperty properties[] = {{"size", ram_size}};
    return value_properties(option, value, properties, G_N_ELEMENTS(properties), o, error);
}

bool set_spike_ram_size(Options *o, const char *option, const char *value, GError **error)
{
    uint64_t size;
    if (!value_size(option, value, &size, error))
        return false;
    o->ram_size = MIN(size, SPIKE_RAM_MAX);
    return true;
}

bool set_append(Options *o, const char *option, const char *value, GError **error)
{
    o->append = *value ? options_keep(o, value) : NULL;
    return true;
}

bool set_display(Options *o, const char *option, const char *value, GError **error)
{
    return choose(LIST_DISPLAY, option, value, error);
}

static bool monitor_word(Options *o, const char *option, const char *word, GError **error)
{
    const char *equals = strchr(word, '='), *value = equals ? equals + 1 : "on";
    size_t len = equals ? (size_t)(equals - word) : strlen(word);
    if (!strcmp(word, "nowait")) {
        o->monitor_wait = false;
        return true;
    }
    if (len == strlen("server") && !strncmp(word, "server", len))
        return value_on_off(option, value, &o->monitor_server, error);
    if (len == strlen("wait") && !strncmp(word, "wait", len))
        return value_on_off(option, value, &o->monitor_wait, error);
    return value_error(error, option, "'%s' is none of server, wait and nowait", word);
}

// PATH[,server[=on|off]][,wait[=on|off]|,nowait]
static bool monitor_socket(Options *o, const char *option, const char *value, GError **error)
{
    g_auto(GStrv) words = g_strsplit(value, ",", -1);
    if (!words[0] || !*words[0])
        return value_error(error, option, "unix: needs a path behind it");
    o->monitor = MONITOR_UNIX;
    o->monitor_path = options_keep(o, words[0]);
    o->monitor_server = false;
    o->monitor_wait = true;
    for (char **w = words + 1; *w; w++)
        if (!monitor_word(o, option, *w, error))
            return false;
    return true;
}

bool set_monitor(Options *o, const char *option, const char *value, GError **error)
{
    if (g_str_has_prefix(value, "unix:"))
        return monitor_socket(o, option, value + strlen("unix:"), error);
    const char *name = choose(LIST_MONITOR, option, value, error);
    if (name)
        o->monitor = !strcmp(name, "stdio") ? MONITOR_STDIO : MONITOR_NONE;
    return name;
}

bool set_serial(Options *o, const char *option, const char *value, GError **error)
{
    if (!strcmp(value, "file:"))
        return value_error(error, option, "file: needs a path behind it");
    if (!strcmp(value, "chardev:"))
        return value_error(error, option, "chardev: needs the id of a -chardev behind it");
    o->serial_given = true;
    bool named = g_str_has_prefix(value, "file:") || g_str_has_prefix(value, "chardev:");
    o->serial = named ? options_keep(o, value) : choose(LIST_SERIAL, option, value, error);
    return o->serial;
}

static bool semihosting_enable(void *opaque, const char *option, const char *value, GError **error)
{
    return value_on_off(option, value, &((Options *)opaque)->semihosting, error);
}

static bool semihosting_target(void *opaque, const char *option, const char *value, GError **error)
{
    if (!strcmp(value, "native") || !strcmp(value, "auto"))
        return true;
    return value_error(error, option, "'%s' is not supported, only 'native' and 'auto' are", value);
}

static bool semihosting_arg(void *opaque, const char *option, const char *value, GError **error)
{
    Options *o = opaque;
    g_ptr_array_add(o->guest_args, (void *)options_keep(o, value));
    return true;
}

bool set_semihosting(Options *o, const char *option, const char *value, GError **error)
{
    static const ValueProperty properties[] = {
        {"enable", semihosting_enable},
        {"target", semihosting_target},
        {"arg", semihosting_arg},
    };
    o->semihosting = true;
    return value_properties(option, value, properties, G_N_ELEMENTS(properties), o, error);
}

bool set_granularity(Options *o, const char *option, const char *value, GError **error)
{
    uint64_t n;
    if (!value_count(option, value, 1, 4096, &n, error))
        return false;
    o->signature_granularity = n;
    return true;
}

static bool accel_threshold(void *opaque, const char *option, const char *value, GError **error)
{
    return value_count(option, value, 1, UINT32_MAX, &((Options *)opaque)->jit_threshold, error);
}

static bool accel_warm(void *opaque, const char *option, const char *value, GError **error)
{
    return value_count(option, value, 1, INT32_MAX, &((Options *)opaque)->jit_warm, error);
}

static bool accel_baseline(void *opaque, const char *option, const char *value, GError **error)
{
    bool on;
    if (!value_on_off(option, value, &on, error))
        return false;
    ((Options *)opaque)->jit_no_baseline = !on;
    return true;
}

static bool accel_opt(void *opaque, const char *option, const char *value, GError **error)
{
    uint64_t n;
    if (!value_count(option, value, 0, 3, &n, error))
        return false;
    ((Options *)opaque)->jit_opt = n;
    return true;
}

static bool accel_workers(void *opaque, const char *option, const char *value, GError **error)
{
    uint64_t n;
    if (!value_count(option, value, 1, 64, &n, error))
        return false;
    ((Options *)opaque)->jit_workers = n;
    return true;
}

static bool accel_tb_size(void *opaque, const char *option, const char *value, GError **error)
{
    uint64_t mib;
    if (!value_count(option, value, 1, 1024, &mib, error)) // jumps between units reach 2 GiB
        return false;
    ((Options *)opaque)->jit_code_size = (size_t)mib << 20;
    return true;
}

static bool accel_sync(void *opaque, const char *option, const char *value, GError **error)
{
    return value_on_off(option, value, &((Options *)opaque)->jit_sync, error);
}

// QEMU scripts pass it; with one hart its two values mean the same.
static bool accel_thread(void *opaque, const char *option, const char *value, GError **error)
{
    if (!strcmp(value, "single") || !strcmp(value, "multi"))
        return true;
    return value_error(error, option, "'%s' is neither 'single' nor 'multi'", value);
}

static bool accel_one_insn(void *opaque, const char *option, const char *value, GError **error)
{
    return value_on_off(option, value, &((Options *)opaque)->one_insn, error);
}

static bool accel_plant(void *opaque, const char *option, const char *value, GError **error)
{
    return set_plant(opaque, option, value, error);
}

bool set_accel(Options *o, const char *option, const char *value, GError **error)
{
    static const ValueProperty properties[] = {
        {"accel", accel_name},       {"threshold", accel_threshold}, {"warm", accel_warm}, {"opt", accel_opt},
        {"workers", accel_workers},  {"thread", accel_thread},       {"sync", accel_sync},
        {"baseline", accel_baseline}, {"tb-size", accel_tb_size}, {"one-insn-per-tb", accel_one_insn},
        {"plant", accel_plant},
    };
    if (!strcmp(value, "help")) {
        o->command = COMMAND_PRINT_ACCELS;
        return true;
    }
    return value_properties(option, value, properties, G_N_ELEMENTS(properties), o, error);
}

bool set_cache_size(Options *o, const char *option, const char *value, GError **error)
{
    return value_size(option, value, &o->cache_size, error);
}

bool set_tlb_bits(Options *o, const char *option, const char *value, GError **error)
{
    uint64_t n;
    if (!value_count(option, value, TLB_MIN_BITS, TLB_MAX_BITS, &n, error))
        return false;
    o->tlb_bits = n;
    return true;
}

bool set_timeout(Options *o, const char *option, const char *value, GError **error)
{
    char *end;
    double seconds = g_ascii_strtod(value, &end);
    // strtod also takes nan, inf, signs and blanks.
    bool plain = strspn(value, "0123456789.") == strlen(value);
    if (!plain || end == value || *end || !isfinite(seconds) || seconds <= 0 || seconds > TIMEOUT_MAX)
        return value_error(error, option, "'%s' is not a number of seconds above 0 and up to %.0f", value,
                           TIMEOUT_MAX);
    o->timeout = seconds;
    return true;
}

bool set_aot_run(Options *o, const char *option, const char *value, GError **error)
{
    o->aot_run = set_timeout(o, option, value, error);
    return o->aot_run;
}

bool set_instructions(Options *o, const char *option, const char *value, GError **error)
{
    return value_count(option, value, 1, UINT64_MAX, &o->instructions, error);
}

bool set_log_items(Options *o, const char *option, const char *value, GError **error)
{
    if (!strcmp(value, "help")) {
        o->command = COMMAND_PRINT_LOG_ITEMS;
        return true;
    }
    return log_parse_items(value, error);
}

bool set_log_filter(Options *o, const char *option, const char *value, GError **error)
{
    return log_parse_filter(value, error);
}

bool set_stats(Options *o, const char *option, const char *value, GError **error)
{
    o->stats_quick = value && g_str_has_prefix(value, "quick") && (!value[5] || value[5] == ',');
    if (o->stats_quick)
        value = value[5] ? value + 6 : NULL;
    o->stats = value ? STATS_JSON : STATS_TEXT;
    o->stats_file = NULL;
    if (!value || !strcmp(value, "json"))
        return true;
    if (g_str_has_prefix(value, "json:") && value[5]) {
        o->stats_file = options_keep(o, value + 5);
        return true;
    }
    return value_error(error, option, "'%s' is neither 'json' nor 'json:FILE'", value);
}

bool ask_version(Options *o, const char *option, const char *value, GError **error)
{
    o->command = COMMAND_PRINT_VERSION;
    return true;
}

bool ask_help(Options *o, const char *option, const char *value, GError **error)
{
    o->command = COMMAND_PRINT_HELP;
    return true;
}
