#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""addend blocks in its formats for text: the fixture's against a golden file, JSON against what docs/blocks.md says of
it, the graph by a reader of its language.

usage: blocks_text_test.py BLOCKS_FIXTURE BLOCKS_IR GOLDEN [unittest arguments]"""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

from blocks_schema import check_document

FIXTURE, BLOCKS_IR, GOLDEN = sys.argv[1:4]


def fixture(*words):
    return subprocess.run([FIXTURE, *words], capture_output=True, check=True, text=True).stdout


def read_dot(text):
    """Nodes and edges of a graph, by as much of the language as ours uses; anything else is an error."""
    text = re.sub(r'^//.*\n', '', text)
    head, body = re.fullmatch(r'(digraph \w+) \{\n(.*)\}\n', text, re.S).groups()
    attribute = r'\w+=(?:\w+|"(?:[^"\\]|\\.)*")'
    statement = re.compile(rf'\s*(\w+)(?: -> (\w+))? \[({attribute}(?:, {attribute})*)\];\n')
    nodes, edges, at = {}, [], 0
    while at < len(body):
        m = statement.match(body, at)
        if not m:
            raise ValueError(f'{head}: not in the language: {body[at:at + 80]!r}')
        attributes = dict(a.split('=', 1) for a in re.findall(attribute, m[3]))
        if m[2]:
            edges.append((m[1], m[2], attributes))
        elif m[1] not in ('node', 'edge'):
            nodes[m[1]] = attributes
        at = m.end()
    return nodes, edges


class TextTest(unittest.TestCase):
    maxDiff = None

    def test_golden(self):
        self.assertEqual(fixture('text'), pathlib.Path(GOLDEN).read_text(encoding='utf-8'))

    def test_ir_can_be_read_back(self):
        r = subprocess.run([BLOCKS_IR], input=fixture('text'), capture_output=True, check=False, text=True)
        self.assertEqual((r.returncode, r.stdout), (0, '2\n'))

    def test_json(self):
        d = json.loads(fixture('json'))
        check_document(d)
        region, baseline, interpreted = d['pieces']
        self.assertEqual([p['tier'] for p in d['pieces']], ['region', 'baseline', 'interpreter'])
        self.assertEqual(region['symbol'], 'main+0x10')
        self.assertEqual([f['name'] for f in region['forms']], ['lifted', 'state', 'fold', 'GIMPLE'])
        state = region['forms'][1]
        old, new = (f['text'].splitlines() for f in region['forms'][:2])
        self.assertEqual([old[line].strip() for _, line in state['removed']], ['v7 = get r10', 'v11 = get r10'])
        self.assertEqual([new[line].strip() for line, _ in state['was']], ['v7 = add v6, v3', 'br.ne v3, v10, b0, b1'])
        self.assertNotIn('text', region['forms'][2])
        self.assertEqual(region['edges'][2]['to_piece'], baseline['id'])
        self.assertEqual(baseline['edges'][0]['to_piece'], region['id'])
        self.assertNotIn('forms', baseline)
        self.assertIsNone(interpreted['symbol'])

    def test_forms_belong_to_instructions(self):
        region = json.loads(fixture('json'))['pieces'][0]
        lifted, gimple = region['forms'][0], region['forms'][3]
        of = dict(zip(lifted['text'].splitlines(), lifted['insns']))
        self.assertEqual(of['  v3 = add v1, v2'], 0)
        self.assertEqual(of['  put r11, v8'], 1)
        self.assertEqual(of['  jmpind v1'], 3)
        self.assertEqual(of['code 0x80000010'], -1)
        of = dict(zip(gimple['text'].splitlines(), gimple['insns']))
        self.assertEqual(of['  r11 = r11 + r10;'], 1)
        self.assertEqual(of['  entry0:'], -1)

    def test_dot(self):
        text = fixture('dot')
        nodes, edges = read_dot(text)
        self.assertEqual(set(nodes), {'p0', 'p1', 'p2'})
        self.assertIn('main+0x10', nodes['p0']['label'])
        self.assertNotEqual(nodes['p0']['fillcolor'], nodes['p2']['fillcolor'])
        self.assertEqual({(a, b) for a, b, _ in edges}, {('p0', 'p0'), ('p0', 'p1'), ('p1', 'p0')})
        self.assertIn('11', next(e for a, b, e in edges if (a, b) == ('p0', 'p1'))['label'])
        if shutil.which('dot'):
            svg = subprocess.run(['dot', '-Tsvg'], input=text, capture_output=True, check=True, text=True)
            self.assertEqual((svg.stdout.count('class="node"'), svg.stderr), (3, ''))


if __name__ == '__main__':
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]])
