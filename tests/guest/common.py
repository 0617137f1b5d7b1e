# SPDX-License-Identifier: GPL-3.0-or-later
"""How addend and the reference emulator are started on a guest, the words of a script, and input for guests."""
import random


def command(emulator, path, options, guest, args=None):
    """The command line of `emulator` ('addend' or 'qemu'); args: None without semihosting, else argv[1:]."""
    machine = {"addend": "clabpu", "qemu": "spike"}[emulator]
    line = [path, "-M", machine, "-bios", "none", "-kernel", guest, *options]
    if args is None:
        return line + ["-nographic"]
    config = ",".join(["enable=on", "target=native"] + [f"arg={a}" for a in [guest, *args]])
    if emulator == "addend":
        return line + ["-nographic", "-semihosting-config", config]
    # QEMU sends the semihosting console to stderr unless it is given a character device.
    return line + ["-display", "none", "-serial", "null", "-monitor", "none", "-chardev", "stdio,id=console",
                   "-semihosting-config", config + ",chardev=console"]


def split_options(words):
    """(the words before "--", those behind it)."""
    at = words.index("--") if "--" in words else len(words)
    return words[:at], words[at + 1:]


def make_text(size):
    """Compressible text that is the same in every run."""
    rng = random.Random(1)
    words = ["".join(rng.choice("etaoinshrdlu") for _ in range(rng.randint(1, 9))) for _ in range(800)]
    out = []
    while size > 0:
        word = rng.choice(words[:rng.randint(1, 800)])
        out.append(word)
        size -= len(word) + 1
    return " ".join(out).encode()
