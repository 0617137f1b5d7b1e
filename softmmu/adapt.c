// SPDX-License-Identifier: GPL-3.0-or-later
// One access to an MMIO region: validated, cut or widened to what the device implements, byte order put
// right.
//
// Spec 2.2 and 2.3. The access comes in little-endian order (as RV64 and DMA see memory): byte k of the value
// is the byte at offset + k. Two steps are where mistakes hide. A big-endian device's pieces go to the value
// from the top, by a shift that turns negative when the device's smallest access is wider than ours (R2.4);
// and the finished value is swapped at the access size, not at the piece size (R2.8).
#include "softmmu/grace.h"
#include "softmmu/ioeventfd.h"
#include "softmmu/memory.h"
#include "util/log.h"
#include <inttypes.h>

typedef struct {
    MemoryRegion *mr;
    uint64_t offset;
    unsigned size;
    bool is_write;
    MemTxAttrs attrs;
} Access;

// The devices that this thread acts for, innermost first: the re-entrancy guard. On its stack; a callback that changes
// the memory map lets go of the big lock for a while (memory_set_commit_hook).
static __thread MemoryActor *actors;

void memory_actor_begin(MemoryActor *actor, const MemoryOwner *owner)
{
    *actor = (MemoryActor){owner, actors};
    actors = actor;
}

void memory_actor_end(MemoryActor *actor)
{
    g_assert(actors == actor);
    actors = actor->up;
}

static uint64_t size_mask(unsigned size)
{
    g_assert(size == 1 || size == 2 || size == 4 || size == 8);
    return UINT64_MAX >> (64 - 8 * size);
}

static uint64_t swap(uint64_t value, unsigned size)
{
    return __builtin_bswap64(value) >> (64 - 8 * size);
}

// --- validation (R2.1) -----------------------------------------------------------------------------------

static MemTxResult reject(const Access *a, const char *reason)
{
    if (log_on(LOG_GUEST_ERROR)) {
        log_printf("Invalid %s at addr 0x%" PRIx64 ", size %u, region '%s', reason: %s\n",
                   a->is_write ? "write" : "read", a->offset, a->size, a->mr ? a->mr->name : "unassigned",
                   reason);
    }
    return MEMTX_DECODE_ERROR;
}

static bool has_callback(const MemoryRegionOps *ops, bool is_write)
{
    return is_write ? ops->write || ops->write_with_attrs : ops->read || ops->read_with_attrs;
}

static MemTxResult validate(const Access *a)
{
    const MemoryRegionOps *ops = a->mr ? a->mr->ops : NULL;
    if (!ops || !has_callback(ops, a->is_write) || (__uint128_t)a->offset + a->size > a->mr->size) {
        return reject(a, "rejected");
    }
    if (ops->valid.accepts && !ops->valid.accepts(a->mr->opaque, a->offset, a->size, a->is_write, a->attrs)) {
        return reject(a, "rejected");
    }
    if (!ops->valid.unaligned && (a->offset & (a->size - 1))) {
        return reject(a, "unaligned");
    }
    if (ops->valid.max_access_size &&
        (a->size > ops->valid.max_access_size || a->size < ops->valid.min_access_size)) {
        char text[64];
        g_snprintf(text, sizeof text, "invalid size (min:%u max:%u)", ops->valid.min_access_size,
                   ops->valid.max_access_size);
        return reject(a, text);
    }
    return MEMTX_OK;
}

// --- callbacks -------------------------------------------------------------------------------------------

static MemTxResult call_read(const Access *a, uint64_t offset, uint64_t *value, unsigned size)
{
    const MemoryRegionOps *ops = a->mr->ops;
    MemTxResult result = MEMTX_OK;
    *value = 0;
    if (ops->read) {
        *value = ops->read(a->mr->opaque, offset, size);
    } else {
        result = ops->read_with_attrs(a->mr->opaque, offset, value, size, a->attrs);
    }
    *value &= size_mask(size);
    if (log_on(LOG_MMIO)) {
        log_printf("mmio: read  %s +0x%" PRIx64 " size %u: 0x%" PRIx64 "%s\n", a->mr->name, offset, size,
                   *value, result == MEMTX_OK ? "" : " (failed)");
    }
    return result;
}

static MemTxResult call_write(const Access *a, uint64_t offset, uint64_t value, unsigned size)
{
    const MemoryRegionOps *ops = a->mr->ops;
    MemTxResult result = MEMTX_OK;
    value &= size_mask(size);
    if (log_on(LOG_MMIO)) { // before the call, which may end the program
        log_printf("mmio: write %s +0x%" PRIx64 " size %u: 0x%" PRIx64 "\n", a->mr->name, offset, size,
                   value);
    }
    if (ops->write) {
        ops->write(a->mr->opaque, offset, value, size);
    } else {
        result = ops->write_with_attrs(a->mr->opaque, offset, value, size, a->attrs);
    }
    return result;
}

// --- adaptation (R2.3 to R2.5) ---------------------------------------------------------------------------

static uint64_t shift(uint64_t value, int bits)
{
    return bits >= 0 ? value << bits : value >> -bits;
}

static MemTxResult adapt(const Access *a, uint64_t *value)
{
    const MemoryRegionOps *ops = a->mr->ops;
    bool big = ops->endianness == DEVICE_BIG_ENDIAN;
    unsigned min = ops->impl.min_access_size ? ops->impl.min_access_size : 1;
    unsigned max = ops->impl.max_access_size ? ops->impl.max_access_size : 4;
    unsigned step = MAX(MIN(a->size, max), min);
    MemTxResult result = MEMTX_OK;
    uint64_t whole = 0;
    if (a->is_write && big) {
        *value = swap(*value, a->size);
    }
    for (unsigned i = 0; i < a->size; i += step) {
        int place = 8 * (big ? (int)a->size - (int)step - (int)i : (int)i); // of the piece in the value
        if (a->is_write) {
            result |= call_write(a, a->offset + i, shift(*value, -place), step);
        } else {
            uint64_t piece;
            result |= call_read(a, a->offset + i, &piece, step);
            whole |= shift(piece, place);
        }
    }
    if (!a->is_write) {
        *value = big ? swap(whole & size_mask(a->size), a->size) : whole & size_mask(a->size);
    }
    return result;
}

// --- the re-entrancy guard (R1.15) -------------------------------------------------------------------------

// Whom the guard counts the region to, or NULL.
static const MemoryOwner *guarded(const MemoryRegion *mr)
{
    return mr->owner && mr->owner->device && !mr->ram && !mr->reentrant ? mr->owner : NULL;
}

// True if no callback of that owner is running in this thread.
static bool may_enter(const MemoryRegion *mr, const MemoryOwner *owner)
{
    static bool warned;
    for (const MemoryActor *a = actors; owner && a; a = a->up) {
        if (a->owner == owner) {
            if (!warned) {
                warned = true;
                g_printerr("warning: re-entrant access to device region '%s' blocked\n", mr->name);
            }
            return false;
        }
    }
    return true;
}

static MemTxResult dispatch(const Access *a, uint64_t *value)
{
    MemTxResult result = validate(a);
    if (result != MEMTX_OK) {
        return result;
    }
    if (a->is_write && ioeventfd_signal(a->mr, a->offset, a->size, *value)) {
        return MEMTX_OK;
    }
    const MemoryOwner *owner = guarded(a->mr);
    if (!may_enter(a->mr, owner)) {
        return MEMTX_ACCESS_ERROR;
    }
    MemoryActor actor;
    memory_actor_begin(&actor, owner);
    result = adapt(a, value);
    memory_actor_end(&actor);
    return result;
}

// What most accesses are: one call of a little-endian device that takes the size as it is.
static inline bool is_one_call(const MemoryRegion *mr, uint64_t offset, unsigned size)
{
    const MemoryRegionOps *ops = mr ? mr->ops : NULL;
    if (!ops || ops->valid.accepts || offset & (size - 1) || (__uint128_t)offset + size > mr->size)
        return false;
    if (ops->valid.max_access_size && (size > ops->valid.max_access_size || size < ops->valid.min_access_size))
        return false;
    return size >= ops->impl.min_access_size && size <= (ops->impl.max_access_size ? ops->impl.max_access_size : 4) &&
           ops->endianness != DEVICE_BIG_ENDIAN && !log_on(LOG_MMIO);
}

// The same as dispatch for one of these.
static inline MemTxResult call_once(const MemoryRegion *mr, uint64_t offset, uint64_t *value, unsigned size,
                                    bool is_write)
{
    MemoryActor actor = {guarded(mr), actors};
    if (!may_enter(mr, actor.owner))
        return MEMTX_ACCESS_ERROR;
    actors = &actor;
    if (is_write)
        mr->ops->write(mr->opaque, offset, *value, size);
    else
        *value = mr->ops->read(mr->opaque, offset, size) & UINT64_MAX >> (64 - 8 * size);
    g_assert(actors == &actor);
    actors = actor.up;
    return MEMTX_OK;
}

// Under the lock, so that nobody looks meanwhile for what may be freed: whoever the callback removes stays until it is
// done, though it may let go of the lock.
MemTxResult memory_region_dispatch_read(MemoryRegion *mr, uint64_t offset, uint64_t *value, unsigned size,
                                        MemTxAttrs attrs)
{
    MemTxResult result;
    *value = 0;
    memory_lock();
    grace_enter_locked();
    if (is_one_call(mr, offset, size) && mr->ops->read)
        result = call_once(mr, offset, value, size, false);
    else
        result = dispatch(&(Access){mr, offset, size, false, attrs}, value);
    grace_leave();
    memory_unlock();
    return result;
}

MemTxResult memory_region_dispatch_write(MemoryRegion *mr, uint64_t offset, uint64_t value, unsigned size,
                                         MemTxAttrs attrs)
{
    MemTxResult result;
    value &= size_mask(size);
    memory_lock();
    grace_enter_locked();
    if (is_one_call(mr, offset, size) && mr->ops->write && !mr->eventfds)
        result = call_once(mr, offset, &value, size, true);
    else
        result = dispatch(&(Access){mr, offset, size, true, attrs}, &value);
    grace_leave();
    memory_unlock();
    return result;
}
