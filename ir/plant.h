// SPDX-License-Identifier: GPL-3.0-or-later
// Planted faults: one op done wrong in one place, to test that miscompilations are found (docs/blocks.md). The places
// ask while they compile, and nowhere else.
#pragma once
#include "ir/ir.h"

typedef enum {
    PLANT_NOWHERE,
    PLANT_INTERP,   // what the interpreter is made of, and baseline code from it
    PLANT_BASELINE, // the choice of stencils
    PLANT_REGION,   // the emitter
    PLANT_UNPEEL, PLANT_STATE, PLANT_FOLD, PLANT_DCE, PLANT_WIDEN, // these passes, in their order
    PLANT_PLACES
} PlantPlace;
extern const char *const plant_place_names[PLANT_PLACES];

typedef enum {
    PLANT_USUAL, // the first of these that the op can have, in the order cond, sign, swap, drop, imm
    PLANT_IMM,   // a constant or offset that is one more
    PLANT_SWAP,  // operands exchanged
    PLANT_DROP,  // not done: a store or put is left out, a value is the first operand
    PLANT_SIGN,  // the wrong extension, or signed for unsigned, or the other way round
    PLANT_COND,  // a branch's wrong condition
    PLANT_FAULTS
} PlantFault;

typedef struct {
    PlantPlace place;
    PlantFault fault;
    IrOpcode op;
    unsigned nth; // only the nth such op of each piece of code that is compiled, from 1; 0: all
} Plant;

// PLACE:OP[:FAULT][:NTH]. False: *error says in one line what is wrong, or that the op cannot have that fault.
bool plant_parse(const char *text, Plant *out, GError **error);

// The fault of this process, as one number: 0 is none. Before anything is compiled, or between two compilations of the
// only thread that does.
uint32_t plant_pack(const Plant *p);
Plant plant_unpack(uint32_t packed);
void plant_set(uint32_t packed);
uint32_t plant_get(void);

static inline bool plant_is(PlantPlace place)
{
    return __builtin_expect(plant_get() != 0, 0) && plant_unpack(plant_get()).place == place;
}

// Does op i have the fault, if its turn has come? *seen counts such ops, from 0.
bool plant_hits(const Plant *p, IrOpcode op, unsigned *seen);
// The op that stands for another one under a fault, *swap: with its operands exchanged; IR_OPS: it cannot have it.
IrOpcode plant_other(PlantFault fault, IrOpcode op, bool *swap);
PlantFault plant_fault_of(const Plant *p); // never PLANT_USUAL

// Breaks the ops of code if the fault belongs to this place.
void plant_code(PlantPlace place, IrCode *code);
