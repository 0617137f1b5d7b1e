# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs of bench/run: programs.list, and those of tools/guests/build.sh."""
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "guest"))
from common import command  # noqa: E402

CLASSES = ["integer", "fp", "memory", "branch", "indirect", "call", "mmu"]
# name: class, program, arguments; "data" is a text of 3 MB, made anew for each run.
DEBIAN = {
    "lua": ("indirect", "lua", [str(ROOT / "tests" / "guest" / "lua" / "work.lua"), "500"]),
    "bzip2": ("integer", "bzip2", ["-kf", "data"]),
    "bunzip2": ("integer", "bzip2", ["-dkf", "data.bz2"]),
}


class Program:
    """What there is of one program: native (argv), elf (bare) and paged (in S-mode on 4 KiB pages), or None."""

    def __init__(self, name, kind, native, elf, paged, guest_args=None, files=None):
        self.name, self.kind, self.native, self.elf, self.paged = name, kind, native, elf, paged
        self.guest_args, self.files = guest_args, files or {}

    def addend(self, path, accel, paged=False, options=()):
        guest = self.paged if paged else self.elf
        return command("addend", path, ["-accel", accel, *options], guest, self.guest_args)

    def qemu(self, path, paged=False, options=()):
        return command("qemu", path, list(options), self.paged if paged else self.elf, self.guest_args)


def listed():
    """(name, class, kinds, options) of each line of programs.list."""
    for line in (ROOT / "bench" / "programs.list").read_text(encoding="utf-8").splitlines():
        words = line.split()
        if words and not line.startswith("#"):
            yield words[0], words[1], words[2], words[5:]


def from_list(build):
    """All of programs.list by name. They need not be built."""
    bench = pathlib.Path(build, "bench").resolve()
    out = {}
    for name, kind, kinds, _ in listed():
        out[name] = Program(name, kind, [bench / name] if "n" in kinds else None,
                            bench / f"{name}.elf" if "b" in kinds else None,
                            bench / f"{name}-sv39.elf" if "p" in kinds else None)
    return out


def text_data():
    """The text that bzip2 packs. Made by a process of its own: the size of this one shows in what the kernel calls the
    memory of its children."""
    code = "import sys; from common import make_text; sys.stdout.buffer.write(make_text(3000000))"
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT / "tests" / "guest", capture_output=True,
                          check=True).stdout


def from_debian(build, wanted):
    programs = pathlib.Path(build, "guest-cache", "programs").resolve()
    text, out = None, {}
    for name in wanted:
        kind, program, guest_args = DEBIAN[name]
        native, files = programs / program, {}
        if program == "bzip2" and native.exists():
            text = text or text_data()
            files = {"data": text}
        if name == "bunzip2" and native.exists():
            packed = subprocess.run([native, "-c"], input=text, capture_output=True, check=True)
            files = {"data.bz2": packed.stdout}
        out[name] = Program(name, kind, [native, *guest_args], programs / f"{program}.elf", None, guest_args, files)
    return out


def table_names():
    """Of the programs of the main table, in its order."""
    names = [(kind, name) for name, kind, _, _ in listed() if kind in CLASSES]
    names += [(kind, name) for name, (kind, _, _) in DEBIAN.items()]
    return [name for _, name in sorted(names, key=lambda pair: CLASSES.index(pair[0]))]


def require_built(build, programs):
    for p in programs:
        for path in [*(p.native or [])[:1], p.elf, p.paged]:
            if path and not pathlib.Path(path).exists():
                sys.exit(f"bench: {path} is not built. The guests:\n  ninja -C {build} bench-guests\n  "
                         f"tools/guests/build.sh {build}/guest-cache/sources {build}/guest-cache/programs")
