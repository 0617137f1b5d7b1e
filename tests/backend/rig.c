// SPDX-License-Identifier: GPL-3.0-or-later
// A small machine around any hart, for the tests of the engines.
#include "tests/backend/rig.h"

#include "frontend/decode.h"
#include "frontend/lift.h"
#include <string.h>

static void note(Rig *rig, uint64_t a, uint64_t b)
{
    rig->dev_hash = (rig->dev_hash ^ a ^ b << 7) * UINT64_C(0x9e3779b97f4a7c15);
    rig->dev_hash ^= rig->dev_hash >> 31;
    rig->dev_times = rig->dev_times * 31 + ir_env_icount(rig->env);
    rig->dev_calls++;
}

static uint64_t dev_read(void *opaque, uint64_t addr, unsigned size)
{
    Rig *rig = opaque;
    note(rig, addr, size);
    return rig->dev_hash >> (64 - 8 * size);
}

static void dev_write(void *opaque, uint64_t addr, uint64_t data, unsigned size)
{
    note(opaque, addr ^ 0x8000 ^ data << 16, size);
}

static const MemoryRegionOps dev_ops = {
    .read = dev_read,
    .write = dev_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 1, .max_access_size = 8, .unaligned = true},
    .impl = {.min_access_size = 1, .max_access_size = 8, .unaligned = true},
};

static bool translate(void *opaque, gva_t va, unsigned size, MemAccess access, unsigned mmu, TlbTranslation *out,
                      MemFault *fault)
{
    const Rig *rig = opaque;
    bool fetch = mmu == 3 || !rig->denied || (va & PAGE_MASK) != rig->denied;
    HartPage page = {va & PAGE_MASK, {true, true, true}, true, 0};
    if (rig->hart && !hart_translate(rig->hart, va, size, access, mmu, &page, fault))
        return false;
    *out = (TlbTranslation){page.page, {page.allow[0], page.allow[1], page.allow[2] && fetch}, page.whole_page,
                            page.large_bits};
    if (!rig->hart) { // all pages are alike
        out->same_before = out->same_after = UINT64_MAX / 2;
    } else if (!rig->denied) {
        out->same_before = page.same_before;
        out->same_after = page.same_after;
    }
    if (!out->allow[access])
        *fault = (MemFault){FAULT_ACCESS, access, va};
    return out->allow[access];
}

static void invalidate(void *opaque, ram_t start, uint64_t len)
{
    Rig *rig = opaque;
    engine_invalidate(rig->engine, start, len);
}

void rig_init(Rig *rig, IrEnv *env, uint64_t ram_size, const EngineConfig *config, const EngineGuest *guest)
{
    static const EngineGuest nobody;
    TlbHooks hooks = {translate, rig};
    memset(rig, 0, sizeof *rig);
    rig->env = env;
    memory_region_init(&rig->root, "system", UINT64_MAX);
    bool ok = memory_region_init_ram(&rig->ram, "ram", ram_size, NULL) &&
              memory_region_init_rom(&rig->rom, "rom", RIG_ROM_SIZE, NULL);
    g_assert(ok);
    memory_region_init_io(&rig->dev, &dev_ops, rig, "dev", RIG_DEV_SIZE);
    memory_region_add_subregion(&rig->root, RIG_RAM, &rig->ram);
    memory_region_add_subregion(&rig->root, RIG_ROM, &rig->rom);
    memory_region_add_subregion(&rig->root, RIG_DEV, &rig->dev);
    for (unsigned i = 0; i < RIG_ROM_SIZE; i++)
        rig->rom.ram->host[i] = (uint8_t)(i * 7 + (i >> 8));
    address_space_init(&rig->as, &rig->root, "memory");
    rig->pages = code_pages_new(invalidate, rig);
    rig->tlb = tlb_new(&rig->as, rig->pages, &hooks, TLB_MIN_BITS, &env->tlb_mask, &env->tlb_table);
    tlb_set_runs(rig->tlb, (TlbRuns *)(void *)&env->runs);
    code_pages_add_tlb(rig->pages, rig->tlb);
    rig->engine = engine_new(config, guest ? guest : &nobody, env, rig->tlb, rig->pages);
}

void rig_deinit(Rig *rig)
{
    MemoryRegion *all[] = {&rig->ram, &rig->rom, &rig->dev};
    engine_free(rig->engine);
    code_pages_free(rig->pages);
    tlb_free(rig->tlb);
    address_space_deinit(&rig->as);
    for (unsigned i = 0; i < G_N_ELEMENTS(all); i++) {
        memory_region_del_subregion(&rig->root, all[i]);
        memory_region_deinit(all[i]);
    }
    memory_region_deinit(&rig->root);
}

void *rig_ram(Rig *rig, uint64_t addr)
{
    g_assert(addr - RIG_RAM < rig->ram.ram->size);
    return rig->ram.ram->host + (addr - RIG_RAM);
}

static bool mem_load(void *opaque, uint64_t addr, unsigned size, uint64_t *value, MemFault *fault)
{
    Rig *rig = opaque;
    return tlb_load(rig->tlb, addr, size, value, fault);
}

static bool mem_store(void *opaque, uint64_t addr, unsigned size, uint64_t value, MemFault *fault)
{
    Rig *rig = opaque;
    return tlb_store(rig->tlb, addr, size, value, fault);
}

IrMem rig_mem(Rig *rig)
{
    return (IrMem){rig, mem_load, mem_store};
}

void rig_slice(Rig *rig, int64_t insns)
{
    rig->env->icount_limit += (uint64_t)(insns - rig->env->left);
    rig->env->left = insns;
}

void rig_run(Rig *rig, int64_t insns)
{
    rig_slice(rig, insns);
    g_atomic_int_set(&rig->env->exit_request, 0);
    engine_run(rig->engine);
}

static bool fetch(void *opaque, uint64_t pc, uint16_t *parcel, MemFault *fault)
{
    HartRig *h = opaque;
    const uint8_t *host;
    ram_t ram;
    if (!tlb_fetch(h->rig.tlb, pc, &host, &ram, fault))
        return false;
    if (!host)
        return tlb_fetch_mmio(h->rig.tlb, pc, parcel, fault);
    memcpy(parcel, host, sizeof *parcel);
    return true;
}

static bool lift(void *opaque, uint64_t base, uint64_t pc, unsigned max_insns, IrBlock *out, MemFault *fault)
{
    LiftSource src = {opaque, fetch, max_insns, 0};
    return lift_block(out, &src, base, pc, fault);
}

typedef struct {
    uint64_t pc;
    const uint8_t *bytes;
    size_t size;
} Bytes;

static bool fetch_bytes(void *opaque, uint64_t pc, uint16_t *parcel, MemFault *fault)
{
    const Bytes *b = opaque;
    *fault = (MemFault){FAULT_ACCESS, ACCESS_FETCH, pc};
    if (pc - b->pc + 2 > b->size)
        return false;
    memcpy(parcel, b->bytes + (pc - b->pc), 2);
    return true;
}

static bool lift_bytes(void *opaque, uint64_t base, uint64_t pc, const uint8_t *bytes, size_t size, unsigned max_insns,
                       IrBlock *out)
{
    (void)opaque;
    MemFault fault;
    Bytes b = {pc, bytes, size};
    LiftSource src = {&b, fetch_bytes, max_insns, 0};
    return lift_block(out, &src, base, pc, &fault) && out->n_insns == max_insns;
}

static void print_insn(void *opaque, FILE *out, uint64_t pc, unsigned len, uint32_t bits)
{
    (void)opaque, (void)len;
    fprintf(out, "%" G_GINT64_MODIFIER "x: %x\n", pc, bits);
}

static const char *symbol(void *opaque, uint64_t pc)
{
    (void)opaque, (void)pc;
    return "";
}

static void set_context(HartRig *h)
{
    tlb_set_context(h->rig.tlb, hart_space(&h->hart), hart_asid(&h->hart));
}

static void set_mode(HartRig *h)
{
    bool paged = hart_fetch_paged(&h->hart);
    engine_set_mode(h->rig.engine, hart_fetch_mmu(&h->hart) | (paged ? CODE_PAGED : 0), paged ? h->hart.satp : 0,
                    hart_asid(&h->hart));
}

static void mmu_changed(void *opaque)
{
    HartRig *h = opaque;
    set_context(h);
    tlb_set_mmu(h->rig.tlb, hart_data_mmu(&h->hart), hart_fetch_mmu(&h->hart));
    set_mode(h);
}

static void flush(void *opaque)
{
    HartRig *h = opaque;
    tlb_flush(h->rig.tlb);
    engine_unlink(h->rig.engine);
}

static void space_changed(void *opaque)
{
    set_context(opaque);
    set_mode(opaque);
}

static void fence_vma(void *opaque, const HartFence *what)
{
    HartRig *h = opaque;
    unsigned asid = what->one_asid ? what->asid : TLB_ANY_ASID;
    if (what->one_page)
        tlb_flush_space_page(h->rig.tlb, what->va, asid);
    else
        tlb_flush_space(h->rig.tlb, asid);
    engine_forget_spaces(h->rig.engine, what->one_asid && !what->one_page ? what->asid : CODE_ANY_ASID);
}

static uint64_t *pte_at(HartRig *h, uint64_t pa)
{
    uint64_t size = h->rig.ram.ram->size;
    return pa - RIG_RAM < size ? rig_ram(&h->rig, pa) : NULL;
}

static bool pte_load(void *opaque, uint64_t pa, uint64_t *pte)
{
    const uint64_t *p = pte_at(opaque, pa);
    if (p)
        *pte = *p;
    return p;
}

static bool pte_swap(void *opaque, uint64_t pa, uint64_t old, uint64_t new, uint64_t *old_seen)
{
    uint64_t *p = pte_at(opaque, pa);
    if (!p)
        return false;
    *old_seen = *p;
    if (*p == old)
        *p = new;
    return true;
}

static bool cache_block(void *opaque, uint64_t va, bool zero, MemFault *fault)
{
    HartRig *h = opaque;
    uint64_t block = va & ~UINT64_C(63);
    bool ok = zero ? tlb_zero(h->rig.tlb, block, 64, fault)
                   : tlb_probe(h->rig.tlb, block, 64, ACCESS_READ, fault);
    if (!ok)
        *fault = (MemFault){fault->kind, ACCESS_WRITE, va};
    return ok;
}

static uint64_t rig_time(void *opaque)
{
    (void)opaque;
    return RIG_TIME;
}

void hart_rig_init(HartRig *h, uint64_t ram_size, const EngineConfig *config)
{
    EngineGuest guest = {h, lift, print_insn, symbol, lift_bytes};
    HartHooks none = {0};
    decode_init();
    hart_init(&h->hart, 0, &none);
    rig_init(&h->rig, &h->hart.env, ram_size, config, &guest);
    h->hart.hooks = (HartHooks){.opaque = h,
                                .tlb_flush = flush,
                                .mmu_changed = mmu_changed,
                                .space_changed = space_changed,
                                .fence_vma = fence_vma,
                                .time = rig_time,
                                .pte_load = pte_load,
                                .pte_swap = pte_swap,
                                .cache_block = cache_block};
    h->rig.hart = &h->hart;
    hart_reset(&h->hart, RIG_RAM);
    h->hart.pmpaddr[15] = UINT64_MAX >> 10;
    h->hart.pmpcfg[15] = 0x1f;
    mmu_changed(h);
}

void hart_rig_deinit(HartRig *h)
{
    rig_deinit(&h->rig);
}

void hart_rig_poke(HartRig *h, uint64_t addr, const uint32_t *insns, unsigned n)
{
    memcpy(rig_ram(&h->rig, addr), insns, n * 4);
    code_pages_written(h->rig.pages, h->rig.ram.ram->offset + (addr - RIG_RAM), n * 4);
}

void hart_rig_deny_fetch(HartRig *h, uint64_t page)
{
    h->rig.denied = page;
    flush(h);
}

void rig_threads(GThreadFunc run, void *opaque)
{
    GThread *threads[3];
    for (unsigned i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("engine", run, opaque);
    for (unsigned i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
}
