// SPDX-License-Identifier: GPL-3.0-or-later
// Packets of gdb's remote serial protocol: framing, escapes, checksums.
#include "machine/gdb/packet.h"

#include <string.h>

#define ESCAPE 0x7d
#define ESCAPED_XOR 0x20

static PacketEvent between(PacketReader *r, uint8_t byte)
{
    if (byte == '$') {
        r->state = PACKET_INSIDE;
        r->size = 0;
        r->sum = 0;
        r->too_long = false;
    }
    return byte == 3 ? PACKET_INTERRUPT : byte == '-' ? PACKET_NAK : PACKET_MORE;
}

static void add(PacketReader *r, uint8_t byte)
{
    if (r->size < PACKET_MAX)
        r->text[r->size++] = (char)byte;
    else
        r->too_long = true;
}

static PacketEvent inside(PacketReader *r, uint8_t byte)
{
    if (byte == '$') // it never comes unescaped: another packet, the end of this one is lost
        return between(r, byte);
    if (byte == '#') {
        r->state = PACKET_SUM1;
        return PACKET_MORE;
    }
    r->sum += byte;
    if (r->state == PACKET_ESCAPED) {
        add(r, byte ^ ESCAPED_XOR);
        r->state = PACKET_INSIDE;
    } else if (byte == ESCAPE) {
        r->state = PACKET_ESCAPED;
    } else {
        add(r, byte);
    }
    return PACKET_MORE;
}

PacketEvent packet_read(PacketReader *r, uint8_t byte)
{
    int digit = g_ascii_xdigit_value((char)byte);
    switch (r->state) {
    case PACKET_BETWEEN:
        return between(r, byte);
    case PACKET_INSIDE:
    case PACKET_ESCAPED:
        return inside(r, byte);
    case PACKET_SUM1:
        r->wanted = (uint8_t)(digit << 4);
        r->state = digit < 0 ? PACKET_BETWEEN : PACKET_SUM2;
        return digit < 0 ? PACKET_BAD : PACKET_MORE;
    case PACKET_SUM2:
        r->state = PACKET_BETWEEN;
        r->text[r->size] = 0;
        return digit < 0 || r->too_long || (r->wanted | digit) != r->sum ? PACKET_BAD : PACKET_READY;
    }
    g_assert_not_reached();
}

void packet_write(GString *out, const char *text, size_t size)
{
    uint8_t sum = 0;
    g_string_append_c(out, '$');
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)text[i];
        if (byte == '$' || byte == '#' || byte == ESCAPE || byte == '*') {
            g_string_append_c(out, ESCAPE);
            sum += ESCAPE;
            byte ^= ESCAPED_XOR;
        }
        g_string_append_c(out, (char)byte);
        sum += byte;
    }
    g_string_append_printf(out, "#%02x", sum);
}

bool packet_number(const char **text, uint64_t *value)
{
    const char *p = *text;
    uint64_t v = 0;
    for (; g_ascii_isxdigit(*p); p++)
        v = v << 4 | (unsigned)g_ascii_xdigit_value(*p);
    size_t n = (size_t)(p - *text);
    if (!n || n > 16)
        return false;
    *text = p;
    *value = v;
    return true;
}

bool packet_number_then(const char **text, char then, uint64_t *value)
{
    if (!packet_number(text, value) || **text != then)
        return false;
    *text += then != 0;
    return true;
}

void packet_put_bytes(GString *out, const void *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *b = bytes;
    for (size_t i = 0; i < size; i++) {
        g_string_append_c(out, digits[b[i] >> 4]);
        g_string_append_c(out, digits[b[i] & 0xf]);
    }
}

bool packet_get_bytes(const char *text, void *bytes, size_t size)
{
    uint8_t *b = bytes;
    for (size_t i = 0; i < size; i++) {
        int high = g_ascii_xdigit_value(text[2 * i]);
        int low = high < 0 ? -1 : g_ascii_xdigit_value(text[2 * i + 1]);
        if (low < 0)
            return false;
        b[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}
