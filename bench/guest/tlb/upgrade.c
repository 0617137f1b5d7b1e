// SPDX-License-Identifier: GPL-3.0-or-later
// Pages whose D bit is clear: in each pass each is read, then each is written, which sets the bit. Wants -cpu svadu=on.
//   loads and stores pages * passes each. Entries enough for all: pages misses that are cold and pages upgrades. Too
//   few: as of a cyclic walk, and no upgrades: when the store comes the entry is gone.
#include "lab.h"

MEASURED upgrade(uint64_t base, uint64_t pages, uint64_t passes)
{
    uint64_t sum = 0, end = base + pages * PAGE;
    for (; passes; passes--) {
        for (uint64_t at = base; at != end; at += PAGE)
            sum += LOAD(at);
        for (uint64_t at = base; at != end; at += PAGE)
            STORE(at, sum);
    }
    MEASURED_END(sum);
}

int main(int argc, char **argv)
{
    lab_begin(argc, argv, "pages passes");
    uint64_t pages = lab_argument("pages", 16), passes = lab_argument("passes", 10);
    CSR_SET(0x30a, UINT64_C(1) << 61); // menvcfg.ADUE
    Space s = lab_space(1, upgrade, 0);
    lab_map(&s, pages * PAGE, 0, 12, PTE_A | PTE_R | PTE_W | PTE_V);
    lab_run(&s, upgrade, (uint64_t[8]){WINDOW, pages, passes});
    return 0;
}
