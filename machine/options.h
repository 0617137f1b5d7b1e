// SPDX-License-Identifier: GPL-3.0-or-later
// The command line: argv into struct Options, by the rows of options.def.
#pragma once
#include "frontend/hart.h"
#include "machine/chardev_item.h"
#include "machine/load_item.h"
#include "machine/net_item.h"
#include "machine/mmio_item.h"
#include "machine/virtio_item.h"
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef enum {
    COMMAND_RUN,        // addend [options] [guest.elf [args...]]
    COMMAND_DEMO,       // addend demo [options]: run the guest built into the program
    COMMAND_MTREE,      // addend mtree [-f] [-d] [-o] [-D] [options] [guest.elf]: print the memory regions of a board
    COMMAND_CACHE,      // addend cache list|verify|purge [--cache-dir DIR]: look after the persistent code cache
    COMMAND_AOT,        // addend aot [options] [guest.elf [args...]]: fill the persistent code cache
    COMMAND_TRACE,      // addend trace FILE: print what --trace-insns wrote
    COMMAND_TLB,        // addend tlb record|model|sweep|report ...: the TLB laboratory
    COMMAND_IR,         // addend ir run|opt|compile FILE: IR text as a tool
    COMMAND_REDUCE,     // addend blocks reduce [options] [guest.elf [args...]]: cut out what is miscompiled
    COMMAND_BLOCKS,     // addend blocks [demo] [options] [guest.elf [args...]]: what a run was translated to
    COMMAND_PRINT_HELP, // the others print and are done: options_print does them
    COMMAND_PRINT_VERSION,
    COMMAND_PRINT_MACHINES,
    COMMAND_PRINT_CPUS,
    COMMAND_PRINT_ACCELS,
    COMMAND_PRINT_DEVICES,
    COMMAND_PRINT_LOG_ITEMS,
    COMMAND_PRINT_TLB_MODELS, // not by options_print: lab/model.h knows them
} OptionsCommand;

typedef enum { ACCEL_JIT, ACCEL_INTERP, ACCEL_BASELINE, ACCEL_CHECK } OptionsAccel;
typedef enum { CACHE_NONE, CACHE_LIST, CACHE_VERIFY, CACHE_PURGE } OptionsCacheAction;
// DEFAULT: behind the console's Ctrl-A c, if it has that.
typedef enum { MONITOR_DEFAULT, MONITOR_NONE, MONITOR_STDIO, MONITOR_UNIX } OptionsMonitor;
typedef enum { STATS_NONE, STATS_TEXT, STATS_JSON } OptionsStats;
#define OPTIONS_HOT_DEFAULT 20
typedef enum { TLB_NONE, TLB_RECORD, TLB_MODEL, TLB_SWEEP, TLB_REPORT } OptionsTlbAction;
typedef enum { IR_NONE, IR_RUN, IR_OPT, IR_COMPILE } OptionsIrAction;
typedef enum { IR_ACCEL_EVAL, IR_ACCEL_INTERP, IR_ACCEL_BASELINE, IR_ACCEL_JIT, IR_ACCEL_ALL } OptionsIrAccel;
typedef enum { FORMAT_NONE, FORMAT_TEXT, FORMAT_JSON, FORMAT_CSV, FORMAT_SVG, FORMAT_HTML, FORMAT_DOT } OptionsFormat;

typedef struct { // --trace-insns; the strings are in Options.text
    const char *file;
    const char *start, *stop; // a number or a symbol; NULL: not given
    uint64_t skip, count;     // instructions; count 0: all
    uint64_t harts;           // bit n: hart n; 0: all
    bool regs, mem, text;
} TraceItem;

typedef struct {
    OptionsCommand command;
    OptionsCommand help_topic; // COMMAND_PRINT_HELP: whose options; RUN, DEMO, MTREE, CACHE, AOT, TLB or BLOCKS

    // Machine.
    const char *machine;   // name of a board; never NULL
    uint64_t ram_size;     // bytes, 0: the board's default
    unsigned harts;        // the board knows its limit; 0: its default
    HartFeatures features; // -cpu
    const char *isa;       // --isa as given, NULL: none; only checked, the hart is what it is
    const char *dumpdtb;   // write the device tree there and stop; or NULL
    bool htif_compat_qemu; // keep QEMU's HTIF rules that the specification replaces (R6.18)
    bool start_stopped;    // the harts wait for the monitor's cont
    bool no_reboot;        // a guest that resets the machine ends it

    // What to load. NULL: not given. bios "none" and "default" are literal, else it is a file.
    const char *bios, *kernel, *initrd, *append, *dtb;
    GArray *load_items;    // of LoadItem: -device loader; their strings are in text
    GArray *drives;        // of DriveItem: -drive
    GArray *virtio;        // of VirtioItem: other -device, and -drive if=virtio
    GArray *ports;         // of VirtioPort: -device virtconsole, virtserialport
    GArray *netdevs;       // of NetItem: -netdev
    GArray *forwards;      // of NetForward: their hostfwd=
    GArray *mmio;          // of MmioItem: -device edu and hitb
    GPtrArray *objects;    // of const char *: ids of -object
    bool start_at_entry;   // kernel came as guest.elf without -bios: begin at its ELF entry
    GPtrArray *guest_args; // of const char *: argv[0] of the guest first; empty without a guest

    // Console.
    bool nographic;
    OptionsMonitor monitor;
    const char *monitor_path; // MONITOR_UNIX
    bool monitor_server, monitor_wait; // ... listens there; and waits for who connects
    GArray *chardevs;         // of ChardevItem: -chardev

    // -gdb: where a debugger connects.
    bool gdb;
    const char *gdb_path; // Unix socket; NULL: TCP
    const char *gdb_host; // "": this host only
    uint16_t gdb_port;
    // "stdio", "mon:stdio", "null", "file:PATH" or "chardev:ID"; never NULL. Default: "mon:stdio", or "null" if a
    // -chardev has stdin and stdout.
    const char *serial;
    bool serial_given;

    // What the guest may do to the host.
    bool semihosting;
    const char *chroot;             // directory that confines the guest's file accesses, or NULL
    const char *signature;          // file for the signature, or NULL
    unsigned signature_granularity; // bytes per line: 1..4096, default 16

    // Execution.
    OptionsAccel accel;
    uint64_t jit_threshold; // executions that make a block hot; 0: the engine's default
    uint64_t jit_warm;      // ... that give it baseline code; 0: the engine's default
    bool jit_no_baseline;   // no baseline tier between interpreter and regions
    int jit_opt;            // GCC's optimisation level 0..3; -1: the engine's default
    unsigned jit_workers;   // compiling processes; 0: the engine's default
    size_t jit_code_size;   // bytes of compiled code before all of it is dropped; 0: the engine's default
    bool one_insn;          // blocks of one instruction, for -d exec
    bool jit_sync;          // the guest waits for each compilation, so that runs repeat exactly
    bool no_cache;          // no persistent code cache
    const char *cache_dir;  // its folder, or NULL: the default one
    uint64_t cache_size;    // its bound in bytes, 0: the default one
    int icount_shift;       // virtual time is instructions << this, in ns, 0..10; -1: time is the host's
    unsigned tlb_bits;      // log2 of the TLB entries, 6..22; 0: dynamic
    double timeout;         // seconds of wall-clock time, 0: none; the end of it gives status 124
    uint64_t instructions;  // retired instructions, 0: no limit; the end of it gives status 124

    // Output. -d and -dfilter go to util/log.h while they are parsed.
    const char *log_file; // for log_open, or NULL
    OptionsStats stats;
    bool stats_quick;       // no counts of data accesses, which cost time
    const char *stats_file; // NULL: stderr
    bool perf_map, jitdump; // for Linux' perf
    GPtrArray *symbols;     // of const char *: --symbols, as names_add_file takes them

    // Logs of instructions (machine/log/).
    bool log_commits, log_insns; // --log-commits, -l
    const char *spike_log;       // --log: their file, or NULL: stderr
    TraceItem trace_insns;       // --trace-insns; file NULL: none
    const char *trace_file;      // addend trace: what it reads; or NULL

    // Profiles.
    const char *flame;        // --flame: the file, whose ending says the format; or NULL
    uint64_t flame_period;    // instructions between samples, 0: as few as cost little
    bool flame_harts;         // harts apart
    const char *timeline;     // --timeline: the file; or NULL
    bool timeline_guest_time; // its times are the guest's
    bool mix;                 // --mix
    const char *mix_file;     // NULL: stderr, as text
    uint64_t hot;             // --hot: how many blocks; 0: it was not given
    const char *hot_file;     // NULL: stderr, as text

    // The TLB laboratory.
    OptionsTlbAction tlb_action; // of addend tlb
    const char *tlb_model;    // --tlb-model as given, for model_spec_parse; NULL: none
    const char *tlb_report;   // --tlb-report: file for the online model's report; NULL: stderr
    const char *tlb_trace;    // the trace: what record writes and the others read
    const char *tlb_output;   // -o of model, sweep and report; NULL: stdout
    OptionsFormat tlb_format; // --format, or what the ending of the output file says; NONE: neither
    unsigned tlb_max_sets, tlb_max_ways, tlb_max_entries; // of the sweep; sets a power of two; 0: the default
    unsigned tlb_sample;      // of the sweep: one page in so many; 0: all
    uint64_t tlb_sizes;       // of the sweep: bit n: pages of 2^n bytes; 0: all
    bool tlb_no_asid, tlb_bare; // of the sweep: as in ModelSpec
    bool tlb_asid_given, tlb_bare_given; // else a report's sweep does as its model

    // addend ir and addend blocks reduce.
    OptionsIrAction ir_action;
    const char *ir_file;         // "-": standard input
    OptionsIrAccel ir_accel;     // run
    GPtrArray *ir_set;           // of const char *: --set, lines of a case's state
    bool ir_at_given;
    uint64_t ir_at;              // the piece of code at that address, of several in a log
    const char *ir_passes;       // opt, compile: only these; NULL: all
    bool ir_print_changed, ir_print_all, ir_verify;
    bool ir_baseline;            // compile: that tier, not a region
    bool ir_gimple, ir_asm;
    const char *plant;           // a planted fault, for plant_parse; or NULL. Nothing is kept or taken from caches then
    const char *reduce_output;   // where reduce writes the case; NULL: standard output
    double reduce_seconds;       // that reducing may take, 0: the usual

    // addend mtree.
    bool mtree_flat, mtree_dispatch, mtree_owner, mtree_disabled;

    // addend aot.
    bool aot_run; // compile what a run shows to be hot, which timeout ends, not what looks as if it would be

    // addend blocks.
    bool blocks_demo;           // the guest built into the program
    GPtrArray *blocks_pcs;      // of const char *: --pc, addresses or symbols
    GPtrArray *blocks_symbols;  // of const char *: --symbol, patterns
    unsigned blocks_top;        // so many pieces; 0: all, or the format's default if not given
    bool blocks_top_given;
    unsigned blocks_tiers;      // bit n: CodeTier n; 0: all
    unsigned blocks_fill;       // so many regions are made again to show all their forms
    bool blocks_fill_given;     // else the format's default
    unsigned blocks_fill_time;  // ... in so many seconds; 0: the default
    OptionsFormat blocks_format; // TEXT, JSON, DOT or HTML
    const char *blocks_output;  // file; NULL: stdout

    // addend cache.
    OptionsCacheAction cache_action;

    GStringChunk *text; // owns every string above
} Options;

// Parses a command line (argv[0] is the program's name) into *out, which the caller frees with options_deinit
// in either case. False: *error has one line that names the option, with a hint where there is one. Nothing
// is opened or created; files are looked at by whoever uses them. memory/spec.md R6.4, docs/addend.1.
bool options_parse(Options *out, int argc, char **argv, GError **error);
void options_deinit(Options *options);

// Does a COMMAND_PRINT_* command: writes what was asked for to out.
void options_print(const Options *options, FILE *out);
