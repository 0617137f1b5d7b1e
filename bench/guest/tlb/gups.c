// SPDX-License-Identifier: GPL-3.0-or-later
// Updates of random words (giga-updates per second): load, xor, store.
//   updates loads, as many stores. A store always hits: its load was there just before. Loads miss as in uniform.c.
#include "lab.h"

MEASURED gups(uint64_t base, uint64_t words, uint64_t updates, uint64_t x, uint64_t multiplier, uint64_t increment)
{
    for (; updates; updates--) {
        x = x * multiplier + increment;
        uint64_t at = base + (x >> 33) % words * 8;
        STORE(at, LOAD(at) ^ x);
    }
    MEASURED_END(x);
}

int main(int argc, char **argv)
{
    lab_begin(argc, argv, "pages updates seed leaf");
    uint64_t pages = lab_argument("pages", 256), updates = lab_argument("updates", 10000);
    uint64_t seed = lab_argument("seed", 1);
    Space s = lab_space(1, gups, 0);
    lab_map(&s, pages * PAGE, 0, (unsigned)lab_argument("leaf", 12), LAB_DATA);
    lab_run(&s, gups, (uint64_t[8]){WINDOW, pages * 512, updates, seed, MULTIPLIER, INCREMENT});
    return 0;
}
