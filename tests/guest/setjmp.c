// SPDX-License-Identifier: GPL-3.0-or-later
// Non-local jumps out of deep recursion: returns whose targets no call stack predicts.
#include <setjmp.h>
#include <stdio.h>

#ifndef SIZE
#define SIZE 2000 // jumps
#endif

static jmp_buf buffers[3];

__attribute__((noinline)) static long descend(int depth, int code)
{
    volatile int frame = depth;
    if (frame == 0)
        longjmp(buffers[code % 3], code + 1);
    return (frame > 0 ? descend(frame - 1, code) : 0) + frame;
}

int main(void)
{
    volatile unsigned long sum = 0;
    volatile int jumps = 0;
    volatile int which = 0;
    for (volatile int i = 0; i < 3; i++) {
        int code = setjmp(buffers[i]);
        if (code) {
            sum = sum * 31 + code;
            which = i; // longjmp may come back to any of the three
            if (++jumps == SIZE)
                break;
            if (jumps % 7 == 0)
                descend(jumps % 40, jumps % (which + 1));
        }
        if (i == 2)
            descend(jumps % 25 + 1, jumps);
    }
    printf("%d jumps, sum %016lx\n", jumps, sum);
    return sum & 127;
}
