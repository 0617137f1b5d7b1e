// SPDX-License-Identifier: GPL-3.0-or-later
// Memory slots under random changes of the map: at each commit they equal the page-aligned RAM of the flat view, page
// by page; and the recording backend answers as the kernel does (T163).
#include "tests/softmmu/fixture.h"
// then
#include "softmmu/dirty.h"
#include "softmmu/slots.h"

#define NODES 12
#define PAGES 64 // of the space that is looked at

typedef struct { // calls go to both, and have the same result
    SlotBackend b;
    SlotRecorder *rec;
    SlotBackend *kvm; // NULL: there is none
} Both;

static Both both;
static SlotTable table;
static MemoryListener checker;
static unsigned checks, slots_seen;

static uint32_t next_random(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*seed >> 33);
}

static int both_set(SlotBackend *b, const SlotRegion *r)
{
    (void)b;
    int result = both.rec->b.set_region(&both.rec->b, r);
    if (both.kvm) {
        assert_int_equal(both.kvm->set_region(both.kvm, r), result);
    }
    return result;
}

static int both_get(SlotBackend *b, uint32_t slot, uint64_t size, uint64_t *bitmap)
{
    (void)b;
    int result = both.rec->b.get_dirty(&both.rec->b, slot, size, bitmap);
    if (both.kvm) {
        assert_int_equal(both.kvm->get_dirty(both.kvm, slot, size, bitmap), result);
    }
    return result;
}

// --- the property --------------------------------------------------------------------------------------------------

// The slot of the recorder that has the page, or NULL.
static const SlotRegion *slot_at(uint64_t gpa)
{
    for (guint i = 0; i < both.rec->slots->len; i++) {
        const SlotRegion *r = both.rec->slots->pdata[i]; // the first member
        if (gpa - r->guest_phys_addr < r->memory_size) {
            return r;
        }
    }
    return NULL;
}

// Each page of the view: all of it host memory of one range at a host page, or no slot.
static void check_page(const FlatView *view, uint64_t gpa)
{
    const SlotRegion *slot = slot_at(gpa);
    for (unsigned i = 0; i < view->n; i++) {
        const FlatRange *r = &view->ranges[i];
        if (r->start > gpa || r->start + r->size < (__uint128_t)gpa + PAGE_SIZE || !r->host) {
            continue;
        }
        uint64_t host = (uint64_t)(uintptr_t)r->host + (gpa - (uint64_t)r->start);
        if (host % PAGE_SIZE) {
            break;
        }
        assert_non_null(slot);
        assert_int_equal(slot->userspace_addr + (gpa - slot->guest_phys_addr), host);
        bool readonly = r->readonly || r->mr->kind == REGION_ROM_DEVICE;
        unsigned clients = DIRTY_BIT(DIRTY_VGA) | DIRTY_BIT(DIRTY_MIGRATION);
        assert_int_equal(slot->flags, (readonly ? SLOT_READONLY : 0) | (r->log_mask & clients ? SLOT_LOG_DIRTY : 0));
        slots_seen++;
        return;
    }
    assert_null(slot);
}

static void check(MemoryListener *l)
{
    for (uint64_t page = 0; page < PAGES; page++) {
        check_page(l->as->view, page * PAGE_SIZE);
    }
    assert_int_equal(table.refused, 0);
    checks++;
}

// --- random maps ----------------------------------------------------------------------------------------------------

static MemoryRegion *nodes[NODES];

static uint64_t random_size(uint64_t *seed)
{
    return next_random(seed) % 4 ? next_random(seed) % 8 * 0x1000 + 0x1000 : next_random(seed) % 0x4000 + 1;
}

static uint64_t random_addr(uint64_t *seed)
{
    return next_random(seed) % 4 ? next_random(seed) % PAGES * 0x1000 : next_random(seed) % (PAGES * 0x1000);
}

static MemoryRegion *random_region(uint64_t *seed, unsigned i)
{
    static const MemoryRegionOps nothing;
    MemoryRegion *mr;
    switch (next_random(seed) % 7) {
    case 0: return io("io", random_size(seed));
    case 1: return rom("rom", random_size(seed));
    case 2:
        mr = region_alloc();
        assert_true(memory_region_init_rom_device(mr, &nothing, NULL, "romd", random_size(seed), NULL));
        return mr;
    case 3:
    case 4:
        if (i) {
            return alias("alias", nodes[next_random(seed) % i], next_random(seed) % 4 * 0x1000, random_size(seed));
        }
        __attribute__((fallthrough));
    default: return ram("ram", random_size(seed));
    }
}

static void change(MemoryRegion *mr, uint64_t *seed)
{
    switch (next_random(seed) % 8) {
    case 0:
        if (mr->container) {
            memory_region_del_subregion(sys, mr);
        }
        break;
    case 1:
    case 2:
        if (!mr->container) {
            add_prio(sys, random_addr(seed), mr, (int32_t)(next_random(seed) % 3));
        }
        break;
    case 3: memory_region_set_address(mr, random_addr(seed)); break;
    case 4: memory_region_set_enabled(mr, next_random(seed) % 4); break;
    case 5: memory_region_set_readonly(mr, next_random(seed) % 2); break;
    case 6:
        if (mr->kind == REGION_ROM_DEVICE) {
            memory_region_rom_device_set_romd(mr, next_random(seed) % 2);
        } else if (mr->alias) {
            memory_region_set_alias_offset(mr, next_random(seed) % 4 * 0x1000);
        } else if (mr->ram) {
            uint64_t size = random_size(seed);
            memory_region_set_size(mr, MIN(size, mr->ram->size));
        }
        break;
    default:
        if (mr->ram) {
            memory_region_set_log(mr, !mr->log_users, DIRTY_VGA);
        }
    }
}

static void random_map(uint64_t seed)
{
    both.rec = slot_recorder_new();
    both.b = both.rec->b;
    both.b.set_region = both_set;
    both.b.get_dirty = both_get;
    both.b.max_slot_size = seed % 3 ? 0 : 0x3000;
    for (unsigned i = 0; i < NODES; i++) {
        nodes[i] = random_region(&seed, i);
        add(sys, random_addr(&seed), nodes[i]);
    }
    slot_table_init(&table, &both.b, 0, &as, "slot");
    checker = (MemoryListener){.name = "check", .priority = LISTENER_PRIORITY_ACCEL + 1, .commit = check};
    memory_listener_register(&checker, &as);
    for (unsigned step = 0; step < 40; step++) {
        memory_transaction_begin();
        for (unsigned k = 0; k <= next_random(&seed) % 3; k++) {
            change(nodes[next_random(&seed) % NODES], &seed);
        }
        memory_transaction_commit();
    }
    memory_listener_unregister(&checker);
    slot_table_deinit(&table);
    assert_int_equal(both.rec->slots->len, 0);
    slot_recorder_free(both.rec);
    // The root goes too; the next map has its own.
    address_space_deinit(&as);
    regions_free();
    (void)setup(NULL);
}

static void slots_follow_the_view(void **state)
{
    (void)state;
    checks = slots_seen = 0;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        random_map(seed);
    }
    assert_true(checks > 5000 && slots_seen > 20000);
}

// --- against the kernel ---------------------------------------------------------------------------------------------

static uint8_t memory[64 * 4096] __attribute__((aligned(4096)));

// Requests out of the blue, right and wrong ones.
static void random_requests(uint64_t seed)
{
    both.rec = slot_recorder_new();
    for (unsigned i = 0; i < 2000; i++) {
        bool odd = next_random(&seed) % 16 == 0;
        SlotRegion r = {
            .slot = next_random(&seed) % 6,
            .flags = next_random(&seed) % 4 ? next_random(&seed) % 2 : next_random(&seed) % 4,
            .guest_phys_addr = next_random(&seed) % 16 * 0x1000 + (odd ? 0x10 : 0),
            .memory_size = next_random(&seed) % 4 * 0x1000,
            .userspace_addr = (uint64_t)(uintptr_t)memory + next_random(&seed) % 2 * 0x10000,
        };
        (void)both_set(&both.b, &r);
    }
    for (uint32_t slot = 0; slot < 6; slot++) { // and all are gone again
        (void)both_set(&both.b, &(SlotRegion){.slot = slot, .userspace_addr = (uint64_t)(uintptr_t)memory});
    }
    slot_recorder_free(both.rec);
}

static void t163_random_differential(void **state) // T163
{
    (void)state;
    g_autoptr(GError) error = NULL;
    both.kvm = slot_kvm_new(&error);
    if (!both.kvm) {
        print_message("SKIP: no /dev/kvm: %s\n", error->message);
        skip();
    }
    for (uint64_t seed = 1; seed <= 10; seed++) {
        random_requests(seed);
        random_map(seed);
    }
    slot_kvm_free(both.kvm);
    both.kvm = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(slots_follow_the_view, setup, teardown),
        cmocka_unit_test_setup_teardown(t163_random_differential, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
