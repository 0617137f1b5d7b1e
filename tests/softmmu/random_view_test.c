// SPDX-License-Identifier: GPL-3.0-or-later
// T023: random region graphs. The flat view against a model that is searched address by address.
//
// The model keeps its own copy of the tree (parent, priority, age) and finds what is visible at one address
// by walking down from the root, topmost child first. It knows no ranges, so it shares no idea with the
// renderer.
#include "tests/softmmu/fixture.h"
// then
#include <string.h>

#define NODES 12
#define ROOTS 4 // address spaces on every other node, mapped elsewhere or not
#define SEEDS 10000

typedef __int128 Position;

typedef struct {
    MemoryRegion mr;
    char kind; // 'c' container, 't' terminates, 'r' terminates as a ROM device, 'a' alias
    int parent, target;
    uint64_t addr, offset;
    Position size;
    int32_t priority;
    unsigned age; // higher is newer
    bool enabled, readonly, nonvolatile, unmergeable;
    bool romd; // of kind 'r', a ROM device
} Node;

typedef struct {
    bool readonly, nonvolatile, unmergeable;
} Flags;

typedef struct {
    const Node *node; // NULL: nothing
    uint64_t offset;
    Flags flags;
} Found;

static Node nodes[NODES];
static unsigned clock_;
static Position edges[4096]; // places where the view may change
static unsigned n_edges;
static unsigned long ranges_seen, probes;

static uint32_t next_random(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*seed >> 33);
}

// Mostly small numbers, so that regions meet; sometimes near both ends of 64 bits.
static uint64_t random_number(uint64_t *seed)
{
    uint64_t small = next_random(seed) % 64;
    switch (next_random(seed) % 16) {
    case 0: return UINT64_MAX - small;
    case 1: return (UINT64_C(1) << 63) + small;
    default: return small;
    }
}

// --- the model -------------------------------------------------------------------------------------------
static int top_child(int parent, const bool *tried)
{
    int best = -1;
    for (int i = 0; i < NODES; i++) {
        if (nodes[i].parent != parent || tried[i]) {
            continue;
        }
        if (best < 0 || nodes[i].priority > nodes[best].priority ||
            (nodes[i].priority == nodes[best].priority && nodes[i].age > nodes[best].age)) {
            best = i;
        }
    }
    return best;
}

// What node i, with its offset 0 at base, shows at position p.
static Found visible(int i, Position base, Position p, Flags flags)
{
    const Node *n = &nodes[i];
    if (!n->enabled || p < base || p >= base + n->size) {
        return (Found){0};
    }
    flags.readonly |= n->readonly;
    flags.nonvolatile |= n->nonvolatile;
    flags.unmergeable |= n->unmergeable;
    if (n->kind == 'a') {
        return visible(n->target, base - n->offset, p, flags);
    }
    bool tried[NODES] = {false};
    for (int c; (c = top_child(i, tried)) >= 0; tried[c] = true) {
        Found f = visible(c, base + nodes[c].addr, p, flags);
        if (f.node) {
            return f;
        }
    }
    return n->kind != 'c' ? (Found){n, (uint64_t)(p - base), flags} : (Found){0};
}

static void collect_edges(int i, Position base)
{
    const Node *n = &nodes[i];
    if (n_edges + 2 > G_N_ELEMENTS(edges)) {
        return;
    }
    edges[n_edges++] = base;
    edges[n_edges++] = base + n->size;
    if (n->kind == 'a') {
        collect_edges(n->target, base - n->offset);
        return;
    }
    for (int c = 0; c < NODES; c++) {
        if (nodes[c].parent == i) {
            collect_edges(c, base + nodes[c].addr);
        }
    }
}

static bool reaches(int from, int to)
{
    if (from == to || (nodes[from].kind == 'a' && reaches(nodes[from].target, to))) {
        return true;
    }
    for (int c = 0; c < NODES; c++) {
        if (nodes[c].parent == from && reaches(c, to)) {
            return true;
        }
    }
    return false;
}

// --- random graphs and random changes --------------------------------------------------------------------
static void make_node(int i, uint64_t *seed)
{
    uint64_t size = i == 0 ? SPACE : random_number(seed) + 16;
    int target = i ? (int)(next_random(seed) % (unsigned)i) : 0;
    bool io_top = i && next_random(seed) % 3;
    nodes[i] = (Node){.kind = io_top ? 't' : 'c', .parent = -1, .enabled = true, .romd = true};
    nodes[i].size = size == SPACE ? (Position)1 << 64 : (Position)size;
    if (i && next_random(seed) % 4 == 0) {
        nodes[i].kind = 'a';
        nodes[i].target = target;
        nodes[i].offset = random_number(seed);
        memory_region_init_alias(&nodes[i].mr, "alias", &nodes[target].mr, nodes[i].offset, size);
    } else if (i == 1) {
        static const MemoryRegionOps nothing;
        size = size % 0x10000;
        nodes[i].kind = 'r';
        nodes[i].size = (Position)size;
        g_assert(memory_region_init_rom_device(&nodes[i].mr, &nothing, NULL, "r", size, NULL));
    } else if (io_top) {
        memory_region_init_io(&nodes[i].mr, NULL, NULL, "t", size);
    } else {
        memory_region_init(&nodes[i].mr, "c", size);
    }
}

static void detach(int i)
{
    if (nodes[i].parent >= 0) {
        memory_region_del_subregion(&nodes[nodes[i].parent].mr, &nodes[i].mr);
        nodes[i].parent = -1;
    }
}

static void attach(int i, uint64_t *seed)
{
    int parent = next_random(seed) % 3 ? (int)(next_random(seed) % NODES) : 0;
    uint64_t addr = random_number(seed);
    if (i == 0 || nodes[i].parent >= 0 || nodes[parent].kind == 'a' || reaches(i, parent)) {
        return;
    }
    Node *n = &nodes[i];
    n->parent = parent;
    n->priority = (int32_t)(next_random(seed) % 3) - 1;
    n->addr = addr;
    n->age = ++clock_;
    memory_region_add_subregion_overlap(&nodes[parent].mr, addr, &n->mr, n->priority);
}

static void move(int i, uint64_t *seed)
{
    Node *n = &nodes[i];
    uint64_t addr = random_number(seed);
    if (i == 0) {
        return;
    }
    if (addr != n->addr) {
        n->age = ++clock_;
    }
    n->addr = addr;
    memory_region_set_address(&n->mr, addr);
}

static void change(int i, uint64_t *seed)
{
    Node *n = &nodes[i];
    uint64_t value = random_number(seed);
    bool flag = next_random(seed) % 4 == 0;
    switch (next_random(seed) % 12) {
    case 0: detach(i); break;
    case 1: move(i, seed); break;
    case 2:
        n->enabled = !flag;
        memory_region_set_enabled(&n->mr, !flag);
        break;
    case 3:
        n->readonly = flag;
        memory_region_set_readonly(&n->mr, flag);
        break;
    case 4:
        n->unmergeable = flag;
        memory_region_set_unmergeable(&n->mr, flag);
        break;
    case 5:
        if (i && flag && n->kind != 'r') {
            n->size = value == SPACE ? (Position)1 << 64 : (Position)value;
            memory_region_set_size(&n->mr, value);
        }
        break;
    case 6:
        if (n->kind == 'a') {
            n->offset = value;
            memory_region_set_alias_offset(&n->mr, value);
        }
        break;
    case 7:
        n->nonvolatile = flag;
        memory_region_set_nonvolatile(&n->mr, flag);
        break;
    case 8:
        if (nodes[1].kind == 'r') {
            nodes[1].romd = !flag;
            memory_region_rom_device_set_romd(&nodes[1].mr, !flag);
        }
        break;
    default: attach(i, seed); break;
    }
}

// --- checks ----------------------------------------------------------------------------------------------
static void check_at(int root, AddressSpace *space, Position p)
{
    if (p < 0 || p >= (Position)1 << 64) {
        return;
    }
    probes++;
    Found want = visible(root, 0, p, (Flags){0});
    MemorySection got = address_space_lookup(space, (gpa_t)p);
    g_assert(got.mr == (want.node ? &want.node->mr : NULL));
    g_assert(!got.mr || got.offset == want.offset);
    g_assert(!got.mr || (got.host != NULL) == (want.node->kind == 'r' && want.node->romd));
    for (unsigned i = 0; i < space->view->n; i++) {
        const FlatRange *r = &space->view->ranges[i];
        if (r->start <= (__uint128_t)p && (__uint128_t)p < r->start + r->size) {
            Flags flags = {r->readonly, r->nonvolatile, r->unmergeable};
            g_assert(memcmp(&flags, &want.flags, sizeof flags) == 0);
            g_assert(r->romd == want.node->romd);
        }
    }
}

static void check_shape(const FlatView *view)
{
    for (unsigned i = 0; i < view->n; i++) {
        const FlatRange *r = &view->ranges[i];
        g_assert(r->size && r->start + r->size <= (__uint128_t)1 << 64);
        if (i == 0) {
            continue;
        }
        const FlatRange *before = r - 1;
        g_assert(before->start + before->size <= r->start);
        g_assert(before->start + before->size < r->start || before->mr != r->mr ||
                 before->offset_in_region + before->size != r->offset_in_region ||
                 before->readonly != r->readonly || before->nonvolatile != r->nonvolatile || before->unmergeable ||
                 r->unmergeable);
    }
}

static void check_view(int root, AddressSpace *space)
{
    ranges_seen += space->view->n;
    check_shape(space->view);
    n_edges = 0;
    collect_edges(root, 0);
    for (unsigned i = 0; i < n_edges; i++) {
        for (int d = -1; d <= 1; d++) {
            check_at(root, space, edges[i] + d);
        }
    }
}

static void run_seed(uint64_t seed)
{
    AddressSpace spaces[ROOTS];
    for (int i = 0; i < NODES; i++) {
        make_node(i, &seed);
    }
    for (int i = 0; i < ROOTS; i++) {
        address_space_init(&spaces[i], &nodes[2 * i].mr, "random");
    }
    for (int i = 1; i < NODES; i++) {
        attach(i, &seed);
    }
    for (unsigned step = 0; step < 30; step++) {
        bool together = next_random(&seed) % 4 == 0;
        if (together) {
            memory_transaction_begin();
            change((int)(next_random(&seed) % NODES), &seed);
        }
        change((int)(next_random(&seed) % NODES), &seed);
        if (together) {
            memory_transaction_commit();
        }
        if (step % 6 == 5) {
            for (int i = 0; i < ROOTS; i++) {
                check_view(2 * i, &spaces[i]);
            }
        }
    }
    memory_transaction_begin();
    for (int i = 0; i < NODES; i++) {
        detach(i);
    }
    memory_transaction_commit();
    for (int i = 0; i < ROOTS; i++) {
        address_space_deinit(&spaces[i]);
    }
    for (int i = 0; i < NODES; i++) {
        memory_region_deinit(&nodes[i].mr);
    }
}

static void t023_random_graphs(void **state) // T023
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        run_seed(seed);
    }
    assert_true(ranges_seen > 20 * SEEDS); // the graphs are not all empty
    assert_true(probes > 1000000);
    print_message("%lu probes\n", probes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(t023_random_graphs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
