// SPDX-License-Identifier: GPL-3.0-or-later
// What the guest tests of machine behaviour share: CSR access, expected traps, checks that end the program.
#pragma once
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

extern volatile uint64_t tohost, fromhost;

// Filled by the trap handler in crt0.S. A test sets `resume` to the address at which the next exception
// goes on.
extern volatile struct {
    uint64_t cause, tval, epc, mstatus, resume;
} trap_info;
extern char trap_entry[];

#define CSR_READ(csr) ({ \
    uint64_t value_; \
    __asm__ volatile("csrr %0, " #csr : "=r"(value_)::"memory"); \
    value_; \
})
#define CSR_WRITE(csr, value) ({ __asm__ volatile("csrw " #csr ", %0" ::"r"((uint64_t)(value)) : "memory"); })
#define CSR_SET(csr, value) ({ __asm__ volatile("csrs " #csr ", %0" ::"r"((uint64_t)(value)) : "memory"); })
#define CSR_CLEAR(csr, value) ({ __asm__ volatile("csrc " #csr ", %0" ::"r"((uint64_t)(value)) : "memory"); })

#define NO_TRAP (~UINT64_C(0))

// Runs one instruction with %0 = in/out register and %1, %2 = inputs; afterwards trap_info tells whether it
// trapped (cause is NO_TRAP if not) and where (epc is relative to the instruction: 0 if exact).
#define TRY(insn, inout, in1, in2) ({ \
    uint64_t inout_ = (uint64_t)(inout), in1_ = (uint64_t)(in1), in2_ = (uint64_t)(in2), at_; \
    trap_info.cause = NO_TRAP; \
    trap_info.tval = 0; \
    __asm__ volatile("la t0, 2f\n\tsd t0, 32(%4)\n\tla %1, 1f\n\t" \
                     ".option push\n\t.option norvc\n1:\t" insn "\n\t.option pop\n2:\tsd zero, 32(%4)" \
                     : "+&r"(inout_), "=&r"(at_) \
                     : "r"(in1_), "r"(in2_), "r"(&trap_info) \
                     : "t0", "memory"); \
    trap_info.epc -= at_; \
    inout_; \
})
#define TRY_LOAD(op, address) TRY(op " %0, 0(%2)", 0xdead, address, 0)
#define TRY_STORE(op, address, value) TRY(op " %3, 0(%2)", 0, address, value)
#define TRY_AMO(op, address, value) TRY(op " %0, %3, (%2)", 0xdead, address, value)

// Ends the program with the number of the check (1..98) if the condition does not hold.
#define CHECK(number, condition) do { \
    if (!(condition)) { \
        printf("check %d failed: %s (cause %lx tval %lx epc %lx)\n", number, #condition, \
            (unsigned long)trap_info.cause, (unsigned long)trap_info.tval, (unsigned long)trap_info.epc); \
        exit(number); \
    } \
} while (0)
// The last TRY must have trapped with this cause and value, exactly at its instruction.
#define CHECK_TRAP(number, expected_cause, expected_tval) do { \
    CHECK(number, trap_info.cause == (expected_cause)); \
    CHECK(number, trap_info.tval == (uint64_t)(expected_tval)); \
    CHECK(number, trap_info.epc == 0); \
} while (0)
#define CHECK_NO_TRAP(number) CHECK(number, trap_info.cause == NO_TRAP)

// By board. The arguments in one line (semihost.c; bare.c: there are none), and the console (htif.c, virt.c).
size_t rt_command_line(char *line, size_t size);
int rt_console_putc(char c, FILE *file);
int rt_console_getc(FILE *file);

// Runs f() in U-mode until its ecall or any other exception; returns mcause.
uint64_t rt_run_user(void (*f)(void));
// PMP entry 15 = everything allowed for U-mode; entries 0..14 are the caller's.
void rt_allow_all(void);
