# SPDX-License-Identifier: GPL-3.0-or-later
"""How a run begins: the time to a guest's first instruction, and how soon a guest is as fast as it gets."""
import os
import statistics
import subprocess

import plots
from measure import FILLS, Setting, interleave, reap, say
from programs import from_list, require_built
from tables import Target, markdown, prose, ratio, show

STARTS = 4  # runs of the guest that exits, per round
EARLY = 0.1  # seconds after which a warm run has to be in its steady state
STEP = 0.004  # seconds between looks at a process' CPU time


PACE_TEXT = """
The guest `pace` does equal pieces of mixed work (sorting, scanning, a checksum, an interpreter, a matrix product) and
prints a dot after each; bench reads the CPU time of addend's own process, compile workers apart, when dots arrive. Time
per piece, from the start of the process on, as a multiple of that in the second half of the run: 1.00 is the steady
state.
"""


def start_part(ctx):
    args, p = ctx.args, from_list(ctx.args.build)["exit"]
    require_built(args.build, [p])
    rounds = STARTS * args.rounds
    settings = {}
    if args.jit:
        argv = p.addend(args.addend, args.jit)
        settings["addend, no cache"] = Setting(argv, rounds, addend=True)
        settings["addend, with a cache"] = Setting(argv, rounds, addend=True, cache=ctx.cache("exit", "warm"))
    if args.qemu:
        settings["QEMU"] = Setting(p.qemu(args.qemu), rounds)
    interleave(rounds, [("exit", settings, {})])
    rows = [["", "wall ms", "CPU ms", "memory MB"]]
    for name, s in settings.items():
        rows.append([name, show(s.median("wall") * 1e3, 1), show(s.median() * 1e3, 1), show(s.median("rss") / 1e6, 0)])
    wall = {name: s.median("wall") for name, s in settings.items()}
    text = ("## Time to the first instruction\n\nA guest that exits at once, from the start of the process to its end: "
            f"medians of {rounds}.\n\n{markdown(rows)}")
    goal = Target("exit at once: addend/QEMU, wall", ratio(wall.get("addend, no cache"), wall.get("QEMU")), 1)
    return text, [goal]


def cpu_of(pid):
    """CPU seconds of all threads of a live process, to the nanosecond."""
    total = 0
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as f:
                total += int(f.read().split()[0])
    except OSError:
        return None  # it has just ended
    return total / 1e9


def paced(argv):
    """[(CPU seconds, dots until then)] of one run of the guest that prints a dot after each piece of work."""
    points, dots, last = [], 0, 0.0
    env = dict(os.environ, ADDEND_CACHE_DIR="")
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          env=env) as child:
        while chunk := os.read(child.stdout.fileno(), 4096):
            dots += chunk.count(b".")
            cpu = cpu_of(child.pid)
            if cpu is not None and cpu - last >= STEP:
                points.append((cpu, dots))
                last = cpu
    for _ in reap():  # workers, so that nobody else is charged with them
        continue
    return points


def rate(points, since, until=float("inf")):
    """Pieces of work per CPU second in that stretch of the run, or None if there is no such stretch."""
    inside = [p for p in points if since <= p[0] <= until]
    if len(inside) < 2 or inside[-1][0] == inside[0][0]:
        return None
    return (inside[-1][1] - inside[0][1]) / (inside[-1][0] - inside[0][0])


def early_and_steady(points):
    """Slowdown against the second half of the run: (of the first 100 ms, of the next 100 ms, of all that follows)."""
    if len(points) < 4:
        return None, None, None
    steady = rate(points, points[-1][0] / 2)
    first = ratio(max([d for c, d in points if c <= EARLY], default=0), EARLY)
    return ratio(steady, first), ratio(steady, rate(points, EARLY, 2 * EARLY)), ratio(steady, rate(points, EARLY))


def smoothed(points, window=0.03):
    """(seconds, pieces per ms) over stretches of `window` seconds."""
    out, at = [], 0
    for i, (cpu, dots) in enumerate(points):
        if cpu - points[at][0] >= window:
            out.append((cpu, (dots - points[at][1]) / (cpu - points[at][0]) / 1e3))
            at = i
    return out


def pace_part(ctx):
    args, p = ctx.args, from_list(ctx.args.build)["pace"]
    require_built(args.build, [p])
    argv, kinds = {}, {}
    if args.jit:
        cache = ctx.cache("pace", "warm")
        os.makedirs(cache, mode=0o700, exist_ok=True)
        argv["cold"] = p.addend(args.addend, args.jit)
        argv["warm"] = [*argv["cold"], "--cache-dir", cache]
        for _ in range(FILLS):  # by such runs: code that counts for --stats is kept apart from other code
            paced([str(a) for a in argv["warm"]])
    if args.qemu:
        argv["QEMU"] = p.qemu(args.qemu)
    for n in range(args.rounds):
        for kind, line in argv.items():
            say(f"round {n + 1}/{args.rounds}: pace {kind}")
            kinds.setdefault(kind, []).append(paced([str(a) for a in line]))
    say("")
    rows, found = [["run", "first 100 ms", "next 100 ms", "all after 100 ms"]], {}
    for kind, runs in kinds.items():
        columns = list(zip(*map(early_and_steady, runs)))
        found[kind] = [statistics.median(v) if all(v) else None for v in columns]
        rows.append([kind, *map(show, found[kind])])
    text = f"## From the first instruction to the steady state\n\n{prose(PACE_TEXT)}\n{markdown(rows)}"
    if ctx.plots:
        text += "\n" + ctx.plot("pace", "Pieces of work per millisecond", plots.lines(
            "Pace of the guest `pace`", "CPU seconds since the start of the process", "pieces of work per ms",
            [(k, smoothed(runs[-1])) for k, runs in kinds.items()], dots=False))
    warm = found.get("warm", [None] * 3)
    return text, [Target("second run: time per piece of work from 100 to 200 ms / steady state", warm[1], 1.1),
                  Target("second run: time per piece of work after 100 ms / steady state", warm[2], 1.1)]
