# SPDX-License-Identifier: GPL-3.0-or-later
"""The memory API: views, lookups, remaps on the host; accesses to a device by a guest."""
import math
import subprocess

from measure import Setting, interleave, say
from programs import from_list, require_built
from tables import markdown, prose, show

GUEST, ACCESSES = "mmio", 2 * 3000000
TEXT = """
Nanoseconds of processor time (`bench/memory_bench.c`). build: a view of so many devices rendered anew, beside one
another and one over the other; growth is the exponent from one line to the next (1: in proportion). lookup: an address
at random. access: four bytes from a device, by `address_space_ld`.
"""
REMAP_TEXT = """
Microseconds that it takes to hide or show a device of 100, with so many address spaces that each show them in a tree of
their own:
"""
GUEST_TEXT = """
Nanoseconds that a guest's access of a device register takes (`bench/guest/mmio.c`):
"""


def host_table(figures):
    rows = [["devices", "build", "growth", "one over the other", "growth", "lookup", "access"]]
    counts = sorted({n for what, n in figures if what == "build"})
    for i, n in enumerate(counts):
        row = [str(n)]
        for what in ("build", "stack"):
            now, before = figures[what, n], figures[what, counts[i - 1]]
            row += [f"{now:,}", f"{math.log10(now / before):.2f}" if i else "-"]
        rows.append(row + [str(figures["lookup", n]), str(figures["access", n])])
    return markdown(rows)


def remap_table(figures):
    counts = sorted(n for what, n in figures if what == "remap")
    return markdown([["address spaces"] + [str(n) for n in counts],
                     ["microseconds"] + [show(figures["remap", n] / 1000, 1) for n in counts]])


def guest_table(args):
    p = from_list(args.build)[GUEST]
    require_built(args.build, [p])
    settings = {"interp": Setting(p.addend(args.addend, "interp"), args.rounds, addend=True),
                "baseline": Setting(p.addend(args.addend, "baseline"), args.rounds, addend=True),
                "jit": Setting(p.addend(args.addend, "jit"), args.rounds, addend=True)}
    if args.qemu:
        settings["QEMU"] = Setting(p.qemu(args.qemu), args.rounds)
    interleave(args.rounds, [(GUEST, settings, {})])
    return markdown([list(settings), [show(s.median() * 1e9 / ACCESSES, 0) for s in settings.values()]], left=0)


def memory_part(ctx):
    say("memory_bench")
    out = subprocess.run([f"{ctx.args.build}/bench/memory_bench"], capture_output=True, text=True, check=True).stdout
    figures = {(what, int(n)): int(ns) for what, n, ns in (line.split() for line in out.splitlines())}
    text = f"## Memory API\n\n{prose(TEXT)}\n{host_table(figures)}\n{prose(REMAP_TEXT)}\n{remap_table(figures)}\n"
    return text + f"{prose(GUEST_TEXT)}\n{guest_table(ctx.args)}", []
