#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names in a boot of Linux; skipped (status 77) if the guests are not there.

run_names.py ADDEND KERNEL -- [options of addend]

-d in_asm names every block of the kernel without any file: by its kallsyms. For the small kernel that is what
System.map says. Linux' perf, if it can record here, names the kernel's functions and lists the guest's instructions.
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import linux_guest as linux

LIMIT = 300  # seconds
BLOCK = re.compile(r'^IN: ?(?P<symbol>\S*)\n0x(?P<pc>[0-9a-f]{16}):', re.M)
MAP = linux.folder() / 'kernel/System.map'  # of the small kernel, where it was built
LINKED = 0xffffffff80000000
FUNCTIONS_MIN = 1500
UNNAMED_MAX = 20  # blocks of the kernel's head, which kallsyms does not have


class Failed(Exception):
    pass


def call(argv, folder, check=True):
    env = {**os.environ, 'ADDEND_CACHE_DIR': '', 'HOME': str(folder), 'LC_ALL': 'C'}
    done = subprocess.run([str(a) for a in argv], cwd=folder, env=env, stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=LIMIT, check=False, text=True, errors='replace')
    if check and done.returncode:
        raise Failed(f'{argv[0]}: status {done.returncode}: {done.stderr[-500:]}')
    return done


def addend(args, *options):
    return linux.command('addend', args.addend, args.kernel, 'tiny', [*args.options, *options])


def system_map():
    """Address to the names of the functions there, of those that kallsyms has."""
    rows = [line.split() for line in MAP.read_text(encoding='ascii').splitlines()]
    where = {name: int(address, 16) for address, _, name in rows}
    ranges = [(where['_stext'], where['_etext']), (where['_sinittext'], where['_einittext'])]
    names = {}
    for address, kind, name in rows:
        address = int(address, 16)
        if kind in 'tTwW' and any(low <= address < high for low, high in ranges):
            names.setdefault(address, set()).add(name)
    return names


def check_log(args, folder):
    call(addend(args, '-d', 'in_asm', '-D', folder / 'log'), folder)
    found = [(int(m['pc'], 16), *m['symbol'].partition('+')[::2])
             for m in BLOCK.finditer((folder / 'log').read_text(encoding='utf-8', errors='replace'))]
    kernel = [row for row in found if row[0] >= LINKED]
    unnamed = [hex(pc) for pc, name, _ in kernel if not name]
    functions = {name for _, name, _ in kernel if name}
    print(f'{len(kernel)} blocks of the kernel, {len(functions)} functions, {len(unnamed)} blocks without a name')
    if len(functions) < FUNCTIONS_MIN or len(unnamed) > UNNAMED_MAX:
        raise Failed(f'too few names: {unnamed[:20]}')
    if args.kernel == 'small' and MAP.exists():
        known = system_map()
        for pc, name, offset in kernel:
            start = pc - int(offset or '0', 16)
            if name and name not in known.get(start, ()):
                raise Failed(f'{pc:#x} is {name}+{offset}, but at {start:#x} is {known.get(start)}')


def check_perf(args, folder):
    perf = shutil.which('perf')
    tried = perf and call([perf, 'record', '-k', '1', '-e', 'cpu-clock', '-o', 'try.data', 'true'], folder, check=False)
    if not perf or tried.returncode:
        print('perf cannot record here: its reports are not looked at')
        return
    few = ['-accel', 'baseline,warm=1000']  # perf inject makes a file of each record
    call([perf, 'record', '-k', '1', '-e', 'cpu-clock', '-o', 'perf.data', *addend(args, *few, '-jitdump')], folder)
    call([perf, 'inject', '--jit', '-i', 'perf.data', '-o', 'jit.data'], folder)
    report = call([perf, 'report', '--stdio', '-i', 'jit.data', '--sort', 'sym'], folder).stdout
    rows = re.findall(r'%\s+\[.\] ((\w+)(?:\+0x\w+)? \[(?:baseline|region)\])\s*$', report, re.M)
    names = {name for _, name in rows}
    functions = {name for names in system_map().values() for name in names} if MAP.exists() else names
    print(f'perf report: {len(names)} guest names, {len(names & functions)} of the kernel')
    if len(names & functions) < 20:
        raise Failed('too few functions of the kernel in perf report')
    symbol = next(symbol for symbol, name in rows if name in functions)
    text = call([perf, 'annotate', '--stdio', '-i', 'jit.data', '-s', symbol], folder).stdout
    if not re.search(r'0xffffffff[0-9a-f]{8}:\s+[0-9a-f]{4,8}\s+\S', text):
        raise Failed(f'perf annotate {symbol}: no guest instructions: {text[:2000]}')


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('addend')
    parser.add_argument('kernel')
    parser.add_argument('options', nargs='*')
    args = parser.parse_args()
    args.addend = str(pathlib.Path(args.addend).resolve())
    why = linux.missing(args.kernel, 'tiny')
    if why:
        print(why)
        return 77
    with tempfile.TemporaryDirectory(prefix='addend-names-') as folder:
        try:
            check_log(args, pathlib.Path(folder))
            if args.kernel == 'small':
                check_perf(args, pathlib.Path(folder))
        except Failed as failed:
            print(failed)
            return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
