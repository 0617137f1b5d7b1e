// SPDX-License-Identifier: GPL-3.0-or-later
// Who lives how long (spec 1.2): references of views, sections and buffers, owners, removal inside a callback, misuse.
#include "tests/softmmu/fixture.h"
// then
#include "softmmu/memory_map.h"
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

// R1.3.
static void initial_state(void **state)
{
    (void)state;
    MemoryRegion *mr = container("c", SPACE);
    assert_true(mr->enabled && mr->romd && !mr->priority && !mr->container && !mr->subregions->len && !mr->ops);
    assert_true(memory_region_size(mr) == SPACE && mr->size == (__uint128_t)1 << 64);
    assert_true(memory_region_size(container("c", SPACE - 1)) == SPACE - 1);
    MemoryRegion *d = ram("d", 0x1801);
    assert_true(d->size == 0x1801 && d->ram->size == 0x2000); // R1.4
}

// R1.11.
static void mapped(void **state)
{
    (void)state;
    MemoryRegion *r = ram("ram", 0x1000), *a1 = alias("a1", r, 0, 0x1000), *a2 = alias("a2", a1, 0, 0x1000);
    MemoryRegion *a3 = alias("a3", a1, 0, 0x10), *box = container("box", 0x1000);
    assert_false(memory_region_is_mapped(r));
    add(box, 0, a2); // the container need not be mapped itself
    add(sys, 0, a3);
    assert_true(memory_region_is_mapped(a2) && memory_region_is_mapped(a1) && memory_region_is_mapped(r));
    assert_int_equal(r->mapped_by_alias, 2);
    memory_region_del_subregion(box, a2);
    assert_true(memory_region_is_mapped(a1) && memory_region_is_mapped(r) && !memory_region_is_mapped(a2));
    memory_region_set_address(a3, 0x10); // moves and stays
    assert_true(memory_region_is_mapped(r));
    memory_region_del_subregion(sys, a3);
    assert_false(memory_region_is_mapped(a1) || memory_region_is_mapped(r));
}

// R1.14: views count their regions, containers and aliases are in none.
static void references(void **state)
{
    (void)state;
    AddressSpace other, part;
    MemoryRegion *r = add(sys, 0x1000, ram("ram", 0x1000)), *half = alias("half", r, 0, 0x800);
    assert_int_equal(r->refs, 1);
    address_space_init(&other, sys, "other"); // shares the view
    assert_int_equal(r->refs, 1);
    address_space_init(&part, half, "part");
    assert_int_equal(r->refs, 2);
    add_prio(sys, 0x1400, io("cut", 0x10), 1); // two ranges
    assert_int_equal(r->refs, 3);
    assert_true(half->refs == 0 && sys->refs == 0);
    MemorySection s = memory_region_find(sys, 0x1000, 4);
    uint64_t len = 16;
    uint8_t *p = address_space_map(&as, 0x1800, &len, true, MEMTXATTRS_NONE);
    assert_int_equal(r->refs, 5);
    address_space_unmap(&as, p, true, 0);
    memory_region_unref(s.mr);
    assert_true(memory_region_present(sys, 0x1000));
    address_space_deinit(&part);
    assert_int_equal(r->refs, 2);
    address_space_deinit(&other);
    memory_region_del_subregion(sys, r);
    assert_int_equal(r->refs, 0);
}

// --- a device that frees itself ----------------------------------------------------------------------------
typedef struct {
    MemoryOwner owner;
    MemoryRegion mr, second;
    bool unplug;
} Card;

static unsigned freed;

static void card_free(MemoryOwner *owner)
{
    Card *c = (Card *)owner; // its first member
    memory_region_deinit(&c->mr);
    memory_region_deinit(&c->second);
    g_free(c);
    freed++;
}

static void card_write(void *opaque, uint64_t addr, uint64_t data, unsigned size)
{
    (void)addr, (void)data, (void)size;
    Card *c = opaque;
    memory_transaction_begin();
    memory_region_del_subregion(sys, &c->mr);
    memory_region_del_subregion(sys, &c->second);
    memory_transaction_commit();
    memory_owner_unref(&c->owner);
    c->unplug = true; // R1.13: still there
}

static Card *card_new(uint64_t addr)
{
    static const MemoryRegionOps ops = {.write = card_write};
    Card *c = g_new0(Card, 1);
    memory_owner_init(&c->owner, "card", NULL, true, card_free);
    memory_region_init_io(&c->mr, &ops, c, "card", 0x100);
    assert_true(memory_region_init_ram(&c->second, "card ram", 0x1000, NULL));
    memory_region_set_owner(&c->mr, &c->owner);
    memory_region_set_owner(&c->second, &c->owner);
    memory_transaction_begin();
    add(sys, addr, &c->mr);
    add(sys, addr + 0x1000, &c->second);
    memory_transaction_commit();
    return c;
}

static void removed_in_its_callback(void **state)
{
    (void)state;
    freed = 0;
    card_new(0x10000);
    card_new(0x20000);
    address_space_st(&as, 0x10000, 4, 0, NULL);
    assert_view(&as, "20000-200ff card | 21000-21fff card ram");
    // The view that the access used goes with the next one, and the device with it.
    address_space_st(&as, 0x20000, 4, 0, NULL);
    assert_view(&as, "");
    assert_int_equal(freed, 1);
    add(sys, 0, io("x", 1));
    assert_int_equal(freed, 2);
}

// A found section outlives all views.
static void found_section_keeps_the_owner(void **state)
{
    (void)state;
    freed = 0;
    Card *c = card_new(0x10000);
    MemorySection s = memory_region_find(sys, 0x11000, 8);
    assert_ptr_equal(s.mr, &c->second);
    memory_region_del_subregion(sys, &c->mr);
    memory_region_del_subregion(sys, &c->second);
    memory_owner_unref(&c->owner);
    assert_int_equal(freed, 0);
    s.host[0x10] = 1;
    memory_region_unref(s.mr);
    assert_int_equal(freed, 1);
}

// deinit waits for who still refers to the region, and lets others work meanwhile.
static gpointer holder(gpointer data)
{
    MemorySection *s = data;
    g_usleep(20000);
    memory_lock();
    memory_unlock();
    s->host[8] = 1;
    memory_region_unref(s->mr);
    return NULL;
}

static void deinit_waits(void **state)
{
    (void)state;
    MemoryRegion mr;
    assert_true(memory_region_init_ram(&mr, "ram", 0x1000, NULL));
    add(sys, 0x1000, &mr);
    MemorySection s = memory_region_find(sys, 0x1000, 16);
    GThread *t = g_thread_new("holder", holder, &s);
    memory_region_del_subregion(sys, &mr);
    memory_region_deinit(&mr);
    assert_null(mr.ram);
    g_thread_join(t);
}

// --- misuse is asserted (R1.10, R1.12) ---------------------------------------------------------------------
static bool aborts(void (*misuse)(void))
{
    pid_t child = fork();
    if (child == 0) {
        freopen("/dev/null", "w", stderr);
        signal(SIGABRT, SIG_DFL);
        misuse();
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void deinit_mapped(void)
{
    memory_region_deinit(add(sys, 0, io("d", 1)));
}

static void deinit_mapped_by_alias(void)
{
    MemoryRegion *d = io("d", 1);
    add(sys, 0, alias("a", d, 0, 1));
    memory_region_deinit(d);
}

static void delete_twice(void)
{
    MemoryRegion *d = add(sys, 0, io("d", 1));
    memory_region_del_subregion(sys, d);
    memory_region_del_subregion(sys, d);
}

static void unref_too_often(void)
{
    memory_region_unref(io("d", 1));
}

static void owner_too_late(void)
{
    static MemoryOwner owner;
    memory_region_set_owner(add(sys, 0, io("d", 1)), &owner);
}

static void unmap_unknown(void)
{
    char byte;
    address_space_unmap(&as, &byte, false, 0);
}

static void misuse_is_asserted(void **state)
{
    (void)state;
    assert_true(aborts(deinit_mapped));
    assert_true(aborts(deinit_mapped_by_alias));
    assert_true(aborts(delete_twice));
    assert_true(aborts(unref_too_often));
    assert_true(aborts(owner_too_late));
    assert_true(aborts(unmap_unknown));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(initial_state),
        TEST(mapped),
        TEST(references),
        TEST(removed_in_its_callback),
        TEST(found_section_keeps_the_owner),
        TEST(deinit_waits),
        TEST(misuse_is_asserted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
