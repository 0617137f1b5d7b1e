// SPDX-License-Identifier: GPL-3.0-or-later
// Random instructions and short idioms without loops and calls.
#pragma once
#include "tests/diff/asm.h"

typedef struct {
    Asm asm_;
    bool portable;      // only what QEMU 7.2 does as the manuals say
    bool user;          // in a visit to U-mode
    unsigned floats;    // of 32 plain items so many are floating point
    unsigned next_slot; // first free private slot
} Program;

void items_init(void); // sorts the rows of insns.def; once, after decode_init

// One computational instruction, 32-bit or compressed, or a few loads and stores; never traps outside U-mode.
void item_plain(Program *p);
// float.c: one floating-point item, FS being on; never traps but where frm is no rounding mode.
void item_float(Program *p);
// Turns floating point off, tries some instructions and turns it on again. Machine mode.
unsigned item_float_off(Program *p);
void float_init(void); // as items_init, which calls it
// One register that random code may write, x0 included; one that it may read.
unsigned some_rd(Program *p);
unsigned some_rs(Program *p);
// TEMP or another register that points into the window, for a 12-bit offset.
unsigned some_base(Program *p);
int64_t some_offset(Program *p);
// TEMP := address in the window made of a random register; any alignment.
void window_address(Program *p);
// Any idiom. cost: instructions executed, roughly.
unsigned item_special(Program *p);
// A condition: a random branch whose operands are random registers.
InsnId some_branch(Program *p);
// Enters U-mode, with a random part of the window closed to it.
void enter_user(Program *p);
