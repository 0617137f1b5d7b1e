# SPDX-License-Identifier: GPL-3.0-or-later
"""The main table: every program natively, under each tier, cold and warm, bare and paged, and under QEMU."""
import sys

import plots
from measure import Setting, interleave
from programs import CLASSES, from_debian, from_list, require_built, table_names, DEBIAN
from tables import Target, geomean, markdown, prose, ratio, show

# Columns that are times, in the order of the table. paged-*: the Sv39 build.
NATIVE, COLD, WARM, QEMU, PAGED, PAGED_QEMU = "native", "cold", "warm", "qemu", "paged", "paged qemu"
WARM_LIMIT = 5  # times native


class Row:
    def __init__(self, program, settings):
        self.program, self.settings, self.expected = program, settings, None

    def cpu(self, label):
        return self.settings[label].median() if label in self.settings else None

    def warm(self):
        """Warm, bare; of programs that have no bare form, paged."""
        return self.cpu(WARM) or self.cpu(PAGED)

    def qemu(self):
        return self.cpu(QEMU) or (self.cpu(PAGED_QEMU) if not self.program.elf else None)

    def stat(self, name, label=COLD):
        return self.settings[label].median_stat(name) if label in self.settings else None

    def marks(self):
        """What of the targets this row misses."""
        out = []
        if (ratio(self.warm(), self.cpu(NATIVE)) or 0) > WARM_LIMIT:
            out.append(f"warm > {WARM_LIMIT} native")
        if (ratio(self.qemu(), self.warm()) or 9) <= 1:
            out.append("warm slower than QEMU")
        cold = self.cpu(COLD)
        if (self.qemu() or 0) >= 1 and cold and cold > self.qemu():
            out.append("cold slower than QEMU")
        return ", ".join(out)


def settings(ctx, program):
    """label -> Setting, as far as the program and the options have it."""
    out, args = {}, ctx.args

    def add(label, argv, rounds, **more):
        if rounds:
            out[label] = Setting(argv, rounds, **more)

    if program.native:
        add(NATIVE, program.native, args.rounds)
    for tier in args.tiers if program.elf else []:
        slow = tier.split(",")[0] in ("interp", "check")
        add(tier, program.addend(args.addend, tier), args.slow_rounds if slow else args.rounds, addend=True)
    for paged in [p for p in (False, True) if (program.paged if p else program.elf)]:
        first = not paged or not program.elf
        if args.jit:
            argv, label = program.addend(args.addend, args.jit, paged), PAGED if paged else WARM
            if first:
                add(COLD, argv, args.rounds, addend=True)
            add(label, argv, args.rounds, addend=True, cache=ctx.cache(program.name, label))
        if args.qemu:
            rounds = args.rounds if first else args.slow_rounds
            add(PAGED_QEMU if paged else QEMU, program.qemu(args.qemu, paged), rounds)
    return out


def select(args):
    names = table_names()
    if args.only:
        unknown = set(args.only) - set(names)
        if unknown:
            sys.exit(f"bench: no such program: {', '.join(sorted(unknown))} (--list has them)")
        names = [n for n in names if n in args.only]
    have = from_list(args.build)
    have.update(from_debian(args.build, [n for n in names if n in DEBIAN]))
    return [have[n] for n in names]


def measure(ctx):
    rows = {}
    programs = select(ctx.args)
    require_built(ctx.args.build, programs)
    for p in programs:
        rows[p.name] = Row(p, settings(ctx, p))

    def check(name, label, sample):
        got = (sample.output, sample.status, sample.left)
        row = rows[name]
        row.expected = row.expected or got
        if row.expected != got:
            argv = row.settings[label].argv
            tail = sample.output[-500:].decode(errors="replace")
            sys.exit(f"bench: {name}: {label} has other output, status or files than {next(iter(row.settings))}: "
                     f"{' '.join(argv)}\nstatus {sample.status}, expected {row.expected[1]}\n{tail}")

    interleave(max(ctx.args.rounds, ctx.args.slow_rounds), [(r.program.name, r.settings, r.program.files)
                                                            for r in rows.values()], check)
    return list(rows.values())


def times_table(rows, tiers):
    head = ["program", "class", "native s", *(f"{t} s" for t in tiers), "cold s", "of that GCC s", "warm s", "QEMU s",
            "warm/native", "QEMU/warm", "QEMU/cold", "warm MIPS", "memory MB", "QEMU MB", "missed"]
    out = [head]
    for r in rows:
        paged_only = not r.program.elf
        warm_label, qemu_label = (PAGED, PAGED_QEMU) if paged_only else (WARM, QEMU)
        instructions = r.stat("guest_instructions", warm_label)
        memory = r.settings[warm_label].median("rss") if warm_label in r.settings else None
        qemu_memory = r.settings[qemu_label].median("rss") if qemu_label in r.settings else None
        out.append([r.program.name, r.program.kind, show(r.cpu(NATIVE)), *(show(r.cpu(t)) for t in tiers),
                    show(r.cpu(COLD)), show(r.stat("compile_seconds")), show(r.warm()), show(r.qemu()),
                    show(ratio(r.warm(), r.cpu(NATIVE))), show(ratio(r.qemu(), r.warm())),
                    show(ratio(r.qemu(), r.cpu(COLD))), show(ratio(instructions, r.warm() and r.warm() * 1e6), 0),
                    show(memory and memory / 1e6, 0), show(qemu_memory and qemu_memory / 1e6, 0), r.marks()])
    return markdown(out, left=2)


def means(tiers):
    """Geometric means by class of ratios: (name, of one row)."""
    kinds = [(f"{t}/native", lambda r, t=t: ratio(r.cpu(t), r.cpu(NATIVE))) for t in tiers]
    return kinds + [
        ("cold/native", lambda r: ratio(r.cpu(COLD), r.cpu(NATIVE))),
        ("warm/native", lambda r: ratio(r.warm(), r.cpu(NATIVE))),
        ("QEMU/native", lambda r: ratio(r.qemu(), r.cpu(NATIVE))),
        ("QEMU/cold", lambda r: ratio(r.qemu(), r.cpu(COLD))),
        ("QEMU/warm", lambda r: ratio(r.qemu(), r.warm())),
        ("paged/bare", lambda r: ratio(r.cpu(PAGED), r.cpu(WARM))),
    ]


def means_table(rows, tiers):
    kinds = means(tiers)
    out = [["class", "programs", *(name for name, _ in kinds)]]
    for cls in ["all", *CLASSES]:
        mine = [r for r in rows if cls in ("all", r.program.kind)]
        if mine:
            out.append([cls, str(len(mine)), *(show(geomean([of(r) for r in mine])) for _, of in kinds)])
    return markdown(out)


def paged_table(rows):
    out = [["program", "bare warm s", "paged warm s", "paged/bare", "QEMU paged s", "QEMU/addend, paged"]]
    for r in rows:
        if PAGED in r.settings:
            out.append([r.program.name, show(r.cpu(WARM)), show(r.cpu(PAGED)), show(ratio(r.cpu(PAGED), r.cpu(WARM))),
                        show(r.cpu(PAGED_QEMU)), show(ratio(r.cpu(PAGED_QEMU), r.cpu(PAGED)))])
    return markdown(out) if len(out) > 1 else ""


def targets(rows):
    native = {r.program.name: ratio(r.warm(), r.cpu(NATIVE)) for r in rows if r.program.native}
    bare = [r for r in rows if r.program.elf]
    qemu = {r.program.name: ratio(r.qemu(), r.warm()) for r in rows}
    cold = {r.program.name: ratio(r.qemu(), r.cpu(COLD)) for r in rows if (r.qemu() or 0) >= 1}

    def extreme(pick, ratios):
        have = {n: v for n, v in ratios.items() if v}
        name = pick(have, key=have.get) if have else None
        return f" ({name})" if name else "", have.get(name)

    worst_name, worst = extreme(max, native)
    closest_name, closest = extreme(min, qemu)
    cold_name, slowest_cold = extreme(min, cold)
    return [
        Target("warm/native, geometric mean", geomean(native.values()), 2.2),
        Target(f"warm/native, worst program{worst_name}", worst, WARM_LIMIT),
        Target("warm/native, geometric mean of the FP kernels",
               geomean([native.get(r.program.name) for r in rows if r.program.kind == "fp"]), 1.8),
        Target("QEMU/warm, geometric mean", geomean([qemu[r.program.name] for r in bare]), 3.5, at_least=True),
        Target(f"QEMU/warm, closest program{closest_name}", closest, 1, at_least=True),
        Target(f"QEMU/cold, slowest of 1 s and more under QEMU{cold_name}", slowest_cold, 1, at_least=True),
        Target("paged/bare, geometric mean", geomean([ratio(r.cpu(PAGED), r.cpu(WARM)) for r in bare]), 1.25),
    ]


TEXT = """
CPU seconds (user + system, compile workers and whatever else was started included). Native: the same source by
`gcc -O2`. {tiers}cold: `-accel {jit}` without a code cache; warm: the same with a cache that up to four untimed runs
filled before. MIPS: guest instructions per microsecond of CPU time; memory: the peak of the resident set, compile
workers apart. Every program's output, status and files are the same in every column. Programs of class mmu without a
native time run in S-mode on Sv39 with 4 KiB pages and do what only a supervisor can.
"""
PAGED_TEXT = """
The same programs in S-mode, their memory mapped by Sv39 page tables of 4 KiB pages (`bench/guest/sv39.c`), with a code
cache of their own. The rest of the programs uses semihosting and has no paged build.
"""


def report(ctx):
    """(sections of Markdown, targets, all rows)."""
    rows = measure(ctx)
    tiers = ctx.args.tiers
    shown = "".join(f"{t}: `-accel {t}`; " for t in tiers)
    text = "## Programs\n\n" + prose(TEXT.format(tiers=shown, jit=ctx.args.jit)) + "\n" + times_table(rows, tiers)
    text += "\n### Geometric means\n\n" + means_table(rows, tiers)
    paged = paged_table(rows)
    if paged:
        text += "\n### Paging\n\n" + prose(PAGED_TEXT) + "\n" + paged
    if ctx.plots:
        series = [("addend, warm", [ratio(r.warm(), r.cpu(NATIVE)) for r in rows if r.program.native]),
                  ("addend, cold", [ratio(r.cpu(COLD), r.cpu(NATIVE)) for r in rows if r.program.native]),
                  ("QEMU", [ratio(r.qemu(), r.cpu(NATIVE)) for r in rows if r.program.native])]
        names = [r.program.name for r in rows if r.program.native]
        text += "\n" + ctx.plot("programs", "Times the native CPU time", plots.bars(
            "CPU time as a multiple of native", names, series))
    return text, targets(rows), rows
