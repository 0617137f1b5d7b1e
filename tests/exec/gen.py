#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the case files of this directory.

The expected values come from the small model of the RISC-V manuals below, which knows nothing of the C code;
the encodings come from GNU as. Run it without arguments after a change; the output is checked in.
"""
import os
import random
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
from model import (AMOS, BINARY, BRANCHES, IMMEDIATE, LOADS, M64, SHIFTS, STORES, UNARY, from_bytes,
                   load_value, sx, to_bytes, u64, w)  # noqa: E402
import gen_priv, gen_sequences, model_fp as fp  # noqa: E401, E402

HERE = os.path.dirname(os.path.abspath(__file__))
CODE = 0x80000000
DATA = 0x80008000

HEAD = """\
# SPDX-License-Identifier: GPL-3.0-or-later
# {title}
#
# One case a line: assembly ; hexadecimal instructions ; state before => state after
#   Several instructions are separated by | and by blanks. They are put at the pc (0x80000000 if not given).
#   State is a list of key=value: a register by its ABI name; pc; b@A h@A w@A d@A: 1, 2, 4, 8 bytes of memory
#   at address A; a CSR by its name; before: priv, last. Numbers are in C notation.
#   What is not named after => is as before: registers (junk if not given), memory (full of c.ebreak), and the
#   pc behind the last instruction, where a c.ebreak ends the case. "mcause=N" after => says that another
#   exception ends it; pc is then the pc of that exception, mtval may follow. "scause=N" is one that S-mode takes.
#   "svadu=1" before: the hart has that extension. PMP lets everything through at first, by entry 15.
{origin}
"""

REGS = ("zero ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 "
        "t3 t4 t5 t6").split()
CREGS = REGS[8:16]
EDGE = [0, 1, 2, 3, 5, 31, 32, 33, 63, 64, 65, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0x7fffffff, 0x80000000,
        0x80000001, 0xffffffff, 0x100000000, 0x123456789abcdef0, 0xfedcba9876543210, 0x00ff00010080ff00,
        0x7fffffffffffffff, 0x8000000000000000, 0x8000000000000001, 0xffffffff80000000, 0xffffffff7fffffff,
        M64 - 1, M64]

FREGS = ("ft0 ft1 ft2 ft3 ft4 ft5 ft6 ft7 fs0 fs1 fa0 fa1 fa2 fa3 fa4 fa5 fa6 fa7 fs2 fs3 fs4 fs5 fs6 fs7 fs8 fs9 "
         "fs10 fs11 ft8 ft9 ft10 ft11").split()
# FS = Initial before; FS and mstatus after, when the trap that ends the case has set MPP.
ON, STILL_ON, DIRTY = ("mstatus", 0x2000), ("mstatus", 0xa00003800), ("mstatus", 0x8000000a00007800)

rng = random.Random(64)
files = {}
CELL = {1: "b", 2: "h", 4: "w", 8: "d"}


def case(name, asm, before, after):
    """asm: instructions separated by |. before, after: lists of (key, value); writes to zero are left out."""
    files.setdefault(name, []).append((asm, before, [(k, v) for k, v in after if k != "zero"]))


def cell(addr, size):
    return f"{CELL[size]}@{addr:#x}"


def operands(n):
    """n registers (not zero), all different, and n interesting values."""
    regs = rng.sample(REGS[1:], n)
    return regs, [rng.choice(EDGE) if rng.random() < 0.7 else rng.getrandbits(64) for _ in range(n)]


def gen_binary(name, op, fn):
    pairs = [(rng.choice(EDGE), rng.choice(EDGE)) for _ in range(7)]
    pairs += [(0x8000000000000000, M64), (0x80000000, M64), (rng.choice(EDGE), 0), (rng.getrandbits(64), 33),
              (rng.getrandbits(64), rng.getrandbits(64))]
    for a, b in pairs:
        (d, s, t), _ = operands(3)
        case(name, f"{op} {d},{s},{t}", [(s, a), (t, b)], [(d, fn(a, b))])
    (d, s), (a, b) = operands(2)
    case(name, f"{op} {d},{d},{s}", [(d, a), (s, b)], [(d, fn(a, b))])
    case(name, f"{op} {d},{s},{d}", [(d, a), (s, b)], [(d, fn(b, a))])
    case(name, f"{op} {d},{d},{d}", [(d, a)], [(d, fn(a, a))])
    case(name, f"{op} zero,{d},{s}", [(d, a), (s, b)], [])
    case(name, f"{op} {d},zero,{s}", [(s, b)], [(d, fn(0, b))])
    case(name, f"{op} {d},{s},zero", [(s, b)], [(d, fn(b, 0))])


def gen_unary(name, op, fn):
    for a in EDGE[::2] + [rng.getrandbits(64), 1 << rng.randrange(64), 0x0100000000000000]:
        (d, s), _ = operands(2)
        case(name, f"{op} {d},{s}", [(s, a)], [(d, fn(a))])
    case(name, f"{op} a0,a0", [("a0", 0x80)], [("a0", fn(0x80))])
    case(name, f"{op} a0,zero", [], [("a0", fn(0))])
    case(name, f"{op} zero,a0", [("a0", 5)], [])


def gen_immediate(op, fn):
    for imm in [0, 1, -1, 2047, -2048, rng.randrange(-2048, 2048), rng.randrange(-2048, 2048)]:
        for _ in range(2):
            (d, s), (a, _) = operands(2)
            case("rv64i", f"{op} {d},{s},{imm}", [(s, a)], [(d, fn(a, imm))])
    case("rv64i", f"{op} s1,s1,-3", [("s1", 2)], [("s1", fn(2, -3))])
    case("rv64i", f"{op} s1,zero,-3", [], [("s1", fn(0, -3))])
    case("rv64i", f"{op} zero,s1,1", [("s1", 2)], [])


def gen_shift(op, name, bits, fn):
    for by in [0, 1, bits // 2 - 1, bits // 2, bits - 1, rng.randrange(bits)]:
        (d, s), (a, _) = operands(2)
        case(name, f"{op} {d},{s},{by}", [(s, a)], [(d, fn(a, by))])
        case(name, f"{op} {d},{d},{by}", [(d, 0x8123456789abcdef)], [(d, fn(0x8123456789abcdef, by))])
    case(name, f"{op} a5,zero,3", [], [("a5", fn(0, 3))])
    case(name, f"{op} zero,a5,3", [("a5", 9)], [])


def gen_memory():
    for op, (size, signed) in LOADS.items():
        for offset in [0, 1, 4, -8, 2047, -2048, 7]:
            (d, s), (v, _) = operands(2)
            v = rng.choice([v, 0x8182838485868788, 0x7f7f7f7f7f7f7f7f])
            case("rv64i", f"{op} {d},{offset}({s})", [(s, DATA - offset), (cell(DATA, 8), v)],
                 [(d, load_value(to_bytes(v), size, signed))])
        v = 0xf1f2f3f4f5f6f7f8
        at = DATA + 0xfff  # misaligned and across a page
        case("rv64i", f"{op} a0,0(a0)", [("a0", at), (cell(at, 8), v)],
             [("a0", load_value(to_bytes(v), size, signed))])
        for rd in ("a0", "zero"):
            case("rv64i", f"{op} {rd},-8(a1)", [("a1", CODE)],
                 [("mcause", 5), ("mtval", CODE - 8), ("pc", CODE)])
        case("rv64i", f"{op} zero,0(a1)", [("a1", DATA)], [])
        case("rv64i", f"{op} a0,16(zero)", [], [("mcause", 5), ("mtval", 16), ("pc", CODE)])
    for op, size in STORES.items():
        for offset in [0, 1, -4, 2047, -2048]:
            (t, s), (v, _) = operands(2)
            case("rv64i", f"{op} {t},{offset}({s})", [(t, v), (s, DATA - offset)],
                 [(cell(DATA, size), v % 256 ** size)])
        at = DATA + 0xfff
        case("rv64i", f"{op} a0,0(a0)", [("a0", at)], [(cell(at, size), at % 256 ** size)])
        case("rv64i", f"{op} zero,0(a0)", [("a0", at)], [(cell(at, size), 0)])
        case("rv64i", f"{op} a0,-1(a1)", [("a1", CODE)], [("mcause", 7), ("mtval", CODE - 1), ("pc", CODE)])
    case("rv64i", "sd a0,0(a1)|ld a2,0(a1)", [("a0", 0x1122334455667788), ("a1", DATA)],
         [("a2", 0x1122334455667788), (cell(DATA, 8), 0x1122334455667788)])
    case("rv64i", "addi a1,a1,1|lw a0,0(a2)", [("a1", 4), ("a2", 0)],
         [("a1", 5), ("mcause", 5), ("mtval", 0), ("pc", CODE + 4)])


def gen_control():
    for op, taken in BRANCHES.items():
        for a, b in [(0, 0), (0, 1), (1, 0), (M64, 0), (0, M64), (M64, M64),
                     (0x8000000000000000, 0x7fffffffffffffff), (0x7fffffffffffffff, 0x8000000000000000),
                     (0x80000000, 0xffffffff80000000)]:
            (s, t), _ = operands(2)
            edges = rng.random() < 0.8
            offset = rng.choice([-4096, -2, 8, 64, 4094]) if edges else 2 * rng.randrange(3, 2048)
            case("rv64i", f"{op} {s},{t},.{offset:+}", [("pc", DATA), (s, a), (t, b)],
                 [("pc", DATA + offset if taken(a, b) else DATA + 4)])
        case("rv64i", f"{op} a0,a0,.+16", [], [("pc", CODE + (16 if taken(7, 7) else 4))])
        case("rv64i", f"{op} zero,a0,.+16", [("a0", 1)], [("pc", CODE + (16 if taken(0, 1) else 4))])
    for offset in [-0x8000, -2, 6, 0x7000, 0xffe]:
        case("rv64i", f"jal ra,.{offset:+}", [("pc", DATA)], [("ra", DATA + 4), ("pc", DATA + offset)])
        case("rv64i", f"jal zero,.{offset:+}", [("pc", DATA)], [("pc", DATA + offset)])
    for rd, rs, base, imm in [("ra", "a0", DATA, 0), ("ra", "a0", DATA + 1, 0), ("t0", "a0", DATA, 2047),
                              ("a0", "a0", DATA, -2048), ("zero", "ra", DATA + 100, 2),
                              ("ra", "ra", DATA + 8, -1)]:
        case("rv64i", f"jalr {rd},{imm}({rs})", [(rs, base)], [(rd, CODE + 4), ("pc", (base + imm) & ~1)])
    case("rv64i", "jalr ra,16(zero)", [], [("ra", CODE + 4), ("mcause", 1), ("mtval", 16), ("pc", 16)])
    for imm in [0, 1, 0x7ffff, 0x80000, 0xfffff, 0x12345]:
        case("rv64i", f"lui s3,{imm:#x}", [], [("s3", w(imm << 12))])
        case("rv64i", f"auipc s4,{imm:#x}", [("pc", DATA + 0x104)], [("s4", DATA + 0x104 + w(imm << 12))])
    case("rv64i", "lui zero,5", [], [])
    case("rv64i", "auipc zero,5", [], [])
    for f in ("fence", "fence rw,w", "fence r,r", "fence.tso", "pause", "fence.i"):
        case("rv64i", f, [], [])
    case("rv64i", "li a0,-1|srli a0,a0,60|bnez a0,.+4|addi a0,a0,1", [], [("a0", 16)])


def gen_straddling():
    """32-bit instructions whose halves lie on two pages."""
    at = CODE + 0xffe
    case("rv64i", "add a0,a1,a2|addi a0,a0,1", [("pc", at), ("a1", 3), ("a2", 4)], [("a0", 8)])
    case("rv64i", "addi a1,a1,1|addi a1,a1,2|auipc a2,0", [("pc", at - 4), ("a1", 3)],
         [("a1", 6), ("a2", at + 4)])
    case("rv64i", "jal ra,.-8", [("pc", at)], [("ra", at + 4), ("pc", at - 8)])


def gen_atomics():
    for suffix, size in (("w", 4), ("d", 8)):
        bits = 8 * size
        for amo, fn in AMOS.items():
            op = f"{amo}.{suffix}"
            for order in ("", ".aq", ".rl", ".aqrl", ""):
                (d, s, t), (old, v, b) = operands(3)
                s, d = (s, d) if rng.random() < 0.8 else (s, t)
                case("rv64a", f"{op}{order} {d},{t},({s})", [(s, DATA), (t, b), (cell(DATA, 8), old)],
                     [(d, sx(old, bits)), (cell(DATA, size), fn(old, b, bits) % (1 << bits))])
            for old, b in ((0x80000000, 0x7fffffff), (0x7fffffffffffffff, 0x8000000000000000), (M64, 1),
                           (1, M64)):
                case("rv64a", f"{op} a0,a1,(a2)", [("a1", b), ("a2", DATA + 8), (cell(DATA + 8, 8), old)],
                     [("a0", sx(old, bits)), (cell(DATA + 8, size), fn(old, b, bits) % (1 << bits))])
            case("rv64a", f"{op} zero,a1,(a2)", [("a1", 6), ("a2", DATA), (cell(DATA, 8), 5)],
                 [(cell(DATA, size), fn(5, 6, bits))])
            case("rv64a", f"{op} a2,zero,(a2)", [("a2", DATA), (cell(DATA, 8), 5)],
                 [("a2", 5), (cell(DATA, size), fn(5, 0, bits))])
            case("rv64a", f"{op} a0,a1,(a2)", [("a2", DATA + size // 2)],
                 [("mcause", 6), ("mtval", DATA + size // 2), ("pc", CODE)])
            case("rv64a", f"{op} a0,a1,(a2)", [("a2", 64)], [("mcause", 7), ("mtval", 64), ("pc", CODE)])
        gen_reservations(suffix, size)


def gen_reservations(suffix, size):
    bits = 8 * size
    lr, sc = f"lr.{suffix}", f"sc.{suffix}"
    for v in (0, 0x80000000, M64, 0x8000000000000000, 0x1122334455667788):
        case("rv64a", f"{lr} a0,(a1)", [("a1", DATA), (cell(DATA, 8), v)], [("a0", sx(v, bits))])
        case("rv64a", f"{lr}.aqrl a0,(a1)|{sc}.rl a2,a3,(a1)", [("a1", DATA), ("a3", v), (cell(DATA, 8), 7)],
             [("a0", 7), ("a2", 0), (cell(DATA, size), v % (1 << bits))])
    start = [("a1", DATA), ("a3", 9), (cell(DATA, 8), 7)]
    case("rv64a", f"{sc} a2,a3,(a1)", start, [("a2", 1)])
    case("rv64a", f"{lr} a0,(a1)|{sc} a2,a3,(a1)|{sc} a4,a3,(a1)", start,
         [("a0", 7), ("a2", 0), ("a4", 1), (cell(DATA, size), 9)])
    case("rv64a", f"{lr} a0,(a1)|addi a1,a1,{size}|{sc} a2,a3,(a1)", start,
         [("a0", 7), ("a1", DATA + size), ("a2", 1)])
    case("rv64a", f"{lr} a0,(a1)|addi a1,a1,{size}|{sc} a2,a3,(a1)|addi a1,a1,-{size}|{sc} a4,a3,(a1)",
         start, [("a0", 7), ("a2", 1), ("a4", 1)])
    case("rv64a", f"{lr} zero,(a1)|{sc} zero,a3,(a1)", start, [(cell(DATA, size), 9)])
    case("rv64a", f"{lr} a1,(a1)", start, [("a1", 7)])
    case("rv64a", f"{lr} a0,(a1)|{sc} a3,a3,(a1)", start, [("a0", 7), ("a3", 0), (cell(DATA, size), 9)])
    case("rv64a", f"{lr} a0,(a1)", [("a1", DATA + 2)], [("mcause", 4), ("mtval", DATA + 2), ("pc", CODE)])
    case("rv64a", f"{sc} a0,a3,(a1)", [("a1", DATA + 2)], [("mcause", 6), ("mtval", DATA + 2), ("pc", CODE)])
    case("rv64a", f"{lr} a0,(a1)", [("a1", 64)], [("mcause", 5), ("mtval", 64), ("pc", CODE)])


def gen_compressed_alu():
    def c(asm, before, after):
        case("rv64c", asm, before, after)

    for i in (-32, -1, 1, 31):
        for a in (0, 31, 0x7fffffff, M64, 0x7fffffffffffffff):
            c(f"c.addi s5,{i}", [("s5", a)], [("s5", a + i)])
            c(f"c.addiw t5,{i}", [("t5", a)], [("t5", w(a + i))])
            c(f"c.andi s1,{i}", [("s1", a)], [("s1", a & u64(i))])
        c(f"c.li t4,{i}", [], [("t4", i)])
        c(f"c.lui t4,{i & 0xfffff:#x}", [], [("t4", w(i << 12))])
    c("c.addiw ra,0", [("ra", 0x123480000000)], [("ra", w(0x80000000))])
    c("c.li a0,0", [], [("a0", 0)])
    c("c.nop", [], [])
    for i in (-512, -16, 16, 496):
        c(f"c.addi16sp sp,{i}", [("sp", DATA)], [("sp", DATA + i)])
    for i in (4, 8, 64, 512, 1020):
        c(f"c.addi4spn a3,sp,{i}", [("sp", DATA)], [("a3", DATA + i)])
    for by in (1, 31, 32, 63):
        a = rng.getrandbits(64) | 1 << 63
        c(f"c.slli s11,{by}", [("s11", a)], [("s11", a << by)])
        c(f"c.srli a4,{by}", [("a4", a)], [("a4", a >> by)])
        c(f"c.srai s0,{by}", [("s0", a)], [("s0", sx(a, 64) >> by)])
    for op in ("sub", "xor", "or", "and", "addw", "subw"):
        for _ in range(4):
            d, s = rng.sample(CREGS, 2)
            a, b = rng.choice(EDGE), rng.choice(EDGE)
            c(f"c.{op} {d},{s}", [(d, a), (s, b)], [(d, BINARY["rv64i"][op](a, b))])
    for _ in range(4):
        (d, s), (a, b) = operands(2)
        c(f"c.mv {d},{s}", [(s, b)], [(d, b)])
        c(f"c.add {d},{s}", [(d, a), (s, b)], [(d, a + b)])


def gen_compressed_memory():
    def c(asm, before, after):
        case("rv64c", asm, before, after)

    v = 0x81828384f5f6f7f8
    for op, size, signed, offsets in (("lw", 4, True, (0, 4, 64, 124)), ("ld", 8, True, (0, 8, 64, 248))):
        for o in offsets:
            d, s = rng.sample(CREGS, 2)
            c(f"c.{op} {d},{o}({s})", [(s, DATA), (cell(DATA + o, 8), v)],
              [(d, load_value(to_bytes(v), size, signed))])
            st = "s" + op[1]
            c(f"c.{st} {d},{o}({s})", [(s, DATA), (d, v)], [(cell(DATA + o, size), v % 256 ** size)])
        for o in (*offsets[:-1], 252 if size == 4 else 504):
            c(f"c.{op}sp t6,{o}(sp)", [("sp", DATA), (cell(DATA + o, 8), v)],
              [("t6", load_value(to_bytes(v), size, signed))])
            c(f"c.s{op[1]}sp t6,{o}(sp)", [("sp", DATA), ("t6", v)],
              [(cell(DATA + o, size), v % 256 ** size)])
        c(f"c.{op} a0,0(a1)", [("a1", 8)], [("mcause", 5), ("mtval", 8), ("pc", CODE)])
        c(f"c.s{op[1]} a0,0(a1)", [("a1", 8)], [("mcause", 7), ("mtval", 8), ("pc", CODE)])


def gen_compressed_control():
    def c(asm, before, after):
        case("rv64c", asm, before, after)

    for o in (-2048, -2, 4, 64, 1024, 2046):
        c(f"c.j .{o:+}", [("pc", DATA)], [("pc", DATA + o)])
    for o in (-256, -2, 6, 128, 254):
        for a in (0, 1, 0x8000000000000000):
            c(f"c.beqz a2,.{o:+}", [("pc", DATA), ("a2", a)], [("pc", DATA + (o if a == 0 else 2))])
            c(f"c.bnez s0,.{o:+}", [("pc", DATA), ("s0", a)], [("pc", DATA + (o if a != 0 else 2))])
    for reg in ("ra", "a0", "t6"):
        c(f"c.jr {reg}", [(reg, DATA + 3)], [("pc", DATA + 2)])
        c(f"c.jalr {reg}", [(reg, DATA + 3)], [("ra", CODE + 2), ("pc", DATA + 2)])
    c("c.ebreak", [], [("mcause", 3), ("mtval", CODE), ("pc", CODE)])
    c("c.li a0,5|addi a0,a0,300|c.slli a0,1|c.mv a1,a0", [("pc", CODE + 0xffa)], [("a0", 610), ("a1", 610)])
    for raw in (0x0000, 0x6101, 0x2001, 0x9c41, 0x8002):  # reserved
        c(f".2byte {raw:#x}", [], [("mcause", 2), ("mtval", raw), ("pc", CODE)])


def gen_system():
    def c(asm, before, after):
        case("system", asm, before, after)

    def traps(asm, before, cause, tval, pc=CODE):
        c(asm, before, [("mcause", cause), ("mtval", tval), ("pc", pc)])

    c("csrrw a0,mscratch,a1", [("mscratch", 5), ("a1", 9)], [("a0", 5), ("mscratch", 9)])
    c("csrrw a1,mscratch,a1", [("mscratch", 5), ("a1", 9)], [("a1", 5), ("mscratch", 9)])
    c("csrrw zero,mscratch,a1", [("mscratch", 5), ("a1", 9)], [("mscratch", 9)])
    c("csrrw a0,mscratch,zero", [("mscratch", 5)], [("a0", 5), ("mscratch", 0)])
    c("csrrs a0,mscratch,a1", [("mscratch", 5), ("a1", 10)], [("a0", 5), ("mscratch", 15)])
    c("csrrc a0,mscratch,a1", [("mscratch", 5), ("a1", 12)], [("a0", 5), ("mscratch", 1)])
    c("csrrs a0,mscratch,zero", [("mscratch", M64)], [("a0", M64), ("mscratch", M64)])
    c("csrrwi a0,mscratch,31", [("mscratch", 5)], [("a0", 5), ("mscratch", 31)])
    c("csrrsi a0,mscratch,16", [("mscratch", 5)], [("a0", 5), ("mscratch", 21)])
    c("csrrci a0,mscratch,4", [("mscratch", 5)], [("a0", 5), ("mscratch", 1)])
    c("csrrci a0,mscratch,0", [("mscratch", 5)], [("a0", 5), ("mscratch", 5)])
    c("csrr a0,mhartid", [], [("a0", 0)])
    c("csrrci a0,mhartid,0", [], [("a0", 0)])
    c("csrr a0,misa", [], [("a0", 2 << 62 | 1 << 20 | 1 << 18 | 1 << 12 | 1 << 8 | 1 << 5 | 1 << 3 | 1 << 2 | 1)])
    traps("csrw mhartid,a0", [], 2, 0xf1451073)
    traps("csrrsi a0,mhartid,1", [], 2, 0xf140e573)
    c("rdtime a0", [], [("a0", 0x123456789)])
    traps("csrr a0,mscratch", [("priv", 0)], 2, 0x34002573)
    traps("rdcycle a0", [("priv", 0)], 2, 0xc0002573)
    c("nop|rdcycle a0|rdcycle a1", [("mcounteren", 1), ("scounteren", 1), ("priv", 0)], [("a0", 1), ("a1", 2)])
    c("nop|nop|rdinstret a0|rdinstret a1", [("minstret", 100)], [("a0", 101), ("a1", 102)])
    c("csrw minstret,a0|rdinstret a1|rdinstret a2", [("a0", 50)], [("a1", 50), ("a2", 51)])
    c("csrw mcycle,a0|csrr a1,mcycle", [("a0", M64)], [("a1", M64)])
    c("csrw mcycle,a0|nop|csrr a1,mcycle", [("a0", M64)], [("a1", 0)])
    c("csrwi mcountinhibit,4|nop|csrwi minstret,7|nop|rdinstret a0|csrwi mcountinhibit,0|rdinstret a1", [],
      [("a0", 7), ("a1", 7)])
    traps("ecall", [], 11, 0)
    traps("nop|ecall", [("priv", 0)], 8, 0, CODE + 4)
    traps("ebreak", [], 3, CODE)
    c("slli zero,zero,31|ebreak|srai zero,zero,7", [], [("mcause", 3), ("mtval", CODE + 4), ("pc", CODE + 4)])
    traps("mret", [("priv", 0)], 2, 0x30200073)
    c("mret", [("mepc", DATA), ("mstatus", 0x1880)], [("pc", DATA), ("mstatus", 0xa00001880)])
    c("mret", [("mepc", DATA), ("mstatus", 0x80)], [("pc", DATA), ("mstatus", 0xa00000080)])
    c("mret", [("mepc", DATA + 1), ("mstatus", 0x1800)], [("pc", DATA), ("mstatus", 0xa00001800)])
    traps("wfi", [("priv", 0)], 2, 0x10500073)
    traps(".4byte 0xffffffff", [], 2, 0xffffffff)
    traps(".4byte 0x0000007f", [], 2, 0x7f)
    traps("li a0,1|.4byte 0x00000057|nop", [("a0", 1)], 2, 0x57, CODE + 4)
    c("lr.w a0,(a1)|csrw mscratch,a0|sc.w a2,a0,(a1)", [("a1", DATA), (cell(DATA, 4), 3)],
      [("a0", 3), ("a2", 0), ("mscratch", 3)])


MODES = ("rne", "rtz", "rdn", "rup", "rmm")


def fp_edges(f):
    """Register contents at the edges of the format, both signs."""
    one = f.emax << f.fraction
    values = [0, 1, (1 << f.fraction) - 1, 1 << f.fraction, one - 1, one, one + 1, one + (1 << f.fraction - 1),
              one + (31 << f.fraction), f.inf - 1, f.inf, f.nan, f.inf + 1, one + (1 << f.fraction) // 3,
              one - (24 << f.fraction), (f.emax + 24) << f.fraction | 1]
    return [f.put(v | s) for v in values for s in (0, f.sign)]


def fp_operand(f):
    if rng.random() < 0.06 and f is fp.S:
        return rng.getrandbits(64) >> 1  # not NaN-boxed
    if rng.random() < 0.6:
        return rng.choice(fp_edges(f))
    near = rng.choice([f.emax, f.emax + rng.randrange(-30, 30), rng.randrange(0, 2 * f.emax)])
    return f.put(near << f.fraction | rng.getrandbits(f.fraction) | (f.sign if rng.random() < 0.5 else 0))


def fp_case(name, op, rd, sources, fn, rounds=True):
    """sources: (register, value). fn(rm): result and flags; the mode is static or in frm."""
    rm, dynamic = rng.randrange(5), rng.random() < 0.5
    result, flags = fn(rm)
    old = rng.choice([0, 0, 1, 31])
    before = [ON, ("frm", rm if dynamic else rng.choice([0, 1, 2, 3, 4])), ("fflags", old)]
    text = f"{op} {rd}," + ",".join(r for r, _ in sources)
    if rounds:
        text += ",dyn" if dynamic else "," + MODES[rm]
    case(name, text, before + list(dict(sources).items()), [(rd, result), ("fflags", old | flags), DIRTY])


def gen_fp_arithmetic(name, suffix, f):
    two = {"fadd": fp.fadd, "fsub": fp.fsub, "fmul": fp.fmul, "fdiv": fp.fdiv}
    three = {"fmadd": (False, False), "fmsub": (False, True), "fnmsub": (True, False), "fnmadd": (True, True)}
    for op, fn in two.items():
        for _ in range(40):
            d, s, t = rng.sample(FREGS, 3)
            x, y = fp_operand(f), fp_operand(f)
            fp_case(name, f"{op}.{suffix}", d, [(s, x), (t, y)], lambda rm, fn=fn, x=x, y=y: fn(f, rm, x, y))
        x = fp_operand(f)
        fp_case(name, f"{op}.{suffix}", "fa0", [("fa0", x), ("fa0", x)], lambda rm, fn=fn, x=x: fn(f, rm, x, x))
    for op, negate in three.items():
        for _ in range(40):
            d, s, t, u = rng.sample(FREGS, 4)
            x, y, z = fp_operand(f), fp_operand(f), fp_operand(f)
            fp_case(name, f"{op}.{suffix}", rng.choice([d, s, t, u]), [(s, x), (t, y), (u, z)],
                    lambda rm, x=x, y=y, z=z, n=negate: fp.fused(f, rm, x, y, z, *n))
    for _ in range(40):
        x = fp_operand(f)
        fp_case(name, f"fsqrt.{suffix}", "fa5", [("fs1", x)], lambda rm, x=x: fp.fsqrt(f, rm, x))


def gen_fp_other(name, suffix, f):
    two = {"fsgnj": lambda x, y: fp.sign_injected(f, x, y, lambda a, b: b),
           "fsgnjn": lambda x, y: fp.sign_injected(f, x, y, lambda a, b: not b),
           "fsgnjx": lambda x, y: fp.sign_injected(f, x, y, lambda a, b: a != b),
           "fmin": lambda x, y: fp.minmax(f, x, y, False), "fmax": lambda x, y: fp.minmax(f, x, y, True)}
    for op, fn in two.items():
        for _ in range(25):
            s, t = rng.sample(FREGS, 2)
            x, y = fp_operand(f), fp_operand(f)
            fp_case(name, f"{op}.{suffix}", rng.choice([s, t, "fa1"]), [(s, x), (t, y)],
                    lambda rm, fn=fn, x=x, y=y: fn(x, y), False)
        for x in (f.put(f.inf | 1), f.put(f.sign), 0x7fffffff00000000, 0x1234):
            fp_case(name, f"{op}.{suffix}", "fa0", [("fa3", x), ("fa3", x)], lambda rm, fn=fn, x=x: fn(x, x), False)
    for how in ("eq", "lt", "le"):
        for n in range(30):
            x, y = fp_operand(f), fp_operand(f)
            y = x if n % 5 == 0 else y
            fp_case(name, f"f{how}.{suffix}", rng.choice(["a0", "zero"]), [("ft0", x), ("ft1", y)],
                    lambda rm, x=x, y=y, how=how: fp.compared(f, x, y, how), False)
    for x in fp_edges(f):
        case(name, f"fclass.{suffix} a0,fa0", [ON, ("fa0", x)], [("a0", fp.fclass(f, x)[0]), STILL_ON])
    for kind, (low, high) in fp.INTEGERS.items():
        for n in range(40):
            x = fp_operand(f)
            if n % 2:  # around the limits of the type
                at = fp.Fraction(rng.choice([low, low, high, high, 0, 0, 1])) + fp.Fraction(rng.randrange(-12, 12), 4)
                x = fp.rounded(f, at, rng.randrange(5))[0] if at else f.put(0)
            fp_case(name, f"fcvt.{kind}.{suffix}", "a0", [("fa0", x)],
                    lambda rm, x=x, k=kind: fp.to_integer(f, rm, x, k))
        for _ in range(16):
            x = rng.choice([rng.choice(EDGE), rng.getrandbits(rng.randrange(1, 65))])
            exact = f is fp.D and kind in ("w", "wu")  # GNU as wants no rounding mode there
            fp_case(name, f"fcvt.{suffix}.{kind}", "fa0", [("a0", x)],
                    lambda rm, x=x, k=kind: fp.from_integer(f, rm, x, k), not exact)


def gen_fp_memory(name, f, load, store, to_x, from_x):
    v = 0x80123456f1f2f3f4
    size = f.bits // 8
    low = v % 256 ** size
    for offset in (0, 8, -2048, 2044):
        d, s = rng.choice(FREGS), rng.choice(REGS[1:])
        case(name, f"{load} {d},{offset}({s})", [ON, (s, DATA - offset), (cell(DATA, 8), v)],
             [(d, f.put(low)), DIRTY])
        case(name, f"{store} {d},{offset}({s})", [ON, (s, DATA - offset), (d, v)],
             [(cell(DATA, size), low), STILL_ON])
    case(name, f"{load} fa0,0(a0)", [ON, ("a0", 16)], [("mcause", 5), ("mtval", 16), ("pc", CODE)])
    case(name, f"{store} fa0,0(a0)", [ON, ("a0", 16)], [("mcause", 7), ("mtval", 16), ("pc", CODE)])
    case(name, f"{to_x} a0,fs3", [ON, ("fs3", v)], [("a0", v if size == 8 else sx(v, 32)), STILL_ON])
    case(name, f"{to_x} zero,fs3", [ON, ("fs3", v)], [STILL_ON])
    case(name, f"{from_x} fs3,a0", [ON, ("a0", v)], [("fs3", f.put(low)), DIRTY])
    case(name, f"{from_x} fs3,zero", [ON], [("fs3", f.put(0)), DIRTY])


def gen_fp_state():
    def c(asm, before, after):
        case("rv64f", asm, before, after)

    def traps(asm, before, pc=CODE):
        c(asm, before, [("mcause", 2), ("pc", pc)])

    for op in ("flw fa0,0(a0)", "fsw fa0,0(a0)", "fadd.s fa0,fa1,fa2", "fsgnj.s fa0,fa1,fa1", "feq.s a0,fa0,fa1",
               "fclass.s a0,fa0", "fmv.x.w a0,fa0", "fmv.w.x fa0,a0", "fcvt.w.s a0,fa0", "fmadd.s fa0,fa1,fa2,fa3",
               "csrr a0,fflags", "csrwi frm,1", "csrr a0,fcsr", "fmin.d fa0,fa1,fa2", "fld fa0,0(a0)",
               "fcvt.d.s fa0,fa1", "fmv.x.d zero,fa0", "c.fldsp fa0,8(sp)", "c.fsd fa0,8(a0)"):
        traps(op, [])
        traps("nop|" + op, [("a0", 16), ("sp", 16)], CODE + 4)
    for frm in (5, 6, 7):
        on = [ON, ("frm", frm)]
        for op in ("fadd.s fa0,fa1,fa2,dyn", "fsqrt.d fa0,fa1,dyn", "fcvt.w.d a0,fa1,dyn", "fcvt.s.l fa0,a0,dyn",
                   "fmadd.d fa0,fa1,fa2,fa3,dyn"):
            traps(op, on)
            traps("fclass.s a0,fa0|fmv.s fa1,fa0|" + op, [*on, ("fa0", fp.BOX)], CODE + 8)
            files["rv64f"][-1][2][:0] = [("a0", 16), ("fa1", fp.BOX)]
        c("fadd.s fa0,fa1,fa2,rup", [*on, ("fa1", fp.BOX), ("fa2", fp.BOX)], [("fa0", fp.BOX)])
        c("fmin.s fa0,fa1,fa2", [*on, ("fa1", fp.BOX), ("fa2", fp.BOX)], [("fa0", fp.BOX)])
    for rm in (5, 6):
        traps(f".4byte {0x00c58553 | rm << 12:#x}", [ON])
        traps(f".4byte {0xd2058553 | rm << 12:#x}", [ON])  # fcvt.d.w
    c("csrw fcsr,a0|csrr a1,fflags|csrr a2,frm|csrr a3,fcsr", [ON, ("a0", M64)],
      [("a1", 31), ("a2", 7), ("a3", 255), DIRTY])
    c("csrrwi a0,fflags,10|csrrci a1,fflags,2|csrrsi a2,frm,3|csrr a3,fcsr", [ON, ("fcsr", 0x81)],
      [("a0", 1), ("a1", 10), ("a2", 4), ("a3", 0xe8), DIRTY])
    c("csrr a0,fcsr", [ON], [("a0", 0), STILL_ON])
    c("csrw frm,a0", [ON, ("a0", 0xfffffff9)], [("frm", 1), ("fflags", 0), DIRTY])
    c("csrw mstatus,a0|csrr a1,mstatus", [("a0", 0x4000)], [("a1", 0xa00004000)])
    c("csrw mstatus,a0|csrr a1,mstatus|csrwi mstatus,0|csrr a2,mstatus", [("a0", 0x6000)],
      [("a1", DIRTY[1] - 0x1800), ("a2", 0xa00000000)])
    c("c.fsdsp fs0,16(sp)|c.fldsp fs1,16(sp)|c.fsd fs1,8(a0)|c.fld fa0,8(a0)",
      [ON, ("sp", DATA), ("a0", DATA + 64), ("fs0", 0x1122334455667788)],
      [("fs1", 0x1122334455667788), ("fa0", 0x1122334455667788), (cell(DATA + 16, 8), 0x1122334455667788),
       (cell(DATA + 72, 8), 0x1122334455667788)])


def gen_fp():
    for name, suffix, f in (("rv64f", "s", fp.S), ("rv64d", "d", fp.D)):
        gen_fp_arithmetic(name, suffix, f)
        gen_fp_other(name, suffix, f)
    gen_fp_memory("rv64f", fp.S, "flw", "fsw", "fmv.x.w", "fmv.w.x")
    gen_fp_memory("rv64d", fp.D, "fld", "fsd", "fmv.x.d", "fmv.d.x")
    for _ in range(60):
        x = fp_operand(fp.D)
        if rng.random() < 0.6:  # in the range of singles and around its lower end
            x = (1023 + rng.randrange(-152, 129)) << 52 | rng.getrandbits(52) & rng.choice([M64, 7 << 28, 0])
        fp_case("rv64d", "fcvt.s.d", "fa0", [("fa1", x)], lambda rm, x=x: fp.converted(fp.D, fp.S, rm, x))
    for x in fp_edges(fp.S) + [0x3f800000]:
        fp_case("rv64d", "fcvt.d.s", "fa0", [("fa1", x)], lambda rm, x=x: fp.converted(fp.S, fp.D, rm, x), False)
    gen_fp_state()


def assemble():
    """Bytes of every case of every file, in order."""
    text = [".option norelax", ".option norvc"]
    for name, cases in files.items():
        for n, (asm, _, _) in enumerate(cases):
            for k, part in enumerate(asm.split("|")):
                rvc = part.startswith("c.")
                text += [f"{name}_{n}_{k}:", ".option rvc" if rvc else ".option norvc", part]
    text += ["end:"]
    with tempfile.TemporaryDirectory() as d:
        src, obj, raw = (os.path.join(d, x) for x in ("x.s", "x.o", "x.bin"))
        with open(src, "w", encoding="ascii") as f:
            f.write("\n".join(text) + "\n")
        arch = "-march=rv64imafdc_zicbom_zicbop_zicboz_zicsr_zifencei_zihintpause_zawrs_zba_zbb_zbs_svinval"
        subprocess.run(["riscv64-unknown-elf-as", arch, "-o", obj, src], check=True)
        subprocess.run(["riscv64-unknown-elf-objcopy", "-O", "binary", "-j", ".text", obj, raw], check=True)
        symbols = subprocess.run(["riscv64-unknown-elf-nm", "-n", obj], check=True, capture_output=True,
                                 text=True)
        with open(raw, "rb") as f:
            blob = f.read()
    at = {}
    for line in symbols.stdout.splitlines():
        addr, _, sym = line.split()
        at[sym] = int(addr, 16)
    order = sorted(set(at.values()))
    following = dict(zip(order, order[1:]))
    return {sym: blob[a:following[a]] for sym, a in at.items() if sym != "end"}


def state(pairs):
    return " ".join(f"{k}={u64(v):#x}" for k, v in pairs)


def write_files():
    code = assemble()
    titles = {"rv64i": "RV64I and Zifencei", "rv64m": "M", "rv64a": "A",
              "rv64c": "C",
              "rv64f": "F", "rv64d": "D",
              "zba": "Zba", "zbb": "Zbb", "zbs": "Zbs",
              "system": "Zicsr and the privileged instructions",
              "priv": "S-mode: its CSRs and instructions, who may use them",
              "sv": "page tables and PMP under them"}
    for name, cases in files.items():
        with open(os.path.join(HERE, name + ".cases"), "w", encoding="ascii") as f:
            f.write(HEAD.format(title="What the instructions of " + titles[name] + " do.",
                                origin="# Written by gen.py; change that instead."))
            for n, (asm, before, after) in enumerate(cases):
                parts = asm.split("|")
                words = [code[f"{name}_{n}_{k}"] for k in range(len(parts))]
                words = " ".join(from_bytes(x).to_bytes(len(x), "big").hex() for x in words)
                line = f"{' | '.join(parts)} ; {words} ; {state(before)} => {state(dict(after).items())}"
                f.write(line.rstrip() + "\n")


def main():
    for name, ops in BINARY.items():
        for op, fn in ops.items():
            gen_binary(name, op, fn)
    for name, ops in UNARY.items():
        for op, fn in ops.items():
            gen_unary(name, op, fn)
    for op, fn in IMMEDIATE.items():
        gen_immediate(op, fn)
    for op, (name, bits, fn) in SHIFTS.items():
        gen_shift(op, name, bits, fn)
    gen_memory()
    gen_control()
    gen_straddling()
    gen_atomics()
    gen_compressed_alu()
    gen_compressed_memory()
    gen_compressed_control()
    gen_system()
    gen_priv.gen_all(case)
    gen_fp()
    gen_sequences.gen_all(case, rng, EDGE)
    gen_sequences.gen_floats(case, rng, fp_operand, ON, DIRTY)
    gen_sequences.gen_quotients(case, rng, EDGE)
    write_files()


main()
