// SPDX-License-Identifier: GPL-3.0-or-later
// Stacks as text, shared by flame.c (sampling) and what prints them.
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    char *frames; // outermost first, a semicolon between two
    uint64_t count; // instructions
} FlameStack;

// All of these: stacks, n of them, are sorted by frames, each is there once.
GString *flame_folded(const FlameStack *stacks, unsigned n);
GString *flame_speedscope(const FlameStack *stacks, unsigned n);
GString *flame_svg(const FlameStack *stacks, unsigned n);
GString *flame_html(const FlameStack *stacks, unsigned n);
