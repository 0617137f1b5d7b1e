// SPDX-License-Identifier: GPL-3.0-or-later
// A user program that calls the supervisor all the time: ecall, a handler that saves the caller's registers, a C
// function, sret.
#include "sv39.h"

#ifndef SIZE
#define SIZE 20000 // calls
#endif

uint64_t enter_user(uint64_t (*code)(uint64_t), uint64_t argument);
uint64_t system_call(uint64_t a, uint64_t number);
extern uint64_t user_page(uint64_t calls);
static char user_stack[4096] __attribute__((aligned(4096)));

__asm__(".pushsection .text\n"
        ".balign 4096\n"
        "user_page:\n" // calls number 0 that often, with what it returned; then number 1 ends it
        "li a1, 1\nmv a2, a0\nmv a0, a1\n"
        "1:\tli a7, 0\necall\nadd a0, a0, a1\naddi a2, a2, -1\nbnez a2, 1b\n"
        "li a7, 1\necall\n"
        ".balign 4096\n"
        "enter_user:\n"
        "addi sp, sp, -112\nsd ra, 0(sp)\n"
        "sd s0, 8(sp)\nsd s1, 16(sp)\nsd s2, 24(sp)\nsd s3, 32(sp)\nsd s4, 40(sp)\nsd s5, 48(sp)\n"
        "csrw sscratch, sp\nla t0, user_trap\ncsrw stvec, t0\n"
        "csrw sepc, a0\nli t0, 0x100\ncsrc sstatus, t0\n" // SPP = U
        "mv a0, a1\nla sp, user_stack + 4096\nsret\n"
        ".balign 4\n"
        "user_trap:\n"
        "csrrw sp, sscratch, sp\n"
        "bnez a7, 2f\n"
        "addi sp, sp, -128\n"
        "sd ra, 0(sp)\nsd t0, 8(sp)\nsd t1, 16(sp)\nsd t2, 24(sp)\nsd t3, 32(sp)\nsd t4, 40(sp)\nsd t5, 48(sp)\n"
        "sd t6, 56(sp)\nsd a1, 64(sp)\nsd a2, 72(sp)\nsd a3, 80(sp)\nsd a4, 88(sp)\nsd a5, 96(sp)\nsd a6, 104(sp)\n"
        "csrr t0, sepc\naddi t0, t0, 4\nsd t0, 112(sp)\n"
        "mv a1, a7\ncall system_call\n"
        "ld t0, 112(sp)\ncsrw sepc, t0\n"
        "ld ra, 0(sp)\nld t0, 8(sp)\nld t1, 16(sp)\nld t2, 24(sp)\nld t3, 32(sp)\nld t4, 40(sp)\nld t5, 48(sp)\n"
        "ld t6, 56(sp)\nld a1, 64(sp)\nld a2, 72(sp)\nld a3, 80(sp)\nld a4, 88(sp)\nld a5, 96(sp)\nld a6, 104(sp)\n"
        "addi sp, sp, 128\ncsrrw sp, sscratch, sp\nsret\n"
        "2:\tld ra, 0(sp)\n"
        "ld s0, 8(sp)\nld s1, 16(sp)\nld s2, 24(sp)\nld s3, 32(sp)\nld s4, 40(sp)\nld s5, 48(sp)\n"
        "addi sp, sp, 112\nret\n"
        ".popsection\n");

uint64_t system_call(uint64_t a, uint64_t number)
{
    static uint64_t calls;
    calls++;
    return (a ^ number) * 3 + (calls & 7);
}

void sv39_machine_mode(void)
{
    CSR_WRITE(medeleg, UINT64_C(1) << 8); // ecall from U-mode
}

int main(void)
{
    *sv39_entry((uint64_t)user_page) |= PTE_U;
    *sv39_entry((uint64_t)user_stack) |= PTE_U;
    __asm__ volatile("sfence.vma" ::: "memory");
    uint64_t last = enter_user(user_page, SIZE);
    printf("%d calls, last %016lx\n", SIZE, (unsigned long)last);
    return last & 127;
}
