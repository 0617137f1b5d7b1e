// SPDX-License-Identifier: GPL-3.0-or-later
// Five bodies under gravity: double arithmetic with a square root and a division in each of ten pairs.
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#ifndef SIZE
#define SIZE 2000 // steps
#endif
#define N 5

typedef struct {
    double x[3], v[3], mass;
} Body;

static Body bodies[N] = {
    {{0, 0, 0}, {0, 0, 0}, 39.5},
    {{4.84, -1.16, -0.104}, {0.606, 2.81, -0.0252}, 0.0377},
    {{8.34, 4.12, -0.404}, {-1.01, 1.82, 0.00842}, 0.0113},
    {{12.9, -15.1, -0.223}, {1.08, 0.869, -0.0108}, 0.00172},
    {{15.4, -25.9, 0.179}, {0.979, 0.594, -0.0347}, 0.00203},
};

static void step(double dt)
{
    for (int i = 0; i < N; i++)
        for (int j = i + 1; j < N; j++) {
            Body *a = &bodies[i], *b = &bodies[j];
            double d[3], square = 0;
            for (int k = 0; k < 3; k++) {
                d[k] = a->x[k] - b->x[k];
                square += d[k] * d[k];
            }
            double pull = dt / (square * sqrt(square));
            for (int k = 0; k < 3; k++) {
                a->v[k] -= d[k] * b->mass * pull;
                b->v[k] += d[k] * a->mass * pull;
            }
        }
    for (int i = 0; i < N; i++)
        for (int k = 0; k < 3; k++)
            bodies[i].x[k] += dt * bodies[i].v[k];
}

int main(void)
{
    for (int n = 0; n < SIZE; n++)
        step(0.01);
    uint64_t hash = 0;
    for (int i = 0; i < N; i++)
        for (int k = 0; k < 3; k++) {
            uint64_t bits;
            memcpy(&bits, &bodies[i].x[k], sizeof bits);
            hash = hash * 31 + bits;
        }
    printf("positions %016lx\n", (unsigned long)hash);
    return hash & 127;
}
