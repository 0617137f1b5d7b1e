// SPDX-License-Identifier: GPL-3.0-or-later
// The folder of a worker process's temporary files, which its owner removes, or, if that is killed, the worker, or, if
// both are, whoever starts a worker next.
#pragma once
#include <glib.h>

typedef struct {
    char *path; // NULL: none
    int lock;   // descriptor; the folder is in use while this is open
} WorkerDir;

// A new folder below the temporary one; path stays NULL where that is not possible.
void worker_dir_make(WorkerDir *d);
void worker_dir_remove(WorkerDir *d); // with all that is in it
