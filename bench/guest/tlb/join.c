// SPDX-License-Identifier: GPL-3.0-or-later
// A hash join: the keys of one table go into a hash table of 2^bits words (linear probing, 0: free), those of another
// are looked up in it.
//   loads: for each key built or probed, one of the key and one for each slot looked at; stores: one for each key
//   built. Slots and misses: by replay of the same arithmetic. The result is the number of matches.
#include "lab.h"

MEASURED join(uint64_t build, uint64_t built, uint64_t probe, uint64_t probed, uint64_t table, uint64_t mask,
    uint64_t multiplier)
{
    uint64_t matches = 0, slot;
    for (; built; built--, build += 8) {
        uint64_t key = LOAD(build);
        for (slot = key * multiplier >> 32 & mask; LOAD(table + 8 * slot); slot = (slot + 1) & mask)
            continue;
        STORE(table + 8 * slot, key);
    }
    for (; probed; probed--, probe += 8) {
        uint64_t key = LOAD(probe), found;
        for (slot = key * multiplier >> 32 & mask; (found = LOAD(table + 8 * slot)); slot = (slot + 1) & mask)
            matches += found == key;
    }
    MEASURED_END(matches);
}

static uint64_t up(uint64_t bytes)
{
    return (bytes + PAGE - 1) & -PAGE;
}

int main(int argc, char **argv)
{
    lab_begin(argc, argv, "built probed bits seed leaf");
    uint64_t built = lab_argument("built", 4000), probed = lab_argument("probed", 8000);
    uint64_t bits = lab_argument("bits", 13), state = lab_argument("seed", 1);
    uint64_t probe = up(built * 8), table = probe + up(probed * 8), bytes = table + up(UINT64_C(8) << bits);
    if (built >> bits) {
        printf("the table is too small\n");
        return 2;
    }
    Space s = lab_space(1, join, 0);
    lab_map(&s, bytes, 0, (unsigned)lab_argument("leaf", 12), LAB_DATA);
    for (uint64_t i = 0; i < built; i++)
        STORE(MEMORY + 8 * i, 1 + lab_random(&state, 4 * built));
    for (uint64_t i = 0; i < probed; i++)
        STORE(MEMORY + probe + 8 * i, 1 + lab_random(&state, 4 * built));
    for (uint64_t i = 0; i < bytes - table; i += 8)
        STORE(MEMORY + table + i, 0);
    lab_run(&s, join, (uint64_t[8]){WINDOW, built, WINDOW + probe, probed, WINDOW + table, (UINT64_C(1) << bits) - 1,
                          UINT64_C(0x9e3779b97f4a7c15)});
    return 0;
}
