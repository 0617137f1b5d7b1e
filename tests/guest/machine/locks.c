// SPDX-License-Identifier: GPL-3.0-or-later
// Atomicity between harts: counters by LR/SC and by every AMO, of both sizes, and spin locks.
#include "harts.h"

#ifndef ROUNDS
#define ROUNDS 20000
#endif

static LOCATION volatile uint64_t counter, other_counter, plain, lock;
static LOCATION volatile uint32_t word[2]; // a neighbour that must not be touched
static LOCATION volatile uint64_t owner_sum;

static void count_lr_sc(unsigned hart)
{
    (void)hart;
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t v, failed;
        __asm__ volatile("1:\tlr.d %0, (%2)\n\taddi %0, %0, 1\n\tsc.d %1, %0, (%2)\n\tbnez %1, 1b"
                         : "=&r"(v), "=&r"(failed) : "r"(&counter) : "memory");
        __asm__ volatile("1:\tlr.w %0, (%2)\n\taddi %0, %0, 1\n\tsc.w %1, %0, (%2)\n\tbnez %1, 1b"
                         : "=&r"(v), "=&r"(failed) : "r"(&word[0]) : "memory");
    }
}

static void count_amo(unsigned hart)
{
    (void)hart;
    for (unsigned i = 0; i < ROUNDS; i++) {
        __asm__ volatile("amoadd.d zero, %1, (%0)" ::"r"(&counter), "r"(1) : "memory");
        __asm__ volatile("amoadd.w zero, %1, (%0)" ::"r"(&word[0]), "r"(1) : "memory");
    }
}

// Each hart has a bit of its own and must find it as it left it.
static void flip_bits(unsigned hart)
{
    uint64_t bit = UINT64_C(1) << hart, old;
    for (unsigned i = 0; i < ROUNDS; i++) {
        __asm__ volatile("amoor.d %0, %2, (%1)" : "=r"(old) : "r"(&counter), "r"(bit) : "memory");
        CHECK(10, !(old & bit));
        __asm__ volatile("amoxor.d %0, %2, (%1)" : "=r"(old) : "r"(&counter), "r"(bit) : "memory");
        CHECK(11, old & bit);
        __asm__ volatile("amoand.d %0, %2, (%1)" : "=r"(old) : "r"(&counter), "r"(~bit) : "memory");
        CHECK(12, !(old & bit));
    }
}

static void largest(unsigned hart)
{
    for (uint64_t i = 0; i < ROUNDS; i++) {
        uint64_t mine = i * HARTS + hart, old;
        __asm__ volatile("amomaxu.d %0, %2, (%1)" : "=r"(old) : "r"(&counter), "r"(mine) : "memory");
        CHECK(13, i == 0 || old >= mine - HARTS);
        __asm__ volatile("amomin.d %0, %2, (%1)" : "=r"(old) : "r"(&other_counter), "r"(-mine) : "memory");
        CHECK(14, i == 0 || (int64_t)old <= -(int64_t)(mine - HARTS));
    }
}

static void lock_lr_sc(unsigned hart)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t v, failed;
        __asm__ volatile("1:\tlr.d.aq %0, (%2)\n\tbnez %0, 1b\n\tsc.d %1, %3, (%2)\n\tbnez %1, 1b"
                         : "=&r"(v), "=&r"(failed) : "r"(&lock), "r"(hart + 1) : "memory");
        plain = plain + 1;
        owner_sum = owner_sum + lock;
        __asm__ volatile("amoswap.d.rl zero, zero, (%0)" ::"r"(&lock) : "memory");
    }
}

static void lock_swap(unsigned hart)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t old;
        do
            __asm__ volatile("amoswap.d.aq %0, %2, (%1)" : "=r"(old) : "r"(&lock), "r"(1) : "memory");
        while (old);
        plain = plain + 1;
        FENCE(rw, w);
        lock = 0;
    }
    (void)hart;
}

// A reservation does not survive another hart's store of another value.
static LOCATION volatile uint64_t turn, broken;

static void break_reservation(unsigned hart)
{
    for (unsigned i = 1; i <= ROUNDS / 10 && hart < 2; i++) {
        if (hart == 0) {
            uint64_t v, failed;
            __asm__ volatile("lr.d %0, (%1)" : "=r"(v) : "r"(&counter) : "memory");
            __atomic_store_n(&turn, 2 * i - 1, __ATOMIC_SEQ_CST);
            while (__atomic_load_n(&turn, __ATOMIC_SEQ_CST) != 2 * i)
                continue;
            __asm__ volatile("sc.d %0, %2, (%1)" : "=&r"(failed) : "r"(&counter), "r"(7) : "memory");
            broken += failed != 0;
        } else {
            while (__atomic_load_n(&turn, __ATOMIC_SEQ_CST) != 2 * i - 1)
                continue;
            counter = counter + 1000;
            __atomic_store_n(&turn, 2 * i, __ATOMIC_SEQ_CST);
        }
    }
}

int main(void)
{
    word[1] = 12345;
    harts_run(count_lr_sc);
    CHECK(1, counter == (uint64_t)ROUNDS * HARTS && word[0] == ROUNDS * HARTS);
    harts_run(count_amo);
    CHECK(2, counter == 2 * (uint64_t)ROUNDS * HARTS && word[0] == 2 * ROUNDS * HARTS && word[1] == 12345);
    counter = 0;
    harts_run(flip_bits);
    CHECK(3, counter == 0);
    harts_run(largest);
    CHECK(4, counter == (uint64_t)ROUNDS * HARTS - 1 && other_counter == -counter);
    harts_run(lock_lr_sc);
    CHECK(5, plain == (uint64_t)ROUNDS * HARTS && owner_sum == (uint64_t)ROUNDS * HARTS * (HARTS + 1) / 2);
    plain = 0;
    harts_run(lock_swap);
    CHECK(6, plain == (uint64_t)ROUNDS * HARTS);
    counter = 0;
    harts_run(break_reservation);
    CHECK(7, broken == ROUNDS / 10 && counter == 1000 * (ROUNDS / 10));
    printf("locks: all counts right\n");
    return 0;
}
