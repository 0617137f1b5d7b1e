// SPDX-License-Identifier: GPL-3.0-or-later
// Virtio's block device (virtio 1.2, 5.2) over a raw image. A request is done in the thread of the hart that asks.
#include "machine/devices/virtio.h"

#include "machine/disk.h"
#include <gio/gio.h>
#include <string.h>

#define CHUNK (256 << 10) // of a transfer, between the image and guest memory
#define SEG_MAX (VIRTIO_QUEUE_SIZE - 2) // the header and the status are buffers too
#define ID_SIZE 20
#define RANGE_MAX (1u << 22) // sectors that are discarded or cleared at once: 2 GiB
#define UNMAP 1 // flag of a range

enum { F_SEG_MAX = 2, F_RO = 5, F_BLK_SIZE = 6, F_FLUSH = 9, F_CONFIG_WCE = 11, F_DISCARD = 13, F_WRITE_ZEROES = 14 };
enum { T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_GET_ID = 8, T_DISCARD = 11, T_WRITE_ZEROES = 13 }; // kinds of requests
enum { S_OK = 0, S_IOERR = 1, S_UNSUPP = 2 };            // how they ended
enum { CONFIG_CAPACITY = 0, CONFIG_SEG_MAX = 12, CONFIG_BLK_SIZE = 20, CONFIG_WRITEBACK = 32, CONFIG_DISCARD = 36 };
enum { CONFIG_WRITE_ZEROES = 48, CONFIG_MAY_UNMAP = 56, CONFIG_SIZE = 60 };

typedef struct {
    VirtioDevice virtio;
    Disk *disk;
    char id[ID_SIZE + 1];
    uint8_t *chunk;
    uint64_t written; // to the chain that is being served, from its beginning on
} Block;

typedef struct { // the beginning of a request, little-endian
    uint32_t type, reserved;
    uint64_t sector;
} Header;

typedef struct { // what is to be discarded or cleared, little-endian
    uint64_t sector;
    uint32_t sectors, flags;
} Range;

// Whether a transfer lies on the disk.
static bool on_disk(const Block *b, uint64_t sector, uint64_t size)
{
    uint64_t sectors = disk_sectors(b->disk);
    return size % DISK_SECTOR == 0 && sector <= sectors && size / DISK_SECTOR <= sectors - sector;
}

static uint8_t read_sectors(Block *b, const VirtioChain *c, uint64_t sector)
{
    uint64_t size = c->in - 1;
    if (!on_disk(b, sector, size))
        return S_IOERR;
    for (uint64_t done = 0, n; done < size; done += n) {
        n = MIN(size - done, CHUNK);
        if (!disk_read(b->disk, sector * DISK_SECTOR + done, b->chunk, n) ||
            !virtio_chain_write(&b->virtio, c, done, b->chunk, n))
            return S_IOERR;
        b->written += n;
    }
    return S_OK;
}

// Without a flush command, or when the driver asks for that, what was written is safe at once (5.2.6.2).
static bool write_through(const Block *b)
{
    const VirtioDevice *v = &b->virtio;
    return virtio_has(v, F_CONFIG_WCE) ? !v->config[CONFIG_WRITEBACK] : !virtio_has(v, F_FLUSH);
}

static uint8_t write_sectors(Block *b, const VirtioChain *c, uint64_t sector)
{
    uint64_t size = c->out - sizeof(Header);
    if (disk_readonly(b->disk) || !on_disk(b, sector, size))
        return S_IOERR;
    for (uint64_t done = 0, n; done < size; done += n) {
        n = MIN(size - done, CHUNK);
        if (!virtio_chain_read(&b->virtio, c, sizeof(Header) + done, b->chunk, n) ||
            !disk_write(b->disk, sector * DISK_SECTOR + done, b->chunk, n))
            return S_IOERR;
    }
    return !write_through(b) || disk_flush(b->disk) ? S_OK : S_IOERR;
}

// One range, as the configuration says.
static uint8_t clear_sectors(Block *b, const VirtioChain *c, bool zeroes)
{
    Range r;
    if (disk_readonly(b->disk) || c->out != sizeof(Header) + sizeof r)
        return S_IOERR;
    if (!virtio_chain_read(&b->virtio, c, sizeof(Header), &r, sizeof r))
        return S_IOERR;
    uint64_t sector = GUINT64_FROM_LE(r.sector), size = (uint64_t)GUINT32_FROM_LE(r.sectors) * DISK_SECTOR;
    uint32_t flags = GUINT32_FROM_LE(r.flags);
    if (flags & ~(zeroes ? UNMAP : 0u))
        return S_UNSUPP;
    if (size / DISK_SECTOR > RANGE_MAX || !on_disk(b, sector, size))
        return S_IOERR;
    if (!zeroes)
        disk_discard(b->disk, sector * DISK_SECTOR, size);
    else if (!disk_zero(b->disk, sector * DISK_SECTOR, size, flags & UNMAP))
        return S_IOERR;
    return !write_through(b) || disk_flush(b->disk) ? S_OK : S_IOERR;
}

static uint8_t tell_id(Block *b, const VirtioChain *c)
{
    b->written = MIN(c->in - 1, ID_SIZE);
    return virtio_chain_write(&b->virtio, c, 0, b->id, b->written) ? S_OK : S_IOERR;
}

static uint8_t run_request(Block *b, const VirtioChain *c, const Header *h)
{
    uint64_t sector = GUINT64_FROM_LE(h->sector);
    switch (GUINT32_FROM_LE(h->type)) {
    case T_IN: return read_sectors(b, c, sector);
    case T_OUT: return write_sectors(b, c, sector);
    case T_FLUSH: return disk_flush(b->disk) ? S_OK : S_IOERR;
    case T_GET_ID: return tell_id(b, c);
    case T_DISCARD:
    case T_WRITE_ZEROES: return clear_sectors(b, c, GUINT32_FROM_LE(h->type) == T_WRITE_ZEROES);
    default: return S_UNSUPP;
    }
}

// A chain: header and data that the device reads, data that it writes, and the last byte of that for the status,
// however they are cut into buffers (5.2.6.4).
static uint32_t serve(VirtioDevice *v, const VirtioChain *c)
{
    Block *b = (Block *)v;
    Header h;
    if (c->out < sizeof h || !c->in) {
        virtio_broken(v, "a request without header or status");
        return 0;
    }
    if (!virtio_chain_read(v, c, 0, &h, sizeof h))
        return 0;
    b->written = 0;
    uint8_t status = run_request(b, c, &h);
    virtio_chain_write(v, c, c->in - 1, &status, sizeof status);
    return (uint32_t)(b->written + (b->written == c->in - 1));
}

static void notify(VirtioDevice *v, unsigned queue)
{
    virtio_serve(v, queue, serve);
}

static void config_written(VirtioDevice *v, unsigned at, uint8_t byte)
{
    if (at == CONFIG_WRITEBACK && virtio_has(v, F_CONFIG_WCE))
        v->config[at] = byte & 1;
}

static void reset(VirtioDevice *v)
{
    v->config[CONFIG_WRITEBACK] = 1;
}

static bool realize(VirtioDevice *v, const VirtioItem *item, GError **error)
{
    Block *b = (Block *)v;
    b->disk = disk_open(item->image, error);
    if (!b->disk)
        return false;
    b->chunk = g_malloc(CHUNK);
    g_strlcpy(b->id, item->serial ? item->serial : "", sizeof b->id);
    v->offered |= 1 << F_SEG_MAX | 1 << F_BLK_SIZE | 1 << F_FLUSH | 1 << F_CONFIG_WCE;
    v->offered |= disk_readonly(b->disk) ? 1 << F_RO : 1 << F_DISCARD | 1 << F_WRITE_ZEROES;
    virtio_set_config(v, CONFIG_CAPACITY, disk_sectors(b->disk), 8);
    virtio_set_config(v, CONFIG_SEG_MAX, SEG_MAX, 4);
    virtio_set_config(v, CONFIG_BLK_SIZE, DISK_SECTOR, 4);
    virtio_set_config(v, CONFIG_DISCARD, RANGE_MAX, 4);
    virtio_set_config(v, CONFIG_DISCARD + 4, 1, 4); // ranges in a request
    virtio_set_config(v, CONFIG_DISCARD + 8, 1, 4); // their alignment in sectors
    virtio_set_config(v, CONFIG_WRITE_ZEROES, RANGE_MAX, 4);
    virtio_set_config(v, CONFIG_WRITE_ZEROES + 4, 1, 4);
    virtio_set_config(v, CONFIG_MAY_UNMAP, 1, 1);
    return true;
}

static void unrealize(VirtioDevice *v)
{
    Block *b = (Block *)v;
    disk_close(b->disk);
    g_free(b->chunk);
}

const VirtioType virtio_blk = {
    "virtio-blk-device", 2, sizeof(Block), 1, CONFIG_SIZE, realize, unrealize, reset, notify, config_written,
};
