// SPDX-License-Identifier: GPL-3.0-or-later
// Listeners: what they are told, and in which order (memory/spec.md 3.1 to 3.3; T030 to T040, T042).
#include "tests/softmmu/fixture.h"
// then
#include "softmmu/dirty.h"
#include "tests/softmmu/listener_log.h"

static GString *told;
static ListenerLog one;

static int setup_listener(void **state)
{
    setup(state);
    told = g_string_new(NULL);
    listener_log_init(&one, "", 0, told);
    memory_listener_register(&one.l, &as);
    assert_told(told, "begin | commit");
    return 0;
}

static int teardown_listener(void **state)
{
    memory_listener_unregister(&one.l);
    teardown(state);
    g_string_free(told, TRUE);
    return 0;
}

// --- transactions (R1.40 to R1.43) ---------------------------------------------------------------------------

static void t030_three_adds(void **state) // T030
{
    (void)state;
    memory_transaction_begin();
    add(sys, 0x20, io("c", 0x10));
    add(sys, 0, io("a", 0x10));
    add(sys, 0x10, io("b", 0x10));
    assert_told(told, "");
    memory_transaction_commit();
    assert_told(told, "begin | add 0-f a | add 10-1f b | add 20-2f c | commit");
}

static void t031_nested(void **state) // T031
{
    (void)state;
    memory_transaction_begin();
    memory_transaction_begin();
    add(sys, 0, io("a", 0x10));
    memory_transaction_commit();
    assert_told(told, "");
    memory_transaction_commit();
    assert_told(told, "begin | add 0-f a | commit");
}

static void t032_enabled_already(void **state) // T032
{
    (void)state;
    MemoryRegion *a = add(sys, 0, io("a", 0x10));
    g_string_truncate(told, 0);
    memory_region_set_enabled(a, true);
    assert_told(told, "");
}

static void t033_disable_enable(void **state) // T033
{
    (void)state;
    MemoryRegion *a = add(sys, 0, io("a", 0x10));
    add(sys, 0x100, ram("r", 0x1000));
    g_string_truncate(told, 0);
    memory_transaction_begin();
    memory_region_set_enabled(a, false);
    memory_region_set_enabled(a, true);
    memory_transaction_commit();
    assert_told(told, "begin | nop 0-f a | nop 100-10ff r | commit");
}

static void t034_disabled(void **state) // T034
{
    (void)state;
    MemoryRegion *box = container("box", 0x1000), *off = io("off", 0x10);
    memory_region_set_enabled(box, false);
    memory_region_set_enabled(off, false);
    assert_told(told, "begin | commit | begin | commit"); // always, wherever they are (R1.41)
    add(sys, 0, box);
    add(box, 0, io("inside", 0x10));
    add(sys, 0x2000, off);
    assert_told(told, "");
}

// --- order (R3.1, R3.10 to R3.13) ----------------------------------------------------------------------------

static void t035_priorities(void **state) // T035
{
    (void)state;
    ListenerLog hi, lo, lo2;
    memory_listener_unregister(&one.l);
    listener_log_init(&hi, "hi", LISTENER_PRIORITY_ACCEL, told);
    listener_log_init(&lo, "lo", LISTENER_PRIORITY_MIN, told);
    listener_log_init(&lo2, "lo2", LISTENER_PRIORITY_MIN, told);
    memory_listener_register(&hi.l, &as);
    memory_listener_register(&lo.l, &as);
    memory_listener_register(&lo2.l, &as);
    g_string_truncate(told, 0);
    MemoryRegion *a = add(sys, 0, io("a", 0x10));
    assert_told(told, "lo begin | lo2 begin | hi begin | lo add 0-f a | lo2 add 0-f a | hi add 0-f a | "
                      "lo commit | lo2 commit | hi commit");
    memory_region_del_subregion(sys, a);
    assert_told(told, "lo begin | lo2 begin | hi begin | hi del 0-f a | lo2 del 0-f a | lo del 0-f a | "
                      "lo commit | lo2 commit | hi commit");
    memory_listener_unregister(&lo2.l);
    memory_listener_unregister(&lo2.l); // harmless
    memory_listener_unregister(&lo.l);
    memory_listener_unregister(&hi.l);
}

static void t036_replace(void **state) // T036
{
    (void)state;
    MemoryRegion *r = add(sys, 0x1000, ram("r", 0x1000)), *low = add(sys, 0, io("low", 0x10));
    add(sys, 0x8000, io("high", 0x10));
    g_string_truncate(told, 0);
    memory_transaction_begin();
    memory_region_del_subregion(sys, r);
    add(sys, 0x1000, io("dev", 0x1000));
    memory_region_set_address(low, 0x9000);
    memory_transaction_commit();
    assert_told(told, "begin | del 0-f low | del 1000-1fff r | add 1000-1fff dev | nop 8000-800f high | "
                      "add 9000-900f low | commit");
}

// R3.11: what makes a range another one.
static void r311_attributes(void **state)
{
    (void)state;
    MemoryRegion *r = add(sys, 0, ram("r", 0x1000));
    g_string_truncate(told, 0);
    memory_region_set_readonly(r, true);
    memory_region_set_nonvolatile(r, true);
    memory_region_set_unmergeable(r, true);
    memory_region_set_size(r, 0x800);
    assert_told(told, "begin | del 0-fff r | add 0-fff r | commit | begin | del 0-fff r | add 0-fff r | commit | "
                      "begin | del 0-fff r | add 0-fff r | commit | begin | del 0-fff r | add 0-7ff r | commit");
}

// R3.13: one space after the other, each switching before the next one starts.
static void r313_spaces(void **state)
{
    (void)state;
    ListenerLog other;
    AddressSpace second;
    MemoryRegion *root2 = container("root2", 0x10000);
    address_space_init(&second, root2, "second");
    listener_log_init(&other, "2nd", 0, told);
    memory_listener_register(&other.l, &second);
    MemoryRegion *d = add(sys, 0, io("d", 0x10));
    add(root2, 0, alias("al", d, 0, 0x10));
    g_string_truncate(told, 0);
    memory_region_set_size(d, 0x8);
    assert_told(told, "begin | 2nd begin | del 0-f d | add 0-7 d | 2nd del 0-f d | 2nd add 0-7 d | commit | "
                      "2nd commit");
    memory_listener_unregister(&other.l);
    address_space_deinit(&second);
}

// --- registration (R3.2) ---------------------------------------------------------------------------------------

static void t037_replay(void **state) // T037
{
    (void)state;
    MemoryRegion *r = add(sys, 0x1000, ram("r", 0x1000)), *d = add(sys, 0, io("d", 0x100));
    IoEventfd e = {.addr = 8, .size = 4, .fd = 77};
    memory_region_set_log(r, true, DIRTY_VGA);
    memory_region_add_eventfd(d, &e);
    g_string_truncate(told, 0);
    ListenerLog late;
    listener_log_init(&late, "late", 10, told);
    memory_listener_register(&late.l, &as);
    assert_told(told, "late begin | late add 0-ff d | late add 1000-1fff r | late start(0,1) 1000-1fff r | "
                      "late fd+ 8 fd 77 | late commit");
    memory_listener_unregister(&late.l);
    assert_told(told, "late begin | late del 0-ff d | late stop(1,0) 1000-1fff r | late del 1000-1fff r | "
                      "late fd- 8 fd 77 | late commit");
    memory_region_set_log(r, false, DIRTY_VGA);
    memory_region_del_eventfd(d, &e);
}

static void t037_replay_while_all_is_logged(void **state) // T037
{
    (void)state;
    add(sys, 0, ram("r", 0x1000));
    assert_true(memory_global_dirty_log_start(DIRTY_USER_RATE, NULL));
    g_string_truncate(told, 0);
    ListenerLog late;
    listener_log_init(&late, "late", 0, told);
    memory_listener_register(&late.l, &as);
    assert_told(told, "late begin | late gstart | late add 0-fff r | late start(0,4) 0-fff r | late commit");
    memory_listener_unregister(&late.l);
    memory_global_dirty_log_stop(DIRTY_USER_RATE);
}

static void t042_space_destroyed(void **state) // T042
{
    (void)state;
    ListenerLog other;
    AddressSpace second;
    MemoryRegion *root2 = container("root2", 0x10000);
    add(root2, 0x20, io("b", 0x10));
    add(root2, 0, io("a", 0x10));
    address_space_init(&second, root2, "second");
    listener_log_init(&other, "2nd", 0, told);
    memory_listener_register(&other.l, &second);
    g_string_truncate(told, 0);
    address_space_deinit(&second);
    assert_told(told, "begin | 2nd begin | 2nd del 0-f a | 2nd del 20-2f b | commit | 2nd commit");
    memory_listener_unregister(&other.l); // harmless
    add(sys, 0, io("c", 0x10));
    assert_told(told, "begin | add 0-f c | commit");
}

// --- eventfds ----------------------------------------------------------------------------------------------------

static void eventfds_follow_the_view(void **state)
{
    (void)state;
    MemoryRegion *d = add(sys, 0x1000, io("d", 0x100));
    IoEventfd e = {.addr = 8, .size = 4, .fd = 7}, wide = {.addr = 0x7c, .size = 8, .fd = 8};
    g_string_truncate(told, 0);
    memory_region_add_eventfd(d, &e);
    assert_told(told, "fd+ 1008 fd 7"); // no view changes
    memory_region_add_eventfd(d, &wide);
    assert_told(told, "fd+ 107c fd 8");
    memory_region_set_size(d, 0x80); // only half of the wide one is left
    assert_told(told, "begin | del 1000-10ff d | add 1000-107f d | fd- 107c fd 8 | commit");
    memory_region_set_address(d, 0x2000);
    assert_told(told, "begin | del 1000-107f d | add 2000-207f d | fd- 1008 fd 7 | fd+ 2008 fd 7 | commit");
    memory_region_set_enabled(d, false);
    assert_told(told, "begin | del 2000-207f d | fd- 2008 fd 7 | commit");
    memory_region_del_eventfd(d, &e);
    memory_region_del_eventfd(d, &wide);
    assert_told(told, "");
}

// --- dirty logs ----------------------------------------------------------------------------------------------------

static void t038_log_users(void **state) // T038
{
    (void)state;
    MemoryRegion *r = add(sys, 0, ram("r", 0x1000)), *al = alias("al", r, 0, 0x800);
    g_string_truncate(told, 0);
    memory_region_set_log(r, true, DIRTY_VGA);
    memory_region_set_log(al, true, DIRTY_VGA); // stands for its target
    memory_region_set_log(r, false, DIRTY_VGA);
    assert_told(told, "begin | nop 0-fff r | start(0,1) 0-fff r | commit");
    memory_region_set_log(r, false, DIRTY_VGA);
    assert_told(told, "begin | nop 0-fff r | stop(1,0) 0-fff r | commit");
}

static void t039_new_range_with_mask(void **state) // T039
{
    (void)state;
    MemoryRegion *r = ram("r", 0x1000);
    memory_region_set_log(r, true, DIRTY_VGA);
    g_string_truncate(told, 0);
    add(sys, 0, r);
    assert_told(told, "begin | add 0-fff r | commit");
    assert_int_equal(as.view->ranges[0].log_mask, DIRTY_BIT(DIRTY_VGA)); // which the listener reads there (R3.12)
    memory_region_set_log(r, false, DIRTY_VGA);
}

static void t040_global_log(void **state) // T040
{
    (void)state;
    static uint8_t registers[4096] __attribute__((aligned(4096)));
    ListenerLog hi;
    GError *error = NULL;
    MemoryRegion host, *r = add(sys, 0, ram("r", 0x1000));
    memory_region_init_ram_device_ptr(&host, "host", sizeof registers, registers); // never migrates
    add(sys, 0x4000, &host);
    listener_log_init(&hi, "hi", 5, told);
    memory_listener_register(&hi.l, &as);
    g_string_truncate(told, 0);

    hi.refuse = true;
    assert_false(memory_global_dirty_log_start(DIRTY_USER_MIGRATION, &error));
    assert_string_equal(error->message, "hi cannot");
    g_clear_error(&error);
    assert_told(told, "gstart | hi refuse | gstop");
    assert_int_equal(dirty_global_users(), 0);

    hi.refuse = false;
    assert_true(memory_global_dirty_log_start(DIRTY_USER_MIGRATION, &error));
    assert_told(told, "gstart | hi gstart | begin | hi begin | nop 0-fff r | hi nop 0-fff r | start(0,4) 0-fff r | "
                      "hi start(0,4) 0-fff r | nop 4000-4fff host | hi nop 4000-4fff host | commit | hi commit");
    assert_true(memory_global_dirty_log_start(DIRTY_USER_LIMIT, &error)); // a second user
    memory_global_dirty_log_stop(DIRTY_USER_MIGRATION);
    assert_told(told, "");
    memory_global_dirty_log_stop(DIRTY_USER_LIMIT);
    assert_told(told, "begin | hi begin | nop 0-fff r | hi nop 0-fff r | hi stop(4,0) 0-fff r | stop(4,0) 0-fff r | "
                      "nop 4000-4fff host | hi nop 4000-4fff host | commit | hi commit | hi gstop | gstop");
    memory_listener_unregister(&hi.l);
    memory_region_del_subregion(sys, &host);
    memory_region_deinit(&host);
    assert_int_equal(as.view->ranges[0].mr == r, 1);
}

// R3.22: what stops while the machine is paused goes on until it runs.
static void r322_stop_while_paused(void **state)
{
    (void)state;
    add(sys, 0, ram("r", 0x1000));
    assert_true(memory_global_dirty_log_start(DIRTY_USER_MIGRATION, NULL));
    memory_set_paused(true);
    g_string_truncate(told, 0);
    memory_global_dirty_log_stop(DIRTY_USER_MIGRATION);
    assert_told(told, "");
    assert_true(memory_global_dirty_log_start(DIRTY_USER_MIGRATION, NULL)); // it never stopped
    memory_set_paused(false);
    assert_told(told, "");
    memory_set_paused(true);
    memory_global_dirty_log_stop(DIRTY_USER_MIGRATION);
    memory_set_paused(false);
    assert_told(told, "begin | nop 0-fff r | stop(4,0) 0-fff r | commit | gstop");
}

// R3.21: code is a client of everything that has host memory, while there is a translator.
static void r321_translator(void **state)
{
    (void)state;
    add(sys, 0, rom("rom", 0x1000));
    add(sys, 0x1000, io("d", 0x1000));
    g_string_truncate(told, 0);
    memory_set_translator(true);
    assert_told(told, "begin | nop 0-fff rom | start(0,2) 0-fff rom | nop 1000-1fff d | commit");
    memory_set_translator(true);
    assert_told(told, "");
    memory_set_translator(false);
    assert_told(told, "begin | nop 0-fff rom | stop(2,0) 0-fff rom | nop 1000-1fff d | commit");
}

// R3.23: who is asked before bits are read, and told after.
static void r323_sync_and_clear(void **state)
{
    (void)state;
    MemoryRegion *r = ram("r", 0x4000), *quiet = add(sys, 0x8000, ram("quiet", 0x1000));
    add(sys, 0x1000, alias("lo", r, 0, 0x2000));
    add(sys, 0x10000, alias("hi", r, 0x2000, 0x2000));
    memory_region_set_log(r, true, DIRTY_VGA);
    g_string_truncate(told, 0);
    dirty_snapshot_free(memory_region_snapshot_and_clear_dirty(r, 0x1800, 0x1000, DIRTY_VGA));
    assert_told(told, "sync 1000-2fff r | sync 10000-11fff r | clear 2800-2fff r | clear 10000-107ff r");
    memory_region_reset_dirty(quiet, 0, 0x1000, DIRTY_VGA);
    assert_told(told, "clear 8000-8fff quiet");
    memory_global_dirty_log_sync();
    assert_told(told, "sync 1000-2fff r | sync 10000-11fff r");
    memory_global_after_dirty_log_sync();
    assert_told(told, "after");
    memory_region_set_log(r, false, DIRTY_VGA);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup_listener, teardown_listener)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(t030_three_adds),
        TEST(t031_nested),
        TEST(t032_enabled_already),
        TEST(t033_disable_enable),
        TEST(t034_disabled),
        TEST(t035_priorities),
        TEST(t036_replace),
        TEST(r311_attributes),
        TEST(r313_spaces),
        TEST(t037_replay),
        TEST(t037_replay_while_all_is_logged),
        TEST(t042_space_destroyed),
        TEST(eventfds_follow_the_view),
        TEST(t038_log_users),
        TEST(t039_new_range_with_mask),
        TEST(t040_global_log),
        TEST(r322_stop_while_paused),
        TEST(r321_translator),
        TEST(r323_sync_and_clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
