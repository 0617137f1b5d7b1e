// SPDX-License-Identifier: GPL-3.0-or-later
// Host files for guests: the descriptors that semihosting and the HTIF proxy hand out, and path resolution
// inside a root directory. No path, "..", or symbolic link leads out of the root.
//
// Results are >= 0 or -errno with Linux numbers, as the guest gets them. Descriptors 0 and 1 are the console,
// 2 is the host's stderr; every other one comes from hostfs_open. Any thread; a blocking read blocks only its
// caller.
#pragma once
#include "machine/console.h"
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

typedef struct HostFs HostFs;

#define HOSTFS_CWD (-100) // AT_FDCWD, as guest and host number it

// root: the directory that guests see as "/"; NULL: the host's "/", with the current directory as theirs.
// console may be NULL. Error: root is no directory, or the kernel cannot confine paths (openat2, Linux 5.6).
HostFs *hostfs_new(const char *root, Console *console, GError **error);
void hostfs_free(HostFs *fs); // closes what the guest left open

// flags are Linux's for RISC-V (the same numbers as on x86-64); flags unknown here are dropped. Never blocks: pipes
// give -ENXIO.
int64_t hostfs_open(HostFs *fs, int dirfd, const char *path, int flags, unsigned mode);
int64_t hostfs_open_console(HostFs *fs, int std); // a new descriptor for 0, 1 or 2
// A new descriptor that reads these bytes.
int64_t hostfs_open_bytes(HostFs *fs, const void *data, size_t size);
int64_t hostfs_close(HostFs *fs, int fd);

// At most size bytes; offset -1: at the file position.
int64_t hostfs_read(HostFs *fs, int fd, void *buf, size_t size, int64_t offset);
int64_t hostfs_write(HostFs *fs, int fd, const void *buf, size_t size, int64_t offset);
int64_t hostfs_lseek(HostFs *fs, int fd, int64_t offset, int whence);
int64_t hostfs_ftruncate(HostFs *fs, int fd, int64_t length);
int64_t hostfs_fstat(HostFs *fs, int fd, struct stat *out);
bool hostfs_isatty(HostFs *fs, int fd);

int64_t hostfs_fstatat(HostFs *fs, int dirfd, const char *path, int flags, struct stat *out);
int64_t hostfs_faccessat(HostFs *fs, int dirfd, const char *path, int mode);
int64_t hostfs_unlinkat(HostFs *fs, int dirfd, const char *path, int flags); // flags: AT_REMOVEDIR
int64_t hostfs_mkdirat(HostFs *fs, int dirfd, const char *path, unsigned mode);
int64_t hostfs_renameat(HostFs *fs, int old_dirfd, const char *old_path, int new_dirfd, const char *new_path);
int64_t hostfs_readlinkat(HostFs *fs, int dirfd, const char *path, char *buf, size_t size); // no NUL is added
int64_t hostfs_chdir(HostFs *fs, const char *path);
char *hostfs_getcwd(HostFs *fs); // as the guest sees it; the caller frees it
