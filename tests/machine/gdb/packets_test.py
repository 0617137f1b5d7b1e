#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gdb stub by its packets, without gdb: what a debugger may send, and what none sends.

usage: packets_test.py ADDEND GUEST_ELF [unittest arguments]"""
import os
import random
import re
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree

ADDEND, GUEST = sys.argv[1:3]
TIMEOUT = 60
CODE = 0x80100000  # where the guest has nothing
PATIENCE = 2  # seconds for which the stub waits for a hart


def symbols():
    text = subprocess.run(['riscv64-unknown-elf-nm', GUEST], capture_output=True, text=True, check=True).stdout
    return {line.split()[2]: int(line.split()[0], 16) for line in text.splitlines() if len(line.split()) == 3}


SYMBOLS = symbols()


def frame(data):
    if isinstance(data, str):
        data = data.encode('latin-1')
    return b'$' + data + b'#%02x' % (sum(data) & 255)


class Peer:
    """A debugger of few words."""

    def __init__(self, sock):
        self.sock = sock
        self.sock.settimeout(TIMEOUT)
        self.buffer = b''
        self.acks = True

    def byte(self):
        if not self.buffer:
            self.buffer = self.sock.recv(65536)
            if not self.buffer:
                raise EOFError('the stub has hung up')
        first, self.buffer = self.buffer[:1], self.buffer[1:]
        return first

    def packet(self):
        while self.byte() != b'$':
            pass
        data = b''
        while (c := self.byte()) != b'#':
            data += c
        total = self.byte() + self.byte()
        assert int(total, 16) == sum(data) & 255, (data, total)
        if self.acks and not data.startswith(b'W'):  # behind that nobody listens
            self.sock.sendall(b'+')
        return re.sub(rb'\}(.)', lambda m: bytes([m[1][0] ^ 0x20]), data, flags=re.S).decode('latin-1')

    def ask(self, data):
        self.sock.sendall(frame(data))
        if self.acks:
            assert (ack := self.byte()) == b'+', ack
        return self.packet()

    def console(self, data):
        """The answer to a monitor command, decoded."""
        answer, text = self.ask('qRcmd,' + data.encode().hex()), ''
        while answer[0] == 'O' and answer != 'OK':
            text += bytes.fromhex(answer[1:]).decode()
            answer = self.packet()
        return text, answer


class Stub(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, 'gdb')
        self.program = None

    def start(self, *options, env=None, stdin=subprocess.DEVNULL):
        argv = [ADDEND, '-m', '128', '-smp', '2', '-gdb', 'unix:' + self.path, '-S', *options]
        self.program = subprocess.Popen([*argv, '--timeout', '120', GUEST], stdin=stdin,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
        self.addCleanup(self.program.communicate)
        self.addCleanup(self.program.kill)
        return self.connect()

    def connect(self):
        end = time.monotonic() + TIMEOUT
        while True:
            sock = socket.socket(socket.AF_UNIX)
            try:
                sock.connect(self.path)
                self.addCleanup(sock.close)
                return Peer(sock)
            except OSError:
                sock.close()
                if time.monotonic() > end:
                    raise
                time.sleep(0.01)

    def ends(self, noted=''):
        out, err = self.program.communicate(timeout=TIMEOUT)
        self.assertEqual((self.program.returncode, out), (42, 'sum 199990000 cell 20002\n'))
        self.assertRegex(err, r'\A' + noted + r'\Z')

    def test_packets(self):
        p = self.start()
        self.assertEqual(p.ask('?'), 'T05thread:1;')
        supported = p.ask('qSupported:swbreak+;hwbreak+;vContSupported+')
        for wanted in ('PacketSize=', 'swbreak+', 'hwbreak+', 'QStartNoAckMode+', 'vContSupported+',
                       'qXfer:features:read+'):
            self.assertIn(wanted, supported)
        self.assertEqual(p.ask('QStartNoAckMode'), 'OK')
        p.acks = False
        for sent, wanted in [
                ('qC', 'QC1'), ('qfThreadInfo', 'm1,2'), ('qsThreadInfo', 'l'), ('qAttached', '1'), ('!', 'OK'),
                ('T1', 'OK'), ('T2', 'OK'), ('T3', 'E16'), ('T0', 'E16'), ('Hg2', 'OK'), ('qC', 'QC2'), ('Hg3', 'E16'),
                ('Hg0', 'OK'), ('Hg1', 'OK'), ('Hc-1', 'OK'), ('Hx1', 'E16'), ('H', 'E16'), ('vMustReplyEmpty', ''),
                ('qSymbol::', 'OK'), ('qTStatus', ''), ('vCont?', 'vCont;c;C;s;S;t;r'), ('vCont', 'E16'),
                ('vCont;', 'E16'), ('vCont;x', 'E16'), ('vCont;s:9', 'E16'), ('vCont;t', 'E16'), ('vCont;r1,2:1', None),
                ('vCont;r2,1:1', 'E16'), ('vCont;rffffffffffffffff,0:1', 'E16'),
                ('Z0', 'E16'), ('Z9,0,4', ''), ('Z2,ffffffffffffffff,2', 'E16'), ('Z2,80000000,0', 'E16'),
                ('z2,80000000,4', 'OK'), ('p0', '0' * 16), ('p20', struct.pack('<Q', 0x1004).hex()), ('p', 'E16'),
                ('pffff', 'E16'), ('P0=zz', 'E16'), ('P0', 'E16'), ('m0,0', ''), ('m', 'E16'), ('m7000000000,4', 'E0e'),
                ('M80001000,2:aabb', 'OK'), ('m80001000,2', 'aabb'), ('M80001000,2:aabbcc', 'E16'),
                ('M80001000,2:aa', 'E16'), ('X80001000,2:}\x03c', 'OK'), ('m80001000,2', '2363'),
                ('X80001000,3:ab', 'E16'), ('X80001000,0:', 'OK'), ('M7000000000,1:00', 'E0e'),
                ('M2000000,4:01000000', 'E0e'), ('X2000000,1:a', 'E0e'), ('m2000000,4', '00000000'),
                ('M1ff0,2:6162', 'OK'), ('m1ff0,2', '6162'), ('Qqemu.PhyMemMode:1', 'OK'),
                ('M2000000,4:01000000', 'E0e'), ('M7000000000,1:00', 'E0e'), ('M1ff0,1:63', 'OK'), ('m1ff0,2', '6362'),
                ('Qqemu.PhyMemMode:0', 'OK'),
                ('qSearch:memory:80000000;2000;#c', None),
                ('qCRC:80001000,2', None), ('qCRC:7000000000,2', 'E0e'), ('QqemuX', ''),
                ('qRcmd,zz', 'E16'), ('qXfer:features:read:other.xml:0,10', 'E00'), ('G00', 'E16'), ('i', ''),
                ('qqemu.sstep', '0x3'), ('Qqemu.sstep=1', 'OK'), ('qqemu.sstep', '0x1'), ('Qqemu.sstep=9', 'E16')]:
            if sent.startswith('qSearch'):
                sent = 'qSearch:memory:80000000;2000;}\x03c'
                wanted = '1,80001000'
            if sent == 'vCont;r1,2:1':
                wanted = 'T05thread:1;'
            if sent.startswith('qCRC:80001000'):
                wanted = 'C%08x' % crc(b'#c')
            with self.subTest(sent=sent):
                self.assertEqual(p.ask(sent), wanted)

    def test_description(self):
        p = self.start()
        text, at = '', 0
        while True:
            part = p.ask(f'qXfer:features:read:target.xml:{at:x},300')
            text += part[1:]
            at += len(part) - 1
            if part[0] == 'l':
                break
        tree = xml.etree.ElementTree.fromstring(text)
        features = {f.get('name').rpartition('.')[2]: {r.get('name'): int(r.get('regnum')) for r in f.findall('reg')}
                    for f in tree.findall('feature')}
        self.assertEqual(list(features), ['cpu', 'fpu', 'csr', 'virtual'])
        self.assertEqual([features['cpu'][n] for n in ('zero', 'sp', 'fp', 't6', 'pc')], [0, 2, 8, 31, 32])
        self.assertEqual([features['fpu'][n] for n in ('ft0', 'ft11', 'fflags', 'frm', 'fcsr')], [33, 64, 66, 67, 68])
        self.assertEqual(features['csr']['satp'], 65 + 0x180)
        self.assertGreater(len(features['csr']), 100)
        self.assertEqual(features['virtual'], {'priv': 65 + 4096})
        self.assertEqual(len(p.ask('g')), 33 * 16)
        for name, number in {**features['csr'], **features['virtual']}.items():
            with self.subTest(name=name):
                value = p.ask(f'p{number:x}')
                self.assertEqual(len(value), 16)
                if name not in ('mcycle', 'minstret', 'cycle', 'instret', 'time'):
                    self.assertIn(p.ask(f'P{number:x}={value}'), ('OK', 'E16'))
                    self.assertEqual(p.ask(f'p{number:x}'), value)

    def test_run(self):
        p = self.start()
        add, counter = SYMBOLS['add'], SYMBOLS['counter']
        p.ask('qSupported:swbreak+;hwbreak+')
        self.assertEqual(p.ask(f'Z0,{add:x},2'), 'OK')
        self.assertEqual(p.ask('vCont;c'), 'T05thread:1;swbreak:;')
        self.assertEqual(p.ask('p20'), struct.pack('<Q', add).hex())
        self.assertEqual(p.ask('vCont;c'), 'T05thread:1;swbreak:;')  # nothing has moved
        self.assertEqual(p.ask(f'z0,{add:x},2'), 'OK')
        self.assertEqual(p.ask(f'Z1,{add:x},2'), 'OK')
        self.assertEqual(p.ask('vCont;s:1'), 'T05thread:1;')
        self.assertEqual(p.ask('vCont;c'), 'T05thread:1;hwbreak:;')
        self.assertEqual(p.ask(f'z1,{add:x},2'), 'OK')
        for kind, name in (2, 'watch'), (4, 'awatch'), (3, 'rwatch'):
            self.assertEqual(p.ask(f'Z{kind},{counter:x},8'), 'OK')
            stop = p.ask('vCont;c')
            self.assertEqual(stop, f'T05thread:1;{name}:{counter:x};')
            before = p.ask(f'm{counter:x},8')
            self.assertEqual(p.ask(f'z{kind},{counter:x},8'), 'OK')
            self.assertEqual(p.ask('vCont;s:1'), 'T05thread:1;')  # the access, which was not done yet
            self.assertEqual(p.ask(f'm{counter:x},8') != before, kind == 2)
        self.assertEqual(p.ask(f'vCont;r{add:x},{add + 0x10:x}:1'), 'T05thread:1;')
        self.assertEqual(p.console('info status'), ('VM status: paused\n', 'OK'))
        self.assertEqual(p.ask('vCont;c'), 'W2a')
        self.ends()

    def test_interrupt_and_detach(self):
        p = self.start()
        start = 0x80000000
        code = p.ask(f'm{start:x},4')
        self.assertEqual(p.ask(f'M{start:x},4:6f000000'), 'OK')  # it jumps to itself
        p.sock.sendall(frame('vCont;c'))
        time.sleep(0.1)
        p.sock.sendall(b'\3')
        self.assertEqual(p.packet(), 'T02thread:1;')
        self.assertEqual(p.ask('p20'), struct.pack('<Q', start).hex())
        self.assertEqual(p.ask('D'), 'OK')
        p.sock.close()
        p = self.connect()  # which stops it again
        self.assertEqual(p.ask('?'), 'T05thread:1;')
        self.assertEqual(p.ask('p20'), struct.pack('<Q', start).hex())
        p.sock.sendall(frame('vCont;c') + frame('qC'))  # so does who says anything
        self.assertEqual(p.packet(), 'T02thread:1;')
        self.assertEqual(p.packet(), 'QC1')
        self.assertEqual(p.ask(f'M{start:x},4:{code}'), 'OK')
        self.assertEqual(p.ask('D'), 'OK')
        self.ends('(.* jumps to itself.*\n)?')

    def read_console(self, *behind):
        """Hart 0 is about to say > and then to wait for a character inside an instruction, behind which it goes on with
        these words."""
        p = self.start('-semihosting', stdin=subprocess.PIPE)
        call = [0x01f01013, 0x00100073, 0x40705013]
        # auipc a1, 0; addi a1, a1, 64; li a0, 3 (SYS_WRITEC), 7 (SYS_READC)
        words = [0x00000597, 0x04058593, 0x00300513, *call, 0x00700513, *call, *behind]
        self.assertLessEqual(len(words), 16)
        code = struct.pack('<16I', *words, *[0] * (16 - len(words))) + b'>'
        self.assertEqual(p.ask(f'M{CODE:x},{len(code):x}:{code.hex()}'), 'OK')
        self.assertEqual(p.ask(f'P20={struct.pack("<Q", CODE).hex()}'), 'OK')
        return p

    def reads(self):
        self.assertEqual(os.read(self.program.stdout.fileno(), 1), b'>')
        time.sleep(0.1)

    def types(self):
        self.program.stdin.write('x')
        self.program.stdin.flush()

    def test_stuck(self):
        """A hart that cannot be stopped for now: Ctrl-C twice is one stop, when there is input."""
        p = self.read_console(0x6f)  # it jumps to itself
        p.sock.sendall(frame('vCont;c'))
        self.reads()
        p.sock.sendall(b'\3\3' + frame('vCont;c'))
        time.sleep(PATIENCE * 1.5)  # the second one waits
        self.types()
        self.assertEqual(p.packet(), 'T02thread:1;')
        self.assertEqual(p.byte(), b'+')
        p.sock.settimeout(1)
        with self.assertRaises(TimeoutError):
            p.packet()
        p.sock.settimeout(TIMEOUT)
        p.sock.sendall(b'\3')
        self.assertEqual(p.packet(), 'T02thread:1;')
        self.assertEqual(p.ask('p20'), struct.pack('<Q', CODE + 40).hex())

    def gone_while_stuck(self):
        # li t0, 1; slli t0, t0, 31; jr t0: the guest's beginning
        p = self.read_console(0x00100293, 0x01f29293, 0x00028067)
        p.ask(f'Z0,{SYMBOLS["add"]:x},2')
        p.ask(f'Z2,{SYMBOLS["counter"]:x},8')
        p.sock.sendall(frame('vCont;c:1'))  # the other one stands
        self.reads()
        p.sock.close()
        time.sleep(PATIENCE + 1)

    def test_gone_while_stuck(self):
        """Whoever goes while a hart cannot be stopped leaves nothing behind either,"""
        self.gone_while_stuck()
        self.types()
        self.ends()

    def test_next_while_stuck(self):
        """also for the next one, who has it stand."""
        self.gone_while_stuck()
        p = self.connect()
        self.assertEqual(p.ask('?'), 'E10')
        self.types()
        while (why := p.ask('?')) == 'E10':
            pass
        self.assertEqual(why, 'T05thread:1;')
        self.assertEqual(p.console('info status'), ('VM status: paused\n', 'OK'))
        self.assertEqual(p.ask('vCont;c'), 'W2a')
        self.ends()

    def test_hang_up(self):
        """Whoever goes without a word leaves nothing behind."""
        p = self.start()
        p.ask(f'Z0,{SYMBOLS["add"]:x},2')
        p.ask(f'Z2,{SYMBOLS["counter"]:x},8')
        self.assertIn('T05', p.ask('vCont;c'))
        p.sock.close()
        self.ends()

    def test_one_after_the_other(self):
        first = self.start()
        second = self.connect()
        self.assertEqual(first.ask('Hg2'), 'OK')
        self.assertEqual(first.ask('p20'), struct.pack('<Q', 0x1000).hex())
        second.sock.sendall(frame('qC'))
        first.ask('QStartNoAckMode')
        first.sock.close()
        self.assertEqual(second.packet(), 'QC1')

    def test_kill(self):
        p = self.start()
        p.sock.sendall(frame('k'))
        self.assertEqual(self.program.wait(TIMEOUT), 0)

    def test_steps(self):
        """Traps, wfi and interrupts, one step at a time."""
        p = self.start()
        code, vector = 0x80100000, 0x80101000
        csr = {'mstatus': 0x300, 'mie': 0x304, 'mtvec': 0x305, 'mepc': 0x341, 'mcause': 0x342, 'mip': 0x344}

        def write(number, value):
            self.assertEqual(p.ask(f'P{number:x}={struct.pack("<Q", value).hex()}'), 'OK')

        def read(number):
            return struct.unpack('<Q', bytes.fromhex(p.ask(f'p{number:x}')))[0]

        def step():
            self.assertEqual(p.ask('vCont;s:1'), 'T05thread:1;')
            return read(32)

        # nop, an illegal instruction, wfi, nop, ecall
        words = [0x13, 0, 0x10500073, 0x13, 0x73]
        p.ask(f'M{code:x},14:{b"".join(struct.pack("<I", w) for w in words).hex()}')
        p.ask(f'M{vector:x},8:1300000013000000')
        write(65 + csr['mtvec'], vector)
        write(32, code)
        self.assertEqual(step(), code + 4)
        self.assertEqual(step(), vector)  # and nothing of the handler
        self.assertEqual((read(65 + csr['mepc']), read(65 + csr['mcause'])), (code + 4, 2))
        write(32, code + 8)
        self.assertEqual(step(), code + 12)  # the wfi
        self.assertEqual(step(), code + 16)
        self.assertEqual(step(), vector)
        self.assertEqual(read(65 + csr['mcause']), 11)
        write(32, 0x90000000)  # nothing is there
        self.assertEqual(step(), vector)
        self.assertEqual(read(65 + csr['mcause']), 1)
        # An interrupt that is pending all the time.
        write(65 + csr['mie'], 2)
        write(65 + csr['mip'], 2)
        write(32, code)
        write(65 + csr['mstatus'], read(65 + csr['mstatus']) | 8)
        self.assertEqual(step(), code + 4)
        self.assertEqual(p.ask('Qqemu.sstep=1'), 'OK')
        write(32, code)
        self.assertEqual(step(), vector + 4)
        self.assertEqual(read(65 + csr['mcause']), 1 << 63 | 1)

    def test_code_cache(self):
        """Code that earlier runs have compiled knows nothing of breakpoints, and is not spoilt by them."""
        with tempfile.TemporaryDirectory() as folder:
            env = {**os.environ, 'ADDEND_CACHE_DIR': folder}
            options = ['-accel', 'jit,threshold=200,sync=on', '--stats=json']

            def regions():
                done = subprocess.run([ADDEND, '-m', '128', '-smp', '2', *options, GUEST], stdin=subprocess.DEVNULL,
                                      capture_output=True, text=True, check=False, env=env, timeout=TIMEOUT)
                self.assertEqual((done.returncode, done.stdout), (42, 'sum 199990000 cell 20002\n'))
                return done.stderr

            first = regions()
            files = sorted(os.listdir(folder))
            self.assertTrue(files, first)
            p = self.start(*options, env=env)
            self.assertEqual(p.ask(f'Z0,{SYMBOLS["add"]:x},2'), 'OK')
            for i in range(300):
                self.assertIn('T05', p.ask('vCont;c'))
                self.assertEqual(p.ask('pb'), struct.pack('<Q', i).hex())
                p.ask('vCont;s:1')
            p.ask(f'z0,{SYMBOLS["add"]:x},2')
            self.assertEqual(p.ask('vCont;c'), 'W2a')
            self.assertEqual(self.program.wait(TIMEOUT), 42)
            hits = [int(n) for n in re.findall(r'"hits" *: *(\d+)', regions())]
            self.assertGreater(max(hits), 0)

    def test_conditions(self):
        """Agent expressions: what holds stops at add, what does not at feed, which is called behind it."""
        p = self.start()
        self.assertIn('ConditionalBreakpoints+', p.ask('qSupported'))
        add, feed = SYMBOLS['add'], SYMBOLS['feed']
        counter = f'25{SYMBOLS["counter"]:016x}'
        self.assertEqual(p.ask(f'Z0,{feed:x},2'), 'OK')
        for code, holds in [
                ('220127', True), ('220027', False),
                ('2203' '2204' '02' '2207' '13' '27', True),  # 3 + 4 == 7
                ('2203' '2204' '03' '2201' '29' '27', True), ('2203' '2203' '03' '27', False),
                ('2203' '2204' '04' '220c' '13' '27', True), ('22f9' '1608' '2202' '05' '22fd' '1608' '13' '27', True),
                ('22f9' '2202' '06' '227c' '13' '27', True), ('22f9' '1608' '2202' '07' '22ff' '1608' '13' '27', True),
                ('2207' '2204' '08' '2203' '13' '27', True), ('2201' '2204' '09' '2210' '13' '27', True),
                ('22f0' '1608' '2204' '0a' '22ff' '1608' '13' '27', True), ('22f0' '2204' '0b' '220f' '13' '27', True),
                ('2205' '0e' '27', False), ('220f' '2235' '0f' '2205' '13' '27', True),
                ('2208' '2201' '10' '2209' '13' '27', True), ('220c' '2206' '11' '220a' '13' '27', True),
                ('2200' '12' '2001' '27', True), ('22ff' '1608' '2201' '14' '27', True),
                ('22ff' '1608' '2201' '15' '27', False), ('22ff' '1608' '2a04' '220f' '13' '27', True),
                ('2201' '2202' '2b' '03' '2201' '13' '27', True),                   # swap
                ('2201' '2202' '2203' '33' '29' '13' '0e' '27', True),              # rot: 3 1 2
                ('2205' '2206' '3201' '2205' '13' '27', True), ('2205' '28' '13' '27', True),
                ('231234' '241234' '5678' '29' '27', True), ('210006' '2201' '27' '2200' '27', False),
                ('2201' '200008' '220027' '220127', True), ('2200' '200008' '220027' '220127', False),
                (counter + '1a' '27', None), (counter + '17' '261020' '29' '27', None),
                # What is no good is for gdb to look at.
                ('', True), ('27', True), ('02', True), ('2201' '2200' '05' '27', True), ('2200' '1a' '27', True),
                ('26ffff' '27', True), ('210000', True), ('2201' '210000', True), ('0c', True), ('25ff', True),
                ('2200' '16ff' '27', True), ('3205' '27', True), ('21ffff', True)]:
            with self.subTest(code=code):
                text = f'X{len(code) // 2:x},{code}'
                self.assertEqual(p.ask(f'Z0,{add:x},2;{text}'), 'OK')
                self.assertIn('T05', p.ask('vCont;c'))
                pc = struct.unpack('<Q', bytes.fromhex(p.ask('p20')))[0]
                if holds is not None:
                    self.assertEqual(pc, add if holds else feed)
                if pc == add:
                    self.assertEqual(p.ask('vCont;s:1'), 'T05thread:1;')
                    self.assertIn('T05', p.ask('vCont;c'))
                self.assertEqual(p.ask('vCont;s:1'), 'T05thread:1;')
        self.assertEqual(p.ask(f'z0,{feed:x},2'), 'OK')
        # In the second argument, of two conditions: one of them is enough.
        self.assertEqual(p.ask(f'Z0,{add:x},2;X8,26000b2303e81327X8,26000b2303e91327'), 'OK')
        for wanted in 1000, 1001:
            self.assertIn('T05', p.ask('vCont;c'))
            self.assertEqual(p.ask('pb'), struct.pack('<Q', wanted).hex())
            p.ask('vCont;s:1')
        for bad in ';X', ';X2,00', ';Y', ';X2,zz27', ';cmds:0', 'X1,27x':
            self.assertEqual(p.ask(f'Z0,{add:x},2{bad}'), 'E16')
        self.assertEqual(p.ask('vCont;c'), 'W2a')

    def test_held_hart(self):
        """One hart steps while the other stands, or runs."""
        p = self.start()
        p.ask(f'Z0,{SYMBOLS["work"]:x},2')
        self.assertIn('T05', p.ask('vCont;c'))
        p.ask('Hg2')
        pc = p.ask('p20')
        p.ask('Hg1')
        for _ in range(20):
            self.assertEqual(p.ask('vCont;s:1'), 'T05thread:1;')
        p.ask('Hg2')
        self.assertEqual(p.ask('p20'), pc)
        p.ask(f'z0,{SYMBOLS["work"]:x},2')
        self.assertEqual(p.ask('vCont;s:2'), 'T05thread:2;')
        self.assertEqual(p.ask('vCont;s:1;c'), 'T05thread:1;')
        self.assertEqual(p.ask('vCont;c'), 'W2a')

    def test_damaged(self):
        p = self.start()
        p.sock.sendall(b'$qC#00')
        self.assertEqual(p.byte(), b'-')
        self.assertEqual(p.ask('qC'), 'QC1')
        p.sock.sendall(b'-')
        self.assertEqual(p.packet(), 'QC1')
        p.sock.sendall(b'$' + b'a' * 100000 + b'#00')
        self.assertEqual(p.byte(), b'-')
        self.assertEqual(p.ask('qC'), 'QC1')

    def test_any_packets(self):
        """Packets that nobody sends: there is an answer to each, and the guest can still be run."""
        rng = random.Random(int(os.environ.get('SEED', '1')))
        p = self.start()
        self.assertEqual(p.ask('QStartNoAckMode'), 'OK')
        p.acks = False
        letters = '?!gGpPmMXZzHTqQvitABbjJ'
        starts = ['vCont?', 'qSupported:', 'qXfer:features:read:target.xml:', 'qSearch:memory:', 'qCRC:', 'qRcmd,',
                  'qThreadExtraInfo,', 'Qqemu.PhyMemMode:', 'Qqemu.sstep=', 'Z2,', 'z4,', 'M80000000,', 'X80000000,',
                  'P20=', 'G', 'qfThreadInfo', 'vFile:open:', 'm80000000,']
        pieces = ['0', '1', 'ffffffffffffffff', '80000000', ',', ';', ':', '-1', '=', 'zz', '\x00', '\xff', '}\x03',
                  '10000000000000000', '4', '#'.translate({35: 37}), ' ', 'p1.1']
        for _ in range(3000):
            text = rng.choice(starts) if rng.random() < .6 else rng.choice(letters)
            text += ''.join(rng.choice(pieces) for _ in range(rng.randrange(8)))
            if text.startswith('qRcmd,'):  # no command of the monitor shall end this
                text = 'qRcmd,' + 'zz'
            with self.subTest(sent=text):
                p.ask(text)
        for _ in range(200):
            p.sock.sendall(bytes(rng.randrange(256) for _ in range(rng.randrange(100))).replace(b'k', b'').replace(
                b'D', b'').replace(b'\3', b'').replace(b'#', b'') + b'#00')
        p.sock.close()
        p = self.connect()
        self.assertIn('T05', p.ask('?'))


def crc(data):
    value = 0xffffffff
    for byte in data:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ (0x04c11db7 if value >> 31 else 0)) & 0xffffffff
    return value


class Port(unittest.TestCase):
    def test_tcp(self):
        program = subprocess.Popen([ADDEND, '-m', '128', '-gdb', 'tcp::0,server,nowait', '-S', '--timeout', '60',
                                    GUEST], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.addCleanup(program.communicate)
        self.addCleanup(program.kill)
        port = int(re.fullmatch(r'addend: gdb: listening at port (\d+)\n', program.stderr.readline())[1])
        with socket.create_connection(('127.0.0.1', port)) as sock:
            self.assertEqual(Peer(sock).ask('qfThreadInfo'), 'm1')

    def test_errors(self):
        for option, message in [
                ('unix:/nonexistent/x', r'-gdb unix:/nonexistent/x: '), ('tcp:1', "'1' has no port"),
                ('tcp::x', 'x'), ('/dev/ttyS0', 'is none of tcp'), ('unix:', 'needs a path'),
                ('tcp::1,wait', '-S has the guest wait'), ('tcp::1,color', "'color' is none of")]:
            with self.subTest(option=option):
                done = subprocess.run([ADDEND, '-gdb', option, GUEST], capture_output=True, text=True, check=False,
                                      stdin=subprocess.DEVNULL, timeout=60)
                self.assertEqual(done.returncode, 1)
                self.assertIn(message, done.stderr)
                self.assertEqual(done.stderr.count('\n'), 1)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
