// SPDX-License-Identifier: GPL-3.0-or-later
// Packets of gdb's remote serial protocol (gdb manual, appendix E): bytes to packets and back, and hexadecimal text.
// Knows nothing of machines.
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define PACKET_MAX 0x4000 // bytes of a packet's contents, either way

typedef enum {
    PACKET_MORE,      // nothing yet
    PACKET_READY,     // text and size are a packet
    PACKET_BAD,       // its checksum is wrong, or it is too long: it is dropped
    PACKET_INTERRUPT, // Ctrl-C between packets
    PACKET_NAK,       // '-' between packets: what was sent last is wanted again
} PacketEvent;

typedef struct { // zeroed at first
    enum { PACKET_BETWEEN, PACKET_INSIDE, PACKET_ESCAPED, PACKET_SUM1, PACKET_SUM2 } state;
    uint8_t sum, wanted;
    bool too_long;
    size_t size;
    char text[PACKET_MAX + 1]; // without its escapes; a NUL behind it
} PacketReader;

// One more byte.
PacketEvent packet_read(PacketReader *r, uint8_t byte);
// Appends a packet with that contents: framed, escaped, with its checksum.
void packet_write(GString *out, const char *text, size_t size);

// Takes up to 16 hexadecimal digits off *text. False: there are none, or more.
bool packet_number(const char **text, uint64_t *value);
// The same, and the character behind them, which must be that one.
bool packet_number_then(const char **text, char then, uint64_t *value);
void packet_put_bytes(GString *out, const void *bytes, size_t size); // as hexadecimal digits
// Hexadecimal digits to size bytes. False: other characters, or too few.
bool packet_get_bytes(const char *text, void *bytes, size_t size);
