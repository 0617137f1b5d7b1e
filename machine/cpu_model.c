// SPDX-License-Identifier: GPL-3.0-or-later
// The hart model rv64: switches, ISA string.
#include "machine/cpu_model.h"

#include "machine/options_value.h"
#include <gio/gio.h>
#include <string.h>

#define LETTERS "rv64imafdc"

void cpu_model_init(HartFeatures *out)
{
    *out = (HartFeatures){
#define FEATURE(name, on) .name = on,
#include "frontend/features.def"
        .sv48 = true,
        .sv57 = true,
        .rdtime = true,
    };
}

static bool set_model(void *opaque, const char *option, const char *value, GError **error)
{
    (void)opaque;
    if (!strcmp(value, "rv64"))
        return true;
    return value_error(error, option, "'%s' is not supported, only 'rv64' is", value);
}

#define SWITCH(name)                                                                                                   \
    static bool set_##name(void *opaque, const char *option, const char *value, GError **error)                       \
    {                                                                                                                  \
        return value_on_off(option, value, &((HartFeatures *)opaque)->name, error);                                   \
    }
#define FEATURE(name, on) SWITCH(name)
#include "frontend/features.def"
SWITCH(sv48)
SWITCH(sv57)
SWITCH(rdtime)

bool cpu_model_parse(HartFeatures *out, const char *option, const char *text, GError **error)
{
    static const ValueProperty properties[] = {
        {"model", set_model},
#define FEATURE(name, on) {#name, set_##name},
#include "frontend/features.def"
        {"sv48", set_sv48},
        {"sv57", set_sv57},
        {"rdtime", set_rdtime},
    };
    cpu_model_init(out);
    if (!value_properties(option, text, properties, G_N_ELEMENTS(properties), out, error))
        return false;
    out->sv57 &= out->sv48; // which Sv57 asks for (priv. spec 4.6)
    out->sstc &= out->rdtime; // whose software reads the time
    return true;
}

char *cpu_model_isa(const HartFeatures *features)
{
    GString *s = g_string_new(LETTERS);
#define FEATURE(name, on)                                                                                              \
    if (features->name)                                                                                                \
        g_string_append(s, "_" #name);
#define BUILT_IN(name) g_string_append(s, "_" #name);
#include "frontend/features.def"
    return g_string_free(s, FALSE);
}

const char *cpu_model_mmu_type(const HartFeatures *features)
{
    return features->sv57 ? "riscv,sv57" : features->sv48 ? "riscv,sv48" : "riscv,sv39";
}

void cpu_model_print(FILE *out)
{
    HartFeatures f;
    cpu_model_init(&f);
    g_autofree char *isa = cpu_model_isa(&f);
    fprintf(out, "%-15s %s\n%-15s switches:", "", isa, "");
#define FEATURE(name, on) fprintf(out, " " #name "=%s", f.name ? "on" : "off");
#include "frontend/features.def"
    fprintf(out, " sv48=on sv57=on rdtime=on\n");
}
