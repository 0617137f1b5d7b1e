// SPDX-License-Identifier: GPL-3.0-or-later
// Members of JSON objects that are being built.
#pragma once
#include <json-glib/json-glib.h>
#include <stdint.h>

void json_add_int(JsonBuilder *b, const char *name, uint64_t v);
void json_add_double(JsonBuilder *b, const char *name, double v);
void json_begin_object(JsonBuilder *b, const char *name); // until json_builder_end_object; NULL: in an array
