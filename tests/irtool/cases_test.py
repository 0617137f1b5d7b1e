#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""cases_test.py ADDEND GLOB: every IR case runs alike on all engines and as it expects; and a planted fault shows."""
import glob
import subprocess
import sys


def run(addend, path, *options):
    return subprocess.run([addend, 'ir', 'run', path, '--accel', 'all', *options], capture_output=True, text=True,
                          timeout=60)


def main():
    addend, pattern = sys.argv[1:]
    failed = 0
    paths = sorted(glob.glob(pattern))
    for path in paths:
        for opt in '0', '1', '2':
            result = run(addend, path, '-O', opt)
            if result.returncode or len(result.stdout.split('\njit: ')) != 2 or 'expect' not in open(path).read():
                print(f'{path} -O {opt}: status {result.returncode}\n{result.stdout}{result.stderr}')
                failed += 1
    spoilt = [run(addend, p, '--plant', 'region:add') for p in paths]
    if not any(r.returncode == 1 and 'differs from the evaluator' in r.stdout for r in spoilt):
        print('no case notices a wrong add')
        failed += 1
    print(f'{len(paths)} cases, {failed} failed')
    sys.exit(failed > 0 or len(paths) < 10)


if __name__ == '__main__':
    main()
