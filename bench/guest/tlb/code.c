// SPDX-License-Identifier: GPL-3.0-or-later
// Code on many pages: a few instructions on each, which jump to the next page; round and round. No data.
//   Instructions: 3 to begin, 4 on each page, but 7 on the last of a pass and 4 on the last of all; the first page is
//   one more. Misses: every page comes again after all others, as in chase.c.
#include "lab.h"
#include <string.h>

// t0: this page, a0: first page, a1: pages, a2: passes, a3: stride in bytes
__asm__(".pushsection .text\n"
        ".balign 4\n"
        "page_code:\n"
        "addi t1, t1, -1\n"
        "beqz t1, 1f\n"
        "add t0, t0, a3\n"
        "jr t0\n"
        "1: addi a2, a2, -1\n"
        "beqz a2, 2f\n"
        "mv t1, a1\n"
        "mv t0, a0\n"
        "jr t0\n"
        "2: ecall\n"
        "page_code_end:\n"
        ".popsection\n");
extern const char page_code[], page_code_end[];

MEASURED start(uint64_t base, uint64_t pages, uint64_t passes, uint64_t step)
{
    register uint64_t a0 __asm__("a0") = base, a1 __asm__("a1") = pages, a2 __asm__("a2") = passes;
    register uint64_t a3 __asm__("a3") = step;
    __asm__ volatile("mv t0, a0\n\tmv t1, a1\n\tjr t0" ::"r"(a0), "r"(a1), "r"(a2), "r"(a3) : "t0", "t1", "memory");
    __builtin_unreachable();
}

int main(int argc, char **argv)
{
    lab_begin(argc, argv, "pages stride passes leaf");
    uint64_t pages = lab_argument("pages", 32), step = lab_argument("stride", 1), passes = lab_argument("passes", 10);
    Space s = lab_space(1, start, 0);
    lab_map(&s, ((pages - 1) * step + 1) * PAGE, 0, (unsigned)lab_argument("leaf", 12),
        PTE_A | PTE_R | PTE_X | PTE_V);
    for (uint64_t i = 0; i < pages; i++)
        memcpy((void *)(MEMORY + i * step * PAGE), page_code, (size_t)(page_code_end - page_code));
    __asm__ volatile("fence.i" ::: "memory");
    lab_run(&s, start, (uint64_t[8]){WINDOW, pages, passes, step * PAGE});
    return 0;
}
