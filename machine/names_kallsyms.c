// SPDX-License-Identifier: GPL-3.0-or-later
// A Linux kernel's own table of symbols (kallsyms), found in guest memory.
//
// scripts/kallsyms.c of Linux writes, each on a multiple of 8 bytes:
//     num_syms      u32
//     names         for each symbol its length (one byte, or two of seven bits each), then so many token numbers
//     markers       u32: where in names each 256th symbol is
//     token_table   256 strings: what each token stands for
//     token_index   256 x u16: where in token_table each begins
//     offsets       u32 for each symbol: its address, less the base; and
//     relative_base u64: both are behind token_index since 6.4, in front of num_syms before
// The first character of a symbol's text is its kind as nm has it. The table is found by the tokens of the ten digits,
// which stand for themselves.
#include "machine/names_private.h"

#include "util/clock.h"
#include <string.h>

#define AROUND     (UINT64_C(64) << 20) // of physical memory is searched, before and behind the kernel's code
#define PART       (UINT64_C(16) << 20) // around the digits is copied
#define SYMBOLS_MAX 1000000
#define TOKENS     256
#define NAME_BYTES 512 // KSYM_NAME_LEN
#define AGAIN_NS   UINT64_C(1000000000) // after which it is looked for again; the next time after twice that, up to
#define WAIT_MAX_NS (16 * AGAIN_NS)

// Guests may lay traps. A search ends after so many
#define DIGITS_MAX 1024 // places with digits, of which what is
#define WINDOW     (UINT64_C(68) << 10) // before and behind is looked at: 64 KiB of tokens, the last one, the index
#define COPIES_MAX 8    // tables of tokens, for which
#define NAMES_MAX  (4 * SYMBOLS_MAX) // names are looked at to find their beginning
#define TABLES_MAX 64   // kernels
#define BYTES_MAX  (UINT64_C(256) << 20) // of all their tables

typedef struct {
    const uint8_t *data; // a private copy
    size_t size;
    size_t names, markers, tokens, index, offsets; // where they begin
    uint32_t n;
    uint64_t base;
    uint32_t looked_at; // names
} Table;

static uint32_t get32(const Table *t, size_t at)
{
    uint32_t v;
    memcpy(&v, t->data + at, sizeof v);
    return GUINT32_FROM_LE(v);
}

static unsigned get16(const Table *t, size_t at)
{
    return t->data[at] | t->data[at + 1] << 8;
}

static size_t round8(size_t at)
{
    return (at + 7) & ~(size_t)7;
}

static const char digits[20] = "0\0001\0002\0003\0004\0005\0006\0007\0008\0009";

// The table of tokens around its digits at `at`.
static bool find_tokens(Table *t, size_t at)
{
    size_t end = at;
    for (unsigned i = '0'; i < TOKENS; i++) {
        const uint8_t *zero = end < t->size ? memchr(t->data + end, 0, t->size - end) : NULL;
        if (!zero)
            return false;
        end = (size_t)(zero - t->data) + 1;
    }
    t->index = round8(end);
    if (t->index + 2 * TOKENS > t->size || get16(t, t->index) || get16(t, t->index + 2 * '0') > at)
        return false;
    t->tokens = at - get16(t, t->index + 2 * '0');
    if (t->tokens % 8)
        return false;
    for (unsigned i = 1; i < TOKENS; i++) { // each begins behind a zero
        unsigned before = get16(t, t->index + 2 * (i - 1)), here = get16(t, t->index + 2 * i);
        if (here <= before || t->tokens + here > end || t->data[t->tokens + here - 1])
            return false;
    }
    return true;
}

// How many bytes the name at `at` takes; 0: it is none.
static size_t name_size(const Table *t, size_t at)
{
    if (at + 2 > t->size)
        return 0;
    unsigned len = t->data[at] & 0x7f, head = 1;
    if (t->data[at] & 0x80) {
        len |= (unsigned)(t->data[at + 1] & 0x7f) << 7;
        head = 2;
    }
    return len && at + head + len <= t->size ? head + len : 0;
}

// Do names begin at t->names, n of them up to the markers, which agree?
static bool names_fit(Table *t)
{
    size_t at = t->names;
    for (uint32_t i = 0; i < t->n; i++) {
        if (i % 256 == 0 && get32(t, t->markers + i / 256 * 4) != at - t->names)
            return false;
        size_t size = name_size(t, at);
        if (!size || at + size > t->markers || t->looked_at++ >= NAMES_MAX)
            return false;
        at += size;
    }
    return t->markers - at < 8;
}

static bool find_names(Table *t)
{
    size_t at = t->tokens; // the markers descend to 0
    if (at >= 8 && !get32(t, at - 4))
        at -= 4;
    uint32_t last = at >= 4 ? get32(t, at - 4) : 0;
    size_t end = at;
    while (at >= 4 && get32(t, at - 4) && (at == end || get32(t, at - 4) < get32(t, at)))
        at -= 4;
    if (at < 4 || get32(t, at - 4))
        return false;
    t->markers = at - 4;
    size_t n_markers = (end - t->markers) / 4;
    if (t->markers % 8 || t->markers < last || n_markers > SYMBOLS_MAX / 256)
        return false;
    size_t first = t->markers - last;
    for (t->names = first & ~(size_t)7; t->names >= 8 && first - t->names < 256 * NAME_BYTES; t->names -= 8) {
        t->n = get32(t, t->names - 8);
        if (t->n > (n_markers - 1) * 256 && t->n <= n_markers * 256 && names_fit(t))
            return true;
    }
    return false;
}

// Do the offsets of all symbols begin at `at`, with the base behind them?
static bool offsets_fit(Table *t, size_t at)
{
    size_t base = round8(at + 4 * (size_t)t->n);
    if (at % 8 || base + 8 > t->size)
        return false;
    uint64_t address;
    memcpy(&address, t->data + base, sizeof address);
    t->base = GUINT64_FROM_LE(address);
    t->offsets = at;
    if (!(t->base >> 63))
        return false;
    for (uint32_t i = 1; i < t->n; i++)
        if (get32(t, at + 4 * i) < get32(t, at + 4 * (i - 1)))
            return false;
    return true;
}

static bool find_offsets(Table *t)
{
    size_t before = 8 + 8 + round8(4 * (size_t)t->n); // num_syms, the base and the offsets
    return offsets_fit(t, t->index + 2 * TOKENS) || (t->names >= before && offsets_fit(t, t->names - before));
}

// The text of the name at *at, its kind first, which moves on to the next one. names_fit has looked at it.
static void expand(const Table *t, size_t *at, char text[NAME_BYTES])
{
    size_t size = name_size(t, *at), used = 0;
    for (size_t i = t->data[*at] & 0x80 ? 2 : 1; i < size; i++) {
        const char *token = (const char *)t->data + t->tokens + get16(t, t->index + 2 * t->data[*at + i]);
        size_t len = strnlen(token, NAME_BYTES);
        if (used + len >= NAME_BYTES)
            break;
        memcpy(text + used, token, len);
        used += len;
    }
    text[used] = 0;
    *at += size;
}

// Of the table at most max bytes.
static NameTable *read_symbols(const Table *t, uint64_t max)
{
    NameTable *out = name_table_new();
    char text[NAME_BYTES];
    size_t at = t->names;
    for (uint32_t i = 0, next = 0; i < t->n && name_table_bytes(out) < max; i++) {
        uint32_t offset = get32(t, t->offsets + 4 * i), end = offset;
        while (next < t->n && (end = get32(t, t->offsets + 4 * next)) == offset)
            next++;
        expand(t, &at, text);
        if (!text[0] || !text[1] || !strchr("tTwW", text[0]) || end == offset)
            continue;
        unsigned rank = text[0] == 'T' ? 4 : 3;
        NameEntry e = {.addr = t->base + offset, .size = end - offset, .name = text + 1, .rank = rank};
        name_table_add(out, &e);
    }
    return out;
}

typedef struct {
    const uint8_t *low, *high; // host memory that may be read; low is a multiple of 8 for the guest
    unsigned digits, copies;   // so many so far
} Search;

// A private copy of what lies up to `around` bytes before and behind `at`, with its tokens; *from: where it begins.
static uint8_t *copy_around(const Search *s, const uint8_t *at, uint64_t around, Table *t, const uint8_t **from)
{
    *from = (uint64_t)(at - s->low) > around ? at - around - (at - s->low) % 8 : s->low;
    const uint8_t *to = (uint64_t)(s->high - at) > around ? at + around : s->high;
    uint8_t *copy = g_malloc((size_t)(to - *from) + 8);
    *t = (Table){.data = copy, .size = (size_t)(to - *from)};
    memcpy(copy, *from, t->size);
    return copy;
}

static bool has_tokens(const Search *s, const uint8_t *at)
{
    Table t;
    const uint8_t *from;
    uint8_t *copy = copy_around(s, at, WINDOW, &t, &from);
    bool found = find_tokens(&t, (size_t)(at - from));
    g_free(copy);
    return found;
}

// A table whose digits are at host memory `at`.
static bool table_at(NameKernel *k, Search *s, const uint8_t *at)
{
    Table t;
    const uint8_t *from;
    if (!has_tokens(s, at))
        return false;
    s->copies++;
    g_autofree uint8_t *copy = copy_around(s, at, PART, &t, &from);
    if (!find_tokens(&t, (size_t)(at - from)) || !find_names(&t) || !find_offsets(&t))
        return false;
    k->table = read_symbols(&t, BYTES_MAX - k->bytes);
    k->bytes += name_table_bytes(k->table);
    k->base = from + round8(t.offsets + 4 * (size_t)t.n);
    memcpy(&k->is, copy + (k->base - from), sizeof k->is);
    return true;
}

static void search(NameKernel *k, Cpu *cpu, uint64_t pc)
{
    uint64_t pa, len;
    const uint8_t *host = names_translate(cpu, pc, &pa) ? names_host(cpu, pa, &len) : NULL;
    if (!host)
        return;
    MemorySection s = address_space_lookup(board_cpu_memory(cpu->board, (unsigned)cpu->hart.hartid), pa);
    uint64_t before = MIN(s.before, AROUND + (pa & ~PAGE_MASK));
    Search in = {.low = host - before + (before - pa) % 8, .high = host + MIN(len, AROUND)};
    for (const uint8_t *at = in.low; in.digits < DIGITS_MAX && in.copies < COPIES_MAX; at++, in.digits++)
        if (!(at = memmem(at, (size_t)(in.high - at), digits, sizeof digits)) || table_at(k, &in, at))
            return;
}

// A machine that was reset may run another kernel, or one that has moved elsewhere.
static void forget_old(NameKernel *k)
{
    if (!k->table || !memcmp(k->base, &k->is, sizeof k->is))
        return;
    if (!k->old)
        k->old = g_ptr_array_new();
    k->bytes -= name_table_bytes(k->table);
    name_table_retire(k->table);
    k->bytes += name_table_bytes(k->table);
    g_ptr_array_add(k->old, k->table);
    k->table = NULL;
    k->changed = true;
    k->again_ns = k->wait_ns = 0;
}

bool name_kernel_changed(NameKernel *k)
{
    bool changed = k->changed;
    k->changed = false;
    return changed;
}

void name_kernel_free(NameKernel *k)
{
    for (unsigned i = 0; k->old && i < k->old->len; i++)
        name_table_free(k->old->pdata[i]);
    if (k->old)
        g_ptr_array_unref(k->old);
    name_table_free(k->table);
}

const NameEntry *name_kernel_at(NameKernel *k, Cpu *cpu, uint64_t pc)
{
    forget_old(k);
    if (!k->table && cpu) {
        bool enough = (k->old && k->old->len >= TABLES_MAX) || k->bytes >= BYTES_MAX;
        if (enough || clock_ns(CLOCK_MONOTONIC) < k->again_ns)
            return NULL;
        search(k, cpu, pc);
        k->wait_ns = k->wait_ns ? MIN(2 * k->wait_ns, WAIT_MAX_NS) : AGAIN_NS;
        k->again_ns = clock_ns(CLOCK_MONOTONIC) + k->wait_ns;
    }
    return k->table ? name_table_at(k->table, pc) : NULL;
}
