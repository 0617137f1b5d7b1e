# SPDX-License-Identifier: GPL-3.0-or-later
"""Exec cases of several computations in a row; part of gen.py."""
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
