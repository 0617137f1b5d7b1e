#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs of a Linux boot tell of the same instructions; skipped (status 77) if the guest is not there.

run_logs.py ADDEND INSTRUCTIONS -- [options of addend]

Under -icount, so that two runs are the same: --log-commits of one, --trace-insns of another, whose traps are those of
-d int. With several harts the order among them is the same too."""
import itertools
import subprocess
import sys
import tempfile

import linux_guest as linux


def boot(addend, instructions, options):
    line = linux.command('addend', addend, 'small', 'tiny',
                         ['-icount', '0', '--instructions', instructions, '--no-cache', *options])
    done = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=600)
    if done.returncode != 124:
        sys.exit(f'{" ".join(line)}: status {done.returncode}\n{done.stderr.decode()}')


def commits(path):
    with open(path, encoding='ascii') as f:
        for line in f:
            words = line.split(None, 5)
            yield words[1][:-1], words[3][2:], words[4][3:-1]


def traced(addend, path, traps):
    """(hart, pc, bits); the traps go to a list."""
    with subprocess.Popen([addend, 'trace', path], stdout=subprocess.PIPE, encoding='ascii') as p:
        for line in p.stdout:
            words = line.split(None, 3)
            if words[2] == '--------':
                traps.append((words[0], words[1], words[3].split()[1]))
            else:
                yield tuple(words[:3])
    if p.returncode:
        sys.exit(f'{path}: cannot be read')


def main():
    at = sys.argv.index('--')
    addend, instructions = sys.argv[1:at]
    options = sys.argv[at + 1:]
    reason = linux.missing('small', 'tiny')
    if reason:
        print(reason)
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
        log, trace, ints = f'{folder}/log', f'{folder}/trace', f'{folder}/int'
        boot(addend, instructions, [*options, '--log-commits', '--log', log])
        boot(addend, instructions, [*options, '--trace-insns', f'{trace},regs=on', '-d', 'int', '-D', ints])
        traps, n = [], 0
        for n, (a, b) in enumerate(itertools.zip_longest(commits(log), traced(addend, trace, traps))):
            if a != b:
                sys.exit(f'instruction {n}: --log-commits has {a}, --trace-insns {b}')
        with open(ints, encoding='ascii') as f:
            logged = [line.replace('hart:', '').split(', ') for line in f]
        want = [(w[0].split()[-1], w[3][6:], str(int(w[2][6:], 16))) for w in logged]
        if traps != want or not traps:
            sys.exit(f'{len(want)} traps, {len(traps)} traced: {want[:3]}, {traps[:3]}')
        print(f'{n + 1} instructions, {len(traps)} traps')
        blocks = f'{folder}/blocks'
        boot(addend, instructions, [*options, '--trace-insns', blocks])
        for a, b in zip(commits(log), traced(addend, blocks, [])):
            if a != b and '-smp' not in options:  # slices end with blocks
                sys.exit(f'blocks: --log-commits has {a}, --trace-insns {b}')


main()
