#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every test program and file of cases below tests/ is registered, so that none is forgotten silently."""
import os
import re

import tree


def is_listed(name, build):
    """'decode_test.c' spelt out, or 'decode' in a list of names, in the text of meson.build files."""
    stem = re.sub(r'_test\.(c|py)$', '', name)
    lists = ' '.join(re.findall(r'\[([^\]]*)\]', build))
    return re.search(rf"['/]{re.escape(name)}'", build) is not None or f"'{stem}'" in lists


def builds_above(path):
    """The meson.build files of a file's folder and of those above it, up to tests/."""
    folder = os.path.dirname(path)
    texts = []
    while folder:
        build = os.path.join(folder, 'meson.build')
        if os.path.exists(os.path.join(tree.ROOT, build)):
            texts.append(tree.read(build))
        folder = os.path.dirname(folder)
    return '\n'.join(texts)


def check_program(path):
    if not is_listed(os.path.basename(path), builds_above(path)):
        yield f'{path}: in no meson.build'


def check_cases(path, users):
    name = os.path.basename(path)
    folder = os.path.basename(os.path.dirname(path))
    used = [text for text in users if name in text or f'{folder}/*{os.path.splitext(name)[1]}' in text]
    if not used:
        yield f'{path}: no test reads it'


def main():
    programs = [p for p in tree.files('_test.c', '_test.py') if p.startswith('tests/')]
    cases = [p for p in tree.files('.cases') if p.startswith('tests/')]
    users = [tree.read(p) for p in tree.files('.c', '.py', 'meson.build') if p.startswith('tests/')]
    complaints = [c for p in programs for c in check_program(p)]
    complaints += [c for p in cases for c in check_cases(p, users)]
    tree.report(complaints, programs and programs + cases)


if __name__ == '__main__':
    main()
