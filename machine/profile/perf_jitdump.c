// SPDX-License-Identifier: GPL-3.0-or-later
// perf's jitdump (tools/perf/Documentation/jitdump-specification.txt of Linux): compiled code with its bytes and source
// lines, for perf inject --jit. Lines are those of the guest's sources where they are known, else of a listing of guest
// instructions beside the dump, jit-PID.s.
#include "machine/profile/perf_private.h"

#include "backend/inspect.h"
#include "frontend/disas.h"
#include "util/clock.h"
#include <elf.h>
#include <errno.h>
#include <gio/gio.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAGIC   0x4a695444
#define VERSION 1
#define GAP_MAX 64            // bytes between code that lies together
#define STRETCH_MAX (1 << 20) // bytes

enum { CODE_LOAD = 0, CODE_DEBUG_INFO = 2, CODE_CLOSE = 3 };

typedef struct {
    uint32_t magic, version, total_size, elf_mach, pad, pid;
    uint64_t timestamp, flags;
} FileHeader;

typedef struct {
    uint32_t id, total_size;
    uint64_t timestamp;
} RecordHeader;

typedef struct {
    RecordHeader h;
    uint32_t pid, tid;
    uint64_t vma, code_addr, code_size, code_index; // then the name, then the code
} LoadRecord;

typedef struct {
    RecordHeader h;
    uint64_t code_addr, nr_entry; // then entries
} DebugRecord;

typedef struct {
    uint64_t addr;
    uint32_t line, discriminator; // then the file's name
} DebugEntry;

typedef struct { // code of one function that lies together, not written yet
    uintptr_t addr;
    uint64_t time; // of the first
    char *name;
    const char *function; // as Name has it; NULL: not known
    bool unit_is_region;
    GByteArray *bytes;   // the code; NULL: nothing is there
    GByteArray *entries; // DebugEntry and name, n_entries
    uint64_t n_entries;
} Stretch;

struct JitDump {
    Stretch stretch[2]; // hot, cold
    FILE *f, *listing;
    char *path, *listing_path;
    unsigned line; // of the listing: the last one
    uint64_t index;
    void *marker;
};

static void put(JitDump *d, const void *bytes, size_t n)
{
    fwrite(bytes, 1, n, d->f);
}

// perf record notices the file by its being mapped executable.
static bool map_marker(JitDump *d, GError **error)
{
    d->marker = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_EXEC, MAP_PRIVATE, fileno(d->f), 0);
    if (d->marker != MAP_FAILED)
        return true;
    g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "-jitdump: %s: cannot be mapped: %s", d->path,
                g_strerror(errno));
    d->marker = NULL;
    return false;
}

JitDump *jitdump_open(GError **error)
{
    JitDump *d = g_new0(JitDump, 1);
    g_autofree char *folder = g_get_current_dir();
    d->path = g_strdup_printf("%s/jit-%d.dump", folder, (int)getpid());
    d->listing_path = g_strdup_printf("%s/jit-%d.s", folder, (int)getpid());
    FileHeader h = {MAGIC, VERSION, sizeof h, EM_X86_64, 0, (uint32_t)getpid(), clock_ns(CLOCK_MONOTONIC), 0};
    if (!(d->f = perf_new_file("-jitdump", d->path, error)) ||
        !(d->listing = perf_new_file("-jitdump", d->listing_path, error)) ||
        (put(d, &h, sizeof h), false) || !map_marker(d, error)) {
        jitdump_close(d, NULL);
        return NULL;
    }
    return d;
}

// A line of the listing for the instruction at pc; its number.
static unsigned list_insn(JitDump *d, const PerfCode *code, uint64_t pc)
{
    uint32_t bits = 0;
    char text[128] = "(not mapped any more)";
    if (cpu_memory_rw_debug(code->cpu, pc, &bits, 4, false) || cpu_memory_rw_debug(code->cpu, pc, &bits, 2, false))
        disas_line(text, sizeof text, pc, bits);
    fprintf(d->listing, "%s\n", text);
    return ++d->line;
}

static void add_entry(JitDump *d, const PerfCode *code, Stretch *s, uint64_t addr, uint64_t pc)
{
    Name n = names_at(code->names, code->cpu, pc, true);
    const char *file = n.file ? n.file : d->listing_path;
    DebugEntry e = {addr, n.file ? n.line : list_insn(d, code, pc), 0};
    g_byte_array_append(s->entries, (const uint8_t *)&e, sizeof e);
    g_byte_array_append(s->entries, (const uint8_t *)file, (guint)strlen(file) + 1);
    s->n_entries++;
}

static void put_debug(JitDump *d, const Stretch *s)
{
    DebugRecord r = {{CODE_DEBUG_INFO, (uint32_t)(sizeof r + s->entries->len), s->time}, s->addr, s->n_entries};
    put(d, &r, sizeof r);
    put(d, s->entries->data, s->entries->len);
}

static void put_code(JitDump *d, const Stretch *s)
{
    size_t len = strlen(s->name) + 1, size = s->bytes->len;
    LoadRecord r = {
        .h = {CODE_LOAD, (uint32_t)(sizeof r + len + size), s->time},
        .pid = (uint32_t)getpid(),
        .tid = (uint32_t)syscall(SYS_gettid),
        .vma = s->addr,
        .code_addr = s->addr,
        .code_size = size,
        .code_index = d->index++,
    };
    put(d, &r, sizeof r);
    put(d, s->name, len);
    put(d, s->bytes->data, size);
}

// --- stretches -----------------------------------------------------------------------------------------------------

static void stretch_clear(Stretch *s)
{
    g_clear_pointer(&s->name, g_free);
    g_clear_pointer(&s->bytes, g_byte_array_unref);
    g_clear_pointer(&s->entries, g_byte_array_unref);
    *s = (Stretch){0};
}

static void stretch_write(JitDump *d, Stretch *s)
{
    if (s->n_entries)
        put_debug(d, s);
    if (s->bytes)
        put_code(d, s);
    stretch_clear(s);
}

// Whether the code belongs to the function that s is of, and lies right behind it but for what aligns it.
static bool joins(const Stretch *s, const PerfCode *code, const uint8_t *at)
{
    uintptr_t end = s->addr + (s->bytes ? s->bytes->len : 0);
    return s->bytes && s->function && code->function == s->function && !s->unit_is_region && code->unit->block &&
           (uintptr_t)at >= end && (uintptr_t)at - end < GAP_MAX && s->bytes->len < STRETCH_MAX;
}

static void stretch_begin(Stretch *s, const PerfCode *code, const uint8_t *at)
{
    *s = (Stretch){
        .addr = (uintptr_t)at,
        .time = clock_ns(CLOCK_MONOTONIC),
        .name = g_strdup(code->name),
        .function = code->function,
        .unit_is_region = !code->unit->block,
        .bytes = g_byte_array_new(),
        .entries = g_byte_array_new(),
    };
}

// One part of a unit: its lines and its code. perf inject makes a file of each stretch: what belongs together is one.
static void add_part(JitDump *d, const PerfCode *code, const GArray *lines, bool cold)
{
    static const uint8_t gap[GAP_MAX];
    const uint8_t *bytes = cold ? code->unit->cold : code->unit->text;
    size_t size = cold ? code->unit->cold_size : code->unit->code_size;
    Stretch *s = &d->stretch[cold];
    uint64_t last = UINT64_MAX;
    if (!size)
        return;
    if (joins(s, code, bytes)) {
        g_byte_array_append(s->bytes, gap, (guint)((uintptr_t)bytes - s->addr - s->bytes->len));
        if (strcmp(s->name, code->common_name)) {
            g_free(s->name);
            s->name = g_strdup(code->common_name);
        }
    } else {
        stretch_write(d, s);
        stretch_begin(s, code, bytes);
    }
    for (unsigned i = 0; i < lines->len; i++) {
        const UnitLine *l = &g_array_index(lines, UnitLine, i);
        if (l->cold == cold && !l->none && l->host < size && l->pc != last)
            add_entry(d, code, s, (uintptr_t)bytes + l->host, last = l->pc);
    }
    g_byte_array_append(s->bytes, bytes, (guint)size);
}

void jitdump_add(JitDump *d, const PerfCode *code)
{
    g_autoptr(GArray) lines = unit_lines(code->unit);
    fprintf(d->listing, "# %s\n", code->name);
    d->line++;
    add_part(d, code, lines, false);
    add_part(d, code, lines, true);
}

bool jitdump_close(JitDump *d, GError **error)
{
    RecordHeader h = {CODE_CLOSE, sizeof h, clock_ns(CLOCK_MONOTONIC)};
    bool lost = false;
    if (d->f) {
        stretch_write(d, &d->stretch[0]);
        stretch_write(d, &d->stretch[1]);
        put(d, &h, sizeof h);
        lost = ferror(d->f) | fclose(d->f);
    }
    if (d->listing)
        lost |= ferror(d->listing) | fclose(d->listing);
    if (lost)
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "-jitdump: %s could not be written to its end", d->path);
    if (d->marker)
        munmap(d->marker, (size_t)sysconf(_SC_PAGESIZE));
    g_free(d->path);
    g_free(d->listing_path);
    g_free(d);
    return !lost;
}
