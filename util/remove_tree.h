// SPDX-License-Identifier: GPL-3.0-or-later
// Removing folders.
#pragma once

// Removes a file, or a folder with all that is in it, as far as the host lets it; what symbolic links lead to stays.
void remove_tree(const char *path);
