# SPDX-License-Identifier: GPL-3.0-or-later
# What a tap must see, in a few instructions each: tap.expected has the stream (run_tap.py). Physical memory: 0x80000000
# code, 0x80010000 page tables, 0x80020000 data. Virtual: 0x80000000 1 GiB global (code), 0x40000000 2 MiB,
# 0x40200000 a page, 0x40201000 a page with D clear, 0x40210000 64 KiB (NAPOT), the rest nothing.

    .option norelax
    .option norvc
#define PTE(pa, flags) ((pa) >> 2 | (flags))
#define V 1
#define RWXAD 0xce
#define RWA 0x46
#define G 0x20

    .text
    .globl _start
_start:
    la t0, trap
    csrw mtvec, t0
    li t0, -1
    csrw pmpaddr0, t0
    li t0, 0x1f
    csrw pmpcfg0, t0
    # loads and stores, over two pages too
    li a0, 0x80020000
    ld t1, 0(a0)            # new page
    ld t1, 8(a0)            # passes
    sd t1, 0(a0)            # the first store
    sd t1, 8(a0)            # passes
    lui a1, 1
    add a1, a0, a1
    ld t1, -4(a1)           # its first page passes
    sw t1, 4(a1)            # the first store on the second page
    sd t1, -4(a1)           # both pages
    lw t1, 0(a1)            # passes
    li a2, 0x80022000
    amoadd.d t1, t1, (a2)
    lr.w t1, (a2)           # passes
    sc.w t1, t1, (a0)       # fails; a page all the same
    addi a3, a2, 4
    amoadd.d t1, t1, (a3)   # misaligned
    cbo.zero (a2)
    j straddle

    .org 0xffe
straddle:
    addi t2, zero, 100      # over two pages
    .option rvc
    c.nop
    .option norvc
    # page tables, Sv39 with ASID 1
    li t0, 0x80010000
    li t1, PTE(0x80011000, V)
    sd t1, 8(t0)
    li t1, PTE(0x80000000, V | RWXAD | G)
    sd t1, 16(t0)
    li t0, 0x80011000
    li t1, PTE(0x80200000, V | RWXAD)
    sd t1, 0(t0)
    li t1, PTE(0x80012000, V)
    sd t1, 8(t0)
    li t0, 0x80012000
    li t1, PTE(0x80020000, V | RWXAD)
    sd t1, 0(t0)
    li t1, PTE(0x80021000, V | RWA)
    sd t1, 8(t0)
    li t1, PTE(0x80038000, V | RWXAD | 1 << 63)
    li t2, 16
1:  sd t1, 128(t0)
    addi t0, t0, 8
    addi t2, t2, -1
    bnez t2, 1b
    li s0, 0x8000100000080010
    csrw satp, s0
    sfence.vma
    # M-mode with MPRV
    li t0, 1 << 17 | 1 << 11
    csrs mstatus, t0
    li t1, 1 << 12
    csrc mstatus, t1
    li a0, 0x40000000
    ld t1, 0x100(a0)
    csrc mstatus, t0
    li t0, 1 << 11
    csrs mstatus, t0
    la t0, supervisor
    csrw mepc, t0
    mret

supervisor:
    li a0, 0x40000000
    ld t1, 0x100(a0)        # 2 MiB
    li a1, 0x40200000
    sd t1, 0(a1)            # a page
    li a2, 0x40201000
    ld t1, 0(a2)            # D is clear
    sd t1, 0(a2)            # refused: the page was loaded from, so it is written for the store
    ld t1, 0(a2)
    ld t1, 8(a2)            # passes
    li a3, 0x40218000
    lb t1, 0(a3)            # NAPOT
    li a4, 0x40300000
    ld t1, 0(a4)            # nothing there
    sd t1, 0(a1)
    lui t2, 1
    add t2, a1, t2
    sd t1, -4(t2)           # the second page refuses
    li a4, 0x40400000
    jalr ra, 0(a4)          # nothing to run; the handler returns to ra
    sfence.vma
    ld t1, 0(a1)
    sfence.vma a1, zero
    ld t1, 0(a1)
    li t0, 1
    sfence.vma zero, t0
    sfence.vma a1, t0
    li s0, 0x8000200000080010
    csrw satp, s0           # ASID 2
    ld t1, 0(a1)
    ecall                   # to M for good

trap:
    csrr s1, mcause
    li s2, 9
    beq s1, s2, done
    csrr s3, mepc
    addi s3, s3, 4
    li s2, 12
    bne s1, s2, 1f
    mv s3, ra
1:  csrw mepc, s3
    mret
done:
    li t0, 1
    la t1, tohost
    sd t0, 0(t1)
    j done

    .org 0x3000
    .globl tohost, fromhost
tohost:
    .dword 0
    .org 0x3040
fromhost:
    .dword 0
