# SPDX-License-Identifier: GPL-3.0-or-later
"""What floating-point instructions compute, by the definitions of IEEE 754-2019 and the RISC-V manual, on fractions.

Operands and results are register contents: 64 bits, singles NaN-boxed. Every operation returns (result, flags).
"""
from fractions import Fraction
from math import isqrt

NX, UF, OF, DZ, NV = 1, 2, 4, 8, 16
RNE, RTZ, RDN, RUP, RMM = range(5)
BOX = 0xffffffff << 32
INF = "inf"


class Format:
    def __init__(self, exponent, fraction):
        self.fraction = fraction
        self.bits = 1 + exponent + fraction
        self.emax = 2 ** (exponent - 1) - 1
        self.emin = 1 - self.emax
        self.inf = (2 ** exponent - 1) << fraction
        self.nan = self.inf | 1 << (fraction - 1)
        self.sign = 1 << (self.bits - 1)

    def put(self, bits):
        return bits | BOX if self.bits == 32 else bits

    def take(self, register):
        """Bits of the number in a register."""
        if self.bits == 32:
            return register & 0xffffffff if register >> 32 == 0xffffffff else self.nan
        return register


S, D = Format(8, 23), Format(11, 52)


class Number:
    """kind: 'nan', 'inf' or 'number'; value: a fraction."""

    def __init__(self, f, register):
        bits = f.take(register)
        self.negative = bool(bits & f.sign)
        magnitude = bits & (f.sign - 1)
        exponent, fraction = magnitude >> f.fraction, magnitude & ((1 << f.fraction) - 1)
        self.kind = "nan" if magnitude > f.inf else "inf" if magnitude == f.inf else "number"
        self.signaling = self.kind == "nan" and not magnitude & 1 << (f.fraction - 1)
        self.subnormal = exponent == 0 and fraction != 0
        significand = fraction + (1 << f.fraction if exponent else 0)
        self.value = Fraction(significand) * Fraction(2) ** (max(exponent, 1) - f.emax - f.fraction)
        if self.negative:
            self.value = -self.value

    def zero(self):
        return self.kind == "number" and self.value == 0


def log2(x):
    """The largest e with 2**e <= x."""
    e = x.numerator.bit_length() - x.denominator.bit_length()
    return e if Fraction(2) ** e <= x else e - 1


def nearby(x, unit, rm, negative):
    """The multiple of unit that x > 0 rounds to."""
    low = x // unit * unit
    if low == x:
        return low
    high = low + unit
    if rm == RTZ or rm == (RUP if negative else RDN):
        return low
    if rm in (RUP, RDN):
        return high
    if x - low != high - x:
        return low if x - low < high - x else high
    return high if rm == RMM or low / unit % 2 else low


def rounded(f, x, rm):
    """The number of the format for x != 0."""
    negative, x = x < 0, abs(x)
    sign = f.sign if negative else 0
    e = log2(x)
    result = nearby(x, Fraction(2) ** (max(e, f.emin) - f.fraction), rm, negative)
    flags = NX if result != x else 0
    if nearby(x, Fraction(2) ** (e - f.fraction), rm, negative) < Fraction(2) ** f.emin and flags:
        flags |= UF
    if result >= Fraction(2) ** (f.emax + 1):
        to_inf = rm in (RNE, RMM) or rm == (RDN if negative else RUP)
        return f.put(sign | f.inf - (not to_inf)), OF | NX
    if result == 0:
        return f.put(sign), flags
    e = max(log2(result), f.emin)
    significand = int(result / Fraction(2) ** (e - f.fraction))
    field = e + f.emax if significand >> f.fraction else 0
    return f.put(sign | field << f.fraction | significand & ((1 << f.fraction) - 1)), flags


def nan(f, *operands):
    return f.put(f.nan), NV if any(o.signaling for o in operands) else 0


def invalid(f):
    return f.put(f.nan), NV


def signed(f, magnitude, negative):
    return f.put(magnitude | (f.sign if negative else 0))


def add_numbers(f, a, b, b_negative, rm):
    """a + b, b with the given sign; no NaNs."""
    if a.kind == "inf" or b.kind == "inf":
        if a.kind == b.kind and a.negative != b_negative:
            return invalid(f)
        return signed(f, f.inf, a.negative if a.kind == "inf" else b_negative), 0
    total = a.value + (abs(b.value) * (-1 if b_negative else 1))
    if total:
        return rounded(f, total, rm)
    same = a.zero() and b.zero() and a.negative == b_negative
    return signed(f, 0, a.negative if same else rm == RDN), 0


def fadd(f, rm, x, y, minus=False):
    a, b = Number(f, x), Number(f, y)
    if "nan" in (a.kind, b.kind):
        return nan(f, a, b)
    return add_numbers(f, a, b, b.negative != minus, rm)


def fsub(f, rm, x, y):
    return fadd(f, rm, x, y, True)


def fmul(f, rm, x, y):
    a, b = Number(f, x), Number(f, y)
    negative = a.negative != b.negative
    if "nan" in (a.kind, b.kind):
        return nan(f, a, b)
    if "inf" in (a.kind, b.kind):
        return invalid(f) if a.zero() or b.zero() else (signed(f, f.inf, negative), 0)
    return rounded(f, a.value * b.value, rm) if a.value * b.value else (signed(f, 0, negative), 0)


def fdiv(f, rm, x, y):
    a, b = Number(f, x), Number(f, y)
    negative = a.negative != b.negative
    if "nan" in (a.kind, b.kind):
        return nan(f, a, b)
    if (a.zero() and b.zero()) or a.kind == b.kind == "inf":
        return invalid(f)
    if a.kind == "inf" or b.zero():
        return signed(f, f.inf, negative), DZ if a.kind != "inf" else 0
    if a.zero() or b.kind == "inf":
        return signed(f, 0, negative), 0
    return rounded(f, a.value / b.value, rm)


def fsqrt(f, rm, x):
    a = Number(f, x)
    if a.kind == "nan":
        return nan(f, a)
    if a.zero():
        return signed(f, 0, a.negative), 0
    if a.negative:
        return invalid(f)
    if a.kind == "inf":
        return f.put(f.inf), 0
    # floor(sqrt(x) * 2**1200); something between it and the next integer if that is not exact
    scaled = a.value * 4 ** 1200
    r = isqrt(scaled.numerator // scaled.denominator)
    exact = r * r == scaled
    return rounded(f, (Fraction(r) + (0 if exact else Fraction(1, 2))) / 2 ** 1200, rm)


def fused(f, rm, x, y, z, minus_product, minus_c):
    a, b, c = Number(f, x), Number(f, y), Number(f, z)
    if (a.zero() and b.kind == "inf") or (a.kind == "inf" and b.zero()):
        return invalid(f)
    if "nan" in (a.kind, b.kind, c.kind):
        return nan(f, a, b, c)
    product = Number(f, f.put(0))
    product.kind = "inf" if "inf" in (a.kind, b.kind) else "number"
    product.negative = (a.negative != b.negative) != minus_product
    product.value = abs(a.value * b.value) * (-1 if product.negative else 1)
    return add_numbers(f, product, c, c.negative != minus_c, rm)


def sign_injected(f, x, y, choose):
    a, b = f.take(x), f.take(y)
    return f.put(a & ~f.sign | (f.sign if choose(bool(a & f.sign), bool(b & f.sign)) else 0)), 0


def minmax(f, x, y, largest):
    a, b = Number(f, x), Number(f, y)
    flags = NV if a.signaling or b.signaling else 0
    if a.kind == b.kind == "nan":
        return f.put(f.nan), flags
    if "nan" in (a.kind, b.kind):
        return (y if a.kind == "nan" else x), flags
    return (x if (key(a) < key(b)) != largest else y), flags


def key(n):
    """Orders numbers, -0 before +0."""
    if n.kind == "inf":
        return (-1 if n.negative else 1), 0, 0
    return 0, n.value, 0 if n.negative else 1


def compared(f, x, y, how):
    a, b = Number(f, x), Number(f, y)
    if "nan" in (a.kind, b.kind):
        return 0, NV if how != "eq" or a.signaling or b.signaling else 0
    p, q = key(a)[:2], key(b)[:2]
    return int({"eq": p == q, "lt": p < q, "le": p <= q}[how]), 0


def fclass(f, x):
    a = Number(f, x)
    if a.kind == "nan":
        return 1 << (8 if a.signaling else 9), 0
    place = 0 if a.kind == "inf" else 3 if a.zero() else 2 if a.subnormal else 1
    return 1 << (place if a.negative else 7 - place), 0


INTEGERS = {"w": (-2 ** 31, 2 ** 31 - 1), "wu": (0, 2 ** 32 - 1), "l": (-2 ** 63, 2 ** 63 - 1),
            "lu": (0, 2 ** 64 - 1)}


def to_integer(f, rm, x, kind):
    a = Number(f, x)
    low, high = INTEGERS[kind]
    flags = 0
    if a.kind != "number":
        v, flags = low if a.kind == "inf" and a.negative else high, NV
    else:
        v = int(nearby(abs(a.value), 1, rm, a.negative)) * (-1 if a.negative else 1)
        flags = NX if v != a.value else 0
        if not low <= v <= high:
            v, flags = low if v < low else high, NV
    if kind in ("w", "wu"):
        v = (v + 2 ** 31) % 2 ** 32 - 2 ** 31
    return v % 2 ** 64, flags


def from_integer(f, rm, x, kind):
    low, high = INTEGERS[kind]
    v = (x - low) % (high - low + 1) + low
    return rounded(f, Fraction(v), rm) if v else (f.put(0), 0)


def converted(f, g, rm, x):
    """From format f to g."""
    a = Number(f, x)
    if a.kind == "nan":
        return nan(g, a)
    if a.kind == "inf":
        return signed(g, g.inf, a.negative), 0
    return rounded(g, a.value, rm) if a.value else (signed(g, 0, a.negative), 0)
