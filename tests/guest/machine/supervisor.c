// SPDX-License-Identifier: GPL-3.0-or-later
// A small S-mode kernel under paging: delegated exceptions and interrupts, demand paging, system calls, and what
// TVM, TW and TSR trap (priv. spec 3.1.6, 3.1.8, 4.1).
#include "paging.h"

#define USER_VA UINT64_C(0x10000)
#define HEAP_VA UINT64_C(0x20000000)
#define HEAP_PAGES 30
#define STACK_VA UINT64_C(0x30000000) // one page
#define INTERRUPT (UINT64_C(1) << 63)

extern char kernel_entry[], kernel_vectors[], kernel_wait[];
void kernel_trap(uint64_t cause, uint64_t *regs);

static Space space;
static uint64_t stack[512] __attribute__((aligned(16)));
static volatile unsigned faults[3], calls, interrupts[16], vectored;
static volatile uint64_t bad_cause;

enum { REG_A0 = 10, REG_A7 = 17 };
enum { CALL_ADD_ONE, CALL_EXIT };

static void end_run(uint64_t value)
{
    register uint64_t a0 __asm__("a0") = value;
    __asm__ volatile("ecall" : : "r"(a0));
}

static void page_fault(uint64_t cause)
{
    uint64_t va = CSR_READ(stval), n = (va - HEAP_VA) >> 12;
    if (n >= HEAP_PAGES || (CSR_READ(sstatus) & 0x100)) {
        bad_cause = cause;
        end_run(va);
    }
    faults[cause == 13 ? 0 : cause == 15 ? 1 : 2]++;
    // Read-only first: a store faults again.
    uint64_t flags = PTE_V | PTE_R | PTE_U | PTE_AD | (cause == 15 ? PTE_W : 0);
    space_map(&space, va, (uint64_t)pages[n], flags, 0);
    __asm__ volatile("sfence.vma %0" ::"r"(va) : "memory");
}

void kernel_trap(uint64_t cause, uint64_t *regs)
{
    if (cause & INTERRUPT) {
        interrupts[cause & 15]++;
        vectored += CSR_READ(stval) != 0;
        if ((cause & 15) == 1)
            CSR_CLEAR(sip, 2);
        else
            CSR_CLEAR(sie, UINT64_C(1) << (cause & 15));
    } else if (cause >= 12) {
        page_fault(cause);
    } else if (cause == 8 && regs[REG_A7] == CALL_ADD_ONE) {
        calls++;
        regs[REG_A0]++;
        CSR_WRITE(sepc, CSR_READ(sepc) + 4);
    } else if (cause == 8) {
        end_run(regs[REG_A0]);
    } else {
        bad_cause = cause;
        end_run(cause);
    }
}

// User code: in pages of its own, without references to anything.
#define USER __attribute__((section(".text.user"), noinline, used))

USER static uint64_t user_call(uint64_t number, uint64_t value)
{
    register uint64_t a0 __asm__("a0") = value;
    register uint64_t a7 __asm__("a7") = number;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a7) : "memory");
    return a0;
}

// Writes to every second page, reads all; the sum of what it read and of 100 system calls goes to the exit call.
USER static void user_main(volatile uint64_t *heap, uint64_t n)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < n; i += 2)
        heap[i * 512 + 7] = i;
    for (uint64_t i = 0; i < n; i++)
        sum += heap[i * 512 + 7];
    for (uint64_t i = 1; i < n; i += 2)
        heap[i * 512 + 8] = i;
    for (uint64_t i = 0; i < 100; i++)
        sum = user_call(CALL_ADD_ONE, sum);
    user_call(CALL_EXIT, sum);
}

USER static void user_spin(uint64_t n, uint64_t step)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < n; i++)
        __asm__ volatile("add %0, %0, %1" : "+r"(sum) : "r"(step));
    user_call(CALL_EXIT, sum);
}

// Where user code begins: it needs a stack of its own.
#define USER_ENTRY(name, function) \
    USER static void __attribute__((naked)) name(void) \
    { \
        __asm__ volatile("lui sp, 0x30001\n\tj " #function); \
    }
USER_ENTRY(start_main, user_main)
USER_ENTRY(start_spin, user_spin)

static uint64_t user_page(void)
{
    return (uint64_t)user_call & ~UINT64_C(0xfff);
}

static uint64_t user_va(const void *function)
{
    return USER_VA + (uint64_t)function - user_page();
}

static void begin(unsigned mode)
{
    space_reset();
    space = space_new(mode, 5);
    for (unsigned i = 0; i < 2; i++)
        space_map(&space, USER_VA + 0x1000 * i, user_page() + 0x1000 * i, PTE_V | PTE_X | PTE_U | PTE_AD, 0);
    space_map(&space, STACK_VA, (uint64_t)pages[HEAP_PAGES], PTE_V | PTE_R | PTE_W | PTE_U | PTE_AD, 0);
    space_map(&space, 0x80000000, 0x80000000, PTE_V | PTE_R | PTE_W | PTE_X | PTE_G | PTE_AD, 2); // the kernel
    space_enter(&space);
    __asm__ volatile("sfence.vma" ::: "memory");
    CSR_WRITE(stvec, kernel_entry);
    CSR_WRITE(medeleg, 0xb1ff);
    CSR_WRITE(mideleg, 0x222);
    faults[0] = faults[1] = faults[2] = calls = 0;
}

// The run before ended in the kernel's trap handler, so sscratch is to be set anew.
static uint64_t run_user(void (*f)(void), uint64_t a0, uint64_t a1)
{
    CSR_WRITE(sscratch, stack + 512);
    return run_in(MODE_U, user_va(f), a0, a1);
}

static void check_demand_paging(unsigned mode)
{
    begin(mode);
    for (unsigned i = 0; i < HEAP_PAGES; i++)
        pages[i][7] = 0;
    uint64_t sum = run_user(start_main, HEAP_VA, HEAP_PAGES);
    CHECK(10, trap_info.cause == 9 && bad_cause == 0);
    CHECK(11, sum == HEAP_PAGES / 2 * (HEAP_PAGES / 2 - 1) + 100);
    CHECK(12, faults[0] == HEAP_PAGES / 2);  // first reads
    CHECK(13, faults[1] == HEAP_PAGES);      // first writes: of pages not there, and of read-only ones
    CHECK(14, faults[2] == 0 && calls == 100);
    CHECK(15, pages[9][8] == 9 && pages[8][7] == 8);
}

// Interrupts come while user code runs, whatever SIE says, to the handler that stvec's mode asks for.
static void check_interrupts(void)
{
    begin(SV39);
    for (unsigned v = 0; v < 2; v++) {
        CSR_WRITE(stvec, v ? (uint64_t)kernel_vectors | 1 : (uint64_t)kernel_entry);
        vectored = 0;
        for (unsigned irq = 1; irq < 10; irq += 4) {
            interrupts[irq] = 0;
            CSR_WRITE(mie, 0x222);
            CSR_SET(mip, UINT64_C(1) << irq);
            CHECK(20, run_user(start_spin, 50000, 3) == 150000);
            CHECK(21, trap_info.cause == 9 && interrupts[irq] == 1);
            CHECK(22, vectored == (v ? (irq + 3) / 4 : 0));
            CSR_CLEAR(mip, UINT64_C(1) << irq);
        }
        CSR_WRITE(mie, 0x222); // all three at once: external, software, timer
        CSR_SET(mip, 0x222);
        run_user(start_spin, 10, 3);
        CHECK(23, interrupts[1] == 2 && interrupts[5] == 2 && interrupts[9] == 2);
        CSR_CLEAR(mip, 0x222);
        vectored = 0;
    }
    CSR_WRITE(mideleg, 0); // now M-mode takes it, as crt0's rt_interrupt below
    CSR_WRITE(mie, 2);
    CSR_SET(mip, 2);
    run_user(start_spin, 10, 3);
    CHECK(24, interrupts[0] == 1 && !(CSR_READ(mip) & 2));
    // In S-mode SIE decides: wfi ends all the same, and nothing is taken.
    CSR_WRITE(mideleg, 0x222);
    CSR_SET(mip, 2);
    uint64_t before = interrupts[1];
    CHECK(25, run_in(MODE_S, (uint64_t)kernel_wait, 2, 0) == 2 && interrupts[1] == before);
    CSR_CLEAR(mip, 2);
}

void rt_interrupt(uint64_t cause);
void rt_interrupt(uint64_t cause)
{
    CHECK(90, cause == (INTERRUPT | 1));
    interrupts[0]++;
    CSR_CLEAR(mip, 2);
}

#define INSN(name, text) \
    static void __attribute__((naked, aligned(4))) name(void) \
    { \
        __asm__ volatile(text "\n\tecall"); \
    }

INSN(do_sfence, "sfence.vma")
INSN(do_satp, "csrr a0, satp")
INSN(do_sret, "la t0, 1f\n\tcsrw sepc, t0\n\tli t0, 0x100\n\tcsrs sstatus, t0\n\tsret\n1:")
INSN(do_wfi, "wfi")
INSN(do_mstatus, "csrr a0, mstatus")
INSN(do_sscratch, "csrr a0, sscratch")

// Runs a kernel function in S-mode with a bit of mstatus: illegal (2) or the ecall behind it (9)?
static uint64_t in_s(void (*f)(void), uint64_t bit)
{
    CSR_SET(mstatus, bit);
    run_in(MODE_S, (uint64_t)f, 0, 0);
    CSR_CLEAR(mstatus, bit);
    return trap_info.cause;
}

static void check_traps_of_virtualisation(void)
{
    begin(SV39);
    CSR_WRITE(medeleg, 0);
    CSR_WRITE(mie, 2);
    CSR_SET(mip, 2); // so that no wfi waits
    CSR_WRITE(mideleg, 2);
    CHECK(30, in_s(do_sfence, 0) == 9 && in_s(do_sfence, MSTATUS_TVM) == 2);
    CHECK(31, in_s(do_satp, 0) == 9 && in_s(do_satp, MSTATUS_TVM) == 2);
    CHECK(32, in_s(do_sret, 0) == 9 && in_s(do_sret, MSTATUS_TSR) == 2);
    CHECK(33, in_s(do_wfi, 0) == 9 && in_s(do_wfi, MSTATUS_TW) == 2);
    CHECK(34, in_s(do_mstatus, 0) == 2 && in_s(do_sscratch, 0) == 9);
    CSR_CLEAR(mip, 2);
    CSR_WRITE(mideleg, 0);
}

int main(void)
{
    rt_allow_all();
    check_demand_paging(SV39);
    check_demand_paging(SV48);
    check_demand_paging(SV57);
    check_interrupts();
    check_traps_of_virtualisation();
    printf("supervisor: all checks passed\n");
    return 0;
}
