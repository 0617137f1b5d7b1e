// SPDX-License-Identifier: GPL-3.0-or-later
// The floating-point ops on the host's hardware.
#pragma once
#include "ir/env.h"

// A function for each op from IR_OP_FADD32 on, for IrEnv.fp: same results and flags as ir_eval_fp. They want the thread
// they run on to have the default MXCSR (to nearest, exceptions masked, no flush to zero) and leave it with any status
// flags. The interpreter calls them; compiled code computes inline (backend/fp_mode.h). Static; call it while the
// process has one thread.
const IrFpFn *fp_host_functions(void);

// The op imm >> FP_SOFT_OP, in integer arithmetic: for IrEnv.fp_soft. Neither looks at MXCSR nor changes it.
uint64_t fp_host_soft(IrEnv *env, uint64_t a, uint64_t b, uint64_t c, uint64_t imm);
#define FP_SOFT_OP 8
