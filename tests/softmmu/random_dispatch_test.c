// SPDX-License-Identifier: GPL-3.0-or-later
// Random accesses (address_space_rw of seed 1, single values, loads and stores of a hart) over random maps of devices
// with random constraints, against a model that goes byte by byte.
//
// The model finds what is at an address by asking each region, topmost first, and follows the rules of spec 2.2 to 2.6
// with arrays of bytes in the device's order, where the code shifts numbers. Devices answer with numbers made from
// offset and size, wider than asked for, and fail now and then; both sides must make the same calls in the same order
// and get the same bytes, result or fault.
#include "tests/softmmu/fixture.h"
// then
#include "softmmu/tlb.h"
#include <string.h>

#define REGIONS 8
#define SEEDS 3000
#define STEPS 100
#define SPAN 0x6000 // addresses of the map

typedef enum { IS_RAM, IS_ROM, IS_ROMD, IS_DEVICE } Kind;

typedef struct {
    Kind kind;
    uint64_t start, len;
    MemoryRegionOps ops;
    MemoryRegion *mr;
    uint8_t bytes[SPAN]; // the model's, of what has memory
    bool attrs;          // callbacks with attributes, which may fail
} Region;

static Region region[REGIONS]; // higher index on top
static GString *log_, *model_log;
static Tlb *tlb;
static uint64_t fast_mask;
static TlbEntry *fast_table;
static unsigned long calls, refusals, good;
static uint64_t state_;

static uint32_t rnd(void)
{
    state_ = state_ * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(state_ >> 33);
}

// --- the devices -------------------------------------------------------------------------------------------
static uint64_t answer(uint64_t offset, unsigned size)
{
    return (offset * 8 + size) * UINT64_C(0x9e3779b97f4a7c15);
}

static MemTxResult outcome(uint64_t offset, unsigned size)
{
    unsigned h = (unsigned)(answer(offset, size) >> 60);
    return h == 0 ? MEMTX_ERROR : h == 1 ? MEMTX_ACCESS_ERROR : MEMTX_OK;
}

static void note(GString *log, const void *who, bool is_write, uint64_t offset, unsigned size, uint64_t data)
{
    int number = (int)((const Region *)who - region);
    g_string_append_printf(log, " %c%d+%" PRIx64 "/%u=%" PRIx64, is_write ? 'W' : 'R', number, offset, size, data);
}

static uint64_t plain_read(void *opaque, uint64_t addr, unsigned size)
{
    note(log_, opaque, false, addr, size, 0);
    return answer(addr, size);
}

static void plain_write(void *opaque, uint64_t addr, uint64_t data, unsigned size)
{
    note(log_, opaque, true, addr, size, data);
}

static MemTxResult attrs_read(void *opaque, uint64_t addr, uint64_t *data, unsigned size, MemTxAttrs a)
{
    (void)a;
    *data = plain_read(opaque, addr, size);
    return outcome(addr, size);
}

static MemTxResult attrs_write(void *opaque, uint64_t addr, uint64_t data, unsigned size, MemTxAttrs a)
{
    (void)a;
    plain_write(opaque, addr, data, size);
    return outcome(addr, size);
}

static bool accepts(void *opaque, uint64_t addr, unsigned size, bool is_write, MemTxAttrs a)
{
    (void)opaque, (void)a;
    return (addr ^ size ^ is_write) & 7;
}

// --- the model of one dispatched access --------------------------------------------------------------------
// size guest bytes at the offset; failure bits as in MemTxResult.
static MemTxResult model_dispatch(Region *r, uint64_t offset, unsigned size, uint8_t *guest, bool is_write)
{
    const MemoryRegionOps *o = &r->ops;
    bool big = o->endianness == DEVICE_BIG_ENDIAN;
    bool refused = (r->kind != IS_DEVICE && r->kind != IS_ROMD) || offset + size > r->len ||
                   (o->valid.accepts && !accepts(NULL, offset, size, is_write, MEMTXATTRS_NONE)) ||
                   (!o->valid.unaligned && offset % size) ||
                   (o->valid.max_access_size && (size > o->valid.max_access_size || size < o->valid.min_access_size));
    if (!is_write) {
        memset(guest, 0, size);
    }
    if (refused) {
        refusals++;
        return MEMTX_DECODE_ERROR;
    }
    unsigned low = o->impl.min_access_size ? o->impl.min_access_size : 1;
    unsigned high = o->impl.max_access_size ? o->impl.max_access_size : 4;
    unsigned step = MAX(MIN(size, high), low);
    MemTxResult result = MEMTX_OK;
    for (unsigned at = 0; at < size; at += step) {
        // piece[k]: the k-th byte of the piece in the device's order, which is that of the guest's addresses
        uint8_t piece[8] = {0};
        uint64_t number = 0;
        for (unsigned k = 0; is_write && k < step && at + k < size; k++) {
            piece[k] = guest[at + k];
        }
        for (unsigned k = 0; k < step; k++) {
            number |= (uint64_t)piece[k] << 8 * (big ? step - 1 - k : k);
        }
        note(model_log, r, is_write, offset + at, step, number);
        calls++;
        result |= r->attrs ? outcome(offset + at, step) : MEMTX_OK;
        for (unsigned k = 0; !is_write && k < step && at + k < size; k++) {
            guest[at + k] = (uint8_t)(answer(offset + at, step) >> 8 * (big ? step - 1 - k : k));
        }
    }
    return result;
}

// --- the model of the map ----------------------------------------------------------------------------------
static Region *region_at(uint64_t addr)
{
    for (int i = REGIONS - 1; i >= 0; i--) {
        if (addr - region[i].start < region[i].len) {
            return &region[i];
        }
    }
    return NULL;
}

// How many of the next len bytes show the same region.
static uint64_t same(uint64_t addr, uint64_t len)
{
    uint64_t n = 1;
    while (n < len && region_at(addr + n) == region_at(addr)) {
        n++;
    }
    return n;
}

static bool reads_directly(const Region *r)
{
    return r && (r->kind != IS_DEVICE) && (r->kind != IS_ROMD || r->mr->romd);
}

static bool writes_directly(const Region *r)
{
    return r && r->kind == IS_RAM;
}

static MemTxResult model_transfer(uint64_t addr, uint8_t *buf, uint64_t len, bool is_write)
{
    MemTxResult result = MEMTX_OK;
    while (len) {
        Region *r = region_at(addr);
        uint64_t n = same(addr, len), offset = r ? addr - r->start : 0;
        if (r && (is_write ? writes_directly(r) : reads_directly(r))) {
            memcpy(is_write ? r->bytes + offset : buf, is_write ? buf : r->bytes + offset, n);
        } else if (r && (r->kind == IS_DEVICE || r->kind == IS_ROMD)) {
            uint64_t max = r->ops.valid.max_access_size ? r->ops.valid.max_access_size : 4, size = 1;
            while (size * 2 <= n && size * 2 <= max && (r->ops.impl.unaligned || offset % (size * 2) == 0)) {
                size *= 2;
            }
            n = size;
            result |= model_dispatch(r, offset, (unsigned)n, buf, is_write);
        } else {
            if (!is_write) {
                memset(buf, 0, n);
            }
            result |= MEMTX_DECODE_ERROR;
        }
        addr += n;
        buf += n;
        len -= n;
    }
    return result;
}

static MemTxResult model_value(uint64_t addr, uint8_t *guest, unsigned size, bool is_write)
{
    Region *r = region_at(addr);
    if (!r || same(addr, size) < size) {
        memset(guest, 0, is_write ? 0 : size);
        return MEMTX_DECODE_ERROR;
    }
    if (is_write ? writes_directly(r) : reads_directly(r)) {
        uint8_t *at = r->bytes + (addr - r->start);
        memcpy(is_write ? at : guest, is_write ? guest : at, size);
        return MEMTX_OK;
    }
    return model_dispatch(r, addr - r->start, size, guest, is_write);
}

// A piece of a CPU access: halved while it lies over several regions. False: refused.
static bool model_piece(uint64_t addr, uint8_t *guest, unsigned size, bool is_write)
{
    Region *r = region_at(addr);
    if (same(addr, size) < size) {
        return model_piece(addr, guest, size / 2, is_write) &&
               model_piece(addr + size / 2, guest + size / 2, size / 2, is_write);
    }
    if (is_write && r && r->kind == IS_ROM) {
        return true; // dropped
    }
    return model_value(addr, guest, size, is_write) == MEMTX_OK;
}

static bool model_assigned(uint64_t addr, unsigned size)
{
    for (unsigned i = 0; i < size; i++) {
        if (!region_at(addr + i)) {
            return false;
        }
    }
    return true;
}

static bool whole_page(uint64_t addr, bool is_write)
{
    uint64_t page = addr & PAGE_MASK;
    const Region *r = region_at(page);
    bool direct = is_write ? writes_directly(r) || (r && r->kind == IS_ROM) : reads_directly(r);
    return direct && same(page, PAGE_SIZE) == PAGE_SIZE && !((page - r->start) & ~PAGE_MASK);
}

// False: *fault is the address that faults.
static bool model_cpu(uint64_t addr, uint8_t *guest, unsigned size, bool is_write, uint64_t *fault)
{
    for (unsigned done = 0; done < size;) {
        uint64_t at = addr + done;
        unsigned n = MIN(size - done, (unsigned)(PAGE_SIZE - (at & ~PAGE_MASK)));
        if (whole_page(at, is_write)) {
            for (unsigned i = 0; i < n; i++) {
                model_piece(at + i, guest + done + i, 1, is_write);
            }
        } else {
            while (n & (n - 1) || at % n) { // the lowest bit of size, address and 8
                n = (n & (n - 1)) ? n & -n : n / 2;
            }
            if (!model_assigned(at, n) || !model_piece(at, guest + done, n, is_write)) {
                *fault = at;
                return false;
            }
        }
        done += n;
    }
    return true;
}

// --- random maps -------------------------------------------------------------------------------------------
static unsigned random_size(void) // 0 (not declared), 1, 2, 4, 8
{
    return (1u << rnd() % 5) / 2 % 16;
}

static void random_ops(Region *r)
{
    MemoryRegionOps *o = &r->ops;
    r->attrs = rnd() % 2;
    *o = (MemoryRegionOps){.endianness = (DeviceEndian)(rnd() % 3)};
    if (r->attrs) {
        o->read_with_attrs = attrs_read;
        o->write_with_attrs = attrs_write;
    } else {
        o->read = plain_read;
        o->write = plain_write;
    }
    o->valid.min_access_size = rnd() % 2 ? 0 : random_size();
    o->valid.max_access_size = random_size();
    o->valid.unaligned = rnd() % 2;
    o->valid.accepts = rnd() % 8 ? NULL : accepts;
    o->impl.min_access_size = rnd() % 2 ? 0 : random_size();
    o->impl.max_access_size = random_size();
    o->impl.unaligned = rnd() % 2;
    if (o->impl.max_access_size && o->impl.max_access_size < o->impl.min_access_size) {
        o->impl.min_access_size = 0;
    }
}

static void random_region(Region *r)
{
    bool small = rnd() % 2;
    r->kind = (Kind)(rnd() % 6);
    r->kind = r->kind > IS_DEVICE ? IS_DEVICE : r->kind;
    r->start = small ? rnd() % (SPAN - 64) : rnd() % (SPAN >> PAGE_BITS) << PAGE_BITS;
    r->len = small ? 1 + rnd() % 64 : PAGE_SIZE << rnd() % 2;
    random_ops(r);
    r->mr = region_alloc();
    if (r->kind == IS_DEVICE) {
        memory_region_init_io(r->mr, &r->ops, r, "device", r->len);
    } else if (r->kind == IS_ROMD) {
        assert_true(memory_region_init_rom_device(r->mr, &r->ops, r, "romd", r->len, NULL));
        memory_region_rom_device_set_romd(r->mr, rnd() % 2);
    } else {
        assert_true(memory_region_init_ram(r->mr, "ram", r->len, NULL));
        memory_region_set_readonly(r->mr, r->kind == IS_ROM);
    }
    for (unsigned i = 0; i < r->len; i++) {
        r->bytes[i] = (uint8_t)(rnd() >> 3);
    }
    if (r->kind != IS_DEVICE) {
        memcpy(memory_region_ram_ptr(r->mr), r->bytes, r->len);
    }
}

static bool identity(void *opaque, gva_t va, unsigned size, MemAccess access, unsigned mmu, TlbTranslation *out,
                     MemFault *fault)
{
    (void)opaque, (void)size, (void)access, (void)mmu, (void)fault;
    *out = (TlbTranslation){.page = va & PAGE_MASK, .allow = {true, true, true}, .whole_page = true};
    return true;
}

// --- steps -------------------------------------------------------------------------------------------------
static uint64_t random_address(void)
{
    const Region *r = &region[rnd() % REGIONS];
    return rnd() % 4 ? r->start + (rnd() % 2 ? r->len - rnd() % 10 : rnd() % 80) : rnd() % SPAN;
}

static void compare(const uint8_t *a, const uint8_t *b, size_t n)
{
    g_assert(memcmp(a, b, n) == 0);
    g_assert_cmpstr(log_->str, ==, model_log->str);
    g_string_truncate(log_, 0);
    g_string_truncate(model_log, 0);
}

static void step_transfer(uint64_t addr, bool is_write)
{
    uint8_t a[64], b[64];
    uint64_t len = rnd() % 65;
    for (unsigned i = 0; i < sizeof a; i++) {
        a[i] = b[i] = (uint8_t)(rnd() >> 5);
    }
    MemTxResult got = address_space_rw(&as, addr, MEMTXATTRS_NONE, a, len, is_write);
    g_assert(got == model_transfer(addr, b, len, is_write));
    good += got == MEMTX_OK;
    compare(a, b, sizeof a);
}

static void step_value(uint64_t addr, unsigned size, uint64_t value, bool is_write)
{
    MemTxResult got;
    uint64_t mine = value;
    if (is_write) {
        address_space_st(&as, addr, size, value, &got);
    } else {
        value = mine = address_space_ld(&as, addr, size, &got);
        mine = 0;
    }
    g_assert(got == model_value(addr, (uint8_t *)&mine, size, is_write));
    good += got == MEMTX_OK;
    compare((uint8_t *)&value, (uint8_t *)&mine, 8);
}

static void step_cpu(uint64_t addr, unsigned size, uint64_t value, bool is_write)
{
    MemFault fault;
    uint64_t mine = is_write ? value : 0, where;
    bool ok = is_write ? tlb_store(tlb, addr, size, value, &fault) : tlb_load(tlb, addr, size, &value, &fault);
    g_assert(ok == model_cpu(addr, (uint8_t *)&mine, size, is_write, &where));
    g_assert(ok || fault.addr == where);
    good += ok;
    uint64_t mask = UINT64_MAX >> (64 - 8 * size);
    value = ok ? value & mask : 0;
    mine = ok ? mine & mask : 0;
    compare((uint8_t *)&value, (uint8_t *)&mine, 8);
}

static void run_seed(uint64_t seed)
{
    state_ = seed;
    memory_transaction_begin();
    for (unsigned i = 0; i < REGIONS; i++) {
        random_region(&region[i]);
        add_prio(sys, region[i].start, region[i].mr, (int32_t)i);
    }
    memory_transaction_commit();
    tlb_flush(tlb);
    for (unsigned i = 0; i < STEPS; i++) {
        uint64_t addr = random_address(), value = (uint64_t)rnd() << 32 ^ rnd() << 1;
        bool is_write = rnd() % 2;
        unsigned size = 1u << rnd() % 4;
        switch (rnd() % 3) {
        case 0: step_transfer(addr, is_write); break;
        case 1: step_value(addr, size, value, is_write); break;
        default: step_cpu(addr, size, value, is_write);
        }
    }
    for (unsigned i = 0; i < REGIONS; i++) {
        const Region *r = &region[i];
        g_assert(r->kind == IS_DEVICE || !memcmp(memory_region_ram_ptr(r->mr), r->bytes, r->len));
    }
}

static void address_space_rw_and_cpu(void **state)
{
    (void)state;
    log_ = g_string_new(NULL);
    model_log = g_string_new(NULL);
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        setup(NULL);
        tlb = tlb_new(&as, NULL, &(TlbHooks){identity, NULL}, 6, &fast_mask, &fast_table);
        run_seed(seed);
        tlb_free(tlb);
        teardown(NULL);
    }
    g_string_free(log_, TRUE);
    g_string_free(model_log, TRUE);
    assert_true(calls > 100000 && refusals > 50000 && good > 100000); // all of it happens
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(address_space_rw_and_cpu)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
