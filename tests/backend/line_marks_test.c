// SPDX-License-Identifier: GPL-3.0-or-later
// .loc directives become a table; what is for debuggers goes, and nothing else.
#include "tests/test.h"
#include "backend/line_marks.h"
#include "tests/backend/temp_dir.h"
#include <glib.h>

#include <string.h>

static char *marked(const char *path, const char *text)
{
    g_autoptr(GArray) lines = g_array_new(FALSE, FALSE, sizeof(int64_t));
    g_autoptr(GError) error = NULL;
    char *out = NULL;
    assert_true(g_file_set_contents(path, text, -1, &error));
    assert_true(line_marks(path, lines, &error));
    assert_true(g_file_get_contents(path, &out, NULL, &error));
    return out;
}

static void sections(void **state)
{
    (void)state;
    g_autofree char *path = g_build_filename(temp_dir, "region.s", NULL);
    g_autofree char *all = marked(path, "\t.section\t.debug_info\n\tgone1\n\t.text\n\tkept1\n"
                                  "  .section .debug_line,\"\"\n\tgone2\n\t.section .rodata\n\tkept2\n"
                                  "\t.section\n\tkept3\n.text\n\tkept4");
    assert_null(strstr(all, "gone"));
    assert_null(strstr(all, ".debug"));
    for (const char *kept = "1234"; *kept; kept++) {
        char word[] = {'k', 'e', 'p', 't', *kept, 0};
        assert_non_null(strstr(all, word));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {FOLDER_TEST(sections)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
