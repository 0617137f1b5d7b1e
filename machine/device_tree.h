// SPDX-License-Identifier: GPL-3.0-or-later
// The board's flattened device tree (memory/spec.md 6.4). Not named fdt.h: libfdt has a header of that name.
#pragma once
#include "machine/board.h"
#include "machine/dt_writer.h"
#include <stdbool.h>
#include <stdint.h>

#define DEVICE_TREE_SEED 32

typedef struct {
    const char *compatible, *model; // of the root; compatible: words
    const char *stdout_path;        // NULL: none
    const BoardRange *ram;
    unsigned n_ram;
    unsigned harts;
    const char *isa;      // riscv,isa
    const char *mmu_type; // NULL: no mmu-type property
    const char *bootargs; // NULL: none
    uint64_t initrd_start, initrd_end; // end 0: none
    const uint8_t *rng_seed; // DEVICE_TREE_SEED random bytes for the kernel; NULL: none
    void *opaque;            // of the next two, which write the nodes of devices
    void (*soc)(void *opaque, DtWriter *w);  // into /soc
    void (*root)(void *opaque, DtWriter *w); // into /
} DeviceTreeConfig;

// The property interrupts-extended of a device with two interrupts at each of so many harts. Of phandles, the numbers
// behind 2 * harts are free for devices.
void device_tree_hart_irqs(DtWriter *w, unsigned harts, uint32_t first, uint32_t second);

// A packed device tree. The caller owns it. Cannot fail: the tree is ours.
GBytes *device_tree_build(const DeviceTreeConfig *config);

// The tree in file path (-dtb), with bootargs and initrd of config in /chosen. Errors: unreadable, not a
// device tree.
GBytes *device_tree_load(const char *path, const DeviceTreeConfig *config, GError **error);
