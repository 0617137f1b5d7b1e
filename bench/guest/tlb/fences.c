// SPDX-License-Identifier: GPL-3.0-or-later
// Pages read in turn, with an sfence.vma after each round: what=0 of everything, 1 of one page (the next one each
// time), 2 of the ASID, 3 of that page and ASID, 4 of another ASID, 5 of an address that nothing is mapped at.
//   loads pages * rounds. Entries enough for all: what=0 and 2 miss pages * rounds times, 1 and 3 pages + rounds - 1
//   times (a page is fenced after each round but for the last), 4 and 5 pages times. Code, a page: 1 + rounds misses
//   for what=0 and 2 (sfence.vma is for both sides), else 1.
#include "lab.h"

MEASURED fences(uint64_t base, uint64_t pages, uint64_t rounds, uint64_t what)
{
    uint64_t sum = 0, next = base, end = base + pages * PAGE, asid = what == 4 ? 2 : 1;
    for (; rounds; rounds--) {
        for (uint64_t at = base; at != end; at += PAGE)
            sum += LOAD(at);
        if (what == 0)
            __asm__ volatile("sfence.vma" ::: "memory");
        else if (what == 1)
            __asm__ volatile("sfence.vma %0, x0" ::"r"(next) : "memory");
        else if (what == 3)
            __asm__ volatile("sfence.vma %0, %1" ::"r"(next), "r"(asid) : "memory");
        else if (what == 5)
            __asm__ volatile("sfence.vma %0, x0" ::"r"(end + PAGE) : "memory");
        else
            __asm__ volatile("sfence.vma x0, %0" ::"r"(asid) : "memory");
        next += PAGE;
        if (next == end)
            next = base;
    }
    MEASURED_END(sum);
}

int main(int argc, char **argv)
{
    lab_begin(argc, argv, "pages rounds what leaf");
    uint64_t pages = lab_argument("pages", 16), rounds = lab_argument("rounds", 100), what = lab_argument("what", 0);
    Space s = lab_space(1, fences, 0);
    lab_map(&s, pages * PAGE, 0, (unsigned)lab_argument("leaf", 12), LAB_DATA);
    lab_run(&s, fences, (uint64_t[8]){WINDOW, pages, rounds, what});
    return 0;
}
