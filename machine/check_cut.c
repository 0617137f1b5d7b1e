// SPDX-License-Identifier: GPL-3.0-or-later
// Cuts out the piece of compiled code that does something else than the interpreter: a second copy of RAM stays as it
// was when the stretch began. From there it is run again piece by piece, without links between pieces, until one
// differs alone.
#include "machine/check_private.h"

#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

struct CheckCut {
    uint8_t *shadow; // DRAM when the stretch began
    size_t size;
    Hart start;      // the hart then
    bool found;
    CheckPiece piece;
};

// Copies what exists of one memory to another, which is all zero or has older bytes; tells of pages that differed.
static void copy_pages(Check *c, uint8_t *to, uint8_t *from, void (*changed)(Check *c, uint64_t at))
{
    const uint64_t step = UINT64_C(1) << 30;
    g_autofree unsigned char *there = g_malloc(2 * step / PAGE_SIZE);
    for (uint64_t at = 0; at < c->ram->size; at += step) {
        uint64_t len = MIN(step, c->ram->size - at), pages = len / PAGE_SIZE;
        check_find_resident(from + at, len, there);
        check_find_resident(to + at, len, there + pages);
        for (uint64_t p = 0; p < pages; p++) {
            uint64_t o = at + p * PAGE_SIZE;
            if (!(there[p] | there[pages + p]) || !memcmp(to + o, from + o, PAGE_SIZE))
                continue;
            memcpy(to + o, from + o, PAGE_SIZE);
            if (changed)
                changed(c, o);
        }
    }
}

bool check_keep(Check *c, GError **error)
{
    uint8_t *shadow = check_map(c->ram->size, error);
    if (!shadow)
        return false;
    c->cut = g_new0(CheckCut, 1);
    c->cut->size = c->ram->size;
    c->cut->shadow = shadow;
    copy_pages(c, shadow, c->ram->host, NULL);
    return true;
}

void check_cut_free(CheckCut *k)
{
    if (!k)
        return;
    munmap(k->shadow, k->size);
    if (k->found)
        ir_code_free(k->piece.piece.code);
    g_free(k->piece.what);
    g_free(k);
}

void check_cut_follow(Check *c, Stored s)
{
    uint64_t at, len;
    if (check_in_ram(c, s, &at, &len))
        memcpy(c->cut->shadow + at, c->ram->host + at, len);
}

void check_cut_start(Check *c)
{
    memcpy(&c->cut->start, &c->cpu->hart, sizeof c->cut->start);
}

// --- back to the start ----------------------------------------------------------------------------

static void real_changed(Check *c, uint64_t at)
{
    code_pages_written(c->cpu->pages, c->ram->offset + at, PAGE_SIZE);
}

static void copy_changed(Check *c, uint64_t at)
{
    code_pages_written(c->mirror->pages, c->ram->offset + at, PAGE_SIZE);
}

// Both processors and their memories are as they were when the stretch began. What belongs to TLB and engine stays.
static void go_back(Check *c)
{
    const Hart *from = &c->cut->start;
    Hart *to = &c->cpu->hart;
    copy_pages(c, c->ram->host, c->cut->shadow, real_changed);
    copy_pages(c, c->copy, c->cut->shadow, copy_changed);
    g_array_set_size(c->stored, 0);
    memcpy(to->env.r, from->env.r, IR_NREGS * sizeof from->env.r[0]);
    to->env.pc = from->env.pc;
    to->env.left = from->env.left;
    to->env.icount_limit = from->env.icount_limit;
    to->env.res_addr = from->env.res_addr;
    to->env.res_value = from->env.res_value;
    to->env.fflags = from->env.fflags;
    to->env.frm = from->env.frm;
    to->env.fp_off = from->env.fp_off;
    size_t behind = offsetof(Hart, env) + sizeof to->env;
    memcpy((char *)to + behind, (const char *)from + behind, sizeof *to - behind);
    to->hooks.mmu_changed(to->hooks.opaque);
    to->hooks.tlb_flush(to->hooks.opaque);
}

// --- piece by piece -------------------------------------------------------------------------------

static void keep_piece(Check *c, uint64_t insns, const char *what)
{
    CheckCut *k = c->cut;
    const IrEnv *env = &k->start.env;
    k->piece = (CheckPiece){.pc = env->pc, .frm = env->frm, .fflags = env->fflags, .fp_off = env->fp_off,
                            .res_addr = env->res_addr, .res_value = env->res_value, .insns = insns};
    memcpy(k->piece.r, env->r, sizeof k->piece.r);
    go_back(c); // the guest's code may have changed itself
    k->found = engine_cut(c->mirror->engine, k->piece.pc, &k->piece.piece);
    k->piece.what = g_strdup(what);
}

// One piece, or a block of the interpreter. True: it differs.
static bool step(Check *c)
{
    IrEnv *env = &c->cpu->hart.env;
    check_cut_start(c);
    uint64_t insns = check_enter(c, env->left);
    if (!insns) {
        engine_step_block(c->cpu->engine);
    } else {
        engine_run_exactly(c->cpu->engine, insns);
        g_autofree char *what = check_compare(c);
        if (what) {
            keep_piece(c, insns, what);
            return true;
        }
    }
    for (unsigned i = 0; i < c->stored->len; i++) {
        uint64_t at, len;
        if (check_in_ram(c, g_array_index(c->stored, Stored, i), &at, &len))
            memcpy(c->copy + at, c->ram->host + at, len);
    }
    check_forget_stored(c);
    return false;
}

char *check_cut_out(Check *c, uint64_t pc, uint64_t insns, const char *what)
{
    IrEnv *env = &c->cpu->hart.env;
    go_back(c);
    engine_set_chaining(c->mirror->engine, false);
    env->icount_limit += insns - (uint64_t)env->left;
    env->left = (int64_t)insns;
    for (unsigned rounds = 0; env->left > 0 && rounds < 2 * insns; rounds++)
        if (step(c))
            break;
    return g_strdup_printf("check: %s differs %" PRIu64 " instructions after pc 0x%" PRIx64, what, insns, pc);
}

// --- what was found -------------------------------------------------------------------------------

const CheckPiece *check_piece(const Check *c)
{
    return c->cut && c->cut->found ? &c->cut->piece : NULL;
}

void check_dram(const Check *c, uint64_t *base, uint64_t *size)
{
    *base = c->base;
    *size = c->ram->size;
}

bool check_piece_read(const Check *c, uint64_t va, MemAccess access, void *to, unsigned size)
{
    const Hart *hart = &c->cpu->hart; // it is back at the start
    HartPage page;
    MemFault fault;
    if (!hart_translate(hart, va, 1, access, hart_data_mmu(hart), &page, &fault) || !page.allow[access])
        return false;
    uint64_t offset = page.page + (va & ~PAGE_MASK) - c->base;
    if (offset >= c->ram->size || size > c->ram->size - offset)
        return false;
    memcpy(to, c->cut->shadow + offset, size);
    return true;
}
