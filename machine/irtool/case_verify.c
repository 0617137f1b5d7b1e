// SPDX-License-Identifier: GPL-3.0-or-later
// Code before and behind passes, run from the same states.
#include "machine/irtool/case_verify.h"

#include <string.h>

#define STATES 100
#define RAM_START UINT64_C(0x40000000)
#define RAM_BYTES UINT64_C(0x10000)
#define RUN_INSNS 3000

typedef struct {
    const IrCase *c;
    unsigned pass;   // 1 + its number
    char *wrong;     // the first difference
    GError **error;
} Verify;

static unsigned number_of(const char *name)
{
    unsigned i = 0;
    while (i < IR_PASSES - 1 && strcmp(ir_pass_names[i], name))
        i++;
    return i;
}

// Code that counts otherwise than it has insn ops is run, but not verified.
static void after_pass(void *opaque, const char *name, const IrCode *code, bool changed)
{
    Verify *v = opaque;
    (void)changed;
    if (v->wrong || *v->error)
        return;
    IrCase after = *v->c;
    after.code = (IrCode *)code;
    CaseOptions o = {0};
    g_autoptr(CaseRun) got = case_run(NULL, &after, CASE_EVAL, &o, v->error);
    g_autoptr(CaseRun) want = got ? case_run_exactly(v->c, got->insns, v->error) : NULL;
    v->wrong = want ? case_run_differs(want, got) : NULL;
    v->pass = v->wrong ? 1 + number_of(name) : 0;
}

char *case_verify_state(const IrCase *c, unsigned skip, unsigned *pass, GError **error)
{
    GError *none = NULL;
    Verify v = {.c = c, .error = error ? error : &none};
    g_autoptr(IrCode) copy = ir_code_copy(c->code);
    ir_pipeline(copy, &(IrPipeline){.skip = skip, .aligned = c->paged, .after = after_pass, .opaque = &v});
    g_clear_error(&none);
    *pass = v.pass;
    return v.wrong;
}

// A register: often a pointer into the RAM, or a number near an edge.
static uint64_t random_value(GRand *rand)
{
    static const uint64_t edges[] = {0, 1, 2, UINT64_MAX, INT64_MAX, (uint64_t)INT64_MIN, INT32_MAX, UINT32_MAX,
                                     (uint64_t)INT32_MIN, UINT64_C(0x80000000)};
    uint64_t any = (uint64_t)g_rand_int(rand) << 32 | g_rand_int(rand);
    switch (any % 4) {
    case 0:
        return edges[(any >> 8) % G_N_ELEMENTS(edges)];
    case 1:
        return any >> 4;
    default:
        return RAM_START + RAM_BYTES / 2 + (any >> 8) % (RAM_BYTES / 4) / 8 * 8;
    }
}

static uint64_t random_entry(const IrCase *c, GRand *rand)
{
    unsigned n = c->code->n_blocks, start = g_rand_int(rand) % n;
    for (unsigned i = 0; i < n; i++) {
        const IrBlock *b = c->code->blocks[(start + i) % n];
        if (b->is_entry)
            return c->code->base + (uint64_t)b->pc;
    }
    return c->pc;
}

static IrCase *random_state(const IrCase *c, GRand *rand)
{
    IrCase *r = ir_case_copy(c);
    CaseRange ram = {RAM_START, RAM_BYTES};
    g_array_append_val(r->ram, ram);
    for (unsigned i = 1; i < IR_NREGS; i++)
        r->r[i] = random_value(rand);
    for (unsigned i = 0; i < 256; i++) {
        CaseMem m = {.addr = RAM_START + RAM_BYTES / 2 + g_rand_int(rand) % (RAM_BYTES / 4), .len = 8};
        uint64_t v = random_value(rand);
        memcpy(m.bytes, &v, sizeof v);
        g_array_append_val(r->mem, m);
    }
    r->frm = g_rand_int(rand) % IR_RM_MODES;
    r->left = RUN_INSNS;
    r->pc = random_entry(c, rand);
    return r;
}

static bool says_something(const IrCase *c)
{
    for (unsigned i = 0; i < IR_NREGS; i++)
        if (c->r[i])
            return true;
    return c->mem->len;
}

char *case_verify_passes(const IrCase *c, unsigned skip, GError **error)
{
    GRand *rand = g_rand_new_with_seed(1);
    char *wrong = NULL;
    for (unsigned i = 0; i < STATES && !wrong && !*error; i++) {
        bool own = !i && says_something(c);
        unsigned pass;
        g_autoptr(IrCase) state = own ? ir_case_copy(c) : random_state(c, rand);
        g_autofree char *what = ir_case_finish(state, error) ? case_verify_state(state, skip, &pass, error) : NULL;
        if (what)
            wrong = g_strdup_printf("behind %s, from %s: %s", ir_pass_names[pass - 1],
                                    own ? "the state given" : "a random state", what);
    }
    g_rand_free(rand);
    return wrong;
}
