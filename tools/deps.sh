#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# deps.sh [--tests|--kernel] - installs the Debian 12 packages that building needs, with --tests also those that only
# the tests need, with --kernel those of tools/guests/linux/kernel.sh. Does nothing when they are there; otherwise needs
# root or sudo.
set -euo pipefail

build=(gcc libc6-dev meson ninja-build pkg-config python3 libgccjit-12-dev libglib2.0-dev libelf-dev
    libdw-dev libfdt-dev libcapstone-dev libjson-glib-dev libcmocka-dev libreadline-dev libslirp-dev libzstd-dev
    binutils-dev binutils-riscv64-linux-gnu gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf)
# bzip2 and xz-utils unpack the sources of the suite "debian", e2fsprogs makes Linux's disk, zstd packs bad traces,
# gdb-multiarch debugs guests, chromium shows pages, graphviz graphs, linux-perf reads -jitdump.
tests=(chromium graphviz linux-perf qemu-system-misc device-tree-compiler bzip2 xz-utils zstd e2fsprogs
    libmpfr-dev gdb-multiarch)
kernel=(gcc-riscv64-linux-gnu flex bison bc make)

wanted=("${build[@]}")
case ${1:-} in
'') ;;
--tests) wanted+=("${tests[@]}") ;;
--kernel) wanted+=("${kernel[@]}") ;;
*)
    echo "usage: deps.sh [--tests|--kernel]" >&2
    exit 2
    ;;
esac

missing=()
for package in "${wanted[@]}"; do
    status=$(dpkg-query -W -f '${db:Status-Status}\n' "$package" 2> /dev/null || true)
    grep -qx installed <<< "$status" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo > /dev/null || {
        echo "deps.sh: not root and no sudo; install by hand: ${missing[*]}" >&2
        exit 1
    }
    as_root=(sudo)
fi
install_missing() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -qq -y --no-install-recommends "${missing[@]}"
}
echo "deps.sh: installing ${missing[*]}"
# The first try fails on a system without package lists, or with lists that are too old.
if ! install_missing > /dev/null 2>&1; then
    "${as_root[@]}" apt-get update -qq
    install_missing > /dev/null
fi
