#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""--trace-insns and addend trace from outside: what is in a trace, and what is said of files that are none.

trace_test.py ADDEND [unittest arguments]"""
import os
import random
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest

import raw

ADDEND = sys.argv[1]
ROUNDS = 100


def counting_guest():
    """li t0, ROUNDS; 1: jal 2f; bnez t0, 1b; exit; 2: addi t0, t0, -1; sd t0, 0(a0); ret"""
    image = raw.Image()
    image.load(10, raw.BASE + 0x8000)
    image.word(ROUNDS << 20 | 5 << 7 | 0x13)
    loop = image.at
    image.word(raw.jal(0x1000 - (loop - raw.BASE), 1))
    image.word(0xfe029ee3)  # bnez t0, loop
    image.exit()
    image.at = raw.BASE + 0x1000
    image.word(0xfff28293)  # addi t0, t0, -1
    image.word(raw.store64(5, 10))
    image.word(0x00008067)  # ret
    return image, loop


class TraceTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.image, self.loop = counting_guest()
        self.guest, self.trace = self.path('guest'), self.path('trace.zst')
        with open(self.guest, 'wb') as f:
            f.write(self.image.bytes)

    def tearDown(self):
        self.folder.cleanup()

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def run_addend(self, *words, status=0):
        done = subprocess.run([ADDEND, *words], stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=60)
        self.assertEqual(done.returncode, status, done.stderr)
        return done

    def guest_run(self, *options, status=0):
        return self.run_addend('-bios', 'none', '-kernel', self.guest, '-nographic', '--timeout', '30', *options,
                               status=status)

    def record(self, form='', *options):
        self.guest_run('--trace-insns', self.trace + form, *options)
        return self.run_addend('trace', self.trace).stdout.decode().splitlines()

    def damaged(self, data):
        with open(self.trace, 'wb') as f:
            f.write(data)
        done = subprocess.run([ADDEND, 'trace', self.trace], capture_output=True, check=False, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr.count(b'\n'), 1, done.stderr)
        self.assertIn(b'addend: trace: ' + self.trace.encode(), done.stderr)
        return done.stderr.decode()

    def test_every_instruction_is_there(self):
        lines = self.record()
        body = [line for line in lines if f'{raw.BASE + 0x1000:016x}' in line]
        self.assertEqual(len(body), ROUNDS)
        self.assertEqual(body[0], f'0 {raw.BASE + 0x1000:016x} fff28293 addi t0,t0,-1')
        self.assertEqual(len(self.record(',format=text')), len(lines))
        self.assertEqual(self.record(',format=text'), lines)

    def test_values(self):
        lines = self.record(',regs=on,mem=on')
        stores = [line.split()[-1] for line in lines if ' sd t0' in line]
        self.assertEqual(stores, [f'store[{raw.BASE + 0x8000:#018x}]:8={n:#018x}' for n in range(ROUNDS - 1, -1, -1)])
        adds = [line.split()[-1] for line in lines if ' addi t0,t0,-1' in line]
        self.assertEqual(adds[:2], [f't0={ROUNDS - 1:#018x}', f't0={ROUNDS - 2:#018x}'])
        self.assertNotIn('store[', '\n'.join(self.record(',regs=on')))
        self.assertNotIn('t0=', '\n'.join(self.record(',mem=on')))
        self.assertEqual(self.record(',regs=on,mem=on,format=text'), lines)

    def test_ranges(self):
        whole = self.record()
        first = next(i for i, line in enumerate(whole) if f'{raw.BASE + 0x1004:016x}' in line)
        self.assertEqual(self.record(f',start={raw.BASE + 0x1004:#x}'), whole[first:])
        self.assertEqual(self.record(f',start={raw.BASE + 0x1004:#x},skip=3,count=9'), whole[first + 3:first + 12])
        self.assertEqual(self.record(f',stop={raw.BASE + 0x1004:#x}'), whole[:first])
        self.assertEqual(self.record(f',start={raw.BASE + 0x1004:#x},count=5,regs=on')[0].split()[1],
                         f'{raw.BASE + 0x1004:016x}')
        inside = self.record('', '-dfilter', f'{raw.BASE + 0x1004:#x}+8')
        self.assertEqual(inside, [line for line in whole if f'{raw.BASE + 0x1004:016x}' in line or
                                  f'{raw.BASE + 0x1008:016x}' in line])

    def test_a_start_behind_more_blocks_than_a_chunk_has_bytes(self):
        far = 300000  # instructions that run once; with values each is a block
        self.image = raw.Image(4 * far + 0x100)
        self.image.bytes[:4 * far] = struct.pack('<I', 0x00150513) * far  # addi a0, a0, 1
        start = self.image.at = raw.BASE + 4 * far
        self.image.word(0x00150513)
        self.image.exit()
        with open(self.guest, 'wb') as f:
            f.write(self.image.bytes)
        lines = self.record(f',start={start:#x},regs=on')
        self.assertEqual(lines[0].split(), ['0', f'{start:016x}', '00150513', 'addi', 'a0,a0,1', f'a0={far + 1:#018x}'])
        self.assertEqual(self.record(f',start={start:#x},regs=on,format=text'), lines)
        self.assertEqual(self.record(',regs=on', '-dfilter', f'{start:#x}+4'), lines[:1])

    def test_harts(self):
        with open(self.guest, 'wb') as f:
            f.write(struct.pack('<I', raw.jal(0)))
        for form, harts in [('', {'0', '1'}), (',harts=1', {'1'}), (',harts=0-1,regs=on', {'0', '1'})]:
            self.guest_run('-smp', '2', '-icount', '0', '--trace-insns', self.trace + form, '--instructions', '100000',
                           status=124)
            lines = self.run_addend('trace', self.trace).stdout.decode().splitlines()
            self.assertEqual({line.split()[0] for line in lines}, harts)

    def test_damage(self):
        self.record(',regs=on,mem=on')
        with open(self.trace, 'rb') as f:
            good = f.read()
        self.assertIn('cut short', self.damaged(good[:len(good) // 2]))
        self.assertIn('cut short', self.damaged(good[:-1]))
        self.assertIn('no trace', self.damaged(b'nothing of the kind'))
        rng = random.Random(1)
        for _ in range(60):
            bad = bytearray(good)
            bad[rng.randrange(len(bad))] ^= 1 << rng.randrange(8)
            self.damaged(bad)

    def test_malicious_records(self):
        zstd = self.zstd()
        header = struct.pack('<8sIIII', b'ADDENDIT', 1, 0, 1, 0)
        values = struct.pack('<8sIIII', b'ADDENDIT', 1, 7, 1, 0)
        end = struct.pack('<IIQ', 2**32 - 1, 8, 0)

        def chunk(*data, hart=0):
            return struct.pack('<II', hart, len(data)) + bytes(data)
        block = [0, 1, 1, 0x80, 0x10, 1, 0x13, 0, 0, 0]
        third = [0, 1, 3, *block[3:]]
        zero = [0, 1, 0, *block[3:]]
        with open(self.trace, 'wb') as f:
            f.write(zstd(header + chunk(*zero, 1, *block, 2, *zero, 1) + end[:8] + struct.pack('<Q', 3)))
        self.assertEqual(len(self.run_addend('trace', self.trace).stdout.splitlines()), 3)
        cases = [header, header + chunk(5) + end, header + chunk(0) + end, header + chunk(0, 9) + end,
                 header + chunk(1, hart=7) + end, header + struct.pack('<II', 0, 2**31) + end,
                 header + chunk(0, 1, 1, 0, 0) + end, header + chunk(0, 1, 1, 0, 65) + end,
                 header + chunk(0, 1, 255, 255, 255, 255, 127, 0, 1) + end, header + chunk(*block, 2) + end,
                 header + chunk(*block, 0, 2, 1, 1, 1) + end, header + chunk(*block, 0, 2, 1, 0, 0) + end,
                 header + chunk(*block, 0, 2, 1, 255, 255, 255, 255, 15, 1) + end,
                 header + chunk(*([255] * 12)) + end, header + end + b'x', header + end[:-1],
                 header + chunk(*third) + end, header + chunk(*block, *third) + end,
                 header + chunk(*block, *block) + end, header + chunk(*block, 0, 4, *block, 0, 4, *third) + end,
                 header + chunk(0, 1, 0xf0, 0xfe, 15, *block[3:]) + end,
                 values + chunk(*block, 2) + end, values + chunk(*block, 2, 7) + end,
                 values + chunk(*block, 2, 1, 255, 255, 127, 1) + end, b'ADDENDIT' + bytes(16),
                 struct.pack('<8sIIII', b'ADDENDIT', 2, 0, 1, 0) + end,
                 struct.pack('<8sIIII', b'ADDENDIT', 1, 64, 1, 0) + end,
                 struct.pack('<8sIIII', b'ADDENDIT', 1, 0, 2**31, 0) + end]
        for n, data in enumerate(cases):
            with self.subTest(case=n):
                self.damaged(zstd(data))
        rng = random.Random(2)
        for _ in range(100):
            data = chunk(*block, *(rng.choice([0, 0, 1, 2, 3, 4, rng.randrange(256)]) for _ in range(40)))
            with open(self.trace, 'wb') as f:
                f.write(zstd(rng.choice([header, values]) + data + end))
            done = subprocess.run([ADDEND, 'trace', self.trace], capture_output=True, check=False, timeout=60)
            self.assertIn(done.returncode, (0, 1))

    def zstd(self):
        def pack(data):
            return subprocess.run(['zstd', '-q', '-c'], input=data, capture_output=True, check=True).stdout
        try:
            pack(b'')
        except OSError:
            self.skipTest('there is no zstd')
        return pack

    def test_a_killed_run_leaves_what_can_be_read(self):
        loop = self.path('loop')
        with open(loop, 'wb') as f:
            f.write(struct.pack('<I', raw.jal(0)))
        with subprocess.Popen([ADDEND, '-bios', 'none', '-kernel', loop, '-nographic', '--trace-insns', self.trace],
                              stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as p:
            time.sleep(0.5)
            p.send_signal(signal.SIGKILL)
        done = subprocess.run([ADDEND, 'trace', self.trace], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              check=False, timeout=60)
        self.assertEqual((done.returncode, done.stderr.count(b'\n')), (1, 1))

    def test_what_cannot_be_written(self):
        for option in [['--trace-insns', self.path('no/such')], ['--log-commits', '--log', self.path('no/such')]]:
            done = self.guest_run(*option, status=1)
            self.assertIn(b'cannot write', done.stderr)
            self.assertEqual(done.stderr.count(b'\n'), 1)
        if os.path.exists('/dev/full'):
            for option in [['--trace-insns', '/dev/full'], ['--log-commits', '--log', '/dev/full']]:
                done = self.guest_run(*option, status=1)
                self.assertIn(b'No space left', done.stderr)
        done = self.guest_run('--trace-insns', self.trace + ',start=nowhere', status=1)
        self.assertIn(b'nowhere is neither', done.stderr)
        self.assertIn(b'No such file', self.run_addend('trace', self.path('absent'), status=1).stderr)


if __name__ == '__main__':
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
