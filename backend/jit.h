// SPDX-License-Identifier: GPL-3.0-or-later
// One compilation in the worker: IR text in, object file out.
#pragma once
#include "backend/jit_abi.h"
#include <glib.h>

typedef struct {
    GByteArray *object;
    GArray *sites;   // JitSite
    GArray *entries; // int64_t
    unsigned n_slots;
    char *gimple, *ir; // NULL unless asked for
} JitResult;

// Parses, verifies, optimises and compiles text as rq asks. scratch_dir: where GCC may put files (removed again).
// False: *error; *out is then empty. The caller frees with jit_result_clear.
bool jit_compile(const JitRequest *rq, const char *text, const char *scratch_dir, JitResult *out, GError **error);
void jit_result_clear(JitResult *r);
