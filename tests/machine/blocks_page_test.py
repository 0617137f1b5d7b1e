#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of addend blocks in headless Chromium: list, filter, lines that light up together, edges, keys.

usage: blocks_page_test.py BLOCKS_FIXTURE [unittest arguments]"""
import os
import re
import subprocess
import sys
import tempfile
import unittest

import chromium

FIXTURE = sys.argv[1]
MORE = 3000  # pieces besides those three that differ


def lines(column, kind):
    """JavaScript: the guest instructions of the lines of that class in a column."""
    return f'[...document.querySelectorAll("#c-{column} .l.{kind}")].map(l => +l.dataset.i)'


def insn(column, i):
    return f'[...document.querySelectorAll("#c-{column} .l[data-i=\\"{i}\\"]")].pop()'


class PageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = os.path.join(cls.folder.name, 'blocks.html')
        with open(cls.path, 'wb') as f:
            subprocess.run([FIXTURE, 'html', str(MORE)], stdout=f, check=True)
        cls.page = chromium.Page()

    @classmethod
    def tearDownClass(cls):
        cls.page.__exit__()
        cls.folder.cleanup()

    def setUp(self):
        self.page.events.clear()
        self.page.open(self.path)

    def tearDown(self):
        self.assertEqual(self.page.errors(), [])

    def text(self, selector):
        return self.page.eval(f'document.querySelector("{selector}").textContent')

    def title(self):
        return self.text('#head h2')

    def shows(self, text):
        self.page.until(f'document.querySelector("#head h2").textContent.includes({text!r})')

    def test_nothing_is_fetched(self):
        with open(self.path, encoding='utf-8') as f:
            page = f.read()
        self.assertEqual(re.findall(r'(?:src|href)="(?!data:|#)[^"]*"', page), [])
        self.assertNotIn('http', re.sub(r'<script type="text/plain".*?</script>', '', page))
        names = self.page.eval('performance.getEntriesByType("resource").map(e => e.name)')
        self.assertEqual([n for n in names if not n.startswith('data:')], [])

    def test_list_has_all_and_draws_few(self):
        self.assertIn('3 003 of 3 003 pieces', self.text('#found').replace('\u202f', ' '))
        drawn = self.page.eval('document.querySelectorAll(".row").length')
        self.assertTrue(10 < drawn < 100, drawn)
        self.page.eval('document.getElementById("list").scrollTop = 24 * 2000')
        self.page.until('[...document.querySelectorAll(".row .rank")].some(r => r.textContent === "2005")')

    def test_hottest_first_with_what_is_known(self):
        self.assertIn('main+0x10', self.title())
        head = self.text('#head')
        for wanted in ('region', 'a return, whose target is not among its blocks', 'gcc 9.500 ms', 'made 3 times',
                       '14 bytes', '2 blocks'):
            self.assertIn(wanted, head)
        self.assertIn('main.c:12', self.text('#c-guest .code'))
        self.assertIn('/* 0x80000014: c.add a1,a0 */', self.text('#c-gimple .code'))
        self.assertIn('# slow <path> & "more"', self.text('#c-host .code'))

    def test_lines_of_an_instruction_light_up_together(self):
        self.page.hover(insn('guest', 1))
        for column in 'guest', 'ir', 'gimple', 'host':
            self.assertEqual(set(self.page.eval(lines(column, 'hot'))), {1}, column)
        self.assertEqual(self.page.eval('document.querySelectorAll("#c-ir .l.hot").length'), 4)
        self.page.hover(insn('host', 2))
        self.assertEqual(set(self.page.eval(lines('gimple', 'hot'))), {2})
        self.page.hover('document.querySelector("#head h2")')
        self.assertEqual(self.page.eval('document.querySelectorAll("#forms .l.hot").length'), 0)

    def test_click_holds_a_line(self):
        self.page.click(insn('gimple', 0))
        self.page.hover('document.querySelector("#head h2")')
        self.assertEqual(set(self.page.eval(lines('host', 'held'))), {0})
        self.page.key('Escape')
        self.assertEqual(self.page.eval('document.querySelectorAll("#forms .l.held").length'), 0)

    def test_ways_inside_of_a_piece(self):
        self.page.click('document.querySelector("#c-guest a[data-insn]")')
        self.assertEqual(set(self.page.eval(lines('ir', 'held'))), {0})
        jump = 'document.querySelector("#c-host a[data-host]")'
        self.assertEqual(self.page.eval(f'{jump}.textContent'), '+004')
        self.page.click(jump)
        self.page.until('document.querySelectorAll("#c-host .l.at")[1].classList.contains("held")')

    def test_passes_and_what_they_changed(self):
        names = self.page.eval('[...document.getElementById("pass").options].map(o => o.textContent)')
        self.assertEqual(names, ['lifted · 19 ops', 'after state · 17 ops', 'after fold · 17 ops (as before)'])
        self.page.key('ArrowLeft')
        deleted = '[...document.querySelectorAll("#c-ir .l.del")].map(l => l.textContent.trim())'
        self.assertEqual(self.page.eval(deleted), ['v7 = get r10', 'v11 = get r10'])
        changed = '[...document.querySelectorAll("#c-ir .l.chg")].map(l => [l.textContent.trim(), l.title])'
        self.assertEqual(self.page.eval(changed), [['v7 = add v6, v3', 'was v8 = add v6, v7'],
                                                   ['br.ne v3, v10, b0, b1', 'was br.ne v11, v12, b0, b1']])
        self.page.click('document.getElementById("diff")')
        self.assertEqual(self.page.eval(deleted), [])
        self.page.key('ArrowLeft')
        self.assertIn('v8 = add v6, v7', self.text('#c-ir .code'))

    def test_edges_and_the_back_button(self):
        self.page.click('document.querySelector("#c-guest a[href]")')
        self.shows('_Z3sumIiEvT_<&>')
        self.assertIn('in a better tier: it ran 50000 times', self.text('#head'))
        self.assertEqual(self.page.eval('location.hash'), '#p1')
        self.page.click('document.querySelector("#head .edges a")')
        self.shows('main+0x10')
        self.page.back_button()
        self.shows('_Z3sum')
        self.page.back_button()
        self.shows('main+0x10')

    def test_a_piece_has_an_address(self):
        self.page.open(self.path, f'#p{MORE + 2}')
        self.assertIn('0x80005000', self.title())
        self.assertIn('no host code of its own', self.text('#c-host .code'))

    def test_keys_walk_the_list(self):
        self.page.key('ArrowDown')
        self.shows('_Z3sum')
        self.page.key('ArrowDown')
        self.shows('copy')
        self.page.key('ArrowUp')
        self.shows('_Z3sum')
        self.assertEqual(self.page.eval('document.querySelector(".row.sel .rank").textContent'), '2')

    def test_filters(self):
        self.page.key('/')
        self.page.type('main')
        self.page.until('document.querySelectorAll(".row").length === 1')
        self.assertIn('1 of 3', self.text('#found'))
        self.page.key('Escape')
        self.page.until('document.querySelectorAll(".row").length > 10')
        self.page.key('/')
        self.page.type('0x80005')
        self.page.until('document.querySelectorAll(".row").length === 1')
        self.page.key('Enter')
        self.shows('0x80005000')

    def test_filter_by_tier(self):
        self.page.click('document.querySelector(".tier[data-tier=\\"1\\"]")')
        self.page.until('document.querySelectorAll(".row").length === 2')
        self.page.click('document.querySelector(".tier[data-tier=\\"1\\"]")')
        self.page.until('document.querySelectorAll(".row").length > 10')

    def test_filter_looks_into_code(self):
        self.page.key('/')
        self.page.type('c.ebreak')
        self.page.until('document.querySelectorAll(".row").length === 0')
        self.page.click('document.getElementById("deep")')
        self.page.until('document.querySelectorAll(".row").length === 1')
        self.assertIn('1 of 3', self.text('#found'))

    def test_sort(self):
        self.page.eval('(s => { s.value = "expansion"; s.dispatchEvent(new Event("change")); })'
                       '(document.getElementById("sort"))')
        self.assertEqual(self.page.until('document.querySelector(".row .rank").textContent'), '2')

    def test_theme(self):
        colour = 'getComputedStyle(document.body).backgroundColor'
        light = self.page.eval(colour)
        self.page.click('document.getElementById("theme")')
        self.assertNotEqual(self.page.eval(colour), light)


if __name__ == '__main__':
    if chromium.missing():
        print('skipped:', chromium.missing())
        sys.exit(77)
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
