#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guests with a live other side: pasted input, terminals, host CPU time while idle, runs that repeat.

usage: run_live.py ADDEND ECHO IDLE TICKS HARTS [unittest arguments] -- [options of addend]"""
import hashlib
import json
import os
import pty
import random
import resource
import select
import signal
import subprocess
import sys
import tempfile
import termios
import time
import unittest

AT = sys.argv.index('--')
ADDEND, ECHO, IDLE, TICKS, HARTS = sys.argv[1:6]  # HARTS: a guest for three harts
OPTIONS = sys.argv[AT + 1:]
MEGABYTE = 1 << 20
EOT, CTRL_A = b'\4', b'\1'
# A sanitizer would make a status of its own out of these signals.
os.environ['ASAN_OPTIONS'] = ':'.join(f'handle_{s}=0' for s in ('segv', 'sigbus', 'sigfpe', 'sigill', 'abort'))


def command(*words):
    return [ADDEND, *OPTIONS, '--timeout', '300', *words]


def paste(size, without):
    """Bytes of all kinds but some."""
    allowed = bytes(b for b in range(256) if bytes([b]) not in without)
    return bytes(random.Random(size).choices(allowed, k=size))


def digest(data):
    return len(data), hashlib.sha256(data).hexdigest()


class Paste(unittest.TestCase):
    def test_pipe(self):
        for serial, text in (('mon:stdio', paste(MEGABYTE, [EOT, CTRL_A])), ('stdio', paste(100000, [EOT]))):
            done = subprocess.run(command('-serial', serial, ECHO), input=text + EOT, capture_output=True, check=False)
            self.assertEqual((done.returncode, done.stderr), (0, b''))
            self.assertEqual(digest(done.stdout), digest(text))

    def test_file(self):
        with tempfile.TemporaryFile() as f:
            text = paste(MEGABYTE // 4, [EOT])
            f.write(text + EOT)
            f.seek(0)
            done = subprocess.run(command('-serial', 'stdio', ECHO), stdin=f, capture_output=True, check=False)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(digest(done.stdout), digest(text))

    def test_pieces(self):
        """A typist who pauses, and whose keys come in the middle of the echo."""
        program = subprocess.Popen(command(ECHO), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        text, got = b'one line\n' * 40, b''
        for i in range(0, len(text), 7):
            program.stdin.write(text[i:i + 7])
            program.stdin.flush()
            if i % 3 == 0:
                got += os.read(program.stdout.fileno(), 1)
        program.stdin.write(EOT)
        got += program.communicate()[0]
        self.assertEqual(got, text)

    def test_terminal(self):
        main, tty = pty.openpty()
        program = subprocess.Popen(command(ECHO), stdin=tty, stdout=tty, start_new_session=True)
        self.addCleanup(os.close, tty)
        self.addCleanup(os.close, main)
        self.addCleanup(program.kill)
        while termios.tcgetattr(tty)[3] & termios.ICANON:
            time.sleep(0.01)
        text, got, at = paste(MEGABYTE // 4, [EOT, CTRL_A]), bytearray(), 0
        termios_output_is_raw(tty)
        while len(got) < len(text):
            ready = select.select([main], [main] if at < len(text) else [], [], 100)
            self.assertTrue(ready[0] or ready[1], f'{len(got)} bytes came back')
            if ready[0]:
                got += os.read(main, 65536)
            if ready[1]:
                at += os.write(main, text[at:at + 1024])
        os.write(main, EOT)
        self.assertEqual(program.wait(100), 0)
        self.assertEqual(digest(bytes(got)), digest(text))


def termios_output_is_raw(tty):
    """Newlines must come out as they went in; the program leaves output processing alone."""
    mode = termios.tcgetattr(tty)
    mode[1] &= ~termios.OPOST
    termios.tcsetattr(tty, termios.TCSANOW, mode)


class Terminal(unittest.TestCase):
    def start(self, guest, *words, short=False):
        """A run on a terminal of its own, which is in raw mode then; of a short one that may be over already."""
        self.main, self.tty = pty.openpty()
        self.addCleanup(os.close, self.main)
        self.addCleanup(os.close, self.tty)
        self.before = termios.tcgetattr(self.tty)
        program = subprocess.Popen(command(*words, guest), stdin=self.tty, stdout=self.tty, stderr=self.tty,
                                   start_new_session=True, preexec_fn=no_core)
        self.addCleanup(program.kill)
        if not short:
            self.wait_raw()
        return program

    def wait_raw(self):
        end = time.monotonic() + 100
        while termios.tcgetattr(self.tty)[3] & termios.ICANON and time.monotonic() < end:
            time.sleep(0.01)
        self.assertFalse(termios.tcgetattr(self.tty)[3] & termios.ICANON)

    def ended(self, program, status):
        self.assertEqual(program.wait(100), status)
        self.assertEqual(termios.tcgetattr(self.tty), self.before)

    def read_until(self, text):
        got = b''
        while text not in got:
            self.assertTrue(select.select([self.main], [], [], 100)[0], got)
            got += os.read(self.main, 4096)
        return got

    def test_every_fatal_signal(self):
        ours = {signal.SIGHUP, signal.SIGINT, signal.SIGTERM}  # these end the run in order
        for name in ('HUP INT QUIT ILL TRAP ABRT BUS FPE USR1 SEGV USR2 PIPE ALRM TERM XCPU VTALRM PROF IO PWR '
                     'SYS STKFLT').split():
            number = getattr(signal, 'SIG' + name, 16)
            with self.subTest(name):
                program = self.start(ECHO)
                os.write(self.main, b'!')
                self.read_until(b'!')  # it runs
                program.send_signal(number)
                self.ended(program, 128 + number if number in ours else -number)

    def test_guest_exit(self):
        program = self.start(ECHO)
        os.write(self.main, EOT)
        self.ended(program, 0)

    def test_time_limit(self):
        self.ended(self.start(ECHO, '--timeout', '0.5', short=True), 124)

    def test_instruction_limit(self):
        self.ended(self.start(ECHO, '--instructions', '3000000', short=True), 124)

    def test_stop_and_continue(self):
        program = self.start(ECHO)
        program.send_signal(signal.SIGTSTP)
        os.waitid(os.P_PID, program.pid, os.WSTOPPED | os.WNOWAIT)
        self.assertEqual(termios.tcgetattr(self.tty), self.before)
        program.send_signal(signal.SIGCONT)
        self.wait_raw()
        os.write(self.main, EOT)
        self.ended(program, 0)

    def test_keys(self):
        program = self.start(ECHO)
        os.write(self.main, CTRL_A + b'h')
        self.assertIn(b'Ctrl-A x', self.read_until(b'send Ctrl-A'))
        os.write(self.main, CTRL_A + b'c')
        self.read_until(b'(addend) ')
        os.write(self.main, CTRL_A + b'c')
        os.write(self.main, b'<' + CTRL_A + CTRL_A + b'>')
        # The guest may answer before the monitor has ended its line.
        self.assertIn(b'<\1>', self.read_until(b'>').replace(b'\r\n', b''))
        os.write(self.main, CTRL_A + b'x')
        self.ended(program, 0)


def no_core():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)  # a shell has its background jobs ignore it


ONE_HART = 'check' in OPTIONS  # all that -accel check can do


class Idle(unittest.TestCase):
    def test_wfi_costs_no_cpu_time(self):
        self.sleep()

    @unittest.skipIf(ONE_HART, 'one hart only')
    def test_wfi_of_eight_harts(self):
        self.sleep('-smp', '8')

    def sleep(self, *words):
        program = subprocess.Popen(command(*words, IDLE), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        with program.stdout:
            output = program.stdout.read()
        _, status, usage = os.wait4(program.pid, 0)
        program.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual((program.returncode, output), (0, b'slept\n'))
        self.assertLess(usage.ru_utime + usage.ru_stime, 0.5)  # it sleeps for 1 s; starting takes some of this


class Icount(unittest.TestCase):
    def run_once(self, shift, text, *words):
        with tempfile.TemporaryDirectory() as folder:
            stats, console = os.path.join(folder, 'stats'), os.path.join(folder, 'console')
            with open(console, 'wb') as f:
                f.write(text + EOT)
            with open(console, 'rb') as f:
                line = command('-icount', f'shift={shift}', f'--stats=json:{stats}', *(words or [TICKS]))
                done = subprocess.run(line, stdin=f, capture_output=True, check=False)
            self.assertEqual((done.returncode, done.stderr), (0, b''))
            with open(stats, encoding='utf-8') as f:
                numbers = json.load(f)
        return done.stdout, {k: v for k, v in numbers.items()
                             if 'seconds' not in k and k not in ('mips', 'peak_memory')}

    def test_runs_repeat(self):
        for shift in 0, 3:
            first, numbers = self.run_once(shift, b'some text\n')
            self.assertEqual(self.run_once(shift, b'some text\n'), (first, numbers))
            self.assertGreater(numbers['guest_instructions'], 1000000)
            time_of = {line.split(b':')[0]: int(line.split(b'mtime ')[1].split(b',')[0])
                       for line in first.splitlines() if b'mtime ' in line}
            self.assertGreater(time_of[b'naps'], 190000000)  # twenty naps, the first one cut short
            instret = int(first.split(b'instret ')[1].split(b',')[0])
            self.assertAlmostEqual(time_of[b'start'], (instret << shift) / 100, delta=100)

    @unittest.skipIf(ONE_HART, 'one hart only')
    def test_runs_of_three_harts_repeat(self):
        first, numbers = self.run_once(1, b'', '-smp', '3', HARTS)
        self.assertEqual(self.run_once(1, b'', '-smp', '3', HARTS), (first, numbers))
        self.assertTrue(all(h['guest_instructions'] > 10000 for h in numbers['harts']))

    def test_virtual_time_is_not_the_hosts(self):
        begin = time.monotonic()
        self.run_once(10, b'')
        self.assertLess(time.monotonic() - begin, 15)  # of 20 virtual seconds


if __name__ == '__main__':
    unittest.main(argv=[sys.argv[0], *sys.argv[6:AT]])
