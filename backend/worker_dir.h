// SPDX-License-Identifier: GPL-3.0-or-later
// The folder of a worker process's temporary files. The worker makes it, and removes it when its parent is gone; else
// the parent does, when the worker is; and what both leave, being killed at once, goes when a worker is started next.
#pragma once
#include <stdbool.h>

// Parent: a path for a folder, below the temporary one, that nobody has. Freed by the caller.
char *worker_dir_name(void);
// Worker: makes it, and marks it as in use as long as this process lives. False: not possible.
bool worker_dir_make(const char *path);
// Parent, when the worker has ended: the folder goes with all that is in it, if it is there.
void worker_dir_remove(const char *path);
