#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The monitor from outside: text cases over a stopped machine, -monitor stdio, Ctrl-A c on a terminal, sockets, and
T175, the page-walk trace of memory/spec.md 6.9.

usage: monitor_test.py ADDEND CASES GVA_TRACE_ELF ECHO_ELF [unittest arguments]"""
import os
import pty
import re
import select
import shlex
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

ADDEND, CASES, GVA_TRACE, ECHO = sys.argv[1:5]
PROMPT = '(addend) '
BANNER = "Addend monitor - type 'help' for more information\n"
EOT = b'\4'


def blocks(path):
    """The cases: (name, options, [(command, [pattern])])."""
    cases = []
    with open(path, encoding='utf-8') as f:
        for line in f:
            line = line.rstrip('\n')
            if line.startswith('case '):
                name, _, options = line[5:].partition(': ')
                cases.append((name, shlex.split(options), []))
            elif line.startswith('> '):
                cases[-1][2].append((line[2:], []))
            elif line and not line.startswith('#'):
                cases[-1][2][-1][1].append(line)
    return cases


def pattern(line):
    """A line of a case as a regular expression: <hex> is a hexadecimal number, <n> a decimal one, <*> anything."""
    text = re.escape('' if line == '.' else line)
    return text.replace('<hex>', '[0-9a-f]+').replace('<n>', r' *\d+').replace(r'<\*>', '.*')


def talk(commands, *options, timeout=400):
    """Runs the commands on -monitor stdio, and quit; returns what each one answered."""
    text = '\n'.join([*commands, 'quit', ''])
    done = subprocess.run([ADDEND, '-M', 'clabpu', '-m', '128', '--timeout', '300', '-serial', 'null', '-monitor',
                           'stdio', *options], input=text, capture_output=True, text=True, timeout=timeout, check=False)
    assert (done.returncode, done.stderr) == (0, ''), (done.returncode, done.stderr)
    parts = done.stdout.split(PROMPT)
    assert parts[0] == BANNER, parts[0]
    assert len(parts) == len(commands) + 3, parts
    return parts[1:-2]


class Cases(unittest.TestCase):
    def test_cases(self):
        cases = blocks(CASES)
        self.assertGreater(len(cases), 5)
        for name, options, steps in cases:
            answers = talk([c for c, _ in steps], '-S', *[o.replace('@GVA_TRACE', GVA_TRACE) for o in options])
            for (command, expected), answer in zip(steps, answers):
                with self.subTest(case=name, command=command):
                    self.check_lines(expected, answer.splitlines())

    def check_lines(self, expected, lines):
        """'...' in the expected lines stands for any lines."""
        regex = ''.join('(?:.*\n)*?' if e == '...' else pattern(e) + '\n' for e in expected)
        text = ''.join(line + '\n' for line in lines)
        self.assertTrue(re.fullmatch(regex, text), f'\nexpected:\n{regex}\ngot:\n{text}')


class Conversation:
    """Somebody on the other side of a descriptor."""

    def __init__(self, fd):
        self.fd = fd
        self.got = ''

    def send(self, text):
        os.write(self.fd, text if isinstance(text, bytes) else text.encode())

    def until(self, text, seconds=100):
        """What comes until text has come, text included."""
        end = time.monotonic() + seconds
        while text not in self.got:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                raise AssertionError(f'{text!r} did not come, but {self.got!r}')
            more = os.read(self.fd, 65536)
            if not more:
                raise AssertionError(f'the end came, and {self.got!r} before it')
            self.got += more.decode(errors='replace')
        at = self.got.index(text) + len(text)
        head, self.got = self.got[:at], self.got[at:]
        return head

    def command(self, text):
        self.send(text + '\n')
        return self.until(PROMPT)[:-len(PROMPT)]


class Live(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def start(self, *options, **pipes):
        program = subprocess.Popen([ADDEND, '-m', '128', '--timeout', '300', *options], **pipes)
        self.addCleanup(program.wait)
        self.addCleanup(program.kill)
        return program

    def start_piped(self, *options):
        program = self.start('-monitor', 'stdio', *options, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self.addCleanup(program.stdin.close)
        self.addCleanup(program.stdout.close)
        talker = Conversation(program.stdout.fileno())
        talker.send = lambda text: program.stdin.write(text.encode())
        return program, talker

    def connect(self, path):
        client = socket.socket(socket.AF_UNIX)
        self.addCleanup(client.close)
        end = time.monotonic() + 100
        while True:
            try:
                client.connect(path)
                return client, Conversation(client.fileno())
            except (FileNotFoundError, ConnectionRefusedError):
                self.assertLess(time.monotonic(), end)
                time.sleep(0.02)

    def terminal(self, *options):
        main, tty = pty.openpty()
        self.addCleanup(os.close, main)
        self.addCleanup(os.close, tty)
        mode = termios.tcgetattr(tty)
        program = self.start(*options, stdin=tty, stdout=tty, stderr=tty, start_new_session=True,
                             env={**os.environ, 'TERM': 'dumb', 'INPUTRC': '/dev/null'})
        end = time.monotonic() + 100
        while termios.tcgetattr(tty)[3] & termios.ICANON and time.monotonic() < end:
            time.sleep(0.01)
        return program, Conversation(main), lambda: self.assertEqual(termios.tcgetattr(tty), mode)

    def test_stop_freezes_time(self):
        """stop stops the harts and mtime, cont lets both go on where they were."""
        program, talker = self.start_piped('-serial', 'null', GVA_TRACE)
        talker.until(PROMPT)
        self.assertEqual(talker.command('info status'), 'VM status: running\n')
        talker.command('stop')
        self.assertEqual(talker.command('info status'), 'VM status: paused\n')
        first = talker.command('xp/gx 0x200bff8'), talker.command('info jit')
        time.sleep(0.3)
        again = talker.command('xp/gx 0x200bff8'), talker.command('info jit')
        self.assertEqual(first, again)
        talker.command('cont')
        time.sleep(0.2)
        talker.command('stop')
        ticks = [int(text.split()[1], 16) for text in (first[0], talker.command('xp/gx 0x200bff8'))]
        self.assertGreater(ticks[1] - ticks[0], 0.2 * 10_000_000 * 0.9)
        self.assertLess(ticks[1] - ticks[0], 300 * 10_000_000)
        talker.send('quit\n')
        self.assertEqual(program.wait(100), 0)

    def test_looks_at_running_harts(self):
        """Commands that need the harts stopped, while two of them run."""
        program, talker = self.start_piped('-smp', '2', '-serial', 'null', ECHO)
        talker.until(PROMPT)
        for _ in range(30):
            text = talker.command('info registers -a')
            self.assertEqual(re.findall(r'^CPU#\d', text, re.M), ['CPU#0', 'CPU#1'])
            talker.command('info tlb')
            talker.command('info mem')
        talker.send('quit\n')
        self.assertEqual(program.wait(100), 0)

    def test_reset(self):
        program, talker = self.start_piped('-serial', 'null', '-S', GVA_TRACE)
        talker.until(PROMPT)
        start = talker.command('p $pc')
        talker.command('cont')
        end = time.monotonic() + 100
        while talker.command('p $pc') == start and time.monotonic() < end:
            time.sleep(0.01)
        talker.command('stop')
        self.assertNotEqual(talker.command('p $pc'), start)
        talker.command('system_reset')
        self.assertEqual(talker.command('p $pc'), start)
        talker.command('cont')
        talker.command('system_reset')  # while it runs
        self.assertEqual(talker.command('info status'), 'VM status: running\n')
        talker.send('quit\n')
        self.assertEqual(program.wait(100), 0)

    def test_signal_while_stopped(self):
        program, talker = self.start_piped('-serial', 'null', '-S', GVA_TRACE)
        talker.until(PROMPT)
        program.terminate()
        self.assertEqual(program.wait(100), 128 + 15)

    def test_hart_that_waits_for_input(self):
        """A hart inside a semihosting call reads what is typed, for the monitor too, and cannot be looked at."""
        path = os.path.join(self.folder, 'readc')
        with open(path, 'wb') as f:  # a0 = 7 (SYS_READC); slli x0, x0, 31; ebreak; srai x0, x0, 7; j .
            f.write(struct.pack('<5I', 0x00700513, 0x01f01013, 0x00100073, 0x40705013, 0x0000006f))
        program, talker = self.start_piped('-semihosting', '-bios', 'none', '-kernel', path)
        talker.until(PROMPT)
        waits = 'a hart waits for input of the console: type there first\n'
        end = time.monotonic() + 100
        while talker.command('p $a0') != waits:  # the first answers may come before the hart's call
            self.assertLess(time.monotonic(), end)
        for command in ('p $a0', 'stop'):
            self.assertEqual(talker.command(command), waits)
        self.assertEqual(talker.command('info status'), 'VM status: running\n')
        talker.send('\1cA\1c')
        talker.until(PROMPT)
        self.assertEqual(talker.command('p $a0'), '0x41\n')
        talker.send('quit\n')
        self.assertEqual(program.wait(100), 0)

    def test_ctrl_a_c(self):
        """Console and monitor share a terminal; the line editor completes and remembers."""
        program, talker, _ = self.terminal('-nographic', ECHO)
        talker.send('abc')
        talker.until('abc')
        talker.send('\1c')
        talker.until(PROMPT)
        talker.send('info stat\t\r')
        self.assertIn('info status', talker.until('VM status: running'))
        talker.until(PROMPT)
        talker.send('\x10\r')  # Ctrl-P: the line before
        talker.until('VM status: running')
        talker.until(PROMPT)
        talker.send('nonsense\r')
        talker.until("unknown command: 'nonsense' (help lists them)")
        talker.until(PROMPT)
        talker.send('half a li\3')
        talker.until('^C')
        talker.send('\1h')
        talker.until('Ctrl-A c  to the monitor and back')
        talker.until('send Ctrl-A')
        talker.send('\1c')
        for _ in range(2):  # behind the help, and where the editor leaves its line
            talker.until('\n')
        talker.send('x\1\1y')
        talker.until('x\1y')
        talker.send('\1c')
        talker.until(PROMPT)
        talker.send('stop\r')
        talker.until(PROMPT)
        talker.send('\1x')
        self.assertEqual(program.wait(100), 0)

    def test_terminal_is_restored(self):
        program, talker, check = self.terminal('-monitor', 'stdio', '-serial', 'null', GVA_TRACE)
        talker.until(PROMPT)
        talker.send('quit\r')
        self.assertEqual(program.wait(100), 0)
        check()

    def test_no_monitor(self):
        program, talker, _ = self.terminal('-nographic', '-monitor', 'none', ECHO)
        talker.send('\1c')
        talker.until('there is no monitor')
        talker.send(EOT)
        self.assertEqual(program.wait(100), 0)

    def test_stdio_in_front_of_console(self):
        """Without -serial what is typed is for the monitor first, and the guest's output comes on stdout too."""
        program, talker = self.start_piped(ECHO)
        talker.until(PROMPT)
        talker.send('info status\n\1c')
        talker.until('VM status: running\n')
        talker.until(PROMPT)  # what the guest writes meanwhile may come in the middle of it
        talker.send('to the guest\n')
        talker.until('to the guest\n')
        talker.send('\1c')
        talker.until(PROMPT)
        talker.send('quit\n')
        self.assertEqual(program.wait(100), 0)

    def test_socket(self):
        """One client after the other; the guest does not notice."""
        path = os.path.join(self.folder, 'monitor')
        program = self.start('-serial', 'null', '-monitor', f'unix:{path},server,nowait', GVA_TRACE,
                             stdin=subprocess.DEVNULL)
        for _ in range(2):
            client, talker = self.connect(path)
            self.assertEqual(talker.until(PROMPT), BANNER + PROMPT)
            self.assertEqual(talker.command('info status'), 'VM status: running\n')
            talker.send('x' * 5000 + '\n')
            self.assertEqual(talker.until(PROMPT), 'the line is too long\n' + PROMPT)
            client.close()
        client, talker = self.connect(path)
        talker.until(PROMPT)
        talker.send('info mtree -f\n' * 2000)  # and is gone before the answers
        client.close()
        client, talker = self.connect(path)
        talker.until(PROMPT)
        talker.send('quit\n')
        self.assertEqual(program.wait(100), 0)
        self.assertFalse(os.path.exists(path))

    def test_socket_wait(self):
        path = os.path.join(self.folder, 'monitor')
        program = self.start('-serial', 'null', '-monitor', f'unix:{path},server', GVA_TRACE,
                             stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.addCleanup(program.stderr.close)
        self.assertEqual(program.stderr.readline().decode(), f'addend: waiting for a connection to {path}\n')
        _, talker = self.connect(path)
        talker.until(PROMPT)
        talker.send('q\n')
        self.assertEqual(program.wait(100), 0)

    def test_socket_client(self):
        path = os.path.join(self.folder, 'monitor')
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path)
            server.listen(1)
            program = self.start('-serial', 'null', '-monitor', f'unix:{path}', GVA_TRACE, stdin=subprocess.DEVNULL)
            peer, _ = server.accept()
            with peer:
                talker = Conversation(peer.fileno())
                talker.until(PROMPT)
                talker.send('quit\n')
                self.assertEqual(program.wait(100), 0)

    def test_socket_errors(self):
        for spec in (f'unix:{self.folder}/none', f'unix:{self.folder}/a/b,server,nowait',
                     'unix:/' + 'x' * 200 + ',server', f'unix:{self.folder},server'):
            done = subprocess.run([ADDEND, '-m', '128', '-monitor', spec, GVA_TRACE], stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, timeout=200, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr, r'\Aaddend: -monitor unix:.*: .*\n\Z')

    def trace(self, *options):
        """Runs the guest with the trace on; returns the trace, what it printed, and the conversation."""
        output = os.path.join(self.folder, 'console')
        program, talker = self.start_piped('-S', '-serial', 'file:' + output, *options, GVA_TRACE)
        talker.until(PROMPT)
        talker.command('trace gva 0xffffffff8001e980,4')
        self.assertEqual(talker.command('trace'), 'trace gva 0xffffffff8001e980,4\n')
        talker.command('cont')
        text = ''.join(talker.until('value 0x736e6f63\n') for _ in range(3))
        end = time.monotonic() + 100
        printed = ''
        while '\n' not in printed and time.monotonic() < end:
            time.sleep(0.02)
            with open(output, encoding='utf-8') as f:
                printed = f.read()
        return text, printed, program, talker

    def test_t175_gva_trace(self):
        for options in ([], ['-accel', 'interp'], ['-accel', 'baseline,warm=1']):
            with self.subTest(options=options):
                self.check_t175(*self.trace(*options))

    def check_t175(self, text, printed, program, talker):
        self.assertEqual(printed, 'GVA: 0xffffffff8001e980, GPA: 0x80007980, Val: 0x736e6f63\n')
        walk = ('  level 2: vpn 0x1fe, pte @0x8000cff0 = 0x20002c01 -> table 0x8000b000\n'
                '  level 1: vpn 0x000, pte @0x8000b000 = 0x20002801 -> table 0x8000a000\n'
                '  level 0: vpn 0x01e, pte @0x8000a0f0 = 0x20001cc7 -> leaf  0x80007000 rw- A D\n')
        accesses = re.findall(r'hart 0 pc 0x([0-9a-f]+) load of 4 at GVA 0xffffffff8001e980\n((?:  .*\n)+?)'
                              r'  GVA 0xffffffff8001e980 GPA 0x80007980 \((\S+) \+ 0x7980\) HVA 0x([0-9a-f]+), '
                              r'value 0x736e6f63\n', text)
        self.assertEqual([how for _, how, _, _ in accesses], [walk, '  tlb hit main\n', walk])
        self.assertEqual(len({hva for _, _, _, hva in accesses}), 1)
        base = talker.command('gpa2hva 0x80000000').split()
        self.assertEqual(base[-3], f'({accesses[0][2]})')
        self.assertEqual(int(accesses[0][3], 16) - int(base[-1], 16), 0x7980)
        for pc, _, _, _ in accesses:
            self.assertRegex(talker.command(f'x/i 0x{pc}'), r'\bc?\.?lw\b')
        self.assertEqual(talker.command('gva2gpa 0xffffffff8001e980'), 'gpa: 0x80007980\n')
        self.assertEqual(talker.command('gva2gpa 0xffffffff8001d980'), 'Unmapped\n')
        self.assertEqual(talker.command('x/4c 0xffffffff8001e980'), "ffffffff8001e980: 'c' 'o' 'n' 's'\n")
        self.assertEqual(talker.command('info mem'),
                         'vaddr            paddr            size             attr\n'
                         '---------------- ---------------- ---------------- -------\n'
                         '0000000080000000 0000000080000000 0000000040000000 rwx--ad\n'
                         'ffffffff8001e000 0000000080007000 0000000000001000 rw---ad\n'
                         'ffffffff8001f000 0000000080009000 0000000000001000 r----ad\n'
                         'ffffffff80020000 0000000080008000 0000000000001000 rw---ad\n'
                         'ffffffff80200000 0000000080200000 0000000000200000 rw-u-ad\n')
        self.assertRegex(talker.command('info tlb'), r'(?m)^S +0  ffffffff8001e000 0000000080007000 rw- [0-9a-f]{16} '
                                                     r'watched$')
        talker.command('trace off')
        self.assertEqual(talker.command('trace'), 'nothing is traced\n')
        talker.send('quit\n')
        self.assertEqual(program.wait(100), 0)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1] + sys.argv[5:])
