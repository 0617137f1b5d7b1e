// SPDX-License-Identifier: GPL-3.0-or-later
// Hot loops that walk out of memory they may touch: where RAM ends, where PMP or a large page begins to refuse, through
// pages with code. Each must stop at the right instruction, with all registers and all memory as they are then.
#include "paging.h"
#include <string.h>

#define RAM 0x80000000u
#define BIG 0x82000000u // of nobody
#define STEP 72
#define MPP_S (UINT64_C(1) << 11)
#define NO_END (~UINT64_C(0))

typedef struct {
    uint64_t at, a, b, c, n; // pointer; sums; instructions of the last round that were done
} State;

// Three accesses a round, the last of them not in the order of their addresses. Ends with a fault, or after `rounds`.
// a0: State, a1: offset to the next round, a2: rounds, a3: what else to set in mstatus.
#define WALK(name, first, second, third) WALK_BY("add t0, t0, a1", name, first, second, third)
#define WALK_BY(next, name, first, second, third) \
    void name(State *s, int64_t step, uint64_t rounds, uint64_t status); \
    __asm__(".pushsection .text\n.balign 4\n.option push\n.option norvc\n" #name ":\n\t" \
            "la t0, 9f\n\tla t1, trap_info\n\tsd t0, 32(t1)\n\tli t0, -1\n\tsd t0, 0(t1)\n\t" \
            "ld t0, 0(a0)\n\tld a4, 8(a0)\n\tld a5, 16(a0)\n\tld a6, 24(a0)\n\tcsrs mstatus, a3\n" \
            "1:\tli a7, 0\n\t" first "\n\taddi a4, a4, 3\n\tadd a5, a5, t2\n\tli a7, 1\n\t" second \
            "\n\txor a6, a6, a4\n\tli a7, 2\n\t" third "\n\tadd a5, a5, t3\n\tsrli t2, a5, 7\n\txor a5, a5, t2\n\t" \
            next "\n\taddi a2, a2, -1\n\tbnez a2, 1b\n\tcsrc mstatus, a3\n\tli a7, 99\n" \
            "9:\tsd t0, 0(a0)\n\tsd a4, 8(a0)\n\tsd a5, 16(a0)\n\tsd a6, 24(a0)\n\tsd a7, 32(a0)\n\tret\n" \
            ".option pop\n.popsection")
WALK(walk, "ld t2, 0(t0)", "sd a5, 24(t0)", "ld t3, 56(t0)");
WALK(walk_back, "ld t2, 56(t0)", "sw a5, 24(t0)", "lhu t3, -8(t0)");
WALK(walk_loads, "ld t2, 40(t0)", "lw t3, 8(t0)", "ld t3, 0(t0)");
WALK_BY("addi t0, t0, 72", walk_up, "ld t2, 0(t0)", "sd a5, 24(t0)", "ld t3, 56(t0)");
WALK_BY("addi t0, t0, -72", walk_down, "ld t2, 40(t0)", "lw t3, 8(t0)", "ld t3, 0(t0)");
WALK(walk_amo, "ld t2, 0(t0)", "amoadd.d t3, a4, (t0)", "sd a4, 8(t0)");

typedef struct {
    int offset;
    unsigned size;
    enum { LOAD, LOAD_SIGNED, STORE, AMO } kind;
} Step;
static const Step walk_steps[] = {{0, 8, LOAD}, {24, 8, STORE}, {56, 8, LOAD}};
static const Step back_steps[] = {{56, 8, LOAD}, {24, 4, STORE}, {-8, 2, LOAD}};
static const Step loads_steps[] = {{40, 8, LOAD}, {8, 4, LOAD_SIGNED}, {0, 8, LOAD}};
static const Step amo_steps[] = {{0, 8, LOAD}, {0, 8, AMO}, {8, 8, STORE}};

static uint8_t image[8 * 4096]; // what the walk should make of [low, low + sizeof image)
static uint64_t low;
static uint64_t readable, writable; // these and what follows may not be accessed, going up; going down, what precedes

static uint64_t seen(uint64_t va, unsigned size)
{
    uint64_t v = 0;
    memcpy(&v, &image[va - low], size);
    return v;
}

// The same in C: the walk up to its fault. *fault: its address.
static void model(State *s, const Step *steps, int64_t step, uint64_t rounds, uint64_t *fault)
{
    uint64_t t2 = 0, t3 = 0;
    for (*fault = 0; rounds; rounds--, s->at += step) {
        for (s->n = 0; s->n < 3; s->n++) {
            const Step *k = &steps[s->n];
            uint64_t va = s->at + k->offset;
            uint64_t limit = k->kind == STORE || k->kind == AMO ? writable : readable;
            if (step > 0 ? va + k->size > limit : va < limit) {
                *fault = step > 0 && va < limit ? limit : va; // the part that faults
                return;
            }
            uint64_t old = seen(va, k->size);
            uint64_t stored = k->kind == AMO ? old + s->a : s->b;
            if (k->kind == STORE || k->kind == AMO)
                memcpy(&image[va - low], k == amo_steps + 2 ? &s->a : &stored, k->size);
            if (k->kind != STORE)
                *(s->n ? &t3 : &t2) = k->kind == LOAD_SIGNED ? (uint64_t)(int32_t)old : old;
            if (s->n == 0)
                s->a += 3, s->b += t2;
            else if (s->n == 1)
                s->c ^= s->a;
        }
        s->b += t3;
        s->b ^= s->b >> 7;
    }
    s->n = 99;
}

typedef void Walk(State *s, int64_t step, uint64_t rounds, uint64_t status);

// Walks from `from`; `real` is where low is in fact.
static void check_walk(int number, Walk *f, const Step *steps, uint64_t from, int64_t step, uint64_t real,
                       uint64_t status)
{
    uint64_t fault, *words = (uint64_t *)image, size = readable > writable ? readable : writable;
    size = step > 0 && size - low < sizeof image ? size - low : sizeof image;
    State got = {from, 1, 2, 3, 0}, want = got;
    for (unsigned i = 0; i < size / 8; i++)
        words[i] = (i + from) * UINT64_C(0x9e3779b97f4a7c15);
    if (f != walk_loads && f != walk_down)
        memcpy((void *)real, image, size);
    else
        memcpy(image, (void *)real, size);
    uint64_t rounds = (size - 256) / STEP + (readable == NO_END ? 0 : 8);
    model(&want, steps, step, rounds, &fault);
    f(&got, step, rounds, status);
    // QEMU forgets the low bits.
    CHECK(number, want.n == 99 || trap_info.tval == fault || trap_info.tval == (fault & ~UINT64_C(7)));
    CHECK(number, got.n == want.n && got.at == want.at && got.a == want.a && got.b == want.b && got.c == want.c);
    if (fault && fault == writable) // the part of a store before it may have been done (unprivileged spec 2.6)
        memcpy(&image[fault - 8 - low], (void *)(real + fault - 8 - low), 8);
    CHECK(number, memcmp((void *)(uintptr_t)real, image, size) == 0);
}

static uint64_t end_of_ram(void)
{
    uint64_t end = RAM + (126u << 20);
    for (TRY_LOAD("lb", end); trap_info.cause == NO_TRAP; TRY_LOAD("lb", end))
        end += 4096;
    return end;
}

static void check_end_of_ram(void)
{
    readable = writable = end_of_ram();
    low = readable - sizeof image;
    for (unsigned align = 0; align < 200; align++) {
        check_walk(1, walk, walk_steps, low + align, STEP, low, 0);
        check_walk(2, walk_amo, amo_steps, low + 8 * align, STEP, low, 0);
        check_walk(3, walk_loads, loads_steps, low + align, STEP, low, 0);
        if (align % 4 == 0)
            check_walk(4, walk_up, walk_steps, low + align, STEP, low, 0);
    }
}

static void check_start_of_ram(void)
{
    readable = writable = low = RAM;
    for (unsigned align = 0; align < 100; align++) {
        check_walk(5, walk_loads, loads_steps, low + sizeof image - 128 - align, -STEP, low, 0);
        if (align % 4 == 0)
            check_walk(6, walk_down, loads_steps, low + sizeof image - 128 - align, -STEP, low, 0);
    }
}

// U-mode's accesses from M-mode; the page that may not be accessed is another one each time.
static void check_pmp(void)
{
    low = BIG;
    CSR_WRITE(pmpaddr1, -1);
    for (unsigned i = 0; i < 60; i++) {
        unsigned page = 2 + i % 5, kind = i % 3;
        uint64_t border = low + page * 4096;
        CSR_WRITE(pmpaddr0, border >> 2 | 0x1ff);
        CSR_WRITE(pmpcfg0, 0x1f00 | 0x18 | kind);
        writable = border;
        readable = kind == 1 ? NO_END : border;
        if (kind == 2) // W without R is nothing
            writable = readable = border;
        CSR_CLEAR(mstatus, MSTATUS_MPP);
        check_walk(10, walk, walk_steps, low + i, STEP, low, MSTATUS_MPRV);
        writable = readable = border + 4096;
        CSR_CLEAR(mstatus, MSTATUS_MPP);
        if (kind != 1)
            check_walk(11, walk_back, back_steps, low + sizeof image - 256 - i, -STEP, low, MSTATUS_MPRV);
        readable = writable = NO_END;
        check_walk(12, walk_up, walk_steps, low + i, STEP, low, 0); // M-mode itself may
        CSR_CLEAR(mstatus, MSTATUS_MPP);
        writable = border;
        readable = kind == 1 ? NO_END : border;
        check_walk(13, walk_up, walk_steps, low + i, STEP, low, MSTATUS_MPRV);
    }
    CSR_WRITE(pmpcfg0, 0);
}

// S-mode's accesses from M-mode: a page of 2 MiB that moves and loses W, fenced at some page of it; with code in the
// middle of it, so that what may be stored to is in pieces.
static void check_large_pages(void)
{
    static const uint64_t at[] = {BIG, BIG + (2u << 20)};
    Space s = space_new(SV39, 1);
    uint64_t va = UINT64_C(0x40000000);
    rt_allow_all();
    CSR_CLEAR(mstatus, MSTATUS_MPP);
    for (unsigned i = 0; i < 2; i++) {
        uint32_t *code = (uint32_t *)(at[i] + (1 << 20));
        code[0] = 0x8067;
        __asm__ volatile("fence.i" ::: "memory");
        for (unsigned k = 0; k < 100; k++)
            ((void (*)(void))code)();
    }
    for (unsigned i = 0; i < 60; i++) {
        unsigned place = i / 2 % 2, read_only = i % 4 == 3;
        low = va + (i % 8 >= 4 ? (1 << 20) + 4096 : 0);
        space_map(&s, va, at[place], PTE_V | PTE_R | (read_only ? 0 : PTE_W) | PTE_AD, 1);
        if (i == 0)
            space_enter(&s);
        uint64_t fence = va + (i * 37 % 512) * 4096;
        __asm__ volatile("sfence.vma %0, zero" ::"r"(fence) : "memory");
        readable = writable = NO_END;
        if (read_only)
            writable = 0;
        CSR_SET(mstatus, MPP_S);
        check_walk(20, walk, walk_steps, low + i, STEP, at[place] + (low - va), MSTATUS_MPRV);
        CSR_SET(mstatus, MPP_S);
        if (read_only)
            check_walk(21, walk_loads, loads_steps, low + i, STEP, at[place] + (low - va), MSTATUS_MPRV);
    }
    CSR_WRITE(satp, 0);
}

// --- code ----------------------------------------------------------------------------------------------------

#define LI_A0(n) ((uint32_t)(n) << 20 | 0x513)
#define RET 0x8067u

// A loop that fills pages meets one with code in it: the code is new afterwards, and only that.
static void check_filled_code(void)
{
    uint32_t *words = (uint32_t *)(uintptr_t)BIG;
    for (unsigned i = 0; i < 1000; i++) {
        uint32_t *place = words + 1024 * (1 + i % 3) + i % 2 * 1023; // the second form lies on two pages
        for (unsigned k = 0; k < 5 * 1024; k++)
            words[k] = words + k == place ? LI_A0(i) : words + k == place + 1 ? RET : 0;
        __asm__ volatile("fence.i" ::: "memory");
        for (unsigned k = 0; k < 30; k++)
            CHECK(30, ((long (*)(void))place)() == i);
    }
}

// Stores over the border to a page with code.
static void check_straddle(void)
{
    char *page = (char *)(uintptr_t)BIG + 4096;
    uint32_t *code = (uint32_t *)page;
    for (unsigned i = 1; i < 1000; i++) {
        code[1] = RET;
        uint64_t both = (uint64_t)LI_A0(i) << 32 | i;
        __asm__ volatile("sd %0, -4(%1)\n\tsd %0, -64(%1)\n\tsd %0, -72(%1)" ::"r"(both), "r"(page) : "memory");
        __asm__ volatile("fence.i" ::: "memory");
        CHECK(31, ((long (*)(void))code)() == i);
        both = (uint64_t)RET << 32 | LI_A0(2 * i % 2048);
        __asm__ volatile("sd %0, -40(%1)\n\tsd %0, 0(%1)" ::"r"(both), "r"(page) : "memory");
        __asm__ volatile("fence.i" ::: "memory");
        CHECK(32, (((long (*)(void))code)() & 2047) == 2 * i % 2048);
    }
}

int main(void)
{
    check_end_of_ram();
    check_start_of_ram();
    check_pmp();
    check_large_pages();
    check_filled_code();
    check_straddle();
    printf("runs: all checks passed\n");
    return 0;
}
