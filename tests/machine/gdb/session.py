# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions of gdb-multiarch with addend: text cases of commands and what gdb answers.

A case file has lines "> COMMAND" with the lines that gdb prints behind them, in order, others may lie between; "!LINE"
must not be there. In lines <hex> is a hexadecimal number, <n> a decimal one, <*> anything on the line."""
import os
import re
import shutil
import subprocess
import tempfile

GDB = shutil.which('gdb-multiarch')


def steps(path, names=None):
    """[(command, [line])] of a case file; @NAME in it becomes names[NAME]."""
    found = []
    with open(path, encoding='utf-8') as f:
        for line in f:
            line = line.rstrip('\n')
            for name, value in (names or {}).items():
                line = line.replace('@' + name, value)
            if line.startswith('> '):
                found.append((line[2:], []))
            elif line and not line.startswith('#'):
                found[-1][1].append(line)
    return found


def pattern(line):
    text = re.escape(line)
    return text.replace('<hex>', '[0-9a-f]+').replace('<n>', r'\d+').replace(r'<\*>', '.*')


def gdb(elf, commands, timeout=200):
    """Runs the commands; what gdb printed for each one."""
    argv = [GDB, '-nx', '-q', '-batch', '-iex', 'set debuginfod enabled off']
    for setting in ('confirm off', 'pagination off', 'width 0', 'style enabled off', 'remotetimeout 60'):
        argv += ['-ex', 'set ' + setting]
    for i, command in enumerate(commands):
        argv += ['-ex', f'echo \\n@@{i}\\n', '-ex', command]
    argv += ['-ex', 'echo \\n@@end\\n', elf]
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True,
                          timeout=timeout, check=False, errors='replace')
    parts = re.split(r'\n@@(?:\d+|end)\n', '\n' + done.stdout)
    assert len(parts) == len(commands) + 2, done.stdout
    return parts[1:-1]


def mistake(command, wanted, answer):
    """What is wrong with an answer, or None."""
    lines, at = answer.splitlines(), 0
    for want in wanted:
        if want.startswith('!'):
            if any(re.fullmatch(pattern(want[1:]), line) for line in lines):
                return f'> {command}\n{answer}-- there should be no {want[1:]!r}'
            continue
        while at < len(lines) and not re.fullmatch(pattern(want), lines[at].rstrip()):
            at += 1
        if at == len(lines):
            return f'> {command}\n{answer}-- there is no {want!r}'
        at += 1
    return None


def compare(cases, answers):
    """All that is wrong, or an empty string."""
    found = [mistake(command, wanted, answer) for (command, wanted), answer in zip(cases, answers)]
    return '\n'.join(f for f in found if f)


class Guest:
    """A run of addend that gdb can connect to at self.path."""

    def __init__(self, addend, *options):
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, 'gdb')
        self.output = open(os.path.join(self.folder.name, 'output'), 'w+b')
        self.process = subprocess.Popen([addend, '-gdb', 'unix:' + self.path, *options], stdin=subprocess.DEVNULL,
                                        stdout=self.output, stderr=subprocess.STDOUT)
        while not os.path.exists(self.path) and self.process.poll() is None:
            pass

    def end(self, seconds=100):
        """Waits for its end: status and all output."""
        try:
            status = self.process.wait(seconds)
        finally:
            self.process.kill()
            self.process.wait()
        self.output.seek(0)
        text = self.output.read().decode(errors='replace')
        self.output.close()
        self.folder.cleanup()
        return status, text
