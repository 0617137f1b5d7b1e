#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# check.sh [--linux] - installs what is missing, builds everything, runs all tests. The last line is "N passed, N
# failed"; the exit status is 0 only if nothing failed. The tests of the suite "linux" need guests in $ADDEND_GUESTS
# or in guests-cache beside the checkout, and are skipped without. --linux makes them first: it fetches some 300 MB from
# Debian and builds a kernel, ten minutes in all.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${BUILD:-build}

tools/deps.sh --tests
case ${1:-} in
'') ;;
--linux)
    export ADDEND_GUESTS=${ADDEND_GUESTS:-$(realpath ..)/guests-cache}
    if [ ! -e "$ADDEND_GUESTS/tiny.cpio" ] || [ ! -e "$ADDEND_GUESTS/Image" ]; then
        tools/guests/linux/build.sh "$ADDEND_GUESTS" tiny
    fi
    if [ ! -e "$ADDEND_GUESTS/Image-small" ]; then
        tools/deps.sh --kernel
        tools/guests/linux/kernel.sh "$ADDEND_GUESTS"
    fi
    ;;
*)
    echo "usage: check.sh [--linux]" >&2
    exit 2
    ;;
esac
[ -e "$build/build.ninja" ] || meson setup "$build"
ninja -C "$build"

log=$build/meson-logs/testlog.json
rm -f "$log"
meson test -C "$build" --print-errorlogs && status=0 || status=$?
python3 - "$log" "$status" << 'EOF'
import json
import sys

path, status = sys.argv[1], int(sys.argv[2])
try:
    with open(path, encoding="utf-8") as f:
        results = [json.loads(line)["result"] for line in f if line.strip()]
except OSError:
    results = []
passed = sum(r in ("OK", "EXPECTEDFAIL") for r in results)
skipped = results.count("SKIP")
failed = len(results) - passed - skipped
if not results:
    failed = 1  # the tests did not even start
if skipped:
    print(f"{skipped} skipped")
print(f"{passed} passed, {failed} failed")
sys.exit(failed != 0 or status != 0)
EOF
