// SPDX-License-Identifier: GPL-3.0-or-later
// A driver for virtio's disk and entropy device on virt: finds them, reads all of the disk, writes, reads back, and
// asks for what must be refused. The expected output is QEMU's too.
#include "rt.h"
#include <stdbool.h>
#include <string.h>

#define WORD(a) (*(volatile uint32_t *)(uintptr_t)(a))
#define PLIC    UINT64_C(0xc000000)
#define ENTRIES 16
#define CHUNK   65536
#define MAGIC   0x74726976

enum { ID = 0x08, FEATURES_SEL = 0x14, FEATURES = 0x10, DRIVER_FEATURES = 0x20, DRIVER_SEL = 0x24, NUM_MAX = 0x34 };
enum { NUM = 0x38, READY = 0x44, NOTIFY = 0x50, INTERRUPTS = 0x60, ACK = 0x64, STATUS = 0x70, CONFIG = 0x100 };
enum { NEXT = 1, WRITE = 2, INDIRECT = 4 };
enum { IN, OUT, FLUSH = 4, GET_ID = 8 };

typedef struct {
    uint64_t addr;
    uint32_t size;
    uint16_t flags, next;
} Desc;

typedef struct {
    uint64_t base;
    Desc desc[ENTRIES] __attribute__((aligned(16)));
    struct {
        uint16_t flags, index, ring[ENTRIES], used_event;
    } avail;
    struct {
        uint16_t flags, index;
        struct {
            uint32_t id, size;
        } ring[ENTRIES];
        uint16_t avail_event;
    } used __attribute__((aligned(4)));
} Device;

static Device disk, entropy;
static Desc table[3] __attribute__((aligned(16)));
static struct {
    uint32_t type, reserved;
    uint64_t sector;
} header;
static volatile uint8_t status;
static uint8_t data[CHUNK];

static void put_address(uint64_t at, void *address)
{
    WORD(at) = (uint32_t)(uintptr_t)address;
    WORD(at + 4) = (uint32_t)((uint64_t)(uintptr_t)address >> 32);
}

// The device with this id; its queue is ready afterwards.
static void find(Device *d, uint32_t id, uint64_t features)
{
    int slot = 8;
    while (slot && (WORD(0x10000000 + slot * 0x1000) != MAGIC || WORD(0x10000000 + slot * 0x1000 + ID) != id))
        slot--;
    CHECK(1, slot);
    uint64_t b = d->base = 0x10000000 + (uint64_t)slot * 0x1000;
    printf("device %u is at %lx, version %u\n", (unsigned)id, (unsigned long)b, (unsigned)WORD(b + 4));
    WORD(b + STATUS) = 0;
    WORD(b + STATUS) = 3;
    WORD(b + FEATURES_SEL) = 1;
    CHECK(2, WORD(b + FEATURES) & 1);
    WORD(b + DRIVER_SEL) = 1;
    WORD(b + DRIVER_FEATURES) = 1; // VERSION_1
    WORD(b + DRIVER_SEL) = 0;
    WORD(b + DRIVER_FEATURES) = (uint32_t)features;
    WORD(b + STATUS) = 11;
    CHECK(3, WORD(b + STATUS) == 11);
    CHECK(4, WORD(b + NUM_MAX) >= ENTRIES && !WORD(b + READY));
    WORD(b + NUM) = ENTRIES;
    put_address(b + 0x80, d->desc);
    put_address(b + 0x90, &d->avail);
    put_address(b + 0xa0, &d->used);
    WORD(b + READY) = 1;
    WORD(b + STATUS) = 15;
    CHECK(5, WORD(b + STATUS) == 15);
}

// Offers the chain that begins with descriptor 0, and waits for it; the bytes that were written to it.
static uint32_t run(Device *d)
{
    uint16_t before = d->used.index;
    d->avail.ring[d->avail.index % ENTRIES] = 0;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    d->avail.index++;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    WORD(d->base + NOTIFY) = 0;
    while (*(volatile uint16_t *)&d->used.index == before)
        continue;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return d->used.ring[before % ENTRIES].size;
}

// A request whose data are the first size bytes of data; its status.
static int request(uint32_t type, uint64_t sector, uint32_t size, bool indirect)
{
    Desc *d = indirect ? table : disk.desc;
    header.type = type;
    header.sector = sector;
    status = 0xff;
    d[0] = (Desc){(uintptr_t)&header, sizeof header, NEXT, size ? 1 : 2};
    d[1] = (Desc){(uintptr_t)data, size, NEXT | (type == OUT ? 0 : WRITE), 2};
    d[2] = (Desc){(uintptr_t)&status, 1, WRITE, 0};
    if (indirect)
        disk.desc[0] = (Desc){(uintptr_t)table, sizeof table, INDIRECT, 0};
    uint32_t written = run(&disk);
    if (type == IN && !status)
        CHECK(10, written == size + 1);
    return status;
}

static uint32_t sum(uint32_t s, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        s = (s ^ p[i]) * 16777619;
    return s;
}

static uint32_t sum_disk(uint64_t sectors)
{
    uint32_t s = 2166136261;
    for (uint64_t at = 0; at < sectors; at += CHUNK / 512) {
        CHECK(11, request(IN, at, CHUNK, at / 128 % 2) == 0);
        s = sum(s, data, CHUNK);
    }
    return s;
}

static void refused(uint64_t sectors)
{
    printf("behind the end: read %d write %d\n", request(IN, sectors, 512, false), request(OUT, sectors, 512, false));
    printf("over the end: read %d write %d\n", request(IN, sectors - 1, 1024, false),
           request(OUT, sectors - 1, 1024, true));
    printf("far away: %d\n", request(IN, UINT64_MAX, 512, false));
    printf("half a sector: %d\n", request(IN, 0, 256, false));
    printf("unknown: %d\n", request(0x7777, 0, 512, false));
    memset(data, 'x', 20);
    int s = request(GET_ID, 0, 20, false);
    printf("identity: %d '%.20s'\n", s, (char *)data);
}

static void interrupts(void)
{
    uint32_t irq = (uint32_t)(disk.base >> 12 & 15);
    WORD(PLIC + 4 * irq) = 1;
    WORD(PLIC + 0x2000) = 1u << irq;
    WORD(disk.base + ACK) = WORD(disk.base + INTERRUPTS);
    uint32_t none = WORD(PLIC + 0x200004);
    WORD(PLIC + 0x200004) = none; // one may have waited
    CHECK(20, !WORD(disk.base + INTERRUPTS));
    disk.avail.flags = 1;
    CHECK(21, request(IN, 0, 512, false) == 0 && !WORD(disk.base + INTERRUPTS));
    disk.avail.flags = 0;
    CHECK(22, request(IN, 0, 512, false) == 0);
    while (!WORD(disk.base + INTERRUPTS))
        continue;
    CHECK(23, WORD(disk.base + INTERRUPTS) == 1);
    CHECK(24, WORD(PLIC + 0x200004) == irq);
    WORD(disk.base + ACK) = 1;
    WORD(PLIC + 0x200004) = irq;
    CHECK(25, !WORD(disk.base + INTERRUPTS) && WORD(PLIC + 0x200004) == 0);
    printf("interrupts: all right\n");
}

int main(void)
{
    find(&disk, 2, UINT32_C(1) << 28 | 1 << 9); // indirect descriptors, flush
    uint64_t sectors = WORD(disk.base + CONFIG) | (uint64_t)WORD(disk.base + CONFIG + 4) << 32;
    printf("%lu sectors of %u bytes, sum %08x\n", (unsigned long)sectors, (unsigned)WORD(disk.base + CONFIG + 20),
           (unsigned)sum_disk(sectors));
    for (int i = 0; i < CHUNK; i++)
        data[i] = (uint8_t)(i * 7 + i / 256);
    printf("write %d", request(OUT, 100, 8192, false));
    printf(" write %d", request(OUT, sectors - 2, 1024, true));
    printf(" flush %d\n", request(FLUSH, 0, 0, false));
    printf("sum %08x\n", (unsigned)sum_disk(sectors));
    refused(sectors);
    interrupts();
    find(&entropy, 4, 0);
    memset(data, 0, 64);
    entropy.desc[0] = (Desc){(uintptr_t)data, 64, WRITE, 0};
    uint32_t got = run(&entropy), set = 0;
    for (uint32_t i = 0; i < got && i < 64; i++)
        set += data[i] != 0;
    printf("random bytes: %s\n", got && got <= 64 && set > got / 2 ? "some" : "none");
    WORD(disk.base + STATUS) = 0;
    CHECK(30, !WORD(disk.base + STATUS) && !WORD(disk.base + READY));
    return 42;
}
