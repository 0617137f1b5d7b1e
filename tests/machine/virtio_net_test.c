// SPDX-License-Identifier: GPL-3.0-or-later
// Virtio's network card and the network behind it: DHCP, ARP, ICMP, UDP to the host, a forwarded port; what waits for
// room; drivers that break the rules.
#include "machine/net_user.h"
#include "tests/machine/virtio_rig.h"

#include <arpa/inet.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define F_MAC (UINT64_C(1) << 5)
#define F_STATUS (UINT64_C(1) << 16)
enum { RX, TX };
#define HEADER 12
#define PATIENCE_MS 10000
#define GUEST 0x0a00020f // 10.0.2.15
#define ROUTER 0x0a000202

static const uint8_t mac[6] = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};
static NetUser *net;

// --- the network and the card --------------------------------------------------------------------------------------

static NetUser *new_network(bool restricted, uint16_t forward, GError **error)
{
    g_autoptr(GArray) forwards = g_array_new(FALSE, FALSE, sizeof(NetForward));
    NetForward tcp = {0, false, INADDR_LOOPBACK, 0, forward, 80, "the one"};
    NetForward other = {1, false, INADDR_LOOPBACK, 0, 1, 80, "of another network"};
    if (forward)
        g_array_append_val(forwards, tcp);
    g_array_append_val(forwards, other);
    return net_user_new(&(NetItem){"n", restricted}, 0, forwards, error);
}

static VirtioRig boot(Fixture *f, bool restricted, uint16_t forward)
{
    VirtioItem item = {.driver = "virtio-net-device", .netdev = "n", .bus = -1};
    memcpy(item.mac, mac, sizeof mac);
    net = new_network(restricted, forward, NULL);
    assert_non_null(net);
    BoardNetdev n = {"n", net};
    f->config.board = "virt";
    f->config.virtio = g_array_new(FALSE, FALSE, sizeof item);
    f->config.netdevs = g_array_new(FALSE, FALSE, sizeof n);
    g_array_append_val((GArray *)f->config.virtio, item);
    g_array_append_val((GArray *)f->config.netdevs, n);
    fixture_boot(f);
    return rig_at_last_slot(f);
}

static VirtioRig start(Fixture *f, bool restricted, uint16_t forward)
{
    VirtioRig r = boot(f, restricted, forward);
    rig_start_queues(&r, F_MAC | F_STATUS, 2);
    return r;
}

static int teardown(void **state)
{
    Fixture *f = *state;
    fixture_reset(f);
    rig_free(f);
    if (f->config.netdevs)
        g_array_free((GArray *)f->config.netdevs, TRUE);
    net_user_free(net);
    net = NULL;
    return fixture_teardown(state);
}

static void turn(VirtioRig *r)
{
    Fixture *f = r->f;
    memory_lock(); // the network's thread arms timers
    f->now_ns += 1000;
    board_run_timers(f->board, 0, 1, f->now_ns);
    memory_unlock();
}

// --- frames --------------------------------------------------------------------------------------------------------

typedef struct {
    uint8_t data[NET_FRAME_MAX];
    unsigned size;
} Frame;

static void put8(Frame *f, unsigned value)
{
    f->data[f->size++] = (uint8_t)value;
}

static void put16(Frame *f, unsigned value)
{
    put8(f, value >> 8);
    put8(f, value);
}

static void put32(Frame *f, uint32_t value)
{
    put16(f, value >> 16);
    put16(f, value & 0xffff);
}

static void put_mac(Frame *f, const uint8_t *address)
{
    for (unsigned i = 0; i < 6; i++)
        put8(f, address ? address[i] : 0xff);
}

static unsigned get16(const Frame *f, unsigned at)
{
    return (unsigned)f->data[at] << 8 | f->data[at + 1];
}

static uint32_t get32(const Frame *f, unsigned at)
{
    return (uint32_t)get16(f, at) << 16 | get16(f, at + 2);
}

static unsigned checksum(const uint8_t *data, unsigned size)
{
    uint32_t sum = 0;
    for (unsigned i = 0; i < size; i++)
        sum += (uint32_t)data[i] << (i & 1 ? 0 : 8);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return ~sum & 0xffff;
}

static Frame arp_request(uint32_t from, uint32_t whom)
{
    Frame f = {0};
    put_mac(&f, NULL);
    put_mac(&f, mac);
    put16(&f, 0x0806);
    put32(&f, 0x00010800);
    put32(&f, 0x06040001);
    put_mac(&f, mac);
    put32(&f, from);
    put_mac(&f, (const uint8_t[6]){0});
    put32(&f, whom);
    return f;
}

// An IPv4 header in a frame to everybody.
static Frame ip(unsigned protocol, uint32_t from, uint32_t to, unsigned payload)
{
    Frame f = {0};
    put_mac(&f, NULL);
    put_mac(&f, mac);
    put16(&f, 0x0800);
    put16(&f, 0x4500);
    put16(&f, 20 + payload);
    put32(&f, 0x00010000);
    put16(&f, 64 << 8 | protocol);
    put16(&f, 0);
    put32(&f, from);
    put32(&f, to);
    unsigned sum = checksum(f.data + 14, 20);
    f.data[24] = (uint8_t)(sum >> 8);
    f.data[25] = (uint8_t)sum;
    return f;
}

static Frame udp(uint32_t from, unsigned from_port, uint32_t to, unsigned to_port, const void *data, unsigned size)
{
    Frame f = ip(17, from, to, 8 + size);
    put16(&f, from_port);
    put16(&f, to_port);
    put16(&f, 8 + size);
    put16(&f, 0); // no checksum
    for (unsigned i = 0; i < size; i++)
        put8(&f, ((const uint8_t *)data)[i]);
    return f;
}

static void send_with_header(VirtioRig *r, const Frame *f, unsigned header)
{
    rig_on(r, TX);
    gpa_t at = DATA + NEXT_QUEUE;
    for (unsigned i = 0; i < header + f->size; i++)
        fixture_st(r->f, at + i, 1, i < header ? 0 : f->data[i - header]);
    rig_desc(r, 0, at, header, NEXT, 1);
    rig_desc(r, 1, at + header, f->size, 0, 0);
    unsigned before = rig_used(r);
    rig_offer(r, 0);
    rig_kick(r);
    assert_int_equal(rig_used(r), before + 1);
}

static void send_frame(VirtioRig *r, Frame f)
{
    send_with_header(r, &f, HEADER);
}

static void offer_buffer(VirtioRig *r, uint32_t size)
{
    rig_on(r, RX);
    rig_send(r, 0, DATA, size, WRITE);
}

// Offers a buffer and takes the next frame; false: none within some time.
static bool next_frame(VirtioRig *r, Frame *f, unsigned header, unsigned patience_ms)
{
    rig_on(r, RX);
    unsigned before = rig_used(r);
    if (r->offered[RX] == before)
        offer_buffer(r, 2000);
    for (unsigned i = 0; rig_used(r) == before; i++, g_usleep(1000)) {
        if (i == patience_ms)
            return false;
        turn(r);
    }
    assert_true(rig_written(r) > header);
    f->size = rig_written(r) - header;
    for (unsigned i = 0; i < header; i++)
        assert_int_equal(fixture_ld(r->f, DATA + i, 1), i == 10); // one buffer
    for (unsigned i = 0; i < f->size; i++)
        f->data[i] = (uint8_t)fixture_ld(r->f, DATA + header + i, 1);
    return true;
}

// The next frame with this Ethernet type and, in IPv4, this protocol; others (IPv6's advertisements) go by.
static Frame expect(VirtioRig *r, unsigned type, unsigned protocol)
{
    Frame f;
    do {
        assert_true(next_frame(r, &f, HEADER, PATIENCE_MS));
    } while (get16(&f, 12) != type || (type == 0x0800 && f.data[23] != protocol));
    return f;
}

// --- tests ---------------------------------------------------------------------------------------------------------

static void identity(void **state)
{
    VirtioRig r = boot(*state, false, 0);
    assert_int_equal(rig_read(&r, R_DEVICE_ID), 1);
    assert_int_equal(rig_read(&r, R_FEATURES) & 0xffffff, F_MAC | F_STATUS);
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(fixture_ld(r.f, r.base + R_CONFIG + i, 1), mac[i]);
    assert_int_equal(fixture_ld(r.f, r.base + R_CONFIG + 6, 2), 1); // the link is up
    rig_write(&r, R_QUEUE_SEL, 2);
    assert_int_equal(rig_read(&r, R_NUM_MAX), 0);
}

static void dhcp(void **state)
{
    VirtioRig r = start(*state, false, 0);
    uint8_t discover[244] = {1, 1, 6, 0, 0x12, 0x34, 0x56, 0x78};
    static const uint8_t options[] = {0x63, 0x82, 0x53, 0x63, 53, 1, 1, 255};
    memcpy(discover + 28, mac, sizeof mac);
    memcpy(discover + 236, options, sizeof options);
    send_frame(&r, udp(0, 68, 0xffffffff, 67, discover, sizeof discover));
    Frame offer = expect(&r, 0x0800, 17);
    assert_int_equal(get16(&offer, 34), 67);
    assert_int_equal(get16(&offer, 36), 68);
    assert_int_equal(offer.data[42], 2);                  // a reply
    assert_int_equal(get32(&offer, 46), 0x12345678);      // to this one
    assert_int_equal(get32(&offer, 42 + 16), GUEST);      // which may have this address
    assert_int_equal(get32(&offer, 42 + 236), 0x63825363);
    assert_int_equal(get32(&offer, 42 + 240) >> 8, 53 << 16 | 1 << 8 | 2); // OFFER
}

static void arp(void **state)
{
    VirtioRig r = start(*state, false, 0);
    send_frame(&r, arp_request(GUEST, ROUTER));
    Frame f = expect(&r, 0x0806, 0);
    assert_memory_equal(f.data, mac, 6);
    assert_int_equal(get16(&f, 20), 2);
    assert_int_equal(get32(&f, 28), ROUTER);
    assert_int_equal(get32(&f, 38), GUEST);
}

static void ping(void **state)
{
    VirtioRig r = start(*state, false, 0);
    send_frame(&r, arp_request(GUEST, ROUTER));
    Frame f = ip(1, GUEST, ROUTER, 8 + 32);
    put16(&f, 0x0800);
    put16(&f, 0);
    put32(&f, 0x11112222);
    for (unsigned i = 0; i < 32; i++)
        put8(&f, i);
    unsigned sum = checksum(f.data + 34, 40);
    f.data[36] = (uint8_t)(sum >> 8);
    f.data[37] = (uint8_t)sum;
    send_frame(&r, f);
    f = expect(&r, 0x0800, 1);
    assert_int_equal(f.data[34], 0);
    assert_int_equal(get32(&f, 38), 0x11112222);
    assert_int_equal(f.data[34 + 8 + 31], 31);
}

static int host_socket(int type, struct sockaddr_in *address)
{
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    socklen_t size = sizeof *address;
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    assert_int_equal(bind(fd, (const struct sockaddr *)address, sizeof *address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)address, &size), 0);
    return fd;
}

static bool readable(int fd, int ms)
{
    return poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, ms) == 1;
}

// To a port of the host and back.
static void udp_echo(void **state)
{
    VirtioRig r = start(*state, false, 0);
    struct sockaddr_in host, peer;
    socklen_t size = sizeof peer;
    char text[64] = "";
    int fd = host_socket(SOCK_DGRAM, &host);
    send_frame(&r, arp_request(GUEST, ROUTER));
    send_frame(&r, udp(GUEST, 4000, ROUTER, ntohs(host.sin_port), "a question", 10));
    assert_true(readable(fd, PATIENCE_MS));
    assert_int_equal(recvfrom(fd, text, sizeof text, 0, (struct sockaddr *)&peer, &size), 10);
    assert_string_equal(text, "a question");
    assert_int_equal(sendto(fd, "an answer", 9, 0, (const struct sockaddr *)&peer, size), 9);
    Frame f = expect(&r, 0x0800, 17);
    assert_int_equal(get32(&f, 26), ROUTER);
    assert_int_equal(get16(&f, 34), ntohs(host.sin_port));
    assert_int_equal(get16(&f, 36), 4000);
    assert_memory_equal(f.data + 42, "an answer", 9);
    close(fd);
}

// A free port of the host, which somebody else could take meanwhile.
static uint16_t free_port(void)
{
    struct sockaddr_in address;
    close(host_socket(SOCK_STREAM, &address));
    return ntohs(address.sin_port);
}

static void forwarded_port(void **state)
{
    uint16_t port = free_port();
    VirtioRig r = start(*state, false, port);
    send_frame(&r, arp_request(GUEST, ROUTER)); // so the router knows the guest
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    connect(fd, (const struct sockaddr *)&to, sizeof to);
    Frame f = expect(&r, 0x0800, 6);
    assert_memory_equal(f.data, mac, 6);
    assert_int_equal(get32(&f, 30), GUEST);
    assert_int_equal(get16(&f, 36), 80);
    assert_int_equal(f.data[47] & 0x3f, 2); // SYN
    close(fd);
    GError *error = NULL;
    assert_null(new_network(false, port, &error));
    assert_non_null(strstr(error->message, "-netdev user,hostfwd=the one: Address already in use"));
    g_error_free(error);
}

static void restricted(void **state)
{
    VirtioRig r = start(*state, true, 0);
    struct sockaddr_in host;
    int fd = host_socket(SOCK_DGRAM, &host);
    send_frame(&r, arp_request(GUEST, ROUTER));
    send_frame(&r, udp(GUEST, 4000, ROUTER, ntohs(host.sin_port), "a question", 10));
    expect(&r, 0x0806, 0); // the router is there
    assert_false(readable(fd, 300));
    close(fd);
}

// Frames wait for buffers, also those that come again after a while without any.
static void waits_for_room(void **state)
{
    VirtioRig r = start(*state, false, 0);
    for (unsigned i = 0; i < 20; i++)
        send_frame(&r, arp_request(GUEST, ROUTER));
    g_usleep(100000);
    turn(&r);
    rig_on(&r, RX);
    assert_int_equal(rig_used(&r), 0);
    for (unsigned i = 0; i < 20; i++)
        expect(&r, 0x0806, 0);
    rig_write(&r, R_ACK, 3);
    send_frame(&r, arp_request(GUEST, ROUTER));
    expect(&r, 0x0806, 0);
    assert_true(rig_read(&r, R_INTERRUPTS) & 1);
}

// The next driver gets nothing that was for this one.
static void reset_drops(void **state)
{
    VirtioRig r = start(*state, false, 0);
    Frame f;
    send_frame(&r, udp(GUEST, 4000, ROUTER, 69, "\0\1x\0octet\0", 10)); // there is no such file
    send_frame(&r, arp_request(GUEST, ROUTER));
    g_usleep(200000);
    rig_start_queues(&r, 0, 2);
    while (next_frame(&r, &f, HEADER, 100))
        assert_true(get16(&f, 12) == 0x86dd); // IPv6's advertisements come now and then
}

// A frame that does not fit is lost, the buffer is not.
static void small_buffer(void **state)
{
    VirtioRig r = start(*state, false, 0);
    offer_buffer(&r, HEADER + 20);
    send_frame(&r, arp_request(GUEST, ROUTER));
    g_usleep(100000);
    turn(&r);
    rig_on(&r, RX);
    assert_int_equal(rig_used(&r), 0);
    assert_int_equal(rig_read(&r, R_STATUS), S_LIVE);
    rig_desc(&r, 0, DATA, 2000, WRITE, 0); // the driver may still change it, at its own risk
    send_frame(&r, arp_request(GUEST, ROUTER));
    expect(&r, 0x0806, 0);
}

// Drivers of before version 1 have a header without num_buffers.
static void old_header(void **state)
{
    VirtioRig r = boot(*state, false, 0);
    Frame f = arp_request(GUEST, ROUTER);
    assert_true(rig_negotiate(&r, F_MAC));
    for (unsigned i = 0; i < 2; i++) {
        rig_on(&r, i);
        rig_queue(&r);
    }
    rig_write(&r, R_STATUS, S_LIVE);
    send_with_header(&r, &f, 10);
    do {
        assert_true(next_frame(&r, &f, 10, PATIENCE_MS));
    } while (get16(&f, 12) != 0x0806);
    assert_int_equal(get16(&f, 20), 2);
}

// Frames that no cable would carry are dropped.
static void odd_sizes(void **state)
{
    VirtioRig r = start(*state, false, 0);
    Frame f = arp_request(GUEST, ROUTER);
    static const unsigned sizes[] = {0, 1, 13, 1519, 9000, 60000};
    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        rig_on(&r, TX);
        unsigned before = rig_used(&r);
        rig_send(&r, 2, DATA, HEADER + sizes[i], 0);
        assert_int_equal(rig_used(&r), before + 1);
    }
    assert_int_equal(rig_read(&r, R_STATUS), S_LIVE);
    f.size = 14; // a header alone
    send_frame(&r, f);
    f.size = 1518;
    send_frame(&r, f);
    expect(&r, 0x0806, 0);
}

// --- hostile drivers -----------------------------------------------------------------------------------------------

static void hostile(void **state)
{
    static const RigBuffer cases[] = {
        {RX, DATA, 2000, 0},     {RX, DATA, HEADER - 1, WRITE},  {RX, LAST_SLOT, 2000, WRITE},
        {TX, DATA, 2000, WRITE}, {TX, DATA, HEADER - 1, 0},      {TX, LAST_SLOT, 100, 0},
        {TX, DATA, 0, 0},        {TX, UINT64_MAX - 10, 100, 0},
    };
    VirtioRig r = start(*state, false, 0);
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        rig_start_queues(&r, 0, 2);
        send_frame(&r, arp_request(GUEST, ROUTER));
        rig_on(&r, cases[i].queue);
        rig_send(&r, 3, cases[i].addr, cases[i].size, cases[i].flags);
        for (unsigned n = 0; n < PATIENCE_MS && !(rig_read(&r, R_STATUS) & S_NEEDS_RESET); n++, g_usleep(1000))
            turn(&r);
        if (!(rig_read(&r, R_STATUS) & S_NEEDS_RESET))
            print_error("case %u\n", i);
        assert_int_equal(rig_read(&r, R_STATUS), S_LIVE | S_NEEDS_RESET);
    }
    rig_start_queues(&r, 0, 2);
    send_frame(&r, arp_request(GUEST, ROUTER));
    expect(&r, 0x0806, 0);
}

// A frame that means something to the router, with some bytes spoilt.
static void random_frame(VirtioRig *r, GRand *rand, gpa_t at)
{
    Frame f = g_rand_boolean(rand) ? arp_request(GUEST, ROUTER)
                                   : udp(GUEST, 68, g_rand_boolean(rand) ? ROUTER : 0xffffffff,
                                         g_rand_boolean(rand) ? 67 : 69, "\1\1\6 some data of any kind", 25);
    for (int n = g_rand_int_range(rand, 0, 6); n; n--)
        f.data[g_rand_int_range(rand, 0, (gint32)f.size)] = (uint8_t)g_rand_int(rand);
    for (unsigned i = 0; i < f.size; i++)
        fixture_st(r->f, at + HEADER + i, 1, f.data[i]);
}

// Frames, chains and registers at random; a reset always helps.
static void random_driver(void **state)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(11);
    VirtioRig r = start(*state, true, 0);
    unsigned broken = 0;
    for (unsigned i = 0; i < 2000; i++) {
        rig_start_queues(&r, g_rand_boolean(rand) ? F_MAC | EVENT_IDX : INDIRECT_DESC, 2);
        for (unsigned round = 0; round < 8; round++) {
            unsigned queue = (unsigned)g_rand_boolean(rand), at = (unsigned)g_rand_int_range(rand, 0, 4);
            bool good = g_rand_int_range(rand, 0, 10) > 0;
            rig_on(&r, queue);
            random_frame(&r, rand, DATA);
            uint32_t size = (uint32_t)g_rand_int_range(rand, 8, 2000);
            rig_desc(&r, at, g_rand_int_range(rand, 0, 20) ? DATA : LAST_SLOT, size,
                     good ? (queue == TX ? 0 : WRITE) : (unsigned)g_rand_int_range(rand, 0, 8),
                     (unsigned)g_rand_int_range(rand, 0, 9));
            rig_offer(&r, at);
            rig_kick(&r);
            if (g_rand_int_range(rand, 0, 20) == 0)
                rig_write(&r, (unsigned)g_rand_int_range(rand, 0, 0x80) * 4, g_rand_int(rand));
            turn(&r);
        }
        broken += rig_read(&r, R_STATUS) >> 6 & 1;
    }
    print_message("%u broken\n", broken);
    assert_true(broken > 100 && broken < 2000);
    rig_start_queues(&r, 0, 2);
    send_frame(&r, arp_request(GUEST, ROUTER));
    expect(&r, 0x0806, 0);
}

// With mtree nothing is opened.
static void without_network(void **state)
{
    Fixture *f = *state;
    VirtioItem item = {.driver = "virtio-net-device", .netdev = "n", .bus = -1};
    f->config.board = "virt";
    f->config.virtio = g_array_new(FALSE, FALSE, sizeof item);
    g_array_append_val((GArray *)f->config.virtio, item);
    fixture_boot(f);
    VirtioRig r = rig_at_last_slot(f);
    rig_start_queues(&r, 0, 2);
    assert_int_equal(fixture_ld(r.f, r.base + R_CONFIG + 6, 2), 0);
    send_frame(&r, arp_request(GUEST, ROUTER));
}

int main(int argc, char **argv)
{
    test_data = argc > 1 ? argv[1] : ".";
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(identity),       TEST(dhcp),         TEST(arp),        TEST(ping),          TEST(udp_echo),
        TEST(forwarded_port), TEST(restricted),   TEST(waits_for_room), TEST(reset_drops), TEST(small_buffer),
        TEST(old_header),     TEST(odd_sizes),    TEST(hostile),    TEST(random_driver), TEST(without_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
