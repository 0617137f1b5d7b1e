// SPDX-License-Identifier: GPL-3.0-or-later
// The text of Spike's logs, byte for byte: --log-commits and -l (docs/debugging.md says of which Spike).
#pragma once
#include "machine/log/insn.h"

#define COMMIT_ROOM 4096 // bytes that any of these need at most

// Each writes whole lines at out and returns their end.

// --log-commits: a retired instruction. priv: the privilege that it ran with.
char *commit_line(char *out, unsigned hart, unsigned priv, const LogInsn *i, const LogEffects *e);
// -l: an instruction that is about to run; symbol: of exactly its address, or NULL.
// repeats: how often the instruction before it ran in a row, 0 if there was none.
char *commit_insn_line(char *out, unsigned hart, const LogInsn *i, const char *symbol, uint64_t repeats);
// -l: a trap. cause as in mcause.
char *commit_trap_lines(char *out, unsigned hart, uint64_t cause, uint64_t epc, uint64_t tval);
