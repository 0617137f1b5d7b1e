// SPDX-License-Identifier: GPL-3.0-or-later
// expand_compressed() against words of GNU as, and the reserved encodings of RV64C.
#include "tests/test.h"
#include "frontend/decode.h"
#include <glib.h>

static const struct {
    uint16_t bits;
    uint32_t expansion;
    const char *text, *expansion_text;
} cases[] = {
    { 0x0040, 0x00410413, "c.addi4spn s0,sp,4", "addi s0,sp,4" },
    { 0x1ffc, 0x3fc10793, "c.addi4spn a5,sp,1020", "addi a5,sp,1020" },
    { 0x0aa8, 0x15810513, "c.addi4spn a0,sp,344", "addi a0,sp,344" },
    { 0x4380, 0x0007a403, "c.lw s0,0(a5)", "lw s0,0(a5)" },
    { 0x5cf8, 0x07c4a703, "c.lw a4,124(s1)", "lw a4,124(s1)" },
    { 0x40f8, 0x0444a703, "c.lw a4,68(s1)", "lw a4,68(s1)" },
    { 0x7ef0, 0x0f86b603, "c.ld a2,248(a3)", "ld a2,248(a3)" },
    { 0x66b0, 0x0486b603, "c.ld a2,72(a3)", "ld a2,72(a3)" },
    { 0xdef0, 0x06c6ae23, "c.sw a2,124(a3)", "sw a2,124(a3)" },
    { 0xd690, 0x02c6a423, "c.sw a2,40(a3)", "sw a2,40(a3)" },
    { 0xfc64, 0x0e943c23, "c.sd s1,248(s0)", "sd s1,248(s0)" },
    { 0xe024, 0x04943023, "c.sd s1,64(s0)", "sd s1,64(s0)" },
    { 0x35c8, 0x0a85b507, "c.fld fa0,168(a1)", "fld fa0,168(a1)" },
    { 0xa9a4, 0x0495b827, "c.fsd fs1,80(a1)", "fsd fs1,80(a1)" },
    { 0x1501, 0xfe050513, "c.addi a0,-32", "addi a0,a0,-32" },
    { 0x0ffd, 0x01ff8f93, "c.addi t6,31", "addi t6,t6,31" },
    { 0x357d, 0xfff5051b, "c.addiw a0,-1", "addiw a0,a0,-1" },
    { 0x2081, 0x0000809b, "c.addiw ra,0", "addiw ra,ra,0" },
    { 0x5501, 0xfe000513, "c.li a0,-32", "addi a0,zero,-32" },
    { 0x4dfd, 0x01f00d93, "c.li s11,31", "addi s11,zero,31" },
    { 0x7101, 0xe0010113, "c.addi16sp sp,-512", "addi sp,sp,-512" },
    { 0x617d, 0x1f010113, "c.addi16sp sp,496", "addi sp,sp,496" },
    { 0x6105, 0x02010113, "c.addi16sp sp,32", "addi sp,sp,32" },
    { 0x6121, 0x04010113, "c.addi16sp sp,64", "addi sp,sp,64" },
    { 0x6109, 0x08010113, "c.addi16sp sp,128", "addi sp,sp,128" },
    { 0x657d, 0x0001f537, "c.lui a0,0x1f", "lui a0,0x1f" },
    { 0x7081, 0xfffe00b7, "c.lui ra,0xfffe0", "lui ra,0xfffe0" },
    { 0x907d, 0x03f45413, "c.srli s0,0x3f", "srli s0,s0,0x3f" },
    { 0x8385, 0x0017d793, "c.srli a5,0x1", "srli a5,a5,0x1" },
    { 0x9401, 0x42045413, "c.srai s0,0x20", "srai s0,s0,0x20" },
    { 0x87fd, 0x41f7d793, "c.srai a5,0x1f", "srai a5,a5,0x1f" },
    { 0x9901, 0xfe057513, "c.andi a0,-32", "andi a0,a0,-32" },
    { 0x8afd, 0x01f6f693, "c.andi a3,31", "andi a3,a3,31" },
    { 0x8c1d, 0x40f40433, "c.sub s0,a5", "sub s0,s0,a5" },
    { 0x8cb9, 0x00e4c4b3, "c.xor s1,a4", "xor s1,s1,a4" },
    { 0x8d55, 0x00d56533, "c.or a0,a3", "or a0,a0,a3" },
    { 0x8df1, 0x00c5f5b3, "c.and a1,a2", "and a1,a1,a2" },
    { 0x9e0d, 0x40b6063b, "c.subw a2,a1", "subw a2,a2,a1" },
    { 0x9ea9, 0x00a686bb, "c.addw a3,a0", "addw a3,a3,a0" },
    { 0xb001, 0x801ff06f, "c.j .-2048", "jal zero,.-2048" },
    { 0xaffd, 0x7fe0006f, "c.j .+2046", "jal zero,.+2046" },
    { 0xab91, 0x5540006f, "c.j .+1364", "jal zero,.+1364" },
    { 0xa46d, 0x2aa0006f, "c.j .+682", "jal zero,.+682" },
    { 0xd001, 0xf00400e3, "c.beqz s0,.-256", "beq s0,zero,.-256" },
    { 0xcffd, 0x0e078f63, "c.beqz a5,.+254", "beq a5,zero,.+254" },
    { 0xe54d, 0x0a051563, "c.bnez a0,.+170", "bne a0,zero,.+170" },
    { 0xe9b1, 0x04059a63, "c.bnez a1,.+84", "bne a1,zero,.+84" },
    { 0x10fe, 0x03f09093, "c.slli ra,0x3f", "slli ra,ra,0x3f" },
    { 0x1f82, 0x020f9f93, "c.slli t6,0x20", "slli t6,t6,0x20" },
    { 0x3db2, 0x12813d87, "c.fldsp fs11,296(sp)", "fld fs11,296(sp)" },
    { 0x50fe, 0x0fc12083, "c.lwsp ra,252(sp)", "lw ra,252(sp)" },
    { 0x5faa, 0x0a812f83, "c.lwsp t6,168(sp)", "lw t6,168(sp)" },
    { 0x70fe, 0x1f813083, "c.ldsp ra,504(sp)", "ld ra,504(sp)" },
    { 0x6dd6, 0x15013d83, "c.ldsp s11,336(sp)", "ld s11,336(sp)" },
    { 0x8082, 0x00008067, "c.jr ra", "jalr zero,0(ra)" },
    { 0x8f82, 0x000f8067, "c.jr t6", "jalr zero,0(t6)" },
    { 0x857e, 0x01f00533, "c.mv a0,t6", "add a0,zero,t6" },
    { 0x80ae, 0x00b000b3, "c.mv ra,a1", "add ra,zero,a1" },
    { 0x9002, 0x00100073, "c.ebreak", "ebreak" },
    { 0x9082, 0x000080e7, "c.jalr ra", "jalr ra,0(ra)" },
    { 0x9f82, 0x000f80e7, "c.jalr t6", "jalr ra,0(t6)" },
    { 0x957e, 0x01f50533, "c.add a0,t6", "add a0,a0,t6" },
    { 0x912e, 0x00b10133, "c.add sp,a1", "add sp,sp,a1" },
    { 0xb902, 0x0a013827, "c.fsdsp ft0,176(sp)", "fsd ft0,176(sp)" },
    { 0xdffe, 0x0ff12e23, "c.swsp t6,252(sp)", "sw t6,252(sp)" },
    { 0xca82, 0x04012a23, "c.swsp zero,84(sp)", "sw zero,84(sp)" },
    { 0xfffe, 0x1ff13c23, "c.sdsp t6,504(sp)", "sd t6,504(sp)" },
    { 0xf506, 0x0a113423, "c.sdsp ra,168(sp)", "sd ra,168(sp)" },
    { 0x0001, 0x00000013, "c.addi zero,0", "addi zero,zero,0" },
    { 0x107d, 0xfff00013, "c.addi zero,-1", "addi zero,zero,-1" },
    { 0x0501, 0x00050513, "c.addi a0,0", "addi a0,a0,0" },
    { 0x4015, 0x00500013, "c.li zero,5", "addi zero,zero,5" },
    { 0x6005, 0x00001037, "c.lui zero,0x1", "lui zero,0x1" },
    { 0x0016, 0x00501013, "c.slli zero,0x5", "slli zero,zero,0x5" },
    { 0x0502, 0x00051513, "c.slli64 a0", "slli a0,a0,0x0" },
    { 0x8101, 0x00055513, "c.srli64 a0", "srli a0,a0,0x0" },
    { 0x8501, 0x40055513, "c.srai64 a0", "srai a0,a0,0x0" },
    { 0x802a, 0x00a00033, "c.mv zero,a0", "add zero,zero,a0" },
    { 0x900a, 0x00200033, "c.add zero,sp", "add zero,zero,sp" },
};

static void expansions_are_those_of_gnu_as(void **state)
{
    (void)state;
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        uint32_t got = expand_compressed(cases[i].bits);

        if (got != cases[i].expansion)
            fail_msg("%s (%04x) is %s (%08x), not %08x", cases[i].text, cases[i].bits,
                     cases[i].expansion_text, cases[i].expansion, got);
    }
}

// Unprivileged spec, chapter C: what the instruction listings mark RES or leave empty on RV64.
static bool is_reserved(uint16_t bits)
{
    static const struct {
        uint16_t mask, match;
    } reserved[] = {
        { 0xffe3, 0x0000 }, // c.addi4spn with nzuimm = 0, all zeros among them
        { 0xe003, 0x8000 }, // quadrant 0, funct3 100
        { 0xef83, 0x2001 }, // c.addiw with rd = zero
        { 0xf07f, 0x6001 }, // c.lui and c.addi16sp with nzimm = 0
        { 0xfc63, 0x9c41 }, // next to c.subw and c.addw
        { 0xfc63, 0x9c61 },
        { 0xef83, 0x4002 }, // c.lwsp with rd = zero
        { 0xef83, 0x6002 }, // c.ldsp with rd = zero
        { 0xffff, 0x8002 }, // c.jr with rs1 = zero
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(reserved); i++)
        if ((bits & reserved[i].mask) == reserved[i].match)
            return true;
    return false;
}

static void only_reserved_encodings_do_not_expand(void **state)
{
    unsigned legal = 0;

    (void)state;
    for (uint32_t bits = 0; bits < 0x10000; bits++) {
        uint32_t expansion = expand_compressed((uint16_t)bits);

        if (!insn_is_compressed((uint16_t)bits) || is_reserved((uint16_t)bits)) {
            assert_int_equal(expansion, 0);
            continue;
        }
        assert_int_equal(expansion & 3, 3);
        legal++;
    }
    assert_int_equal(legal, 3 * 0x4000 - 2409);
}

// Everything that expands decodes.
static void expansions_decode(void **state)
{
    (void)state;
    for (uint32_t bits = 0; bits < 0x10000; bits++) {
        uint32_t expansion = expand_compressed((uint16_t)bits);

        if (expansion != 0)
            assert_int_not_equal(decode(bits).id, INSN_ILLEGAL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expansions_are_those_of_gnu_as),
        cmocka_unit_test(only_reserved_encodings_do_not_expand),
        cmocka_unit_test(expansions_decode),
    };

    decode_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
