// SPDX-License-Identifier: GPL-3.0-or-later
// What is known about how a region was made, besides its code: for who looks at it.
#pragma once
#include "backend/jit_abi.h"
#include <glib.h>

extern const char *const jit_stage_names[JIT_STAGES];

typedef enum { // why a region is not larger
#define REGION_END(NAME, text) REGION_END_##NAME,
#include "backend/end_reasons.def"
    REGION_ENDS
} RegionEnd;
_Static_assert(REGION_ENDS <= 32, "sets of them are words");

typedef struct RegionInfo {
    JitRequest rq;         // as it was compiled; if it was loaded, as it would be here
    unsigned mode;         // translation mode of its blocks
    uint32_t ends;         // 1 << RegionEnd ...
    unsigned times_made;   // again, larger
    uint64_t stage_ns[JIT_STAGES];
    uint64_t load_ns;      // CPU time of its installation
    GArray *lines;         // as in QueueResult; NULL: none
    uint64_t sampled;      // instructions that ran in it, as far as inspect_sample was told
    uint64_t *samples;     // ... by block; NULL: none yet
    uint64_t exits;        // ways out to other code before exits_left was last set,
    int64_t exits_start;   // to this
} RegionInfo;

RegionInfo *region_info_new(void);
void region_info_free(RegionInfo *info); // NULL: nothing
