// SPDX-License-Identifier: GPL-3.0-or-later
// Arithmetic in text: a recursive descent parser builds trees, a recursive function evaluates them.
#include <stdint.h>
#include <stdio.h>

#ifndef SIZE
#define SIZE 40 // formulas
#endif
#define NODES   2048
#define LENGTH  4096
#define VALUES  16 // evaluations of each

typedef struct Node {
    char op; // a sign, 'n' for a number, 'x' for the variable
    int64_t value;
    const struct Node *left, *right;
} Node;

static Node nodes[NODES];
static int n_nodes;
static char text[LENGTH];
static const char *at;
static uint32_t seed = 1;

static uint32_t chance(uint32_t n)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 16) % n;
}

static char *write_formula(char *to, int depth)
{
    if (depth == 0 || chance(8) == 0) {
        *to++ = chance(3) ? (char)('1' + chance(9)) : 'x';
        return to;
    }
    *to++ = '(';
    to = write_formula(to, depth - 1);
    *to++ = "+-*&^"[chance(5)];
    to = write_formula(to, depth - 1);
    *to++ = ')';
    return to;
}

static const Node *node(char op, int64_t value, const Node *left, const Node *right)
{
    nodes[n_nodes] = (Node){op, value, left, right};
    return &nodes[n_nodes++];
}

static const Node *parse_sum(void);

static const Node *parse_one(void)
{
    char c = *at++;
    if (c == '(') {
        const Node *inner = parse_sum();
        at++; // the bracket
        return inner;
    }
    return c == 'x' ? node('x', 0, NULL, NULL) : node('n', c - '0', NULL, NULL);
}

static const Node *parse_product(void)
{
    const Node *left = parse_one();
    while (*at == '*' || *at == '&') {
        char op = *at++;
        left = node(op, 0, left, parse_one());
    }
    return left;
}

static const Node *parse_sum(void)
{
    const Node *left = parse_product();
    while (*at == '+' || *at == '-' || *at == '^') {
        char op = *at++;
        left = node(op, 0, left, parse_product());
    }
    return left;
}

static int64_t value(const Node *n, int64_t x)
{
    if (n->op == 'n')
        return n->value;
    if (n->op == 'x')
        return x;
    int64_t a = value(n->left, x), b = value(n->right, x);
    switch (n->op) {
    case '+': return (int64_t)((uint64_t)a + (uint64_t)b);
    case '-': return (int64_t)((uint64_t)a - (uint64_t)b);
    case '*': return (int64_t)((uint64_t)a * (uint64_t)b);
    case '&': return a & b;
    default: return a ^ b;
    }
}

int main(void)
{
    uint64_t sum = 0;
    for (int i = 0; i < SIZE; i++) {
        *write_formula(text, 8) = 0;
        at = text;
        n_nodes = 0;
        const Node *formula = parse_sum();
        for (int x = 0; x < VALUES; x++)
            sum = sum * 31 + (uint64_t)value(formula, x + i);
    }
    printf("sum %016lx\n", (unsigned long)sum);
    return sum & 127;
}
