// SPDX-License-Identifier: GPL-3.0-or-later
// Conditions of breakpoints, which gdb sends as agent expressions (gdb manual, appendix F): where one does not hold the
// hart goes on at once, and gdb is not asked.
#include "machine/gdb/gdb_private.h"

#include <string.h>

#define STACK 64
#define OPS_MAX 100000 // of one evaluation; there are jumps

enum {
    AX_ADD = 0x02,
    AX_SUB = 0x03,
    AX_MUL = 0x04,
    AX_DIV_SIGNED = 0x05,
    AX_DIV_UNSIGNED = 0x06,
    AX_REM_SIGNED = 0x07,
    AX_REM_UNSIGNED = 0x08,
    AX_LSH = 0x09,
    AX_RSH_SIGNED = 0x0a,
    AX_RSH_UNSIGNED = 0x0b,
    AX_LOG_NOT = 0x0e,
    AX_BIT_AND = 0x0f,
    AX_BIT_OR = 0x10,
    AX_BIT_XOR = 0x11,
    AX_BIT_NOT = 0x12,
    AX_EQUAL = 0x13,
    AX_LESS_SIGNED = 0x14,
    AX_LESS_UNSIGNED = 0x15,
    AX_EXT = 0x16,
    AX_REF8 = 0x17,
    AX_REF64 = 0x1a,
    AX_IF_GOTO = 0x20,
    AX_GOTO = 0x21,
    AX_CONST8 = 0x22,
    AX_CONST64 = 0x25,
    AX_REG = 0x26,
    AX_END = 0x27,
    AX_DUP = 0x28,
    AX_POP = 0x29,
    AX_ZERO_EXT = 0x2a,
    AX_SWAP = 0x2b,
    AX_PICK = 0x32,
    AX_ROT = 0x33,
};

typedef struct {
    Cpu *cpu;
    const uint8_t *code;
    size_t size, at;
    uint64_t stack[STACK];
    unsigned depth;
    bool wrong; // the expression is no good: nothing of it counts
} Agent;

static void push(Agent *a, uint64_t v)
{
    if (a->depth == STACK)
        a->wrong = true;
    else
        a->stack[a->depth++] = v;
}

static uint64_t pop(Agent *a)
{
    if (a->depth)
        return a->stack[--a->depth];
    a->wrong = true;
    return 0;
}

// A number of n bytes behind the op, the most significant one first.
static uint64_t operand(Agent *a, unsigned n)
{
    uint64_t v = 0;
    for (; n && a->at < a->size; n--)
        v = v << 8 | a->code[a->at++];
    a->wrong |= n != 0;
    return v;
}

static uint64_t divide(Agent *a, unsigned op, uint64_t x, uint64_t y)
{
    int64_t p = (int64_t)x, q = (int64_t)y;
    bool overflow = p == INT64_MIN && q == -1;
    a->wrong |= !y;
    if (!y)
        return 0;
    switch (op) {
    case AX_DIV_SIGNED:
        return overflow ? x : (uint64_t)(p / q);
    case AX_DIV_UNSIGNED:
        return x / y;
    case AX_REM_SIGNED:
        return overflow ? 0 : (uint64_t)(p % q);
    default:
        return x % y;
    }
}

static void binary(Agent *a, unsigned op)
{
    uint64_t y = pop(a), x = pop(a), v;
    switch (op) {
    case AX_ADD:
        v = x + y;
        break;
    case AX_SUB:
        v = x - y;
        break;
    case AX_MUL:
        v = x * y;
        break;
    case AX_LSH:
        v = y < 64 ? x << y : 0;
        break;
    case AX_RSH_SIGNED:
        v = (uint64_t)((int64_t)x >> MIN(y, 63));
        break;
    case AX_RSH_UNSIGNED:
        v = y < 64 ? x >> y : 0;
        break;
    case AX_BIT_AND:
        v = x & y;
        break;
    case AX_BIT_OR:
        v = x | y;
        break;
    case AX_BIT_XOR:
        v = x ^ y;
        break;
    case AX_EQUAL:
        v = x == y;
        break;
    case AX_LESS_SIGNED:
        v = (int64_t)x < (int64_t)y;
        break;
    case AX_LESS_UNSIGNED:
        v = x < y;
        break;
    default:
        v = divide(a, op, x, y);
    }
    push(a, v);
}

static void extend(Agent *a, bool is_signed)
{
    unsigned n = (unsigned)operand(a, 1);
    uint64_t v = pop(a);
    a->wrong |= !n || n > 64;
    if (!a->wrong && n < 64)
        v = is_signed ? (uint64_t)((int64_t)(v << (64 - n)) >> (64 - n)) : v & ((UINT64_C(1) << n) - 1);
    push(a, v);
}

static void load(Agent *a, unsigned size)
{
    uint64_t v = 0, addr = pop(a);
    a->wrong |= !cpu_memory_rw_debug(a->cpu, addr, &v, size, false);
    push(a, v);
}

static void jump(Agent *a, bool taken)
{
    uint64_t to = operand(a, 2);
    if (taken)
        a->at = to;
}

static void move(Agent *a, unsigned op)
{
    uint64_t n = op == AX_PICK ? operand(a, 1) : op == AX_ROT ? 2 : op == AX_SWAP;
    if (n >= a->depth) {
        a->wrong = true;
        return;
    }
    uint64_t *top = &a->stack[a->depth - 1], v = top[-(int)n];
    if (op == AX_PICK || op == AX_DUP) {
        push(a, v);
        return;
    }
    // SWAP: a b => b a; ROT: a b c => c a b
    uint64_t last = *top;
    memmove(top - n + 1, top - n, n * sizeof *top);
    top[-(int)n] = last;
}

static void read_register(Agent *a)
{
    uint64_t v = 0;
    a->wrong |= !gdb_register(a->cpu, operand(a, 2), &v);
    push(a, v);
}

// One op. False: it is the end.
static bool one(Agent *a)
{
    unsigned op = (unsigned)operand(a, 1);
    if ((op >= AX_ADD && op <= AX_RSH_UNSIGNED) || (op >= AX_BIT_AND && op <= AX_BIT_XOR) ||
        (op >= AX_EQUAL && op <= AX_LESS_UNSIGNED))
        binary(a, op);
    else if (op >= AX_REF8 && op <= AX_REF64)
        load(a, 1u << (op - AX_REF8));
    else if (op >= AX_CONST8 && op <= AX_CONST64)
        push(a, operand(a, 1u << (op - AX_CONST8)));
    else if (op == AX_LOG_NOT)
        push(a, !pop(a));
    else if (op == AX_BIT_NOT)
        push(a, ~pop(a));
    else if (op == AX_EXT || op == AX_ZERO_EXT)
        extend(a, op == AX_EXT);
    else if (op == AX_IF_GOTO || op == AX_GOTO)
        jump(a, op == AX_GOTO || pop(a));
    else if (op == AX_REG)
        read_register(a);
    else if (op == AX_POP)
        pop(a);
    else if (op == AX_DUP || op == AX_SWAP || op == AX_PICK || op == AX_ROT)
        move(a, op);
    else
        a->wrong |= op != AX_END;
    return op != AX_END && !a->wrong;
}

// Whether it is not zero, or no good: then gdb shall look itself.
static bool holds(Cpu *cpu, const uint8_t *code, size_t size)
{
    Agent a = {.cpu = cpu, .code = code, .size = size};
    unsigned n = 0;
    while (n < OPS_MAX && one(&a))
        n++;
    return a.wrong || n == OPS_MAX || !a.depth || a.stack[a.depth - 1];
}

bool gdb_conditions_parse(const char *text, GPtrArray **out)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    *out = NULL;
    while (*text) {
        uint64_t n;
        text += *text == ';';
        if (*text++ != 'X' || !packet_number_then(&text, ',', &n) || n > PACKET_MAX)
            return false;
        g_autofree uint8_t *code = g_malloc(n + 1);
        if (!packet_get_bytes(text, code, n))
            return false;
        text += 2 * n;
        g_ptr_array_add(all, g_bytes_new(code, n));
    }
    if (all->len)
        *out = g_steal_pointer(&all);
    return true;
}

bool gdb_conditions_hold(const GPtrArray *conditions, Cpu *cpu)
{
    for (guint i = 0; conditions && i < conditions->len; i++) {
        gsize size;
        const uint8_t *code = g_bytes_get_data(g_ptr_array_index(conditions, i), &size);
        if (holds(cpu, code, size))
            return true;
    }
    return !conditions;
}
