# SPDX-License-Identifier: GPL-3.0-or-later
"""Plots as SVG text: bars on a logarithmic scale, and lines over linear or logarithmic axes."""
import math
from xml.sax.saxutils import escape

COLOURS = ["#1b6ca8", "#e08e0b", "#777777", "#2e8b57", "#b03060", "#6a4c93"]
STYLE = ("<style>text{font:12px sans-serif;fill:#222}.t{font-size:14px;font-weight:bold}"
         ".g{stroke:#ddd;stroke-width:1}.a{stroke:#444;stroke-width:1}</style>")
LEFT, TOP, RIGHT, BOTTOM = 90, 66, 20, 44


class Axis:
    """Maps values to pixels from `start` to `end`."""

    def __init__(self, low, high, start, end, log):
        if log:
            low, high = 10 ** math.floor(math.log10(low) + 1e-9), high * 1.05
        elif high == low:
            high = low + 1
        self.low, self.high, self.start, self.end, self.log = low, high, start, end, log
        self.whole = False  # ticks at whole numbers only

    def at(self, value):
        if self.log:
            part = (math.log10(value) - math.log10(self.low)) / (math.log10(self.high) - math.log10(self.low))
        else:
            part = (value - self.low) / (self.high - self.low)
        return round(self.start + part * (self.end - self.start), 1)

    def ticks(self):
        if self.log:
            powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            steps = (1, 2, 5) if self.high / self.low < 2000 else (1,)
            return [s * 10.0 ** p for p in powers for s in steps if self.low <= s * 10.0 ** p <= self.high]
        if self.whole:
            return list(range(math.ceil(self.low), math.floor(self.high) + 1))
        step = 10 ** math.floor(math.log10(self.high - self.low))
        step = next(step * f for f in (0.1, 0.2, 0.5, 1, 2) if (self.high - self.low) / (step * f) <= 10)
        first = math.ceil(self.low / step)
        return [n * step for n in range(first, math.floor(self.high / step + 1e-9) + 1)]


def number(value):
    return f"{value:.6g}"


def text(x, y, said, anchor="start", cls=""):
    cls = f' class="{cls}"' if cls else ""
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}"{cls}>{escape(said)}</text>'


def line(x1, y1, x2, y2, cls):
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" class="{cls}"/>'


def document(width, height, title, legend, parts):
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
           f'viewBox="0 0 {width} {height}">', STYLE, f'<rect width="{width}" height="{height}" fill="white"/>',
           text(LEFT, 20, title, cls="t")]
    x = LEFT
    for i, name in enumerate(legend):
        out.append(f'<rect x="{x}" y="31" width="10" height="10" fill="{COLOURS[i % len(COLOURS)]}"/>')
        out.append(text(x + 14, 40, name))
        x += 34 + 7 * len(name)
    return "\n".join(out + parts + ["</svg>"]) + "\n"


def bars(title, names, series):
    """One group of horizontal bars per name, on a log scale from 1. series: (legend, one value or None per name)."""
    thick, gap = 8, 8
    group = thick * len(series) + gap
    width, bottom = 900, TOP + group * len(names)
    shown = [v for _, values in series for v in values if v]
    axis, parts = Axis(1, max(shown + [2]), LEFT, width - RIGHT, True), []
    axis.low = min(shown + [1])
    for tick in axis.ticks():
        parts += [line(axis.at(tick), TOP, axis.at(tick), bottom, "g"),
                  text(axis.at(tick), bottom + 16, number(tick), "middle")]
    for row, name in enumerate(names):
        y = TOP + row * group + gap // 2
        parts.append(text(LEFT - 6, y + thick * len(series) / 2 + 4, name, "end"))
        for i, (_, values) in enumerate(series):
            if values[row]:
                left, right = sorted((axis.at(1), axis.at(values[row])))
                parts.append(f'<rect x="{left}" y="{y + i * thick}" width="{max(round(right - left, 1), 1)}" '
                             f'height="{thick - 1}" '
                             f'fill="{COLOURS[i % len(COLOURS)]}"><title>{escape(name)}: '
                             f'{values[row]:.2f}</title></rect>')
    parts.append(line(axis.at(1), TOP, axis.at(1), bottom, "a"))
    return document(width, bottom + BOTTOM, title, [name for name, _ in series], parts)


def lines(title, x_label, y_label, series, log_x=False, log_y=False, dots=True):
    """series: (legend, [(x, y), ...])."""
    width, height = 900, 420
    points = [p for _, values in series for p in values if not (log_y and p[1] <= 0)]
    if not points:
        return document(width, height, title, [], [])
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    x_axis = Axis(min(xs) if log_x else min(0, *xs), max(xs), LEFT, width - RIGHT, log_x)
    y_axis = Axis(min(ys) if log_y else 0, max(ys), height - BOTTOM, TOP, log_y)
    if log_x:
        x_axis.low = min(xs)
    x_axis.whole = not log_x and max(xs) <= 16 and all(x == int(x) for x in xs)
    parts = []
    for tick in x_axis.ticks():
        parts += [line(x_axis.at(tick), TOP, x_axis.at(tick), height - BOTTOM, "g"),
                  text(x_axis.at(tick), height - BOTTOM + 16, number(tick), "middle")]
    for tick in y_axis.ticks():
        parts += [line(LEFT, y_axis.at(tick), width - RIGHT, y_axis.at(tick), "g"),
                  text(LEFT - 6, y_axis.at(tick) + 4, number(tick), "end")]
    for i, (_, values) in enumerate(series):
        at = [(x_axis.at(x), y_axis.at(y)) for x, y in values if not (log_y and y <= 0)]
        colour = COLOURS[i % len(COLOURS)]
        joined = " ".join(f"{x},{y}" for x, y in at)
        parts.append(f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
        if dots:
            parts += [f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>' for x, y in at]
    parts += [line(LEFT, height - BOTTOM, width - RIGHT, height - BOTTOM, "a"),
              line(LEFT, TOP, LEFT, height - BOTTOM, "a"),
              text((LEFT + width - RIGHT) / 2, height - 8, x_label, "middle"), text(8, TOP - 4, y_label)]
    return document(width, height, title, [name for name, _ in series], parts)
