#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# boot.sh DIR NAME [option...] - boots DIR/NAME.cpio, as build.sh made it, on $EMULATOR (default:
# qemu-system-riscv64), with $KERNEL of DIR (default: Image, Debian's; Image-small is kernel.sh's) and $GUEST_ARGS
# added to the kernel's command line. The options go to the emulator.
set -eu
[ $# -ge 2 ] || { echo "usage: boot.sh DIR NAME [option...]" >&2; exit 2; }
dir=$1 name=$2
shift 2
emulator=${EMULATOR:-qemu-system-riscv64}
# QEMU's spike board claims Sstc but cannot serve it.
case $emulator in *qemu*) cpu=rv64,sstc=off ;; *) cpu=rv64 ;; esac
exec "$emulator" -M spike -cpu "$cpu" -m 1G -nographic \
    -bios "$dir/opensbi.bin" -kernel "$dir/${KERNEL:-Image}" -initrd "$dir/$name.cpio" \
    -append "console=hvc0 earlycon=sbi keep_bootcon printk.devkmsg=on quiet loglevel=7 ${GUEST_ARGS:-}" "$@"
