// SPDX-License-Identifier: GPL-3.0-or-later
// Numbers as commands take them.
#pragma once
#include "machine/cpu.h"

// Works out the expression that *text begins with, and moves *text behind it and blanks. What there is, as in C:
// numbers (0x, 0), + - * / % & | ^ ~ ( ), $NAME for a register, a CSR or pc, NAME for a symbol of the guest's programs.
// All is unsigned 64-bit. False: *error says what is wrong in one line. While the hart is stopped.
bool expression_value(Cpu *cpu, const char **text, uint64_t *value, GError **error);
