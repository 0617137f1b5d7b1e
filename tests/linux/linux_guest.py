# SPDX-License-Identifier: GPL-3.0-or-later
"""The Linux guests of tools/guests/linux: where they lie, how emulators boot them, and a console to talk to."""
import os
import pathlib
import re
import select
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
KERNELS = {'small': 'Image-small', 'stock': 'Image'}
# The stock kernel has no console driver for this board: its log goes out through the SBI.
CONSOLE = {'small': 'console=hvc0', 'stock': 'earlycon=sbi keep_bootcon printk.devkmsg=on quiet loglevel=7'}
# QEMU's spike board claims Sstc but cannot serve it; this processor of QEMU's is plain RV64GC.
CPU = {'qemu': ['-M', 'spike', '-cpu', 'sifive-u54'], 'addend': ['-M', 'clabpu']}

# What init prints: kernel messages come with a time stamp before, the console's line ends with a CR behind.
UP = re.compile(r'GUEST up \S+ (?P<release>\S+) (?P<cpus>\d+) cpu')
BENCH = re.compile(r'BENCH (?P<name>\S+) (?P<seconds>\S+) (?P<status>\d+) (?P<digest>[0-9a-f]{32})')


def folder():
    """$ADDEND_GUESTS, or guests-cache beside the checkout."""
    named = os.environ.get('ADDEND_GUESTS')
    return pathlib.Path(named) if named else ROOT.parent / 'guests-cache'


def missing(kernel, image):
    """A sentence if something is not there that booting needs, else None."""
    where = folder()
    files = [n for n in ('opensbi.bin', KERNELS[kernel], f'{image}.cpio') if not (where / n).exists()]
    if not files:
        return None
    maker = 'kernel.sh' if files == [KERNELS['small']] else 'build.sh'
    return (f'{where} has no {", ".join(files)}: tools/guests/linux/{maker} {where} makes it '
            '(another folder: $ADDEND_GUESTS)')


def command(emulator, path, kernel, image, options=(), append=''):
    """The command line of `emulator` ('addend' or 'qemu'); its console is standard input and output."""
    bios, kernel_file, initrd = (str(folder() / n) for n in ('opensbi.bin', KERNELS[kernel], f'{image}.cpio'))
    return [path, *CPU[emulator], '-m', '1G', '-display', 'none', '-monitor', 'none', '-serial', 'stdio',
            '-bios', bios, '-kernel', kernel_file, '-initrd', initrd,
            '-append', f'{CONSOLE[kernel]} {append}'.strip(), *options]


class Lost(Exception):
    """The guest did not say what it should."""


class Console:
    """A running guest, and what it has printed so far (`log`)."""

    def __init__(self, argv, limit):
        self.end = time.monotonic() + limit
        self.log = ''
        self.seen = 0  # what wait() has looked at
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for pipe in self.process.stdin, self.process.stdout:
            os.set_blocking(pipe.fileno(), False)

    def read(self, data=b''):
        """Waits for output, or until some of `data` can be typed; returns (what is left of data, output ended)."""
        fd = self.process.stdout.fileno()
        left = self.end - time.monotonic()
        if left <= 0:
            raise Lost('the time is over')
        readable, writable, _ = select.select([fd], [self.process.stdin] if data else [], [], left)
        if writable:
            data = data[os.write(self.process.stdin.fileno(), data[:65536]):]
        text = os.read(fd, 65536) if readable else None
        if text:
            self.log += text.decode('utf-8', 'replace')
        return data, text == b''

    def wait(self, pattern):
        """The next match of the pattern in the output."""
        while True:
            found = re.compile(pattern).search(self.log, self.seen)
            if found:
                self.seen = found.end()
                return found
            if self.read()[1]:
                raise Lost(f'the guest ended before it said {pattern!r}')

    def type(self, data):
        while data:
            data, ended = self.read(data)
            if ended:
                raise Lost('the guest ended while it was typed to')

    def finish(self):
        """Reads to the end; the exit status."""
        while not self.read()[1]:
            pass
        return self.process.wait(max(0.1, self.end - time.monotonic()))

    def cpu_seconds(self):
        """User and system time of the emulator so far, without its workers."""
        fields = pathlib.Path(f'/proc/{self.process.pid}/stat').read_text(encoding='ascii').rpartition(')')[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for pipe in self.process.stdin, self.process.stdout:
            pipe.close()
