# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of several instructions in a row. Written for gen.py, which hands over its tables."""

M64 = (1 << 64) - 1


def gen_sequences(case, rng, edge, immediate, name, binary, count, length):
    """Computations on few registers, so that one uses what another has left where."""
    regs = "a5 a4 a3 sp a0 a2 s1 t0".split()  # most of which baseline code keeps in host registers
    ops = list(binary.items())
    for _ in range(count):
        start = {r: rng.choice(edge) if rng.random() < 0.3 else rng.getrandbits(64) for r in regs}
        now, asm = dict(start), []
        for _ in range(length):
            d, a, b = rng.choice(regs), rng.choice(regs), rng.choice(regs)
            pick = rng.random()
            if pick < 0.2:
                op, imm = rng.choice(list(immediate)), rng.randrange(-2048, 2048)
                asm.append(f"{op} {d},{a},{imm}")
                now[d] = immediate[op](now[a], imm) & M64
            elif pick < 0.3:
                asm.append(f"slli {d},{a},7")
                now[d] = now[a] << 7 & M64
            else:
                op, fn = rng.choice(ops)
                asm.append(f"{op} {d},{a},{b}")
                now[d] = fn(now[a], now[b]) & M64
        case(name, "|".join(asm), list(start.items()), list(now.items()))


def gen_all(case, rng, edge, immediate, binary):
    for name in binary:
        gen_sequences(case, rng, edge, immediate, name, binary[name], 40, 14)
