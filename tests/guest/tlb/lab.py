# SPDX-License-Identifier: GPL-3.0-or-later
"""Addend's TLB laboratory, run from Python: guests recorded and modelled, reports read."""
import json
import os
import subprocess

# As lab/model_names.c has them.
CAUSES = ["fault", "upgrade", "size", "cold", "flush-all", "flush-address", "flush-asid", "satp", "other-flush",
          "conflict", "capacity"]
FLUSHES = {"all": "sfence.vma: all", "va": "sfence.vma: address", "asid": "sfence.vma: ASID",
           "va_asid": "sfence.vma: address and ASID"}


class Failed(Exception):
    """A command that should not have failed."""


def call(argv, timeout=120):
    """What a command says on standard output."""
    done = subprocess.run([str(a) for a in argv], stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout,
                          check=False)
    if done.returncode or done.stderr:
        raise Failed(f"{' '.join(map(str, argv))}: status {done.returncode}\n"
                     f"{(done.stdout + done.stderr).decode(errors='replace')[-2000:]}")
    return done.stdout.decode(errors="replace")


def read(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def guest_options(elf, words):
    """To run a guest of bench/guest/tlb with these arguments."""
    config = ",".join(["enable=on", "target=native"] + [f"arg={w}" for w in [os.path.basename(elf), *words]])
    return ["-nographic", "-semihosting-config", config, elf]


def spec(geometry, tags=True):
    sets, ways = geometry
    return f"l1i={sets}x{ways},l1d={sets}x{ways}" + ("" if tags else ",asid=off")


def by_kind(report, unit):
    """Of a unit, {kind: {accesses, hits, misses and each cause}} over all privileges and page sizes."""
    out = {}
    for row in report["counts"]:
        if row["unit"] == unit and row["kind"] != "all":
            sums = out.setdefault(row["kind"], {})
            for name in ["accesses", "hits", "misses", *CAUSES]:
                sums[name] = sums.get(name, 0) + row[name]
    return out


def swept(report):
    """{(side, sets, ways): {kind: misses}} of a sweep."""
    out = {}
    for row in report["sweep_full"] + report["sweep_grid"]:
        kinds = {"fetch": row["misses"]} if row["side"] == "fetch" else \
            {"load": row["load_misses"], "store": row["store_misses"]}
        out[row["side"], row.get("sets", 1), row.get("ways", row["entries"])] = kinds
    return out
