// SPDX-License-Identifier: GPL-3.0-or-later
// Frames by call frame information, .debug_frame and .eh_frame, through libdw.
#include "machine/names_private.h"

#include <dwarf.h>
#include <stdlib.h>

static bool cfa_of(Dwarf_Frame *frame, FrameRule *out)
{
    Dwarf_Op *ops;
    size_t n;
    if (dwarf_frame_cfa(frame, &ops, &n) || n != 1)
        return false;
    if (ops[0].atom == DW_OP_bregx && ops[0].number < 32) {
        out->base = (uint8_t)ops[0].number;
        out->cfa = (int64_t)ops[0].number2;
    } else if (ops[0].atom >= DW_OP_breg0 && ops[0].atom <= DW_OP_breg31) {
        out->base = (uint8_t)(ops[0].atom - DW_OP_breg0);
        out->cfa = (int64_t)ops[0].number;
    } else {
        return false;
    }
    return true;
}

// Where the caller's register r is; false: in a way that is not supported.
static bool register_of(Dwarf_Frame *frame, int r, FrameRule *out)
{
    Dwarf_Op mem[3], *ops;
    size_t n;
    if (dwarf_frame_register(frame, r, mem, &ops, &n))
        return false;
    if (!n) {
        out->outermost |= r == 1 && ops == mem; // undefined
        return true;
    }
    int64_t at = 0;
    if (n == 2 && ops[1].atom == DW_OP_plus_uconst)
        at = (int64_t)ops[1].number;
    else if (n != 1)
        return false;
    if (ops[0].atom != DW_OP_call_frame_cfa || at != (int32_t)at)
        return false;
    out->saved |= 1u << r;
    out->at[r] = (int32_t)at;
    return true;
}

static bool rule_of(Dwarf_CFI *cfi, uint64_t addr, FrameRule *out)
{
    Dwarf_Frame *frame;
    *out = (FrameRule){0};
    if (!cfi || dwarf_cfi_addrframe(cfi, addr, &frame))
        return false;
    bool ok = cfa_of(frame, out);
    for (int r = 1; ok && r < 32; r++)
        ok = r == 2 || register_of(frame, r, out);
    free(frame);
    out->known = ok;
    return ok;
}

bool frame_rule_by_cfi(NameImage *image, uint64_t addr, FrameRule *out)
{
    Dwarf *dwarf = name_image_dwarf(image);
    if (!image->elf)
        return false;
    if (!image->eh_tried) {
        image->eh_tried = true;
        image->eh = dwarf_getcfi_elf(image->elf);
    }
    return rule_of(dwarf ? dwarf_getcfi(dwarf) : NULL, addr, out) || rule_of(image->eh, addr, out);
}
