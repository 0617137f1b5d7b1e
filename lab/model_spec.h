// SPDX-License-Identifier: GPL-3.0-or-later
// The presets, for the parser of descriptions.
#pragma once
// Short form, or NULL: no such preset.
const char *model_preset(const char *name);
