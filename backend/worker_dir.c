// SPDX-License-Identifier: GPL-3.0-or-later
// Folders for workers' temporary files.
#include "backend/worker_dir.h"

#include "util/remove_tree.h"
#include <fcntl.h>
#include <glib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PREFIX "addend-gcc-"
#define MIN_AGE 60 // seconds: younger ones may be about to be locked
#define TRIES 20

// Opens and locks the folder; -1 if somebody else has it.
static int lock_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && !flock(fd, LOCK_EX | LOCK_NB))
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

// What programs left that were killed together with their workers.
static gpointer sweep(gpointer unused)
{
    GDir *tmp = g_dir_open(g_get_tmp_dir(), 0, NULL);
    for (const char *name; tmp && (name = g_dir_read_name(tmp));) {
        struct stat st;
        g_autofree char *path = g_build_filename(g_get_tmp_dir(), name, NULL);
        if (!g_str_has_prefix(name, PREFIX) || lstat(path, &st) || !S_ISDIR(st.st_mode) || st.st_uid != geteuid() ||
            time(NULL) - st.st_mtime < MIN_AGE)
            continue;
        int fd = lock_folder(path);
        if (fd < 0)
            continue;
        remove_tree(path);
        close(fd);
    }
    if (tmp)
        g_dir_close(tmp);
    return unused;
}

char *worker_dir_name(void)
{
    static GOnce once = G_ONCE_INIT;
    g_once(&once, sweep, NULL);
    g_autofree char *name = g_strdup_printf(PREFIX "%d-%08x", (int)getpid(), g_random_int());
    return g_build_filename(g_get_tmp_dir(), name, NULL);
}

bool worker_dir_make(const char *path)
{
    return mkdir(path, 0700) == 0 && lock_folder(path) >= 0;
}

void worker_dir_remove(const char *path)
{
    remove_tree(path);
    // GCC's assembler may have been killed just now and be about to write.
    for (int i = 0; i < TRIES && g_file_test(path, G_FILE_TEST_EXISTS); i++) {
        g_usleep(5000);
        remove_tree(path);
    }
}
