// SPDX-License-Identifier: GPL-3.0-or-later
// The assembler as a process of its own.
#include "backend/assemble.h"

#include <errno.h>
#include <gio/gio.h>
#include <spawn.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

static bool run(char *const *argv, GError **error)
{
    pid_t pid;
    int status = 0, err = posix_spawn(&pid, argv[0], NULL, NULL, argv, environ);
    if (err) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s: %s", argv[0], g_strerror(err));
        return false;
    }
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR) {
            g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s: %s", argv[0], g_strerror(errno));
            return false;
        }
    if (WIFEXITED(status) && !WEXITSTATUS(status))
        return true;
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "the assembler %s fails", argv[0]);
    return false;
}

GByteArray *assemble(const char *path, const char *scratch_dir, GError **error)
{
    static char *as;
    if (!as && !(as = g_find_program_in_path("as"))) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "there is no assembler (as) in PATH");
        return NULL;
    }
    g_autofree char *object = g_build_filename(scratch_dir, "region.o", NULL), *source = g_strdup(path);
    char *const argv[] = {as, (char[]){"--64"}, (char[]){"-o"}, object, source, NULL};
    char *bytes = NULL;
    gsize size = 0;
    bool ok = run(argv, error) && g_file_get_contents(object, &bytes, &size, error);
    unlink(object);
    return ok ? g_byte_array_new_take((guint8 *)bytes, size) : NULL;
}
