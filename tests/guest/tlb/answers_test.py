#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The known answers agree with one another: formulas, direct counting, and the counts in the guests' own comments."""
import unittest

import answers
from cases import CASES, GEOMETRIES

MORE = [(1, 1), (1, 2), (1, 33), (1, 63), (1, 65), (1, 66), (1, 96), (1, 128), (128, 8)]


def misses(case, sets, ways, tags=True):
    counted, _ = answers.count(case.events(1000), sets, ways, case.guest == "code", tags)
    return sum(counted.values())


class Answers(unittest.TestCase):
    def test_formulas(self):
        known = set()
        for text in CASES:
            case = answers.Case(text)
            for sets, ways in GEOMETRIES + MORE:
                with self.subTest(case=text, sets=sets, ways=ways):
                    said = answers.formula(case, sets, ways)
                    if said is not None:
                        known.add(case.guest)
                        self.assertEqual(misses(case, sets, ways), said)
        self.assertEqual(known, {"asid", "chase", "code", "cross", "faults", "fences", "matrix", "stride", "upgrade"})

    def test_random(self):
        """Within five standard deviations of the closed form, and of as many misses as it takes to fill."""
        for text in "uniform", "uniform pages=100 count=20000 stores=4", "uniform pages=96 stride=3", "gups":
            case = answers.Case(text)
            for sets, ways in GEOMETRIES:
                with self.subTest(case=text, sets=sets, ways=ways):
                    mean, deviation, filling = answers.expected(case, sets, ways)
                    got = misses(case, sets, ways)
                    self.assertGreaterEqual(got, mean - 5 * deviation)
                    self.assertLessEqual(got, mean + 5 * deviation + filling)

    def test_textbook(self):
        """N + 1 pages in N entries: no hit at all; a matrix's columns; nothing but tags between address spaces."""
        self.assertEqual(misses(answers.Case("chase pages=65 rounds=10"), 1, 64), 650)
        self.assertEqual(misses(answers.Case("chase pages=64 rounds=10"), 1, 64), 64)
        self.assertEqual(misses(answers.Case("stride pages=17 passes=100"), 1, 16), 1700)
        self.assertEqual(misses(answers.Case("stride pages=64 stride=8 passes=10"), 8, 8), 640)
        self.assertEqual(misses(answers.Case("matrix rows=32 columns=64"), 1, 64), 32 + 2048)
        self.assertEqual(misses(answers.Case("matrix rows=32 columns=64"), 1, 66), 32 + 64)
        self.assertEqual(misses(answers.Case("asid"), 1, 32), 32)
        self.assertEqual(misses(answers.Case("asid"), 1, 32, tags=False), 320)

    def test_causes(self):
        def causes(text, sets, ways, **options):
            return answers.count(answers.Case(text).events(1000), sets, ways, **options)[0]
        load, store = answers.LOAD, answers.STORE
        self.assertEqual(causes("stride pages=65", 1, 64), {(load, "cold"): 65, (load, "capacity"): 585})
        self.assertEqual(causes("stride pages=8 stride=8", 8, 4), {(load, "cold"): 8, (load, "conflict"): 72})
        self.assertEqual(causes("fences pages=4 rounds=3", 1, 8), {(load, "cold"): 4, (load, "flush-all"): 8})
        self.assertEqual(causes("upgrade", 1, 16), {(load, "cold"): 16, (store, "upgrade"): 16})
        self.assertEqual(causes("faults", 1, 16), {(load, "fault"): 16, (load, "cold"): 16})
        self.assertEqual(causes("asid", 1, 64, tags=False), {(load, "cold"): 32, (load, "satp"): 288})


unittest.main()
