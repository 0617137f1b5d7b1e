// SPDX-License-Identifier: GPL-3.0-or-later
// Options of addend blocks.
#include "machine/options_set.h"

#include "machine/options_value.h"
#include <string.h>

#pragma GCC diagnostic ignored "-Wunused-parameter" // all setters have one shape, few need all of it

#define TOP_MAX  1000000
#define FILL_MAX 1000000
#define FILL_TIME_MAX 86400 // seconds

static const char *const tier_names[] = {"interpreter", "baseline", "region"}; // by CodeTier

bool set_blocks_pc(Options *o, const char *option, const char *value, GError **error)
{
    g_ptr_array_add(o->blocks_pcs, (void *)options_keep(o, value));
    return true;
}

bool set_blocks_symbol(Options *o, const char *option, const char *value, GError **error)
{
    g_ptr_array_add(o->blocks_symbols, (void *)options_keep(o, value));
    return true;
}

static bool set_number(const char *option, const char *value, uint64_t min, uint64_t max, unsigned *out,
                       GError **error)
{
    uint64_t n;
    if (!value_count(option, value, min, max, &n, error))
        return false;
    *out = (unsigned)n;
    return true;
}

bool set_blocks_top(Options *o, const char *option, const char *value, GError **error)
{
    o->blocks_top_given = true;
    o->blocks_top = 0;
    return !strcmp(value, "all") || set_number(option, value, 1, TOP_MAX, &o->blocks_top, error);
}

bool set_blocks_tier(Options *o, const char *option, const char *value, GError **error)
{
    g_auto(GStrv) words = g_strsplit(value, ",", -1);
    for (char **w = words; *w; w++) {
        unsigned i = 0;
        while (i < G_N_ELEMENTS(tier_names) && strcmp(*w, tier_names[i]))
            i++;
        const char *hint = value_closest(*w, tier_names, G_N_ELEMENTS(tier_names));
        if (i == G_N_ELEMENTS(tier_names) && hint)
            return value_error(error, option, "'%s' is no tier: did you mean '%s'?", *w, hint);
        if (i == G_N_ELEMENTS(tier_names))
            return value_error(error, option, "'%s' is none of interpreter, baseline and region", *w);
        o->blocks_tiers |= 1u << i;
    }
    return true;
}

bool set_blocks_fill(Options *o, const char *option, const char *value, GError **error)
{
    o->blocks_fill_given = true;
    return set_number(option, value, 0, FILL_MAX, &o->blocks_fill, error);
}

bool set_blocks_fill_time(Options *o, const char *option, const char *value, GError **error)
{
    return set_number(option, value, 1, FILL_TIME_MAX, &o->blocks_fill_time, error);
}

static OptionsFormat ending_format(const char *path)
{
    static const struct {
        const char *ending;
        OptionsFormat format;
    } endings[] = {{".txt", FORMAT_TEXT}, {".json", FORMAT_JSON}, {".dot", FORMAT_DOT}, {".gv", FORMAT_DOT},
                   {".html", FORMAT_HTML}};
    for (unsigned i = 0; i < G_N_ELEMENTS(endings); i++)
        if (g_str_has_suffix(path, endings[i].ending))
            return endings[i].format;
    return FORMAT_NONE;
}

bool set_blocks_output(Options *o, const char *option, const char *value, GError **error)
{
    o->blocks_output = options_keep(o, value);
    return true;
}

bool set_blocks_format(Options *o, const char *option, const char *value, GError **error)
{
    const char *name = choose(LIST_BLOCKS_FORMAT, option, value, error);
    if (!name)
        return false;
    o->blocks_format = !strcmp(name, "json")  ? FORMAT_JSON
                       : !strcmp(name, "dot") ? FORMAT_DOT
                       : !strcmp(name, "html") ? FORMAT_HTML
                                               : FORMAT_TEXT;
    return true;
}

bool check_blocks(Options *o, GError **error)
{
    if (o->command != COMMAND_BLOCKS)
        return true;
    if (o->dumpdtb)
        return value_error(error, "blocks", "dumpdtb= has no use here");
    OptionsFormat ending = o->blocks_output ? ending_format(o->blocks_output) : FORMAT_NONE;
    if (o->blocks_format && ending && o->blocks_format != ending)
        return value_error(error, "--format", "the ending of %s says something else", o->blocks_output);
    if (o->blocks_output && !ending && !o->blocks_format)
        return value_error(error, "-o", "'%s' does not end in .txt, .json, .dot or .html: needs --format",
                           o->blocks_output);
    if (!o->blocks_format)
        o->blocks_format = ending ? ending : FORMAT_TEXT;
    return true;
}
