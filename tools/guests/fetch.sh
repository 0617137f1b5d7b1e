#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# fetch.sh DIR PACKAGE... - gets Debian source packages into DIR and unpacks PACKAGE's upstream part as
# DIR/PACKAGE. Works with and without root and changes nothing in the system (apt.sh).
set -eu
[ $# -ge 2 ] || { echo "usage: fetch.sh DIR PACKAGE..." >&2; exit 2; }
. "$(dirname "$0")/apt.sh"
mkdir -p "$1"
dir=$(realpath "$1")
shift
suite=${SUITE:-bookworm}

wanted=
for package; do
    [ -d "$dir/$package" ] || wanted="$wanted $package"
done
[ -n "$wanted" ] || exit 0

apt=$dir/apt
private_apt "$apt" deb-src "$suite"
mkdir -p "$apt/src"
cd "$apt/src"
if ! { apt-get -qq --error-on=any update && apt-get -qq source --download-only $wanted; } \
    2> "$apt/errors" > "$apt/log"; then
    echo "fetch.sh: cannot get$wanted from $mirror (Debian $suite): $(tail -n 1 "$apt/errors")" >&2
    exit 1
fi
for package in $wanted; do
    tarball=$(find . -name "${package}_*.orig.tar.?z*")
    rm -rf "$dir/$package.part"
    mkdir "$dir/$package.part"
    tar -xf "$tarball" -C "$dir/$package.part" --strip-components=1
    mv "$dir/$package.part" "$dir/$package"
done
