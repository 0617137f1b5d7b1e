// SPDX-License-Identifier: GPL-3.0-or-later
// A board: its address spaces, devices, firmware and boot rules (memory/spec.md 6); what the run loop sees of
// it.
#pragma once
#include "machine/console.h"
#include "machine/load_item.h"
#include "machine/mmio_item.h"
#include "machine/semihost.h"
#include "machine/symbols.h"
#include "machine/virtio_item.h"
#include "softmmu/memory.h"

typedef struct Board Board;

typedef struct { // a -chardev
    const char *id;
    Console *console;
} BoardChardev;

typedef struct { // a -netdev
    const char *id;
    struct NetUser *net;
} BoardNetdev;

// What to build. All strings are borrowed until board_free; NULL means "not given".
typedef struct {
    const char *board;    // name of a board; NULL: the first one
    uint64_t ram_size;    // bytes; 0: the board's default
    unsigned harts;       // 0: the board's default
    const char *bios;     // "none", a file, or NULL / "default": OpenSBI's fw_dynamic
    const char *kernel;   // ELF, uImage or raw file
    bool start_at_entry;  // kernel is the program itself (addend guest.elf): begin at its ELF entry, as Spike
                         // does, not at the start of DRAM as -bios none -kernel does (R6.3)
    const char *initrd, *append;
    const char *dtb;               // replaces the board's device tree
    const GArray *items;           // of LoadItem: -device loader; NULL: none
    const GArray *drives;          // of DriveItem: -drive; NULL: none
    const GArray *virtio;          // of VirtioItem: -device virtio-...; NULL: none
    const GArray *ports;           // of VirtioPort: what is at their serial devices; NULL: none
    const GArray *netdevs;         // of BoardNetdev: what network cards name; NULL: none
    const GArray *chardevs;        // of BoardChardev: what ports name; NULL: none
    const GArray *mmio;            // of MmioItem: -device edu, hitb; NULL: none
    const GPtrArray *guest_args;   // of char *: argv of the guest program (getmainvars, SYS_GET_CMDLINE)
    const char *chroot;            // directory that host file access of the guest is confined to; NULL: /
    const char *signature;         // file for the test signature, written when the guest exits (R6.16)
    unsigned signature_granularity; // bytes per line; 0: 16
    const char *isa;      // riscv,isa of the device tree
    const char *mmu_type; // mmu-type of the device tree, such as "riscv,sv48"; NULL: no such property
    bool rng_seed;        // the device tree has random bytes, /chosen/rng-seed: no two runs are the same
    bool repeats;         // two runs are the same: devices take no random bytes from the host
    uint64_t rtc_base_ns; // what real-time clocks say at time 0 of the guest: ns since 1970
    bool htif_compat_qemu; // HTIF exactly as QEMU's spike board has it (R6.12 to R6.15)
    struct IoPool *io;    // waits for the host's disks; NULL: harts do
    Console *console;     // serial line behind HTIF and semihosting; NULL: nothing is printed, no input
} BoardConfig;

// What a board asks of its surroundings. Copied by board_new; opaque goes to every function.
typedef struct {
    void *opaque;
    // Sets or clears one mip bit (frontend/hart.h IRQ_*) of a hart; under the big lock, any thread.
    void (*set_irq)(void *opaque, unsigned hart, unsigned irq, bool level);
    // The guest asked to exit with this full status (the caller clamps it). Called once per request on the
    // hart's thread, under the big lock when it came through HTIF. It returns; the run loop stops soon after.
    void (*exit)(void *opaque, uint64_t code);
    // A timer of a hart was re-armed: board_next_deadline_ns may be earlier now. Under the big lock.
    void (*deadline_changed)(void *opaque, unsigned hart);
    // Guest time in nanoseconds since the start; threads that run harts only. Must not take the big lock.
    uint64_t (*clock_ns)(void *opaque);
    // The guest asks for a reset of the machine; under the big lock. Whoever runs the harts stops them soon and calls
    // board_reset.
    void (*reset)(void *opaque);
} BoardHooks;

// Builds the board's regions, devices and address spaces "memory", "I/O" and "cpu-memory-N". One at a time. Errors:
// unknown board, too many harts, RAM size that cannot be reserved, unusable chroot directory. board_free takes NULL.
Board *board_new(const BoardConfig *config, const BoardHooks *hooks, GError **error);
void board_free(Board *board);

// Loads firmware, kernel, initrd and the items, places HTIF and the device tree, fills the MROM (spec 6.2 to 6.5) and
// puts the timers in their reset state. Once, before any hart runs. The error names the file or option.
bool board_load(Board *board, GError **error);

// Puts the board into the state that board_load left it in: the images, the device tree and the MROM are loaded anew,
// what else is in RAM stays, the devices are reset. While no hart runs. The error names the file.
bool board_reset(Board *board, GError **error);

// Plugs one more device into a board, as if the row were the last of its table; the row outlives the board. After
// board_load: the device tree does not know it. Under the big lock. NULL: see DeviceType.realize.
struct Device;
struct DeviceRow;
struct Device *board_add_device(Board *board, const struct DeviceRow *row, GError **error);

AddressSpace *board_memory(Board *board); // address_space_memory (softmmu/system.h)
AddressSpace *board_cpu_memory(Board *board, unsigned hart); // hart < board_harts
AddressSpace *board_io(Board *board); // address_space_io
unsigned board_harts(const Board *board);

typedef struct {
    gpa_t base;
    uint64_t size;
} BoardRange;
// Where the board's RAM lies, in the order of its bytes (as a PC's e820 table says it); returns how many pieces.
unsigned board_ram_ranges(const Board *board, BoardRange ranges[2]);

bool board_one_ram(const Board *board); // there is no other memory that harts can write
gpa_t board_ram_base(const Board *board);

// Where a hart starts, after board_load: the MROM (spec 6.2), on a board
// without one the program; unless -device loader says otherwise. hart < board_harts.
uint64_t board_reset_pc(const Board *board, unsigned hart);

// The earliest time, on the clock of the hooks, at which board_run_timers has something to do for these harts;
// UINT64_MAX: never. Both take the big lock themselves.
uint64_t board_next_deadline_ns(Board *board, unsigned first, unsigned harts);
void board_run_timers(Board *board, unsigned first, unsigned harts, uint64_t now_ns);

// The real-time counter of harts (mtime), if the board has one; any thread.
bool board_has_time(const Board *board);
uint64_t board_time(const Board *board);
// A hart's supervisor timer (Sstc), on a board that has time: see clint_set_stimecmp. Takes the big lock itself.
void board_set_stimecmp(Board *board, unsigned hart, bool enabled, uint64_t value);

// Whether devices can interrupt the harts by an interrupt controller, beside timers and IPIs.
bool board_has_external_interrupts(const Board *board);

// The name of the symbol at or before addr, with the distance in *offset (may be NULL); NULL if there is
// none. Owned by the board. The second finds a symbol by name.
const char *board_symbol(Board *board, uint64_t addr, uint64_t *offset);
bool board_symbol_address(Board *board, const char *name, uint64_t *addr);

// Calls fn for each ELF file that was loaded.
void board_each_elf(Board *board, void (*fn)(void *opaque, const char *path), void *opaque);
// Calls fn for each symbol of the loaded files.
void board_each_symbol(Board *board, void (*fn)(const Symbol *s, void *opaque), void *opaque);
// The same for functions alone.
void board_each_function(Board *board, void (*fn)(const Symbol *s, void *opaque), void *opaque);

// Whether the guest can end the run: there is a device for that, its ELF names tohost, or HTIF is at its fixed address.
// False: the caller may say once that this guest has no way to exit (users.md 4.3).
bool board_can_exit(const Board *board);
bool board_has_htif(const Board *board); // it would, for a guest that names tohost

// For the harts' semihosting hook, after board_load. Owned by the board.
Semihost *board_semihost(Board *board);

// Appends the devices as text, in the shape of QEMU's info qtree. Any thread.
void board_print_devices(Board *board, GString *out);
// Appends what is loaded where by a reset, in the shape of QEMU's info roms. Likewise.
void board_print_roms(Board *board, GString *out);

// -M dumpdtb=FILE: writes the device tree that board_load made.
bool board_dump_dtb(Board *board, const char *path, GError **error);
