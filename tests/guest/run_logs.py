#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Four logs of a guest tell of the same instructions: -d exec,int with single instructions (as QEMU's, if it is there),
-d exec,nochain with blocks, --log-commits and --trace-insns; and -d cpu is QEMU's.

run_logs.py [--qemu QEMU] [--options WORDS] ADDEND GUEST"""
import argparse
import os
import re
import subprocess
import sys
import tempfile

EXEC = re.compile(r'Trace (\d+): \S+ \[[0-9a-f]{16}/([0-9a-f]{16})/[0-9a-f]{8}/([0-9a-f]{8})\] (.*)$')
TRAP = re.compile(r'riscv_cpu_do_interrupt: hart:(\d+), async:(\d), cause:([0-9a-f]{16}), epc:0x([0-9a-f]{16}), '
                  r'tval:0x[0-9a-f]{16}, desc=\w+$')


def run(line):
    done = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=100)
    if done.returncode < 0 or done.returncode in (1, 124):
        sys.exit(f'{" ".join(line)}: status {done.returncode}\n{done.stderr.decode()}')
    return done.stdout.decode()


def differ(what, one, other, names):
    """Says where two lists differ, if they do."""
    for i, (a, b) in enumerate(zip(one, other)):
        if a != b:
            sys.exit(f'{what}: number {i} differs\n  {names[0]}: {one[max(i - 2, 0):i + 2]}\n'
                     f'  {names[1]}: {other[max(i - 2, 0):i + 2]}')
    if len(one) != len(other):
        sys.exit(f'{what}: {names[0]} has {len(one)}, {names[1]} {len(other)}')
    if not one:
        sys.exit(f'{what}: there is nothing')


class Guest:
    def __init__(self, args, folder):
        self.args = args
        self.log = f'{folder}/log'
        self.tail = ['-m', '128M', '-nographic', '-bios', 'none', '-kernel', args.guest]

    def lines(self, emulator, options):
        run([*emulator, *options, *self.tail])
        with open(self.log, encoding='utf-8') as f:
            lines = f.read().splitlines()
        os.remove(self.log)
        return lines

    def addend(self, *options):
        return self.lines([self.args.addend, '-M', 'clabpu', '--no-cache', *self.args.options.split()], options)

    def qemu(self, *options):
        return self.lines([self.args.qemu, '-M', 'spike', '-cpu', 'rv64,h=off'], options)

    def executed(self, lines):
        """(pc,) of what began and trap lines, in order. QEMU has tval 0 of a breakpoint."""
        out = []
        for line in lines:
            found = EXEC.match(line)
            if found:
                out.append((found[2],))
            elif TRAP.match(line):
                out.append(re.sub(r'tval:0x\w+, desc=breakpoint', 'desc=breakpoint', line))
            else:
                sys.exit(f'not a line of QEMU\'s: {line}')
        return out


def retired(executed):
    """Addresses of the instructions that did not trap."""
    out = []
    for i, item in enumerate(executed):
        after = executed[i + 1] if i + 1 < len(executed) else ''
        trapped = isinstance(after, str) and 'async:0' in after and f'epc:0x{item[0]}' in after
        if not isinstance(item, str) and not trapped:
            out.append(item[0])
    return out


def blocks(guest, single, engine):
    """Each line of blocks stands for as many lines of single instructions as it says."""
    at = 0
    for line in guest.addend('-accel', engine, '-d', 'exec,nochain', '-D', guest.log):
        pc, n = EXEC.match(line).group(2, 3)
        if at >= len(single) or single[at][0] != pc:
            sys.exit(f'-accel {engine}: {line} is not the next one, {single[at:at + 1]}')
        at += 1
        while at < len(single) and int(n, 16) > 1 and is_insn(single, at):
            n = hex(int(n, 16) - 1)
            at += 1
        while at < len(single) and isinstance(single[at], str):
            at += 1
    if at < len(single):
        sys.exit(f'-accel {engine}: ends before {single[at]}')


def is_insn(single, at):
    return not isinstance(single[at], str)


def check_registers(guest):
    """-d cpu,fpu. A breakpoint leaves another mtval."""
    def normal(lines):
        return [line for line in lines if not line.startswith(' mtval')]
    options = ['-singlestep', '-d', 'cpu,fpu,nochain', '-D', guest.log]
    differ('-d cpu', normal(guest.qemu(*options)), normal(guest.addend(*options)), ('QEMU', 'Addend'))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--qemu')
    parser.add_argument('--options', default='')
    parser.add_argument('--registers', action='store_true')
    parser.add_argument('addend')
    parser.add_argument('guest')
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        guest = Guest(args, folder)
        options = ['-singlestep', '-d', 'exec,int,nochain', '-D', guest.log]
        single = guest.executed(guest.addend(*options))
        if args.qemu:
            differ('-d exec,int', guest.executed(guest.qemu(*options)), single, ('QEMU', 'Addend'))
            if args.registers:
                check_registers(guest)
        for engine in 'interp', 'baseline,warm=1', 'jit,warm=1,threshold=1,sync=on':
            blocks(guest, single, engine)
        done = retired(single)
        commits = [line.split()[3][2:] for line in guest.addend('--log-commits', '--log', guest.log)]
        differ('--log-commits', done, commits, ('-d exec', '--log-commits'))
        for form in ['regs=on,mem=on', 'regs=on,format=text', 'skip=0', 'format=text']:
            trace = f'{folder}/trace'
            run([args.addend, '--trace-insns', f'{trace},{form}', *guest.tail])
            lines = [line.split() for line in run([args.addend, 'trace', trace]).splitlines()]
            insns = [words[1] for words in lines if words[2] != '--------']
            # Blocks run to their end, behind the store that ends the run.
            differ(form, commits, insns if 'regs' in form else insns[:len(commits)], ('--log-commits', '--trace-insns'))
            traps = [words[1] for words in lines if words[2] == '--------']
            differ_or_none('traps', [t.split('epc:0x')[1][:16] for t in single if isinstance(t, str)], traps)
    print(f'{len(single)} lines, {len(done)} instructions')


def differ_or_none(what, one, other):
    if one or other:
        differ(what, one, other, ('-d int', '--trace-insns'))


main()
