#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs programs nobody here wrote (bzip2, lua, zlib, built from Debian's sources) in the guest and natively.

run_programs.py --emulator addend|qemu PATH --cache DIR CASE [-- OPTION...]

Each case is a list of command lines, done in a directory with nothing but the case's input files. Output,
exit statuses and every file left behind must be the same. Sources are fetched and built on first use
(tools/guests).
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

from common import command, make_text, split_options

HERE = pathlib.Path(__file__).resolve().parent
TOOLS = HERE.parent.parent / "tools" / "guests"


def lua_input():
    return {path.name: path.read_bytes() for path in (HERE / "lua").glob("*.lua")}


# case: input files, command lines
CASES = {
    "bzip2": (lambda: {"data": make_text(60000)},
              [["bzip2", "-9vk", "data"], ["bzip2", "-t", "data.bz2"], ["bzip2", "-dk", "data.bz2", "-f"],
               ["bzip2", "-1", "data", "-f"], ["bzip2", "-d", "missing.bz2"]]),
    "bzip2-code": (lambda: {"code": (TOOLS / "guest-cc").read_bytes() * 3 + bytes(range(256)) * 20},
                   [["bzip2", "-s", "code"], ["bzip2", "-d", "code.bz2"]]),
    "lua": (lua_input, [["lua", "basics.lua", "7"], ["lua", "work.lua", "1"], ["lua", "files.lua"],
                        ["lua", "status.lua"]]),
    "zlib-example": (dict, [["example"]]),
    "minigzip": (lambda: {"data": make_text(80000)},
                 [["minigzip", "-9", "data"], ["minigzip", "-d", "data.gz"], ["minigzip", "-f", "data"]]),
}


def parse(argv):
    argv, options = split_options(argv)
    parser = argparse.ArgumentParser()
    parser.add_argument("--emulator", nargs=2, required=True, metavar=("NAME", "PATH"))
    parser.add_argument("--cache", required=True, type=pathlib.Path)
    parser.add_argument("--timeout", type=float, default=1000)
    parser.add_argument("case", choices=CASES)
    return parser.parse_args(argv), options


def run_all(files, lines, start, timeout):
    """Does the command lines one after the other; returns (report lines, files left)."""
    with tempfile.TemporaryDirectory(prefix="addend-guest-") as directory:
        for name, data in files.items():
            pathlib.Path(directory, name).write_bytes(data)
        report = []
        for line in lines:
            try:
                done = subprocess.run(start(line), cwd=directory, stdin=subprocess.DEVNULL,
                                      capture_output=True, timeout=timeout, check=False)
            except subprocess.TimeoutExpired:
                sys.exit(f"{' '.join(line)}: no end within {timeout:g} s: {' '.join(start(line))}")
            # The guest has one console, so what a program writes to stderr may come out of stdout.
            both = sorted((done.stdout + done.stderr).replace(b".elf", b"").splitlines())
            report.append((" ".join(line), done.returncode, both))
        left = {path.name: path.read_bytes() for path in pathlib.Path(directory).iterdir()}
        return report, left


def main():
    args, options = parse(sys.argv[1:])
    built = args.cache / "programs"
    if subprocess.run([TOOLS / "build.sh", args.cache / "sources", built], check=False).returncode != 0:
        sys.exit("run_programs.py: the programs could not be fetched or built (see above)")
    built = built.resolve()
    name, path = args.emulator
    path = os.path.abspath(path) if os.sep in path else path
    make_files, lines = CASES[args.case]
    files = make_files()

    def native(line):
        return [built / line[0], *line[1:]]

    def guest(line):
        return [str(a) for a in command(name, path, options, built / (line[0] + ".elf"), line[1:])]

    wanted, wanted_files = run_all(files, lines, native, args.timeout)
    got, got_files = run_all(files, lines, guest, args.timeout)
    failed = False
    for (line, status, output), (_, got_status, got_output) in zip(wanted, got):
        if (status, output) != (got_status, got_output):
            print(f"{line}: status {got_status}, expected {status}")
            for text in output:
                print("  expected:", text.decode("utf-8", "backslashreplace"))
            for text in got_output:
                print("  got:     ", text.decode("utf-8", "backslashreplace"))
            failed = True
    for file in sorted(wanted_files.keys() | got_files.keys()):
        if wanted_files.get(file) != got_files.get(file):
            print(f"file {file}: {len(got_files.get(file, b''))} bytes, "
                  f"expected {len(wanted_files.get(file, b''))} or other contents")
            failed = True
    sys.exit(failed)


main()
