// SPDX-License-Identifier: GPL-3.0-or-later
// Start of every C guest: stack, gp, tp, clean bss and a trap handler that remembers and resumes.
//
// A test arms the handler by storing a resume address in trap_resume; an exception then fills trap_info and
// goes on there in M-mode with MPRV clear. An exception that nobody armed for ends the program with status
// 99, so that a wrong translation shows up as a failure and not as a hang. An interrupt calls
// rt_interrupt(mcause), which a test may define.

    .section .text.start, "ax"
    .globl _start
_start:
    csrr t0, mhartid
    bnez t0, rt_other_hart
    .option push
    .option norelax
    la gp, __global_pointer$
    .option pop
    la sp, __stack
    la tp, __tls_base
    la t0, trap_entry
    csrw mtvec, t0
#ifdef __riscv_flen
    li t0, 0x6000       // mstatus.FS
    csrs mstatus, t0
#endif
    // .tbss lies between .tdata and .bss: one sweep clears both.
    la t0, __tdata_end
    la t1, __bss_end
1:  sb zero, 0(t0)
    addi t0, t0, 1
    andi t2, t0, 7
    bnez t2, 1b
2:  bgeu t0, t1, 3f
    sd zero, 0(t0)
    addi t0, t0, 8
    j 2b
3:  call rt_main        // rt_main ends in exit()
    .weak rt_other_hart // where harts but 0 go; a program that wants them defines it
rt_other_hart:
park:
    wfi
    j park

    .text
    .balign 4
    .globl trap_entry
trap_entry:
    addi sp, sp, -144
    sd ra, 0(sp)
    sd t0, 8(sp)
    sd t1, 16(sp)
    csrr t0, mcause
    bltz t0, interrupt
    la t1, trap_info
    sd t0, 0(t1)
    csrr t0, mtval
    sd t0, 8(t1)
    csrr t0, mepc
    sd t0, 16(t1)
    csrr t0, mstatus
    sd t0, 24(t1)
    ld t0, 32(t1)
    beqz t0, unexpected
    sd zero, 32(t1)
    csrw mepc, t0
    li t0, 0x1800       // MPP = M: back into the test, wherever the exception came from
    csrs mstatus, t0
    li t0, 0x20000      // MPRV
    csrc mstatus, t0
    ld t0, 8(sp)
    ld t1, 16(sp)
    addi sp, sp, 144
    mret
unexpected:
    call rt_unexpected_trap
    j park

interrupt:
    sd t2, 24(sp)
    sd t3, 32(sp)
    sd t4, 40(sp)
    sd t5, 48(sp)
    sd t6, 56(sp)
    sd a0, 64(sp)
    sd a1, 72(sp)
    sd a2, 80(sp)
    sd a3, 88(sp)
    sd a4, 96(sp)
    sd a5, 104(sp)
    sd a6, 112(sp)
    sd a7, 120(sp)
    mv a0, t0
    call rt_interrupt
    ld t2, 24(sp)
    ld t3, 32(sp)
    ld t4, 40(sp)
    ld t5, 48(sp)
    ld t6, 56(sp)
    ld a0, 64(sp)
    ld a1, 72(sp)
    ld a2, 80(sp)
    ld a3, 88(sp)
    ld a4, 96(sp)
    ld a5, 104(sp)
    ld a6, 112(sp)
    ld a7, 120(sp)
    ld ra, 0(sp)
    ld t0, 8(sp)
    ld t1, 16(sp)
    addi sp, sp, 144
    mret

    .weak rt_interrupt
rt_interrupt:
    tail rt_unexpected_trap

    .section .htif, "aw", @progbits
    .balign 64
    .globl tohost
    .type tohost, @object
    .size tohost, 8
tohost:
    .dword 0
    .balign 64
    .globl fromhost
    .type fromhost, @object
    .size fromhost, 8
fromhost:
    .dword 0

    .bss
    .balign 8
    .globl trap_info
trap_info:
    .space 40
