// SPDX-License-Identifier: GPL-3.0-or-later
// Which stencils there are of an op: for stencils.c, which makes them, and baseline.c, which chooses among them.
//
// Baseline code keeps the guest registers that programs use most in host registers, always the same ones, which C
// functions preserve. They are known as 0 .. N_PINNED-1.
//
// F(op, a, b, d, ...) stands for one stencil. Places of operands: A the accumulator, M memory (env->r), I the immediate
// (or none), Z the constant zero, a digit that pinned register. The result goes to the accumulator (N) or into a pinned
// register; to get it into memory, and operands into the accumulator, are stencils of their own.
#pragma once

#define STENCIL_NEAR 128 // how far into the hart the pointer leads that stencils get

#define N_PINNED 6
#define PINNED(X) /* number, host register, guest register */                                                          \
    X(0, rbx, 15) X(1, rbp, 14) X(2, r12, 13) X(3, r13, 2) X(4, r14, 10) X(5, r15, 12)
#define EACH_PINNED(X, ...)                                                                                            \
    X(0, __VA_ARGS__) X(1, __VA_ARGS__) X(2, __VA_ARGS__) X(3, __VA_ARGS__) X(4, __VA_ARGS__) X(5, __VA_ARGS__)
#define EACH_PINNED2(X, ...) /* for use inside of the other */                                                         \
    X(0, __VA_ARGS__) X(1, __VA_ARGS__) X(2, __VA_ARGS__) X(3, __VA_ARGS__) X(4, __VA_ARGS__) X(5, __VA_ARGS__)

// Of a computation with two operands: what is needed at least.
#define FORMS_FEW(F, op, ...)                                                                                          \
    F(op, A, M, N, __VA_ARGS__) F(op, M, A, N, __VA_ARGS__) EACH_PINNED(FORMS_FEW_P, F, op, __VA_ARGS__)
#define FORMS_FEW_P(i, F, op, ...) F(op, A, i, N, __VA_ARGS__) F(op, i, A, N, __VA_ARGS__)
// ... and of the ones that programs use most.
#define FORMS_MANY(F, op, ...) FORMS_FEW(F, op, __VA_ARGS__) EACH_PINNED(FORMS_MANY_P, F, op, __VA_ARGS__)
#define FORMS_MANY_P(i, F, op, ...)                                                                                    \
    F(op, i, M, N, __VA_ARGS__) F(op, i, M, i, __VA_ARGS__) F(op, i, A, i, __VA_ARGS__)                                \
    EACH_PINNED2(FORMS_MANY_PP, i, F, op, __VA_ARGS__)
#define FORMS_MANY_PP(j, i, F, op, ...) F(op, i, j, N, __VA_ARGS__) F(op, i, j, i, __VA_ARGS__)

// With one operand, which may be all there is of another in each place.
#define FORMS_ONE_FEW(F, op, ...) F(op, A, I, N, __VA_ARGS__) EACH_PINNED(FORMS_ONE_FEW_P, F, op, __VA_ARGS__)
#define FORMS_ONE_FEW_P(i, F, op, ...) F(op, i, I, N, __VA_ARGS__)
#define FORMS_ONE_MANY(F, op, ...)                                                                                     \
    FORMS_ONE_FEW(F, op, __VA_ARGS__) EACH_PINNED(FORMS_ONE_MANY_P, F, op, __VA_ARGS__)
#define FORMS_ONE_MANY_P(i, F, op, ...)                                                                                \
    F(op, A, I, i, __VA_ARGS__) EACH_PINNED2(FORMS_ONE_MANY_PP, i, F, op, __VA_ARGS__)
#define FORMS_ONE_MANY_PP(j, i, F, op, ...) F(op, i, I, j, __VA_ARGS__)

// With two operands and no result: stores, branches.
#define FORMS_NO_RESULT(F, op, ...)                                                                                    \
    F(op, A, M, N, __VA_ARGS__) F(op, M, A, N, __VA_ARGS__) F(op, A, Z, N, __VA_ARGS__)                                \
    EACH_PINNED(FORMS_NO_RESULT_P, F, op, __VA_ARGS__)
#define FORMS_NO_RESULT_P(i, F, op, ...)                                                                               \
    F(op, A, i, N, __VA_ARGS__) F(op, i, A, N, __VA_ARGS__) F(op, i, M, N, __VA_ARGS__) F(op, i, Z, N, __VA_ARGS__)    \
    EACH_PINNED2(FORMS_NO_RESULT_PP, i, F, op, __VA_ARGS__)
#define FORMS_NO_RESULT_PP(j, i, F, op, ...) F(op, i, j, N, __VA_ARGS__)
