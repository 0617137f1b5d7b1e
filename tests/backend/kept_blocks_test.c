// SPDX-License-Identifier: GPL-3.0-or-later
// Blocks and baseline code that one run keeps for the next: random programs do the same with them as without, whatever
// has become of the file.
#include "tests/test.h"
#include "frontend/trap.h"
#include "tests/backend/encode.h"
#include "tests/backend/rig.h"
#include "tests/backend/temp_dir.h"
#include "tests/ir/gen.h"
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RAM_SIZE 0x40000u
#define CODE     RIG_RAM
#define N        1500u // instructions of a program
#define DATA     (RIG_RAM + 0x20000)
#define ROUNDS 60u
#define LIMIT 200000 // more instructions than a program has to do

enum { ROUND = 5, LAST = 6, BASE = 8, BASE2 = 9, SECOND = 10, FIRST = 11 };
_Static_assert(SECOND < FIRST, "what comes from FIRST on is free for any value");

enum { FUNCTIONS = 8, END = N - 8 - FUNCTIONS * 3 };

typedef struct {
    uint32_t insn[N];
} Program;

static unsigned any(GenRng *rng)
{
    return FIRST + (unsigned)gen_below(rng, 32 - FIRST);
}

static uint32_t random_insn(GenRng *rng)
{
    static const uint8_t branches[] = {0, 1, 4, 5, 6, 7}, widths[] = {0, 1, 2, 3, 4, 5, 6};
    unsigned d = any(rng), a = any(rng), b = any(rng), base = BASE + (unsigned)gen_below(rng, 2);
    uint32_t at = (uint32_t)gen_below(rng, 0x400) & (gen_below(rng, 4) ? ~7u : ~0u);
    switch (gen_below(rng, 16)) {
    case 0:
    case 1:
        return r_type(0x33, (unsigned)gen_below(rng, 8), (unsigned)gen_below(rng, 2), d, a, b); // and multiplication
    case 2:
        return r_type(0x3b, 0, gen_below(rng, 2) ? 0x20 : 0, d, a, b); // addw, subw
    case 3:
    case 4:
        return i_type(0x13, gen_below(rng, 2) ? 0 : 4, d, a, (uint32_t)gen_below(rng, 0x1000)); // addi, xori
    case 5:
        return i_type(0x13, 5, d, a, (uint32_t)gen_below(rng, 64)); // srli
    case 6:
        return (uint32_t)gen_below(rng, 1u << 20) << 12 | d << 7 | (gen_below(rng, 2) ? 0x17u : 0x37u); // auipc, lui
    case 7:
    case 8:
    case 9:
        return i_type(0x03, widths[gen_below(rng, sizeof widths)], d, base, at);
    case 10:
    case 11:
        return s_type(0x23, (unsigned)gen_below(rng, 4), base, b, at);
    case 12:
        return b_type(branches[gen_below(rng, sizeof branches)], a, b, 4 * (1 + (int32_t)gen_below(rng, 4)));
    case 13: // fld, fsd, fadd.d, fmul.s
        switch (gen_below(rng, 4)) {
        case 0:
            return i_type(0x07, 3, d, base, at & ~7u);
        case 1:
            return s_type(0x27, 3, base, b, at & ~7u);
        case 2:
            return r_type(0x53, 7, 1, d, a, b);
        default:
            return r_type(0x53, 7, 8, d, a, b);
        }
    case 14:
        return gen_below(rng, 2) ? r_type(0x2f, 3, 0, d, BASE, b) : i_type(0x73, 2, d, 0, 0x340); // amoadd.d, mscratch
    default:
        return jal(0, 4 * (1 + (int32_t)gen_below(rng, 3)));
    }
}

// A loop of random instructions, with some calls of functions of three instructions behind it.
static void random_program(Program *p, uint64_t seed)
{
    GenRng rng = {seed};
    for (unsigned i = 0; i < END; i++)
        p->insn[i] = gen_below(&rng, 24)
                         ? random_insn(&rng)
                         : jal(RA, 4 * (int32_t)(END + 8 + 3 * gen_below(&rng, FUNCTIONS) - i));
    const uint32_t loop[8] = {0x13, 0x13, 0x13, 0x13, addi(ROUND, ROUND, 1), // nops, for what jumps here
                              b_type(0, ROUND, LAST, 8), jal(0, -4 * (END + 6)), 0x6f};
    memcpy(p->insn + END, loop, sizeof loop);
    for (unsigned f = 0; f < FUNCTIONS; f++) {
        uint32_t *at = p->insn + END + 8 + f * 3;
        at[0] = i_type(0x13, 0, any(&rng), any(&rng), f);
        at[1] = i_type(0x03, 3, any(&rng), BASE, 8 * f);
        at[2] = 0x00008067; // ret
    }
}

typedef struct {
    uint64_t r[IR_NREGS], pc;
    uint8_t data[0x1000];
    EngineStats stats;
} Outcome;

typedef struct {
    RegionStore *store; // NULL: the interpreter alone
    unsigned mode;
    uint64_t program, rules;
    void (*midway)(HartRig *h); // NULL: nothing
} Run;

static void run_program(const Run *run, const Program *p, Outcome *out)
{
    EngineConfig config = {.jit = run->store, .baseline = run->store, .system = true, .warm = 4, .threshold = 1 << 30,
                           .workers = 1, .store = run->store, .program = run->program, .keep_blocks = 1,
                           .lift_rules = run->rules};
    HartRig *h = g_new0(HartRig, 1);
    hart_rig_init(h, RAM_SIZE, &config);
    hart_set_status(&h->hart, PRV_M, MSTATUS_FS | MSTATUS_UXL_64 | MSTATUS_SXL_64);
    hart_rig_poke(h, CODE, p->insn, N);
    engine_set_mode(h->rig.engine, run->mode, run->mode, 0);
    h->hart.env.r[LAST] = ROUNDS;
    h->hart.env.r[BASE] = DATA;
    h->hart.env.r[BASE2] = DATA + 0x800;
    for (unsigned part = 0; part < 2; part++) { // twice, which ends where it stays
        h->hart.env.pc = CODE;
        h->hart.env.r[ROUND] = 0;
        rig_slice(&h->rig, LIMIT);
        while (h->hart.env.left > 0)
            engine_run(h->rig.engine);
        if (!part && run->midway)
            run->midway(h);
    }
    memset(out, 0, sizeof *out);
    memcpy(out->r, h->hart.env.r, sizeof out->r);
    memcpy(out->data, rig_ram(&h->rig, DATA), sizeof out->data);
    out->pc = h->hart.env.pc;
    engine_stats(h->rig.engine, &out->stats);
    hart_rig_deinit(h);
    g_free(h);
    if (run->store)
        region_store_flush(run->store);
}

// A random program, and what it does on the interpreter alone.
static void program_and_outcome(Program *p, uint64_t seed, unsigned mode, Outcome *want)
{
    random_program(p, seed);
    run_program(&(Run){.mode = mode}, p, want);
}

static void expect_same(const Outcome *a, const Outcome *b)
{
    assert_memory_equal(a->r, b->r, sizeof a->r);
    assert_memory_equal(a->data, b->data, sizeof a->data);
    assert_int_equal(a->pc, b->pc);
}

static RegionStore *open_store(void)
{
    RegionStore *s = region_store_open(temp_dir, 64 << 20, true, NULL);
    assert_non_null(s);
    return s;
}

// The only file of blocks there is; NULL: none. Freed by the caller.
static char *file_of_blocks(void)
{
    char *found = NULL;
    GDir *d = g_dir_open(temp_dir, 0, NULL);
    for (const char *name; (name = g_dir_read_name(d));) {
        if (!g_str_has_suffix(name, ".blocks"))
            continue;
        assert_null(found);
        found = g_build_filename(temp_dir, name, NULL);
    }
    g_dir_close(d);
    return found;
}

static void same_with_and_without(unsigned mode)
{
    for (uint64_t seed = 1; seed <= 25; seed++) {
        Program p;
        Outcome want, first, second;
        RegionStore *store = open_store();
        program_and_outcome(&p, seed, mode, &want);
        run_program(&(Run){.store = store, .mode = mode, .program = seed}, &p, &first);
        region_store_free(store);
        store = open_store();
        run_program(&(Run){.store = store, .mode = mode, .program = seed}, &p, &second);
        assert_int_equal(want.r[ROUND], ROUNDS);
        assert_int_equal(want.pc, CODE + 4 * (END + 7));
        expect_same(&want, &first);
        expect_same(&want, &second);
        assert_int_equal(first.stats.kept_blocks, 0);
        assert_true(first.stats.baseline_blocks > 100);
        assert_true(second.stats.kept_blocks + 4 >= first.stats.blocks);
        assert_true(second.stats.kept_code + 4 >= first.stats.baseline_blocks);
        assert_true(second.stats.baseline_done > first.stats.baseline_done); // it is there from the first entry on
        uint64_t bytes;
        unsigned left;
        assert_int_equal(region_store_purge(store, &bytes, &left), 1);
        region_store_free(store);
    }
}

static void second_run_takes_what_the_first_made(void **state)
{
    (void)state;
    same_with_and_without(3);
}

static void under_page_tables(void **state)
{
    (void)state;
    same_with_and_without(CODE_PAGED | 1);
}

static void user_programs_are_not_kept(void **state)
{
    (void)state;
    Program p;
    Outcome out;
    RegionStore *store = open_store();
    random_program(&p, 7);
    for (unsigned i = 0; i < 2; i++) {
        run_program(&(Run){.store = store, .mode = CODE_PAGED, .program = 7}, &p, &out);
        assert_int_equal(out.stats.kept_blocks, 0);
    }
    assert_null(file_of_blocks());
    region_store_free(store);
}

static void other_programs_and_rules(void **state)
{
    (void)state;
    Program p;
    Outcome out;
    RegionStore *store = open_store();
    random_program(&p, 8);
    run_program(&(Run){.store = store, .mode = 3, .program = 8}, &p, &out);
    run_program(&(Run){.store = store, .mode = 3, .program = 8, .rules = 1}, &p, &out);
    assert_int_equal(out.stats.kept_blocks, 0);
    run_program(&(Run){.store = store, .mode = 3, .program = 9}, &p, &out);
    assert_int_equal(out.stats.kept_blocks, 0);
    run_program(&(Run){.store = store, .mode = 3}, &p, &out);
    assert_int_equal(out.stats.kept_blocks, 0);
    run_program(&(Run){.store = store, .mode = 3, .program = 8}, &p, &out);
    assert_true(out.stats.kept_blocks > 100);
    region_store_free(store);
}

// Another program at the same place under the same number: only what is the same is taken, and then both are kept.
static void other_code(void **state)
{
    (void)state;
    Program p, q;
    Outcome want, out;
    RegionStore *store = open_store();
    random_program(&p, 10);
    random_program(&q, 11);
    memcpy(q.insn + N / 2, p.insn + N / 2, N / 2 * sizeof *q.insn);
    run_program(&(Run){.mode = 3}, &q, &want);
    run_program(&(Run){.store = store, .mode = 3, .program = 10}, &p, &out);
    run_program(&(Run){.store = store, .mode = 3, .program = 10}, &q, &out);
    expect_same(&want, &out);
    assert_true(out.stats.kept_blocks > 20 && out.stats.kept_blocks < out.stats.blocks - 20);
    for (unsigned i = 0; i < 2; i++) {
        run_program(&(Run){.store = store, .mode = 3, .program = 10}, i ? &p : &q, &out);
        assert_true(out.stats.kept_blocks + 4 >= out.stats.blocks);
    }
    region_store_free(store);
}

static Program patched;

static void patch(HartRig *h)
{
    hart_rig_poke(h, CODE, patched.insn, N);
}

static void code_that_changes(void **state)
{
    (void)state;
    Program p;
    Outcome want, out;
    RegionStore *store = open_store();
    random_program(&p, 12);
    patched = p;
    for (unsigned i = 100; i < N - 50; i += 90)
        patched.insn[i] = addi(FIRST, FIRST, i);
    run_program(&(Run){.mode = 3, .midway = patch}, &p, &want);
    for (unsigned i = 0; i < 3; i++) {
        run_program(&(Run){.store = store, .mode = 3, .program = 12, .midway = patch}, &p, &out);
        expect_same(&want, &out);
    }
    assert_true(out.stats.kept_blocks + 8 >= out.stats.blocks); // both forms of it
    region_store_free(store);
}

static void count_damage(const RegionStoreEntry *e, void *opaque)
{
    *(unsigned *)opaque += e->damage != NULL;
}

static void flip(const char *path, off_t at)
{
    uint8_t byte;
    int fd = open(path, O_RDWR);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 0x10;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

// A damaged file is found by a look at it, does no harm to a run, and is gone or mended then.
static void damage(void **state)
{
    (void)state;
    Program p;
    Outcome want, out;
    program_and_outcome(&p, 13, 3, &want);
    RegionStore *store = open_store();
    run_program(&(Run){.store = store, .mode = 3, .program = 13}, &p, &out);
    g_autofree char *path = file_of_blocks();
    g_autofree char *sound = NULL;
    gsize size;
    assert_true(g_file_get_contents(path, &sound, &size, NULL));
    region_store_free(store);
    for (gsize i = 0; i < 48; i++) {
        unsigned damaged = 0;
        gsize at = i < 12 ? i * 8 : i * size / 48;
        assert_true(g_file_set_contents(path, sound, (gssize)size, NULL));
        if (i % 4 == 3)
            assert_int_equal(truncate(path, (off_t)at), 0);
        else
            flip(path, (off_t)at);
        store = open_store();
        region_store_each(store, count_damage, &damaged);
        assert_int_equal(damaged, 1);
        run_program(&(Run){.store = store, .mode = 3, .program = 13}, &p, &out);
        expect_same(&want, &out);
        region_store_free(store);
    }
}

static void cut_short(HartRig *h)
{
    (void)h;
    g_autofree char *path = file_of_blocks();
    assert_int_equal(truncate(path, 4096), 0);
}

static void truncated_while_in_use(void **state)
{
    (void)state;
    Program p;
    Outcome want, out;
    program_and_outcome(&p, 14, 3, &want);
    RegionStore *store = open_store();
    run_program(&(Run){.store = store, .mode = 3, .program = 14}, &p, &out);
    run_program(&(Run){.store = store, .mode = 3, .program = 14, .midway = cut_short}, &p, &out);
    expect_same(&want, &out);
    region_store_free(store);
}

static void files_of_others_are_not_used(void **state)
{
    (void)state;
    Program p;
    Outcome out;
    random_program(&p, 15);
    RegionStore *store = open_store();
    run_program(&(Run){.store = store, .mode = 3, .program = 15}, &p, &out);
    g_autofree char *path = file_of_blocks();
    chmod(path, 0666);
    run_program(&(Run){.store = store, .mode = 3, .program = 15}, &p, &out);
    assert_int_equal(out.stats.kept_blocks, 0);
    run_program(&(Run){.store = store, .mode = 3, .program = 15}, &p, &out); // that one has written another
    assert_true(out.stats.kept_blocks > 100);
    region_store_free(store);
}

static void bound(void **state)
{
    (void)state;
    Program p;
    Outcome want, out;
    program_and_outcome(&p, 16, 3, &want);
    RegionStore *store = region_store_open(temp_dir, 64 << 10, true, NULL);
    for (unsigned i = 0; i < 3; i++) {
        run_program(&(Run){.store = store, .mode = 3, .program = 16}, &p, &out);
        expect_same(&want, &out);
        g_autofree char *path = file_of_blocks();
        struct stat st;
        assert_int_equal(stat(path, &st), 0);
        assert_true(st.st_size <= 48 << 10);
    }
    assert_true(out.stats.kept_blocks > 10);
    region_store_free(store);
}

static gpointer run_again(gpointer store)
{
    Program p;
    Outcome want, out;
    program_and_outcome(&p, 17, 3, &want);
    for (unsigned i = 0; i < 5; i++) {
        run_program(&(Run){.store = store, .mode = 3, .program = 17}, &p, &out);
        expect_same(&want, &out);
    }
    return NULL;
}

static void several_engines(void **state)
{
    (void)state;
    RegionStore *store = open_store();
    rig_threads(run_again, store);
    region_store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(second_run_takes_what_the_first_made),
        FOLDER_TEST(under_page_tables),
        FOLDER_TEST(user_programs_are_not_kept),
        FOLDER_TEST(other_programs_and_rules),
        FOLDER_TEST(other_code),
        FOLDER_TEST(code_that_changes),
        FOLDER_TEST(damage),
        FOLDER_TEST(truncated_while_in_use),
        FOLDER_TEST(files_of_others_are_not_used),
        FOLDER_TEST(bound),
        FOLDER_TEST(several_engines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
