// SPDX-License-Identifier: GPL-3.0-or-later
// The code cache with made-up blocks and units: what is found, what a written byte drops, and what is unlinked.
#include "tests/test.h"
#include "backend/code_cache.h"

static IrEnv env;
static CodePages *pages;
static CodeCache *cache;

static void invalidate(void *opaque, ram_t start, uint64_t len)
{
    (void)opaque;
    code_cache_invalidate(cache, start, len);
}

static int setup(void **state)
{
    (void)state;
    pages = code_pages_new(invalidate, NULL);
    cache = code_cache_new(&env, pages, 0);
    code_cache_set_mode(cache, 3, 0, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    code_cache_free(cache);
    code_pages_free(pages);
    return 0;
}

static Block *add_block(uint64_t pc, ram_t ram, uint32_t len)
{
    Block *b = code_arena_alloc(code_cache_arena(cache), sizeof *b);
    *b = (Block){.dead = false};
    b->runs = &b->no_runs;
    uint32_t room = PAGE_SIZE - (uint32_t)(ram & ~PAGE_MASK);
    b->pc = pc;
    b->n_spans = len > room ? 2 : 1;
    b->span[0] = (CodeSpan){ram, MIN(len, room)};
    b->span[1] = (CodeSpan){ram + room, len > room ? len - room : 0};
    code_cache_add_block(cache, b);
    return b;
}

static JitSlot *code(IrEnv *e, JitSlot *slots, uint64_t entry)
{
    (void)e, (void)entry;
    return slots;
}

// A unit made from n blocks, with n slots.
static JitUnit *add_unit(Block **blocks, unsigned n)
{
    JitUnit *u = g_new0(JitUnit, 1);
    u->code = code;
    u->base = blocks[0]->pc;
    u->n_slots = u->n_entries = n;
    u->entries = g_new(int64_t, n);
    u->slots = jit_slots_new(u, n, NULL);
    u->spans = g_array_new(FALSE, FALSE, sizeof(CodeSpan));
    for (unsigned i = 0; i < n; i++) {
        code_cache_reset_slot(u, i);
        g_array_append_vals(u->spans, blocks[i]->span, blocks[i]->n_spans);
        blocks[i]->unit = u;
        u->entries[i] = (int64_t)(blocks[i]->pc - u->base);
    }
    code_cache_add_unit(cache, u);
    return u;
}

static void found_by_address(void **state)
{
    Block *a = add_block(0x1000, 0x5000, 8), *b = add_block(0x1000, 0x9000, 8), *c = add_block(0x3000, 0x5000, 8);
    (void)state;
    assert_ptr_equal(code_cache_find(cache, 0x1000, 0x5000), a);
    assert_ptr_equal(code_cache_find(cache, 0x1000, 0x9000), b);
    assert_ptr_equal(code_cache_find(cache, 0x3000, 0x5000), c);
    assert_null(code_cache_find(cache, 0x3000, 0x9000));
    assert_null(code_cache_find(cache, 0x1002, 0x5002));
    assert_true(code_pages_test(pages, 0x5fff) && code_pages_test(pages, 0x9000) && !code_pages_test(pages, 0x6000));
    code_cache_invalidate(cache, 0x5004, 1); // both mappings of these bytes
    assert_true(a->dead && c->dead && !b->dead);
    assert_null(code_cache_find(cache, 0x1000, 0x5000));
    assert_false(code_pages_test(pages, 0x5000));
    assert_int_equal(code_cache_blocks(cache), 3);
    code_cache_flush_all(cache);
    assert_int_equal(code_cache_blocks(cache), 0);
    assert_null(code_cache_find(cache, 0x1000, 0x9000));
    assert_false(code_pages_test(pages, 0x9000));
}

// Every position of a written range against one block, to the byte.
static void exact_to_bytes(void **state)
{
    (void)state;
    for (unsigned at = 0; at < 24; at++) {
        for (unsigned len = 1; len < 12; len++) {
            Block *b = add_block(0x1008, 0x5008, 8), *other = add_block(0x1020, 0x5020, 4);
            code_pages_written(pages, 0x5000 + at, len);
            assert_int_equal(b->dead, at < 16 && at + len > 8);
            assert_int_equal(other->dead, at + len > 32);
            assert_int_equal(code_cache_find(cache, 0x1008, 0x5008) == NULL, b->dead);
            code_cache_flush_all(cache);
        }
    }
}

static void over_two_pages(void **state)
{
    (void)state;
    for (unsigned second = 0; second < 2; second++) {
        Block *b = add_block(0x1ffe, 0x5ffe, 4), *on_second = add_block(0x2002, 0x6002, 4);
        assert_true(code_pages_test(pages, 0x5000) && code_pages_test(pages, 0x6000));
        code_pages_written(pages, second ? 0x6002 : 0x5ffd, 1);
        assert_false(b->dead);
        assert_int_equal(on_second->dead, second);
        code_pages_written(pages, second ? 0x6001 : 0x5fff, 1);
        assert_true(b->dead);
        assert_false(code_pages_test(pages, 0x5000));
        assert_int_equal(code_pages_test(pages, 0x6000), !second); // the other block is still there
        code_cache_flush_all(cache);
    }
    Block *b = add_block(0x1ffe, 0x5ffe, 4), *c = add_block(0x4000, 0x8000, 4);
    code_cache_invalidate(cache, 0x4000, 0x5000); // several pages at once
    assert_true(b->dead && c->dead);
}

static void dead_units_are_unlinked(void **state)
{
    Block *b[4] = {add_block(0x1000, 0x5000, 8), add_block(0x1100, 0x5100, 8), add_block(0x2000, 0x6000, 8),
                   add_block(0x3000, 0x7000, 8)};
    JitUnit *from = add_unit(b, 2), *to = add_unit(b + 2, 2);
    (void)state;
    env.jumps[jit_jump_row(0x2000)].pc = 1;
    code_cache_chain(cache, from, 0, to, 1);
    code_cache_chain(cache, from, 1, from, 0);
    code_cache_chain(cache, to, 0, from, 1);
    code_cache_note_jump(cache, 0x2000, to, 0);
    const JumpEntry *row = &env.jumps[jit_jump_row(0x2000)];
    assert_true(row->pc == 0x2000 && row->code == code && row->slots == to->slots);
    assert_ptr_equal(jit_unit_of(from->slots[0].slots), to);

    code_cache_invalidate(cache, 0x7004, 2); // a byte of the second unit's second block
    assert_true(to->dead && !from->dead && b[3]->dead && !b[2]->dead);
    assert_true(b[2]->unit == NULL && b[0]->unit == from);
    assert_true(from->slots[0].code == jit_leave && from->slots[0].entry == 0);
    assert_ptr_equal(from->slots[1].slots, from->slots);
    assert_true(from->slots[1].code == code);
    assert_true(row->pc & 1);
    assert_false(code_pages_test(pages, 0x7000));
    assert_true(code_pages_test(pages, 0x6000)); // b[2] itself lives
    code_cache_invalidate(cache, 0x5010, 0xf0);  // between the blocks of the first unit
    assert_false(from->dead);
    code_cache_invalidate(cache, 0x5100, 1);
    assert_true(from->dead && b[1]->dead && !b[0]->dead);
}

static void unlink_keeps_code(void **state)
{
    Block *b[2] = {add_block(0x1000, 0x5000, 8), add_block(0x2000, 0x6000, 8)};
    JitUnit *u = add_unit(b, 2);
    (void)state;
    b[0]->succ[0] = b[1];
    code_cache_chain(cache, u, 1, u, 0);
    code_cache_note_jump(cache, 0x1000, u, 0);
    JumpEntry *mode3 = env.jumps;
    code_cache_set_mode(cache, 0, 0, 0);
    assert_ptr_not_equal(env.jumps, mode3);
    code_cache_note_jump(cache, 0x1000, u, 1);
    code_cache_unlink_all(cache);
    assert_null(b[0]->succ[0]);
    assert_true(u->slots[1].code == jit_leave && u->slots[1].entry == 1);
    assert_true(jit_leave(&env, u->slots, 1) == u->slots && env.exit_site == 1);
    code_cache_set_mode(cache, 0, 0, 0);
    assert_true(env.jumps[jit_jump_row(0x1000)].pc & 1);
    assert_null(code_cache_find(cache, 0x1000, 0x5000)); // made in mode 3
    code_cache_set_mode(cache, 3, 0, 0);
    assert_true(env.jumps == mode3 && mode3[jit_jump_row(0x1000)].pc & 1);
    assert_ptr_equal(code_cache_find(cache, 0x1000, 0x5000), b[0]);
    assert_true(!u->dead && b[0]->unit == u);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(found_by_address),        TEST(exact_to_bytes),    TEST(over_two_pages),
        TEST(dead_units_are_unlinked), TEST(unlink_keeps_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
