#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The built program from outside: exit status, and one line on stderr for whatever is wrong.

usage: cli_test.py ADDEND OPTIONS_CASES [unittest arguments]"""
import json
import os
import pty
import re
import select
import shlex
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

ADDEND, CASES = sys.argv[1:3]
RAM = 0x80000000
EM_RISCV, EM_X86_64 = 243, 62
OPENSBI = '/usr/share/qemu/opensbi-riscv64-generic-fw_dynamic.bin'  # of Debian's package, as -bios default takes it
LOOP = struct.pack('<I', 0x0000006f)  # j .


def exit_program(status):
    """Raw code that stores an exit request to tohost at its fixed address, 0x1000008, and loops."""
    words = [0x010002b7,  # lui t0, 0x1000
             (status << 1 | 1) << 20 | 6 << 7 | 0x13,  # li t1, status << 1 | 1
             6 << 20 | 5 << 15 | 3 << 12 | 8 << 7 | 0x23,  # sd t1, 8(t0)
             0x0000006f]  # j .
    return struct.pack('<4I', *words)


def put_char_and_exit(byte):
    """Prints a byte through HTIF and exits with 0."""
    words = [0x010002b7,  # lui t0, 0x1000
             0x10100313,  # li t1, 0x101
             48 << 20 | 6 << 15 | 1 << 12 | 6 << 7 | 0x13,  # slli t1, t1, 48
             byte << 20 | 6 << 15 | 6 << 7 | 0x13,  # addi t1, t1, byte
             6 << 20 | 5 << 15 | 3 << 12 | 8 << 7 | 0x23]  # sd t1, 8(t0)
    return struct.pack('<5I', *words) + exit_program(0)


def elf(code=LOOP, machine=EM_RISCV, bits=64, order='<', paddr=RAM, memsz=None, offset=None, filesz=None,
        phnum=1, phoff=None, entry=RAM, kind=2):
    """An ELF file with one PT_LOAD segment, any part of which may be wrong."""
    ident = b'\x7fELF' + bytes([2 if bits == 64 else 1, 1 if order == '<' else 2, 1]) + bytes(9)
    word = 'Q' if bits == 64 else 'I'
    ehsize, phentsize = (64, 56) if bits == 64 else (52, 32)
    phoff = ehsize if phoff is None else phoff
    header = ident + struct.pack(order + 'HHI3' + word + 'I6H', kind, machine, 1, entry, phoff, 0, 0, ehsize,
                                 phentsize, phnum, 0, 0, 0)
    offset = ehsize + phentsize if offset is None else offset
    filesz = len(code) if filesz is None else filesz
    memsz = filesz if memsz is None else memsz
    if bits == 64:
        segment = struct.pack(order + 'IIQQQQQQ', 1, 7, offset, paddr, paddr, filesz, memsz, 4)
    else:
        segment = struct.pack(order + '8I', 1, offset, paddr, paddr, filesz, memsz, 7, 4)
    return header + segment + code


def run(*words, timeout=200):
    return subprocess.run([ADDEND, *words], stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout)


class CliTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def file(self, name, content):
        with open(self.path(name), 'wb') as f:
            f.write(content)
        return self.path(name)

    def refused(self, *words, naming=None):
        """Status 1, nothing on stdout, one line on stderr from us, which names the file or option."""
        done = run(*words)
        shown = f'{shlex.join(words)}: status {done.returncode}, stderr {done.stderr!r}'
        self.assertEqual(done.returncode, 1, shown)
        self.assertEqual(done.stdout, b'', shown)
        lines = done.stderr.decode('utf-8', 'replace').split('\n')
        self.assertEqual(len(lines), 2, shown)
        self.assertEqual(lines[1], '', shown)
        self.assertTrue(lines[0].startswith('addend: '), shown)
        if naming:
            self.assertIn(naming, lines[0], shown)
        return lines[0]

    def refused_guest(self, content, *words):
        guest = self.file('guest.elf', content)
        for how in ([guest], ['-bios', 'none', '-kernel', guest]):
            self.refused('--timeout', '5', *words, *how, naming='guest.elf')


class Words(CliTest):
    def test_every_bad_option_of_the_case_file(self):
        with open(CASES, encoding='utf-8') as f:
            lines = [l for l in f.read().split('\n') if ' => error: ' in ' ' + l and l.count("'") % 2 == 0]
        self.assertGreater(len(lines), 100)
        for line in lines:
            words, message = (' ' + line).split(' => error: ')
            if '"' in words:
                continue
            with self.subTest(line):
                self.assertEqual(self.refused(*shlex.split(words)), 'addend: ' + message)

    def test_what_is_printed_on_request(self):
        for words, expected in [(['--help'], '-kernel FILE'), (['--version'], 'addend '),
                                (['help', 'mtree'], '-f'),
                                (['-M', 'help'], 'clabpu-memory'), (['-cpu', 'help'], 'rv64'),
                                (['-accel', 'help'], 'interp'), (['-d', 'help'], 'in_asm')]:
            done = run(*words)
            self.assertEqual((done.returncode, done.stderr), (0, b''), words)
            self.assertIn(expected, done.stdout.decode(), words)


class Files(CliTest):
    def test_missing_file_and_folder(self):
        kernel = self.file('kernel', exit_program(0))
        self.refused(self.path('absent'), naming='absent')
        self.refused(self.folder, naming=self.folder)
        for option in '-bios', '-initrd', '-dtb':
            for name in self.path('absent'), self.folder:
                self.refused(option, name, '-kernel', kernel, '--timeout', '5', naming=name)

    def test_disk_that_cannot_be_used(self):
        kernel = self.file('kernel', exit_program(0))
        image = self.file('disk', bytes(1000))
        plug = ['-device', 'virtio-blk-device,drive=d']
        for options, naming in [(['-drive', f'file={self.path("absent")},if=virtio'], 'absent: No such file'),
                                (['-drive', f'file={self.folder},if=virtio'], self.folder),
                                (['-drive', '/dev/zero,if=virtio'], '/dev/zero: neither'),
                                (['-drive', f'file={image},id=e', *plug], 'drive=d: there is no -drive'),
                                (['-drive', f'file={image},id=d', *plug, *plug], 'drive=d: another device'),
                                (['-drive', f'file={image},if=virtio'] * 2, 'disk: the image is in use')]:
            self.refused('-M', 'virt', *options, '-bios', 'none', '-kernel', kernel, '--timeout', '5', naming=naming)
        self.refused('-drive', f'file={image},if=virtio', kernel, naming='the board clabpu has no place')
        done = run('mtree', '-M', 'virt', '-drive', f'file={image},id=d,readonly=on', *plug)
        self.assertEqual((done.returncode, done.stderr), (0, b''))

    def test_network_and_console_that_cannot_be_used(self):
        kernel = self.file('kernel', exit_program(0))
        with socket.socket() as taken:
            taken.bind(('127.0.0.1', 0))
            taken.listen()
            forward = f'tcp:127.0.0.1:{taken.getsockname()[1]}-:22'
            self.refused('-netdev', f'user,id=n,hostfwd={forward}', kernel, naming=f'{forward}: Address already in use')
            done = run('mtree', '-M', 'virt', '-netdev', f'user,id=n,hostfwd={forward}', '-device',
                       'virtio-net-device,netdev=n')
            self.assertEqual((done.returncode, done.stderr), (0, b''))
        self.refused('-netdev', 'user,id=n', '-device', 'virtio-net-device,netdev=n', kernel,
                     naming='the board clabpu has no place')
        path = self.path('no/such')
        self.refused('-chardev', f'file,id=c,path={path}', kernel, naming=f'{path}: No such file')
        self.refused('-chardev', 'file,id=c,path=/dev/full', '-serial', 'chardev:c',
                     self.file('prints', put_char_and_exit(ord('x'))), naming='-serial chardev:c: output was lost')

    def test_serial_line_to_a_chardev(self):
        guest = self.file('guest', put_char_and_exit(ord('x')))
        for append, expected in ('off', b'x'), ('on', b'xx'):
            done = run('-chardev', f'file,id=c,path={self.path("out")},append={append}', '-serial', 'chardev:c',
                       '-bios', 'none', '-kernel', guest)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b'', b''))
            with open(self.path('out'), 'rb') as f:
                self.assertEqual(f.read(), expected)
        done = run('-chardev', 'stdio,id=c', '-serial', 'chardev:c', '-bios', 'none', '-kernel', guest)
        self.assertEqual((done.returncode, done.stdout), (0, b'x'))
        done = run('-chardev', 'stdio,id=c', '-bios', 'none', '-kernel', guest)  # the serial line is nowhere
        self.assertEqual((done.returncode, done.stdout), (0, b''))

    def test_file_without_end_is_refused(self):
        for option in '-bios', '-kernel', '-dtb':
            self.refused(option, '/dev/zero', '--timeout', '5', naming='/dev/zero')

    def test_empty_file(self):
        self.refused_guest(b'')

    @unittest.skipIf(os.geteuid() == 0, 'root may read everything')
    def test_unreadable_file(self):
        guest = self.file('secret', elf())
        os.chmod(guest, 0)
        self.refused(guest, naming='secret')

    def test_truncated_elf(self):
        whole = elf()
        for length in 5, 20, 63, 64, 100, len(whole) - 1:
            with self.subTest(length=length):
                self.refused_guest(whole[:length])

    def test_elf_for_something_else(self):
        self.refused_guest(elf(machine=EM_X86_64))
        self.refused_guest(elf(bits=32))
        self.refused_guest(elf(order='>'))

    def test_segment_that_does_not_fit(self):
        self.refused_guest(elf(paddr=0x40000000))
        self.refused_guest(elf(paddr=RAM + (64 << 20) - 2), '-m', '64')
        self.refused_guest(elf(memsz=(64 << 20) + 1), '-m', '64')
        self.refused_guest(elf(paddr=(1 << 64) - 4))
        self.refused_guest(elf(memsz=(1 << 64) - 1))

    def test_nonsense_in_the_headers(self):
        self.refused_guest(elf(offset=1 << 40))
        self.refused_guest(elf(filesz=1 << 40, memsz=1 << 40))
        self.refused_guest(elf(filesz=4, memsz=2))
        self.refused_guest(elf(phoff=1 << 40))
        self.refused_guest(elf(phnum=0, code=b''))

    def test_device_tree_that_is_none(self):
        kernel = self.file('kernel', exit_program(0))
        header = struct.pack('>10I', 0xd00dfeed, 1 << 20, 0, 0, 0, 17, 16, 0, 0, 0)
        for content in b'', b'hello', header, header[:12]:
            with self.subTest(content[:8]):
                self.refused('-bios', 'none', '-kernel', kernel, '-dtb', self.file('bad.dtb', content),
                             '--timeout', '5', naming='bad.dtb')

    def test_initrd_larger_than_ram(self):
        kernel = self.file('kernel', exit_program(0))
        initrd = self.file('initrd', b'')
        os.truncate(initrd, 65 << 20)
        self.refused('-m', '64', '-bios', 'none', '-kernel', kernel, '-initrd', initrd, '--timeout', '5',
                     naming='initrd')

    def test_output_that_cannot_be_written(self):
        kernel = self.file('kernel', exit_program(0))
        absent = self.path('absent/file')
        for words in (['-D', absent], [f'--stats=json:{absent}'], ['-serial', f'file:{absent}'],
                      ['-M', f'clabpu,dumpdtb={absent}'], [f'+signature={absent}'],
                      ['--chroot', self.path('absent')]):
            with self.subTest(words):
                self.refused(*words, '-d', 'int', '-bios', 'none', '-kernel', kernel, '--timeout', '5',
                             naming='absent')

    def test_output_device_is_written_and_not_replaced(self):
        done = run('-M', 'clabpu,dumpdtb=/dev/stdout', '-bios', 'none')
        self.assertEqual((done.returncode, done.stdout[:4]), (0, b'\xd0\x0d\xfe\xed'))
        self.assertFalse(os.path.isfile('/dev/stdout') and not os.path.islink('/dev/stdout'))

    def test_lost_output_is_an_error(self):
        kernel = self.file('kernel', put_char_and_exit(ord('A')))
        for words in ['-bios', 'none', '-kernel', kernel, '--timeout', '100'], ['mtree'], ['--help']:
            with open('/dev/full', 'wb') as full:
                done = subprocess.run([ADDEND, *words], stdin=subprocess.DEVNULL, stdout=full,
                                      stderr=subprocess.PIPE, timeout=200)
            self.assertEqual(done.returncode, 1, words)
            self.assertIn(b'No space left', done.stderr, words)

    def test_lost_statistics_are_an_error(self):
        kernel = self.file('kernel', exit_program(0))
        self.refused('--stats=json:/dev/full', '-bios', 'none', '-kernel', kernel, naming='No space left')

    def test_ram_that_no_host_has(self):
        kernel = self.file('kernel', exit_program(0))
        self.refused('-m', '1024P', '-bios', 'none', '-kernel', kernel)


class Runs(CliTest):
    def test_exit_status(self):
        for accel in 'interp', 'jit':
            for status in 0, 1, 7, 255:
                kernel = self.file('kernel', exit_program(status))
                done = run('-accel', accel, '-bios', 'none', '-kernel', kernel, '--timeout', '100')
                self.assertEqual((done.returncode, done.stdout, done.stderr), (status, b'', b''))

    def test_large_exit_status_is_clamped_and_told(self):
        for status in 256, 1000:
            kernel = self.file('kernel', exit_program(status))
            done = run('-bios', 'none', '-kernel', kernel, '--timeout', '100')
            self.assertEqual(done.returncode, 255)
            self.assertIn(str(status).encode(), done.stderr)

    def test_budgets_end_with_124(self):
        raw = self.file('raw', LOOP * 16)
        for guest in [self.file('loop.elf', elf())], ['-bios', 'none', '-kernel', raw]:
            for accel in 'interp', 'jit':
                for budget in '--instructions=100000', '--timeout=0.3':
                    done = run('-accel', accel, budget, *guest)
                    self.assertEqual(done.returncode, 124, (guest, accel, budget))

    def test_trap_loop_ends_on_every_engine(self):
        illegal_handler = [0x00000297, 0x01028293, 0x30529073, 0, 0]  # mtvec = the last word; then both are illegal
        for code in [0], illegal_handler:
            kernel = self.file('kernel', struct.pack(f'<{len(code)}I', *code))
            for accel in 'interp', 'jit', 'check':
                done = run('-accel', accel, '-bios', 'none', '-kernel', kernel, '--timeout', '100')
                self.assertEqual(done.returncode, 1, (code, accel))
                self.assertIn(b'trap loop', done.stderr)

    def notes(self, text, *words):
        """The notes of a run that goes on for a while after the one with this text; without a text, for a while."""
        program = subprocess.Popen([ADDEND, *words, '--timeout', '100' if text else '0.5'], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.addCleanup(program.kill)
        lines = []
        while text:
            lines.append(program.stderr.readline())
            if text in lines[-1] or not lines[-1]:
                time.sleep(0.2)
                program.terminate()
                break
        lines += program.communicate(timeout=200)[1].split(b'\n')
        return [l for l in lines if l.startswith(b'addend: note:')]

    def test_guest_that_cannot_go_on_is_told_once(self):
        wait = struct.pack('<2I', 0x10500073, 0xffdff06f)  # 1: wfi; j 1b
        long_loop = struct.pack('<4I', 0x13, 0x13, 0x13, 0xff5ff06f)  # four instructions: a slice ends where it began
        timer = struct.pack('<4I', 0x08000293, 0x30429073, 0x30046073, 0x0000006f)  # mie.MTIE, mstatus.MIE, j .
        for code, text in [(LOOP, b'spins for ever'), (b'\x01\xa0' * 2, b'spins for ever'), (wait, b'wfi'),
                           (long_loop, None), (timer, None)]:
            kernel = self.file('kernel', code)
            for accel in 'interp', 'jit':
                notes = self.notes(text, '-accel', accel, '-bios', 'none', '-kernel', kernel)
                self.assertEqual(len(notes), 1 if text else 0, (code, accel, notes))
                self.assertIn(text or b'', b''.join(notes))

    def test_semihosting_calls_that_nobody_answers(self):
        """Told once, when the guest does nothing else; not to firmware that tries one and goes on without."""
        call = struct.pack('<3I', 0x01f01013, 0x00100073, 0x40705013)  # slli x0, x0, 31; ebreak; srai x0, x0, 7
        text = b'the guest makes semihosting calls, which are answered with -semihosting only'
        vector = struct.pack('<3I', 0x00000297, 0x01c28293, 0x30529073)  # mtvec = the third word behind the call, 28
        again = vector + b'\x13\0\0\0' + call + struct.pack('<I', 0x30200073)  # its handler: mret, to the ebreak
        spins = vector + b'\x13\0\0\0' + call + LOOP
        goes = vector + b'\x13\0\0\0' + call + struct.pack('<3I', 0x13, 0x13, 0xff9ff06f)  # a loop of three
        for code, expected in (again, text), (spins, text), (goes, None):
            kernel = self.file('kernel', code)
            for accel in 'interp', 'jit':
                notes = self.notes(expected, '-accel', accel, '-bios', 'none', '-kernel', kernel)
                self.assertEqual(len([n for n in notes if text in n]), 1 if expected else 0, (code, accel, notes))
        kernel = self.file('kernel', call)  # mtvec is 0, where nothing is
        self.assertIn('try -semihosting', self.refused('-bios', 'none', '-kernel', kernel, naming='trap loop'))

    def test_device_may_interrupt(self):
        """Nothing is said while a device of virt may end the wait; clabpu has none that could."""
        code = struct.pack('<5I', 0x000012b7, 0x8002829b, 0x30429073, 0x10500073, 0xffdff06f)  # mie.MEIE; 1: wfi; j 1b
        kernel = self.file('kernel', code)
        for board, text in ('clabpu', b'wfi'), ('virt', None):
            notes = self.notes(text, '-M', board, '-bios', 'none', '-kernel', kernel)
            self.assertEqual(len([n for n in notes if b'wfi' in n]), 1 if text else 0, (board, notes))

    def test_words_of_other_emulators(self):
        kernel = self.file('kernel', exit_program(3))
        for words in (['-M', 'spike', '-nographic', '-m', '128M', '-smp', '1', '-cpu', 'rv64',
                       '-accel', 'tcg', '-serial', 'mon:stdio', '-monitor', 'none', '-no-reboot'],
                      ['-m8796093022208', '--isa=rv64imac']):
            done = run(*words, '-bios', 'none', '-kernel', kernel, '--timeout', '100')
            self.assertEqual(done.returncode, 3, words)

    def test_harts(self):
        target = self.path('tree.dtb')
        self.assertEqual(run('-smp', '4', '-M', f'clabpu,dumpdtb={target}', '-bios', 'none').returncode, 0)
        with open(target, 'rb') as f:
            self.assertIn(b'cpu@3\0', f.read())
        self.assertIn('cpu-memory-3', run('mtree', '-smp', '4').stdout.decode())
        kernel = self.file('kernel', exit_program(0))
        self.refused('-smp', '2', '-accel', 'check', '-bios', 'none', '-kernel', kernel, naming='-accel check')
        self.refused('-smp', '9', '-bios', 'none', '-kernel', kernel, naming='at most 8')

    def test_harts_that_cannot_go_on(self):
        """Told once, when the last one is stuck; limits end the run all the same."""
        spin_or_wait = struct.pack('<4I', 0xf1402573, 0x00050463, 0x10500073, 0x0000006f)  # mhartid ? wfi : ; j .
        both_wait = struct.pack('<2I', 0x10500073, 0xffdff06f)
        one_goes = struct.pack('<6I', 0xf1402573, 0x00051463, 0x0000006f, 0x13, 0x13, 0xff9ff06f)
        for code, text in (spin_or_wait, b'no hart will go on'), (both_wait, b'no hart will go on'), (one_goes, None):
            kernel = self.file('kernel', code)
            for words in [], ['-icount', 'shift=0']:
                notes = self.notes(text, '-smp', '3', *words, '-bios', 'none', '-kernel', kernel)
                self.assertEqual(len([l for l in notes if b'no hart' in l]), 1 if text else 0, (code, words, notes))
        done = run('-smp', '2', '--instructions', '300000', '-bios', 'none', '-kernel', self.file('kernel', LOOP))
        self.assertEqual(done.returncode, 124)
        self.assertRegex(done.stderr, b'30[0-9]{4} instructions done')

    def test_quick_statistics(self):
        stats = self.path('stats')
        loop = ('--instructions', '3000', '-bios', 'none', '-kernel', self.file('kernel', LOOP))
        run(*loop, f'--stats=quick,json:{stats}')
        with open(stats, encoding='utf-8') as f:
            numbers = json.load(f)
        for tlb in (numbers['tlb'], numbers['harts'][0]['tlb']):
            self.assertTrue('misses' in tlb['load'] and not {'lookups', 'hits'} & set(tlb['load']), tlb)
        self.assertNotIn(b'lookups', run(*loop, '--stats=quick').stderr)
        self.assertIn(b'lookups', run(*loop, '--stats').stderr)

    def test_statistics_of_harts(self):
        stats = self.path('stats')
        run('-smp', '2', '--instructions', '300000', '-bios', 'none', '-kernel', self.file('kernel', LOOP),
            f'--stats=json:{stats}')
        with open(stats, encoding='utf-8') as f:
            numbers = json.load(f)
        self.assertEqual(len(numbers['harts']), 2)
        self.assertEqual(sum(h['guest_instructions'] for h in numbers['harts']), numbers['guest_instructions'])
        self.assertGreater(numbers['baseline_block_instructions'], 0)
        self.assertGreater(numbers['baseline_seconds'], 0)
        self.assertGreater(numbers['peak_memory'], 1 << 20)
        self.assertIn('lookups', numbers['tlb']['load'])
        self.assertIn('lookups', numbers['harts'][1]['tlb']['load'])
        self.assertIn(b'hart 1 ', run('-smp', '2', '--instructions', '1000', '-bios', 'none', '--stats', '-kernel',
                                      self.file('kernel', LOOP)).stderr)

    def test_device_loader_starts_a_hart(self):
        raw = self.file('raw', exit_program(5))
        at = 'addr=0x80100000'
        for words in ([f'loader,file={raw},{at},cpu-num=0'], [f'loader,file={raw},{at}', f'loader,{at},cpu-num=0'],
                      [f'loader,file={self.file("g.elf", elf(exit_program(5)))},cpu-num=0']):
            devices = [w for d in words for w in ('-device', d)]
            self.assertEqual(run('-bios', 'none', '--timeout', '100', *devices).returncode, 5, words)
        # sd t1, 8(t0) in the middle of the program is made to store its exit request one store later.
        nop = 'loader,addr=0x80000008,data=0x0062b42300000013,data-len=8'
        done = run('-bios', 'none', '-kernel', raw, '--timeout', '100', '-device', nop)
        self.assertEqual(done.returncode, 5)
        self.refused('-bios', 'none', '-device', f'loader,file={raw},{at},cpu-num=1', naming='cpu-num=1')
        self.refused('-bios', 'none', '-device', f'loader,file={self.path("absent")}', naming='absent')

    @unittest.skipUnless(os.path.exists(OPENSBI), 'OpenSBI is not installed')
    def test_t142_opensbi(self):
        """The lines of memory/spec.md 6.7, over our HTIF, CLINT and device tree."""
        raw = self.file('raw', exit_program(7))
        for harts, words in (1, []), (4, ['-smp', '4']), (1, ['-m', '128M', '-cpu', 'rv64,rdtime=off']):
            done = run('-M', 'clabpu', *words, '-bios', 'default', '-kernel', raw, '--timeout', '100')
            fdt = '0x0000000087e00000' if '-m' in words else '0x00000000ffe00000'
            text = done.stdout.decode()
            for name, value in (('Platform Name', 'clabpu,board'), ('Platform HART Count', str(harts)),
                                ('Platform IPI Device', 'aclint-mswi'),
                                ('Platform Timer Device', 'aclint-mtimer @ 10000000Hz'),
                                ('Platform Console Device', 'htif'), ('Domain0 Next Address', '0x0000000080200000'),
                                ('Domain0 Next Arg1', fdt), ('Domain0 Next Mode', 'S-mode'),
                                ('Domain0 HARTs', ','.join(f'{h}*' for h in range(harts)))):
                self.assertRegex(text, rf'(?m)^{name} +: {re.escape(value)}\r?$')
            self.assertRegex(text, r'(?m)^Boot HART ID +: \d')
            self.assertRegex(text, r'(?m)^Boot HART MEDELEG +: 0x')
            self.assertEqual(done.returncode, 7, text)

    def test_statistics_are_json(self):
        kernel = self.file('kernel', exit_program(0))
        target = self.path('stats.json')
        self.assertEqual(run(f'--stats=json:{target}', '-bios', 'none', '-kernel', kernel).returncode, 0)
        with open(target, encoding='utf-8') as f:
            self.assertGreater(json.load(f)['guest_instructions'], 4)

    def test_log_goes_to_its_file(self):
        kernel = self.file('kernel', exit_program(0))
        done = run('-d', 'in_asm', '-D', self.path('log'), '-bios', 'none', '-kernel', kernel)
        self.assertEqual((done.returncode, done.stderr), (0, b''))
        with open(self.path('log'), encoding='utf-8') as f:
            self.assertIn('0x0000000080000000:  010002b7', f.read())

    def test_nochain_shows_every_block(self):
        rounds = 200
        code = struct.pack('<8I', rounds << 20 | 5 << 7 | 0x13,  # li t0, rounds
                           0x00c000ef,  # 1: jal 2f
                           0xfe029ee3,  # bnez t0, 1b
                           0x0080006f,  # j 3f
                           0xfff28293,  # 2: addi t0, t0, -1
                           0x00008067,  # ret
                           0x00000013, 0x00000013) + exit_program(0)  # 3:
        code = code[:12] + struct.pack('<I', 0x00c0006f) + code[16:]
        kernel = self.file('kernel', code)
        for accel in ['interp', 'baseline,warm=3', 'jit,warm=3,threshold=20,sync=on']:
            done = run('-accel', accel, '-d', 'exec,nochain', '-D', self.path('log'), '-bios', 'none', '-kernel',
                       kernel)
            self.assertEqual(done.returncode, 0)
            with open(self.path('log'), encoding='utf-8') as f:
                starts = [line.split('/')[1] for line in f]
            self.assertEqual((starts.count('0000000080000010'), starts.count('0000000080000008')), (rounds, rounds))

    def test_device_tree_is_written(self):
        target = self.path('tree.dtb')
        self.assertEqual(run('-M', f'clabpu,dumpdtb={target}', '-bios', 'none').returncode, 0)
        with open(target, 'rb') as f:
            self.assertEqual(f.read(4), b'\xd0\x0d\xfe\xed')

    def test_mtree(self):
        done = run('mtree', '-M', 'clabpu-memory', '-m', '128M')
        self.assertEqual((done.returncode, done.stderr), (0, b''))
        self.assertIn('  0000000080000000-0000000087ffffff (prio 0, ram)', done.stdout.decode())
        self.assertIn('FlatView', run('mtree', '-f').stdout.decode())
        self.assertIn('  Dispatch\n', run('mtree', '-f', '-d').stdout.decode())
        owners = run('mtree', '-o').stdout.decode()  # V9
        self.assertIn(': riscv.clabpu.mrom parent:{obj path=/machine/unattached}\n', owners)
        self.assertIn(': riscv.aclint.swi owner:{dev path=/machine/unattached/device[0]}\n', owners)
        self.assertIn(': clabpu.ram owner:{obj path=/objects/clabpu.ram}\n', owners)
        self.assertIn('0000000001000000-000000000100000f (prio 1, i/o): riscv.htif.uart', run('mtree').stdout.decode())
        self.refused('mtree', self.path('absent'), naming='absent')

    def test_mtree_of_boards(self):
        """What QEMU 10 prints for the board, whatever the order of groups and the numbers of views."""
        def groups(text):
            return sorted(g.split('\n', 1)[1] if g.startswith('FlatView') else g for g in text.strip().split('\n\n'))
        data = os.path.join(os.path.dirname(os.path.abspath(sys.argv[2])), 'data')
        for board, forms in ('sifive_u', ['', '-f', '-o']), ('virt', ['', '-f', '-D', '-o']), ('none', ['', '-f']):
            for form in forms:
                with self.subTest(board=board, form=form), \
                        open(f'{data}/q10.{board}.mtree{form}', encoding='ascii') as expected:
                    done = run('mtree', '-M', board, *filter(None, [form]))
                    self.assertEqual(groups(done.stdout.decode()), groups(expected.read()))
        listed = run('-M', 'help').stdout.decode()
        for board in 'clabpu', 'clabpu-memory', 'virt', 'sifive_u', 'pcmap', 'malta-fpga', 'none', 'spike':
            self.assertIn(f'\n{board} ', '\n' + listed)
            self.assertEqual(run('mtree', '-M', board).returncode, 0)
        self.refused('-M', 'none', naming='none')


class Terminal(CliTest):
    def start(self, *words):
        """A run on a pseudo-terminal of its own; returns when the terminal is in raw mode."""
        main, self.tty = pty.openpty()
        self.addCleanup(os.close, main)
        self.addCleanup(os.close, self.tty)
        self.before = termios.tcgetattr(self.tty)
        kernel = self.file('kernel', LOOP)
        program = subprocess.Popen([ADDEND, *words, '-bios', 'none', '-kernel', kernel, '--timeout', '100'],
                                   stdin=self.tty, stdout=self.tty, stderr=self.tty, start_new_session=True)
        self.addCleanup(program.kill)
        self.assertTrue(select.select([main], [], [], 60)[0])  # the note that this guest spins
        self.assertFalse(termios.tcgetattr(self.tty)[3] & termios.ICANON)
        return main, program

    def ended(self, program, status):
        self.assertEqual(program.wait(60), status)
        self.assertEqual(termios.tcgetattr(self.tty), self.before)

    def test_ctrl_a_x_quits(self):
        main, program = self.start()
        os.write(main, b'abc\x01')
        time.sleep(0.1)
        self.assertIsNone(program.poll())
        os.write(main, b'x')
        self.ended(program, 0)

    def test_signals_restore_the_terminal(self):
        for number in signal.SIGHUP, signal.SIGINT, signal.SIGTERM:
            _, program = self.start()
            program.send_signal(number)
            self.ended(program, 128 + number)


if __name__ == '__main__':
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
