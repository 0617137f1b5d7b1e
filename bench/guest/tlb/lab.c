// SPDX-License-Identifier: GPL-3.0-or-later
// Arguments, the measured function's address space, and its run.
#include "lab.h"
#include <stdbool.h>
#include <string.h>

#define PTE_N (UINT64_C(1) << 63)

#define TABLES 200
#define MAX_WORDS 16
// For programs that get no command line (HTIF): -DARGUMENTS=pages=64,passes=3
#ifndef ARGUMENTS
#define ARGUMENTS
#endif
#define TEXT_OF(...) #__VA_ARGS__
#define TEXT(...)    TEXT_OF(__VA_ARGS__)

static char built_in[] = TEXT(ARGUMENTS);
static char *word[MAX_WORDS];
static int words;

uint64_t lab_registers[14], lab_elsewhere;
// lab_enter(arguments, function, start): start gets minstret; returns a0 of the function.
__asm__(".pushsection .text\n"
        ".balign 4\n"
        "lab_enter:\n"
        "la t0, lab_registers\n"
        "sd ra, 0(t0)\nsd sp, 8(t0)\nsd s0, 16(t0)\nsd s1, 24(t0)\nsd s2, 32(t0)\nsd s3, 40(t0)\n"
        "sd s4, 48(t0)\nsd s5, 56(t0)\nsd s6, 64(t0)\nsd s7, 72(t0)\nsd s8, 80(t0)\nsd s9, 88(t0)\n"
        "sd s10, 96(t0)\nsd s11, 104(t0)\n"
        "la t1, trap_info\n"
        "la t2, 1f\n"
        "sd t2, 32(t1)\n"
        "csrw mepc, a1\n"
        "mv t0, a0\n"
        "csrr t1, minstret\n"
        "sd t1, 0(a2)\n"
        "ld a0, 0(t0)\nld a1, 8(t0)\nld a2, 16(t0)\nld a3, 24(t0)\n"
        "ld a4, 32(t0)\nld a5, 40(t0)\nld a6, 48(t0)\nld a7, 56(t0)\n"
        "mret\n"
        ".balign 4\n"
        "1: la t0, lab_registers\n"
        "ld ra, 0(t0)\nld sp, 8(t0)\nld s0, 16(t0)\nld s1, 24(t0)\nld s2, 32(t0)\nld s3, 40(t0)\n"
        "ld s4, 48(t0)\nld s5, 56(t0)\nld s6, 64(t0)\nld s7, 72(t0)\nld s8, 80(t0)\nld s9, 88(t0)\n"
        "ld s10, 96(t0)\nld s11, 104(t0)\n"
        "ret\n"
        ".balign 4\n"
        "lab_nothing:\n"
        "ecall\n"
        ".popsection\n");
uint64_t lab_enter(const uint64_t *arguments, const void *function, uint64_t *start);
extern const char lab_nothing[];

static bool is(const char *text, const char *name, size_t length)
{
    return strncmp(text, name, length) == 0 && text[length] == '=';
}

static void take(char *text, const char *names)
{
    bool known = false;
    for (const char *at = names; *at && !known;) {
        size_t length = strcspn(at, " ");
        known = is(text, at, length);
        at += length + strspn(at + length, " ");
    }
    if (!known || words == MAX_WORDS) {
        printf("%s: no argument; there are NAME=N for: %s\n", text, names);
        exit(2);
    }
    word[words++] = text;
}

void lab_begin(int argc, char **argv, const char *names)
{
    rt_allow_all();
    for (char *text = strtok(built_in, ","); text; text = strtok(NULL, ","))
        take(text, names);
    for (int i = 1; i < argc; i++)
        take(argv[i], names);
}

uint64_t lab_argument(const char *name, uint64_t value)
{
    for (int i = 0; i < words; i++)
        if (is(word[i], name, strlen(name)))
            value = strtoull(word[i] + strlen(name) + 1, NULL, 0);
    printf("%s=%lu ", name, (unsigned long)value);
    return value;
}

static uint64_t *new_table(void)
{
    static uint64_t tables[TABLES][512] __attribute__((aligned(4096)));
    static unsigned used;
    if (used == TABLES) {
        printf("no page table left\n");
        exit(2);
    }
    return tables[used++];
}

// level: 0 is the last.
static uint64_t *entry_at(const Space *s, uint64_t va, unsigned level)
{
    uint64_t *table = s->root;
    for (unsigned l = 2; l > level; l--) {
        uint64_t *pte = &table[va >> (12 + 9 * l) & 511];
        if (!*pte)
            *pte = (uint64_t)new_table() >> 12 << 10 | PTE_V;
        table = (uint64_t *)(*pte >> 10 << 12);
    }
    return &table[va >> (12 + 9 * level) & 511];
}

uint64_t *lab_entry(const Space *s, uint64_t va)
{
    return entry_at(s, va, 0);
}

Space lab_space(unsigned asid, const void *function, unsigned global)
{
    Space s = {.root = new_table()};
    uint64_t page = (uint64_t)function & -PAGE;
    s.satp = UINT64_C(8) << 60 | (uint64_t)asid << 44 | (uint64_t)s.root >> 12;
    *lab_entry(&s, page) = page >> 12 << 10 | PTE_A | PTE_R | PTE_X | PTE_V | global;
    return s;
}

void lab_map(const Space *s, uint64_t bytes, uint64_t offset, unsigned leaf, uint64_t flags)
{
    uint64_t size = UINT64_C(1) << leaf;
    bytes = (bytes + size - 1) & -size;
    if (offset + bytes > MEMORY_SIZE) {
        printf("the window would need %lu KiB\n", (unsigned long)((offset + bytes) >> 10));
        exit(2);
    }
    uint64_t step = leaf == 21 ? size : PAGE;
    for (uint64_t at = 0; at < bytes; at += step) {
        uint64_t pa = MEMORY + offset + at;
        if (leaf == 16)
            *lab_entry(s, WINDOW + at) = (pa >> 16 << 16 | 0x8000) >> 12 << 10 | flags | PTE_N;
        else
            *entry_at(s, WINDOW + at, leaf == 21) = pa >> 12 << 10 | flags;
    }
}

uint64_t lab_random(uint64_t *state, uint64_t below)
{
    *state = *state * MULTIPLIER + INCREMENT;
    return (*state >> 33) % below;
}

// Retired instructions from lab_enter's reading of the counter until it comes back.
static uint64_t enter(unsigned mode, const uint64_t arguments[8], const void *function, uint64_t *result)
{
    uint64_t start;
    trap_info.cause = NO_TRAP;
    CSR_CLEAR(mstatus, UINT64_C(3) << 11); // MPP
    CSR_SET(mstatus, (uint64_t)mode << 11);
    *result = lab_enter(arguments, function, &start);
    return CSR_READ(minstret) - start;
}

uint64_t lab_run(const Space *s, const void *function, const uint64_t arguments[8])
{
    uint64_t result, around = enter(3, arguments, lab_nothing, &result); // in M-mode: not translated
    CSR_WRITE(satp, s->satp);
    __asm__ volatile("sfence.vma" ::: "memory");
    uint64_t insns = enter(1, arguments, function, &result); // in S-mode
    if (trap_info.cause != 9) { // ecall from S-mode
        printf("cause %lu at %lx, address %lx\n", (unsigned long)trap_info.cause, (unsigned long)trap_info.epc,
            (unsigned long)trap_info.tval);
        exit(1);
    }
    printf("insns=%lu result=%lu\n", (unsigned long)(insns - around - lab_elsewhere), (unsigned long)result);
    return result;
}
