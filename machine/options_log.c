// SPDX-License-Identifier: GPL-3.0-or-later
// Options of logs of instructions.
#include "machine/options_set.h"

#include "machine/options_value.h"

bool check_logs(const Options *o, GError **error)
{
    const char *what = o->log_commits ? "--log-commits" : o->log_insns ? "-l" : NULL;
    if (o->spike_log && !o->log_commits && !o->log_insns)
        return value_error(error, "--log", "says where --log-commits and -l go, of which neither is given");
    if (!what)
        return true;
    if (o->accel == ACCEL_CHECK)
        return value_error(error, what, "not with -accel check, which runs the guest twice");
    if (o->tlb_model || o->tlb_action == TLB_RECORD)
        return value_error(error, what, "not while accesses are recorded for the TLB laboratory");
    return true;
}
