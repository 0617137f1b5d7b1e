#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Linux in the TLB laboratory; skipped (status 77) if the guests are not there.

run_tlb.py ADDEND KERNEL IMAGE ONLY -- [options of addend]

Boots under -icount with ONLY, a list of the image's programs, twice: both recordings are swept and reported alike,
byte for byte. What the trace says of the run is what --stats say of one without a recording, and the sweep is the
model's for some geometries.
"""
import argparse
import filecmp
import json
import pathlib
import sys
import tempfile

import linux_guest as linux

sys.path.insert(0, str(linux.ROOT / 'tests/guest/tlb'))
import lab  # noqa: E402
import run_sweep  # noqa: E402

LIMIT = 900  # seconds
GEOMETRIES = [(1, 16), (1, 64), (16, 4), (64, 8)]
SYMBOLS = 'kernel/System.map'  # of the small kernel, where it was built


def run(args, command):
    """Boots; command: what stands between addend and its options."""
    argv = linux.command('addend', args.addend, args.kernel, args.image, args.options, f'ONLY={args.only}')
    said = lab.call([argv[0], *command, *argv[1:]], LIMIT)
    if 'GUEST done' not in said or 'reboot: Power down' not in said:
        raise lab.Failed(f'the guest did not end well: {said[-1000:]}')
    statuses = [line['status'] for line in linux.BENCH.finditer(said)]
    if any(s != '0' for s in statuses):
        raise lab.Failed(f'status {statuses} of the programs')
    return said


def same(name, a, b):
    if not filecmp.cmp(a, b, shallow=False):
        raise lab.Failed(f'{name}: the two runs differ')


def reports(args, folder, symbols):
    """Records and reports in a folder."""
    folder.mkdir()
    trace = folder / 'trace'
    run(args, ['tlb', 'record', '-o', trace, *symbols])
    lab.call([args.addend, 'tlb', 'sweep', trace, '-o', folder / 'sweep.json'], LIMIT)
    lab.call([args.addend, 'tlb', 'report', trace, '-o', folder / 'report'], LIMIT)
    return trace


def check(args, folder):
    symbols = linux.folder() / SYMBOLS
    symbols = ['--symbols', symbols] if args.kernel == 'small' and symbols.exists() else []
    first, second = folder / '1', folder / '2'
    trace = reports(args, first, symbols)
    reports(args, second, symbols)
    same('trace', trace, second / 'trace')
    same('sweep', first / 'sweep.json', second / 'sweep.json')
    names = sorted(p.name for p in (first / 'report').iterdir())
    if not names or names != sorted(p.name for p in (second / 'report').iterdir()):
        raise lab.Failed(f'the reports are not alike: {names}')
    for name in names:
        same(name, first / 'report' / name, second / 'report' / name)
    run(args, [f'--stats=json:{folder}/stats.json'])
    model = lab.read(first / 'report' / 'report.json')
    with open(folder / 'stats.json', encoding='utf-8') as f:
        retired = json.load(f)['guest_instructions']
    if model['instructions'] != retired:
        raise lab.Failed(f"{model['instructions']} instructions in the trace, {retired} without")
    print(f"{retired} instructions, a trace of {trace.stat().st_size} bytes, {len(names)} files of the report")
    wrong = run_sweep.compare(args.addend, trace, folder, GEOMETRIES)
    if wrong:
        raise lab.Failed('\n'.join(wrong))


def main():
    words = sys.argv[1:]
    at = words.index('--') if '--' in words else len(words)
    parser = argparse.ArgumentParser()
    for name in 'addend', 'kernel', 'image', 'only':
        parser.add_argument(name)
    args = parser.parse_args(words[:at])
    args.options = ['-icount', 'shift=3', *words[at + 1:]]
    lacking = linux.missing(args.kernel, args.image)
    if lacking:
        print(lacking)
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
        try:
            check(args, pathlib.Path(folder))
        except lab.Failed as e:
            sys.exit(str(e))


main()
