// SPDX-License-Identifier: GPL-3.0-or-later
// A switch-dispatched stack machine running a small program: the hard case for branch targets.
#include <stdint.h>
#include <stdio.h>

#ifndef SIZE
#define SIZE 2000 // outer loop of the interpreted program
#endif

enum { PUSH, LOAD, STORE, ADD, SUB, MUL, AND, XOR, SHR, DUP, DROP, SWAP, LESS, JUMP, JUMP_IF, PRINT, HALT };

// for (i = SIZE; i > 0; i--) for (j = 0; j < 100; j++) x = (x * 31 + (i ^ j)) - (x >> 7)
static const int32_t program[] = {
    PUSH, SIZE, STORE, 0, PUSH, 1, STORE, 2,
    /* 8: */ PUSH, 0, STORE, 1,
    /* 12: */ LOAD, 2, DUP, PUSH, 31, MUL, LOAD, 0, LOAD, 1, XOR, ADD, SWAP, PUSH, 7, SHR, SUB,
    /* 29: */ PUSH, 0x7fffffff, AND, STORE, 2, LOAD, 1, PUSH, 1, ADD, DUP, STORE, 1,
    /* 42: */ PUSH, 100, LESS, JUMP_IF, 12,
    /* 47: */ LOAD, 0, PUSH, 1, SUB, DUP, STORE, 0, JUMP_IF, 8,
    /* 57: */ LOAD, 2, PRINT, LOAD, 2, HALT,
};

static int64_t run(const int32_t *code)
{
    int64_t stack[32], *sp = stack, vars[4] = {0};
    for (const int32_t *pc = code;;) {
        switch (*pc++) {
        case PUSH: *sp++ = *pc++; break;
        case LOAD: *sp++ = vars[*pc++]; break;
        case STORE: vars[*pc++] = *--sp; break;
        case ADD: sp--, sp[-1] += sp[0]; break;
        case SUB: sp--, sp[-1] -= sp[0]; break;
        case MUL: sp--, sp[-1] *= sp[0]; break;
        case AND: sp--, sp[-1] &= sp[0]; break;
        case XOR: sp--, sp[-1] ^= sp[0]; break;
        case SHR: sp--, sp[-1] >>= sp[0]; break;
        case DUP: sp[0] = sp[-1], sp++; break;
        case DROP: sp--; break;
        case SWAP: {
            int64_t top = sp[-1];
            sp[-1] = sp[-2];
            sp[-2] = top;
            break;
        }
        case LESS: sp--, sp[-1] = sp[-1] < sp[0]; break;
        case JUMP: pc = code + *pc; break;
        case JUMP_IF: pc = *--sp ? code + *pc : pc + 1; break;
        case PRINT: printf("%ld\n", (long)*--sp); break;
        case HALT: return *--sp;
        default: return -1;
        }
    }
}

int main(void)
{
    return run(program) & 127;
}
