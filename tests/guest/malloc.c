// SPDX-License-Identifier: GPL-3.0-or-later
// Works the allocator: random sizes and lifetimes, contents checked at the end of each life; a tree built
// and freed.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef SIZE
#define SIZE 8000 // allocations
#endif
#define LIVE 512

typedef struct Tree {
    struct Tree *left, *right;
    int key;
} Tree;

static Tree *insert(Tree *tree, int key)
{
    if (!tree) {
        tree = calloc(1, sizeof *tree);
        if (!tree)
            exit(2);
        tree->key = key;
    } else if (key < tree->key) {
        tree->left = insert(tree->left, key);
    } else if (key > tree->key) {
        tree->right = insert(tree->right, key);
    }
    return tree;
}

static long free_tree(Tree *tree, int depth)
{
    if (!tree)
        return 0;
    long sum = free_tree(tree->left, depth + 1) + free_tree(tree->right, depth + 1) + (long)tree->key * depth;
    free(tree);
    return sum;
}

int main(void)
{
    static uint8_t *blocks[LIVE];
    static size_t sizes[LIVE];
    uint32_t seed = 7;
    unsigned long bytes = 0;
    Tree *tree = NULL;
    for (long i = 0; i < SIZE; i++) {
        seed = seed * 1664525 + 1013904223;
        unsigned slot = seed >> 20 & (LIVE - 1);
        if (blocks[slot]) {
            if (blocks[slot][0] != (uint8_t)slot || blocks[slot][sizes[slot] - 1] != (uint8_t)slot)
                return 1;
            free(blocks[slot]);
        }
        sizes[slot] = 1 + (seed >> 8) % 700;
        blocks[slot] = malloc(sizes[slot]);
        if (!blocks[slot])
            return 2;
        memset(blocks[slot], slot, sizes[slot]);
        bytes += sizes[slot];
        tree = insert(tree, seed >> 12);
    }
    for (int i = 0; i < LIVE; i++)
        free(blocks[i]);
    printf("%lu bytes, tree %ld\n", bytes, free_tree(tree, 1));
    return bytes & 127;
}
