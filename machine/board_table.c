// SPDX-License-Identifier: GPL-3.0-or-later
// The tables of boards (memory/spec.md 4.2, 6.1, 6.8). A row: kind, name of its region, base, size, priority,
// interrupt, properties (machine/devices/device.h).
//
// A row that others name stands before them, and an address space behind its root. Regions come on top of those above
// them that have the same priority.
#include "machine/board_table.h"
#include "machine/devices/clint.h"
#include "machine/devices/htif.h"

#include <string.h>

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define ALL UINT64_MAX // 2^64

// --- CLabPU: the memory map of QEMU's spike board ------------------------------------------------------------------

static const DeviceRow clabpu[] = {
    {&device_rom, "riscv.clabpu.mrom", 0x1000, 0xf000},
    {&device_clint, "riscv.aclint", 0x2000000, 0x10000},
    {&device_ram, "clabpu.ram", 0x80000000},
    {&device_htif, "riscv.htif.uart", 0x1000000, 0x1000},
};

static const DeviceRow clabpu_memory[] = {
    {&device_rom, "riscv.clabpu.mrom", 0x1000, 0xf000},
    {&device_ram, "clabpu.ram", 0x80000000},
};

// CLabPU, and in holes of its map what a Malta board has: its registers, a serial line at port 0x3f8, and the window
// through which processors without port instructions reach the ports.
static const DeviceRow malta_fpga[] = {
    {&device_rom, "riscv.clabpu.mrom", 0x1000, 0xf000},
    {&device_clint, "riscv.aclint", 0x2000000, 0x10000},
    {&device_uart16550, "serial", 0x3f8, 8, 0, 0, "in=io"},
    {&device_alias, "isa_io", 0x18000000, 0x10000, 0, 0, "of=io"},
    {&device_malta_fpga, "malta-fpga", 0x1f000000},
    {&device_ram, "clabpu.ram", 0x80000000},
    {&device_htif, "riscv.htif.uart", 0x1000000, 0x1000},
};

// --- virt: QEMU's board of that name -------------------------------------------------------------------------------

#define VIRTIO(n) {&device_virtio_mmio, "virtio-mmio", 0x10000000 + (n) * 0x1000, 0x200, 0, (n)}

#define GPEX "path=/machine/unattached/device[12]"

static const DeviceRow virt[] = {
    {&device_rom, "riscv_virt_board.mrom", 0x1000, 0xf000},
    {&device_clint, "riscv.aclint", 0x2000000, 0x10000},
    {&device_plic, "riscv.sifive.plic", 0xc000000, 0x600000, 0, 0, "phandle=1"},
    {&device_sifive_test, "riscv.sifive.test", 0x100000, 0x1000, 0, 0, "phandle=2"},
    VIRTIO(1),
    VIRTIO(2),
    VIRTIO(3),
    VIRTIO(4),
    VIRTIO(5),
    VIRTIO(6),
    VIRTIO(7),
    VIRTIO(8),
    {&device_uart16550, "serial", 0x10000000, 8, 0, 10, "clock=3686400,path=/machine/unattached/device[14]"},
    {&device_rtc, "goldfish_rtc", 0x101000, 0x24, 0, 11, "path=/machine/unattached/device[15]"},
    {&device_platform_bus, "platform bus", 0x4000000, 0x2000000, 0, 0, "id=platform-bus-device"},
    {&device_fw_cfg, "fwcfg", 0x10100000, 0, 0, 0, "path=/machine/fw_cfg"},
    {&device_pflash, "virt.flash0", 0x20000000, 32 * MIB, 0, 0, "banks=2,path=/machine/virt.flash0"},
    {&device_pflash, "virt.flash1", 0x22000000, 32 * MIB, 0, 0, "path=/machine/virt.flash1"},
    {&device_ram, "riscv_virt_board.ram", 0x80000000},
    // The PCI host bridge: windows on buses on which nobody answers.
    {&device_stub, "gpex_ioport_window", 0x3000000, 0x10000, 0, 0, "reads=ones," GPEX},
    {&device_container, "gpex_ioport", 0, 0x10000, 0, 0, "in=gpex_ioport_window," GPEX},
    {&device_stub, "pcie-mmcfg-mmio", 0, 0x10000000, 0, 0, "in=-,reads=ones," GPEX},
    {&device_alias, "pcie-ecam", 0x30000000, 0x10000000, 0, 0, "of=pcie-mmcfg-mmio," GPEX},
    {&device_stub, "gpex_mmio_window", 0, ALL, 0, 0, "in=-,reads=ones," GPEX},
    {&device_container, "gpex_mmio", 0, ALL, 0, 0, "in=gpex_mmio_window," GPEX},
    {&device_alias, "pcie-mmio", 0x40000000, GIB, 0, 0, "of=gpex_mmio_window,offset=0x40000000," GPEX},
    {&device_alias, "pcie-mmio-high", 16 * GIB, 16 * GIB, 0, 0, "of=gpex_mmio_window,above=0x80000000," GPEX},
    // The bus mastering of the PCI root, which nobody has switched on.
    {&device_container, "bus master container", 0, ALL, 0, 0, "in=-," GPEX "/gpex_root"},
    {&device_alias, "bus master", 0, ALL, 0, 0, "in=bus master container,of=system,enabled=0," GPEX "/gpex_root"},
    {&device_space, "gpex-root", .properties = "of=bus master container"},
};

// --- sifive_u: QEMU's map of the HiFive Unleashed ------------------------------------------------------------------

#define NOWHERE (-1000) // priority of what QEMU calls an unimplemented device

static const DeviceRow sifive_u[] = {
    {&device_rom, "riscv.sifive.u.mrom", 0x1000, 0xf000, 0, 0, "path=/machine/soc"},
    {&device_stub, "riscv.sifive.plic", 0xc000000, 0x4000000},
    {&device_sifive_uart, "riscv.sifive.uart", 0x10010000},
    {&device_sifive_uart, "riscv.sifive.uart", 0x10011000, 0, 0, 0, "connected=0"},
    {&device_clint, "riscv.aclint", 0x2000000, 0x10000},
    {&device_stub, "riscv.sifive.u.gem-mgmt", 0x100a0000, 0x1000, NOWHERE},
    {&device_stub, "riscv.sifive.u.dmc", 0x100b0000, 0x10000, NOWHERE},
    {&device_stub, "riscv.sifive.u.l2cc", 0x2010000, 0x1000, NOWHERE},
    {&device_stub, "sifive.pdma", 0x3000000, 0x100000, 0, 0, "path=/machine/soc/pdma"},
    {&device_ram, "riscv.sifive.u.l2lim", 0x8000000, 32 * MIB},
    {&device_stub, "riscv.sifive.u.prci", 0x10000000, 0x1000, 0, 0, "path=/machine/soc/prci"},
    {&device_stub, "sifive-pwm", 0x10020000, 0x100, 0, 0, "path=/machine/soc/pwm0"},
    {&device_stub, "sifive-pwm", 0x10021000, 0x100, 0, 0, "path=/machine/soc/pwm1"},
    {&device_stub, "sifive.spi", 0x10040000, 0x1000, 0, 0, "path=/machine/soc/spi0"},
    {&device_stub, "sifive.spi", 0x10050000, 0x1000, 0, 0, "path=/machine/soc/spi2"},
    {&device_stub, "sifive_soc.gpio", 0x10060000, 0x100, 0, 0, "path=/machine/soc/gpio"},
    {&device_stub, "riscv.sifive.u.otp", 0x10070000, 0x1000, 0, 0, "path=/machine/soc/otp"},
    {&device_stub, "enet", 0x10090000, 0x800, 0, 0, "path=/machine/soc/gem"},
    {&device_ram, "riscv.sifive.u.flash0", 0x20000000, 256 * MIB},
    {&device_ram, "riscv.sifive.u.ram", 0x80000000},
    {&device_space, "dma", .properties = "of=system"},
};

// --- pcmap: where a PC has its RAM, its interrupt controller and its first serial line -----------------------------

#define BELOW_4G 0xc0000000

static const DeviceRow pcmap[] = {
    {&device_ram, "pc.ram", 0, 0, 0, 0, "in=-"},
    {&device_alias, "ram-below-4g", 0, 0, 0, 0, "of=pc.ram,limit=0xc0000000"},
    {&device_alias, "ram-above-4g", 4 * GIB, 0, 0, 0, "of=pc.ram,offset=0xc0000000"},
    {&device_stub, "apic", 0xfee00000, 0x100000, 4096},
    {&device_uart16550, "serial", 0x3f8, 8, 0, 0, "in=io"},
    {&device_htif, "riscv.htif.uart", 0, 0x1000},
};

#define ROWS(table) (table), G_N_ELEMENTS(table)
#define CLABPU_NAMES .compatible = "clabpu,board ucbbar,spike-bare-dev", .model = "clabpu,board"

static const BoardType types[] = {
    {"clabpu", ROWS(clabpu), 2 * GIB, 1, 8, .default_firmware = true, CLABPU_NAMES, .stdout_path = "/htif"},
    {"clabpu-memory", ROWS(clabpu_memory), 2 * GIB, 1, 8, CLABPU_NAMES},
    {"virt", ROWS(virt), 128 * MIB, 1, 8,
     .default_firmware = true, .compatible = "riscv-virtio", .model = "riscv-virtio,qemu",
     .stdout_path = "/soc/serial@10000000"},
    {"sifive_u", ROWS(sifive_u), 128 * MIB, 2, 5,
     .default_firmware = true, .compatible = "sifive,hifive-unleashed-a00 sifive,hifive-unleashed",
     .model = "SiFive HiFive Unleashed A00",
     .stdout_path = "/soc/serial@10010000"},
    {"pcmap", ROWS(pcmap), 2 * GIB, 1, 8,
     .htif_by_symbols = true, .max_low_ram = BELOW_4G, .high_ram = 4 * GIB, .compatible = "addend,pcmap",
     .model = "addend,pcmap"},
    {"malta-fpga", ROWS(malta_fpga), 2 * GIB, 1, 8, .default_firmware = true, CLABPU_NAMES, .stdout_path = "/htif"},
    {"none", NULL, 0},
};

const BoardType *board_type_find(const char *name)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(types); i++)
        if (!name || !strcmp(name, types[i].name))
            return &types[i];
    return NULL;
}
