// SPDX-License-Identifier: GPL-3.0-or-later
// Finds IR in texts. What is between pieces is left alone; inside of a piece only blank lines, comments, `code` and
// blocks count, so that anything else ends it.
#include "machine/irtool/ir_text.h"

#include <errno.h>
#include <gio/gio.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    char **lines;
    GPtrArray *pieces;
    GString *text;    // of the piece being read; NULL: none
    unsigned first;   // its first line, from 0
    bool in_block;
    uint64_t op_base; // what the last line `OP:` said
    GError **error;
} Finder;

static void piece_free(void *p)
{
    ir_case_free(((IrPiece *)p)->c);
    g_free(p);
}

static bool begins(const char *line, const char *word)
{
    size_t n = strlen(word);
    line += strspn(line, " \t");
    return !strncmp(line, word, n) && (!line[n] || strchr(" \t\r", line[n]));
}

static bool is_blank(const char *line)
{
    line += strspn(line, " \t\r");
    return !*line || *line == ';';
}

// The parser counts lines from the piece's first one on.
static void move_line(GError *error, unsigned by)
{
    unsigned line;
    int n = 0;
    if (sscanf(error->message, "line %u%n", &line, &n) != 1)
        return;
    char *text = g_strdup_printf("line %u%s", line + by, error->message + n);
    g_free(error->message);
    error->message = text;
}

static bool end_piece(Finder *f)
{
    if (!f->text)
        return true;
    GError *error = NULL;
    IrCase *c = ir_case_parse(f->text->str, &error);
    g_string_free(f->text, TRUE);
    f->text = NULL;
    if (!c) {
        move_line(error, f->first);
        g_propagate_error(f->error, error);
        return false;
    }
    IrPiece *p = g_new(IrPiece, 1);
    *p = (IrPiece){c, f->first + 1};
    g_ptr_array_add(f->pieces, p);
    return true;
}

static void start_piece(Finder *f, unsigned at)
{
    f->text = g_string_new(NULL);
    f->first = at;
    f->in_block = false;
}

static void add_line(Finder *f, const char *line)
{
    g_string_append(f->text, line);
    g_string_append_c(f->text, '\n');
}

// A block without `code` in front: it is given one, on the same line so that numbers stay.
static bool start_block(Finder *f, unsigned at)
{
    if (!end_piece(f))
        return false;
    start_piece(f, at);
    f->first--;
    g_string_append_printf(f->text, "code 0x%" PRIx64 "\n", f->op_base);
    return true;
}

static bool take_line(Finder *f, unsigned at)
{
    const char *line = f->lines[at];
    unsigned long long base;
    if (f->text && f->in_block) {
        add_line(f, line);
        f->in_block = line[strspn(line, " \t")] != '}';
        return true;
    }
    if (sscanf(line, "OP: 0x%llx", &base) == 1)
        f->op_base = base;
    if (begins(line, "code")) {
        if (!end_piece(f))
            return false;
        start_piece(f, at);
        add_line(f, line);
    } else if (begins(line, "block")) {
        if ((!f->text || begins(line, "block b0")) && !(f->text && !strchr(f->text->str, '{')) && !start_block(f, at))
            return false;
        add_line(f, line);
        f->in_block = strchr(line, '{');
    } else if (f->text && is_blank(line)) {
        add_line(f, line);
    } else if (f->text) {
        return end_piece(f);
    }
    return true;
}

// Where the first line that is more than blank or a comment is IR, all is one piece, directives and all.
static bool all_is_ir(char **lines)
{
    while (*lines && is_blank(*lines))
        lines++;
    return *lines && begins(*lines, "code");
}

static bool other_pieces(char **lines)
{
    unsigned codes = 0;
    for (; *lines; lines++)
        codes += begins(*lines, "code");
    return codes > 1;
}

GPtrArray *ir_text_pieces(const char *text, GError **error)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    Finder f = {.lines = lines, .pieces = g_ptr_array_new_with_free_func(piece_free), .error = error};
    bool ok = true;
    if (all_is_ir(lines) && !other_pieces(lines)) {
        start_piece(&f, 0);
        g_string_append(f.text, text);
    } else {
        for (unsigned i = 0; ok && lines[i]; i++)
            ok = take_line(&f, i);
    }
    ok = ok ? end_piece(&f) : ok;
    if (f.text)
        g_string_free(f.text, TRUE);
    if (ok && !f.pieces->len)
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "there is no IR in it (a line 'code ADDRESS')");
    if (ok && f.pieces->len)
        return f.pieces;
    g_ptr_array_free(f.pieces, TRUE);
    return NULL;
}

char *ir_text_read(const char *path, GError **error)
{
    if (strcmp(path, "-")) {
        char *text = NULL;
        gsize len;
        if (!g_file_get_contents(path, &text, &len, NULL)) {
            g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "%s: %s", path, g_strerror(errno));
            return NULL;
        }
        return text;
    }
    GString *s = g_string_new(NULL);
    char buffer[65536];
    size_t n;
    while ((n = fread(buffer, 1, sizeof buffer, stdin)) > 0)
        g_string_append_len(s, buffer, (gssize)n);
    return g_string_free(s, FALSE);
}
