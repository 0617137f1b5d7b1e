// SPDX-License-Identifier: GPL-3.0-or-later
// Options of addend ir and addend blocks reduce.
#include "machine/options_set.h"

#include "machine/options_value.h"
#include <string.h>

#pragma GCC diagnostic ignored "-Wunused-parameter" // all setters have one shape, few need all of it

#define SECONDS_MAX 86400

bool ir_word(Options *o, const char *word, GError **error)
{
    static const char *const names[] = {"run", "opt", "compile"};
    if (o->ir_action) {
        if (!*word)
            return value_error(error, "ir", "the file name is empty");
        if (o->ir_file)
            return value_error(error, "ir", "one file at a time, not %s and %s", o->ir_file, word);
        o->ir_file = options_keep(o, word);
        return true;
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++)
        if (!strcmp(word, names[i]))
            o->ir_action = (OptionsIrAction)(IR_RUN + i);
    return o->ir_action || value_error(error, "ir", "'%s' is none of run, opt and compile", word);
}

bool set_ir_accel(Options *o, const char *option, const char *value, GError **error)
{
    static const char *const names[] = {"eval", "interp", "baseline", "jit", "all"};
    const char *name = choose(LIST_IR_ACCEL, option, value, error);
    for (unsigned i = 0; name && i < G_N_ELEMENTS(names); i++)
        if (!strcmp(name, names[i]))
            o->ir_accel = (OptionsIrAccel)i;
    return name;
}

bool set_ir_set(Options *o, const char *option, const char *value, GError **error)
{
    g_ptr_array_add(o->ir_set, (void *)options_keep(o, value));
    return true;
}

bool set_ir_at(Options *o, const char *option, const char *value, GError **error)
{
    guint64 v;
    bool hex = g_str_has_prefix(value, "0x");
    if (!g_ascii_string_to_unsigned(hex ? value + 2 : value, hex ? 16 : 10, 0, UINT64_MAX, &v, NULL))
        return value_error(error, option, "'%s' is no address", value);
    o->ir_at = v;
    return o->ir_at_given = true;
}

bool set_ir_tier(Options *o, const char *option, const char *value, GError **error)
{
    o->ir_baseline = !strcmp(value, "baseline");
    return o->ir_baseline || !strcmp(value, "region") ||
           value_error(error, option, "'%s' is neither baseline nor region", value);
}

bool set_ir_opt(Options *o, const char *option, const char *value, GError **error)
{
    uint64_t n;
    if (!value_count(option, value, 0, 3, &n, error))
        return false;
    o->jit_opt = (int)n;
    return true;
}

// What others have compiled is right, and what is compiled now is not for others.
bool set_plant(Options *o, const char *option, const char *value, GError **error)
{
    o->plant = options_keep(o, value);
    return o->no_cache = true;
}

bool set_reduce_seconds(Options *o, const char *option, const char *value, GError **error)
{
    uint64_t n;
    if (!value_count(option, value, 1, SECONDS_MAX, &n, error))
        return false;
    o->reduce_seconds = (double)n;
    return true;
}

bool check_ir(Options *o, GError **error)
{
    if (o->command == COMMAND_REDUCE) {
        if (o->dumpdtb)
            return value_error(error, "blocks reduce", "dumpdtb= has no use here");
        o->accel = ACCEL_CHECK;
        o->no_cache = true;
        return true;
    }
    if (o->command != COMMAND_IR)
        return true;
    if (!o->ir_action)
        return value_error(error, "ir", "needs run, opt or compile");
    if (!o->ir_file)
        return value_error(error, "ir", "needs a file (- for standard input)");
    if (o->ir_action != IR_OPT && (o->ir_print_changed || o->ir_print_all || o->ir_verify))
        return value_error(error, o->ir_verify ? "--verify" : o->ir_print_all ? "--print-after-all" : "--print-changed",
                           "only for addend ir opt");
    if (o->ir_action != IR_COMPILE && (o->ir_gimple || o->ir_asm || o->ir_baseline))
        return value_error(error, o->ir_gimple ? "--gimple" : o->ir_asm ? "--asm" : "--tier",
                           "only for addend ir compile");
    if (o->ir_baseline && o->ir_gimple)
        return value_error(error, "--gimple", "baseline code is not made by GCC");
    if (o->ir_action == IR_RUN && o->ir_passes)
        return value_error(error, "--passes", "only for addend ir opt and compile");
    return true;
}

const char *irtool_usage(OptionsCommand topic)
{
    return topic == COMMAND_IR
               ? "usage: addend ir run|opt|compile [options] FILE\n"
                 "Runs IR text from the state that its comments give, by one engine or all; shows what the passes\n"
                 "make of it; compiles it. FILE is what a dump printed, a log with such dumps in it, or - for\n"
                 "standard input.\n"
               : "usage: addend blocks reduce [-o CASE.ir] [options] [guest.elf [arguments...]]\n"
                 "       addend blocks reduce demo [options]\n"
                 "Runs the guest with -accel check. Where compiled code differs from the interpreter, makes the\n"
                 "smallest piece of IR of it that still does, and says which pass or tier gets which op wrong. The\n"
                 "options are also those of a run.\n";
}
