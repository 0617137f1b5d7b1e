// SPDX-License-Identifier: GPL-3.0-or-later
// The reset vector and OpenSBI's firmware-info block in the MROM (memory/spec.md 6.2).
#pragma once
#include <stdint.h>

#define MROM_INFO 0x28       // bytes: ten words of code and pointers,
#define MROM_IMAGE_SIZE 0x58 // then six 64-bit words, the info block

// Fills image for a machine that starts at start with the device tree at fdt; the firmware finds next_addr
// (0: no kernel) in the info block. Pure.
void mrom_build(uint8_t image[MROM_IMAGE_SIZE], uint64_t start, uint64_t fdt, uint64_t next_addr);
