#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of the TLB laboratory from outside: reports that agree with each other and with what the guest is known
to do, that are the same each time, that are whole however the run ends, and one line for whatever is wrong.

usage: report_test.py ADDEND FOLDER [unittest arguments]     FOLDER has the guests"""
import csv
import filecmp
import io
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
import xml.dom.minidom

import lab

ADDEND, GUESTS = sys.argv[1:3]
ROWS, COLUMNS = 64, 128  # the naive transpose: 64 + 64 * 128 misses in fewer than 129 entries (matrix.c)
MISSES = ROWS + ROWS * COLUMNS
MATRIX = lab.guest_options(os.path.join(GUESTS, 'matrix.elf'), [f'rows={ROWS}', f'columns={COLUMNS}'])
MODEL = 'l1i=1x32,l1d=16x4,l2=32x2'
CHARTS = ['heat_data', 'heat_fetch', 'miss_curve', 'symbols', 'working_set']


def run(*words, timeout=100):
    return subprocess.run([ADDEND, *map(str, words)], stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout,
                          check=False)


def misses_by(rows, *keys):
    out = {}
    for row in rows:
        key = tuple(row[k] for k in keys)
        out[key] = out.get(key, 0) + row['misses']
    return out


class Reports(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix='addend-report-')
        cls.addClassCleanup(subprocess.run, ['rm', '-r', cls.folder], check=True)
        cls.trace = os.path.join(cls.folder, 'matrix.tlb')
        lab.call([ADDEND, 'tlb', 'record', '-o', cls.trace, '-icount', '0', *MATRIX])
        cls.out = os.path.join(cls.folder, 'out')
        lab.call([ADDEND, 'tlb', 'report', cls.trace, '--tlb-model', MODEL, '-o', cls.out])
        cls.report = lab.read(os.path.join(cls.out, 'report.json'))

    def path(self, name):
        return os.path.join(self.folder, name)

    def text(self, name):
        with open(self.path(name), encoding='utf-8') as f:
            return f.read()

    def refused(self, *words, naming, status=1):
        done = run(*words)
        shown = f'{words}: status {done.returncode}, {done.stderr!r}'
        self.assertEqual(done.returncode, status, shown)
        self.assertRegex(done.stderr.decode(), r'\Aaddend: [^\n]*\n\Z', shown)
        self.assertIn(naming, done.stderr.decode(), shown)
        return done

    def test_known_misses(self):
        rows = {(r['unit'], r['kind'], r['privilege']): r for r in self.report['counts']}
        self.assertEqual(rows['L1D', 'all', 'all']['misses'], MISSES)
        self.assertEqual(rows['L1D', 'load', 'S']['accesses'], ROWS * COLUMNS)
        self.assertEqual(rows['L1D', 'store', 'S']['accesses'], ROWS * COLUMNS)
        self.assertEqual(rows['L1I', 'all', 'all']['misses'], 1)
        top = self.report['symbols_data'][0]
        self.assertEqual((top['symbol'], top['misses'], top['accesses']), ('transpose', MISSES, 2 * ROWS * COLUMNS))

    def test_sums(self):
        """Every table counts the same misses."""
        r = self.report
        unit = misses_by([x for x in r['counts'] if x['kind'] != 'all'], 'unit')
        self.assertEqual(unit, misses_by([x for x in r['counts'] if x['kind'] == 'all'], 'unit'))
        for x in r['counts']:
            self.assertEqual(x['accesses'], x['hits'] + x['misses'])
            self.assertEqual(x['misses'], sum(x[c] for c in lab.CAUSES))
        first = unit['L1I',] + unit['L1D',]
        self.assertEqual(sum(x['misses'] for x in r['symbols_data']), unit['L1D',])
        self.assertEqual(sum(x['misses'] for x in r['symbols_fetch']), unit['L1I',])
        self.assertEqual(sum(x['misses'] for x in r['pages']), first)
        self.assertEqual(sum(x['misses'] for x in r['asids']), first)
        self.assertEqual([x['accesses'] for x in r['counts'] if x['unit'] == 'L2' and x['kind'] == 'all'], [first])
        looked = {x['kind']: x for x in r['accesses']}
        self.assertEqual(looked['fetch']['lookups'], r['instructions'])
        self.assertEqual(looked['load']['lookups'], r['loads'])
        self.assertEqual(looked['store']['lookups'], r['stores'])
        for x in r['accesses']:
            self.assertEqual(x['lookups'], x['user'] + x['supervisor'] + x['machine'])
        self.assertEqual(max(x['data_pages'] for x in r['working_set']) // COLUMNS, 1)
        events = {x['event']: x['count'] for x in r['events']}
        self.assertEqual(events['page walks'], unit['L2',])

    def test_formats_agree(self):
        text = self.text('out/report.txt')
        for x in self.report['counts']:
            line = [x['unit'], x['kind'], x['privilege'], x['page_size']] + \
                [f'{x[n]:,}' for n in ('accesses', 'hits', 'misses')]
            self.assertRegex(text, r'(?m)^ *' + r' +'.join(map(re.escape, line)) + r' ')
        for name in os.listdir(self.out):
            table, ending = os.path.splitext(name)
            if ending != '.csv':
                continue
            rows = list(csv.DictReader(io.StringIO(self.text(f'out/{name}'))))
            self.assertEqual(len(rows), len(self.report[table]), name)
            for have, want in zip(rows, self.report[table]):
                self.assertEqual(list(have), list(want))
                for key, value in want.items():
                    self.assertEqual(have[key], '' if value is None else str(value) if not isinstance(value, float)
                                     else have[key])
                    if isinstance(value, float):
                        self.assertEqual(float(have[key]), value)

    def test_charts(self):
        self.assertEqual(sorted(n[:-4] for n in os.listdir(self.out) if n.endswith('.svg')), CHARTS)
        html = self.text('out/report.html')
        for name in CHARTS:
            svg = self.text(f'out/{name}.svg')
            self.assertEqual(xml.dom.minidom.parseString(svg).documentElement.tagName, 'svg')
            self.assertIn(svg, html)

    def test_why(self):
        text = ' '.join(self.text('out/report.txt').split())
        self.assertRegex(text, r'transpose: 100\.0 % of all data misses \(8,256 of 8,256\)')
        self.assertRegex(text, r'the store at 0x[0-9a-f]+ \(transpose\+0x[0-9a-f]+\) has 99\.2 % of them, on 128 pages')
        self.assertIn('4,096 bytes (1 page) further on', text)
        self.assertIn('with 130 entries, fully associative and LRU, 1.172 % would miss', text)

    def test_sweep_is_the_model(self):
        """Of every geometry that the report has."""
        lab.call([ADDEND, 'tlb', 'sweep', self.trace, '--sets', '32', '--ways', '8', '-o', self.path('sweep.json')])
        self.assertEqual(lab.read(self.path('sweep.json'))['sweep_full'], self.report['sweep_full'])
        full = [x for x in self.report['sweep_grid'] if (x['side'], x['sets'], x['ways']) == ('data', 16, 4)]
        self.assertEqual([x['misses'] for x in full], [MISSES])
        lab.call([ADDEND, 'tlb', 'sweep', self.trace, '-o', self.path('sweep.svg')])
        self.assertIn('<svg', self.text('sweep.svg'))
        self.assertIn('knee of data', lab.call([ADDEND, 'tlb', 'sweep', self.trace]))

    def test_sample(self):
        """Estimates come with standard errors, which are misses, and rarely wrong by more than four of them."""
        sampled = self.path('sample.json')
        lab.call([ADDEND, 'tlb', 'sweep', self.trace, '--sample', '2', '-o', sampled])
        rows = lab.read(sampled)
        for table in 'sweep_full', 'sweep_grid':
            self.assertNotIn('standard_error', self.report[table][0])
            self.assertTrue(any(x['standard_error'] for x in rows[table]))
            far = sum(abs(x['misses'] - y['misses']) > 4 * x['standard_error'] + 1
                      for x, y in zip(rows[table], self.report[table]) if x['side'] == 'data')
            self.assertLess(far, 0.1 * len(rows[table]))
            self.assertLess(max(x['standard_error'] for x in rows[table]), 2 * ROWS * COLUMNS)
        self.assertIn('std. error', lab.call([ADDEND, 'tlb', 'sweep', self.trace, '--sample', '2']))

    def test_sweep_looks_up_what_the_model_does(self):
        """Of a report, unless an option says otherwise: in short it sets the misses of one against the other's."""
        def both(spec, *options):
            lab.call([ADDEND, 'tlb', 'report', self.trace, '--tlb-model', spec, '-o', self.path('same.json'), *options])
            r = lab.read(self.path('same.json'))
            return ([x['misses'] for x in r['counts'] if (x['unit'], x['kind']) == ('L1D', 'all')],
                    [x['misses'] for x in r['sweep_full'] if (x['side'], x['entries']) == ('data', 8)])
        for spec in 'l1d=8', 'l1d=8,bare=on', 'l1d=8,asid=off,bare=on':
            model, sweep = both(spec)
            self.assertEqual(model, sweep, spec)
        model, sweep = both('l1d=8,bare=on', '--bare', 'off')
        self.assertGreater(model, sweep)

    def test_online_is_the_trace(self):
        for ending in 'json', 'txt', 'csv':
            lab.call([ADDEND, '--tlb-model', MODEL, f'--tlb-report={self.path("online." + ending)}', '-icount', '0',
                      *MATRIX])
            lab.call([ADDEND, 'tlb', 'model', self.trace, '--tlb-model', MODEL, '-o', self.path(f'later.{ending}')])
            self.assertTrue(filecmp.cmp(self.path(f'online.{ending}'), self.path(f'later.{ending}'), False), ending)
        done = run('--tlb-model', MODEL, '-icount', '0', *MATRIX)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(done.stderr.decode(), self.text('online.txt'))
        self.assertEqual(lab.call([ADDEND, 'tlb', 'model', self.trace, '--tlb-model', MODEL]), self.text('online.txt'))

    def test_again(self):
        again = self.path('again.tlb')
        lab.call([ADDEND, 'tlb', 'record', '-o', again, '-icount', '0', *MATRIX])
        lab.call([ADDEND, 'tlb', 'report', again, '--tlb-model', MODEL, '-o', self.path('again')])
        names = sorted(os.listdir(self.out))
        self.assertEqual(names, sorted(os.listdir(self.path('again'))))
        self.assertEqual(filecmp.cmpfiles(self.out, self.path('again'), names, False), (names, [], []))

    def test_format_option(self):
        said = lab.call([ADDEND, 'tlb', 'report', self.trace, '--tlb-model', MODEL, '--format', 'json'])
        self.assertEqual(json.loads(said), self.report)
        lab.call([ADDEND, 'tlb', 'report', self.trace, '--format', 'svg', '-o', self.path('svgs')])
        self.assertEqual(sorted(os.listdir(self.path('svgs'))), [n + '.svg' for n in CHARTS])
        lab.call([ADDEND, 'tlb', 'report', self.trace, '-o', self.path('one.html')])
        self.assertIn('</html>', self.text('one.html'))

    def test_symbols_of_a_file(self):
        with open(self.path('System.map'), 'w', encoding='utf-8') as f:
            f.write('0000000080000000 T first\n0000000080001000 t second\n0000000080002000 D data\n')
        lab.call([ADDEND, 'tlb', 'report', self.trace, '--tlb-model', MODEL, '--symbols', self.path('System.map'), '-o',
                  self.path('named.json')])
        self.assertEqual(lab.read(self.path('named.json'))['symbols_data'][0]['symbol'], 'second')
        lab.call([ADDEND, '--tlb-model', MODEL, '--symbols', self.path('System.map'), '--tlb-report',
                  self.path('online-named.json'), *MATRIX])
        self.assertEqual(lab.read(self.path('online-named.json'))['symbols_data'][0]['symbol'], 'second')

    def test_harts(self):
        lab.call([ADDEND, '--tlb-model', MODEL, f'--tlb-report={self.path("harts.json")}', '-smp', '2', *MATRIX])
        r = lab.read(self.path('harts.json'))
        self.assertEqual({x['hart'] for x in r['counts_by_hart']}, {'0', '1'})
        keys = 'unit', 'kind', 'privilege', 'page_size'
        self.assertEqual({k: v for k, v in misses_by(r['counts_by_hart'], *keys).items() if v},
                         {k: v for k, v in misses_by(r['counts'], *keys).items() if v})
        self.assertEqual(misses_by(r['counts'], *keys)['L1D', 'all', 'all', 'all'], MISSES)

    def test_ends(self):
        """A run that something ends has a whole trace and report, and its own status."""
        trace, out = self.path('end.tlb'), self.path('end.json')
        for limit in ['--instructions', '500000'], ['--timeout', '0.3', '-accel', 'interp']:
            guest = lab.guest_options(os.path.join(GUESTS, 'chase.elf'), ['rounds=10000000'])
            done = run('tlb', 'record', '-o', trace, *limit, *guest)
            self.assertEqual(done.returncode, 124, done.stderr)
            lab.call([ADDEND, 'tlb', 'model', trace, '--tlb-model', MODEL, '-o', out])
            if limit[0] == '--instructions':
                said = re.search(rb'(\d+) instructions done', done.stderr)
                self.assertEqual(lab.read(out)['instructions'], int(said[1]))
            os.remove(trace)
        guest = lab.guest_options(os.path.join(GUESTS, 'chase.elf'), ['rounds=10000000'])
        with subprocess.Popen([ADDEND, 'tlb', 'record', '-o', trace, '-accel', 'interp', *guest],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as p:
            self.assertEqual(p.stdout.read(5), b'pages')  # it runs
            p.send_signal(signal.SIGTERM)
            self.assertEqual(p.wait(100), 128 + signal.SIGTERM)
        lab.call([ADDEND, 'tlb', 'model', trace, '--tlb-model', MODEL, '-o', out])

    def test_full(self):
        """A run that cannot be recorded any more ends, and says why."""
        guest = lab.guest_options(os.path.join(GUESTS, 'chase.elf'), ['pages=2000', 'rounds=10000000'])
        out = self.path('full.tlb')
        done = subprocess.run(['sh', '-c', 'ulimit -f 64; exec "$@"', 'sh', ADDEND, 'tlb', 'record', '-o', out, *guest],
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
        self.assertEqual((done.returncode, done.stderr.decode()), (1, f'addend: {out}: File too large\n'))
        self.assertFalse(os.path.exists(out))

    def test_not_a_trace(self):
        """A recording replaces a trace, but not another file."""
        guest = self.path('mine.elf')
        shutil.copy(os.path.join(GUESTS, 'chase.elf'), guest)
        before = pathlib.Path(guest).read_bytes()
        done = subprocess.run([ADDEND, 'tlb', 'record', '-o', guest, guest], stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=60, check=False)
        self.assertEqual((done.returncode, done.stderr.decode()),
                         (1, f'addend: {guest}: is there already and is not a trace: remove it first\n'))
        self.assertEqual(pathlib.Path(guest).read_bytes(), before)

    def test_reader(self):
        """A program whose fault the report alone must tell (bench/guest/tlb/orders.c)."""
        trace = self.path('orders.tlb')
        lab.call([ADDEND, 'tlb', 'record', '-o', trace, os.path.join(GUESTS, 'orders.elf')])
        text = ' '.join(lab.call([ADDEND, 'tlb', 'report', trace, '--tlb-model', 'sifive-u74']).split())
        self.assertIn('first of the symbols: add_regions, 96.4 % of them', text)
        why = re.search(r'Why: symbols with most data misses (\w+): (.*?) \w+: [0-9.]+ % of all', text)
        self.assertEqual(why[1], 'add_regions')
        for said in ('the load at', 'capacity, >99.9 % of its misses', '4,096 bytes (1 page) further on', '2,000 pages',
                     'L1D has room for 40', 'another order of the loops'):
            self.assertIn(said, why[2])

    def test_bad_input(self):
        t, out = self.trace, self.path('bad.json')
        with open(t, 'rb') as f:
            whole = f.read()
        for name, content in ('empty', b''), ('junk', b'junk' * 1000), ('cut', whole[:len(whole) // 2]), \
                ('end', whole[:-1]), ('bit', whole[:1000] + bytes([whole[1000] ^ 4]) + whole[1001:]):
            with open(self.path(name), 'wb') as f:
                f.write(content)
            for action in ['model', '--tlb-model', MODEL], ['sweep'], ['report']:
                done = self.refused('tlb', *action, self.path(name), '-o', out, naming=self.path(name))
                self.assertEqual(done.stderr.decode().count(self.path(name)), 1)
                self.assertFalse(os.path.exists(out))
                self.assertEqual(run('tlb', *action, self.path(name)).stderr.count(self.path(name).encode()), 1)
        self.assertNotIn(t.encode(), run('tlb', 'report', t, '-o', self.path('no/such.html')).stderr)
        self.refused('tlb', 'report', self.path('nothing'), naming=self.path('nothing'))
        self.refused('tlb', 'report', self.folder, naming=self.folder)
        self.refused('tlb', 'model', t, '--tlb-model', 'l1d=3x4', naming='3 sets')
        self.refused('tlb', 'model', t, '--tlb-model', 'sifive-u47', naming='sifive-u47')
        self.refused('tlb', 'report', t, '-o', self.path('no/such.html'), naming='no/such.html')
        self.refused('tlb', 'report', t, '-o', self.path('matrix.tlb'), naming='matrix.tlb')
        self.refused('tlb', 'report', t, '--symbols', self.path('nothing'), naming='nothing')
        self.refused('tlb', 'report', t, '--symbols', self.path('junk'), naming='junk')
        self.refused('tlb', 'record', '-o', self.path('no/such'), *MATRIX, naming='no/such')
        self.refused('tlb', 'record', '-o', out, '--symbols', self.path('junk'), *MATRIX, naming='junk')
        self.refused('tlb', 'record', '-o', out, self.path('nothing'), naming='nothing')
        self.refused('--tlb-model', 'l1d=3x4', *MATRIX, naming='3 sets')
        self.refused('--tlb-model', MODEL, '--tlb-report', self.path('no/such.txt'), *MATRIX, naming='no/such.txt')
        self.assertFalse(os.path.exists(out))

    def test_presets(self):
        said = lab.call([ADDEND, 'tlb', 'presets'])
        self.assertIn('sifive-u74', said)
        self.assertEqual(said, lab.call([ADDEND, '--tlb-model', 'help']))


if __name__ == '__main__':
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
