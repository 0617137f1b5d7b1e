// SPDX-License-Identifier: GPL-3.0-or-later
// Loads and stores of eight bytes that begin four bytes before a page's end, at each boundary between pages in turn.
//   loads and stores passes * (pages - 1) each; every one is two lookups, of page i and page i + 1.
//   Only the lookups of pages that the one before was not can miss: the first of page 0, and one at each boundary.
#include "lab.h"

MEASURED cross(uint64_t base, uint64_t pages, uint64_t passes)
{
    uint64_t sum = 0;
    for (; passes; passes--) {
        uint64_t at = base + PAGE - 4;
        for (uint64_t n = pages - 1; n; n--, at += PAGE) {
            sum += LOAD(at);
            STORE(at, sum);
        }
    }
    MEASURED_END(sum);
}

int main(int argc, char **argv)
{
    lab_begin(argc, argv, "pages passes leaf");
    uint64_t pages = lab_argument("pages", 16), passes = lab_argument("passes", 10);
    Space s = lab_space(1, cross, 0);
    lab_map(&s, pages * PAGE, 0, (unsigned)lab_argument("leaf", 12), LAB_DATA);
    lab_run(&s, cross, (uint64_t[8]){WINDOW, pages, passes});
    return 0;
}
