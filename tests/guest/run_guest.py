#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a guest program and compares its output and exit status with its native twin, a file or a number.

run_guest.py --emulator addend|qemu PATH [--native PROGRAM] [--expected FILE] [--status N] [--semihost]
             [--timeout S] [--disk SECTORS] GUEST [-- OPTION...]

--disk: with a virtio disk of that many sectors and known content; the output's last line then is the MD5 of what the
guest has left there.
"""
import argparse
import difflib
import hashlib
import subprocess
import sys
import tempfile

from common import command, split_options


def run(argv, timeout):
    """(stdout, stderr, status); status None = did not end in time."""
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=timeout, check=False)
    except subprocess.TimeoutExpired as e:
        return e.stdout or b"", e.stderr or b"", None
    except OSError as e:
        sys.exit(f"run_guest.py: {argv[0]}: {e.strerror}")
    return done.stdout, done.stderr, done.returncode


def run_with_disk(args, argv):
    """The same with a disk: byte i of it is i / 512 + i. QEMU 7.2 speaks the legacy interface unless told not to."""
    with tempfile.NamedTemporaryFile() as disk:
        disk.write(bytes((i // 512 + i) % 256 for i in range(512 * args.disk)))
        disk.flush()
        argv += ["-global", "virtio-mmio.force-legacy=false", "-drive", f"file={disk.name},if=none,id=d0,format=raw",
                 "-device", "virtio-blk-device,drive=d0", "-device", "virtio-rng-device"]
        output, errors, status = run(argv, args.timeout)
        disk.seek(0)
        return output + f"disk {hashlib.md5(disk.read()).hexdigest()}\n".encode(), errors, status


def text(data):
    return data.decode("utf-8", "backslashreplace").splitlines(keepends=True)


def parse(argv):
    argv, options = split_options(argv)
    parser = argparse.ArgumentParser()
    parser.add_argument("--emulator", nargs=2, required=True, metavar=("NAME", "PATH"))
    parser.add_argument("--native")
    parser.add_argument("--expected")
    parser.add_argument("--status", type=int)
    parser.add_argument("--semihost", action="store_true")
    parser.add_argument("--timeout", type=float, default=500)
    parser.add_argument("--disk", type=int)
    parser.add_argument("guest")
    return parser.parse_args(argv), options


def main():
    args, options = parse(sys.argv[1:])
    output, status = None, args.status
    if args.native:
        output, _, status = run([args.native], args.timeout)
    elif args.expected:
        with open(args.expected, "rb") as f:
            output = f.read()
    argv = command(*args.emulator, options, args.guest, [] if args.semihost else None)
    got, errors, got_status = run_with_disk(args, argv) if args.disk else run(argv, args.timeout)

    failed = False
    if got_status is None:
        print(f"no end within {args.timeout:g} s")
        failed = True
    elif status is not None and got_status != status:
        print(f"exit status {got_status}, expected {status}")
        failed = True
    if output is not None and got != output:
        sys.stdout.writelines(difflib.unified_diff(text(output), text(got), "expected", "guest"))
        failed = True
    if failed:
        print("\ncommand:", " ".join(argv))
        if output is None:
            sys.stdout.writelines(text(got)[-20:])
        sys.stdout.writelines(text(errors)[-40:])
    sys.exit(failed)


main()
