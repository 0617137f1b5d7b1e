# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers as text, and tables of Markdown."""
import math
import textwrap


def ratio(a, b):
    return a / b if a and b else None


def show(value, digits=2):
    return "-" if value is None else f"{value:.{digits}f}"


def geomean(values):
    values = [v for v in values if v]
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


def prose(text):
    """Paragraphs as lines of one width."""
    return "\n\n".join(textwrap.fill(" ".join(p.split()), 118) for p in text.strip().split("\n\n")) + "\n"


def markdown(rows, left=1):
    """rows[0] is the head; the first `left` columns are text."""
    width = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [c.ljust(w) if i < left else c.rjust(w) for i, (c, w) in enumerate(zip(row, width))]
        lines.append("| " + " | ".join(cells) + " |")
    rule = "|" + "|".join("-" * (w + 1) + ("-" if i < left else ":") for i, w in enumerate(width)) + "|"
    return "\n".join([lines[0], rule] + lines[1:]) + "\n"


class Target:
    """One row of the list at the top of RESULTS.md. limit None: for the record only."""

    def __init__(self, what, value, limit, at_least=False, unit=""):
        self.what, self.value, self.limit, self.at_least, self.unit = what, value, limit, at_least, unit

    def met(self):
        if self.value is None or self.limit is None:
            return None
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def row(self):
        sign = "at least " if self.at_least else "at most "
        limit = "-" if self.limit is None else f"{sign}{self.limit:g}{self.unit}"
        said = {None: "-", True: "yes", False: "**no**"}[self.met()]
        return [self.what, limit, show(self.value) + (self.unit if self.value is not None else ""), said]


def target_table(targets):
    return markdown([["target", "wanted", "measured", "met"]] + [t.row() for t in targets], left=1)
