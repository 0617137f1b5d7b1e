// SPDX-License-Identifier: GPL-3.0-or-later
// Turns GCC's .loc directives into a table of our own.
//
// A .loc says which line the machine code behind it comes from. Here it becomes a label, which changes nothing in that
// code, and a row that names the label. An asm statement may put some of its code into a subsection, behind all other
// code; that gets a label too. What GCC writes for debuggers goes: it has relocations, which the loader refuses.
#include "backend/line_marks.h"

#include "backend/emit.h"
#include <stdlib.h>
#include <string.h>

typedef struct {
    GString *text, *rows;
    const GArray *lines;
    unsigned n, line;
    bool debug; // in a section for debuggers
    bool pushed, data; // in a section of ours; in a table among the code
} Marks;

static bool starts(const char *s, const char *with)
{
    return g_str_has_prefix(s + strspn(s, " \t"), with);
}

static void mark(Marks *m, bool data)
{
    unsigned i = m->line - EMIT_FIRST_LINE;
    bool none = data || m->line < EMIT_FIRST_LINE || i >= m->lines->len;
    g_string_append_printf(m->text, ".Laddend_line%u:\n", m->n);
    g_string_append_printf(m->rows, "\t.long .Laddend_line%u-region, %d\n\t.quad %" G_GINT64_FORMAT "\n", m->n,
                           data ? JIT_LINE_DATA : none ? JIT_LINE_NONE : JIT_LINE_INSN,
                           none ? 0 : g_array_index(m->lines, int64_t, i));
    m->n++;
}

static void add_line(Marks *m, const char *s)
{
    if (starts(s, ".section"))
        m->debug = starts(strstr(s, ".section") + strlen(".section"), ".debug");
    else if (starts(s, ".text"))
        m->debug = false;
    if (m->debug || starts(s, ".cfi_") || (starts(s, ".file") && g_ascii_isdigit(s[strcspn(s, "0123456789\"")])))
        return;
    if (starts(s, ".loc ")) { // file line column ...
        char *at = strstr(s, ".loc ") + strlen(".loc ");
        strtol(at, &at, 10);
        m->line = (unsigned)strtol(at, NULL, 10);
        mark(m, false);
        return;
    }
    if (starts(s, ".pushsection") || starts(s, ".popsection"))
        m->pushed = starts(s, ".pushsection");
    bool data = starts(s, ".long") && !m->pushed;
    if (data && !m->data)
        mark(m, true);
    m->data = data;
    g_string_append_printf(m->text, "%s\n", s);
    if (starts(s, ".subsection 1"))
        mark(m, false);
}

bool line_marks(const char *path, const GArray *lines, GError **error)
{
    g_autofree char *text = NULL;
    if (!g_file_get_contents(path, &text, NULL, error))
        return false;
    g_auto(GStrv) all = g_strsplit(text, "\n", -1);
    g_autoptr(GString) out = g_string_new(NULL), rows = g_string_new("\t.section .addend.lines, \"\", @progbits\n");
    Marks m = {.text = out, .rows = rows, .lines = lines, .line = EMIT_NO_LINE};
    for (char **s = all; *s; s++)
        add_line(&m, *s);
    g_string_append(out, rows->str);
    return g_file_set_contents(path, out->str, (gssize)out->len, error);
}
