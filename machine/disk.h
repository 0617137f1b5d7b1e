// SPDX-License-Identifier: GPL-3.0-or-later
// A disk: a raw image, which is a file or a block device of the host.
#pragma once
#include "machine/virtio_item.h"
#include <glib.h>
#include <stdint.h>

#define DISK_SECTOR 512

typedef struct Disk Disk;

// Opens the image; nobody else can then write it, or use it at all if we may write. Error: one line that begins with
// the file's name.
Disk *disk_open(const DriveItem *drive, GError **error);
// More who use it; it is closed with the last one. Under the big lock.
Disk *disk_ref(Disk *disk);
void disk_close(Disk *disk);
uint64_t disk_sectors(const Disk *disk); // what is left of the last one reads as zero
bool disk_readonly(const Disk *disk);

// At a byte's offset; the range lies on the disk, and is not written if that is read-only. False: the host could not.
bool disk_read(Disk *disk, uint64_t at, void *data, size_t size);
// The same if the host need not wait for it, as far as it knows. False: disk_read will tell.
bool disk_read_now(Disk *disk, uint64_t at, void *data, size_t size);
bool disk_write(Disk *disk, uint64_t at, const void *data, size_t size);
// Makes the range read as zeros; unmap: and gives its room back, if the host can.
bool disk_zero(Disk *disk, uint64_t at, uint64_t size, bool unmap);
// The same where what is read afterwards does not matter.
void disk_discard(Disk *disk, uint64_t at, uint64_t size);
// What was written before survives a crash of the host.
bool disk_flush(Disk *disk);
bool disk_flush_waits(const Disk *disk); // there is something to do for that
