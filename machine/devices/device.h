// SPDX-License-Identifier: GPL-3.0-or-later
// What a device of a board is: an object made from a row of the board's table, with memory regions, an interrupt
// line, timers on the board's clock, a reset, and a node of the device tree.
//
// A device's struct begins with a Device. Its functions run under the big lock.
#pragma once
#include "machine/board.h"
#include "machine/dt_writer.h"

typedef struct Device Device;
typedef struct DeviceBus DeviceBus;
typedef struct DeviceTimer DeviceTimer;

typedef enum { // how listings name the owner of its regions
    DEVICE_OWNS,      // the device
    DEVICE_IS_MEMORY, // an object /objects/NAME if it is the RAM whose size the user chooses, else the board
    DEVICE_IS_BOARD,  // the board itself
} DeviceOwning;

typedef struct { // a kind of device
    const char *name; // for messages
    size_t size;      // of the object
    // Makes and maps the regions. Error: the host refused memory; nothing is left mapped then.
    bool (*realize)(Device *d, GError **error);
    // Frees what realize made; no address space shows the device's regions. device_unrealize if that is only mr.
    void (*unrealize)(Device *d);
    DeviceOwning owning;
    // The rest may be NULL.
    void (*reset)(Device *d);
    void (*set_irq)(Device *d, unsigned line, bool level); // of an interrupt controller: the level of one input
    void (*input)(Device *d);                              // the console has bytes waiting for the device
    void (*describe)(const Device *d, DtWriter *w);        // writes its node into /soc
    void (*describe_root)(const Device *d, DtWriter *w);   // ... into the root of the tree
} DeviceType;

typedef struct DeviceRow { // a row of a board's table
    const DeviceType *type;
    const char *name;       // of its region; a device with several has names of its own
    gpa_t base;             // in the region that it is mapped into
    uint64_t size;          // bytes, UINT64_MAX: 2^64; 0: the board's RAM size, or what the device has by nature
    int32_t priority;       // among the regions that overlap it
    unsigned irq;           // input of the board's interrupt controller; 0: none
    // "name=value,name=value". Known to all: in=REGION (mapped there; "-": nowhere; without it: system), phandle=N
    // (its phandle is the Nth after those of the harts), path=P and id=N (its names as owner of regions). NULL: none.
    const char *properties;
} DeviceRow;

struct Device {
    const DeviceType *type;
    const DeviceRow *row;
    DeviceBus *bus;
    MemoryRegion mr;   // of the usual device, which has one
    MemoryOwner owner; // of its regions, if it has a name
    char *path, *id;   // of that, or NULL
};

struct DeviceTimer { // fires once; embedded in its device
    Device *device;
    uint64_t at; // on the board's clock, in ns; UINT64_MAX: not armed
    void (*fire)(void *opaque);
    void *opaque;
};

struct DeviceBus { // what the devices of a board share; belongs to the board
    MemoryRegion *system, *io; // roots
    AddressSpace *memory;      // for DMA
    Console *console;          // NULL: none
    Device *console_reader;    // who gets what is typed
    Device *interrupts;        // the controller that rows' irqs are inputs of, or NULL
    unsigned harts;
    uint64_t ram_size, rtc_base_ns;
    bool repeats; // as in BoardConfig
    BoardHooks hooks;
    void *opaque; // of the next two
    void (*exit)(void *opaque, uint64_t code); // the guest ends the run
    void (*reset)(void *opaque);               // the guest asks for a reset of the machine, which comes soon
    MemoryOwner unattached; // what regions hang on that belong to the board itself
    unsigned numbered;      // devices that have a path with a number
    GPtrArray *devices; // of Device *, in the order of rows
    GPtrArray *regions; // of MemoryRegion *: those that rows can name
    GPtrArray *timers;  // of DeviceTimer *: the armed ones
};

void device_bus_init(DeviceBus *bus);
void device_bus_deinit(DeviceBus *bus); // frees the devices, the last one first

// Makes the device of a row, which outlives it. Under the big lock. The bus owns it.
Device *device_new(DeviceBus *bus, const DeviceRow *row, GError **error);
void device_bus_reset(DeviceBus *bus); // all devices, in the order of rows

// A property of the device's row; NULL: not given. The caller frees it.
char *device_property(const Device *d, const char *name);
uint64_t device_property_number(const Device *d, const char *name, uint64_t otherwise); // in C notation

// Maps a region of the device at offset from the row's base, where in= says and with the row's priority, makes the
// device its owner (re-entrancy guard, listings) if it has none, and makes it known by its name. device_unmap before it
// is deinitialised.
void device_map(Device *d, MemoryRegion *mr, uint64_t offset);
void device_unmap(Device *d, MemoryRegion *mr);
void device_own(Device *d, MemoryRegion *mr); // only the middle part
// Makes and maps mr, a region for I/O by the row's name. The functions of ops get the device.
void device_map_io(Device *d, const MemoryRegionOps *ops, uint64_t size);
void device_unrealize(Device *d);      // mr is gone, whatever its kind
char *device_new_path(DeviceBus *bus); // for a second owner in one device
// The region of a row before, by its name. A name that is not there is a mistake in the table.
MemoryRegion *device_region(const DeviceBus *bus, const char *name);

void device_set_irq(const Device *d, bool level); // its line, if the row has one

// The board's console. Every device may write to it; what is typed goes to the last one that asked for that, whose
// type->input is called when something waits. Others read nothing.
void device_want_input(Device *d);
size_t device_console_read(const Device *d, void *data, size_t size); // does not wait
void device_console_write(const Device *d, uint8_t byte);

uint64_t device_now_ns(const Device *d); // the board's clock; not from type->input (BoardHooks)

// While fire runs, the device's accesses to its own regions are denied, as in callbacks of its regions (R1.15).
void device_timer_init(DeviceTimer *t, Device *d, void (*fire)(void *opaque), void *opaque);
// Once, at that time or soon after, on a thread that runs harts; UINT64_MAX: disarms it.
void device_timer_arm(DeviceTimer *t, uint64_t at_ns);
uint64_t device_bus_deadline(const DeviceBus *bus);    // the earliest armed timer
void device_bus_run_timers(DeviceBus *bus, uint64_t now_ns);

// The usual beginning of a node: NAME@BASE { compatible (words separated by blanks), reg, interrupts }. The caller
// ends the node. size 0: that of the row.
void device_node(const Device *d, DtWriter *w, const char *name, const char *compatible, uint64_t size);
uint32_t device_phandle(const Device *d); // 0: none
