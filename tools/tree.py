# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of the source tree, and how the checks report what they find."""
import os
import sys

SKIPPED = ('.git', '__pycache__')
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def files(*suffixes):
    """Paths below the root, '/'-separated and sorted, that end with one of the suffixes; no build output."""
    found = []
    for folder, subfolders, names in os.walk(ROOT):
        here = os.listdir(folder)
        if 'meson-private' in here or 'build.ninja' in here:
            subfolders.clear()
            continue
        subfolders[:] = [s for s in subfolders if s not in SKIPPED and not s.startswith('build')]
        for name in names:
            if name.endswith(suffixes):
                found.append(os.path.relpath(os.path.join(folder, name), ROOT))
    return sorted(found)


def read(path):
    with open(os.path.join(ROOT, path), encoding='utf-8') as f:
        return f.read()


def is_generated(text):
    """A file made by a tool says so in its first lines."""
    return any('enerated by' in line for line in text.split('\n')[:5])


def report(complaints, what):
    """Prints the complaints and ends the program: 0 if there are none. A check that saw nothing is broken."""
    for c in complaints:
        print(c)
    if not what:
        print('nothing to check was found')
        complaints = complaints or ['']
    print(f'{len(what)} checked, {len(complaints)} complaints')
    sys.exit(1 if complaints else 0)
