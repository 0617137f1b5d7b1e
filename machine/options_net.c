// SPDX-License-Identifier: GPL-3.0-or-later
// Options about networks: -netdev, and what -device virtio-net-device says of them.
#include "machine/options_set.h"

#include "machine/options_value.h"
#include <arpa/inet.h>
#include <string.h>

typedef struct {
    Options *options;
    NetItem item;
} Netdev;

static bool netdev_kind(void *opaque, const char *option, const char *value, GError **error)
{
    (void)opaque; // there is only one
    return choose(LIST_NETDEV, option, value, error);
}

TEXT_PROPERTY(netdev_id, Netdev, id)

static bool netdev_restrict(void *opaque, const char *option, const char *value, GError **error)
{
    return value_on_off(option, value, &((Netdev *)opaque)->item.restricted, error);
}

// --- hostfwd=[tcp|udp]:[ADDRESS]:PORT-[ADDRESS]:PORT ---------------------------------------------------------------

static bool parse_address(const char *text, uint32_t *address)
{
    struct in_addr in = {0};
    if (*text && inet_pton(AF_INET, text, &in) != 1)
        return false;
    *address = ntohl(in.s_addr);
    return true;
}

static bool parse_port(const char *text, uint16_t *port)
{
    uint64_t n;
    if (!value_count("", text, 1, UINT16_MAX, &n, NULL))
        return false;
    *port = (uint16_t)n;
    return true;
}

static bool netdev_hostfwd(void *opaque, const char *option, const char *value, GError **error)
{
    Netdev *n = opaque;
    NetForward f = {.netdev = n->options->netdevs->len, .text = options_keep(n->options, value)};
    g_auto(GStrv) sides = g_strsplit(value, "-", 2);
    g_auto(GStrv) host = g_strsplit(sides[0], ":", 4);
    g_auto(GStrv) guest = g_strsplit(sides[1] ? sides[1] : "", ":", 3);
    if (g_strv_length(host) != 3 || g_strv_length(guest) != 2)
        return value_error(error, option, "'%s' is not [tcp|udp]:[ADDRESS]:PORT-[ADDRESS]:PORT", value);
    f.udp = !strcmp(host[0], "udp");
    if (!f.udp && *host[0] && strcmp(host[0], "tcp"))
        return value_error(error, option, "'%s' is neither 'tcp' nor 'udp'", host[0]);
    if (!parse_address(host[1], &f.host) || !parse_address(guest[0], &f.guest))
        return value_error(error, option, "'%s' has an address that is none of IPv4", value);
    if (!parse_port(host[2], &f.host_port) || !parse_port(guest[1], &f.guest_port))
        return value_error(error, option, "'%s' has a port that is not a number from 1 to 65535", value);
    g_array_append_val(n->options->forwards, f);
    return true;
}

static bool has_netdev(const Options *o, const char *id)
{
    for (unsigned i = 0; i < o->netdevs->len; i++)
        if (!strcmp(g_array_index(o->netdevs, NetItem, i).id, id))
            return true;
    return false;
}

bool set_netdev(Options *o, const char *option, const char *value, GError **error)
{
    static const ValueProperty properties[] = {
        {"type", netdev_kind}, {"id", netdev_id}, {"restrict", netdev_restrict}, {"hostfwd", netdev_hostfwd},
    };
    Netdev n = {.options = o};
    if (!value_properties(option, value, properties, G_N_ELEMENTS(properties), &n, error))
        return false;
    if (!n.item.id)
        return value_error(error, option, "needs id=");
    if (has_netdev(o, n.item.id))
        return value_error(error, option, "id=%s: another -netdev has it", n.item.id);
    g_array_append_val(o->netdevs, n.item);
    return true;
}

// --- devices -------------------------------------------------------------------------------------------------------

bool parse_mac(const char *option, const char *value, unsigned char mac[6], GError **error)
{
    for (unsigned i = 0; i < 6; i++) {
        const char *p = value + 3 * i;
        bool ok = strlen(value) == 17 && g_ascii_isxdigit(p[0]) && g_ascii_isxdigit(p[1]) && p[2] == (i < 5 ? ':' : 0);
        if (!ok)
            return value_error(error, option, "'%s' is not six bytes in hexadecimal with colons between", value);
        mac[i] = (unsigned char)(g_ascii_xdigit_value(p[0]) << 4 | g_ascii_xdigit_value(p[1]));
    }
    return !(mac[0] & 1) || value_error(error, option, "'%s' is the address of a group", value);
}

bool check_netdevs(const Options *o, GError **error)
{
    for (unsigned i = 0; i < o->virtio->len; i++) {
        const char *id = g_array_index(o->virtio, VirtioItem, i).netdev;
        if (id && !has_netdev(o, id))
            return value_error(error, "-device", "netdev=%s: there is no -netdev with this id", id);
        for (unsigned j = 0; id && j < i; j++)
            if (!g_strcmp0(g_array_index(o->virtio, VirtioItem, j).netdev, id))
                return value_error(error, "-device", "netdev=%s: another device has it", id);
    }
    return true;
}
