#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# names_lib.sh SOURCE FOLDER STAMP - makes libfirst.so, libsecond.so and libfirst-stripped.so in a new FOLDER.
set -eu
rm -rf "$2"
mkdir -p "$2"
make() { # NAME [gcc options]
    name=$1
    shift
    riscv64-unknown-elf-gcc -O2 -g -fPIC -march=rv64imac -mabi=lp64 "$@" -o "$folder/$name.o"
    riscv64-linux-gnu-ld -shared --build-id=sha1 -soname "$name.so" "$folder/$name.o" -o "$folder/$name.so"
    rm "$folder/$name.o"
}
folder=$2
make libfirst -c "$1"
make libsecond -DSECOND -c "$1"
riscv64-linux-gnu-strip "$folder/libfirst.so" -o "$folder/libfirst-stripped.so"
touch "$3"
