// SPDX-License-Identifier: GPL-3.0-or-later
// A guest store to a device that changes the memory map: what runs next sees the new map, as data and as code, in the
// interpreter and in compiled code (T041, R1.45).
#include "machine/cpu.h"
#include "machine/exclusive.h"
#include "softmmu/memory.h"
#include "tests/machine/fixture.h"

#define CODE UINT64_C(0x80000000)
#define DEVICE UINT64_C(0x40000000)
#define WINDOW UINT64_C(0x50000000)
#define ROUNDS 2000

enum { GP = 3, TP = 4, A4 = 14, A5 };

typedef struct {
    MemoryRegion device, below, above, window, alias;
    Cpu *cpu[2];
    unsigned n_cpus;
    Exclusive exclusive;
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

static void kick(void *opaque)
{
    Map *m = opaque;
    for (unsigned i = 0; i < m->n_cpus; i++) {
        g_atomic_int_set(&m->cpu[i]->hart.env.exit_request, 1);
    }
}

static void map_changed(void *opaque)
{
    Map *m = opaque;
    exclusive_begin(&m->exclusive);
    for (unsigned i = 0; i < m->n_cpus; i++) {
        cpu_map_changed(m->cpu[i]);
    }
    exclusive_end(&m->exclusive);
}

static void exclusive_hook(void *opaque)
{
    exclusive_begin(opaque);
}

static void exclusive_hook_end(void *opaque)
{
    exclusive_end(opaque);
}

// In each memory: at 0 the number n, at 16 a function that returns it (addi a3, zero, n; jalr zero, 0(ra)).
static void fill(MemoryRegion *mr, uint64_t offset, uint32_t n)
{
    uint32_t *p = (uint32_t *)(void *)(memory_region_ram_ptr(mr) + offset);
    p[0] = n;
    p[4] = 0x00000693 | n << 20;
    p[5] = 0x00008067;
}

static void map_init(Map *m, Fixture *f, const EngineConfig *engine, unsigned harts)
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
    exclusive_init(&m->exclusive, kick, m);
    CpuConfig config = {.engine = *engine, .features = hart_features_default, .tlb_bits = 8};
    config.engine.shared = harts > 1;
    for (unsigned i = 0; i < harts; i++) {
        m->cpu[i] = cpu_new(f->board, i, &config);
        config.pages = m->cpu[0]->pages;
    }
    if (harts > 1) {
        code_pages_set_hooks(config.pages, &(CodePagesHooks){&m->exclusive, exclusive_hook, exclusive_hook_end});
    }
    m->n_cpus = harts;
    memory_set_commit_hook(map_changed, m);
}

static void map_deinit(Map *m, Fixture *f)
{
    MemoryRegion *root = board_memory(f->board)->root;
    memory_set_commit_hook(NULL, NULL);
    for (unsigned i = 0; i < m->n_cpus; i++) {
        cpu_free(m->cpu[m->n_cpus - 1 - i]);
    }
    m->n_cpus = 0;
    exclusive_deinit(&m->exclusive);
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

// Reads the window and calls into it, again and again: a5 counts what is neither of the two.
static const uint32_t reader_code[] = {
    0x00022603, // loop: lw a2, 0(tp)
    0x010200e7, // jalr ra, 16(tp)
    0x00d66633, // or a2, a2, a3
    0x00165613, // srli a2, a2, 1
    0x00c787b3, // add a5, a5, a2
    0x00170713, // addi a4, a4, 1
    0xfe9ff06f, // j loop
};

static void put(Fixture *f, uint64_t addr, const uint32_t *words, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        fixture_st(f, addr + 4 * i, 4, words[i]);
    }
}

static void slice(Map *m, Cpu *cpu)
{
    IrEnv *env = &cpu->hart.env;
    exclusive_enter(&m->exclusive);
    g_atomic_int_set(&env->exit_request, 0);
    env->icount_limit += (uint64_t)(1000 - env->left);
    env->left = 1000;
    engine_run(cpu->engine);
    tlb_relieve(cpu->tlb);
    exclusive_leave(&m->exclusive);
}

static bool stop, has_read; // atomic

static gpointer read_on(gpointer data)
{
    Map *m = data;
    g_atomic_pointer_set(&m->cpu[1]->thread, g_thread_self());
    while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST)) {
        slice(m, m->cpu[1]);
        if (m->cpu[1]->hart.env.r[A4]) {
            __atomic_store_n(&has_read, true, __ATOMIC_SEQ_CST);
        }
    }
    return NULL;
}

static void run_all(Fixture *f, const EngineConfig *engine, unsigned by, unsigned harts)
{
    static Map m;
    GThread *reader = NULL;
    f->config.harts = harts;
    fixture_boot(f);
    map_init(&m, f, engine, harts);
    put(f, CODE, code, G_N_ELEMENTS(code));
    put(f, CODE + 0x100, reader_code, G_N_ELEMENTS(reader_code));
    IrEnv *env = &m.cpu[0]->hart.env;
    g_atomic_pointer_set(&m.cpu[0]->thread, g_thread_self());
    for (unsigned i = 0; i < harts; i++) {
        m.cpu[i]->hart.env.pc = CODE + 0x100 * i;
        m.cpu[i]->hart.env.r[GP] = DEVICE + 8 * by;
        m.cpu[i]->hart.env.r[TP] = WINDOW;
        m.cpu[i]->hart.env.r[A5] = m.cpu[i]->hart.env.r[A4] = 0;
    }
    __atomic_store_n(&stop, false, __ATOMIC_SEQ_CST);
    __atomic_store_n(&has_read, harts == 1, __ATOMIC_SEQ_CST);
    if (harts > 1) {
        reader = g_thread_new("hart 1", read_on, &m);
    }
    // A busy host may let the other one wait.
    while ((env->r[A4] < ROUNDS || !__atomic_load_n(&has_read, __ATOMIC_SEQ_CST)) && env->pc != CODE + 36) {
        slice(&m, m.cpu[0]);
    }
    assert_true(env->r[A4] >= ROUNDS);
    if (reader) {
        __atomic_store_n(&stop, true, __ATOMIC_SEQ_CST);
        g_thread_join(reader);
        assert_int_equal(m.cpu[1]->hart.env.r[A5], 0);
    }
    map_deinit(&m, f);
    fixture_reset(f);
}

static void t041_interpreted(void **state) // T041
{
    const EngineConfig interp = {.system = true};
    run_all(*state, &interp, 0, 1);
    run_all(*state, &interp, 1, 1);
}

static void t041_compiled(void **state) // T041
{
    const EngineConfig baseline = {.baseline = true, .warm = 2, .system = true};
    run_all(*state, &baseline, 0, 1);
    run_all(*state, &baseline, 1, 1);
}

// Another hart uses what comes and goes meanwhile.
static void two_harts(void **state)
{
    const EngineConfig interp = {.system = true}, baseline = {.baseline = true, .warm = 2, .system = true};
    run_all(*state, &interp, 0, 2);
    run_all(*state, &baseline, 0, 2);
    run_all(*state, &baseline, 1, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(t041_interpreted, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(t041_compiled, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(two_harts, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
