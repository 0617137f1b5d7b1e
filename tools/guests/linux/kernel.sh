#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# kernel.sh DIR - builds a small kernel, DIR/Image-small, from Debian's kernel source and small.config. Unlike
# Debian's own it has a console that takes input (hvc0), and it boots in a twentieth of the instructions. Takes
# eight minutes of CPU time; needs gcc-riscv64-linux-gnu, flex, bison, bc and make.
set -eu
[ $# -eq 1 ] || { echo "usage: kernel.sh DIR" >&2; exit 2; }
here=$(realpath "$(dirname "$0")")
mkdir -p "$1"
dir=$(realpath "$1")
version=6.12
for tool in riscv64-linux-gnu-gcc flex bison bc make; do
    command -v $tool > /dev/null || { echo "kernel.sh: $tool is not installed" >&2; exit 1; }
done

"$here/debs.sh" "$dir/pool" "=linux-source-$version"
source=$dir/linux-source-$version
if [ ! -d "$source" ]; then
    mkdir -p "$source.part"
    tar -C "$source.part" --strip-components=1 -xf "$dir/pool/root/usr/src/linux-source-$version.tar.xz"
    mv "$source.part" "$source"
fi
# The same bytes each time: no dates, users or hosts.
kmake() {
    make -s -C "$source" O="$dir/kernel" ARCH=riscv CROSS_COMPILE=riscv64-linux-gnu- \
        KBUILD_BUILD_TIMESTAMP=@0 KBUILD_BUILD_USER=none KBUILD_BUILD_HOST=none "$@"
}
kmake KCONFIG_ALLCONFIG="$here/small.config" allnoconfig
kmake -j"${JOBS:-$(nproc)}" Image
cp "$dir/kernel/arch/riscv/boot/Image" "$dir/Image-small"
