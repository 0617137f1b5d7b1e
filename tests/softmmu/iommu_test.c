// SPDX-License-Identifier: GPL-3.0-or-later
// Regions that translate (R1.8), for devices and, by the TLB, for CPUs.
#include "tests/softmmu/fixture.h"
// then
#include "softmmu/iommu.h"
#include "softmmu/memory_map.h"
#include "softmmu/tlb.h"
#include <string.h>

#define PAGES 16

typedef struct { // page table of one level; index 1 is what privileged accesses see
    AddressSpace *target;
    uint64_t page_size;
    struct {
        gpa_t to;
        IommuAccess perm;
    } page[PAGES];
    unsigned asked;
    IommuAccess last_access;
    unsigned last_index;
} Table;

static IommuEntry translate(void *opaque, uint64_t offset, IommuAccess access, unsigned index)
{
    Table *t = opaque;
    uint64_t i = offset / t->page_size;
    t->asked++;
    t->last_access = access;
    t->last_index = index;
    if (i >= PAGES) {
        return (IommuEntry){.mask = t->page_size - 1};
    }
    return (IommuEntry){t->target, i * t->page_size, t->page[i].to, t->page_size - 1, t->page[i].perm};
}

static unsigned debug_index(void *opaque, MemTxAttrs attrs)
{
    (void)opaque;
    return attrs.debug;
}

static const IommuOps ops = {translate, debug_index};

static AddressSpace target;
static MemoryRegion *memory, *window;
static Table table;
static Recorder rec;
static Tlb *tlb;
static uint64_t fast_mask;
static TlbEntry *fast_table;
static unsigned flushes;

static bool identity(void *opaque, gva_t va, unsigned size, MemAccess access, unsigned mmu, TlbTranslation *out,
                     MemFault *fault)
{
    (void)opaque, (void)size, (void)access, (void)mmu, (void)fault;
    *out = (TlbTranslation){.page = va & PAGE_MASK,
                            .allow = {true, true, true},
                            .whole_page = true,
                            .same_before = va & PAGE_MASK,
                            .same_after = 0x100000};
    return true;
}

static void flush(void *opaque)
{
    (void)opaque;
    tlb_flush(tlb);
    flushes++;
}

static MemoryRegion *iommu_region(const char *name, uint64_t size, Table *t)
{
    MemoryRegion *mr = region_alloc();
    memory_region_init_iommu(mr, &ops, t, name, size);
    return mr;
}

// The system shows a window of 16 pages at 0x100000; behind it, in the target space: RAM at 0x1000, a device at 0x9000.
static int setup_iommu(void **state)
{
    setup(state);
    recorder_init(&rec);
    MemoryRegion *root = container("behind", SPACE);
    address_space_init(&target, root, "target");
    memory = add(root, 0x1000, ram("memory", 0x4000));
    add(root, 0x9000, device(&recorder_ops, &rec, "dev", 0x1000));
    table = (Table){.target = &target, .page_size = 0x1000};
    window = add(sys, 0x100000, iommu_region("window", PAGES * 0x1000, &table));
    for (unsigned i = 0; i < 0x4000; i++) {
        memory->ram->host[i] = (uint8_t)(i >> 8);
    }
    tlb = tlb_new(&as, NULL, &(TlbHooks){identity, NULL}, 8, &fast_mask, &fast_table);
    memory_set_commit_hook(flush, NULL);
    flushes = 0;
    return 0;
}

static int teardown_iommu(void **state)
{
    address_space_deinit(&target);
    tlb_free(tlb);
    recorder_deinit(&rec);
    return teardown(state);
}

static void map_page(unsigned i, gpa_t to, IommuAccess perm)
{
    table.page[i].to = to;
    table.page[i].perm = perm;
}

static void t071_transfers(void **state) // T071
{
    (void)state;
    uint8_t buf[16], *host = memory->ram->host;
    map_page(0, 0x3000, IOMMU_RW);
    map_page(1, 0x1000, IOMMU_RO);
    map_page(2, 0x9000, IOMMU_RW);
    map_page(3, 0x2000, IOMMU_WO);
    // Over two pages that are not neighbours behind the window; each is asked for.
    assert_int_equal(address_space_read(&as, 0x100ffc, MEMTXATTRS_NONE, buf, 8), MEMTX_OK);
    assert_memory_equal(buf, "\x2f\x2f\x2f\x2f\0\0\0\0", 8);
    assert_int_equal(table.asked, 2);
    assert_int_equal(table.last_access, IOMMU_RO);
    // A write goes as far as it may; what is read-only is unassigned for it.
    assert_int_equal(address_space_write(&as, 0x100ffc, MEMTXATTRS_NONE, "abcdefgh", 8), MEMTX_DECODE_ERROR);
    assert_memory_equal(host + 0x2ffc, "abcd", 4);
    assert_int_equal(host[0], 0);
    assert_int_equal(table.last_access, IOMMU_WO);
    // Write only, and nothing at all.
    assert_int_equal(address_space_write(&as, 0x103000, MEMTXATTRS_NONE, "xy", 2), MEMTX_OK);
    assert_memory_equal(host + 0x1000, "xy", 2);
    assert_int_equal(address_space_read(&as, 0x103000, MEMTXATTRS_NONE, buf, 2), MEMTX_DECODE_ERROR);
    assert_true(buf[0] == 0 && buf[1] == 0);
    assert_int_equal(address_space_read(&as, 0x104000, MEMTXATTRS_NONE, buf, 2), MEMTX_DECODE_ERROR);
    // A device behind it.
    assert_int_equal(address_space_ld(&as, 0x102010, 4, NULL), 0x13121110);
    address_space_st(&as, 0x102008, 8, 5, NULL);
    assert_calls(&rec, "R(0x10,4) W(0x8,8,0x5)");
    // A value over the end of a page is not split (R2.30), a transfer is.
    MemTxResult result;
    assert_int_equal(address_space_ld(&as, 0x100ffc, 8, &result), 0);
    assert_int_equal(result, MEMTX_DECODE_ERROR);
    // Attributes choose the table.
    assert_int_equal(address_space_read(&as, 0x100000, (MemTxAttrs){.debug = 1}, buf, 1), MEMTX_OK);
    assert_int_equal(table.last_index, 1);
}

// A mapping that is larger than what lies behind, and one at another size of pages.
static void lengths(void **state)
{
    (void)state;
    uint8_t buf[8];
    table.page_size = 0x100;
    map_page(0, 0x4f00, IOMMU_RW); // the last bytes of the RAM
    map_page(1, 0x5000, IOMMU_RW); // behind it
    MemorySection s = address_space_translate(&as, 0x100010, false, MEMTXATTRS_NONE);
    assert_true(s.mr == memory && s.len == 0xf0 && s.before == 0x10 && s.offset == 0x3f10);
    assert_int_equal(address_space_read(&as, 0x1000fc, MEMTXATTRS_NONE, buf, 8), MEMTX_DECODE_ERROR);
    assert_memory_equal(buf, "\x3f\x3f\x3f\x3f\0\0\0\0", 8);
    // One page that is the whole window and more.
    table.page_size = UINT64_C(1) << 32;
    map_page(0, 0, IOMMU_RW);
    s = address_space_translate(&as, 0x101010, true, MEMTXATTRS_NONE);
    assert_true(s.mr == memory && s.offset == 0x10 && s.len == 0x3ff0);
    s = address_space_translate(&as, 0x10fff0, true, MEMTXATTRS_NONE); // unassigned behind, up to the window's end
    assert_true(!s.mr && s.len == 0x10);
    s = address_space_lookup(&as, 0x101010);
    assert_ptr_equal(s.mr, window);
}

// A window behind a window; and one that leads to itself.
static void chains(void **state)
{
    (void)state;
    uint8_t buf[4];
    Table outer = {.target = &as, .page_size = 0x1000};
    add(sys, 0x200000, iommu_region("outer", PAGES * 0x1000, &outer));
    outer.page[0].to = 0x101000;
    outer.page[0].perm = IOMMU_RW;
    map_page(1, 0x2000, IOMMU_RO);
    assert_int_equal(address_space_read(&as, 0x200004, MEMTXATTRS_NONE, buf, 4), MEMTX_OK);
    assert_memory_equal(buf, "\x10\x10\x10\x10", 4);
    assert_int_equal(address_space_write(&as, 0x200004, MEMTXATTRS_NONE, buf, 4), MEMTX_DECODE_ERROR);
    outer.page[1].to = 0x201000;
    outer.page[1].perm = IOMMU_RW;
    assert_int_equal(address_space_read(&as, 0x201004, MEMTXATTRS_NONE, buf, 4), MEMTX_DECODE_ERROR);
    MemFault fault;
    uint64_t value;
    assert_false(tlb_load(tlb, 0x201004, 4, &value, &fault));
    assert_int_equal(fault.kind, FAULT_ACCESS);
}

static bool fast(gva_t va, MemAccess access)
{
    return ((TlbEntry *)(void *)((char *)fast_table + ((va >> 7) & fast_mask)))->cmp[access] == (va & PAGE_MASK);
}

static void t071_cpu(void **state) // T071
{
    (void)state;
    uint64_t value;
    MemFault fault;
    map_page(0, 0x3000, IOMMU_RW);
    map_page(1, 0x1000, IOMMU_RO);
    map_page(2, 0x9000, IOMMU_RW);
    map_page(3, 0x2000, IOMMU_WO);
    assert_true(tlb_store(tlb, 0x100010, 8, 0x1122334455667788, &fault));
    assert_memory_equal(memory->ram->host + 0x2010, "\x88\x77", 2);
    assert_true(fast(0x100010, ACCESS_READ) && fast(0x100010, ACCESS_WRITE));
    assert_true(tlb_load(tlb, 0x101000, 1, &value, &fault));
    assert_true(fast(0x101000, ACCESS_READ) && !fast(0x101000, ACCESS_WRITE));
    assert_false(tlb_store(tlb, 0x101008, 4, 0, &fault));
    assert_true(fault.kind == FAULT_ACCESS && fault.access == ACCESS_WRITE && fault.addr == 0x101008);
    assert_true(tlb_load(tlb, 0x102010, 4, &value, &fault));
    assert_int_equal(value, 0x13121110);
    assert_true(tlb_store(tlb, 0x103000, 4, 7, &fault));
    assert_true(!fast(0x103000, ACCESS_READ) && fast(0x103000, ACCESS_WRITE));
    assert_false(tlb_load(tlb, 0x103000, 4, &value, &fault));
    assert_false(tlb_load(tlb, 0x104000, 4, &value, &fault));
    assert_true(tlb_load(tlb, 0x100ffc, 8, &value, &fault)); // over two pages
    assert_int_equal(value, UINT64_C(0x2f2f2f2f));
    // No run reaches past the mapped page, and one page is none.
    static TlbRuns runs; // outlives the TLB
    tlb_set_runs(tlb, &runs);
    assert_true(tlb_load(tlb, 0x100000, 4, &value, &fault));
    tlb_relieve(tlb);
    assert_int_equal(runs.run[ACCESS_READ].size, 0);
}

// --- notifications -----------------------------------------------------------------------------------------
static void note(IommuNotifier *n, const IommuEntry *e)
{
    GString *log = n->opaque;
    g_string_append_printf(log, "%s%" PRIx64 "+%" PRIx64 " ", e->perm ? "map " : "unmap ", e->addr, e->mask);
}

static void t071_unmap_flushes(void **state) // T071
{
    (void)state;
    uint64_t value;
    MemFault fault;
    map_page(0, 0x3000, IOMMU_RW);
    map_page(1, 0x1000, IOMMU_RW);
    GString *log = g_string_new(NULL), *other = g_string_new(NULL);
    IommuNotifier all = {.notify = note, .opaque = log, .map = true, .unmap = true, .last = UINT64_MAX};
    IommuNotifier part = {.notify = note, .opaque = other, .unmap = true, .first = 0x1800, .last = 0x2fff};
    memory_region_add_iommu_notifier(window, &all);
    memory_region_add_iommu_notifier(window, &part);
    assert_true(tlb_load(tlb, 0x100000, 4, &value, &fault));
    assert_true(fast(0x100000, ACCESS_READ));
    flushes = 0;
    IommuEntry e = {&target, 0x1000, 0x1000, 0xfff, IOMMU_RW};
    memory_region_notify_iommu(window, 0, &e); // a map flushes nothing
    assert_true(flushes == 0 && fast(0x100000, ACCESS_READ));
    map_page(0, 0, IOMMU_NONE);
    e = (IommuEntry){.addr = 0, .mask = 0xfff};
    memory_region_notify_iommu(window, 0, &e);
    assert_int_equal(flushes, 1);
    assert_false(tlb_load(tlb, 0x100000, 4, &value, &fault));
    e.addr = 0x1000;
    memory_region_notify_iommu(window, 0, &e);
    memory_region_notify_iommu(window, 1, &e); // of another table
    e = (IommuEntry){.addr = 0, .mask = UINT64_MAX};
    memory_region_del_iommu_notifier(window, &all);
    memory_region_notify_iommu(window, 0, &e);
    assert_string_equal(log->str, "map 1000+fff unmap 0+fff unmap 1000+fff ");
    assert_string_equal(other->str, "unmap 1000+fff unmap 0+ffffffffffffffff ");
    memory_region_del_iommu_notifier(window, &part);
    g_string_free(log, TRUE);
    g_string_free(other, TRUE);
}

// Buffers go on over translated pages that are neighbours behind the window too.
static void mapped_buffers(void **state)
{
    (void)state;
    map_page(0, 0x1000, IOMMU_RW);
    map_page(1, 0x2000, IOMMU_RW);
    map_page(2, 0x4000, IOMMU_RW);
    uint64_t len = 0x3000;
    uint8_t *p = address_space_map(&as, 0x100800, &len, true, MEMTXATTRS_NONE);
    assert_ptr_equal(p, memory->ram->host + 0x800);
    assert_int_equal(len, 0x1800);
    address_space_unmap(&as, p, true, len);
}

// T020-like: the window is a region like others for views and listings.
static void in_views(void **state)
{
    (void)state;
    add_prio(sys, 0x101000, ram("over", 0x1000), 1);
    assert_view(&as, "100000-100fff window | 101000-101fff over | 102000-10ffff window@2000");
    map_page(2, 0x1000, IOMMU_RW);
    assert_int_equal(address_space_ld(&as, 0x102100, 1, NULL), 1);
    g_autoptr(GString) text = g_string_new(NULL);
    memory_print_flat(text, MTREE_DISPATCH);
    assert_non_null(strstr(text->str, "(prio 0, i/o): window @0000000000002000\n"));
    assert_non_null(strstr(text->str, "window [read translated, write translated]\n"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup_iommu, teardown_iommu)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(t071_transfers),     TEST(lengths),        TEST(chains),   TEST(t071_cpu),
        TEST(t071_unmap_flushes), TEST(mapped_buffers), TEST(in_views),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
