// SPDX-License-Identifier: GPL-3.0-or-later
// One processor: connects the frontend's hart to the softmmu's TLB and to the engine, each of which knows nothing of
// the others.
#include "machine/cpu.h"

#include "frontend/decode.h"
#include "frontend/disas.h"
#include "frontend/lift.h"
#include "machine/cpu_tap.h"
#include "machine/cpu_watch.h"
#include "machine/names.h"
#include "softmmu/dirty.h"
#include "util/log.h"
#include <inttypes.h>
#include <string.h>

static bool translate(void *opaque, gva_t va, unsigned size, MemAccess access, unsigned mmu, TlbTranslation *out,
                      MemFault *fault)
{
    HartPage page;
    if (!hart_translate(opaque, va, size, access, mmu, &page, fault))
        return false;
    out->page = page.page;
    memcpy(out->allow, page.allow, sizeof out->allow);
    out->whole_page = page.whole_page;
    out->large_bits = page.large_bits;
    out->global = page.global;
    out->translated = mmu < TLB_SPACE_INDEXES && ((const Hart *)opaque)->satp >> 60;
    out->same_before = page.same_before;
    out->same_after = page.same_after;
    return true;
}

// --- page tables -------------------------------------------------------------------------------------------

// The page-table entry at pa, if it is RAM, and where that is in the space of all RAM. Good until the hart is stopped.
static uint64_t *find_pte(Cpu *cpu, uint64_t pa, bool write, ram_t *ram)
{
    AddressSpace *as = board_cpu_memory(cpu->board, (unsigned)cpu->hart.hartid);
    MemorySection s = address_space_lookup(as, pa);
    if (!s.host)
        s = address_space_translate(as, pa, write, MEMTXATTRS_NONE);
    if (!s.mr || !s.host || s.len < sizeof(uint64_t) || (write && !s.direct_write))
        return NULL;
    *ram = s.mr->ram->offset + (ram_t)(s.host - s.mr->ram->host);
    return (uint64_t *)(void *)(s.mr->ram == cpu->copied ? s.host + cpu->ram_delta : s.host);
}

static bool hook_pte_peek(void *opaque, uint64_t pa, uint64_t *pte)
{
    ram_t ram;
    const uint64_t *p = find_pte(opaque, pa, false, &ram);
    if (p)
        *pte = __atomic_load_n(p, __ATOMIC_ACQUIRE);
    return p;
}

static bool hook_pte_load(void *opaque, uint64_t pa, uint64_t *pte)
{
    const Cpu *cpu = opaque;
    if (hook_pte_peek(opaque, pa, pte))
        return true;
    // The bytes of a device are as good (R2.31), if it takes the access.
    MemTxResult result;
    *pte = address_space_ld(board_cpu_memory(cpu->board, (unsigned)cpu->hart.hartid), pa, sizeof *pte, &result);
    return result == MEMTX_OK;
}

static void pte_written(Cpu *cpu, ram_t ram)
{
    dirty_mark(ram, sizeof(uint64_t));
    code_pages_written(cpu->pages, ram, sizeof(uint64_t));
}

static bool hook_pte_swap(void *opaque, uint64_t pa, uint64_t old, uint64_t new, uint64_t *old_seen)
{
    Cpu *cpu = opaque;
    ram_t ram;
    uint64_t *p = find_pte(cpu, pa, true, &ram);
    if (!p)
        return false;
    *old_seen = old;
    if (__atomic_compare_exchange_n(p, old_seen, new, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        pte_written(cpu, ram);
    return true;
}

// --- what translations depend on ---------------------------------------------------------------------------

static void set_engine_mode(Cpu *cpu)
{
    const Hart *hart = &cpu->hart;
    unsigned mmu = hart_fetch_mmu(hart);
    bool paged = hart_fetch_paged(hart);
    engine_set_mode(cpu->engine, mmu | (paged ? CODE_PAGED : 0), paged ? hart->satp : 0, hart_asid(hart));
}

static void flush(Cpu *cpu, TapFlushCause cause)
{
    cpu_tap_flush(cpu, cause);
    if (cpu->watchers)
        cpu_tell(cpu, CPU_TLB_FLUSH, 0, 0);
    tlb_flush(cpu->tlb);
    engine_unlink(cpu->engine);
}

void cpu_map_changed(Cpu *cpu)
{
    flush(cpu, TAP_FLUSH_MAP);
}

void cpu_pages_clean(Cpu *cpu, ram_t start, uint64_t len)
{
    tlb_mark(cpu->tlb, start, len);
}

static void hook_tlb_flush(void *opaque)
{
    Cpu *cpu = opaque;
    flush(cpu, cpu->resetting ? TAP_FLUSH_RESET : TAP_FLUSH_PMP);
    if (cpu->mirror)
        hook_tlb_flush(cpu->mirror);
}

static void hook_mmu_changed(void *opaque)
{
    Cpu *cpu = opaque;
    tlb_set_context(cpu->tlb, hart_space(&cpu->hart), hart_asid(&cpu->hart));
    tlb_set_mmu(cpu->tlb, hart_data_mmu(&cpu->hart), hart_fetch_mmu(&cpu->hart));
    set_engine_mode(cpu);
    cpu_tap_mode(cpu);
}

static void hook_space_changed(void *opaque)
{
    Cpu *cpu = opaque;
    if (cpu->watchers)
        cpu_tell(cpu, CPU_SPACE, 0, cpu->hart.satp);
    tlb_set_context(cpu->tlb, hart_space(&cpu->hart), hart_asid(&cpu->hart));
    set_engine_mode(cpu);
    cpu_tap_mode(cpu);
}

// Global pages are flushed from the TLB with the rest of an address space: more than is asked.
static void hook_fence_vma(void *opaque, const HartFence *what)
{
    Cpu *cpu = opaque;
    unsigned asid = what->one_asid ? what->asid : TLB_ANY_ASID;
    unsigned code_asid = what->one_asid ? what->asid : CODE_ANY_ASID;
    cpu_tap_fence(cpu, what);
    if (cpu->watchers)
        cpu_tell(cpu, CPU_TLB_FENCE, (what->one_page ? CPU_FENCE_PAGE : 0) | (what->one_asid ? CPU_FENCE_ASID : 0),
                 what->one_page ? what->va : 0);
    if (!what->one_page) {
        tlb_flush_space(cpu->tlb, asid);
        engine_forget_spaces(cpu->engine, code_asid);
    } else {
        tlb_flush_space_page(cpu->tlb, what->va, asid);
        engine_forget_page(cpu->engine, what->va, code_asid);
    }
    if (cpu->mirror)
        hook_fence_vma(cpu->mirror, what);
}

// --- the rest of the hart's surroundings -------------------------------------------------------------------

// A management operation is allowed where a load or a store is, and refused as a store; which is allowed nowhere that
// a load is not (CMO spec 3.5). The address of the fault is that of the instruction, not of the block.
static bool hook_cache_block(void *opaque, uint64_t va, bool zero, MemFault *fault)
{
    Cpu *cpu = opaque;
    uint64_t block = va & ~(uint64_t)(HART_CACHE_BLOCK - 1);
    IrEnv *env = &cpu->hart.env;
    *(zero ? &env->n_store : &env->n_load) += 1;
    cpu_tap_cache_block(cpu, block, zero ? ACCESS_WRITE : ACCESS_READ);
    bool ok = zero ? tlb_zero(cpu->tlb, block, HART_CACHE_BLOCK, fault)
                   : tlb_probe(cpu->tlb, block, HART_CACHE_BLOCK, ACCESS_READ, fault);
    if (!ok)
        *fault = (MemFault){fault->kind, ACCESS_WRITE, va};
    return ok;
}

static uint64_t hook_time(void *opaque)
{
    Cpu *cpu = opaque;
    return board_time(cpu->board);
}

static void hook_stimecmp_changed(void *opaque, bool enabled, uint64_t value)
{
    Cpu *cpu = opaque;
    board_set_stimecmp(cpu->board, (unsigned)cpu->hart.hartid, enabled, value);
}

static uint64_t hook_tlb_misses(void *opaque, MemAccess access)
{
    Cpu *cpu = opaque;
    TlbStats s;
    uint64_t misses = 0;
    tlb_stats(cpu->tlb, &s);
    for (unsigned m = 0; m < TLB_MMU_INDEXES; m++)
        misses += s.kind[m][access].fill_ok + s.kind[m][access].fill_fault;
    return misses;
}

// What other harts have stored.
static void hook_fence_i(void *opaque)
{
    Cpu *cpu = opaque;
    code_pages_drain(cpu->pages);
}

static void hook_semihost(void *opaque)
{
    Cpu *cpu = opaque;
    Semihost *s = board_semihost(cpu->board);
    if (s)
        semihost_call(s, &cpu->hart.env.r[10], cpu->hart.env.r[11]);
}

typedef struct { // the page that the lifter reads from
    Tlb *tlb;
    uint64_t page;
    const uint8_t *host;
} FetchPage;

static bool fetch(void *opaque, uint64_t pc, uint16_t *parcel, MemFault *fault)
{
    FetchPage *f = opaque;
    if (!f->host || (pc & PAGE_MASK) != f->page) {
        ram_t ram;
        const uint8_t *host;
        if (!tlb_fetch(f->tlb, pc, &host, &ram, fault))
            return false;
        if (!host)
            return tlb_fetch_mmio(f->tlb, pc, parcel, fault);
        f->page = pc & PAGE_MASK;
        f->host = host - (pc & ~PAGE_MASK);
    }
    memcpy(parcel, f->host + (pc & ~PAGE_MASK), sizeof *parcel);
    return true;
}

static bool lift(void *opaque, uint64_t base, uint64_t pc, unsigned max_insns, IrBlock *out, MemFault *fault)
{
    Cpu *cpu = opaque;
    FetchPage page = {.tlb = cpu->tlb};
    LiftSource src = {&page, fetch, max_insns, hart_absent_exts(&cpu->hart)};
    return lift_block(out, &src, base, pc, fault);
}

typedef struct { // bytes to lift from, as they were when a block was made
    uint64_t pc;
    const uint8_t *bytes;
    size_t size;
} KeptCode;

static bool fetch_kept(void *opaque, uint64_t pc, uint16_t *parcel, MemFault *fault)
{
    const KeptCode *k = opaque;
    *fault = (MemFault){FAULT_ACCESS, ACCESS_FETCH, pc};
    if (pc - k->pc >= k->size || k->size - (pc - k->pc) < sizeof *parcel)
        return false;
    memcpy(parcel, k->bytes + (pc - k->pc), sizeof *parcel);
    return true;
}

static bool lift_bytes(void *opaque, uint64_t base, uint64_t pc, const uint8_t *bytes, size_t size, unsigned max_insns,
                       IrBlock *out)
{
    Cpu *cpu = opaque;
    MemFault fault;
    KeptCode code = {pc, bytes, size};
    LiftSource src = {&code, fetch_kept, max_insns, hart_absent_exts(&cpu->hart)};
    return lift_block(out, &src, base, pc, &fault) && out->n_insns == max_insns;
}

static void print_insn(void *opaque, FILE *out, uint64_t pc, unsigned len, uint32_t bits)
{
    (void)opaque, (void)len;
    char line[128];
    disas_line(line, sizeof line, pc, bits);
    fprintf(out, "%s\n", line);
}

const char *cpu_symbol(Cpu *cpu, uint64_t pc)
{
    uint64_t offset;
    const char *name;
    if (cpu->names) {
        Name n = names_at(cpu->names, cpu, pc, false);
        name = n.function;
        offset = n.offset;
    } else {
        name = board_symbol(cpu->board, pc, &offset);
    }
    if (!name)
        return "";
    if (offset)
        g_snprintf(cpu->symbol, sizeof cpu->symbol, "%s+0x%" PRIx64, name, offset);
    else
        g_strlcpy(cpu->symbol, name, sizeof cpu->symbol);
    return cpu->symbol;
}

static void print_state(void *opaque, FILE *out, bool fpu)
{
    const Cpu *cpu = opaque;
    g_autoptr(GString) text = g_string_new(NULL);
    hart_print_state(&cpu->hart, text, fpu);
    fputs(text->str, out);
}

// -d cpu_reset: what a reset ends.
static void log_reset(Cpu *cpu)
{
    if (!log_on(LOG_CPU_RESET))
        return;
    FILE *f = log_lock();
    fprintf(f, "CPU Reset (CPU %u)\n", (unsigned)cpu->hart.hartid);
    print_state(cpu, f, false);
    log_unlock();
}

bool cpu_symbol_address(Cpu *cpu, const char *name, uint64_t *addr)
{
    return cpu->names ? names_address(cpu->names, name, addr) : board_symbol_address(cpu->board, name, addr);
}

static const char *symbol(void *opaque, uint64_t pc)
{
    return cpu_symbol(opaque, pc);
}

static void invalidate(void *opaque, ram_t start, uint64_t len)
{
    Cpu *cpu = opaque;
    engine_invalidate(cpu->engine, start, len);
}

static HartHooks hart_hooks(Cpu *cpu)
{
    bool time = board_has_time(cpu->board) && cpu->hart.features.rdtime;
    return (HartHooks){
        .opaque = cpu,
        .tlb_flush = hook_tlb_flush,
        .mmu_changed = hook_mmu_changed,
        .fence_i = hook_fence_i,
        .semihost = hook_semihost,
        .space_changed = hook_space_changed,
        .fence_vma = hook_fence_vma,
        .time = time ? hook_time : NULL,
        .stimecmp_changed = time ? hook_stimecmp_changed : NULL,
        .pte_load = hook_pte_load,
        .pte_peek = hook_pte_peek,
        .pte_swap = hook_pte_swap,
        .cache_block = hook_cache_block,
        .tlb_misses = hook_tlb_misses,
    };
}

Cpu *cpu_new(Board *board, unsigned hartid, const CpuConfig *config)
{
    Cpu *cpu = g_new0(Cpu, 1);
    cpu->board = board;
    TlbHooks tlb_hooks = {translate, &cpu->hart};
    EngineGuest guest = {cpu, lift, print_insn, symbol, lift_bytes, print_state};
    IrEnv *env = &cpu->hart.env;
    decode_init();
    cpu->pages = config->pages ? code_pages_new_view(config->pages, invalidate, cpu) : code_pages_new(invalidate, cpu);
    cpu->hart.env.tlb_mask = 0;
    HartHooks none = {0};
    hart_init(&cpu->hart, hartid, &none); // before TLB and engine exist there is nobody to call
    _Static_assert(sizeof env->runs == sizeof(TlbRuns), "runs are the TLB's");
    cpu->tlb = tlb_new(board_cpu_memory(board, hartid), cpu->pages, &tlb_hooks, config->tlb_bits, &env->tlb_mask,
                       &env->tlb_table);
    tlb_set_runs(cpu->tlb, (TlbRuns *)(void *)&env->runs);
    code_pages_add_tlb(cpu->pages, cpu->tlb);
    cpu->hart.features = config->features;
    cpu->hart.features.sstc &= board_has_time(board) && config->features.rdtime;
    EngineConfig engine = config->engine;
    engine.hart = hartid;
    engine.lift_rules = hart_absent_exts(&cpu->hart);
    cpu->engine = engine_new(&engine, &guest, env, cpu->tlb, cpu->pages);
    cpu->hart.hooks = hart_hooks(cpu);
    cpu->hart.semihosting = config->semihosting;
    log_reset(cpu);
    hart_reset(&cpu->hart, board_reset_pc(board, hartid));
    hook_mmu_changed(cpu);
    return cpu;
}

void cpu_reset(Cpu *cpu)
{
    if (cpu->watchers)
        cpu_tell(cpu, CPU_RESET, 0, 0);
    cpu->resetting = true;
    log_reset(cpu);
    hart_reset(&cpu->hart, board_reset_pc(cpu->board, (unsigned)cpu->hart.hartid));
    cpu->resetting = false;
    hook_mmu_changed(cpu);
    if (cpu->mirror)
        cpu_reset(cpu->mirror);
}

void cpu_set_mirror(Cpu *cpu, Cpu *mirror, const RamBlock *ram, int64_t delta)
{
    cpu->mirror = mirror;
    mirror->copied = ram;
    mirror->ram_delta = delta;
    tlb_set_ram_copy(mirror->tlb, ram, delta);
}

void cpu_free(Cpu *cpu)
{
    if (!cpu)
        return;
    engine_free(cpu->engine);
    code_pages_free(cpu->pages);
    tlb_free(cpu->tlb);
    g_free(cpu);
}

bool cpu_is_mine(Cpu *cpu)
{
    return g_atomic_pointer_get(&cpu->thread) == g_thread_self();
}

void cpu_set_irq(Cpu *cpu, unsigned irq, bool level)
{
    hart_set_irq(&cpu->hart, irq, level);
    if (level && cpu_is_mine(cpu))
        ir_env_kick_self(&cpu->hart.env);
}
