#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""reduce_test.py ADDEND GUEST.elf...: planted faults of all shapes are found, reduced and blamed on the right one."""
import os
import re
import subprocess
import sys
import tempfile

# guest, fault, who gets the blame, the op that is named, most instructions of the case
PLANTS = [
    ('sha256', 'region:ror32', 'emitter', r'= ror32 ', 1),                # wrong operand
    ('sha256', 'region:add32', 'emitter', r'= add32 ', 2),                # lost sign extension
    ('sha256', 'baseline:xor', 'stencil', r'= xor ', 1),
    ('sha256', 'fold:and', 'pass fold', r'= and ', 2),
    ('sha256', 'unpeel:add', 'pass unpeel', r'= add ', 2),
    ('sha256', 'region:put:drop:5', 'emitter', r'^put ', 9),              # one put lost of many
    ('qsort', 'region:br.lt', 'emitter', r'^br\.lt ', 3),                 # a branch's bound
    ('qsort', 'baseline:br.eq', 'stencil', r'^br\.eq ', 1),               # a branch turned round
    ('qsort', 'baseline:srl', 'stencil', r'= srl ', 1),                   # the wrong fill
    ('qsort', 'region:sub', 'emitter', r'= sub ', 1),                     # swapped operands
    ('qsort', 'dce:sub', 'pass dce', r'= sub ', 1),
    ('qsort', 'state:put', 'pass state', r'^put ', 1),                    # a put dropped that was needed
    ('nbody', 'region:fsub64', 'emitter', r'= fsub64 ', 4),               # floating point
    ('nbody', 'baseline:ld64', 'stencil', r'= ld64 ', 1),                 # a load too narrow
    ('nbody', 'baseline:add:imm', 'stencil', r'= add ', 2),               # a wrong immediate
    ('copies', 'widen:st64:imm', 'pass widen', r'', 9),                   # an op that only the pass makes
    ('copies', 'baseline:st8:imm', 'stencil', r'^st8 ', 1),               # a store beside its place
    ('bits', 'region:sext8', 'emitter', r'= sext8 ', 1),                  # the wrong extension
    ('bits', 'baseline:const', 'stencil', r'= const ', 1),                # a wrong constant
]
ACCEL = 'check,threshold=300,sync=on'


def call(*argv):
    return subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=200, errors='replace')


def check(addend, guest, plant, part, op, most, path):
    """What is wrong with how this fault is found, or None."""
    result = call(addend, 'blocks', 'reduce', '-o', path, '-accel', f'{ACCEL},plant={plant}', guest)
    if result.returncode != 1:
        return f'status {result.returncode}, not found: {result.stderr}'
    reduced = re.search(r'reduced to (\d+) instructions', result.stderr)
    blame = re.search(r'^addend: wrong: ([^,:]+)(?:, (.*?))?: ', result.stderr, re.M)
    if not reduced or int(reduced[1]) > most or most > 9:
        return f'not small: {result.stderr}'
    if not blame or blame[1] != part or not re.search(op, blame[2] or ''):
        return f'not {part}, {op}: {result.stderr}'
    case = open(path).read()
    if f'; Wrong: {part}' not in case or plant not in case:
        return f'the case does not say it:\n{case}'
    replay = re.search(r'^; Replay: addend (.*)$', case, re.M)[1].split()
    again, right = call(addend, *replay), call(addend, *replay[:-2])
    if again.returncode != 1 or 'differs from the evaluator' not in again.stdout:
        return f'the case does not fail: {again.stdout}{again.stderr}'
    if right.returncode:
        return f'the case fails without the fault: {right.stdout}{right.stderr}{case}'
    return None


def nothing_wrong(addend, guest):
    result = call(addend, 'blocks', 'reduce', '-accel', ACCEL, guest)
    if result.returncode or not re.search(r'addend: no difference in [1-9]\d* instructions', result.stderr):
        return f'without a fault: status {result.returncode}: {result.stderr}'
    return None


def main():
    addend, *guests = sys.argv[1:]
    named = {os.path.basename(g).removesuffix('.elf'): g for g in guests}
    complaints = [nothing_wrong(addend, named['bits'])]
    with tempfile.TemporaryDirectory() as folder:
        for guest, plant, *want in PLANTS:
            wrong = check(addend, named[guest], plant, *want, os.path.join(folder, 'case.ir'))
            print(f'{guest} {plant}: {wrong or "found"}', flush=True)
            complaints.append(wrong)
    sys.exit(any(complaints))


if __name__ == '__main__':
    main()
