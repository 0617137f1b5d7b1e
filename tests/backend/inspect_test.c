// SPDX-License-Identifier: GPL-3.0-or-later
// What inspect() says of an engine that has run a small program in all its tiers.
#include "tests/test.h"
#include "backend/inspect.h"
#include "tests/backend/encode.h"
#include "tests/backend/rig.h"

#define ROUNDS 3000u
#define AT RIG_RAM

// A loop of two blocks that ends where it stays.
static const uint32_t loop[] = {
    0x00128293, // addi t0, t0, 1
    0x0040006f, // j .+4
    0x00330313, // addi t1, t1, 3
    0xfe729ae3, // bne t0, t2, .-12
    0x0000006f, // j .
};

static const EngineConfig interpreter = {.warm = 1 << 30},
                          baseline = {.baseline = true, .system = true, .warm = 16},
                          regions = {.jit = true, .baseline = true, .system = true, .warm = 16, .threshold = 200,
                                     .opt = 1, .workers = 1, .sync = true};

static HartRig *run_loop(const EngineConfig *config, unsigned rounds)
{
    HartRig *h = g_new0(HartRig, 1);
    hart_rig_init(h, 0x40000, config);
    hart_rig_poke(h, AT, loop, G_N_ELEMENTS(loop));
    h->hart.env.pc = AT;
    h->hart.env.r[T2] = rounds;
    rig_slice(&h->rig, 4 * rounds + 10);
    engine_run(h->rig.engine);
    assert_int_equal(h->hart.env.r[T0], rounds);
    return h;
}

static void rig_done(HartRig *h)
{
    hart_rig_deinit(h);
    g_free(h);
}

static CodePiece *piece_at(const Inspection *i, uint64_t pc, CodeTier tier)
{
    for (unsigned k = 0; k < i->pieces->len; k++) {
        CodePiece *p = g_ptr_array_index(i->pieces, k);
        assert_int_equal(p->id, k);
        if (p->pc == pc && p->tier == tier)
            return p;
    }
    return NULL;
}

static const CodeEdge *edge(const CodePiece *p, unsigned i)
{
    assert_true(i < p->edges->len);
    return &g_array_index(p->edges, CodeEdge, i);
}

static void check_loop_block(const CodePiece *p, uint64_t pc, unsigned n)
{
    assert_non_null(p);
    assert_int_equal(p->insns->len, n);
    assert_int_equal(p->blocks->len, 1);
    for (unsigned i = 0; i < n; i++) {
        const CodeInsn *insn = &g_array_index(p->insns, CodeInsn, i);
        assert_int_equal(insn->pc, pc + 4 * i);
        assert_int_equal(insn->bits, loop[(pc - AT) / 4 + i]);
        assert_int_equal(insn->len, 4);
    }
    const CodeBlock *b = &g_array_index(p->blocks, CodeBlock, 0);
    assert_int_equal(b->pc, pc);
    assert_int_equal(b->end, pc + 4 * n);
    assert_int_equal(b->count, p->count);
}

// Every guest instruction of p has host code, in order in the hot part.
static void check_host(const CodePiece *p)
{
    unsigned seen = 0;
    int last = -1;
    assert_true(p->exact);
    for (unsigned k = 0; k < p->host->len; k++) {
        const CodeHost *h = &g_array_index(p->host, CodeHost, k);
        assert_true(h->insn < (int)p->insns->len);
        if (h->insn >= 0)
            seen |= 1u << h->insn;
        if (!h->cold && h->insn >= 0) {
            assert_true(h->insn >= last);
            last = h->insn;
        }
    }
    assert_int_equal(seen, (1u << p->insns->len) - 1);
}

static void interpreted_blocks(void **state)
{
    (void)state;
    HartRig *h = run_loop(&interpreter, 100);
    Inspection *i = inspect(h->rig.engine);
    CodePiece *first = piece_at(i, AT, CODE_INTERP), *second = piece_at(i, AT + 8, CODE_INTERP),
              *stay = piece_at(i, AT + 16, CODE_INTERP);
    check_loop_block(first, AT, 2);
    check_loop_block(second, AT + 8, 2);
    check_loop_block(stay, AT + 16, 1);
    assert_int_equal(first->count, 100);
    assert_int_equal(second->count, 100);
    assert_int_equal(second->heat, 200);
    assert_string_equal(first->end_reason, "jump");
    assert_string_equal(second->end_reason, "branch");
    assert_string_equal(first->not_better, "there is no better tier in this run");
    assert_int_equal(edge(first, 0)->to, AT + 8);
    assert_int_equal(edge(first, 0)->to_piece, second->id);
    assert_int_equal(edge(first, 0)->from, AT + 4);
    assert_true(edge(first, 0)->chained);
    assert_int_equal(second->edges->len, 2);
    assert_int_equal(edge(second, 0)->kind, EDGE_TAKEN);
    assert_int_equal(edge(second, 0)->to_piece, first->id);
    assert_int_equal(edge(second, 1)->kind, EDGE_NEXT);
    assert_int_equal(edge(second, 1)->to_piece, stay->id);
    inspection_free(i);
    rig_done(h);
}

static void baseline_blocks(void **state)
{
    (void)state;
    HartRig *h = run_loop(&baseline, 100);
    Inspection *i = inspect(h->rig.engine);
    CodePiece *first = piece_at(i, AT, CODE_BASELINE), *second = piece_at(i, AT + 8, CODE_BASELINE);
    check_loop_block(first, AT, 2);
    check_loop_block(second, AT + 8, 2);
    assert_true(first->host_bytes > 0);
    assert_int_equal(first->count, 100);
    assert_true(edge(first, 0)->chained);
    assert_int_equal(edge(first, 0)->to_piece, second->id);
    GError *error = NULL;
    assert_true(inspect_fill(h->rig.engine, first, &error));
    assert_int_equal(first->forms->len, 1);
    const CodeForm *lifted = &g_array_index(first->forms, CodeForm, 0);
    IrCode *code = ir_parse(lifted->text, NULL);
    assert_non_null(code);
    assert_int_equal(code->blocks[0]->n_insns, 2);
    ir_code_free(code);
    assert_true(first->host->len > 2);
    size_t bytes = 0;
    for (unsigned k = 0; k < first->host->len; k++)
        bytes += g_array_index(first->host, CodeHost, k).len;
    assert_int_equal(bytes, first->host_bytes + first->cold_bytes);
    assert_true(inspect_fill(h->rig.engine, second, &error));
    check_host(second);
    inspection_free(i);
    rig_done(h);
}

static void regions_and_samples(void **state)
{
    (void)state;
    HartRig *h = run_loop(&regions, ROUNDS);
    Inspection *i = inspect(h->rig.engine);
    CodePiece *r = piece_at(i, AT + 8, CODE_REGION);
    if (!r)
        r = piece_at(i, AT, CODE_REGION);
    assert_non_null(r);
    assert_false(r->dead);
    assert_int_equal(r->blocks->len, 2);
    assert_int_equal(r->insns->len, 4);
    assert_true(r->heat > 2 * ROUNDS); // estimated, from what compiled code did
    assert_true(r->heat <= 4 * ROUNDS);
    assert_null(r->not_better);
    assert_string_equal(piece_at(i, AT, CODE_BASELINE)->not_better, "part of a region already");
    bool leaves = false;
    for (unsigned k = 0; k < r->edges->len; k++)
        leaves |= edge(r, k)->to == AT + 16;
    assert_true(leaves);
    inspection_free(i);
    rig_done(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(interpreted_blocks),
        cmocka_unit_test(baseline_blocks),
        cmocka_unit_test(regions_and_samples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
