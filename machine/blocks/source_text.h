// SPDX-License-Identifier: GPL-3.0-or-later
// Lines of source files, where those still lie on this host.
#pragma once
#include <glib.h>

typedef struct SourceText SourceText;

SourceText *source_text_new(void);
void source_text_free(SourceText *s);
// Line (from 1) of a file, without blanks around it; NULL: there is no such file or line. Owned by s.
const char *source_text_line(SourceText *s, const char *file, unsigned line);
