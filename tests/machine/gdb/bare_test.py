#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""gdb-multiarch debugs a bare-metal program on two harts; the guest then ends as it does alone. Skipped (status 77) if
there is no gdb-multiarch.

usage: bare_test.py ADDEND GUEST_ELF CASES -- [options of addend]"""
import sys

import session


def main():
    addend, elf, cases = sys.argv[1:4]
    options = sys.argv[5:]
    if not session.GDB:
        print('gdb-multiarch is not installed (tools/deps.sh --tests)')
        return 77
    guest = session.Guest(addend, '-m', '128', '-smp', '2', '--timeout', '150', '-S', *options, elf)
    try:
        script = session.steps(cases, {'SOCKET': guest.path})
        answers = session.gdb(elf, [command for command, _ in script])
        wrong = session.compare(script, answers)
    except BaseException:
        guest.process.kill()
        raise
    if wrong:
        guest.process.kill()
    status, output = guest.end()
    if wrong:
        print(wrong)
    elif (status, output) != (42, 'sum 199990000 cell 20002\n'):
        wrong = True
        print(f'the guest ended with status {status} and said {output!r}')
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
