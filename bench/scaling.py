# SPDX-License-Identifier: GPL-3.0-or-later
"""What things cost as they grow: translation by tier, harts, TLB footprints, code and working sets."""
import os
import statistics
import subprocess
import time

import plots
from measure import Setting, interleave, say
from programs import from_list, listed, require_built
from tables import Target, markdown, prose, ratio, show

HARTS = [1, 2, 3, 4]
CODE = ["code-1k", "code-10k", "code-100k", "code-400k", "code-1m"]
SETS = ["set-4k", "set-64k", "set-1m", "set-16m", "set-64m", "set-256m"]


def define(name, what):
    """The number after -DWHAT= of a line of programs.list."""
    options = next(options for n, _, _, options in listed() if n == name)
    return int(next(o for o in options if o.startswith(f"-D{what}=")).split("=")[1], 0)


def sized(name):
    return define(name, "SIZE")


TRANSLATION_TEXT = """
What `--stats` counted in all cold runs of the main table together. baseline: wall-clock time from the block that the
interpreter has to baseline code; libgccjit: CPU time of the workers, per instruction of the regions that were used.
"""
HARTS_TEXT = """
The same independent load on each of n harts (`bench/guest/harts.c`, warm cache), on a host of {cores} cores; native: n
processes at once, which is what the host can do. Wall-clock seconds.
"""
TLB_TEXT = """
Host cycles per load (CPU time, in cycles of the nominal {mhz:.0f} MHz) in a chain of pointers, one page each. hit: 32
pages that all have their own entry; victim hit: 6 pages that want the same entry, so that the 8 victims serve them;
miss: 24 that want the same one. The chain's own cost is in the column native. A miss walks three levels of page tables
when paged, and takes the same way without a walk when bare. The shares of hits, victim hits and misses are what
`--stats` counted in the last column but one; "grows" is the default. Warm cache.
"""
GROWTH_TEXTS = ["""
Size of the guest: that many different instructions, run through again and again (`bench/guest/code.S`); CPU time per
instruction run.
""", """
Working set: ns of CPU time per step of a random walk through that much memory (`tests/guest/chase.c`), warm cache,
filling the memory included. The number of harts has a table of its own above.
"""]


def translation_part(ctx, rows=()):
    """From the cold runs of the main table (rows), or of one guest of much code if there are none."""
    stats = [s.stats for r in rows for label, setting in r.settings.items() if label == "cold" for s in setting.samples]
    if not stats and ctx.args.jit:
        p = from_list(ctx.args.build)["code-10k"]
        require_built(ctx.args.build, [p])
        options = f"{ctx.args.jit},threshold=10000"
        for n in range(ctx.args.rounds):
            say(f"round {n + 1}/{ctx.args.rounds}: translation")
            stats.append(Setting(p.addend(ctx.args.addend, options), 1, addend=True).run().stats)
        say("")

    def total(name):
        return sum(s.get(name, 0) for s in stats)

    head = ["tier", "guest instructions translated", "seconds", "us per instruction", "bytes per instruction"]
    out, cost = [head], {}
    for tier, insns, seconds, size in [
            ("baseline", "baseline_block_instructions", "baseline_seconds", "baseline_bytes"),
            ("libgccjit", "region_instructions", "compile_seconds", "region_bytes")]:
        cost[tier] = ratio(total(seconds) * 1e6, total(insns))
        out.append([tier, str(total(insns)), show(total(seconds), 3), show(cost[tier], 3),
                    show(ratio(total(size), total(insns)), 1)])
    times = ratio(cost["libgccjit"], cost["baseline"])
    text = (f"## Translation\n\n{prose(TRANSLATION_TEXT)}\n{markdown(out)}\n"
            f"The baseline tier translates {show(times, 0)} times as fast.\n")
    return text, [Target("translation: libgccjit/baseline, us per guest instruction", times, 100, at_least=True)]


def at_once(argv, count):
    """Wall seconds from the start of `count` processes to the end of the last."""
    start = time.monotonic()
    children = [subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                for _ in range(count)]
    for child in children:
        if child.wait():
            raise RuntimeError(f"{' '.join(argv)}: status {child.returncode}")
    return time.monotonic() - start


def harts_part(ctx):
    args, guests = ctx.args, from_list(ctx.args.build)
    require_built(args.build, [guests[f"harts-{n}"] for n in HARTS])
    native, settings = {n: [] for n in HARTS}, {}
    for n in HARTS:
        p, smp = guests[f"harts-{n}"], ["-smp", str(n)]
        if args.jit:
            settings["addend", n] = Setting(p.addend(args.addend, args.jit, options=smp), 1, addend=True,
                                            cache=ctx.cache(p.name, "warm"))
            settings["addend", n].fill_cache()
        if args.qemu:
            settings["QEMU", n] = Setting(p.qemu(args.qemu, options=smp), 1)
    for r in range(args.rounds):
        for n in HARTS:
            say(f"round {r + 1}/{args.rounds}: {n} harts")
            native[n].append(at_once([str(a) for a in guests["harts-1"].native], n))
            for who in ("addend", "QEMU"):
                if (who, n) in settings:
                    settings[who, n].run()
    say("")
    wall = {("native", n): statistics.median(v) for n, v in native.items()}
    wall.update({key: s.median("wall") for key, s in settings.items()})
    whos = [w for w in ("native", "addend", "QEMU") if (w, 1) in wall]
    rows = [["harts", *(c for w in whos for c in (f"{w} wall s", f"{w}, times one"))]]
    for n in HARTS:
        row = [str(n)]
        for w in whos:
            row += [show(wall[w, n]), show(ratio(wall[w, n], wall[w, 1]))]
        rows.append(row)
    text = f"## Harts\n\n{prose(HARTS_TEXT.format(cores=os.cpu_count()))}\n{markdown(rows)}"
    if ctx.plots:
        text += "\n" + ctx.plot("harts", "Wall-clock time by number of harts", plots.lines(
            "The same load on each hart", "harts", "wall-clock time, times that of one",
            [(w, [(n, wall[w, n] / wall[w, 1]) for n in HARTS]) for w in whos]))
    twice = ratio(wall.get(("addend", 2)), wall.get(("addend", 1)))
    return text, [Target("two harts: wall-clock time against one hart", twice, 1.15)]


def host_mhz():
    with open("/proc/cpuinfo", encoding="ascii") as f:
        return float(next(line for line in f if line.startswith("cpu MHz")).split(":")[1])


# name, guest, --tlb-bits
TLB_CASES = [("hit", "tlb-hit", 6), ("victim hit", "tlb-victim6", 6), ("miss", "tlb-miss6", 6),
             ("hit", "tlb-hit", 10), ("victim hit", "tlb-victim10", 10), ("miss", "tlb-miss10", 10),
             ("hit", "tlb-hit", 0), ("victim hit before it grew", "tlb-victim10", 0),
             ("miss before it grew", "tlb-miss10", 0)]


def tlb_shares(stats):
    """'hits / victim hits / misses' in percent of the loads."""
    load = stats.get("tlb", {}).get("load", {})
    if not load.get("lookups"):
        return "-"
    return " / ".join(f"{100 * load[k] / load['lookups']:.1f}" for k in ("hits", "victim_hits", "misses"))


def tlb_part(ctx):
    args, guests, mhz = ctx.args, from_list(ctx.args.build), host_mhz()
    tiers = [t for t in ("baseline", args.jit) if t]
    jobs, rows = [], []
    for case, name, bits in TLB_CASES:
        p = guests[name]
        require_built(args.build, [p])
        settings = {"native": Setting(p.native, args.rounds)}
        for tier in tiers:
            for paged in (False, True):
                options = ["-m", "256M"] + (["--tlb-bits", str(bits)] if bits else [])
                cache = ctx.cache(name, f"{paged}-{bits}") if tier == args.jit else None
                settings[tier, paged] = Setting(p.addend(args.addend, tier, paged, options), args.rounds, addend=True,
                                                cache=cache, counts=True)
        jobs.append((f"{name} {bits}", settings, {}))
        rows.append((case, name, bits, settings))
    interleave(args.rounds, jobs)

    def cycles(setting, name):
        cpu, gcc = setting.median(), setting.median_stat("compile_seconds") or 0
        return (cpu - gcc) * mhz * 1e6 / sized(name) if cpu else None

    head = ["entries", "case", "native"]
    head += [f"{t}, {'paged' if paged else 'bare'}" for t in tiers for paged in (False, True)]
    out = [head + ["% hits / victim hits / misses"]]
    for case, name, bits, settings in rows:
        row = [str(2 ** bits) if bits else "grows", case, show(cycles(settings["native"], name), 1)]
        row += [show(cycles(settings[t, paged], name), 1) for t in tiers for paged in (False, True)]
        out.append(row + [tlb_shares(settings[tiers[-1], True].samples[-1].stats)])
    text = f"## TLB\n\n{prose(TLB_TEXT.format(mhz=mhz))}\n{markdown(out, left=2)}"
    return text, []


def code_rows(ctx, guests):
    """Growth with the number of instructions of the guest."""
    args, jobs = ctx.args, []
    for name in CODE:
        p, settings = guests[name], {}
        if args.jit:
            argv = p.addend(args.addend, args.jit)
            settings["cold"] = Setting(argv, args.rounds, addend=True)
            settings["warm"] = Setting(argv, args.rounds, addend=True, cache=ctx.cache(name, "warm"))
        if args.qemu:
            settings["QEMU"] = Setting(p.qemu(args.qemu), args.rounds)
        jobs.append((name, settings, {}))
    interleave(args.rounds, jobs)
    out = [["instructions", "times each", "cold ns", "of that GCC ns", "warm ns", "QEMU ns", "QEMU/cold",
            "cold memory MB", "QEMU MB"]]
    series = {}
    for name, settings, _ in jobs:
        cpu = {k: s.median() * 1e3 / sized(name) for k, s in settings.items()}
        rss = {k: s.median("rss") for k, s in settings.items()}
        size = define(name, "INSNS")
        gcc = settings["cold"].median_stat("compile_seconds") * 1e3 / sized(name) if "cold" in settings else None
        out.append([str(size), str(sized(name) * 1000000 // size), show(cpu.get("cold")), show(gcc),
                    show(cpu.get("warm")), show(cpu.get("QEMU")), show(ratio(cpu.get("QEMU"), cpu.get("cold"))),
                    show(rss.get("cold") and rss["cold"] / 1e6, 0), show(rss.get("QEMU") and rss["QEMU"] / 1e6, 0)])
        for kind, ns in cpu.items():
            series.setdefault(kind, []).append((size, ns))
    return markdown(out), list(series.items())


def set_rows(ctx, guests):
    """Growth with the bytes that a guest works on."""
    args, jobs = ctx.args, []
    for name in SETS:
        p, options = guests[name], ["-m", "768M"]
        settings = {"native": Setting(p.native, args.rounds)}
        for paged in (False, True):
            kind = "paged" if paged else "bare"
            if args.jit:
                settings[f"addend, {kind}"] = Setting(p.addend(args.addend, args.jit, paged, options), args.rounds,
                                                      addend=True, cache=ctx.cache(name, kind))
            if args.qemu:
                settings[f"QEMU, {kind}"] = Setting(p.qemu(args.qemu, paged, options), args.rounds)
        jobs.append((name, settings, {}))
    interleave(args.rounds, jobs)
    labels = list(jobs[0][1])
    out, series = [["KiB", *labels]], {}
    for name, settings, _ in jobs:
        size, row = define(name, "KIBIBYTES"), []
        for label in labels:
            ns = settings[label].median() * 1e9 / sized(name)
            row.append(show(ns))
            series.setdefault(label, []).append((size, ns))
        out.append([str(size), *row])
    return markdown(out), list(series.items())


def growth_part(ctx):
    guests = from_list(ctx.args.build)
    require_built(ctx.args.build, [guests[n] for n in CODE + SETS])
    code, code_lines = code_rows(ctx, guests)
    sets, set_lines = set_rows(ctx, guests)
    text = (f"## Growth\n\n{prose(GROWTH_TEXTS[0])}\n{code}\n{prose(GROWTH_TEXTS[1])}\n{sets}")
    if ctx.plots:
        text += "\n" + ctx.plot("code", "CPU time by size of the guest", plots.lines(
            "Time per instruction by size of the guest", "guest instructions", "ns", code_lines, True, True))
        text += "\n" + ctx.plot("set", "Time per step by working set", plots.lines(
            "A random walk through memory", "KiB", "ns per step", set_lines, True, True))
    return text, []
