// SPDX-License-Identifier: GPL-3.0-or-later
// Function-pointer dispatch: shapes with method tables, and tasks that take turns by returning their next
// step.
#include <stdint.h>
#include <stdio.h>

#ifndef SIZE
#define SIZE 200 // rounds over all objects
#endif
#define OBJECTS 256

typedef struct Shape Shape;
typedef struct {
    int64_t (*area)(const Shape *shape);
    void (*grow)(Shape *shape, int by);
} Methods;
struct Shape {
    const Methods *methods;
    int32_t a, b;
};

static int64_t box_area(const Shape *s) { return (int64_t)s->a * s->b; }
static void box_grow(Shape *s, int by) { s->a += by, s->b ^= by; }
static int64_t wedge_area(const Shape *s) { return (int64_t)s->a * s->b / 2; }
static void wedge_grow(Shape *s, int by) { s->b = (s->b + by) & 0xffff; }
static int64_t line_area(const Shape *s) { return s->a - s->b; }
static void line_grow(Shape *s, int by) { s->a = s->b - by; }

static const Methods kinds[] = {{box_area, box_grow}, {wedge_area, wedge_grow}, {line_area, line_grow}};

typedef struct Task Task;
typedef struct Step {
    struct Step (*run)(Task *task);
} Step;
struct Task {
    uint32_t value, left;
    Step next;
};

static Step odd(Task *task);

static Step even(Task *task)
{
    task->value /= 2;
    task->left--;
    return (Step){task->value & 1 ? odd : even};
}

static Step odd(Task *task)
{
    task->value = task->value * 3 + 1;
    task->left--;
    return (Step){even};
}

static uint64_t run_tasks(void)
{
    Task tasks[4];
    uint64_t sum = 0;
    for (uint32_t i = 0; i < 4; i++)
        tasks[i] = (Task){27 + i, 90, {(27 + i) & 1 ? odd : even}};
    while (tasks[3].left)
        for (int i = 0; i < 4; i++) {
            tasks[i].next = tasks[i].next.run(&tasks[i]);
            sum += tasks[i].value;
        }
    return sum;
}

int main(void)
{
    static Shape shapes[OBJECTS];
    uint64_t sum = 0;
    for (int i = 0; i < OBJECTS; i++)
        shapes[i] = (Shape){&kinds[(i * 7 + i / 5) % 3], i, i * 3 + 1};
    for (int round = 0; round < SIZE; round++) {
        for (int i = 0; i < OBJECTS; i++) {
            Shape *s = &shapes[(i * 37 + round) % OBJECTS];
            sum += s->methods->area(s);
            s->methods->grow(s, round & 15);
        }
        if (round % 8 == 0)
            sum += run_tasks();
    }
    printf("sum %016lx\n", (unsigned long)sum);
    return sum & 127;
}
