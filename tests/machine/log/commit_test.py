#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""--log-commits and -l write the lines that Spike writes (spike.cases), each from a guest made for it.

commit_test.py ADDEND CASES"""
import re
import struct
import subprocess
import sys
import tempfile

import raw

SETUP, EXIT = raw.BASE + 0x4000, raw.BASE + 0x5000
INSN = re.compile(r'core   0: (?:3 |exception \S+ epc )0x(?P<pc>[0-9a-f]{16})(?: \(0x(?P<bits>[0-9a-f]+)\))?')


def read_cases(path):
    with open(path, encoding='utf-8') as f:
        for n, line in enumerate(f, 1):
            line = line.rstrip('\n')
            if line and not line.startswith('#'):
                setup, _, lines = line.partition('=> ')
                yield n, setup.split(), lines.split(' | ')


def set_state(image, words):
    """Memory at once; then CSRs, f registers and x registers, in that order, as each needs those behind it."""
    items = dict(w.split('=') for w in words if not w.endswith(':'))
    for name, value in items.items():
        if name.startswith('['):
            image.put(int(name[1:-1], 16), struct.pack('<Q', int(value, 0)))
    image.load(30, 0x6000)
    image.csrw(0x300, 30)
    for name, value in items.items():
        if name[0] == 'f':
            image.load(30, int(value, 0))
            image.word(0xf2 << 24 | 30 << 15 | int(name[1:]) << 7 | 0x53)  # fmv.d.x
    for name, value in items.items():
        if name in raw.CSRS:
            image.load(30, int(value, 0))
            image.csrw(raw.CSRS[name], 30)
    for name, value in items.items():
        if re.fullmatch(r'x\d+', name) and name != 'x0':
            image.load(int(name[1:]), int(value, 0))


def make_guest(words, lines):
    found = INSN.match(lines[0])
    pc, bits = int(found['pc'], 16), found['bits']
    image = raw.Image()
    if pc < raw.BASE:  # of the reset vector, which is there
        image.at = raw.BASE
        image.exit()
        return image
    if not bits:
        bits = re.search(r'tval 0x0*([0-9a-f]+)', lines[1])[1]
    image.at = SETUP
    set_state(image, words)
    image.jump(pc)
    image.at = EXIT
    image.exit()
    data = struct.pack('<I', int(bits, 16))[:len(bits) // 2 if len(bits) == 4 else 4]
    image.put(pc, data)
    image.put(pc + len(data), struct.pack('<I', raw.jal(EXIT - pc - len(data))))
    image.put(raw.BASE + 0x400, struct.pack('<I', raw.jal(EXIT - raw.BASE - 0x400)))
    return image


def run(addend, folder, image, entry, options):
    kernel, log = f'{folder}/guest', f'{folder}/log'
    with open(kernel, 'wb') as f:
        f.write(image.bytes)
    line = [addend, '-bios', 'none', '-device', f'loader,file={kernel},addr=0x80000000,force-raw=on',
            *entry, '-nographic', '--timeout', '20', '--instructions', '10000',
            *options, '--log', log]
    done = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode:
        sys.exit(f'{" ".join(line)}: status {done.returncode}\n{done.stderr.decode()}')
    with open(log, encoding='ascii') as f:
        return f.read().split('\n')


def main():
    addend, cases = sys.argv[1:]
    failed = checked = 0
    with tempfile.TemporaryDirectory() as folder:
        for n, words, lines in read_cases(cases):
            traps = words[:1] == ['-l:']
            image = make_guest(words, lines)
            entry = [] if '0x00000000000010' in lines[0] else ['-device', f'loader,addr={SETUP:#x},cpu-num=0']
            got = run(addend, folder, image, entry, ['--log-commits'] + (['-l'] if traps else []))
            pc = INSN.match(lines[0])['pc']
            at = next((i for i, line in enumerate(got) if line.startswith(lines[0][:20]) and pc in line), None)
            if at is None or got[at:at + len(lines)] != lines:
                print(f'{cases}:{n}: expected\n  ' + '\n  '.join(lines) + '\nbut Addend logs')
                print('  ' + '\n  '.join(got[at:at + len(lines)] if at is not None else ['nothing there']))
                failed += 1
            checked += 1
            if traps and any(line.startswith('core   0: 3') and pc in line for line in got):
                print(f'{cases}:{n}: an instruction that trapped was committed')
                failed += 1
    print(f'{checked} cases, {failed} failed')
    sys.exit(failed > 0 or not checked)


main()
