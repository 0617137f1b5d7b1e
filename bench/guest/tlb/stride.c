// SPDX-License-Identifier: GPL-3.0-or-later
// Pages that lie stride pages apart, one after another, again and again; stride=1 words=512 is a sequential walk.
//   loads passes * pages * words, stores passes * pages * stores, all but the first of a visit hits
//   A set of a TLB gets n of the pages: of pages that are a power of two in number and S sets, pages / (S / gcd(S,
//   stride)) each of S / gcd(S, stride) sets, if there are that many pages. LRU with W ways misses n times in all if n
//   <= W, else n times in each pass.
#include "lab.h"

MEASURED stride(uint64_t base, uint64_t pages, uint64_t step, uint64_t passes, uint64_t words, uint64_t stores)
{
    uint64_t sum = 0;
    for (; passes; passes--) {
        uint64_t at = base;
        for (uint64_t n = pages; n; n--, at += step) {
            for (uint64_t i = 0; i < words; i++)
                sum += LOAD(at + 8 * i);
            for (uint64_t i = 0; i < stores; i++)
                STORE(at + 8 * i, n);
        }
    }
    MEASURED_END(sum);
}

int main(int argc, char **argv)
{
    lab_begin(argc, argv, "pages stride passes words stores leaf");
    uint64_t pages = lab_argument("pages", 64), step = lab_argument("stride", 1), passes = lab_argument("passes", 10);
    uint64_t words = lab_argument("words", 1), stores = lab_argument("stores", 0);
    Space s = lab_space(1, stride, 0);
    lab_map(&s, ((pages - 1) * step + 1) * PAGE, 0, (unsigned)lab_argument("leaf", 12), LAB_DATA);
    lab_run(&s, stride, (uint64_t[8]){WINDOW, pages, step * PAGE, passes, words, stores});
    return 0;
}
