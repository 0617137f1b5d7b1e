// SPDX-License-Identifier: GPL-3.0-or-later
// The names of what reports count.
#include "lab/model.h"

const char *const model_cause_names[MODEL_CAUSES] = {
    [CAUSE_FAULT] = "fault",
    [CAUSE_UPGRADE] = "upgrade",
    [CAUSE_SIZE] = "size",
    [CAUSE_COLD] = "cold",
    [CAUSE_FLUSH_ALL] = "flush-all",
    [CAUSE_FLUSH_VA] = "flush-address",
    [CAUSE_FLUSH_ASID] = "flush-asid",
    [CAUSE_SATP] = "satp",
    [CAUSE_OTHER] = "other-flush",
    [CAUSE_CONFLICT] = "conflict",
    [CAUSE_CAPACITY] = "capacity",
};
