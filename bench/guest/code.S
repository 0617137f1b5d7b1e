// SPDX-License-Identifier: GPL-3.0-or-later
// INSNS different instructions, run through again and again: uint64_t code(uint64_t seed, uint64_t *words).
// Each stretch of 16 is a call of a leaf with a branch, a load and a store.
    .section .code, "ax" // apart from .text, whose parts jump to each other directly
    .option norvc
    .globl code
    .balign 64
code:
    .set n, 0
    .rept INSNS / 16
    jal t0, 1f
    j 3f
1:  xori a0, a0, n & 0x7ff
    slli t1, a0, 3 + (n & 7)
    add a0, a0, t1
    ld t2, (n & 127) * 8(a1)
    andi t3, a0, 1 << (n & 7)
    beqz t3, 2f
    addi t2, t2, n & 0x3ff
    xor a0, a0, t2
2:  srli t1, a0, 7 + (n & 15)
    sd t1, (n & 63) * 8 + 8(a1)
    add a0, a0, t1
    xor a0, a0, t3
    sub a0, a0, t2
    jr t0
3:
    .set n, n + 1
    .endr
    ret
