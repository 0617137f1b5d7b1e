#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a page of addend blocks takes to open in headless Chromium, until its list and first piece are there.

usage: bench/blocks_page.py PAGE.html [RUNS]"""
import os
import statistics
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../tests/machine'))
import chromium  # noqa: E402  it lies with the tests


def main():
    path, runs = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5
    times = []
    for _ in range(runs):
        with chromium.Page() as page: # a new one each time: nothing is kept
            page.open(path)
            # Milliseconds since the navigation began, as the page noted them when it was ready.
            times.append(float(page.eval('document.documentElement.dataset.ready')))
            rows, errors = page.eval('rows.length'), page.errors()
    print(f'{os.path.getsize(path) / 1e6:.1f} MB, {rows} pieces: ready after {statistics.median(times):.0f} ms '
          f'(median of {runs}: {", ".join(f"{t:.0f}" for t in sorted(times))})')
    for error in errors:
        print('error in the page:', error)


if __name__ == '__main__':
    main()
