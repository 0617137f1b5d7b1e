// SPDX-License-Identifier: GPL-3.0-or-later
// What the guests with known answers share (docs/tlb.md). Each has one measured function; all else runs in M-mode,
// whose accesses are not translated. The measured function runs in S-mode, where nothing is mapped but its own page of
// code and the window: an access to anything else, a spilled register say, is a page fault and ends the program with
// status 1. So what is translated is what is measured, to the last access.
#pragma once
#include "pte.h"
#include "rt.h"

#define WINDOW      UINT64_C(0x1000000000) // where the measured function has its data: 1 GiB aligned
#define MEMORY      UINT64_C(0x82000000)   // the RAM behind it, which nobody else uses
#define MEMORY_SIZE UINT64_C(0x5800000)
#define PAGE        UINT64_C(4096)
#define MULTIPLIER  UINT64_C(6364136223846793005) // x = x * MULTIPLIER + INCREMENT; what is used of it: x >> 33
#define INCREMENT   UINT64_C(1442695040888963407)

// A measured function: at the start of a page, called with the eight arguments of lab_run; it ends with MEASURED_END.
// Constants that GCC would load from memory have to be arguments. naked: it may use all registers and saves none.
#define MEASURED __attribute__((noinline, used, naked, aligned(4096), section(".text.measured"))) static void
#define MEASURED_END(value) do { \
    register uint64_t result_ __asm__("a0") = (uint64_t)(value); \
    __asm__ volatile("ecall" ::"r"(result_) : "memory"); \
    __builtin_unreachable(); \
} while (0)
#define LOAD(address) (*(const volatile uint64_t *)(address))
#define STORE(address, value) (*(volatile uint64_t *)(address) = (value))

// The argument name=N of the program's command line, else value. Any other word ends the program with status 2.
uint64_t lab_argument(const char *name, uint64_t value);
// First of all: the names of all arguments, separated by spaces.
void lab_begin(int argc, char **argv, const char *names);

typedef struct {
    uint64_t satp;
    uint64_t *root;
} Space;

// A new space (Sv39) in which the measured function's page is mapped. global: PTE_G or 0.
Space lab_space(unsigned asid, const void *function, unsigned global);
// Maps bytes of the window to MEMORY + offset by entries for 2^leaf bytes: 12, 16 (Svnapot) or 21. flags: of the
// entries.
void lab_map(const Space *s, uint64_t bytes, uint64_t offset, unsigned leaf, uint64_t flags);
#define LAB_DATA (PTE_AD | PTE_R | PTE_W | PTE_V)
// The last-level entry of va, with the tables above it.
uint64_t *lab_entry(const Space *s, uint64_t va);
uint64_t lab_random(uint64_t *state, uint64_t below);

// Writes satp, fences once and runs the function in S-mode with these arguments; anything but its ecall ends the
// program with status 1. Prints the instructions that it retired, `ecall` not among them. Returns its result.
// Retired by somebody else meanwhile, a handler in M-mode: lab_elsewhere.
extern uint64_t lab_elsewhere;
uint64_t lab_run(const Space *s, const void *function, const uint64_t arguments[8]);
