#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# check.sh - installs what is missing, builds everything, runs all tests. The last line is "N passed, N
# failed"; the exit status is 0 only if nothing failed.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${BUILD:-build}

tools/deps.sh --tests
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
