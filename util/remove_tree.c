// SPDX-License-Identifier: GPL-3.0-or-later
// Removing folders.
#include "util/remove_tree.h"

#include <glib.h>
#include <glib/gstdio.h>

void remove_tree(const char *path)
{
    GDir *dir = g_file_test(path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open(path, 0, NULL);
    for (const char *name; dir && (name = g_dir_read_name(dir));) {
        g_autofree char *inside = g_build_filename(path, name, NULL);
        remove_tree(inside);
    }
    if (dir)
        g_dir_close(dir);
    g_remove(path);
}
