// SPDX-License-Identifier: GPL-3.0-or-later
// A file of lines that several harts write to, in large pieces.
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct TextFile TextFile;

// path: NULL for stderr; option: for errors, such as "--log". NULL: *error.
TextFile *text_file_open(const char *option, const char *path, GError **error);
// Any thread; size bytes that are whole lines. False: it could not be written, now or before.
bool text_file_write(TextFile *f, const char *lines, size_t size);
// Closes and frees it; false: not all could be written, *error (may be NULL) says why. f may be NULL.
bool text_file_close(TextFile *f, GError **error);
