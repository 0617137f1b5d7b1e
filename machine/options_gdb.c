// SPDX-License-Identifier: GPL-3.0-or-later
// Options of the gdb stub.
#include "machine/options_set.h"

#include "machine/options_value.h"
#include <string.h>

#pragma GCC diagnostic ignored "-Wunused-parameter" // all setters have one shape, few need all of it

// What may stand behind the address in QEMU's form, and is so here in any case. False: *error.
static bool check_property(const char *option, const char *word, GError **error)
{
    static const char *const known[] = {"server", "server=on", "nowait", "wait=off", "nodelay", "nodelay=on",
                                        "nodelay=off"};
    for (unsigned i = 0; i < G_N_ELEMENTS(known); i++)
        if (!strcmp(word, known[i]))
            return true;
    if (!strcmp(word, "wait") || !strcmp(word, "wait=on"))
        return value_error(error, option, "it does not wait for gdb: -S has the guest wait");
    return value_error(error, option, "'%s' is none of server, nowait and nodelay", word);
}

// "[HOST]:PORT".
static bool set_tcp(Options *o, const char *option, const char *address, GError **error)
{
    const char *colon = strrchr(address, ':');
    uint64_t port;
    if (!colon)
        return value_error(error, option, "'%s' has no port: tcp:[HOST]:PORT", address);
    if (!value_count(option, colon + 1, 0, UINT16_MAX, &port, error))
        return false;
    g_autofree char *host = g_strndup(address, (gsize)(colon - address));
    o->gdb_host = options_keep(o, host);
    o->gdb_port = (uint16_t)port;
    o->gdb_path = NULL;
    return true;
}

bool set_gdb(Options *o, const char *option, const char *value, GError **error)
{
    g_auto(GStrv) words = g_strsplit(value, ",", -1);
    const char *address = words[0] ? words[0] : "";
    for (char **w = words; *w && w[1]; w++)
        if (!check_property(option, w[1], error))
            return false;
    if (!strcmp(address, "none")) {
        o->gdb = false;
        return true;
    }
    o->gdb = true;
    if (g_str_has_prefix(address, "tcp:"))
        return set_tcp(o, option, address + strlen("tcp:"), error);
    if (!g_str_has_prefix(address, "unix:"))
        return value_error(error, option, "'%s' is none of tcp:[HOST]:PORT, unix:PATH and none", value);
    o->gdb_path = options_keep(o, address + strlen("unix:"));
    return *o->gdb_path || value_error(error, option, "unix: needs a path behind it");
}

bool set_gdb_usual(Options *o, const char *option, const char *value, GError **error)
{
    return set_gdb(o, option, "tcp::1234", error);
}

bool check_gdb(const Options *o, GError **error)
{
    if (!o->gdb)
        return true;
    if (o->accel == ACCEL_CHECK)
        return value_error(error, "-gdb", "not with -accel check");
    return o->command != COMMAND_AOT || value_error(error, "aot", "-gdb has no use here");
}
