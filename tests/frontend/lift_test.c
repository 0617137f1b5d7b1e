// SPDX-License-Identifier: GPL-3.0-or-later
// Lifting: the IR of single instructions (tests/lift/*.cases) and the rules that end a block. Argument: the
// directory of the case files.
#include "tests/test.h"
#include "frontend/helpers.h"
#include "frontend/lift_insn.h"
#include "ir/ir.h"
#include <string.h>

#define BASE UINT64_C(0x80000000)
#define SIZE 0x3000

static const char *directory;

typedef struct {
    uint8_t bytes[SIZE]; // at BASE; nops at first
    uint64_t unreadable; // fetches from here on fail
} Memory;

static bool fetch(void *opaque, uint64_t pc, uint16_t *parcel, MemFault *fault)
{
    Memory *m = opaque;
    if (pc < BASE || pc >= m->unreadable) {
        *fault = (MemFault){FAULT_ACCESS, ACCESS_FETCH, pc};
        return false;
    }
    memcpy(parcel, m->bytes + (pc - BASE), 2);
    return true;
}

static void put16(Memory *m, uint64_t pc, uint16_t bits)
{
    memcpy(m->bytes + (pc - BASE), &bits, 2);
}

static void put32(Memory *m, uint64_t pc, uint32_t bits)
{
    memcpy(m->bytes + (pc - BASE), &bits, 4);
}

static int setup(void **state)
{
    Memory *m = g_new0(Memory, 1);
    for (uint64_t pc = BASE; pc < BASE + SIZE; pc += 4) {
        put32(m, pc, 0x00000013);
    }
    m->unreadable = BASE + SIZE;
    *state = m;
    return 0;
}

static int teardown(void **state)
{
    g_free(*state);
    return 0;
}

// The block that starts at pc, verified.
static IrCode *lift(Memory *m, uint64_t pc, unsigned max_insns)
{
    IrCode *code = ir_code_new(BASE);
    IrBlock *b = ir_block_new(0);
    LiftSource src = {m, fetch, max_insns, 0};
    MemFault fault;
    g_autoptr(GError) error = NULL;
    ir_code_add(code, b);
    assert_true(lift_block(b, &src, BASE, pc, &fault));
    b->is_entry = true;
    if (!ir_verify(code, HELPERS, &error)) {
        fail_msg("%s", error->message);
    }
    assert_int_equal(b->pc, pc - BASE);
    return code;
}

// The ops of a printed block without its frame and `insn` ops, separated by |.
static char *ops_text(const IrBlock *b)
{
    g_autoptr(GString) text = g_string_new(NULL);
    GString *out = g_string_new(NULL);
    ir_print_block(text, b, 0);
    g_auto(GStrv) lines = g_strsplit(text->str, "\n", -1);
    for (char **l = lines; *l; l++) {
        g_strstrip(*l);
        if (**l && **l != '}' && !g_str_has_prefix(*l, "block ") && !g_str_has_prefix(*l, "insn ")) {
            g_string_append_printf(out, "%s%s", out->len ? " | " : "", *l);
        }
    }
    return g_string_free(out, FALSE);
}

static unsigned run_case(Memory *m, const char *line)
{
    g_auto(GStrv) halves = g_strsplit(line, "=>", 2);
    const char *hex = halves[1] ? strrchr(halves[0], ';') : NULL;
    if (!hex) {
        print_error("not a case: %s\n", line);
        return 1;
    }
    g_auto(GStrv) words = g_strsplit(hex + 1, " ", -1);
    uint64_t pc = BASE;
    unsigned count = 0;
    for (char **w = words; *w; w++) {
        uint64_t bits = g_ascii_strtoull(*w, NULL, 16);
        if (strlen(*w) == 4) {
            put16(m, pc, (uint16_t)bits);
        } else if (strlen(*w) == 8) {
            put32(m, pc, (uint32_t)bits);
        } else {
            continue;
        }
        pc += strlen(*w) / 2;
        count++;
    }
    g_autoptr(IrCode) code = lift(m, BASE, count);
    g_autofree char *got = ops_text(code->blocks[0]);
    const char *want = g_strstrip(halves[1]);
    if (strcmp(got, want) == 0) {
        return 0;
    }
    print_error("%s\n    got %s\n", line, got);
    return 1;
}

static void cases(void **state)
{
    g_autofree char *path = g_strdup_printf("%s/insns.cases", directory);
    g_autofree char *text = NULL;
    unsigned bad = 0, count = 0;
    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **l = lines; *l; l++) {
        if (**l && **l != '#') {
            bad += run_case(*state, *l);
            count++;
        }
    }
    assert_true(count > 40);
    assert_int_equal(bad, 0);
}

static void every_insn_has_a_function(void **state)
{
    (void)state;
    for (unsigned i = 0; i < INSNS; i++) {
        if (!lift_table[i].fn) {
            fail_msg("no lift function for %s", insn_info[i].name);
        }
    }
}

// Every instruction, operands all ones or all zeros, lifts to code that verifies.
static void every_insn_verifies(void **state)
{
    for (unsigned i = INSN_ILLEGAL + 1; i < INSNS; i++) {
        for (unsigned ones = 0; ones < 2; ones++) {
            put32(*state, BASE + 8, insn_info[i].match | (ones ? ~insn_info[i].mask : 0));
            g_autoptr(IrCode) code = lift(*state, BASE + 8, 1);
            assert_int_equal(code->blocks[0]->n_insns, 1);
        }
    }
}

static void expect_end(Memory *m, uint64_t pc, unsigned max_insns, unsigned n_insns, uint64_t next)
{
    g_autoptr(IrCode) code = lift(m, pc, max_insns);
    const IrBlock *b = code->blocks[0];
    assert_int_equal(b->n_insns, n_insns);
    assert_int_equal(b->ops[b->n_ops - 1].op, IR_OP_JUMP);
    assert_int_equal(b->edge[0].block, -1);
    assert_int_equal(b->edge[0].pc, next - BASE);
}

static void stops_after_max_insns(void **state)
{
    expect_end(*state, BASE, 1, 1, BASE + 4);
    expect_end(*state, BASE + 0x10, LIFT_MAX_INSNS, LIFT_MAX_INSNS, BASE + 0x10 + 4 * LIFT_MAX_INSNS);
}

static void stops_at_page_end(void **state)
{
    Memory *m = *state;
    expect_end(m, BASE + 0xff0, 64, 4, BASE + 0x1000);
    put16(m, BASE + 0xffc, 0x0001); // c.nop: the next instruction straddles
    put32(m, BASE + 0xffe, 0x00158593);
    expect_end(m, BASE + 0xff0, 64, 4, BASE + 0xffe);
    expect_end(m, BASE + 0xffe, 64, 1, BASE + 0x1002);
    put16(m, BASE + 0xffe, 0x0001); // a compressed one fits
    expect_end(m, BASE + 0xff0, 64, 5, BASE + 0x1000);
    expect_end(m, BASE + 0xffe, 64, 1, BASE + 0x1000);
}

static void stops_before_fetch_fault(void **state)
{
    Memory *m = *state;
    m->unreadable = BASE + 0x40;
    expect_end(m, BASE + 0x38, 64, 2, BASE + 0x40);
    m->unreadable = BASE + 0x42; // half an instruction
    expect_end(m, BASE + 0x38, 64, 2, BASE + 0x40);
    m->unreadable = BASE + 0x1000; // on the page before, the fault is not even reached
    expect_end(m, BASE + 0xffc, 64, 1, BASE + 0x1000);
}

static void first_fetch_fault(void **state)
{
    Memory *m = *state;
    g_autoptr(IrBlock) b = ir_block_new(0);
    LiftSource src = {m, fetch, 8, 0};
    MemFault fault = {FAULT_NONE, ACCESS_READ, 0};
    m->unreadable = BASE + 0x1000;
    assert_false(lift_block(b, &src, BASE, BASE + 0x1000, &fault));
    assert_int_equal(fault.kind, FAULT_ACCESS);
    assert_int_equal(fault.access, ACCESS_FETCH);
    assert_int_equal(fault.addr, BASE + 0x1000);
    put16(m, BASE + 0xffe, 0x0593); // the first half of a 32-bit instruction: the second one fails
    assert_false(lift_block(b, &src, BASE, BASE + 0xffe, &fault));
    assert_int_equal(fault.addr, BASE + 0x1000);
}

// Operand b of the sys op of the ebreak at pc.
static int64_t ebreak_operand(Memory *m, uint64_t pc)
{
    g_autoptr(IrCode) code = lift(m, pc, 8);
    const IrBlock *b = code->blocks[0];
    const IrInst *sys = &b->ops[b->n_ops - 1];
    assert_int_equal(sys->op, IR_OP_SYS);
    assert_int_equal(sys->imm, HELPER_EBREAK);
    return b->ops[sys->b].imm;
}

static void put_semihosting(Memory *m, uint64_t ebreak)
{
    put32(m, ebreak - 4, 0x01f01013);
    put32(m, ebreak, 0x00100073);
    put32(m, ebreak + 4, 0x40705013);
}

static void semihosting_sequence(void **state)
{
    Memory *m = *state;
    put32(m, BASE + 0x10, 0x00100073);
    assert_int_equal(ebreak_operand(m, BASE + 0x10), 0);
    put_semihosting(m, BASE + 0x10);
    assert_int_equal(ebreak_operand(m, BASE + 0x10), 1);
    assert_int_equal(ebreak_operand(m, BASE + 0xc), 1);
    put32(m, BASE + 0x14, 0x40705093); // srai into another register
    assert_int_equal(ebreak_operand(m, BASE + 0x10), 0);
    put_semihosting(m, BASE + 0x10);
    put32(m, BASE + 0xc, 0x01e01013);
    assert_int_equal(ebreak_operand(m, BASE + 0x10), 0);
    put_semihosting(m, BASE + 0xff8);
    assert_int_equal(ebreak_operand(m, BASE + 0xff8), 1);
    put_semihosting(m, BASE + 0x1ffc); // its end is on the next page
    assert_int_equal(ebreak_operand(m, BASE + 0x1ffc), 0);
    put_semihosting(m, BASE + 0x1000); // its start is on the page before
    assert_int_equal(ebreak_operand(m, BASE + 0x1000), 0);
    put_semihosting(m, BASE + 0x10);
    put16(m, BASE + 0x10, 0x9002); // c.ebreak is never one
    assert_int_equal(ebreak_operand(m, BASE + 0x10), 0);
}

// Whatever the bytes, a block comes out and verifies.
static void random_bytes(void **state)
{
    Memory *m = *state;
    g_autoptr(GRand) rand = g_rand_new_with_seed(7);
    for (unsigned i = 0; i < SIZE; i += 4) {
        put32(m, BASE + i, g_rand_int(rand));
    }
    for (uint64_t pc = BASE; pc < BASE + SIZE - 4; pc += 2) {
        g_autoptr(IrCode) code = lift(m, pc, LIFT_MAX_INSNS);
        assert_true(code->blocks[0]->n_insns >= 1);
    }
}

// An instruction of an extension that the hart lacks is illegal.
static void absent_extensions(void **state)
{
    Memory *m = *state;
    g_autoptr(IrBlock) b = ir_block_new(0);
    LiftSource src = {m, fetch, 8, UINT64_C(1) << EXT_ZBA};
    MemFault fault;
    put32(m, BASE, 0x40b54533);     // xnor a0,a0,a1: Zbb
    put32(m, BASE + 4, 0x20b52533); // sh1add a0,a0,a1: Zba
    assert_true(lift_block(b, &src, BASE, BASE, &fault));
    assert_int_equal(b->n_insns, 2);
    assert_int_equal(b->ops[b->n_ops - 1].op, IR_OP_SYS);
    assert_int_equal(b->ops[b->n_ops - 1].imm, HELPER_ILLEGAL);
    src.absent = ~(UINT64_C(1) << EXT_ZBA);
    put32(m, BASE, 0x20b52533);
    put32(m, BASE + 4, 0x40b54533);
    assert_true(lift_block(b, &src, BASE, BASE, &fault));
    assert_int_equal(b->n_insns, 2);
    assert_int_equal(b->ops[b->n_ops - 1].imm, HELPER_ILLEGAL);
}

// The same bytes at another address give the same block: nothing absolute is inside.
static void position_independent(void **state)
{
    Memory *m = *state;
    put32(m, BASE, 0x00000597);     // auipc a1,0
    put32(m, BASE + 4, 0x008000ef); // jal ra,.+8
    memcpy(m->bytes + 0x1000, m->bytes, 8);
    g_autoptr(IrBlock) a = ir_block_new(0);
    g_autoptr(IrBlock) b = ir_block_new(0);
    LiftSource src = {m, fetch, 8, 0};
    MemFault fault;
    assert_true(lift_block(a, &src, BASE, BASE, &fault));
    assert_true(lift_block(b, &src, BASE + 0x1000, BASE + 0x1000, &fault));
    g_autofree char *ta = ops_text(a), *tb = ops_text(b);
    assert_string_equal(ta, tb);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(cases, setup, teardown),
        cmocka_unit_test(every_insn_has_a_function),
        cmocka_unit_test_setup_teardown(every_insn_verifies, setup, teardown),
        cmocka_unit_test_setup_teardown(stops_after_max_insns, setup, teardown),
        cmocka_unit_test_setup_teardown(stops_at_page_end, setup, teardown),
        cmocka_unit_test_setup_teardown(stops_before_fetch_fault, setup, teardown),
        cmocka_unit_test_setup_teardown(first_fetch_fault, setup, teardown),
        cmocka_unit_test_setup_teardown(semihosting_sequence, setup, teardown),
        cmocka_unit_test_setup_teardown(random_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(absent_extensions, setup, teardown),
        cmocka_unit_test_setup_teardown(position_independent, setup, teardown),
    };
    assert_int_equal(argc, 2);
    directory = argv[1];
    decode_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
