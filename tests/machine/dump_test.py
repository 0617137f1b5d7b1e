#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What -d prints of the code that the demo guest is translated to: dump_test.py addend"""
import os
import re
import subprocess
import sys
import tempfile
import unittest

ADDEND = ''
GUEST = r'0x00000000800[0-9a-f]{5}'


class Dumps(unittest.TestCase):
    """One run with all of it; each test looks at one kind."""

    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as folder:
            log = os.path.join(folder, 'log')
            env = dict(os.environ, ADDEND_CACHE_DIR='')
            subprocess.run([ADDEND, 'demo', '-accel', 'jit,threshold=20000,sync=on', '-d',
                            'jit,op_pass,op_opt,gimple,out_asm', '-D', log, '--instructions', '200000000'], env=env,
                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=100, check=False)
            with open(log, encoding='ascii') as f:
                cls.log = f.read()
        cls.regions = re.findall(rf'^jit: region ({GUEST}) (\S+): (\d+) blocks', cls.log, re.M)

    def test_regions_with_reasons_and_stages(self):
        self.assertTrue(self.regions)
        self.assertEqual(len(re.findall(r'^jit:   ends: [a-z].*$', self.log, re.M)), len(self.regions))
        stages = ''.join(rf' {name} \d+\.\d\d' for name in
                         ('parse', 'verify', 'passes', 'emit', 'gcc', 'assemble', 'load'))
        self.assertEqual(len(re.findall(rf'^jit:   ms:{stages}$', self.log, re.M)), len(self.regions))

    def test_passes_that_changed_something(self):
        names = re.findall(rf'^OP after (\w+): {GUEST} \S+\ncode 0x', self.log, re.M)
        self.assertLess({'state', 'dce'}, set(names))
        self.assertLessEqual(set(names), {'unpeel', 'state', 'fold', 'dce', 'widen', 'optimization'})
        last = re.search(r'^OP after dce: (?:(?!^OP after|^GIMPLE).)*', self.log, re.M | re.S)[0]
        self.assertIn('}\n', last)

    def test_gimple_says_what_each_instruction_became(self):
        texts = re.findall(rf'^GIMPLE: {GUEST} .*?^}}$', self.log, re.M | re.S)
        self.assertEqual(len(texts), len(self.regions))
        for text in texts:
            self.assertRegex(text, r'\n  /\* 0x800[0-9a-f]{5}: [a-z.]+[^\t]* \*/\n')
            self.assertNotIn('[guest', text)

    def test_host_code_under_guest_addresses(self):
        outs = re.findall(rf'^(OUT: \[size=\d+\] ({GUEST}) \S+(, baseline)?)\n(.*?)\n\n', self.log, re.M | re.S)
        self.assertGreater(len(outs), len(self.regions))
        self.assertEqual(sum(not baseline for _, _, baseline, _ in outs), len(self.regions))
        for title, pc, baseline, code in outs:
            lines = code.splitlines()
            self.assertEqual(lines[0], f'  -- guest addr {pc} + tb prologue', title)
            self.assertTrue(any(re.fullmatch(rf'  -- guest addr {GUEST}', line) for line in lines), title)
            self.assertEqual('  -- tb slow paths + alignment' in lines, bool(baseline), title)
            for line in lines:
                self.assertRegex(line, rf'^(0x[0-9a-f]+:  [a-z.]|  -- (guest addr {GUEST}|tb ))')


if __name__ == '__main__':
    ADDEND = sys.argv.pop(1)
    unittest.main()
