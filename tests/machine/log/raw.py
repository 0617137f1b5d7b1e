# SPDX-License-Identifier: GPL-3.0-or-later
"""Little guests as raw words: assembles the few instructions that tests of logs need."""
import struct

BASE, TOHOST = 0x80000000, 0x1000008
CSRS = {'mstatus': 0x300, 'mideleg': 0x303, 'mtvec': 0x305, 'mepc': 0x341}


def jal(offset, rd=0):
    o = offset & 0x1fffff
    return (o >> 20) << 31 | (o >> 1 & 0x3ff) << 21 | (o >> 11 & 1) << 20 | (o >> 12 & 0xff) << 12 | rd << 7 | 0x6f


def store64(rs2, rs1, offset=0):
    return (offset >> 5) << 25 | rs2 << 20 | rs1 << 15 | 3 << 12 | (offset & 31) << 7 | 0x23


class Image:
    """Code and data from BASE on, at chosen addresses."""

    def __init__(self, size=0x10000):
        self.bytes = bytearray(size)
        self.at = BASE

    def put(self, address, data):
        at = address - BASE
        self.bytes[at:at + len(data)] = data

    def word(self, w):
        self.put(self.at, struct.pack('<I', w))
        self.at += 4

    def load(self, register, value):
        """register := value, which lies behind: auipc, ld, jump over it."""
        if self.at % 8 == 0:
            self.word(0x13)
        self.word(register << 7 | 0x17)  # auipc
        self.word(12 << 20 | register << 15 | 3 << 12 | register << 7 | 0x03)  # ld, 12 bytes on
        self.word(jal(12))
        self.put(self.at, struct.pack('<Q', value))
        self.at += 8

    def csrw(self, number, register):
        self.word(number << 20 | register << 15 | 1 << 12 | 0x73)

    def jump(self, target):
        self.word(jal(target - self.at))

    def exit(self):
        self.load(30, TOHOST)
        self.load(31, 1)
        self.word(store64(31, 30))
        self.word(jal(0))
