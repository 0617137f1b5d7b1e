// SPDX-License-Identifier: GPL-3.0-or-later
// A hart's tap records (util/tap.h) decoded: what a hardware TLB would be asked, in order, with all that belongs to it.
//
// A stream belongs to one hart. Feed it records in any pieces; it calls the listener. An access is reported when the
// record behind it is known, since only then is clear what translation said about it: fetches and data accesses in
// program order. How many accesses followed on its page is reported when the next page of its side is known.
// Memory: two words for each page-table entry seen in each space.
#pragma once
#include "util/tap.h"
#include <glib.h>
#include <stdbool.h>

#define LAB_NO_SITE UINT32_MAX

typedef struct {
    gva_t va;          // of the first byte in this page
    MemAccess kind;
    unsigned priv;     // 0 U, 1 S, 3 M: that with which it was made
    bool translated;   // false: satp is Bare or the privilege is M; then bits is 12, levels, asid and space are 0
    bool fault;        // refused: nothing for a TLB to keep
    bool cross;        // second page of an access over two
    bool global;
    bool writable;     // what translation last said: D is set and stores are allowed. True for a store that succeeded
    uint8_t bits;      // log2 of the bytes that the page-table entry maps: 12, 16, 21, 30, 39, 48; 12 if not known
    uint8_t levels;    // of page tables: 3 Sv39, 4 Sv48, 5 Sv57
    uint16_t asid;
    uint32_t space;    // number of the address space (satp) in order of appearance; 0: none
    uint32_t site;     // of the instruction (lab_stream_pc); LAB_NO_SITE: a fetch that was refused
    uint64_t insns;    // retired before it, as far as is known (exact for fetches, else of the last fetch or TAP_TIME)
} LabAccess;

typedef enum {
    LAB_FLUSH_ALL, LAB_FLUSH_VA, LAB_FLUSH_ASID, LAB_FLUSH_VA_ASID, // sfence.vma, sinval.vma
    LAB_FLUSH_RESET, LAB_FLUSH_PMP
} LabFlush;

typedef struct {
    void *opaque;
    void (*access)(void *opaque, const LabAccess *a);
    // So many accesses more on the page of a, which is the last one reported of that side (data, or fetches: loads is
    // instructions then): hits in any TLB. Before the next access of that side, or before end. Together with access():
    // each load and store once, each crossing once more; a fetch for each instruction retired, at least one per record.
    void (*repeat)(void *opaque, const LabAccess *a, uint64_t loads, uint64_t stores);
    void (*flush)(void *opaque, LabFlush what, gva_t va, uint16_t asid);
    void (*space)(void *opaque, uint32_t space, uint16_t asid); // satp was written and names another space
    // The emulator's own TLB missed; site: of the access that did, as far as is known. For the host report.
    void (*host_miss)(void *opaque, MemAccess kind, unsigned cause, uint32_t site);
    void (*time)(void *opaque, uint64_t insns);                 // now and then, rising
    void (*end)(void *opaque, uint64_t insns, uint64_t loads, uint64_t stores); // totals of the hart
} LabListener; // functions may be NULL

typedef struct LabStream LabStream;
LabStream *lab_stream_new(const LabListener *listener);
void lab_stream_free(LabStream *s);
// False: the records are not such a stream (a damaged file); *error says why. Nothing is reported after that.
bool lab_stream_feed(LabStream *s, const TapRecord *r, size_t n, GError **error);

// --- the code, for reports by symbol
gva_t lab_stream_pc(const LabStream *s, uint32_t site); // 0 if there is no such site
typedef struct {
    gva_t pc;
    uint32_t insns, loads, stores; // in one execution
    uint64_t runs;
} LabBlock;
unsigned lab_stream_blocks(const LabStream *s);
LabBlock lab_stream_block(const LabStream *s, unsigned n);
