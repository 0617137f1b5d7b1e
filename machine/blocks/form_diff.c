// SPDX-License-Identifier: GPL-3.0-or-later
// Passes number values and blocks anew, so lines are compared without these names first: the longest common
// subsequence, of stretches (a block's head, or a guest instruction with its ops), and in those that are the same of
// their lines. Lines that came together say which name became which; a line with other operands than these is changed.
#include "machine/blocks/form_diff.h"

#include <string.h>

#define CELLS_MAX (1u << 23) // of the table: some 2900 stretches in either text. What has more is all new

typedef struct {
    unsigned first, n; // lines
} Stretch;

typedef struct { // a text made ready
    char **lines;
    unsigned n_lines;
    unsigned *key; // by line: equal if the lines are, but for names
    GArray *stretches;
    unsigned *stretch_key;
} Text;

static bool is_name(const char *line, const char *s)
{
    return (*s == 'v' || *s == 'b') && g_ascii_isdigit(s[1]) && (s == line || !g_ascii_isalnum(s[-1]));
}

static unsigned name_number(const char *s)
{
    return (unsigned)strtoul(s + 1, NULL, 10);
}

static const char *skip_name(const char *s)
{
    return s + 1 + strspn(s + 1, "0123456789");
}

static bool is_block(const char *line)
{
    return g_str_has_prefix(line, "block ");
}

// The line without numbers of values and blocks; of a block's head, without its counts.
static char *without_names(const char *line)
{
    GString *s = g_string_new(NULL);
    const char *end = is_block(line) ? strstr(line, " insns=") : NULL;
    for (const char *c = line; *c && c != end;) {
        g_string_append_c(s, *c);
        c = is_name(line, c) ? skip_name(c) : c + 1;
    }
    return g_string_free(s, FALSE);
}

static unsigned key_of(GHashTable *keys, char *text)
{
    gpointer found = g_hash_table_lookup(keys, text);
    if (found) {
        g_free(text);
        return GPOINTER_TO_UINT(found);
    }
    unsigned key = g_hash_table_size(keys) + 1;
    g_hash_table_insert(keys, text, GUINT_TO_POINTER(key));
    return key;
}

static void text_init(Text *t, char **lines, unsigned n_lines, GHashTable *keys)
{
    *t = (Text){lines, n_lines, g_new(unsigned, n_lines + 1), g_array_new(FALSE, FALSE, sizeof(Stretch)), NULL};
    for (unsigned i = 0; i < n_lines; i++) {
        t->key[i] = key_of(keys, without_names(lines[i]));
        if (!i || is_block(lines[i]) || g_str_has_prefix(lines[i], "  insn ")) {
            Stretch s = {i, 0};
            g_array_append_val(t->stretches, s);
        }
        g_array_index(t->stretches, Stretch, t->stretches->len - 1).n++;
    }
    t->stretch_key = g_new(unsigned, t->stretches->len + 1);
    for (unsigned i = 0; i < t->stretches->len; i++)
        t->stretch_key[i] = t->key[g_array_index(t->stretches, Stretch, i).first];
}

static void text_deinit(Text *t)
{
    g_free(t->key);
    g_free(t->stretch_key);
    g_array_free(t->stretches, TRUE);
}

// The longest common subsequence, what is the same at both ends aside: calls same for each pair, in order.
static void common(const unsigned *a, unsigned n, const unsigned *b, unsigned m,
                   void (*same)(void *opaque, unsigned i, unsigned j), void *opaque)
{
    unsigned head = 0, tail = 0;
    while (head < n && head < m && a[head] == b[head])
        same(opaque, head, head), head++;
    while (tail < n - head && tail < m - head && a[n - 1 - tail] == b[m - 1 - tail])
        tail++;
    unsigned rows = n - head - tail, columns = m - head - tail;
    a += head, b += head;
    if (rows && columns && (uint64_t)(rows + 1) * (columns + 1) <= CELLS_MAX) {
        uint16_t *length = g_new0(uint16_t, (rows + 1) * (columns + 1)); // of what is behind i, j
        size_t w = columns + 1;
        for (unsigned i = rows; i-- > 0;)
            for (unsigned j = columns; j-- > 0;)
                length[i * w + j] = a[i] == b[j] ? (uint16_t)(length[(i + 1) * w + j + 1] + 1)
                                                 : MAX(length[(i + 1) * w + j], length[i * w + j + 1]);
        for (unsigned i = 0, j = 0; i < rows && j < columns;) {
            if (a[i] == b[j])
                same(opaque, head + i, head + j), i++, j++;
            else if (length[(i + 1) * w + j] >= length[i * w + j + 1])
                i++;
            else
                j++;
        }
        g_free(length);
    }
    for (unsigned k = tail; k-- > 0;)
        same(opaque, n - 1 - k, m - 1 - k);
}

typedef struct { // old line of each new one
    unsigned *was, old_first, new_first;
} LinePairs;

static void same_lines(void *opaque, unsigned i, unsigned j)
{
    LinePairs *p = opaque;
    p->was[p->new_first + j] = p->old_first + i;
}

typedef struct {
    const Text *old, *new;
    unsigned *was;
} StretchPairs;

static void same_stretches(void *opaque, unsigned i, unsigned j)
{
    StretchPairs *p = opaque;
    Stretch a = g_array_index(p->old->stretches, Stretch, i), b = g_array_index(p->new->stretches, Stretch, j);
    LinePairs lines = {p->was, a.first, b.first};
    common(p->old->key + a.first, a.n, p->new->key + b.first, b.n, same_lines, &lines);
}

// Whether the line's operands are those of old, by the names that are known to have become others. A value that the
// line defines is one of them from now on. v: of the present block; b: of the code.
static bool same_operands(const char *old, const char *new, GHashTable *v, GHashTable *b)
{
    bool defines = g_str_has_prefix(old, "  v"), same = true;
    const char *x = old, *y = new;
    while (*x && *y) {
        if (!is_name(old, x) || !is_name(new, y)) {
            x++, y++;
            continue;
        }
        gpointer from = GUINT_TO_POINTER(name_number(x) + 1), to = GUINT_TO_POINTER(name_number(y) + 1);
        if (defines)
            g_hash_table_insert(v, from, to);
        else
            same &= g_hash_table_lookup(*x == 'v' ? v : b, from) == to;
        defines = false;
        x = skip_name(x), y = skip_name(y);
    }
    return same;
}

static void mark_lines(FormLines *f, char *const *old)
{
    g_autoptr(GHashTable) v = g_hash_table_new(NULL, NULL), b = g_hash_table_new(NULL, NULL);
    for (unsigned i = 0; i < f->n_lines; i++)
        if (f->was[i] != UINT_MAX && is_block(f->lines[i]))
            g_hash_table_insert(b, GUINT_TO_POINTER(name_number(old[f->was[i]] + 6) + 1),
                                GUINT_TO_POINTER(name_number(f->lines[i] + 6) + 1));
    for (unsigned i = 0; i < f->n_lines; i++) {
        bool block = is_block(f->lines[i]);
        if (block)
            g_hash_table_remove_all(v);
        if (f->was[i] == UINT_MAX)
            f->marks[i] = '+';
        else
            f->marks[i] = block || same_operands(old[f->was[i]], f->lines[i], v, b) ? ' ' : '~';
    }
}

// The old lines that no new one is, in front of the next new one that is an old one.
static void find_removed(FormLines *f, unsigned n_old)
{
    unsigned at = 0; // of the old text
    for (unsigned i = 0; i <= f->n_lines; i++) {
        unsigned next = i < f->n_lines ? f->was[i] : n_old;
        for (; next != UINT_MAX && at < next; at++) {
            LineRemoved r = {i, at};
            g_array_append_val(f->removed, r);
        }
        at += next != UINT_MAX;
    }
}

static void compare(FormLines *f, const FormLines *before)
{
    g_autoptr(GHashTable) keys = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    Text old, new;
    text_init(&old, before->lines, before->n_lines, keys);
    text_init(&new, f->lines, f->n_lines, keys);
    f->was = g_new(unsigned, f->n_lines + 1);
    memset(f->was, 0xff, (f->n_lines + 1) * sizeof *f->was);
    f->marks = g_malloc0(f->n_lines + 1);
    f->removed = g_array_new(FALSE, FALSE, sizeof(LineRemoved));
    StretchPairs pairs = {&old, &new, f->was};
    common(old.stretch_key, old.stretches->len, new.stretch_key, new.stretches->len, same_stretches, &pairs);
    mark_lines(f, old.lines);
    find_removed(f, old.n_lines);
    text_deinit(&old);
    text_deinit(&new);
}

// --- which instruction -----------------------------------------------------------------------------

static bool starts_insn(const char *line, uint64_t base, uint64_t *pc)
{
    line += strspn(line, " \t");
    if (g_str_has_prefix(line, "insn ")) { // IR: a distance from the base
        *pc = base + (uint64_t)g_ascii_strtoll(line + 5, NULL, 0);
        return true;
    }
    if (!g_str_has_prefix(line, "/* 0x"))
        return false;
    char *end;
    *pc = g_ascii_strtoull(line + 3, &end, 16);
    return *end == ':';
}

static void find_insns(FormLines *f, const CodePiece *piece, GHashTable *by_pc)
{
    uint64_t base = piece->pc, pc;
    int now = -1;
    f->insn = g_new(int, f->n_lines + 1);
    for (unsigned i = 0; i < f->n_lines; i++) {
        const char *line = f->lines[i];
        if (g_str_has_prefix(line, "code 0x"))
            base = g_ascii_strtoull(line + 5, NULL, 16);
        if (is_block(line) || line[0] == '}')
            now = -1;
        else if (starts_insn(line, base, &pc))
            now = GPOINTER_TO_INT(g_hash_table_lookup(by_pc, &pc)) - 1;
        f->insn[i] = now;
    }
}

static void clear_form(gpointer data)
{
    FormLines *f = data;
    g_strfreev(f->lines);
    g_free(f->insn);
    g_free(f->marks);
    g_free(f->was);
    if (f->removed)
        g_array_free(f->removed, TRUE);
}

static bool is_ir(const CodeForm *form)
{
    return strcmp(form->name, "GIMPLE");
}

GArray *form_lines(const CodePiece *piece)
{
    GArray *out = g_array_new(FALSE, FALSE, sizeof(FormLines));
    g_array_set_clear_func(out, clear_form);
    if (!piece->forms)
        return out;
    g_autoptr(GHashTable) by_pc = g_hash_table_new(g_int64_hash, g_int64_equal); // -> index + 1
    for (unsigned i = piece->insns->len; i-- > 0;)
        g_hash_table_insert(by_pc, &g_array_index(piece->insns, CodeInsn, i).pc, GINT_TO_POINTER((int)i + 1));
    for (unsigned i = 0; i < piece->forms->len; i++) {
        FormLines f = {.form = &g_array_index(piece->forms, CodeForm, i)};
        f.lines = g_strsplit(f.form->text, "\n", -1);
        f.n_lines = g_strv_length(f.lines);
        if (f.n_lines && !*f.lines[f.n_lines - 1])
            g_clear_pointer(&f.lines[--f.n_lines], g_free); // behind the last newline
        find_insns(&f, piece, by_pc);
        if (i && is_ir(f.form))
            compare(&f, &g_array_index(out, FormLines, i - 1));
        g_array_append_val(out, f);
    }
    return out;
}
