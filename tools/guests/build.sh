#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# build.sh SOURCES OUT - builds bzip2, lua5.4, zlib's example and minigzip from what fetch.sh put into
# SOURCES: OUT/NAME.elf for the guest (picolibc, files by semihosting) and OUT/NAME for this host, both with
# -O2. Does nothing for a program that is there and newer than this script; may be run by several tests at once.
set -eu
[ $# -eq 2 ] || { echo "usage: build.sh SOURCES OUT" >&2; exit 2; }
here=$(realpath "$(dirname "$0")")
mkdir -p "$1" "$2"
sources=$(realpath "$1")
out=$(realpath "$2")
exec 9> "$out/lock"
flock 9
"$here/fetch.sh" "$sources" bzip2 lua5.4 zlib

# program NAME ISA FLAGS FILE...
program() {
    name=$1 isa=$2 flags=$3
    shift 3
    [ -x "$out/$name" ] && [ -z "$(find "$here/build.sh" -newer "$out/$name.elf" 2>&1)" ] && return
    "$here/guest-cc" semihost "$isa" "$out/$name.elf.part" -w $flags "$@"
    gcc -O2 -w $flags "$@" -lm -o "$out/$name"
    mv "$out/$name.elf.part" "$out/$name.elf"
}

cd "$sources/bzip2"
program bzip2 rv64imac "" bzip2.c blocksort.c huffman.c crctable.c randtable.c compress.c decompress.c bzlib.c
cd "$sources/lua5.4/src"
# No name here has a space in it.
# shellcheck disable=SC2046
program lua rv64gc "" $(find . -name "*.c" ! -name luac.c)
cd "$sources/zlib"
program example rv64imac "-DHAVE_UNISTD_H -I." test/example.c ./*.c
program minigzip rv64imac "-DHAVE_UNISTD_H -I." test/minigzip.c ./*.c
