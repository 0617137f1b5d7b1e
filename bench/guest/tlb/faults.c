// SPDX-License-Identifier: GPL-3.0-or-later
// Pages that are mapped when they are first touched: the handler, in M-mode, makes the entry valid and fences the page.
//   loads pages * passes, and one more for each page, the one that faults: started, refused, made again. Misses: pages
//   faults, and what a cyclic walk has: the second time is cold. A fence for each page. Code: one miss.
#include "lab.h"

// t0 and t1 belong to it: the measured function has its data in a registers.
uint64_t *fault_entries;
#define HANDLER 24 // instructions
extern const char fault_entry[];
__asm__(".pushsection .text\n"
        ".balign 4\n"
        "fault_entry:\n"
        "csrr t0, mcause\n"
        "addi t0, t0, -13\n"
        "bnez t0, trap_entry\n"
        "csrr t0, mtval\n"
        "li t1, 0x1000000000\n"
        "sub t0, t0, t1\n"
        "srli t0, t0, 12\n"
        "slli t0, t0, 3\n"
        "la t1, fault_entries\n"
        "ld t1, 0(t1)\n"
        "add t0, t0, t1\n"
        "ld t1, 0(t0)\n"
        "ori t1, t1, 1\n"
        "sd t1, 0(t0)\n"
        "la t0, lab_elsewhere\n"
        "ld t1, 0(t0)\n"
        "addi t1, t1, 24\n" // HANDLER
        "sd t1, 0(t0)\n"
        "csrr t0, mtval\n"
        "sfence.vma t0, x0\n"
        "mret\n"
        ".popsection\n");

MEASURED touch(uint64_t base, uint64_t pages, uint64_t passes)
{
    // By hand, for the handler's registers.
    register uint64_t a0 __asm__("a0") = base, a1 __asm__("a1") = pages, a2 __asm__("a2") = passes;
    __asm__ volatile("1: mv a3, a0\n\t"
                     "mv a4, a1\n\t"
                     "2: ld a5, 0(a3)\n\t"
                     "add a3, a3, %3\n\t"
                     "addi a4, a4, -1\n\t"
                     "bnez a4, 2b\n\t"
                     "addi a2, a2, -1\n\t"
                     "bnez a2, 1b"
                     : "+r"(a2)
                     : "r"(a0), "r"(a1), "r"(PAGE)
                     : "a3", "a4", "a5", "t0", "t1", "memory");
    MEASURED_END(0);
}

int main(int argc, char **argv)
{
    lab_begin(argc, argv, "pages passes");
    uint64_t pages = lab_argument("pages", 16), passes = lab_argument("passes", 10);
    Space s = lab_space(1, touch, 0);
    if (pages > 512)
        return 2; // one table
    lab_map(&s, pages * PAGE, 0, 12, LAB_DATA & ~PTE_V);
    fault_entries = lab_entry(&s, WINDOW);
    CSR_WRITE(mtvec, fault_entry);
    lab_run(&s, touch, (uint64_t[8]){WINDOW, pages, passes});
    return lab_elsewhere == HANDLER * pages ? 0 : 3;
}
