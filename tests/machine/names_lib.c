// SPDX-License-Identifier: GPL-3.0-or-later
// Two shared libraries for names_memory_test.c: a call chain, with a function that .dynsym does not have.
#ifndef SECOND
#define OUTER outer
#define INNER inner
#else
#define OUTER another
#define INNER hidden
#endif

__attribute__((noinline, visibility("hidden"))) int INNER(int x)
{
    return 3 * x;
}

int OUTER(int x)
{
    return INNER(x + 1) + 2;
}
