#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Boots Linux on addend; skipped (status 77) if the guests are not there.

run_linux.py ADDEND CASE KERNEL [--smp N] [--board NAME] -- [options of addend]

CASE is one of
    tiny    from the reset vector through the programs of the tiny image to poweroff; their output is the known one
    shell   somebody types at a shell: commands, Ctrl-C, a megabyte at once; then nothing, which costs no host time
    reboot  the guest resets the machine
    icount  two runs under -icount print the same and count the same
    reboots the guest resets the machine, which starts anew, again and again (virt only)
    net     somebody types at a shell on a virtio console, from a virtio disk: the network card gets its address from
            DHCP, a file is fetched from a server of the host, and the host fetches one through a forwarded port (virt
            and Debian's kernel only)
    disk    the programs of the tiny image from a virtio disk, to which they write; then the same disk, read-only (virt
            and Debian's kernel only)

--board virt takes that board; the stock kernel then has its serial line as console.
"""
import argparse
import hashlib
import http.server
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

import linux_guest as linux
import tiny_image

LIMIT = 900  # seconds; generous, for a busy host
MEGABYTE = 1 << 20


def expect(name, got, wanted):
    if got != wanted:
        raise linux.Lost(f'{name}: {got!r}, not {wanted!r}')


def tiny(args, console, stats):
    up = console.wait(linux.UP)
    expect('harts that Linux sees', int(up['cpus']), args.smp)
    for name in tiny_image.NAMES:
        line = console.wait(linux.BENCH)
        expect('line of the list, its status', (line['name'], line['status']), (name, '0'))
        ok = tiny_image.right(linux.folder() / 'tiny.cpio', name, line['digest'], LIMIT)
        expect(f'output of {name}, MD5 {line["digest"]}', 'right' if ok else 'wrong', 'right')
    console.wait('GUEST done')
    console.wait('reboot: Power down')
    expect('exit status', console.finish(), 0)
    numbers = json.load(stats)
    if args.check:
        share = numbers['checked_instructions'] / numbers['guest_instructions']
        print(f"{numbers['checked_instructions']} instructions in {numbers['checked_stretches']} stretches checked")
        expect(f'nine tenths of the instructions checked, not {share:.3f}', share > 0.9, True)


def shell(args, console, _):
    expect('harts that Linux sees', int(console.wait(linux.UP)['cpus']), args.smp)
    console.type(b"echo $((6 * 7))' is it'\n")
    console.wait('42 is it')
    console.type(b"sleep 1000\n")
    console.wait('sleep 1000')
    time.sleep(0.3)
    console.type(b'\3')
    console.type(b"echo sta''tus $?\n")
    console.wait('status 130')
    # The terminal passes everything on and echoes nothing; md5sum says what came.
    console.type(b"stty raw -echo; echo re''ady; head -c %d | md5sum; stty sane; echo do''ne\n" % MEGABYTE)
    console.wait('ready\r?\n')
    text = random.Random(3).randbytes(MEGABYTE)
    console.type(text)
    digest = console.wait(r'([0-9a-f]{32})  -')[1]
    expect('MD5 of what was pasted', digest, hashlib.md5(text).hexdigest())
    console.wait('done')
    for _ in range(5):  # on a busy host the guest takes longer to come to rest
        time.sleep(1)
        before = console.cpu_seconds()
        time.sleep(3)
        idle = console.cpu_seconds() - before
        if idle < 0.6:
            break
    print(f'{idle:.2f} s of CPU time in three idle seconds')
    expect('the idle guest sleeps', idle < 0.6, True)
    console.type(b'exit\n')
    console.wait('reboot: Power down')
    expect('exit status', console.finish(), 0)


def reboot(_, console, stats):
    console.wait('GUEST done')
    console.wait('reboot: Restarting system')
    expect('exit status', console.finish(), 0)
    json.load(stats)


def reboots(_, console, __):
    for _ in range(3):
        console.wait(linux.UP)
        console.wait('reboot: Restarting system')


def kept(image, name):
    """A file of the disk's file system."""
    return subprocess.run(['debugfs', '-R', f'cat {name}', image], check=True, capture_output=True).stdout


def check_disk(args, log):
    """What the guest has left on its disk."""
    done = subprocess.run(['e2fsck', '-fn', args.image], capture_output=True, check=False)
    expect('e2fsck', (done.returncode, done.stdout if done.returncode else b''), (0, b''))
    for line in linux.BENCH.finditer(log):
        digest = hashlib.md5(kept(args.image, f'/work/{line["name"]}')).hexdigest()
        expect(f'what {line["name"]} has written', digest, line['digest'])
    program = kept(args.image, f'/{tiny_image.PROGRAM}')
    expect('copy of a program', program and kept(args.image, '/work/copy') == program, True)
    noise = kept(args.image, '/work/random')
    expect('random bytes', (len(noise), len(set(noise)) > 16), (64, True))


def disk(args, console, stats):
    tiny(args, console, stats)
    check_disk(args, console.log)


def disk_readonly(args, console, _):
    """The second boot of the case."""
    console.wait(linux.UP)
    console.wait(linux.BENCH)
    console.wait('reboot: Power down')
    expect('exit status', console.finish(), 0)


def serve(data):
    """A web server of the host whose every file is data; its port."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):  # pylint: disable=invalid-name
            self.send_response(200)
            self.send_header('Content-Length', str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):  # pylint: disable=arguments-differ
            pass

    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def net(args, console, _):
    """On hvc0: Linux makes its console's Ctrl-O a command, so no such byte is pasted; and what is typed before the
    shell has set up the terminal confuses it, on QEMU too."""
    data = random.Random(5).randbytes(8 * MEGABYTE)
    port = serve(data)
    console.wait('/ # ')
    console.type(b'cat /sys/class/tty/console/active\n')
    console.wait('hvc0\r?\n')
    console.type(b"stty raw -echo; echo re''ady; head -c %d | md5sum; stty sane; echo do''ne\n" % MEGABYTE)
    console.wait('ready\r?\n')
    text = random.Random(3).randbytes(MEGABYTE).replace(b'\x0f', b'o')
    console.type(text)
    expect('MD5 of what was pasted', console.wait(r'([0-9a-f]{32})  -')[1], hashlib.md5(text).hexdigest())
    console.wait('done')
    console.type(b"udhcpc -n -q -i eth0 && echo status $?; ip addr show dev eth0\n")
    console.wait('lease of 10.0.2.15 obtained from 10.0.2.2')
    console.wait('inet 10.0.2.15/24')
    console.type(b"ping -c 1 10.0.2.2\n")
    console.wait('1 packets received')
    console.type(b"wget -q -O - http://10.0.2.2:%d/x | md5sum\n" % port)
    expect('MD5 of what was fetched', console.wait(r'([0-9a-f]{32})  -')[1], hashlib.md5(data).hexdigest())
    print(f'the guest has fetched {len(data)} bytes from the host')
    console.type(b"httpd -p 80 -h /bin; md5sum /bin/busybox; echo do''ne\n")
    digest = console.wait(r'([0-9a-f]{32})  /bin')[1]
    console.wait('done')
    with urllib.request.urlopen(f'http://127.0.0.1:{args.port}/busybox', timeout=60) as answer:
        data = answer.read()
    expect('MD5 of what the host has fetched', hashlib.md5(data).hexdigest(), digest)
    print(f'the host has fetched {len(data)} bytes from the guest')
    console.type(b'exit\n')
    console.wait('reboot: Power down')
    expect('exit status', console.finish(), 0)


def md5_of(path):
    with open(path, 'rb') as f:
        return hashlib.md5(f.read()).hexdigest()


def run_disk(args):
    """Both boots; True if they went well."""
    with tempfile.TemporaryDirectory() as folder:
        script = linux.ROOT / 'tools/guests/linux/disk.sh'
        subprocess.run([script, linux.folder(), folder], check=True)
        args.image, args.initrd = f'{folder}/disk.ext4', f'{folder}/disk.cpio'
        if args.case == 'net':
            args.port = free_port()
            args.tell = 'console=hvc0'
            args.options += ['-drive', f'file={args.image},if=virtio,format=raw', '-serial', 'null',
                             '-chardev', 'stdio,id=c', '-device', 'virtio-serial-device',
                             '-device', 'virtconsole,chardev=c', '-device', 'virtio-net-device,netdev=n',
                             '-netdev', f'user,id=n,hostfwd=tcp:127.0.0.1:{args.port}-:80']
            return run(args)
        args.options += ['-drive', f'file={args.image},if=none,id=d0,format=raw', '-device',
                         'virtio-blk-device,drive=d0', '-device', 'virtio-rng-device']
        if not run(args):
            return False
        before = md5_of(args.image)
        args.case = 'disk-readonly'
        args.options[-5] += ',readonly=on'
        return run(args) and md5_of(args.image) == before


def icount(args, console, stats):
    """The first run; icount_again makes the second."""
    console.process.stdin.close()
    console.wait('reboot: Power down')
    expect('exit status', console.finish(), 0)
    args.runs.append((console.log, {k: v for k, v in json.load(stats).items()
                                    if 'seconds' not in k and k not in ('mips', 'peak_memory')}))


CASES = {  # what is done, on the kernel's command line, options
    'tiny': (tiny, '', []),
    'shell': (shell, 'GUEST=shell ONLY=none', []),
    'reboot': (reboot, 'END=reboot ONLY=none', []),
    'reboots': (reboots, 'END=reboot ONLY=none', []),
    'disk': (disk, 'SAVE=1', []),
    'disk-readonly': (disk_readonly, 'ROOT=ro ONLY=sort', []),
    'net': (net, 'GUEST=shell ONLY=none', []),
    'icount': (icount, 'ONLY=hash,fork,calc', ['-icount', 'shift=4']),
}


def run(args):
    """True if the case went well."""
    case, append, options = CASES[args.case]
    with tempfile.NamedTemporaryFile('r', encoding='utf-8') as stats, tempfile.NamedTemporaryFile() as own:
        options = [*options, *args.options, '-smp', str(args.smp), f'--stats=json:{stats.name}']
        image, tell = 'tiny', None
        if args.board == 'virt':
            options = ['-M', 'virt', *options]
        if args.initrd:
            image, tell = args.initrd, args.tell
        elif args.board == 'virt' and args.kernel == 'stock':
            linux.with_present_init('tiny', own.name)
            image, tell = own.name, 'console=ttyS0'
        argv = linux.command('addend', args.addend, args.kernel, image, options, append, tell)
        console = linux.Console(argv, LIMIT)
        try:
            case(args, console, stats)
            return True
        except linux.Lost as e:
            tail = console.log.splitlines()[-60:]
            print('command:', ' '.join(argv), '\n', '\n'.join(tail), f'\n--- {args.case}: {e}')
            return False
        finally:
            console.kill()


def same_runs(first, second):
    for a, b in zip(first[0].splitlines(), second[0].splitlines()):
        if a != b:
            print(f'two runs under -icount differ:\n{a}\n{b}')
            return False
    for key in first[1]:
        if first[1][key] != second[1][key]:
            print(f'two runs under -icount differ: {key} {first[1][key]} {second[1][key]}')
            return False
    return len(first[0]) == len(second[0])


def main():
    at = sys.argv.index('--')
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('addend', type=os.path.abspath)
    parser.add_argument('case', choices=CASES)
    parser.add_argument('kernel', choices=linux.KERNELS)
    parser.add_argument('--smp', type=int, default=1)
    parser.add_argument('--board', choices=['clabpu', 'virt'], default='clabpu')
    args = parser.parse_args(sys.argv[1:at])
    args.options, args.runs, args.initrd, args.tell = sys.argv[at + 1:], [], None, 'console=ttyS0'
    args.check = any(o.startswith('check') for o in args.options)
    lacking = linux.missing(args.kernel, 'tiny')
    if args.case in ('disk', 'net') and not lacking:
        os.environ['PATH'] += ':/usr/sbin:/sbin'
        if not (linux.folder() / 'pool/root/usr/lib/modules').is_dir():
            lacking = f'{linux.folder()} has no pool with the modules of the kernel'
        elif not shutil.which('e2fsck'):
            lacking = 'e2fsprogs is not installed'
    if lacking:
        print(f'skipped: {lacking}')
        sys.exit(77)
    ok = run_disk(args) if args.case in ('disk', 'net') else run(args)
    if ok and args.case == 'icount':
        ok = run(args) and same_runs(*args.runs)
    sys.exit(not ok)


if __name__ == '__main__':
    main()
