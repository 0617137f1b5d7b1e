#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""addend blocks of the demo guest: selection, formats, what is said on stderr.

usage: blocks_run_test.py ADDEND BLOCKS_IR [unittest arguments]"""
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import unittest

from blocks_schema import check_document

ADDEND, BLOCKS_IR = sys.argv[1:3]


def run(*words):
    return subprocess.run([ADDEND, 'blocks', *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=250, env=os.environ | {'G_DEBUG': 'fatal-criticals'})


class RunTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def blocks(self, ending, *words):
        path = os.path.join(self.folder, 'out' + ending)
        r = run('demo', *([] if '-accel' in words else ['-accel', 'jit,sync=on']), *words, '-o', path)
        self.assertEqual(r.returncode, 0, r.stderr)
        with open(path, encoding='utf-8') as f:
            return f.read()

    def test_sources_of_a_relative_folder(self):
        """Debian's libgcc says that it was compiled in ./riscv64-unknown-elf."""
        self.assertRegex(self.blocks('.json', '--top', 'all', '--fill', '0'), r'"/[^"]*/libgcc/[^"]*"')

    def test_json_of_the_demo(self):
        d = json.loads(self.blocks('.json', '--top', '40'))
        check_document(d)
        self.assertEqual(d['guest'], 'demo')
        self.assertEqual(len(d['pieces']), 40)
        region = next(p for p in d['pieces'] if p['tier'] == 'region')
        self.assertTrue(region['symbol'].startswith('main'))
        names = [f['name'] for f in region['forms']]
        self.assertEqual((names[0], names[-1]), ('lifted', 'GIMPLE'))
        self.assertIn('state', names)
        self.assertTrue(region['exact'])
        self.assertIn('gcc', [s['name'] for s in region['stages']])
        everything = set(range(len(region['insns'])))
        for form in region['forms']:  # each form has something of each instruction
            self.assertEqual(set(form.get('insns', everything)) - {-1}, everything, form['name'])
        self.assertGreater(len({h['insn'] for h in region['host']}), len(everything) / 2)

    def test_selection(self):
        d = json.loads(self.blocks('.json', '--symbol', 'put*', '--fill', '0'))
        self.assertTrue(d['pieces'])
        for p in d['pieces']:
            self.assertTrue(any(re.match('put', b['symbol'] or '') for b in p['blocks']), p['symbol'])
        pc = d['pieces'][0]['insns'][0]['pc']
        d = json.loads(self.blocks('.json', '--pc', pc, '--pc', 'main', '--tier', 'interpreter,baseline'))
        pcs = [{i['pc'] for i in p['insns']} for p in d['pieces']]
        self.assertTrue(any(pc in there for there in pcs))
        self.assertTrue(all(p['tier'] != 'region' for p in d['pieces']))

    def test_text(self):
        text = self.blocks('.txt', '--tier', 'region', '--top', '1')
        for line in (r'#\d+: region 0x[0-9a-f]{16} main', r'IN: main\+0x', r'OP: 0x.* lifted, \d+ ops',
                     r'OP: 0x.* after pass state, \d+ ops', r'.*; ~ was v\d+ = ', r'; -  v\d+ = get r', r'GIMPLE: 0x',
                     r'  /\* 0x[0-9a-f]+: ', r'OUT: \[size=\d+\] 0x', r'  -- guest addr 0x[0-9a-f]{16}  \w'):
            self.assertRegex(text, '(?m)^' + line)

    def test_ir_can_be_read_back(self):
        text = self.blocks('.txt', '--top', '30')
        r = subprocess.run([BLOCKS_IR], input=text, capture_output=True, check=False, text=True)
        self.assertEqual(r.returncode, 0, r.stdout)
        self.assertGreater(int(r.stdout), 30)

    def test_all_pieces_of_an_interpreter(self):
        d = json.loads(self.blocks('.json', '--top', 'all', '-accel', 'interp', '--instructions', '1000000'))
        check_document(d)
        self.assertEqual(len(d['pieces']), d['n_pieces'])
        self.assertEqual({p['tier'] for p in d['pieces']}, {'interpreter'})
        self.assertRegex(d['ended'], r'^\d+ instructions done \(--instructions\)$')

    def test_not_all_is_filled(self):
        r = run('demo', '-accel', 'jit,sync=on', '--fill', '0', '--top', '3')
        self.assertEqual(r.returncode, 0)
        self.assertRegex(r.stderr, r'addend: blocks: 1 of 1 regions are shown without all forms: .*\(--fill\)')

    def test_errors(self):
        for words, wanted in ((('--pc', 'nobody'), '--pc nobody: no number, and no symbol of that name is known'),
                              (('-o', '/no/such/b.json'), '-o /no/such/b.json: No such file or directory')):
            r = run('demo', '--instructions', '1000', *words)
            self.assertEqual((r.returncode, r.stderr.splitlines()[-1]), (1, 'addend: ' + wanted))

    def test_interrupted(self):
        path = os.path.join(self.folder, 'b.json')
        with subprocess.Popen([ADDEND, 'blocks', 'demo', '-accel', 'interp', '-o', path], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as p:
            p.stdout.read(1)  # the guest is at work
            p.send_signal(signal.SIGINT)
            p.communicate(timeout=250)
        self.assertEqual(p.returncode, 0)
        with open(path, encoding='utf-8') as f:
            check_document(json.load(f))

    def test_status_of_the_guest_stays(self):
        self.assertEqual(run('demo', '--instructions', '100').returncode, 0)
        self.assertEqual(run('/no/such.elf').returncode, 1)


if __name__ == '__main__':
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
