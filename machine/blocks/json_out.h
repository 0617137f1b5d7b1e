// SPDX-License-Identifier: GPL-3.0-or-later
// JSON text, member by member, without a tree of it in memory: some of what is written has millions of members.
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    GString *out;
    bool comma; // something stands before, in the present object or array
} JsonOut;

// name: of the member of an object; NULL in an array.
void json_begin(JsonOut *j, const char *name, char bracket); // '{' or '['
void json_end(JsonOut *j, char bracket);                     // '}' or ']'
void json_text(JsonOut *j, const char *name, const char *text); // NULL: null
void json_count(JsonOut *j, const char *name, uint64_t n);
void json_int(JsonOut *j, const char *name, int64_t n);
void json_hex(JsonOut *j, const char *name, uint64_t n); // a string, "0x1f": numbers of JavaScript end at 2^53
void json_real(JsonOut *j, const char *name, double x, unsigned digits);
void json_bool(JsonOut *j, const char *name, bool b);
void json_null(JsonOut *j, const char *name);
