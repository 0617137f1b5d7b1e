// SPDX-License-Identifier: GPL-3.0-or-later
// Which guest instruction each piece of host code belongs to.
#include "backend/unit_lines.h"

#include "backend/baseline.h"
#include "backend/inspect.h"
#include "backend/loader.h"
#include "backend/region_info.h"

static int by_place(gconstpointer p, gconstpointer q)
{
    const JitLine *a = p, *b = q;
    return a->host < b->host ? -1 : a->host > b->host;
}

GArray *lines_of_object(const void *object, size_t size, size_t text_size, size_t entry)
{
    g_autoptr(GByteArray) section = g_byte_array_new();
    if (!object_section(object, size, ".addend.lines", section) || !section->len || section->len % sizeof(JitLine))
        return NULL;
    g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(JitLine));
    g_array_append_vals(all, section->data, section->len / sizeof(JitLine));
    g_array_sort(all, by_place); // stable
    unsigned n = 0;
    for (unsigned i = 0; i < all->len; i++) {
        JitLine line = g_array_index(all, JitLine, i);
        line.host += (uint32_t)entry;
        if (line.host > text_size)
            return NULL;
        n -= n && g_array_index(all, JitLine, n - 1).host == line.host;
        const JitLine *last = n ? &g_array_index(all, JitLine, n - 1) : NULL;
        if (!last || last->kind != line.kind || last->pc != line.pc)
            g_array_index(all, JitLine, n++) = line;
    }
    g_array_set_size(all, n);
    return g_steal_pointer(&all);
}

GArray *unit_lines_of(const GArray *lines, uint64_t base)
{
    GArray *out = g_array_new(FALSE, TRUE, sizeof(UnitLine));
    for (unsigned i = 0; lines && i < lines->len; i++) {
        const JitLine *l = &g_array_index(lines, JitLine, i);
        bool insn = l->kind == JIT_LINE_INSN;
        UnitLine line = {.host = l->host, .none = !insn, .data = l->kind == JIT_LINE_DATA,
                         .pc = insn ? base + (uint64_t)l->pc : 0};
        g_array_append_val(out, line);
    }
    return out;
}

GArray *unit_lines(const JitUnit *u)
{
    return u->block ? baseline_lines(u) : unit_lines_of(u->info->lines, u->base);
}
