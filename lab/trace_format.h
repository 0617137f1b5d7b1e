// SPDX-License-Identifier: GPL-3.0-or-later
// The parts of a trace file as they lie in it (docs/tlb.md, "The trace file"). Little-endian.
#pragma once
#include "lab/trace_code.h"
#include "util/digest.h"

#define TRACE_MAGIC "ADDENDTR"
#define TRACE_VERSION 1
#define TRACE_CHUNK_RECORDS (512u << 10) // at most
#define TRACE_MAX_INFO (1u << 20)
#define TRACE_MAX_SYMBOLS (1u << 22)
#define TRACE_MAX_NAMES (256u << 20) // bytes
#define TRACE_MAX_HARTS 4096         // more than any board has

typedef struct {
    char magic[8];
    uint32_t version, info_size;       // info: machine and guest, each with a NUL, then zeros up to 8 bytes
    uint64_t digest;                   // of what follows here, and of the info
    uint32_t harts, flags;             // bit 0: icount
    uint64_t parts, records;           // of the whole file; 0: not known when this was written
} TraceHeader;
_Static_assert(sizeof(TraceHeader) == 48, "as documented");

typedef enum { TRACE_PART_CHUNK = 1, TRACE_PART_SYMBOLS, TRACE_PART_END } TracePartKind;

typedef struct {
    uint32_t kind, hart; // TracePartKind
    uint64_t number;     // of the part, from 0
    uint64_t before;     // records in the parts before this one
    uint32_t n, packed;  // records or symbols; bytes that follow: a zstd frame of the streams, one after another
    uint32_t size[TRACE_STREAMS], zero; // of the streams; symbols: [0] addresses and sizes, [1] names with a NUL each
    uint64_t content;    // digest of the records, or of the unpacked symbols
    uint64_t outside;    // digest of the packed bytes, with zeros up to the next 8
    uint64_t digest;     // of all above
} TracePart;
_Static_assert(sizeof(TracePart) == 80, "as documented");

static inline uint64_t trace_part_digest(const TracePart *p)
{
    return digest_of(0, p, offsetof(TracePart, digest));
}

static inline uint64_t trace_packed_digest(const void *packed, size_t size)
{
    uint64_t tail = 0;
    if (size % 8)
        memcpy(&tail, (const uint8_t *)packed + size - size % 8, size % 8);
    return digest_mix(digest_of(0, packed, size), tail);
}

static inline uint64_t trace_header_digest(const TraceHeader *h, const void *info)
{
    uint64_t d = digest_of(0, &h->harts, sizeof *h - offsetof(TraceHeader, harts));
    return digest_of(d, info, h->info_size);
}
