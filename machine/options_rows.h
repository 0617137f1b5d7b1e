// SPDX-License-Identifier: GPL-3.0-or-later
// The rows of options.def as data, for options.c, which parses, and options_help.c, which prints.
#pragma once
#include "machine/options_set.h"

// Which commands an option belongs to.
enum { RUN = 1, MTREE = 2, ALL = RUN | MTREE, CACHE = 4, AOT = 8, RECORD = 16, MODEL = 32, SWEEP = 64, REPORT = 128 };
enum { TLB = RECORD | MODEL | SWEEP | REPORT, BLOCKS = 256, REDUCE = 512, IR = 1024, TRACE = 4096 };

typedef enum { ACTION_FLAG, ACTION_TEXT, ACTION_CALL } Action;

typedef struct {
    const char *group; // a heading: all else is NULL
    const char *name, *alias_of, *argument, *help;
    unsigned scope;
    Action action;
    size_t field; // of Options, for ACTION_FLAG and ACTION_TEXT
    OptionSet *call;
} OptionRow;

extern const OptionRow option_rows[];
extern const unsigned option_n_rows;

// Whether its argument may be left out: it is attached by '=' then.
static inline bool option_is_optional(const OptionRow *row)
{
    return row->argument && row->argument[0] == '[' && row->argument[1] == '=';
}
