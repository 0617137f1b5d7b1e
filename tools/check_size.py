#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""No source file over 600 lines, no C function over 80, no line over 120 columns (docs/style.md).

Tables (.def), test data and generated files may be longer, and so may a function expanded from a table."""
import tree

FILE_LINES = 600
FUNCTION_LINES = 80
COLUMNS = 120


def functions(lines):
    """(number of the opening line, lines of the body) of each function: braces stand alone in column 1."""
    start = None
    for i, line in enumerate(lines):
        if line == '{':
            start = i
        elif line.startswith('}') and start is not None:
            yield start + 1, lines[start:i + 1]
            start = None


def check(path):
    text = tree.read(path)
    if tree.is_generated(text):
        return
    lines = text.split('\n')
    if len(lines) > FILE_LINES + 1:
        yield f'{path}: {len(lines) - 1} lines, at most {FILE_LINES}'
    for i, line in enumerate(lines):
        if len(line) > COLUMNS:
            yield f'{path}:{i + 1}: {len(line)} columns, at most {COLUMNS}'
    if path.endswith('.c'):
        for start, body in functions(lines):
            from_table = any(l.startswith('#include') and '.def"' in l for l in body)
            if len(body) > FUNCTION_LINES and not from_table:
                yield f'{path}:{start}: a function of {len(body)} lines, at most {FUNCTION_LINES}'


def main():
    sources = tree.files('.c', '.h', '.py', '.sh', 'meson.build')
    tree.report([c for p in sources for c in check(p)], sources)


if __name__ == '__main__':
    main()
