#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""One sweep of a trace gives what a run of the model for each geometry gives: misses by kind, to the last unit.

run_sweep.py ADDEND TRACE | ADDEND --record FOLDER      FOLDER has the guests
"""
import pathlib
import sys
import tempfile

import lab

# 64 geometries: each number of sets with some ways, and numbers of entries in one set.
GEOMETRIES = [(1, n) for n in (1, 2, 3, 4, 5, 7, 8, 12, 16, 17, 24, 31, 32, 33, 48, 64, 65, 96, 100, 128)]
GEOMETRIES += [(1 << bits, ways) for bits, top in ((1, 16), (2, 16), (3, 16), (4, 12), (5, 8), (6, 8), (7, 8), (8, 4))
               for ways in (1, 2, 3, 4, 6, 8, 12, 16) if ways <= top]
assert len(GEOMETRIES) >= 60
TRACES = {  # guest: arguments, options
    "join": (["leaf=16"], []),
    "asid": (["flush=2", "spaces=20"], []),
    "upgrade": (["pages=40"], ["-cpu", "rv64,svadu=on"]),
    "code": (["pages=100", "stride=3"], []),
}


SIZES = ["--entries", "128", "--sets", "256", "--ways", "16", "--sizes", "all"]


def differences(sweep, report, geometry):
    """Of a sweep (lab.swept) and the report of a model with that geometry."""
    wrong = []
    for side, unit, kinds in ("fetch", "L1I", ["fetch"]), ("data", "L1D", ["load", "store"]):
        counts = lab.by_kind(report, unit)
        model = {k: counts[k]["misses"] if k in counts else 0 for k in kinds}
        got = sweep.get((side, *geometry))
        if got != model:
            wrong.append(f"{side} {geometry[0]}x{geometry[1]}: sweep {got}, model {model}")
    return wrong


def compare(addend, trace, folder, geometries=None, tags=True):
    """What differs."""
    out, wrong = pathlib.Path(folder, "report.json"), []
    lab.call([addend, "tlb", "sweep", trace, *SIZES, "--asid", "on" if tags else "off", "-o", out], 600)
    sweep = lab.swept(lab.read(out))
    for geometry in geometries or GEOMETRIES:
        lab.call([addend, "tlb", "model", trace, "--tlb-model", lab.spec(geometry, tags), "-o", out], 600)
        wrong += differences(sweep, lab.read(out), geometry)
    return wrong


def main():
    addend, *words = sys.argv[1:]
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        if words[0] != "--record":
            wrong = compare(addend, words[0], folder)
        else:
            for name, (arguments, options) in TRACES.items():
                trace = pathlib.Path(folder, "trace")
                lab.call([addend, "tlb", "record", "-o", trace, *options,
                          *lab.guest_options(f"{words[1]}/{name}.elf", arguments)])
                for tags in True, False:
                    wrong += [f"{name}, asid={'on' if tags else 'off'}: {w}"
                              for w in compare(addend, trace, folder, None if tags else GEOMETRIES[::5], tags)]
    print("\n".join(wrong[:60]))
    sys.exit(f"{len(wrong)} differences" if wrong else 0)


if __name__ == "__main__":
    main()
