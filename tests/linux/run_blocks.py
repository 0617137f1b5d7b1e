#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""addend blocks of a boot of Linux; skipped (status 77) if the guests are not there.

run_blocks.py ADDEND KERNEL [--smp N] -- [options of addend]

The JSON must be what docs/blocks.md says; the page must open in Chromium, if that is there, with thousands of pieces,
and show each of the hottest in its forms.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import linux_guest as linux

sys.path.insert(0, str(linux.ROOT / 'tests/machine'))
import blocks_schema  # noqa: E402
import chromium  # noqa: E402

LIMIT = 600  # seconds
SYMBOLS = 'kernel/System.map'  # of the small kernel, where it was built


class Failed(Exception):
    """Something is not as it should be."""


def blocks(args, path):
    options = [*args.options, '-smp', str(args.smp)]
    symbols = linux.folder() / SYMBOLS
    if args.kernel == 'small' and symbols.exists():
        options += ['--symbols', str(symbols)]
    argv = linux.command('addend', args.addend, args.kernel, 'tiny', [*options, '-o', str(path)])
    r = subprocess.run([argv[0], 'blocks', *argv[1:]], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                       timeout=LIMIT)
    if r.returncode or 'GUEST done' not in r.stdout:
        raise Failed(f'status {r.returncode}: {r.stdout[-500:]} {r.stderr[-500:]}')


def check_json(args, path):
    blocks(args, path)
    d = json.loads(path.read_text(encoding='utf-8'))
    blocks_schema.check_document(d)
    modes = {p['mode'] for p in d['pieces']}
    if len(d['pieces']) != 3000 or not {0, 1} <= modes or {p['hart'] for p in d['pieces']} != set(range(args.smp)):
        raise Failed(f'{len(d["pieces"])} pieces, modes {modes}')
    if args.kernel == 'small' and sum(bool(p['symbol']) for p in d['pieces'] if p['mode'] == 1) < 500:
        raise Failed('code of the kernel has no symbols')
    if not any(p['tier'] == 'baseline' and p['forms'] and p['host'] for p in d['pieces']):
        raise Failed('no baseline code is shown')
    regions = [p for p in d['pieces'] if p['tier'] == 'region']
    if not any(p.get('exact') and p['forms'][-1]['name'] == 'GIMPLE' for p in regions):
        raise Failed(f'none of {len(regions)} regions is shown in all forms')


def check_page(args, path):
    blocks(args, path)
    if chromium.missing():
        return print('not opened:', chromium.missing())
    with chromium.Page() as page:
        page.open(path)
        if page.eval('rows.length') != 3000:
            raise Failed(f'the page has {page.eval("rows.length")} pieces')
        for _ in range(20):
            name = page.eval('present.pc')
            page.until(f'document.querySelector("#head h2").textContent.includes({name!r})')
            if not page.eval('document.querySelectorAll("#c-guest .l.insn").length'):
                raise Failed(f'{name} has no instructions')
            page.key('ArrowDown')
        if page.errors():
            raise Failed('; '.join(page.errors()))


def main():
    words = sys.argv[1:]
    split = words.index('--') if '--' in words else len(words)
    p = argparse.ArgumentParser()
    p.add_argument('addend')
    p.add_argument('kernel', choices=linux.KERNELS)
    p.add_argument('--smp', type=int, default=1)
    args = p.parse_args(words[:split])
    args.options = words[split + 1:]
    why = linux.missing(args.kernel, 'tiny')
    if why:
        print('skipped:', why)
        return 77
    with tempfile.TemporaryDirectory() as folder:
        try:
            check_json(args, pathlib.Path(folder) / 'blocks.json')
            check_page(args, pathlib.Path(folder) / 'blocks.html')
        except (Failed, chromium.PageError, blocks_schema.SchemaError) as e:
            print('failed:', e)
            return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
