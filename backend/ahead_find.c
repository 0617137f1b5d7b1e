// SPDX-License-Identifier: GPL-3.0-or-later
// Finds code without running it, and guesses how often it runs.
//
// From each function's start, control flow is followed as far as it is static: branches, jumps, the code behind calls
// and system instructions. Where the size of a function is known, what is left of it is taken for the targets of its
// indirect jumps (switches). A block in n nested loops counts 8^n times what its function does, and that the sum of
// what its callers do; one that nobody calls by name counts once. Loops that call by pointer count nothing: a region
// without the callee is often slower there than baseline code, and only a run knows who it is.
#include "backend/ahead.h"

#include "backend/engine_private.h"
#include <string.h>

#define MAX_BLOCKS 60000 // found; well below the engine's own bound
#define MAX_FUNCTION (1u << 20) // bytes of a function that is searched for targets of indirect jumps
#define PER_LOOP 8.0
#define MAX_DEPTH 6
#define MAX_WEIGHT 1e6
#define ROUNDS 5 // in which weights go from callers to callees
#define NONE UINT64_MAX

typedef struct {
    Block *block;
    uint64_t next[2], callee; // guest pcs, or NONE
    bool indirect; // ends in an indirect jump that is neither call nor return, to where nobody knows
    bool unknown;  // its innermost loop calls or jumps nobody knows where
    bool orphan;   // nothing leads here but, perhaps, those
    unsigned function, depth;
} Node;

typedef struct {
    uint64_t pc, size;
    unsigned first, n; // its nodes
    bool called;
    double weight, next_weight;
} Function;

typedef struct {
    Engine *e;
    GArray *nodes, *functions; // Node, Function
    GHashTable *node_at, *function_at; // guest pc -> index + 1
    GArray *pending; // guest pcs to look at
    IrBlock *ir;
    bool cut;
} Find;

static Node *node(const Find *f, unsigned i)
{
    return &g_array_index(f->nodes, Node, i);
}

static Function *function(const Find *f, unsigned i)
{
    return &g_array_index(f->functions, Function, i);
}

static int index_at(GHashTable *table, uint64_t pc)
{
    return GPOINTER_TO_INT(g_hash_table_lookup(table, &pc)) - 1;
}

static void set_index(GHashTable *table, uint64_t pc, unsigned i)
{
    g_hash_table_insert(table, g_memdup2(&pc, sizeof pc), GINT_TO_POINTER((int)i + 1));
}

static void need_function(Find *f, uint64_t pc, uint64_t size)
{
    if (index_at(f->function_at, pc) >= 0)
        return;
    Function fn = {.pc = pc, .size = size};
    set_index(f->function_at, pc, f->functions->len);
    g_array_append_val(f->functions, fn);
}

// --- finding -----------------------------------------------------------------------------------------------------

// Where control goes from the node's block. False: it cannot be read now.
static bool classify(Find *f, Node *n)
{
    const Block *b = n->block;
    MemFault fault;
    if (!f->e->guest.lift(f->e->guest.opaque, b->pc, b->pc, b->n_insns, f->ir, &fault) || !f->ir->n_ops)
        return false;
    uint32_t bits = 0;
    for (unsigned i = 0; i < f->ir->n_ops; i++)
        if (f->ir->ops[i].op == IR_OP_INSN)
            bits = f->ir->ops[i].a | (uint32_t)f->ir->ops[i].b << 16;
    unsigned last = f->ir->ops[f->ir->n_ops - 1].op;
    bool is_return = (bits & 0xffff) == 0x8082 || bits == 0x8067; // c.jr ra; jalr zero, 0(ra)
    n->next[0] = b->succ_pc[0];
    n->next[1] = b->succ_pc[1];
    n->callee = NONE;
    if (b->is_call) {
        n->callee = b->succ_pc[0];
        n->next[0] = block_end(b);
    } else if (last == IR_OP_SYS && (bits & 0xffff) != 0 && bits != UINT32_MAX) {
        n->next[0] = block_end(b);
    }
    n->indirect = last == IR_OP_JMPIND && !b->is_call && !is_return;
    return true;
}

// What of a function has been seen, by halfwords.
typedef struct {
    uint64_t pc;
    unsigned n;
    uint8_t *seen;
} Extent;

static void note_seen(Extent *x, const Block *b)
{
    uint64_t from = (b->pc - x->pc) / 2, to = (block_end(b) - x->pc) / 2;
    for (uint64_t i = from; b->pc >= x->pc && i < to && i < x->n; i++)
        x->seen[i] = 1;
}

// All that is reached from pc inside function fn. False: nothing new.
static bool follow(Find *f, unsigned fn, uint64_t pc, bool orphan, Extent *x)
{
    unsigned before = f->nodes->len;
    g_array_append_val(f->pending, pc);
    while (f->pending->len) {
        pc = g_array_index(f->pending, uint64_t, f->pending->len - 1);
        g_array_set_size(f->pending, f->pending->len - 1);
        if (pc == NONE || pc & 1 || index_at(f->node_at, pc) >= 0)
            continue;
        if (index_at(f->function_at, pc) >= 0 && pc != function(f, fn)->pc) // a jump to another function's start
            continue;
        if (f->nodes->len >= MAX_BLOCKS) {
            f->cut = true;
            continue;
        }
        Node n = {.block = engine_make(f->e, pc), .function = fn, .orphan = orphan && f->nodes->len == before};
        if (!n.block || !classify(f, &n))
            continue;
        set_index(f->node_at, pc, f->nodes->len);
        g_array_append_val(f->nodes, n);
        note_seen(x, n.block);
        if (n.callee != NONE)
            need_function(f, n.callee, 0);
        g_array_append_vals(f->pending, n.next, 2);
    }
    return f->nodes->len > before;
}

static void find_function(Find *f, unsigned i)
{
    Function fn = *function(f, i);
    Extent x = {fn.pc, (unsigned)(MIN(fn.size, MAX_FUNCTION) / 2), NULL};
    x.seen = g_malloc0(x.n + 1);
    fn.first = f->nodes->len;
    bool any = follow(f, i, fn.pc, false, &x);
    for (unsigned k = 0; any && k < x.n && !f->cut; k++)
        if (!x.seen[k])
            follow(f, i, fn.pc + 2 * (uint64_t)k, true, &x);
    g_free(x.seen);
    function(f, i)->first = fn.first; // the array may have moved
    function(f, i)->n = f->nodes->len - fn.first;
}

// --- loops -------------------------------------------------------------------------------------------------------

// The edges inside one function, both ways; nodes are numbered from its first one.
typedef struct {
    unsigned n;
    GArray **out, **in; // of unsigned
} Graph;

static void add_edge(Graph *g, unsigned from, unsigned to)
{
    g_array_append_val(g->out[from], to);
    g_array_append_val(g->in[to], from);
}

// An indirect jump leads to the orphans; so many are remembered as its targets as a block can. False: there are none.
static bool add_switch(const Find *f, const Function *fn, Graph *g, unsigned from)
{
    Block *b = node(f, fn->first + from)->block;
    unsigned targets = 0;
    for (unsigned to = 0; to < fn->n; to++) {
        const Node *n = node(f, fn->first + to);
        if (!n->orphan)
            continue;
        add_edge(g, from, to);
        n->block->ind_target = true;
        if (targets < BLOCK_TARGETS)
            b->target[targets++] = n->block->pc;
    }
    return targets;
}

static Graph make_graph(const Find *f, const Function *fn)
{
    Graph g = {fn->n, g_new(GArray *, fn->n), g_new(GArray *, fn->n)};
    for (unsigned i = 0; i < fn->n; i++) {
        g.out[i] = g_array_new(FALSE, FALSE, sizeof(unsigned));
        g.in[i] = g_array_new(FALSE, FALSE, sizeof(unsigned));
    }
    for (unsigned i = 0; i < fn->n; i++) {
        Node *n = node(f, fn->first + i);
        for (int k = 0; k < 2; k++) {
            int to = n->next[k] == NONE ? -1 : index_at(f->node_at, n->next[k]);
            if (to >= (int)fn->first && to < (int)(fn->first + fn->n))
                add_edge(&g, i, (unsigned)to - fn->first);
        }
        if (n->indirect)
            n->indirect = !add_switch(f, fn, &g, i);
    }
    return g;
}

static void graph_clear(Graph *g)
{
    for (unsigned i = 0; i < g->n; i++) {
        g_array_free(g->out[i], TRUE);
        g_array_free(g->in[i], TRUE);
    }
    g_free(g->out);
    g_free(g->in);
}

// Loops as strongly connected parts of the graph. What is in one is a level deeper; its entries, into which control
// comes from outside, are then taken out, and the rest is looked at for loops inside. Blocks overlap where a loop is
// entered in its middle, so that many loops have several entries.
typedef struct {
    const Find *f;
    const Function *fn;
    const Graph *g;
    unsigned *group, *next_group; // by node: the loop that it is left in at this level and the next, 0: none
    unsigned n_groups;
    bool *seen;
} Loops;

static bool together(const Loops *l, unsigned a, unsigned b)
{
    return l->group[a] && l->group[a] == l->group[b];
}

typedef struct {
    unsigned node, edge;
} Step;

// Appends what is reached from root along the edges and not seen yet, each node behind those that it leads to.
static void visit(Loops *l, GArray *const *edges, unsigned root, GArray *out)
{
    g_autoptr(GArray) path = g_array_new(FALSE, FALSE, sizeof(Step));
    Step s = {root, 0};
    if (l->seen[root] || !l->group[root])
        return;
    l->seen[root] = true;
    g_array_append_val(path, s);
    while (path->len) {
        Step *top = &g_array_index(path, Step, path->len - 1);
        if (top->edge == edges[top->node]->len) {
            g_array_append_val(out, top->node);
            g_array_set_size(path, path->len - 1);
            continue;
        }
        unsigned from = top->node, to = g_array_index(edges[from], unsigned, top->edge++);
        if (!together(l, from, to) || l->seen[to])
            continue;
        l->seen[to] = true;
        s = (Step){to, 0};
        g_array_append_val(path, s);
    }
}

static bool has(const GArray *nodes, unsigned i)
{
    for (unsigned k = 0; k < nodes->len; k++)
        if (g_array_index(nodes, unsigned, k) == i)
            return true;
    return false;
}

// A part of the graph: if it is a loop, notes that for its nodes. `now` is its number among this level's parts.
static void note_part(Loops *l, const GArray *part, const unsigned *part_of, unsigned now)
{
    unsigned first = g_array_index(part, unsigned, 0);
    bool unknown = false, entered = false;
    if (part->len == 1 && !has(l->g->out[first], first))
        return;
    l->n_groups++;
    for (unsigned i = 0; i < part->len; i++) {
        const Node *n = node(l->f, l->fn->first + g_array_index(part, unsigned, i));
        unknown |= n->indirect || (n->block->is_call && n->callee == NONE);
    }
    for (unsigned i = 0; i < part->len; i++) {
        unsigned at = g_array_index(part, unsigned, i);
        Node *n = node(l->f, l->fn->first + at);
        bool entry = at == 0;
        for (unsigned k = 0; k < l->g->in[at]->len && !entry; k++)
            entry = part_of[g_array_index(l->g->in[at], unsigned, k)] != now;
        n->depth++;
        n->unknown = unknown;
        l->next_group[at] = entry ? 0 : l->n_groups;
        entered |= entry;
    }
    if (!entered) // nobody knows how control comes here
        l->next_group[first] = 0;
}

// All loops of one level. False: there are none.
static bool find_level(Loops *l)
{
    g_autoptr(GArray) order = g_array_new(FALSE, FALSE, sizeof(unsigned));
    g_autoptr(GPtrArray) parts = g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);
    g_autofree unsigned *part_of = g_new0(unsigned, l->g->n + 1);
    unsigned before = l->n_groups;
    memset(l->seen, 0, l->g->n);
    for (unsigned i = 0; i < l->g->n; i++)
        visit(l, l->g->out, i, order);
    memset(l->seen, 0, l->g->n);
    for (unsigned i = order->len; i--;) {
        GArray *part = g_array_new(FALSE, FALSE, sizeof(unsigned));
        visit(l, l->g->in, g_array_index(order, unsigned, i), part);
        g_ptr_array_add(parts, part);
        for (unsigned k = 0; k < part->len; k++)
            part_of[g_array_index(part, unsigned, k)] = parts->len;
    }
    memset(l->next_group, 0, l->g->n * sizeof *l->next_group);
    for (unsigned i = 0; i < parts->len; i++) {
        const GArray *part = g_ptr_array_index(parts, i);
        if (part->len)
            note_part(l, part, part_of, i + 1);
    }
    memcpy(l->group, l->next_group, l->g->n * sizeof *l->group);
    return l->n_groups > before;
}

static void find_loops(const Find *f, const Function *fn)
{
    Graph g = make_graph(f, fn);
    Loops l = {f, fn, &g, g_new(unsigned, fn->n + 1), g_new(unsigned, fn->n + 1), 1, g_new(bool, fn->n + 1)};
    for (unsigned i = 0; i < fn->n; i++)
        l.group[i] = 1;
    for (unsigned level = 0; level < MAX_DEPTH && find_level(&l); level++)
        ;
    g_free(l.group);
    g_free(l.next_group);
    g_free(l.seen);
    graph_clear(&g);
}

// --- counts ------------------------------------------------------------------------------------------------------

static double in_loops(const Node *n)
{
    double times = 1;
    for (unsigned i = 0; i < MIN(n->depth, MAX_DEPTH); i++)
        times *= PER_LOOP;
    return times;
}

// The function that a node calls, or jumps to at its end; NULL if none.
static Function *called_by(const Find *f, const Node *n, unsigned k)
{
    uint64_t pc = k < 2 ? n->next[k] : n->callee;
    int i = pc == NONE ? -1 : index_at(f->function_at, pc);
    return i < 0 || (k < 2 && n->function == (unsigned)i) ? NULL : function(f, (unsigned)i);
}

static void weigh_functions(const Find *f)
{
    for (unsigned i = 0; i < f->nodes->len; i++)
        for (unsigned k = 0; k < 3; k++) {
            Function *to = called_by(f, node(f, i), k);
            if (to)
                to->called = true;
        }
    for (unsigned round = 0; round <= ROUNDS; round++) {
        for (unsigned i = 0; round && i < f->nodes->len; i++)
            for (unsigned k = 0; k < 3; k++) {
                const Node *n = node(f, i);
                Function *to = called_by(f, n, k);
                if (to)
                    to->next_weight += in_loops(n) * function(f, n->function)->weight;
            }
        for (unsigned i = 0; i < f->functions->len; i++) {
            Function *fn = function(f, i);
            fn->weight = MIN(fn->next_weight, MAX_WEIGHT);
            fn->next_weight = i == 0 || !fn->called;
        }
    }
}

static void set_counts(const Find *f)
{
    for (unsigned i = 0; i < f->nodes->len; i++) {
        const Node *n = node(f, i);
        if (!n->unknown)
            n->block->count_base += (uint64_t)(AHEAD_ONCE * in_loops(n) * function(f, n->function)->weight);
    }
}

unsigned engine_estimate(Engine *e, const AheadFunction *functions, unsigned n, bool *all)
{
    Find f = {
        .e = e,
        .nodes = g_array_new(FALSE, FALSE, sizeof(Node)),
        .functions = g_array_new(FALSE, FALSE, sizeof(Function)),
        .node_at = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL),
        .function_at = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL),
        .pending = g_array_new(FALSE, FALSE, sizeof(uint64_t)),
        .ir = ir_block_new(0),
    };
    for (unsigned i = 0; i < n; i++)
        need_function(&f, functions[i].pc, functions[i].size);
    for (unsigned i = 0; i < f.functions->len; i++) // grows meanwhile
        find_function(&f, i);
    for (unsigned i = 0; i < f.functions->len; i++)
        find_loops(&f, function(&f, i));
    weigh_functions(&f);
    set_counts(&f);
    unsigned found = f.nodes->len;
    *all = !f.cut;
    g_array_free(f.nodes, TRUE);
    g_array_free(f.functions, TRUE);
    g_array_free(f.pending, TRUE);
    g_hash_table_destroy(f.node_at);
    g_hash_table_destroy(f.function_at);
    ir_block_free(f.ir);
    return found;
}
