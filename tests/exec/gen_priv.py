# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the privileged architecture: page tables, PMP, CSRs of S-mode, delegation. Written for gen.py.

The model here is that of the manual's text (privileged spec 4.3.1, 4.3.2), written down anew: an entry's bits and an
access give a cause.
"""
import itertools
import random

V, R, W, X, U, G, A, D = (1 << n for n in range(8))
N = 1 << 63
CODE = 0x80000000
DATA = 0x80008000
TABLES = 0x80002000          # page-table pages, one after the other
TARGET = 0x8000c000          # what the page under test is mapped to
VA = 0x40001000
MODES = {8: 3, 9: 4, 10: 5}  # satp.MODE: levels
SIE, MIE, SPIE, MPIE, SPP = 1 << 1, 1 << 3, 1 << 5, 1 << 7, 1 << 8
MPRV, SUM, MXR, TVM, TW, TSR = (1 << n for n in range(17, 23))
ADUE, PBMTE, STCE = 1 << 61, 1 << 62, 1 << 63
JUNK = 0x9002900290029002    # what memory is full of
LOAD, STORE, FETCH = range(3)
CAUSE = {LOAD: 13, STORE: 15, FETCH: 12}
ACCESS_CAUSE = {LOAD: 5, STORE: 7, FETCH: 1}


def pte(pa, flags):
    return pa >> 12 << 10 | flags


def satp(mode=8, root=TABLES, asid=0):
    return mode << 60 | asid << 44 | root >> 12


def tables(leaf, va=VA, mode=8, level=0, user_code=False, pointers=V):
    """Entries that map the code's gigabyte to itself and va, at the level, by the leaf."""
    cells = []
    top = MODES[mode] - 1

    def index(address, lvl):
        return address >> 12 + 9 * lvl & 0x1ff

    def put(table, address, lvl, entry):
        cells.append((f"d@{table + 8 * index(address, lvl):#x}", entry))

    free = TABLES + 0x1000
    made = {}
    for address, last, entry in ((CODE, 2, pte(CODE, V | R | W | X | A | D | (U if user_code else 0))),
                                 (va, level, leaf)):
        table = TABLES
        for lvl in range(top, last, -1):
            key = (table, index(address, lvl))
            if key not in made:
                made[key] = free
                put(table, address, lvl, pte(free, pointers if address == va else V))
                free += 0x1000
            table = made[key]
        put(table, address, last, entry)
    # Empty tables are full of c.ebreak, whose low bits are 10: not valid.
    return cells


def leaf_cell(cells):
    return cells[-1][0]


def permitted(entry, access, priv, status):
    """4.3.1: may an access of that kind go through this leaf? A and D left out."""
    if not entry & V or (entry & W and not entry & R):
        return False
    if not entry & (R | W | X):
        return False  # a pointer at the last level
    if priv == 0 and not entry & U:
        return False
    if priv == 1 and entry & U and (access == FETCH or not status & SUM):
        return False
    if access == LOAD:
        return bool(entry & R or (status & MXR and entry & X))
    return bool(entry & (W if access == STORE else X))


# assembly with a1 the address, kind, does it write, result in a0
ACCESSES = [("ld a0,0(a1)", LOAD, "load"), ("sd a2,0(a1)", STORE, "store"), ("jr a1", FETCH, "fetch"),
            ("lr.d a0,(a1)", LOAD, "load"), ("amoadd.d a0,a2,(a1)", STORE, "amo"),
            ("cbo.zero 0(a1)", STORE, "zero"), ("cbo.flush 0(a1)", LOAD, "flush")]


def vm_case(case, asm, access, effect, entry, *, priv=1, status=0, mode=8, level=0, va=VA, expect=None, before=(),
            target=TARGET, pointers=V, after=(), menvcfg=0xf0):
    """One access under page tables. expect: None for success, else the cause."""
    cells = tables(entry, va, mode, level, priv == 0, pointers)
    mprv = status & MPRV
    # satp takes effect below M-mode, so setting it first harms nobody. Priv comes last.
    state = cells + [("satp", satp(mode)), ("menvcfg", menvcfg), ("senvcfg", 0xf0), *before,
                     ("mstatus", status | (priv << 11 if mprv else 0)), ("a1", va), ("a2", 5)]
    if not mprv:
        state.append(("priv", priv))
    result = list(after)
    if expect is not None:
        pc = va if access == FETCH else CODE
        if effect == "flush":
            expect += 2 if expect in (5, 13) else 0
        result += [("mcause", expect), ("mtval", va), ("pc", pc)]
    elif access == FETCH:
        result += [("mcause", 3), ("mtval", va), ("pc", va)]
    else:
        offset = va & 0xfff
        cell = f"d@{target + offset:#x}"
        if effect in ("load", "amo"):
            result.append(("a0", JUNK))
        if effect == "store":
            result.append((cell, 5))
        if effect == "amo":
            result.append((cell, JUNK + 5))
        if effect == "zero":
            result += [(f"d@{target + offset + n:#x}", 0) for n in range(0, 64, 8)]
    case("sv", asm, state, result)


def gen_permissions(case):
    """Leaf bits against access, privilege, SUM and MXR: all that matter, one access each."""
    rng = random.Random(12)
    combos = list(itertools.product(range(1 << 4), (0, 1), (0, SUM), (0, MXR), range(len(ACCESSES))))
    for rwxu, priv, s, m, n in rng.sample(combos, 330):
        asm, access, effect = ACCESSES[n]
        entry = pte(TARGET, V | A | D | rwxu << 1)
        status = s | m
        ok = permitted(entry, access, priv, status)
        vm_case(case, asm, access, effect, entry, priv=priv, status=status,
                expect=None if ok else CAUSE[access])


def gen_invalid(case):
    full = V | R | W | X | A | D
    for asm, access, effect in ACCESSES[:3]:
        cause = CAUSE[access]
        vm_case(case, asm, access, effect, pte(TARGET, full & ~V), expect=cause)
        vm_case(case, asm, access, effect, pte(TARGET, V | W | X | A | D), expect=cause)
        vm_case(case, asm, access, effect, pte(TARGET, V), expect=cause)  # a pointer at level 0
        for bit in range(54, 61):
            vm_case(case, asm, access, effect, pte(TARGET, full) | 1 << bit, expect=cause)
        for bit in (A, D, U):
            vm_case(case, asm, access, effect, pte(TARGET, full), pointers=V | bit, expect=cause)
        for extra in (1 << 54, 1 << 61, N):
            vm_case(case, asm, access, effect, pte(TARGET, full), pointers=V | extra, expect=cause)
        vm_case(case, asm, access, effect, pte(TARGET, full), pointers=V | G)
        # RSW and G mean nothing to the walk
        vm_case(case, asm, access, effect, pte(TARGET, full | G | 3 << 8))


def gen_ad(case):
    """Svade by default; with Svadu and menvcfg.ADUE the bits are set."""
    for asm, access, effect in ACCESSES:
        for have in (0, A, D, A | D):
            want = A | (D if access == STORE else 0)
            entry = pte(TARGET, V | R | W | X | have)
            missing = have & want != want
            vm_case(case, asm, access, effect, entry, expect=CAUSE[access] if missing else None)
            vm_case(case, asm, access, effect, entry, before=[("svadu", 1)],
                    expect=CAUSE[access] if missing else None)
            done = [(leaf_cell(tables(entry)), entry | want)] if missing else []
            vm_case(case, asm, access, effect, entry, before=[("svadu", 1), ("menvcfg", ADUE | 0xf0)], after=done)
    # What is not permitted leaves the bits alone.
    vm_case(case, "sd a2,0(a1)", STORE, "store", pte(TARGET, V | R), expect=15,
            before=[("svadu", 1), ("menvcfg", ADUE)])
    # The walk may not store to the entry: access fault.
    cells = tables(pte(TARGET, V | R))
    page = int(leaf_cell(cells)[2:], 16) & ~0xfff
    locked = [("pmpaddr0", page >> 2 | 0x1ff), ("pmpcfg0", 0x19)]
    vm_case(case, "ld a0,0(a1)", LOAD, "load", pte(TARGET, V | R), expect=5,
            before=[("svadu", 1), ("menvcfg", ADUE), *locked])
    vm_case(case, "ld a0,0(a1)", LOAD, "load", pte(TARGET, V | R | A), before=locked)


def gen_large(case):
    full = V | R | W | X | A | D
    for mode, levels in MODES.items():
        va = VA if mode == 8 else VA | 1 << 40
        for asm, access, effect in ACCESSES[:3]:
            vm_case(case, asm, access, effect, pte(TARGET, full), mode=mode, va=va)
            # 2 MiB: the target's place in it comes from the address
            vm_case(case, asm, access, effect, pte(CODE, full), mode=mode, level=1, va=0x4000c000 | va >> 40 << 40)
            # larger ones: the page lies in the first 2 MiB of RAM
            for level in range(2, levels):
                high = va >> 40 << 40 if level < levels - 1 else 0
                low = CODE if level > 2 else 0
                address = high | (TARGET & ((1 << 30) - 1)) | low | (1 << 30 if level == 2 else 0)
                if level > 2:
                    address |= 1 << 12 + 9 * level
                base = CODE if level == 2 else 0
                vm_case(case, asm, access, effect, pte(base, full), mode=mode, level=level, va=address)
            for level in range(1, levels):
                for bit in (0, 9 * level - 1):
                    entry = pte(0 if level > 2 else CODE, full) | 1 << 10 + bit
                    address = 1 << 12 + 9 * level
                    if address >> 30 == 2:
                        address = 1 << 30
                    vm_case(case, asm, access, effect, entry, mode=mode, level=level, va=address,
                            expect=CAUSE[access])


def gen_canonical(case):
    full = V | R | W | X | A | D
    for mode, levels in MODES.items():
        top = 12 + 9 * levels - 1  # the bit that is extended
        high = (1 << 64) - (1 << top) + 0x1000
        for asm, access, effect in ACCESSES[:3]:
            vm_case(case, asm, access, effect, pte(TARGET, full), mode=mode, va=high)
            for wrong in (high ^ 1 << 63, high ^ 1 << top + 1, VA | 1 << top + 1, VA | 1 << 63):
                vm_case(case, asm, access, effect, pte(TARGET, full), mode=mode, va=wrong, expect=CAUSE[access])


def gen_extensions(case):
    """Svnapot and Svpbmt."""
    full = V | R | W | X | A | D
    napot = CODE | 8 << 12  # 64 KiB at CODE
    for asm, access, effect in ACCESSES[:3]:
        cause = CAUSE[access]
        vm_case(case, asm, access, effect, pte(napot, full) | N, va=0x4000c000)
        for low in (0, 1, 2, 4, 9, 10, 12, 15):
            vm_case(case, asm, access, effect, pte(CODE | low << 12, full) | N, va=0x4000c000, expect=cause)
        vm_case(case, asm, access, effect, pte(napot, full) | N, va=0x40000000, level=1, expect=cause)
        for kind in (1, 2, 3):
            entry = pte(TARGET, full) | kind << 61
            vm_case(case, asm, access, effect, entry, expect=cause)
            vm_case(case, asm, access, effect, entry, menvcfg=PBMTE | 0xf0, expect=cause if kind == 3 else None)
            vm_case(case, asm, access, effect, pte(TARGET, full), menvcfg=PBMTE | 0xf0, pointers=V | kind << 61,
                    expect=cause)


def gen_mprv(case):
    """M-mode with MPRV: data as MPP says, fetches as M-mode."""
    full = V | R | W | A | D
    for user, mpp, s in itertools.product((0, U), (0, 1), (0, SUM)):
        entry = pte(TARGET, full | user)
        for asm, access, effect in ACCESSES[:2]:
            ok = permitted(entry, access, mpp, s)
            vm_case(case, asm, access, effect, entry, priv=mpp, status=MPRV | s,
                    expect=None if ok else CAUSE[access])
    case("sv", "ld a0,0(a1)", tables(pte(TARGET, full)) + [("satp", satp()), ("mstatus", MPRV | 3 << 11),
                                                           ("a1", TARGET)], [("a0", JUNK)])
    vm_case(case, "ld a0,0(a1)", LOAD, "load", pte(TARGET, V | X | A), priv=1, status=MPRV | MXR)


def gen_walk_faults(case):
    """Tables outside RAM, and tables that PMP refuses: access faults of the kind of the access."""
    full = V | R | W | X | A | D
    for asm, access, effect in ACCESSES[:3]:
        cells = [c for c in tables(pte(TARGET, full))]
        away = pte(0x20000000, V)
        outside = cells[:1] + [(cells[1][0], away)]  # the pointer for VA leads nowhere
        state = [("satp", satp()), ("a1", VA), ("a2", 5), ("priv", 1)]
        pc = VA if access == FETCH else CODE
        end = [("mcause", ACCESS_CAUSE[access]), ("mtval", VA), ("pc", pc)]
        case("sv", asm, outside + state, end)
        for cell, _ in cells[1:]:
            addr = int(cell[2:], 16)
            lock = [("pmpaddr0", addr >> 2), ("pmpcfg0", 0x10)]  # NA4 over half of the entry, no rights
            case("sv", asm, cells + lock + state, end)
        # Execute-only PMP does not let the walk read.
        lock = [("pmpaddr0", int(cells[-1][0][2:], 16) >> 2 | 3), ("pmpcfg0", 0x1c)]
        case("sv", asm, cells + lock + state, end)
        # PMP on the page itself
        for rights in range(8):
            if rights & 3 == 2:
                continue  # W without R
            lock = [("pmpaddr0", TARGET >> 2 | 0x1ff), ("pmpcfg0", 0x18 | rights)]
            ok = rights >> access & 1
            if ok:
                vm_case(case, asm, access, effect, pte(TARGET, full), before=lock)
            else:
                case("sv", asm, cells + lock + state, end)


def gen_straddle(case):
    """Accesses over two pages: each page counts, the tval is in the one that faults."""
    ok, bad = pte(TARGET, V | R | W | A | D), pte(TARGET + 0x1000, V | R | A)
    for first, second in itertools.product((ok, bad, 0), repeat=2):
        cells = tables(first)
        last = int(leaf_cell(cells)[2:], 16)
        cells.append((f"d@{last + 8:#x}", second))
        for asm, need, cause in (("ld a0,0(a1)", R, 13), ("sd a2,0(a1)", W, 15)):
            va = VA + 0xffd
            state = cells + [("satp", satp()), ("a1", va), ("a2", 0x1122334455667788), ("priv", 1)]
            fault = va if first & need == 0 else VA + 0x1000 if second & need == 0 else None
            if fault is not None:
                after = [("mcause", cause), ("mtval", fault), ("pc", CODE)]
            elif asm.startswith("ld"):
                after = [("a0", int.from_bytes(bytes.fromhex("9002900290029002"), "little"))]
            else:
                one, two = first >> 10 << 12, second >> 10 << 12
                after = [(f"b@{one + 0xffd + n:#x}", 0x88 - 0x11 * n) for n in range(3)]
                after += [(f"b@{two + n:#x}", 0x55 - 0x11 * n) for n in range(5)]
            case("sv", asm, state, after)


def gen_csrs(case):
    """Who may do what, and what it does: S-mode's CSRs and instructions."""
    def c(asm, before, after):
        case("priv", asm, before, after)

    def traps(asm, before, cause, tval, pc=CODE):
        c(asm, before, [("mcause", cause), ("mtval", tval), ("pc", pc)])

    s, u = ("priv", 1), ("priv", 0)
    for name in ("sstatus", "sie", "stvec", "scounteren", "senvcfg", "sscratch", "sepc", "scause", "stval", "sip",
                 "satp"):
        c(f"csrr a0,{name}", [s], [("a0", 0x200000000 if name == "sstatus" else 0)])
        c(f"csrw {name},zero|csrr a0,{name}", [s], [("a0", 0x200000000 if name == "sstatus" else 0)])
        c(f"csrr a0,{name}", [u], [("mcause", 2), ("pc", CODE)])
    for name in ("mstatus", "medeleg", "mideleg", "mie", "mtvec", "mscratch", "mepc", "menvcfg", "mcounteren",
                 "pmpcfg0", "pmpaddr3", "mcycle", "mhartid", "tselect"):
        c(f"csrr a0,{name}", [s], [("mcause", 2), ("pc", CODE)])
    for number in (0x200, 0x204, 0x280, 0x5a8, 0x600, 0x680, 0x30c, 0x310, 0x747, 0x34a, 0x34b, 0x321, 0xda0, 0xfb0,
                   0x7a5, 0x3a1, 0x3c0, 0x10c, 0x015):
        c(f"csrr a0,{number:#x}", [], [("mcause", 2), ("pc", CODE)])
    c("csrrw a0,sscratch,a1", [("sscratch", 7), ("a1", 9), s], [("a0", 7), ("sscratch", 9)])
    c("csrw sepc,a1|csrr a0,sepc", [("a1", -1), s], [("a0", -2)])
    c("csrw stvec,a1|csrr a0,stvec", [("a1", DATA | 1), s], [("a0", DATA | 1)])
    # sstatus is a window of mstatus
    c("csrrs a0,sstatus,a1", [("mstatus", 0x1888), ("a1", SUM | SPP), s],
      [("a0", 0x200000000), ("mstatus", 0xa00000980 | SUM)])  # the trap at the end came from S-mode
    c("csrw sstatus,a1|csrr a0,sstatus", [("a1", -1), s], [("a0", 0x80000002000c6122)])
    # satp: modes that are not there
    for mode in range(16):
        value = mode << 60 | 0x1234 << 44 | 0x56789
        there = mode == 0 or mode in MODES
        now = value if there else 0
        c("csrw satp,a1|csrr a0,satp", [("a1", value)], [("a0", now), ("satp", now)])
    traps("csrr a0,satp", [("mstatus", TVM), s], 2, 0x18002573)
    traps("csrw satp,zero", [("mstatus", TVM), s], 2, 0x18001073)
    c("csrr a0,satp", [("mstatus", TVM)], [("a0", 0)])
    # counters and time
    for m, sc in itertools.product((0, 1), repeat=2):
        for n, name in ((0, "cycle"), (1, "time"), (2, "instret"), (3, "hpmcounter3"), (31, "hpmcounter31")):
            value = 0x123456789 if n == 1 else 0
            before = [("mcounteren", (0xffffffff * m) & (1 << n) | (0xffffffff * (1 - m)) & ~(1 << n)),
                      ("scounteren", (0xffffffff * sc) & (1 << n) | (0xffffffff * (1 - sc)) & ~(1 << n))]
            for mode, ok in ((s, m), (u, m and sc)):
                after = [("a0", value)] if ok else [("mcause", 2), ("pc", CODE)]
                c(f"csrr a0,{name}", before + [mode], after)
    # Sstc
    for stce, tm in itertools.product((0, STCE), (0, 2)):
        before = [("menvcfg", stce), ("mcounteren", tm), ("stimecmp", 77)]
        c("csrr a0,stimecmp", before, [("a0", 77)])
        c("csrr a0,stimecmp", before + [s], [("a0", 77)] if stce and tm else [("mcause", 2), ("pc", CODE)])
        c("csrr a0,stimecmp", before + [u], [("mcause", 2), ("pc", CODE)])
    # environment calls and breakpoints, delegated or not
    for priv, cause in ((0, 8), (1, 9), (3, 11)):
        traps("ecall", [("priv", priv)], cause, 0)
        if priv < 3:
            c("ecall", [("medeleg", 1 << cause), ("priv", priv)],
              [("scause", cause), ("stval", 0), ("pc", CODE), ("sstatus", 0x200000000 | (SPP if priv else 0))])
            c("nop|ebreak", [("medeleg", 8), ("priv", priv)],
              [("scause", 3), ("stval", CODE + 4), ("pc", CODE + 4)])
            c(".4byte 0xffffffff", [("medeleg", 4), ("priv", priv)],
              [("scause", 2), ("stval", 0xffffffff), ("pc", CODE)])
    traps("ecall", [("medeleg", 0xffff)], 11, 0)  # from M-mode nothing is delegated
    # sret
    c("sret", [("sepc", DATA), ("mstatus", SPP | SPIE | MPRV | 3 << 11), s],
      [("pc", DATA), ("mstatus", 0xa00000800 | SPIE | SIE)])
    for before, cause in (([u], 2), ([("mstatus", TSR), s], 2)):
        traps("sret", before, cause, 0x10200073)
    traps("mret", [s], 2, 0x30200073)
    c("sret", [("sepc", DATA + 1), ("mstatus", TSR)], [("pc", DATA), ("mstatus", 0xa00000000 | TSR | SPIE)])
    c("mret", [("mepc", DATA), ("mstatus", 1 << 11 | MPRV)], [("pc", DATA), ("mstatus", 0xa00000800)])
    # fences, wfi, wrs
    for asm, word in (("sfence.vma", 0x12000073), ("sfence.vma a0,a1", 0x12b50073), ("sinval.vma a0,a1", 0x16b50073)):
        c(asm, [], [])
        c(asm, [s], [])
        traps(asm, [u], 2, word)
        traps(asm, [("mstatus", TVM), s], 2, word)
        c(asm, [("mstatus", TVM)], [])
    for asm, word in (("sfence.w.inval", 0x18000073), ("sfence.inval.ir", 0x18100073)):
        c(asm, [("mstatus", TVM), s], [])
        traps(asm, [u], 2, word)
    traps("wfi", [u], 2, 0x10500073)
    traps("wfi", [("mstatus", TW), s], 2, 0x10500073)
    # cbo: menvcfg and senvcfg
    for op, bit, word in (("inval", 0x10, 0x0005200f), ("inval", 0x30, 0x0005200f), ("clean", 0x40, 0x0015200f),
                          ("flush", 0x40, 0x0025200f), ("zero", 0x80, 0x0045200f)):
        done = [(f"d@{DATA + 64 + n:#x}", 0) for n in range(0, 64, 8)] if op == "zero" else []
        for m, sv, priv in itertools.product((0, 1), (0, 1), (0, 1, 3)):
            other = 0xf0 & ~(bit | 0x30 if op == "inval" else bit)
            ok = priv == 3 or (m and (priv == 1 or sv))
            before = [("menvcfg", bit if m else other), ("senvcfg", bit if sv else other), ("a0", DATA + 100),
                      ("priv", priv)]
            if ok:
                c(f"cbo.{op} 0(a0)", before, done)
            else:
                traps(f"cbo.{op} 0(a0)", before, 2, word)
    traps("cbo.zero 0(a0)", [("a0", 0x20000044), ("pmpcfg0", 0), ("pmpaddr0", 0)], 7, 0x20000044)
    c("prefetch.i 0(a0)|prefetch.r 32(a0)|prefetch.w 64(a0)", [("a0", 0)], [])
    c("pause|.4byte 0x00200033|.4byte 0x00300033|.4byte 0x00400033|.4byte 0x00500033", [], [])


def gen_all(case):
    for gen in (gen_permissions, gen_invalid, gen_ad, gen_large, gen_canonical, gen_extensions, gen_mprv,
                gen_walk_faults, gen_straddle, gen_csrs):
        gen(case)
