// SPDX-License-Identifier: GPL-3.0-or-later
// The persistent code cache as the command line has it.
#pragma once
#include "backend/region_store.h"
#include "machine/options.h"

// The cache that a run with these options uses. NULL if there is to be none, or if it cannot be used: then a line on
// stderr says why, except where the default folder just cannot be made.
RegionStore *code_cache_open(const Options *o);

// A number of what these options load, by which a later run with the same finds its baseline blocks again (which it
// compares with the guest's code: two programs may share a number). Never 0.
uint64_t code_cache_program(const Options *o);

// addend cache list|verify|purge. False: *error, or without one if something damaged was found.
bool code_cache_command(const Options *o, FILE *out, GError **error);
