// SPDX-License-Identifier: GPL-3.0-or-later
// Writes a random bare-metal program as an ELF file.
//
// random_program SEED FILE [--portable] [--instructions N]   structured code; ends by itself after about N instructions
// random_program SEED FILE --bytes [--user] [--forward]      4 KiB of random bytes, stepped over by a trap handler
//
// Structure: functions that call earlier ones only, built from straight code, branches forward, jump tables, bounded
// loops, calls and visits to U-mode; a loop around the last one brings the number of instructions up to N. All control
// flow that random values decide goes forward, so that every program ends.
#include "tests/diff/items.h"
#include "tests/diff/runtime.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FUNCTIONS 12

typedef struct {
    Program p;
    uint64_t function[MAX_FUNCTIONS];
    double cost[MAX_FUNCTIONS]; // instructions of one call, roughly
    unsigned n_functions, table; // slot of function addresses
    unsigned register_loops;     // of those around the current place
} Generator;

static double emit_body(Generator *g, double budget, unsigned depth);

static double emit_straight(Generator *g, unsigned n)
{
    double cost = 0;
    while (n--) {
        if (one_in(&g->p.asm_, 12)) {
            cost += item_special(&g->p);
        } else {
            item_plain(&g->p);
            cost += 1.5;
        }
    }
    return cost;
}

static void emit_plain(Generator *g, unsigned n)
{
    while (n--)
        item_plain(&g->p);
}

static double emit_skip(Generator *g)
{
    Asm *a = &g->p.asm_;
    bool small = one_in(a, 2);
    Hole h = hole(a, small ? (one_in(a, 2) ? INSN_BEQ : INSN_BNE) : some_branch(&g->p),
                  small ? 8 + below(a, 8) : some_rs(&g->p), small ? 0 : some_rs(&g->p), small);
    unsigned n = 1 + below(a, 6);
    emit_plain(g, n);
    bool otherwise = one_in(a, 2);
    if (otherwise) {
        Hole end = hole(a, INSN_JAL, 0, 0, small);
        land(a, &h);
        emit_plain(g, n);
        land(a, &end);
    } else {
        land(a, &h);
    }
    return 1 + n;
}

// Jump table: four cases, at addresses the program computes.
static double emit_switch(Generator *g)
{
    Asm *a = &g->p.asm_;
    unsigned slot = g->p.next_slot;
    Hole end[4];
    g->p.next_slot += 4;
    op_i(a, INSN_ANDI, TEMP, some_rs(&g->p), 3);
    op_r(a, INSN_SH3ADD, TEMP, TEMP, PRIVATE_REG);
    op_i(a, INSN_LD, TEMP, TEMP, slot_offset(slot));
    if (one_in(a, 2))
        put16(a, 0x8002 | TEMP << 7); // c.jr
    else
        op_i(a, INSN_JALR, 0, TEMP, (int64_t)below(a, 2)); // bit 0 of the target is ignored
    for (unsigned i = 0; i < 4; i++) {
        put64_at(a, PRIVATE + 8 * (slot + i), a->pc);
        emit_plain(g, 1 + below(a, 5));
        end[i] = hole(a, INSN_JAL, 0, 0, false);
    }
    for (unsigned i = 0; i < 4; i++)
        land(a, &end[i]);
    return 10;
}

static double emit_call(Generator *g, double budget)
{
    Asm *a = &g->p.asm_;
    unsigned f = below(a, g->n_functions);
    if (g->cost[f] > budget)
        return 0;
    switch (below(a, 3)) {
    case 0:
        jump_to(a, RA, g->function[f]);
        break;
    case 1:
        load_address(a, TEMP, g->function[f]);
        put16(a, 0x9002 | TEMP << 7); // c.jalr
        break;
    default:
        op_i(a, INSN_LD, TEMP, PRIVATE_REG, slot_offset(g->table + f));
        op_i(a, INSN_JALR, RA, TEMP, 0);
        break;
    }
    return g->cost[f] + 3;
}

// A branch to the start of the loop. Far ones are a jump with a branch around it.
static void branch_back(Asm *a, unsigned counter, uint64_t start)
{
    if (a->pc - start < 4000) {
        branch_to(a, INSN_BNE, counter, 0, start);
    } else {
        Hole out = hole(a, INSN_BEQ, counter, 0, false);
        jump_to(a, 0, start);
        land(a, &out);
    }
}

// No calls inside: the counter is in a register.
static double emit_register_loop(Generator *g, double budget, unsigned depth)
{
    Asm *a = &g->p.asm_;
    unsigned counter = g->register_loops ? COUNTER2 : COUNTER;
    unsigned limit = budget < 40 ? 2 : budget > 40000 ? 4000 : (unsigned)(budget / 10);
    unsigned count = 1 + below(a, 1 + below(a, limit));
    load_int32(a, counter, (int32_t)count);
    uint64_t start = a->pc;
    g->register_loops++;
    double cost = emit_body(g, budget / count, depth + 1);
    g->register_loops--;
    if (one_in(a, 2))
        put16(a, (uint16_t)(0x107d | counter << 7)); // c.addi counter, -1
    else
        op_i(a, INSN_ADDI, counter, counter, -1);
    branch_back(a, counter, start);
    return 2 + count * (cost + 2);
}

static double emit_memory_loop(Generator *g, double budget, unsigned depth)
{
    Asm *a = &g->p.asm_;
    int64_t slot = slot_offset(g->p.next_slot++);
    unsigned count = 1 + below(a, budget < 200 ? 2 : 12);
    op_i(a, INSN_ADDI, TEMP, 0, count);
    op_store(a, INSN_SD, TEMP, PRIVATE_REG, slot);
    uint64_t start = a->pc;
    double cost = emit_body(g, budget / count, depth + 1);
    op_i(a, INSN_LD, TEMP, PRIVATE_REG, slot);
    op_i(a, INSN_ADDI, TEMP, TEMP, -1);
    op_store(a, INSN_SD, TEMP, PRIVATE_REG, slot);
    branch_back(a, TEMP, start);
    return 2 + count * (cost + 4);
}

static double emit_visit(Generator *g, double budget, unsigned depth)
{
    Asm *a = &g->p.asm_;
    enter_user(&g->p);
    g->p.user = true;
    double cost = emit_body(g, budget, depth + 1);
    g->p.user = false;
    op(a, INSN_ECALL, 0, 0, 0, 0);
    return 70 + cost * 3; // many of its accesses may trap
}

static double emit_segment(Generator *g, double budget, unsigned depth)
{
    Asm *a = &g->p.asm_;
    switch (below(a, 16)) {
    case 0:
    case 1:
    case 2:
        if (depth < 3 && g->register_loops < 2 && budget > 30)
            return emit_register_loop(g, budget, depth);
        break;
    case 3:
        if (depth < 3 && !g->register_loops && budget > 60)
            return emit_memory_loop(g, budget, depth);
        break;
    case 4:
    case 5:
        // Functions hold atomics, which QEMU 7.2 lets fault otherwise.
        if (!g->register_loops && g->n_functions && !(g->p.user && g->p.portable))
            return emit_call(g, budget);
        break;
    case 6:
        if (!g->p.user && budget > 200 && depth < 3)
            return emit_visit(g, budget / 4, depth);
        break;
    case 7:
        if (g->p.next_slot < SLOTS - 60)
            return emit_switch(g);
        break;
    case 8:
    case 9:
    case 10:
        return emit_skip(g);
    default:
        break;
    }
    return emit_straight(g, 2 + below(a, 12));
}

static double emit_body(Generator *g, double budget, unsigned depth)
{
    unsigned n = 1 + below(&g->p.asm_, depth ? 5 : 12);
    double cost = 0;
    for (unsigned i = 0; i < n && (!i || cost < budget); i++)
        cost += emit_segment(g, budget - cost, depth);
    return cost;
}

static double emit_function(Generator *g, double budget)
{
    Asm *a = &g->p.asm_;
    int64_t link = slot_offset(g->p.next_slot++);
    if (one_in(a, 2) && a->pc & 2)
        put16(a, 1); // c.nop
    g->function[g->n_functions] = a->pc;
    put64_at(a, PRIVATE + 8 * (g->table + g->n_functions), a->pc);
    op_store(a, INSN_SD, RA, PRIVATE_REG, link);
    double cost = 4 + emit_body(g, budget, 0);
    op_i(a, INSN_LD, RA, PRIVATE_REG, link);
    if (one_in(a, 2))
        put16(a, 0x8082); // ret
    else
        op_i(a, INSN_JALR, 0, RA, 0);
    return cost;
}

static void emit_program(Generator *g, double instructions)
{
    Asm *a = &g->p.asm_;
    for (uint64_t at = DATA_BASE; at < DATA_BASE + DATA_SIZE; at += 8)
        put64_at(a, at, random_next(&a->random));
    g->table = SLOT_TABLE;
    g->p.next_slot = SLOT_TABLE + MAX_FUNCTIONS;
    a->pc = CODE_BASE;
    g->p.floats = one_in(a, 3) ? 0 : one_in(a, 2) ? 6 : 20;
    unsigned n = 2 + below(a, MAX_FUNCTIONS - 2);
    for (unsigned i = 0; i < n && a->pc < CODE_BASE + 0x18000 && g->p.next_slot < SLOTS - 100; i++) {
        double cost = emit_function(g, instructions / (8 << below(a, 10)));
        g->cost[g->n_functions++] = cost;
    }
    uint64_t start = a->pc;
    int64_t slot = slot_offset(g->p.next_slot++);
    uint64_t count_at = a->pc;
    a->pc += 8;
    op_store(a, INSN_SD, TEMP, PRIVATE_REG, slot);
    uint64_t loop = a->pc;
    double cost = 8 + emit_body(g, instructions / (1 << below(a, 8)), 0);
    for (unsigned f = 0; f < g->n_functions; f++)
        cost += emit_call(g, instructions / 4);
    op_i(a, INSN_LD, TEMP, PRIVATE_REG, slot);
    op_i(a, INSN_ADDI, TEMP, TEMP, -1);
    op_store(a, INSN_SD, TEMP, PRIVATE_REG, slot);
    branch_back(a, TEMP, loop);
    g_assert(a->pc < CODE_END);
    uint64_t end = a->pc;
    a->pc = count_at;
    load_int32(a, TEMP, (int32_t)(1 + instructions / cost));
    Runtime r = emit_runtime(a, start, false, 0);
    a->pc = end;
    jump_to(a, 0, r.finish);
}

// Every branch and jump back, whatever halfword it starts at, becomes one forward: the sign bit of the offset goes.
static void only_forward(Asm *a)
{
    uint8_t *code = a->image + (CODE_BASE - IMAGE_BASE);
    for (bool changed = true; changed;) {
        changed = false;
        for (unsigned at = 0; at < 4096; at += 2) {
            uint32_t bits;
            memcpy(&bits, code + at, 4);
            Insn i = decode(bits);
            InsnFormat f = insn_info[i.id].format;
            if ((f != FMT_B && f != FMT_J) || i.id == INSN_ILLEGAL || i.imm > 0)
                continue;
            bits = i.imm ? bits & ~(i.len == 2 ? 0x1000u : 0x80000000u) : 0;
            memcpy(code + at, &bits, i.len);
            changed = true;
        }
    }
}

static void emit_bytes(Generator *g, bool user, bool forward)
{
    Asm *a = &g->p.asm_;
    for (uint64_t at = DATA_BASE; at < DATA_BASE + DATA_SIZE; at += 8)
        put64_at(a, at, random_next(&a->random));
    for (uint64_t at = CODE_BASE; at < CODE_BASE + 4096; at += 8)
        put64_at(a, at, random_next(&a->random));
    if (forward)
        only_forward(a);
    emit_runtime(a, CODE_BASE, user, 4000);
}

static int usage(void)
{
    fputs("usage: random_program SEED FILE [--portable] [--instructions N] [--bytes] [--user] [--forward]\n", stderr);
    return 2;
}

int main(int argc, char **argv)
{
    static Generator g;
    double instructions = 500000;
    bool bytes = false, user = false, forward = false;
    if (argc < 3)
        return usage();
    for (int i = 3; i < argc; i++) {
        if (!strcmp(argv[i], "--portable"))
            g.p.portable = true;
        else if (!strcmp(argv[i], "--bytes"))
            bytes = true;
        else if (!strcmp(argv[i], "--user"))
            user = true;
        else if (!strcmp(argv[i], "--forward"))
            forward = true;
        else if (!strcmp(argv[i], "--instructions") && i + 1 < argc)
            instructions = atof(argv[++i]);
        else
            return usage();
    }
    decode_init();
    items_init();
    g.p.asm_.random = (strtoull(argv[1], NULL, 0) + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1;
    for (unsigned i = 0; i < 8; i++)
        random_next(&g.p.asm_.random);
    if (bytes)
        emit_bytes(&g, user, forward);
    else
        emit_program(&g, instructions);
    if (write_elf(&g.p.asm_, argv[2]))
        return 0;
    perror(argv[2]);
    return 1;
}
