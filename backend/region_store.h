// SPDX-License-Identifier: GPL-3.0-or-later
// The folder of the persistent code cache: finds, reads, writes and evicts region files (region_file.h)
// and files of blocks (block_file.h).
//
// Whoever can write there could make us run any code, so the folder and each file must be ours, and nobody else may be
// able to write to them; the digest inside is against damage, not against malice. Files appear whole, by rename, so
// that programs running at the same time can share a folder. Nothing that goes wrong with it ends a run: it goes on
// without, and one line on stderr says so.
//
// Every function may be called from any thread.
#pragma once
#include "backend/block_file.h"
#include <stdbool.h>

#define REGION_STORE_DEFAULT_SIZE (UINT64_C(256) << 20)

typedef struct RegionStore RegionStore;

// The folder that is used unless another one is asked for: $XDG_CACHE_HOME/addend or ~/.cache/addend. Freed by the
// caller.
char *region_store_default_dir(void);

// Opens the folder, making it (0700) with its parents if create is set. Files are evicted, least recently used first,
// when they are more than max_bytes together. NULL: one line in *error.
RegionStore *region_store_open(const char *dir, uint64_t max_bytes, bool create, GError **error);
// Waits until everything is written.
void region_store_free(RegionStore *s);

// Could there be a region for a block with this head? Reads the folder when first called.
bool region_store_has(RegionStore *s, uint64_t head);
// Calls use with each sound region for head, the one last used first, until it returns true. The region is gone after
// the call. False if none was used. A damaged file is removed.
bool region_store_find(RegionStore *s, uint64_t head, bool (*use)(const RegionFile *r, void *opaque), void *opaque);
// Keeps a region, in place of one with the same key. It is encoded now and written by a thread of the store.
void region_store_put(RegionStore *s, const RegionFile *r);
// Files of another form (block_file.h), which name themselves. To be read: a descriptor of the caller's, and the size
// of the file in bytes; the file has been used now. -1: there is none, or it is not ours alone, which makes it damaged.
int region_store_open_file(RegionStore *s, const char *name, uint64_t *size);
// Its contents are not what they should be: removes it and tells, once.
void region_store_damaged(RegionStore *s, const char *name, const char *message);
#define REGION_STORE_TEMPORARY 64
// To be written: a new empty file with a name of its own. -1: nothing is kept any more.
int region_store_create(RegionStore *s, char temporary[REGION_STORE_TEMPORARY]);
// It has been written, size bytes, and comes in place of any file `name`; closes fd. size 0: it could not be written,
// errno says why.
void region_store_keep_file(RegionStore *s, const char *temporary, int fd, const char *name, uint64_t size);
// Waits until everything so far is written. False: something could not be, which a line on stderr has told.
bool region_store_flush(RegionStore *s);
// The bound it was opened with.
uint64_t region_store_max_bytes(const RegionStore *s);
// Bytes written so far by this program.
uint64_t region_store_written(const RegionStore *s);

typedef struct {
    const char *name;   // of the file
    uint64_t size;      // bytes
    int64_t used;       // when last used, seconds since 1970
    const char *damage; // what is wrong with it, or NULL
    const RegionFile *region; // NULL if damaged, or a file of blocks
    unsigned n_blocks;        // of such a file
} RegionStoreEntry;

// Calls fn for each region file and file of blocks in the order of their names, for addend cache list and verify.
// Changes nothing.
void region_store_each(RegionStore *s, void (*fn)(const RegionStoreEntry *e, void *opaque), void *opaque);
// Removes all such files and what broken-off writes left, nothing else. Returns how many, and their size in *bytes;
// what cannot be removed is counted in *kept.
unsigned region_store_purge(RegionStore *s, uint64_t *bytes, unsigned *kept);
