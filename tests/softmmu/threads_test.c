// SPDX-License-Identifier: GPL-3.0-or-later
// Threads that read while another changes the map (R1.13): they see one map or the other, whole, and never wait.
//
// Meant for ThreadSanitizer and AddressSanitizer too (docs/testing.md): what is freed too early is found by those.
#include "tests/softmmu/fixture.h"
// then
#include "softmmu/memory_map.h"
#include <string.h>

#define READERS 3
#define WINDOW 0x10000 // where things come and go
#define FIXED 0x40000  // RAM that stays

static bool stop;
static unsigned long reads[READERS];

static void start(GThread **threads, GThreadFunc f)
{
    __atomic_store_n(&stop, false, __ATOMIC_SEQ_CST);
    memset(reads, 0, sizeof reads);
    for (unsigned i = 0; i < READERS; i++) {
        threads[i] = g_thread_new("reader", f, &reads[i]);
    }
}

static unsigned long read_count(unsigned i)
{
    return __atomic_load_n(&reads[i], __ATOMIC_RELAXED);
}

static void join(GThread **threads)
{
    __atomic_store_n(&stop, true, __ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < READERS; i++) {
        g_thread_join(threads[i]);
        assert_true(read_count(i) > 0);
    }
}

static bool go_on(gpointer count)
{
    __atomic_add_fetch((unsigned long *)count, 1, __ATOMIC_RELAXED);
    return !__atomic_load_n(&stop, __ATOMIC_SEQ_CST);
}

// --- nobody waits ------------------------------------------------------------------------------------------
static gpointer read_fixed(gpointer count)
{
    do {
        uint64_t buf[2], len = 8;
        g_assert(address_space_read(&as, FIXED, MEMTXATTRS_NONE, buf, 16) == MEMTX_OK);
        g_assert(address_space_ld(&as, FIXED + 8, 8, NULL) == 7);
        MemorySection s = address_space_lookup(&as, FIXED + 0x10);
        g_assert(s.mr && s.offset == 0x10);
        void *p = address_space_map(&as, FIXED, &len, false, MEMTXATTRS_NONE);
        g_assert(p && len == 8);
        address_space_unmap(&as, p, false, 0);
    } while (go_on(count));
    return NULL;
}

static void wait_for_reads(void)
{
    for (unsigned i = 0; i < READERS; i++) {
        for (unsigned long n = read_count(i); read_count(i) < n + 100;) {
            g_usleep(100);
        }
    }
}

// The big lock is held, then a transaction is open: readers go on (else this test would not end).
static void readers_never_wait(void **state)
{
    (void)state;
    GThread *threads[READERS];
    MemoryRegion *r = add(sys, FIXED, ram("fixed", 0x1000));
    r->ram->host[8] = 7;
    start(threads, read_fixed);
    memory_lock();
    wait_for_reads();
    memory_transaction_begin();
    add(sys, WINDOW, io("x", 0x1000));
    wait_for_reads();
    memory_transaction_commit();
    wait_for_reads();
    memory_unlock();
    join(threads);
}

// --- what they see -----------------------------------------------------------------------------------------
// Each thing that shows in the window is full of one byte, and none is ever changed: a transfer of one page sees one of
// them, and a pair of windows of one transaction is seen by one transfer over both.
static gpointer read_window(gpointer count)
{
    do {
        uint8_t buf[0x20];
        MemTxResult r = address_space_read(&as, WINDOW + 0xff0, MEMTXATTRS_NONE, buf, sizeof buf);
        g_assert(r == (buf[0] ? MEMTX_OK : MEMTX_DECODE_ERROR));
        for (unsigned i = 1; i < sizeof buf; i++) {
            g_assert(buf[i] == buf[0]);
        }
        uint64_t v = address_space_ld(&as, WINDOW + 8, 8, NULL);
        g_assert(v == (v & 0xff) * UINT64_C(0x0101010101010101));
        MemorySection s = memory_region_find(sys, WINDOW, 0x1000);
        if (s.mr) {
            g_assert(s.host[0] == s.host[s.len - 1]);
            memory_region_unref(s.mr);
        }
        uint64_t len = 0x1000;
        uint8_t *p = address_space_map(&as, WINDOW, &len, false, MEMTXATTRS_NONE);
        g_assert(!p || p[0] == p[len - 1]);
        if (p) {
            address_space_unmap(&as, p, false, 0);
        }
    } while (go_on(count));
    return NULL;
}

typedef struct {
    MemoryOwner owner;
    MemoryRegion mr;
} Card;

static void card_free(MemoryOwner *owner)
{
    Card *c = (Card *)owner; // its first member
    memory_region_deinit(&c->mr);
    g_free(c);
}

static Card *card_new(uint8_t byte)
{
    Card *c = g_new0(Card, 1);
    memory_owner_init(&c->owner, "card", NULL, true, card_free);
    assert_true(memory_region_init_ram(&c->mr, "card", 0x2000, NULL));
    memory_region_set_owner(&c->mr, &c->owner);
    memset(c->mr.ram->host, byte, 0x2000);
    return c;
}

// Two aliases show the two pages of one RAM or of another; cards that free themselves come and go on top of them.
static void whole_maps(void **state)
{
    (void)state;
    GThread *threads[READERS];
    MemoryRegion *two[2] = {ram("one", 0x2000), ram("two", 0x2000)}, *window[2][2];
    for (unsigned i = 0; i < 2; i++) {
        memset(two[i]->ram->host, 1 + (int)i, 0x2000);
        for (unsigned k = 0; k < 2; k++) {
            window[i][k] = add(sys, WINDOW + 0x1000 * k, alias("window", two[i], 0x1000 * k, 0x1000));
            memory_region_set_enabled(window[i][k], i);
        }
    }
    start(threads, read_window);
    gint64 end = g_get_monotonic_time() + G_USEC_PER_SEC / 2;
    for (unsigned n = 0; n < 300 || g_get_monotonic_time() < end; n++) {
        memory_transaction_begin();
        for (unsigned k = 0; k < 4; k++) {
            memory_region_set_enabled(window[k / 2][k % 2], n % 8 ? (n & 1) == k / 2 : false);
        }
        memory_transaction_commit();
        Card *c = card_new((uint8_t)(3 + n % 100));
        add_prio(sys, WINDOW, &c->mr, 1);
        if (n % 16 == 0) {
            g_usleep(100);
        }
        memory_region_del_subregion(sys, &c->mr);
        memory_owner_unref(&c->owner); // goes when the readers have left
    }
    join(threads);
}

// --- devices -----------------------------------------------------------------------------------------------
// Callbacks run one at a time (R2.13), whoever calls.
static unsigned inside;

static uint64_t slow_read(void *opaque, uint64_t addr, unsigned size)
{
    (void)opaque, (void)addr, (void)size;
    g_assert(++inside == 1); // plain accesses: a race would be told
    inside--;
    return 0;
}

static gpointer read_device(gpointer count)
{
    do {
        address_space_ld(&as, WINDOW, 4, NULL);
    } while (go_on(count));
    return NULL;
}

static void callbacks_exclude_each_other(void **state)
{
    (void)state;
    static const MemoryRegionOps ops = {.read = slow_read};
    GThread *threads[READERS];
    MemoryRegion *d = add(sys, WINDOW, device(&ops, NULL, "dev", 0x100));
    start(threads, read_device);
    for (unsigned n = 0; n < 300; n++) {
        memory_region_set_address(d, n & 1 ? WINDOW : WINDOW + 0x1000);
    }
    join(threads);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(readers_never_wait), TEST(whole_maps), TEST(callbacks_exclude_each_other)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
