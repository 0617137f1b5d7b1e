#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# build.sh DIR [tiny] [bench] - makes Linux guests out of Debian's riscv64 packages: DIR/Image (Debian's own
# kernel), DIR/opensbi.bin (fw_jump), one DIR/NAME.cpio per name (both without names), and DIR/packages, the
# versions they came from. A small kernel of our own: kernel.sh.
set -eu
[ $# -ge 1 ] || { echo "usage: build.sh DIR [tiny] [bench]" >&2; exit 2; }
here=$(realpath "$(dirname "$0")")
mkdir -p "$1"
dir=$(realpath "$1")
shift
[ $# -gt 0 ] || set -- tiny bench

"$here/debs.sh" "$dir/pool" linux-image opensbi busybox-static
cp "$dir"/pool/root/boot/vmlinux-* "$dir/Image"
cp "$dir/pool/root/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_jump.bin" "$dir/opensbi.bin"
for image; do
    case $image in
    tiny) ;;
    bench) "$here/debs.sh" "$dir/pool" bc lua5.4 openssl perl-base python3 stress-ng xz-utils zstd ;;
    *) echo "build.sh: no image is called $image (tiny, bench)" >&2; exit 2 ;;
    esac
    python3 "$here/initramfs.py" "$dir/pool/root" "$here/guest/$image.manifest" "$dir/$image.cpio"
done
(cd "$dir/pool/apt/cache/archives" && ls ./*.deb) > "$dir/packages"
