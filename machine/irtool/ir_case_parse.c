// SPDX-License-Identifier: GPL-3.0-or-later
// Directives of IR cases.
#include "machine/irtool/ir_case.h"

#include "util/access.h"
#include <gio/gio.h>
#include <string.h>

static bool wrong(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static bool wrong(GError **error, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    g_autofree char *text = g_strdup_vprintf(format, ap);
    va_end(ap);
    g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, text);
    return false;
}

// Words, and '=' as one of its own.
static char **split(const char *line)
{
    GPtrArray *words = g_ptr_array_new();
    for (const char *s = line; *s && *s != ';';) {
        size_t n = strcspn(s, " \t\r=;");
        if (n)
            g_ptr_array_add(words, g_strndup(s, n));
        s += n;
        if (*s == '=')
            g_ptr_array_add(words, g_strdup("="));
        s += *s && *s != ';';
    }
    g_ptr_array_add(words, NULL);
    return (char **)g_ptr_array_free(words, FALSE);
}

static bool number(const char *word, uint64_t *v, GError **error)
{
    bool hex = word[0] == '0' && (word[1] == 'x' || word[1] == 'X'), minus = word[0] == '-';
    guint64 n;
    if (!g_ascii_string_to_unsigned(word + (hex ? 2 : minus), hex ? 16 : 10, 0, UINT64_MAX, &n, NULL))
        return wrong(error, "'%s' is no number", word);
    *v = minus ? 0 - n : n;
    return true;
}

static bool is_assignment(char *const *w, unsigned n)
{
    return n == 3 && !strcmp(w[1], "=");
}

static bool inside(uint64_t start, uint64_t len, GError **error)
{
    return (len && start + len - 1 >= start && start + len - 1 < (UINT64_MAX & PAGE_MASK)) ||
           wrong(error, "the range 0x%" G_GINT64_MODIFIER "x of 0x%" G_GINT64_MODIFIER
                        "x bytes is empty or reaches the last page", start, len);
}

// ADDR = BYTE...
static bool bytes(GArray *mem, char *const *w, unsigned n, GError **error)
{
    uint64_t addr;
    if (n < 3 || strcmp(w[1], "="))
        return wrong(error, "expected ADDRESS = BYTE...");
    if (!number(w[0], &addr, error) || !inside(addr, n - 2, error))
        return false;
    for (unsigned i = 2; i < n; i += CASE_MEM_BYTES) {
        CaseMem m = {.addr = addr + i - 2, .len = (uint8_t)MIN(n - i, CASE_MEM_BYTES)};
        for (unsigned k = 0; k < m.len; k++) {
            guint64 v;
            if (!g_ascii_string_to_unsigned(w[i + k], 16, 0, 255, &v, NULL))
                return wrong(error, "'%s' is no byte in hexadecimal", w[i + k]);
            m.bytes[k] = (uint8_t)v;
        }
        g_array_append_val(mem, m);
    }
    return true;
}

#define RAM_MAX (UINT64_C(1) << 36)

static bool set_ram(IrCase *c, char *const *w, unsigned n, GError **error)
{
    CaseRange r;
    if (n != 2)
        return wrong(error, "expected ADDRESS BYTES");
    if (!number(w[0], &r.start, error) || !number(w[1], &r.len, error))
        return false;
    if ((r.start | r.len) & ~PAGE_MASK || r.len > RAM_MAX)
        return wrong(error, "RAM is pages of 0x%x bytes, up to 64 GiB", (unsigned)PAGE_SIZE);
    if (!inside(r.start, r.len, error))
        return false;
    g_array_append_val(c->ram, r);
    return true;
}

static bool set_reg(const char *name, const char *value, uint64_t *r, uint64_t *mask, GError **error)
{
    unsigned reg;
    uint64_t v;
    if (!ir_case_reg(name, &reg))
        return wrong(error, "there is no register '%s'", name);
    if (!number(value, &v, error))
        return false;
    if (!reg && v)
        return wrong(error, "zero is 0");
    r[reg] = v;
    *mask |= UINT64_C(1) << reg;
    return true;
}

static bool set_expect(CaseExpect *e, char *const *w, unsigned n, GError **error)
{
    if (n && !strcmp(w[0], "mem"))
        return bytes(e->mem, w + 1, n - 1, error);
    if (!is_assignment(w, n))
        return wrong(error, "expected NAME = VALUE or mem ADDRESS = BYTE...");
    if (!strcmp(w[0], "pc")) {
        e->has_pc = true;
        return number(w[2], &e->pc, error);
    }
    if (!strcmp(w[0], "fflags")) {
        e->has_fflags = true;
        return number(w[2], &e->fflags, error);
    }
    return set_reg(w[0], w[2], e->r, &e->regs, error);
}

static bool set_state(IrCase *c, char *const *w, GError **error)
{
    const struct {
        const char *name;
        uint64_t *to, max;
    } words[] = {{"pc", &c->pc, UINT64_MAX}, {"frm", &c->frm, IR_RM_DYN}, {"fflags", &c->fflags, 31},
                 {"fp_off", &c->fp_off, 7}, {"left", (uint64_t *)&c->left, 1000000000}};
    for (unsigned i = 0; i < G_N_ELEMENTS(words); i++) {
        uint64_t v;
        if (strcmp(w[0], words[i].name))
            continue;
        if (!number(w[2], &v, error))
            return false;
        if (v > words[i].max)
            return wrong(error, "%s is at most %" G_GUINT64_FORMAT, w[0], words[i].max);
        *words[i].to = v;
        return true;
    }
    return wrong(error, "there is no '%s' (pc, reg, mem, ram, left, frm, fflags, fp_off, reservation, paged, movable "
                        "and expect)", w[0]);
}

static bool set_words(IrCase *c, char *const *w, unsigned n, GError **error)
{
    uint64_t some;
    if (!n)
        return true;
    if (!strcmp(w[0], "mem"))
        return bytes(c->mem, w + 1, n - 1, error);
    if (!strcmp(w[0], "ram"))
        return set_ram(c, w + 1, n - 1, error);
    if (!strcmp(w[0], "expect"))
        return set_expect(&c->expect, w + 1, n - 1, error);
    if (!strcmp(w[0], "reg"))
        return is_assignment(w + 1, n - 1) ? set_reg(w[1], w[3], c->r, &some, error)
                                           : wrong(error, "expected reg NAME = VALUE");
    if (!strcmp(w[0], "reservation"))
        return n == 4 && !strcmp(w[1], "=") ? number(w[2], &c->res_addr, error) && number(w[3], &c->res_value, error)
                                            : wrong(error, "expected reservation = ADDRESS VALUE");
    if (n == 1 && !strcmp(w[0], "paged"))
        return c->paged = true;
    if (n == 1 && !strcmp(w[0], "movable"))
        return c->movable = true;
    return is_assignment(w, n) ? set_state(c, w, error) : wrong(error, "'%s' is not understood", w[0]);
}

bool ir_case_set(IrCase *c, const char *directive, GError **error)
{
    g_auto(GStrv) words = split(directive);
    return set_words(c, words, g_strv_length(words), error);
}

IrCase *ir_case_parse(const char *text, GError **error)
{
    IrCode *code = ir_parse(text, error);
    if (!code)
        return NULL;
    g_autoptr(IrCase) c = ir_case_new(code);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (unsigned i = 0; lines[i]; i++) {
        const char *s = lines[i] + strspn(lines[i], " \t");
        if (g_str_has_prefix(s, ";;") && !ir_case_set(c, s + 2, error)) {
            g_prefix_error(error, "line %u: ", i + 1);
            return NULL;
        }
    }
    return g_steal_pointer(&c);
}
