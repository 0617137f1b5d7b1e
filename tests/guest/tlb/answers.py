# SPDX-License-Identifier: GPL-3.0-or-later
"""The known answers of the guests in bench/guest/tlb: what each asks of a TLB, access by access, by the same sums;
direct counting with the plainest LRU there is; and the textbook's formulas where there are any."""
import math
from collections import OrderedDict, namedtuple

LOAD, STORE, FETCH = "load", "store", "fetch"
KINDS = LOAD, STORE, FETCH
PAGE = 4096
WINDOW, CODE = 0x1000000000, 0x80001000  # where the code really is makes no difference: it is one page
MASK = (1 << 64) - 1
MULTIPLIER, INCREMENT = 6364136223846793005, 1442695040888963407

# n accesses of one kind to the page of va, one after another. more: lookups that are no access of their own (the second
# page of a crossing one).
Access = namedtuple("Access", "kind va n bits asid common writable fault more",
                    defaults=(12, 1, False, True, False, False))
Space = namedtuple("Space", "asid number")  # number: of the page tables
Flush = namedtuple("Flush", "what va asid", defaults=(0, 0))  # what: all, va, asid, va_asid


def lcg(x):
    return (x * MULTIPLIER + INCREMENT) & MASK


# --- what the guests do. Each: its defaults, and its events after satp was written and fenced, fetches left out where
# the code is the measured function's page (see events).

def stride(a):
    for _ in range(a["passes"]):
        for i in range(a["pages"]):
            for kind, n in (LOAD, a["words"]), (STORE, a["stores"]):
                if n:
                    yield Access(kind, WINDOW + i * a["stride"] * PAGE, n, a["leaf"])


def uniform(a):
    x, until = a["seed"], a["stores"]
    for _ in range(a["count"]):
        x = lcg(x)
        until -= 1
        kind = STORE if until == 0 else LOAD
        until = until or a["stores"]
        yield Access(kind, WINDOW + (x >> 33) % a["pages"] * a["stride"] * PAGE, 1, a["leaf"])


def chase(a):
    order, x = list(range(a["pages"])), a["seed"]
    for i in range(a["pages"] - 1, 0, -1):
        x = lcg(x)
        k = (x >> 33) % i
        order[i], order[k] = order[k], order[i]
    at = 0
    for _ in range(a["pages"] * a["rounds"]):
        yield Access(LOAD, WINDOW + at * a["stride"] * PAGE, 1, a["leaf"])
        at = order[at]


def matrix(a):
    rows, columns = a["rows"], a["columns"]
    high, wide = (a["tile"], a["tile"]) if a["tile"] else (rows, columns)
    for top in range(0, rows, high):
        for left in range(0, columns, wide):
            for i in range(top, top + high):
                for k in range(left, left + wide):
                    yield Access(LOAD, WINDOW + i * PAGE, 1, a["leaf"])
                    yield Access(STORE, WINDOW + (rows + k) * PAGE, 1, a["leaf"])


def join(a):
    x, keys = a["seed"], []
    for _ in range(a["built"] + a["probed"]):
        x = lcg(x)
        keys.append(1 + (x >> 33) % (4 * a["built"]))
    probe = -(-a["built"] * 8 // PAGE) * PAGE
    table = probe + -(-a["probed"] * 8 // PAGE) * PAGE
    mask, slots = (1 << a["bits"]) - 1, {}
    for i, key in enumerate(keys):
        build = i < a["built"]
        yield Access(LOAD, WINDOW + (i * 8 if build else probe + (i - a["built"]) * 8), 1, a["leaf"])
        slot = (key * 0x9e3779b97f4a7c15 & MASK) >> 32 & mask
        while True:
            yield Access(LOAD, WINDOW + table + 8 * slot, 1, a["leaf"])
            if slot not in slots:
                break
            slot = slot + 1 & mask
        if build:
            slots[slot] = key
            yield Access(STORE, WINDOW + table + 8 * slot, 1, a["leaf"])


def gups(a):
    x = a["seed"]
    for _ in range(a["updates"]):
        x = lcg(x)
        va = WINDOW + (x >> 33) % (a["pages"] * 512) * 8
        yield Access(LOAD, va, 1, a["leaf"])
        yield Access(STORE, va, 1, a["leaf"])


def asid(a):
    for _ in range(a["rounds"]):
        for s in range(a["spaces"]):
            own = 1 if a["same"] else 1 + s
            yield Space(own, 1 + s)
            if a["flush"] == 1:
                yield Flush("all")
            elif a["flush"] == 2:
                yield Flush("asid", 0, own)
            for i in range(a["pages"]):
                yield Access(LOAD, WINDOW + i * PAGE, 1, 12, own)


def fences(a):
    for n in range(a["rounds"]):
        for i in range(a["pages"]):
            yield Access(LOAD, WINDOW + i * PAGE, 1, a["leaf"])
        va = WINDOW + n % a["pages"] * PAGE
        yield [Flush("all"), Flush("va", va), Flush("asid", 0, 1), Flush("va_asid", va, 1), Flush("asid", 0, 2),
               Flush("va", WINDOW + (a["pages"] + 1) * PAGE)][a["what"]]


def code(a):
    yield Access(FETCH, CODE, 3)
    for n in range(a["passes"]):
        for i in range(a["pages"]):
            insns = 4 if i < a["pages"] - 1 or n == a["passes"] - 1 else 7
            yield Access(FETCH, WINDOW + i * a["stride"] * PAGE, insns, a["leaf"])


def cross(a):
    for _ in range(a["passes"]):
        for i in range(a["pages"] - 1):
            for kind in LOAD, STORE:
                yield Access(kind, WINDOW + i * PAGE, 1, a["leaf"])
                yield Access(kind, WINDOW + (i + 1) * PAGE, 1, a["leaf"], more=True)


def upgrade(a):
    for n in range(a["passes"]):
        for kind in LOAD, STORE:
            for i in range(a["pages"]):
                yield Access(kind, WINDOW + i * PAGE, 1, writable=n > 0 or kind == STORE)


def faults(a):
    for n in range(a["passes"]):
        for i in range(a["pages"]):
            if n == 0:
                yield Access(LOAD, WINDOW + i * PAGE, 1, fault=True)
                yield Flush("va", WINDOW + i * PAGE)
            yield Access(LOAD, WINDOW + i * PAGE, 1)


GUESTS = {  # defaults as in the sources
    stride: {"pages": 64, "stride": 1, "passes": 10, "words": 1, "stores": 0, "leaf": 12},
    uniform: {"pages": 64, "stride": 1, "count": 10000, "seed": 1, "stores": 0, "leaf": 12},
    chase: {"pages": 64, "stride": 1, "rounds": 10, "seed": 1, "leaf": 12},
    matrix: {"rows": 32, "columns": 64, "tile": 0, "leaf": 12},
    join: {"built": 4000, "probed": 8000, "bits": 13, "seed": 1, "leaf": 12},
    gups: {"pages": 256, "updates": 10000, "seed": 1, "leaf": 12},
    asid: {"spaces": 4, "pages": 8, "rounds": 10, "flush": 0, "same": 0, "global": 0},
    fences: {"pages": 16, "rounds": 100, "what": 0, "leaf": 12},
    code: {"pages": 32, "stride": 1, "passes": 10, "leaf": 12},
    cross: {"pages": 16, "passes": 10, "leaf": 12},
    upgrade: {"pages": 16, "passes": 10},
    faults: {"pages": 16, "passes": 10},
}
NAMES = {f.__name__: f for f in GUESTS}


class Case:
    """A guest with arguments: `chase pages=65 rounds=3`."""

    def __init__(self, text):
        self.text = text
        self.guest, *self.words = text.split()
        self.does = NAMES[self.guest]
        self.given = {k: int(v, 0) for k, v in (w.split("=") for w in self.words)}
        self.arguments = {**GUESTS[self.does], **self.given}
        assert len(self.arguments) == len(GUESTS[self.does]), f"{text}: no such argument"
        self.options = ["-cpu", "rv64,svadu=on"] if self.guest == "upgrade" else []

    def events(self, insns):
        """All that is translated, of a run that retired so many instructions. The code's page is looked up when the
        function starts, and anew when something may have taken it away; before that nothing can happen to it."""
        out = [Space(100, 0) if self.guest == "asid" else Space(1, 0), Flush("all")]
        body = list(self.does(self.arguments))
        own = self.guest == "code"
        space, fetches = out[0].asid, 0
        for e in [None, *body] if not own else body:
            if e is not None:
                out.append(e)
            if isinstance(e, Space):
                space = e.asid
            if not own and not isinstance(e, Access):
                out.append(Access(FETCH, CODE, 1, asid=space, common=bool(self.arguments.get("global"))))
                fetches += 1
        if not own:  # what is fetched otherwise are hits
            last = max(i for i, e in enumerate(out) if isinstance(e, Access) and e.kind == FETCH)
            out[last] = out[last]._replace(n=insns - fetches + 1)
        return out


# --- direct counting

class Lru:
    """One structure of sets * ways entries for all page sizes. A hit becomes the most recent. Without tags each change
    of space empties it, but for global entries, so that what it holds is of one ASID."""

    def __init__(self, sets, ways, tags=True):
        self.ways, self.tags = ways, tags
        self.sets = [OrderedDict() for _ in range(sets)]  # key -> may be written
        self.gone = {}  # key -> why it went

    def where(self, e):
        page = e.va >> e.bits
        return self.sets[page % len(self.sets)], (None if e.common else e.asid, e.bits, page)

    def has(self, e):
        held, key = self.where(e)
        return key in held

    def touch(self, e):
        """None: a hit; else why not."""
        if e.fault:
            return "fault"
        held, key = self.where(e)
        if key in held:
            held.move_to_end(key)
            if e.kind == STORE and not held[key]:
                held[key] = True
                return "upgrade"
            return None
        if len(held) == self.ways:
            self.gone[held.popitem(last=False)[0]] = "replaced"
        held[key] = e.writable
        return self.gone.get(key, "cold")

    def drop(self, wanted, why):
        for held in self.sets:
            for key in [k for k in held if wanted(*k)]:
                del held[key]
                self.gone[key] = why

    def flush(self, f):
        of_asid = f.what in ("asid", "va_asid")
        at = f.what in ("va", "va_asid")

        def wanted(space, bits, page):
            if of_asid and (space is None or self.tags and space != f.asid):
                return False
            return not at or f.va >> bits == page

        self.drop(wanted, {"all": "flush-all", "asid": "flush-asid"}.get(f.what, "flush-address"))

    def space(self):
        if not self.tags:
            self.drop(lambda space, bits, page: space is not None, "satp")


def count(events, sets, ways, fetches=False, tags=True):
    """Of one side: {(kind, cause): misses}, {kind: accesses}. Causes as in lab/model_names.c."""
    tlb, whole = Lru(sets, ways, tags), Lru(1, sets * ways, tags)
    misses, accesses = {}, {}
    current = None
    for e in events:
        if isinstance(e, Flush):
            tlb.flush(e)
            whole.flush(e)
        elif isinstance(e, Space):
            if current not in (None, e):
                tlb.space()
                whole.space()
            current = e
        elif (e.kind == FETCH) == fetches:
            fits = whole.has(e)
            why = tlb.touch(e)
            whole.touch(e)
            if why == "replaced":
                why = "conflict" if fits else "capacity"
            accesses[e.kind] = accesses.get(e.kind, 0) + e.n
            if why:
                misses[e.kind, why] = misses.get((e.kind, why), 0) + 1
    return misses, accesses


def totals(events):
    """{kind: accesses}, lookups of second pages not among them."""
    out = dict.fromkeys(KINDS, 0)
    for e in events:
        if isinstance(e, Access) and not e.more:
            out[e.kind] += e.n
    return out


# --- the textbook: misses of one LRU structure, None where nobody has written down a formula

def cyclic(a, times, sets, ways):
    """Pages round and round."""
    pages = {i * a["stride"] * PAGE + WINDOW >> a["leaf"] for i in range(a["pages"])}
    of_set = [0] * sets
    for page in pages:
        of_set[page % sets] += 1
    return sum(n if n <= ways else n * times for n in of_set)


def formula_matrix(a, sets, ways):
    rows, columns, tile = a["rows"], a["columns"], a["tile"]
    if sets > 1 or a["leaf"] != 12 or min(rows, columns) <= 2:
        return None
    if tile:
        return rows + columns * rows // tile if tile > 2 and 2 * tile + 2 <= ways <= columns - tile else None
    if ways == 1:
        return 2 * rows * columns
    if ways <= columns:
        return rows + rows * columns
    return rows + columns + ((rows - 1) * (columns - 1) if ways == columns + 1 else 0)


def formula_fences(a, sets, ways):
    if sets * ways < a["pages"] or sets > 1 or a["leaf"] != 12:
        return None
    return [a["pages"] * a["rounds"], a["pages"] + a["rounds"] - 1][a["what"] % 2] if a["what"] < 4 else a["pages"]


def formula_asid(a, sets, ways):
    if a["flush"] == 1 or a["flush"] == 2 and (a["same"] or a["spaces"] * a["pages"] <= ways):
        return a["spaces"] * a["pages"] * a["rounds"]
    if a["flush"] or sets > 1:
        return None
    pages = a["pages"] * (1 if a["same"] else a["spaces"])
    times = a["rounds"] * (a["spaces"] if a["same"] else 1)
    return pages if pages <= ways else pages * times


def formula_cross(a, sets, ways):
    """Between page 0 of a pass and the same page of the next there are all others."""
    if sets > 1 or a["leaf"] != 12 or ways < 2:
        return None
    return a["pages"] * (1 if a["pages"] <= ways else a["passes"])


def formula_upgrade(a, sets, ways):
    if sets > 1:
        return None
    return 2 * a["pages"] if a["pages"] <= ways else 2 * a["pages"] * a["passes"]


def formula(case, sets, ways):
    """Misses of the side that the guest is about, faults included."""
    a = case.arguments
    if case.guest in ("stride", "code"):
        # One page is not walked in a circle; where a large one holds several, they come one after another.
        return cyclic(a, a["passes"], sets, ways) + (0 if case.guest == "stride" else formula_start(a, sets, ways))
    if case.guest == "chase":
        return cyclic(a, a["rounds"], sets, ways) if a["leaf"] == 12 else None
    if case.guest == "faults":
        return cyclic({**a, "stride": 1, "leaf": 12}, a["passes"], sets, ways) + a["pages"]
    return {"matrix": formula_matrix, "fences": formula_fences, "asid": formula_asid, "cross": formula_cross,
            "upgrade": formula_upgrade}.get(case.guest, lambda *_: None)(a, sets, ways)


def formula_start(_, __, ___):
    """The page of the measured function, once."""
    return 1


def expected(case, sets, ways):
    """(mean, standard deviation, about) of the misses of pages drawn at random, from full on, or None."""
    a = case.arguments
    if case.guest not in ("uniform", "gups") or a["leaf"] != 12:
        return None
    draws, step = (a["count"], a["stride"]) if case.guest == "uniform" else (a["updates"], 1)
    of_set = [0] * sets
    for i in range(a["pages"]):
        of_set[i * step % sets] += 1
    p = sum(max(0, n - ways) for n in of_set) / a["pages"]
    # Filling costs at most one miss for each entry more than that.
    return draws * p, math.sqrt(draws * p * (1 - p)), min(a["pages"], sets * ways)
