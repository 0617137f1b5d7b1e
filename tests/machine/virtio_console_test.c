// SPDX-License-Identifier: GPL-3.0-or-later
// Virtio's console device: both directions and what waits in them, ports and control messages, the end of input,
// emergency output, and drivers that break the rules.
#include "tests/machine/virtio_rig.h"

#include <fcntl.h>
#include <pty.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define F_SIZE (UINT64_C(1) << 0)
#define F_MULTIPORT (UINT64_C(1) << 1)
#define F_EMERG_WRITE (UINT64_C(1) << 2)
enum { CONTROL_RX = 2, CONTROL_TX = 3 };
enum { DEVICE_READY, PORT_ADD, PORT_REMOVE, PORT_READY, CONSOLE_PORT, RESIZE, PORT_OPEN, PORT_NAME };

#define PORTS 3

typedef struct { // behind a port
    int in, out; // what is typed; what the guest has sent
    int far[2];
    Console *console;
} Line;

static Line lines[PORTS];

static void open_line(Line *l)
{
    int in[2], out[2];
    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    fcntl(out[0], F_SETFL, O_NONBLOCK);
    *l = (Line){in[1], out[0], {in[0], out[1]}, console_new_fds(in[0], out[1], false)};
}

static void add(Fixture *f, const char *id, int nr, bool is_console, const char *name)
{
    VirtioPort p = {.is_console = is_console, .chardev = id, .name = name, .nr = nr};
    BoardChardev c = {id, lines[f->config.chardevs->len].console};
    g_array_append_val((GArray *)f->config.ports, p);
    g_array_append_val((GArray *)f->config.chardevs, c);
}

static int setup(void **state)
{
    assert_int_equal(fixture_setup(state), 0);
    Fixture *f = *state;
    for (unsigned i = 0; i < PORTS; i++)
        open_line(&lines[i]);
    f->config.board = "virt";
    f->config.ports = g_array_new(FALSE, FALSE, sizeof(VirtioPort));
    f->config.chardevs = g_array_new(FALSE, FALSE, sizeof(BoardChardev));
    rig_add_device(f, "virtio-serial-device", NULL, -1);
    return 0;
}

static int teardown(void **state)
{
    Fixture *f = *state;
    fixture_reset(f);
    rig_free(f);
    g_array_free((GArray *)f->config.ports, TRUE);
    g_array_free((GArray *)f->config.chardevs, TRUE);
    for (unsigned i = 0; i < PORTS; i++) {
        console_free(lines[i].console);
        close(lines[i].in);
        close(lines[i].out);
        close(lines[i].far[0]);
        close(lines[i].far[1]);
    }
    return fixture_teardown(state);
}

// Boots; the consoles are read from now on.
static VirtioRig boot(Fixture *f)
{
    fixture_boot(f);
    for (guint i = 0; i < f->config.chardevs->len; i++)
        console_attach(lines[i].console, NULL);
    return rig_at_last_slot(f);
}

static VirtioRig boot_one(Fixture *f)
{
    add(f, "a", 0, true, NULL);
    return boot(f);
}

// The main loop's turn, then that of the harts' thread.
static void turn(VirtioRig *r)
{
    Fixture *f = r->f;
    while (g_main_context_iteration(NULL, FALSE))
        ;
    f->now_ns += 1000;
    board_run_timers(f->board, 0, 1, f->now_ns);
}

static void type(VirtioRig *r, unsigned line, const char *text)
{
    assert_int_equal(write(lines[line].in, text, strlen(text)), strlen(text));
    turn(r);
}

// What the guest has sent to a line.
static const char *sent(unsigned line)
{
    static char text[256];
    ssize_t n = read(lines[line].out, text, sizeof text - 1);
    text[MAX(n, 0)] = 0;
    return text;
}

static void put_text(VirtioRig *r, gpa_t at, const char *text)
{
    for (unsigned i = 0; text[i]; i++)
        fixture_st(r->f, at + i, 1, (uint8_t)text[i]);
}

static const char *get_text(VirtioRig *r, gpa_t at, size_t n)
{
    static char text[256];
    assert_true(n < sizeof text);
    for (unsigned i = 0; i < n; i++)
        text[i] = (char)fixture_ld(r->f, at + i, 1);
    text[n] = 0;
    return text;
}

// Sends a text through a queue.
static void transmit(VirtioRig *r, unsigned queue, const char *text)
{
    rig_on(r, queue);
    put_text(r, DATA, text);
    rig_send(r, 0, DATA, (uint32_t)strlen(text), 0);
}

// Gives a queue a buffer, which is the n-th of its own.
static gpa_t buffer(VirtioRig *r, unsigned queue, unsigned n, uint32_t size)
{
    gpa_t at = DATA + 0x1000 * queue + 0x100 * n;
    rig_on(r, queue);
    rig_send(r, n, at, size, WRITE);
    return at;
}

static void identity(void **state)
{
    VirtioRig r = boot_one(*state);
    assert_int_equal(rig_read(&r, R_DEVICE_ID), 3);
    assert_int_equal(rig_read(&r, R_FEATURES) & 7, F_EMERG_WRITE); // no terminal, one port
    assert_int_equal(rig_read(&r, R_CONFIG + 4), 1);
    rig_write(&r, R_QUEUE_SEL, 2);
    assert_int_equal(rig_read(&r, R_NUM_MAX), 0);
}

static void both_ways(void **state)
{
    VirtioRig r = boot_one(*state);
    rig_start_queues(&r, 0, 2);
    transmit(&r, 1, "hello");
    assert_int_equal(rig_used(&r), 1);
    assert_int_equal(rig_written(&r), 0);
    assert_string_equal(sent(0), "hello");
    type(&r, 0, "early"); // waits for room
    gpa_t at = buffer(&r, 0, 0, 3);
    assert_int_equal(rig_used(&r), 1);
    assert_int_equal(rig_written(&r), 3);
    assert_string_equal(get_text(&r, at, 3), "ear");
    at = buffer(&r, 0, 1, 64);
    assert_int_equal(rig_written(&r), 2);
    assert_string_equal(get_text(&r, at, 2), "ly");
    at = buffer(&r, 0, 2, 64); // and now the room waits
    assert_int_equal(rig_used(&r), 2);
    rig_write(&r, R_ACK, 3);
    type(&r, 0, "late");
    assert_int_equal(rig_used(&r), 3);
    assert_int_equal(rig_read(&r, R_INTERRUPTS), 1);
    assert_string_equal(get_text(&r, at, rig_written(&r)), "late");
}

// What is typed before there is a driver waits for it, through resets too.
static void typed_early(void **state)
{
    VirtioRig r = boot_one(*state);
    type(&r, 0, "first");
    rig_start_queues(&r, 0, 2);
    rig_write(&r, R_STATUS, 0);
    rig_start_queues(&r, 0, 2);
    gpa_t at = buffer(&r, 0, 0, 64);
    assert_string_equal(get_text(&r, at, rig_written(&r)), "first");
}

// A buffer of several descriptors, a piece of 4 KiB and more.
static void long_chain(void **state)
{
    VirtioRig r = boot_one(*state);
    rig_start_queues(&r, 0, 2);
    rig_on(&r, 1);
    for (unsigned i = 0; i < 9000; i++)
        fixture_st(r.f, DATA + i, 1, i % 251);
    rig_desc(&r, 0, DATA, 5, NEXT, 1);
    rig_desc(&r, 1, DATA + 5, 0, NEXT, 2);
    rig_desc(&r, 2, DATA + 5, 8995, 0, 0);
    rig_offer(&r, 0);
    rig_kick(&r);
    assert_int_equal(rig_used(&r), 1);
    uint8_t got[10000];
    assert_int_equal(read(lines[0].out, got, sizeof got), 9000);
    for (unsigned i = 0; i < 9000; i++)
        assert_int_equal(got[i], i % 251);
}

// Whoever does not read holds up the chain, not the hart; nothing is lost and nothing comes twice.
static void slow_reader(void **state)
{
    VirtioRig r = boot_one(*state);
    rig_start_queues(&r, 0, 2);
    rig_on(&r, 1);
    fcntl(lines[0].out, F_SETPIPE_SZ, 4096);
    for (unsigned i = 0; i < 10000; i++)
        fixture_st(r.f, DATA + i, 1, i % 251);
    rig_desc(&r, 0, DATA, 10000, 0, 0);
    rig_offer(&r, 0);
    rig_offer(&r, 0);
    rig_kick(&r);
    assert_int_equal(rig_used(&r), 0);
    rig_kick(&r); // which changes nothing
    turn(&r);
    assert_int_equal(rig_used(&r), 0);
    unsigned got = 0;
    for (unsigned i = 0; i < 100 && got < 20000; i++) {
        uint8_t data[4096];
        ssize_t n = read(lines[0].out, data, sizeof data);
        for (ssize_t k = 0; k < n; k++, got++)
            assert_int_equal(data[k], got % 10000 % 251);
        turn(&r);
        assert_true(got >= rig_used(&r) * 10000 - 4096 * (rig_used(&r) > 0));
    }
    assert_int_equal(got, 20000);
    assert_int_equal(rig_used(&r), 2);
    assert_int_equal(read(lines[0].out, &got, 1), -1);
}

static void emergency(void **state)
{
    VirtioRig r = boot_one(*state);
    rig_write(&r, R_CONFIG + 8, '!');
    rig_write(&r, R_CONFIG, 0x00280050); // columns and rows are not the driver's
    assert_int_equal(rig_read(&r, R_CONFIG), 0);
    fixture_st(r.f, r.base + R_CONFIG + 8, 1, '?');
    assert_string_equal(sent(0), "!?");
}

static void size_of_terminal(void **state)
{
    Fixture *f = *state;
    int master, slave;
    struct winsize size = {.ws_row = 40, .ws_col = 100};
    assert_int_equal(openpty(&master, &slave, NULL, NULL, &size), 0);
    console_free(lines[0].console);
    lines[0].console = console_new_fds(slave, slave, false);
    VirtioRig r = boot_one(f);
    assert_true(rig_read(&r, R_FEATURES) & F_SIZE);
    assert_int_equal(rig_read(&r, R_CONFIG), 40 << 16 | 100);
    rig_start_queues(&r, F_SIZE, 2);
    uint32_t generation = rig_read(&r, R_GENERATION);
    size.ws_row = 24;
    assert_int_equal(ioctl(master, TIOCSWINSZ, &size), 0);
    console_resized(lines[0].console);
    assert_int_equal(rig_read(&r, R_CONFIG), 24 << 16 | 100);
    assert_int_equal(rig_read(&r, R_INTERRUPTS), 2);
    assert_true(rig_read(&r, R_GENERATION) != generation);
    fixture_reset(f);
    close(master);
    close(slave);
}

// --- several ports -------------------------------------------------------------------------------------------------

// A console at port 0, another one at 1, and a stream at 2: queues 0 and 1, 4 and 5, 6 and 7.
static VirtioRig boot_ports(Fixture *f)
{
    add(f, "a", 0, true, NULL);
    add(f, "b", 1, true, NULL);
    add(f, "c", 2, false, "org.addend.test");
    VirtioRig r = boot(f);
    assert_int_equal(rig_read(&r, R_FEATURES) & F_MULTIPORT, F_MULTIPORT);
    assert_int_equal(rig_read(&r, R_CONFIG + 4), 3);
    rig_start_queues(&r, F_MULTIPORT, 8);
    return r;
}

static void tell(VirtioRig *r, unsigned id, unsigned event, unsigned value)
{
    rig_on(r, CONTROL_TX);
    fixture_st(r->f, DATA, 8, id | (uint64_t)event << 32 | (uint64_t)value << 48);
    rig_send(r, 0, DATA, 8, 0);
    turn(r);
}

// The next control message is this one.
static void told(VirtioRig *r, unsigned id, unsigned event, unsigned value, const char *name)
{
    rig_on(r, CONTROL_RX);
    unsigned before = rig_used(r);
    gpa_t at = buffer(r, CONTROL_RX, 0, 64);
    turn(r);
    assert_int_equal(rig_used(r), before + 1);
    assert_int_equal(rig_written(r), 8 + strlen(name));
    assert_int_equal(fixture_ld(r->f, at, 4), id);
    assert_int_equal(fixture_ld(r->f, at + 4, 2), event);
    assert_int_equal(fixture_ld(r->f, at + 6, 2), value);
    assert_string_equal(get_text(r, at + 8, strlen(name)), name);
}

static void told_nothing(VirtioRig *r)
{
    rig_on(r, CONTROL_RX);
    unsigned before = rig_used(r);
    turn(r);
    assert_int_equal(rig_used(r), before);
}

static void introduce(VirtioRig *r)
{
    tell(r, 0, DEVICE_READY, 1);
    for (unsigned i = 0; i < PORTS; i++)
        told(r, i, PORT_ADD, 1, "");
    for (unsigned i = 0; i < 2; i++) {
        tell(r, i, PORT_READY, 1);
        told(r, i, CONSOLE_PORT, 1, "");
        told(r, i, PORT_OPEN, 1, "");
    }
    tell(r, 2, PORT_READY, 1);
    told(r, 2, PORT_OPEN, 1, "");
    told(r, 2, PORT_NAME, 1, "org.addend.test");
}

static void ports(void **state)
{
    VirtioRig r = boot_ports(*state);
    introduce(&r);
    transmit(&r, 1, "zero");
    transmit(&r, 5, "one");
    transmit(&r, 7, "two");
    assert_string_equal(sent(0), "zero");
    assert_string_equal(sent(1), "one");
    assert_string_equal(sent(2), "two");
    gpa_t a = buffer(&r, 4, 0, 64), b = buffer(&r, 6, 0, 64);
    type(&r, 1, "for one");
    type(&r, 2, "for two"); // which waits until the driver has opened the port
    rig_on(&r, 4);
    assert_string_equal(get_text(&r, a, rig_written(&r)), "for one");
    rig_on(&r, 6);
    assert_int_equal(rig_used(&r), 0);
    tell(&r, 2, PORT_OPEN, 1);
    rig_on(&r, 6);
    assert_string_equal(get_text(&r, b, rig_written(&r)), "for two");
    tell(&r, 2, PORT_OPEN, 0);
    buffer(&r, 6, 0, 64);
    type(&r, 2, "more");
    rig_on(&r, 6);
    assert_int_equal(rig_used(&r), 1);
    rig_on(&r, CONTROL_RX); // nothing more to say
    unsigned before = rig_used(&r);
    buffer(&r, CONTROL_RX, 0, 64);
    assert_int_equal(rig_used(&r), before);
}

// The driver hears of the end of a stream behind its last byte, of the end of a console never.
static void end_of_input(void **state)
{
    VirtioRig r = boot_ports(*state);
    introduce(&r);
    buffer(&r, CONTROL_RX, 0, 64);
    tell(&r, 2, PORT_OPEN, 1);
    type(&r, 2, "the last words");
    close(lines[2].in);
    close(lines[1].in);
    lines[1].in = lines[2].in = -1;
    told_nothing(&r);
    gpa_t at = buffer(&r, 6, 0, 4);
    assert_string_equal(get_text(&r, at, rig_written(&r)), "the ");
    told_nothing(&r);
    at = buffer(&r, 6, 0, 64);
    assert_string_equal(get_text(&r, at, rig_written(&r)), "last words");
    turn(&r);
    rig_on(&r, CONTROL_RX);
    at = DATA + 0x1000 * CONTROL_RX;
    assert_int_equal(fixture_ld(r.f, at, 8), 2 | UINT64_C(6) << 32); // PORT_OPEN 0 of port 2
    buffer(&r, CONTROL_RX, 0, 64);
    told_nothing(&r);
    transmit(&r, 7, "still there");
    assert_string_equal(sent(2), "still there");
}

// A driver that does not know of ports has the first one.
static void without_multiport(void **state)
{
    Fixture *f = *state;
    VirtioRig r = boot_ports(f);
    rig_start_queues(&r, 0, 8);
    transmit(&r, 1, "zero");
    transmit(&r, 5, "one"); // of no account
    assert_int_equal(rig_used(&r), 0);
    assert_string_equal(sent(0), "zero");
    assert_string_equal(sent(1), "");
    tell(&r, 0, DEVICE_READY, 1);
    buffer(&r, CONTROL_RX, 0, 64);
    told_nothing(&r);
    assert_int_equal(rig_read(&r, R_STATUS), S_LIVE);
}

static void odd_messages(void **state)
{
    VirtioRig r = boot_ports(*state);
    tell(&r, 9, PORT_READY, 1);
    tell(&r, UINT32_MAX, PORT_OPEN, 1);
    tell(&r, 0, PORT_READY, 0);
    tell(&r, 0, 0xffff, 1);
    tell(&r, 0, DEVICE_READY, 0);
    buffer(&r, CONTROL_RX, 0, 64);
    told_nothing(&r);
    assert_int_equal(rig_read(&r, R_STATUS), S_LIVE);
}

// --- hostile drivers -----------------------------------------------------------------------------------------------

static void hostile(void **state)
{
    static const RigBuffer cases[] = {
        {0, DATA, 16, 0},                 // to receive, but to be read
        {1, DATA, 16, WRITE},             // to transmit, but to be written
        {1, LAST_SLOT, 16, 0},            // not in RAM
        {0, LAST_SLOT, 16, WRITE},
        {CONTROL_RX, DATA, 7, WRITE},     // no room
        {CONTROL_RX, DATA, 64, 0},
        {CONTROL_RX, LAST_SLOT, 64, WRITE},
        {CONTROL_TX, DATA, 7, 0},
        {CONTROL_TX, DATA, 8, WRITE},
        {CONTROL_TX, LAST_SLOT, 8, 0},
    };
    VirtioRig r = boot_ports(*state);
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        rig_start_queues(&r, F_MULTIPORT, 8);
        tell(&r, 0, DEVICE_READY, 1);
        type(&r, 0, "x");
        rig_on(&r, cases[i].queue);
        rig_send(&r, 1, cases[i].addr, cases[i].size, cases[i].flags);
        if (rig_read(&r, R_STATUS) != (S_LIVE | S_NEEDS_RESET))
            print_error("case %u\n", i);
        assert_int_equal(rig_read(&r, R_STATUS), S_LIVE | S_NEEDS_RESET);
    }
    rig_start_queues(&r, F_MULTIPORT, 8);
    introduce(&r);
}

// Chains and messages at random; a reset always helps.
static void random_driver(void **state)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(7);
    VirtioRig r = boot_ports(*state);
    unsigned broken = 0, served = 0;
    for (unsigned i = 0; i < 2000; i++) {
        rig_start_queues(&r, g_rand_boolean(rand) ? F_MULTIPORT | EVENT_IDX : INDIRECT_DESC, 8);
        for (unsigned round = 0; round < 8; round++) {
            unsigned queue = (unsigned)g_rand_int_range(rand, 0, 8), at = (unsigned)g_rand_int_range(rand, 0, 4);
            bool good = g_rand_int_range(rand, 0, 10) > 0;
            rig_on(&r, queue);
            unsigned flags = good ? (queue & 1 ? 0 : WRITE) : (unsigned)g_rand_int_range(rand, 0, 8);
            fixture_st(r.f, DATA, 4, (uint64_t)g_rand_int_range(rand, 0, 4)); // a message to some port
            fixture_st(r.f, DATA + 4, 4, (uint64_t)g_rand_int_range(rand, 0, 9) | (uint64_t)g_rand_boolean(rand) << 16);
            rig_desc(&r, at, g_rand_int_range(rand, 0, 20) ? DATA : LAST_SLOT, (uint32_t)g_rand_int_range(rand, 8, 600),
                     flags, (unsigned)g_rand_int_range(rand, 0, 9));
            rig_offer(&r, at);
            rig_kick(&r);
            if (g_rand_int_range(rand, 0, 4) == 0)
                type(&r, (unsigned)g_rand_int_range(rand, 0, PORTS), "typed");
            if (g_rand_int_range(rand, 0, 20) == 0)
                rig_write(&r, (unsigned)g_rand_int_range(rand, 0, 0x80) * 4, g_rand_int(rand));
            turn(&r);
            for (unsigned n = 0; n < PORTS; n++)
                while (*sent(n))
                    ;
            served += rig_used(&r) > 0;
        }
        broken += rig_read(&r, R_STATUS) >> 6 & 1;
    }
    print_message("%u broken, %u chains served\n", broken, served);
    assert_true(broken > 100 && broken < 2000 && served > 1000);
    rig_start_queues(&r, F_MULTIPORT, 8);
    introduce(&r);
}

int main(int argc, char **argv)
{
    test_data = argc > 1 ? argv[1] : ".";
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(identity),     TEST(both_ways),         TEST(typed_early),  TEST(long_chain), TEST(slow_reader),
        TEST(emergency),    TEST(size_of_terminal),  TEST(ports),        TEST(end_of_input),
        TEST(odd_messages), TEST(without_multiport), TEST(hostile),      TEST(random_driver),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
