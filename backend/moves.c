// SPDX-License-Identifier: GPL-3.0-or-later
// Guest addresses in machine code.
#include "backend/moves.h"

#include "backend/loader.h"
#include <gio/gio.h>
#include <string.h>

static int ascending(gconstpointer p, gconstpointer q)
{
    uint32_t a = *(const uint32_t *)p, b = *(const uint32_t *)q;
    return a < b ? -1 : a > b;
}

bool moves_are_good(const uint32_t *moves, unsigned n, size_t text_size)
{
    for (unsigned i = 0; i < n; i++)
        if (moves[i] > text_size || text_size - moves[i] < 8 || (i && moves[i] - moves[i - 1] < 8) ||
            (i && moves[i] < moves[i - 1]))
            return false;
    return true;
}

GArray *moves_of_object(const void *object, size_t size, unsigned index, const GByteArray *text, size_t entry,
                        GError **error)
{
    g_autoptr(GArray) moves = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    g_autoptr(GByteArray) section = g_byte_array_new();
    g_autofree char *name = object_name(".addend.pc", index);
    bool ok = object_section(object, size, name, section) && section->len % sizeof(uint32_t) == 0;
    g_array_append_vals(moves, section->data, section->len / sizeof(uint32_t));
    for (unsigned i = 0; i < moves->len; i++)
        g_array_index(moves, uint32_t, i) += (uint32_t)entry;
    g_array_sort(moves, ascending);
    if (ok && moves_are_good((const uint32_t *)(const void *)moves->data, moves->len, text->len))
        return g_steal_pointer(&moves);
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "object file from GCC: no good table of guest addresses");
    return NULL;
}

void moves_apply(uint8_t *text, const uint32_t *moves, unsigned n, uint64_t distance)
{
    for (unsigned i = 0; i < n; i++) {
        uint64_t pc;
        memcpy(&pc, text + moves[i], sizeof pc);
        pc += distance;
        memcpy(text + moves[i], &pc, sizeof pc);
    }
}
