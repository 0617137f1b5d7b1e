// SPDX-License-Identifier: GPL-3.0-or-later
// Tells what an engine makes and drops, at the moment it does: for profilers, perf and timelines. Without a watcher
// those places, none of which is on a fast path, test a pointer.
#pragma once
#include "backend/engine.h"

struct JitUnit;

typedef enum {
    ENGINE_TRANSLATED,    // a block was lifted for the interpreter
    ENGINE_BASELINE,      // a block has baseline code; loaded: that was kept from another run
    ENGINE_REGION_SENT,   // a region goes to a compile worker
    ENGINE_REGION,        // a region's code has arrived and is entered from now on; loaded: from the code cache
    ENGINE_REGION_FAILED, // why: GCC refused it, the worker died, or its guest code changed meanwhile
    ENGINE_DROPPED,       // guest code at pc was written to: the block or region is dead
    ENGINE_FLUSHED,       // everything was dropped; why: memory for code is full, or too many blocks
} EngineEventKind;

typedef struct {
    EngineEventKind kind;
    bool loaded;
    uint64_t pc;               // guest address of the block, or of the region's head
    uint64_t start_ns, end_ns; // CLOCK_MONOTONIC: when work on it began, and now. REGION: since it was sent
    uint64_t cpu_ns;           // REGION: of GCC
    unsigned n_blocks, n_insns; // guest
    size_t host_bytes;          // compiled code, hot and cold
    const struct JitUnit *unit; // BASELINE, REGION, and DROPPED if it was compiled: live during the call. Else NULL
    const char *why;            // or NULL
} EngineEvent;

typedef struct {
    void *opaque;
    void (*event)(void *opaque, const EngineEvent *event); // on the hart's thread
} EngineWatcher;

// *watcher is copied; several may be added. Before the engine runs.
void engine_add_watcher(Engine *e, const EngineWatcher *watcher);
