// SPDX-License-Identifier: GPL-3.0-or-later
// What -drive if=pflash puts into a board's flash, and what starts from there.
#include "machine/board_flash.h"

#include "machine/devices/pflash.h"

// The board's flash of that number, in the order of its table, or NULL.
static Device *find_flash(const Board *b, unsigned unit)
{
    for (guint i = 0; i < b->bus.devices->len; i++) {
        Device *d = b->bus.devices->pdata[i];
        if (d->type == &device_pflash && !unit--)
            return d;
    }
    return NULL;
}

bool board_plug_flash(Board *b, GError **error)
{
    const GArray *drives = b->config.drives;
    for (guint i = 0; drives && i < drives->len; i++) {
        const DriveItem *item = &g_array_index(drives, DriveItem, i);
        if (!item->flash)
            continue;
        Device *d = find_flash(b, item->unit);
        if (!d)
            return board_fail(error, "-drive if=pflash,unit=%u: the board %s has no such flash (-M virt has 0 and 1)",
                              item->unit, b->type->name);
        if (!pflash_load(d, item, error))
            return false;
    }
    return true;
}

bool board_start_flash(const Board *b, BoardImages *images, GError **error)
{
    const GArray *drives = b->config.drives;
    for (guint i = 0; drives && i < drives->len; i++) {
        const DriveItem *item = &g_array_index(drives, DriveItem, i);
        if (!item->flash)
            continue;
        gpa_t base = find_flash(b, item->unit)->row->base;
        if (item->unit && b->config.kernel)
            return board_fail(error, "-drive if=pflash,unit=%u: what is there starts in place of -kernel", item->unit);
        *(item->unit ? &images->next_addr : &images->start) = base;
    }
    return true;
}
