// SPDX-License-Identifier: GPL-3.0-or-later
// The CSR side of physical memory protection (priv. spec 3.7.1); hart_pmp_allows is in frontend/hart.h.
#pragma once
#include "frontend/hart.h"

// pmpcfg<reg>, reg even: the configuration bytes of entries reg * 4 .. reg * 4 + 7.
uint64_t pmp_cfg_read(const Hart *hart, unsigned reg);
// Locked entries keep their byte. Calls the tlb_flush hook if something changed.
void pmp_cfg_write(Hart *hart, unsigned reg, uint64_t value);
// pmpaddr<entry>; ignored if the entry, or a locked TOR entry above it, holds it. Hook as above.
void pmp_addr_write(Hart *hart, unsigned entry, uint64_t value);
