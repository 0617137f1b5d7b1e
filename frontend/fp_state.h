// SPDX-License-Identifier: GPL-3.0-or-later
// The state behind floating-point instructions: fcsr and mstatus.FS (unprivileged spec 11.2, priv. spec 3.1.6.6).
#pragma once
#include "frontend/hart.h"

enum { CSR_FFLAGS = 1, CSR_FRM = 2, CSR_FCSR = 3 };

// After mstatus or frm changed: sets env.fp_off, which says what fpcheck may let pass.
void fp_status_changed(Hart *hart);
// mstatus.FS is not Off.
bool fp_enabled(const Hart *hart);
// IrEnvOps.fp_denied: takes the illegal-instruction trap if FS is Off or the rounding mode reserved; else the
// instruction changes floating-point state, and FS becomes Dirty.
bool fp_denied(IrEnv *env, unsigned mask, uint32_t bits);

// True if csr is fflags, frm or fcsr.
bool fp_csr(unsigned csr);
uint64_t fp_csr_read(const Hart *hart, unsigned csr);
// Sets the fields that csr has and FS to Dirty. frm may become a reserved mode, bits above the fields are ignored.
void fp_csr_write(Hart *hart, unsigned csr, uint64_t value);
