// SPDX-License-Identifier: GPL-3.0-or-later
// What is known about how a region was made.
#include "backend/region_info.h"

RegionInfo *region_info_new(void)
{
    RegionInfo *info = g_new0(RegionInfo, 1);
    info->exits_start = INT64_MAX;
    return info;
}

void region_info_free(RegionInfo *info)
{
    g_free(info);
}
