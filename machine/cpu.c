// SPDX-License-Identifier: GPL-3.0-or-later
// One processor: connects the frontend's hart to the softmmu's TLB and to the engine, each of which knows nothing of
// the others.
#include "machine/cpu.h"

#include "frontend/decode.h"
#include "frontend/disas.h"
#include "frontend/lift.h"
#include <inttypes.h>

// Bare translation: physical is virtual, and PMP decides (privileged spec 3.7).
static bool translate(void *opaque, gva_t va, unsigned size, MemAccess access, unsigned mmu, TlbTranslation *out,
                      MemFault *fault)
{
    const Hart *hart = opaque;
    unsigned priv = mmu == 3 ? PRV_M : PRV_U;
    bool whole = true;
    if (!hart_pmp_allows(hart, va, size, access, priv, &whole)) {
        *fault = (MemFault){FAULT_ACCESS, access, va};
        return false;
    }
    *out = (TlbTranslation){.page = va & PAGE_MASK};
    for (unsigned k = 0; k < ACCESS_KINDS; k++)
        out->allow[k] = k == access || (whole && hart_pmp_allows(hart, va & PAGE_MASK, PAGE_SIZE, k, priv, &whole));
    out->whole_page = whole;
    return true;
}

static void hook_tlb_flush(void *opaque)
{
    Cpu *cpu = opaque;
    tlb_flush(cpu->tlb);
    engine_unlink(cpu->engine);
}

static void hook_mmu_changed(void *opaque)
{
    Cpu *cpu = opaque;
    tlb_set_mmu(cpu->tlb, hart_data_mmu(&cpu->hart), hart_fetch_mmu(&cpu->hart));
    engine_set_mode(cpu->engine, hart_fetch_mmu(&cpu->hart));
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
    LiftSource src = {&page, fetch, max_insns};
    return lift_block(out, &src, base, pc, fault);
}

static void print_insn(void *opaque, FILE *out, uint64_t pc, unsigned len, uint32_t bits)
{
    (void)opaque;
    char text[96];
    disas(text, sizeof text, pc, bits);
    fprintf(out, "0x%016" PRIx64 ":  %0*x          %*s%s\n", pc, (int)len * 2, bits, len == 2 ? 4 : 0, "", text);
}

const char *cpu_symbol(Cpu *cpu, uint64_t pc)
{
    uint64_t offset;
    const char *name = board_symbol(cpu->board, pc, &offset);
    if (!name)
        return "";
    if (offset)
        g_snprintf(cpu->symbol, sizeof cpu->symbol, "%s+0x%" PRIx64, name, offset);
    else
        g_strlcpy(cpu->symbol, name, sizeof cpu->symbol);
    return cpu->symbol;
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

Cpu *cpu_new(Board *board, unsigned hartid, const EngineConfig *config, unsigned tlb_bits, bool semihosting)
{
    Cpu *cpu = g_new0(Cpu, 1);
    cpu->board = board;
    HartHooks hooks = {.opaque = cpu,
                       .tlb_flush = hook_tlb_flush,
                       .mmu_changed = hook_mmu_changed,
                       .semihost = hook_semihost};
    TlbHooks tlb_hooks = {translate, &cpu->hart};
    EngineGuest guest = {cpu, lift, print_insn, symbol};
    IrEnv *env = &cpu->hart.env;
    decode_init();
    cpu->pages = code_pages_new(invalidate, cpu);
    cpu->hart.env.tlb_mask = 0;
    HartHooks none = {0};
    hart_init(&cpu->hart, hartid, &none); // before TLB and engine exist there is nobody to call
    cpu->tlb = tlb_new(board_cpu_memory(board, hartid), cpu->pages, &tlb_hooks, tlb_bits, &env->tlb_mask,
                       &env->tlb_table);
    code_pages_add_tlb(cpu->pages, cpu->tlb);
    cpu->engine = engine_new(config, &guest, env, cpu->tlb, cpu->pages);
    cpu->hart.hooks = hooks;
    cpu->hart.semihosting = semihosting;
    hart_reset(&cpu->hart, board_reset_pc(board, hartid));
    hook_mmu_changed(cpu);
    return cpu;
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

void cpu_set_irq(Cpu *cpu, unsigned irq, bool level)
{
    hart_set_irq(&cpu->hart, irq, level);
    if (level && cpu->thread == g_thread_self())
        ir_env_kick_self(&cpu->hart.env);
}
