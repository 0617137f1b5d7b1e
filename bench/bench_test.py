#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""bench_test.py BUILD: bench/run on one program, its tables and plots, and what is made of numbers."""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE))
import plots  # noqa: E402
import startup  # noqa: E402
import tables  # noqa: E402

BUILD = None
PROGRAM = "fib"


def bench(*options):
    return subprocess.run([sys.executable, HERE / "run", *options], capture_output=True, text=True, check=False)


class Tables(unittest.TestCase):
    def test_geomean_leaves_out_what_is_missing(self):
        self.assertAlmostEqual(tables.geomean([2, None, 8]), 4)
        self.assertIsNone(tables.geomean([None]))

    def test_columns_are_aligned(self):
        lines = tables.markdown([["name", "s"], ["a", "10.00"]]).splitlines()
        self.assertEqual(lines, ["| name |     s |", "|------|------:|", "| a    | 10.00 |"])

    def test_targets(self):
        self.assertTrue(tables.Target("", 2.0, 2.2).met())
        self.assertFalse(tables.Target("", 2.0, 3.5, at_least=True).met())
        self.assertIsNone(tables.Target("", None, 1).met())


class Plots(unittest.TestCase):
    def test_bars(self):
        root = ElementTree.fromstring(plots.bars("<&>", ["a", "b"], [("x", [1.5, 100]), ("y", [None, 3])]))
        titles = [t.text for t in root.iter("{http://www.w3.org/2000/svg}title")]
        self.assertEqual(titles, ["a: 1.50", "b: 100.00", "b: 3.00"])

    def test_bars_below_one_go_left(self):
        root = ElementTree.fromstring(plots.bars("t", ["a", "b"], [("x", [0.5, 2])]))
        below, above = [r for r in root.iter("{http://www.w3.org/2000/svg}rect") if len(r)]
        self.assertEqual(float(below.get("x")), plots.LEFT)
        self.assertAlmostEqual(float(below.get("x")) + float(below.get("width")), float(above.get("x")), places=3)

    def test_harts_are_whole(self):
        svg = plots.lines("t", "harts", "s", [("x", [(1, 1), (2, 2), (4, 4)])])
        root = ElementTree.fromstring(svg)
        under = [t.text for t in root.iter("{http://www.w3.org/2000/svg}text") if t.get("text-anchor") == "middle"]
        self.assertEqual(under, ["0", "1", "2", "3", "4", "harts"])

    def test_lines_stay_inside(self):
        for log in (False, True):
            root = ElementTree.fromstring(plots.lines("t", "x", "y", [("s", [(1, 0.5), (64, 9), (4096, 2)])], log, log))
            for dot in root.iter("{http://www.w3.org/2000/svg}circle"):
                self.assertTrue(0 < float(dot.get("cx")) < 900 and 0 < float(dot.get("cy")) < 420, dot.attrib)

    def test_no_points(self):
        ElementTree.fromstring(plots.lines("t", "x", "y", []))


class Pace(unittest.TestCase):
    def test_slowdown(self):
        # Half the speed for the first 100 ms, then 1000 pieces a second.
        points = [(n / 100, 5 * n if n <= 10 else 50 + 10 * (n - 10)) for n in range(1, 101)]
        first, following, after = startup.early_and_steady(points)
        self.assertAlmostEqual(first, 2, places=1)
        self.assertAlmostEqual(following, 1, places=1)
        self.assertAlmostEqual(after, 1, places=1)


class Run(unittest.TestCase):
    def test_one_program(self):
        with tempfile.TemporaryDirectory() as directory:
            results = pathlib.Path(directory, "RESULTS.md")
            done = bench(BUILD, "--quick", "--qemu=", "--only", PROGRAM, "--output", results)
            self.assertEqual(done.returncode, 0, done.stderr)
            text = results.read_text(encoding="utf-8")
            row = next(line for line in text.splitlines() if line.startswith(f"| {PROGRAM} "))
            self.assertIn("| call ", row)
            self.assertIn("warm/native, geometric mean", text)
            self.assertIn("paged/bare", text)
            ElementTree.parse(os.path.join(directory, "plots", "programs.svg"))

    def test_unknown_program(self):
        done = bench(BUILD, "--quick", "--qemu=", "--only", "nothing")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no such program: nothing", done.stderr)

    def test_list(self):
        names = [line.split()[0] for line in bench("--list").stdout.splitlines()]
        self.assertGreater(len(names), 40)
        self.assertIn(PROGRAM, names)


if __name__ == "__main__":
    BUILD = sys.argv.pop(1)
    unittest.main()
