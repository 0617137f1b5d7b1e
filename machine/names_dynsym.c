// SPDX-License-Identifier: GPL-3.0-or-later
// The dynamic symbols of a program that is mapped in a process, as far as their pages are there.
#include "machine/names_private.h"

#include "util/clock.h"
#include <elf.h>
#include <string.h>

#define SYMBOLS_MAX 262144
#define TEXT_MAX    (UINT64_C(16) << 20)
#define DYNAMIC_MAX 1024 // entries
#define LENGTH_MAX  4096 // bytes; what is longer is no name
#define TABLE_MAX   (UINT64_C(48) << 20)  // bytes of a program's table
#define TABLES_MAX  (UINT64_C(256) << 20) // ... of those of all programs
#define READS_MAX   8    // of a program of which pages are missing
#define AGAIN_NS    UINT64_C(1000000000)

typedef struct {
    Cpu *cpu;
    const NameProgram *p;
    uint64_t shift;
    bool holes; // a page was not there
    uint64_t symtab, strtab, strsz, hash, gnu_hash, soname;
} Dynamic;

// What is there of len bytes at a link address; 0 in place of the rest.
static uint8_t *read_some(Dynamic *d, uint64_t at, uint64_t len)
{
    uint8_t *out = g_malloc0(len + 1);
    for (uint64_t done = 0, part; done < len; done += part) {
        uint64_t va = at + d->shift + done;
        part = MIN(len - done, PAGE_SIZE - (va & ~PAGE_MASK));
        d->holes |= !names_read(d->cpu, va, out + done, part);
    }
    return out;
}

// The dynamic linker may have put addresses in place of link addresses.
static uint64_t link_address(const Dynamic *d, uint64_t value)
{
    bool moved = d->shift && value - d->shift >= d->p->low && value - d->shift < d->p->high;
    return moved ? value - d->shift : value;
}

static void read_dynamic(Dynamic *d)
{
    uint64_t n = MIN(d->p->dynamic_size / sizeof(Elf64_Dyn), DYNAMIC_MAX);
    g_autofree uint8_t *bytes = read_some(d, d->p->dynamic, n * sizeof(Elf64_Dyn));
    for (uint64_t i = 0; i < n; i++) {
        Elf64_Dyn e;
        memcpy(&e, bytes + i * sizeof e, sizeof e);
        switch (e.d_tag) {
        case DT_NULL: return;
        case DT_SYMTAB: d->symtab = link_address(d, e.d_un.d_ptr); break;
        case DT_STRTAB: d->strtab = link_address(d, e.d_un.d_ptr); break;
        case DT_HASH: d->hash = link_address(d, e.d_un.d_ptr); break;
        case DT_GNU_HASH: d->gnu_hash = link_address(d, e.d_un.d_ptr); break;
        case DT_STRSZ: d->strsz = e.d_un.d_val; break;
        case DT_SONAME: d->soname = e.d_un.d_val; break;
        }
    }
}

static uint32_t get32(const uint8_t *bytes, uint64_t i)
{
    uint32_t v;
    memcpy(&v, bytes + 4 * i, sizeof v);
    return v;
}

// The last symbol is the end of the last chain.
static uint64_t count_by_gnu_hash(Dynamic *d)
{
    g_autofree uint8_t *head = read_some(d, d->gnu_hash, 16);
    uint32_t n_buckets = get32(head, 0), first = get32(head, 1), n_words = get32(head, 2), last = 0;
    if (n_buckets > SYMBOLS_MAX || n_words > SYMBOLS_MAX || first > SYMBOLS_MAX)
        return 0;
    uint64_t at = d->gnu_hash + 16 + 8 * (uint64_t)n_words;
    g_autofree uint8_t *buckets = read_some(d, at, 4 * (uint64_t)n_buckets);
    for (uint32_t i = 0; i < n_buckets; i++)
        last = MAX(last, get32(buckets, i));
    if (last < first)
        return first;
    for (at += 4 * (uint64_t)n_buckets; last < SYMBOLS_MAX; last++) {
        uint32_t link;
        if (!names_read(d->cpu, at + 4 * (uint64_t)(last - first) + d->shift, &link, 4))
            d->holes = true, link = 1;
        if (link & 1)
            break;
    }
    return (uint64_t)last + 1;
}

static uint64_t count(Dynamic *d)
{
    uint64_t n = 0;
    if (d->hash) {
        g_autofree uint8_t *head = read_some(d, d->hash, 8);
        n = get32(head, 1);
    } else if (d->gnu_hash) {
        n = count_by_gnu_hash(d);
    }
    if (d->strtab > d->symtab) // it lies behind the symbols
        n = MAX(n, MIN((d->strtab - d->symtab) / sizeof(Elf64_Sym), d->hash ? n : SYMBOLS_MAX));
    return MIN(n, SYMBOLS_MAX);
}

// Of the table at most max bytes.
static void read_symbols(NameTable *table, Dynamic *d, uint64_t max)
{
    uint64_t n = count(d), size = MIN(d->strsz, TEXT_MAX);
    g_autofree uint8_t *symbols = read_some(d, d->symtab, n * sizeof(Elf64_Sym));
    g_autofree char *text = (char *)read_some(d, d->strtab, size);
    for (uint64_t i = 1; i < n && name_table_bytes(table) < max; i++) {
        Elf64_Sym s;
        memcpy(&s, symbols + i * sizeof s, sizeof s);
        unsigned type = ELF64_ST_TYPE(s.st_info);
        if ((type != STT_FUNC && type != STT_GNU_IFUNC) || !s.st_shndx || s.st_name >= size || !text[s.st_name] ||
            strnlen(text + s.st_name, LENGTH_MAX) == LENGTH_MAX)
            continue;
        NameEntry e = {s.st_value, s.st_size, 0, text + s.st_name, ELF64_ST_BIND(s.st_info) == STB_GLOBAL ? 4 : 3};
        name_table_add(table, &e);
    }
}

void name_program_free(NameProgram *p)
{
    for (unsigned i = 0; p->old && i < p->old->len; i++)
        name_table_free(p->old->pdata[i]);
    if (p->old)
        g_ptr_array_unref(p->old);
    name_table_free(p->table);
    g_free(p->soname);
    g_free(p);
}

// The table that a program has from now on.
static void set_table(NameProcesses *ps, NameProgram *p, NameTable *table)
{
    if (p->table) {
        ps->bytes -= name_table_bytes(p->table);
        name_table_retire(p->table);
        ps->bytes += name_table_bytes(p->table);
        if (!p->old)
            p->old = g_ptr_array_new();
        g_ptr_array_add(p->old, p->table);
    }
    p->table = table;
    ps->bytes += name_table_bytes(table);
}

const NameEntry *name_program_at(NameProcesses *ps, NameProgram *p, Cpu *cpu, uint64_t shift, uint64_t addr)
{
    const NameEntry *e = p->table ? name_table_at(p->table, addr) : NULL;
    if (e || !p->dynamic_size || (p->table && !p->holes) || p->reads >= READS_MAX ||
        ps->bytes >= TABLES_MAX || clock_ns(CLOCK_MONOTONIC) < p->again_ns)
        return e;
    Dynamic d = {.cpu = cpu, .p = p, .shift = shift};
    read_dynamic(&d);
    NameTable *table = name_table_new();
    if (d.symtab && d.strtab)
        read_symbols(table, &d, MIN(TABLE_MAX, TABLES_MAX - ps->bytes));
    if (d.soname && d.soname < d.strsz && !p->soname) {
        g_autofree char *text = (char *)read_some(&d, d.strtab + d.soname, MIN(d.strsz - d.soname, 256));
        if (*text)
            p->soname = g_path_get_basename(text);
    }
    set_table(ps, p, table);
    p->reads++;
    p->holes = d.holes;
    p->again_ns = clock_ns(CLOCK_MONOTONIC) + AGAIN_NS;
    return name_table_at(p->table, addr);
}
