// SPDX-License-Identifier: GPL-3.0-or-later
// The guest that `addend demo` runs, an ELF image made from bench/guest/demo.c when the program is built.
#pragma once
#include <stddef.h>

extern const unsigned char demo_elf[];
extern const size_t demo_elf_size;
