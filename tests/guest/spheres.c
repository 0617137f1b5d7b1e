// SPDX-License-Identifier: GPL-3.0-or-later
// Rays against spheres: square roots, divisions and comparisons of doubles that decide where to go on.
#include <math.h>
#include <stdint.h>
#include <stdio.h>

#ifndef SIZE
#define SIZE 1 // pictures
#endif
#define WIDTH   64
#define SPHERES 12
#define BOUNCES 3

typedef struct {
    double x, y, z;
} Vector;
typedef struct {
    Vector centre;
    double radius, shine;
} Sphere;

static Sphere spheres[SPHERES];

static Vector along(Vector a, Vector d, double t)
{
    return (Vector){a.x + d.x * t, a.y + d.y * t, a.z + d.z * t};
}

static double dot(Vector a, Vector b)
{
    return a.x * b.x + a.y * b.y + a.z * b.z;
}

static Vector unit(Vector a)
{
    double scale = 1 / sqrt(dot(a, a));
    return (Vector){a.x * scale, a.y * scale, a.z * scale};
}

static const Sphere *nearest(Vector from, Vector d, double *distance)
{
    const Sphere *hit = NULL;
    *distance = 1e9;
    for (int i = 0; i < SPHERES; i++) {
        Vector to = along(spheres[i].centre, from, -1);
        double middle = dot(to, d), square = middle * middle - dot(to, to) + spheres[i].radius * spheres[i].radius;
        if (square < 0)
            continue;
        double t = middle - sqrt(square);
        if (t > 1e-4 && t < *distance) {
            *distance = t;
            hit = &spheres[i];
        }
    }
    return hit;
}

static double light(Vector from, Vector d, int bounces)
{
    double distance;
    const Sphere *s = nearest(from, d, &distance);
    if (!s)
        return d.y > 0 ? d.y : 0.1;
    Vector at = along(from, d, distance), normal = unit(along(at, s->centre, -1));
    double own = normal.y > 0 ? normal.y * (1 - s->shine) : 0;
    if (bounces == 0)
        return own;
    return own + s->shine * light(at, along(d, normal, -2 * dot(d, normal)), bounces - 1);
}

int main(void)
{
    uint32_t hash = 0;
    for (int picture = 0; picture < SIZE; picture++) {
        for (int i = 0; i < SPHERES; i++)
            spheres[i] = (Sphere){{i % 4 * 2 - 3, i / 4 * 2 - 2, 6 + (i * 5 + picture) % 7}, 0.6 + i % 3 * 0.3,
                                  0.2 + i % 5 * 0.1};
        for (int y = 0; y < WIDTH; y++)
            for (int x = 0; x < WIDTH; x++) {
                Vector d = unit((Vector){(x - WIDTH / 2) / 40.0, (WIDTH / 2 - y) / 40.0, 1});
                hash = hash * 31 + (uint32_t)(int32_t)(light((Vector){0, 0, 0}, d, BOUNCES) * 255);
            }
    }
    printf("pictures %08x\n", (unsigned)hash);
    return hash & 127;
}
