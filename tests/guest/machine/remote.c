// SPDX-License-Identifier: GPL-3.0-or-later
// What one hart asks of others by IPI: an answer, out of wfi and out of a loop; fence.i after it changed code;
// sfence.vma after it changed a page table. Here hart 0 asks and the others answer.
#include "harts.h"

#ifndef ROUNDS
#define ROUNDS 40
#endif
#ifndef SHOOT_DOWNS
#define SHOOT_DOWNS ROUNDS
#endif
#define INTERRUPT (UINT64_C(1) << 63)
#define MIE (UINT64_C(1) << 3)
#define LI_A0(n) ((uint32_t)(n) << 20 | 0x513) // addi a0, x0, n
#define RET 0x8067u

void rt_interrupt(uint64_t cause);

static volatile int quit;
static LOCATION volatile uint64_t asked, answers[HARTS][8];
static volatile enum { NOTHING, FENCE_I, SFENCE } order;

static void obey(unsigned hart)
{
    MSIP(hart) = 0;
    FENCE(rw, rw);
    if (order == FENCE_I)
        __asm__ volatile("fence.i" ::: "memory");
    else if (order == SFENCE)
        __asm__ volatile("sfence.vma" ::: "memory");
    FENCE(rw, rw);
    answers[hart][0] = asked;
}

void rt_interrupt(uint64_t cause)
{
    CHECK(90, cause == (INTERRUPT | 3));
    obey((unsigned)CSR_READ(mhartid));
}

// To all others; returns when all have obeyed.
static void ask(int what)
{
    order = what;
    asked = asked + 1;
    FENCE(rw, rw);
    for (unsigned h = 1; h < HARTS; h++)
        MSIP(h) = 1;
    for (unsigned h = 1; h < HARTS; h++)
        while (answers[h][0] != asked)
            continue;
    FENCE(rw, rw);
}

// The others wait with wfi and with interrupts on, or turn in a loop.
static volatile int sleeping;
static volatile uint64_t last; // what will be asked last

static void answer(unsigned hart)
{
    if (hart == 0) {
        for (unsigned i = 0; i < ROUNDS; i++)
            ask(NOTHING);
        return;
    }
    CSR_SET(mie, MSI);
    while (answers[hart][0] != last) {
        if (sleeping)
            __asm__ volatile("wfi"); // with interrupts off, lest one comes between the test and this
        CSR_SET(mstatus, MIE);
        for (unsigned i = 0; i < 10; i++)
            __asm__ volatile("");
        CSR_CLEAR(mstatus, MIE);
    }
}

// Two harts wake each other by turns.
static LOCATION volatile uint64_t ball;

static void ping_pong(unsigned hart)
{
    CSR_SET(mie, MSI);
    for (unsigned i = 0; hart < 2 && i < ROUNDS; i++) {
        if (hart == 0) {
            ball = ball + 1;
            FENCE(rw, o);
            MSIP(1) = 1;
        }
        while (!(CSR_READ(mip) & MSI))
            __asm__ volatile("wfi");
        MSIP(hart) = 0;
        FENCE(io, rw);
        CHECK(10, ball == 2 * i + 1 + !hart);
        if (hart == 1) {
            ball = ball + 1;
            FENCE(rw, o);
            MSIP(0) = 1;
        }
    }
}

// --- code ----------------------------------------------------------------------------------------------------

// Two functions on one page, and data beside them.
static struct {
    uint32_t code[2][8];
    uint64_t data[32];
} page __attribute__((aligned(4096), section(".data.page")));

typedef uint64_t Function(void);
static LOCATION volatile uint64_t expected;
static LOCATION volatile uint64_t calls[HARTS][8];

static uint64_t call(unsigned n)
{
    return ((Function *)(uintptr_t)page.code[n])();
}

// Between two orders code may be old or new, afterwards it is new.
static void run_changing_code(unsigned hart)
{
    if (hart == 0) {
        for (unsigned i = 1; i <= ROUNDS; i++) {
            if (i % 3 == 0)
                __asm__ volatile("amoswap.w zero, %1, (%0)" ::"r"(&page.code[0][0]), "r"(LI_A0(i % 2000)) : "memory");
            else
                *(volatile uint32_t *)&page.code[0][0] = LI_A0(i % 2000);
            page.data[i % 32] = i; // on a page with code, and harmless
            ask(FENCE_I);
            expected = i; // from now on
            for (unsigned h = 1; h < HARTS; h++) {
                uint64_t before = calls[h][0];
                while (calls[h][0] < before + 2)
                    continue;
            }
        }
        quit = 1;
        return;
    }
    while (!quit) {
        uint64_t least = expected;
        FENCE(r, rw);
        CHECK(20, call(1) == 77);
        uint64_t got = call(0);
        CHECK(21, got == least % 2000 || got == (least + 1) % 2000);
        calls[hart][0] = calls[hart][0] + 1;
        if (CSR_READ(mip) & MSI)
            obey(hart);
    }
}

// Without IPIs: a flag, and a fence.i of the reader's own. Each hart in turn writes and the others read.
static LOCATION volatile uint64_t version;

static void pass_code(unsigned hart)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        if (hart == i % HARTS) {
            *(volatile uint32_t *)&page.code[0][0] = LI_A0(i % 2000);
            FENCE(rw, rw);
            version = i + 1;
        }
        while (version != i + 1)
            continue;
        __asm__ volatile("fence.i" ::: "memory");
        CHECK(22, call(0) == i % 2000);
        harts_barrier();
    }
}

// The same by a loop that fills pages, in one of which other harts have code.
static uint32_t room[3][1024] __attribute__((aligned(4096)));

static void fill_code(unsigned hart)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint32_t *place = &room[1][i * 16];
        if (hart == i % HARTS) {
            for (unsigned k = 0; k < 20; k++)
                for (volatile uint32_t *p = room[0]; p < room[3]; p++)
                    *p = i;
            place[0] = LI_A0(i);
            place[1] = RET;
            FENCE(rw, rw);
            version = ROUNDS + i + 1;
        }
        while (version != ROUNDS + i + 1)
            continue;
        __asm__ volatile("fence.i" ::: "memory");
        for (unsigned k = 0; k < 20; k++)
            CHECK(23, ((Function *)(uintptr_t)place)() == i);
        CHECK(24, i == 0 || place[-16] == i); // the code of the round before
        harts_barrier();
    }
}

// --- page tables ---------------------------------------------------------------------------------------------

#define VA UINT64_C(0x40000000)
static uint64_t root[512] __attribute__((aligned(4096))), middle[512] __attribute__((aligned(4096)));
static uint64_t leaf[512] __attribute__((aligned(4096)));
static uint64_t pages[2][512] __attribute__((aligned(4096)));
#define TABLE(p) ((uint64_t)(uintptr_t)(p) >> 12 << 10 | 1)
#define PAGE(p) ((uint64_t)(uintptr_t)(p) >> 12 << 10 | 0xd7) // V R W U A D
#define MPRV UINT64_C(0x20000) // with MPP = U

static uint64_t load_mapped(uint64_t va)
{
    uint64_t v;
    __asm__ volatile("csrs mstatus, %2\n\tld %0, (%1)\n\tcsrc mstatus, %2" : "=&r"(v) : "r"(va), "r"(MPRV) : "memory");
    return v;
}

static void t110_shoot_down(unsigned hart) // T110
{
    CSR_CLEAR(mstatus, UINT64_C(0x1800));
    rt_allow_all();
    if (hart == 0) {
        for (uint64_t i = 1; i <= SHOOT_DOWNS; i++) {
            uint64_t *next = pages[i % 2];
            next[5] = i;
            FENCE(rw, rw);
            *(volatile uint64_t *)&leaf[0] = PAGE(next);
            ask(SFENCE);
            pages[!(i % 2)][5] = 0; // nobody may see this any more, nor what comes after it
            expected = i;
            for (unsigned h = 1; h < HARTS; h++) {
                uint64_t before = calls[h][0];
                while (calls[h][0] < before + 2)
                    continue;
            }
        }
        quit = 1;
        return;
    }
    CSR_WRITE(satp, UINT64_C(8) << 60 | (uint64_t)(uintptr_t)root >> 12);
    __asm__ volatile("sfence.vma" ::: "memory");
    while (!quit) {
        uint64_t least = expected;
        FENCE(r, rw);
        uint64_t got = load_mapped(VA + 40);
        CHECK(30, got == least || got == least + 1);
        calls[hart][0] = calls[hart][0] + 1;
        if (CSR_READ(mip) & MSI)
            obey(hart);
    }
    CSR_WRITE(satp, 0);
}

static void begin(void (*f)(unsigned hart))
{
    quit = 0;
    expected = 0;
    last = asked + ROUNDS;
    harts_run(f);
}

int main(void)
{
    begin(answer);
    sleeping = 1;
    begin(answer);
    begin(ping_pong);
    page.code[0][0] = LI_A0(0);
    page.code[1][0] = LI_A0(77);
    page.code[0][1] = page.code[1][1] = RET;
    __asm__ volatile("fence.i" ::: "memory");
    begin(run_changing_code);
    begin(pass_code);
    begin(fill_code);
    root[VA >> 30] = TABLE(middle);
    middle[0] = TABLE(leaf);
    leaf[0] = PAGE(pages[0]);
    begin(t110_shoot_down);
    printf("remote: all orders obeyed\n");
    return 0;
}
