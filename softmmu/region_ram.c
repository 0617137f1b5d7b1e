// SPDX-License-Identifier: GPL-3.0-or-later
// Regions with host memory of their own or of others: RAM, ROM, ROM devices, RAM devices (spec 1.1).
#include "softmmu/access_host.h"
#include "softmmu/ram.h"
#include "softmmu/region.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

// The region owns the block.
static void init(MemoryRegion *mr, const char *name, uint64_t size, RamBlock *block)
{
    memory_region_init(mr, name, size);
    mr->ram = block;
    mr->terminates = true;
}

bool memory_region_init_ram(MemoryRegion *mr, const char *name, uint64_t size, GError **error)
{
    RamBlock *block = ram_block_new(name, size, error);
    if (block) {
        init(mr, name, size, block);
    }
    return block;
}

bool memory_region_init_rom(MemoryRegion *mr, const char *name, uint64_t size, GError **error)
{
    if (!memory_region_init_ram(mr, name, size, error)) {
        return false;
    }
    mr->readonly = true;
    return true;
}

void memory_region_init_ram_ptr(MemoryRegion *mr, const char *name, uint64_t size, void *host)
{
    g_assert(((uintptr_t)host & 15) == 0);
    init(mr, name, size, ram_block_new_ptr(name, size, host));
}

// --- files -------------------------------------------------------------------------------------------------

static bool init_file(MemoryRegion *mr, const char *name, uint64_t size, RamFileFlags flags, int fd, uint64_t offset,
                      const char *file, GError **error)
{
    RamBlock *block = ram_block_new_file(name, size, flags, fd, offset, file, error);
    if (!block) {
        return false;
    }
    init(mr, name, size, block);
    mr->readonly = flags.readonly;
    return true;
}

bool memory_region_init_ram_from_fd(MemoryRegion *mr, const char *name, uint64_t size, RamFileFlags flags, int fd,
                                    uint64_t offset, GError **error)
{
    g_autofree char *file = g_strdup_printf("file descriptor %d", fd);
    return init_file(mr, name, size, flags, fd, offset, file, error);
}

bool memory_region_init_ram_from_file(MemoryRegion *mr, const char *name, uint64_t size, RamFileFlags flags,
                                      const char *path, GError **error)
{
    int fd = open(path, O_CLOEXEC | (flags.readonly ? O_RDONLY : O_RDWR));
    bool created = fd < 0 && errno == ENOENT && !flags.readonly;
    if (created) {
        fd = open(path, O_CLOEXEC | O_RDWR | O_CREAT | O_EXCL, 0644);
    }
    if (fd < 0) {
        ram_set_errno_error(error, name, "open %s", path);
        return false;
    }
    bool ok = init_file(mr, name, size, flags, fd, 0, path, error);
    close(fd);
    if (!ok && created) {
        unlink(path);
    }
    return ok;
}

// --- RAM that changes its size (R1.5) ----------------------------------------------------------------------

bool memory_region_init_resizeable_ram(MemoryRegion *mr, const char *name, uint64_t size, uint64_t max_size,
                                       void (*resized)(void *opaque, uint64_t size), void *opaque, GError **error)
{
    g_assert(size <= max_size);
    if (!memory_region_init_ram(mr, name, max_size, error)) {
        return false;
    }
    mr->size = size;
    mr->resizeable = true;
    mr->resized = resized;
    mr->opaque = opaque;
    return true;
}

static bool resize_error(const MemoryRegion *mr, uint64_t size, const char *why, GError **error)
{
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                "size mismatch: '%s' cannot change from 0x%" PRIx64 " to 0x%" PRIx64 " bytes: %s", mr->name,
                memory_region_size(mr), size, why);
    return false;
}

bool memory_region_ram_resize(MemoryRegion *mr, uint64_t size, GError **error)
{
    memory_lock();
    bool ok = true;
    if (size == mr->size) {
        // nothing to do
    } else if (!mr->resizeable) {
        ok = resize_error(mr, size, "its size is fixed", error);
    } else if (size > mr->ram->size) {
        ok = resize_error(mr, size, "it has no room for more", error);
    } else {
        memory_region_set_size(mr, size);
        if (mr->resized) {
            mr->resized(mr->opaque, size);
        }
    }
    memory_unlock();
    return ok;
}

// --- ROM devices and RAM devices ---------------------------------------------------------------------------

bool memory_region_init_rom_device(MemoryRegion *mr, const MemoryRegionOps *ops, void *opaque, const char *name,
                                   uint64_t size, GError **error)
{
    g_assert(ops);
    if (!memory_region_init_ram(mr, name, size, error)) {
        return false;
    }
    region_set_ops(mr, ops, opaque);
    mr->kind = REGION_ROM_DEVICE;
    return true;
}

void memory_region_flush_rom_device(MemoryRegion *mr, uint64_t offset, uint64_t len)
{
    g_assert(mr->kind == REGION_ROM_DEVICE && offset <= mr->size && len <= mr->size - offset);
    memory_ram_written(mr->ram->offset + offset, len);
}

static uint64_t ram_device_read(void *opaque, uint64_t addr, unsigned size)
{
    const MemoryRegion *mr = opaque;
    return host_load(mr->ram->host + addr, size);
}

static void ram_device_write(void *opaque, uint64_t addr, uint64_t data, unsigned size)
{
    const MemoryRegion *mr = opaque;
    host_store(mr->ram->host + addr, size, data);
}

static const MemoryRegionOps ram_device_ops = {
    .read = ram_device_read,
    .write = ram_device_write,
    .endianness = DEVICE_NATIVE_ENDIAN,
    .valid = {1, 8, true, NULL},
    .impl = {1, 8, true},
};

void memory_region_init_ram_device_ptr(MemoryRegion *mr, const char *name, uint64_t size, void *host)
{
    memory_region_init_ram_ptr(mr, name, size, host);
    region_set_ops(mr, &ram_device_ops, mr);
    mr->kind = REGION_RAM_DEVICE;
}
