// SPDX-License-Identifier: GPL-3.0-or-later
// GNU libopcodes as the reference disassembler, knowing just the extensions of insns.def.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct LibOpcodes LibOpcodes;

// options as for objdump -M ("no-aliases"). Aborts the test program on failure.
LibOpcodes *libopcodes_new(const char *options);
void libopcodes_free(LibOpcodes *lo);

// The text of one instruction at pc, valid until the next call, without libopcodes' "# ..." remark. *len is
// its length in bytes. Only instructions of 2 and 4 bytes.
const char *libopcodes_text(LibOpcodes *lo, uint64_t pc, uint32_t bits, unsigned *len);
