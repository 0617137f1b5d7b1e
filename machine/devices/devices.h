// SPDX-License-Identifier: GPL-3.0-or-later
// The kinds of devices that need no more interface than their DeviceType, for the tables of boards. What each takes as
// properties stands at its realize function.
#pragma once
#include "machine/devices/device.h"

extern const DeviceType device_ram, device_rom, device_container, device_alias, device_space; // memory_rows.c
extern const DeviceType device_platform_bus; // a container with a node in the device tree
extern const DeviceType device_stub;        // answers every access and does nothing
extern const DeviceType device_edu, device_hitb; // PCI teaching devices: registers and DMA
extern const DeviceType device_fw_cfg;      // QEMU's firmware configuration
extern const DeviceType device_malta_fpga;  // the board registers of MIPS' Malta
extern const DeviceType device_pflash;      // NOR flash with the command set of Intel
extern const DeviceType device_plic;        // platform-level interrupt controller
extern const DeviceType device_rtc;         // goldfish real-time clock
extern const DeviceType device_sifive_test; // ends the run or resets the machine
extern const DeviceType device_sifive_uart;
extern const DeviceType device_uart16550;
extern const DeviceType device_virtio_mmio; // transport; virtio.h plugs devices into it
