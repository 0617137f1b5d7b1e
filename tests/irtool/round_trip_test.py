#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""round_trip_test.py ADDEND: IR that dumps print reads back and prints as it was: -d op and op_opt of the demo guest
and of the first seconds of a Linux boot (which is left out where its files are not there)."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'linux'))
import linux_guest

LOG = ['-d', 'op,op_opt', '-accel', 'jit,threshold=20000,sync=on', '--no-cache']


def ir_lines(text):
    """The lines of IR in a log, without what cannot come back: code lines, which blocks alone do not have, and counts
    of instructions, which ir_widen makes more than there are."""
    lines = []
    inside = False
    for line in text.split('\n'):
        inside = inside or re.match(r'block b\d+ ', line) is not None
        if inside:
            lines.append(re.sub(r' insns=\d+', '', line))
        if line == '}':
            inside = False
    return lines


def check(addend, name, argv, least, limit):
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, 'log')
        subprocess.run([*argv, *LOG, '-D', log], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=limit)
        with open(log, errors='replace') as f:
            text = f.read()
        back = subprocess.run([addend, 'ir', 'opt', '--passes', 'none', '-'], input=text, capture_output=True,
                              text=True, timeout=200)
        passes = subprocess.run([addend, 'ir', 'opt', log], capture_output=True, text=True, timeout=200)
    want, got = ir_lines(text), ir_lines(back.stdout)
    pieces = back.stdout.count('code 0x')
    print(f'{name}: {pieces} pieces of code, {len(want)} lines')
    if back.returncode or passes.returncode:
        print(back.stderr, passes.stderr)
        return False
    for n, (a, b) in enumerate(zip(want, got)):
        if a != b:
            print(f'line {n} of IR: {a}\nis read as: {b}')
            return False
    regions = text.count('OP after optimization:')
    print(f'{regions} regions')
    return len(want) == len(got) and pieces >= least and regions > 0


def main():
    addend = sys.argv[1]
    ok = check(addend, 'demo', [addend, 'demo'], 100, 60)
    missing = linux_guest.missing('small', 'tiny')
    if missing:
        print(f'no Linux: {missing}')
    else:
        boot = linux_guest.command('addend', addend, 'small', 'tiny', ['--instructions', '60000000'])
        ok = check(addend, 'Linux', boot, 5000, 250) and ok
    sys.exit(not ok)


if __name__ == '__main__':
    main()
