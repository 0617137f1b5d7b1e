// SPDX-License-Identifier: GPL-3.0-or-later
// The experiment of seed 1 literally (T165): a real-mode guest under KVM, whose RAM is our slots, writes to port 0x3f8,
// and our serial line prints it. Skipped where there is no /dev/kvm.
#include "softmmu/dirty.h"
#include "softmmu/slots.h"
#include "tests/machine/fixture.h"

#if defined(__x86_64__) && __has_include(<linux/kvm.h>)
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define RAM_SIZE 0x10000
#define CODE 0x1000

static const uint8_t program[] = {
    0xba, 0xf8, 0x03,             // mov $0x3f8, %dx
    0xbe, 0x14, 0x10,             // mov $text, %si
    0xac,                         // 1: lods
    0x84, 0xc0,                   // test %al, %al
    0x74, 0x03,                   // jz 2f
    0xee,                         // out %al, (%dx)
    0xeb, 0xf8,                   // jmp 1b
    0xc6, 0x06, 0x00, 0x50, 0x57, // 2: movb $'W', 0x5000
    0xf4,                         // hlt
    'W', 'h', 'e', 'r', 'e', ' ', 'a', 'm', ' ', 'I', '?', '\n', 0};

typedef struct {
    SlotBackend *backend;
    MemoryRegion ram;
    AddressSpace as;
    SlotTable table;
    int vcpu, run_size;
    struct kvm_run *run;
} Guest;

static void start(Guest *g)
{
    assert_true(memory_region_init_ram(&g->ram, "ram", RAM_SIZE, NULL));
    address_space_init(&g->as, &g->ram, "guest");
    memory_region_set_log(&g->ram, true, DIRTY_VGA);
    slot_table_init(&g->table, g->backend, 0, &g->as, "kvm");
    assert_int_equal(g->table.refused, 0);
    assert_int_equal(address_space_write(&g->as, CODE, MEMTXATTRS_NONE, program, sizeof program), MEMTX_OK);
    memory_region_reset_dirty(&g->ram, 0, RAM_SIZE, DIRTY_VGA);
    g->vcpu = ioctl(slot_kvm_vm(g->backend), KVM_CREATE_VCPU, 0ul);
    g->run_size = ioctl(slot_kvm_system(g->backend), KVM_GET_VCPU_MMAP_SIZE, 0ul);
    assert_true(g->vcpu >= 0 && g->run_size >= (int)sizeof *g->run);
    g->run = mmap(NULL, (size_t)g->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, g->vcpu, 0);
    assert_ptr_not_equal(g->run, MAP_FAILED);
    struct kvm_sregs sregs;
    assert_int_equal(ioctl(g->vcpu, KVM_GET_SREGS, &sregs), 0);
    sregs.cs.base = sregs.cs.selector = 0;
    assert_int_equal(ioctl(g->vcpu, KVM_SET_SREGS, &sregs), 0);
    struct kvm_regs regs = {.rip = CODE, .rflags = 2};
    assert_int_equal(ioctl(g->vcpu, KVM_SET_REGS, &regs), 0);
}

static void stop(Guest *g)
{
    munmap(g->run, (size_t)g->run_size);
    close(g->vcpu);
    slot_table_deinit(&g->table);
    address_space_deinit(&g->as);
    memory_region_deinit(&g->ram);
    slot_kvm_free(g->backend);
}

static void t165_where_am_i(void **state)
{
    Fixture *f = *state;
    Guest g = {0};
    g_autoptr(GError) error = NULL;
    if (!(g.backend = slot_kvm_new(&error))) {
        print_message("SKIP: no /dev/kvm: %s\n", error->message);
        skip();
    }
    f->config.board = "malta-fpga";
    f->config.ram_size = 128 << 20;
    fixture_boot(f);
    start(&g);
    unsigned outs = 0;
    for (;;) {
        assert_int_equal(ioctl(g.vcpu, KVM_RUN, 0ul), 0);
        const struct kvm_run *run = g.run;
        if (run->exit_reason == KVM_EXIT_HLT)
            break;
        assert_int_equal(run->exit_reason, KVM_EXIT_IO);
        assert_true(run->io.direction == KVM_EXIT_IO_OUT && run->io.size == 1 && run->io.count == 1);
        assert_int_equal(run->io.port, 0x3f8);
        uint8_t byte = ((const uint8_t *)run)[run->io.data_offset];
        assert_int_equal(address_space_rw(board_io(f->board), run->io.port, MEMTXATTRS_NONE, &byte, 1, true), MEMTX_OK);
        assert_true(++outs < 100);
    }
    assert_string_equal(fixture_output(f), "Where am I?\n");
    assert_int_equal(outs, 12);
    DirtySnapshot *s = memory_region_snapshot_and_clear_dirty(&g.ram, 0, RAM_SIZE, DIRTY_VGA);
    for (unsigned page = 0; page < RAM_SIZE / PAGE_SIZE; page++)
        assert_int_equal(dirty_snapshot_get(s, page * PAGE_SIZE, PAGE_SIZE), page == 5);
    dirty_snapshot_free(s);
    stop(&g);
}

#else

static void t165_where_am_i(void **state)
{
    (void)state;
    print_message("SKIP: no KVM for real-mode guests on this host\n");
    skip();
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(t165_where_am_i, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
