// SPDX-License-Identifier: GPL-3.0-or-later
// A guest store to a device that changes the memory map: what runs next sees the new map, as data and as code, in the
// interpreter and in compiled code (T041, R1.45).
#include "machine/cpu.h"
#include "softmmu/memory.h"
#include "tests/machine/fixture.h"

#define CODE UINT64_C(0x80000000)
#define DEVICE UINT64_C(0x40000000)
#define WINDOW UINT64_C(0x50000000)
#define ROUNDS 2000

enum { RA = 1, GP = 3, TP = 4, A0 = 10, A1, A2, A3, A4 };

typedef struct {
    MemoryRegion device, below, above, window, alias;
    Cpu *cpu;
} Map;

static uint64_t no_read(void *opaque, uint64_t addr, unsigned size)
{
    (void)opaque, (void)addr, (void)size;
    return 0;
}

// Which of the two memories shows in the window.
static void choose(void *opaque, uint64_t addr, uint64_t data, unsigned size)
{
    Map *m = opaque;
    (void)size;
    if (addr == 0) {
        memory_region_set_enabled(&m->above, data & 1);
    } else {
        memory_region_set_alias_offset(&m->alias, (data & 1) * 0x1000);
    }
}

static const MemoryRegionOps ops = {.read = no_read, .write = choose};

static void map_changed(void *opaque)
{
    cpu_map_changed(opaque);
}

// In each memory: at 0 the number n, at 16 a function that returns it (addi a3, zero, n; jalr zero, 0(ra)).
static void fill(MemoryRegion *mr, uint64_t offset, uint32_t n)
{
    uint32_t *p = (uint32_t *)(void *)(memory_region_ram_ptr(mr) + offset);
    p[0] = n;
    p[4] = 0x00000693 | n << 20;
    p[5] = 0x00008067;
}

static void map_init(Map *m, Fixture *f, const EngineConfig *engine)
{
    MemoryRegion *root = board_memory(f->board)->root;
    memory_region_init_io(&m->device, &ops, m, "chooser", 0x1000);
    assert_true(memory_region_init_ram(&m->below, "below", 0x2000, NULL));
    assert_true(memory_region_init_ram(&m->above, "above", 0x1000, NULL));
    memory_region_init(&m->window, "window", 0x1000);
    memory_region_init_alias(&m->alias, "alias", &m->below, 0, 0x1000);
    fill(&m->below, 0, 0);
    fill(&m->below, 0x1000, 1);
    fill(&m->above, 0, 1);
    memory_region_set_enabled(&m->above, false);
    memory_region_add_subregion(&m->window, 0, &m->alias);
    memory_region_add_subregion_overlap(&m->window, 0, &m->above, 1);
    memory_region_add_subregion(root, DEVICE, &m->device);
    memory_region_add_subregion(root, WINDOW, &m->window);
    CpuConfig config = {.engine = *engine, .features = hart_features_default, .tlb_bits = 8};
    m->cpu = cpu_new(f->board, 0, &config);
    memory_set_commit_hook(map_changed, m->cpu);
}

static void map_deinit(Map *m, Fixture *f)
{
    MemoryRegion *root = board_memory(f->board)->root;
    memory_set_commit_hook(NULL, NULL);
    cpu_free(m->cpu);
    memory_region_del_subregion(root, &m->device);
    memory_region_del_subregion(root, &m->window);
    memory_region_deinit(&m->window);
    memory_region_deinit(&m->alias);
    memory_region_deinit(&m->device);
    memory_region_deinit(&m->below);
    memory_region_deinit(&m->above);
}

// a4: rounds that went well
static const uint32_t code[] = {
    0x00154513, // loop: xori a0, a0, 1
    0x00a1a023, // sw a0, 0(gp)
    0x0040006f, // j next
    0x00022603, // next: lw a2, 0(tp)
    0x010200e7, // jalr ra, 16(tp)
    0x00a61863, // bne a2, a0, wrong
    0x00a69663, // bne a3, a0, wrong
    0x00170713, // addi a4, a4, 1
    0xfe1ff06f, // j loop
    0x0000006f, // wrong: j wrong
};

static void run_all(Fixture *f, const EngineConfig *engine, unsigned by)
{
    static Map m;
    fixture_boot(f);
    map_init(&m, f, engine);
    for (unsigned i = 0; i < G_N_ELEMENTS(code); i++) {
        fixture_st(f, CODE + 4 * i, 4, code[i]);
    }
    IrEnv *env = &m.cpu->hart.env;
    env->pc = CODE;
    env->r[GP] = DEVICE + 8 * by;
    env->r[TP] = WINDOW;
    while (env->r[A4] < ROUNDS && env->pc != CODE + 36) {
        env->icount_limit += (uint64_t)(1000 - env->left);
        env->left = 1000;
        engine_run(m.cpu->engine);
    }
    assert_true(env->r[A4] >= ROUNDS);
    map_deinit(&m, f);
    fixture_reset(f);
}

static void t041_interpreted(void **state) // T041
{
    const EngineConfig interp = {.system = true};
    run_all(*state, &interp, 0);
    run_all(*state, &interp, 1);
}

static void t041_compiled(void **state) // T041
{
    const EngineConfig baseline = {.baseline = true, .warm = 2, .system = true};
    run_all(*state, &baseline, 0);
    run_all(*state, &baseline, 1);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(t041_interpreted, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(t041_compiled, fixture_setup, fixture_teardown),
    };
    test_data = argc > 1 ? argv[1] : ".";
    return cmocka_run_group_tests(tests, NULL, NULL);
}
