// SPDX-License-Identifier: GPL-3.0-or-later
// A hash table from two 64-bit numbers to one.
#pragma once
#include <glib.h>
#include <stdint.h>

typedef struct {
    uint64_t a, b, value;
    uint64_t used; // not 0: there is something
} PairSlot;

typedef struct {
    PairSlot *slots;
    uint64_t size, n; // size: a power of two
} PairMap;

void pair_map_init(PairMap *m);
void pair_map_deinit(PairMap *m);
// The value of a, b, made as 0 if it is not there; good until the next call.
uint64_t *pair_map_at(PairMap *m, uint64_t a, uint64_t b);
// All pairs sorted by a, then by b. *n: how many. The caller frees them with g_free.
PairSlot *pair_map_sorted(const PairMap *m, uint64_t *n);
