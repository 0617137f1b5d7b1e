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


def command(emulator, path, kernel, image, options=(), append='', console=None):
    """The command line of `emulator` ('addend' or 'qemu'); its console is standard input and output. image: the name of
    one in the folder, or a path; console: what the kernel is told about it in place of what suits spike's board."""
    named = image if os.sep in image else folder() / f'{image}.cpio'
    bios, kernel_file, initrd = str(folder() / 'opensbi.bin'), str(folder() / KERNELS[kernel]), str(named)
    return [path, *CPU[emulator], '-m', '1G', '-display', 'none', '-monitor', 'none', '-serial', 'stdio',
            '-bios', bios, '-kernel', kernel_file, '-initrd', initrd,
            '-append', f'{console or CONSOLE[kernel]} {append}'.strip(), *options]


def cpio_entry(name, mode, data=b''):
    """One entry of a newc archive."""
    words = [1, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
    head = b'070701' + b''.join(b'%08x' % w for w in words) + name.encode() + b'\0'
    return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)


def with_present_init(image, path):
    """Writes to `path` the image of that name with the init of tools/guests/linux, which may be newer: the kernel
    unpacks one archive behind the other."""
    init = (ROOT / 'tools/guests/linux/guest/init').read_bytes()
    first = (folder() / f'{image}.cpio').read_bytes()
    pathlib.Path(path).write_bytes(first + bytes(-len(first) % 512) + cpio_entry('init', 0o100755, init) +
                                   cpio_entry('TRAILER!!!', 0))


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
