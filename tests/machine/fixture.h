// SPDX-License-Identifier: GPL-3.0-or-later
// What the board tests share: a board with recording hooks, a temporary directory, and small ELF files.
#pragma once
#include "machine/board.h"
#include "tests/test.h"

extern const char *test_data; // directory with the expected texts (argv[1])

typedef struct {
    BoardConfig config; // filled by the test before fixture_load
    Board *board;
    GError *error;
    uint64_t exit_code;
    unsigned exits, resets; // what the guest asked for
    unsigned deadlines[8]; // calls of deadline_changed for each hart
    unsigned irqs[8]; // mip bits per hart
    uint64_t now_ns;
    char *dir;        // temporary; current directory of nobody
    int input;        // write end of the console's input
    int output;       // read end of the console's output
} Fixture;

// cmocka setup and teardown; *state is the Fixture.
int fixture_setup(void **state);
int fixture_teardown(void **state);

// Builds and loads the board of config; false leaves the error. fixture_boot also asserts success.
bool fixture_load(Fixture *f);
void fixture_boot(Fixture *f);
// Expects fixture_load to fail with a message that contains part, and frees what there was.
void fixture_fails(Fixture *f, const char *part);
void fixture_reset(Fixture *f); // frees the board and the error; config stays

// A path in the temporary directory, and the same with a file written there; both live until teardown.
const char *fixture_path(Fixture *f, const char *name);
const char *fixture_file(Fixture *f, const char *name, const void *data, size_t size);
const char *fixture_blank(Fixture *f, const char *name, size_t size); // a file of size bytes 0x5a

// A device more on the board that was booted.
struct Device *fixture_add_device(Fixture *f, const struct DeviceRow *row);

// Whether a listing of memory_print_tree or memory_print_flat has this text in it.
bool fixture_listed(const char *text, void (*print)(GString *out, unsigned flags));

// Types text; the console has taken what it could.
void fixture_type(Fixture *f, const char *text);
// What the console has written so far, at most 255 bytes; NUL-terminated, static.
const char *fixture_output(Fixture *f);

uint64_t fixture_ld(Fixture *f, gpa_t addr, unsigned size);
void fixture_st(Fixture *f, gpa_t addr, unsigned size, uint64_t value);

typedef struct {
    uint64_t paddr, memsz;
    const void *data;
    uint64_t filesz;
} TestSegment;

typedef struct {
    const char *name;
    uint64_t addr, size;
} TestSymbol;

// An RV64 ELF executable. segments and symbols end with a row of memsz 0 / name NULL; symbols may be NULL.
GByteArray *fixture_elf(uint64_t entry, const TestSegment *segments, const TestSymbol *symbols);
// The same as a file; code of 16 bytes at 0x80000000 and 0x1000 bytes of bss behind it.
const char *fixture_elf_file(Fixture *f, const char *name, uint64_t addr, uint64_t entry,
                             const TestSymbol *symbols);
