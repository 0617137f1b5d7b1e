// SPDX-License-Identifier: GPL-3.0-or-later
// Sampling call stacks. Each hart has a tree of what was seen on it, filled on its own thread.
//
// A stack takes some microseconds to walk. Unless the user says how often, up to three of four samples are passed over
// where walking would take more than its share of the time; what ran meanwhile counts for the next one. It cannot be
// more, or single samples would stand for too much.
#include "machine/profile/flame.h"

#include "machine/exec_private.h"
#include "machine/names.h"
#include "machine/profile/flame_private.h"
#include "machine/sampler.h"
#include "util/clock.h"
#include <inttypes.h>
#include <string.h>

#define DEPTH_MAX 128
#define PERIOD (2 * SAMPLER_PERIOD) // instructions: of the fastest guests some percent of the time
#define SHARE 64            // walks shall take one part in so many of the time
#define PASS_MAX 3          // samples
#define MEAN_OF 32          // samples that the present costs are a mean of
#define WALK_NS_MAX 100000  // longer ones have looked something up once and for all
#define NODES_MAX 1000000   // of a hart; what is not among them is "(others)"
#define CACHED_MAX 200000   // addresses whose frame is kept

typedef struct {
    uint32_t parent, frame;
    uint64_t count; // instructions in exactly this stack
} Node;

typedef struct {
    GHashTable *frames; // name -> number
    GPtrArray *names;   // by number
    GArray *nodes;      // Node; the first one is the root
    GHashTable *nodes_by_key; // parent << 32 | frame (gint64) -> number
    GHashTable *kernel; // pc (gint64) -> 1 + frame; not of user code: another program may be there any time
    unsigned passed;        // samples passed over since the last one
    uint64_t insns;         // that ran since then
    uint64_t last_ns;       // when the last sample was due
    double walk_ns, gap_ns; // means: of walking a stack, between two samples
    uint32_t others;        // node of what found no place
    bool below;             // something was seen below machine mode
} FlameHart;

struct Flame {
    Machine *m;
    bool harts, limited;
    FlameHart *hart;
    unsigned n_harts;
};

static GHashTable *number_table(void)
{
    return g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
}

static uint32_t frame_of(FlameHart *h, const char *name)
{
    gpointer number;
    if (g_hash_table_lookup_extended(h->frames, name, NULL, &number))
        return GPOINTER_TO_UINT(number);
    char *own = g_strdup(name);
    g_hash_table_insert(h->frames, own, GUINT_TO_POINTER(h->names->len));
    g_ptr_array_add(h->names, g_strdelimit(g_strdup(name), ";\n", ':'));
    return h->names->len - 1;
}

static uint32_t child_of(FlameHart *h, uint32_t parent, uint32_t frame)
{
    gint64 key = (gint64)((uint64_t)parent << 32 | frame);
    gpointer number;
    if (g_hash_table_lookup_extended(h->nodes_by_key, &key, NULL, &number))
        return GPOINTER_TO_UINT(number);
    if (h->nodes->len >= NODES_MAX)
        return h->others;
    Node n = {parent, frame, 0};
    g_array_append_val(h->nodes, n);
    g_hash_table_insert(h->nodes_by_key, g_memdup2(&key, sizeof key), GUINT_TO_POINTER(h->nodes->len - 1));
    return h->nodes->len - 1;
}

static uint32_t unknown_frame(FlameHart *h, uint64_t pc)
{
    char name[32];
    g_snprintf(name, sizeof name, "[0x%" PRIx64 "]", pc & PAGE_MASK);
    return frame_of(h, name);
}

// The function at pc, where the hart runs now. A name that is not known may become known later.
static uint32_t frame_at(Flame *f, FlameHart *h, Cpu *cpu, uint64_t pc)
{
    bool user = cpu->hart.priv == PRV_U;
    uint32_t frame = user ? 0 : GPOINTER_TO_UINT(g_hash_table_lookup(h->kernel, &pc));
    if (frame)
        return frame - 1;
    Name name = names_at(machine_names(f->m), cpu, pc, false);
    if (!name.function)
        return unknown_frame(h, pc);
    frame = frame_of(h, name.function);
    if (user)
        return frame;
    if (g_hash_table_size(h->kernel) >= CACHED_MAX)
        g_hash_table_remove_all(h->kernel);
    g_hash_table_insert(h->kernel, g_memdup2(&pc, sizeof pc), GUINT_TO_POINTER(frame + 1));
    return frame;
}

// The frame under all others: the privilege, and whose program it is.
static uint32_t root_of(Flame *f, FlameHart *h, Cpu *cpu, uint64_t outermost)
{
    if (cpu->hart.priv != PRV_U)
        return frame_of(h, cpu->hart.priv == PRV_S ? "[kernel]" : "[firmware]");
    Name name = names_at(machine_names(f->m), cpu, outermost, false);
    g_autofree char *root = name.image ? g_strdup_printf("[user] %s", name.image) : g_strdup("[user]");
    return frame_of(h, root);
}

// pc of each frame, innermost first; of callers, where they called. How many.
static unsigned walk(Flame *f, Cpu *cpu, uint64_t *pc, bool *more)
{
    uint64_t regs[32];
    Names *names = machine_names(f->m);
    memcpy(regs, cpu->hart.env.r, sizeof regs);
    pc[0] = regs[0] = cpu->hart.env.pc;
    unsigned n = 1;
    while ((*more = names_unwind(names, cpu, regs)) && n < DEPTH_MAX)
        pc[n++] = regs[0] - 1;
    return n;
}

static void add_stack(Flame *f, FlameHart *h, Cpu *cpu, uint64_t insns)
{
    uint64_t pc[DEPTH_MAX];
    bool more;
    unsigned n = walk(f, cpu, pc, &more);
    h->below |= cpu->hart.priv < PRV_M;
    uint32_t node = child_of(h, 0, root_of(f, h, cpu, pc[n - 1]));
    if (more)
        node = child_of(h, node, frame_of(h, "[...]"));
    while (n && node != h->others)
        node = child_of(h, node, frame_at(f, h, cpu, pc[--n]));
    g_array_index(h->nodes, Node, node).count += insns;
}

static void add_to_mean(double *mean, uint64_t value)
{
    *mean += ((double)value - *mean) / MEAN_OF;
}

// Is this one to be passed over?
static bool pass(FlameHart *h, uint64_t now)
{
    add_to_mean(&h->gap_ns, MIN(now - h->last_ns, WALK_NS_MAX * SHARE));
    h->last_ns = now;
    return h->passed < PASS_MAX && h->walk_ns * SHARE > h->gap_ns * (h->passed + 1) && ++h->passed;
}

static void sample(void *opaque, Cpu *cpu, uint64_t insns)
{
    Flame *f = opaque;
    FlameHart *h = &f->hart[cpu->hart.hartid];
    uint64_t start = f->limited ? clock_ns(CLOCK_MONOTONIC) : 0;
    h->insns += insns;
    if (f->limited && pass(h, start))
        return;
    add_stack(f, h, cpu, h->insns);
    h->passed = 0;
    h->insns = 0;
    if (f->limited)
        add_to_mean(&h->walk_ns, MIN(clock_ns(CLOCK_MONOTONIC) - start, WALK_NS_MAX));
}

static void ready(void *opaque, Machine *m)
{
    Flame *f = opaque;
    (void)m;
    for (unsigned i = 0; i < f->n_harts; i++)
        f->hart[i].last_ns = clock_ns(CLOCK_MONOTONIC);
}

Flame *flame_attach(Machine *m, uint64_t period, bool harts)
{
    Flame *f = g_new0(Flame, 1);
    f->m = m;
    f->harts = harts;
    f->limited = !period && !machine_virtual_time(m);
    f->n_harts = board_harts(machine_board(m));
    f->hart = g_new0(FlameHart, f->n_harts);
    for (unsigned i = 0; i < f->n_harts; i++) {
        FlameHart *h = &f->hart[i];
        h->frames = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        h->names = g_ptr_array_new_with_free_func(g_free);
        h->nodes = g_array_new(FALSE, TRUE, sizeof(Node));
        g_array_set_size(h->nodes, 1);
        h->nodes_by_key = number_table();
        h->kernel = number_table();
        h->others = child_of(h, 0, frame_of(h, "(others)"));
    }
    machine_add_ready(m, ready, f);
    machine_add_sampler(m, period ? period : PERIOD, &(SampleListener){f, sample});
    return f;
}

// --- all stacks as text

// Without the root where everything ran in machine mode: that says nothing.
static void add_frames(const Flame *f, const FlameHart *h, uint32_t node, bool below, GString *s)
{
    const Node *n = &g_array_index(h->nodes, Node, node);
    const char *name = g_ptr_array_index(h->names, n->frame);
    if (!n->parent) {
        bool named = below || node == h->others;
        if (f->harts)
            g_string_append_printf(s, "hart %u%s", (unsigned)(h - f->hart), named ? ";" : "");
        g_string_append(s, named ? name : "");
        return;
    }
    add_frames(f, h, n->parent, below, s);
    g_string_append_printf(s, "%s%s", s->len ? ";" : "", name);
}

static int by_frames(gconstpointer p, gconstpointer q)
{
    return strcmp(((const FlameStack *)p)->frames, ((const FlameStack *)q)->frames);
}

static void merge_equal(GArray *stacks)
{
    unsigned n = 0;
    g_array_sort(stacks, by_frames);
    for (unsigned i = 0; i < stacks->len; i++) {
        FlameStack *s = &g_array_index(stacks, FlameStack, i);
        FlameStack *last = n ? &g_array_index(stacks, FlameStack, n - 1) : NULL;
        if (last && !strcmp(last->frames, s->frames)) {
            last->count += s->count;
            g_free(s->frames);
        } else {
            g_array_index(stacks, FlameStack, n++) = *s;
        }
    }
    g_array_set_size(stacks, n);
}

// What ran since the last sample of a hart belongs to nothing.
static GArray *all_stacks(const Flame *f)
{
    GArray *stacks = g_array_new(FALSE, FALSE, sizeof(FlameStack));
    bool below = false;
    for (unsigned i = 0; i < f->n_harts; i++)
        below |= f->hart[i].below;
    for (unsigned i = 0; i < f->n_harts; i++) {
        const FlameHart *h = &f->hart[i];
        for (uint32_t k = 1; k < h->nodes->len; k++) {
            uint64_t count = g_array_index(h->nodes, Node, k).count;
            GString *frames = g_string_new(NULL);
            if (count)
                add_frames(f, h, k, below, frames);
            FlameStack s = {g_string_free(frames, FALSE), count};
            if (count)
                g_array_append_val(stacks, s);
            else
                g_free(s.frames);
        }
    }
    merge_equal(stacks);
    return stacks;
}

GString *flame_text(Flame *f, const char *path)
{
    GArray *a = all_stacks(f);
    const FlameStack *stacks = (const FlameStack *)(const void *)a->data;
    GString *s = g_str_has_suffix(path, ".svg")    ? flame_svg(stacks, a->len)
                 : g_str_has_suffix(path, ".html") ? flame_html(stacks, a->len)
                 : g_str_has_suffix(path, ".json") ? flame_speedscope(stacks, a->len)
                                                   : flame_folded(stacks, a->len);
    for (unsigned i = 0; i < a->len; i++)
        g_free(stacks[i].frames);
    g_array_free(a, TRUE);
    return s;
}

void flame_free(Flame *f)
{
    for (unsigned i = 0; f && i < f->n_harts; i++) {
        FlameHart *h = &f->hart[i];
        g_hash_table_destroy(h->frames);
        g_ptr_array_free(h->names, TRUE);
        g_array_free(h->nodes, TRUE);
        g_hash_table_destroy(h->nodes_by_key);
        g_hash_table_destroy(h->kernel);
    }
    if (f)
        g_free(f->hart);
    g_free(f);
}
