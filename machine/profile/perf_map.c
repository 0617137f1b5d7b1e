// SPDX-License-Identifier: GPL-3.0-or-later
// perf's map of a process: lines "START SIZE NAME" in hexadecimal, that perf report reads from /tmp/perf-PID.map.
#include "machine/profile/perf_private.h"

#include <inttypes.h>
#include <unistd.h>

FILE *perf_map_open(char **path, GError **error)
{
    *path = g_strdup_printf("/tmp/perf-%d.map", (int)getpid());
    return perf_new_file("-perfmap", *path, error);
}

void perf_map_add(FILE *f, const PerfCode *code)
{
    const JitUnit *u = code->unit;
    fprintf(f, "%" PRIxPTR " %zx %s\n", (uintptr_t)u->text, u->code_size, code->name);
    if (u->cold_size)
        fprintf(f, "%" PRIxPTR " %zx %s\n", (uintptr_t)u->cold, u->cold_size, code->name);
    fflush(f); // the process may end in any way
}
