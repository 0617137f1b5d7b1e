// SPDX-License-Identifier: GPL-3.0-or-later
// Protothreads: producers and consumers that resume in the middle of a loop by a switch over a saved line.
#include <stdint.h>
#include <stdio.h>

#ifndef SIZE
#define SIZE 3000 // items
#endif

#define BEGIN(t) switch ((t)->line) { case 0:
#define YIELD(t, value) do { (t)->line = __LINE__; return (value); case __LINE__:; } while (0)
#define END(t) } (t)->line = -1; return -1

typedef struct Thread Thread;
struct Thread {
    long (*step)(Thread *t);
    int line;
    uint32_t i, j, seed;
    Thread *source;
};

static long count(Thread *t)
{
    BEGIN(t);
    for (t->i = 0; t->i < SIZE; t->i++)
        YIELD(t, (long)t->i);
    END(t);
}

static long collatz(Thread *t)
{
    BEGIN(t);
    for (t->i = 1; t->i < SIZE; t->i++) {
        for (t->j = t->i; t->j > 1; t->j = t->j & 1 ? 3 * t->j + 1 : t->j / 2) {
            if (t->j % 5 == 0)
                YIELD(t, (long)t->j);
        }
    }
    END(t);
}

static long filter(Thread *t)
{
    static long value;
    BEGIN(t);
    while ((value = t->source->step(t->source)) >= 0) {
        t->seed = t->seed * 1664525 + value;
        if (t->seed >> 30)
            YIELD(t, value ^ (t->seed >> 20));
    }
    END(t);
}

int main(void)
{
    Thread a = {.step = count}, b = {.step = collatz}, fa = {.step = filter, .source = &a, .seed = 1},
           fb = {.step = filter, .source = &b, .seed = 2};
    Thread *all[] = {&fa, &fb};
    uint64_t sum = 0, items = 0;
    for (int live = 2; live;) {
        live = 0;
        for (int i = 0; i < 2; i++) {
            long v = all[i]->line < 0 ? -1 : all[i]->step(all[i]);
            if (v >= 0)
                sum = sum * 31 + v, items++, live++;
        }
    }
    printf("%lu items, sum %016lx\n", (unsigned long)items, (unsigned long)sum);
    return sum & 127;
}
