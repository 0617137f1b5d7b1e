#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The acceptance guests of the softTLB's statistics (memory/spec.md 5.8): what machine/soft_tlb.c does in S-mode is
counted by --stats exactly as formulas, or a model of the table in Python, say.

run_soft_tlb.py ADDEND GUEST -- [options of addend]
"""
import json
import random
import subprocess
import sys
import tempfile

from common import command, split_options

VICTIMS = 8
CODE = "code"  # its page
CONTEXTS = 16


class Table:
    """A direct-mapped table of fixed size with victims, and why pages are missing."""

    def __init__(self, bits):
        self.size = 1 << bits
        self.main, self.victims, self.next = {}, [None] * VICTIMS, 0
        self.gone = {}  # page: cause
        self.count = {"lookups": 0, "victim_hits": 0, "misses": 0, "evictions": 0, "victims_dropped": 0}
        self.causes = {}

    def slot(self, page):
        return min(255, self.size - 1) if page == CODE else page % self.size

    def add(self, name):
        self.count[name] += 1

    def enter(self, page):
        slot = self.slot(page)
        if slot in self.main:
            self.add("evictions")
            at = self.next % VICTIMS
            self.next += 1
            if self.victims[at] is not None:
                self.add("victims_dropped")
                self.gone[self.victims[at]] = "conflict" if len(self.main) < self.size else "capacity"
            self.victims[at] = self.main[slot]
        self.main[slot] = page

    def access(self, page):
        slot = self.slot(page)
        self.add("lookups")
        if self.main.get(slot) == page:
            return
        if page in self.victims:
            self.add("victim_hits")
            at = self.victims.index(page)
            self.victims[at] = self.main.get(slot)
            self.main[slot] = page
            return
        self.add("misses")
        cause = self.gone.get(page, "cold")
        self.causes[cause] = self.causes.get(cause, 0) + 1
        self.enter(page)

    def walk(self, page, n, step, rounds):
        if self.main.get(self.slot(CODE)) != CODE:
            self.enter(CODE)
        for _ in range(rounds):
            for i in range(n):
                self.access(page + i * step)

    def flush(self, cause, page=None):
        if page is None:
            for p in [*self.main.values(), *self.victims]:
                self.gone[p] = cause
            self.main, self.victims, self.next = {}, [None] * VICTIMS, 0
            return
        if self.main.get(self.slot(page)) == page:
            del self.main[self.slot(page)]
            self.gone[page] = cause
        if page in self.victims:
            self.victims[self.victims.index(page)] = None
            self.gone[page] = cause

    def do(self, words):
        for w in words:
            what, *numbers = w.split(":")
            n = [int(x) for x in numbers]
            if what in ("load", "store"):
                self.walk(*n)
            elif what == "page":
                self.flush("flush_va", n[0])
            else:
                self.flush({"fence": "flush_all", "asid": "flush_asid"}[what])


class Tests:
    def __init__(self, addend, guest, options):
        self.addend, self.guest, self.options = addend, guest, options
        self.wrong = 0

    def run(self, words, options=()):
        with tempfile.NamedTemporaryFile("r") as out:
            line = command("addend", self.addend, [*self.options, *options, "--stats=json:" + out.name], self.guest,
                           words)
            done = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=False)
            if done.returncode or done.stdout or done.stderr:
                sys.exit(f"{' '.join(line)}: status {done.returncode}\n{done.stdout.decode()}{done.stderr.decode()}")
            return json.load(out)["tlb"]

    def expect(self, words, what, got, wanted):
        if got != wanted:
            self.wrong += 1
            print(f"{' '.join(words)}: {what}: {got}, not {wanted}")

    def check(self, words, options=(), kind="load", causes=None, **wanted):
        """lookups of S-mode code, the rest of MMU index S; hits: plain ones."""
        tlb = self.run(words, options)
        index = tlb["mmu"]["S"]
        lookups = tlb["privilege"]["S"][kind]["lookups"]
        got = {"lookups": lookups, "hits": lookups - index[kind]["misses"] - index[kind]["victim_hits"],
               **index[kind], **{k: v for k, v in index.items() if isinstance(v, int)}}
        for name, value in wanted.items():
            self.expect(words, name, got[name], value)
        if causes is not None:
            self.expect(words, "causes", {k: v for k, v in index[kind]["causes"].items() if v}, causes)
        return tlb

    def model(self, words, bits, kind="load"):
        t = Table(bits)
        t.do(words)
        self.check(words, ["--tlb-bits", str(bits)], kind, t.causes, **t.count)


def consecutive(t):
    """(a): misses N, hits N (k - 1)."""
    for n in 1, 2, 33, 64:
        for k in 1, 2, 1000:
            for kind in "load", "store":
                t.check([f"{kind}:0:{n}:1:{k}"], (), kind, {"cold": n}, lookups=n * k, misses=n, hits=n * (k - 1),
                        victim_hits=0, faults=0)
    t.check(["load:0:64:1:7", "fence", "load:0:64:1:9"], causes={"cold": 64, "flush_all": 64}, lookups=64 * 16,
            hits=64 * 14)


def one_slot(t):
    """(b): R5.11, 1000 accesses."""
    for n, hits, victim_hits, misses, evictions in ((1, 999, 0, 1, 0), (2, 0, 998, 2, 1), (9, 0, 991, 9, 8),
                                                    (10, 0, 0, 1000, 999)):
        words = [f"load:0:{n}:256:{1000 // n}"] + ([f"load:0:{1000 % n}:256:1"] if 1000 % n else [])
        causes = {"cold": n, "conflict": misses - n} if misses > n else {"cold": n}
        t.check(words, ["--tlb-bits", "8"], causes=causes, lookups=1000, hits=hits, victim_hits=victim_hits,
                misses=misses, evictions=evictions)


def fences(t):
    """(c): 100 fences of all, with a store before each."""
    base = t.run(["fences:1"])
    tlb = t.check(["fences:101"], kind="store", causes={"cold": 1, "flush_all": 100}, lookups=101, misses=101, hits=0)
    for flush, n in {"all": 100, "va": 0, "asid": 0, "va_asid": 0, "other": 0}.items():
        t.expect(["fences"], flush, tlb["flushes"][flush] - base["flushes"][flush], n)
    for index, did, elided in ("U", 0, 100), ("S", 100, 0), ("S+SUM", 0, 100), ("M", 0, 0):
        for name, n in ("flush_all", did), ("flush_elided", elided), ("flush_page", 0):
            t.expect(["fences"], f"{index} {name}", tlb["mmu"][index][name] - base["mmu"][index][name], n)


def resizes(t):
    """(d): R5.21 with the clock made of instructions: 64 ns each, so that 1 million rounds are 128 ms."""
    grown = ["load:0:200:1:1", "fence"], ["load:0:400:1:1", "fence"]  # to 512, to 1024
    late = "spin:1000000"
    for words, size, grow, shrink in (
            (["load:0:179:1:1", "fence"], 256, 0, 0),
            (["load:0:181:1:1", "fence"], 512, 1, 0),
            ([*grown[0], *grown[1]], 1024, 2, 0),
            ([*grown[0], *grown[1], "load:0:199:1:1", "fence"], 1024, 2, 0),
            ([*grown[0], *grown[1], late, "load:0:199:1:1", "fence"], 512, 2, 1),
            ([*grown[0], *grown[1], late, "load:0:99:1:1", "fence"], 256, 2, 1),
            ([late, "load:0:10:1:1", "fence"], 64, 0, 1)):
        t.check(words, ["-icount", "shift=6"], entries=size, grow=grow, shrink=shrink, used=0)


def causes(t):
    t.check(["load:0:8:1:1", "page:3", "load:0:8:1:1"], causes={"cold": 8, "flush_va": 1})
    t.check(["load:0:8:1:1", "asid", "load:0:8:1:1"], causes={"cold": 8, "flush_asid": 8})
    t.check(["readonly:0:4:1:2", "store:0:4:1:3"], kind="store", causes={"upgrade": 4}, lookups=12)
    t.check(["global:0:4:1:1", "space:2", "global:0:5:1:1"], causes={"cold": 5, "context": 4})
    t.check(["global:0:4:1:1", "fence", "space:2", "global:0:5:1:1"], causes={"cold": 5, "flush_all": 4})
    # The first context belongs to satp 0: the space after the last that has room takes its place.
    n = 3 * (CONTEXTS + 1)
    tlb = t.check([f"tour:1:{CONTEXTS + 1}:3", "space:1", "load:0:4:1:1"], causes={"cold": n + 1, "context": 3},
                  lookups=2 * n + 4)
    rows = {r["asid"]: r["load"] for r in tlb["address_spaces"] if r["kind"] == "space"}
    t.expect(["spaces"], "misses by ASID", {a: sum(r.values()) for a, r in rows.items()},
             {a: 7 if a == 1 else 3 for a in range(1, CONTEXTS + 2)})
    t.expect(["spaces"], "given up", tlb["context_given_up"], 3)
    full = ["load:0:63:1:1"]  # with the code's page
    t.model([*full, "load:0:10:64:10"], 6)
    t.model(["load:0:62:1:1", "load:0:10:64:10"], 6)


def at_random(t):
    rng = random.Random(5)
    for i in range(12):
        bits, words = rng.choice((6, 7, 8)), []
        kind = rng.choice(("load", "store"))
        for _ in range(rng.randint(5, 25)):
            step = rng.choice((1, 1, 1 << bits, 1 << bits, 1 << bits - 1))
            page, n = rng.randrange((1 << bits) - 70 if bits > 6 else 20), rng.randint(1, 12 if step > 1 else 40)
            words.append(rng.choice([f"{kind}:{page}:{n}:{step}:{rng.randint(1, 30)}"] * 6 +
                                    [f"page:{page}", "fence", "asid"]))
        t.model(words, bits, kind)


def main():
    words, options = split_options(sys.argv[1:])
    t = Tests(*words, options)
    for test in consecutive, one_slot, fences, resizes, causes, at_random:
        test(t)
    sys.exit(t.wrong > 0)


main()
