// SPDX-License-Identifier: GPL-3.0-or-later
// Tables say the same in every format; charts are well-formed; what the reports count with counts right.
#include "tests/test.h"

#include "lab/pair_map.h"
#include "lab/svg.h"
#include "lab/table.h"
#include "lab/working_set.h"
#include <string.h>

static Table *sample(void)
{
    Table *t = table_new("sample", "A sample");
    table_note(t, "With a note.");
    table_column(t, "name", "name", TABLE_TEXT);
    table_column(t, "n", "misses", TABLE_COUNT);
    table_column(t, "pc", "pc", TABLE_ADDRESS);
    table_column(t, "ratio", "ratio", TABLE_RATIO);
    table_column(t, "shown", "shown", TABLE_TEXT | TABLE_PEOPLE);
    table_column(t, "hidden", "hidden", TABLE_COUNT | TABLE_DATA);
    table_column(t, "zero", "zero", TABLE_COUNT | TABLE_SPARSE);
    table_text(t, "a,\"b\"");
    table_count(t, 1234567);
    table_count(t, 0x80001000);
    table_ratio(t, 1, 8);
    table_text(t, "<x>");
    table_count(t, UINT64_C(18446744073709551615));
    table_count(t, 0);
    table_rule(t);
    table_text(t, "tab\there");
    table_count(t, 7);
    table_count(t, 0);
    table_ratio(t, 0, 0);
    table_text(t, NULL);
    table_count(t, 2);
    table_count(t, 0);
    return t;
}

static void expect(void (*write)(const Table *t, GString *out), const char *expected)
{
    Table *t = sample();
    g_autoptr(GString) s = g_string_new(NULL);
    write(t, s);
    assert_string_equal(s->str, expected);
    table_free(t);
}

static void write_json(const Table *t, GString *out)
{
    table_write_json(t, out, 0);
}

static void formats(void **state)
{
    (void)state;
    expect(table_write_text, "A sample\n"
                             "  With a note.\n"
                             "  name         misses          pc     ratio  shown\n"
                             "  --------  ---------  ----------  --------  -----\n"
                             "  a,\"b\"     1,234,567  0x80001000  12.500 %  <x>\n"
                             "  --------  ---------  ----------  --------  -----\n"
                             "  tab?here          7         0x0         -\n");
    expect(table_write_csv, "name,n,pc,ratio,hidden,zero\n"
                            "\"a,\"\"b\"\"\",1234567,0x80001000,0.125,18446744073709551615,0\n"
                            "tab?here,7,0x0,,2,0\n");
    expect(write_json, "[\n"
                       "  {\"name\": \"a,\\\"b\\\"\", \"n\": 1234567, \"pc\": \"0x80001000\", \"ratio\": 0.125, "
                       "\"hidden\": 18446744073709551615, "
                       "\"zero\": 0},\n"
                       "  {\"name\": \"tab?here\", \"n\": 7, \"pc\": \"0x0\", \"ratio\": null, \"hidden\": 2, "
                       "\"zero\": 0}\n"
                       "]");
    Table *t = sample();
    g_autoptr(GString) s = g_string_new(NULL);
    table_show(t, 1);
    table_write_html(t, s);
    assert_non_null(strstr(s->str, "<td>a,&quot;b&quot;</td><td class=\"n\">1,234,567</td>"));
    assert_non_null(strstr(s->str, "<td>&lt;x&gt;</td></tr>"));
    assert_null(strstr(s->str, "tab?here"));
    assert_non_null(strstr(s->str, "... and 1 more"));
    table_free(t);
}

static void numbers(void **state)
{
    (void)state;
    assert_string_equal(table_number(0), "0");
    assert_string_equal(table_number(999), "999");
    assert_string_equal(table_number(1000), "1,000");
    assert_string_equal(table_number(UINT64_MAX), "18,446,744,073,709,551,615");
    g_autoptr(GString) s = g_string_new(NULL);
    json_append_string(s, "\"\\\n\xff");
    assert_string_equal(s->str, "\"\\\"\\\\\\u000a\xef\xbf\xbd\"");
}

static void pairs(void **state)
{
    (void)state;
    PairMap m;
    pair_map_init(&m);
    for (uint64_t i = 0; i < 5000; i++)
        *pair_map_at(&m, i % 50, i << 40) += i;
    for (uint64_t i = 0; i < 5000; i++)
        assert_int_equal(*pair_map_at(&m, i % 50, i << 40), i);
    uint64_t n;
    PairSlot *all = pair_map_sorted(&m, &n);
    assert_int_equal(n, 5000);
    for (uint64_t i = 1; i < n; i++)
        assert_true(all[i - 1].a < all[i].a || (all[i - 1].a == all[i].a && all[i - 1].b < all[i].b));
    g_free(all);
    pair_map_deinit(&m);
}

// Against counting anew for each window.
static void working_set(void **state)
{
    (void)state;
    enum { USES = 4000, PAGES = 64 };
    static uint64_t time[USES], page[USES];
    WorkingSet *w = working_set_new();
    uint64_t t = 0, seed = 1;
    for (unsigned i = 0; i < USES; i++) {
        seed = seed * UINT64_C(6364136223846793005) + 1;
        t += seed >> 33 & (i % 1000 == 999 ? 0xfffff : 0x1ff);
        time[i] = t;
        page[i] = (seed >> 50 & (PAGES - 1) & (i / 64)) << 12;
        working_set_touch(w, page[i], 0, t);
    }
    uint64_t end = t + 100000;
    working_set_end(w, end);
    for (unsigned bits = working_set_bits(w); bits < 40; bits++) {
        for (uint64_t n = 0; n <= end >> bits; n++) {
            uint64_t seen = 0;
            for (unsigned i = 0; i < USES; i++) // a page is in use until the next one is
                if (time[i] >> bits <= n && (i + 1 < USES ? time[i + 1] : end) >> bits >= n)
                    seen |= UINT64_C(1) << (page[i] >> 12);
            assert_int_equal(working_set_pages(w, bits, n), __builtin_popcountll(seen));
        }
    }
    assert_true(end >> working_set_bits(w) < WORKING_SET_WINDOWS);
    assert_true(end >> (working_set_bits(w) - 1) >= WORKING_SET_WINDOWS);
    working_set_free(w);
}

static void steps(void **state)
{
    (void)state;
    static const struct {
        double max;
        unsigned n;
        double step;
    } cases[] = {{10, 5, 2}, {100, 5, 20}, {101, 5, 50}, {1234567, 6, 500000}, {0.7, 7, 0.1}, {1, 6, 0.2}, {0, 5, 1}};
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++)
        assert_true(svg_step(cases[i].max, cases[i].n) / cases[i].step - 1 < 1e-9 &&
                    svg_step(cases[i].max, cases[i].n) / cases[i].step - 1 > -1e-9);
    static const struct {
        double v;
        const char *text;
    } shorts[] = {{0, "0"}, {999, "999"}, {1500, "1.5 k"}, {2.5e6, "2.5 M"}, {1e9, "1 G"}, {0.25, "0.25"}};
    for (unsigned i = 0; i < G_N_ELEMENTS(shorts); i++) {
        g_autofree char *text = svg_short(shorts[i].v);
        assert_string_equal(text, shorts[i].text);
    }
}

static void ignore_text(GMarkupParseContext *c, const char *text, gsize len, gpointer opaque, GError **error)
{
    (void)c;
    (void)error;
    g_string_append_len(opaque, text, (gssize)len);
}

// Well-formed; *text: what is written in it.
static void check_svg(char *svg, GString *text)
{
    GMarkupParser parser = {.text = ignore_text};
    GMarkupParseContext *c = g_markup_parse_context_new(&parser, 0, text, NULL);
    assert_true(g_markup_parse_context_parse(c, svg, -1, NULL));
    assert_true(g_markup_parse_context_end_parse(c, NULL));
    g_markup_parse_context_free(c);
    assert_null(strstr(svg, "nan"));
    assert_null(strstr(svg, "inf"));
    g_free(svg);
}

static void charts(void **state)
{
    (void)state;
    g_autoptr(GString) text = g_string_new(NULL);
    double x[] = {1, 2, 4, 8}, y[] = {0.5, 0.25, 0.001, 0};
    SvgSeries s[] = {{"<data> & \"more\"", svg_data_color, x, y, 4, true}};
    SvgMark marks[] = {{2, 0.25, "the mark", svg_data_color}, {0, 0, "nowhere", svg_data_color}};
    SvgLines lines = {.title = "T < 1", .x_label = "entries", .y_label = "misses", .series = s, .n_series = 1,
                      .marks = marks, .n_marks = 2};
    for (unsigned i = 0; i < 8; i++) {
        lines.x_log2 = i & 1;
        lines.y_log = i & 2;
        lines.y_ratio = i & 4;
        check_svg(svg_lines(&lines), text);
    }
    assert_non_null(strstr(text->str, "<data> & \"more\""));
    assert_non_null(strstr(text->str, "0.1 %"));
    lines.n_series = lines.n_marks = 0; // nothing there
    check_svg(svg_lines(&lines), text);
    const char *const names[] = {"one", "two"};
    double ratio[] = {1, 0.01, 0, 0.5}, none[] = {0, 0, 0, 0};
    SvgHeat heat = {"heat", "ways", "sets", "ratio", 2, 2, names, names, ratio};
    check_svg(svg_heat(&heat), text);
    heat.ratio = none;
    check_svg(svg_heat(&heat), text);
    uint64_t value[] = {1, 2, 0, 0};
    SvgBars bars = {"bars", "misses", 2, 2, names, names, names, value, names};
    check_svg(svg_bars(&bars), text);
    memset(value, 0, sizeof value);
    check_svg(svg_bars(&bars), text);
    bars.bars = 0;
    check_svg(svg_bars(&bars), text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats), cmocka_unit_test(numbers), cmocka_unit_test(pairs), cmocka_unit_test(working_set),
        cmocka_unit_test(steps),   cmocka_unit_test(charts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
