// SPDX-License-Identifier: GPL-3.0-or-later
// The presets (lab/model_presets.def), and their listing.
#include "lab/model.h"
#include "lab/model_spec.h"
#include <string.h>

static const struct {
    const char *name, *what, *spec, *source;
} presets[] = {
#define PRESET(name, what, spec, source) {name, what, spec, source},
#include "lab/model_presets.def"
#undef PRESET
};

const char *model_preset(const char *name)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(presets); i++)
        if (strcmp(presets[i].name, name) == 0)
            return presets[i].spec;
    return NULL;
}

char *model_presets_text(void)
{
    GString *out = g_string_new(NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(presets); i++)
        g_string_append_printf(out, "%s: %s\n  %s\n  source: %s\n", presets[i].name, presets[i].what, presets[i].spec,
                               presets[i].source);
    return g_string_free(out, FALSE);
}
