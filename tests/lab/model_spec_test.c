// SPDX-License-Identifier: GPL-3.0-or-later
// Descriptions: spec.cases; that printing and parsing again gives the same; presets and their sources; junk.
#include "tests/test.h"
#include "lab/model.h"
#include <glib.h>
#include <string.h>

static void check(const char *text, const char *expected)
{
    ModelSpec spec;
    GError *error = NULL;
    if (!model_spec_parse(text, &spec, &error)) {
        assert_non_null(error);
        g_autofree char *got = g_strconcat("error ", error->message, NULL);
        const char *prefix = "error TLB model: ";
        assert_true(g_str_has_prefix(got, prefix));
        g_autofree char *stripped = g_strconcat("error ", got + strlen(prefix), NULL);
        assert_string_equal(stripped, expected);
        g_error_free(error);
        return;
    }
    assert_null(error);
    g_autofree char *got = model_spec_print(&spec);
    assert_string_equal(got, expected);
    ModelSpec again;
    assert_true(model_spec_parse(got, &again, NULL));
    memcpy(again.name, spec.name, sizeof(again.name));
    assert_memory_equal(&spec, &again, sizeof(spec));
}

static void test_cases(void **state)
{
    (void)state;
    g_autofree char *text = NULL;
    assert_true(g_file_get_contents("tests/lab/spec.cases", &text, NULL, NULL));
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    unsigned cases = 0;
    for (char **line = lines; *line; line++) {
        if (!**line || **line == '#')
            continue;
        char *arrow = strstr(*line, " => ");
        assert_non_null(arrow);
        *arrow = 0;
        check(*line, arrow + 4);
        cases++;
    }
    assert_true(cases > 50);
}

static void test_names(void **state)
{
    (void)state;
    ModelSpec spec;
    assert_true(model_spec_parse("cortex-a72,l2=none", &spec, NULL));
    assert_string_equal(spec.name, "cortex-a72");
    assert_true(model_spec_parse("tests/lab/example.tlb", &spec, NULL));
    assert_string_equal(spec.name, "my core");
    assert_true(model_spec_parse("l1d=8", &spec, NULL));
    assert_string_equal(spec.name, "");
    assert_true(model_spec_parse("l1d=8,name=x", &spec, NULL));
    assert_string_equal(spec.name, "x");
}

// Each preset parses, has a source, and makes a model.
static void test_presets(void **state)
{
    (void)state;
    g_autofree char *text = model_presets_text();
    g_auto(GStrv) lines = g_strsplit(g_strchomp(text), "\n", -1);
    unsigned n = g_strv_length(lines);
    assert_true(n >= 3 * 8 && n % 3 == 0);
    for (unsigned i = 0; i < n; i += 3) {
        g_autofree char *name = g_strndup(lines[i], strcspn(lines[i], ":"));
        ModelSpec spec, direct;
        GError *error = NULL;
        if (!model_spec_parse(name, &spec, &error))
            fail_msg("%s: %s", name, error->message);
        assert_true(model_spec_parse(lines[i + 1] + 2, &direct, NULL));
        assert_memory_equal(spec.part, direct.part, sizeof(spec.part));
        assert_string_equal(spec.name, name);
        assert_true(g_str_has_prefix(lines[i + 2], "  source: ") && strlen(lines[i + 2]) > 30);
        Model *m = model_new(&spec);
        assert_null(model_reconcile(m));
        model_free(m);
    }
}

static void test_junk(void **state)
{
    (void)state;
    static const char *const words[] = {"l1i=", "l1d=", "l2=", "4", "x", "16", ":", "4k", "-", "2m", "/", "lru", "plru",
                                        ",", "+", "asid=", "on", "none", "=", "", "walk=", "\xff", " ", "name="};
    g_autoptr(GRand) rand = g_rand_new_with_seed(8);
    unsigned good = 0;
    for (unsigned round = 0; round < 20000; round++) {
        g_autoptr(GString) s = g_string_new(g_rand_boolean(rand) ? "l1d=8" : "");
        for (unsigned n = g_rand_int_range(rand, 0, 9); n; n--)
            g_string_append(s, words[g_rand_int_range(rand, 0, G_N_ELEMENTS(words))]);
        ModelSpec spec;
        GError *error = NULL;
        if (model_spec_parse(s->str, &spec, &error)) {
            g_autofree char *text = model_spec_print(&spec);
            check(s->str, text);
            good++;
        }
        g_clear_error(&error);
    }
    assert_true(good > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_presets),
        cmocka_unit_test(test_junk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
