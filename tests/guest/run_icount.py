#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Under -icount the time that a guest reads from a device is the same on every engine.

run_icount.py ADDEND GUEST"""
import subprocess
import sys

ENGINES = 'interp', 'baseline,warm=1', 'baseline', 'jit,threshold=1,baseline=off', 'jit,threshold=1000', 'check'


def output(addend, guest, engine, shift):
    line = [addend, '-accel', engine, '-icount', f'shift={shift}', '--timeout', '100', guest]
    done = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode or done.stderr or b'19000: sum' not in done.stdout:
        sys.exit(f'{" ".join(line)}: status {done.returncode}\n{(done.stdout + done.stderr).decode()}')
    return done.stdout.decode().splitlines()


def main():
    addend, guest = sys.argv[1:]
    failed = False
    for shift in 0, 7:
        first = output(addend, guest, ENGINES[0], shift)
        for engine in ENGINES[1:]:
            other = output(addend, guest, engine, shift)
            for a, b in zip(first, other):
                if a != b:
                    print(f'shift {shift}\n{ENGINES[0]:24} {a}\n{engine:24} {b}')
                    failed = True
                    break
            if len(first) != len(other):
                sys.exit(f'{engine}: {len(other)} lines, not {len(first)}')
    sys.exit(failed)


main()
