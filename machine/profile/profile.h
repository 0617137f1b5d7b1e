// SPDX-License-Identifier: GPL-3.0-or-later
// The profiles of a run: --flame, --timeline, --mix and --hot.
#pragma once
#include "machine/exec.h"

typedef struct Profile Profile;

// Before the machine is made, so that what cannot be written is said before the run. *out: NULL if the options ask for
// nothing. False: *error.
bool profile_new(const Options *o, Profile **out, GError **error);
// Between machine_new and machine_run. The machine is good until profile_finish. p may be NULL, here and below.
void profile_attach(Profile *p, Machine *m);
// Behind machine_run: writes everything. False: *error.
bool profile_finish(Profile *p, GError **error);
void profile_free(Profile *p); // what was not finished is not written
