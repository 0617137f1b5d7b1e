// SPDX-License-Identifier: GPL-3.0-or-later
// Values of command-line options: numbers, sizes, lists of properties, and hints for what was misspelt.
#include "machine/options_value.h"

#include <errno.h>
#include <gio/gio.h>
#include <string.h>

// What the hart implements, in the alphabet of ISA strings. --isa is held to it.
#define ISA_HAVE "(the hart is rv64imafdc_zicsr_zifencei_zba_zbb_zbs)"
static const char isa_letters[] = "imafdc";
static const char *const isa_names[] = {"zicsr", "zifencei", "zba", "zbb", "zbs"};

bool value_error(GError **error, const char *option, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    g_autofree char *text = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "%s: %s", option, text);
    return false;
}

// Digits only, decimal or hexadecimal; *end is set behind them. False: no digits or too large.
static bool digits(const char *text, uint64_t *out, const char **end)
{
    bool hex = text[0] == '0' && (text[1] | 0x20) == 'x';
    const char *p = hex ? text + 2 : text;
    if (hex ? !g_ascii_isxdigit(*p) : !g_ascii_isdigit(*p))
        return false;
    char *stop;
    errno = 0;
    *out = g_ascii_strtoull(p, &stop, hex ? 16 : 10);
    *end = stop;
    return !errno;
}

bool value_count(const char *option, const char *text, uint64_t min, uint64_t max, uint64_t *out,
                 GError **error)
{
    const char *end;
    if (digits(text, out, &end) && !*end && *out >= min && *out <= max)
        return true;
    if (max == UINT64_MAX)
        return value_error(error, option, "'%s' is not a number from %" G_GUINT64_FORMAT " up", text, min);
    return value_error(error, option, "'%s' is not a number from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT,
                       text, min, max);
}

bool value_on_off(const char *option, const char *text, bool *out, GError **error)
{
    static const char *const words[2][3] = {{"off", "no", "false"}, {"on", "yes", "true"}};
    for (unsigned i = 0; i < 6; i++) {
        if (!strcmp(text, words[i / 3][i % 3])) {
            *out = i / 3;
            return true;
        }
    }
    return value_error(error, option, "'%s' is neither 'on' nor 'off'", text);
}

bool value_size(const char *option, const char *text, uint64_t *out, GError **error)
{
    static const char suffixes[] = "BKMGTP"; // each 1024 of the one before
    const char *end;
    uint64_t n, unit = UINT64_C(1) << 20;
    bool ok = digits(text, &n, &end);
    if (ok && *end) {
        const char *suffix = strchr(suffixes, g_ascii_toupper(*end));
        ok = suffix && !end[1];
        if (ok)
            unit = UINT64_C(1) << (10 * (suffix - suffixes));
    }
    if (!ok)
        return value_error(error, option,
                           "'%s' is not a size (digits, then K, M, G or T; plain numbers are MiB)", text);
    if (!n || n > (UINT64_C(1) << 63) / unit)
        return value_error(error, option, "a size of '%s' is %s", text, n ? "too large" : "too small");
    *out = n * unit;
    return true;
}

static bool isa_has_name(const char *name, size_t len)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(isa_names); i++)
        if (strlen(isa_names[i]) == len && !strncmp(name, isa_names[i], len))
            return true;
    return false;
}

bool value_isa(const char *option, const char *text, GError **error)
{
    g_autofree char *isa = g_ascii_strdown(text, -1);
    if (strncmp(isa, "rv64i", 5))
        return value_error(error, option, "'%s' does not begin with rv64i " ISA_HAVE, text);
    for (const char *p = isa + 5; *p;) {
        size_t len = 1;
        bool known = strchr(isa_letters, *p);
        if (*p == '_') {
            known = p[1] && p[1] != '_';
        } else if (strchr("zsx", *p)) {
            len = strcspn(p, "_");
            known = isa_has_name(p, len);
        }
        if (!known) {
            g_autofree char *name = g_strndup(p, len);
            return value_error(error, option, "'%s' asks for '%s' " ISA_HAVE, text, name);
        }
        p += len;
    }
    return true;
}

// Levenshtein distance, of the first 31 characters.
static unsigned distance(const char *a, const char *b)
{
    unsigned na = MIN(strlen(a), 31), nb = MIN(strlen(b), 31), row[32];
    for (unsigned j = 0; j <= nb; j++)
        row[j] = j;
    for (unsigned i = 1; i <= na; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= nb; j++) {
            unsigned replace = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = MIN(replace, MIN(row[j], row[j - 1]) + 1);
        }
    }
    return row[nb];
}

const char *value_closest(const char *written, const char *const *candidates, unsigned n)
{
    const char *best = NULL;
    size_t limit = MIN(strlen(written) / 2, 3); // a short name is close to every other short name
    for (unsigned i = 0; i < n; i++) {
        size_t d = distance(written, candidates[i]);
        if (d <= limit && d < strlen(candidates[i]) && (!best || d < distance(written, best)))
            best = candidates[i];
    }
    return best;
}

// The next item of a comma-separated list, unescaped; *text moves behind it, to NULL after the last one.
static char *next_item(const char **text)
{
    GString *item = g_string_new(NULL);
    const char *p = *text;
    for (; *p && (*p != ',' || p[1] == ','); p++) {
        g_string_append_c(item, *p);
        p += *p == ',';
    }
    *text = *p ? p + 1 : NULL;
    return g_string_free(item, FALSE);
}

static bool unknown_property(const char *option, const char *name, const ValueProperty *properties,
                             unsigned n, GError **error)
{
    const char *names[16];
    g_assert(n <= G_N_ELEMENTS(names));
    for (unsigned i = 0; i < n; i++)
        names[i] = properties[i].name;
    const char *hint = value_closest(name, names, n);
    if (hint)
        return value_error(error, option, "unknown property '%s': did you mean '%s'?", name, hint);
    return value_error(error, option, "unknown property '%s'", name);
}

bool value_properties(const char *option, const char *text, const ValueProperty *properties, unsigned n,
                      void *opaque, GError **error)
{
    bool first = true;
    do {
        g_autofree char *item = next_item(&text);
        char *equals = strchr(item, '=');
        const char *name = item, *value = item;
        unsigned i = 0;
        if (equals) {
            *equals = '\0';
            value = equals + 1;
            while (i < n && strcmp(name, properties[i].name))
                i++;
        } else if (!first) {
            i = n;
        }
        if (i == n)
            return unknown_property(option, name, properties, n, error);
        g_autofree char *where = equals ? g_strdup_printf("%s %s", option, name) : g_strdup(option);
        if (!*value)
            return value_error(error, where, "needs a value");
        if (!properties[i].set(opaque, where, value, error))
            return false;
        first = false;
    } while (text);
    return true;
}
