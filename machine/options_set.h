// SPDX-License-Identifier: GPL-3.0-or-later
// What single options do: the CALL functions of options.def. Private to the command line.
#pragma once
#include "machine/options.h"

// Takes the value of one option (NULL where it was left out or the option has none). option is its name for
// messages. False: *error says what is wrong in one line.
typedef bool OptionSet(Options *o, const char *option, const char *value, GError **error);

OptionSet set_machine, set_cpu, set_isa, set_ram_size, set_smp, set_append, set_device, set_display, set_serial,
    set_monitor;
OptionSet set_drive, set_virtio_device, set_object, set_global;
OptionSet set_chardev, set_serial_port, set_netdev;
OptionSet set_mmio_device;
OptionSet set_semihosting, set_granularity, set_accel, set_icount, set_tlb_bits, set_timeout, set_instructions;
OptionSet set_cache_size, set_aot_run;
OptionSet set_tlb_model, set_tlb_report, set_tlb_output, set_tlb_format, set_tlb_entries, set_tlb_sets, set_tlb_ways,
    set_tlb_sizes, set_tlb_asid, set_tlb_bare, set_tlb_sample;
OptionSet set_gdb, set_gdb_usual;
OptionSet set_flame, set_timeline, set_mix, set_hot;
OptionSet set_ir_accel, set_ir_set, set_ir_at, set_ir_tier, set_ir_opt, set_plant, set_reduce_seconds;
OptionSet set_blocks_pc, set_blocks_symbol, set_blocks_top, set_blocks_tier, set_blocks_fill, set_blocks_fill_time,
    set_blocks_output, set_blocks_format;
OptionSet set_symbols, set_trace_insns;
OptionSet set_log_items, set_log_filter, set_stats, ask_version, ask_help;
OptionSet set_spike_ram_size; // -m<MiB>, Spike's form: up to that much RAM, at most 16 TiB

// Behind all options: what logs of instructions go with.
bool check_logs(const Options *o, GError **error);
bool trace_word(Options *o, const char *word, GError **error); // addend trace: its file

// A copy of text that lives as long as the options; equal texts share one.
const char *options_keep(Options *o, const char *text);

// Defines the setter of a ValueProperty that keeps the value in a field of item. type has item and options.
#define TEXT_PROPERTY(function, type, field)                                                  \
    static bool function(void *opaque, const char *option, const char *value, GError **error) \
    {                                                                                         \
        (void)option, (void)error;                                                            \
        ((type *)opaque)->item.field = options_keep(((type *)opaque)->options, value);        \
        return true;                                                                          \
    }

// The driver that a value of -device names first, with all that is behind it; and whether it is this one.
const char *device_driver_name(const char *value);
bool device_driver_is(const char *value, const char *driver);

// Whether a value of -device is for set_virtio_device, for set_serial_port (which looks first).
bool is_virtio_device(const char *value);
bool is_serial_port(const char *value);
bool is_mmio_device(const char *value); // the same for set_mmio_device
// Behind all options: the devices of -drive if=virtio, which come last.
void add_drive_devices(Options *o);
bool check_objects(const Options *o, GError **error); // each that a device names is there

typedef enum {
    LIST_MACHINE,
    LIST_CPU,
    LIST_ACCEL,
    LIST_SERIAL,
    LIST_DISPLAY,
    LIST_MONITOR,
    LIST_DEVICE,
    LIST_CHARDEV,
    LIST_NETDEV,
    LIST_FORMAT,
    LIST_IR_ACCEL,
    LIST_BLOCKS_FORMAT,
} ChoiceList;

// Behind all options: what -serial is if it was not given, and who uses which -chardev.
bool check_chardevs(Options *o, GError **error);

// A MAC address, six bytes in hexadecimal with colons between.
bool parse_mac(const char *option, const char *value, unsigned char mac[6], GError **error);
bool check_netdevs(const Options *o, GError **error); // each that a device names is there, and has one device

bool check_gdb(const Options *o, GError **error); // behind all options

// Behind all options: whether profiles have a use.
bool check_profile(const Options *o, GError **error);

// addend tlb, behind all options: what each action needs.
bool check_tlb(Options *o, GError **error);
// addend tlb: the word for what to do, but for presets.
bool tlb_action(const char *word, OptionsTlbAction *out, GError **error);
const char *options_tlb_action(OptionsTlbAction action); // its word
// A word behind addend tlb model|sweep|report that is no option.
bool tlb_word(Options *o, const char *word, GError **error);

// addend ir: the word for what to do, then the file; behind all options, what each action needs.
bool ir_word(Options *o, const char *word, GError **error);
bool check_ir(Options *o, GError **error);
const char *irtool_usage(OptionsCommand topic); // COMMAND_IR or COMMAND_REDUCE

bool check_blocks(Options *o, GError **error); // addend blocks, behind all options: the format

// What a value of a choice option stands for; NULL: *error has the hint that fits best.
const char *choose(ChoiceList list, const char *option, const char *value, GError **error);

// Prints the values of one choice option with their help (-M help).
void choice_print(ChoiceList list, FILE *out);
