#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every source file names its licence, and every C file then says in one line what it is for."""
import tree

LICENCE = 'SPDX-License-Identifier: GPL-3.0-or-later'


def check(path):
    head = tree.read(path).split('\n')[:3]
    if not any(LICENCE in line for line in head):
        yield f'{path}: no line "{LICENCE}" at its top'
    elif path.endswith(('.c', '.h', '.def')) and not (len(head) > 1 and head[1].startswith('// ')):
        yield f'{path}: the second line does not say what the file is for'


def main():
    sources = tree.files('.c', '.h', '.def', '.S', '.ld', '.py', '.sh', '.1', 'meson.build')
    tree.report([c for p in sources for c in check(p)], sources)


if __name__ == '__main__':
    main()
