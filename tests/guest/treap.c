// SPDX-License-Identifier: GPL-3.0-or-later
// A balanced search tree of random keys: inserted, looked up, taken out again. Pointers and surprising branches.
#include <stdint.h>
#include <stdio.h>

#ifndef SIZE
#define SIZE 20000 // operations
#endif
#define KEYS 40000

typedef struct Node {
    struct Node *child[2];
    uint32_t key, weight;
} Node;

static Node nodes[KEYS];
static Node *root;

static Node *rotate(Node *n, int side)
{
    Node *up = n->child[side];
    n->child[side] = up->child[!side];
    up->child[!side] = n;
    return up;
}

static Node *insert(Node *at, Node *n)
{
    if (!at)
        return n;
    int side = n->key > at->key;
    at->child[side] = insert(at->child[side], n);
    return at->child[side]->weight > at->weight ? rotate(at, side) : at;
}

static Node *sink(Node *n) // what is left of a tree without its root
{
    if (!n->child[0] || !n->child[1])
        return n->child[!n->child[0]];
    Node *up = rotate(n, n->child[1]->weight > n->child[0]->weight);
    up->child[up->child[0] != n] = sink(n);
    return up;
}

static Node *drop(Node *at, uint32_t key)
{
    if (at->key == key)
        return sink(at);
    int side = key > at->key;
    at->child[side] = drop(at->child[side], key);
    return at;
}

static const Node *find(uint32_t key)
{
    const Node *n = root;
    while (n && n->key != key)
        n = n->child[key > n->key];
    return n;
}

int main(void)
{
    uint64_t seed = 1, sum = 0;
    for (int i = 0; i < SIZE; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        uint32_t key = (uint32_t)(seed >> 33) % KEYS;
        if (!find(key)) {
            nodes[key] = (Node){{NULL, NULL}, key, (uint32_t)(seed >> 20)};
            root = insert(root, &nodes[key]);
            sum += key;
        } else if (seed >> 32 & 1) {
            root = drop(root, key);
            sum ^= (uint64_t)key << 20;
        }
    }
    printf("sum %016lx\n", (unsigned long)sum);
    return sum & 127;
}
