// SPDX-License-Identifier: GPL-3.0-or-later
// Warnings: what went wrong with the host and does not end the run.
#pragma once
#include <glib.h>

// Prints "addend: warning: " and the text as one line on stderr, unless *said is set, which it then is: each kind of
// trouble is told once, however often it happens. Any thread.
void warn_once(gint *said, const char *format, ...) G_GNUC_PRINTF(2, 3);
