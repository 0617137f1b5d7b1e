// SPDX-License-Identifier: GPL-3.0-or-later
// Collects all pieces of code that an engine holds.
//
// Heat. Each execution of a block by the interpreter or in baseline code is counted, so their heat is executions times
// instructions, exactly but for blocks left in their middle. In regions nothing counts blocks: theirs is what
// inspect_sample was told, and if nobody told anything, what compiled code retired outside of baseline code, divided
// among them as the profile says that each was made by.
#include "backend/inspect_private.h"

#include <string.h>

const char *const code_tier_names[] = {"interpreter", "baseline", "region"};

static void piece_free(gpointer p)
{
    CodePiece *c = p;
    g_array_free(c->blocks, TRUE);
    g_array_free(c->insns, TRUE);
    g_array_free(c->edges, TRUE);
    g_array_free(c->stages, TRUE);
    if (c->forms)
        g_array_free(c->forms, TRUE);
    if (c->host)
        g_array_free(c->host, TRUE);
    g_free(c->end_reason);
    g_free(c->not_better);
    g_free(c);
}

void inspection_free(Inspection *i)
{
    g_ptr_array_free(i->pieces, TRUE);
    g_free(i);
}

static CodePiece *piece_new(Inspect *in, CodeTier tier, void *what)
{
    CodePiece *p = g_new0(CodePiece, 1);
    p->tier = tier;
    p->opaque = what;
    p->blocks = g_array_new(FALSE, FALSE, sizeof(CodeBlock));
    p->insns = g_array_new(FALSE, FALSE, sizeof(CodeInsn));
    p->edges = g_array_new(FALSE, FALSE, sizeof(CodeEdge));
    p->stages = g_array_new(FALSE, FALSE, sizeof(CodeStage));
    g_ptr_array_add(in->out->pieces, p);
    g_hash_table_insert(in->pieces, what, p);
    return p;
}

static void add_stage(CodePiece *p, const char *name, uint64_t ns)
{
    CodeStage s = {name, ns};
    if (ns)
        g_array_append_val(p->stages, s);
}

static void set_mode(CodePiece *p, unsigned mode)
{
    p->mode = mode & CODE_MMU;
    p->paged = mode & CODE_PAGED;
}

static void add_block_insns(CodePiece *p, const Block *b)
{
    const uint8_t *bytes = block_bytes(b);
    uint64_t len = block_end(b) - b->pc;
    for (unsigned i = 0; i < b->n_insns; i++) {
        uint64_t at = b->insn_pc[i], next = i + 1 < b->n_insns ? b->insn_pc[i + 1] : len;
        CodeInsn insn = {.pc = b->pc + at, .len = (uint8_t)(next - at)};
        memcpy(&insn.bits, bytes + at, insn.len);
        g_array_append_val(p->insns, insn);
    }
    CodeBlock block = {b->pc, b->pc + len, 0, b->n_insns, block_count(b), true};
    g_array_append_val(p->blocks, block);
}

static void add_block(Block *b, void *opaque)
{
    Inspect *in = opaque;
    CodePiece *p = piece_new(in, b->base ? CODE_BASELINE : CODE_INTERP, b);
    const JitUnit *u = b->base;
    p->pc = b->pc;
    set_mode(p, b->uncached ? in->e->uncached_mode : b->mode);
    p->dead = b->dead;
    p->count = block_count(b);
    p->heat = p->count * b->n_insns;
    add_block_insns(p, b);
    p->end_reason = inspect_block_end(in->e, b);
    p->not_better = inspect_not_better(in->e, b);
    if (u) {
        p->loaded = u->kept;
        p->host_bytes = u->code_size;
        p->cold_bytes = u->cold_size;
    }
    const BlockCosts *costs = in->e->costs ? g_hash_table_lookup(in->e->costs, b) : NULL;
    for (unsigned i = 0; costs && i < COSTS; i++)
        add_stage(p, cost_stage_names[i], costs->ns[i]);
    GPtrArray *at = g_hash_table_lookup(in->by_pc, GSIZE_TO_POINTER(b->pc));
    if (!at) {
        at = g_ptr_array_new();
        g_hash_table_insert(in->by_pc, GSIZE_TO_POINTER(b->pc), at);
    }
    g_ptr_array_add(at, b);
}

static void add_region_block(CodePiece *p, const JitUnit *u, const IrBlock *ir)
{
    CodeBlock block = {.pc = u->base + (uint64_t)ir->pc, .first_insn = p->insns->len, .count = ir->count,
                       .entry = ir->is_entry};
    block.end = block.pc;
    for (unsigned i = 0; i < ir->n_ops; i++) {
        const IrInst *op = &ir->ops[i];
        if (op->op != IR_OP_INSN)
            continue;
        CodeInsn insn = {u->base + (uint64_t)op->imm, ir_insn_bits(op), op->reg, p->blocks->len};
        g_array_append_val(p->insns, insn);
        block.end = insn.pc + insn.len;
    }
    block.n_insns = p->insns->len - block.first_insn;
    g_array_append_val(p->blocks, block);
}

static void add_region(Inspect *in, JitUnit *u)
{
    CodePiece *p = piece_new(in, CODE_REGION, u);
    p->pc = u->base;
    p->paged = u->paged;
    p->mode = u->info->mode & CODE_MMU;
    p->dead = u->dead;
    p->loaded = u->kept;
    p->times_made = u->info->times_made;
    p->count = tier_exits(u);
    p->heat = u->info->sampled;
    p->host_bytes = u->code_size;
    for (unsigned i = 0; i < u->ir->n_blocks; i++) {
        add_region_block(p, u, u->ir->blocks[i]);
        CodeBlock *b = &g_array_index(p->blocks, CodeBlock, i);
        if (u->info->samples)
            b->count = u->info->samples[i] / MAX(b->n_insns, 1);
    }
    p->end_reason = inspect_region_end(u);
    for (unsigned i = 0; i < JIT_STAGES; i++)
        add_stage(p, jit_stage_names[i], u->info->stage_ns[i]);
    add_stage(p, u->kept ? "kept" : "load", u->kept ? u->compile_ns : u->info->load_ns);
}

// Instructions of region p by the profile that it was made by.
static double profile_of(const CodePiece *p)
{
    double sum = 0;
    for (unsigned i = 0; i < p->blocks->len; i++) {
        const CodeBlock *b = &g_array_index(p->blocks, CodeBlock, i);
        sum += (double)MAX(b->count, 1) * b->n_insns;
    }
    return sum;
}

// Without samples: what ran in regions altogether, divided by their profiles.
static void estimate_regions(Inspect *in)
{
    EngineStats s;
    engine_stats(in->e, &s);
    double all = 0;
    for (unsigned i = 0; i < in->out->pieces->len; i++) {
        const CodePiece *p = g_ptr_array_index(in->out->pieces, i);
        if (p->tier == CODE_REGION && p->heat)
            return;
        all += p->tier == CODE_REGION ? profile_of(p) : 0;
    }
    double ran = s.jit_insns > s.baseline_done ? (double)(s.jit_insns - s.baseline_done) : 0;
    for (unsigned i = 0; all > 0 && i < in->out->pieces->len; i++) {
        CodePiece *p = g_ptr_array_index(in->out->pieces, i);
        if (p->tier == CODE_REGION)
            p->heat = (uint64_t)(ran * (profile_of(p) / all));
    }
}

static int by_heat(gconstpointer p, gconstpointer q)
{
    const CodePiece *a = *(CodePiece *const *)p, *b = *(CodePiece *const *)q;
    if (a->heat != b->heat)
        return a->heat < b->heat ? 1 : -1;
    return a->pc < b->pc ? -1 : a->pc > b->pc;
}

// A region that no block leads to any more has been made again.
static void mark_replaced(Inspect *in)
{
    g_autoptr(GHashTable) entered = g_hash_table_new(NULL, NULL);
    for (unsigned i = 0; i < code_cache_blocks(in->e->cache); i++) {
        const Block *b = code_cache_block(in->e->cache, i);
        if (!b->dead && b->unit)
            g_hash_table_add(entered, b->unit);
    }
    for (unsigned i = 0; i < in->out->pieces->len; i++) {
        CodePiece *p = g_ptr_array_index(in->out->pieces, i);
        p->dead |= p->tier == CODE_REGION && !g_hash_table_contains(entered, p->opaque);
    }
}

Inspection *inspect(Engine *e)
{
    Inspect in = {e, g_new0(Inspection, 1), g_hash_table_new(NULL, NULL),
                  g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_ptr_array_unref)};
    GPtrArray *pieces = in.out->pieces = g_ptr_array_new_with_free_func(piece_free);
    code_cache_each_block(e->cache, add_block, &in);
    if (e->uncached)
        add_block(e->uncached, &in);
    for (unsigned i = 0; i < code_cache_units(e->cache)->len; i++)
        add_region(&in, g_ptr_array_index(code_cache_units(e->cache), i));
    mark_replaced(&in);
    estimate_regions(&in);
    g_ptr_array_sort(pieces, by_heat);
    for (unsigned i = 0; i < pieces->len; i++)
        ((CodePiece *)g_ptr_array_index(pieces, i))->id = i;
    for (unsigned i = 0; i < pieces->len; i++)
        inspect_edges(&in, g_ptr_array_index(pieces, i));
    g_hash_table_destroy(in.pieces);
    g_hash_table_destroy(in.by_pc);
    return in.out;
}
