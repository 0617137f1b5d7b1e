#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs random programs under several engines and compares what they print and how they end.

run_diff.py --generator PROGRAM --addend PROGRAM [--qemu PROGRAM] [--mode code|bytes|priv]
            [--seeds FIRST COUNT] [--engines NAME,...] [--instructions N] [--check-at-least N] [--keep DIR] [--jobs N]

The first engine is what the others are compared with. In the modes code and priv QEMU must run every program of an even
seed as well. In mode priv the generator is priv_program. Every second pair of its programs has Svinval, Svnapot and
Svpbmt; where QEMU runs too, the A and D bits of page tables are set by hardware, else there is Svade.

In mode bytes the program is 4 KiB of random bytes, in M-mode or (every second seed) in U-mode. One half has no branches
back and so most often ends by itself, with its state printed; the other half is ended by a limit on instructions, and
only check mode sees its state.

A program on which engines differ is kept.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ENGINES = {
    "interp": ["-accel", "interp"],
    "jit1": ["-accel", "jit,threshold=1,sync=on"],
    "jit1-O2": ["-accel", "jit,threshold=1,sync=on,opt=2"],
    "jit20": ["-accel", "jit,threshold=20,sync=on"],
    "jit": ["-accel", "jit"],
    "tlb": ["-accel", "jit,threshold=20", "--tlb-bits", "6"],
    "check": ["-accel", "check,threshold=50,sync=on"],
    "check1": ["-accel", "check,threshold=1,sync=on"],
    "baseline": ["-accel", "baseline,warm=1"],
    "check-baseline": ["-accel", "check,warm=1,threshold=1000000000"],
    "small": ["-accel", "check,warm=1,threshold=1000000000", "--tlb-bits", "6"],
}
# Extensions that are switched alike on both sides, and what stays different or is not on both.
PRIV_EXTENSIONS = ["svinval", "svnapot", "svpbmt"]
QEMU_CPU = "rv64,h=off,sstc=off,pmu-num=29"
ADDEND_CPU = "rv64,sstc=off"
TIMEOUT = 500      # seconds; a program takes a few
BYTES_LIMIT = 1000000 # instructions of a program made of random bytes


def parse():
    p = argparse.ArgumentParser()
    p.add_argument("--generator", required=True)
    p.add_argument("--addend", required=True)
    p.add_argument("--qemu")
    p.add_argument("--mode", choices=["code", "bytes", "priv"], default="code")
    p.add_argument("--seeds", nargs=2, type=int, default=[1, 10], metavar=("FIRST", "COUNT"))
    p.add_argument("--engines", default="interp,jit1,jit,check")
    p.add_argument("--instructions", type=int, default=500000)
    p.add_argument("--check-at-least", type=int, default=0,
                   help="fail if fewer compiled instructions were checked in all")
    p.add_argument("--keep", default=".", help="where programs go on which engines differ")
    p.add_argument("--jobs", type=int, default=2)
    return p.parse_args()


class Case:
    """One program. After run(): problem is None or a text; instructions, checked: sums over its check runs;
    with_qemu: instructions that QEMU ran too."""

    def __init__(self, args, seed, folder):
        self.args = args
        self.seed = seed
        self.elf = folder / f"random-{args.mode}-{seed}.elf"
        self.portable = args.mode != "bytes" and seed % 2 == 0
        self.extensions = args.mode == "priv" and seed // 2 % 2 == 1
        self.instructions = self.checked = self.with_qemu = 0
        self.problem = None

    def generator(self):
        options = ["--portable"] * self.portable + ["--extensions"] * self.extensions
        if self.args.mode == "bytes":
            options = ["--bytes"] + ["--user"] * (self.seed & 1) + ["--forward"] * (self.seed >> 1 & 1)
        return [self.args.generator, str(self.seed), str(self.elf), "--instructions", str(self.args.instructions),
                *options]

    def cpu(self, model):
        if self.args.mode != "priv":
            return []
        switch = "on" if self.extensions else "off"
        return ["-cpu", ",".join([model] + [f"{name}={switch}" for name in PRIV_EXTENSIONS])]

    def addend(self, engine, stats):
        limit = BYTES_LIMIT if self.args.mode == "bytes" else 20 * self.args.instructions + 10000000
        return [self.args.addend, "-M", "spike", "-m", "128M", "-nographic", "-bios", "none", "-kernel", str(self.elf),
                "--instructions", str(limit), f"--stats=json:{stats}", *ENGINES[engine],
                *self.cpu(ADDEND_CPU + (",svadu=on" if self.portable else ""))]

    def qemu(self):
        return [self.args.qemu, "-M", "spike", "-m", "128M", "-nographic", "-bios", "none", "-kernel", str(self.elf),
                *self.cpu(QEMU_CPU)]

    def start(self, argv):
        """(stdout, status, stderr) of a command that was given no input."""
        try:
            done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT, check=False)
        except subprocess.TimeoutExpired as e:
            return e.stdout or b"", None, b"no end"
        return done.stdout, done.returncode, done.stderr

    def run_engine(self, engine):
        stats = self.elf.with_suffix("." + engine)
        argv = self.addend(engine, stats)
        output, status, errors = self.start(argv)
        counts = None # of a run that ended by itself: engines stop at a limit at different places
        if stats.exists() and stats.stat().st_size: # empty: the program died
            numbers = json.loads(stats.read_text())
            if status == 0:
                counts = numbers["guest_instructions"], numbers["traps"]
            if engine.startswith("check"):
                self.instructions += numbers["guest_instructions"]
                self.checked += numbers["checked_instructions"]
        stats.unlink(missing_ok=True)
        return argv, (output, status, counts), errors

    def differ(self, argv, got, errors):
        first = self.first
        lines = [f"seed {self.seed}: engines differ", "generator: " + " ".join(self.generator()),
                 "reference: " + " ".join(self.reference), "command:   " + " ".join(argv),
                 f"status {first[1]} and {got[1]}, counts {first[2]} and {got[2]}"]
        expected, lines_got = first[0].split(b"\n"), got[0].split(b"\n")
        for i in range(max(len(expected), len(lines_got))):
            a, b = (x[i].decode(errors="replace") if i < len(x) else "(none)" for x in (expected, lines_got))
            if a != b:
                lines.append(f"line {i + 1}: {a} and {b}")
        lines.append(errors.decode(errors="replace")[-4000:])
        self.problem = "\n".join(lines)

    def run(self):
        made = self.start(self.generator())
        if made[1] != 0:
            self.problem = f"seed {self.seed}: generator failed: {made[2].decode()}"
            return self
        self.first = None
        for engine in self.args.engines.split(","):
            argv, got, errors = self.run_engine(engine)
            if not self.first:
                self.first, self.reference = got, argv
                allowed = (0, 124) if self.args.mode == "bytes" else (0,)
                if got[1] not in allowed:
                    self.differ(argv, got, errors)
                    return self
            elif got != self.first:
                self.differ(argv, got, errors)
                return self
        if self.portable and self.args.qemu:
            argv = self.qemu()
            output, status, errors = self.start(argv)
            # The last line counts instructions, which QEMU does otherwise.
            if status != self.first[1] or output.split(b"\n")[:-2] != self.first[0].split(b"\n")[:-2]:
                self.differ(argv, (output, status, self.first[2]), errors)
                return self
            self.with_qemu = self.first[2][0]
        self.elf.unlink()
        return self


def main():
    args = parse()
    first, count = args.seeds
    instructions = checked = with_qemu = 0
    bad = []
    with tempfile.TemporaryDirectory(prefix="addend-diff-") as folder:
        cases = [Case(args, seed, pathlib.Path(folder)) for seed in range(first, first + count)]
        with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
            for case in pool.map(Case.run, cases):
                instructions += case.instructions
                checked += case.checked
                with_qemu += case.with_qemu
                if case.problem:
                    bad.append(case.seed)
                    print(case.problem, flush=True)
                    if case.elf.exists():
                        os.makedirs(args.keep, exist_ok=True)
                        kept = pathlib.Path(args.keep) / case.elf.name
                        kept.write_bytes(case.elf.read_bytes())
                        print("kept:", kept, flush=True)
    print(f"{count} programs, {len(bad)} with differences {bad if bad else ''}; check mode ran {instructions} "
          f"instructions, of which {checked} in compiled code; {with_qemu} were compared with QEMU")
    if checked < args.check_at_least:
        print(f"fewer than {args.check_at_least} compiled instructions were checked")
        bad.append(None)
    sys.exit(bool(bad))


main()
