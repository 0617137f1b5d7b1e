// SPDX-License-Identifier: GPL-3.0-or-later
// Floating point by the F and D instructions: what they compute must be what the host computes, to the last bit and
// flag. Only operations that IEEE 754 defines exactly; no library function that may differ in the last place.
#include <fenv.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#ifndef SIZE
#define SIZE 3000 // steps
#endif

static uint64_t bits(double d)
{
    uint64_t v;
    memcpy(&v, &d, sizeof v);
    return v;
}

static void show(const char *what, double d)
{
    printf("%s %016llx %.12g\n", what, (unsigned long long)bits(d), d);
}

typedef struct {
    double p[3], v[3], mass;
} Body;

static double energy(const Body *b, int n)
{
    double e = 0;
    for (int i = 0; i < n; i++) {
        e += 0.5 * b[i].mass * (b[i].v[0] * b[i].v[0] + b[i].v[1] * b[i].v[1] + b[i].v[2] * b[i].v[2]);
        for (int j = i + 1; j < n; j++) {
            double d2 = 0;
            for (int k = 0; k < 3; k++)
                d2 += (b[i].p[k] - b[j].p[k]) * (b[i].p[k] - b[j].p[k]);
            e -= b[i].mass * b[j].mass / sqrt(d2);
        }
    }
    return e;
}

static void nbody(int steps)
{
    Body b[4] = {{{0, 0, 0}, {0, 0.01, 0}, 39.5},
                 {{4.84, -1.16, -0.10}, {0.6, 2.8, -0.02}, 0.037},
                 {{8.34, 4.12, -0.4}, {-1.01, 1.8, 0.008}, 0.011},
                 {{12.8, -15.1, -0.22}, {1.08, 0.86, -0.01}, 0.0017}};
    for (int s = 0; s < steps; s++) {
        for (int i = 0; i < 4; i++)
            for (int j = i + 1; j < 4; j++) {
                double d[3], d2 = 0;
                for (int k = 0; k < 3; k++) {
                    d[k] = b[i].p[k] - b[j].p[k];
                    d2 += d[k] * d[k];
                }
                double mag = 0.001 / (d2 * sqrt(d2));
                for (int k = 0; k < 3; k++) {
                    b[i].v[k] -= d[k] * b[j].mass * mag;
                    b[j].v[k] += d[k] * b[i].mass * mag;
                }
            }
        for (int i = 0; i < 4; i++)
            for (int k = 0; k < 3; k++)
                b[i].p[k] += 0.001 * b[i].v[k];
    }
    show("nbody", energy(b, 4));
}

static void mandelbrot(int size)
{
    uint32_t sum = 0;
    for (int y = 0; y < size; y++)
        for (int x = 0; x < size; x++) {
            float cr = 2.5f * (float)x / (float)size - 2.0f, ci = 2.0f * (float)y / (float)size - 1.0f, r = 0, i = 0;
            int n = 0;
            while (n < 50 && r * r + i * i <= 4.0f) {
                float t = r * r - i * i + cr;
                i = 2.0f * r * i + ci;
                r = t;
                n++;
            }
            sum = sum * 31 + (uint32_t)n;
        }
    printf("mandelbrot %08x\n", (unsigned)sum);
}

static void fused(int steps)
{
    double d = 1, e = 0.3;
    float f = 1, g = 0.7f;
    for (int i = 1; i <= steps; i++) {
        d = fma(d, 0.9999999, -e);
        e = fma(e, -0.5, 1.0 / i);
        f = fmaf(f, 0.99f, g);
        g = fmaf(-g, 0.75f, -1.0f / (float)i);
    }
    show("fma", d);
    show("fma", e);
    show("fmaf", (double)f);
    show("fmaf", (double)g);
}

static int flags(void)
{
    int set = fetestexcept(FE_ALL_EXCEPT);
    feclearexcept(FE_ALL_EXCEPT);
    return (set & FE_INEXACT ? 1 : 0) | (set & FE_UNDERFLOW ? 2 : 0) | (set & FE_OVERFLOW ? 4 : 0) |
           (set & FE_DIVBYZERO ? 8 : 0) | (set & FE_INVALID ? 16 : 0);
}

static void report(double result)
{
    double canonical = isnan(result) ? NAN : result; // a NaN's sign and payload are nobody's business
    printf("%016llx %02x\n", (unsigned long long)(isnan(canonical) ? 0x7ff8 : bits(canonical)), (unsigned)flags());
}

static void modes(void)
{
    static const int round[] = {FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD};
    static const double values[] = {0.0, -0.0, 1, -3, 0.1, 1e308, 5e-324, 2.2250738585072014e-308, 1e-200, -7.25e30,
                                    INFINITY};
    const int n = sizeof values / sizeof values[0];
    for (int m = 0; m < 4; m++) {
        fesetround(round[m]);
        feclearexcept(FE_ALL_EXCEPT);
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++) {
                volatile double a = values[i], b = values[j], r;
                volatile float s;
                r = a + b;
                report(r);
                r = a * b;
                report(r);
                r = a / b;
                report(r);
                s = (float)a;
                report((double)s);
                r = sqrt(a);
                report(r);
            }
    }
    fesetround(FE_TONEAREST);
}

static void conversions(void)
{
    volatile double values[] = {0.5, -0.5, 1e9, -2147483648.0, 4294967295.0, 1e18, -1.99, 123456789.75};
    for (unsigned i = 0; i < sizeof values / sizeof values[0]; i++) {
        volatile float f = (float)values[i];
        printf("%lld %lld", (long long)values[i], (long long)f);
        if (values[i] > -1)
            printf(" %llu", (unsigned long long)values[i]);
        if (fabs(values[i]) < 2e9)
            printf(" %d %u", (int)values[i], (unsigned)fabs(values[i]));
        printf(" %d %d\n", values[i] < 1, f >= 1);
    }
    volatile int64_t l = 0x7fffffffffffffc1;
    volatile uint64_t u = UINT64_MAX;
    show("l", (double)l);
    show("u", (double)u);
    show("l", (double)(float)l);
    show("u", (double)(float)u);
}

int main(void)
{
    nbody(SIZE);
    mandelbrot(40);
    fused(SIZE);
    modes();
    conversions();
    return 0;
}
