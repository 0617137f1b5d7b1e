#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""gdb-multiarch debugs the small Linux kernel on two harts, by the symbols of its vmlinux, from before its page tables
on; then it boots to its end. Skipped (status 77) if there is no gdb-multiarch, or the guests are not there.

usage: linux_test.py ADDEND CASES -- [options of addend]"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / 'linux'))
import linux_guest as linux  # noqa: E402
import session  # noqa: E402


def missing():
    if not session.GDB:
        return 'gdb-multiarch is not installed (tools/deps.sh --tests)'
    vmlinux = linux.folder() / 'kernel' / 'vmlinux'
    return linux.missing('small', 'tiny') or (None if vmlinux.exists() else f'there is no {vmlinux}')


def main():
    addend, cases = sys.argv[1:3]
    reason = missing()
    if reason:
        print(reason)
        return 77
    command = linux.command('addend', addend, 'small', 'tiny', ['-smp', '2', '--timeout', '800', '-S', *sys.argv[4:]])
    guest = session.Guest(*command)
    try:
        script = session.steps(cases, {'SOCKET': guest.path})
        answers = session.gdb(str(linux.folder() / 'kernel' / 'vmlinux'), [c for c, _ in script], timeout=600)
        wrong = session.compare(script, answers)
    except BaseException:
        guest.process.kill()
        raise
    if wrong:
        guest.process.kill()
    status, output = guest.end(800)
    if not wrong and (status or 'GUEST done' not in output):
        wrong = f'status {status}, and the guest said:\n{output}'
    if wrong:
        print(wrong)
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
