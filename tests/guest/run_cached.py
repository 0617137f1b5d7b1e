#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs guests with an empty, a filled and a damaged code cache: the output must always be that of a run without one.

run_cached.py ADDEND GUEST... [-- OPTION...]"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from common import split_options


class Cached:
    """A guest with a cache folder of its own."""

    def __init__(self, addend, guest, options, folder):
        self.addend, self.guest, self.options, self.folder = addend, guest, options, folder
        self.report = folder / "stats.json"
        self.cache = folder / "cache"

    def argv(self, *options):
        return [self.addend, "-bios", "none", "-kernel", self.guest, "-nographic", *self.options,
                f"--stats=json:{self.report}", *options]

    def run(self, *options):
        """(exit status and console, lines on stderr, statistics)"""
        done = subprocess.run(self.argv(*options), stdin=subprocess.DEVNULL, capture_output=True, timeout=300,
                              check=False)
        return (done.returncode, done.stdout), done.stderr.decode().splitlines(), json.loads(self.report.read_text())

    def cached(self, *options):
        return self.run("--cache-dir", self.cache, *options)

    def command(self, action, expected=0):
        done = subprocess.run([self.addend, "cache", action, "--cache-dir", self.cache], capture_output=True, text=True,
                              check=False)
        self.expect(done.returncode == expected and not done.stderr, f"cache {action}: {done}")
        return done.stdout.splitlines()

    def expect(self, ok, what):
        if not ok:
            sys.exit(f"{self.guest}: {what}")

    def expect_run(self, what, got, want, warnings=0):
        out, lines, stats = got
        self.expect(out == want, f"{what}: other output: {out} instead of {want}")
        self.expect(len(lines) == warnings, f"{what}: {warnings} lines expected on stderr: {lines}")
        return stats

    def files(self):
        return sorted(self.cache.glob("*.region"))


def damage(files):
    """Each file in another way."""
    for i, path in enumerate(files):
        data = bytearray(path.read_bytes())
        if i % 4 == 0:
            data[len(data) // 2] ^= 1
        elif i % 4 == 1:
            data = data[:-1]
        elif i % 4 == 2:
            data = bytearray()
        else:
            data += b"\0"
        path.write_bytes(data)


def check(c):
    want, lines, _ = c.run("--no-cache")
    c.expect(not lines, f"without a cache: {lines}")
    cold = c.expect_run("cold", c.cached(), want)
    c.expect(cold["cache_stores"] == cold["regions"] >= len(c.files()) > 0, f"cold: {cold}")
    warm = c.expect_run("warm", c.cached(), want)
    c.expect(warm["cache_hits"] > 0 and warm["regions"] < cold["regions"], f"warm: {warm}")
    c.expect_run("dumps", c.cached("-d", "out_asm", "-D", os.devnull), want)
    checked = c.expect_run("checked", c.cached("-accel", "check"), want)
    c.expect(checked["cache_hits"] > 0 or checked["checked_instructions"] == 0, f"checked: {checked}")
    # Several at once, from a cache that is half there.
    for path in c.files()[::2]:
        path.unlink()
    both = [subprocess.Popen([*c.argv("--cache-dir", c.cache), f"--stats=json:{c.folder}/{i}"],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for i in "ab"]
    for p in both:
        out, err = p.communicate(timeout=300)
        c.expect((p.returncode, out) == want and not err, f"at once: {err}")
    # Each file damaged: told once, and mended.
    n = len(c.files())
    c.expect(c.command("list")[-1].startswith(f"{c.cache}: {n} regions"), "list")
    c.expect(c.command("verify")[-1].startswith(f"{c.cache}: {n} regions"), "verify")
    damage(c.files())
    c.expect(c.command("verify", 1)[-1].endswith(f"{n} damaged"), "verify does not find the damage")
    c.expect_run("damaged", c.cached(), want, 1)
    c.expect_run("mended", c.cached(), want)
    # A folder that others may write to, a disk with no room, one that cannot be used at all.
    c.cache.chmod(0o777)
    stats = c.expect_run("writable by all", c.cached(), want, 1)
    c.expect(stats["cache_hits"] == 0, "a folder that others may write to is used")
    c.cache.chmod(0o700)
    c.command("purge")
    c.expect(not c.files(), "purge leaves something")
    c.expect(c.command("list")[-1].startswith(f"{c.cache}: 0 regions"), "list of nothing")
    c.expect_run("no folder", c.run("--cache-dir", "/dev/null/x"), want, 1)
    c.expect_run("no room", c.cached("--cache-size", "2K"), want)
    c.expect(sum(path.stat().st_size for path in c.files()) <= 2048, "the bound is not kept")


def main():
    (addend, *guests), options = split_options(sys.argv[1:])
    for guest in guests:
        with tempfile.TemporaryDirectory(prefix="addend-guest-") as folder:
            check(Cached(addend, guest, options, pathlib.Path(folder)))


if __name__ == "__main__":
    main()
