// SPDX-License-Identifier: GPL-3.0-or-later
// GNU as, run on what GCC wrote.
#pragma once
#include <glib.h>

// The object file of the assembly file at path; the caller owns it. scratch_dir: where as may put it (removed again).
// NULL: *error, if as is missing or refuses. GCC's own driver would look through every folder of PATH, three times.
GByteArray *assemble(const char *path, const char *scratch_dir, GError **error);
