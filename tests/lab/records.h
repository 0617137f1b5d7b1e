// SPDX-License-Identifier: GPL-3.0-or-later
// Tap records written by hand, for tests.
#pragma once
#include "util/tap.h"
#include <glib.h>

static inline TapRecord rec_event(TapEvent event, uint64_t what, uint32_t count)
{
    return (TapRecord){what, (uint32_t)event << TAP_SHIFT | TAP_EVENT, count};
}

static inline TapRecord rec_data(MemAccess kind, gva_t va, uint64_t loads, uint64_t stores, uint32_t site, bool cross)
{
    return (TapRecord){va, site << TAP_SHIFT | (cross ? TAP_CROSS : 0) | kind,
                       (uint16_t)loads | (uint32_t)(uint16_t)stores << 16};
}

static inline TapRecord rec_fetch(gva_t va, uint64_t insns, uint32_t site, bool cross)
{
    return (TapRecord){va, site << TAP_SHIFT | (cross ? TAP_CROSS : 0) | ACCESS_FETCH, (uint32_t)insns};
}
