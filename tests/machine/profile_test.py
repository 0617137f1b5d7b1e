#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Profiles from outside: of blocks that are left at their head, and outputs that cannot be written.

profile_test.py ADDEND [unittest arguments]"""
import json
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), 'log'))
import raw  # noqa: E402

ADDEND = sys.argv[1]
ROUNDS = 100000


def faulting_guest():
    """A loop of ten instructions whose first one, a load, faults; the handler steps over it. Its head, the handler."""
    image = raw.Image()
    handler = raw.BASE + 0x1000
    image.load(5, handler)
    image.csrw(raw.CSRS['mtvec'], 5)
    image.load(9, ROUNDS)
    image.load(18, 0x40)
    head = image.at
    image.word(18 << 15 | 2 << 12 | 17 << 7 | 0x03)  # lw a7, 0(s2)
    for _ in range(7):
        image.word(0x00150513)  # addi a0, a0, 1
    image.word(0xfff48493)  # addi s1, s1, -1
    image.word(0xfc049ee3)  # bnez s1, head
    image.exit()
    image.at = handler
    image.word(raw.CSRS['mepc'] << 20 | 2 << 12 | 6 << 7 | 0x73)  # csrr t1, mepc
    image.word(0x00430313)  # addi t1, t1, 4
    image.csrw(raw.CSRS['mepc'], 6)
    image.word(0x30200073)  # mret
    return image, head, handler


class ProfileTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.image, self.head, self.handler = faulting_guest()
        self.guest = self.path('guest')
        with open(self.guest, 'wb') as f:
            f.write(self.image.bytes)

    def tearDown(self):
        self.folder.cleanup()

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def guest_run(self, *options, status=0):
        command = [ADDEND, '-bios', 'none', '-kernel', self.guest, '-nographic', '--timeout', '30', *options]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=60)
        self.assertEqual(done.returncode, status, done.stderr)
        return done

    def test_blocks_that_fault_at_their_head(self):
        hot = self.path('hot.json')
        for accel in ('interp', 'baseline', 'baseline,warm=1'):
            self.guest_run('-accel', accel, f'--hot=1000,file={hot}')
            with open(hot, encoding='utf-8') as f:
                data = json.load(f)
            with self.subTest(accel=accel):
                rows = {int(b['pc'], 16): b for b in data['blocks']}
                self.assertEqual(sum(b['instructions'] for b in data['blocks']), data['instructions'])
                self.assertAlmostEqual(sum(b['percent'] for b in data['blocks']), 100, delta=0.01)
                first = data['blocks'][0]
                self.assertEqual(int(first['pc'], 16), self.head + 4)
                self.assertEqual((first['instructions'], first['executions']), (9 * ROUNDS, ROUNDS))
                self.assertEqual(first['block_instructions'], 9)
                handler = [b['instructions'] for pc, b in rows.items() if 0 <= pc - self.handler < 16]
                self.assertEqual(sum(handler), 4 * ROUNDS)
                self.assertNotIn(self.head, rows)  # nothing of it ever retired

    @unittest.skipUnless(os.path.exists('/dev/full'), 'there is no /dev/full')
    def test_one_output_that_cannot_be_written(self):
        forms = {'flame': '--flame={}', 'timeline': '--timeline={}', 'hot': '--hot=3,file={}', 'mix': '--mix={}'}
        paths = {name: self.path(name + ('.svg' if name == 'flame' else '.json')) for name in forms}
        for full in forms:
            options = [form.format(paths[name]) for name, form in forms.items()]
            for name, path in paths.items():
                if os.path.lexists(path):
                    os.remove(path)
                if name == full:
                    os.symlink('/dev/full', path)
            done = self.guest_run('-accel', 'interp', *options, status=1)
            with self.subTest(full=full):
                self.assertIn(f'--{full} {paths[full]}: No space left'.encode(), done.stderr)
                self.assertEqual(done.stderr.count(b'\n'), 1, done.stderr)
                self.assertEqual([name for name in forms if not os.path.getsize(paths[name])], [full])


if __name__ == '__main__':
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
