// SPDX-License-Identifier: GPL-3.0-or-later
// Page caches: the page that was last found through a pointer is kept in two locals of the region (comparator and
// addend), in front of the TLB. One lookup then serves many accesses, and the address no longer waits for it.
//
// Which accesses share a cache is only a guess about locality; a wrong one costs a miss, never a wrong answer. The
// guess: accesses through the same guest register share one as long as it holds the same, or is stepped by a constant;
// any other new value starts another cache. Where ways meet, what the register holds on them is one thing if somebody
// reads it from there on.
//
// A cache costs code, so accesses get one only if at least two share it or they are in a small loop.
//
// A cached page stays valid until the region is left: nothing that revokes translations or makes a page hold code
// happens on this hart while compiled code runs, and each entry starts with empty caches.
#include "backend/emit.h"

#define NO_CACHE (-1)

#define SMALL_LOOP 64 // guest instructions

typedef struct { // what some accesses go through
    unsigned same_as; // itself, or another one that stands for both
    unsigned accesses;
    uint64_t weight; // how often they are done
    int cache;
} Pointer;

typedef struct {
    bool *in_loop; // by block: in a small loop
    GArray *pointers;
    unsigned **of; // by block and op: the pointer of an access
    uint64_t *live; // by block: integer registers read before they are put
} Assign;

static unsigned new_pointer(Assign *a)
{
    Pointer p = {.same_as = a->pointers->len, .cache = NO_CACHE};
    g_array_append_val(a->pointers, p);
    return p.same_as;
}

static Pointer *find(Assign *a, unsigned n)
{
    Pointer *p = &g_array_index(a->pointers, Pointer, n);
    while (p->same_as != n) {
        n = p->same_as;
        p = &g_array_index(a->pointers, Pointer, n);
    }
    return p;
}

// The pointers at the start of block n are numbers n * EMIT_F0 and following, by register.
static void join(Assign *a, unsigned n, const unsigned *out)
{
    for (unsigned r = 0; r < EMIT_F0; r++)
        if (a->live[n] >> r & 1) {
            unsigned to = find(a, out[r])->same_as;
            find(a, n * EMIT_F0 + r)->same_as = to;
        }
}

// What a register points to that is put v: the same as before if v is the register plus a constant.
static unsigned put_pointer(Assign *a, const IrBlock *b, const IrInst *put, const unsigned *values, unsigned before)
{
    const IrInst *def = &b->ops[put->a];
    bool step = (def->op == IR_OP_ADD || def->op == IR_OP_SUB) && b->ops[def->b].op == IR_OP_CONST;
    return step && values[def->a] == before ? before : new_pointer(a);
}

static void follow_block(Emit *e, Assign *a, unsigned n)
{
    const IrBlock *b = e->code->blocks[n];
    g_autofree unsigned *values = g_new(unsigned, b->n_ops);
    g_autofree int32_t *to = g_new(int32_t, b->n_guess + 2);
    unsigned now[EMIT_F0];
    for (unsigned r = 0; r < EMIT_F0; r++)
        now[r] = n * EMIT_F0 + r;
    for (unsigned i = 0; i < b->n_ops; i++) {
        const IrInst *op = &b->ops[i];
        values[i] = a->of[n][i] = UINT_MAX;
        if (op->op == IR_OP_GET && op->reg < EMIT_F0) {
            values[i] = now[op->reg];
        } else if (op->op == IR_OP_PUT && op->reg < EMIT_F0) {
            now[op->reg] = put_pointer(a, b, op, values, now[op->reg]);
            values[op->a] = now[op->reg];
        } else if (ir_is_load(op->op) || ir_is_store(op->op)) {
            a->of[n][i] = values[op->a];
        }
    }
    for (unsigned k = emit_successors(b, to); k-- > 0;)
        join(a, (unsigned)to[k], now);
}

static uint64_t live_before(const Emit *e, const Assign *a, unsigned n)
{
    const IrBlock *b = e->code->blocks[n];
    g_autofree int32_t *to = g_new(int32_t, b->n_guess + 2);
    uint64_t live = 0;
    for (unsigned k = emit_successors(b, to); k-- > 0;)
        live |= a->live[to[k]];
    for (unsigned i = b->n_ops; i-- > 0;)
        if (b->ops[i].op == IR_OP_PUT)
            live &= ~(UINT64_C(1) << b->ops[i].reg);
        else if (b->ops[i].op == IR_OP_GET)
            live |= UINT64_C(1) << b->ops[i].reg;
    return live;
}

static void find_live(const Emit *e, Assign *a)
{
    for (bool again = true; again;) {
        again = false;
        for (unsigned n = e->code->n_blocks; n-- > 0;) {
            uint64_t live = live_before(e, a, n);
            again |= live != a->live[n];
            a->live[n] = live;
        }
    }
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

static void count_accesses(const Emit *e, Assign *a)
{
    for (unsigned n = 0; n < e->code->n_blocks; n++)
        for (unsigned i = 0; i < e->code->blocks[n]->n_ops; i++)
            if (a->of[n][i] != UINT_MAX) {
                Pointer *p = find(a, a->of[n][i]);
                p->accesses += a->in_loop[n] ? 2 : 1;
                p->weight += e->code->blocks[n]->count / 16 + 1; // no overflow
            }
}

// Gives caches to the pointers most used.
static void give_caches(Emit *e, Assign *a)
{
    while (e->n_caches < EMIT_CACHES) {
        Pointer *best = NULL;
        for (unsigned n = 0; n < a->pointers->len; n++) {
            Pointer *p = &g_array_index(a->pointers, Pointer, n);
            if (p->accesses >= 2 && p->cache == NO_CACHE && (!best || p->weight > best->weight))
                best = p;
        }
        if (!best)
            break;
        EmitCache *c = &e->caches[e->n_caches];
        best->cache = (int)e->n_caches++;
        c->tag = emit_local(e, e->u64);
        c->addend = emit_local(e, e->char_ptr);
    }
}

static void fill_cache_of(Emit *e, Assign *a)
{
    for (unsigned n = 0; n < e->code->n_blocks; n++)
        for (unsigned i = 0; i < e->code->blocks[n]->n_ops; i++) {
            unsigned p = a->of[n][i];
            int cache = p == UINT_MAX ? NO_CACHE : find(a, p)->cache;
            e->cache_of[n][i] = (int8_t)cache;
            if (cache != NO_CACHE)
                *(ir_is_store(e->code->blocks[n]->ops[i].op) ? &e->caches[cache].stores
                                                             : &e->caches[cache].loads) = true;
        }
}

void emit_assign_caches(Emit *e)
{
    unsigned n_blocks = e->code->n_blocks;
    Assign a = {.in_loop = g_new0(bool, n_blocks),
                .pointers = g_array_new(FALSE, FALSE, sizeof(Pointer)),
                .of = g_new(unsigned *, n_blocks),
                .live = g_new0(uint64_t, n_blocks)};
    e->cache_of = g_new0(int8_t *, n_blocks);
    for (unsigned n = 0; n < n_blocks; n++) {
        e->cache_of[n] = g_new(int8_t, e->code->blocks[n]->n_ops);
        a.of[n] = g_new(unsigned, e->code->blocks[n]->n_ops);
    }
    for (unsigned n = 0; n < n_blocks * EMIT_F0; n++)
        new_pointer(&a);
    find_live(e, &a);
    find_loops(e->code, a.in_loop);
    for (unsigned n = 0; n < n_blocks; n++)
        follow_block(e, &a, n);
    count_accesses(e, &a);
    if (!e->linear)
        give_caches(e, &a);
    fill_cache_of(e, &a);
    for (unsigned n = 0; n < n_blocks; n++)
        g_free(a.of[n]);
    g_free(a.of);
    g_free(a.live);
    g_free(a.in_loop);
    g_array_free(a.pointers, TRUE);
}

void emit_clear_caches(Emit *e, gcc_jit_block *bb)
{
    for (unsigned c = 0; c < e->n_caches; c++)
        gcc_jit_block_add_assignment(bb, emit_at, e->caches[c].tag, emit_u64(e, UINT64_MAX));
}

void emit_free_caches(Emit *e)
{
    for (unsigned n = 0; n < e->code->n_blocks; n++)
        g_free(e->cache_of[n]);
    g_free(e->cache_of);
}
