#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may go wrong on the host while a guest runs: workers that die, hang, lie or are not there, no room for files and
none for code. The guest never notices, and the user reads one line about it; nothing is left behind.

run_faults.py ADDEND WORKER BAD_WORKER GUEST"""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

EAGER = ['-accel', 'jit,threshold=2000']
WAITING = ['-accel', 'jit,threshold=2000,sync=on']


class Faults:
    def __init__(self, addend, worker, bad_worker, guest, folder):
        self.addend, self.worker, self.bad_worker, self.guest = addend, worker, bad_worker, guest
        self.folder = folder
        self.tmp = folder / 'tmp' # what the program leaves in there is found
        self.tmp.mkdir()
        self.want = None

    def argv(self, *options):
        return [self.addend, *options, self.guest]

    def environment(self, **more):
        return {**os.environ, 'TMPDIR': str(self.tmp), 'BAD_WORKER_REAL': self.worker, **more}

    def run(self, *options, wrap=(), **env):
        done = subprocess.run([*wrap, *self.argv(*options)], stdin=subprocess.DEVNULL, capture_output=True, timeout=300,
                              check=False, env=self.environment(**env))
        return (done.returncode, done.stdout), done.stderr.decode().splitlines()

    def expect(self, what, got, warning):
        """The usual result and one warning with this text in it; None: no warning."""
        out, lines = got
        if out != self.want:
            sys.exit(f'{what}: {out} instead of {self.want}; {lines}')
        good = len(lines) == 1 and lines[0].startswith('addend: warning: ') and warning in lines[0] if warning \
            else not lines
        if not good:
            sys.exit(f'{what}: {warning or "nothing"} is expected on stderr, not {lines}')
        self.expect_clean(what)

    def expect_clean(self, what):
        left = list(self.tmp.rglob('*'))
        if left:
            sys.exit(f'{what}: left {left}')

    def bad_workers(self):
        for how, every, text in (('abort', 1, 'signal 6'), ('abort', 2, 'signal 6'), ('exit', 1, 'status 4'),
                                 ('garbage', 1, 'worker'), ('half', 1, 'worker'), ('object', 1, 'object file'),
                                 ('refuse', 1, 'no space left'), ('refuse', 2, 'no space left'),
                                 ('hang', 1, '0.3 seconds'), ('stop', 2, '2 seconds')):
            limit = text.split()[0] if 'seconds' in text else '60'
            self.expect(f'{how} {every}',
                        self.run(*WAITING, '--no-cache', ADDEND_WORKER=self.bad_worker, BAD_WORKER=how,
                                 BAD_WORKER_AT=str(every), ADDEND_WORKER_SECONDS=limit), text)
        start = time.monotonic()
        self.expect('hang at the end', self.run(*EAGER, '--no-cache', ADDEND_WORKER=self.bad_worker, BAD_WORKER='hang'),
                    None)
        if time.monotonic() - start > 30:
            sys.exit('a worker that hangs is waited for')
        for path, text in (('/nonexistent/worker', 'cannot be started'), ('/dev/null', 'cannot be started'),
                           ('/bin/true', 'does not do its job'), ('/bin/false', 'status 1')):
            self.expect(path, self.run(*WAITING, '--no-cache', ADDEND_WORKER=path), text)

    def children(self, pid):
        found = []
        for path in pathlib.Path(f'/proc/{pid}/task').glob('*/children'):
            try:
                found += [int(child) for child in path.read_text().split()]
            except OSError:
                pass
        return found

    def killed_workers(self):
        """Again and again; one that is killed when there is nothing to do any more is not missed."""
        for _ in range(10):
            with subprocess.Popen(self.argv('-accel', 'jit,threshold=100,sync=on', '--no-cache'),
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  env=self.environment()) as p:
                while p.poll() is None:
                    for child in self.children(p.pid):
                        try:
                            os.kill(child, signal.SIGKILL)
                        except ProcessLookupError:
                            pass
                    time.sleep(0.03)
                out, err = p.communicate()
            self.expect('workers killed', ((p.returncode, out), err.decode().splitlines()), 'signal 9' if err else None)
            if err:
                return
        sys.exit('no worker could be killed while it compiled')

    def killed_program(self):
        """Addend itself is killed while workers compile: they end, and clean up."""
        for delay in (0.05, 0.1, 0.15, 0.2, 0.3, 0.4):
            with subprocess.Popen([self.addend, 'demo', '-accel', 'jit,threshold=100,workers=3,opt=3', '--no-cache'],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  env=self.environment()) as p:
                time.sleep(delay)
                workers = self.children(p.pid)
                p.kill()
            end = time.monotonic() + 100
            while [w for w in workers if alive(w)] or list(self.tmp.iterdir()):
                if time.monotonic() > end:
                    sys.exit(f'killed after {delay} s: workers {workers} live on or leave {list(self.tmp.rglob("*"))}')
                time.sleep(0.02)

    def no_room_for_files(self):
        cache = self.folder / 'cache'
        self.expect('no temporary folder', self.run(*WAITING, '--no-cache', TMPDIR='/nonexistent'), 'status 1')
        limit = lambda n: ['prlimit', f'--fsize={n}']
        self.expect('no file may grow', self.run(*WAITING, '--cache-dir', cache, wrap=limit(0)), 'worker')
        if list(cache.glob('*')):
            sys.exit('something was kept all the same')
        if subprocess.run(['unshare', '-m', 'true'], stderr=subprocess.DEVNULL, check=False).returncode:
            return # a full disk needs the right to mount one
        mount = lambda size, folder: [
            'unshare', '-m', 'sh', '-c', f'mount -t tmpfs -o size={size},mode=700 none {folder} && '
            f'head -c 1M /dev/zero >{folder}/filling 2>/dev/null; exec "$@"', 'sh']
        cache.mkdir(exist_ok=True)
        self.expect('full disk', self.run(*WAITING, '--cache-dir', cache, wrap=mount('64k', cache)), 'No space left')
        self.expect('full temporary folder', self.run(*WAITING, '--no-cache', wrap=mount('64k', self.tmp)), 'worker')

    def tampering(self):
        """What others could have written is neither run nor kept."""
        cache = self.folder / 'tampered'
        self.expect('filling', self.run(*WAITING, '--cache-dir', cache), None)
        ways = [lambda path: path.chmod(0o622), symlink_to_itself]
        if os.geteuid() == 0:
            ways.append(lambda path: os.chown(path, 65534, 65534))
        for way in ways:
            for path in cache.glob('*.region'):
                way(path)
            self.expect('tampered', self.run(*WAITING, '--cache-dir', cache), 'damaged')
            if not any(path.is_file() and path.stat().st_uid == os.geteuid() for path in cache.glob('*.region')):
                sys.exit('nothing is kept in place of what was tampered with')
            self.expect('mended', self.run(*WAITING, '--cache-dir', cache), None)
        way(cache) if os.geteuid() == 0 else cache.chmod(0o777)
        self.expect('folder of another', self.run(*WAITING, '--cache-dir', cache), 'not used')

    def no_room_for_code(self):
        # Neither memory nor a file for all that code may take.
        small = '-m', '128M'
        limit = lambda n: ['prlimit', '--data=268435456', f'--fsize={n}']
        self.expect('no memory', self.run(*small, *WAITING, '--no-cache', wrap=limit(1 << 10)), 'no memory for')
        self.expect('baseline without memory',
                    self.run(*small, '-accel', 'baseline', wrap=limit(1 << 10)), 'no memory for')

    def all(self):
        self.want, lines = self.run('-accel', 'interp')
        if lines:
            sys.exit(f'interpreted: {lines}')
        self.expect('as usual', self.run(*WAITING, '--no-cache'), None)
        self.bad_workers()
        self.killed_workers()
        self.killed_program()
        self.no_room_for_files()
        self.no_room_for_code()
        self.tampering()


def symlink_to_itself(path):
    path.rename(path.with_suffix('.moved'))
    path.symlink_to(path.with_suffix('.moved').name)


def alive(pid):
    try:
        return pathlib.Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()[0] != 'Z'
    except OSError:
        return False


def main():
    with tempfile.TemporaryDirectory(prefix='addend-guest-') as folder:
        Faults(*[shutil.which(word) or os.path.abspath(word) for word in sys.argv[1:5]], pathlib.Path(folder)).all()


if __name__ == '__main__':
    main()
