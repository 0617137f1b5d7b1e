// SPDX-License-Identifier: GPL-3.0-or-later
// Address spaces that take turns: in each the same pages are read. flush=1: sfence.vma after each change of satp, 2: of
// the new space's ASID only. same=1: all spaces have one ASID. global=1: the code's page is global.
//   loads spaces * pages * rounds. With ASID tags, of flush=0, the pages of all spaces are cyclic: N = spaces * pages
//   of them (same=1: pages, for the tags cannot tell them apart). Without tags (asid=off) or with flush=1 every load
//   misses. Code: its page is looked up after each change and each fence.
#include "lab.h"

MEASURED turns(uint64_t base, uint64_t pages, uint64_t spaces, uint64_t rounds, uint64_t first, uint64_t delta,
    uint64_t flush)
{
    uint64_t sum = 0;
    for (; rounds; rounds--) {
        uint64_t satp = first;
        for (uint64_t s = spaces; s; s--, satp += delta) {
            CSR_WRITE(satp, satp);
            if (flush == 1)
                __asm__ volatile("sfence.vma" ::: "memory");
            else if (flush == 2)
                __asm__ volatile("sfence.vma x0, %0" ::"r"(satp << 4 >> 48) : "memory");
            uint64_t at = base;
            for (uint64_t n = pages; n; n--, at += PAGE)
                sum += LOAD(at);
        }
    }
    MEASURED_END(sum);
}

int main(int argc, char **argv)
{
    lab_begin(argc, argv, "spaces pages rounds flush same global");
    uint64_t spaces = lab_argument("spaces", 4), pages = lab_argument("pages", 8), rounds = lab_argument("rounds", 10);
    uint64_t flush = lab_argument("flush", 0), same = lab_argument("same", 0);
    unsigned global = lab_argument("global", 0) ? PTE_G : 0;
    uint64_t first = 0, delta = 0, last = 0;
    Space start = lab_space(100, turns, global); // in which it begins
    for (uint64_t i = 0; i < spaces; i++) {
        Space s = lab_space(1 + (same ? 0 : (unsigned)i), turns, global);
        lab_map(&s, pages * PAGE, i * pages * PAGE, 12, LAB_DATA);
        if (i == 0)
            first = s.satp;
        else if (i == 1)
            delta = s.satp - first;
        else if (s.satp - last != delta)
            return 3;
        last = s.satp;
    }
    lab_run(&start, turns, (uint64_t[8]){WINDOW, pages, spaces, rounds, first, delta, flush});
    return 0;
}
