#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes the machine code of backend/stencils.c out of its object and writes it as C tables.

    make_stencils.py OBJDUMP OBJECT OUTPUT

The output has, for each function NAME, a row STENCIL_NAME of the array stencils: its code, its cold code (what GCC put
into .text.unlikely), and what must be filled in. A jump to the next stencil at the very end is left out, as the next
one is put there. Patches of 4 bytes in the first part say how to make 1 byte of them, where the instruction has such a
form. backend/baseline*.c are the only users.
"""
import re
import struct
import subprocess
import sys

ABS64, PC32, PLT32, ABS32, ABS32S, ABS8 = 1, 2, 4, 10, 11, 14  # x86-64 psABI relocation types
KINDS = {ABS64: 'PATCH_ABS64', PC32: 'PATCH_REL32', PLT32: 'PATCH_REL32', ABS32: 'PATCH_ABS32',
         ABS32S: 'PATCH_ABS32',         ABS8: 'PATCH_ABS8'}
OWN_HOT, OWN_COLD = 'own_hot', 'own_cold'  # patches that refer to the stencil itself
DISP8, IMM8 = 0xc0, 0x02  # what short forms change: the mod of the modrm byte from 10 to 01; 81 to 83, 69 to 6b


class Object:
    """The sections of an ELF64 relocatable object by name, with their relocations."""

    def __init__(self, data):
        if data[:6] != b'\x7fELF\x02\x01':
            sys.exit('make_stencils: not a 64-bit ELF object')
        offset, = struct.unpack_from('<Q', data, 0x28)
        size, count, names = struct.unpack_from('<HHH', data, 0x3a)
        rows = [struct.unpack_from('<IIQQQQIIQQ', data, offset + i * size) for i in range(count)]
        string = lambda table, at: data[rows[table][4] + at:data.index(b'\0', rows[table][4] + at)].decode()
        self.names = [string(names, r[0]) for r in rows]
        self.code = {n: data[r[4]:r[4] + r[5]] for n, r in zip(self.names, rows) if r[1] == 1}
        symbols = next(r for r in rows if r[1] == 2)
        self.symbols = []
        for at in range(symbols[4], symbols[4] + symbols[5], 24):
            name, info, _, section, value, _ = struct.unpack_from('<IBBHQQ', data, at)
            is_section = info & 15 == 3
            self.symbols.append((self.names[section] if is_section else string(symbols[6], name), value))
        self.relocations = {}
        for r in rows:
            if r[1] != 4:
                continue
            entries = [struct.unpack_from('<QQq', data, at) for at in range(r[4], r[4] + r[5], 24)]
            self.relocations[self.names[r[7]]] = [
                (at, info & 0xffffffff, *self.symbols[info >> 32], addend) for at, info, addend in entries]


def instructions(objdump, path):
    """By section: where instructions start and end, as objdump has it."""
    out, section = {}, None
    text = subprocess.run([objdump, '-d', '-w', path], check=True, capture_output=True, text=True).stdout
    for line in text.split('\n'):
        head = re.match(r'Disassembly of section (.*):$', line)
        row = re.match(r' *([0-9a-f]+):\t((?:[0-9a-f]{2} )+)', line)
        if head:
            section = out[head.group(1)] = []
        elif row:
            start = int(row.group(1), 16)
            section.append((start, start + len(row.group(2)) // 3))
    return out


def opcode_at(code, at):
    """Where the last byte of the opcode of the instruction at `at` is; None for forms that need not be known."""
    while code[at] in (0x66, 0xf2, 0xf3) or code[at] & 0xf0 == 0x40:
        at += 1
    if code[at] in (0xc4, 0xc5, 0x62):
        return {0xc4: at + 3, 0xc5: at + 2}.get(code[at])
    if code[at] == 0x0f:
        return at + 2 if code[at + 1] in (0x38, 0x3a) else at + 1
    return at


def short_form(code, start, end, at):
    """(how many bytes in front of the patch at `at` the byte is that its short form changes, how) or (0, 0)."""
    opcode = opcode_at(code, start)
    if opcode is None or opcode + 1 >= at:  # no modrm
        return 0, 0
    modrm = code[opcode + 1]
    if at == opcode + 2 + (modrm & 7 == 4) and modrm >> 6 == 2:
        return at - opcode - 1, DISP8
    if at + 4 == end and opcode - start <= 1 and code[opcode] in (0x81, 0x69):
        return at - opcode, IMM8
    return 0, 0


class Stencil:
    def __init__(self, obj, name, lines):
        self.name = name
        self.patches = []  # [offset, kind, hole, addend, short form], offsets into hot + cold
        self.hot, self.cold = bytearray(), bytearray()
        hot, cold = f'.text.{name}', f'.text.unlikely.{name}'
        if hot not in obj.code:  # cold as a whole
            hot, cold = cold, None
        self.hot += obj.code[hot]
        self.cold += obj.code.get(cold, b'')
        for section, base in ((hot, 0), (cold, len(self.hot))):
            for at, kind, symbol, value, addend in obj.relocations.get(section, []):
                if kind not in KINDS:
                    sys.exit(f'make_stencils: {name}: relocation of type {kind}')
                if symbol == hot or symbol == name:
                    target = OWN_HOT
                elif cold and symbol in (cold, f'{name}.cold'):
                    target = OWN_COLD
                elif symbol.startswith('hole_'):
                    target = symbol[5:]
                else:
                    sys.exit(f'make_stencils: {name} refers to {symbol}')
                addend += value if target in (OWN_HOT, OWN_COLD) else 0
                self.patches.append([base + at, KINDS[kind], target, addend, (0, 0)])
        self.patches.sort()
        self.find_short_forms(lines[hot])
        self.thread_cold()
        self.join_branches()
        if not name.endswith(('_SLOW', '_FAR')) and name not in ('ENTRY', 'REJOIN'):  # those lie elsewhere
            self.drop_last_jump()
        if self.jumps or any(p[2] == OWN_HOT and p[3] + 4 > 0 for p in self.patches):  # into what would move
            for p in self.patches:
                p[4] = (0, 0)

    def find_short_forms(self, lines):
        """Also notes the jumps that stay within the hot part."""
        self.jumps = set()
        for start, end in lines:
            inside = [p for p in self.patches if start <= p[0] < end]
            opcode = opcode_at(self.hot, start) or start
            wide = opcode > start and self.hot[opcode - 1] == 0x0f
            is_jump = self.hot[opcode] & 0xf0 == 0x80 if wide else \
                self.hot[opcode] & 0xf0 == 0x70 or self.hot[opcode] in (0xeb, 0xe3, 0xe8, 0xe9)
            if is_jump and not inside:
                self.jumps.add(start)
            for p in inside:
                if p[1] == 'PATCH_ABS32' and not any(q[1] == 'PATCH_REL32' for q in inside):
                    p[4] = short_form(self.hot, start, end, p[0])

    def at(self, offset):
        return next((p for p in self.patches if p[0] == offset), None)

    def jump(self, end):
        """The patch of a jmp that ends at `end`, if there is one."""
        p = self.at(end - 4)
        return p if p and p[1] == 'PATCH_REL32' and (self.hot + self.cold)[end - 5] == 0xe9 else None

    def remove(self, start, length):
        """Takes bytes out of the hot part."""
        del self.hot[start:start + length]
        for p in self.patches:
            if p[0] >= start + length:
                p[0] -= length
            if p[2] == OWN_HOT and p[3] + 4 > start:
                sys.exit(f'make_stencils: {self.name}: a jump into its end')

    def thread_cold(self):
        """Cold code that only jumps on is left out."""
        end = len(self.hot) + len(self.cold)
        p = self.jump(end) if len(self.cold) == 5 else None
        if not p:
            return
        self.patches.remove(p)
        for q in self.patches:
            if q[2] == OWN_COLD:
                q[2], q[3] = p[2], -4
        self.cold.clear()

    def join_branches(self):
        """jcc over a jmp to a jmp: the jcc goes there itself."""
        end = len(self.hot)
        last, first = self.jump(end), self.jump(end - 5) if end >= 12 else None
        if not last or not first or self.hot[end - 12] & 0xf0 != 0x70 or self.hot[end - 11] != 5:
            return
        code = self.hot[end - 12] & 15
        self.jumps.discard(end - 12)
        self.remove(end - 12, 1)
        self.hot[end - 12:] = bytes([0x0f, 0x80 | code, 0, 0, 0, 0, 0xe9, 0, 0, 0, 0])
        last[0], first[0] = end - 10, end - 5

    def drop_last_jump(self):
        p = self.jump(len(self.hot))
        if p and p[2] == 'next':
            self.patches.remove(p)
            self.remove(len(self.hot) - 5, 5)


def write(stencils, out):
    holes = sorted({p[2] for s in stencils for p in s.patches} | {OWN_HOT, OWN_COLD})
    out.write('// Made by tools/make_stencils.py from backend/stencils.c.\n#pragma once\n#include <stdint.h>\n\n')
    out.write('enum { PATCH_ABS8, PATCH_ABS32, PATCH_ABS64, PATCH_REL32 };\n')
    out.write('enum {\n' + ''.join(f'    HOLE_{h.upper()},\n' for h in holes) + '    HOLES\n};\n')
    out.write('enum {\n    STENCIL_NONE,\n')
    out.write(''.join(f'    STENCIL_{s.name},\n' for s in stencils) + '    STENCILS\n};\n\n')
    out.write('typedef struct { uint16_t at; uint8_t kind, hole; int32_t addend; uint8_t back, flip; } Patch;\n')
    out.write('typedef struct { uint32_t code, patch; uint16_t hot, cold, patches; } Stencil;\n\n')
    code, patches, rows = bytearray(), [], ['    {0, 0, 0, 0, 0}, // NONE\n']
    for s in stencils:
        numbers = len(code), len(patches), len(s.hot), len(s.cold), len(s.patches)
        rows.append(f'    {{{", ".join(map(str, numbers))}}}, // {s.name}\n')
        code += s.hot + s.cold
        patches += [f'    {{{at}, {kind}, HOLE_{hole.upper()}, {addend}, {back}, {flip}}},\n'
                    for at, kind, hole, addend, (back, flip) in s.patches]
    out.write('static const uint8_t stencil_code[] = {\n')
    for i in range(0, len(code), 24):
        out.write('    ' + ', '.join(f'{b}' for b in code[i:i + 24]) + ',\n')
    out.write('};\n\nstatic const Patch stencil_patches[] = {\n' + ''.join(patches) + '};\n\n')
    out.write('static const Stencil stencils[STENCILS] = {\n' + ''.join(rows) + '};\n')


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    with open(sys.argv[2], 'rb') as f:
        obj = Object(f.read())
    lines = instructions(*sys.argv[1:3])
    names = [s for n in obj.names if n.startswith('.text.') for s in [n.split('.')[-1]] if n.count('.') == 2 or
             f'.text.{s}' not in obj.code]
    stray = [n for n, c in obj.code.items() if c and not n.startswith(('.text', '.comment', '.note'))]
    if stray:
        sys.exit(f'make_stencils: the object has {stray[0]}: a stencil may have no constants in memory')
    with open(sys.argv[3], 'w') as out:
        write([Stencil(obj, n, lines) for n in names], out)


main()
