#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# debs.sh DIR PACKAGE... - gets Debian's riscv64 packages, with what they depend on, and unpacks them below
# DIR/root. Nothing is installed and nothing foreign is run. "linux-image" is the newest kernel, without what it
# would pull in; so is a package named with a leading "=". What is there already is not fetched again.
set -eu
[ $# -ge 2 ] || { echo "usage: debs.sh DIR PACKAGE..." >&2; exit 2; }
. "$(dirname "$0")/../apt.sh"
mkdir -p "$1/root"
dir=$(realpath "$1")
shift
suite=${SUITE:-trixie}
apt=$dir/apt
archives=$apt/cache/archives

asked=$dir/asked # packages of earlier calls
touch "$asked"
wanted=
for package; do
    grep -qxF -- "$package" "$asked" || wanted="$wanted $package"
done
[ -n "$wanted" ] || exit 0

fail() {
    echo "debs.sh: cannot get$wanted from $mirror (Debian $suite): $(tail -n 1 "$apt/errors")" >&2
    exit 1
}

private_apt "$apt" deb "$suite" riscv64
ls "$apt"/lists/*_Packages* > "$apt/log" 2>&1 || apt-get -qq --error-on=any update 2> "$apt/errors" || fail
alone= whole=
for package in $wanted; do
    case $package in
    linux-image) # the meta package names the newest one
        alone="$alone $(apt-cache depends linux-image-riscv64 | sed -n 's/.*Depends: \(linux-image-[0-9]\)/\1/p')" ;;
    =*) alone="$alone ${package#=}" ;;
    *) whole="$whole $package" ;;
    esac
done
cd "$archives"
[ -z "$alone" ] || apt-get -qq download $alone > "$apt/log" 2> "$apt/errors" || fail
[ -z "$whole" ] || apt-get -qq -y --download-only install $whole > "$apt/log" 2> "$apt/errors" || fail
for deb in *.deb; do
    [ -e "$dir/$deb.unpacked" ] || dpkg-deb -x "$deb" "$dir/root"
    touch "$dir/$deb.unpacked"
done
for package in $wanted; do
    echo "$package" >> "$asked"
done
