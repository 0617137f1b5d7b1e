// SPDX-License-Identifier: GPL-3.0-or-later
// Options about the names of guest code.
#include "machine/options_set.h"

#pragma GCC diagnostic ignored "-Wunused-parameter" // all setters have one shape, few need all of it

bool set_symbols(Options *o, const char *option, const char *value, GError **error)
{
    g_ptr_array_add(o->symbols, (void *)options_keep(o, value));
    return true;
}
