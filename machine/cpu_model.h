// SPDX-License-Identifier: GPL-3.0-or-later
// The hart model rv64: its extensions as -cpu switches them, as an ISA string and for the device tree.
#pragma once
#include "frontend/hart.h"
#include <stdio.h>

void cpu_model_init(HartFeatures *out); // what -cpu rv64 means

// -cpu rv64[,NAME=on|off...]: NAME is a switch of frontend/features.def, or sv48 or sv57 (page-table depths) or rdtime.
// option is for messages. False: *error.
bool cpu_model_parse(HartFeatures *out, const char *option, const char *text, GError **error);

// The ISA string (unprivileged spec ch. 27); free it.
char *cpu_model_isa(const HartFeatures *features);
// mmu-type of the device tree: the deepest page table; static.
const char *cpu_model_mmu_type(const HartFeatures *features);

// For -cpu help: the string of the default hart and its switches.
void cpu_model_print(FILE *out);
