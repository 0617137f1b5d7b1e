// SPDX-License-Identifier: GPL-3.0-or-later
// A folder for each test of a file.
#include "tests/backend/temp_dir.h"

#include "util/remove_tree.h"
#include <glib.h>

char *temp_dir;

int temp_dir_make(void **state)
{
    (void)state;
    temp_dir = g_dir_make_tmp("addend-test-XXXXXX", NULL);
    return temp_dir ? 0 : 1;
}

int temp_dir_remove(void **state)
{
    (void)state;
    remove_tree(temp_dir);
    g_clear_pointer(&temp_dir, g_free);
    return 0;
}
