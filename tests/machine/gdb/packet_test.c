// SPDX-License-Identifier: GPL-3.0-or-later
// Packets of gdb's protocol: framing both ways, and bytes that no debugger sends.
#include "machine/gdb/packet.h"

#include "tests/test.h"

static PacketReader reader;

static PacketEvent feed(const char *bytes, size_t n)
{
    PacketEvent last = PACKET_MORE;
    for (size_t i = 0; i < n; i++)
        last = packet_read(&reader, (uint8_t)bytes[i]);
    return last;
}

#define FEED(text) feed(text, sizeof(text) - 1)

static void reads_packets(void **state)
{
    (void)state;
    reader = (PacketReader){0};
    assert_int_equal(FEED("$OK#9a"), PACKET_READY);
    assert_string_equal(reader.text, "OK");
    assert_int_equal(FEED("+$#00"), PACKET_READY);
    assert_int_equal(reader.size, 0);
    assert_int_equal(FEED("$OK#9b"), PACKET_BAD);
    assert_int_equal(FEED("$OK#9A"), PACKET_READY);
    assert_int_equal(FEED("$OK#x"), PACKET_BAD);
    assert_int_equal(FEED("$OK#9x"), PACKET_BAD);
    assert_int_equal(FEED("$lost$OK#9a"), PACKET_READY);
    assert_string_equal(reader.text, "OK");
    assert_int_equal(FEED("\3"), PACKET_INTERRUPT);
    assert_int_equal(FEED("-"), PACKET_NAK);
    assert_int_equal(FEED("$\3-#30"), PACKET_READY); // inside they are contents
}

static void reads_escapes(void **state)
{
    (void)state;
    reader = (PacketReader){0};
    assert_int_equal(FEED("$X}\x03}\x04}]}\x0a#ba"), PACKET_READY);
    assert_int_equal(reader.size, 5);
    assert_memory_equal(reader.text, "X#$}*", 6);
}

static void too_long(void **state)
{
    (void)state;
    reader = (PacketReader){0};
    for (unsigned over = 0; over < 2; over++) {
        feed("$", 1);
        uint8_t sum = 0;
        for (unsigned i = 0; i < PACKET_MAX + over; i++, sum += 'a')
            feed("a", 1);
        g_autofree char *end = g_strdup_printf("#%02x", sum);
        assert_int_equal(feed(end, 3), over ? PACKET_BAD : PACKET_READY);
        assert_int_equal(reader.size, PACKET_MAX);
    }
}

// What is written is read as the same.
static void round_trip(void **state)
{
    (void)state;
    uint32_t seed = 1;
    for (unsigned n = 0; n < 300; n++) {
        char bytes[300];
        for (unsigned i = 0; i < n; i++)
            bytes[i] = (char)((seed = seed * 1664525 + 1013904223) >> 24);
        g_autoptr(GString) text = g_string_new(NULL);
        packet_write(text, bytes, n);
        reader = (PacketReader){0};
        assert_int_equal(feed(text->str, text->len), PACKET_READY);
        assert_int_equal(reader.size, n);
        assert_memory_equal(reader.text, bytes, n);
    }
}

static void any_bytes(void **state)
{
    (void)state;
    static const char likely[] = "$#}+-\3$$##00ffz";
    uint32_t seed = 7;
    reader = (PacketReader){0};
    for (unsigned i = 0; i < 2000000; i++) {
        seed = seed * 1664525 + 1013904223;
        uint8_t byte = (uint8_t)(seed >> 24);
        packet_read(&reader, seed >> 20 & 1 ? (uint8_t)likely[byte & 15] : byte);
        assert_true(reader.size <= PACKET_MAX);
    }
    FEED("#00"); // whatever it was in
    FEED("#00");
    assert_int_equal(FEED("$OK#9a"), PACKET_READY);
}

static void numbers(void **state)
{
    (void)state;
    uint64_t v;
    const char *text = "ffffffffffffffff,10:";
    assert_true(packet_number_then(&text, ',', &v));
    assert_int_equal(v, UINT64_MAX);
    assert_true(packet_number_then(&text, ':', &v));
    assert_int_equal(v, 16);
    assert_int_equal(*text, 0);
    assert_false(packet_number(&text, &v));
    text = "12345678123456781";
    assert_false(packet_number(&text, &v));
    text = "12";
    assert_true(packet_number_then(&text, 0, &v));
    text = "12x";
    assert_false(packet_number_then(&text, 0, &v));
    uint8_t bytes[2];
    assert_true(packet_get_bytes("0aFf", bytes, 2));
    assert_int_equal(bytes[0], 10);
    assert_int_equal(bytes[1], 255);
    assert_false(packet_get_bytes("0aF", bytes, 2));
    assert_false(packet_get_bytes("0g00", bytes, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_packets), cmocka_unit_test(reads_escapes), cmocka_unit_test(too_long),
        cmocka_unit_test(round_trip),    cmocka_unit_test(any_bytes),     cmocka_unit_test(numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
