// SPDX-License-Identifier: GPL-3.0-or-later
// Hash table with open addressing: insert, look up, delete with backward shift, grow.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#ifndef SIZE
#define SIZE 60000 // operations
#endif

typedef struct {
    uint64_t key; // 0 = free
    uint64_t value;
} Slot;

typedef struct {
    Slot *slots;
    size_t size, used;
} Table;

static size_t home(const Table *t, uint64_t key)
{
    return (key * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (t->size - 1);
}

static Slot *find(const Table *t, uint64_t key)
{
    size_t i = home(t, key);
    while (t->slots[i].key && t->slots[i].key != key)
        i = (i + 1) & (t->size - 1);
    return &t->slots[i];
}

static void put(Table *t, uint64_t key, uint64_t value);

static void grow(Table *t)
{
    Table bigger = {calloc(t->size * 2, sizeof(Slot)), t->size * 2, 0};
    if (!bigger.slots)
        exit(2);
    for (size_t i = 0; i < t->size; i++)
        if (t->slots[i].key)
            put(&bigger, t->slots[i].key, t->slots[i].value);
    free(t->slots);
    *t = bigger;
}

static void put(Table *t, uint64_t key, uint64_t value)
{
    Slot *slot = find(t, key);
    if (!slot->key) {
        t->used++;
        slot->key = key;
    }
    slot->value = value;
    if (t->used * 4 > t->size * 3)
        grow(t);
}

static int drop(Table *t, uint64_t key)
{
    size_t mask = t->size - 1, hole = find(t, key) - t->slots;
    if (!t->slots[hole].key)
        return 0;
    for (size_t i = (hole + 1) & mask; t->slots[i].key; i = (i + 1) & mask) {
        size_t want = home(t, t->slots[i].key);
        if (((i - want) & mask) >= ((i - hole) & mask)) {
            t->slots[hole] = t->slots[i];
            hole = i;
        }
    }
    t->slots[hole].key = 0;
    t->used--;
    return 1;
}

int main(void)
{
    Table t = {calloc(16, sizeof(Slot)), 16, 0};
    uint64_t seed = 42, hits = 0, sum = 0;
    if (!t.slots)
        return 2;
    for (long i = 0; i < SIZE; i++) {
        seed = seed * UINT64_C(6364136223846793005) + 1;
        uint64_t key = (seed >> 40) % 50021 + 1;
        switch (seed >> 33 & 3) {
        case 0:
            hits += drop(&t, key);
            break;
        case 1:
            sum += find(&t, key)->value;
            break;
        default:
            put(&t, key, i);
        }
    }
    printf("%lu entries in %lu slots, %lu dropped, sum %lu\n", (unsigned long)t.used, (unsigned long)t.size,
        (unsigned long)hits, (unsigned long)sum);
    free(t.slots);
    return t.used & 127;
}
