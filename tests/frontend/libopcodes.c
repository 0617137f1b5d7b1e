// SPDX-License-Identifier: GPL-3.0-or-later
// libopcodes 2.40 chooses extensions by the ELF attributes of an object; without one it takes rv64gc. So a
// minimal object that has nothing but its .riscv.attributes section is put together here in memory and
// opened through bfd.
#define PACKAGE "addend" // bfd.h wants a config.h
#include "tests/frontend/libopcodes.h"
#include <bfd.h>
#include <dis-asm.h>
#include <elf.h>
#include <glib.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ARCH                                                                                                           \
    "rv64i2p1_m2p0_a2p1_f2p2_d2p2_c2p0_zicbom1p0_zicboz1p0_zicsr2p0_zifencei2p0" \
    "_zawrs1p0_zba1p0_zbb1p0_zbs1p0_svinval1p0"
#define TAG_FILE 1
#define TAG_RISCV_ARCH 5
#define SECTION_NAMES "\0.riscv.attributes\0.shstrtab"

typedef struct {
    Elf64_Ehdr header;
    Elf64_Shdr sections[3]; // none, attributes, names
    char names[sizeof SECTION_NAMES];
    struct __attribute__((packed)) { // psABI, "Attributes"
        char version;
        uint32_t length;
        char vendor[sizeof "riscv"];
        char file_tag;
        uint32_t file_length;
        char arch_tag;
        char arch[sizeof ARCH];
    } attributes;
} Object;

struct LibOpcodes {
    Object object;
    bfd *bfd;
    disassemble_info info;
    disassembler_ftype print;
    uint8_t bytes[4];
    char text[256];
    size_t text_len;
};

static void build_object(Object *o)
{
    memcpy(o->header.e_ident, ELFMAG, SELFMAG);
    o->header.e_ident[EI_CLASS] = ELFCLASS64;
    o->header.e_ident[EI_DATA] = ELFDATA2LSB;
    o->header.e_ident[EI_VERSION] = EV_CURRENT;
    o->header.e_type = ET_REL;
    o->header.e_machine = EM_RISCV;
    o->header.e_version = EV_CURRENT;
    o->header.e_ehsize = sizeof o->header;
    o->header.e_shoff = offsetof(Object, sections);
    o->header.e_shentsize = sizeof(Elf64_Shdr);
    o->header.e_shnum = 3;
    o->header.e_shstrndx = 2;

    memcpy(o->names, SECTION_NAMES, sizeof SECTION_NAMES);
    o->sections[1].sh_name = 1;
    o->sections[1].sh_type = 0x70000003; // SHT_RISCV_ATTRIBUTES
    o->sections[1].sh_offset = offsetof(Object, attributes);
    o->sections[1].sh_size = sizeof o->attributes;
    o->sections[1].sh_addralign = 1;
    o->sections[2].sh_name = 1 + sizeof ".riscv.attributes";
    o->sections[2].sh_type = SHT_STRTAB;
    o->sections[2].sh_offset = offsetof(Object, names);
    o->sections[2].sh_size = sizeof o->names;
    o->sections[2].sh_addralign = 1;

    o->attributes.version = 'A';
    o->attributes.length = sizeof o->attributes - 1;
    strcpy(o->attributes.vendor, "riscv");
    o->attributes.file_tag = TAG_FILE;
    o->attributes.file_length = sizeof o->attributes - offsetof(__typeof__(o->attributes), file_tag);
    o->attributes.arch_tag = TAG_RISCV_ARCH;
    strcpy(o->attributes.arch, ARCH);
}

static void *object_open(bfd *abfd, void *object)
{
    (void)abfd;
    return object;
}

static file_ptr object_read(bfd *abfd, void *object, void *buf, file_ptr n, file_ptr offset)
{
    (void)abfd;
    if (offset >= (file_ptr)sizeof(Object))
        return 0;
    n = MIN(n, (file_ptr)sizeof(Object) - offset);
    memcpy(buf, (char *)object + offset, (size_t)n);
    return n;
}

static int object_stat(bfd *abfd, void *object, struct stat *st)
{
    (void)abfd;
    (void)object;
    memset(st, 0, sizeof *st);
    st->st_size = sizeof(Object);
    return 0;
}

static int append(LibOpcodes *lo, const char *format, va_list args)
{
    int n = vsnprintf(lo->text + lo->text_len, sizeof lo->text - lo->text_len, format, args);

    g_assert(n >= 0 && lo->text_len + (size_t)n < sizeof lo->text);
    lo->text_len += (size_t)n;
    return n;
}

G_GNUC_PRINTF(2, 3)
static int print_plain(void *lo, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int n = append(lo, format, args);
    va_end(args);
    return n;
}

G_GNUC_PRINTF(3, 4)
static int print_styled(void *lo, enum disassembler_style style, const char *format, ...)
{
    va_list args;

    (void)style;
    va_start(args, format);
    int n = append(lo, format, args);
    va_end(args);
    return n;
}

static void print_address(bfd_vma address, disassemble_info *info)
{
    print_plain(info->stream, "0x%lx", (unsigned long)address);
}

LibOpcodes *libopcodes_new(const char *options)
{
    LibOpcodes *lo = g_new0(LibOpcodes, 1);

    build_object(&lo->object);
    bfd_init();
    lo->bfd = bfd_openr_iovec("attributes", "elf64-littleriscv", object_open, &lo->object, object_read, NULL,
                              object_stat);
    g_assert(lo->bfd && bfd_check_format(lo->bfd, bfd_object));
    init_disassemble_info(&lo->info, lo, print_plain, print_styled);
    lo->info.arch = bfd_arch_riscv;
    lo->info.mach = bfd_mach_riscv64;
    lo->info.disassembler_options = options;
    lo->info.print_address_func = print_address;
    lo->info.buffer = lo->bytes;
    lo->info.buffer_length = sizeof lo->bytes;
    lo->print = disassembler(bfd_arch_riscv, false, bfd_mach_riscv64, lo->bfd);
    g_assert(lo->print);
    disassemble_init_for_target(&lo->info);
    return lo;
}

void libopcodes_free(LibOpcodes *lo)
{
    disassemble_free_target(&lo->info);
    bfd_close(lo->bfd);
    g_free(lo);
}

const char *libopcodes_text(LibOpcodes *lo, uint64_t pc, uint32_t bits, unsigned *len)
{
    char *remark;

    for (unsigned i = 0; i < 4; i++)
        lo->bytes[i] = (uint8_t)(bits >> 8 * i);
    lo->info.buffer_vma = pc;
    lo->text_len = 0;
    lo->text[0] = '\0';
    int n = lo->print(pc, &lo->info);
    g_assert(n == 2 || n == 4);
    *len = (unsigned)n;
    remark = strstr(lo->text, " # ");
    if (remark)
        *remark = '\0';
    return lo->text;
}
