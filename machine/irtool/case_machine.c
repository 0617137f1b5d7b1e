// SPDX-License-Identifier: GPL-3.0-or-later
// The machine of an IR case. Guest addresses are those of its RAM; whether page tables are said to translate them only
// decides how compiled code looks them up.
#include "machine/irtool/case_machine.h"

#include <string.h>
#include <sys/mman.h>

const char *const case_stop_words[] = {
    "", "left the code", "ran all instructions", "stopped before a fault", "stopped before a system instruction",
    "stopped before floating point that is off", "handed over to the interpreter", "was refused at its entry",
};

// What ends a run keeps what it was told, since the loop goes on to a block's end.
static void stop(IrEnv *env, CaseStop why)
{
    CaseMachine *m = (CaseMachine *)env;
    if (m->stop == STOP_NONE) {
        m->stop = why;
        m->at_left = env->left;
    }
    env->left = 0;
}

static void mem_fault(IrEnv *env, const MemFault *fault)
{
    ((CaseMachine *)env)->fault = *fault;
    stop(env, STOP_FAULT);
}

static void helper(IrEnv *env, uint64_t a, uint64_t b)
{
    (void)a, (void)b;
    stop(env, STOP_SYSTEM);
}

static bool fp_denied(IrEnv *env, unsigned mask, uint32_t bits)
{
    (void)mask, (void)bits;
    stop(env, STOP_DENIED);
    return false;
}

void case_machine_settle(CaseMachine *m)
{
    if (m->stop == STOP_FAULT || m->stop == STOP_SYSTEM || m->stop == STOP_DENIED)
        m->env.left = m->at_left;
}

static bool translate(void *opaque, gva_t va, unsigned size, MemAccess access, unsigned mmu, TlbTranslation *out,
                      MemFault *fault)
{
    const CaseMachine *m = opaque;
    (void)size, (void)access, (void)mmu, (void)fault;
    *out = (TlbTranslation){.page = va & PAGE_MASK, .allow = {true, true, true}, .whole_page = true,
                            .translated = m->paged};
    if (!m->paged)
        out->same_before = out->same_after = UINT64_MAX / 2;
    return true;
}

static void invalidate(void *opaque, ram_t start, uint64_t len)
{
    CaseMachine *m = opaque;
    engine_invalidate(m->engine, start, len);
}

static bool load(void *opaque, uint64_t addr, unsigned size, uint64_t *value, MemFault *fault)
{
    return tlb_load(((CaseMachine *)opaque)->tlb, addr, size, value, fault);
}

static bool store(void *opaque, uint64_t addr, unsigned size, uint64_t value, MemFault *fault)
{
    return tlb_store(((CaseMachine *)opaque)->tlb, addr, size, value, fault);
}

static void set_state(CaseMachine *m, const IrCase *c)
{
    static IrHelper helpers[CASE_HELPERS];
    static const IrEnvOps ops = {mem_fault, helpers, CASE_HELPERS, fp_denied};
    for (unsigned i = 0; i < CASE_HELPERS; i++)
        helpers[i] = (IrHelper){"helper", helper};
    IrEnv *env = &m->env;
    memcpy(env->r, c->r, sizeof c->r);
    env->pc = c->pc;
    env->frm = c->frm;
    env->fflags = c->fflags;
    env->fp_off = c->fp_off | (c->frm > IR_RM_RMM ? IR_FP_BAD_RM : 0);
    env->res_addr = c->res_addr;
    env->res_value = c->res_value;
    env->ops = &ops;
    case_machine_budget(m, c->left);
}

static RamBlock *ram_at(const CaseMachine *m, uint64_t addr, uint64_t *offset)
{
    for (unsigned i = 0; i < m->n_ram; i++) {
        *offset = addr - m->ram[i].addr;
        if (*offset < m->ram[i].ram->size)
            return m->ram[i].ram;
    }
    return NULL;
}

static void fill(CaseMachine *m, const IrCase *c)
{
    for (unsigned i = 0; i < c->mem->len; i++) {
        const CaseMem *b = &g_array_index(c->mem, CaseMem, i);
        for (unsigned k = 0; k < b->len; k++) {
            uint64_t offset;
            RamBlock *ram = ram_at(m, b->addr + k, &offset);
            ram->host[offset] = b->bytes[k];
        }
    }
}

// Runs of pages show behind the first accesses only.
static void show_runs(CaseMachine *m)
{
    for (unsigned i = 0; i < m->n_ram; i++) {
        tlb_ram(m->tlb, m->ram[i].addr, 1, ACCESS_READ);
        tlb_ram(m->tlb, m->ram[i].addr, 1, ACCESS_WRITE);
    }
    tlb_relieve(m->tlb);
}

static void make_parts(CaseMachine *m)
{
    static const EngineGuest nobody;
    EngineConfig config = {.jit = false};
    TlbHooks hooks = {translate, m};
    m->pages = code_pages_new(invalidate, m);
    m->tlb = tlb_new(&m->as, m->pages, &hooks, TLB_MIN_BITS, &m->env.tlb_mask, &m->env.tlb_table);
    tlb_set_runs(m->tlb, (TlbRuns *)(void *)&m->env.runs);
    code_pages_add_tlb(m->pages, m->tlb);
    m->engine = engine_new(&config, &nobody, &m->env, m->tlb, m->pages);
}

CaseMachine *case_machine_new(const IrCase *c, GError **error)
{
    CaseMachine *m = g_new0(CaseMachine, 1);
    bool ok = true;
    m->paged = c->paged;
    m->ram = g_new0(MemoryRegion, c->ram->len);
    memory_region_init(&m->root, "case", UINT64_MAX);
    for (; ok && m->n_ram < c->ram->len; m->n_ram += ok) {
        const CaseRange *r = &g_array_index(c->ram, CaseRange, m->n_ram);
        ok = memory_region_init_ram(&m->ram[m->n_ram], "ram", r->len, error);
        if (ok)
            memory_region_add_subregion(&m->root, r->start, &m->ram[m->n_ram]);
    }
    address_space_init(&m->as, &m->root, "case");
    make_parts(m);
    m->mem = (IrMem){m, load, store};
    if (!ok) {
        case_machine_free(m);
        return NULL;
    }
    set_state(m, c);
    fill(m, c);
    show_runs(m);
    return m;
}

void case_machine_free(CaseMachine *m)
{
    if (!m)
        return;
    engine_free(m->engine);
    code_pages_free(m->pages);
    tlb_free(m->tlb);
    address_space_deinit(&m->as);
    for (unsigned i = 0; i < m->n_ram; i++) {
        memory_region_del_subregion(&m->root, &m->ram[i]);
        memory_region_deinit(&m->ram[i]);
    }
    memory_region_deinit(&m->root);
    g_free(m->ram);
    g_free(m);
}

void case_machine_budget(CaseMachine *m, int64_t left)
{
    m->env.icount_limit += (uint64_t)(left - m->env.left);
    m->env.left = left;
}

uint64_t case_machine_done(const CaseMachine *m)
{
    return ir_env_icount(&m->env);
}

// --- what is in memory ----------------------------------------------------------------------------

uint8_t case_machine_byte(const CaseMachine *m, uint64_t addr)
{
    uint64_t offset;
    const RamBlock *ram = ram_at(m, addr, &offset);
    return ram ? ram->host[offset] : 0;
}

#define STEP (UINT64_C(1) << 30)

// A byte for each page from host on: not 0 if it exists.
static void find_resident(uint8_t *host, uint64_t len, unsigned char *resident)
{
    if (mincore(host, len, resident))
        memset(resident, 1, len / PAGE_SIZE);
}

void case_machine_compare(CaseMachine *a, CaseMachine *b,
                          void (*fn)(void *opaque, uint64_t addr, uint8_t in_a, uint8_t in_b), void *opaque)
{
    g_autofree unsigned char *there = g_malloc(2 * STEP / PAGE_SIZE);
    for (unsigned i = 0; i < a->n_ram; i++) {
        uint8_t *x = a->ram[i].ram->host, *y = b->ram[i].ram->host;
        for (uint64_t at = 0; at < a->ram[i].ram->size; at += STEP) {
            uint64_t len = MIN(STEP, a->ram[i].ram->size - at), pages = len / PAGE_SIZE;
            find_resident(x + at, len, there);
            find_resident(y + at, len, there + pages);
            for (uint64_t p = 0; p < pages; p++) {
                uint64_t o = at + p * PAGE_SIZE;
                if (!((there[p] | there[pages + p]) & 1) || !memcmp(x + o, y + o, PAGE_SIZE))
                    continue;
                for (uint64_t k = o; k < o + PAGE_SIZE; k++)
                    if (x[k] != y[k])
                        fn(opaque, a->ram[i].addr + k, x[k], y[k]);
            }
        }
    }
}
