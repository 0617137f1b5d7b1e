// SPDX-License-Identifier: GPL-3.0-or-later
// Pages drawn at random, each as likely as the others, of pages that lie stride pages apart.
//   count accesses: loads, but every stores-th of them a store
//   LRU with E entries, fully associative, P pages: a miss with probability (P - E) / P once it is full; S sets of W
//   ways, of which set i gets n(i) pages: the sum of max(0, n(i) - W) / P. The exact count: by replay of the numbers.
#include "lab.h"

MEASURED uniform(uint64_t base, uint64_t pages, uint64_t step, uint64_t count, uint64_t x, uint64_t stores,
    uint64_t multiplier, uint64_t increment)
{
    uint64_t sum = 0, until = stores;
    for (; count; count--) {
        x = x * multiplier + increment;
        uint64_t at = base + (x >> 33) % pages * step + (x >> 20 & 0xff8);
        if (--until == 0) {
            STORE(at, x);
            until = stores;
        } else {
            sum += LOAD(at);
        }
    }
    MEASURED_END(sum);
}

int main(int argc, char **argv)
{
    lab_begin(argc, argv, "pages stride count seed stores leaf");
    uint64_t pages = lab_argument("pages", 64), step = lab_argument("stride", 1), count = lab_argument("count", 10000);
    uint64_t seed = lab_argument("seed", 1), stores = lab_argument("stores", 0); // 0: none in 2^64
    Space s = lab_space(1, uniform, 0);
    lab_map(&s, ((pages - 1) * step + 1) * PAGE, 0, (unsigned)lab_argument("leaf", 12), LAB_DATA);
    lab_run(&s, uniform,
        (uint64_t[8]){WINDOW, pages, step * PAGE, count, seed, stores, MULTIPLIER, INCREMENT});
    return 0;
}
