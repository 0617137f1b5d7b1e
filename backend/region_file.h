// SPDX-License-Identifier: GPL-3.0-or-later
// The form of a compiled region in the persistent code cache: one file, which says what guest code it was made from,
// how that was cut into a region, and what came out of the compiler.
//
// A file is a RegionHeader and the arrays it counts, in the order of RegionFile, with nothing between or behind. All of
// it is little endian, as the host is, and under a digest. A file's name follows from its contents.
//
// What compiled code depends on is in `key`: the IR of the region with its base, its shape and its guesses, and
// everything else that decides what the compiler makes of it (RegionKey). Execution counts are not part of it: they
// only say what to make fast.
#pragma once
#include "backend/jit_abi.h"
#include "ir/ir.h"

#define REGION_KEY_SIZE 32
typedef struct { // a SHA-256
    uint8_t bytes[REGION_KEY_SIZE];
} RegionKey;

typedef struct {
    char magic[8];
    uint32_t version, header_size;
    uint64_t file_size;
    RegionKey digest; // of all bytes behind it
    RegionKey key;
    uint64_t head; // region_head of its first block
    uint64_t base; // guest pc of offset 0, where its head is
    uint64_t compile_ns;
    uint32_t n_blocks, n_guesses, n_entries, n_sites, n_slots, n_insns;
    uint32_t text_size, entry; // machine code; offset of the function in it
    uint32_t exits_size, n_moves;
    uint32_t movable; // 1: the text is right at any base that is `base` in its page, when moved there
    // For who looks at the region (inspect.h): why it is not larger, and what else it was compiled by (JitRequest).
    uint32_t ends, second_regs, pad;
    uint64_t second_start, second_size;
} RegionHeader;

typedef struct {
    int64_t pc;      // offset from the base, ascending
    int32_t edge[2]; // block where the edge leads, or -1
    uint32_t n_insns;
    uint16_t n_guess; // the next ones of the guesses are this block's
    uint8_t is_entry, pad;
    uint64_t count, leaves; // the profile that it was compiled by
} RegionBlock;

typedef struct { // a target of an indirect jump
    int64_t pc;
    int32_t block;
    uint32_t pad;
} RegionGuess;

typedef struct { // the arrays belong to the bytes that were decoded, or to the caller
    RegionHeader header;
    const RegionBlock *blocks;
    const RegionGuess *guesses;
    const int64_t *entries; // as JitAnswer's
    const JitSite *sites;
    const uint32_t *moves; // where text has guest addresses, if it is movable (moves.h)
    const uint8_t *text; // position-independent machine code, relocated
    const uint8_t *exits; // its table of exits, the section as the compiler made it (backend/exits.h)
} RegionFile;

// The bytes of a file. r->header needs only key, head, base, compile_ns and the counts.
GBytes *region_file_encode(const RegionFile *r);
// Checks every field and the digest. False: one line in *error; *r is then undefined. bytes must be aligned to 8, and
// stay as long as *r is used.
bool region_file_decode(const void *bytes, size_t size, RegionFile *r, GError **error);

// The name of the file: 16 digits of head, '-', 32 of the key, ".region". Freed by the caller.
char *region_file_name(uint64_t head, const RegionKey *key);
// The head in such a name. False if it is none.
bool region_file_parse_name(const char *name, uint64_t *head);

// Everything besides the IR that decides about machine code: the program and its worker, GCC, the host's processor and
// the request's options.
void region_key_surroundings(RegionKey *out, const JitRequest *rq, const char *worker_path);
// The key of a region: of its IR without execution counts, JitRequest's movable and linear, and its surroundings.
// Of a movable one's base only the place in its page counts.
void region_key(RegionKey *out, const RegionKey *surroundings, const IrCode *code, bool movable, bool linear);
// A quick number of a block: its address, bytes and surroundings. Two blocks may share one.
uint64_t region_head(const RegionKey *surroundings, uint64_t pc, const void *bytes, size_t size, bool movable);
