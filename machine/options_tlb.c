// SPDX-License-Identifier: GPL-3.0-or-later
// Options of the TLB laboratory.
#include "machine/options_set.h"

#include "machine/options_value.h"
#include <string.h>

#pragma GCC diagnostic ignored "-Wunused-parameter" // all setters have one shape, few need all of it

#define ENTRIES_MAX 65536
#define SETS_MAX    65536
#define WAYS_MAX    64
#define SAMPLE_MAX  1000000

static const char *keep(Options *o, const char *text)
{
    return g_string_chunk_insert_const(o->text, text);
}

static const char *const action_names[] = {"record", "model", "sweep", "report", "presets"};

const char *options_tlb_action(OptionsTlbAction action)
{
    return action_names[action - TLB_RECORD];
}
enum { ACTIONS = 4 }; // without presets

bool tlb_action(const char *word, OptionsTlbAction *out, GError **error)
{
    for (unsigned i = 0; i < ACTIONS; i++) {
        if (!strcmp(word, action_names[i])) {
            *out = (OptionsTlbAction)(TLB_RECORD + i);
            return true;
        }
    }
    const char *hint = value_closest(word, action_names, G_N_ELEMENTS(action_names));
    if (!*word)
        return value_error(error, "tlb", "needs record, model, sweep, report or presets");
    if (hint)
        return value_error(error, "tlb", "there is no '%s': did you mean '%s'?", word, hint);
    return value_error(error, "tlb", "'%s' is none of record, model, sweep, report and presets", word);
}

bool tlb_word(Options *o, const char *word, GError **error)
{
    const char *action = options_tlb_action(o->tlb_action);
    if (!*word)
        return value_error(error, action, "the name of the trace is empty");
    if (o->tlb_trace)
        return value_error(error, action, "one trace at a time, not %s and %s", o->tlb_trace, word);
    o->tlb_trace = keep(o, word);
    return true;
}

// The format that a file's name stands for; FORMAT_NONE: none.
static OptionsFormat ending_format(const char *path)
{
    static const struct {
        const char *ending;
        OptionsFormat format;
    } endings[] = {{".txt", FORMAT_TEXT}, {".json", FORMAT_JSON}, {".csv", FORMAT_CSV}, {".svg", FORMAT_SVG},
                   {".html", FORMAT_HTML}};
    for (unsigned i = 0; i < G_N_ELEMENTS(endings); i++)
        if (g_str_has_suffix(path, endings[i].ending))
            return endings[i].format;
    return FORMAT_NONE;
}

bool set_tlb_model(Options *o, const char *option, const char *value, GError **error)
{
    if (!strcmp(value, "help"))
        o->command = COMMAND_PRINT_TLB_MODELS;
    o->tlb_model = keep(o, value);
    return true;
}

bool set_tlb_report(Options *o, const char *option, const char *value, GError **error)
{
    OptionsFormat f = ending_format(value);
    o->tlb_report = keep(o, value);
    return (f >= FORMAT_TEXT && f <= FORMAT_CSV) ||
           value_error(error, option, "'%s' does not end in .txt, .json or .csv", value);
}

bool set_tlb_output(Options *o, const char *option, const char *value, GError **error)
{
    OptionsFormat f = ending_format(value);
    o->tlb_output = keep(o, value);
    if (o->tlb_action == TLB_MODEL && (f < FORMAT_TEXT || f > FORMAT_CSV))
        return value_error(error, option, "'%s' does not end in .txt, .json or .csv", value);
    if (o->tlb_action == TLB_SWEEP && (f < FORMAT_TEXT || f > FORMAT_SVG))
        return value_error(error, option, "'%s' does not end in .txt, .json, .csv or .svg", value);
    return true;
}

bool set_tlb_format(Options *o, const char *option, const char *value, GError **error)
{
    static const char *const names[] = {"text", "json", "csv", "svg", "html"};
    const char *name = choose(LIST_FORMAT, option, value, error);
    for (unsigned i = 0; name && i < G_N_ELEMENTS(names); i++)
        if (!strcmp(name, names[i]))
            o->tlb_format = (OptionsFormat)(FORMAT_TEXT + i);
    return name;
}

static bool set_number(const char *option, const char *value, uint64_t max, unsigned *out, GError **error)
{
    uint64_t n;
    if (!value_count(option, value, 1, max, &n, error))
        return false;
    *out = (unsigned)n;
    return true;
}

bool set_tlb_entries(Options *o, const char *option, const char *value, GError **error)
{
    return set_number(option, value, ENTRIES_MAX, &o->tlb_max_entries, error);
}

bool set_tlb_sets(Options *o, const char *option, const char *value, GError **error)
{
    if (!set_number(option, value, SETS_MAX, &o->tlb_max_sets, error))
        return false;
    return !(o->tlb_max_sets & (o->tlb_max_sets - 1)) ||
           value_error(error, option, "'%s' is not a power of two", value);
}

bool set_tlb_ways(Options *o, const char *option, const char *value, GError **error)
{
    return set_number(option, value, WAYS_MAX, &o->tlb_max_ways, error);
}

bool set_tlb_sample(Options *o, const char *option, const char *value, GError **error)
{
    return set_number(option, value, SAMPLE_MAX, &o->tlb_sample, error);
}

bool set_tlb_asid(Options *o, const char *option, const char *value, GError **error)
{
    bool on;
    if (!value_on_off(option, value, &on, error))
        return false;
    o->tlb_no_asid = !on;
    o->tlb_asid_given = true;
    return true;
}

bool set_tlb_bare(Options *o, const char *option, const char *value, GError **error)
{
    o->tlb_bare_given = true;
    return value_on_off(option, value, &o->tlb_bare, error);
}

bool set_tlb_sizes(Options *o, const char *option, const char *value, GError **error)
{
    static const struct {
        const char *name;
        unsigned bits;
    } sizes[] = {{"4K", 12}, {"64K", 16}, {"2M", 21}, {"1G", 30}, {"512G", 39}, {"256T", 48}};
    o->tlb_sizes = 0;
    if (!strcmp(value, "all"))
        return true;
    g_auto(GStrv) words = g_strsplit(value, ",", -1);
    for (char **w = words; *w; w++) {
        unsigned i = 0;
        while (i < G_N_ELEMENTS(sizes) && g_ascii_strcasecmp(*w, sizes[i].name))
            i++;
        if (i == G_N_ELEMENTS(sizes))
            return value_error(error, option, "'%s' is none of 4K, 64K, 2M, 1G, 512G, 256T and all", *w);
        o->tlb_sizes |= UINT64_C(1) << sizes[i].bits;
    }
    return true;
}

bool check_tlb(Options *o, GError **error)
{
    if (o->tlb_report && !o->tlb_model)
        return value_error(error, "--tlb-report", "only allowed with --tlb-model");
    bool taps = o->tlb_action == TLB_RECORD || (o->tlb_model && !o->tlb_action);
    if (taps && o->accel == ACCEL_CHECK)
        return value_error(error, o->tlb_model ? "--tlb-model" : "record",
                           "accesses are not recorded with -accel check");
    if (o->command == COMMAND_AOT && o->tlb_model)
        return value_error(error, "aot", "--tlb-model has no use here");
    if (o->command != COMMAND_TLB)
        return true;
    const char *action = options_tlb_action(o->tlb_action);
    if (o->tlb_action == TLB_RECORD && o->tlb_model)
        return value_error(error, action, "--tlb-model is for addend tlb model, or a run without recording");
    if (o->tlb_action == TLB_RECORD && o->dumpdtb)
        return value_error(error, action, "dumpdtb= has no use here");
    if (!o->tlb_trace)
        return value_error(error, action, o->tlb_action == TLB_RECORD ? "needs -o TRACE" : "needs a trace");
    if (o->tlb_action == TLB_MODEL && !o->tlb_model)
        return value_error(error, action, "needs --tlb-model (addend tlb presets lists some)");
    OptionsFormat ending = o->tlb_output ? ending_format(o->tlb_output) : FORMAT_NONE;
    if (o->tlb_format && ending && o->tlb_format != ending)
        return value_error(error, "--format", "the ending of %s says something else", o->tlb_output);
    if (o->tlb_format == FORMAT_SVG && !o->tlb_output)
        return value_error(error, "--format", "svg: there are several charts: needs -o DIRECTORY");
    return true;
}
