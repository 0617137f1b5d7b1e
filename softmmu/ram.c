// SPDX-License-Identifier: GPL-3.0-or-later
// RAM blocks: lazily reserved host memory, and offsets from the smallest gap that fits.
#include "softmmu/ram.h"
#include "util/bits.h"
#include <errno.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define OFFSET_ALIGN (UINT64_C(256) << 10)

static GPtrArray *blocks; // ascending offsets; under the big lock

// Chooses block->offset: the start of the smallest gap it fits in, so that a freed place is taken again.
// Returns the index at which it belongs.
static guint place(RamBlock *block)
{
    guint best = 0;
    uint64_t best_gap = 0, start = 0;
    for (guint i = 0; i <= blocks->len; i++) {
        const RamBlock *next = i < blocks->len ? blocks->pdata[i] : NULL;
        uint64_t gap = (next ? next->offset : UINT64_MAX) - start;
        if (gap >= block->size && (!best_gap || gap < best_gap)) {
            best = i;
            best_gap = gap;
            block->offset = start;
        }
        if (next) {
            start = align_up(next->offset + next->size, OFFSET_ALIGN);
        }
    }
    g_assert(best_gap); // the host has less address space than there are offsets
    return best;
}

static uint64_t rounded(uint64_t size)
{
    return size == 0 ? PAGE_SIZE : size > PAGE_MASK ? UINT64_MAX : align_up(size, PAGE_SIZE);
}

static void *reserve(uint64_t size, int protection, int flags, int fd, uint64_t offset)
{
    if (size > (uint64_t)INT64_MAX || offset > (uint64_t)INT64_MAX - size) {
        errno = ENOMEM; // also what was rounded up past 2^64
        return MAP_FAILED;
    }
    return mmap(NULL, size, protection, flags | MAP_NORESERVE, fd, (off_t)offset);
}

static RamBlock *add_block(RamBlock block)
{
    RamBlock *b = g_memdup2(&block, sizeof block);
    b->name = g_strdup(block.name);
    memory_lock();
    if (!blocks) {
        blocks = g_ptr_array_new();
    }
    g_ptr_array_insert(blocks, (gint)place(b), b);
    memory_unlock();
    return b;
}

void ram_set_errno_error(GError **error, const char *name, const char *format, ...)
{
    int saved = errno;
    va_list args;
    va_start(args, format);
    g_autofree char *what = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(saved), "cannot %s for '%s': %s", what, name,
                g_strerror(saved));
}

RamBlock *ram_block_new(const char *name, uint64_t size, GError **error)
{
    uint64_t bytes = rounded(size);
    void *host = reserve(bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (host == MAP_FAILED) {
        int saved = errno;
        g_autofree char *text = g_format_size_full(size, G_FORMAT_SIZE_IEC_UNITS);
        errno = saved;
        ram_set_errno_error(error, name, "reserve %s of host memory", text);
        return NULL;
    }
    // Fewer host TLB misses; a host that cannot do it is only slower.
    (void)madvise(host, bytes, MADV_HUGEPAGE);
    return add_block((RamBlock){.host = host, .size = bytes, .reserved = bytes, .name = (char *)name});
}

RamBlock *ram_block_new_ptr(const char *name, uint64_t size, void *host)
{
    return add_block((RamBlock){.host = host, .size = rounded(size), .name = (char *)name});
}

// --- files -------------------------------------------------------------------------------------------------

// What one host page of the file's memory is; the guest's page at least.
static uint64_t host_page(int fd)
{
    struct stat st;
    bool known = fstat(fd, &st) == 0 && st.st_blksize > 0 && !(st.st_blksize & (st.st_blksize - 1));
    struct statfs fs;
    bool huge = known && fstatfs(fd, &fs) == 0 && fs.f_type == HUGETLBFS_MAGIC;
    return huge ? (uint64_t)st.st_blksize : PAGE_SIZE;
}

// The file has offset + size bytes, or is made so if it is empty and may be written.
static bool fit_file(const char *name, uint64_t size, bool readonly, int fd, uint64_t offset, const char *file,
                     GError **error)
{
    struct stat st;
    if (fstat(fd, &st)) {
        ram_set_errno_error(error, name, "use %s", file);
        return false;
    }
    if (!S_ISREG(st.st_mode)) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "cannot use %s for '%s': not a regular file", file, name);
        return false;
    }
    uint64_t end = offset + size, has = (uint64_t)st.st_size;
    if (has == 0 && !readonly) {
        bool fits = end >= offset && end <= INT64_MAX;
        errno = EFBIG;
        if (fits && ftruncate(fd, (off_t)end) == 0) {
            return true;
        }
        ram_set_errno_error(error, name, "make %s of %" G_GUINT64_FORMAT " bytes", file, end);
        return false;
    }
    if (end < offset || has < end) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                    "%s has %" G_GUINT64_FORMAT " bytes, too few for the %" G_GUINT64_FORMAT " of '%s'", file,
                    has > offset ? has - offset : 0, size, name);
        return false;
    }
    return true;
}

RamBlock *ram_block_new_file(const char *name, uint64_t size, RamFileFlags flags, int fd, uint64_t offset,
                             const char *file, GError **error)
{
    uint64_t page = host_page(fd);
    if (offset % page) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                    "cannot use %s for '%s': offset 0x%" G_GINT64_MODIFIER "x is no multiple of 0x%" G_GINT64_MODIFIER
                    "x",
                    file, name, offset, page);
        return NULL;
    }
    if (!fit_file(name, size, flags.readonly, fd, offset, file, error)) {
        return NULL;
    }
    bool fixed = flags.shared && flags.readonly;
    uint64_t bytes = rounded(size), mapped = align_up(bytes, page);
    int protection = fixed ? PROT_READ : PROT_READ | PROT_WRITE;
    void *host = reserve(mapped, protection, flags.shared ? MAP_SHARED : MAP_PRIVATE, fd, offset);
    if (host == MAP_FAILED) {
        ram_set_errno_error(error, name, "map %s", file);
        return NULL;
    }
    return add_block(
        (RamBlock){.host = host, .size = bytes, .reserved = mapped, .name = (char *)name, .fixed = fixed});
}

void ram_block_free(RamBlock *block)
{
    if (!block) {
        return;
    }
    memory_ram_written(block->offset, block->size); // code from there must not be taken for that of the next block
    memory_lock();
    g_ptr_array_remove(blocks, block);
    memory_unlock();
    if (block->reserved) {
        munmap(block->host, block->reserved);
    }
    g_free(block->name);
    g_free(block);
}

GPtrArray *ram_blocks(void)
{
    GPtrArray *copy = g_ptr_array_new();
    for (guint i = 0; blocks && i < blocks->len; i++) {
        g_ptr_array_add(copy, blocks->pdata[i]);
    }
    return copy;
}
