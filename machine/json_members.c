// SPDX-License-Identifier: GPL-3.0-or-later
// Members of JSON objects.
#include "machine/json_members.h"

void json_add_int(JsonBuilder *b, const char *name, uint64_t v)
{
    json_builder_set_member_name(b, name);
    json_builder_add_int_value(b, (gint64)v);
}

void json_add_double(JsonBuilder *b, const char *name, double v)
{
    json_builder_set_member_name(b, name);
    json_builder_add_double_value(b, v);
}

void json_begin_object(JsonBuilder *b, const char *name)
{
    if (name)
        json_builder_set_member_name(b, name);
    json_builder_begin_object(b);
}
