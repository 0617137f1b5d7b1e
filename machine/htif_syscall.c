// SPDX-License-Identifier: GPL-3.0-or-later
// The HTIF system call proxy: Linux's RISC-V call numbers, file calls on HostFs.
#include "machine/htif_syscall.h"
#include "machine/guest_mem.h"
#include "util/log.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef const uint64_t *Args; // a[0] is the first argument

static int fd_of(uint64_t word)
{
    return (int)word; // as the kernel takes it: the low 32 bits, so that AT_FDCWD works in both widths
}

// The path in size bytes at addr (its NUL included); the caller frees it. NULL: not RAM, too long, no NUL.
static char *path_of(HtifProxy *p, uint64_t addr, uint64_t size)
{
    if (!size || size > GUEST_STRING_MAX)
        return NULL;
    char *path = g_malloc0(size + 1);
    if (!guest_read(p->memory, addr, path, size))
        g_clear_pointer(&path, g_free);
    return path;
}

static void put(uint8_t *base, unsigned offset, unsigned size, uint64_t value)
{
    for (unsigned i = 0; i < size; i++)
        base[offset + i] = (uint8_t)(value >> (8 * i));
}

// struct stat of RISC-V Linux, 128 bytes.
static int64_t put_stat(HtifProxy *p, uint64_t addr, const struct stat *st)
{
    uint8_t b[128] = {0};
    put(b, 0, 8, st->st_dev);
    put(b, 8, 8, st->st_ino);
    put(b, 16, 4, st->st_mode);
    put(b, 20, 4, st->st_nlink);
    put(b, 24, 4, st->st_uid);
    put(b, 28, 4, st->st_gid);
    put(b, 32, 8, st->st_rdev);
    put(b, 48, 8, (uint64_t)st->st_size);
    put(b, 56, 4, (uint64_t)st->st_blksize);
    put(b, 64, 8, (uint64_t)st->st_blocks);
    put(b, 72, 8, (uint64_t)st->st_atim.tv_sec);
    put(b, 80, 8, (uint64_t)st->st_atim.tv_nsec);
    put(b, 88, 8, (uint64_t)st->st_mtim.tv_sec);
    put(b, 96, 8, (uint64_t)st->st_mtim.tv_nsec);
    put(b, 104, 8, (uint64_t)st->st_ctim.tv_sec);
    put(b, 112, 8, (uint64_t)st->st_ctim.tv_nsec);
    return guest_write(p->memory, addr, b, sizeof b) ? 0 : -EFAULT;
}

static int64_t sys_getcwd(HtifProxy *p, Args a)
{
    char *cwd = hostfs_getcwd(p->fs);
    uint64_t size = strlen(cwd) + 1;
    int64_t r = size > a[1] ? -ERANGE : guest_write(p->memory, a[0], cwd, size) ? (int64_t)size : -EFAULT;
    g_free(cwd);
    return r;
}

static int64_t sys_chdir(HtifProxy *p, Args a)
{
    char *path = guest_string(p->memory, a[0]);
    int64_t r = path ? hostfs_chdir(p->fs, path) : -EFAULT;
    g_free(path);
    return r;
}

static int64_t sys_fstat(HtifProxy *p, Args a)
{
    struct stat st;
    int64_t r = hostfs_fstat(p->fs, fd_of(a[0]), &st);
    return r < 0 ? r : put_stat(p, a[1], &st);
}

static int64_t stat_path(HtifProxy *p, int dirfd, const char *path, uint64_t out, int flags)
{
    struct stat st;
    int64_t r = hostfs_fstatat(p->fs, dirfd, path, flags, &st);
    return r < 0 ? r : put_stat(p, out, &st);
}

static int64_t sys_renameat(HtifProxy *p, Args a)
{
    char *from = path_of(p, a[1], a[2]), *to = path_of(p, a[4], a[5]);
    int64_t r = from && to ? hostfs_renameat(p->fs, fd_of(a[0]), from, fd_of(a[3]), to) : -EFAULT;
    g_free(from);
    g_free(to);
    return r;
}

static int64_t sys_readlinkat(HtifProxy *p, int dirfd, const char *path, uint64_t out, uint64_t size)
{
    char target[GUEST_STRING_MAX];
    if (!size)
        return -EINVAL;
    int64_t r = hostfs_readlinkat(p->fs, dirfd, path, target, MIN(size, sizeof target));
    return r < 0 || guest_write(p->memory, out, target, (uint64_t)r) ? r : -EFAULT;
}

// Calls whose second and third argument are a path and its size.
static int64_t path_call(HtifProxy *p, uint64_t number, Args a)
{
    bool lstat_call = number == 1039; // lstat has no directory descriptor
    char *path = lstat_call ? path_of(p, a[0], a[1]) : path_of(p, a[1], a[2]);
    int dirfd = fd_of(a[0]);
    int64_t r = -EFAULT;
    if (!path)
        return r;
    switch (number) {
    case 34: r = hostfs_mkdirat(p->fs, dirfd, path, (unsigned)a[3]); break;
    case 35: r = hostfs_unlinkat(p->fs, dirfd, path, (int)a[3]); break;
    case 48: r = hostfs_faccessat(p->fs, dirfd, path, (int)a[3]); break;
    case 56: r = hostfs_open(p->fs, dirfd, path, (int)a[3], (unsigned)a[4]); break;
    case 78: r = sys_readlinkat(p, dirfd, path, a[3], a[4]); break;
    case 79: r = stat_path(p, dirfd, path, a[3], (int)a[4]); break;
    case 1039: r = stat_path(p, HOSTFS_CWD, path, a[2], AT_SYMLINK_NOFOLLOW); break;
    default: g_assert_not_reached();
    }
    g_free(path);
    return r;
}

static int64_t transfer(HtifProxy *p, uint64_t number, Args a)
{
    bool positioned = number == 67 || number == 68;
    int64_t offset = positioned ? (int64_t)a[3] : -1;
    if (positioned && offset < 0)
        return -EINVAL;
    if (number == 63 || number == 67)
        return guest_file_read(p->memory, p->fs, fd_of(a[0]), a[1], a[2], offset);
    return guest_file_write(p->memory, p->fs, fd_of(a[0]), a[1], a[2], offset);
}

// Moves the break; a value outside its range leaves it, and the break is returned, as Linux does.
static int64_t sys_brk(HtifProxy *p, Args a)
{
    if (a[0] >= p->break_start && a[0] <= p->break_limit)
        p->brk = a[0];
    return (int64_t)p->brk;
}

static int64_t sys_clock_gettime(HtifProxy *p, Args a)
{
    uint64_t words[2];
    if (a[0] > 1)
        return -EINVAL;
    if (a[0] == CLOCK_MONOTONIC) {
        uint64_t ns = p->clock_ns(p->opaque);
        words[0] = ns / 1000000000;
        words[1] = ns % 1000000000;
    } else {
        struct timespec ts;
        clock_gettime(CLOCK_REALTIME, &ts);
        words[0] = (uint64_t)ts.tv_sec;
        words[1] = (uint64_t)ts.tv_nsec;
    }
    return guest_write_words(p->memory, a[1], words, 2) ? 0 : -EFAULT;
}

static int64_t sys_gettimeofday(HtifProxy *p, Args a)
{
    uint64_t us = (uint64_t)g_get_real_time();
    uint64_t words[2] = {us / 1000000, us % 1000000};
    return guest_write_words(p->memory, a[0], words, 2) ? 0 : -EFAULT;
}

// argc, argv[], NULL, empty envp, then the strings; pointers are guest addresses.
static int64_t sys_getmainvars(HtifProxy *p, Args a)
{
    unsigned argc = p->args ? p->args->len : 0;
    uint64_t head = (argc + 3) * 8;
    GByteArray *out = g_byte_array_new();
    g_byte_array_set_size(out, (guint)head);
    memset(out->data, 0, head);
    put(out->data, 0, 8, argc);
    for (unsigned i = 0; i < argc; i++) {
        const char *arg = g_ptr_array_index(p->args, i);
        put(out->data, (i + 1) * 8, 8, a[0] + out->len);
        g_byte_array_append(out, (const guint8 *)arg, (guint)strlen(arg) + 1);
    }
    int64_t r = out->len > a[1] ? -ENOMEM : guest_write(p->memory, a[0], out->data, out->len) ? 0 : -EFAULT;
    g_byte_array_free(out, TRUE);
    return r;
}

static int64_t dispatch(HtifProxy *p, uint64_t number, Args a)
{
    switch (number) {
    case 17: return sys_getcwd(p, a);
    case 34: case 35: case 48: case 56: case 78: case 79: case 1039: return path_call(p, number, a);
    case 38: return sys_renameat(p, a);
    case 46: return hostfs_ftruncate(p->fs, fd_of(a[0]), (int64_t)a[1]);
    case 49: return sys_chdir(p, a);
    case 57: return hostfs_close(p->fs, fd_of(a[0]));
    case 62: return hostfs_lseek(p->fs, fd_of(a[0]), (int64_t)a[1], (int)a[2]);
    case 63: case 64: case 67: case 68: return transfer(p, number, a);
    case 80: return sys_fstat(p, a);
    case 93: p->exit(p->opaque, a[0]); return 0;
    case 113: return sys_clock_gettime(p, a);
    case 169: return sys_gettimeofday(p, a);
    case 214: return sys_brk(p, a);
    case 2011: return sys_getmainvars(p, a);
    default:
        if (log_on(LOG_UNIMP))
            log_printf("htif: system call %" PRIu64 " is unknown\n", number);
        return -ENOSYS;
    }
}

void htif_syscall(HtifProxy *p, gpa_t addr)
{
    uint64_t block[8];
    if (!guest_read_words(p->memory, addr, block, 8)) {
        if (log_on(LOG_GUEST_ERROR))
            log_printf("htif: system call block at 0x%" PRIx64 " is not in RAM\n", addr);
        return;
    }
    uint64_t result = (uint64_t)dispatch(p, block[0], block + 1);
    guest_write_words(p->memory, addr, &result, 1);
}
