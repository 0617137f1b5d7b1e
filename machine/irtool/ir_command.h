// SPDX-License-Identifier: GPL-3.0-or-later
// The parts of addend ir, each for one piece of code. They give the exit status; *error: one line.
#pragma once
#include "machine/irtool/case_run.h"
#include "machine/irtool/ir_text.h"
#include "machine/irtool/irtool.h"

int ir_command_run(const Options *o, const IrCase *c, FILE *out, GError **error); // c is finished
int ir_command_opt(const Options *o, IrCase *c, FILE *out, GError **error);       // verified
int ir_command_compile(const Options *o, IrCase *c, FILE *out, GError **error);   // verified

// --passes as a mask of those to leave out.
bool ir_command_passes(const char *list, unsigned *skip, GError **error);
void ir_command_count(IrCode *code); // makes blocks count the instructions that they have
