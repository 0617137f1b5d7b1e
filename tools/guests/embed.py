#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""embed.py FILE NAME OUT.c: writes FILE as the C array NAME with its size in NAME_size."""
import sys


def main():
    path, name, out = sys.argv[1:]
    with open(path, "rb") as f:
        data = f.read()
    with open(out, "w") as f:
        f.write("// SPDX-License-Identifier: GPL-3.0-or-later\n// Made by tools/guests/embed.py.\n")
        f.write("#include <stddef.h>\n\n")
        f.write(f"extern const unsigned char {name}[];\nextern const size_t {name}_size;\n\n")
        f.write(f"_Alignas(16) const unsigned char {name}[] = {{\n")
        for i in range(0, len(data), 20):
            f.write("    " + " ".join(f"{byte}," for byte in data[i:i + 20]) + "\n")
        f.write(f"}};\nconst size_t {name}_size = sizeof {name};\n")


main()
