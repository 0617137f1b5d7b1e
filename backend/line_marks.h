// SPDX-License-Identifier: GPL-3.0-or-later
// Which host code belongs to which guest instruction, in the assembly that GCC writes.
#pragma once
#include <glib.h>
#include <stdbool.h>

// The lines of the assembly file at path, of one region compiled with -g1, as section .addend.lines (jit_abi.h) in
// place of what debuggers would read: the machine code stays as it is. lines: Emit.lines. False: *error.
bool line_marks(const char *path, const GArray *lines, GError **error);
