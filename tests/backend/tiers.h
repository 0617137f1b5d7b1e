// SPDX-License-Identifier: GPL-3.0-or-later
// Engines that tests run the same guest code on: a test gets one of them as its state.
#pragma once
#include "backend/engine.h"

static const EngineConfig interp = {.jit = false},
                          baseline = {.baseline = true, .system = true, .warm = 4, .stats = true},
                          tiered = {.jit = true, .baseline = true, .system = true, .warm = 4, .threshold = 10,
                                    .opt = 1, .workers = 1, .sync = true, .stats = true};

// The CMUnitTest of a test on one of them.
#define ON(test, config) {#test " on " #config, test, NULL, NULL, (void *)(uintptr_t)&config}
