// SPDX-License-Identifier: GPL-3.0-or-later
// A debugger's accesses (memory/spec.md R2.25): bare and through page tables, whatever they permit, without traces.
#include "machine/cpu.h"
#include "machine/names.h"
#include "tests/machine/fixture.h"
#include <string.h>

#define RAM UINT64_C(0x80000000)
#define ROOT (RAM + 0x100000)
#define VA UINT64_C(0x40000000)
#define PTE(pa, flags) ((pa) >> 12 << 10 | (flags))

static Cpu *start(Fixture *f)
{
    fixture_boot(f);
    CpuConfig config = {.features = hart_features_default, .tlb_bits = 8};
    return cpu_new(f->board, 0, &config);
}

static void bare(void **state)
{
    Fixture *f = *state;
    Cpu *cpu = start(f);
    uint8_t buf[8];
    assert_true(cpu_memory_rw_debug(cpu, RAM + 0xffc, "abcdefgh", 8, true));
    assert_int_equal(fixture_ld(f, RAM + 0x1000, 4), 0x68676665);
    assert_true(cpu_memory_rw_debug(cpu, RAM + 0xffc, buf, 8, false));
    assert_memory_equal(buf, "abcdefgh", 8);
    assert_true(cpu_memory_rw_debug(cpu, 0x1004, "ROM", 3, true)); // a breakpoint in the ROM
    assert_true(cpu_memory_rw_debug(cpu, 0x1004, buf, 3, false));
    assert_memory_equal(buf, "ROM", 3);
    assert_false(cpu_memory_rw_debug(cpu, 0x10, buf, 1, false)); // nothing there
    assert_false(cpu_memory_rw_debug(cpu, 0x10, buf, 1, true));
    assert_false(cpu_memory_rw_debug(cpu, 0x2000000, "\1\0\0", 4, true)); // a device is left alone
    assert_false(cpu_physical_memory_rw_debug(cpu, 0x2000000, "\1\0\0", 4, true));
    assert_int_equal(fixture_ld(f, 0x2000000, 4), 0);
    assert_true(cpu_memory_rw_debug(cpu, 0x2000000, buf, 4, false));
    cpu_free(cpu);
}

static void paged(void **state)
{
    Fixture *f = *state;
    Cpu *cpu = start(f);
    uint8_t buf[0x2000];
    fixture_st(f, ROOT + 8, 8, PTE(ROOT + 0x1000, 1));
    fixture_st(f, ROOT + 0x1000, 8, PTE(ROOT + 0x2000, 1));
    fixture_st(f, ROOT + 0x2000, 8, PTE(RAM + 0x5000, 0x9)); // executable only, not accessed
    fixture_st(f, ROOT + 0x2008, 8, PTE(RAM + 0x3000, 0x13)); // of the user, read only
    cpu->hart.satp = UINT64_C(8) << 60 | ROOT >> 12;
    cpu->hart.priv = PRV_S;
    fixture_st(f, RAM + 0x5ffe, 2, 0x2211);
    fixture_st(f, RAM + 0x3000, 2, 0x4433);
    assert_true(cpu_memory_rw_debug(cpu, VA + 0xffe, buf, 4, false));
    assert_memory_equal(buf, "\x11\x22\x33\x44", 4);
    assert_true(cpu_memory_rw_debug(cpu, VA + 0xfff, "xy", 2, true));
    assert_int_equal(fixture_ld(f, RAM + 0x3000, 1), 'y');
    assert_int_equal(fixture_ld(f, ROOT + 0x2000, 8), PTE(RAM + 0x5000, 0x9)); // as before
    assert_true(cpu_physical_memory_rw_debug(cpu, RAM + 0x5ffe, buf, 2, false)); // whatever satp says
    assert_memory_equal(buf, "\x11x", 2);
    // The third page is not mapped: what came before is done.
    memset(buf, 7, sizeof buf);
    assert_false(cpu_memory_rw_debug(cpu, VA + 0x1ffe, buf, 4, true));
    assert_int_equal(fixture_ld(f, RAM + 0x3ffe, 2), 0x0707);
    assert_false(cpu_memory_rw_debug(cpu, UINT64_C(1) << 62, buf, 1, false)); // no address at all
    cpu->hart.priv = PRV_M;
    assert_true(cpu_memory_rw_debug(cpu, RAM + 0x5fff, buf, 1, false));
    assert_int_equal(buf[0], 'x');
    cpu_free(cpu);
}

static uint64_t count_read(void *opaque, uint64_t addr, unsigned size)
{
    (void)addr;
    (void)size;
    ++*(unsigned *)opaque;
    return PTE(RAM, 0xcf);
}

// A debugger's walk leaves devices alone, which notice that they are read; the hart's own loads what they say.
static void tables_in_a_device(void **state)
{
    Fixture *f = *state;
    Cpu *cpu = start(f);
    static const MemoryRegionOps ops = {.read = count_read, .valid = {1, 8, false, NULL}, .impl = {1, 8, false}};
    unsigned reads = 0;
    uint64_t pa, device = UINT64_C(0x70000000);
    MemoryRegion mr;
    memory_region_init_io(&mr, &ops, &reads, "counter", PAGE_SIZE);
    memory_lock();
    memory_region_add_subregion(board_memory(f->board)->root, device, &mr);
    memory_unlock();
    cpu->hart.satp = UINT64_C(8) << 60 | device >> 12;
    cpu->hart.priv = PRV_S;
    uint8_t buf[8];
    assert_false(cpu_memory_rw_debug(cpu, VA, buf, 8, false));
    assert_false(hart_debug_translate(&cpu->hart, VA, 1, &pa));
    Names *names = names_new(f->board);
    assert_null(names_at(names, cpu, VA, true).function);
    names_free(names);
    assert_int_equal(reads, 0);
    uint64_t pte;
    assert_true(cpu->hart.hooks.pte_load(cpu, device, &pte));
    assert_int_equal(pte, PTE(RAM, 0xcf));
    assert_int_equal(reads, 1);
    memory_lock();
    memory_region_del_subregion(board_memory(f->board)->root, &mr);
    memory_unlock();
    cpu_free(cpu);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(bare, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(paged, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(tables_in_a_device, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
