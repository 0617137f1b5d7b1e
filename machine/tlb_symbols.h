// SPDX-License-Identifier: GPL-3.0-or-later
// The names of code, for reports of the TLB laboratory: of loaded files, of a file, of a trace.
#pragma once
#include "lab/trace_file.h"
#include "machine/board.h"

typedef struct TlbSymbols TlbSymbols;

TlbSymbols *tlb_symbols_new(void);
void tlb_symbols_free(TlbSymbols *t);
// Functions, and the labels of assembly code. Names are copied.
void tlb_symbols_add_board(TlbSymbols *t, Board *board);
void tlb_symbols_add_trace(TlbSymbols *t, const TraceSymbol *symbols, size_t n);
// Files as of --symbols (of char *): ELF, or lines as of Linux' System.map and /proc/kallsyms. Folders are for other
// uses. False: *error names the file: unreadable, or neither of both.
bool tlb_symbols_add_files(TlbSymbols *t, const GPtrArray *specs, GError **error);
// All of them, sorted, one for each address. *n: how many. Good until the next change.
const TraceSymbol *tlb_symbols_all(TlbSymbols *t, size_t *n);
