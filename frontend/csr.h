// SPDX-License-Identifier: GPL-3.0-or-later
// CSR access (privileged spec ch. 2), by the rows of csr.def.
#pragma once
#include "frontend/hart.h"

// Reads csr into *value. False: hart may not read it now (no such CSR, privilege too low, counter not
// enabled). Seen from an instruction whose predecessors are all retired: counters do not count the reader.
bool csr_read(Hart *hart, unsigned csr, uint64_t *value);
// What csrrs and csrrc modify, where a read gave value: not the bits of mip that device lines hold (3.1.9).
uint64_t csr_modified(const Hart *hart, unsigned csr, uint64_t value);
// Writes csr; bits that cannot hold the value keep a legal one (WARL, priv. spec 2.3). False: hart may not
// write it. Counters written read back as value by the next instruction (priv. spec 3.1.10). May call hooks,
// and ends the slice if an interrupt became takeable.
bool csr_write(Hart *hart, unsigned csr, uint64_t value);
// True if hart, at its privilege, may access csr that way (priv. spec 2.1, 3.1.11).
bool csr_allowed(const Hart *hart, unsigned csr, bool write);
// The manual's name, static; NULL if there is no such CSR here.
const char *csr_name(unsigned csr);
