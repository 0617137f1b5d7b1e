// SPDX-License-Identifier: GPL-3.0-or-later
// The table of blocks against a plain array: random additions, removals and searches while it grows and is emptied.
#include "tests/test.h"
#include "backend/block_table.h"
#include <stdlib.h>

#define N 6000 // more than the table's first size
#define STEPS 100000

static Block all[N];
static bool present[N];

// Blocks that differ in one of the three things only lie side by side.
static void init_block(unsigned i)
{
    all[i] = (Block){.pc = 0x80000000u + i / 8 * 2, .mode = i / 4 % 2, .n_spans = 1};
    all[i].span[0] = (CodeSpan){i / 8 * 2 + (i % 4) * PAGE_SIZE, 2};
}

static void expect_found(const BlockTable *t, unsigned i)
{
    const Block *b = &all[i];
    assert_ptr_equal(block_table_find(t, b->pc, b->span[0].start, b->mode), present[i] ? b : NULL);
}

static void random_steps(void **state)
{
    (void)state;
    BlockTable *t = block_table_new();
    srand(1);
    for (unsigned i = 0; i < N; i++)
        init_block(i);
    for (unsigned step = 0; step < STEPS; step++) {
        unsigned i = (unsigned)rand() % N, likely = step < STEPS / 2 ? 3 : 1; // grows, then shrinks
        bool add = (unsigned)rand() % 4 < likely;
        if (add && !present[i])
            block_table_add(t, &all[i]);
        if (!add)
            block_table_remove(t, &all[i]); // perhaps not in there
        present[i] = add;
        expect_found(t, i);
        expect_found(t, (unsigned)rand() % N);
        if (step % (STEPS / 5) == STEPS / 5 - 1) {
            for (unsigned k = 0; k < N; k++)
                expect_found(t, k);
        }
    }
    block_table_clear(t);
    for (unsigned i = 0; i < N; i++) {
        present[i] = false;
        expect_found(t, i);
    }
    block_table_add(t, &all[7]);
    present[7] = true;
    expect_found(t, 7);
    block_table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_steps)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
