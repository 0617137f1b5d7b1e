// SPDX-License-Identifier: GPL-3.0-or-later
// Options of logs of instructions.
#include "machine/options_set.h"

#include "machine/options_value.h"
#include <string.h>

#pragma GCC diagnostic ignored "-Wunused-parameter" // all setters have one shape, few need all of it

#define HARTS_MAX 64 // that harts= can name

static bool trace_file(void *opaque, const char *option, const char *value, GError **error)
{
    Options *o = opaque;
    o->trace_insns.file = options_keep(o, value);
    return *value || value_error(error, option, "the name of the file is empty");
}

static bool trace_start(void *opaque, const char *option, const char *value, GError **error)
{
    Options *o = opaque;
    o->trace_insns.start = options_keep(o, value);
    return true;
}

static bool trace_stop(void *opaque, const char *option, const char *value, GError **error)
{
    Options *o = opaque;
    o->trace_insns.stop = options_keep(o, value);
    return true;
}

static bool trace_skip(void *opaque, const char *option, const char *value, GError **error)
{
    return value_count(option, value, 0, UINT64_MAX, &((Options *)opaque)->trace_insns.skip, error);
}

static bool trace_count(void *opaque, const char *option, const char *value, GError **error)
{
    return value_count(option, value, 1, UINT64_MAX, &((Options *)opaque)->trace_insns.count, error);
}

static bool trace_regs(void *opaque, const char *option, const char *value, GError **error)
{
    return value_on_off(option, value, &((Options *)opaque)->trace_insns.regs, error);
}

static bool trace_mem(void *opaque, const char *option, const char *value, GError **error)
{
    return value_on_off(option, value, &((Options *)opaque)->trace_insns.mem, error);
}

// "0", "0-3", "0:2-3".
static bool trace_harts(void *opaque, const char *option, const char *value, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(value, ":", -1);
    TraceItem *t = &((Options *)opaque)->trace_insns;
    for (char **p = parts; *p; p++) {
        char *dash = strchr(*p, '-');
        uint64_t first, last;
        if (dash)
            *dash++ = 0;
        if (!value_count(option, *p, 0, HARTS_MAX - 1, &first, error) ||
            !value_count(option, dash ? dash : *p, first, HARTS_MAX - 1, &last, error))
            return false;
        for (; first <= last; first++)
            t->harts |= UINT64_C(1) << first;
    }
    return t->harts || value_error(error, option, "names no hart");
}

static bool trace_format(void *opaque, const char *option, const char *value, GError **error)
{
    ((Options *)opaque)->trace_insns.text = !strcmp(value, "text");
    return !strcmp(value, "text") || !strcmp(value, "binary") ||
           value_error(error, option, "'%s' is neither 'binary' nor 'text'", value);
}

bool set_trace_insns(Options *o, const char *option, const char *value, GError **error)
{
    static const ValueProperty properties[] = {
        {"file", trace_file}, {"start", trace_start}, {"stop", trace_stop}, {"skip", trace_skip},
        {"count", trace_count}, {"regs", trace_regs}, {"mem", trace_mem}, {"harts", trace_harts},
        {"format", trace_format},
    };
    o->trace_insns = (TraceItem){0};
    if (!value_properties(option, value, properties, G_N_ELEMENTS(properties), o, error))
        return false;
    return o->trace_insns.file || value_error(error, option, "needs a file");
}

bool trace_word(Options *o, const char *word, GError **error)
{
    if (!*word)
        return value_error(error, "trace", "the name of the file is empty");
    if (o->trace_file)
        return value_error(error, "trace", "one file at a time, not %s and %s", o->trace_file, word);
    o->trace_file = options_keep(o, word);
    return true;
}

bool check_logs(const Options *o, GError **error)
{
    const char *what = o->log_commits         ? "--log-commits"
                       : o->log_insns         ? "-l"
                       : o->trace_insns.file  ? "--trace-insns"
                                              : NULL;
    if (o->spike_log && !o->log_commits && !o->log_insns)
        return value_error(error, "--log", "says where --log-commits and -l go, of which neither is given");
    if (!what)
        return true;
    if (o->accel == ACCEL_CHECK)
        return value_error(error, what, "not with -accel check, which runs the guest twice");
    if (o->tlb_model || o->tlb_action == TLB_RECORD)
        return value_error(error, what, "not while accesses are recorded for the TLB laboratory");
    return true;
}
