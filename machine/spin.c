// SPDX-License-Identifier: GPL-3.0-or-later
// Tells a hart that waits in a small loop from one that computes in it.
#include "machine/spin.h"

#include <string.h>

#define LOOP 64      // bytes that such a loop may reach in either direction
#define FEW 2        // registers may change: what was read, how often
#define MAX_AGE 8    // slices, for one that ends at the same instruction again
#define MAX_REST 32u // slices between yields

static void remember(SpinWatch *w, const IrEnv *env, bool spins)
{
    w->pc = env->pc;
    memcpy(w->r, env->r, sizeof w->r);
    w->age = 0;
    w->spins = spins;
}

static unsigned changed(const SpinWatch *w, const IrEnv *env)
{
    unsigned n = 0;
    for (unsigned i = 0; i < IR_NREGS; i++)
        n += w->r[i] != env->r[i];
    return n;
}

// Powers of two, later every MAX_REST slices: one yield is enough if somebody else has work.
static bool is_turn(unsigned n)
{
    return n % MAX_REST == 0 || (n < MAX_REST && !(n & (n - 1)));
}

Spin spin_watch(SpinWatch *w, const IrEnv *env)
{
    bool near = env->pc - w->last_pc + LOOP < 2 * LOOP;
    w->last_pc = env->pc;
    w->near = near ? w->near + 1 : 0;
    if (env->pc == w->pc)
        remember(w, env, changed(w, env) <= FEW);
    else if (!near || ++w->age > MAX_AGE)
        remember(w, env, false);
    if (near && w->spins) // elsewhere in the loop registers differ for other reasons
        return SPIN_SURE;
    return near && is_turn(w->near) ? SPIN_MAYBE : SPIN_NO;
}
