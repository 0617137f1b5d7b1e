// SPDX-License-Identifier: GPL-3.0-or-later
// Lockstep of compiled code with the interpreter.
#include "machine/check_private.h"

#include "frontend/trap.h"
#include "util/log.h"
#include <errno.h>
#include <gio/gio.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

#define STRETCH 5000 // instructions that the mirror may run ahead

static void on_stored(void *opaque, ram_t start, uint64_t len)
{
    Check *c = opaque;
    Stored s = {start, len};
    g_array_append_val(c->stored, s);
    code_pages_written(c->mirror->pages, start, len);
}

bool check_in_ram(const Check *c, Stored s, uint64_t *at, uint64_t *len)
{
    if (s.start < c->ram->offset || s.start >= c->ram->offset + c->ram->size)
        return false;
    *at = s.start - c->ram->offset;
    *len = MIN(s.len, c->ram->size - *at);
    return true;
}

void check_find_resident(uint8_t *host, uint64_t len, unsigned char *resident)
{
    if (mincore(host, len, resident))
        memset(resident, 1, len / PAGE_SIZE);
    for (uint64_t p = 0; p < len / PAGE_SIZE; p++)
        resident[p] &= 1;
}

// What was loaded before the mirror existed: only pages that exist are copied.
static void copy_resident(Check *c)
{
    const uint64_t step = UINT64_C(1) << 30;
    g_autofree unsigned char *resident = g_malloc(step / PAGE_SIZE);
    for (uint64_t at = 0; at < c->ram->size; at += step) {
        uint64_t len = MIN(step, c->ram->size - at);
        check_find_resident(c->ram->host + at, len, resident);
        for (uint64_t p = 0; p < len / PAGE_SIZE; p++)
            if (resident[p])
                memcpy(c->copy + at + p * PAGE_SIZE, c->ram->host + at + p * PAGE_SIZE, PAGE_SIZE);
    }
}

uint8_t *check_map(size_t size, GError **error)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p != MAP_FAILED)
        return p;
    g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "-accel check: cannot get a copy of the guest's RAM "
                "(%zu MiB): %s", size >> 20, g_strerror(errno));
    return NULL;
}

Check *check_new(Cpu *cpu, Cpu *mirror, GError **error)
{
    gpa_t base = board_ram_base(cpu->board);
    MemorySection dram = address_space_lookup(board_memory(cpu->board), base);
    uint8_t *copy = check_map(dram.mr->ram->size, error);
    if (!copy)
        return NULL;
    Check *c = g_new0(Check, 1);
    c->base = base;
    c->cpu = cpu;
    c->mirror = mirror;
    c->ram = dram.mr->ram;
    c->stored = g_array_new(FALSE, FALSE, sizeof(Stored));
    c->copy = copy;
    copy_resident(c);
    cpu_set_mirror(cpu, mirror, c->ram, (int64_t)(c->copy - c->ram->host));
    code_pages_watch(cpu->pages, on_stored, c);
    tlb_flush(cpu->tlb);
    tlb_flush(mirror->tlb);
    return c;
}

void check_free(Check *c)
{
    if (!c)
        return;
    c->cpu->mirror = NULL;
    munmap(c->copy, c->ram->size);
    check_cut_free(c->cut);
    g_array_free(c->stored, TRUE);
    g_free(c);
}

void check_ram_written(Check *c, ram_t start, uint64_t len)
{
    uint64_t at, n;
    if (check_in_ram(c, (Stored){start, len}, &at, &n))
        memcpy(c->copy + at, c->ram->host + at, n);
    if (c->cut)
        check_cut_follow(c, (Stored){start, len});
    code_pages_written(c->mirror->pages, start, len);
}

void check_counts(const Check *c, uint64_t *stretches, uint64_t *insns)
{
    *stretches = c->stretches;
    *insns = c->insns;
}

char *check_memory(Check *c)
{
    const uint64_t step = UINT64_C(1) << 30;
    g_autofree unsigned char *resident = g_malloc(2 * step / PAGE_SIZE);
    if (c->failed || c->cpu->hart.features.svadu)
        return NULL; // known already; or the mirror may have set A bits ahead of its time
    for (uint64_t at = 0; at < c->ram->size; at += step) {
        uint64_t len = MIN(step, c->ram->size - at), pages = len / PAGE_SIZE;
        check_find_resident(c->ram->host + at, len, resident);
        check_find_resident(c->copy + at, len, resident + pages);
        for (uint64_t p = 0; p < pages; p++) {
            uint64_t offset = at + p * PAGE_SIZE;
            if ((resident[p] || resident[pages + p]) && memcmp(c->copy + offset, c->ram->host + offset, PAGE_SIZE))
                return g_strdup_printf("check: compiled code wrote to the page at 0x%" PRIx64
                                       " what the interpreter did not", c->base + offset);
        }
    }
    return NULL;
}

// The mirror's hart becomes the processor's: everything but what belongs to its own engine and TLB.
static void copy_state(Check *c)
{
    const Hart *from = &c->cpu->hart;
    Hart *to = &c->mirror->hart;
    memcpy(to->env.r, from->env.r, IR_NREGS * sizeof from->env.r[0]);
    to->env.pc = from->env.pc;
    to->env.res_addr = from->env.res_addr;
    to->env.res_value = from->env.res_value;
    to->menvcfg = from->menvcfg;
    if (to->satp != from->satp) {
        to->satp = from->satp;
        to->hooks.space_changed(to->hooks.opaque);
    }
    to->env.fflags = from->env.fflags;
    to->env.frm = from->env.frm;
    to->env.fp_off = from->env.fp_off;
    if (to->priv != from->priv || to->mstatus != from->mstatus) {
        to->priv = from->priv;
        to->mstatus = from->mstatus;
        to->hooks.mmu_changed(to->hooks.opaque);
    }
    if (memcmp(to->pmpcfg, from->pmpcfg, sizeof to->pmpcfg) || memcmp(to->pmpaddr, from->pmpaddr, sizeof to->pmpaddr)) {
        memcpy(to->pmpcfg, from->pmpcfg, sizeof to->pmpcfg);
        memcpy(to->pmpaddr, from->pmpaddr, sizeof to->pmpaddr);
        to->hooks.tlb_flush(to->hooks.opaque);
    }
}

// Compiled code that leaves before a store has looked its page up, and so may have set A and D of a page-table entry
// (menvcfg.ADUE) that the interpreter will set when it does the store.
static bool ahead_by_walk(const Check *c, uint64_t at, uint64_t len)
{
    const uint64_t used = 0xc0; // A and D
    uint64_t mine, real;
    if (len != sizeof real || at % sizeof real || !(c->cpu->hart.menvcfg & MENVCFG_ADUE))
        return false;
    memcpy(&mine, c->copy + at, sizeof mine);
    memcpy(&real, c->ram->host + at, sizeof real);
    return mine == (real | (mine & used));
}

static bool same_memory(const Check *c, uint64_t *where)
{
    for (unsigned i = 0; i < c->stored->len; i++) {
        uint64_t at, len;
        if (check_in_ram(c, g_array_index(c->stored, Stored, i), &at, &len) &&
            memcmp(c->copy + at, c->ram->host + at, len) && !ahead_by_walk(c, at, len)) {
            *where = c->base + at;
            return false;
        }
    }
    return true;
}

void check_forget_stored(Check *c)
{
    for (unsigned i = 0; c->cut && i < c->stored->len; i++)
        check_cut_follow(c, g_array_index(c->stored, Stored, i));
    g_array_set_size(c->stored, 0);
}

static void copy_stored(Check *c)
{
    for (unsigned i = 0; i < c->stored->len; i++) {
        uint64_t at, len;
        if (check_in_ram(c, g_array_index(c->stored, Stored, i), &at, &len))
            memcpy(c->copy + at, c->ram->host + at, len);
    }
    check_forget_stored(c);
}

static char *report(Check *c, uint64_t pc, uint64_t insns, const char *what)
{
    g_autoptr(GString) a = g_string_new(NULL), b = g_string_new(NULL);
    hart_print(&c->cpu->hart, a);
    hart_print(&c->mirror->hart, b);
    FILE *f = log_lock();
    fprintf(f, "check: interpreter and compiled code differ (%s) %" PRIu64 " instructions after 0x%016" PRIx64 " %s\n",
            what, insns, pc, cpu_symbol(c->cpu, pc));
    fprintf(f, "--- interpreter\n%s--- compiled\n%s", a->str, b->str);
    engine_print_code(c->mirror->engine, pc, f);
    log_unlock();
    return g_strdup_printf("check: %s differs %" PRIu64 " instructions after pc 0x%" PRIx64, what, insns, pc);
}

char *check_compare(const Check *c)
{
    const IrEnv *a = &c->cpu->hart.env, *b = &c->mirror->hart.env;
    uint64_t where;
    for (unsigned r = 0; r < IR_NREGS; r++)
        if (a->r[r] != b->r[r])
            return g_strdup_printf("register %s", hart_reg_names[r]);
    if (a->pc != b->pc)
        return g_strdup("pc");
    if (!same_memory(c, &where))
        return g_strdup_printf("memory at 0x%" PRIx64, where);
    if (a->fflags != b->fflags)
        return g_strdup("fflags");
    return a->res_addr != b->res_addr ? g_strdup("LR/SC reservation") : NULL;
}

uint64_t check_enter(Check *c, int64_t ahead)
{
    IrEnv *menv = &c->mirror->hart.env;
    copy_state(c);
    menv->icount_limit += (uint64_t)(ahead - menv->left);
    menv->left = ahead;
    uint64_t before = ir_env_icount(menv);
    return engine_enter_compiled(c->mirror->engine) ? ir_env_icount(menv) - before : 0;
}

// One stretch of compiled code, if there is any at the pc: true, and *message if it differs.
static bool run_compiled(Check *c, char **message)
{
    IrEnv *env = &c->cpu->hart.env;
    uint64_t pc = env->pc;
    if (c->cut)
        check_cut_start(c);
    uint64_t insns = check_enter(c, MIN(env->left, STRETCH));
    if (!insns)
        return false; // there is none, or it left before its first instruction
    engine_run_exactly(c->cpu->engine, insns);
    c->stretches++;
    c->insns += insns;
    g_autofree char *what = check_compare(c);
    if (what) {
        c->failed = true;
        *message = c->cut ? check_cut_out(c, pc, insns, what) : report(c, pc, insns, what);
        return true;
    }
    check_forget_stored(c);
    return true;
}

// engine_step_block takes back what ir_env_kick_self did to the slice, so what asks for its end is looked at here.
// A trap loop retires nothing: left would never run out.
static bool must_stop(const Hart *hart)
{
    bool interrupt = hart_interrupt_takeable(hart);
    bool request = __atomic_load_n(&hart->env.exit_request, __ATOMIC_SEQ_CST);
    return interrupt || request || hart->wfi || hart->trap_loop_count;
}

char *check_run(Check *c)
{
    IrEnv *env = &c->cpu->hart.env;
    char *message = NULL;
    while (env->left > 0 && !message) {
        if (run_compiled(c, &message))
            continue;
        engine_step_block(c->cpu->engine);
        copy_stored(c);
        if (must_stop(&c->cpu->hart))
            break;
    }
    return message;
}
