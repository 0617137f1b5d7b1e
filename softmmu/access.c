// SPDX-License-Identifier: GPL-3.0-or-later
// Guest accesses through the software TLB: everything that the inlined compare does not answer.
//
// One access goes like this (R5.50): look up its page, or both its pages, before anything has an effect; then
// move the data, low addresses first; a store to a page with code, or to a clean one, reports its bytes behind each
// part.
//
// On an MMIO page a part is cut into naturally aligned pieces by virtual address (R2.10) and each piece asks
// the flat view anew, because a device may change the map in between. Such a page may hold RAM too (R1.52).
#include "softmmu/tlb_private.h"

#include "softmmu/access_host.h"
#include "softmmu/bus.h"
#include "softmmu/code_pages.h"
#include "softmmu/dirty.h"
#include "softmmu/memory.h"
#include <glib.h>

// --- pieces on MMIO pages ----------------------------------------------------------------------------------

// Under the big lock, which keeps the view.
static MemorySection section(const Tlb *tlb, gpa_t pa, bool is_write)
{
    return bus_section(tlb->as->view, pa, &(BusAccess){.is_write = is_write});
}

static bool assigned(Tlb *tlb, gpa_t pa, unsigned size, bool is_write)
{
    for (unsigned done = 0; done < size;) {
        MemorySection s = section(tlb, pa + done, is_write);
        if (!s.mr)
            return false;
        done += (unsigned)MIN(s.len, size - done);
    }
    return true;
}

// The rest of a piece is not yet known to be assigned, or is, all of it.
typedef enum { PIECE, PIECE_ASSIGNED } Known;

static bool read_range(Tlb *tlb, gpa_t pa, unsigned size, uint64_t *value, Known known)
{
    MemorySection s = section(tlb, pa, false);
    if (!s.mr)
        return false;
    if (s.len < size) {
        uint64_t lo, hi;
        unsigned half = size / 2;
        if (known != PIECE_ASSIGNED && !assigned(tlb, pa, size, false))
            return false;
        if (!read_range(tlb, pa, half, &lo, PIECE_ASSIGNED) || !read_range(tlb, pa + half, half, &hi, PIECE_ASSIGNED))
            return false;
        *value = lo | hi << (8 * half);
        return true;
    }
    if (s.host) {
        *value = host_load(tlb_section_host(tlb, &s), size);
        return true;
    }
    return memory_region_dispatch_read(s.mr, s.offset, value, size, MEMTXATTRS_NONE) == MEMTX_OK;
}

// RAM was stored to, or is at once: its pages are dirty, and code in the bytes goes.
static void ram_written(Tlb *tlb, ram_t ram, unsigned size)
{
    dirty_mark(ram, size);
    if (tlb->code)
        code_pages_written(tlb->code, ram, size);
}

static bool write_range(Tlb *tlb, gpa_t pa, unsigned size, uint64_t value, Known known)
{
    MemorySection s = section(tlb, pa, true);
    if (!s.mr)
        return false;
    if (s.len < size) {
        unsigned half = size / 2;
        return (known == PIECE_ASSIGNED || assigned(tlb, pa, size, true)) &&
               write_range(tlb, pa, half, value, PIECE_ASSIGNED) &&
               write_range(tlb, pa + half, half, value >> (8 * half), PIECE_ASSIGNED);
    }
    if (s.host && s.direct_write) {
        host_store(tlb_section_host(tlb, &s), size, value);
        ram_written(tlb, s.mr->ram->offset + (ram_t)(s.host - s.mr->ram->host), size);
        return true;
    }
    if (s.host && s.readonly)
        return true; // a store to ROM is dropped (2.8)
    return memory_region_dispatch_write(s.mr, s.offset, value, size, MEMTXATTRS_NONE) == MEMTX_OK;
}

// The piece `done` bytes behind the start of the look. The lock keeps the map still from the lookup to the end of the
// callback. Until a callback ran, the TLB's own look is as good: a view stays until no TLB knows it (space.c).
static bool read_piece(Tlb *tlb, const TlbLook *look, unsigned done, unsigned size, uint64_t *value)
{
    memory_lock();
    bool ok = look->device && !done
                  ? memory_region_dispatch_read(look->device, look->offset, value, size, MEMTXATTRS_NONE) == MEMTX_OK
                  : read_range(tlb, look->pa + done, size, value, PIECE);
    memory_unlock();
    return ok;
}

static bool write_piece(Tlb *tlb, const TlbLook *look, unsigned done, unsigned size, uint64_t value)
{
    memory_lock();
    bool ok = look->device && !done
                  ? memory_region_dispatch_write(look->device, look->offset, value, size, MEMTXATTRS_NONE) == MEMTX_OK
                  : write_range(tlb, look->pa + done, size, value, PIECE);
    memory_unlock();
    return ok;
}

static unsigned piece_size(gva_t va, unsigned left)
{
    uint64_t bits = left | va | 8;
    return (unsigned)(bits & -bits);
}

// --- parts: what lies in one page --------------------------------------------------------------------------

static bool load_part(Tlb *tlb, const TlbLook *look, unsigned size, uint64_t *value, MemFault *fault)
{
    if (!(look->flags & TLB_MMIO)) {
        *value = host_load(look->host, size);
        return true;
    }
    *value = 0;
    for (unsigned done = 0, piece; done < size; done += piece) {
        uint64_t v = 0;
        piece = piece_size(look->va + done, size - done);
        if (!read_piece(tlb, look, done, piece, &v)) {
            *fault = (MemFault){FAULT_ACCESS, ACCESS_READ, look->va + done};
            return false;
        }
        *value |= (v & ~UINT64_C(0) >> (64 - 8 * piece)) << (8 * done);
    }
    return true;
}

// The bytes of this page, whose entry is not dirty, were stored: with the last of its code the flag goes.
static void notdirty_stored(Tlb *tlb, const TlbLook *look, unsigned size)
{
    ram_written(tlb, look->ram, size);
    if (tlb_ram_is_dirty(tlb, look->ram))
        tlb_clear_notdirty(tlb, look);
}

static bool store_part(Tlb *tlb, const TlbLook *look, unsigned size, uint64_t value, MemFault *fault)
{
    if (look->flags & TLB_DISCARD)
        return true;
    if (!(look->flags & TLB_MMIO)) {
        host_store(look->host, size, value);
        if (look->flags & TLB_NOTDIRTY)
            notdirty_stored(tlb, look, size);
        return true;
    }
    for (unsigned done = 0, piece; done < size; done += piece) {
        piece = piece_size(look->va + done, size - done);
        if (!write_piece(tlb, look, done, piece, value >> (8 * done))) {
            *fault = (MemFault){FAULT_ACCESS, ACCESS_WRITE, look->va + done};
            return false;
        }
    }
    return true;
}

// --- accesses ----------------------------------------------------------------------------------------------

// Of size bytes at va, those in the first page.
static unsigned first_part(gva_t va, unsigned size)
{
    return (unsigned)MIN(size, PAGE_SIZE - (va & ~PAGE_MASK));
}

// The short way to a device: its page is in the main table, it has all of the page and nobody watches; the bytes are
// one piece, and no other lookup of theirs is still to be counted.
static inline const TlbEntry *device_entry(const Tlb *tlb, gva_t va, unsigned size, MemAccess access)
{
    const TlbTable *t = tlb->table[tlb->data_mmu];
    const TlbEntry *e = tlb_slot(t, va);
    const TlbDeferred *d = tlb->deferred;
    gva_t page = va & PAGE_MASK;
    if (e->cmp[access] != ((va & (PAGE_MASK | (size - 1))) | TLB_MMIO))
        return NULL;
    if ((d[0].counter && d[0].page == page) || (d[1].counter && d[1].page == page))
        return NULL;
    return t->cold[e - t->entries].pa & TLB_COLD_DEVICE ? e : NULL;
}

// Counts an access of the entry's device. Where in it va is.
static inline uint64_t device_offset(Tlb *tlb, const TlbEntry *e, gva_t va, MemAccess access)
{
    const TlbTable *t = tlb->table[tlb->data_mmu];
    tlb->stats.kind[tlb->data_mmu][access].slow_mmio++;
    return t->cold[e - t->entries].ram + (va & ~PAGE_MASK);
}

static inline MemoryRegion *device_of(const TlbEntry *e)
{
    return (MemoryRegion *)(uintptr_t)e->addend;
}

static bool load_device(Tlb *tlb, const TlbEntry *e, gva_t va, unsigned size, uint64_t *value, MemFault *fault)
{
    uint64_t offset = device_offset(tlb, e, va, ACCESS_READ);
    if (memory_region_dispatch_read(device_of(e), offset, value, size, MEMTXATTRS_NONE) == MEMTX_OK)
        return true;
    *fault = (MemFault){FAULT_ACCESS, ACCESS_READ, va};
    return false;
}

static bool store_device(Tlb *tlb, const TlbEntry *e, gva_t va, unsigned size, uint64_t value, MemFault *fault)
{
    uint64_t offset = device_offset(tlb, e, va, ACCESS_WRITE);
    if (memory_region_dispatch_write(device_of(e), offset, value, size, MEMTXATTRS_NONE) == MEMTX_OK)
        return true;
    *fault = (MemFault){FAULT_ACCESS, ACCESS_WRITE, va};
    return false;
}

static __attribute__((noinline, cold)) bool ask(Tlb *tlb, gva_t va, unsigned size, MemAccess access, MemFault *fault)
{
    return tlb_watch_ask(tlb, &(TlbAsked){va, size, access == ACCESS_READ, access == ACCESS_WRITE}, fault);
}

// May an access of that many bytes be done, of a page or two of which these are the flags? False: *fault.
static inline bool may(Tlb *tlb, unsigned flags, gva_t va, unsigned size, MemAccess access, MemFault *fault)
{
    return __builtin_expect(!(flags & TLB_WATCH), 1) || ask(tlb, va, size, access, fault);
}

bool tlb_load(Tlb *tlb, gva_t va, unsigned size, uint64_t *value, MemFault *fault)
{
    const TlbEntry *device = device_entry(tlb, va, size, ACCESS_READ);
    if (device)
        return load_device(tlb, device, va, size, value, fault);
    unsigned n = first_part(va, size);
    TlbLook a, b;
    uint64_t hi;
    if (!tlb_lookup(tlb, va, n, ACCESS_READ, &a, fault))
        return false;
    if (n == size) {
        if (!may(tlb, a.flags, va, size, ACCESS_READ, fault) || !load_part(tlb, &a, size, value, fault))
            return false;
        b.flags = 0;
    } else {
        tlb->stats.crossings[ACCESS_READ]++;
        if (tlb->tap)
            tap_cross(tlb->tap, va + n, ACCESS_READ);
        if (!tlb_lookup(tlb, va + n, size - n, ACCESS_READ, &b, fault) ||
            !may(tlb, a.flags | b.flags, va, size, ACCESS_READ, fault) || !load_part(tlb, &a, n, value, fault))
            return false;
        b.device = NULL;
        if (!load_part(tlb, &b, size - n, &hi, fault))
            return false;
        *value |= hi << (8 * n);
    }
    if ((a.flags | b.flags) & TLB_WATCH)
        tlb_watch_tell(tlb, &a, size, ACCESS_READ, *value);
    return true;
}

bool tlb_store(Tlb *tlb, gva_t va, unsigned size, uint64_t value, MemFault *fault)
{
    const TlbEntry *device = device_entry(tlb, va, size, ACCESS_WRITE);
    if (device)
        return store_device(tlb, device, va, size, value, fault);
    unsigned n = first_part(va, size);
    TlbLook a, b;
    if (!tlb_lookup(tlb, va, n, ACCESS_WRITE, &a, fault))
        return false;
    b.flags = 0;
    if (n == size) {
        if (!may(tlb, a.flags, va, size, ACCESS_WRITE, fault) || !store_part(tlb, &a, size, value, fault))
            return false;
    } else {
        tlb->stats.crossings[ACCESS_WRITE]++;
        if (tlb->tap)
            tap_cross(tlb->tap, va + n, ACCESS_WRITE);
        if (!tlb_lookup(tlb, va + n, size - n, ACCESS_WRITE, &b, fault) ||
            !may(tlb, a.flags | b.flags, va, size, ACCESS_WRITE, fault) || !store_part(tlb, &a, n, value, fault))
            return false;
        b.device = NULL;
        if (!store_part(tlb, &b, size - n, value >> (8 * n), fault))
            return false;
    }
    if ((a.flags | b.flags) & TLB_WATCH)
        tlb_watch_tell(tlb, &a, size, ACCESS_WRITE, value);
    return true;
}

// True if a store through the entry needs no bookkeeping (any more), or it is a load.
static bool plain(Tlb *tlb, const TlbLook *look)
{
    if (look->flags & (TLB_MMIO | TLB_DISCARD | TLB_WATCH))
        return false;
    if (look->flags & TLB_NOTDIRTY) {
        if (tlb->code && code_pages_test(tlb->code, look->ram))
            return false;
        dirty_mark(look->ram, 1); // by the store that follows
        tlb_clear_notdirty(tlb, look);
    }
    return true;
}

// A device or ROM in the main table, found by a look that counts nothing: the access that follows counts it.
static bool known_device(const Tlb *tlb, gva_t va, MemAccess access)
{
    uint64_t cmp = tlb_slot(tlb->table[tlb->data_mmu], va)->cmp[access];
    return tlb_cmp_is(cmp, va & PAGE_MASK) && (cmp & (TLB_MMIO | TLB_DISCARD)) && !(cmp & TLB_INVALID);
}

void *tlb_ram(Tlb *tlb, gva_t va, unsigned size, MemAccess access)
{
    unsigned n = first_part(va, size);
    TlbLook a, b;
    MemFault fault;
    if (n == size && known_device(tlb, va, access))
        return NULL;
    if (!tlb_lookup(tlb, va, n, access, &a, &fault)) {
        tlb_uncount(tlb, &a, access); // the caller repeats the access to take the fault
        return NULL;
    }
    if (n == size) {
        if (plain(tlb, &a))
            return a.host;
        tlb_defer(tlb, &a, access, 0);
        return NULL;
    }
    if (!tlb_lookup(tlb, va + n, size - n, access, &b, &fault)) {
        tlb_uncount(tlb, &b, access);
        tlb_defer(tlb, &a, access, 0);
        return NULL;
    }
    if (plain(tlb, &a) && plain(tlb, &b) && b.host == a.host + n) {
        tlb->stats.crossings[access]++;
        return a.host;
    }
    tlb_defer(tlb, &a, access, 0);
    tlb_defer(tlb, &b, access, 1);
    return NULL;
}

bool tlb_atomic(Tlb *tlb, gva_t va, unsigned size, MemAccess access, void **host, MemFault *fault)
{
    TlbLook look;
    if (va & (size - 1)) { // wins over everything else (R2.49)
        if (tlb->tap)
            tap_refused(tlb->tap, va, access);
        *fault = (MemFault){FAULT_ALIGN, access, va};
        tlb->stats.not_looked_up[access]++;
        return false;
    }
    if (!tlb_lookup(tlb, va, size, access, &look, fault))
        return false;
    if (look.flags & TLB_WATCH &&
        !tlb_watch_ask(tlb, &(TlbAsked){va, size, true, access == ACCESS_WRITE}, fault))
        return false;
    *host = look.host;
    if (look.flags & (TLB_MMIO | TLB_DISCARD)) {
        *host = NULL;
        tlb_defer(tlb, &look, access, 0);
        if (!tlb->atomic_locked)
            memory_lock();
        tlb->atomic_locked = true;
        return true; // that load and that store tell who watches
    }
    if (look.flags & TLB_WATCH)
        tlb_watch_tell(tlb, &look, size, access, host_load(look.host, size));
    if (look.flags & TLB_NOTDIRTY) {
        tlb->atomic_ram = look.ram;
        tlb->atomic_size = size;
        notdirty_stored(tlb, &look, size);
    }
    return true;
}

bool tlb_atomic_load(Tlb *tlb, gva_t va, unsigned size, uint64_t *value, MemFault *fault)
{
    tlb->stats.unstarted[ACCESS_READ]++;
    return tlb_load(tlb, va, size, value, fault);
}

void tlb_atomic_done(Tlb *tlb)
{
    if (tlb->atomic_size && tlb->code)
        code_pages_written(tlb->code, tlb->atomic_ram, tlb->atomic_size);
    tlb->atomic_size = 0;
    if (tlb->atomic_locked) {
        tlb_recount(tlb, ACCESS_WRITE); // no store followed: a failed SC, or the load of an AMO was refused
        memory_unlock();
    }
    tlb->atomic_locked = false;
}

bool tlb_fetch(Tlb *tlb, gva_t va, const uint8_t **host, ram_t *ram, MemFault *fault)
{
    TlbLook look;
    if (!tlb_lookup(tlb, va, 2, ACCESS_FETCH, &look, fault))
        return false;
    tlb->fetched = (TlbFetched){look.global, (uint8_t)look.large_bits};
    bool direct = !(look.flags & (TLB_MMIO | TLB_INVALID));
    *host = direct ? look.host : NULL;
    *ram = direct ? look.ram : 0;
    if (!direct)
        tlb_defer(tlb, &look, ACCESS_FETCH, 0);
    return true;
}

bool tlb_fetch_mmio(Tlb *tlb, gva_t va, uint16_t *parcel, MemFault *fault)
{
    TlbLook look;
    uint64_t v = 0;
    g_assert(!(va & 1));
    if (!tlb_lookup(tlb, va, 2, ACCESS_FETCH, &look, fault))
        return false;
    if (look.flags & TLB_MMIO) {
        if (!read_piece(tlb, &look, 0, 2, &v)) {
            *fault = (MemFault){FAULT_ACCESS, ACCESS_FETCH, va};
            return false;
        }
    } else {
        v = host_load(look.host, 2);
    }
    *parcel = (uint16_t)v;
    return true;
}

bool tlb_probe(Tlb *tlb, gva_t va, unsigned size, MemAccess access, MemFault *fault)
{
    TlbLook look;
    return tlb_lookup(tlb, va, size, access, &look, fault);
}

bool tlb_zero(Tlb *tlb, gva_t va, unsigned size, MemFault *fault)
{
    TlbLook look;
    g_assert(size >= 8 && size <= PAGE_SIZE && !(size & (size - 1)) && !(va & (size - 1)));
    if (!tlb_lookup(tlb, va, size, ACCESS_WRITE, &look, fault))
        return false;
    if (!may(tlb, look.flags, va, size, ACCESS_WRITE, fault))
        return false;
    TlbLook part = look;
    part.device = NULL;
    for (unsigned done = 0; done < size; done += 8) {
        part.va = look.va + done;
        part.pa = look.pa + done;
        part.ram = look.ram + done;
        part.host = look.host + done;
        if (!store_part(tlb, &part, 8, 0, fault))
            return false;
    }
    if (look.flags & TLB_WATCH)
        tlb_watch_tell(tlb, &look, size, ACCESS_WRITE, 0);
    return true;
}
