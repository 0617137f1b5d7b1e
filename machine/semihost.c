// SPDX-License-Identifier: GPL-3.0-or-later
// Semihosting operations. Each handler gets a1 and returns what goes into a0.
//
// Handles are the descriptors of HostFs: 0 to 2 are open from the start, because picolibc uses them without
// opening ":tt". SYS_READ and SYS_WRITE return the number of bytes *not* moved.
#include "machine/semihost.h"
#include "machine/guest_mem.h"
#include "util/log.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ADP_STOPPED_APPLICATION_EXIT = 0x20026, ADP_STOPPED_FIRST = 0x20000, ADP_STOPPED_LAST = 0x2002a };
#define TICK_HZ 1000000000u // of SYS_ELAPSED

struct Semihost {
    SemihostConfig config;
    gint last_errno;
};

static uint64_t failed(Semihost *s, int64_t minus_errno)
{
    g_atomic_int_set(&s->last_errno, (gint)-minus_errno);
    return UINT64_MAX;
}

// r if it is no error; else -1 with errno kept for SYS_ERRNO.
static uint64_t checked(Semihost *s, int64_t r)
{
    return r < 0 ? failed(s, r) : (uint64_t)r;
}

static bool args(Semihost *s, uint64_t block, uint64_t *words, unsigned count)
{
    return guest_read_words(s->config.memory, block, words, count);
}

// A string given by address and length; the caller frees it. NULL: not RAM, too long, or with a NUL inside.
static char *counted_string(Semihost *s, uint64_t addr, uint64_t len)
{
    if (len >= GUEST_STRING_MAX)
        return NULL;
    char *text = g_malloc0(len + 1);
    if (!guest_read(s->config.memory, addr, text, len) || strlen(text) != len)
        g_clear_pointer(&text, g_free);
    return text;
}

static const int open_flags[12] = {
    // "r", "rb", "r+", "r+b", "w", ... as for fopen
    O_RDONLY,
    O_RDONLY,
    O_RDWR,
    O_RDWR,
    O_WRONLY | O_CREAT | O_TRUNC,
    O_WRONLY | O_CREAT | O_TRUNC,
    O_RDWR | O_CREAT | O_TRUNC,
    O_RDWR | O_CREAT | O_TRUNC,
    O_WRONLY | O_CREAT | O_APPEND,
    O_WRONLY | O_CREAT | O_APPEND,
    O_RDWR | O_CREAT | O_APPEND,
    O_RDWR | O_CREAT | O_APPEND,
};

static int64_t open_file(Semihost *s, const char *name, uint64_t mode)
{
    // Magic "SHFB", then feature bits: SYS_EXIT_EXTENDED works; ":tt" in append mode is stderr.
    static const uint8_t features[] = {'S', 'H', 'F', 'B', 3};
    if (!strcmp(name, ":semihosting-features"))
        return mode < 2 ? hostfs_open_bytes(s->config.fs, features, sizeof features) : -EACCES;
    if (!strcmp(name, ":tt"))
        return hostfs_open_console(s->config.fs, mode < 4   ? STDIN_FILENO
                                                 : mode < 8 ? STDOUT_FILENO
                                                            : STDERR_FILENO);
    return hostfs_open(s->config.fs, HOSTFS_CWD, name, open_flags[mode], 0666);
}

static uint64_t sys_open(Semihost *s, uint64_t a1)
{
    uint64_t w[3];
    if (!args(s, a1, w, 3))
        return failed(s, -EFAULT);
    char *name = w[1] < 12 ? counted_string(s, w[0], w[2]) : NULL;
    uint64_t r = name ? checked(s, open_file(s, name, w[1])) : failed(s, -EINVAL);
    g_free(name);
    return r;
}

// A handle as a descriptor; values that are none become -1.
static int handle(uint64_t word)
{
    return word <= INT32_MAX ? (int)word : -1;
}

static uint64_t sys_close(Semihost *s, uint64_t a1)
{
    uint64_t w[1];
    return args(s, a1, w, 1) ? checked(s, hostfs_close(s->config.fs, handle(w[0]))) : failed(s, -EFAULT);
}

static void put_console(Semihost *s, const void *data, size_t size)
{
    if (s->config.console)
        console_write(s->config.console, data, size);
}

static uint64_t sys_writec(Semihost *s, uint64_t a1)
{
    char c;
    if (guest_read(s->config.memory, a1, &c, 1))
        put_console(s, &c, 1);
    return 0;
}

static uint64_t sys_write0(Semihost *s, uint64_t a1)
{
    for (;;) { // in pieces that end with a page, so that a long string is no problem and a missing NUL is
               // found
        char piece[256];
        uint64_t n = sizeof piece - a1 % sizeof piece;
        if (!guest_read(s->config.memory, a1, piece, n))
            return 0;
        size_t len = strnlen(piece, n);
        put_console(s, piece, len);
        if (len < n)
            return 0;
        a1 += n;
    }
}

static uint64_t transfer(Semihost *s, uint64_t a1, bool write)
{
    uint64_t w[3];
    if (!args(s, a1, w, 3))
        return failed(s, -EFAULT);
    SemihostConfig *c = &s->config;
    int fd = handle(w[0]);
    int64_t r = write ? guest_file_write(c->memory, c->fs, fd, w[1], w[2], -1)
                      : guest_file_read(c->memory, c->fs, fd, w[1], w[2], -1);
    if (r < 0)
        failed(s, r);
    return w[2] - (uint64_t)MAX(r, 0);
}

static uint64_t sys_readc(Semihost *s)
{
    uint8_t c;
    return s->config.console && console_read(s->config.console, &c, 1, true) == 1 ? c : UINT64_MAX;
}

static uint64_t sys_iserror(Semihost *s, uint64_t a1)
{
    uint64_t w[1];
    return !args(s, a1, w, 1) || (int64_t)w[0] < 0;
}

static uint64_t sys_istty(Semihost *s, uint64_t a1)
{
    uint64_t w[1];
    struct stat st;
    if (!args(s, a1, w, 1))
        return failed(s, -EFAULT);
    int64_t r = hostfs_fstat(s->config.fs, handle(w[0]), &st);
    if (r < 0)
        return failed(s, r);
    return hostfs_isatty(s->config.fs, handle(w[0]));
}

static uint64_t sys_seek(Semihost *s, uint64_t a1)
{
    uint64_t w[2];
    if (!args(s, a1, w, 2))
        return failed(s, -EFAULT);
    int64_t r = hostfs_lseek(s->config.fs, handle(w[0]), (int64_t)w[1], SEEK_SET);
    return r < 0 ? failed(s, r) : 0;
}

static uint64_t sys_flen(Semihost *s, uint64_t a1)
{
    uint64_t w[1];
    struct stat st;
    if (!args(s, a1, w, 1))
        return failed(s, -EFAULT);
    int64_t r = hostfs_fstat(s->config.fs, handle(w[0]), &st);
    return r < 0 ? failed(s, r) : (uint64_t)st.st_size;
}

static uint64_t sys_tmpnam(Semihost *s, uint64_t a1)
{
    uint64_t w[3]; // buffer, identifier, length
    if (!args(s, a1, w, 3))
        return failed(s, -EFAULT);
    char *name = g_strdup_printf("/tmp/addend-%d-%02x", (int)getpid(), (unsigned)w[1] & 0xff);
    uint64_t size = strlen(name) + 1;
    bool ok = w[1] <= 0xff && size <= w[2] && guest_write(s->config.memory, w[0], name, size);
    g_free(name);
    return ok ? 0 : failed(s, -EINVAL);
}

static uint64_t sys_remove(Semihost *s, uint64_t a1)
{
    uint64_t w[2];
    char *name = args(s, a1, w, 2) ? counted_string(s, w[0], w[1]) : NULL;
    if (!name)
        return failed(s, -EFAULT);
    int64_t r = hostfs_unlinkat(s->config.fs, HOSTFS_CWD, name, 0);
    if (r == -EISDIR)
        r = hostfs_unlinkat(s->config.fs, HOSTFS_CWD, name, AT_REMOVEDIR);
    g_free(name);
    return checked(s, r);
}

static uint64_t sys_rename(Semihost *s, uint64_t a1)
{
    uint64_t w[4];
    bool ok = args(s, a1, w, 4);
    char *old_name = ok ? counted_string(s, w[0], w[1]) : NULL;
    char *new_name = ok ? counted_string(s, w[2], w[3]) : NULL;
    int64_t r = -EFAULT;
    if (old_name && new_name)
        r = hostfs_renameat(s->config.fs, HOSTFS_CWD, old_name, HOSTFS_CWD, new_name);
    g_free(old_name);
    g_free(new_name);
    return checked(s, r);
}

static uint64_t sys_get_cmdline(Semihost *s, uint64_t a1)
{
    uint64_t w[2]; // buffer, its size; the length goes back without the NUL
    const char *text = s->config.cmdline ? s->config.cmdline : "";
    uint64_t len = strlen(text);
    if (!args(s, a1, w, 2))
        return failed(s, -EFAULT);
    if (len >= w[1])
        return failed(s, -E2BIG);
    bool ok = guest_write(s->config.memory, w[0], text, len + 1) &&
              guest_write_words(s->config.memory, a1 + 8, &len, 1);
    return ok ? 0 : failed(s, -EFAULT);
}

static uint64_t sys_heapinfo(Semihost *s, uint64_t a1)
{
    uint64_t w[1]; // address of a block of four words: heap base and limit, stack base and limit
    const SemihostConfig *c = &s->config;
    uint64_t info[4] = {c->heap_base, c->heap_limit, c->heap_limit, c->heap_base};
    bool ok = args(s, a1, w, 1) && guest_write_words(c->memory, w[0], info, 4);
    return ok ? 0 : failed(s, -EFAULT);
}

static uint64_t sys_exit(Semihost *s, uint64_t a1, bool extended)
{
    uint64_t w[2] = {a1, 0};
    bool bare_reason = !extended && a1 >= ADP_STOPPED_FIRST && a1 <= ADP_STOPPED_LAST;
    uint64_t code = 1; // any other reason than the end of the program, or an unreadable block
    if ((bare_reason || args(s, a1, w, 2)) && w[0] == ADP_STOPPED_APPLICATION_EXIT)
        code = w[1];
    s->config.exit(s->config.opaque, code);
    return 0;
}

static uint64_t sys_elapsed(Semihost *s, uint64_t a1)
{
    uint64_t ticks = s->config.clock_ns(s->config.opaque);
    return guest_write_words(s->config.memory, a1, &ticks, 1) ? 0 : failed(s, -EFAULT);
}

static uint64_t dispatch(Semihost *s, uint64_t operation, uint64_t a1)
{
    switch (operation) {
    case 0x01: return sys_open(s, a1);
    case 0x02: return sys_close(s, a1);
    case 0x03: return sys_writec(s, a1);
    case 0x04: return sys_write0(s, a1);
    case 0x05: return transfer(s, a1, true);
    case 0x06: return transfer(s, a1, false);
    case 0x07: return sys_readc(s);
    case 0x08: return sys_iserror(s, a1);
    case 0x09: return sys_istty(s, a1);
    case 0x0a: return sys_seek(s, a1);
    case 0x0c: return sys_flen(s, a1);
    case 0x0d: return sys_tmpnam(s, a1);
    case 0x0e: return sys_remove(s, a1);
    case 0x0f: return sys_rename(s, a1);
    case 0x10: return s->config.clock_ns(s->config.opaque) / 10000000; // SYS_CLOCK: centiseconds
    case 0x11: return (uint64_t)time(NULL);                            // SYS_TIME
    case 0x12: return failed(s, -EPERM);                               // SYS_SYSTEM
    case 0x13: return (uint64_t)g_atomic_int_get(&s->last_errno);      // SYS_ERRNO
    case 0x15: return sys_get_cmdline(s, a1);
    case 0x16: return sys_heapinfo(s, a1);
    case 0x18: return sys_exit(s, a1, false);
    case 0x20: return sys_exit(s, a1, true);
    case 0x30: return sys_elapsed(s, a1);
    case 0x31: return TICK_HZ;
    default:
        if (log_on(LOG_UNIMP))
            log_printf("semihosting: operation 0x%" PRIx64 " is unknown\n", operation);
        return failed(s, -ENOSYS);
    }
}

Semihost *semihost_new(const SemihostConfig *config)
{
    Semihost *s = g_new0(Semihost, 1);
    s->config = *config;
    return s;
}

void semihost_free(Semihost *s)
{
    g_free(s);
}

void semihost_call(Semihost *s, uint64_t *a0, uint64_t a1)
{
    *a0 = dispatch(s, *a0, a1);
}
