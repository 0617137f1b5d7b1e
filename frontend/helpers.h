// SPDX-License-Identifier: GPL-3.0-or-later
// Numbers of the helpers behind the IR op `sys`, by the rows of helpers.def.
#pragma once
#include "ir/env.h"

typedef enum {
#define HELPER(id, text, fn) HELPER_##id,
#include "frontend/helpers.def"
#undef HELPER
    HELPERS
} HelperId;

// What hart_init puts into env.ops; a verifier of lifted code needs its n_helpers.
extern const IrEnvOps hart_env_ops;
