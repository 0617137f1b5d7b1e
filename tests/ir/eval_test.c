// SPDX-License-Identifier: GPL-3.0-or-later
// The evaluator: pure ops against formulas written differently, and what ops do to hart and memory.
#include "tests/test.h"
#include "tests/ir/gen.h"
#include "tests/ir/sandbox.h"
#include <inttypes.h>
#include <string.h>

typedef __int128 i128;
typedef unsigned __int128 u128;

// --- pure ops ------------------------------------------------------------------------------------

static unsigned bit(uint64_t v, unsigned n)
{
    return v >> n & 1;
}

// The bits-wide number in the low bits of v, as an exact integer.
static i128 as_signed(uint64_t v, unsigned bits)
{
    i128 r = 0;

    for (unsigned n = 0; n < bits; n++)
        r += (i128)bit(v, n) << n;
    return bit(v, bits - 1) ? r - ((i128)1 << bits) : r;
}

static i128 as_unsigned(uint64_t v, unsigned bits)
{
    return as_signed(v, bits) + (bit(v, bits - 1) ? (i128)1 << bits : 0);
}

// An exact integer cut to `bits` and sign-extended.
static uint64_t cut(i128 v, unsigned bits)
{
    return (uint64_t)as_signed((uint64_t)v, bits);
}

static uint64_t shift_by_steps(IrOpcode op, uint64_t v, unsigned n, unsigned bits)
{
    unsigned top = bits - 1;

    v = (uint64_t)as_unsigned(v, bits);
    while (n--) {
        unsigned out_left = bit(v, top), out_right = v & 1;
        switch (op) {
        case IR_OP_SLL: v = v * 2; break;
        case IR_OP_SRL: v = v / 2; break;
        case IR_OP_SRA: v = v / 2 | (uint64_t)out_left << top; break;
        case IR_OP_ROL: v = v * 2 | out_left; break;
        default: v = v / 2 | (uint64_t)out_right << top; break;
        }
        v = (uint64_t)as_unsigned(v, bits);
    }
    return cut((i128)v, bits);
}

// Quotient towards zero and remainder as the unprivileged manual's table has them, on exact integers.
static i128 quotient(i128 a, i128 b, bool rem)
{
    if (b == 0)
        return rem ? a : -1;
    i128 q = (a < 0 ? -a : a) / (b < 0 ? -b : b);
    q = (a < 0) != (b < 0) ? -q : q;
    return rem ? a - b * q : q;
}

static unsigned count(uint64_t v, unsigned bits, char what)
{
    unsigned n = 0;

    for (unsigned i = 0; i < bits; i++) {
        bool set = bit(v, what == 'l' ? bits - 1 - i : i);
        if (what != 'p' && set)
            break;
        n += what == 'p' ? set : 1;
    }
    return n;
}

static uint64_t per_byte(IrOpcode op, uint64_t v)
{
    uint8_t in[8], out[8];

    memcpy(in, &v, 8);
    for (unsigned i = 0; i < 8; i++)
        out[i] = op == IR_OP_BSWAP ? in[7 - i] : in[i] ? 0xff : 0;
    memcpy(&v, out, 8);
    return v;
}

// Sign injection bit by bit; a single whose high half is not all ones is a NaN.
static uint64_t reference_sign(IrOpcode op, uint64_t a, uint64_t b)
{
    unsigned kind = (op - IR_OP_FSGNJ32) / 2, single = (op - IR_OP_FSGNJ32) % 2 == 0, top = single ? 31 : 63;

    if (single && as_signed(a >> 32, 32) != -1)
        a = cut(0x7fc00000, 32) | ~UINT64_C(0) << 32;
    if (single && as_signed(b >> 32, 32) != -1)
        b = 0;
    unsigned sign = kind == 0 ? bit(b, top) : kind == 1 ? !bit(b, top) : bit(a, top) != bit(b, top);
    return bit(a, top) == sign ? a : sign ? a + (UINT64_C(1) << top) : a - (UINT64_C(1) << top);
}

static uint64_t reference(IrOpcode op, uint64_t a, uint64_t b)
{
    i128 sa = as_signed(a, 64), sb = as_signed(b, 64), ua = as_unsigned(a, 64), ub = as_unsigned(b, 64);
    i128 wa = as_signed(a, 32), wb = as_signed(b, 32), va = as_unsigned(a, 32), vb = as_unsigned(b, 32);
    if (op >= IR_OP_FSGNJ32 && op <= IR_OP_FSGNJX64)
        return reference_sign(op, a, b);

    switch (op) {
    case IR_OP_ADD: return cut(sa + sb, 64);
    case IR_OP_SUB: return cut(sa - sb, 64);
    case IR_OP_AND: return ~(~a | ~b);
    case IR_OP_OR: return a + b - (a & b);
    case IR_OP_XOR: return (a | b) - (a & b);
    case IR_OP_SLL:
    case IR_OP_SRL:
    case IR_OP_SRA:
    case IR_OP_ROL:
    case IR_OP_ROR: return shift_by_steps(op, a, b % 64, 64);
    case IR_OP_SLL32: return shift_by_steps(IR_OP_SLL, a, b % 32, 32);
    case IR_OP_SRL32: return shift_by_steps(IR_OP_SRL, a, b % 32, 32);
    case IR_OP_SRA32: return shift_by_steps(IR_OP_SRA, a, b % 32, 32);
    case IR_OP_ROL32: return shift_by_steps(IR_OP_ROL, a, b % 32, 32);
    case IR_OP_ROR32: return shift_by_steps(IR_OP_ROR, a, b % 32, 32);
    case IR_OP_SLT: return sa < sb;
    case IR_OP_SLTU: return ua < ub;
    case IR_OP_ADD32: return cut(wa + wb, 32);
    case IR_OP_SUB32: return cut(wa - wb, 32);
    case IR_OP_MUL: return cut((i128)((u128)sa * (u128)sb), 64);
    case IR_OP_MULH: return (uint64_t)((u128)(sa * sb) >> 64);
    case IR_OP_MULHU: return (uint64_t)((u128)ua * (u128)ub >> 64);
    case IR_OP_MULHSU: return (uint64_t)((u128)(sa * ub) >> 64);
    case IR_OP_MUL32: return cut(wa * wb, 32);
    case IR_OP_DIV: return cut(quotient(sa, sb, false), 64);
    case IR_OP_DIVU: return cut(quotient(ua, ub, false), 64);
    case IR_OP_REM: return cut(quotient(sa, sb, true), 64);
    case IR_OP_REMU: return cut(quotient(ua, ub, true), 64);
    case IR_OP_DIV32: return cut(quotient(wa, wb, false), 32);
    case IR_OP_DIVU32: return cut(quotient(va, vb, false), 32);
    case IR_OP_REM32: return cut(quotient(wa, wb, true), 32);
    case IR_OP_REMU32: return cut(quotient(va, vb, true), 32);
    case IR_OP_SEXT8: return cut(sa, 8);
    case IR_OP_SEXT16: return cut(sa, 16);
    case IR_OP_SEXT32: return cut(sa, 32);
    case IR_OP_ZEXT16: return a % 65536;
    case IR_OP_ZEXT32: return a % 4294967296;
    case IR_OP_MIN: return (uint64_t)(sa < sb ? sa : sb);
    case IR_OP_MAX: return (uint64_t)(sa > sb ? sa : sb);
    case IR_OP_MINU: return (uint64_t)(ua < ub ? ua : ub);
    case IR_OP_MAXU: return (uint64_t)(ua > ub ? ua : ub);
    case IR_OP_CLZ: return count(a, 64, 'l');
    case IR_OP_CTZ: return count(a, 64, 't');
    case IR_OP_CPOP: return count(a, 64, 'p');
    case IR_OP_CLZ32: return count(a, 32, 'l');
    case IR_OP_CTZ32: return count(a, 32, 't');
    case IR_OP_CPOP32: return count(a, 32, 'p');
    case IR_OP_BSWAP:
    case IR_OP_ORCB: return per_byte(op, a);
    case IR_OP_BOX32: return (a % 4294967296) - 4294967296;
    case IR_OP_UNBOX32: return cut(sa >> 32, 32) == ~UINT64_C(0) ? a : UINT64_C(0xffffffff7fc00000);
    default: fail_msg("no formula for %s", ir_op_info[op].name); return 0;
    }
}

static void check_pure(IrOpcode op, uint64_t a, uint64_t b)
{
    uint64_t got = ir_eval_pure(op, a, b, 0), want = reference(op, a, b);

    if (got != want)
        fail_msg("%s(0x%" PRIx64 ", 0x%" PRIx64 ") = 0x%" PRIx64 ", not 0x%" PRIx64, ir_op_info[op].name,
                 a, b, got, want);
}

static void test_pure_ops(void **state)
{
    static const uint64_t edges[] = {
        0, 1, 2, 3, 31, 32, 33, 63, 64, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000,
        0xffffffff, 0x100000000, 0xffffffff7fffffff, 0xffffffff80000000, 0x7fffffffffffffff,
        0x8000000000000000, 0x8000000000000001, 0xfffffffffffffffe, 0xffffffffffffffff,
        0x0100000000008000, 0x123456789abcdef0, 0xffffffff00000000, 0xfffffffeffffffff, 0xffffffffbf800000,
    };
    GenRng rng = {1};
    (void)state;

    for (unsigned op = IR_OP_ADD; op < IR_OPS; op++) {
        if (!(ir_op_info[op].flags & IRF_PURE))
            continue;
        for (unsigned i = 0; i < G_N_ELEMENTS(edges); i++)
            for (unsigned j = 0; j < G_N_ELEMENTS(edges); j++)
                check_pure((IrOpcode)op, edges[i], edges[j]);
        for (unsigned n = 0; n < 1000; n++) {
            uint64_t a = gen_edge(&rng), b = gen_edge(&rng);
            check_pure((IrOpcode)op, a, b);
            if (ir_op_info[op].flags & IRF_COMM)
                assert_true(ir_eval_pure((IrOpcode)op, a, b, 0) == ir_eval_pure((IrOpcode)op, b, a, 0));
        }
    }
    assert_true(ir_eval_pure(IR_OP_CONST, 1, 2, -3) == (uint64_t)-3);
    assert_true(ir_eval_pure(IR_OP_PC, 0x80000000, 0, -4) == 0x7ffffffc);
}

static void test_branches(void **state)
{
    GenRng rng = {2};
    (void)state;

    for (unsigned n = 0; n < 5000; n++) {
        uint64_t a = gen_edge(&rng), b = n % 4 ? gen_edge(&rng) : a;
        i128 sa = as_signed(a, 64), sb = as_signed(b, 64), ua = as_unsigned(a, 64), ub = as_unsigned(b, 64);
        assert_int_equal(ir_eval_br(IR_OP_BR_EQ, a, b), ua == ub);
        assert_int_equal(ir_eval_br(IR_OP_BR_NE, a, b), ua != ub);
        assert_int_equal(ir_eval_br(IR_OP_BR_LT, a, b), sa < sb);
        assert_int_equal(ir_eval_br(IR_OP_BR_GE, a, b), sa >= sb);
        assert_int_equal(ir_eval_br(IR_OP_BR_LTU, a, b), ua < ub);
        assert_int_equal(ir_eval_br(IR_OP_BR_GEU, a, b), ua >= ub);
    }
}

static uint64_t reference_amo(IrAmo kind, uint64_t old, uint64_t b, unsigned bits)
{
    i128 so = as_signed(old, bits), sb = as_signed(b, bits);
    i128 uo = as_unsigned(old, bits), ub = as_unsigned(b, bits);

    switch (kind) {
    case IR_AMO_SWAP: return cut(sb, bits);
    case IR_AMO_ADD: return cut(so + sb, bits);
    case IR_AMO_XOR: return cut(so ^ sb, bits);
    case IR_AMO_AND: return cut(so & sb, bits);
    case IR_AMO_OR: return cut(so | sb, bits);
    case IR_AMO_MIN: return cut(so < sb ? so : sb, bits);
    case IR_AMO_MAX: return cut(so > sb ? so : sb, bits);
    case IR_AMO_MINU: return cut(uo < ub ? uo : ub, bits);
    default: return cut(uo > ub ? uo : ub, bits);
    }
}

static void test_amos(void **state)
{
    GenRng rng = {3};
    (void)state;

    for (unsigned n = 0; n < 3000; n++)
        for (unsigned kind = 0; kind < IR_AMOS; kind++) {
            uint64_t old = gen_edge(&rng), b = gen_edge(&rng);
            assert_true(ir_eval_amo((IrAmo)kind, 8, old, b) == reference_amo((IrAmo)kind, old, b, 64));
            old = cut((i128)old, 32);
            assert_true(cut((i128)ir_eval_amo((IrAmo)kind, 4, old, b), 32) ==
                        reference_amo((IrAmo)kind, old, b, 32));
        }
}

// --- code ----------------------------------------------------------------------------------------

static IrCode *parse(const char *body)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = g_strconcat("code 0x1000\n", body, NULL);
    IrCode *code = ir_parse(text, &error);

    if (!code || !ir_verify(code, SANDBOX_HELPERS, &error))
        fail_msg("%s", error->message);
    return code;
}

static void run(Sandbox *s, const char *body, unsigned block)
{
    g_autoptr(IrCode) code = parse(body);

    ir_eval(code, block, &s->env, &s->mem);
}

// A loop of two blocks: r1 counts up to r2; b1 is entered from b0 only while r1 is odd.
static const char loop[] = "block b0 +0x0 entry insns=2 {\n"
                           "insn +0x0 len=4 bits=0x0\n v1 = get r1\n v2 = const 0x1\n v3 = add v1, v2\n"
                           "put r1, v3\n insn +0x4 len=4 bits=0x0\n v6 = and v3, v2\n v7 = const 0x0\n"
                           "br.eq v6, v7, b0, b1\n}\n"
                           "block b1 +0x8 insns=1 {\n insn +0x8 len=4 bits=0x0\n v1 = get r1\n v2 = get r2\n"
                           "br.ltu v1, v2, b0, -0x40\n}\n";

static void test_control_flow(void **state)
{
    Sandbox s;
    (void)state;

    sandbox_init(&s, 0, 1000);
    s.env.r[1] = 0;
    s.env.r[2] = 9;
    run(&s, loop, 0);
    assert_int_equal(s.env.r[1], 9);
    assert_true(s.env.pc == 0x1000 - 0x40);
    assert_int_equal(1000 - s.env.left, 9 * 2 + 5);

    sandbox_init(&s, 0, 7); // stops at the first block end at which left <= 0
    s.env.r[1] = 0;
    s.env.r[2] = 9;
    run(&s, loop, 0);
    assert_int_equal(s.env.r[1], 3);
    assert_int_equal(s.env.left, 0);
    assert_true(s.env.pc == 0x1008);

    sandbox_init(&s, 0, 1);
    s.env.r[1] = 0;
    run(&s, loop, 0);
    assert_int_equal(s.env.left, -1);
    assert_true(s.env.pc == 0x1008);

    sandbox_init(&s, 0, 100); // entered in the middle
    s.env.r[1] = 9;
    s.env.r[2] = 9;
    run(&s, loop, 1);
    assert_int_equal(s.env.left, 99);
    assert_true(s.env.pc == 0xfc0);
}

static void test_indirect(void **state)
{
    static const char body[] = "block b0 +0x0 insns=1 {\n insn +0x0 len=2 bits=0x0\n v1 = get r1\n"
                               "jmpind v1 [+0x10:b1]\n}\n"
                               "block b1 +0x10 insns=1 {\n insn +0x10 len=2 bits=0x0\n v1 = pc +0x6\n"
                               "put r1, v1\n jump b0\n}\n";
    Sandbox s;
    (void)state;

    sandbox_init(&s, 0, 100);
    s.env.r[1] = 0x1010; // guessed: stays inside; the second time not
    run(&s, body, 0);
    assert_int_equal(s.env.left, 97);
    assert_true(s.env.pc == 0x1006);
}

static const char four_insns[] =
    "block b0 +0x0 insns=4 {\n insn +0x0 len=4 bits=0x0\n v1 = get r1\n put r5, v1\n"
    "insn +0x4 len=4 bits=0x0\n %s\n insn +0x8 len=4 bits=0x0\n v6 = const 0x77\n"
    "put r6, v6\n insn +0xc len=4 bits=0x0\n %s\n}\n";

static void test_fault(void **state)
{
    g_autofree char *load = g_strdup_printf(four_insns, "v4 = ld32u v1, 0x10", "jump b0");
    g_autofree char *store = g_strdup_printf(four_insns, "st64 v1, v1, -0x4", "jump b0");
    Sandbox s;
    (void)state;

    sandbox_init(&s, 0, 100);
    s.env.r[1] = 0x2000;
    s.env.r[5] = s.env.r[6] = 0;
    run(&s, load, 0);
    assert_int_equal(s.n_faults, 1);
    assert_int_equal(s.fault.kind, FAULT_ACCESS);
    assert_int_equal(s.fault.access, ACCESS_READ);
    assert_int_equal(s.fault.addr, 0x2010);
    assert_int_equal(s.at_pc, 0x1004);
    assert_int_equal(s.at_left, 99);
    assert_true(s.env.pc == SANDBOX_TRAP);
    assert_int_equal(s.env.r[5], 0x2000);
    assert_int_equal(s.env.r[6], 0);

    sandbox_init(&s, 0, 100);
    s.env.r[1] = SANDBOX_BASE + SANDBOX_SIZE;
    run(&s, store, 0);
    assert_int_equal(s.fault.access, ACCESS_WRITE);
    assert_true(s.fault.addr == SANDBOX_BASE + SANDBOX_SIZE - 4);
    assert_int_equal(s.at_left, 99);
}

static void test_sys(void **state)
{
    g_autofree char *body = g_strdup_printf(four_insns, "v4 = const 0x5", "sys 2 v6, v4");
    Sandbox s;
    (void)state;

    sandbox_init(&s, 0, 100);
    run(&s, body, 0);
    assert_int_equal(s.n_helpers, 1);
    assert_int_equal(s.helper_a, 0x77);
    assert_int_equal(s.helper_b, 5);
    assert_int_equal(s.at_pc, 0x100c);
    assert_int_equal(s.at_left, 97);
    assert_int_equal(s.env.left, 96); // the helper retired itself
    assert_true(s.env.pc == 0x1010);
}

// Each load and store kind on known bytes.
static void test_sizes(void **state)
{
    static const char body[] =
        "block b0 +0x0 insns=0 {\n v0 = get r1\n v1 = ld8u v0, 0x7\n put r10, v1\n"
        "v3 = ld8s v0, 0x7\n put r11, v3\n v5 = ld16u v0, 0x6\n put r12, v5\n"
        "v7 = ld16s v0, 0x6\n put r13, v7\n v9 = ld32u v0, 0x4\n put r14, v9\n"
        "v11 = ld32s v0, 0x4\n put r15, v11\n v13 = ld64 v0, 0x0\n put r16, v13\n v15 = get r2\n"
        "st8 v0, v15, 0x10\n st16 v0, v15, 0x18\n st32 v0, v15, 0x20\n st64 v0, v15, 0x28\n jump +0x0\n}\n";
    uint64_t v = 0x8899aabbccddeeff;
    Sandbox s;
    (void)state;

    sandbox_init(&s, 0, 100);
    memcpy(s.ram, &v, 8);
    memset(s.ram + 16, 0, 64);
    s.env.r[1] = SANDBOX_BASE;
    s.env.r[2] = v;
    run(&s, body, 0);
    assert_true(s.env.r[10] == 0x88);
    assert_true(s.env.r[11] == 0xffffffffffffff88);
    assert_true(s.env.r[12] == 0x8899);
    assert_true(s.env.r[13] == 0xffffffffffff8899);
    assert_true(s.env.r[14] == 0x8899aabb);
    assert_true(s.env.r[15] == 0xffffffff8899aabb);
    assert_true(s.env.r[16] == v);
    static const uint64_t stored[] = {0xff, 0xeeff, 0xccddeeff, 0x8899aabbccddeeff, 0};
    assert_memory_equal(s.ram + 16, stored, sizeof stored);
    assert_int_equal(s.n_accesses, 11);
}

// --- atomics -------------------------------------------------------------------------------------

// Runs one atomic op with a = r1, b = r2, result to r3.
static void run_atomic(Sandbox *s, const char *op)
{
    g_autofree char *body = g_strdup_printf("block b0 +0x0 insns=1 {\n insn +0x0 len=4 bits=0x0\n"
                                            "v1 = get r1\n v2 = get r2\n v3 = %s\n put r3, v3\n"
                                            "jump +0x4\n}\n", op);

    run(s, body, 0);
}

static void put64(Sandbox *s, unsigned at, uint64_t v)
{
    memcpy(&s->ram[at], &v, 8);
}

static uint64_t get64(const Sandbox *s, unsigned at)
{
    uint64_t v;

    memcpy(&v, &s->ram[at], 8);
    return v;
}

static void test_lr_sc(void **state)
{
    Sandbox s;
    (void)state;

    sandbox_init(&s, 0, 100);
    put64(&s, 8, 0x1122334480000000);
    s.env.r[1] = SANDBOX_BASE + 8;
    s.env.r[2] = 0x55;
    run_atomic(&s, "lr32 v1");
    assert_true(s.env.r[3] == 0xffffffff80000000);
    assert_true(s.env.res_addr == SANDBOX_BASE + 8);
    assert_true(s.env.res_value == 0xffffffff80000000);
    run_atomic(&s, "sc32 v1, v2");
    assert_int_equal(s.env.r[3], 0);
    assert_true(get64(&s, 8) == 0x1122334400000055);
    assert_true(s.env.res_addr == ~UINT64_C(0));

    unsigned before = s.n_accesses; // no reservation: no access, even at an address that would fault
    s.env.r[1] = 0x10;
    run_atomic(&s, "sc64 v1, v2");
    assert_int_equal(s.env.r[3], 1);
    assert_int_equal(s.n_accesses, before);
    assert_int_equal(s.n_faults, 0);

    s.env.r[1] = SANDBOX_BASE + 8; // memory changed under the reservation
    run_atomic(&s, "lr64 v1");
    put64(&s, 8, 1);
    run_atomic(&s, "sc64 v1, v2");
    assert_int_equal(s.env.r[3], 1);
    assert_int_equal(get64(&s, 8), 1);
    assert_true(s.env.res_addr == ~UINT64_C(0));

    run_atomic(&s, "lr64 v1"); // another address: fails and drops the reservation
    s.env.r[1] = SANDBOX_BASE + 16;
    run_atomic(&s, "sc64 v1, v2");
    assert_int_equal(s.env.r[3], 1);
    s.env.r[1] = SANDBOX_BASE + 8;
    run_atomic(&s, "sc64 v1, v2");
    assert_int_equal(s.env.r[3], 1);
}

static void test_atomic_faults(void **state)
{
    static const struct {
        const char *op;
        uint64_t addr;
        FaultKind kind;
        MemAccess access;
    } cases[] = {
        {"lr32 v1", SANDBOX_BASE + 2, FAULT_ALIGN, ACCESS_READ},
        {"lr64 v1", SANDBOX_BASE + 4, FAULT_ALIGN, ACCESS_READ},
        {"lr64 v1", 0x12, FAULT_ALIGN, ACCESS_READ}, // alignment wins over access
        {"lr64 v1", 0x10, FAULT_ACCESS, ACCESS_READ},
        {"sc32 v1, v2", SANDBOX_BASE + 1, FAULT_ALIGN, ACCESS_WRITE}, // without reservation
        {"sc64 v1, v2", SANDBOX_BASE + 4, FAULT_ALIGN, ACCESS_WRITE},
        {"amo32 add v1, v2", 0x12, FAULT_ALIGN, ACCESS_WRITE},
        {"amo32 add v1, v2", 0x14, FAULT_ACCESS, ACCESS_WRITE},
        {"amo64 swap v1, v2", 0x14, FAULT_ALIGN, ACCESS_WRITE},
    };
    Sandbox s;
    (void)state;

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        sandbox_init(&s, 0, 100);
        s.env.r[1] = cases[i].addr;
        s.env.r[3] = 0x333;
        run_atomic(&s, cases[i].op);
        assert_int_equal(s.n_faults, 1);
        assert_int_equal(s.fault.kind, cases[i].kind);
        assert_int_equal(s.fault.access, cases[i].access);
        assert_true(s.fault.addr == cases[i].addr);
        assert_int_equal(s.at_left, 100);
        assert_true(s.at_pc == 0x1000);
        assert_int_equal(s.env.r[3], 0x333);
        assert_int_equal(s.n_accesses, 0);
    }
    sandbox_init(&s, 0, 100); // an SC whose reservation names memory that is gone
    s.env.r[1] = s.env.res_addr = 0x10;
    run_atomic(&s, "sc32 v1, v2");
    assert_int_equal(s.fault.access, ACCESS_WRITE);
    assert_int_equal(s.fault.kind, FAULT_ACCESS);
    assert_true(s.env.res_addr == ~UINT64_C(0));
}

static void test_amo_memory(void **state)
{
    Sandbox s;
    (void)state;

    sandbox_init(&s, 0, 100);
    put64(&s, 0, 0xaaaaaaaaffffffff);
    s.env.r[1] = SANDBOX_BASE;
    s.env.r[2] = 1;
    run_atomic(&s, "amo32 add v1, v2");
    assert_true(s.env.r[3] == ~UINT64_C(0));
    assert_true(get64(&s, 0) == 0xaaaaaaaa00000000);
    run_atomic(&s, "amo64 maxu v1, v2");
    assert_true(s.env.r[3] == 0xaaaaaaaa00000000);
    assert_true(get64(&s, 0) == 0xaaaaaaaa00000000);
    run_atomic(&s, "amo64 max v1, v2");
    assert_true(get64(&s, 0) == 1);
    assert_int_equal(s.env.left, 97);
}

static bool read_only(void *opaque, uint64_t addr, unsigned size, uint64_t value, MemFault *fault)
{
    (void)opaque;
    (void)size;
    (void)value;
    *fault = (MemFault){FAULT_PAGE, ACCESS_WRITE, addr};
    return false;
}

// The store half faults: nothing is written, no result, and for SC no reservation is left.
static void test_store_half_faults(void **state)
{
    static const char *const ops[] = {"amo32 add v1, v2", "amo64 swap v1, v2", "sc32 v1, v2", "sc64 v1, v2"};
    Sandbox s;
    (void)state;

    for (unsigned i = 0; i < G_N_ELEMENTS(ops); i++) {
        sandbox_init(&s, 0, 100);
        put64(&s, 0, 5);
        s.mem.store = read_only;
        s.env.r[1] = s.env.res_addr = SANDBOX_BASE;
        s.env.res_value = 5;
        s.env.r[3] = 0x333;
        run_atomic(&s, ops[i]);
        assert_int_equal(s.n_faults, 1);
        assert_int_equal(s.fault.kind, FAULT_PAGE);
        assert_int_equal(s.fault.access, ACCESS_WRITE);
        assert_true(s.fault.addr == SANDBOX_BASE);
        assert_int_equal(s.at_left, 100);
        assert_int_equal(s.env.r[3], 0x333);
        assert_int_equal(get64(&s, 0), 5);
        assert_true(s.env.res_addr == (i < 2 ? SANDBOX_BASE : ~UINT64_C(0)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pure_ops),
        cmocka_unit_test(test_branches),
        cmocka_unit_test(test_amos),
        cmocka_unit_test(test_control_flow),
        cmocka_unit_test(test_indirect),
        cmocka_unit_test(test_fault),
        cmocka_unit_test(test_sys),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_lr_sc),
        cmocka_unit_test(test_atomic_faults),
        cmocka_unit_test(test_amo_memory),
        cmocka_unit_test(test_store_half_faults),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
