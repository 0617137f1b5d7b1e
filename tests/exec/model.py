# SPDX-License-Identifier: GPL-3.0-or-later
"""What RISC-V instructions compute, from the manuals alone: the model behind gen.py.

Values are Python integers. Functions take operands in 0..2**64-1 and may return any integer that is the
result modulo 2**64.
"""

M64 = (1 << 64) - 1


def sx(v, bits):
    """The low bits of v as a signed number."""
    v &= (1 << bits) - 1
    return v - (1 << bits) if v >> (bits - 1) else v


def u64(v):
    return v & M64


def w(v):
    """A 32-bit result as RV64 keeps it."""
    return u64(sx(v, 32))


def zx32(v):
    return v & 0xffffffff


def quotient(a, b):
    """Division of integers that rounds towards zero."""
    q = abs(a) // abs(b)
    return q if (a < 0) == (b < 0) else -q


def div(a, b, bits, signed):
    if signed:
        a, b = sx(a, bits), sx(b, bits)
    else:
        a, b = a & ((1 << bits) - 1), b & ((1 << bits) - 1)
    return -1 if b == 0 else quotient(a, b)  # overflow: -2**63 / -1 = 2**63, the same bits as -2**63


def rem(a, b, bits, signed):
    if signed:
        a, b = sx(a, bits), sx(b, bits)
    else:
        a, b = a & ((1 << bits) - 1), b & ((1 << bits) - 1)
    return a if b == 0 else a - b * quotient(a, b)


def bitlist(v, bits):
    return [(v >> i) & 1 for i in range(bits)]


def leading_zeros(v, bits):
    n = 0
    for bit in reversed(bitlist(v, bits)):
        if bit:
            break
        n += 1
    return n


def trailing_zeros(v, bits):
    n = 0
    for bit in bitlist(v, bits):
        if bit:
            break
        n += 1
    return n


def rotate_right(v, by, bits):
    b = bitlist(v, bits)
    return sum(b[(i + by) % bits] << i for i in range(bits))


def to_bytes(v, size=8):
    return list(u64(v).to_bytes(8, "little")[:size])


def from_bytes(b):
    return int.from_bytes(bytes(b), "little")


BINARY = {
    "rv64i": {
        "add": lambda a, b: a + b,
        "sub": lambda a, b: a - b,
        "sll": lambda a, b: a << (b % 64),
        "srl": lambda a, b: a >> (b % 64),
        "sra": lambda a, b: sx(a, 64) >> (b % 64),
        "slt": lambda a, b: int(sx(a, 64) < sx(b, 64)),
        "sltu": lambda a, b: int(a < b),
        "xor": lambda a, b: a ^ b,
        "or": lambda a, b: a | b,
        "and": lambda a, b: a & b,
        "addw": lambda a, b: w(a + b),
        "subw": lambda a, b: w(a - b),
        "sllw": lambda a, b: w(a << (b % 32)),
        "srlw": lambda a, b: w(zx32(a) >> (b % 32)),
        "sraw": lambda a, b: w(sx(a, 32) >> (b % 32)),
    },
    "rv64m": {
        "mul": lambda a, b: a * b,
        "mulh": lambda a, b: (sx(a, 64) * sx(b, 64)) >> 64,
        "mulhsu": lambda a, b: (sx(a, 64) * b) >> 64,
        "mulhu": lambda a, b: (a * b) >> 64,
        "div": lambda a, b: div(a, b, 64, True),
        "divu": lambda a, b: div(a, b, 64, False),
        "rem": lambda a, b: rem(a, b, 64, True),
        "remu": lambda a, b: rem(a, b, 64, False),
        "mulw": lambda a, b: w(a * b),
        "divw": lambda a, b: w(div(a, b, 32, True)),
        "divuw": lambda a, b: w(div(a, b, 32, False)),
        "remw": lambda a, b: w(rem(a, b, 32, True)),
        "remuw": lambda a, b: w(rem(a, b, 32, False)),
    },
    "zba": {
        "add.uw": lambda a, b: zx32(a) + b,
        "sh1add": lambda a, b: 2 * a + b,
        "sh2add": lambda a, b: 4 * a + b,
        "sh3add": lambda a, b: 8 * a + b,
        "sh1add.uw": lambda a, b: 2 * zx32(a) + b,
        "sh2add.uw": lambda a, b: 4 * zx32(a) + b,
        "sh3add.uw": lambda a, b: 8 * zx32(a) + b,
    },
    "zbb": {
        "andn": lambda a, b: a & (M64 - b),
        "orn": lambda a, b: a | (M64 - b),
        "xnor": lambda a, b: M64 - (a ^ b),
        "max": lambda a, b: max(sx(a, 64), sx(b, 64)),
        "maxu": max,
        "min": lambda a, b: min(sx(a, 64), sx(b, 64)),
        "minu": min,
        "rol": lambda a, b: rotate_right(a, -b % 64, 64),
        "ror": lambda a, b: rotate_right(a, b % 64, 64),
        "rolw": lambda a, b: w(rotate_right(a, -b % 32, 32)),
        "rorw": lambda a, b: w(rotate_right(a, b % 32, 32)),
    },
    "zbs": {
        "bclr": lambda a, b: a - (a & (1 << (b % 64))),
        "bset": lambda a, b: a | (1 << (b % 64)),
        "binv": lambda a, b: a ^ (1 << (b % 64)),
        "bext": lambda a, b: bitlist(a, 64)[b % 64],
    },
}

UNARY = {
    "zbb": {
        "clz": lambda a: leading_zeros(a, 64),
        "ctz": lambda a: trailing_zeros(a, 64),
        "cpop": lambda a: sum(bitlist(a, 64)),
        "clzw": lambda a: leading_zeros(a, 32),
        "ctzw": lambda a: trailing_zeros(a, 32),
        "cpopw": lambda a: sum(bitlist(a, 32)),
        "sext.b": lambda a: sx(a, 8),
        "sext.h": lambda a: sx(a, 16),
        "zext.h": lambda a: a & 0xffff,
        "orc.b": lambda a: from_bytes([0xff if b else 0 for b in to_bytes(a)]),
        "rev8": lambda a: from_bytes(reversed(to_bytes(a))),
    },
}

IMMEDIATE = {  # 12-bit signed immediate
    "addi": BINARY["rv64i"]["add"],
    "slti": lambda a, i: int(sx(a, 64) < i),
    "sltiu": lambda a, i: int(a < u64(i)),
    "xori": lambda a, i: a ^ u64(i),
    "ori": lambda a, i: a | u64(i),
    "andi": lambda a, i: a & u64(i),
    "addiw": lambda a, i: w(a + i),
}

SHIFTS = {  # by constant: file, bits, what the register form does
    "slli": ("rv64i", 64, BINARY["rv64i"]["sll"]),
    "srli": ("rv64i", 64, BINARY["rv64i"]["srl"]),
    "srai": ("rv64i", 64, BINARY["rv64i"]["sra"]),
    "slliw": ("rv64i", 32, BINARY["rv64i"]["sllw"]),
    "srliw": ("rv64i", 32, BINARY["rv64i"]["srlw"]),
    "sraiw": ("rv64i", 32, BINARY["rv64i"]["sraw"]),
    "slli.uw": ("zba", 64, lambda a, i: zx32(a) << i),
    "rori": ("zbb", 64, BINARY["zbb"]["ror"]),
    "roriw": ("zbb", 32, BINARY["zbb"]["rorw"]),
    "bclri": ("zbs", 64, BINARY["zbs"]["bclr"]),
    "bexti": ("zbs", 64, BINARY["zbs"]["bext"]),
    "binvi": ("zbs", 64, BINARY["zbs"]["binv"]),
    "bseti": ("zbs", 64, BINARY["zbs"]["bset"]),
}

LOADS = {"lb": (1, True), "lh": (2, True), "lw": (4, True), "ld": (8, True), "lbu": (1, False),
         "lhu": (2, False), "lwu": (4, False)}
STORES = {"sb": 1, "sh": 2, "sw": 4, "sd": 8}
BRANCHES = {
    "beq": lambda a, b: a == b,
    "bne": lambda a, b: a != b,
    "blt": lambda a, b: sx(a, 64) < sx(b, 64),
    "bge": lambda a, b: sx(a, 64) >= sx(b, 64),
    "bltu": lambda a, b: a < b,
    "bgeu": lambda a, b: a >= b,
}
AMOS = {
    "amoswap": lambda old, b, bits: b,
    "amoadd": lambda old, b, bits: old + b,
    "amoxor": lambda old, b, bits: old ^ b,
    "amoand": lambda old, b, bits: old & b,
    "amoor": lambda old, b, bits: old | b,
    "amomin": lambda old, b, bits: min(sx(old, bits), sx(b, bits)),
    "amomax": lambda old, b, bits: max(sx(old, bits), sx(b, bits)),
    "amominu": lambda old, b, bits: min(old % (1 << bits), b % (1 << bits)),
    "amomaxu": lambda old, b, bits: max(old % (1 << bits), b % (1 << bits)),
}


def load_value(memory, size, signed):
    v = from_bytes(memory[:size])
    return sx(v, 8 * size) if signed else v
