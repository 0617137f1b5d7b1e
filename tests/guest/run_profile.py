#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks the profiles of guests in which known things happen.

    run_profile.py flame ADDEND GUEST          flame.c: its stacks, in every engine
    run_profile.py timeline ADDEND GUEST       machine/events.c: its events
    run_profile.py mix ADDEND GUEST...         counts add up, and are the same in every engine
    run_profile.py mix-qemu ADDEND QEMU GUEST...  ... and those of QEMU, instruction by instruction
    run_profile.py hot ADDEND GUEST            machine/events.c: its two hottest functions
    run_profile.py page ADDEND GUEST CHROMIUM  the flame graph in headless Chromium; CHROMIUM: the folder of chromium.py
"""
import collections
import csv
import io
import json
import os
import re
import subprocess
import sys
import tempfile

ENGINES = {'interp': ['-accel', 'interp'], 'baseline': ['-accel', 'baseline,warm=1'],
           'jit': ['-accel', 'jit,threshold=200,sync=on'],
           'jit-icount': ['-accel', 'jit,threshold=1000', '-icount', '0']}
# Of flame.c: what each stack has of 1000 turns.
FLAME = {'a;x': 400, 'a;y': 200, 'b;x': 100, 'b;c;y': 100, 'r;y': 50, 'r;r;y': 50, 'r;r;r;y': 50, 'r;r;r;r;y': 50}


def check(good, what):
    if not good:
        sys.exit(f'run_profile: {what}')


def run(addend, guest, *options):
    p = subprocess.run([addend, '-nographic', '-bios', 'none', '-kernel', guest, *options], capture_output=True,
                       text=True, timeout=100, stdin=subprocess.DEVNULL)
    check('addend: ' not in p.stderr and p.returncode < 100, f'{guest} {options}: status {p.returncode}: {p.stderr}')
    return p


def profile(addend, guest, option, ending, *options, more=''):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'out' + ending)
        run(addend, guest, f'{option}={path}{more}', *options)
        with open(path, encoding='utf-8') as f:
            return f.read()


# --- flame

def folded(text):
    stacks = {}
    for line in text.splitlines():
        stack, count = line.rsplit(' ', 1)
        check(stack not in stacks, f'{stack} is there twice')
        stacks[stack] = int(count)
    return stacks


def close(name, got, want, tolerance):
    check(abs(got - want) <= tolerance, f'{name}: {got:.4f} in place of {want:.4f}')


def exact_counts(addend, guest):
    """Instructions by function."""
    data = json.loads(profile(addend, guest, '--hot=100000,file', '.json', '-accel', 'interp'))
    counts = collections.Counter()
    for b in data['blocks']:
        counts[re.match(r'\w*', b.get('where', ''))[0]] += b['instructions']
    return counts


def check_flame(name, stacks, exact, instructions):
    total = sum(stacks.values())
    check(0.98 * instructions < total <= instructions, f'{name}: {total} of {instructions} instructions')
    found = {path: sum(count for stack, count in stacks.items() if stack.endswith('main;' + path)) for path in FLAME}
    for path, n in FLAME.items():
        close(f'{name}, {path}', found[path] / sum(found.values()), n / sum(FLAME.values()), 0.012)
    for function, n in exact.items():
        mine = sum(count for stack, count in stacks.items() if stack.rsplit(';')[-1] == function)
        close(f'{name}, in {function}', mine / total, n / instructions, 0.012)
    wrong = sum(count for stack, count in stacks.items()
                if not re.search(r'(^|;)main(;a|;b|;b;c|(;r)+)?(;x|;y)?$', stack) and 'main' in stack)
    check(wrong / total < 0.001, f'{name}: {wrong} of {total} in stacks that cannot be: {stacks}')


def retired(addend, guest, *options):
    with tempfile.NamedTemporaryFile('r', suffix='.json') as f:
        run(addend, guest, f'--stats=quick,json:{f.name}', *options)
        return json.load(f)['guest_instructions']


def flame(addend, guest):
    exact = exact_counts(addend, guest)
    check({'main', 'a', 'b', 'c', 'r', 'x', 'y'} <= set(exact), f'{exact}')
    for engine, options in ENGINES.items():
        stacks = folded(profile(addend, guest, '--flame', '.folded', *options, more=',period=1009'))
        check_flame(engine, stacks, exact, retired(addend, guest, *options))
    again = folded(profile(addend, guest, '--flame', '.txt', *ENGINES['jit-icount'], more=',period=1009'))
    check(again == stacks, 'two runs with -icount differ')
    scope = json.loads(profile(addend, guest, '--flame', '.json', *ENGINES['jit-icount'], more=',period=1009'))
    names = [f['name'] for f in scope['shared']['frames']]
    p = scope['profiles'][0]
    same = {';'.join(names[i] for i in s): w for s, w in zip(p['samples'], p['weights'])} == stacks
    check(same, 'speedscope differs')
    check(p['endValue'] == sum(stacks.values()), 'speedscope: endValue')
    own = folded(profile(addend, guest, '--flame', '.folded', more=',harts=on'))
    check(all(s.startswith('hart 0;') for s in own) and own, f'harts=on: {own}')


# --- timeline

def nested(spans):
    """Spans of one track: each lies in or beside any other."""
    open_ends = []
    for start, end in sorted(spans, key=lambda s: (s[0], -s[1])):
        while open_ends and open_ends[-1] <= start:
            open_ends.pop()
        if open_ends and end > open_ends[-1]:
            return False
        open_ends.append(end)
    return True


def check_trace(text):
    events = json.loads(text)['traceEvents']
    tracks = collections.defaultdict(list)
    for e in events:
        check({'name', 'ph', 'pid', 'tid', 'ts'} <= set(e) and e['ts'] >= 0, f'an event is not whole: {e}')
        check(e['ph'] in 'XiCM', f'no such kind of event: {e}')
        if e['ph'] == 'X':
            check(e['dur'] >= 0, f'a span without dur: {e}')
            tracks[e['pid'], e['tid']].append((e['ts'], round(e['ts'] + e['dur'], 3)))
        check(e['ph'] != 'C' or e['args'], f'a counter without values: {e}')
    for track, spans in tracks.items():
        check(nested(spans), f'spans of track {track} overlap')
    return events


def counted(events, name, key, width=1000):
    """What a counter has added up, its values being per millisecond; width: of its bins in microseconds."""
    times = sorted((e['ts'], e['args'].get(key, 0)) for e in events if e['ph'] == 'C' and e['name'] == name)
    return sum(v * (after - ts) / 1000 for (ts, v), (after, _) in zip(times, times[1:]))


def timeline(addend, guest):
    for engine, options in ENGINES.items():
        text = profile(addend, guest, '--timeline', '.json', *options)
        check(len(text) < 2_000_000, f'{engine}: {len(text)} bytes')
        events = check_trace(text)
        instants = collections.Counter(e['name'] for e in events if e['ph'] == 'i')
        want = {'m_timer': 5, 'machine_ecall': 3, 'illegal_instruction': 1, 'sfence.vma': 2, 'satp': 2}
        check(all(instants[name] == n for name, n in want.items()), f'{engine}: {instants}')
        for name, key, n in (('interrupts', 'm_timer', 5), ('exceptions', 'machine_ecall', 3)):
            close(f'{engine}: {key}', counted(events, name, key), n, 1e-6)
        waits = [e for e in events if e['name'] == 'wfi']
        check(len(waits) <= 5, f'{engine}: {len(waits)} waits')
        mips = counted(events, 'MIPS', 'MIPS') * 1000
        close(f'{engine}: retired', mips / retired(addend, guest, *options), 1, 0.001)
        regions = [e for e in events if e['ph'] == 'X' and e.get('cat') == 'compile']
        if 'jit' in engine:
            names = {e['name'] for e in regions}
            check({'work_a', 'work_b'} & names, f'{engine}: regions {names}')
            check(all(e['args']['gcc_ms'] > 0 and e['args']['instructions'] for e in regions), f'{engine}: {regions}')
        else:
            check(not regions, f'{engine}: {regions}')
    # 2 ms each, in the guest's time
    events = check_trace(profile(addend, guest, '--timeline', '.json', '-icount', '0', more=',time=guest'))
    waits = [e['dur'] for e in events if e['name'] == 'wfi']
    check(len(waits) == 5 and all(1900 < d < 2001 for d in waits), f'waits {waits}')


# --- mix

COMPRESSED = {
    'c.addi4spn': 'addi', 'c.addi16sp': 'addi', 'c.addi': 'addi', 'c.nop': 'addi', 'c.li': 'addi', 'c.mv': 'add',
    'c.lwsp': 'lw', 'c.ldsp': 'ld', 'c.swsp': 'sw', 'c.sdsp': 'sd', 'c.fldsp': 'fld', 'c.fsdsp': 'fsd', 'c.j': 'jal',
    'c.jr': 'jalr', 'c.jalr': 'jalr', 'c.beqz': 'beq', 'c.bnez': 'bne'}


def mix_of(text):
    return {row['mnemonic']: int(row['count']) for row in csv.DictReader(io.StringIO(text))}


def check_mix(name, data, rows, instructions):
    check(data['instructions'] == instructions, f'{name}: {data["instructions"]} of {instructions} instructions')
    for part in 'classes', 'extensions', 'privileges', 'mnemonics':
        check(sum(data[part].values()) == instructions, f'{name}: {part} do not add up')
    check({n: c for n, c in data['mnemonics'].items() if c} == rows, f'{name}: CSV and JSON differ')


def mix(addend, *guests):
    for guest in guests:
        seen = {}
        for engine in 'interp', 'baseline', 'jit-icount':
            options = [*ENGINES[engine], '-icount', '0', '-semihosting']
            data = json.loads(profile(addend, guest, '--mix', '.json', *options))
            rows = mix_of(profile(addend, guest, '--mix', '.csv', *options))
            check_mix(f'{guest}, {engine}', data, rows, retired(addend, guest, *options))
            seen[engine] = {k: v for k, v in data.items() if k != 'block_entries'}
            text = run(addend, guest, '--mix', *options).stderr
            check(re.search(rf'instruction mix +{data["instructions"]} instructions', text), text)
        check(seen['interp'] == seen['baseline'] == seen['jit-icount'], f'{guest}: engines differ')


def mnemonics(guest):
    """Address -> mnemonic, whether it is compressed."""
    text = subprocess.run(['riscv64-unknown-elf-objdump', '-d', '-M', 'no-aliases', guest], capture_output=True,
                          text=True, check=True).stdout
    found = {}
    for address, bits, name in re.findall(r'^ *([0-9a-f]+):\t([0-9a-f]+) +\t([\w.]+)', text, re.M):
        found[int(address, 16)] = COMPRESSED.get(name, name.removeprefix('c.')), len(bits) == 4
    return found


def by_qemu(qemu, guest):
    names, counts, compressed = mnemonics(guest), collections.Counter(), 0
    p = subprocess.Popen([qemu, '-M', 'spike', '-nographic', '-bios', 'none', '-kernel', guest, '-singlestep', '-d',
                          'exec,nochain', '-D', '/dev/stderr'], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                         stderr=subprocess.PIPE, text=True)
    trace = re.compile(r'Trace \d+: 0x[0-9a-f]+ \[[0-9a-f]+/([0-9a-f]+)/')
    for line in p.stderr:
        m = trace.match(line)
        name, short = names.get(int(m[1], 16), (None, False)) if m else (None, False)
        if name:
            counts[name] += 1
            compressed += short
    p.wait()
    return counts, compressed


def mix_qemu(addend, qemu, *guests):
    for guest in guests:
        counts, compressed = by_qemu(qemu, guest)
        data = json.loads(profile(addend, guest, '--mix', '.json', '-icount', '0'))
        rows = data['mnemonics']
        # What is not in the file is the boot ROM, which is another one; and how often the console is asked differs.
        different = {n: (rows.get(n, 0), counts[n]) for n in {*rows, *counts} if abs(rows.get(n, 0) - counts[n]) > 12}
        check(sum(counts.values()) > 10000, f'{guest}: QEMU told {sum(counts.values())} instructions')
        check(not different, f'{guest}: here, in QEMU: {different}')
        check(abs(compressed - data['compressed']) <= 12, f'{guest}: compressed {data["compressed"]}, {compressed}')


# --- hot

def hot(addend, guest):
    for engine, options in ENGINES.items():
        data = json.loads(profile(addend, guest, '--hot=10,file', '.json', *options))
        exact = 'jit' not in engine
        check(data['exact'] == exact and 2 <= len(data['blocks']) <= 10, f'{engine}: {data}')
        check(all(a['instructions'] >= b['instructions'] for a, b in zip(data['blocks'], data['blocks'][1:])), engine)
        by_function = collections.Counter()
        for b in data['blocks']:
            by_function[re.match(r'\w*', b.get('where', ''))[0]] += b['instructions']
        for name, n in (('work_a', 48), ('work_b', 12)):
            close(f'{engine}: {name}', by_function[name] / (60 * 400000), n / 60, 0.0001 if exact else 0.1)
        tier = data['blocks'][0]['tier']
        check(tier == {'interp': 'interpreter', 'baseline': 'baseline'}.get(engine, 'region'), f'{engine}: {tier}')
        if exact:
            check(data['instructions'] == retired(addend, guest, *options) or engine != 'jit-icount', engine)
            whole = [b['executions'] * b['block_instructions'] - b['instructions'] for b in data['blocks']]
            check(not any(whole[:2]) and min(whole) >= 0, f'{engine}: {whole}')  # others are left in their middle
    text = run(addend, guest, '--hot=3', '-accel', 'interp').stderr.splitlines()
    check(len(text) == 5 and 'work_a' in text[2], text)


# --- page

def page(addend, guest, folder):
    sys.path.insert(0, folder)
    import chromium  # pylint: disable=import-error,import-outside-toplevel
    if chromium.missing():
        print(chromium.missing())
        sys.exit(77)
    box = "[...document.querySelectorAll('g.b')].find(g => /^{} /.test(g.querySelector('title').textContent))"
    with tempfile.TemporaryDirectory() as out, chromium.Page() as tab:
        for ending in '.svg', '.html':
            path = os.path.join(out, 'flame' + ending)
            run(addend, guest, f'--flame={path},period=2003')
            tab.open(path)
            check({'all', 'main', 'a', 'b', 'c', 'r', 'x', 'y'} <= set(tab.eval('flame.visible()')), ending)
            tab.hover(box.format('b') + ".querySelector('rect')")
            info = tab.eval("document.querySelector('#info').textContent")
            check(re.match(r'b \(\d+ instructions, (18|19|20)\.\d+ %\)', info), f'{ending}: {info}')
            tab.click(box.format('b') + ".querySelector('rect')")
            seen = tab.eval('flame.visible()')
            check('c' in seen and 'main' in seen and 'r' not in seen and 'a' not in seen, f'{ending}: {seen}')
            width = tab.eval(f"{box.format('b')}.querySelector('rect').getAttribute('width')")
            check(float(width) == 1200, f'{ending}: zoomed to {width}')
            tab.key('Escape')
            check('r' in tab.eval('flame.visible()'), f'{ending}: Escape')
            if ending == '.html':
                tab.click("document.getElementById('search')")
                tab.type('^x$')
            else:
                tab.eval("flame.search('^x$')")
            share = re.match(r'matched ([\d.]+) %', tab.eval('flame.found()'))
            check(share and 45 < float(share[1]) < 50, f'{ending}: {share}')
            check(not tab.errors(), f'{ending}: {tab.errors()}')


if __name__ == '__main__':
    {'flame': flame, 'timeline': timeline, 'mix': mix, 'mix-qemu': mix_qemu, 'hot': hot, 'page': page}[sys.argv[1]](
        *sys.argv[2:])
