#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes an initramfs (newc cpio) out of unpacked Debian packages.

initramfs.py POOL MANIFEST OUT.cpio

Lines of the manifest:
    elf  PATH            a program of POOL, with the interpreter and libraries it needs
    tree PATH            a file or a whole folder of POOL, as it is
    file PATH SOURCE     SOURCE, beside the manifest, as PATH
    link PATH TARGET     a symbolic link
    dir  PATH            an empty folder
    node PATH MAJ MIN    a character device
Same input, same output: entries are sorted, belong to root and are dated 0.
"""
import os
import stat
import struct
import sys

LIBRARY_FOLDERS = ["usr/lib", "usr/lib/riscv64-linux-gnu"]
PT_LOAD, PT_DYNAMIC, PT_INTERP = 1, 2, 3
DT_NEEDED, DT_STRTAB = 1, 5


def needed(data):
    """File names of the interpreter and the libraries of an ELF64 image; none if it is something else."""
    if data[:6] != b"\x7fELF\x02\x01":
        return []
    offset, = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    segments = []  # type, offset in the file, address, bytes in the file
    for i in range(count):
        kind, _, at, address, _, length = struct.unpack_from("<IIQQQQ", data, offset + i * size)
        segments.append((kind, at, address, length))

    def text(at):
        return os.path.basename(data[at:data.index(b"\0", at)].decode())

    names = [text(at) for kind, at, _, _ in segments if kind == PT_INTERP]
    for kind, at, _, length in segments:
        if kind != PT_DYNAMIC:
            continue
        tags = list(struct.iter_unpack("<QQ", data[at:at + length]))
        strings = next(v for t, v in tags if t == DT_STRTAB)
        base = next(a + strings - v for k, a, v, n in segments if k == PT_LOAD and v <= strings < v + n)
        names += [text(base + v) for t, v in tags if t == DT_NEEDED]
    return names


class Image:
    def __init__(self, pool):
        self.pool = pool
        self.entries = {}  # path: (mode, content, device numbers)

    def put(self, path, mode, content=b"", device=(0, 0)):
        """One entry, and the folders above it."""
        self.entries.setdefault(path, (mode, content, device))
        while path := os.path.dirname(path):
            self.entries.setdefault(path, (stat.S_IFDIR | 0o755, b"", (0, 0)))

    def copy(self, source, path):
        if os.path.islink(source):
            self.put(path, stat.S_IFLNK | 0o777, os.fsencode(os.readlink(source)))
            return
        with open(source, "rb") as f:
            self.put(path, stat.S_IFREG | (0o755 if os.access(source, os.X_OK) else 0o644), f.read())

    def elf(self, path):
        if path in self.entries:
            return
        source = os.path.join(self.pool, path)
        self.copy(source, path)
        if os.path.islink(source):
            target = os.readlink(source)
            near = os.path.join(os.path.dirname(path), target)
            self.elf(target[1:] if target.startswith("/") else os.path.normpath(near))
            return
        for library in needed(self.entries[path][1]):
            if library != os.path.basename(path):
                self.elf(self.find(library, path))

    def find(self, library, user):
        for folder in LIBRARY_FOLDERS:
            if os.path.lexists(os.path.join(self.pool, folder, library)):
                return os.path.join(folder, library)
        sys.exit(f"initramfs.py: {user} needs {library}, which is not in {self.pool}")

    def tree(self, path):
        top = os.path.join(self.pool, path)
        if not os.path.isdir(top):
            self.copy(top, path)
        for folder, folders, files in os.walk(top):
            for name in files + [f for f in folders if os.path.islink(os.path.join(folder, f))]:
                source = os.path.join(folder, name)
                self.copy(source, os.path.relpath(source, self.pool))

    def write(self, path):
        with open(path, "wb") as out:
            for inode, name in enumerate([*sorted(self.entries), "TRAILER!!!"], 1):
                mode, content, device = self.entries.get(name, (0, b"", (0, 0)))
                raw = os.fsencode(name) + b"\0"
                numbers = inode, mode, 0, 0, 1, 0, len(content), 0, 0, *device, len(raw), 0
                header = b"070701" + b"".join(b"%08X" % n for n in numbers) + raw
                for part in header, content:
                    out.write(part + bytes(-len(part) % 4))
            out.write(bytes(-out.tell() % 512))


def read_manifest(image, manifest):
    beside = os.path.dirname(os.path.abspath(manifest))
    with open(manifest, encoding="utf-8") as f:
        lines = f.read().splitlines()
    for line in lines:
        kind, *words = line.split("#")[0].split() or ["empty"]
        if kind == "elf":
            image.elf(*words)
        elif kind == "tree":
            image.tree(*words)
        elif kind == "file":
            image.copy(os.path.join(beside, words[1]), words[0])
        elif kind == "link":
            image.put(words[0], stat.S_IFLNK | 0o777, words[1].encode())
        elif kind == "dir":
            image.put(words[0], stat.S_IFDIR | 0o755)
        elif kind == "node":
            image.put(words[0], stat.S_IFCHR | 0o600, device=(int(words[1]), int(words[2])))
        elif kind != "empty":
            sys.exit(f"initramfs.py: {manifest}: unknown line: {line}")


def main():
    if len(sys.argv) != 4:
        sys.exit("usage: initramfs.py POOL MANIFEST OUT.cpio")
    pool, manifest, out = sys.argv[1:]
    image = Image(pool)
    try:
        read_manifest(image, manifest)
        image.write(out)
    except OSError as e:
        sys.exit(f"initramfs.py: {e.filename}: {e.strerror}")


main()
