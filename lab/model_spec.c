// SPDX-License-Identifier: GPL-3.0-or-later
// Descriptions of TLBs: the short form, files, presets (docs/tlb.md, "The model").
//
//   l1d=32:4k-64k+8:2m/fifo   a structure of 32 entries for small pages, and one of 8 entries for larger ones
//
// A structure is SETSxWAYS, or ENTRIES (one set); a class of page sizes that ends where the next one begins, or with
// the largest; and a policy.
#include "lab/model.h"
#include "lab/model_spec.h"
#include "lab/page_map.h"
#include <inttypes.h>
#include <string.h>

#define MAX_ENTRIES (1u << 20) // of a structure

static const char *const unit_names[MODEL_UNITS] = {"l1i", "l1d", "l2"};
static const char *const policy_names[] = {"lru", "plru", "fifo", "random"};
static const char *const size_names[LAB_SIZES] = {"4k", "64k", "2m", "1g", "512g", "256t"};

static uint64_t size_bit(unsigned size)
{
    return UINT64_C(1) << lab_size_bits[size];
}

G_GNUC_PRINTF(2, 3) static bool wrong(GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *line = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "TLB model: %s", line);
    return false;
}

// --- parsing

static bool parse_number(const char *key, const char *text, uint64_t max, uint64_t *out, GError **error)
{
    char *end;
    *out = g_ascii_strtoull(text, &end, 0);
    if (!g_ascii_isdigit(text[0]) || *end)
        return wrong(error, "%s=%s is no number", key, text);
    if (*out > max)
        return wrong(error, "%s=%s is more than %" PRIu64, key, text, max);
    return true;
}

static bool parse_flag(const char *key, const char *text, bool *out, GError **error)
{
    *out = strcmp(text, "on") == 0;
    return *out || strcmp(text, "off") == 0 || wrong(error, "%s=%s: on or off", key, text);
}

static unsigned find_name(const char *const *names, unsigned n, const char *text)
{
    unsigned i = 0;
    while (i < n && strcmp(names[i], text) != 0)
        i++;
    return i;
}

static bool parse_policy(const char *key, const char *text, ModelPolicy *out, GError **error)
{
    unsigned n = find_name(policy_names, G_N_ELEMENTS(policy_names), text);
    *out = (ModelPolicy)n;
    return n < G_N_ELEMENTS(policy_names) || wrong(error, "%s: no policy \"%s\"; lru, plru, fifo, random", key, text);
}

// "4k", "4k-64k". first, last: LAB_SIZES if not given.
static bool parse_class(const char *key, const char *text, unsigned *first, unsigned *last, GError **error)
{
    g_auto(GStrv) ends = g_strsplit(text, "-", 2);
    *last = LAB_SIZES;
    for (unsigned i = 0; ends[i]; i++) {
        unsigned size = find_name(size_names, LAB_SIZES, ends[i]);
        if (size == LAB_SIZES)
            return wrong(error, "%s: no size of pages \"%s\"; 4k, 64k, 2m, 1g, 512g, 256t", key, ends[i]);
        *(i ? last : first) = size;
    }
    return *last >= *first || wrong(error, "%s: \"%s\" ends before it begins", key, text);
}

typedef struct {
    ModelPart part;
    unsigned first, last; // sizes
    bool policy;          // was given
} Structure;

static bool parse_geometry(const char *key, char *text, ModelPart *part, GError **error)
{
    uint64_t sets = 1, ways;
    char *x = strchr(text, 'x');
    if (x) {
        *x = 0;
        if (!parse_number(key, text, MAX_ENTRIES, &sets, error))
            return false;
    }
    if (!parse_number(key, x ? x + 1 : text, MAX_ENTRIES, &ways, error))
        return false;
    if (!sets || sets & (sets - 1))
        return wrong(error, "%s: %" PRIu64 " sets are no power of two", key, sets);
    if (!ways)
        return wrong(error, "%s: a structure without %s", key, x ? "ways" : "entries");
    if (sets * ways > MAX_ENTRIES)
        return wrong(error, "%s: more than %u entries", key, MAX_ENTRIES);
    part->sets = sets;
    part->ways = ways;
    return true;
}

// SETSxWAYS[:SIZE[-SIZE]][/POLICY]
static bool parse_structure(const char *key, const char *text, Structure *out, GError **error)
{
    g_autofree char *copy = g_strdup(text);
    *out = (Structure){.first = 0, .last = LAB_SIZES};
    char *policy = strchr(copy, '/');
    if (policy) {
        *policy++ = 0;
        out->policy = true;
        if (!parse_policy(key, policy, &out->part.policy, error))
            return false;
    }
    char *class = strchr(copy, ':');
    if (class) {
        *class++ = 0;
        if (!parse_class(key, class, &out->first, &out->last, error))
            return false;
    }
    return parse_geometry(key, copy, &out->part, error);
}

// The largest size of a structure's class: in front of the next class, if it does not say.
static unsigned last_of(const Structure *s, unsigned n, unsigned i)
{
    unsigned last = LAB_SIZES - 1;
    if (s[i].last < LAB_SIZES)
        return s[i].last;
    for (unsigned k = 0; k < n; k++)
        if (s[k].first > s[i].first)
            last = MIN(last, s[k].first - 1);
    return last;
}

typedef struct { // what was read, before it is complete
    ModelSpec spec;
    bool given[MODEL_UNITS], policy_given[MODEL_UNITS][MODEL_PARTS];
    ModelPolicy policy; // of all that do not say
} Draft;

static bool parse_unit(Draft *d, ModelUnit unit, const char *text, GError **error)
{
    const char *key = unit_names[unit];
    g_auto(GStrv) words = g_strsplit(text, "+", -1);
    unsigned n = g_strv_length(words);
    Structure s[MODEL_PARTS];
    memset(d->spec.part[unit], 0, sizeof(d->spec.part[unit]));
    d->given[unit] = true;
    if (unit == MODEL_L2 && strcmp(text, "none") == 0)
        return true;
    if (n == 0 || n > MODEL_PARTS)
        return wrong(error, "%s: %u structures, %u at most", key, n, MODEL_PARTS);
    for (unsigned i = 0; i < n; i++)
        if (!parse_structure(key, g_strstrip(words[i]), &s[i], error))
            return false;
    uint64_t seen = 0;
    for (unsigned i = 0; i < n; i++) {
        for (unsigned size = s[i].first; size <= last_of(s, n, i); size++) {
            if (seen & size_bit(size))
                return wrong(error, "%s: two structures for pages of %s", key, size_names[size]);
            seen |= size_bit(size);
            s[i].part.sizes |= size_bit(size);
        }
        d->spec.part[unit][i] = s[i].part;
        d->policy_given[unit][i] = s[i].policy;
    }
    for (unsigned size = 0; unit != MODEL_L2 && size < LAB_SIZES; size++)
        if (!(seen & size_bit(size)))
            return wrong(error, "%s: no structure for pages of %s", key, size_names[size]);
    return true;
}

static bool parse_key(Draft *d, const char *key, const char *value, GError **error)
{
    uint64_t number = 0;
    unsigned unit = find_name(unit_names, MODEL_UNITS, key);
    if (unit < MODEL_UNITS)
        return parse_unit(d, unit, value, error);
    if (strcmp(key, "asid") == 0)
        return parse_flag(key, value, &d->spec.asid, error);
    if (strcmp(key, "bare") == 0)
        return parse_flag(key, value, &d->spec.bare, error);
    if (strcmp(key, "policy") == 0)
        return parse_policy(key, value, &d->policy, error);
    if (strcmp(key, "seed") == 0)
        return parse_number(key, value, UINT64_MAX, &d->spec.seed, error);
    if (strcmp(key, "walk") == 0) {
        bool good = parse_number(key, value, MAX_ENTRIES, &number, error);
        d->spec.walk_cache = number;
        return good;
    }
    if (strcmp(key, "prefetch") == 0) {
        bool good = parse_number(key, value, 64, &number, error);
        d->spec.prefetch = number;
        return good;
    }
    if (strcmp(key, "name") == 0) {
        if (g_strlcpy(d->spec.name, value, sizeof(d->spec.name)) >= sizeof(d->spec.name))
            return wrong(error, "name=%s is too long", value);
        return true;
    }
    return wrong(error, "no \"%s\"; l1i, l1d, l2, asid, bare, walk, prefetch, policy, seed, name", key);
}

static bool parse_pair(Draft *d, const char *text, GError **error)
{
    g_auto(GStrv) pair = g_strsplit(text, "=", 2);
    if (g_strv_length(pair) != 2 || !*g_strstrip(pair[0]) || !*g_strstrip(pair[1]))
        return wrong(error, "\"%s\" is not KEY=VALUE", text);
    return parse_key(d, pair[0], pair[1], error);
}

static bool parse_short(Draft *d, char **words, GError **error)
{
    for (; *words; words++)
        if (!parse_pair(d, *words, error))
            return false;
    return true;
}

static bool parse_file(Draft *d, const char *path, GError **error)
{
    g_autofree char *text = NULL;
    gsize length;
    if (!g_file_get_contents(path, &text, &length, NULL))
        return wrong(error, "no preset and no file \"%s\" (--tlb-model help lists presets)", path);
    if (strlen(text) != length || !g_utf8_validate(text, length, NULL))
        return wrong(error, "%s is not a text", path);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (unsigned i = 0; lines[i]; i++) {
        GError *why = NULL;
        lines[i][strcspn(lines[i], "#")] = 0;
        if (!*g_strstrip(lines[i]) || parse_pair(d, lines[i], &why))
            continue;
        const char *what = why->message + strlen("TLB model: ");
        wrong(error, "%s:%u: %s", path, i + 1, what);
        g_error_free(why);
        return false;
    }
    return true;
}

// What was not said; and what only shows when all was.
static bool complete(Draft *d, GError **error)
{
    if (!d->given[MODEL_L1I] && !d->given[MODEL_L1D])
        return wrong(error, "neither l1i nor l1d is given");
    if (!d->given[MODEL_L1I] || !d->given[MODEL_L1D]) {
        ModelUnit from = d->given[MODEL_L1I] ? MODEL_L1I : MODEL_L1D, to = MODEL_L1I + MODEL_L1D - from;
        memcpy(d->spec.part[to], d->spec.part[from], sizeof(d->spec.part[to]));
        memcpy(d->policy_given[to], d->policy_given[from], sizeof(d->policy_given[to]));
    }
    for (unsigned unit = 0; unit < MODEL_UNITS; unit++) {
        for (unsigned n = 0; n < MODEL_PARTS; n++) {
            ModelPart *p = &d->spec.part[unit][n];
            if (p->ways && !d->policy_given[unit][n])
                p->policy = d->policy;
            if (p->policy == POLICY_PLRU && p->ways & (p->ways - 1))
                return wrong(error, "%s: plru, but %u ways are no power of two", unit_names[unit], p->ways);
        }
    }
    return true;
}

bool model_spec_parse(const char *text, ModelSpec *out, GError **error)
{
    Draft d = {.spec.asid = true, .policy = POLICY_LRU};
    g_auto(GStrv) words = g_strsplit(text, ",", -1);
    char **rest = words;
    if (!words[0] || !*words[0])
        return wrong(error, "nothing is given");
    if (!strchr(words[0], '=')) {
        const char *preset = model_preset(words[0]);
        rest++;
        if (preset) {
            g_auto(GStrv) own = g_strsplit(preset, ",", -1);
            bool good = parse_short(&d, own, error);
            g_assert(good);
        } else if (!parse_file(&d, words[0], error)) {
            return false;
        }
        g_autofree char *base = g_path_get_basename(words[0]);
        if (!*d.spec.name)
            g_strlcpy(d.spec.name, base, sizeof(d.spec.name));
    }
    if (!parse_short(&d, rest, error) || !complete(&d, error))
        return false;
    *out = d.spec;
    return true;
}

// --- printing

static void print_part(GString *out, const ModelPart *p)
{
    if (p->sets > 1)
        g_string_append_printf(out, "%ux", p->sets);
    g_string_append_printf(out, "%u", p->ways);
    unsigned first = LAB_SIZES, last = 0;
    for (unsigned size = 0; size < LAB_SIZES; size++) {
        if (!(p->sizes & size_bit(size)))
            continue;
        first = MIN(first, size);
        last = size;
    }
    if (first > 0 || last < LAB_SIZES - 1)
        g_string_append_printf(out, ":%s-%s", size_names[first], size_names[last]);
    if (p->policy != POLICY_LRU)
        g_string_append_printf(out, "/%s", policy_names[p->policy]);
}

char *model_spec_print(const ModelSpec *spec)
{
    GString *out = g_string_new(NULL);
    for (unsigned unit = 0; unit < MODEL_UNITS; unit++) {
        for (unsigned n = 0; n < MODEL_PARTS && spec->part[unit][n].ways; n++) {
            if (n)
                g_string_append_c(out, '+');
            else
                g_string_append_printf(out, "%s%s=", unit ? "," : "", unit_names[unit]);
            print_part(out, &spec->part[unit][n]);
        }
    }
    if (!spec->asid)
        g_string_append(out, ",asid=off");
    if (spec->bare)
        g_string_append(out, ",bare=on");
    if (spec->walk_cache)
        g_string_append_printf(out, ",walk=%u", spec->walk_cache);
    if (spec->prefetch)
        g_string_append_printf(out, ",prefetch=%u", spec->prefetch);
    if (spec->seed)
        g_string_append_printf(out, ",seed=%" PRIu64, spec->seed);
    return g_string_free(out, FALSE);
}
