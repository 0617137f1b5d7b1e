// SPDX-License-Identifier: GPL-3.0-or-later
// Page caches: the page that was last found through a pointer is kept in two locals of the region (comparator and
// addend), in front of the TLB. One lookup then serves many accesses, and the address no longer waits for it.
//
// Which accesses share a cache is only a guess about locality; a wrong one costs a miss, never a wrong answer. The
// guess: accesses through the same guest register share one, and stepping the register by a constant changes nothing;
// any other new value of the register within a block starts another cache.
//
// A cache costs code, so accesses get one only if at least two share it or they are in a small loop.
//
// A cached page stays valid until the region is left: nothing that revokes translations or makes a page hold code
// happens on this hart while compiled code runs, and each entry starts with empty caches.
#include "backend/emit.h"

#define NO_CACHE (-1)

#define SMALL_LOOP 64 // guest instructions

typedef struct {
    bool *in_loop;  // by block: in a small loop
    GArray *accesses_of_class; // unsigned
    bool counting;  // first pass: count accesses only
    int *reg_class; // by value: class of the register it came from, or NO_CACHE
    int current[IR_NREGS];
    int next_class;
    GArray *cache_of_class; // int
} Assign;

// Both passes number the classes alike.
static int new_class(Assign *a)
{
    int none = NO_CACHE;
    unsigned zero = 0;
    if (a->counting) {
        g_array_append_val(a->cache_of_class, none);
        g_array_append_val(a->accesses_of_class, zero);
    }
    return a->next_class++;
}

// The class of a register that is put v: the old one if v is the register plus a constant.
static int put_class(Assign *a, const IrBlock *b, const IrInst *put)
{
    const IrInst *def = &b->ops[put->a];
    bool step = (def->op == IR_OP_ADD || def->op == IR_OP_SUB) && b->ops[def->b].op == IR_OP_CONST;
    if (step && a->reg_class[def->a] == a->current[put->reg])
        return a->current[put->reg];
    return new_class(a);
}

static int cache_for(Emit *e, Assign *a, int class, bool store, bool in_loop)
{
    if (class == NO_CACHE || e->linear)
        return NO_CACHE;
    unsigned *accesses = &g_array_index(a->accesses_of_class, unsigned, class);
    if (a->counting) {
        *accesses += in_loop ? 2 : 1;
        return NO_CACHE;
    }
    if (*accesses < 2)
        return NO_CACHE;
    int *cache = &g_array_index(a->cache_of_class, int, class);
    if (*cache == NO_CACHE && e->n_caches < EMIT_CACHES)
        *cache = (int)e->n_caches++;
    if (*cache != NO_CACHE)
        *(store ? &e->caches[*cache].stores : &e->caches[*cache].loads) = true;
    return *cache;
}

static void assign_block(Emit *e, Assign *a, unsigned n)
{
    const IrBlock *b = e->code->blocks[n];
    int8_t *out = e->cache_of[n];
    int at_entry[IR_NREGS];
    memcpy(at_entry, a->current, sizeof at_entry);
    for (unsigned i = 0; i < b->n_ops; i++) {
        const IrInst *op = &b->ops[i];
        a->reg_class[i] = NO_CACHE;
        out[i] = NO_CACHE;
        if (op->op == IR_OP_GET) {
            a->reg_class[i] = a->current[op->reg];
        } else if (op->op == IR_OP_PUT) {
            a->current[op->reg] = put_class(a, b, op);
            a->reg_class[op->a] = a->current[op->reg];
        } else if (ir_is_load(op->op) || ir_is_store(op->op)) {
            out[i] = (int8_t)cache_for(e, a, a->reg_class[op->a], ir_is_store(op->op), a->in_loop[n]);
        }
    }
    memcpy(a->current, at_entry, sizeof at_entry);
}

// Blocks are in the order of guest addresses, so the blocks of a loop lie between its head and its back edge.
static void find_loops(const IrCode *code, bool *in_loop)
{
    for (unsigned n = 0; n < code->n_blocks; n++)
        for (int k = 0; k < 2; k++) {
            int head = code->blocks[n]->edge[k].block;
            unsigned insns = 0;
            if (head < 0 || (unsigned)head > n)
                continue;
            for (unsigned i = (unsigned)head; i <= n; i++)
                insns += code->blocks[i]->n_insns;
            for (unsigned i = (unsigned)head; i <= n && insns <= SMALL_LOOP; i++)
                in_loop[i] = true;
        }
}

static void assign_pass(Emit *e, Assign *a, bool counting)
{
    a->counting = counting;
    a->next_class = 0;
    for (unsigned r = 0; r < IR_NREGS; r++)
        a->current[r] = new_class(a);
    for (unsigned n = 0; n < e->code->n_blocks; n++)
        assign_block(e, a, n);
}

void emit_assign_caches(Emit *e)
{
    unsigned n_blocks = e->code->n_blocks, most = 0;
    Assign a = {.cache_of_class = g_array_new(FALSE, FALSE, sizeof(int)),
                .accesses_of_class = g_array_new(FALSE, FALSE, sizeof(unsigned)),
                .in_loop = g_new0(bool, n_blocks)};
    e->cache_of = g_new0(int8_t *, n_blocks);
    for (unsigned n = 0; n < n_blocks; n++) {
        most = MAX(most, e->code->blocks[n]->n_ops);
        e->cache_of[n] = g_new(int8_t, e->code->blocks[n]->n_ops);
    }
    a.reg_class = g_new(int, most);
    find_loops(e->code, a.in_loop);
    assign_pass(e, &a, true);
    assign_pass(e, &a, false);
    for (unsigned c = 0; c < e->n_caches; c++) {
        e->caches[c].tag = emit_local(e, e->u64);
        e->caches[c].addend = emit_local(e, e->char_ptr);
    }
    g_free(a.in_loop);
    g_free(a.reg_class);
    g_array_free(a.accesses_of_class, TRUE);
    g_array_free(a.cache_of_class, TRUE);
}

void emit_clear_caches(Emit *e, gcc_jit_block *bb)
{
    for (unsigned c = 0; c < e->n_caches; c++)
        gcc_jit_block_add_assignment(bb, NULL, e->caches[c].tag, emit_u64(e, UINT64_MAX));
}

void emit_free_caches(Emit *e)
{
    for (unsigned n = 0; n < e->code->n_blocks; n++)
        g_free(e->cache_of[n]);
    g_free(e->cache_of);
}
