// SPDX-License-Identifier: GPL-3.0-or-later
// What the A extension computes: all AMOs over edge values, LR/SC success and failure.
#include "rt.h"

#define AMO_CASE(number, op, wanted, wide) do { \
    for (unsigned i = 0; i < 6; i++) \
        for (unsigned j = 0; j < 6; j++) { \
            uint64_t cell = values[i], m = values[i], v = values[j], old; \
            __asm__ volatile(op " %0, %2, (%1)" : "=&r"(old) : "r"(&cell), "r"(v) : "memory"); \
            uint64_t new = (wanted), keep = UINT64_C(0xffffffff00000000); \
            if (!(wide)) { \
                CHECK(number, old == (uint64_t)(int64_t)(int32_t)m); \
                new = (new & ~keep) | (m & keep); \
            } else { \
                CHECK(number, old == m); \
            } \
            CHECK(number, cell == new); \
        } \
} while (0)

static const uint64_t values[6] = {0, 1, UINT64_C(0x7fffffff7fffffff), UINT64_C(0x8000000080000000),
    UINT64_C(0xffffffffffffffff), UINT64_C(0x0123456789abcdef)};

static void check_words(void)
{
    AMO_CASE(1, "amoswap.w", v, 0);
    AMO_CASE(2, "amoadd.w", m + v, 0);
    AMO_CASE(3, "amoxor.w", m ^ v, 0);
    AMO_CASE(4, "amoand.w", m & v, 0);
    AMO_CASE(5, "amoor.w", m | v, 0);
    AMO_CASE(6, "amomin.w", (int32_t)m < (int32_t)v ? m : v, 0);
    AMO_CASE(7, "amomax.w", (int32_t)m > (int32_t)v ? m : v, 0);
    AMO_CASE(8, "amominu.w", (uint32_t)m < (uint32_t)v ? m : v, 0);
    AMO_CASE(9, "amomaxu.w", (uint32_t)m > (uint32_t)v ? m : v, 0);
}

static void check_doublewords(void)
{
    AMO_CASE(11, "amoswap.d.aqrl", v, 1);
    AMO_CASE(12, "amoadd.d", m + v, 1);
    AMO_CASE(13, "amoxor.d.aq", m ^ v, 1);
    AMO_CASE(14, "amoand.d", m & v, 1);
    AMO_CASE(15, "amoor.d.rl", m | v, 1);
    AMO_CASE(16, "amomin.d", (int64_t)m < (int64_t)v ? m : v, 1);
    AMO_CASE(17, "amomax.d", (int64_t)m > (int64_t)v ? m : v, 1);
    AMO_CASE(18, "amominu.d", m < v ? m : v, 1);
    AMO_CASE(19, "amomaxu.d", m > v ? m : v, 1);
}

static uint64_t store_conditional(uint64_t *reserve, uint64_t *store, uint64_t value)
{
    uint64_t old, failed;
    __asm__ volatile("lr.d %0, (%2)\n\tsc.d %1, %4, (%3)"
                     : "=&r"(old), "=&r"(failed)
                     : "r"(reserve), "r"(store), "r"(value)
                     : "memory");
    return failed;
}

static void check_reservation(void)
{
    static uint64_t cells[1024] __attribute__((aligned(4096)));
    uint64_t failed;
    cells[0] = 5;
    CHECK(21, store_conditional(cells, cells, 6) == 0 && cells[0] == 6);
    CHECK(22, store_conditional(cells, cells + 512, 7) == 1 && cells[512] == 0);
    // A reservation serves once.
    __asm__ volatile("lr.d t0, (%1)\n\tsc.d t0, %2, (%1)\n\tsc.d %0, zero, (%1)"
                     : "=&r"(failed)
                     : "r"(cells), "r"(UINT64_C(9))
                     : "t0", "memory");
    CHECK(23, failed == 1 && cells[0] == 9);
    // lr.w sign-extends, sc.w stores the low word.
    int64_t word;
    cells[0] = UINT64_C(0x1111111180000000);
    __asm__ volatile("lr.w %0, (%2)\n\tsc.w %1, zero, (%2)"
                     : "=&r"(word), "=&r"(failed)
                     : "r"(cells)
                     : "memory");
    CHECK(24, word == INT32_MIN && failed == 0 && cells[0] == UINT64_C(0x1111111100000000));
}

// The loops that compilers make of atomics.
static void check_loop(void)
{
    static uint64_t counter;
    for (int i = 0; i < 1000; i++) {
        uint64_t seen = counter;
        while (!__atomic_compare_exchange_n(&counter, &seen, seen + 3, 1, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
            continue;
        __atomic_fetch_add(&counter, 1, __ATOMIC_RELAXED);
    }
    CHECK(31, counter == 4000);
}

int main(void)
{
    check_words();
    check_doublewords();
    check_reservation();
    check_loop();
    printf("atomics: all checks passed\n");
    return 0;
}
