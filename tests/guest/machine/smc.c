// SPDX-License-Identifier: GPL-3.0-or-later
// Code that changes: rewritten functions, a hot loop patched while it runs, generated code, code beside data.
#include "rt.h"

typedef long Function(long);

static uint32_t code[3 * 1024] __attribute__((aligned(4096)));

#define LI_A0(n) (0x00000513u | (uint32_t)(n) << 20)      // li a0, n
#define ADDI_A0(n) (0x00050513u | (uint32_t)((n) & 0xfff) << 20) // addi a0, a0, n
#define RET 0x00008067u

static void fence_i(void)
{
    __asm__ volatile("fence.i" ::: "memory");
}

static void t104_rewrite(void) // T104
{
    Function *f = (Function *)code;
    for (int i = 0; i < 300; i++) {
        code[0] = LI_A0(i);
        code[1] = RET;
        fence_i();
        CHECK(1, f(0) == i);
    }
}

// The function gets hot, is changed, gets hot again.
static void check_hot(void)
{
    Function *f = (Function *)(code + 16);
    code[17] = RET;
    for (int version = 1; version < 4; version++) {
        code[16] = ADDI_A0(version);
        fence_i();
        long sum = 0;
        for (int i = 0; i < 20000; i++)
            sum = f(sum);
        CHECK(2, sum == 20000L * version);
    }
}

// Addends of a loop in generated code are patched by the loop's caller between two runs of the same loop.
static void check_generated_loop(void)
{
    uint32_t *p = code + 1024; // long loop(long n): a1 = 0; do a1 += K; while (--n); return a1
    Function *loop = (Function *)p;
    p[0] = 0x00000593;                    // li a1, 0
    p[1] = 0x00158593;                    // addi a1, a1, 1
    p[2] = 0xfff50513;                    // addi a0, a0, -1
    p[3] = 0xfe051ce3;                    // bnez a0, -8
    p[4] = 0x00058513;                    // mv a0, a1
    p[5] = RET;
    fence_i();
    CHECK(3, loop(30000) == 30000);
    p[1] = 0x00258593; // addi a1, a1, 2
    fence_i();
    CHECK(4, loop(30000) == 60000);
}

// A block that patches an instruction behind itself, with a fence.i before it is reached.
static void check_patch_ahead(void)
{
    long value;
    __asm__ volatile(
        ".option push\n\t.option norvc\n\t"
        "la t0, 1f\n\tsw %1, 0(t0)\n\tfence.i\n"
        "1:\tli %0, 1\n\t.option pop"
        : "=&r"(value)
        : "r"(0x00000013)
        : "t0", "memory");
    (void)value; // whatever the register held: the load of 1 was replaced by a nop
    Function *f = (Function *)(code + 2048);
    uint32_t *p = code + 2048;
    p[0] = 0x00b52823; // sw a1, 16(a0)
    p[1] = 0x0000100f; // fence.i
    p[2] = 0x00000513; // li a0, 0
    p[3] = 0x00000013; // nop
    p[4] = LI_A0(1);   // becomes a1
    p[5] = RET;
    fence_i();
    register uint64_t a0 __asm__("a0") = (uint64_t)p;
    register uint64_t a1 __asm__("a1") = LI_A0(77);
    __asm__ volatile("jalr ra, 0(%2)" : "+r"(a0) : "r"(a1), "r"(f) : "ra", "memory");
    CHECK(5, a0 == 77);
}

// Stores to data on the page of running code must work and must not disturb the code.
static void check_data_beside_code(void)
{
    Function *f = (Function *)(code + 512);
    volatile uint32_t *data = code + 600;
    code[512] = ADDI_A0(3);
    code[513] = RET;
    fence_i();
    long sum = 0;
    for (int i = 0; i < 3000; i++) {
        *data += i;
        sum = f(sum);
    }
    CHECK(6, sum == 9000 && *data == 3000u * 2999 / 2);
}

// Two functions change places on one page, called in turn.
static void check_two_versions(void)
{
    Function *f = (Function *)(code + 700);
    code[701] = RET;
    for (int i = 0; i < 200; i++) {
        code[700] = i & 1 ? ADDI_A0(-1) : ADDI_A0(1);
        fence_i();
        CHECK(7, f(10) == (i & 1 ? 9 : 11));
    }
}

// A 32-bit instruction across a page border, whose second half changes.
static void check_split_instruction(void)
{
    uint16_t *p = (uint16_t *)(code + 1024) - 1;
    Function *f = (Function *)p;
    for (int i = 1; i < 5; i++) {
        p[0] = ADDI_A0(i) & 0xffff;
        p[1] = ADDI_A0(i) >> 16;
        p[2] = 0x8082; // c.ret
        fence_i();
        for (int k = 0; k < 50; k++)
            CHECK(8, f(100) == 100 + i);
    }
}

int main(void)
{
    t104_rewrite();
    check_hot();
    check_generated_loop();
    check_patch_ahead();
    check_data_beside_code();
    check_two_versions();
    check_split_instruction();
    printf("smc: all checks passed\n");
    return 0;
}
