#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Includes go only along the edges below (docs/design.md, section 1), and paths named in documents exist."""
import glob
import os
import re

import tree

# folder: what it may include besides its own headers; a folder, or one header of it.
EDGES = {
    'util': [],
    'ir': ['util'],
    'frontend': ['util', 'ir'],
    'softmmu': ['util'],
    'backend': ['util', 'ir', 'softmmu/tlb.h', 'softmmu/code_pages.h'],
    'lab': ['util'],
    'machine': ['util', 'ir', 'frontend', 'softmmu', 'backend', 'lab'],
}
FOLDERS = [*EDGES, 'tests', 'bench', 'docs', 'tools']
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)
PATH = re.compile(r'(?<![\w./-])(?:' + '|'.join(FOLDERS) + r')/[\w./*{},-]*\w(?![\w*])')


def allowed(folder, included):
    return any(included.startswith(edge + '/') or included == edge for edge in [folder, *EDGES[folder]])


def check_includes(path):
    folder = path.split('/')[0]
    for included in INCLUDE.findall(tree.read(path)):
        if '/' not in included:
            yield f'{path}: "{included}" is not written from the root'
        elif not allowed(folder, included):
            yield f'{path}: {folder}/ may not include "{included}"'


def exists(named):
    """A file, a folder, a pattern that matches something, or a module (softmmu/tlb for softmmu/tlb.c)."""
    full = os.path.join(tree.ROOT, named)
    return any(glob.glob(full + suffix) for suffix in ('', '.c', '.h'))


def expand(named):
    """a/{b,c}.h names two paths."""
    m = re.match(r'(.*)\{([^}]*)\}(.*)', named)
    return [m[1] + part + m[3] for part in m[2].split(',')] if m else [named]


def check_paths(path):
    for named in PATH.findall(tree.read(path)):
        for one in expand(named):
            if not exists(one):
                yield f'{path}: names {one}, which does not exist'


def main():
    sources = [p for p in tree.files('.c', '.h', '.def') if p.split('/')[0] in EDGES]
    documents = [p for p in tree.files('.md') if p.count('/') == 0 or p.startswith('docs/')]
    complaints = [c for p in sources for c in check_includes(p)]
    complaints += [c for p in documents for c in check_paths(p)]
    tree.report(complaints, sources and documents and sources + documents)


if __name__ == '__main__':
    main()
