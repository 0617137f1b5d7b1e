// SPDX-License-Identifier: GPL-3.0-or-later
// The observers of a run, in the order that they must be made and ended in.
#include "machine/observers.h"

#include "machine/blocks/blocks_run.h"
#include "machine/log/logs.h"
#include "machine/profile/perf.h"
#include "machine/profile/profile.h"
#include "machine/tlb_run.h"

struct Observers {
    const Options *o;
    TlbRun *tlb;
    Profile *profile;
    MachineLogs *logs;
    Perf *perf;
};

bool observers_new(const Options *o, Observers **out, GError **error)
{
    Observers *v = g_new0(Observers, 1);
    v->o = o;
    *out = v;
    if (blocks_run_check(o, error) && tlb_run_new(o, &v->tlb, error) && profile_new(o, &v->profile, error) &&
        logs_new(o, &v->logs, error))
        return true;
    g_clear_pointer(out, observers_free);
    return false;
}

void observers_free(Observers *v)
{
    if (!v)
        return;
    logs_free(v->logs);
    tlb_run_free(v->tlb);
    profile_free(v->profile);
    g_free(v);
}

bool observers_attach(Observers *v, Machine *m, GError **error)
{
    if (!tlb_run_attach(v->tlb, m, error) || !logs_attach(v->logs, m, error))
        return false;
    blocks_run_attach(v->o, m);
    profile_attach(v->profile, m);
    return perf_attach(v->o, m, &v->perf, error);
}

// Ends one of them; its error goes with the others.
#define END(call)                                                                                                      \
    do {                                                                                                               \
        GError *error = NULL;                                                                                          \
        if (!(call))                                                                                                   \
            g_ptr_array_add(errors, error);                                                                            \
    } while (0)

void observers_finish(Observers *v, Machine *m, const RunResult *run, GPtrArray *errors)
{
    END(profile_finish(g_steal_pointer(&v->profile), &error));
    END(tlb_run_finish(g_steal_pointer(&v->tlb), &error));
    END(blocks_run_finish(v->o, m, run, &error));
}

void observers_close(Observers *v, GPtrArray *errors)
{
    END(logs_finish(g_steal_pointer(&v->logs), &error));
    END(perf_finish(g_steal_pointer(&v->perf), &error));
}
