// SPDX-License-Identifier: GPL-3.0-or-later
// What the files of the listings share.
#pragma once
#include "softmmu/flatview.h"

void mtree_print_dispatch(GString *out, const FlatView *view); // how the view answers (-d)
