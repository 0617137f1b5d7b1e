#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks what taps record of guests, by tests/machine/tap_run.

    run_tap.py stream TAP_RUN GUEST EXPECTED   the stream is EXPECTED, in every engine
    run_tap.py same TAP_RUN GUEST...           the stream is the same in every engine, and so are the counts: those of
                                               the records, the engine's, and by executions of blocks (with faults: not
                                               less)
    run_tap.py ends TAP_RUN GUEST              the stream ends however the run ends
"""
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

ENGINES = [['interp'], ['baseline,warm=1'], ['baseline'], ['jit']]


def command(tap_run, mode, out, guest, options):
    return [tap_run, mode, out, '-nographic', '-bios', 'none', '-kernel', guest, '-semihosting'] + options


def run(tap_run, mode, guest, options):
    with tempfile.NamedTemporaryFile('r') as out:
        p = subprocess.run(command(tap_run, mode, out.name, guest, options), stdin=subprocess.DEVNULL,
                           capture_output=True, text=True, timeout=100)
        return p, out.read()


def check(good, what):
    if not good:
        sys.exit(f'run_tap: {what}')


def stream(tap_run, guest, expected):
    with open(expected) as f:
        want = f.read()
    for engine in ENGINES:
        p, got = run(tap_run, 'text', guest, ['-accel'] + engine)
        check(p.returncode == 0, f'{engine}: {p.stderr}')
        different = [f'{a!r} in place of {b!r}' for a, b in zip(stable(got), stable(want)) if a != b]
        check(len(got.split('\n')) == len(want.split('\n')) and not different, f'{engine}: {different[:3]}')


def stable(text):
    """The lines without what depends on the engine: how many events there are, which blocks there are."""
    return [re.sub(r', \d+ events|, \d+ and \d+ by blocks', '', line) for line in text.split('\n')]


def same(tap_run, *guests):
    for guest in guests:
        seen = []
        for engine in ENGINES[:2]:
            p, text = run(tap_run, 'digest', guest, ['-accel'] + engine)
            name = f'{os.path.basename(guest)}, {engine[0]}'
            check('no end' not in text, f'{name}: the stream has no end')
            m = re.search(r'(\d+) loads, (\d+) stores, (\d+) and (\d+) by blocks, (\d+) and (\d+) as', text)
            loads, stores, *by = map(int, m.groups())
            check([loads, stores] == by[2:], f'{name}: {loads} loads and {stores} stores, but the engine has {by[2:]}')
            check([loads, stores] == by[:2] or (' FAULT' in text and loads <= by[0] and stores <= by[1]),
                  f'{name}: {loads} loads and {stores} stores, but by blocks it is {by[:2]}')
            seen.append((p.returncode, p.stdout, [x for x in stable(text) if 'digest' in x or 'reads' in x]))
        check(seen[0] == seen[1], f'{os.path.basename(guest)}: {seen[0]} and {seen[1]}')


def ends(tap_run, guest):
    for options in (['--instructions=100000'], ['--timeout=0.3'], ['--timeout=0.3', '-smp', '3'],
                    ['--timeout=0.3', '-smp', '3', '-icount', 'shift=0']):
        p, text = run(tap_run, 'digest', guest, options)
        check(p.returncode == 124 and 'END' in text and 'no end' not in text, f'{options}: {text}')
    with tempfile.NamedTemporaryFile('r') as out:
        p = subprocess.Popen(command(tap_run, 'digest', out.name, guest, []), stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL)
        time.sleep(0.5)
        p.send_signal(signal.SIGTERM)
        check(p.wait(20) == 128 + signal.SIGTERM, f'SIGTERM: {p.returncode}')
        text = out.read()
        check('END' in text and 'no end' not in text, f'SIGTERM: {text}')
    p, text = run(tap_run, 'digest', guest, ['-accel', 'check'])
    check(p.returncode == 1 and '-accel check' in p.stderr, f'-accel check: {p.stderr}')


if __name__ == '__main__':
    {'stream': stream, 'same': same, 'ends': ends}[sys.argv[1]](*sys.argv[2:])
