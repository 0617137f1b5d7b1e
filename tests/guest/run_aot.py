#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""addend aot: what it compiles is loaded by a guest's first run, and right.

run_aot.py ADDEND GUEST... [-- OPTION...]"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

from common import split_options

LINE = re.compile(r'addend aot: (\d+) regions of (\d+) guest instructions compiled in [\d.]+ s \([^)]*\), '
                  r'(\d+) bytes kept; (\d+) regions were there already\n$')


def call(*argv):
    return subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False)


def expect(ok, what):
    if not ok:
        sys.exit(what)


def aot(addend, cache, *words):
    """(regions, instructions, bytes, regions that were there), what the guest printed"""
    done = call(addend, 'aot', '--cache-dir', cache, *words)
    found = LINE.search(done.stdout)
    expect(done.returncode == 0 and not done.stderr and found, f'aot {words}: {done}')
    return [int(n) for n in found.groups()], done.stdout[:found.start()]


def check(addend, guest, options, folder):
    report = folder / 'stats.json'
    words = [*options, f'--stats=json:{report}']
    plain = call(addend, *words, '--no-cache', guest)
    made = json.loads(report.read_text())['regions']
    for name, how in (('static', []), ('run', ['--run', '60'])):
        cache = folder / name
        (regions, insns, size, known), console = aot(addend, cache, *how, *words, guest)
        expect(regions > 0 and insns > regions and known == 0, f'{guest}: {name}: {regions} regions')
        expect(console == (plain.stdout if how else ''), f'{guest}: {name}: the console has {console}')
        on_disk = sum(path.stat().st_size for path in cache.glob('*.region'))
        expect(0 < on_disk <= size, f'{guest}: {name}: {on_disk} bytes are there, {size} were written')
        for more in ([], ['-accel', 'check']):
            first = call(addend, *words, *more, '--cache-dir', cache, guest)
            stats = json.loads(report.read_text())
            expect((first.returncode, first.stdout, first.stderr) == (plain.returncode, plain.stdout, plain.stderr),
                   f'{guest}: {name}, then {more}: {first}')
            expect(stats['cache_hits'] > 0, f'{guest}: {name}, then {more}: nothing is loaded')
            if how and not more:
                expect(stats['regions'] <= made // 3, f'{guest}: {stats["regions"]} regions are made, {made} without')
        (regions, _, size, known), _ = aot(addend, cache, *words, guest)
        if not how:
            expect(regions == 0 and size == 0 and known > 0, f'{guest}: the second time {regions} regions')


def check_errors(addend, guest, folder):
    full = folder / 'full'
    for words, text in ((['--no-cache', guest], '--no-cache'), (['-accel', 'interp', guest], '-accel'),
                        (['--timeout', '3', guest], '--run'), ([folder / 'none.elf'], 'none.elf'),
                        (['--cache-dir', '/dev/null/x', guest], 'no code cache')):
        done = call(addend, 'aot', '--cache-dir', full, *words)
        expect(done.returncode == 1 and text in done.stderr and not done.stdout, f'aot {words}: {done}')


def main():
    (addend, *guests), options = split_options(sys.argv[1:])
    with tempfile.TemporaryDirectory(prefix='addend-guest-') as folder:
        for i, guest in enumerate(guests):
            own = pathlib.Path(folder) / str(i)
            own.mkdir()
            check(addend, guest, options, own)
        check_errors(addend, guests[0], pathlib.Path(folder))


if __name__ == '__main__':
    main()
