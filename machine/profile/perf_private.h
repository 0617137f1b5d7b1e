// SPDX-License-Identifier: GPL-3.0-or-later
// What -perfmap and -jitdump share.
#pragma once
#include "backend/code_cache.h"
#include "machine/names.h"
#include <stdio.h>

typedef struct { // a stretch of compiled code that has just been made
    const JitUnit *unit;
    Cpu *cpu;
    Names *names;
    const char *name;        // "fib+0x10 [baseline]"
    const char *common_name; // "fib [baseline]"
    const char *function;    // as Name has it; NULL: not known
} PerfCode;

// perf.c: a file that is written and read; one of that name is removed, whoever put it there. option: for *error.
FILE *perf_new_file(const char *option, const char *path, GError **error);

// perf_map.c: /tmp/perf-PID.map.
FILE *perf_map_open(char **path, GError **error);
void perf_map_add(FILE *f, const PerfCode *code);

// perf_jitdump.c: jit-PID.dump and the listing beside it.
typedef struct JitDump JitDump;
JitDump *jitdump_open(GError **error);
void jitdump_add(JitDump *d, const PerfCode *code);
bool jitdump_close(JitDump *d, GError **error); // false: not all could be written
