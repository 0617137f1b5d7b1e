// SPDX-License-Identifier: GPL-3.0-or-later
// The way into compiled code, and its calls that preserve registers.
#include "backend/jit_call.h"

#include "backend/exits.h"

static __attribute__((naked)) JitSlot *enter(G_GNUC_UNUSED IrEnv *env, G_GNUC_UNUSED JitSlot *slots,
                                              G_GNUC_UNUSED uint64_t entry, G_GNUC_UNUSED JitCode code)
{
    __asm__("pushq %%rbx\n\t"
            "pushq %%rbp\n\t"
            "pushq %%r12\n\t"
            "pushq %%r13\n\t"
            "pushq %%r14\n\t"
            "pushq %%r15\n\t"
            "subq $8, %%rsp\n\t"
            "leaq -8(%%rsp), %%rax\n\t"
            "movq %%rax, %c0(%%rdi)\n\t"
            "call *%%rcx\n\t"
            "addq $8, %%rsp\n\t"
            "popq %%r15\n\t"
            "popq %%r14\n\t"
            "popq %%r13\n\t"
            "popq %%r12\n\t"
            "popq %%rbp\n\t"
            "popq %%rbx\n\t"
            "ret"
            :
            : "i"(offsetof(IrEnv, jit_sp)));
}

JitSlot *jit_enter(IrEnv *env, JitSlot *slots, uint64_t entry, JitCode code)
{
    env->jit_stop = jit_stop;
    return enter(env, slots, entry, code);
}

__attribute__((naked)) void jit_access(void)
{
    JIT_ACCESS(jit_access_slow);
}

// exits_stop does the work. rbp: the frame; below it the SSE registers.
__attribute__((naked)) void jit_stop(void)
{
    __asm__("pushq %%r15\n\tpushq %%r14\n\tpushq %%r13\n\tpushq %%r12\n\t"
            "pushq %%r11\n\tpushq %%r10\n\tpushq %%r9\n\tpushq %%r8\n\t"
            "pushq %%rdi\n\tpushq %%rsi\n\tpushq %%rbp\n\tpushq %%rsp\n\t"
            "pushq %%rbx\n\tpushq %%rdx\n\tpushq %%rcx\n\tpushq %%rax\n\t"
            "movq %%rbp, %%rdi\n\t"
            "movq %%rsp, %%rbp\n\t"
            "subq $256, %%rsp\n\t"
            "andq $-16, %%rsp\n\t"
            "movaps %%xmm0, (%%rsp)\n\tmovaps %%xmm1, 16(%%rsp)\n\t"
            "movaps %%xmm2, 32(%%rsp)\n\tmovaps %%xmm3, 48(%%rsp)\n\t"
            "movaps %%xmm4, 64(%%rsp)\n\tmovaps %%xmm5, 80(%%rsp)\n\t"
            "movaps %%xmm6, 96(%%rsp)\n\tmovaps %%xmm7, 112(%%rsp)\n\t"
            "movaps %%xmm8, 128(%%rsp)\n\tmovaps %%xmm9, 144(%%rsp)\n\t"
            "movaps %%xmm10, 160(%%rsp)\n\tmovaps %%xmm11, 176(%%rsp)\n\t"
            "movaps %%xmm12, 192(%%rsp)\n\tmovaps %%xmm13, 208(%%rsp)\n\t"
            "movaps %%xmm14, 224(%%rsp)\n\tmovaps %%xmm15, 240(%%rsp)\n\t"
            "movq %%rbp, %%rsi\n\t"
            "movq %%rsp, %%rdx\n\t"
            "call exits_stop\n\t"
            "testb %%al, %%al\n\t"
            "je 1f\n\t"
            "movaps (%%rsp), %%xmm0\n\tmovaps 16(%%rsp), %%xmm1\n\t"
            "movaps 32(%%rsp), %%xmm2\n\tmovaps 48(%%rsp), %%xmm3\n\t"
            "movaps 64(%%rsp), %%xmm4\n\tmovaps 80(%%rsp), %%xmm5\n\t"
            "movaps 96(%%rsp), %%xmm6\n\tmovaps 112(%%rsp), %%xmm7\n\t"
            "movaps 128(%%rsp), %%xmm8\n\tmovaps 144(%%rsp), %%xmm9\n\t"
            "movaps 160(%%rsp), %%xmm10\n\tmovaps 176(%%rsp), %%xmm11\n\t"
            "movaps 192(%%rsp), %%xmm12\n\tmovaps 208(%%rsp), %%xmm13\n\t"
            "movaps 224(%%rsp), %%xmm14\n\tmovaps 240(%%rsp), %%xmm15\n\t"
            "movq %%rbp, %%rsp\n\t"
            "popq %%rax\n\tpopq %%rcx\n\tpopq %%rdx\n\tpopq %%rbx\n\t"
            "popq %%rbp\n\tpopq %%rbp\n\tpopq %%rsi\n\tpopq %%rdi\n\t"
            "popq %%r8\n\tpopq %%r9\n\tpopq %%r10\n\tpopq %%r11\n\t"
            "popq %%r12\n\tpopq %%r13\n\tpopq %%r14\n\tpopq %%r15\n\t"
            "ret\n"
            "1:\tmovq %c0(%%rbp), %%rdi\n\t"
            "movq %c1(%%rdi), %%rax\n\t"
            "movq %c2(%%rdi), %%rsp\n\t"
            "ret"
            :
            : "i"(offsetof(JitFrame, gpr) + 5 * 8), "i"(offsetof(IrEnv, jit_slots)), "i"(offsetof(IrEnv, jit_sp)));
}

__asm__(".text\n"
        ".globl jit_call\n"
        ".type jit_call, @function\n"
        "jit_call:\n\t"
        "pushq %rbp\n\t"
        "movq %rsp, %rbp\n\t"
        "subq $320, %rsp\n\t"
        "andq $-16, %rsp\n\t"
        "movaps %xmm0, (%rsp)\n\t"
        "movaps %xmm1, 16(%rsp)\n\t"
        "movaps %xmm2, 32(%rsp)\n\t"
        "movaps %xmm3, 48(%rsp)\n\t"
        "movaps %xmm4, 64(%rsp)\n\t"
        "movaps %xmm5, 80(%rsp)\n\t"
        "movaps %xmm6, 96(%rsp)\n\t"
        "movaps %xmm7, 112(%rsp)\n\t"
        "movaps %xmm8, 128(%rsp)\n\t"
        "movaps %xmm9, 144(%rsp)\n\t"
        "movaps %xmm10, 160(%rsp)\n\t"
        "movaps %xmm11, 176(%rsp)\n\t"
        "movaps %xmm12, 192(%rsp)\n\t"
        "movaps %xmm13, 208(%rsp)\n\t"
        "movaps %xmm14, 224(%rsp)\n\t"
        "movaps %xmm15, 240(%rsp)\n\t"
        "movq %rcx, 256(%rsp)\n\t"
        "movq %rdx, 264(%rsp)\n\t"
        "movq %rsi, 272(%rsp)\n\t"
        "movq %rdi, 280(%rsp)\n\t"
        "movq %r8, 288(%rsp)\n\t"
        "movq %r9, 296(%rsp)\n\t"
        "movq %r10, 304(%rsp)\n\t"
        "movq %r11, 312(%rsp)\n\t"
        "call *%rax\n\t"
        "movaps (%rsp), %xmm0\n\t"
        "movaps 16(%rsp), %xmm1\n\t"
        "movaps 32(%rsp), %xmm2\n\t"
        "movaps 48(%rsp), %xmm3\n\t"
        "movaps 64(%rsp), %xmm4\n\t"
        "movaps 80(%rsp), %xmm5\n\t"
        "movaps 96(%rsp), %xmm6\n\t"
        "movaps 112(%rsp), %xmm7\n\t"
        "movaps 128(%rsp), %xmm8\n\t"
        "movaps 144(%rsp), %xmm9\n\t"
        "movaps 160(%rsp), %xmm10\n\t"
        "movaps 176(%rsp), %xmm11\n\t"
        "movaps 192(%rsp), %xmm12\n\t"
        "movaps 208(%rsp), %xmm13\n\t"
        "movaps 224(%rsp), %xmm14\n\t"
        "movaps 240(%rsp), %xmm15\n\t"
        "movq 256(%rsp), %rcx\n\t"
        "movq 264(%rsp), %rdx\n\t"
        "movq 272(%rsp), %rsi\n\t"
        "movq 280(%rsp), %rdi\n\t"
        "movq 288(%rsp), %r8\n\t"
        "movq 296(%rsp), %r9\n\t"
        "movq 304(%rsp), %r10\n\t"
        "movq 312(%rsp), %r11\n\t"
        "leave\n\t"
        "ret\n"
        ".size jit_call, . - jit_call\n");
