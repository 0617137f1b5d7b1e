// SPDX-License-Identifier: GPL-3.0-or-later
// Trap entry of the small kernel in supervisor.c: direct at kernel_entry, vectored at kernel_vectors. It saves all
// registers on the kernel's stack, whose top sscratch holds in U-mode, and calls kernel_trap(scause).

    .text
    .balign 4
    .globl kernel_entry
kernel_entry:
    csrrw sp, sscratch, sp
    addi sp, sp, -256
    sd x1, 8(sp)
    .irp r, 3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    sd x\r, 8*\r(sp)
    .endr
    .option push
    .option norelax
    la gp, __global_pointer$
    .option pop
    csrr a0, scause
    mv a1, sp
    call kernel_trap
    ld x1, 8(sp)
    .irp r, 3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    ld x\r, 8*\r(sp)
    .endr
    addi sp, sp, 256
    csrrw sp, sscratch, sp
    sret

    .balign 256
    .option push
    .option norvc
    .globl kernel_vectors
kernel_vectors:
    j kernel_entry      // exceptions
    .rept 11            // interrupt n: note that it came this way
    j vectored
    .endr
vectored:
    csrw stval, sp      // stval is 0 for interrupts: something else in it says vectored
    j kernel_entry
    .option pop

    // S-mode in the kernel without a user: wfi until an interrupt, then an ecall to M-mode. a0: sie bits.
    .globl kernel_wait
kernel_wait:
    csrw sie, a0
    wfi
    csrr a0, sip
    ecall
