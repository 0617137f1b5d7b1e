// SPDX-License-Identifier: GPL-3.0-or-later
// Loads and stores at every offset, over page borders, in cold and in hot code.
#include "rt.h"
#include <string.h>

#define PAGE 4096

static uint8_t buffer[3 * PAGE] __attribute__((aligned(PAGE)));

static uint64_t expected(uint64_t at, int size)
{
    uint64_t value = 0;
    for (int i = 0; i < size; i++)
        value |= (uint64_t)buffer[at + i] << 8 * i;
    return value;
}

static void check_loads(uint64_t from, uint64_t to)
{
    for (uint64_t at = from; at < to; at++) {
        uint64_t p = (uint64_t)(buffer + at);
        CHECK(1, TRY_LOAD("ld", p) == expected(at, 8));
        CHECK_NO_TRAP(1);
        CHECK(2, TRY_LOAD("lwu", p) == expected(at, 4));
        CHECK(3, TRY_LOAD("lw", p) == (uint64_t)(int64_t)(int32_t)expected(at, 4));
        CHECK(4, TRY_LOAD("lhu", p) == expected(at, 2));
        CHECK(5, TRY_LOAD("lh", p) == (uint64_t)(int64_t)(int16_t)expected(at, 2));
        CHECK(6, TRY_LOAD("lb", p) == (uint64_t)(int64_t)(int8_t)expected(at, 1));
    }
}

#define CHECK_STORE(number, op, size) do { \
    for (uint64_t at = from; at < to; at++) { \
        uint8_t before[2] = {buffer[at - 1], buffer[at + size]}; \
        uint64_t value = (at + 3) * UINT64_C(0x9e3779b97f4a7c15), mask = UINT64_MAX >> (64 - 8 * size); \
        TRY_STORE(op, buffer + at, value); \
        CHECK_NO_TRAP(number); \
        CHECK(number, expected(at, size) == (value & mask)); \
        CHECK(number, buffer[at - 1] == before[0] && buffer[at + size] == before[1]); \
    } \
} while (0)

static void check_stores(uint64_t from, uint64_t to)
{
    CHECK_STORE(11, "sd", 8);
    CHECK_STORE(12, "sw", 4);
    CHECK_STORE(13, "sh", 2);
    CHECK_STORE(14, "sb", 1);
}

// What a compiler does with packed structures, hot enough to be compiled.
static void check_hot_loop(void)
{
    uint64_t sum = 0, wanted = 0;
    for (int round = 0; round < 30; round++)
        for (uint64_t at = 1; at < 2 * PAGE; at += 61) {
            uint64_t value;
            memcpy(&value, buffer + at, 8);
            __asm__ volatile("ld %0, 0(%1)" : "=r"(value) : "r"(buffer + at));
            sum += value;
            wanted += expected(at, 8);
        }
    CHECK(21, sum == wanted);
}

int main(void)
{
    for (int i = 0; i < 3 * PAGE; i++)
        buffer[i] = i * 7 + (i >> 8);
    check_loads(0, 24);
    check_loads(PAGE - 10, PAGE + 10);
    check_stores(1, 24);
    check_stores(2 * PAGE - 10, 2 * PAGE + 10);
    check_hot_loop();
    printf("misaligned: all checks passed\n");
    return 0;
}
