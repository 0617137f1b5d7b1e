// SPDX-License-Identifier: GPL-3.0-or-later
// Frames of tests/guest/frames.c at each of its instructions, against the calls and returns that it really did.
#include "machine/cpu.h"
#include "machine/names.h"
#include "frontend/decode.h"
#include "tests/machine/fixture.h"
#include <inttypes.h>
#include <string.h>

static const char *folder; // argv[1]: where the guests are

typedef struct {
    Cpu *cpu;
    Names *names;
    GArray *calls; // of uint64_t: return addresses, outermost first
    uint64_t steps, wrong;
} Chain;

static Insn insn_at(Cpu *cpu, uint64_t pc)
{
    uint32_t bits = 0;
    assert_true(cpu_memory_rw_debug(cpu, pc, &bits, 4, false));
    return decode(bits);
}

static void compare(Chain *c)
{
    uint64_t regs[32];
    memcpy(regs, c->cpu->hart.env.r, sizeof regs);
    regs[0] = c->cpu->hart.env.pc;
    for (unsigned i = c->calls->len; i--;) {
        uint64_t expected = g_array_index(c->calls, uint64_t, i);
        bool ok = names_unwind(c->names, c->cpu, regs);
        if (!ok || regs[0] != expected) {
            uint64_t pc = c->cpu->hart.env.pc;
            Name n = names_at(c->names, c->cpu, pc, true);
            if (c->wrong++ < 10)
                print_message("pc %" PRIx64 " %s+0x%" PRIx64 " frame %u: %" PRIx64 " is not %" PRIx64 "\n", pc,
                              n.function, n.offset, c->calls->len - 1 - i, ok ? regs[0] : 0, expected);
            return;
        }
    }
    for (unsigned more = 0; names_unwind(c->names, c->cpu, regs);)
        assert_true(more++ < 4); // of the runtime, which ends
}

// Runs main to its end.
static void chain(Fixture *f, const char *elf)
{
    f->config.kernel = elf;
    f->config.bios = "none";
    f->config.start_at_entry = true;
    fixture_boot(f);
    CpuConfig config = {.features = hart_features_default, .tlb_bits = 8};
    Chain c = {.cpu = cpu_new(f->board, 0, &config), .names = names_new(f->board)};
    c.calls = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    uint64_t main_pc;
    assert_true(names_address(c.names, "main", &main_pc));
    IrEnv *env = &c.cpu->hart.env;
    for (unsigned n = 0; env->pc != main_pc; n++) {
        assert_true(n < 1000000);
        engine_run_exactly(c.cpu->engine, 1);
    }
    uint64_t end = env->r[1];
    g_array_append_val(c.calls, end);
    while (c.calls->len) {
        compare(&c);
        Insn i = insn_at(c.cpu, env->pc);
        uint64_t next = env->pc + i.len;
        bool jump = i.id == INSN_JALR || i.id == INSN_JAL;
        engine_run_exactly(c.cpu->engine, 1);
        if (jump && i.rd == 1)
            g_array_append_val(c.calls, next);
        else if (jump && i.id == INSN_JALR && !i.rd && i.rs1 == 1)
            g_array_set_size(c.calls, c.calls->len - 1);
        assert_true(c.steps++ < 100000);
    }
    assert_int_equal(env->pc, end);
    print_message("%s: %" PRIu64 " instructions, %" PRIu64 " wrong\n", elf, c.steps, c.wrong);
    assert_int_equal(c.wrong, 0);
    assert_true(c.steps > 500);
    g_array_free(c.calls, TRUE);
    names_free(c.names);
    cpu_free(c.cpu);
}

static void chain_of(void **state, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    chain(*state, path);
}

static void frames_by_cfi(void **state)
{
    chain_of(state, "frames-cfi.elf");
}

static void frames_by_code(void **state)
{
    chain_of(state, "frames-code.elf");
}

static void frames_with_pointer(void **state)
{
    chain_of(state, "frames-pointer.elf");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(frames_by_cfi, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(frames_by_code, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(frames_with_pointer, fixture_setup, fixture_teardown),
    };
    assert_int_equal(argc, 2);
    folder = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
