#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# build.sh SOURCES OUT - builds bzip2, lua5.4, zlib's example and minigzip from what fetch.sh put into
# SOURCES: OUT/NAME.elf for the guest (picolibc, files by semihosting) and OUT/NAME for this host, both with
# -O2. Does nothing for a program that is already there; may be run by several tests at once.
set -eu
[ $# -eq 2 ] || { echo "usage: build.sh SOURCES OUT" >&2; exit 2; }
here=$(realpath "$(dirname "$0")")
mkdir -p "$1" "$2"
sources=$(realpath "$1")
out=$(realpath "$2")
exec 9> "$out/lock"
flock 9
"$here/fetch.sh" "$sources" bzip2 lua5.4 zlib

# program NAME FLAGS FILE...
program() {
    name=$1 flags=$2
    shift 2
    [ -x "$out/$name.elf" ] && [ -x "$out/$name" ] && return
    "$here/guest-cc" semihost rv64imac "$out/$name.elf.part" -w $flags "$@"
    gcc -O2 -w $flags "$@" -lm -o "$out/$name"
    mv "$out/$name.elf.part" "$out/$name.elf"
}

cd "$sources/bzip2"
program bzip2 "" bzip2.c blocksort.c huffman.c crctable.c randtable.c compress.c decompress.c bzlib.c
cd "$sources/lua5.4/src"
# No name here has a space in it.
# shellcheck disable=SC2046
program lua "" $(find . -name "*.c" ! -name luac.c)
cd "$sources/zlib"
program example "-DHAVE_UNISTD_H -I." test/example.c ./*.c
program minigzip "-DHAVE_UNISTD_H -I." test/minigzip.c ./*.c
