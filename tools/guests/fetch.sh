#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# fetch.sh DIR PACKAGE... - gets Debian source packages into DIR and unpacks PACKAGE's upstream part as
# DIR/PACKAGE. Works with and without root and changes nothing in the system: apt gets a state directory and
# a source list of its own, derived from the mirror the system uses (or DEBIAN_MIRROR). apt checks
# everything against Debian's keys.
set -eu
[ $# -ge 2 ] || { echo "usage: fetch.sh DIR PACKAGE..." >&2; exit 2; }
mkdir -p "$1"
dir=$(realpath "$1")
shift
suite=${SUITE:-bookworm}
keys=/usr/share/keyrings/debian-archive-keyring.gpg

wanted=
for package; do
    [ -d "$dir/$package" ] || wanted="$wanted $package"
done
[ -n "$wanted" ] || exit 0

mirror=${DEBIAN_MIRROR:-$(
    apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' 'Origin: Debian' |
    grep -v security | head -n 1)}
mirror=${mirror:-http://deb.debian.org/debian}
apt=$dir/apt
mkdir -p "$apt/none" "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/src"
: > "$apt/status"
echo "deb-src [signed-by=$keys] $mirror $suite main" > "$apt/sources.list"
cat > "$apt/apt.conf" <<EOF
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::Retries "3";
Dir::State "$apt";
Dir::State::lists "$apt/lists";
Dir::State::status "$apt/status";
Dir::Cache "$apt/cache";
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "$apt/none";
Dir::Etc::preferences "$apt/none/preferences";
Dir::Etc::preferencesparts "$apt/none";
EOF
export APT_CONFIG="$apt/apt.conf"
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
