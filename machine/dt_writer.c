// SPDX-License-Identifier: GPL-3.0-or-later
// Writing device trees with libfdt.
#include "machine/dt_writer.h"

#include <libfdt.h>
#include <stdarg.h>

struct DtWriter {
    void *fdt;
};

static void check(int result)
{
    g_assert(result == 0); // the buffer is large enough by construction
}

DtWriter *dt_new(size_t size)
{
    DtWriter *w = g_new0(DtWriter, 1);
    w->fdt = g_malloc0(size);
    check(fdt_create(w->fdt, (int)size));
    check(fdt_finish_reservemap(w->fdt));
    return w;
}

GBytes *dt_finish(DtWriter *w)
{
    void *fdt = w->fdt;
    check(fdt_finish(fdt));
    check(fdt_pack(fdt));
    g_free(w);
    return g_bytes_new_take(fdt, fdt_totalsize(fdt));
}

void dt_begin(DtWriter *w, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *name = g_strdup_vprintf(format, args);
    va_end(args);
    check(fdt_begin_node(w->fdt, name));
}

void dt_end(DtWriter *w)
{
    check(fdt_end_node(w->fdt));
}

void dt_flag(DtWriter *w, const char *name)
{
    check(fdt_property(w->fdt, name, NULL, 0));
}

void dt_u32(DtWriter *w, const char *name, uint32_t value)
{
    check(fdt_property_u32(w->fdt, name, value));
}

void dt_u64(DtWriter *w, const char *name, uint64_t value)
{
    check(fdt_property_u64(w->fdt, name, value));
}

void dt_cells(DtWriter *w, const char *name, const uint32_t *values, unsigned n)
{
    void *at;
    check(fdt_property_placeholder(w->fdt, name, (int)(n * 4), &at));
    for (unsigned i = 0; i < n; i++)
        fdt32_st((uint8_t *)at + i * 4, values[i]);
}

void dt_bytes(DtWriter *w, const char *name, const void *data, size_t size)
{
    check(fdt_property(w->fdt, name, data, (int)size));
}

void dt_string(DtWriter *w, const char *name, const char *value)
{
    check(fdt_property_string(w->fdt, name, value));
}

void dt_words(DtWriter *w, const char *name, const char *words)
{
    g_autofree char *list = g_strdup(words);
    dt_bytes(w, name, g_strdelimit(list, " ", 0), strlen(words) + 1);
}

void dt_reg(DtWriter *w, uint64_t base, uint64_t size)
{
    uint32_t values[] = {base >> 32, base, size >> 32, size};
    dt_cells(w, "reg", values, 4);
}
