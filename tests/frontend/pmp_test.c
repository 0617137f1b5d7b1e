// SPDX-License-Identifier: GPL-3.0-or-later
// PMP: tables, locks, and random configurations against a byte-by-byte reading of privileged spec 3.7.
#include "tests/test.h"
#include "frontend/csr.h"
#include "frontend/hart.h"
#include "util/bits.h"

static int setup(void **state)
{
    static const HartHooks no_hooks;
    Hart *hart = g_new0(Hart, 1);
    hart_init(hart, 0, &no_hooks);
    *state = hart;
    return 0;
}

static int teardown(void **state)
{
    g_free(*state);
    return 0;
}

enum { R = 1, W = 2, X = 4, TOR = 1 << 3, NA4 = 2 << 3, NAPOT = 3 << 3, L = 0x80 };

static void set_entry(Hart *hart, unsigned i, uint8_t cfg, uint64_t addr)
{
    uint64_t old;
    unsigned reg = i < 8 ? 0x3a0 : 0x3a2;
    csr_write(hart, 0x3b0 + i, addr);
    csr_read(hart, reg, &old);
    csr_write(hart, reg, bits_set(old, 8 * (i % 8), 8, cfg));
}

static bool allows(const Hart *hart, uint64_t pa, unsigned size, MemAccess access, unsigned priv)
{
    bool whole = true;
    return hart_pmp_allows(hart, pa, size, access, priv, &whole);
}

static bool whole_page(const Hart *hart, uint64_t pa)
{
    bool whole = true;
    hart_pmp_allows(hart, pa, 1, ACCESS_READ, PRV_U, &whole);
    return whole;
}

static void all_off(void **state)
{
    Hart *hart = *state;
    for (MemAccess a = ACCESS_READ; a < ACCESS_KINDS; a++) {
        assert_true(allows(hart, 0x80000000, 8, a, PRV_M));
        assert_false(allows(hart, 0x80000000, 8, a, PRV_U));
    }
    assert_true(whole_page(hart, 0x80000000));
}

static void napot_everything(void **state)
{
    Hart *hart = *state;
    set_entry(hart, 0, NAPOT | R | X, UINT64_MAX);
    assert_true(allows(hart, 0, 1, ACCESS_READ, PRV_U));
    assert_true(allows(hart, (UINT64_C(1) << 56) - 8, 8, ACCESS_FETCH, PRV_U));
    assert_false(allows(hart, 0x80000000, 4, ACCESS_WRITE, PRV_U));
    assert_true(allows(hart, 0x80000000, 4, ACCESS_WRITE, PRV_M)); // not locked
    assert_true(whole_page(hart, 0x80000000));
}

// Neighbouring words inside one page (T108).
static void granules(void **state)
{
    Hart *hart = *state;
    set_entry(hart, 0, NA4 | R, 0x80000004 >> 2);
    assert_true(allows(hart, 0x80000004, 4, ACCESS_READ, PRV_U));
    assert_true(allows(hart, 0x80000007, 1, ACCESS_READ, PRV_U));
    assert_false(allows(hart, 0x80000004, 4, ACCESS_WRITE, PRV_U));
    assert_false(allows(hart, 0x80000000, 4, ACCESS_READ, PRV_U));
    assert_false(allows(hart, 0x80000008, 4, ACCESS_READ, PRV_U));
    assert_false(allows(hart, 0x80000000, 8, ACCESS_READ, PRV_U)); // partly inside
    assert_false(allows(hart, 0x80000006, 4, ACCESS_READ, PRV_U));
    assert_false(allows(hart, 0x80000000, 8, ACCESS_READ, PRV_M)); // binds all modes
    assert_false(whole_page(hart, 0x80000004));
    assert_false(whole_page(hart, 0x80000ffc)); // the answer there is not the whole page's either
    assert_true(whole_page(hart, 0x80001000));
}

static void tor_and_priority(void **state)
{
    Hart *hart = *state;
    set_entry(hart, 0, TOR, 0x1000 >> 2);                     // [0, 0x1000): nothing
    set_entry(hart, 1, TOR | R | W, 0x3000 >> 2);             // [0x1000, 0x3000)
    set_entry(hart, 2, NAPOT | R | W | X, (0x4000 >> 2) - 1); // [0, 0x8000)
    assert_false(allows(hart, 0xfff, 1, ACCESS_READ, PRV_U));
    assert_true(allows(hart, 0x1000, 8, ACCESS_WRITE, PRV_U));
    assert_false(allows(hart, 0x1000, 4, ACCESS_FETCH, PRV_U));
    assert_false(allows(hart, 0xffc, 8, ACCESS_READ, PRV_U));
    assert_true(allows(hart, 0x3000, 4, ACCESS_FETCH, PRV_U));
    assert_false(allows(hart, 0x2ffc, 8, ACCESS_READ, PRV_U)); // entry 1 holds only half
    assert_true(allows(hart, 0x7fff, 1, ACCESS_FETCH, PRV_U));
    assert_false(allows(hart, 0x8000, 1, ACCESS_FETCH, PRV_U));
    assert_true(whole_page(hart, 0x1000));
    set_entry(hart, 1, TOR | R | W, 0x1000 >> 2); // empty: matches nothing
    assert_true(allows(hart, 0x1000, 4, ACCESS_FETCH, PRV_U));
    set_entry(hart, 1, 0, 0x5004 >> 2);
    set_entry(hart, 2, TOR, 0x5004 >> 2);
    set_entry(hart, 3, NAPOT | R | W | X, (0x4000 >> 2) - 1);
    assert_true(allows(hart, 0x5000, 8, ACCESS_FETCH, PRV_U)); // an empty range is not crossed
    assert_true(whole_page(hart, 0x5000));
    set_entry(hart, 2, 0, 0);
    set_entry(hart, 1, TOR | R | W, 0x800 >> 2); // upside down
    assert_true(allows(hart, 0x1000, 4, ACCESS_FETCH, PRV_U));
}

static void locks(void **state)
{
    Hart *hart = *state;
    uint64_t value;
    set_entry(hart, 2, TOR | R, 0x2000 >> 2);
    set_entry(hart, 3, TOR | R | L, 0x3000 >> 2); // locks entry 3 and the address of entry 2
    assert_false(allows(hart, 0x2000, 4, ACCESS_WRITE, PRV_M));
    assert_true(allows(hart, 0x2000, 4, ACCESS_READ, PRV_M));
    assert_true(allows(hart, 0x1000, 4, ACCESS_WRITE, PRV_M)); // entry 2 is not locked
    csr_write(hart, 0x3b3, 1);
    csr_read(hart, 0x3b3, &value);
    assert_int_equal(value, 0x3000 >> 2);
    csr_write(hart, 0x3b2, 1);
    csr_read(hart, 0x3b2, &value);
    assert_int_equal(value, 0x2000 >> 2);
    csr_write(hart, 0x3b1, 1);
    csr_read(hart, 0x3b1, &value);
    assert_int_equal(value, 1);
    csr_write(hart, 0x3a0, UINT64_C(0x0f0f0f0f0f0f0f0f));
    csr_read(hart, 0x3a0, &value);
    assert_int_equal(value, UINT64_C(0x0f0f0f0f890f0f0f));
    set_entry(hart, 15, NAPOT | L, 0x100); // the last entry, not TOR: holds its own address only
    csr_write(hart, 0x3be, 5);
    csr_read(hart, 0x3be, &value);
    assert_int_equal(value, 5);
    csr_write(hart, 0x3bf, 5);
    csr_read(hart, 0x3bf, &value);
    assert_int_equal(value, 0x100);
    hart_reset(hart, 0); // unlocks
    csr_write(hart, 0x3bf, 5);
    csr_read(hart, 0x3bf, &value);
    assert_int_equal(value, 5);
}

// --- the reference ----------------------------------------------------------------------------------------

static bool ref_holds(const Hart *hart, unsigned i, uint64_t byte)
{
    uint64_t word = byte / 4, addr = hart->pmpaddr[i];
    switch (hart->pmpcfg[i] / 8 % 4) {
    case 1:
        return word < addr && (i == 0 || word >= hart->pmpaddr[i - 1]);
    case 2:
        return word == addr;
    case 3: {
        unsigned ones = 0;
        while (addr >> ones & 1) {
            ones++;
        }
        return word >> (ones + 1) == addr >> (ones + 1);
    }
    default:
        return false;
    }
}

static bool ref_allows(const Hart *hart, uint64_t pa, unsigned size, MemAccess access, unsigned priv)
{
    for (unsigned i = 0; i < HART_PMP_ENTRIES; i++) {
        unsigned held = 0;
        for (unsigned k = 0; k < size; k++) {
            held += ref_holds(hart, i, pa + k);
        }
        if (held == 0) {
            continue;
        }
        bool locked = hart->pmpcfg[i] & 0x80;
        bool permitted = hart->pmpcfg[i] & (access == ACCESS_READ ? 1 : access == ACCESS_WRITE ? 2 : 4);
        return held == size && (permitted || (priv == PRV_M && !locked));
    }
    return priv == PRV_M;
}

// Three pages, entries with borders everywhere in and around them.
static void random_configurations(void **state)
{
    Hart *hart = *state;
    g_autoptr(GRand) rand = g_rand_new_with_seed(37);
    for (unsigned round = 0; round < 4000; round++) {
        unsigned entries = (unsigned)g_rand_int_range(rand, 1, HART_PMP_ENTRIES + 1);
        hart_reset(hart, 0);
        for (unsigned i = 0; i < entries; i++) {
            uint64_t addr = 0x80000000 / 4 + g_rand_int(rand) % 0xc00;
            if (g_rand_boolean(rand)) {
                addr |= (1u << g_rand_int_range(rand, 0, 13)) - 1;
            }
            set_entry(hart, i, (uint8_t)(g_rand_int(rand) & (g_rand_boolean(rand) ? 0x9f : 0x1f)), addr);
        }
        for (unsigned k = 0; k < 50; k++) {
            unsigned size = 1u << g_rand_int_range(rand, 0, 4);
            uint64_t pa = 0x80000000 + g_rand_int(rand) % 0x3000;
            pa = MIN(pa, (pa & PAGE_MASK) + PAGE_SIZE - size);
            MemAccess access = (MemAccess)g_rand_int_range(rand, 0, ACCESS_KINDS);
            unsigned priv = g_rand_boolean(rand) ? PRV_M : PRV_U;
            bool whole = true;
            bool got = hart_pmp_allows(hart, pa, size, access, priv, &whole);
            assert_int_equal(got, ref_allows(hart, pa, size, access, priv));
            for (unsigned n = 0; whole && n < 20; n++) { // the answer stands for the page
                uint64_t other = (pa & PAGE_MASK) + g_rand_int(rand) % (PAGE_SIZE - 7);
                assert_int_equal(got, ref_allows(hart, other, size, access, priv));
            }
            uint64_t first = 0, last = UINT64_MAX;
            if (whole)
                hart_pmp_same(hart, pa & PAGE_MASK, &first, &last);
            for (unsigned n = 0; whole && n < 20; n++) { // and for the bytes around it
                uint64_t other = 0x7ffff000 + g_rand_int(rand) % 0x5000;
                if (other >= first && other + size - 1 <= last)
                    assert_int_equal(got, ref_allows(hart, other, size, access, priv));
            }
        }
    }
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_off), TEST(napot_everything),      TEST(granules), TEST(tor_and_priority),
        TEST(locks),   TEST(random_configurations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
