#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The man page has an entry for every option, names every property, choice and log item, and invents none."""
import re

import tree

OPTION = re.compile(r'^(?:OPTION|ALIAS)\("([^"]+)", (?:NULL|"([^"]*)")', re.M)
CHOICE = re.compile(r'^CHOICE\(\w+, "([^"]+)"', re.M)
PROPERTY = re.compile(r'^ +(?=\{")(.*)', re.M)
LOG = re.compile(r'^LOG\(\w+, "([^"]+)"', re.M)


def words_of_tables():
    """What the man page must name, with where it comes from."""
    options = tree.read('machine/options.def')
    for name, _ in OPTION.findall(options):
        yield name, 'option'
    for name in CHOICE.findall(options):
        yield name, 'choice'
    sources = [tree.read(f'machine/options_{part}.c') for part in ('set', 'group', 'devices')]
    for row in PROPERTY.findall(''.join(sources)):
        for name in re.findall(r'\{"([\w-]+)", \w+\}', row):
            yield name, 'property'
    for name in LOG.findall(tree.read('util/log.def')):
        yield name, 'log item'


def entries(page):
    """The option names that head an entry: the bold words of the line after .TP that begin like an option."""
    for line in re.findall(r'^\.TP\n(.*)', page, re.M):
        yield from re.findall(r'\\fB([-+][\w-]+)', line)


def main():
    page = tree.read('docs/addend.1').replace('\\-', '-')
    wanted = list(words_of_tables())
    complaints = [f'docs/addend.1: {kind} {name} is missing' for name, kind in wanted
                  if not re.search(r'(?<![\w-])' + re.escape(name) + r'(?![\w-])', page.replace('\\fB', ' '))]
    known = {name for name, kind in wanted if kind == 'option'}
    for name in entries(page):
        if name not in known and name.lstrip('+-') not in {k.lstrip('+-') for k in known}:
            complaints.append(f'docs/addend.1: has an entry {name}, which is no option')
    missing_entry = known - set(entries(page))
    complaints += [f'docs/addend.1: option {name} has no entry' for name in sorted(missing_entry)]
    tree.report(complaints, wanted)


if __name__ == '__main__':
    main()
