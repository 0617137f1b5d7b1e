// SPDX-License-Identifier: GPL-3.0-or-later
// The board's flattened device tree (memory/spec.md 6.4). Not named fdt.h: libfdt has a header of that name.
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define DEVICE_TREE_SEED 32

typedef struct {
    uint64_t ram_base, ram_size;
    unsigned harts;
    const char *isa;      // riscv,isa
    const char *mmu_type; // NULL: no mmu-type property
    const char *bootargs; // NULL: none
    uint64_t initrd_start, initrd_end; // end 0: none
    bool htif_fixed;      // HTIF sits at its fixed address, which /htif then names
    uint64_t htif_base, htif_size;
    uint64_t clint_base, clint_size; // size 0: no CLINT
    bool has_htif;
    const uint8_t *rng_seed; // DEVICE_TREE_SEED random bytes for the kernel; NULL: none
} DeviceTreeConfig;

// A packed device tree. The caller owns it. Cannot fail: the tree is ours.
GBytes *device_tree_build(const DeviceTreeConfig *config);

// The tree in file path (-dtb), with bootargs and initrd of config in /chosen. Errors: unreadable, not a
// device tree.
GBytes *device_tree_load(const char *path, const DeviceTreeConfig *config, GError **error);
