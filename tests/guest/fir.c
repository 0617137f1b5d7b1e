// SPDX-License-Identifier: GPL-3.0-or-later
// A filter in single precision: fused multiply-add over a window, with clipping and conversion from and to integers.
#include <math.h>
#include <stdint.h>
#include <stdio.h>

#ifndef SIZE
#define SIZE 10 // passes
#endif
#define N    4096
#define TAPS 32

static float in[N + TAPS], taps[TAPS];
static int32_t out[N];

#ifdef __x86_64__
__attribute__((target("fma")))
#endif
static void filter(void)
{
    for (int i = 0; i < N; i++) {
        float sum = 0;
        for (int k = 0; k < TAPS; k++)
            sum = __builtin_fmaf(in[i + k], taps[k], sum);
        sum = sum > 20000.0f ? 20000.0f : sum < -20000.0f ? -20000.0f : sum;
        out[i] = (int32_t)sum;
    }
}

int main(void)
{
    uint32_t seed = 1, hash = 0;
    for (int k = 0; k < TAPS; k++)
        taps[k] = (float)(k + 1) / (TAPS * 4);
    for (int i = 0; i < N + TAPS; i++) {
        seed = seed * 1103515245 + 12345;
        in[i] = (float)((int32_t)(seed >> 16) - 32768);
    }
    for (int pass = 0; pass < SIZE; pass++) {
        filter();
        for (int i = 0; i < N; i++) {
            hash = hash * 31 + (uint32_t)out[i];
            in[i] = in[i] * 0.5f + (float)out[i];
        }
    }
    printf("samples %08x\n", (unsigned)hash);
    return hash & 127;
}
