// SPDX-License-Identifier: GPL-3.0-or-later
// Options of the profiles: --flame, --timeline, --mix and --hot.
#include "machine/options_set.h"

#include "machine/options_value.h"
#include <string.h>

#pragma GCC diagnostic ignored "-Wunused-parameter" // all setters have one shape, few need all of it

#define PERIOD_MIN 100
#define HOT_MAX 1000000

// Whether path ends in one of these, of which the last is NULL.
static bool ends_in(const char *path, const char *const *endings)
{
    for (; *endings; endings++)
        if (g_str_has_suffix(path, *endings))
            return true;
    return false;
}

static bool flame_file(void *opaque, const char *option, const char *value, GError **error)
{
    static const char *const endings[] = {".folded", ".txt", ".svg", ".html", ".json", NULL};
    Options *o = opaque;
    o->flame = options_keep(o, value);
    return ends_in(value, endings) ||
           value_error(error, option, "'%s' does not end in .folded, .txt, .svg, .html or .json", value);
}

static bool flame_period(void *opaque, const char *option, const char *value, GError **error)
{
    return value_count(option, value, PERIOD_MIN, INT64_MAX / 4, &((Options *)opaque)->flame_period, error);
}

static bool flame_harts(void *opaque, const char *option, const char *value, GError **error)
{
    return value_on_off(option, value, &((Options *)opaque)->flame_harts, error);
}

bool set_flame(Options *o, const char *option, const char *value, GError **error)
{
    static const ValueProperty properties[] = {{"file", flame_file}, {"period", flame_period}, {"harts", flame_harts}};
    o->flame = NULL;
    return value_properties(option, value, properties, G_N_ELEMENTS(properties), o, error) &&
           (o->flame || value_error(error, option, "needs a file"));
}

static bool timeline_file(void *opaque, const char *option, const char *value, GError **error)
{
    static const char *const endings[] = {".json", NULL};
    Options *o = opaque;
    o->timeline = options_keep(o, value);
    return ends_in(value, endings) || value_error(error, option, "'%s' does not end in .json", value);
}

static bool timeline_time(void *opaque, const char *option, const char *value, GError **error)
{
    Options *o = opaque;
    o->timeline_guest_time = !strcmp(value, "guest");
    return o->timeline_guest_time || !strcmp(value, "host") ||
           value_error(error, option, "'%s' is neither host nor guest", value);
}

bool set_timeline(Options *o, const char *option, const char *value, GError **error)
{
    static const ValueProperty properties[] = {{"file", timeline_file}, {"time", timeline_time}};
    o->timeline = NULL;
    return value_properties(option, value, properties, G_N_ELEMENTS(properties), o, error) &&
           (o->timeline || value_error(error, option, "needs a file"));
}

bool set_mix(Options *o, const char *option, const char *value, GError **error)
{
    static const char *const endings[] = {".txt", ".json", ".csv", NULL};
    o->mix = true;
    o->mix_file = value ? options_keep(o, value) : NULL;
    return !value || ends_in(value, endings) ||
           value_error(error, option, "'%s' does not end in .txt, .json or .csv", value);
}

static bool hot_count(void *opaque, const char *option, const char *value, GError **error)
{
    return value_count(option, value, 1, HOT_MAX, &((Options *)opaque)->hot, error);
}

static bool hot_file(void *opaque, const char *option, const char *value, GError **error)
{
    static const char *const endings[] = {".txt", ".json", NULL};
    Options *o = opaque;
    o->hot_file = options_keep(o, value);
    return ends_in(value, endings) || value_error(error, option, "'%s' does not end in .txt or .json", value);
}

bool set_hot(Options *o, const char *option, const char *value, GError **error)
{
    static const ValueProperty properties[] = {{"count", hot_count}, {"file", hot_file}};
    o->hot = OPTIONS_HOT_DEFAULT;
    o->hot_file = NULL;
    return !value || value_properties(option, value, properties, G_N_ELEMENTS(properties), o, error);
}

bool check_profile(const Options *o, GError **error)
{
    const char *asked = o->flame ? "--flame" : o->timeline ? "--timeline" : o->mix ? "--mix" : o->hot ? "--hot" : NULL;
    if (o->command == COMMAND_AOT && asked)
        return value_error(error, "aot", "%s has no use here", asked);
    return true;
}
