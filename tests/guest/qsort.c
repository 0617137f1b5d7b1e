// SPDX-License-Identifier: GPL-3.0-or-later
// Quicksort of records through a comparison function pointer, checked for order.
#include <stdint.h>
#include <stdio.h>

#ifndef SIZE
#define SIZE 1 // rounds
#endif
#define COUNT 30000

typedef struct {
    uint32_t key;
    uint32_t serial;
} Record;
typedef int Compare(const Record *a, const Record *b);

static Record records[COUNT];
static uint64_t seed = 1;

static uint32_t next_random(void)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return seed >> 33;
}

static int by_key(const Record *a, const Record *b)
{
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return a->serial < b->serial ? -1 : a->serial > b->serial;
}

static int by_serial_down(const Record *a, const Record *b)
{
    return a->serial > b->serial ? -1 : a->serial < b->serial;
}

static void swap(Record *a, Record *b)
{
    Record t = *a;
    *a = *b;
    *b = t;
}

static void sort(Record *a, long n, Compare *compare)
{
    while (n > 8) {
        Record pivot = a[n / 2];
        long i = 0, j = n - 1;
        while (i <= j) {
            while (compare(&a[i], &pivot) < 0)
                i++;
            while (compare(&a[j], &pivot) > 0)
                j--;
            if (i <= j)
                swap(&a[i++], &a[j--]);
        }
        sort(a, j + 1, compare);
        a += i;
        n -= i;
    }
    for (long i = 1; i < n; i++)
        for (long j = i; j > 0 && compare(&a[j - 1], &a[j]) > 0; j--)
            swap(&a[j - 1], &a[j]);
}

static int is_sorted(Compare *compare)
{
    for (int i = 1; i < COUNT; i++)
        if (compare(&records[i - 1], &records[i]) > 0)
            return 0;
    return 1;
}

int main(void)
{
    Compare *volatile orders[2] = {by_key, by_serial_down};
    uint64_t sum = 0;
    for (int round = 0; round < SIZE; round++) {
        for (uint32_t i = 0; i < COUNT; i++)
            records[i] = (Record){next_random() % 10000, i};
        for (int k = 0; k < 2; k++) {
            sort(records, COUNT, orders[k]);
            if (!is_sorted(orders[k])) {
                printf("round %d order %d: not sorted\n", round, k);
                return 1;
            }
            for (uint32_t i = 0; i < COUNT; i += 97)
                sum = sum * 31 + records[i].key + records[i].serial;
        }
    }
    printf("sorted %d records %d times, sum %016lx\n", COUNT, SIZE, (unsigned long)sum);
    return sum & 127;
}
