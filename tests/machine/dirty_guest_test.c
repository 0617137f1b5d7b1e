// SPDX-License-Identifier: GPL-3.0-or-later
// Dirty logs of running guests, in the interpreter and in compiled code: the pages are exact (R3.25), and a copy that
// follows the log while the guest goes on writing loses nothing.
#include "machine/cpu.h"
#include "machine/exclusive.h"
#include "softmmu/dirty.h"
#include "tests/machine/fixture.h"
#include <string.h>

#define CODE UINT64_C(0x80000000)
#define AREA UINT64_C(0x80100000) // what the guest writes
#define AREA_OFFSET (AREA - CODE)
#define AREA_PAGES 64
#define AREA_SIZE (AREA_PAGES * (uint64_t)PAGE_SIZE)

enum { T0 = 5, T1, T2, A0 = 10, A1, A4 = 14, T3 = 28 };

typedef struct {
    Cpu *cpu;
    MemoryRegion *ram;
    Exclusive exclusive;
    bool stop;
} Guest;

// a4 goes up; t0, t1: bytes; t2: eight bytes over two pages
static const uint32_t few_pages[] = {
    0x00170713, // loop: addi a4, a4, 1
    0x00e28023, // sb a4, 0(t0)
    0x00e30023, // sb a4, 0(t1)
    0x00e3b023, // sd a4, 0(t2)
    0xff1ff06f, // j loop
};

// From a0 to a1 and again, two stores to each page; t3: the size of a page.
static const uint32_t all_pages[] = {
    0x00170713, // loop: addi a4, a4, 1
    0x00e2b023, // sd a4, 0(t0)
    0x7ee2bc23, // sd a4, 0x7f8(t0)
    0x01c282b3, // add t0, t0, t3
    0xfeb2e8e3, // bltu t0, a1, loop
    0x00050293, // mv t0, a0
    0xfe9ff06f, // j loop
};

static const EngineConfig engines[] = {
    {.system = true},
    {.baseline = true, .warm = 2, .system = true},
    {.jit = true, .baseline = true, .warm = 2, .threshold = 10, .workers = 1, .sync = true, .system = true},
};

static void kick(void *opaque)
{
    Guest *g = opaque;
    g_atomic_int_set(&g->cpu->hart.env.exit_request, 1);
}

static void map_changed(void *opaque)
{
    Guest *g = opaque;
    exclusive_begin(&g->exclusive);
    cpu_map_changed(g->cpu);
    exclusive_end(&g->exclusive);
}

static void pages_clean(void *opaque, ram_t start, uint64_t len)
{
    Guest *g = opaque;
    exclusive_begin(&g->exclusive);
    cpu_pages_clean(g->cpu, start, len);
    exclusive_end(&g->exclusive);
}

static void guest_init(Guest *g, Fixture *f, const EngineConfig *engine, const uint32_t *code, unsigned n)
{
    fixture_boot(f);
    for (unsigned i = 0; i < n; i++)
        fixture_st(f, CODE + 4 * i, 4, code[i]);
    *g = (Guest){.ram = address_space_lookup(board_memory(f->board), CODE).mr};
    exclusive_init(&g->exclusive, kick, g);
    CpuConfig config = {.engine = *engine, .features = hart_features_default, .tlb_bits = 8};
    g->cpu = cpu_new(f->board, 0, &config);
    uint64_t *r = g->cpu->hart.env.r;
    g->cpu->hart.env.pc = CODE;
    r[A0] = AREA;
    r[A1] = AREA + AREA_SIZE;
    r[A4] = 0;
    r[T3] = PAGE_SIZE;
    memory_set_commit_hook(map_changed, g);
    memory_set_clean_hook(pages_clean, g);
    memory_region_set_log(g->ram, true, DIRTY_VGA);
}

static void guest_free(Guest *g, Fixture *f)
{
    memory_region_set_log(g->ram, false, DIRTY_VGA);
    memory_set_commit_hook(NULL, NULL);
    memory_set_clean_hook(NULL, NULL);
    cpu_free(g->cpu);
    exclusive_deinit(&g->exclusive);
    fixture_reset(f);
}

static void slice(Guest *g)
{
    IrEnv *env = &g->cpu->hart.env;
    exclusive_enter(&g->exclusive);
    g_atomic_int_set(&env->exit_request, 0);
    env->icount_limit += (uint64_t)(1000 - env->left);
    env->left = 1000;
    engine_run(g->cpu->engine);
    tlb_relieve(g->cpu->tlb);
    exclusive_leave(&g->exclusive);
}

// The dirty pages of the area, a bit each; clean then.
static uint64_t take(const Guest *g)
{
    uint64_t bits = 0;
    DirtySnapshot *s = memory_region_snapshot_and_clear_dirty(g->ram, AREA_OFFSET, AREA_SIZE, DIRTY_VGA);
    for (unsigned i = 0; i < AREA_PAGES; i++)
        bits |= (uint64_t)dirty_snapshot_get(s, AREA_OFFSET + i * PAGE_SIZE, PAGE_SIZE) << i;
    dirty_snapshot_free(s);
    return bits;
}

// Stores that were not inlined.
static uint64_t slow_stores(const Guest *g)
{
    TlbStats s;
    tlb_stats(g->cpu->tlb, &s);
    const TlbCounters *c = &s.kind[3][ACCESS_WRITE];
    return c->slow_notdirty + c->fill_ok + c->victim_hit;
}

static void t112_guest_stores(void **state) // T112
{
    Fixture *f = *state;
    for (unsigned e = 0; e < G_N_ELEMENTS(engines); e++) {
        static Guest g; // also behind a failure
        guest_init(&g, f, &engines[e], few_pages, G_N_ELEMENTS(few_pages));
        uint64_t *r = g.cpu->hart.env.r;
        r[T0] = AREA + 3 * PAGE_SIZE + 5;
        r[T1] = AREA + 7 * PAGE_SIZE + 9;
        r[T2] = AREA + 10 * PAGE_SIZE - 4;
        assert_int_equal(take(&g), UINT64_MAX);
        for (unsigned round = 0; round < 20; round++) {
            uint64_t before = slow_stores(&g), stored = r[A4];
            slice(&g);
            slice(&g);
            assert_true(r[A4] - stored > 300);
            assert_true(slow_stores(&g) - before <= (round ? 4 : 8)); // of each page its mark, and at first its lookup
            assert_int_equal(take(&g), 1 << 3 | 1 << 7 | 1 << 9 | 1 << 10);
            assert_int_equal(take(&g), 0);
        }
        guest_free(&g, f);
    }
}

static gpointer run(gpointer data)
{
    Guest *g = data;
    g_atomic_pointer_set(&g->cpu->thread, g_thread_self());
    while (!__atomic_load_n(&g->stop, __ATOMIC_SEQ_CST))
        slice(g);
    return NULL;
}

static unsigned copy_dirty(const Guest *g, uint8_t *copy)
{
    uint64_t bits = take(g);
    const uint8_t *host = memory_region_ram_ptr(g->ram) + AREA_OFFSET;
    for (unsigned i = 0; i < AREA_PAGES; i++)
        if (bits >> i & 1)
            memcpy(copy + i * PAGE_SIZE, host + i * PAGE_SIZE, PAGE_SIZE);
    return (unsigned)__builtin_popcountll(bits);
}

static void nothing_is_lost(void **state)
{
    Fixture *f = *state;
    g_autofree uint8_t *copy = g_malloc0(AREA_SIZE);
    for (unsigned e = 0; e < G_N_ELEMENTS(engines); e++) {
        static Guest g; // also behind a failure
        unsigned copied = 0;
        guest_init(&g, f, &engines[e], all_pages, G_N_ELEMENTS(all_pages));
        g.cpu->hart.env.r[T0] = AREA;
        GThread *thread = g_thread_new("hart", run, &g);
        while (copied < 20 * AREA_PAGES) { // as long as a busy host needs for it
            copied += copy_dirty(&g, copy);
            g_usleep(20);
        }
        __atomic_store_n(&g.stop, true, __ATOMIC_SEQ_CST);
        g_thread_join(thread);
        copy_dirty(&g, copy);
        assert_memory_equal(copy, memory_region_ram_ptr(g.ram) + AREA_OFFSET, AREA_SIZE);
        assert_int_equal(copy_dirty(&g, copy), 0);
        guest_free(&g, f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(t112_guest_stores, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(nothing_is_lost, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
