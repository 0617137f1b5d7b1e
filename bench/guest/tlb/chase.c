// SPDX-License-Identifier: GPL-3.0-or-later
// A chain of pointers through all pages in random order, one in each, round and round.
//   pages * rounds loads. Every page comes again after all others: LRU with E >= pages entries, fully associative,
//   misses pages times, with fewer always. Sets of W ways: those with n <= W pages miss n times, the others n * rounds
//   times.
#include "lab.h"

MEASURED chase(uint64_t at, uint64_t count)
{
    for (; count; count--)
        at = LOAD(at);
    MEASURED_END(at);
}

// Where the pointer of page i is: in a cache set of its own.
static uint64_t slot(uint64_t i, uint64_t step)
{
    return i * step * PAGE + i * 64 % PAGE;
}

int main(int argc, char **argv)
{
    static uint32_t order[MEMORY_SIZE / PAGE];
    lab_begin(argc, argv, "pages stride rounds seed leaf");
    uint64_t pages = lab_argument("pages", 64), step = lab_argument("stride", 1), rounds = lab_argument("rounds", 10);
    uint64_t state = lab_argument("seed", 1);
    Space s = lab_space(1, chase, 0);
    lab_map(&s, ((pages - 1) * step + 1) * PAGE, 0, (unsigned)lab_argument("leaf", 12), LAB_DATA);
    for (uint64_t i = 0; i < pages; i++)
        order[i] = (uint32_t)i;
    for (uint64_t i = pages - 1; i > 0; i--) { // Sattolo: a single cycle
        uint64_t other = lab_random(&state, i);
        uint32_t kept = order[i];
        order[i] = order[other], order[other] = kept;
    }
    for (uint64_t i = 0; i < pages; i++)
        STORE(MEMORY + slot(i, step), WINDOW + slot(order[i], step));
    lab_run(&s, chase, (uint64_t[8]){WINDOW + slot(0, step), pages * rounds});
    return 0;
}
