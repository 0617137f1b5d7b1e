// SPDX-License-Identifier: GPL-3.0-or-later
// What the memory API costs on the host, without a guest: a line "WHAT COUNT NANOSECONDS" for each figure.
//   build   rendering the view of COUNT devices, none over another
//   stack   the same where each lies over the next one, every second byte of it
//   lookup  an address at random among COUNT devices
//   access  a value of 4 bytes from a device among COUNT
//   remap   a device hidden or shown, with COUNT address spaces of different trees, 100 devices in each
#include "softmmu/memory.h"
#include "util/clock.h"
#include <inttypes.h>
#include <stdio.h>

#define DEVICES 10000
#define ROUNDS 9 // the median counts

static MemoryRegion root, device[DEVICES];
static AddressSpace space;
static uint64_t order[DEVICES];

static int by_value(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

// f(n) takes some time: prints that of one of `times` things that it does.
static void measure(const char *what, unsigned count, void (*f)(unsigned n), unsigned n, unsigned times)
{
    uint64_t took[ROUNDS];
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t start = clock_ns(CLOCK_THREAD_CPUTIME_ID);
        f(n);
        took[i] = clock_ns(CLOCK_THREAD_CPUTIME_ID) - start;
    }
    qsort(took, ROUNDS, sizeof *took, by_value);
    printf("%s %u %" PRIu64 "\n", what, count, took[ROUNDS / 2] / times);
}

static uint64_t read_zero(void *opaque, uint64_t addr, unsigned size)
{
    (void)opaque, (void)addr, (void)size;
    return 0;
}

static const MemoryRegionOps ops = {.read = read_zero};

// n devices in an order that has nothing to do with their addresses.
static void fill(unsigned n, uint64_t step, uint64_t size)
{
    GRand *rand = g_rand_new_with_seed(1);
    for (unsigned i = 0; i < n; i++) {
        unsigned k = (unsigned)g_rand_int_range(rand, 0, (gint32)i + 1);
        order[i] = order[k];
        order[k] = i;
    }
    g_rand_free(rand);
    memory_region_init(&root, "root", UINT64_MAX);
    memory_transaction_begin();
    for (unsigned i = 0; i < n; i++) {
        memory_region_init_io(&device[i], &ops, NULL, "device", size);
        memory_region_add_subregion(&root, order[i] * step, &device[i]);
    }
    address_space_init(&space, &root, "space");
    memory_transaction_commit();
}

static void empty(unsigned n)
{
    address_space_deinit(&space);
    memory_transaction_begin();
    for (unsigned i = 0; i < n; i++)
        memory_region_del_subregion(&root, &device[i]);
    memory_transaction_commit();
    for (unsigned i = 0; i < n; i++)
        memory_region_deinit(&device[i]);
    memory_region_deinit(&root);
}

static void toggle(unsigned times)
{
    for (unsigned i = 0; i < times; i++)
        memory_region_set_enabled(&device[0], !device[0].enabled);
}

static void look(unsigned n)
{
    uint64_t x = 1, found = 0;
    for (unsigned i = 0; i < 100000; i++) {
        x = x * UINT64_C(6364136223846793005) + 1;
        found += address_space_lookup(&space, (x >> 33) % n * 0x10000).mr != NULL;
    }
    g_assert(found == 100000);
}

static void access_device(unsigned n)
{
    for (unsigned i = 0; i < 100000; i++)
        address_space_ld(&space, (uint64_t)(n / 2) * 0x10000, 4, NULL);
}

static void views(void)
{
    for (unsigned n = 10; n <= DEVICES; n *= 10) {
        unsigned times = 20000 / n + 2; // an even number: what is hidden shows again
        fill(n, 0x10000, 0x1000);
        measure("build", n, toggle, times, times);
        measure("lookup", n, look, n, 100000);
        measure("access", n, access_device, n, 100000);
        empty(n);
        fill(n, 1, 2);
        measure("stack", n, toggle, times, times);
        empty(n);
    }
}

static void remaps(void)
{
    for (unsigned n = 1; n <= 8; n *= 2) {
        static MemoryRegion own[8], window[8];
        static AddressSpace spaces[8];
        fill(100, 0x10000, 0x1000);
        for (unsigned i = 0; i < n; i++) {
            memory_region_init(&own[i], "own", UINT64_MAX);
            memory_region_init_alias(&window[i], "window", &root, 0, 0x10000000);
            memory_region_add_subregion(&own[i], 0x1000 * (i + 1), &window[i]); // another tree each
            address_space_init(&spaces[i], &own[i], "own");
        }
        measure("remap", n, toggle, 200, 200);
        for (unsigned i = 0; i < n; i++) {
            address_space_deinit(&spaces[i]);
            memory_region_del_subregion(&own[i], &window[i]);
            memory_region_deinit(&own[i]);
            memory_region_deinit(&window[i]);
        }
        empty(100);
    }
}

int main(void)
{
    views();
    remaps();
    return 0;
}
