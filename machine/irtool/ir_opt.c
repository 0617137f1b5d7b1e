// SPDX-License-Identifier: GPL-3.0-or-later
// addend ir opt: what the passes make of IR. All that is printed besides IR is a comment.
#include "ir/plant.h"
#include "machine/irtool/case_verify.h"
#include "machine/irtool/ir_command.h"

#include <string.h>

#define DIFF_CELLS (UINT64_C(1) << 26)

typedef struct {
    const Options *o;
    FILE *out;
    char *before; // IR in front of the pass
    unsigned passes;
} Opt;

static char *text_of(const IrCode *code)
{
    GString *s = g_string_new(NULL);
    ir_print(s, code);
    return g_string_free(s, FALSE);
}

// Values are named by their place, which moves with every op that goes: lines are alike if they are but for that.
static char *without_numbers(const char *line)
{
    GString *s = g_string_new(NULL);
    for (const char *p = line; *p; p++) {
        g_string_append_c(s, *p);
        if (*p == 'v' && g_ascii_isdigit(p[1]) && (p == line || !g_ascii_isalnum(p[-1])))
            p += strspn(p + 1, "0123456789");
    }
    return g_string_free(s, FALSE);
}

static char **keys_of(char **lines)
{
    GPtrArray *keys = g_ptr_array_new();
    for (; *lines; lines++)
        g_ptr_array_add(keys, without_numbers(*lines));
    g_ptr_array_add(keys, NULL);
    return (char **)g_ptr_array_free(keys, FALSE);
}

// The lines between the common ends: those of a that b has not, and the other way round, in an order that makes them
// few (longest common subsequence).
static void diff_middle(FILE *out, char **a, char **ka, unsigned n, char **b, char **kb, unsigned m)
{
    uint16_t *l = g_new0(uint16_t, (gsize)(n + 1) * (m + 1)); // of what is behind i and j
    for (unsigned i = n; i-- > 0;)
        for (unsigned j = m; j-- > 0;)
            l[(gsize)i * (m + 1) + j] = !strcmp(ka[i], kb[j])
                                            ? l[(gsize)(i + 1) * (m + 1) + j + 1] + 1
                                            : MAX(l[(gsize)(i + 1) * (m + 1) + j], l[(gsize)i * (m + 1) + j + 1]);
    for (unsigned i = 0, j = 0; i < n || j < m;) {
        if (i < n && j < m && !strcmp(ka[i], kb[j])) {
            i++;
            j++;
        } else if (j == m || (i < n && l[(gsize)(i + 1) * (m + 1) + j] >= l[(gsize)i * (m + 1) + j + 1])) {
            fprintf(out, "; -%s\n", a[i++]);
        } else {
            fprintf(out, "; +%s\n", b[j++]);
        }
    }
    g_free(l);
}

static void print_diff(FILE *out, const char *before, const char *after)
{
    g_auto(GStrv) a = g_strsplit(before, "\n", -1), b = g_strsplit(after, "\n", -1);
    g_auto(GStrv) ka = keys_of(a), kb = keys_of(b);
    unsigned n = g_strv_length(a), m = g_strv_length(b), from = 0;
    while (from < n && from < m && !strcmp(ka[from], kb[from]))
        from++;
    while (n > from && m > from && !strcmp(ka[n - 1], kb[m - 1])) {
        n--;
        m--;
    }
    if ((uint64_t)(n - from + 1) * (m - from + 1) > DIFF_CELLS || MAX(n, m) - from > UINT16_MAX)
        fprintf(out, "; too much to compare\n");
    else
        diff_middle(out, a + from, ka + from, n - from, b + from, kb + from, m - from);
}

static void after_pass(void *opaque, const char *name, const IrCode *code, bool changed)
{
    Opt *opt = opaque;
    char *now = text_of(code);
    bool differs = strcmp(now, opt->before);
    (void)changed;
    if (opt->o->ir_print_changed || opt->o->ir_print_all)
        fprintf(opt->out, "; --- %s%s\n", name, differs ? "" : ": no change");
    if (opt->o->ir_print_changed && differs)
        print_diff(opt->out, opt->before, now);
    if (opt->o->ir_print_all)
        fputs(now, opt->out);
    g_free(opt->before);
    opt->before = now;
}

int ir_command_opt(const Options *o, IrCase *c, FILE *out, GError **error)
{
    unsigned skip;
    if (!ir_command_passes(o->ir_passes, &skip, error))
        return 1;
    Opt opt = {.o = o, .out = out, .before = text_of(c->code)};
    g_autoptr(IrCase) after = ir_case_copy(c);
    IrPipeline p = {.skip = skip, .aligned = c->paged, .verify = !plant_get(), .n_helpers = CASE_HELPERS,
                    .after = after_pass, .opaque = &opt};
    ir_pipeline(after->code, &p);
    if (!o->ir_print_all)
        fputs(opt.before, out);
    g_free(opt.before);
    if (!o->ir_verify)
        return 0;
    char *wrong = case_verify_passes(c, skip, error);
    if (wrong)
        fprintf(out, "; wrong: %s\n", wrong);
    else if (!*error)
        fprintf(out, "; verified\n");
    g_free(wrong);
    return wrong || *error;
}
