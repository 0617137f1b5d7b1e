#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guests with known answers, through the laboratory: what a model says while the guest runs, a model of the
recorded trace and the sweep are the direct count of answers.py, and so the formulas, to the last unit.

run_tlb.py ADDEND FOLDER [--only CASE]... -- [options of addend]      FOLDER has the guests
"""
import argparse
import pathlib
import re
import sys
import tempfile

import answers
import lab
from cases import CASES, GEOMETRIES

ONLINE = [((1, 64), True), ((8, 8), True), ((16, 4), False)]  # sets and ways, ASID tags
ORDERS = "orders.elf"
AGAIN = (4, 4)  # from the trace
SWEPT = GEOMETRIES + [(1, n) for n in (1, 2, 3, 33, 65, 66, 97, 128)] + [(2, 16), (32, 3), (128, 8)]


class Guest:
    """A case, its run and what it should have given."""

    def __init__(self, args, text):
        self.case = answers.Case(text)
        self.side = "fetch" if self.case.guest == "code" else "data"
        elf = pathlib.Path(args.folder, f"{self.case.guest}.elf")
        self.run = [*args.options, *self.case.options, *lab.guest_options(elf, self.case.words)]
        self.wrong = []
        self.events = None  # once it has run

    def expect(self, what, got, wanted):
        if got != wanted:
            self.wrong.append(f"{self.case.text}: {what}: {got}, not {wanted}")

    def ran(self, output):
        self.events = self.case.events(int(re.search(r"insns=(\d+)", output)[1]))

    def check_run(self, report):
        """What the guest did, whatever the TLB."""
        counts = answers.totals(self.events)
        for row in report["accesses"]:
            kind = row["kind"]
            more = sum(1 for e in self.events if isinstance(e, answers.Access) and e.kind == kind and e.more)
            got = {k: row[k] for k in ("user", "supervisor", "untranslated_supervisor", "crossings")}
            self.expect(f"{kind}: lookups", got, {"user": 0, "supervisor": counts[kind] + more,
                                                  "untranslated_supervisor": 0, "crossings": more})
        events = {row["event"]: row["count"] for row in report["events"]}
        for what, name in lab.FLUSHES.items():
            wanted = sum(1 for e in self.events if isinstance(e, answers.Flush) and e.what == what)
            self.expect(name, events[name], wanted)
        spaces = [e for e in self.events if isinstance(e, answers.Space)]
        wanted = sum(1 for a, b in zip([None, *spaces], spaces) if a != b)
        self.expect("changes of satp", events["changes of address space"], wanted)

    def check_model(self, report, geometry, tags):
        for unit in "L1I", "L1D":
            misses, accesses = answers.count(self.events, *geometry, unit == "L1I", tags)
            wanted = {}
            for kind, n in accesses.items():
                causes = {c: misses.get((kind, c), 0) for c in lab.CAUSES}
                missed = sum(causes.values())
                wanted[kind] = {"accesses": n, "hits": n - missed, "misses": missed, **causes}
            got = lab.by_kind(report, unit)
            for kind in {*got, *wanted}:
                self.expect(f"{unit} {lab.spec(geometry, tags)} {kind}", got.get(kind), wanted.get(kind))

    def check_sweep(self, sweep):
        for sets, ways in SWEPT:
            for side in "fetch", "data":
                misses, _ = answers.count(self.events, sets, ways, side == "fetch")
                wanted = {k: sum(n for (kind, _), n in misses.items() if kind == k)
                          for k in (["fetch"] if side == "fetch" else ["load", "store"])}
                self.expect(f"sweep {side} {sets}x{ways}", sweep.get((side, sets, ways)), wanted)
                if side == self.side:
                    said = answers.formula(self.case, sets, ways)
                    self.expect(f"formula {sets}x{ways}", sum(wanted.values()) if said is not None else None, said)


def check(args, text, folder):
    guest = Guest(args, text)
    trace, out = folder / "trace", folder / "report.json"
    guest.ran(lab.call([args.addend, "tlb", "record", "-o", trace, *guest.run]))
    for geometry, tags in ONLINE:
        lab.call([args.addend, "--tlb-model", lab.spec(geometry, tags), f"--tlb-report={out}", *guest.run])
        report = lab.read(out)
        guest.check_run(report)
        guest.check_model(report, geometry, tags)
    lab.call([args.addend, "tlb", "model", trace, "--tlb-model", lab.spec(AGAIN), "-o", out])
    report = lab.read(out)
    guest.check_run(report)
    guest.check_model(report, AGAIN, True)
    lab.call([args.addend, "tlb", "sweep", trace, "--entries", "128", "--sets", "128", "--ways", "16",
              "--sizes", "all", "-o", out])
    guest.check_sweep(lab.swept(lab.read(out)))
    return guest.wrong


def check_orders(args, folder):
    """By symbol: 128 times down a column of 2000 pages and back to the page of totals, whose first load misses too."""
    elf = pathlib.Path(args.folder, ORDERS)
    trace, out = folder / "trace", folder / "report.json"
    lab.call([args.addend, "tlb", "record", "-o", trace, *args.options, "-nographic", elf])
    lab.call([args.addend, "tlb", "report", trace, "--tlb-model", "l1i=32,l1d=32", "--format", "json", "-o", out])
    rows = lab.read(out)["symbols_data"]
    wanted = {"add_regions": 128 * 2000 + 128 + 1, "set_prices": 2}
    got = {r["symbol"]: r["misses"] for r in rows if r["symbol"] in wanted}
    wrong = [] if got == wanted else [f"{ORDERS}: misses {got}, not {wanted}"]
    if rows[0]["symbol"] != "add_regions" or rows[0]["capacity"] < 256000:
        wrong.append(f"{ORDERS}: {rows[0]}")
    return wrong


def main():
    words = sys.argv[1:]
    at = words.index("--") if "--" in words else len(words)
    parser = argparse.ArgumentParser()
    parser.add_argument("addend")
    parser.add_argument("folder")
    parser.add_argument("--only", action="append", metavar="CASE", help="may be repeated")
    args = parser.parse_args(words[:at])
    args.options = words[at + 1:]
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        if not args.only:
            wrong += check_orders(args, pathlib.Path(folder))
        for text in args.only or CASES:
            try:
                wrong += check(args, text, pathlib.Path(folder))
            except lab.Failed as e:
                wrong.append(f"{text}: {e}")
    print("\n".join(wrong[:60]))
    sys.exit(f"{len(wrong)} complaints" if wrong else 0)


main()
