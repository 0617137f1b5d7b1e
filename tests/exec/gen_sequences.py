# SPDX-License-Identifier: GPL-3.0-or-later
"""Exec cases of several computations in a row; part of gen.py."""
import model_fp as fp
from model import BINARY, IMMEDIATE, M64


def gen(case, rng, edge, name, count, length):
    """Computations on few registers, so that one uses what another has left where."""
    regs = "a5 a4 a3 sp a0 a2 s1 t0".split()  # most of which baseline code keeps in host registers
    ops = list(BINARY[name].items())
    for _ in range(count):
        start = {r: rng.choice(edge) if rng.random() < 0.3 else rng.getrandbits(64) for r in regs}
        now, asm, d = dict(start), [], "a5"
        for _ in range(length):
            d, a, b = (d if rng.random() < 0.3 else rng.choice(regs) for _ in range(3))
            pick = rng.random()
            if pick < 0.2:
                op, imm = rng.choice(list(IMMEDIATE)), rng.randrange(-2048, 2048)
                asm.append(f"{op} {d},{a},{imm}")
                now[d] = IMMEDIATE[op](now[a], imm) & M64
            elif pick < 0.3:
                asm.append(f"slli {d},{a},7")
                now[d] = now[a] << 7 & M64
            else:
                op, fn = rng.choice(ops)
                asm.append(f"{op} {d},{a},{b}")
                now[d] = fn(now[a], now[b]) & M64
        case(name, "|".join(asm), list(start.items()), list(now.items()))


def gen_all(case, rng, edge):
    for name in BINARY:
        gen(case, rng, edge, name, 60, 20)


def gen_quotients(case, rng, edge):
    """Quotient and remainder of the same operands, in this order, which compiled code makes one division of."""
    special = [0, 1, M64, 1 << 63, 1 << 31, M64 << 31 & M64, *edge[:6]]
    for div, rem in (("div", "rem"), ("divu", "remu"), ("divw", "remw"), ("divuw", "remuw"), ("div", "remu")):
        pairs = [(a, b) for a in special for b in special]
        pairs += [(rng.getrandbits(64), rng.getrandbits(40)) for _ in range(10)]
        for i, (a, b) in enumerate(pairs):
            q, r = BINARY["rv64m"][div](a, b) & M64, BINARY["rv64m"][rem](a, b) & M64
            d = "a5 a4 s5 s4".split()[i % 4]  # of the operands' registers, too
            case("rv64m", f"{div} a3,a5,a4|{rem} {d},a5,a4", [("a5", a), ("a4", b)], [("a3", q), (d, r)])


def gen_floats(case, rng, operand, before, after):
    """Singles and doubles by turns, so that each finds in a register what the other has left."""
    regs = "ft0 ft1 fa0 fs1".split()
    two = {"fadd": fp.fadd, "fsub": fp.fsub, "fmul": fp.fmul, "fdiv": fp.fdiv}
    for _ in range(150):
        rm, flags = rng.randrange(4), 0
        start = {r: operand(rng.choice([fp.S, fp.D])) for r in regs}
        now, asm, d = dict(start), [], "ft0"
        for _ in range(8):
            f = rng.choice([fp.S, fp.D])
            suffix = "s" if f is fp.S else "d"
            d, a, b, c = (d if rng.random() < 0.4 else rng.choice(regs) for _ in range(4))
            kind = rng.random()
            if kind < 0.2:
                g, names = (fp.D, "d.s") if f is fp.S else (fp.S, "s.d")
                asm.append(f"fcvt.{names} {d},{a}" + (",dyn" if f is fp.D else ""))
                now[d], raised = fp.converted(f, g, rm, now[a])
            elif kind < 0.35:
                asm.append(f"fmadd.{suffix} {d},{a},{b},{c},dyn")
                now[d], raised = fp.fused(f, rm, now[a], now[b], now[c], False, False)
            elif kind < 0.45:
                asm.append(f"fsqrt.{suffix} {d},{a},dyn")
                now[d], raised = fp.fsqrt(f, rm, now[a])
            else:
                op, fn = rng.choice(list(two.items()))
                asm.append(f"{op}.{suffix} {d},{a},{b},dyn")
                now[d], raised = fn(f, rm, now[a], now[b])
            flags |= raised
        case("rv64d", "|".join(asm), [before, ("frm", rm), ("fflags", 0), *start.items()],
             [*now.items(), ("fflags", flags), after])
