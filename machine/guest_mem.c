// SPDX-License-Identifier: GPL-3.0-or-later
// Guest memory for host services. The attribute "memory" keeps a guest from pointing a host read at a device.
#include "machine/guest_mem.h"
#include <errno.h>
#include <string.h>

#define CHUNK 65536

static const MemTxAttrs ram_only = {.memory = 1};

bool guest_read(AddressSpace *as, gpa_t addr, void *buf, uint64_t size)
{
    return addr + size >= addr && address_space_read(as, addr, ram_only, buf, size) == MEMTX_OK;
}

bool guest_write(AddressSpace *as, gpa_t addr, const void *buf, uint64_t size)
{
    return addr + size >= addr && address_space_write(as, addr, ram_only, buf, size) == MEMTX_OK;
}

bool guest_read_words(AddressSpace *as, gpa_t addr, uint64_t *words, unsigned count)
{
    bool ok = guest_read(as, addr, words, count * 8);
    for (unsigned i = 0; ok && i < count; i++)
        words[i] = GUINT64_FROM_LE(words[i]);
    return ok;
}

bool guest_write_words(AddressSpace *as, gpa_t addr, const uint64_t *words, unsigned count)
{
    bool ok = true;
    for (unsigned i = 0; ok && i < count; i++) {
        uint64_t le = GUINT64_TO_LE(words[i]);
        ok = guest_write(as, addr + 8 * i, &le, 8);
    }
    return ok;
}

char *guest_string(AddressSpace *as, gpa_t addr)
{
    GString *s = g_string_new(NULL);
    char piece[64];
    while (s->len <= GUEST_STRING_MAX) {
        uint64_t n = sizeof piece - addr % sizeof piece; // never runs into a page behind the string
        if (!guest_read(as, addr, piece, n))
            break;
        size_t len = strnlen(piece, n);
        g_string_append_len(s, piece, (gssize)len);
        if (len < n && s->len <= GUEST_STRING_MAX)
            return g_string_free(s, FALSE);
        addr += n;
    }
    g_string_free(s, TRUE);
    return NULL;
}

int64_t guest_file_read(AddressSpace *as, HostFs *fs, int fd, gpa_t addr, uint64_t size, int64_t offset)
{
    uint8_t *buf = g_malloc(CHUNK);
    uint64_t done = 0;
    int64_t r = 0;
    do {
        uint64_t want = MIN(size - done, CHUNK);
        // Nothing is taken from the file that could not be stored.
        r = guest_read(as, addr + done, buf, want) ? hostfs_read(fs, fd, buf, want, offset < 0 ? -1 : offset)
                                                   : -EFAULT;
        if (r > 0 && !guest_write(as, addr + done, buf, (uint64_t)r))
            r = -EFAULT;
        if (r <= 0)
            break;
        done += (uint64_t)r;
        if (offset >= 0)
            offset += r;
    } while (r == CHUNK && done < size);
    g_free(buf);
    return done ? (int64_t)done : r;
}

int64_t guest_file_write(AddressSpace *as, HostFs *fs, int fd, gpa_t addr, uint64_t size, int64_t offset)
{
    uint8_t *buf = g_malloc(CHUNK);
    uint64_t done = 0;
    int64_t r = 0;
    do {
        uint64_t want = MIN(size - done, CHUNK);
        r = guest_read(as, addr + done, buf, want) ? hostfs_write(fs, fd, buf, want, offset < 0 ? -1 : offset)
                                                   : -EFAULT;
        if (r <= 0)
            break;
        done += (uint64_t)r;
        if (offset >= 0)
            offset += r;
    } while (done < size);
    g_free(buf);
    return done ? (int64_t)done : r;
}
