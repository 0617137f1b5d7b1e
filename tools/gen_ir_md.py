#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes docs/ir.md, the table of IR operations, from ir/ops.def.

gen_ir_md.py OPS_DEF IR_MD          writes IR_MD
gen_ir_md.py --check OPS_DEF IR_MD  fails if IR_MD is not what would be written
"""
import re
import sys

HEAD = """<!-- Made from ir/ops.def by tools/gen_ir_md.py; do not edit. -->
# IR operations

`ir/ir.h` explains blocks, values, edges and exact state; `ir_eval` in `ir/eval.c` defines every op. Values
are 64-bit. "32" ops of integers use the low halves of their operands and sign-extend a 32-bit result;
floating-point ones work on NaN-boxed singles.

Flags: P pure, C commutative, R reads memory, W writes memory, F may fault or leave (exact state), T ends the
block, X rounds or raises floating-point flags.

| op | flags | meaning |
|---|---|---|
"""
LETTERS = {'PURE': 'P', 'COMM': 'C', 'READ': 'R', 'WRITE': 'W', 'FAULT': 'F', 'TERM': 'T', 'FP': 'X'}
ROW = re.compile(r'^OP\((\w+), "([^"]*)", ([01]), "([^"]*)", ([^"]*),\s*"([^"]*)"\)', re.MULTILINE)
EDGES = {'jump': ['edge'], 'jmpind': []}


def synopsis(text, result, args):
    """One line of IR text, as print.c writes it."""
    values = iter('abc')
    operands = [next(values) if c == 'v' else {'r': 'reg', 'i': 'imm'}[c] for c in args]
    front = ''
    if text == 'insn':
        return 'insn pc len=bytes bits=code'
    if text == 'sys' or text.startswith('amo'):
        front = ' helper' if text == 'sys' else ' kind'
        operands.remove('imm')
    if text.startswith('br.'):
        operands += ['edge 0', 'edge 1']
    operands += EDGES.get(text, [])
    tail = ' [guesses]' if text == 'jmpind' else ''
    return ('v = ' if result else '') + text + front + (' ' + ', '.join(operands) if operands else '') + tail


def table(source):
    rows = ROW.findall(source)
    if len(rows) != len(re.findall(r'^OP\(', source, re.MULTILINE)):
        sys.exit('gen_ir_md.py: a row of ops.def has an unknown form')
    lines = []
    for _, text, result, args, flags, meaning in rows:
        letters = ''.join(LETTERS[name] for name in re.findall(r'IRF_(\w+)', flags))
        meaning = meaning.replace('|', '\\|')
        lines.append(f'| `{synopsis(text, result == "1", args)}` | {letters} | {meaning} |\n')
    return HEAD + ''.join(lines)


def main():
    args = sys.argv[1:]
    check = args[:1] == ['--check']
    if check:
        args = args[1:]
    if len(args) != 2:
        sys.exit(__doc__)
    with open(args[0], encoding='utf-8') as f:
        text = table(f.read())
    if not check:
        with open(args[1], 'w', encoding='utf-8') as f:
            f.write(text)
        return
    with open(args[1], encoding='utf-8') as f:
        if f.read() != text:
            sys.exit(f'{args[1]} is out of date: run tools/gen_ir_md.py {args[0]} {args[1]}')


main()
