#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Profiles of a Linux boot; skipped (status 77) if the guests are not there.

run_profile.py ADDEND KERNEL IMAGE -- [options of addend]

Boots IMAGE with --flame, --timeline and --hot, and again with --mix, when blocks are counted, too. The kernel's stacks
lead from its start to where it initialises things, and programs are apart from it; functions have the shares in them
that their blocks have; the trace is whole; the counts add up.
"""
import argparse
import collections
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import linux_guest as linux

sys.path.insert(0, str(linux.ROOT / 'tests/guest'))
import run_profile  # noqa: E402

LIMIT = 900  # seconds
SYMBOLS = 'kernel/System.map'  # of the small kernel, where it was built
# What any boot of it goes through.
STACKS = ['[kernel];_start_kernel;start_kernel;setup_arch', '[kernel];_start_kernel;start_kernel;mm_core_init',
          ';kernel_init;kernel_init_freeable', ';do_sys_', ';handle_mm_fault', '[user]']


def boot(args, *options):
    argv = linux.command('addend', args.addend, args.kernel, args.image, [*args.options, *options])
    p = subprocess.run(argv, capture_output=True, text=True, errors='replace', timeout=LIMIT,
                       stdin=subprocess.DEVNULL, check=False)
    run_profile.check(p.returncode == 0 and 'reboot: Power down' in p.stdout, f'the guest did not end well: {p.stderr}')
    return p.stderr


def check_flame(text, named):
    stacks = run_profile.folded(text)
    total = sum(stacks.values())
    roots = collections.Counter()
    for stack, count in stacks.items():
        roots[stack.split(';')[0].split()[0]] += count
    run_profile.check(set(roots) <= {'[kernel]', '[user]', '[firmware]'}, f'{roots}')
    run_profile.check(all(roots[r] > total / 100 for r in ('[kernel]', '[user]')), f'{roots}')
    for part in STACKS if named else []:
        run_profile.check(any(part in s for s in stacks), f'no stack has {part}')
    kernel = [s for s in stacks if s.startswith('[kernel]')]
    unknown = sum(stacks[s] for s in kernel if '[0x' in s.rsplit(';')[-1])
    if named:
        run_profile.check(unknown < 0.02 * roots['[kernel]'], f'{unknown} of {roots} have no name')


def check_shares(name, text, hot, tolerance):
    """The functions at the stacks' ends, and those of the hottest blocks."""
    stacks, blocks = collections.Counter(), collections.Counter()
    for stack, count in run_profile.folded(text).items():
        stacks[stack.rsplit(';')[-1]] += count
    for b in hot['blocks']:
        blocks[re.match('[^+ ]*', b.get('where', ''))[0]] += b['instructions']
    total = sum(stacks.values())
    whole = hot['instructions']
    run_profile.check(0.98 * whole < total <= whole * 1.001, f'{name}: {total} instructions')
    for function, count in stacks.items():
        if not function.startswith('['):
            run_profile.close(f'{name}: {function}', count / total, blocks[function] / hot['instructions'], tolerance)


def check_timeline(text):
    run_profile.check(len(text) < 12_000_000, f'the trace has {len(text)} bytes')
    events = run_profile.check_trace(text)
    names = collections.Counter(e['name'] for e in events)
    for name in 's_timer', 'sfence.vma', 'satp', 'MIPS', 'TLB misses', 'code made', 'exceptions':
        run_profile.check(names[name], f'no {name}: {names}')
    for cause in 'user_ecall', 'load_page_fault', 'supervisor_ecall':
        run_profile.check(run_profile.counted(events, 'exceptions', cause) > 10, f'{cause}')


def check_mix(text):
    data = json.loads(text)
    for part in 'classes', 'extensions', 'privileges', 'mnemonics':
        run_profile.check(sum(data[part].values()) == data['instructions'], f'{part} do not add up')
    run_profile.check(all(data['privileges'].values()) and data['classes']['system'], f'{data}')


def check(args, folder):
    symbols = linux.folder() / SYMBOLS
    named = args.kernel == 'small' and symbols.exists()
    flame, timeline, mix, hot = (folder / n for n in ('f.folded', 't.json', 'm.json', 'h.json'))
    boot(args, *(['--symbols', str(symbols)] if named else []), f'--flame={flame},period=20011',
         f'--timeline={timeline}', f'--hot=1000000,file={hot}')
    check_flame(flame.read_text(encoding='utf-8'), named)
    check_timeline(timeline.read_text(encoding='utf-8'))
    check_shares('sampled', flame.read_text(encoding='utf-8'), json.loads(hot.read_text(encoding='utf-8')), 0.04)
    boot(args, f'--flame={flame}', f'--mix={mix}', f'--hot=1000000,file={hot}')
    check_shares('counted', flame.read_text(encoding='utf-8'), json.loads(hot.read_text(encoding='utf-8')), 0.03)
    check_mix(mix.read_text(encoding='utf-8'))


def main():
    parser = argparse.ArgumentParser()
    for word in 'addend', 'kernel', 'image':
        parser.add_argument(word)
    parser.add_argument('options', nargs='*')
    args = parser.parse_args()
    missing = linux.missing(args.kernel, args.image)
    if missing:
        print(missing)
        return 77
    with tempfile.TemporaryDirectory() as folder:
        check(args, pathlib.Path(folder))
    return 0


if __name__ == '__main__':
    sys.exit(main())
