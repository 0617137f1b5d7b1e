// SPDX-License-Identifier: GPL-3.0-or-later
// From crt0 to main() and back: arguments, and the end of programs that trap without being prepared for it.
#include "rt.h"
#include <string.h>

#define MAX_ARGS 32
#define LINE_SIZE 1024

int main(int argc, char **argv);
void rt_main(void);
void rt_unexpected_trap(void);
void rt_before_main(void);

static char line[LINE_SIZE];
static char *args[MAX_ARGS + 1];

static int split(char *text)
{
    int n = 0;
    for (char *word = strtok(text, " "); word && n < MAX_ARGS; word = strtok(NULL, " "))
        args[n++] = word;
    return n;
}

// For programs that want something else than M-mode without paging (bench/guest/sv39.c).
__attribute__((weak)) void rt_before_main(void)
{
}

void rt_main(void)
{
    int argc = rt_command_line(line, sizeof line) ? split(line) : 0;
    if (argc == 0)
        args[argc++] = "guest";
    rt_before_main();
    exit(main(argc, args));
}

void rt_unexpected_trap(void)
{
    printf("unexpected trap: cause %lx tval %lx pc %lx\n", (unsigned long)CSR_READ(mcause),
        (unsigned long)CSR_READ(mtval), (unsigned long)CSR_READ(mepc));
    _Exit(99);
}

void rt_allow_all(void)
{
    CSR_WRITE(pmpaddr15, -1);
    CSR_SET(pmpcfg2, UINT64_C(0x1f) << 56); // NAPOT over all of memory, RWX
}

uint64_t rt_run_user(void (*f)(void))
{
    trap_info.cause = NO_TRAP;
    CSR_CLEAR(mstatus, UINT64_C(3) << 11); // MPP = U
    __asm__ volatile(
        "la t0, 1f\n\tsd t0, 32(%1)\n\tcsrw mepc, %0\n\tmret\n1:"
        :
        : "r"(f), "r"(&trap_info)
        : "ra", "t0", "t1", "t2", "t3", "t4", "t5", "t6", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7",
          "memory");
    return trap_info.cause;
}
