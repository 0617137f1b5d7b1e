// SPDX-License-Identifier: GPL-3.0-or-later
// Where control goes from a piece of code, and what runs there.
#include "backend/inspect_private.h"

const char *const code_edge_names[] = {"next", "taken", "indirect", "system", "leave"};

// The piece that runs what control finds at b.
static const CodePiece *piece_of_block(const Inspect *in, const Block *b)
{
    const CodePiece *p = b->unit && b->unit != b->base ? g_hash_table_lookup(in->pieces, b->unit) : NULL;
    return p ? p : g_hash_table_lookup(in->pieces, b);
}

// May what runs in `from`, one of whose blocks lies at ram, mean b? A page that they share is in the same RAM.
static bool same_space(uint64_t pc, ram_t ram, const Block *b)
{
    return (b->pc ^ pc) & PAGE_MASK || !((b->span[0].start ^ ram) & PAGE_MASK);
}

// What runs at pc when control comes from code in that mode, as far as can be told without page tables: the live block
// that ran most. NULL: none.
static const Block *block_at(const Inspect *in, uint64_t pc, unsigned mode, uint64_t from, ram_t ram)
{
    const GPtrArray *some = g_hash_table_lookup(in->by_pc, GSIZE_TO_POINTER(pc));
    const Block *best = NULL;
    for (unsigned i = 0; some && i < some->len; i++) {
        const Block *b = g_ptr_array_index(some, i);
        if (b->mode == mode && !b->dead && same_space(from, ram, b) && (!best || block_count(b) > block_count(best)))
            best = b;
    }
    return best;
}

// Does slot i of u lead straight to other code, or u?
static const JitUnit *chained_to(const JitUnit *u, unsigned i)
{
    const JitSlot *s = &u->slots[i];
    if (s->code == jit_leave || (s->slots == u->slots && s->code != u->code))
        return NULL;
    return jit_unit_of(s->slots);
}

typedef struct {
    const Inspect *in;
    CodePiece *piece;
    uint64_t from; // guest address of the block
    ram_t ram;     // and where it lies
    uint64_t pc;   // of the instruction that goes
} From;

static void add(const From *f, CodeEdgeKind kind, uint64_t to, const JitUnit *chained)
{
    CodeEdge edge = {kind, f->pc, to, -1, chained != NULL, 0};
    const CodePiece *p = NULL;
    if (chained && chained->block)
        p = g_hash_table_lookup(f->in->pieces, chained->block);
    else if (chained)
        p = g_hash_table_lookup(f->in->pieces, chained);
    if (!p && to != UINT64_MAX) {
        const Block *b = block_at(f->in, to, f->piece->mode | (f->piece->paged ? CODE_PAGED : 0), f->from, f->ram);
        p = b ? piece_of_block(f->in, b) : NULL;
    }
    edge.to_piece = p ? (int)p->id : -1;
    g_array_append_val(f->piece->edges, edge);
}

static void add_targets(const From *f, const Block *b)
{
    bool known = false;
    for (unsigned k = 0; k < b->n_targets; k++) {
        unsigned first = 0;
        while (b->target[first] != b->target[k])
            first++;
        if (first == k && b->target[k] != UINT64_MAX) {
            const JitUnit *u = b->base && b->base->n_slots ? chained_to(b->base, 0) : NULL;
            add(f, EDGE_INDIRECT, b->target[k], u && u->base == b->target[k] ? u : NULL);
            known = true;
        }
    }
    if (!known)
        add(f, EDGE_INDIRECT, UINT64_MAX, NULL);
}

static void block_edges(Inspect *in, CodePiece *p, const Block *b)
{
    From f = {in, p, b->pc, b->span[0].start, b->pc + b->insn_pc[b->n_insns - 1]};
    for (int k = 0; k < 2; k++) {
        if (b->succ_pc[k] == UINT64_MAX)
            continue;
        const JitUnit *u = b->base ? chained_to(b->base, (unsigned)k) : NULL;
        add(&f, k || b->succ_pc[0] == block_end(b) ? EDGE_NEXT : EDGE_TAKEN, b->succ_pc[k], u);
        CodeEdge *e = &g_array_index(p->edges, CodeEdge, p->edges->len - 1);
        e->chained |= !b->base && b->succ[k] && !b->succ[k]->dead;
    }
    if (b->n_targets)
        add_targets(&f, b);
    if (b->is_system) {
        const Block *next = block_at(in, block_end(b), b->mode, b->pc, b->span[0].start);
        add(&f, EDGE_SYSTEM, next ? next->pc : UINT64_MAX, NULL);
    }
}

// The slot of a region that leads to a pc offset, or -1.
static int slot_to(const JitUnit *u, int64_t pc)
{
    for (unsigned i = 0; i < u->n_slots; i++)
        if (u->sites[i].pc == pc)
            return (int)i;
    return -1;
}

static void region_edge(const From *f, const JitUnit *u, const IrEdge *to, CodeEdgeKind kind)
{
    int slot = to->block < 0 ? slot_to(u, to->pc) : -1;
    if (to->block >= 0) { // inside
        CodeEdge e = {kind, f->pc, u->base + (uint64_t)to->pc, (int)f->piece->id, true, 0};
        g_array_append_val(f->piece->edges, e);
    } else {
        add(f, kind, u->base + (uint64_t)to->pc, slot >= 0 ? chained_to(u, (unsigned)slot) : NULL);
    }
}

static void region_edges(Inspect *in, CodePiece *p, const JitUnit *u)
{
    for (unsigned i = 0; i < u->ir->n_blocks; i++) {
        const IrBlock *ir = u->ir->blocks[i];
        const CodeBlock *block = &g_array_index(p->blocks, CodeBlock, i);
        const CodeInsn *last = &g_array_index(p->insns, CodeInsn, block->first_insn + block->n_insns - 1);
        unsigned op = ir->ops[ir->n_ops - 1].op;
        From f = {in, p, block->pc, 0, last->pc};
        for (unsigned k = 0; k < u->pages->len; k++)
            if (g_array_index(u->pages, CodePage, k).pc == (block->pc & PAGE_MASK))
                f.ram = g_array_index(u->pages, CodePage, k).ram;
        if (ir_is_br(op) || op == IR_OP_JUMP) {
            bool on = op == IR_OP_JUMP && u->base + (uint64_t)ir->edge[0].pc == block->end;
            region_edge(&f, u, &ir->edge[0], on ? EDGE_NEXT : EDGE_TAKEN);
        }
        if (ir_is_br(op))
            region_edge(&f, u, &ir->edge[1], EDGE_NEXT);
        for (unsigned k = 0; k < ir->n_guess; k++) {
            IrEdge inside = {ir->guess[k].block, ir->guess[k].pc};
            region_edge(&f, u, &inside, EDGE_INDIRECT);
        }
        if (op == IR_OP_JMPIND)
            add(&f, EDGE_INDIRECT, UINT64_MAX, NULL);
        if (op == IR_OP_SYS)
            add(&f, EDGE_LEAVE, last->pc, NULL);
    }
}

void inspect_edges(Inspect *in, CodePiece *p)
{
    if (p->tier == CODE_REGION)
        region_edges(in, p, piece_unit(p));
    else
        block_edges(in, p, piece_block(p));
}
