#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# demo.sh [OPTION...] - installs what is missing, builds addend into build/ and runs the guest that is built
# into it. Options go to addend, for example -accel interp or --stats.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${BUILD:-build}

tools/deps.sh
[ -e "$build/build.ninja" ] || meson setup "$build"
ninja -C "$build" addend addend-worker
exec "$build/addend" demo "$@"
