// SPDX-License-Identifier: GPL-3.0-or-later
// What is known about how a region was made.
#include "backend/region_info.h"

const char *const jit_stage_names[JIT_STAGES] = {"parse", "verify", "passes", "emit", "gcc", "assemble"};

RegionInfo *region_info_new(void)
{
    RegionInfo *info = g_new0(RegionInfo, 1);
    info->exits_start = INT64_MAX;
    return info;
}

void region_info_free(RegionInfo *info)
{
    if (!info)
        return;
    if (info->lines)
        g_array_free(info->lines, TRUE);
    g_free(info->samples);
    g_free(info);
}
