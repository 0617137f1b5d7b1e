#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for addend-worker and fails as BAD_WORKER says, on each job whose number (from 1 on, in each process)
BAD_WORKER_AT divides, or whose text has BAD_WORKER_IF in it; else it does nothing but ask the real one,
BAD_WORKER_REAL, over a socket of its own: about each job apart, also where several are to be compiled together."""
import os
import signal
import socket
import struct
import subprocess
import sys
import time

REQUEST = struct.Struct('<II7BxB7xIIQQII')  # as in backend/jit_abi.h; the x is `more`
ANSWER = struct.Struct('<10IQ48x')


def receive(sock, n):
    data = b''
    while len(data) < n:
        part = sock.recv(n - len(data))
        if not part:
            sys.exit(0)
        data += part
    return data


def misbehave(how, sock):
    if how == 'abort':  # what an internal error of GCC looks like
        print('fake.c: In function region:\nfake.c:1: internal compiler error: Segmentation fault\nsubmit a bug report',
              file=sys.stderr, flush=True)
        os.abort()
    elif how == 'exit':
        sys.exit(4)
    elif how == 'hang':
        time.sleep(1000)
    elif how == 'stop':
        os.kill(os.getpid(), signal.SIGSTOP)
    elif how == 'garbage':
        sock.sendall(bytes((i * 37 + 11) % 256 for i in range(5000)))
        sys.exit(0)
    elif how == 'object':  # an answer with an object file that is none
        sock.sendall(ANSWER.pack(1, 0, 0, 0, 0, 64, 0, 0, 0, 0, 1) + b'\x7fELF' * 16)
    elif how == 'refuse':
        text = b'libgccjit: error: no space left on the device\nand a second line'
        sock.sendall(ANSWER.pack(1, 1, 0, 0, 0, len(text), 0, 0, 0, 0, 1) + text)
    elif how == 'half':
        sock.sendall(ANSWER.pack(1, 0, 1, 0, 1, 64, 0, 0, 0, 0, 1) + b'half')
        sys.exit(0)
    else:
        sys.exit(f'BAD_WORKER={how}?')


def main():
    sock = socket.socket(fileno=3)
    every = int(os.environ.get('BAD_WORKER_AT', '1'))
    for number in range(1, 1000):
        request = receive(sock, REQUEST.size)
        text = receive(sock, REQUEST.unpack(request)[0])
        request = REQUEST.pack(*REQUEST.unpack(request))
        word = os.environ.get('BAD_WORKER_IF')
        if word.encode() in text if word else number % every == 0:
            misbehave(os.environ['BAD_WORKER'], sock)
            continue
        ours, its = socket.socketpair()
        with subprocess.Popen([os.environ['BAD_WORKER_REAL'], '1', *sys.argv[2:]], pass_fds=[3],
                              preexec_fn=lambda s=its: os.dup2(s.fileno(), 3)) as real:
            its.close()
            ours.sendall(request + text)
            while part := ours.recv(65536):
                sock.sendall(part)
            real.wait()


if __name__ == '__main__':
    main()
