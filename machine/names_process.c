// SPDX-License-Identifier: GPL-3.0-or-later
// What programs of the guest's processes are called: the ELF image that is mapped at a pc is found by its header in
// guest memory, below the pc. Its own .dynsym has some names (names_dynsym.c), and a file of the same build id, among
// those of --symbols, has all.
//
// Address spaces come and go, and a program may be replaced at the same addresses: what is remembered of a mapping is
// only where an image was, and holds while the bytes of header and build id are still there.
#include "machine/names_private.h"

#include "util/clock.h"
#include <elf.h>
#include <string.h>

#define BELOW_MAX  (UINT64_C(256) << 20) // how far below a pc its header is looked for
#define SEGMENTS_MAX 64
#define NOTES_MAX  4096     // bytes
#define MAPS_MAX   4096     // of all spaces
#define PROGRAMS_MAX 4096
#define AGAIN_NS   UINT64_C(500000000)

typedef struct { // an image in a space
    uint64_t space, low, high; // addresses that it takes
    uint64_t shift;
    NameProgram *program; // NULL: there is no image
    uint64_t until_ns;    // ... for so long
} Map;

static void program_free(gpointer p)
{
    name_program_free(p);
}

static bool same(const NameProgram *p, Cpu *cpu, uint64_t shift)
{
    uint8_t header[sizeof p->header], id[sizeof p->id];
    return names_read(cpu, p->header_at + shift, header, sizeof header) && !memcmp(header, p->header, sizeof header) &&
           (!p->id_size || (names_read(cpu, p->id_at + shift, id, p->id_size) && !memcmp(id, p->id, p->id_size)));
}

// The build id among the notes of a segment.
static void read_notes(NameProgram *p, Cpu *cpu, uint64_t shift, const Elf64_Phdr *ph)
{
    uint64_t size = MIN(ph->p_memsz, NOTES_MAX);
    g_autofree uint8_t *notes = g_malloc(size + 1);
    if (!names_read(cpu, ph->p_vaddr + shift, notes, size))
        return;
    for (uint64_t at = 0; at + sizeof(Elf64_Nhdr) <= size;) {
        Elf64_Nhdr n;
        memcpy(&n, notes + at, sizeof n);
        uint64_t name = at + sizeof n, desc = name + ((n.n_namesz + UINT64_C(3)) & ~UINT64_C(3));
        if (desc > size || n.n_descsz > size - desc)
            return;
        if (n.n_type == NT_GNU_BUILD_ID && n.n_namesz == 4 && !memcmp(notes + name, "GNU", 4) && n.n_descsz &&
            n.n_descsz <= sizeof p->id) {
            memcpy(p->id, notes + desc, n.n_descsz);
            p->id_size = n.n_descsz;
            g_snprintf(p->title, sizeof p->title, "build-id %02x%02x%02x%02x", p->id[0], p->id[1], p->id[2], p->id[3]);
            p->id_at = ph->p_vaddr + desc;
            return;
        }
        at = desc + ((n.n_descsz + UINT64_C(3)) & ~UINT64_C(3));
    }
}

// The image whose header is at va; *shift: where it is. NULL: there is none.
static NameProgram *read_program(Cpu *cpu, uint64_t va, uint64_t *shift)
{
    Elf64_Ehdr h;
    if (!names_read(cpu, va, &h, sizeof h) || memcmp(h.e_ident, ELFMAG, SELFMAG) ||
        h.e_ident[EI_CLASS] != ELFCLASS64 || h.e_machine != EM_RISCV || (h.e_type != ET_EXEC && h.e_type != ET_DYN) ||
        h.e_phentsize != sizeof(Elf64_Phdr) || !h.e_phnum || h.e_phnum > SEGMENTS_MAX || h.e_phoff > PAGE_SIZE)
        return NULL;
    Elf64_Phdr ph[SEGMENTS_MAX];
    if (!names_read(cpu, va + h.e_phoff, ph, h.e_phnum * sizeof *ph))
        return NULL;
    NameProgram p = {.low = UINT64_MAX};
    bool first = false; // the segment with the header is known
    for (unsigned i = 0; i < h.e_phnum; i++) {
        if (ph[i].p_type != PT_LOAD || ph[i].p_vaddr >> 62 || ph[i].p_memsz >> 62)
            continue;
        p.low = MIN(p.low, ph[i].p_vaddr & PAGE_MASK);
        p.high = MAX(p.high, ph[i].p_vaddr + ph[i].p_memsz);
        if (ph[i].p_offset < PAGE_SIZE && !first) {
            first = true;
            p.header_at = (ph[i].p_vaddr - ph[i].p_offset) & PAGE_MASK;
        }
    }
    *shift = va - p.header_at;
    if (!first || p.low >= p.high || (h.e_type == ET_EXEC && *shift))
        return NULL;
    memcpy(p.header, &h, sizeof p.header);
    for (unsigned i = 0; i < h.e_phnum; i++) {
        if (ph[i].p_type == PT_NOTE && !p.id_size)
            read_notes(&p, cpu, *shift, &ph[i]);
        else if (ph[i].p_type == PT_DYNAMIC)
            p.dynamic = ph[i].p_vaddr, p.dynamic_size = ph[i].p_memsz;
    }
    return g_memdup2(&p, sizeof p);
}

// One that is known already, if it is the same.
static NameProgram *known_program(NameProcesses *ps, const NameProgram *p)
{
    for (unsigned i = 0; i < ps->programs->len; i++) {
        NameProgram *q = ps->programs->pdata[i];
        if (q->id_size == p->id_size && q->low == p->low && q->high == p->high &&
            !memcmp(q->header, p->header, sizeof p->header) && !memcmp(q->id, p->id, p->id_size))
            return q;
    }
    return NULL;
}

// The one whose header is at va; p, or what was known already.
static NameProgram *keep_program(NameProcesses *ps, NameProgram *p)
{
    NameProgram *known = known_program(ps, p);
    if (!known && ps->programs->len < PROGRAMS_MAX) {
        g_ptr_array_add(ps->programs, p);
        return p;
    }
    g_free(p);
    return known;
}

// A stretch without images that ends at va, as was found lately; or NULL.
static Map *empty_below(NameProcesses *ps, uint64_t space, uint64_t va, uint64_t now)
{
    for (unsigned i = ps->maps->len; i--;) {
        Map *m = &g_array_index(ps->maps, Map, i);
        if (!m->program && m->space == space && m->high == va && now < m->until_ns)
            return m;
    }
    return NULL;
}

// Looks for the image of the pc in m, page by page downwards. Without one, m tells where there is none.
static void find_program(NameProcesses *ps, Cpu *cpu, uint64_t pc, Map *m)
{
    uint64_t lowest = pc > BELOW_MAX ? (pc - BELOW_MAX) & PAGE_MASK : 0, now = clock_ns(CLOCK_MONOTONIC);
    *m = (Map){.space = cpu->hart.satp, .high = (pc & PAGE_MASK) + PAGE_SIZE, .until_ns = now + AGAIN_NS};
    for (m->low = pc & PAGE_MASK;; m->low -= PAGE_SIZE) {
        uint8_t magic[SELFMAG];
        if (names_read(cpu, m->low, magic, sizeof magic) && !memcmp(magic, ELFMAG, SELFMAG)) {
            NameProgram *p = read_program(cpu, m->low, &m->shift);
            if (p && pc - m->shift - p->low < p->high - p->low) {
                m->low = p->low + m->shift;
                m->high = p->high + m->shift;
                m->program = keep_program(ps, p);
                return;
            }
            if (p) { // there is none behind it
                m->low = (p->high + m->shift + PAGE_SIZE - 1) & PAGE_MASK;
                g_free(p);
                return;
            }
        }
        Map *empty = empty_below(ps, m->space, m->low, now);
        if (empty)
            m->low = empty->low;
        if (empty || m->low <= lowest)
            return;
    }
}

void name_processes_free(NameProcesses *ps)
{
    if (ps->maps)
        g_array_free(ps->maps, TRUE);
    if (ps->programs)
        g_ptr_array_unref(ps->programs);
}

NameProgram *name_process_at(NameProcesses *ps, Cpu *cpu, uint64_t pc, uint64_t *shift)
{
    if (!ps->maps) {
        ps->maps = g_array_new(FALSE, FALSE, sizeof(Map));
        ps->programs = g_ptr_array_new_with_free_func(program_free);
    }
    uint64_t space = cpu->hart.satp, now = 0;
    for (unsigned i = ps->maps->len; i--;) { // the latest first
        Map *m = &g_array_index(ps->maps, Map, i);
        if (m->space != space || pc < m->low || pc >= m->high)
            continue;
        if (m->program ? same(m->program, cpu, m->shift) : (now = clock_ns(CLOCK_MONOTONIC)) < m->until_ns) {
            *shift = m->shift;
            return m->program;
        }
        g_array_remove_index_fast(ps->maps, i);
    }
    if (ps->maps->len >= MAPS_MAX)
        g_array_set_size(ps->maps, 0);
    Map m;
    find_program(ps, cpu, pc, &m);
    g_array_append_val(ps->maps, m);
    *shift = m.shift;
    return m.program;
}
