// SPDX-License-Identifier: GPL-3.0-or-later
// Who called a frame: by call frame information, else by the code of its function, else by the frame pointer.
#include "machine/names_private.h"

#include <string.h>

enum { RA = 1, SP = 2, FP = 8 };
#define FRAME_MAX (UINT64_C(64) << 20) // bytes
#define RULES_MAX 65536

typedef struct { // what a rule belongs to: it is the same in all processes that have mapped an image
    const void *owner; // as NameSpot has it
    uint64_t addr;
} RuleKey;

static guint key_hash(gconstpointer p)
{
    const RuleKey *k = p;
    uint64_t h = (k->addr ^ (uintptr_t)k->owner >> 4) * UINT64_C(0x9e3779b97f4a7c15);
    return (guint)(h >> 32);
}

static gboolean key_equal(gconstpointer p, gconstpointer q)
{
    const RuleKey *a = p, *b = q;
    return a->owner == b->owner && a->addr == b->addr;
}

static const FrameRule *rule_at(Names *n, Cpu *cpu, uint64_t pc)
{
    NameSpot spot = {0};
    const NameEntry *e = names_find(n, cpu, pc, &spot);
    if (!e && !spot.owner)
        return NULL;
    RuleKey key = {spot.owner, pc - spot.shift};
    if (!n->rules)
        n->rules = g_hash_table_new_full(key_hash, key_equal, g_free, g_free);
    if (name_kernel_changed(&n->kernel))
        g_hash_table_remove_all(n->rules);
    FrameRule *rule = g_hash_table_lookup(n->rules, &key);
    if (rule)
        return rule;
    n->rule = (FrameRule){0};
    bool cfi = spot.image && frame_rule_by_cfi(spot.image, key.addr, &n->rule);
    if (!cfi && (!e || !frame_rule_by_code(cpu, e->addr + spot.shift, e->size, pc, &n->rule)))
        return &n->rule; // for now
    if (g_hash_table_size(n->rules) >= RULES_MAX)
        g_hash_table_remove_all(n->rules);
    rule = g_memdup2(&n->rule, sizeof n->rule);
    g_hash_table_insert(n->rules, g_memdup2(&key, sizeof key), rule);
    return rule;
}

static bool load(Cpu *cpu, uint64_t va, uint64_t *out)
{
    return va % 8 == 0 && names_read(cpu, va, out, sizeof *out);
}

// The callee of a frame that was unwound to has overwritten ra.
static bool is_caller(const uint64_t regs[32])
{
    return regs[0] == regs[RA];
}

static bool by_rule(Cpu *cpu, const FrameRule *rule, uint64_t regs[32])
{
    uint64_t cfa = regs[rule->base] + (uint64_t)rule->cfa, out[32];
    memcpy(out, regs, sizeof out);
    bool other = cfa < regs[SP] || cfa - regs[SP] > FRAME_MAX;
    if ((other && !rule->switches) || (!(rule->saved >> RA & 1) && is_caller(regs)))
        return false;
    for (unsigned r = 1; r < 32; r++)
        if (rule->saved >> r & 1 && !load(cpu, cfa + (uint64_t)(int64_t)rule->at[r], &out[r]))
            return false;
    out[SP] = cfa;
    out[0] = out[RA];
    if (cfa == regs[SP] && is_caller(regs)) // an endless chain
        return false;
    memcpy(regs, out, sizeof out);
    return true;
}

// The frame pointer is the caller's stack pointer; ra and its frame pointer lie below.
static bool by_frame_pointer(Cpu *cpu, uint64_t regs[32])
{
    uint64_t fp = regs[FP], ra, old_fp;
    if (fp % 16 || fp <= regs[SP] || fp - regs[SP] > FRAME_MAX || !load(cpu, fp - 8, &ra) ||
        !load(cpu, fp - 16, &old_fp))
        return false;
    regs[0] = regs[RA] = ra;
    regs[SP] = fp;
    regs[FP] = old_fp;
    return true;
}

bool names_unwind(Names *n, Cpu *cpu, uint64_t regs[32])
{
    uint64_t next[32], pa, pc = regs[0] - is_caller(regs);
    memcpy(next, regs, sizeof next);
    g_mutex_lock(&n->lock);
    const FrameRule *rule = rule_at(n, cpu, pc);
    bool ok;
    if (rule && rule->known)
        ok = !rule->outermost && by_rule(cpu, rule, next);
    else
        ok = by_frame_pointer(cpu, next);
    g_mutex_unlock(&n->lock);
    uint64_t len;
    ok = ok && next[0] && next[0] % 2 == 0 && names_translate(cpu, next[0] - 1, &pa) && names_host(cpu, pa, &len);
    if (ok)
        memcpy(regs, next, sizeof next);
    return ok;
}
