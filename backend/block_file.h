// SPDX-License-Identifier: GPL-3.0-or-later
// The form of kept baseline blocks in the persistent code cache: one file for each program that guests start, with a
// record for each block.
//
// A file is a header, the records, and an index of them. Header and index are under one digest, each record is under
// its own, which is checked whenever it is read: only what a run needs is read, in pieces and never by a mapping, which
// another program could cut short. The digests are against damage; region_store.h says what is against malice. All of
// it is little endian, as the host is.
//
// A record says which bytes of guest code, at which address and in which mode, the block was made from: whoever takes
// it must find these there.
#pragma once
#include "backend/region_file.h"
#include <stdbool.h>

#define BLOCK_COLD (UINT32_C(1) << 31) // of a place in a block's code: it is in the cold part
#define BLOCK_NOWHERE UINT32_MAX
#define BLOCK_FILE_MAX (UINT64_C(64) << 20) // bytes that any file is worth

// Where code holds an address, or a distance to one: offset | what << 28.
enum { BLOCK_TO_CODE, BLOCK_TO_COUNTER, BLOCK_TO_SLOTS, BLOCK_TO_TARGETS }; // a distance to the other part; ...
#define BLOCK_FIXUP(to, cold, offset) ((uint32_t)(to) << 29 | (uint32_t)(cold) << 28 | (offset))
#define BLOCK_FIXUP_OFFSET(f) ((f) & 0xfffffffu)
#define BLOCK_FIXUP_IS_COLD(f) ((f) >> 28 & 1)
#define BLOCK_FIXUP_TO(f) ((f) >> 29)

typedef struct { // BLOCK_PARTS follow it
    uint64_t digest; // of all that follows
    uint64_t pc, succ_pc[2]; // as Block's, like what has its names
    uint32_t size;           // of the record, in bytes: a multiple of 8
    uint32_t n_ops, n_sites, n_fixups, hot_size, cold_size; // no code: 0 from here
    uint16_t n_insns, n_bytes, n_load, n_store;             // bytes: of guest code
    uint8_t mode, is_call, is_system, has_targets, n_slots, pad[3];
    uint32_t entry, jump[2], stub[2], pad2;               // places in its code, as JitUnit's
    uint64_t hot_at, cold_at, counter_at, slots_at, targets_at; // where all that was when the code was made
} BlockRecord;
_Static_assert(sizeof(BlockRecord) == 136, "kept blocks have no holes");

typedef struct { // the arrays of a record, in this order
    const uint64_t *ops;    // two for each IOp; in place of the handler its IOP_, of a literal's: that, of FP's: 0
    const JitSite *sites;
    const uint32_t *fixups;
    const uint16_t *insn_pc;
    const uint8_t *bytes, *hot, *cold;
} BlockParts;

// --- reading

typedef struct BlockFile BlockFile;

// Takes fd, a file of size bytes. NULL: one line in *error, if it is damaged or has another key.
BlockFile *block_file_open(int fd, uint64_t size, const RegionKey *key, GError **error);
void block_file_free(BlockFile *f);
unsigned block_file_count(const BlockFile *f); // of records
uint64_t block_file_size(const BlockFile *f);  // bytes
// The next record behind number `after` (BLOCK_NOWHERE: the first) that may be of a block at pc in that mode;
// BLOCK_NOWHERE: there is none.
uint32_t block_file_find(const BlockFile *f, uint64_t pc, unsigned mode, uint32_t after);
// Record number i, every count and the digest checked; good until the next call. NULL: one line in *error.
const BlockRecord *block_file_read(BlockFile *f, uint32_t i, BlockParts *parts, GError **error);

// --- writing

typedef struct BlockWriter BlockWriter;

// fd stays the caller's: an empty file, which is to have about max_bytes at most.
BlockWriter *block_writer_new(int fd, const RegionKey *key, uint64_t max_bytes);
// Adds a record: r's counts and names are the caller's, its size and digest are made. False: the file is full enough,
// or a write failed, which block_writer_finish tells.
bool block_writer_add(BlockWriter *w, const BlockRecord *r, const BlockParts *parts);
// Completes the file and frees w. The file's size, 0 and errno: it could not be written.
uint64_t block_writer_finish(BlockWriter *w);

// The file's name: 16 digits of program, '-', 32 of the key, ".blocks". Freed by the caller.
char *block_file_name(uint64_t program, const RegionKey *key);
bool block_file_is_name(const char *name);
// Checks all of a file, taking fd, and that its name is the one that follows from its key. False: one line in *error.
bool block_file_check(int fd, const char *name, uint64_t size, unsigned *n_blocks, GError **error);
