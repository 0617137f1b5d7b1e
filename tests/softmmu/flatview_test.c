// SPDX-License-Identifier: GPL-3.0-or-later
// Rendering: the worked vectors of memory/spec.md 1.4 and the rules behind them (T001 to T025).
#include "tests/softmmu/fixture.h"
// then
#include "softmmu/flatview.h"
// then
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static MemoryRegion *A, *B, *C, *D, *E;

// The first example of the memory documentation, mapped at 0; b_ops: its second.
static void example(bool b_ops)
{
    A = add(sys, 0, container("A", 0x8000));
    C = add_prio(A, 0, io("C", 0x6000), 1);
    B = add_prio(A, 0x2000, b_ops ? io("B", 0x4000) : container("B", 0x4000), 2);
    D = add(B, 0, io("D", 0x1000));
    E = add(B, 0x2000, io("E", 0x1000));
}

static void t001_examples(void **state) // T001
{
    (void)state;
    example(false);
    assert_view(&as, "0-1fff C | 2000-2fff D | 3000-3fff C@3000 | 4000-4fff E | 5000-5fff C@5000");
    memory_region_del_subregion(sys, A);
    example(true);
    assert_view(&as, "0-1fff C | 2000-2fff D | 3000-3fff B@1000 | 4000-4fff E | 5000-5fff B@3000");
}

static void t002_disable(void **state) // T002
{
    (void)state;
    example(false);
    memory_region_set_enabled(B, false);
    assert_view(&as, "0-5fff C");
    memory_region_set_enabled(B, true);
    assert_view(&as, "0-1fff C | 2000-2fff D | 3000-3fff C@3000 | 4000-4fff E | 5000-5fff C@5000");
}

static void t003_ties(void **state) // T003
{
    (void)state;
    MemoryRegion *x = add(sys, 0, io("x", 0x1000)), *y = add(sys, 0x800, io("y", 0x1000));
    assert_view(&as, "0-7ff x | 800-17ff y");
    memory_region_del_subregion(sys, x);
    memory_region_del_subregion(sys, y);
    add(sys, 0x800, y);
    add(sys, 0, x);
    assert_view(&as, "0-fff x | 1000-17ff y@800");
}

static void t004_move_goes_on_top(void **state) // T004
{
    (void)state;
    MemoryRegion *x = add_prio(sys, 0, io("x", 0x1000), 5);
    add_prio(sys, 0x800, io("y", 0x1000), 5);
    memory_region_set_address(x, 0x400);
    assert_view(&as, "400-13ff x | 1400-17ff y@c00");
    assert_int_equal(x->priority, 5);
    memory_region_set_address(x, 0x400); // no change, no move
    add_prio(sys, 0x400, io("z", 0x10), 5);
    memory_region_set_address(x, 0x400);
    assert_view(&as, "400-40f z | 410-13ff x@10 | 1400-17ff y@c00");
}

static void t005_extreme_priorities(void **state) // T005
{
    (void)state;
    MemoryRegion *over = add_prio(sys, 0, io("over", 0x1000), INT32_MAX);
    MemoryRegion *mid = add(sys, 0, io("mid", 0x1000));
    add_prio(sys, 0, io("back", 0x1000), INT32_MIN);
    assert_view(&as, "0-fff over");
    memory_region_del_subregion(sys, over);
    assert_view(&as, "0-fff mid");
    memory_region_del_subregion(sys, mid);
    assert_view(&as, "0-fff back");
}

static void t006_priorities_are_local(void **state) // T006
{
    (void)state;
    MemoryRegion *low = add_prio(sys, 0, container("low", 0x2000), -1);
    add_prio(low, 0, io("child", 0x2000), 1000);
    add(sys, 0, io("sibling", 0x1000));
    assert_view(&as, "0-fff sibling | 1000-1fff child@1000");
}

static void t007_holes(void **state) // T007
{
    (void)state;
    MemoryRegion *outer = add_prio(sys, 0, container("outer", 0x4000), 2);
    MemoryRegion *inner = add(outer, 0x1000, container("inner", 0x2000));
    add(inner, 0x800, io("core", 0x800));
    add(sys, 0, io("floor", 0x5000));
    assert_view(&as, "0-17ff floor | 1800-1fff core | 2000-4fff floor@2000");
}

static void t008_clipping(void **state) // T008
{
    (void)state;
    MemoryRegion *box = add(sys, 0x1000, container("box", 0x1000));
    MemoryRegion *big = add(box, 0, io("big", 0x5000));
    assert_view(&as, "1000-1fff big");
    memory_region_set_address(big, 0x800);
    assert_view(&as, "1800-1fff big");
    memory_region_set_address(big, 0x1000);
    assert_view(&as, "");
}

static void t009_alias_of_alias(void **state) // T009
{
    (void)state;
    MemoryRegion *r = ram("ram", 0x10000), *a1 = alias("a1", r, 0x4000, 0x8000);
    add(sys, 0x100000, alias("a2", a1, 0x2000, 0x8000));
    assert_view(&as, "100000-105fff ram@6000");
}

static void t010_alias_beyond_target(void **state) // T010
{
    (void)state;
    MemoryRegion *r = add(sys, 0x5000, ram("ram", 0x1000));
    MemoryRegion *al = add(sys, 0x9000, alias("al", r, 0, 0x4000));
    assert_view(&as, "5000-5fff ram | 9000-9fff ram");
    memory_region_set_alias_offset(al, 0x1000);
    assert_view(&as, "5000-5fff ram");
    memory_region_set_alias_offset(al, UINT64_MAX);
    assert_view(&as, "5000-5fff ram");
}

static void t011_alias_of_container(void **state) // T011
{
    (void)state;
    MemoryRegion *box = container("box", 0x4000), *d = io("d", 0x1000);
    add(sys, 0x10000, alias("window", box, 0x1000, 0x2000));
    assert_view(&as, "");
    add(box, 0x800, d);
    assert_view(&as, "10000-107ff d@800");
    memory_region_del_subregion(box, d);
    assert_view(&as, "");
}

static void t012_top_of_space(void **state) // T012
{
    (void)state;
    add(sys, UINT64_C(0xfffffffffffff000), alias("top", ram("ram", 0x4000), 0, 0x4000));
    assert_view(&as, "fffffffffffff000-ffffffffffffffff ram");
    MemorySection s = address_space_lookup(&as, UINT64_MAX);
    assert_int_equal(s.offset, 0xfff);
    assert_int_equal(s.len, 1);
}

static void t013_negative_base(void **state) // T013
{
    (void)state;
    MemoryRegion *r = ram("ram", 0x10000), *wide = alias("wide", r, 0, SPACE);
    add(sys, 0x1000, alias("al", r, 0x8000, 0x2000));
    add(sys, 0x4000, alias("al2", wide, 0xc000, SPACE));
    assert_view(&as, "1000-2fff ram@8000 | 4000-7fff ram@c000");
}

static void t014_full_background(void **state) // T014
{
    (void)state;
    MemoryRegion *bg = add_prio(sys, 0, io("bg", SPACE), -1);
    add(sys, 0x80000000, ram("ram", 0x1000));
    assert_view(&as, "0-7fffffff bg | 80000000-80000fff ram | 80001000-ffffffffffffffff bg@80001000");
    assert_true(memory_region_size(bg) == UINT64_MAX);
    assert_true(bg->size == (__uint128_t)1 << 64);
    assert_int_equal(memory_region_size(D = io("d", 7)), 7);
}

static void t015_empty_region(void **state) // T015
{
    (void)state;
    MemoryRegion *z = add(sys, 0x1000, io("z", 0));
    add(sys, 0x1000, ram("zero ram", 0));
    assert_view(&as, "");
    memory_region_set_size(z, 4);
    assert_view(&as, "1000-1003 z");
}

static void t016_merging(void **state) // T016
{
    (void)state;
    MemoryRegion *r = ram("ram", 0x4000);
    add(sys, 0x1000, alias("lo", r, 0, 0x1000));
    MemoryRegion *hi = add(sys, 0x2000, alias("hi", r, 0x1000, 0x1000));
    assert_view(&as, "1000-2fff ram");
    memory_region_set_alias_offset(hi, 0x2000);
    assert_view(&as, "1000-1fff ram | 2000-2fff ram@2000");
    memory_region_set_alias_offset(hi, 0x1000);
    memory_region_set_readonly(hi, true);
    assert_view(&as, "1000-1fff ram | 2000-2fff ram@1000 ro");
    memory_region_set_readonly(hi, false);
    memory_region_set_unmergeable(hi, true);
    assert_view(&as, "1000-1fff ram | 2000-2fff ram@1000");
    memory_region_set_unmergeable(hi, false);
    assert_view(&as, "1000-2fff ram");
}

// Two ranges of one rendering cannot differ in the mask alone, since it is the region's: so the rule itself is asked.
static void t017_merging_by_mask(void **state) // T017
{
    (void)state;
    MemoryRegion *r = ram("ram", 0x2000);
    FlatRange a = {.mr = r, .start = 0x1000, .size = 0x1000, .romd = true};
    FlatRange b = {.mr = r, .start = 0x2000, .size = 0x1000, .offset_in_region = 0x1000, .romd = true};
    assert_true(flatview_can_merge(&a, &b));
    assert_false(flatview_can_merge(&b, &a));
    b.log_mask = 1;
    assert_false(flatview_can_merge(&a, &b));
    b.log_mask = 0;
    b.romd = false;
    assert_false(flatview_can_merge(&a, &b));
    b.romd = true;
    b.nonvolatile = true;
    assert_false(flatview_can_merge(&a, &b));
}

// R1.25: flags come down to the ranges, through aliases too.
static void inherited_flags(void **state)
{
    (void)state;
    MemoryRegion *r = ram("ram", 0x3000), *box = add(sys, 0, container("box", 0x3000));
    MemoryRegion *lo = add(box, 0, alias("lo", r, 0, 0x1000)), *hi = add(box, 0x1000, alias("hi", r, 0x1000, 0x2000));
    assert_view(&as, "0-2fff ram");
    memory_region_set_nonvolatile(hi, true);
    assert_view(&as, "0-fff ram | 1000-2fff ram@1000");
    assert_true(!as.view->ranges[0].nonvolatile && as.view->ranges[1].nonvolatile);
    memory_region_set_nonvolatile(box, true);
    assert_view(&as, "0-2fff ram");
    assert_true(as.view->ranges[0].nonvolatile);
    memory_region_set_unmergeable(lo, true);
    assert_view(&as, "0-fff ram | 1000-2fff ram@1000");
    memory_region_set_readonly(box, true);
    assert_true(as.view->ranges[0].readonly && as.view->ranges[1].readonly);
    assert_false(r->nonvolatile || r->readonly);
}

static void t018_readonly_alias(void **state) // T018
{
    (void)state;
    MemoryRegion *r = add(sys, 0x5000, ram("ram", 0x1000));
    MemoryRegion *al = add(sys, 0x1000, alias("al", r, 0, 0x1000));
    memory_region_set_readonly(al, true);
    assert_view(&as, "1000-1fff ram ro | 5000-5fff ram");
    MemorySection s = address_space_lookup(&as, 0x1008);
    assert_true(s.readonly && !s.direct_write);
    assert_ptr_equal(s.host, r->ram->host + 8);
    s = address_space_lookup(&as, 0x5008);
    assert_true(!s.readonly && s.direct_write);
    // Our rule for R1.25: devices obey the section's flag like the CPU.
    assert_int_equal(address_space_write(&as, 0x1008, MEMTXATTRS_NONE, "x", 1), MEMTX_DECODE_ERROR);
    assert_int_equal(r->ram->host[8], 0);
}

static void t019_mmio_in_ram(void **state) // T019
{
    (void)state;
    MemoryRegion *r = add(sys, 0x1000, ram("ram", 0x4000));
    add(r, 0x1000, io("dev", 0x800));
    assert_view(&as, "1000-1fff ram | 2000-27ff dev | 2800-4fff ram@1800");
}

static void t020_disabled_target(void **state) // T020
{
    (void)state;
    MemoryRegion *r = add(sys, 0, ram("ram", 0x1000)), *a1 = alias("a1", r, 0, 0x1000);
    MemoryRegion *al = add(sys, 0x2000, alias("a2", a1, 0, 0x1000));
    memory_region_set_enabled(r, false);
    assert_view(&as, "");
    memory_region_set_enabled(r, true);
    memory_region_set_enabled(al, false);
    assert_view(&as, "0-fff ram");
    assert_ptr_equal(al->container, sys);
}

static void seed_pictures(void **state)
{
    (void)state;
    add(sys, 0, io("A", 0x80000));
    add_prio(sys, 0, io("B", 0x60000), 1);
    add_prio(sys, 0, io("C", 0x40000), 2);
    add_prio(sys, 0, io("D", 0x20000), 3);
    assert_view(&as, "0-1ffff D | 20000-3ffff C@20000 | 40000-5ffff B@40000 | 60000-7ffff A@60000");
}

static void pc_4gib(void **state)
{
    (void)state;
    MemoryRegion *r = ram("pc.ram", UINT64_C(4) << 30);
    add(sys, 0, alias("below4g", r, 0, 0xc0000000));
    add(sys, UINT64_C(1) << 32, alias("above4g", r, 0xc0000000, 0x40000000));
    add_prio(sys, 0xfee00000, io("apic", 0x100000), 4096);
    assert_view(&as, "0-bfffffff pc.ram | fee00000-feefffff apic | 100000000-13fffffff pc.ram@c0000000");
}

static void clabpu_with_htif_in_ram(void **state)
{
    (void)state;
    add(sys, 0x80000000, ram("ram", UINT64_C(2) << 30));
    add(sys, 0x1000, rom("mrom", 0xf000));
    add_prio(sys, 0x80002000, io("htif", 0x48), 1);
    add(sys, 0x2000000, io("swi", 0x4000));
    add(sys, 0x2004000, io("mtimer", 0x8000));
    assert_view(&as, "1000-ffff mrom ro | 2000000-2003fff swi | 2004000-200bfff mtimer | "
                     "80000000-80001fff ram | 80002000-80002047 htif | 80002048-ffffffff ram@2048");
}

static bool aborts(void (*action)(void))
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY);
        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        signal(SIGABRT, SIG_DFL);
        action();
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void add_twice(void)
{
    add(B, 0, C);
}

static void delete_from_wrong_parent(void)
{
    memory_region_del_subregion(B, C);
}

static void add_to_alias(void)
{
    add(D, 0, E);
}

static void make_cycle(void)
{
    add(A, 0x100, alias("loop", sys, 0, 0x100));
}

static void t024_misuse_is_asserted(void **state) // T024
{
    (void)state;
    A = add(sys, 0, container("A", 0x1000));
    B = container("B", 0x1000);
    C = add(A, 0, io("C", 0x100));
    D = alias("D", C, 0, 0x10);
    E = io("E", 0x10);
    assert_true(aborts(add_twice));
    assert_true(aborts(delete_from_wrong_parent));
    assert_true(aborts(add_to_alias));
    assert_true(aborts(make_cycle));
}

// A found section whose reference was given back: the regions of a test outlive it.
static MemorySection find(MemoryRegion *mr, uint64_t addr, uint64_t size)
{
    MemorySection s = memory_region_find(mr, addr, size);
    if (s.mr) {
        memory_region_unref(s.mr);
    }
    return s;
}

static void t025_find(void **state) // T025
{
    (void)state;
    MemoryRegion *box = add(sys, 0x10000, io("box", 0x4000));
    MemoryRegion *d = add(box, 0x1000, io("d", 0x100));
    MemorySection s = find(sys, 0, SPACE);
    assert_ptr_equal(s.mr, box);
    assert_true(s.addr == 0x10000 && s.offset == 0 && s.len == 0x1000);
    s = find(box, 0x1040, 0x20);
    assert_ptr_equal(s.mr, d);
    assert_true(s.addr == 0x11040 && s.offset == 0x40 && s.len == 0x20);
    s = find(box, 0x1040, 0x1000);
    assert_true(s.mr == d && s.len == 0xc0);
    s = find(sys, 0x14000, 0x1000);
    assert_true(s.mr == NULL && s.len == 0);
    s = find(sys, 0xfff0, 0x10);
    assert_null(s.mr);
    s = find(sys, 0xfff0, 0x11);
    assert_true(s.mr == box && s.addr == 0x10000 && s.len == 1);
    assert_null(find(container("nowhere", SPACE), 0, SPACE).mr);
    assert_true(memory_region_present(box, 0x1000));
    assert_false(memory_region_present(box, 0x2000)); // its own background
    assert_false(memory_region_present(sys, 0));
}

static void lookup(void **state)
{
    (void)state;
    MemorySection s = address_space_lookup(&as, 0);
    assert_true(s.mr == NULL && s.len == UINT64_MAX && !s.host);
    MemoryRegion *r = add(sys, 0x1000, ram("ram", 0x1800));
    s = address_space_lookup(&as, 0);
    assert_true(s.mr == NULL && s.len == 0x1000);
    s = address_space_lookup(&as, 0x1010);
    assert_true(s.mr == r && s.offset == 0x10 && s.len == 0x17f0 && s.host == r->ram->host + 0x10);
    s = address_space_lookup(&as, 0x2800);
    assert_true(s.mr == NULL && s.len == UINT64_MAX - 0x27ff);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(t001_examples),
        TEST(t002_disable),
        TEST(t003_ties),
        TEST(t004_move_goes_on_top),
        TEST(t005_extreme_priorities),
        TEST(t006_priorities_are_local),
        TEST(t007_holes),
        TEST(t008_clipping),
        TEST(t009_alias_of_alias),
        TEST(t010_alias_beyond_target),
        TEST(t011_alias_of_container),
        TEST(t012_top_of_space),
        TEST(t013_negative_base),
        TEST(t014_full_background),
        TEST(t015_empty_region),
        TEST(t016_merging),
        TEST(t017_merging_by_mask),
        TEST(inherited_flags),
        TEST(t018_readonly_alias),
        TEST(t019_mmio_in_ram),
        TEST(t020_disabled_target),
        TEST(seed_pictures),
        TEST(pc_4gib),
        TEST(clabpu_with_htif_in_ram),
        TEST(t024_misuse_is_asserted),
        TEST(t025_find),
        TEST(lookup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
