// SPDX-License-Identifier: GPL-3.0-or-later
// Memory as the debugger sees it: through the translation of the hart that it has chosen, or by physical address.
#include "machine/gdb/gdb_private.h"

#include <string.h>

enum { ERROR_FAULT = 14, ERROR_INVALID = 22 };
#define CHUNK 4096u // searched, or summed up, at a time; and no more than a page is asked for

bool gdb_memory(const Gdb *g, uint64_t addr, void *buf, uint64_t len, bool write)
{
    Cpu *cpu = machine_cpu(g->m, g->hart);
    return g->physical ? cpu_physical_memory_rw_debug(cpu, addr, buf, len, write)
                       : cpu_memory_rw_debug(cpu, addr, buf, len, write);
}

// Reads what there is of it, page by page. How much that was.
static uint64_t read_some(const Gdb *g, uint64_t addr, uint8_t *buf, uint64_t len)
{
    uint64_t done = 0;
    while (done < len) {
        uint64_t part = MIN(len - done, PAGE_SIZE - ((addr + done) & ~PAGE_MASK));
        if (!gdb_memory(g, addr + done, buf + done, part, false))
            break;
        done += part;
    }
    return done;
}

void gdb_memory_read(Gdb *g, const char *args)
{
    uint64_t addr, len;
    uint8_t buf[PACKET_MAX / 2];
    if (!packet_number_then(&args, ',', &addr) || !packet_number_then(&args, 0, &len)) {
        gdb_reply_error(g, ERROR_INVALID);
        return;
    }
    uint64_t done = read_some(g, addr, buf, MIN(len, sizeof buf));
    if (len && !done)
        gdb_reply_error(g, ERROR_FAULT);
    else
        packet_put_bytes(g->reply, buf, done);
}

static void write_memory(Gdb *g, uint64_t addr, void *bytes, uint64_t len)
{
    if (gdb_memory(g, addr, bytes, len, true))
        gdb_reply_ok(g);
    else
        gdb_reply_error(g, ERROR_FAULT);
}

void gdb_memory_write(Gdb *g, const char *args)
{
    uint64_t addr, len;
    uint8_t buf[PACKET_MAX / 2];
    if (packet_number_then(&args, ',', &addr) && packet_number_then(&args, ':', &len) && len <= sizeof buf &&
        packet_get_bytes(args, buf, len) && !args[2 * len])
        write_memory(g, addr, buf, len);
    else
        gdb_reply_error(g, ERROR_INVALID);
}

// Behind args, a pointer into the packet: how many bytes of it there are.
static size_t rest(const Gdb *g, const char *args)
{
    return (size_t)(g->reader.text + g->reader.size - args);
}

void gdb_memory_write_binary(Gdb *g, const char *args)
{
    uint64_t addr, len;
    if (packet_number_then(&args, ',', &addr) && packet_number_then(&args, ':', &len) && len == rest(g, args))
        write_memory(g, addr, (void *)(uintptr_t)args, len);
    else
        gdb_reply_error(g, ERROR_INVALID);
}

// "ADDR;LENGTH;PATTERN", the pattern in binary.
void gdb_memory_search(Gdb *g, const char *args)
{
    uint64_t addr, len, skipped = 0;
    if (!packet_number_then(&args, ';', &addr) || !packet_number_then(&args, ';', &len) || !rest(g, args)) {
        gdb_reply_error(g, ERROR_INVALID);
        return;
    }
    size_t n = rest(g, args);
    g_autofree uint8_t *buf = g_malloc(CHUNK + n);
    size_t have = 0; // bytes of the chunk before that the pattern may begin in
    for (uint64_t left = len; left;) {
        uint64_t part = MIN(left, CHUNK - ((addr + skipped + have) & (CHUNK - 1)));
        if (!gdb_memory(g, addr + skipped + have, buf + have, part, false)) {
            gdb_reply_error(g, ERROR_FAULT);
            return;
        }
        left -= part;
        have += part;
        const uint8_t *found = memmem(buf, have, args, n);
        if (found) {
            gdb_reply(g, "1,%" G_GINT64_MODIFIER "x", addr + skipped + (uint64_t)(found - buf));
            return;
        }
        size_t drop = have >= n ? have - (n - 1) : 0;
        memmove(buf, buf + drop, have - drop);
        have -= drop;
        skipped += drop;
    }
    gdb_reply(g, "0");
}

// The CRC-32 of gdb's compare-sections: most significant bit first, polynomial 0x04c11db7, from all ones.
static uint32_t crc(uint32_t sum, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        sum ^= (uint32_t)bytes[i] << 24;
        for (int bit = 0; bit < 8; bit++)
            sum = sum << 1 ^ (sum >> 31 ? 0x04c11db7u : 0);
    }
    return sum;
}

#define CRC_MAX (UINT64_C(256) << 20)

void gdb_memory_crc(Gdb *g, const char *args)
{
    uint64_t addr, len;
    uint32_t sum = UINT32_MAX;
    uint8_t buf[CHUNK];
    if (!packet_number_then(&args, ',', &addr) || !packet_number_then(&args, 0, &len) || len > CRC_MAX) {
        gdb_reply_error(g, ERROR_INVALID);
        return;
    }
    for (uint64_t part; len; addr += part, len -= part) {
        part = MIN(len, CHUNK - (addr & (CHUNK - 1)));
        if (!gdb_memory(g, addr, buf, part, false)) {
            gdb_reply_error(g, ERROR_FAULT);
            return;
        }
        sum = crc(sum, buf, part);
    }
    gdb_reply(g, "C%08x", sum);
}
