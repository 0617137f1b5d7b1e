// SPDX-License-Identifier: GPL-3.0-or-later
// Tells a hart that waits in a small loop from one that computes in it.
#include "machine/spin.h"

#include <string.h>

#define LOOP 64      // bytes that such a loop may reach in either direction
#define FEW 2        // registers may change: what was read, how often
#define MAX_AGE 8    // slices, for one that ends at the same instruction again
#define PATIENCE 16u // slices that go round in some way; what still has not been caught waiting then computes
#define REST 32u     // ... but yields all the same, each so many slices

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

bool spin_watch(SpinWatch *w, const IrEnv *env)
{
    bool near = env->pc - w->last_pc + LOOP < 2 * LOOP;
    w->last_pc = env->pc;
    w->near = near ? w->near + 1 : 0;
    if (env->pc == w->pc)
        remember(w, env, changed(w, env) <= FEW);
    else if (!near || ++w->age > MAX_AGE)
        remember(w, env, false);
    if (near && w->spins) { // elsewhere in the loop registers differ for other reasons
        w->near = 0;
        return true;
    }
    return near && (w->near <= PATIENCE || w->near % REST == 0);
}
