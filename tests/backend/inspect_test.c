// SPDX-License-Identifier: GPL-3.0-or-later
// What inspect() says of an engine that has run a small program in all its tiers.
#include "tests/test.h"
#include "backend/inspect.h"
#include "tests/backend/encode.h"
#include "tests/backend/rig.h"
#include "tests/backend/temp_dir.h"
#include <string.h>

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

static CodePiece *region_of(const Inspection *i)
{
    CodePiece *r = piece_at(i, AT + 8, CODE_REGION);
    return r ? r : piece_at(i, AT, CODE_REGION);
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

static void regions_without_samples(void **state)
{
    (void)state;
    HartRig *h = run_loop(&regions, ROUNDS);
    Inspection *i = inspect(h->rig.engine);
    CodePiece *r = region_of(i);
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

static const CodeForm *form(const CodePiece *p, const char *name)
{
    for (unsigned i = 0; i < p->forms->len; i++)
        if (!strcmp(g_array_index(p->forms, CodeForm, i).name, name))
            return &g_array_index(p->forms, CodeForm, i);
    fail_msg("no form %s", name);
    return NULL;
}

// All forms of the loop's region: IR can be read, the rest says which instructions it is of.
static void check_region(Engine *e, CodePiece *r)
{
    static const char *const passes[] = {"lifted", "unpeel", "state", "fold", "dce", "widen"};
    g_autoptr(GError) error = NULL;
    if (!inspect_fill(e, r, &error))
        fail_msg("%s", error->message);
    for (unsigned i = 0; i < G_N_ELEMENTS(passes); i++) {
        const CodeForm *f = form(r, passes[i]);
        IrCode *code = ir_parse(f->text, &error);
        assert_non_null(code);
        unsigned n = 0;
        for (unsigned k = 0; k < code->n_blocks; k++)
            n += code->blocks[k]->n_ops;
        assert_int_equal(n, f->n_ops);
        ir_code_free(code);
    }
    assert_true(form(r, "dce")->n_ops <= form(r, "lifted")->n_ops);
    const char *gimple = form(r, "GIMPLE")->text;
    assert_null(strstr(gimple, "[guest"));
    assert_true(r->exact);
    for (unsigned i = 0; i < r->insns->len; i++) {
        const CodeInsn *insn = &g_array_index(r->insns, CodeInsn, i);
        g_autofree char *comment = g_strdup_printf("/* 0x%" G_GINT64_MODIFIER "x: ", insn->pc);
        assert_non_null(strstr(gimple, comment));
    }
    bool helper = false, adds = false;
    for (unsigned k = 0; k < r->host->len; k++) {
        const CodeHost *h = &g_array_index(r->host, CodeHost, k);
        assert_true(h->insn < (int)r->insns->len);
        helper |= h->note && !strcmp(h->note, "jit_stop");
        if (h->insn >= 0 && g_array_index(r->insns, CodeInsn, h->insn).bits == loop[2]) // addi t1, t1, 3
            adds |= g_str_has_prefix(h->text, "addq       $3, ") || g_str_has_prefix(h->text, "leaq       3(");
    }
    assert_true(helper);
    assert_true(adds);
}

static unsigned stage(const CodePiece *p, const char *name)
{
    for (unsigned i = 0; i < p->stages->len; i++)
        if (!strcmp(g_array_index(p->stages, CodeStage, i).name, name))
            return g_array_index(p->stages, CodeStage, i).ns > 0;
    return 0;
}

static void forms_of_regions(void **state)
{
    (void)state;
    EngineConfig config = regions;
    config.inspect = true;
    HartRig *h = run_loop(&config, ROUNDS);
    Inspection *i = inspect(h->rig.engine);
    CodePiece *r = region_of(i);
    assert_non_null(r);
    assert_true(stage(r, "parse") && stage(r, "passes") && stage(r, "emit") && stage(r, "gcc") && stage(r, "assemble"));
    CodePiece *b = piece_at(i, AT, CODE_BASELINE);
    assert_true(stage(b, "lift") && stage(b, "translate") && stage(b, "baseline"));
    check_region(h->rig.engine, r);
    inspection_free(i);
    rig_done(h);
}

static void kept_regions(void **state)
{
    (void)state;
    for (unsigned run = 0; run < 2; run++) {
        RegionStore *store = region_store_open(temp_dir, 1 << 20, true, NULL);
        assert_non_null(store);
        EngineConfig config = regions;
        config.store = store;
        HartRig *h = run_loop(&config, ROUNDS);
        Inspection *i = inspect(h->rig.engine);
        CodePiece *r = region_of(i);
        assert_non_null(r);
        assert_int_equal(r->loaded, run);
        check_region(h->rig.engine, r);
        inspection_free(i);
        rig_done(h);
        region_store_flush(store);
        region_store_free(store);
    }
}

// Samples in the middle of what the interpreter steps through count for the region that would have run there.
static void samples_are_charged(void **state)
{
    (void)state;
    HartRig *h = run_loop(&regions, ROUNDS);
    Engine *e = h->rig.engine;
    h->hart.env.pc = AT;
    h->hart.env.r[T0] = 0;
    h->hart.env.r[T2] = 1 << 20;
    rig_slice(&h->rig, 4000);
    engine_run(e);
    for (unsigned n = 0; n < 10; n++) {
        engine_step_block(e);
        inspect_sample(e, h->hart.env.pc, 100);
    }
    Inspection *i = inspect(e);
    const CodePiece *r = region_of(i);
    assert_int_equal(r->heat, 1000);
    assert_int_equal(g_array_index(r->blocks, CodeBlock, 0).count + g_array_index(r->blocks, CodeBlock, 1).count,
                     1000 / 2);
    inspection_free(i);
    rig_done(h);
}

static void lines_from_the_start(void **state)
{
    (void)state;
    EngineConfig config = regions;
    config.lines = true;
    HartRig *h = run_loop(&config, ROUNDS);
    Inspection *i = inspect(h->rig.engine);
    g_autoptr(GArray) lines = unit_lines(region_of(i)->opaque);
    unsigned insns = 0;
    for (unsigned k = 0; k < lines->len; k++) {
        const UnitLine *l = &g_array_index(lines, UnitLine, k);
        assert_true(!k || l->host > l[-1].host);
        assert_true(l->none || (l->pc >= AT && l->pc < AT + 16));
        insns += !l->none;
    }
    assert_true(insns >= 4);
    inspection_free(i);
    rig_done(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(interpreted_blocks),
        cmocka_unit_test(baseline_blocks),
        cmocka_unit_test(regions_without_samples),
        cmocka_unit_test(forms_of_regions),
        FOLDER_TEST(kept_regions),
        cmocka_unit_test(samples_are_charged),
        cmocka_unit_test(lines_from_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
