// SPDX-License-Identifier: GPL-3.0-or-later
// A register machine with threaded code: each operation jumps to the next through its own indirect jump.
#include <stdint.h>
#include <stdio.h>

#ifndef SIZE
#define SIZE 300 // primes are looked for below 100 times this
#endif

typedef struct {
    uint8_t op, a, b, c;
    int32_t value;
} Step;
enum { SET, ADD, ADDI, MUL, REM, XOR, BEQ, BLT, JUMP, HALT };

// r1: candidate, r2: divisor, r3: primes so far, r4: a hash of them, r5: bound
static const Step program[] = {
    {SET, 1, 0, 0, 2},    {SET, 5, 0, 0, SIZE * 100}, {BLT, 1, 5, 0, 2}, {HALT, 0, 0, 0, 0},
    {SET, 2, 0, 0, 2},    {MUL, 6, 2, 2, 0},          {BLT, 1, 6, 0, 5}, {REM, 7, 1, 2, 0},
    {BEQ, 7, 0, 0, 6},    {ADDI, 2, 2, 0, 1},         {JUMP, 0, 0, 0, -5}, {ADDI, 3, 3, 0, 1},
    {MUL, 4, 4, 1, 0},    {XOR, 4, 4, 1, 0},          {ADDI, 1, 1, 0, 1}, {JUMP, 0, 0, 0, -13},
};

__attribute__((noinline)) static uint64_t run(const Step *pc)
{
    static const void *const at[] = {&&set, &&add, &&addi, &&mul, &&rem, &&xor, &&beq, &&blt, &&jump, &&halt};
    uint64_t r[8] = {0};
    r[4] = 1;
#define NEXT(n) do { pc += (n); goto *at[pc->op]; } while (0)
    NEXT(0);
set:
    r[pc->a] = (uint64_t)pc->value;
    NEXT(1);
add:
    r[pc->a] = r[pc->b] + r[pc->c];
    NEXT(1);
addi:
    r[pc->a] = r[pc->b] + (uint64_t)pc->value;
    NEXT(1);
mul:
    r[pc->a] = r[pc->b] * r[pc->c];
    NEXT(1);
rem:
    r[pc->a] = (uint32_t)r[pc->b] % (uint32_t)r[pc->c];
    NEXT(1);
xor:
    r[pc->a] = r[pc->b] ^ r[pc->c];
    NEXT(1);
beq:
    NEXT(r[pc->a] == r[pc->b] ? pc->value : 1);
blt:
    NEXT(r[pc->a] < r[pc->b] ? pc->value : 1);
jump:
    NEXT(pc->value);
halt:
    return r[4] + r[3];
}

int main(void)
{
    uint64_t result = run(program);
    printf("result %016lx\n", (unsigned long)result);
    return result & 127;
}
