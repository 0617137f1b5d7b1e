#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Eight runs at once share a code cache that is too small for them, while it is verified and purged all the time.

run_shared.py ADDEND GUEST... [-- OPTION...]"""
import pathlib
import subprocess
import sys
import tempfile
import time

from common import split_options

BOUND = 40 << 10
AT_ONCE = 8
ROUNDS = 2


def start(argv):
    return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finish(p):
    out, err = p.communicate(timeout=300)
    return p.returncode, out, err


def expect(ok, what):
    if not ok:
        sys.exit(what)


def main():
    (addend, *guests), options = split_options(sys.argv[1:])
    wanted = {guest: finish(start([addend, *options, '--no-cache', guest])) for guest in guests}
    with tempfile.TemporaryDirectory(prefix='addend-guest-') as folder:
        cache = pathlib.Path(folder) / 'cache'
        cache.mkdir(mode=0o700)
        looked = purged = 0
        for _ in range(ROUNDS):
            runs = [(guest, start([addend, *options, '--cache-dir', cache, '--cache-size', f'{BOUND >> 10}K', guest]))
                    for i in range(AT_ONCE) for guest in [guests[i % len(guests)]]]
            while looked < 6 or [p for _, p in runs if p.poll() is None]:
                status, out, err = finish(start([addend, 'cache', 'verify', '--cache-dir', cache]))
                expect(status == 0 and not err and b'damaged' not in out, f'verify: {status}, {out}, {err}')
                looked += 1
                if looked % 10 == 0:
                    status, out, err = finish(start([addend, 'cache', 'purge', '--cache-dir', cache]))
                    expect(status == 0 and not err, f'purge: {status}, {out}, {err}')
                    purged += b' 0 files' not in out
                time.sleep(0.01)
            for guest, p in runs:
                expect(finish(p) == wanted[guest], f'{guest}: another result or a message')
        left = sorted(cache.iterdir())
        size = sum(path.stat().st_size for path in left)
        expect(all(path.suffix == '.region' for path in left), f'left over: {left}')
        # Each program looks at the bound when it writes, so together they may pass it by what one has written since.
        expect(size <= AT_ONCE * BOUND, f'{size} bytes for a bound of {BOUND}')
        last = finish(start([addend, *options, '--cache-dir', cache, '--cache-size', f'{BOUND >> 10}K', guests[0]]))
        expect(last == wanted[guests[0]], f'afterwards: {last}')


if __name__ == '__main__':
    main()
