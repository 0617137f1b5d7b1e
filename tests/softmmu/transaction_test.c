// SPDX-License-Identifier: GPL-3.0-or-later
// Transactions (T030 to T034), shared views (T021, T022, R1.31), and readers beside writers (R1.13).
#include "tests/softmmu/fixture.h"
// then
#include <string.h>

static unsigned commits;

static void count_commit(void *opaque)
{
    assert_ptr_equal(opaque, &as);
    commits++;
}

static int setup_counted(void **state)
{
    setup(state);
    commits = 0;
    memory_set_commit_hook(count_commit, &as);
    return 0;
}

static void t030_three_adds(void **state) // T030
{
    (void)state;
    memory_transaction_begin();
    add(sys, 0, io("a", 0x10));
    add(sys, 0x10, io("b", 0x10));
    add(sys, 0x20, io("c", 0x10));
    assert_view(&as, "");
    memory_transaction_commit();
    assert_int_equal(commits, 1);
    assert_view(&as, "0-f a | 10-1f b | 20-2f c");
}

static void t031_nesting(void **state) // T031
{
    (void)state;
    memory_transaction_begin();
    memory_transaction_begin();
    add(sys, 0, io("a", 0x10));
    memory_transaction_commit();
    assert_int_equal(commits, 0);
    memory_transaction_commit();
    assert_int_equal(commits, 1);
    memory_transaction_begin(); // nothing pending
    memory_transaction_commit();
    assert_int_equal(commits, 1);
}

static void t032_same_value(void **state) // T032
{
    (void)state;
    MemoryRegion *r = add(sys, 0, ram("ram", 0x1000)), *al = add(sys, 0x2000, alias("al", r, 0x10, 0x10));
    assert_int_equal(commits, 2);
    memory_region_set_enabled(r, true);
    memory_region_set_address(r, 0);
    memory_region_set_size(r, 0x1000);
    memory_region_set_readonly(r, false);
    memory_region_set_unmergeable(r, false);
    memory_region_set_alias_offset(al, 0x10);
    assert_int_equal(commits, 2);
}

static void t033_cancelled_change(void **state) // T033
{
    (void)state;
    MemoryRegion *r = add(sys, 0, ram("ram", 0x1000));
    memory_transaction_begin();
    memory_region_set_enabled(r, false);
    memory_region_set_enabled(r, true);
    memory_transaction_commit();
    assert_int_equal(commits, 2);
    assert_view(&as, "0-fff ram");
}

// R1.41: which changes mark a commit.
static void t034_pending(void **state) // T034
{
    (void)state;
    MemoryRegion *box = container("box", 0x1000), *d = io("d", 0x10), *al = alias("al", d, 0, 0x10);
    memory_region_set_enabled(box, false);
    assert_int_equal(commits, 1); // always, even for what is mapped nowhere
    add(sys, 0, box);
    add(box, 0, d);
    memory_region_set_address(d, 0x20);
    assert_int_equal(commits, 1);
    memory_region_del_subregion(box, d);
    assert_int_equal(commits, 1);
    memory_region_set_enabled(box, true);
    assert_int_equal(commits, 2);
    memory_region_set_enabled(d, false);
    assert_int_equal(commits, 3);
    add(box, 0, d);
    memory_region_set_readonly(d, true);
    memory_region_set_unmergeable(d, true);
    assert_int_equal(commits, 3);
    memory_region_set_size(d, 0x20);
    assert_int_equal(commits, 4);
    memory_region_set_alias_offset(al, 1); // enabled itself, though nowhere
    assert_int_equal(commits, 5);
    memory_region_set_address(al, 5); // in no container
    assert_int_equal(commits, 5);
    memory_region_set_enabled(d, true);
    memory_region_set_address(d, 0x40);
    assert_int_equal(commits, 7);
    assert_view(&as, "40-5f d ro");
}

static void t021_shared_views(void **state) // T021
{
    (void)state;
    add(sys, 0x1000, ram("ram", 0x1000));
    AddressSpace same, whole, smaller, moved;
    address_space_init(&same, sys, "same");
    address_space_init(&whole, alias("whole", sys, 0, SPACE), NULL);
    address_space_init(&smaller, alias("smaller", sys, 0, 0x2000), "smaller");
    address_space_init(&moved, alias("moved", sys, 0x1000, SPACE), "moved");
    for (unsigned i = 0; i < 2; i++) {
        assert_ptr_equal(same.view, as.view);
        assert_ptr_equal(whole.view, as.view);
        assert_ptr_equal(as.view->root, sys);
        assert_int_equal(as.view->refs, 3);
        assert_ptr_not_equal(smaller.view, as.view);
        assert_view(&smaller, i ? "0-f new | 1000-1fff ram" : "1000-1fff ram");
        assert_view(&moved, "0-fff ram");
        if (i == 0) {
            add(sys, 0, io("new", 0x10));
        }
    }
    assert_string_equal(whole.name, "anonymous");
    address_space_deinit(&same);
    address_space_deinit(&whole);
    address_space_deinit(&smaller);
    address_space_deinit(&moved);
}

// R1.31, with the two points where we keep what the reduction would lose (docs/memory.md).
static void r131_root_reduction(void **state)
{
    (void)state;
    MemoryRegion *outer = container("outer", 0x10000), *inner = add(outer, 0, container("inner", 0x10000));
    MemoryRegion *r = add(inner, 0, ram("ram", 0x1000));
    AddressSpace space;
    address_space_init(&space, outer, "s");
    assert_ptr_equal(space.view->root, r);
    MemoryRegion *second = add(inner, 0x1000, io("second", 0x10));
    assert_ptr_equal(space.view->root, inner);
    memory_region_set_enabled(second, false);
    assert_ptr_equal(space.view->root, r);
    memory_region_set_size(inner, 0x800); // the child no longer fits
    assert_ptr_equal(space.view->root, inner);
    assert_view(&space, "0-7ff ram");
    memory_region_set_size(inner, 0x10000);
    memory_region_set_address(r, 0x2000);
    assert_ptr_equal(space.view->root, inner);
    memory_region_set_address(r, 0);
    memory_region_set_readonly(inner, true); // must not get lost
    assert_ptr_equal(space.view->root, inner);
    assert_view(&space, "0-fff ram ro");
    memory_region_set_enabled(outer, false);
    assert_null(space.view->root);
    address_space_deinit(&space);

    // An alias shows its target from its own address, wherever the target is mapped.
    add(sys, 0x5000, container("c", 0x1000));
    MemoryRegion *d = add(sys, 0x7000, io("d", 0x100));
    address_space_init(&space, alias("al", d, 0, 0x1000), "s");
    assert_ptr_equal(space.view->root, d);
    assert_view(&space, "0-ff d");
    address_space_deinit(&space);
}

static void t022_empty_view(void **state) // T022
{
    (void)state;
    assert_null(as.view->root);
    FlatView *empty = as.view;
    MemoryRegion *d = io("d", 0x10);
    memory_region_set_enabled(d, false);
    add(sys, 0, d);
    memory_region_set_enabled(d, true);
    assert_ptr_not_equal(as.view, empty);
    memory_region_set_enabled(d, false);
    assert_ptr_equal(as.view, empty); // R1.42: the one view that stays identical
    assert_int_equal(address_space_lookup(&as, 0).len, UINT64_MAX);
}

static void r112_deinit_detaches(void **state)
{
    (void)state;
    MemoryRegion box, *d = io("d", 0x10);
    memory_region_init(&box, "box", 0x1000);
    add(sys, 0, &box);
    add(&box, 0, d);
    memory_region_del_subregion(sys, &box);
    memory_region_deinit(&box);
    assert_null(d->container);
    assert_view(&as, "");
}

// --- topology changes inside a callback, and readers in other threads ------------------------------------
static void reveal(void *opaque, uint64_t addr, uint64_t data, unsigned size)
{
    (void)addr, (void)size, (void)data;
    memory_region_set_enabled(opaque, false);
    assert_view(&as, "0-fff under | 1000-1fff dev | 2000-2fff under@2000");
}

// The transfer keeps the view it started with, the next one finds the new view.
static void commit_inside_callback(void **state)
{
    (void)state;
    static const MemoryRegionOps ops = {.write = reveal};
    MemoryRegion *under = add(sys, 0, ram("under", 0x3000));
    MemoryRegion *over = add_prio(sys, 0x2000, io("over", 0x1000), 1);
    add_prio(sys, 0x1000, device(&ops, over, "dev", 0x1000), 1);
    assert_view(&as, "0-fff under | 1000-1fff dev | 2000-2fff over");
    assert_int_equal(address_space_write(&as, 0x1ffc, MEMTXATTRS_NONE, "abcdefgh", 8), MEMTX_DECODE_ERROR);
    assert_int_equal(under->ram->host[0x2000], 0);
    assert_int_equal(address_space_write(&as, 0x1ffc, MEMTXATTRS_NONE, "abcdefgh", 8), MEMTX_OK);
    assert_memory_equal(under->ram->host + 0x2000, "efgh", 4);
}

static bool stop_readers;
static unsigned found; // atomic: times that readers saw something there

static gpointer reader(gpointer unused)
{
    (void)unused;
    while (!__atomic_load_n(&stop_readers, __ATOMIC_RELAXED)) {
        uint8_t buf[64];
        MemTxResult r = address_space_read(&as, 0x1000, MEMTXATTRS_NONE, buf, sizeof buf);
        uint8_t first = buf[0];
        g_assert(r == (first ? MEMTX_OK : MEMTX_DECODE_ERROR) && first < 3);
        for (unsigned i = 1; i < sizeof buf; i++) {
            g_assert(buf[i] == first);
        }
        if (first) {
            __atomic_add_fetch(&found, 1, __ATOMIC_RELAXED);
        }
        g_assert(address_space_ld(&as, 0x1000, 8, NULL) % UINT64_C(0x0101010101010101) == 0);
    }
    return NULL;
}

// Each round maps fresh RAM and frees it: a reader that used a freed view, region or page would crash or see
// mixed bytes.
static void readers_beside_commits(void **state)
{
    (void)state;
    GThread *threads[2];
    __atomic_store_n(&stop_readers, false, __ATOMIC_RELAXED);
    __atomic_store_n(&found, 0, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < 2; i++) {
        threads[i] = g_thread_new("reader", reader, NULL);
    }
    gint64 end = g_get_monotonic_time() + G_USEC_PER_SEC / 2;
    for (unsigned round = 0; round < 200 || g_get_monotonic_time() < end || !__atomic_load_n(&found, __ATOMIC_RELAXED);
         round++) {
        MemoryRegion *mr = g_new(MemoryRegion, 1);
        assert_true(memory_region_init_ram(mr, "fresh", 0x1000, NULL));
        memset(mr->ram->host, 1 + (int)(round & 1), 0x1000);
        add(sys, 0x1000, mr);
        if (round % 16 == 0) {
            g_usleep(100);
        }
        memory_region_del_subregion(sys, mr);
        memory_region_deinit(mr);
        g_free(mr);
    }
    __atomic_store_n(&stop_readers, true, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < 2; i++) {
        g_thread_join(threads[i]);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup_counted, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(t030_three_adds),
        TEST(t031_nesting),
        TEST(t032_same_value),
        TEST(t033_cancelled_change),
        TEST(t034_pending),
        TEST(t021_shared_views),
        TEST(r131_root_reduction),
        TEST(t022_empty_view),
        TEST(r112_deinit_detaches),
        TEST(commit_inside_callback),
        TEST(readers_beside_commits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
