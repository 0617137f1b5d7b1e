# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of programs, timed: CPU and wall time, memory, and what addend's --stats say."""
import ctypes
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

PR_SET_CHILD_SUBREAPER = 36
FILLS = 4  # runs at most that fill a code cache


class Sample:
    """One run. cpu: user + system seconds of the process and all that it started; rss: peak bytes of the process. What
    the kernel says of a child is never less than what Python had when it started that; addend's --stats know better.
    """

    def __init__(self, output, status, cpu, wall, rss):
        self.output, self.status, self.cpu, self.wall, self.rss = output, status, cpu, wall, rss
        self.stats, self.left = {}, {}


def adopt_orphans():
    """From here on wait() sees the processes that a child leaves behind, too."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap():
    """(pid, wait status, resources) of each process that is left, as it ends."""
    while True:
        try:
            yield os.wait4(-1, 0)
        except ChildProcessError:
            return


def timed(argv, cwd=None, env=None):
    with tempfile.TemporaryFile() as out:
        start = time.monotonic()
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL, cwd=cwd,
                                 env=env)
        cpu, status, wall, rss = 0.0, None, None, 0
        for pid, code, usage in reap():
            cpu += usage.ru_utime + usage.ru_stime
            if pid == child.pid:
                wall = time.monotonic() - start
                status = child.returncode = os.waitstatus_to_exitcode(code)
                rss = usage.ru_maxrss * 1024
        out.seek(0)
        return Sample(out.read(), status, cpu, wall, rss)


class Setting:
    """A program in one way of running it. argv takes more options at its end only if it is one of addend's (addend).
    Accesses to memory are counted only if asked for (counts): that takes time, and QEMU does not do it."""

    def __init__(self, argv, rounds, addend=False, cache=None, counts=False):
        self.argv, self.rounds, self.addend, self.cache = [str(a) for a in argv], rounds, addend, cache
        self.counts = counts
        self.samples = []

    def run(self, files=None, record=True):
        argv, env = list(self.argv), dict(os.environ, ADDEND_CACHE_DIR="")
        with tempfile.TemporaryDirectory(prefix="addend-bench-") as top:
            cwd = os.path.join(top, "work")
            os.mkdir(cwd)
            for name, data in (files or {}).items():
                pathlib.Path(cwd, name).write_bytes(data)
            if self.addend:
                argv.append(f"--stats={'' if self.counts else 'quick,'}json:{top}/stats.json")
                if self.cache:
                    argv += ["--cache-dir", str(self.cache)]
            sample = timed(argv, cwd, env)
            sample.left = {p.name: p.read_bytes() for p in pathlib.Path(cwd).iterdir()}
            if self.addend:
                sample.stats = read_stats(f"{top}/stats.json")
                sample.rss = sample.stats.get("peak_memory") or sample.rss
        if record:
            self.samples.append(sample)
        return sample

    def fill_cache(self, files=None):
        """Untimed runs until one keeps nothing new. Returns how many that took."""
        os.makedirs(self.cache, mode=0o700, exist_ok=True)
        for n in range(FILLS):
            if not self.run(files, record=False).stats.get("cache_stores"):
                return n + 1
        return FILLS

    def median(self, what="cpu"):
        values = [getattr(s, what) for s in self.samples]
        return statistics.median(values) if values else None

    def median_stat(self, name):
        values = [s.stats[name] for s in self.samples if name in s.stats]
        return statistics.median(values) if values else None


def read_stats(path):
    try:
        with open(path, encoding="utf-8") as f:
            return json.load(f)
    except (OSError, ValueError):
        return {}


def say(text):
    """Progress, on a terminal only."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{text}\x1b[K")
        sys.stderr.flush()


def interleave(rounds, jobs, check=None):
    """jobs: (name, settings by their name, files). One run of each, then again; check(name, sample) after each run."""
    for n in range(rounds):
        for name, settings, files in jobs:
            for label, setting in settings.items():
                if n >= setting.rounds:
                    continue
                say(f"round {n + 1}/{rounds}: {name} {label}")
                if n == 0 and setting.cache:
                    setting.fill_cache(files)
                sample = setting.run(files)
                if check:
                    check(name, label, sample)
    say("")
