// SPDX-License-Identifier: GPL-3.0-or-later
// The rig of names_rig.h.
#include "tests/machine/names_rig.h"

#include <elf.h>
#include <inttypes.h>
#include <string.h>

const char *rig_folder;

Rig rig_new(void **state)
{
    Rig r = {.f = *state, .tables = ROOT + PAGE_SIZE};
    r.f->config.ram_size = 128 << 20;
    fixture_boot(r.f);
    CpuConfig config = {.features = hart_features_default, .tlb_bits = 8};
    r.cpu = cpu_new(r.f->board, 0, &config);
    r.cpu->hart.satp = SATP;
    r.cpu->hart.priv = PRV_U;
    r.names = names_new(r.f->board);
    return r;
}

void rig_free(Rig *r)
{
    names_free(r->names);
    cpu_free(r->cpu);
}

void rig_map(Rig *r, uint64_t va, uint64_t pa, unsigned flags)
{
    uint64_t table = ROOT;
    for (unsigned level = 2; level > 0; level--) {
        uint64_t at = table + (va >> (12 + 9 * level) & 511) * 8, pte = fixture_ld(r->f, at, 8);
        if (!pte) {
            fixture_st(r->f, at, 8, pte = PTE(r->tables, 1));
            r->tables += PAGE_SIZE;
        }
        table = pte >> 10 << 12;
    }
    fixture_st(r->f, table + (va >> 12 & 511) * 8, 8, PTE(pa, flags));
}

void rig_map_library(Rig *r, const char *name, uint64_t va, uint64_t pa)
{
    g_autofree char *path = g_build_filename(rig_folder, name, NULL), *data = NULL;
    gsize size;
    assert_true(g_file_get_contents(path, &data, &size, NULL));
    const Elf64_Ehdr *h = (const void *)data;
    for (unsigned i = 0; i < h->e_phnum; i++) {
        const Elf64_Phdr *ph = (const Elf64_Phdr *)(const void *)(data + h->e_phoff) + i;
        if (ph->p_type != PT_LOAD)
            continue;
        uint64_t start = ph->p_vaddr & PAGE_MASK, end = ph->p_vaddr + ph->p_memsz;
        for (uint64_t page = start; page < end; page += PAGE_SIZE)
            rig_map(r, va + page, pa + page, 0x1f);
        address_space_write(board_memory(r->f->board), pa + ph->p_vaddr, MEMTXATTRS_NONE, data + ph->p_offset,
                            ph->p_filesz);
    }
}

void rig_check(Rig *r, uint64_t pc, const char *name, uint64_t offset, const char *image)
{
    Name n = names_at(r->names, r->cpu, pc, false);
    if (name) {
        if (!n.function)
            fail_msg("0x%" PRIx64 " has no name, not %s", pc, name);
        assert_string_equal(n.function, name);
        assert_int_equal(n.offset, offset);
        assert_int_equal(n.start, pc - offset);
    } else {
        assert_null(n.function);
    }
    if (image) {
        assert_non_null(n.image);
        assert_memory_equal(n.image, image, strlen(image));
    } else {
        assert_null(n.image);
    }
}

void rig_put32(GByteArray *out, uint32_t v)
{
    g_byte_array_append(out, (const uint8_t *)&v, 4);
}

void rig_align8(GByteArray *out)
{
    while (out->len % 8)
        g_byte_array_append(out, (const uint8_t *)"", 1);
}

static const char *const kernel_names[] = {"T_text", "tdo_it", "tdo_it_too", "Dvariable", "Tlast_of_all"};

const char *rig_kernel_name(unsigned i, char text[32])
{
    if (i < G_N_ELEMENTS(kernel_names))
        return kernel_names[i];
    g_snprintf(text, 32, "tfunction_%u", i);
    return text;
}

static void put_offsets(GByteArray *out, unsigned n, unsigned step)
{
    for (unsigned i = 0; i < n; i++)
        rig_put32(out, 0x1000 + step * i);
    rig_align8(out);
    uint64_t base = KERNEL;
    g_byte_array_append(out, (const uint8_t *)&base, 8);
}

// Token 1 is "function_".
GByteArray *rig_kallsyms(unsigned n, unsigned step, bool old, unsigned *at_tokens)
{
    GByteArray *out = g_byte_array_new(), *markers = g_byte_array_new(), *index = g_byte_array_new();
    char text[32];
    if (old)
        put_offsets(out, n, step);
    rig_put32(out, n);
    rig_align8(out);
    unsigned start = out->len;
    for (unsigned i = 0; i < n; i++) {
        const char *name = rig_kernel_name(i, text), *rest = name;
        if (i % 256 == 0)
            rig_put32(markers, out->len - start);
        GString *tokens = g_string_new(NULL);
        for (; *rest; rest++) {
            bool token = g_str_has_prefix(rest, "function_");
            g_string_append_c(tokens, token ? 1 : *rest);
            rest += token ? 8 : 0;
        }
        uint8_t len = (uint8_t)tokens->len;
        g_byte_array_append(out, &len, 1);
        g_byte_array_append(out, (const uint8_t *)tokens->str, len);
        g_string_free(tokens, TRUE);
    }
    rig_align8(out);
    g_byte_array_append(out, markers->data, markers->len);
    rig_align8(out);
    start = out->len;
    if (at_tokens)
        *at_tokens = start;
    for (unsigned i = 0; i < 256; i++) {
        char one[2] = {(char)(i > 32 && i < 127 ? i : 0), 0};
        const char *token = i == 1 ? "function_" : one;
        uint16_t at = (uint16_t)(out->len - start);
        g_byte_array_append(index, (const uint8_t *)&at, 2);
        g_byte_array_append(out, (const uint8_t *)token, (guint)strlen(token) + 1);
    }
    rig_align8(out);
    g_byte_array_append(out, index->data, index->len);
    rig_align8(out);
    if (!old)
        put_offsets(out, n, step);
    g_byte_array_unref(markers);
    g_byte_array_unref(index);
    return out;
}

void rig_map_kernel(Rig *r)
{
    fixture_st(r->f, ROOT + 510 * 8, 8, PTE(RAM, 0xcf));
    r->cpu->hart.priv = PRV_S;
}

void rig_put_table(Rig *r, const GByteArray *table)
{
    rig_map_kernel(r);
    address_space_write(board_memory(r->f->board), RIG_TABLE, MEMTXATTRS_NONE, table->data, table->len);
}
