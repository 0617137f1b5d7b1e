// SPDX-License-Identifier: GPL-3.0-or-later
// The model of lab/model.h once more, as plainly as can be: arrays that are searched from one end to the other, and
// times of use. For comparison; shares no code with lab/.
#pragma once
#include "lab/model.h"

typedef struct Naive Naive;
Naive *naive_new(const ModelSpec *spec);
void naive_free(Naive *n);
LabListener naive_listener(Naive *n);
const ModelTotals *naive_totals(const Naive *n);
// As model_rows, in no order.
const ModelRow *naive_rows(const Naive *n, ModelBy by, size_t *count);
