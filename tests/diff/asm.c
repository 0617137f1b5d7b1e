// SPDX-License-Identifier: GPL-3.0-or-later
// Emission of instructions into the image, and the ELF file.
#include "tests/diff/asm.h"
#include <elf.h>
#include <stdio.h>
#include <string.h>

uint32_t below(Asm *a, uint32_t n)
{
    return (uint32_t)((uint64_t)random_word(&a->random) * n >> 32);
}

bool one_in(Asm *a, uint32_t n)
{
    return below(a, n) == 0;
}

static uint8_t *at(Asm *a, uint64_t addr, uint64_t len)
{
    g_assert(addr >= IMAGE_BASE && addr + len <= IMAGE_BASE + IMAGE_SIZE);
    return a->image + (addr - IMAGE_BASE);
}

void put16(Asm *a, uint16_t bits)
{
    memcpy(at(a, a->pc, 2), &bits, 2);
    a->pc += 2;
}

void put32(Asm *a, uint32_t bits)
{
    memcpy(at(a, a->pc, 4), &bits, 4);
    a->pc += 4;
}

void put64_at(Asm *a, uint64_t addr, uint64_t value)
{
    memcpy(at(a, addr, 8), &value, 8);
}

void op(Asm *a, InsnId id, unsigned rd, unsigned rs1, unsigned rs2, int64_t imm)
{
    Insn insn = {.id = (uint16_t)id, .rd = (uint8_t)rd, .rs1 = (uint8_t)rs1, .rs2 = (uint8_t)rs2, .imm = imm};
    insn.aq = one_in(a, 2);
    insn.rl = one_in(a, 2);
    put32(a, insn_encode(&insn, 0));
}

void branch_to(Asm *a, InsnId id, unsigned rs1, unsigned rs2, uint64_t target)
{
    int64_t offset = (int64_t)(target - a->pc);
    g_assert(offset >= -4096 && offset < 4096);
    op(a, id, 0, rs1, rs2, offset);
}

void jump_to(Asm *a, unsigned rd, uint64_t target)
{
    op(a, INSN_JAL, rd, 0, 0, (int64_t)(target - a->pc));
}

// The value in two parts for lui or auipc and addi.
static void split(int64_t value, int64_t *high, int64_t *low)
{
    *low = (int64_t)((uint64_t)value << 52) >> 52;
    *high = (int64_t)(int32_t)(value - *low);
}

void load_address(Asm *a, unsigned rd, uint64_t addr)
{
    int64_t high, low;
    split((int64_t)(addr - a->pc), &high, &low);
    op_i(a, INSN_AUIPC, rd, 0, high);
    op_i(a, INSN_ADDI, rd, rd, low);
}

void load_int32(Asm *a, unsigned rd, int32_t value)
{
    int64_t high, low;
    split(value, &high, &low);
    op_i(a, INSN_LUI, rd, 0, high);
    op_i(a, INSN_ADDIW, rd, rd, low);
}

void load_int64(Asm *a, unsigned rd, uint64_t value)
{
    if (value == (uint64_t)(int32_t)value) {
        load_int32(a, rd, (int32_t)value);
        return;
    }
    int64_t low = (int64_t)(value << 52) >> 52;
    load_int64(a, rd, (uint64_t)((int64_t)(value - (uint64_t)low) >> 12));
    op_i(a, INSN_SLLI, rd, rd, 12);
    op_i(a, INSN_ADDI, rd, rd, low);
}

void csr(Asm *a, InsnId id, unsigned rd, unsigned number, unsigned source)
{
    op_i(a, id, rd, source, number);
}

int64_t slot_offset(unsigned slot)
{
    g_assert(slot < SLOTS);
    return (int64_t)slot * 8 - 0x800;
}

Hole hole(Asm *a, InsnId id, unsigned rs1, unsigned rs2, bool compressed)
{
    Hole h = {a->pc, id, rs1, rs2, compressed};
    if (compressed)
        put16(a, 0);
    else
        put32(a, 0);
    return h;
}

// Bit `from` of v as bit `to`.
static uint16_t move_bit(uint64_t v, unsigned from, unsigned to)
{
    return (uint16_t)((v >> from & 1) << to);
}

// Unprivileged spec, figures of the CB and CJ formats.
static uint16_t compressed_jump(const Hole *h, uint64_t offset)
{
    static const uint8_t cb[][2] = {{8, 12}, {4, 11}, {3, 10}, {7, 6}, {6, 5}, {2, 4}, {1, 3}, {5, 2}};
    static const uint8_t cj[][2] = {{11, 12}, {4, 11}, {9, 10}, {8, 9}, {10, 8}, {6, 7},
                                    {7, 6},   {3, 5},  {2, 4},  {1, 3}, {5, 2}};
    uint16_t c;
    if (h->id == INSN_JAL) {
        c = 0xa001;
        for (unsigned i = 0; i < G_N_ELEMENTS(cj); i++)
            c |= move_bit(offset, cj[i][0], cj[i][1]);
    } else {
        c = (h->id == INSN_BEQ ? 0xc001 : 0xe001) | (uint16_t)((h->rs1 & 7) << 7);
        for (unsigned i = 0; i < G_N_ELEMENTS(cb); i++)
            c |= move_bit(offset, cb[i][0], cb[i][1]);
    }
    return c;
}

void land(Asm *a, const Hole *h)
{
    uint64_t target = a->pc;
    a->pc = h->at;
    if (h->compressed) {
        g_assert(target - h->at < 256);
        put16(a, compressed_jump(h, target - h->at));
    } else if (h->id == INSN_JAL) {
        jump_to(a, 0, target);
    } else {
        branch_to(a, h->id, h->rs1, h->rs2, target);
    }
    a->pc = target;
}

typedef struct {
    Elf64_Ehdr header;
    Elf64_Phdr segment;
    Elf64_Shdr sections[4];
    Elf64_Sym symbols[3];
    char strings[64];
} Head;

// Null, symbols, and their names; QEMU's spike board finds HTIF by the symbols tohost and fromhost.
static void describe(Head *h)
{
    static const char strings[] = "\0tohost\0fromhost\0.symtab\0.strtab\0.text";
    g_assert(sizeof strings <= sizeof h->strings);
    memcpy(h->strings, strings, sizeof strings);
    Elf64_Shdr *s = h->sections;
    s[1] = (Elf64_Shdr){.sh_name = 34, .sh_type = SHT_PROGBITS, .sh_flags = SHF_ALLOC | SHF_WRITE | SHF_EXECINSTR,
                        .sh_addr = IMAGE_BASE, .sh_offset = 4096, .sh_size = IMAGE_SIZE, .sh_addralign = 4096};
    s[2] = (Elf64_Shdr){.sh_name = 17, .sh_type = SHT_SYMTAB, .sh_offset = offsetof(Head, symbols),
                        .sh_size = sizeof h->symbols, .sh_link = 3, .sh_info = 1, .sh_addralign = 8,
                        .sh_entsize = sizeof(Elf64_Sym)};
    s[3] = (Elf64_Shdr){.sh_name = 25, .sh_type = SHT_STRTAB, .sh_offset = offsetof(Head, strings),
                        .sh_size = sizeof h->strings, .sh_addralign = 1};
    for (unsigned i = 0; i < 2; i++)
        h->symbols[i + 1] = (Elf64_Sym){.st_name = i ? 8 : 1, .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT),
                                        .st_shndx = 1, .st_value = TOHOST + 8 * i, .st_size = 8};
}

bool write_elf(const Asm *a, const char *path)
{
    Head h = {0};
    memcpy(h.header.e_ident, ELFMAG, SELFMAG);
    h.header.e_ident[EI_CLASS] = ELFCLASS64;
    h.header.e_ident[EI_DATA] = ELFDATA2LSB;
    h.header.e_ident[EI_VERSION] = EV_CURRENT;
    h.header.e_type = ET_EXEC;
    h.header.e_machine = EM_RISCV;
    h.header.e_version = EV_CURRENT;
    h.header.e_entry = IMAGE_BASE;
    h.header.e_phoff = offsetof(Head, segment);
    h.header.e_shoff = offsetof(Head, sections);
    h.header.e_flags = EF_RISCV_RVC;
    h.header.e_ehsize = sizeof h.header;
    h.header.e_phentsize = sizeof h.segment;
    h.header.e_phnum = 1;
    h.header.e_shentsize = sizeof h.sections[0];
    h.header.e_shnum = G_N_ELEMENTS(h.sections);
    h.header.e_shstrndx = 3;
    h.segment = (Elf64_Phdr){.p_type = PT_LOAD, .p_flags = PF_R | PF_W | PF_X, .p_offset = 4096,
                             .p_vaddr = IMAGE_BASE, .p_paddr = IMAGE_BASE, .p_filesz = IMAGE_SIZE,
                             .p_memsz = IMAGE_SIZE, .p_align = 4096};
    describe(&h);
    FILE *f = fopen(path, "wb");
    if (!f)
        return false;
    bool ok = fwrite(&h, sizeof h, 1, f) == 1 && !fseek(f, 4096, SEEK_SET) &&
              fwrite(a->image, IMAGE_SIZE, 1, f) == 1;
    return !fclose(f) && ok;
}
