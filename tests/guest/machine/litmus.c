// SPDX-License-Identifier: GPL-3.0-or-later
// Litmus tests of the memory model (RVWMO, unpriv. spec ch. 14 and app. A): what fences, LR/SC and AMOs forbid between
// harts. Harts work in pairs, each pair on locations of its own; four of them do IRIW too.
#include "harts.h"

#ifndef ROUNDS
#define ROUNDS 20000
#endif
#ifndef CELLS
#define CELLS 250 // rounds between two barriers
#endif
#define PAIRS (HARTS / 2)

typedef struct {
    LOCATION volatile uint64_t x;
    LOCATION volatile uint64_t y;
    LOCATION volatile uint64_t r[4];
} Cell;

static Cell cells[PAIRS][CELLS];
static uint64_t seen[4];

typedef void Step(Cell *c, unsigned side); // side: which of the pair, or of the four
static Step *step;

static void clear_cells(void)
{
    for (unsigned p = 0; p < PAIRS; p++)
        for (unsigned i = 0; i < CELLS; i++)
            cells[p][i].x = cells[p][i].y = cells[p][i].r[0] = cells[p][i].r[1] = 0;
}

static void run_pairs(unsigned hart)
{
    unsigned pair = hart / 2;
    for (unsigned i = 0; pair < PAIRS && i < CELLS; i++)
        step(&cells[pair][i], hart % 2);
}

static void run_fours(unsigned hart)
{
    for (unsigned i = 0; hart < 4 && i < CELLS; i++)
        step(&cells[0][i], hart);
}

// Runs ROUNDS cells; bad: is this outcome forbidden?
static void repeat(int number, void (*run)(unsigned hart), Step *s, int (*bad)(const Cell *c))
{
    step = s;
    for (unsigned round = 0; round < ROUNDS; round += CELLS) {
        clear_cells();
        harts_run(run);
        for (unsigned p = 0; p < PAIRS; p++)
            for (unsigned i = 0; i < CELLS; i++) {
                CHECK(number, !bad(&cells[p][i]));
                seen[0] += cells[p][i].r[0] != 0;
                seen[1] += cells[p][i].r[1] != 0;
            }
    }
}

// Message passing: data, fence, flag; who sees the flag sees the data.
static void pass_message(Cell *c, unsigned side)
{
    if (side == 0) {
        c->x = 1;
        FENCE(w, w);
        c->y = 1;
    } else {
        c->r[0] = c->y;
        FENCE(r, r);
        c->r[1] = c->x;
    }
}

static int message_lost(const Cell *c)
{
    return c->r[0] && !c->r[1];
}

// The same with release and acquire by atomics.
static void pass_by_atomics(Cell *c, unsigned side)
{
    if (side == 0) {
        c->x = 1;
        __asm__ volatile("amoswap.d.rl zero, %1, (%0)" ::"r"(&c->y), "r"(1) : "memory");
    } else {
        uint64_t v;
        __asm__ volatile("lr.d.aq %0, (%1)" : "=r"(v) : "r"(&c->y) : "memory");
        c->r[0] = v;
        c->r[1] = c->x;
    }
}

// Store buffering: with full fences at least one of two sees the other's store.
static void buffer_stores(Cell *c, unsigned side)
{
    volatile uint64_t *mine = side ? &c->y : &c->x, *other = side ? &c->x : &c->y;
    *mine = 1;
    FENCE(rw, rw);
    c->r[side] = *other;
}

// The same, with stores that are AMOs with both orderings (a fence after them would say no more).
static void buffer_amos(Cell *c, unsigned side)
{
    volatile uint64_t *mine = side ? &c->y : &c->x, *other = side ? &c->x : &c->y;
    uint64_t v;
    __asm__ volatile("amoswap.d.aqrl zero, %1, (%0)" ::"r"(mine), "r"(1) : "memory");
    __asm__ volatile("lr.d.aqrl %0, (%1)" : "=r"(v) : "r"(other) : "memory");
    c->r[side] = v;
}

static int both_missed(const Cell *c)
{
    return !c->r[0] && !c->r[1];
}

// Load buffering with a data dependency: no value out of thin air.
static void buffer_loads(Cell *c, unsigned side)
{
    volatile uint64_t *from = side ? &c->y : &c->x, *to = side ? &c->x : &c->y;
    uint64_t v = *from;
    c->r[side] = v;
    *to = v;
}

static int from_nowhere(const Cell *c)
{
    return c->r[0] || c->r[1];
}

// Coherence: two loads of one location by one hart do not go back in time.
static void read_twice(Cell *c, unsigned side)
{
    if (side == 0) {
        c->x = 1;
    } else {
        c->r[0] = c->x;
        c->r[1] = c->x;
    }
}

static int went_back(const Cell *c)
{
    return c->r[0] && !c->r[1];
}

// Independent reads of independent writes: two readers agree about the order of two stores.
static void read_independent(Cell *c, unsigned side)
{
    uint64_t first, second;
    if (side < 2) {
        *(side ? &c->y : &c->x) = 1;
        return;
    }
    first = side == 2 ? c->x : c->y;
    FENCE(rw, rw);
    second = side == 2 ? c->y : c->x;
    c->r[side - 2] = first && !second;
}

static int disagree(const Cell *c)
{
    return c->r[0] && c->r[1];
}

int main(void)
{
    repeat(1, run_pairs, pass_message, message_lost);
    repeat(2, run_pairs, pass_by_atomics, message_lost);
    repeat(3, run_pairs, buffer_stores, both_missed);
    repeat(4, run_pairs, buffer_amos, both_missed);
    repeat(5, run_pairs, buffer_loads, from_nowhere);
    repeat(6, run_pairs, read_twice, went_back);
    if (HARTS >= 4)
        repeat(7, run_fours, read_independent, disagree);
    CHECK(8, seen[0] + seen[1]); // something was seen at all
    printf("litmus: no forbidden outcome\n");
    return 0;
}
