#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""tools/guests/linux/initramfs.py: what a manifest's lines put into the image.

usage: initramfs_test.py INITRAMFS_PY"""
import os
import stat
import struct
import subprocess
import sys
import tempfile
import unittest

SCRIPT = sys.argv[1]


def dynamic_elf(interpreter, libraries):
    """An ELF64 image that names an interpreter and libraries, and has nothing else in it."""
    strings = b'\0'
    tags = []
    for name in libraries:
        tags.append((1, len(strings)))
        strings += name.encode() + b'\0'
    at = 64 + 3 * 56
    interp = interpreter.encode() + b'\0'
    dynamic = at + len(interp)
    length = (len(tags) + 2) * 16
    base = 0x10000
    tags += [(5, base + dynamic + length), (0, 0)]
    body = interp + b''.join(struct.pack('<QQ', *t) for t in tags) + strings
    header = b'\x7fELF\x02\x01' + bytes(26) + struct.pack('<Q', 64) + bytes(14) + struct.pack('<HH', 56, 3) + bytes(6)

    def segment(kind, offset, size):
        return struct.pack('<IIQQQQQQ', kind, 4, offset, base + offset, base + offset, size, size, 1)
    table = segment(3, at, len(interp)) + segment(1, 0, at + len(body)) + segment(2, dynamic, length)
    return header + table + body


def entries(image):
    """{name: (mode, content, device numbers)} of a newc archive."""
    found, at = {}, 0
    while True:
        assert image[at:at + 6] == b'070701'
        n = [int(image[at + 6 + 8 * i:at + 14 + 8 * i], 16) for i in range(13)]
        name = image[at + 110:at + 110 + n[11] - 1].decode()
        data = (at + 110 + n[11] + 3) & ~3
        if name == 'TRAILER!!!':
            return found
        found[name] = n[1], image[data:data + n[6]], (n[9], n[10])
        at = (data + n[6] + 3) & ~3


class Initramfs(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def file(self, name, content, mode=0o644):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'wb') as f:
            f.write(content)
        os.chmod(path, mode)

    def build(self, manifest):
        self.file('manifest', manifest.encode())
        out = os.path.join(self.folder, 'out')
        done = subprocess.run([sys.executable, SCRIPT, os.path.join(self.folder, 'pool'),
                               os.path.join(self.folder, 'manifest'), out], capture_output=True, check=False)
        if done.returncode:
            return done.stderr.decode()
        with open(out, 'rb') as f:
            return f.read()

    def test_every_kind_of_line(self):
        self.file('pool/usr/share/x/a', b'aaa')
        self.file('pool/usr/share/x/sub/b', b'b', 0o755)
        self.file('beside', b'script', 0o755)
        image = self.build('tree usr/share/x # comment\n\nfile init beside\nlink bin usr/bin\ndir proc\n'
                           'node dev/null 1 3\n')
        self.assertEqual(len(image) % 512, 0)
        found = entries(image)
        self.assertEqual(found['usr/share/x/a'], (stat.S_IFREG | 0o644, b'aaa', (0, 0)))
        self.assertEqual(found['usr/share/x/sub/b'], (stat.S_IFREG | 0o755, b'b', (0, 0)))
        self.assertEqual(found['init'], (stat.S_IFREG | 0o755, b'script', (0, 0)))
        self.assertEqual(found['bin'], (stat.S_IFLNK | 0o777, b'usr/bin', (0, 0)))
        self.assertEqual(found['dev/null'], (stat.S_IFCHR | 0o600, b'', (1, 3)))
        for name in 'usr', 'usr/share', 'usr/share/x/sub', 'proc', 'dev':
            self.assertEqual(found[name], (stat.S_IFDIR | 0o755, b'', (0, 0)))
        self.assertEqual(list(found), sorted(found))

    def test_program_brings_its_libraries(self):
        self.file('pool/usr/lib/ld.so', b'no ELF file', 0o755)
        self.file('pool/usr/lib/riscv64-linux-gnu/libb.so.1.2', dynamic_elf('/lib/ld.so', []))
        os.symlink('libb.so.1.2', os.path.join(self.folder, 'pool/usr/lib/riscv64-linux-gnu/libb.so.1'))
        self.file('pool/usr/lib/liba.so', dynamic_elf('/lib/ld.so', ['libb.so.1']))
        self.file('pool/usr/bin/program', dynamic_elf('/lib/ld.so', ['liba.so', 'libb.so.1']), 0o755)
        self.assertEqual({n for n, e in entries(self.build('elf usr/bin/program\n')).items() if not stat.S_ISDIR(e[0])},
                         {'usr/bin/program', 'usr/lib/ld.so', 'usr/lib/liba.so',
                          'usr/lib/riscv64-linux-gnu/libb.so.1', 'usr/lib/riscv64-linux-gnu/libb.so.1.2'})

    def test_what_is_missing_is_named(self):
        self.file('pool/usr/bin/program', dynamic_elf('/lib/ld.so', []))
        self.assertIn('usr/bin/program needs ld.so', self.build('elf usr/bin/program\n'))
        self.assertIn('usr/bin/absent', self.build('elf usr/bin/absent\n'))
        self.assertIn('unknown line: copy a', self.build('copy a\n'))


if __name__ == '__main__':
    unittest.main(argv=[sys.argv[0]])
