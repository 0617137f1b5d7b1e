// SPDX-License-Identifier: GPL-3.0-or-later
// Two million random accesses through the TLB against a flat model of memory, permissions, code, counters.
//
// The model knows no TLB: it translates each access anew, moves bytes in its own arrays and replays device
// calls on its own recorders. After each step both must agree on value, fault, host pointer, number and hash
// of device calls and invalidations, and number of lookups counted.
#include "tests/softmmu/tlb_board.h"

#define STEPS 1000000 // in each of two runs

typedef enum { IS_RAM, IS_ROM, IS_ANY, IS_WORD } RangeKind;

typedef struct { // the physical map, first match wins
    gpa_t start;
    uint64_t len;
    RangeKind kind;
    uint64_t offset; // in RAM, ROM or the recorder
    bool readonly;
} Range;

static const Range ranges[] = {
    {RAM_BASE + 0x3100, 16, IS_ANY, 0, false},
    {RAM_BASE + 0x320b, 6, IS_ANY, 0, false},
    {RAM_BASE + 0x7804, 8, IS_WORD, 0, false},
    {RAM_BASE, RAM_SIZE, IS_RAM, 0, false},
    {ROM_BASE, ROM_SIZE, IS_ROM, 0, true},
    {DEV_BASE, DEV_SIZE, IS_ANY, 0, false},
    {DEV4_BASE, DEV_SIZE, IS_WORD, 0, false},
    {HOLE_BASE, 0x1000, IS_RAM, 0x2000, false},
    {HOLE_BASE + 0x1000, 0x7fc, IS_RAM, 0x5000, false},
    {HOLE_BASE + 0x2000, 0x1000, IS_RAM, 0x6000, true},
    {HOLE_BASE + 0x3000, 0x1000, IS_RAM, 0x8123, false},
};

// Mapped more often than by chance.
static const gpa_t odd_pages[] = {
    RAM_BASE + 0x2000, RAM_BASE + 0x3000,  RAM_BASE + 0x5000,  RAM_BASE + 0x6000,  RAM_BASE + 0x7000,
    RAM_BASE + 0x8000, ROM_BASE,           ROM_BASE + 0x1000,  DEV_BASE,           DEV4_BASE,
    HOLE_BASE,         HOLE_BASE + 0x1000, HOLE_BASE + 0x2000, HOLE_BASE + 0x3000, HOLE_BASE + 0x4000,
};

typedef struct {
    uint64_t hash;
    unsigned n;
} Log;

typedef struct {
    uint8_t ram[RAM_SIZE];
    uint8_t rom[ROM_SIZE];
    Recorder any, word;
    bool marked[RAM_SIZE / PAGE_SIZE];
    Log invalidations;
    uint64_t lookups;
    unsigned mmu, fetch_mmu;
} Model;

static Board board;
static Model model;
static MemoryRegion overlay[3];
static Log invalidations;
static uint64_t seed;
static unsigned seen_fast, seen_fault, seen_crossing, seen_pointer, seen_atomic, seen_fetch;

static uint64_t rnd(void) // xorshift64*
{
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return seed * UINT64_C(0x2545f4914f6cdd1d);
}

static unsigned below(unsigned n)
{
    return (unsigned)((rnd() >> 32) * n >> 32);
}

// Whether the last block of the page goes with these bytes: any rule that both sides can follow.
static bool clears(ram_t start, uint64_t len)
{
    return !((start ^ len) & 4);
}

static void note(Log *log, ram_t start, uint64_t len)
{
    log->hash = (log->hash ^ start << 8 ^ len) * UINT64_C(0x9e3779b97f4a7c15);
    log->n++;
}

static void invalidate(void *opaque, ram_t start, uint64_t len)
{
    (void)opaque;
    note(&invalidations, start, len);
    if (clears(start, len))
        code_pages_clear(board.code, start);
}

// --- the model ---------------------------------------------------------------------------------------------

static const Range *range_at(gpa_t pa)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(ranges); i++) {
        if (pa - ranges[i].start < ranges[i].len)
            return &ranges[i];
    }
    return NULL;
}

// The range of a page that the TLB may access directly, or NULL.
static const Range *direct_page(gpa_t page)
{
    const Range *r = range_at(page);
    if (!r || r->kind > IS_ROM || (r->offset & ~PAGE_MASK) || page + PAGE_SIZE > r->start + r->len)
        return NULL;
    for (unsigned i = 0; i < G_N_ELEMENTS(ranges) && &ranges[i] != r; i++) {
        if ((ranges[i].start & PAGE_MASK) == page)
            return NULL;
    }
    return r;
}

static void model_ram_write(uint64_t offset, unsigned size, uint64_t value)
{
    memcpy(model.ram + offset, &value, size);
    for (unsigned done = 0, n; done < size; done += n) {
        n = (unsigned)MIN(size - done, PAGE_SIZE - ((offset + done) & ~PAGE_MASK));
        bool *marked = &model.marked[(offset + done) >> PAGE_BITS];
        ram_t start = board.ram.ram->offset + offset + done;
        if (*marked) {
            note(&model.invalidations, start, n);
            *marked = !clears(start, n);
        }
    }
}

// One range does size bytes. False: it refuses.
static bool model_range(const Range *r, gpa_t pa, unsigned size, uint64_t *value, bool write)
{
    uint64_t offset = r->offset + (pa - r->start);
    Recorder *rec = r->kind == IS_ANY ? &model.any : &model.word;
    if (r->kind == IS_WORD && (size != 4 || offset % 4))
        return false;
    if (r->kind >= IS_ANY && write)
        recorder_write(rec, offset, *value & ~UINT64_C(0) >> (64 - 8 * size), size);
    else if (r->kind >= IS_ANY)
        *value = recorder_read(rec, offset, size);
    else if (!write)
        memcpy(value, (r->kind == IS_RAM ? model.ram : model.rom) + offset, size);
    else if (!r->readonly)
        model_ram_write(offset, size, *value);
    return true;
}

static bool model_halves(gpa_t pa, unsigned size, uint64_t *value, bool write)
{
    const Range *r = range_at(pa);
    bool one = true;
    for (unsigned i = 0; i < size; i++)
        one &= range_at(pa + i) == r;
    if (one) {
        uint64_t v = write ? *value : 0;
        if (!model_range(r, pa, size, &v, write))
            return false;
        *value = v;
        return true;
    }
    unsigned half = size / 2;
    uint64_t lo = *value, hi = *value >> (8 * half);
    if (!model_halves(pa, half, &lo, write) || !model_halves(pa + half, half, &hi, write))
        return false;
    *value = lo | hi << (8 * half);
    return true;
}

static bool model_piece(gpa_t pa, unsigned size, uint64_t *value, bool write)
{
    for (unsigned i = 0; i < size; i++) {
        if (!range_at(pa + i))
            return false;
    }
    return model_halves(pa, size, value, write);
}

// What lies in one page, n bytes (1..8).
static bool model_part(gpa_t page, gva_t va, unsigned n, uint64_t *value, MemAccess access, MemFault *fault)
{
    const Range *r = direct_page(page);
    bool write = access == ACCESS_WRITE;
    gpa_t pa = page | (va & ~PAGE_MASK);
    if (!write)
        *value = 0;
    if (r)
        return model_range(r, pa, n, value, write);
    for (unsigned done = 0, size; done < n; done += size) {
        for (size = 8; size > n - done || (n - done) % size || (va + done) % size; size /= 2)
            ;
        uint64_t v = *value >> (8 * done);
        if (!model_piece(pa + done, size, &v, write)) {
            *fault = (MemFault){FAULT_ACCESS, access, va + done};
            return false;
        }
        if (!write)
            *value |= (v & ~UINT64_C(0) >> (64 - 8 * size)) << (8 * done);
    }
    return true;
}

// Translates and counts. False: *fault.
static bool model_page(gva_t va, unsigned n, MemAccess access, TlbTranslation *tr, MemFault *fault)
{
    unsigned mmu = access == ACCESS_FETCH ? model.fetch_mmu : model.mmu;
    return board_translate(&board, va, n, access, mmu, tr, fault);
}

static bool model_access(gva_t va, unsigned size, uint64_t *value, MemAccess access, unsigned *lookups,
                         MemFault *fault)
{
    unsigned n = (unsigned)MIN(size, PAGE_SIZE - (va & ~PAGE_MASK));
    TlbTranslation a, b;
    *lookups = 1;
    if (!model_page(va, n, access, &a, fault))
        return false;
    if (n == size)
        return model_part(a.page, va, n, value, access, fault);
    *lookups = 2;
    seen_crossing++;
    if (!model_page(va + n, size - n, access, &b, fault))
        return false;
    uint64_t hi = *value >> (8 * n);
    if (!model_part(a.page, va, n, value, access, fault) ||
        !model_part(b.page, va + n, size - n, &hi, access, fault))
        return false;
    *value |= hi << (8 * n);
    return true;
}

// Host pointer for a page that this access may touch without bookkeeping, or NULL.
static uint8_t *model_host(const TlbTranslation *tr, gva_t va, MemAccess access, bool mind_code)
{
    const Range *r = direct_page(tr->page);
    if (!r || (access == ACCESS_WRITE && r->readonly))
        return NULL;
    uint64_t offset = r->offset + (tr->page - r->start) + (va & ~PAGE_MASK);
    if (r->kind == IS_ROM)
        return board.rom.ram->host + offset;
    if (mind_code && access == ACCESS_WRITE && model.marked[offset >> PAGE_BITS])
        return NULL;
    return board.ram.ram->host + offset;
}

// --- steps -------------------------------------------------------------------------------------------------

static gva_t any_va(void)
{
    static const unsigned spots[] = {0x0f4, 0x1fc, 0x7f0, 0x7fc};
    static gva_t page = MAP_BASE;
    if (below(3) == 0) // else again in the same page
        page = MAP_BASE + ((uint64_t)below(MAP_PAGES) << PAGE_BITS);
    switch (below(4)) {
    case 0:
        return page + spots[below(G_N_ELEMENTS(spots))] + below(24);
    case 1:
        return page + PAGE_SIZE - 1 - below(7);
    default:
        return page + (below(PAGE_SIZE) & (below(2) ? ~7u : ~0u));
    }
}

static void same_fault(const MemFault *a, const MemFault *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->access, b->access);
    assert_int_equal(a->addr, b->addr);
    seen_fault++;
}

static void step_data(MemAccess access)
{
    gva_t va = any_va();
    unsigned size = 1u << below(4), lookups;
    uint64_t value = access == ACCESS_WRITE ? rnd() : 0, got = value;
    MemFault want_fault, fault;
    if (board_hits(&board, va, size, access)) {
        void *host = (void *)(uintptr_t)(board_entry(&board, va)->addend + va);
        assert_true(model_access(va, size, &value, access, &lookups, &want_fault));
        if (access == ACCESS_WRITE) {
            memcpy(host, &got, size);
        } else {
            memcpy(&got, host, size);
            assert_int_equal(got, value);
        }
        seen_fast++;
        return;
    }
    bool want = model_access(va, size, &value, access, &lookups, &want_fault);
    bool ok = access == ACCESS_WRITE ? tlb_store(board.tlb, va, size, got, &fault)
                                     : tlb_load(board.tlb, va, size, &got, &fault);
    model.lookups += lookups;
    assert_int_equal(ok, want);
    if (!ok)
        same_fault(&fault, &want_fault);
    else if (access == ACCESS_READ)
        assert_int_equal(got, value);
}

static void step_pointer(void)
{
    gva_t va = any_va();
    unsigned size = 1u << below(4), n = (unsigned)MIN(size, PAGE_SIZE - (va & ~PAGE_MASK));
    MemAccess access = below(2) ? ACCESS_READ : ACCESS_WRITE;
    TlbTranslation a, b;
    MemFault fault;
    uint8_t *want = NULL;
    if (model_page(va, n, access, &a, &fault)) {
        want = model_host(&a, va, access, true);
        if (want && n < size &&
            (!model_page(va + n, size - n, access, &b, &fault) ||
             model_host(&b, va + n, access, true) != want + n))
            want = NULL;
    }
    uint8_t *got = tlb_ram(board.tlb, va, size, access);
    assert_ptr_equal(got, want);
    if (!got)
        return;
    model.lookups += n == size ? 1 : 2;
    seen_pointer++;
    if (access == ACCESS_WRITE) {
        uint64_t v = rnd();
        memcpy(got, &v, size);
        model_ram_write((uint64_t)(got - board.ram.ram->host), size, v);
    }
}

static void step_atomic(void)
{
    unsigned size = below(2) ? 4 : 8;
    gva_t va = any_va() & (below(8) ? ~(uint64_t)(size - 1) : ~UINT64_C(0));
    MemAccess access = below(2) ? ACCESS_READ : ACCESS_WRITE;
    TlbTranslation tr = {0};
    MemFault fault, want_fault = {FAULT_ALIGN, access, va};
    void *host = &fault;
    bool want = va % size == 0 && model_page(va, size, access, &tr, &want_fault);
    bool ok = tlb_atomic(board.tlb, va, size, access, &host, &fault);
    assert_int_equal(ok, want);
    if (!ok) {
        model.lookups += want_fault.kind != FAULT_ALIGN;
        same_fault(&fault, &want_fault);
        return;
    }
    assert_ptr_equal(host, model_host(&tr, va, access, false));
    if (!host)
        return;
    model.lookups++;
    seen_atomic++;
    if (access == ACCESS_WRITE) {
        uint64_t v = rnd();
        memcpy(host, &v, size);
        model_ram_write((uint64_t)((uint8_t *)host - board.ram.ram->host), size, v);
    }
}

static void step_fetch(void)
{
    gva_t va = any_va() & ~UINT64_C(1);
    const uint8_t *host = NULL;
    ram_t ram = 0;
    uint16_t parcel;
    uint64_t value;
    TlbTranslation tr = {0};
    MemFault fault, want_fault;
    bool want = model_page(va, 2, ACCESS_FETCH, &tr, &want_fault);
    bool ok = tlb_fetch(board.tlb, va, &host, &ram, &fault);
    assert_int_equal(ok, want);
    model.lookups++;
    if (!ok) {
        same_fault(&fault, &want_fault);
        return;
    }
    seen_fetch++;
    assert_ptr_equal(host, tr.whole_page ? model_host(&tr, va, ACCESS_FETCH, false) : NULL);
    if (host) {
        const RamBlock *block = range_at(tr.page)->kind == IS_ROM ? board.rom.ram : board.ram.ram;
        assert_int_equal(ram, block->offset + (ram_t)(host - block->host));
        return;
    }
    want = model_part(tr.page, va, 2, &value, ACCESS_FETCH, &want_fault);
    ok = tlb_fetch_mmio(board.tlb, va, &parcel, &fault);
    assert_int_equal(ok, want);
    if (!ok)
        same_fault(&fault, &want_fault);
    else
        assert_int_equal(parcel, value);
}

static void map_any(unsigned mmu, unsigned page)
{
    static const char *const rights[] = {"r", "rx", "w", "x", "rw", "rwxp", "rp", ""};
    gpa_t pa =
        below(3) ? RAM_BASE + (below(RAM_SIZE) & PAGE_MASK) : odd_pages[below(G_N_ELEMENTS(odd_pages))];
    board_map(&board, mmu, page, pa, below(4) ? "rwx" : rights[below(G_N_ELEMENTS(rights))]);
}

static void step_rare(void)
{
    unsigned page = below(RAM_SIZE / PAGE_SIZE), mmu = below(TLB_MMU_INDEXES);
    switch (below(8)) {
    case 0:
        model.mmu = mmu;
        model.fetch_mmu = below(TLB_MMU_INDEXES);
        tlb_set_mmu(board.tlb, model.mmu, model.fetch_mmu);
        break;
    case 1:
        page = below(MAP_PAGES);
        map_any(mmu, page);
        tlb_flush_page(board.tlb, MAP_BASE + ((uint64_t)page << PAGE_BITS) + below(PAGE_SIZE));
        break;
    case 2:
        if (below(8))
            break;
        for (unsigned i = 0; i < 64; i++)
            map_any(mmu, below(MAP_PAGES));
        tlb_flush(board.tlb);
        break;
    case 3:
        code_pages_clear(board.code, board.ram.ram->offset + page * PAGE_SIZE);
        model.marked[page] = false;
        break;
    default:
        code_pages_mark(board.code, board.ram.ram->offset + page * PAGE_SIZE + below(PAGE_SIZE));
        model.marked[page] = true;
        break;
    }
}

// The invariant of code_pages.h, seen through the table of the current index.
static void check_notdirty(void)
{
    for (uint64_t i = 0; i <= board.fast_mask / sizeof(TlbEntry); i++) {
        const TlbEntry *e = &board.fast_table[i];
        uint64_t cmp = e->cmp[ACCESS_WRITE];
        if (cmp == TLB_EMPTY || (cmp & (TLB_MMIO | TLB_DISCARD)))
            continue;
        uint64_t offset = e->addend + (cmp & PAGE_MASK) - (uint64_t)(uintptr_t)board.ram.ram->host;
        assert_true(offset < RAM_SIZE && !(offset & ~PAGE_MASK));
        assert_true((cmp & TLB_NOTDIRTY) || !model.marked[offset >> PAGE_BITS]);
    }
}

static void check_step(bool all)
{
    assert_int_equal(board.rec.n_calls, model.any.n_calls);
    assert_int_equal(board.rec.hash, model.any.hash);
    assert_int_equal(board.rec4.n_calls, model.word.n_calls);
    assert_int_equal(board.rec4.hash, model.word.hash);
    assert_int_equal(invalidations.n, model.invalidations.n);
    assert_int_equal(invalidations.hash, model.invalidations.hash);
    if (!all)
        return;
    assert_int_equal(board_lookups(&board), model.lookups);
    assert_memory_equal(board.ram.ram->host, model.ram, RAM_SIZE);
    assert_memory_equal(board.rom.ram->host, model.rom, ROM_SIZE);
    assert_memory_equal(board.rec.bytes, model.any.bytes, DEV_SIZE);
    for (unsigned i = 0; i < RAM_SIZE / PAGE_SIZE; i++)
        assert_int_equal(code_pages_test(board.code, board.ram.ram->offset + i * PAGE_SIZE), model.marked[i]);
    check_notdirty();
}

static void build_board(unsigned bits)
{
    board_init(&board, bits, invalidate, NULL);
    for (unsigned i = 0; i < 3; i++) {
        bool any = ranges[i].kind == IS_ANY;
        memory_region_init_io(&overlay[i], any ? &recorder_any_ops : &recorder_word_ops,
                              any ? &board.rec : &board.rec4, "overlay", ranges[i].len);
        memory_region_add_subregion_overlap(&board.root, ranges[i].start, &overlay[i], 1);
    }
    for (unsigned i = 7; i < G_N_ELEMENTS(ranges); i++) // straight from RAM, not through the overlays
        board_alias(&board, ranges[i].start, ranges[i].offset, ranges[i].len, ranges[i].readonly);
    memset(&model, 0, sizeof model);
    memset(&invalidations, 0, sizeof invalidations);
    memcpy(model.ram, board.ram.ram->host, RAM_SIZE);
    memcpy(model.rom, board.rom.ram->host, ROM_SIZE);
    model.any = board.rec;
    model.word = board.rec4;
    model.mmu = model.fetch_mmu = 3;
    for (unsigned mmu = 0; mmu < TLB_MMU_INDEXES; mmu++) {
        for (unsigned i = 0; i < MAP_PAGES; i++)
            map_any(mmu, i);
    }
}

static void run(unsigned bits, uint64_t start)
{
    seed = start;
    seen_fast = seen_fault = seen_crossing = seen_pointer = seen_atomic = seen_fetch = 0;
    build_board(bits);
    for (unsigned i = 0; i < STEPS; i++) {
        unsigned what = below(64);
        if (what < 26)
            step_data(ACCESS_READ);
        else if (what < 48)
            step_data(ACCESS_WRITE);
        else if (what < 54)
            step_pointer();
        else if (what < 58)
            step_atomic();
        else if (what < 62)
            step_fetch();
        else
            step_rare();
        check_step(i % 4096 == 0 || i == STEPS - 1);
    }
    // The walk went everywhere often enough to mean something.
    TlbStats s;
    tlb_stats(board.tlb, &s);
    assert_true(seen_fast > STEPS / 50 && seen_fault > STEPS / 20 && seen_crossing > STEPS / 50);
    assert_true(seen_pointer > STEPS / 50 && seen_atomic > STEPS / 100 && seen_fetch > STEPS / 100);
    assert_true(invalidations.n > STEPS / 100 && board.rec.n_calls > STEPS / 100);
    assert_true(s.kind[3][ACCESS_READ].slow_recheck && s.kind[3][ACCESS_WRITE].slow_notdirty);
    assert_true(s.kind[3][ACCESS_WRITE].slow_discard && s.kind[3][ACCESS_READ].slow_mmio);
    assert_true(bits ? s.kind[3][ACCESS_READ].victim_hit && s.evict[3] : s.kind[3][ACCESS_READ].hit);
    for (unsigned i = 0; i < 3; i++) {
        memory_region_del_subregion(&board.root, &overlay[i]);
        memory_region_deinit(&overlay[i]);
    }
    board_deinit(&board);
}

static void test_small_table(void **state)
{
    (void)state;
    run(TLB_MIN_BITS, 0x123456789abcdef);
}

static void test_dynamic_table(void **state)
{
    (void)state;
    run(0, 0xfedcba987654321);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_table),
        cmocka_unit_test(test_dynamic_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
