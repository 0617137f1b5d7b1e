#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""command_test.py ADDEND CASE: addend ir as a person uses it: what it prints, and its errors, each one line."""
import re
import subprocess
import sys

ADDEND, CASE = sys.argv[1:]
TEXT = open(CASE).read()
CODE = 'code 0x1000\nblock b0 +0x0 entry insns=1 {\n  insn +0x0 len=4 bits=0x0\n  %s\n  jump +0x4\n}\n'
failed = []


def call(text, *argv, status=0):
    r = subprocess.run([ADDEND, 'ir', *argv], input=text, capture_output=True, text=True, timeout=60)
    if r.returncode != status:
        failed.append(f'{argv}: status {r.returncode}: {r.stdout}{r.stderr}')
    return r


def says(pattern, text, *argv, status=0):
    r = call(text, *argv, status=status)
    if not re.search(pattern, r.stdout, re.M):
        failed.append(f'{argv}: no {pattern} in:\n{r.stdout}{r.stderr}')


def refuses(pattern, text, *argv):
    r = call(text, *argv, status=1)
    if not re.fullmatch(f'addend: .*{pattern}.*\n', r.stderr):
        failed.append(f'{argv}: no {pattern} in: {r.stderr}')


def runs():
    says(r'^eval: 10 instructions, left the code at 0x80000010\n  a0 0x5 -> 0xb\n', TEXT, 'run', '-')
    says(r'^  mem 0x80001000: 00 -> 0b$', TEXT, 'run', '-')
    says(r'^jit: 10 instructions, left the code at 0x80000010, as the evaluator$', TEXT, 'run', '-', '--accel', 'all')
    says(r'^interp: 10 ', TEXT, 'run', '-', '--accel', 'interp')
    says(r'a0 0x9 -> 0xd$', TEXT, 'run', '-', '--set', 'reg a0 = 9', '--set', 'reg a2 = 2', status=1)
    says(r'register a0 is 0x7, expected 0x8', TEXT + ';; left = 3\n;; expect a0 = 8\n', 'run', '-', status=1)
    says(r'^eval: 0 instructions, stopped before a fault at 0x1000 \(no such RAM, load 0x0\)$',
         CODE % 'v1 = const 0x0\n  v2 = ld64 v1, 0x0', 'run', '-')
    says(r'differs from the evaluator: the byte at 0x80001000 is 0x00 and not 0x0b', TEXT, 'run', '-', '--accel', 'all',
         '--plant', 'baseline:st64:imm', status=1)


def passes():
    says(r'^; -  v11 = get r12$', TEXT, 'opt', '-', '--print-changed')
    says(r'^; --- fold: no change$', TEXT, 'opt', '-', '--print-changed')
    says(r'^; verified$', TEXT, 'opt', '-', '--verify')
    says(r'^; wrong: behind fold, from ', TEXT, 'opt', '-', '--verify', '--plant', 'fold:add', status=1)
    assert 'v11 = get r12' in call(TEXT, 'opt', '-', '--passes', 'none').stdout
    assert 'v11 = get r12' not in call(TEXT, 'opt', '-', '--passes', 'state').stdout
    once = call(TEXT, 'opt', '-', '--print-changed').stdout # comments and all, it is IR
    twice = call(once, 'opt', '-').stdout
    if twice != call(TEXT, 'opt', '-').stdout:
        failed.append('passes do not end: ' + twice)
    says(r'^code 0x80000000$', TEXT, 'opt', '-', '--print-after-all')


def compiles():
    says(r'^region 0x80000000: 2 blocks, 4 guest instructions, \d+ bytes, 1 entries', TEXT, 'compile', '-')
    says(r'^0x0+:  \w+ ', TEXT, 'compile', '-')
    says(r'^GIMPLE:\n', TEXT, 'compile', '-', '--gimple', '-O', '2')
    says(r'^baseline 0x8000000c: 1 guest instructions, ', TEXT, 'compile', '-', '--tier', 'baseline')


def logs():
    log = ('IN: main\n0x1000: nop\n\nOP: 0x0000000000001000 main\n' + (CODE % 'fence').split('\n', 1)[1] +
           '\nOP: 0x0000000000002000 f\n' + (CODE % 'fence').split('\n', 1)[1] + '\nOUT: [size=3]\n')
    assert call(log, 'opt', '-').stdout.count('code 0x') == 2
    says('^code 0x2000$', log, 'opt', '-', '--at', '0x2000')
    says('^eval: 1 instructions, left the code at 0x2004', log, 'run', '-', '--at', '0x2000')
    refuses('-: 2 pieces of code: choose one with --at ADDRESS', log, 'run', '-')
    refuses('-: no code at 0x3000', log, 'opt', '-', '--at', '0x3000')
    wrong = log[::-1].replace('ecnef', 'ecnaf', 1)[::-1] # the last one
    refuses("line 14: unknown op 'fance'", wrong, 'opt', '-')


def errors():
    refuses('nowhere.ir: No such file', '', 'run', 'nowhere.ir')
    refuses('there is no IR in it', 'hello\n', 'run', '-')
    refuses("line 4: unknown op 'frob'", CODE % 'frob', 'run', '-')
    refuses("line 1: there is no register 'q1'", ';; reg q1 = 5\n' + CODE % 'fence', 'run', '-')
    refuses("line 1: '0x' is no number", ';; pc = 0x\n' + CODE % 'fence', 'run', '-')
    refuses("line 2: '100' is no byte", '\n;; mem 0x1000 = 100\n' + CODE % 'fence', 'run', '-')
    refuses("line 1: there is no 'color'", ';; color = 5\n' + CODE % 'fence', 'run', '-')
    refuses('line 1: RAM is pages', ';; ram 0x10 0x10\n' + CODE % 'fence', 'run', '-')
    refuses('reaches the last page', ';; mem 0xffffffffffffffff = 00\n' + CODE % 'fence', 'run', '-')
    refuses('no block begins at the pc 0x5', CODE % 'fence', 'run', '-', '--set', 'pc = 5')
    refuses("--set 'x': 'x' is not understood", CODE % 'fence', 'run', '-', '--set', 'x')
    refuses('block b0: v1 = add v0, v0: ', CODE % 'v1 = add v0, v0', 'opt', '-')
    refuses('block b0: no insn op', 'code 0x0\nblock b0 +0x0 entry insns=0 {\n  jump b0\n}\n', 'run', '-')
    refuses('jmpind needs an even address', (CODE % 'v1 = get r1').replace('jump +0x4', 'jmpind v1'), 'run', '-')
    refuses("--passes: 'x' is none of ", CODE % 'fence', 'opt', '-', '--passes', 'x')
    refuses("plant: there is no IR op 'frob'", CODE % 'fence', 'run', '-', '--plant', 'region:frob')
    refuses('plant: jump cannot have the fault imm', CODE % 'fence', 'run', '-', '--plant', 'fold:jump')
    refuses("plant: 'x' is none of interp", CODE % 'fence', 'run', '-', '--plant', 'x:add')
    refuses("plant: 'region' is not PLACE:OP", CODE % 'fence', 'run', '-', '--plant', 'region')


for test in runs, passes, compiles, logs, errors:
    test()
print('\n'.join(failed) or 'all is as it should be')
sys.exit(bool(failed))
