// SPDX-License-Identifier: GPL-3.0-or-later
// What compiled code depends on, as a digest.
#include "backend/region_file.h"

#include <cpuid.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <string.h>
#include <unistd.h>

// What the digest below covers of a block. What is added to these structures goes into it, unless it only says what to
// make fast.
_Static_assert(sizeof(IrInst) == 16 && sizeof(IrEdge) == 16 && sizeof(IrBlock) == 96 && sizeof(IrCode) == 24,
               "the key covers all of a region's IR");
_Static_assert(sizeof(JitRequest) == 56, "the key covers all of a request, but for what only tools and tests set");

static void add(GChecksum *c, const void *bytes, size_t size)
{
    g_checksum_update(c, bytes, (gssize)size);
}

static void finish(GChecksum *c, RegionKey *out)
{
    gsize n = sizeof out->bytes;
    g_checksum_get_digest(c, out->bytes, &n);
    g_checksum_free(c);
}

// The build id that the linker gave the file.
static bool add_build_id(GChecksum *c, Elf *elf)
{
    for (Elf_Scn *s = NULL; (s = elf_nextscn(elf, s));) {
        GElf_Shdr h;
        GElf_Nhdr note;
        size_t name, desc;
        if (!gelf_getshdr(s, &h) || h.sh_type != SHT_NOTE)
            continue;
        Elf_Data *d = elf_getdata(s, NULL);
        for (size_t at = 0; d && (at = gelf_getnote(d, at, &note, &name, &desc));) {
            if (note.n_type != NT_GNU_BUILD_ID || !note.n_descsz)
                continue;
            add(c, (const char *)d->d_buf + desc, note.n_descsz);
            return true;
        }
    }
    return false;
}

// What tells this file from another build of it.
static void add_file(GChecksum *c, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    elf_version(EV_CURRENT);
    Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
    bool found = elf && elf_kind(elf) == ELF_K_ELF && add_build_id(c, elf);
    if (elf)
        elf_end(elf);
    close(fd);
    g_autofree char *bytes = NULL;
    gsize size;
    if (!found && g_file_get_contents(path, &bytes, &size, NULL))
        add(c, bytes, size);
}

// The features that the processor and the operating system offer. Other bits of these leaves would say which core this
// is.
static void add_processor(GChecksum *c)
{
    unsigned r[4], features[6] = {0};
    if (__get_cpuid(1, &r[0], &r[1], &r[2], &r[3])) {
        features[0] = r[2];
        features[1] = r[3];
    }
    if (__get_cpuid_count(7, 0, &r[0], &r[1], &r[2], &r[3])) {
        features[2] = r[1];
        features[3] = r[2];
    }
    if (__get_cpuid(0x80000001, &r[0], &r[1], &r[2], &r[3])) {
        features[4] = r[2];
        features[5] = r[3];
    }
    add(c, features, sizeof features);
}

void region_key_surroundings(RegionKey *out, const JitRequest *rq, const char *worker_path)
{
    GChecksum *c = g_checksum_new(G_CHECKSUM_SHA256);
    add_file(c, "/proc/self/exe");
    add_file(c, worker_path);
    add_file(c, ADDEND_LIBGCCJIT);
    add_processor(c);
    uint32_t options[] = {rq->opt, rq->stats, rq->shared, rq->n_helpers};
    add(c, options, sizeof options);
    finish(c, out);
}

static uint64_t base_in_key(uint64_t pc, bool movable)
{
    return movable ? pc & ~PAGE_MASK : pc;
}

void region_key(RegionKey *out, const RegionKey *surroundings, const IrCode *code, bool movable, bool linear)
{
    GChecksum *c = g_checksum_new(G_CHECKSUM_SHA256);
    uint64_t head[] = {base_in_key(code->base, movable), code->n_blocks, movable, linear};
    add(c, surroundings, sizeof *surroundings);
    add(c, head, sizeof head);
    for (unsigned i = 0; i < code->n_blocks; i++) {
        const IrBlock *b = code->blocks[i];
        int64_t fixed[] = {b->pc, b->n_insns, b->is_entry, b->n_ops, b->edge[0].block, b->edge[0].pc,
                           b->edge[1].block, b->edge[1].pc, b->n_guess};
        add(c, fixed, sizeof fixed);
        add(c, b->ops, b->n_ops * sizeof *b->ops);
        for (unsigned k = 0; k < b->n_guess; k++) {
            int64_t guess[] = {b->guess[k].block, b->guess[k].pc};
            add(c, guess, sizeof guess);
        }
    }
    finish(c, out);
}

uint64_t region_head(const RegionKey *surroundings, uint64_t pc, const void *bytes, size_t size, bool movable)
{
    uint64_t h;
    memcpy(&h, surroundings->bytes, sizeof h);
    h ^= (base_in_key(pc, movable) + movable) * UINT64_C(0x9e3779b97f4a7c15); // a pc is even
    for (const uint8_t *p = bytes, *end = p + size; p < end;) {
        uint64_t word = 0;
        size_t n = MIN((size_t)(end - p), sizeof word);
        memcpy(&word, p, n);
        h = (h ^ word ^ n) * UINT64_C(0xff51afd7ed558ccd);
        h ^= h >> 32;
        p += n;
    }
    return h * UINT64_C(0xc4ceb9fe1a85ec53) ^ h >> 29;
}
