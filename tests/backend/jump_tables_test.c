// SPDX-License-Identifier: GPL-3.0-or-later
// Jump tables: which ones there are, and what a fence takes away from which.
#include "tests/test.h"
#include "backend/code_cache.h"

#define USER CODE_PAGED
#define KERNEL (CODE_PAGED | 1)
#define MACHINE 3u

static JumpTables *tables;
static Block block = {.pc = 0x4000};

static int setup(void **state)
{
    (void)state;
    tables = jump_tables_new();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    jump_tables_free(tables);
    return 0;
}

// Enters a table and leaves a mark in it.
static JumpTable *mark(unsigned mode, uint64_t space, unsigned asid)
{
    JumpTable *t = jump_tables_enter(tables, mode, space, asid);
    t->blocks[jit_jump_row(0x4000)] = &block;
    jump_table_use(t, jit_jump_row(0x4000));
    return t;
}

static bool marked(unsigned mode, uint64_t space, unsigned asid)
{
    return jump_tables_enter(tables, mode, space, asid)->blocks[jit_jump_row(0x4000)] == &block;
}

static void one_for_each_space(void **state)
{
    (void)state;
    JumpTable *machine = mark(MACHINE, 0, 0), *user = mark(USER, 10, 1);
    assert_ptr_not_equal(machine, user);
    assert_false(marked(USER, 11, 2));
    assert_true(marked(USER, 10, 1) && marked(MACHINE, 0, 0));
    assert_ptr_equal(jump_tables_enter(tables, MACHINE, 99, 9), machine); // has no spaces
    JumpTable *kernel = mark(KERNEL, 10, 1);
    assert_ptr_equal(jump_tables_enter(tables, KERNEL, 11, 2), kernel); // only global pages so far
    uint64_t epoch = user->epoch;
    assert_int_equal(jump_tables_enter(tables, USER, 10, 1)->epoch, epoch);
    for (unsigned s = 0; s < 100; s++) { // more than are kept
        assert_false(marked(USER, 1000 + s, 3));
        mark(USER, 1000 + s, 3);
    }
    assert_true(marked(USER, 1099, 3) && marked(USER, 1090, 3) && marked(MACHINE, 0, 0));
    assert_false(marked(USER, 10, 1));
}

static void fences(void **state)
{
    (void)state;
    mark(MACHINE, 0, 0), mark(KERNEL, 10, 1), mark(USER, 10, 1), mark(USER, 11, 2);
    uint64_t epoch = jump_tables_enter(tables, USER, 10, 1)->epoch;
    jump_tables_forget_spaces(tables, 1);
    assert_true(marked(MACHINE, 0, 0) && marked(KERNEL, 10, 1) && marked(USER, 11, 2));
    assert_false(marked(USER, 10, 1));
    assert_int_not_equal(jump_tables_enter(tables, USER, 10, 1)->epoch, epoch);
    jump_tables_forget_spaces(tables, CODE_ANY_ASID);
    assert_true(marked(MACHINE, 0, 0) && !marked(KERNEL, 10, 1) && !marked(USER, 11, 2));
    jump_tables_forget_all(tables);
    assert_false(marked(MACHINE, 0, 0));
}

static void fences_of_a_page(void **state)
{
    (void)state;
    mark(KERNEL, 10, 1);
    assert_false(jump_tables_note_page(tables, 0xffffffff80001000, true, 21));
    mark(USER, 10, 1);
    assert_false(jump_tables_note_page(tables, 0x4000, false, 0));
    mark(USER, 11, 2);
    assert_false(jump_tables_note_page(tables, 0x5000, false, 0));
    jump_tables_forget_page(tables, 0x6000, CODE_ANY_ASID);
    jump_tables_forget_page(tables, 0x4000, 2);
    assert_true(marked(KERNEL, 10, 1) && marked(USER, 10, 1) && marked(USER, 11, 2));
    jump_tables_forget_page(tables, 0x4ffe, CODE_ANY_ASID);
    assert_true(marked(KERNEL, 10, 1) && !marked(USER, 10, 1) && marked(USER, 11, 2));
    jump_tables_forget_page(tables, 0xffffffff801fffff, 1); // global: an ASID does not mean it
    assert_true(marked(KERNEL, 10, 1));
    jump_tables_forget_page(tables, 0xffffffff801fffff, CODE_ANY_ASID); // of the same large page
    assert_true(!marked(KERNEL, 10, 1) && marked(USER, 11, 2));
}

// A kernel that runs from a page of one space only.
static void local_kernel(void **state)
{
    (void)state;
    mark(KERNEL, 10, 1);
    assert_true(jump_tables_note_page(tables, 0x7000, false, 0));
    assert_false(marked(KERNEL, 10, 1));
    mark(KERNEL, 10, 1);
    assert_false(jump_tables_note_page(tables, 0x7000, false, 0));
    assert_false(marked(KERNEL, 11, 2));
    assert_true(marked(KERNEL, 10, 1));
    jump_tables_forget_spaces(tables, 1);
    assert_false(marked(KERNEL, 10, 1));
}

static void dropped_code(void **state)
{
    (void)state;
    JitSlot mine[1], other[1];
    JumpTable *t = jump_tables_enter(tables, USER, 10, 1);
    unsigned row = jit_jump_row(0x4000);
    jump_table_use(t, row);
    t->code[row] = (JumpEntry){0x4000, NULL, mine, 0};
    t->code[row ^ 1] = (JumpEntry){0x8000, NULL, other, 0};
    jump_tables_enter(tables, MACHINE, 0, 0);
    jump_tables_drop(tables, 0x4000, mine);
    assert_true(t->code[row].pc & 1);
    assert_int_equal(t->code[row ^ 1].pc, 0x8000);
    t->code[row ^ 1].slots = mine; // pushed aside
    jump_tables_drop(tables, 0x4000, mine);
    assert_true(t->code[row ^ 1].pc & 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_for_each_space), TEST(fences), TEST(fences_of_a_page), TEST(local_kernel), TEST(dropped_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
