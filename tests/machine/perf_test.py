#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""perf_test.py ADDEND GUEST - -perfmap and -jitdump: the files themselves, and what Linux' perf makes of them. GUEST is
tests/guest/perf_guest.c."""
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

ADDEND, GUEST = None, None
HOT = 'mix'  # the function of GUEST that takes most of the time
PERF = shutil.which('perf')


def addend(folder, *options, guest=None):
    """Runs the guest in that folder; its process id."""
    env = {**os.environ, 'ADDEND_CACHE_DIR': ''}
    process = subprocess.Popen([ADDEND, *options, guest or GUEST], cwd=folder, env=env, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL)
    if process.wait(60):
        raise AssertionError(f'addend ended with status {process.returncode}')
    return process.pid


def perf(folder, *arguments):
    env = {**os.environ, 'ADDEND_CACHE_DIR': '', 'HOME': str(folder), 'LC_ALL': 'C'}
    return subprocess.run([PERF, *arguments], cwd=folder, env=env, stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=120, check=False, text=True, errors='replace')


def jit_records(data):
    """(id, timestamp, body) of each record of a jitdump."""
    magic, version, size, machine, _, _, _, _ = struct.unpack_from('<IIIIIIQQ', data)
    if (magic, version, size, machine) != (0x4a695444, 1, 40, 62):
        raise AssertionError(f'header: {magic:#x} {version} {size} {machine}')
    at = size
    while at < len(data):
        kind, size, time = struct.unpack_from('<IIQ', data, at)
        if size < 16 or at + size > len(data):
            raise AssertionError(f'record at {at}: kind {kind}, size {size}')
        yield kind, time, data[at + 16:at + size]
        at += size


def debug_entries(body):
    """(address, line, file) of each entry of a debug record."""
    count, at = struct.unpack_from('<Q', body, 8)[0], 16
    for _ in range(count):
        address, line, _ = struct.unpack_from('<QII', body, at)
        end = body.index(0, at + 16)
        yield address, line, body[at + 16:end].decode()
        at = end + 1
    if at != len(body):
        raise AssertionError('bytes behind the last entry')


class Files(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix='addend-perf-')
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)

    def test_map(self):
        pid = addend(self.folder, '-perfmap')
        path = pathlib.Path(f'/tmp/perf-{pid}.map')
        self.addCleanup(path.unlink)
        lines = path.read_text(encoding='ascii').splitlines()
        for line in lines:
            self.assertRegex(line, r'^[0-9a-f]+ [0-9a-f]+ \S.* \[(baseline|region)\]$')
            self.assertGreater(int(line.split()[1], 16), 0)
        for tier in 'baseline', 'region':
            self.assertTrue(any(re.search(rf' {HOT}(\+0x\w+)? \[{tier}\]$', l) for l in lines), tier)

    def test_map_link(self):
        """Whoever puts a link in place of the map has nothing written through it."""
        victim = self.folder / 'victim'
        victim.write_text('mine', encoding='ascii')
        # The shell's process id is addend's.
        script = f'ln -s {victim} /tmp/perf-$$.map && echo $$ > pid && exec "$0" "$@"'
        subprocess.run(['sh', '-c', script, ADDEND, '-perfmap', GUEST], cwd=self.folder, stdin=subprocess.DEVNULL,
                       env={**os.environ, 'ADDEND_CACHE_DIR': ''}, timeout=60, check=True)
        path = pathlib.Path(f'/tmp/perf-{(self.folder / "pid").read_text(encoding="ascii").strip()}.map')
        self.addCleanup(path.unlink)
        self.assertEqual(victim.read_text(encoding='ascii'), 'mine')
        self.assertFalse(path.is_symlink())
        self.assertIn(HOT, path.read_text(encoding='ascii'))

    def test_names_of_several_lines(self):
        guest = self.folder / 'guest.elf'
        data = pathlib.Path(GUEST).read_bytes()
        self.assertIn(f'\0{HOT}\0'.encode(), data)
        guest.write_bytes(data.replace(f'\0{HOT}\0'.encode(), b'\0m\nx\0'))
        pid = addend(self.folder, '-perfmap', '-jitdump', guest=guest)
        path = pathlib.Path(f'/tmp/perf-{pid}.map')
        self.addCleanup(path.unlink)
        text = path.read_text(encoding='ascii')
        self.assertRegex(text, r'(?m)^[0-9a-f]+ [0-9a-f]+ m\?x.* \[region\]$')
        for line in text.splitlines():
            self.assertRegex(line, r'^[0-9a-f]+ [0-9a-f]+ \S.* \[(baseline|region)\]$')
        self.assertIn(b'm?x', (self.folder / f'jit-{pid}.dump').read_bytes())

    def test_dump(self):
        pid = addend(self.folder, '-jitdump')
        records = list(jit_records((self.folder / f'jit-{pid}.dump').read_bytes()))
        listing = (self.folder / f'jit-{pid}.s').read_text(encoding='ascii').splitlines()
        self.assertEqual([kind for kind, _, _ in records].count(3), 1)
        self.assertEqual(records[-1][0], 3)
        names, debug, files = [], {}, set()
        for kind, time, body in records[:-1]:
            self.assertGreater(time, 0)
            if kind == 2:
                address = struct.unpack_from('<Q', body)[0]
                debug[address] = list(debug_entries(body))
                continue
            self.assertEqual(kind, 0)
            number, _, vma, address, size, index = struct.unpack_from('<IIQQQQ', body)
            end = body.index(0, 40)
            self.assertEqual((number, vma, index), (pid, address, len(names)))
            self.assertEqual(len(body), end + 1 + size)
            names.append(body[40:end].decode())
            for entry, line, file in debug.pop(address, []):
                self.assertTrue(address <= entry < address + size)
                files.add(pathlib.Path(file).name)
                if file.endswith('.s'):
                    self.assertRegex(listing[line - 1], r'^0x[0-9a-f]{16}:')
        self.assertFalse(debug, 'lines of code that does not follow')
        self.assertIn('perf_guest.c', files)
        self.assertTrue(any(re.match(rf'{HOT}(\+0x\w+)? \[region\]$', n) for n in names), names)

    def test_cannot_write(self):
        done = subprocess.run([ADDEND, '-jitdump', GUEST], cwd='/proc/self', capture_output=True, timeout=60,
                              check=False)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr.decode(), r'^addend: -jitdump: \S+jit-\d+\.dump: ')


class Perf(unittest.TestCase):
    """perf's own reports."""

    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix='addend-perf-')
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)
        if not PERF:
            self.skipTest('there is no perf (package linux-perf)')
        tried = perf(self.folder, 'record', '-k', '1', '-e', 'cpu-clock', '-o', 'try.data', 'true')
        if tried.returncode:
            self.skipTest(f'perf cannot record here: {tried.stderr.strip().splitlines()[-1:]}')

    def record(self, *options):
        done = perf(self.folder, 'record', '-k', '1', '-e', 'cpu-clock', '-o', 'perf.data', ADDEND, *options, GUEST)
        self.assertEqual(done.returncode, 0, done.stderr)

    def hottest(self, data):
        """(percent, name) by perf report, hottest first."""
        done = perf(self.folder, 'report', '--stdio', '-i', data, '--sort', 'sym')
        rows = re.findall(r'^\s*([\d.]+)%\s+\[.\] (.*?)\s*$', done.stdout, re.M)
        self.assertTrue(rows, done.stdout + done.stderr)
        return [(float(percent), name) for percent, name in rows]

    def test_map(self):
        self.record('-perfmap')
        percent, name = self.hottest('perf.data')[0]
        for path in pathlib.Path('/tmp').glob('perf-*.map'):
            if HOT in path.read_text(encoding='ascii', errors='replace'):
                path.unlink()
        self.assertRegex(name, rf'^{HOT}(\+0x\w+)? \[region\]$')
        self.assertGreater(percent, 30)

    def test_dump(self):
        self.record('-jitdump')
        done = perf(self.folder, 'inject', '--jit', '-i', 'perf.data', '-o', 'jit.data')
        self.assertEqual(done.returncode, 0, done.stderr)
        percent, name = self.hottest('jit.data')[0]
        self.assertRegex(name, rf'^{HOT}(\+0x\w+)? \[region\]$')
        self.assertGreater(percent, 30)

    def test_annotate(self):
        for accel, tier in ('baseline', 'baseline'), ('jit', 'region'):
            self.record('-jitdump', '-accel', accel)
            done = perf(self.folder, 'inject', '--jit', '-i', 'perf.data', '-o', 'jit.data')
            self.assertEqual(done.returncode, 0, done.stderr)
            percent, name = self.hottest('jit.data')[0]
            self.assertRegex(name, rf'^{HOT}(\+0x\w+)? \[{tier}\]$')
            self.assertGreater(percent, 30)
            done = perf(self.folder, 'annotate', '--stdio', '-i', 'jit.data', '-s', name)
            self.assertIn(f'<{name}>', done.stdout)
            self.assertRegex(done.stdout, r'hash \^= i \* ', f'{tier}: no guest source line')


if __name__ == '__main__':
    ADDEND, GUEST = (str(pathlib.Path(p).resolve()) for p in sys.argv[1:3])
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
