// SPDX-License-Identifier: GPL-3.0-or-later
// The parts of a Model.
#pragma once
#include "lab/model_part.h"
#include "lab/model_rows.h"
#include "lab/model_walk.h"

struct Model {
    ModelSpec spec;
    ModelTotals totals;
    Part part[MODEL_UNITS][MODEL_PARTS];
    Part *of_size[MODEL_UNITS][LAB_SIZES]; // one of them, or NULL
    bool has_l2;
    WalkCache walk;
    Rows *rows;
    Row *last[2][MODEL_BYS]; // of the last data access and fetch
    bool timed, ended;
    uint64_t begin; // instructions retired before the stream
    uint64_t end_loads, end_stores;
};
