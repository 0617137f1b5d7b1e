// SPDX-License-Identifier: GPL-3.0-or-later
// What a run runs, for the heads of reports.
#pragma once
#include "machine/options.h"

// The guest and its arguments, without the folders it is in; the caller frees it.
char *guest_line(const Options *o);
