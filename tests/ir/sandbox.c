// SPDX-License-Identifier: GPL-3.0-or-later
// A hart without an architecture to run IR on.
#include "tests/ir/sandbox.h"
#include "tests/ir/gen.h"
#include <string.h>

static void record(Sandbox *s, uint64_t v)
{
    s->trace = (s->trace ^ v) * UINT64_C(0x9e3779b97f4a7c15);
    s->trace ^= s->trace >> 29;
}

static bool access_ok(uint64_t addr, unsigned size, MemAccess access, MemFault *fault)
{
    if (addr >= SANDBOX_BASE && addr - SANDBOX_BASE <= SANDBOX_SIZE - size)
        return true;
    *fault = (MemFault){addr & 1 ? FAULT_PAGE : FAULT_ACCESS, access, addr};
    return false;
}

static bool load(void *opaque, uint64_t addr, unsigned size, uint64_t *value, MemFault *fault)
{
    Sandbox *s = opaque;

    if (!access_ok(addr, size, ACCESS_READ, fault))
        return false;
    *value = 0;
    memcpy(value, &s->ram[addr - SANDBOX_BASE], size);
    s->n_accesses++;
    record(s, addr);
    record(s, size);
    return true;
}

static bool store(void *opaque, uint64_t addr, unsigned size, uint64_t value, MemFault *fault)
{
    Sandbox *s = opaque;

    if (!access_ok(addr, size, ACCESS_WRITE, fault))
        return false;
    memcpy(&s->ram[addr - SANDBOX_BASE], &value, size);
    s->n_accesses++;
    record(s, addr);
    record(s, value);
    record(s, size + 16);
    return true;
}

// What an exact-state point shows.
static void record_state(Sandbox *s)
{
    s->at_pc = s->env.pc;
    s->at_left = s->env.left;
    record(s, s->env.pc);
    record(s, (uint64_t)s->env.left);
    record(s, sandbox_hash(s));
}

static void mem_fault(IrEnv *env, const MemFault *fault)
{
    Sandbox *s = (Sandbox *)env;

    s->fault = *fault;
    s->n_faults++;
    record_state(s);
    record(s, fault->kind);
    record(s, fault->access);
    record(s, fault->addr);
    env->pc = SANDBOX_TRAP;
}

void sandbox_change_fp(Sandbox *s, uint64_t what)
{
    s->env.frm = what % 8 < IR_RM_MODES || what % 3 == 0 ? what % 8 : 0;
    s->env.fflags &= what >> 8;
    s->env.fp_off = what >> 13 & 3 ? 0 : what >> 15 & (IR_FP_OFF | IR_FP_CLEAN);
    s->env.fp_off |= s->env.frm >= IR_RM_MODES ? IR_FP_BAD_RM : 0;
}

bool sandbox_lets_pass(Sandbox *s, unsigned mask)
{
    if (s->n_denied % 2 == 0 || (s->env.fp_off & mask & IR_FP_BAD_RM))
        return false;
    s->env.fp_off &= ~(uint64_t)mask;
    return true;
}

static bool fp_denied(IrEnv *env, unsigned mask, uint32_t bits)
{
    Sandbox *s = (Sandbox *)env;

    s->n_denied++;
    record_state(s);
    record(s, mask);
    record(s, bits);
    if (sandbox_lets_pass(s, mask))
        return true;
    env->pc = SANDBOX_TRAP;
    return false;
}

static void call(IrEnv *env, uint64_t number, uint64_t a, uint64_t b)
{
    Sandbox *s = (Sandbox *)env;

    s->helper_a = a;
    s->helper_b = b;
    s->n_helpers++;
    record_state(s);
    record(s, number);
    record(s, a);
    record(s, b);
    env->r[number + 1] ^= a + number;
    sandbox_change_fp(s, a ^ b);
    env->pc += 4;
    env->left--;
}

static void helper0(IrEnv *env, uint64_t a, uint64_t b)
{
    call(env, 0, a, b);
}

static void helper1(IrEnv *env, uint64_t a, uint64_t b)
{
    call(env, 1, a, b);
}

static void helper2(IrEnv *env, uint64_t a, uint64_t b)
{
    call(env, 2, a, b);
}

void sandbox_init(Sandbox *s, uint64_t seed, int64_t left)
{
    static const IrHelper helpers[SANDBOX_HELPERS] = {{"zero", helper0}, {"one", helper1}, {"two", helper2}};
    static const IrEnvOps ops = {mem_fault, helpers, SANDBOX_HELPERS, fp_denied};
    GenRng rng = {seed};

    memset(s, 0, sizeof *s);
    for (unsigned i = 0; i < IR_NREGS; i++)
        s->env.r[i] = i % 4 ? gen_edge(&rng) : gen_float(&rng);
    for (unsigned i = 0; i < SANDBOX_SIZE; i += 8) {
        uint64_t v = gen_edge(&rng);
        memcpy(&s->ram[i], &v, 8);
    }
    sandbox_change_fp(s, seed);
    s->env.left = left;
    s->env.icount_limit = (uint64_t)left;
    s->env.res_addr = ~UINT64_C(0);
    s->env.ops = &ops;
    s->mem = (IrMem){s, load, store};
}

uint64_t sandbox_hash(const Sandbox *s)
{
    uint64_t h = 0, v;

    for (unsigned i = 0; i < IR_NREGS; i++)
        h = (h ^ s->env.r[i]) * UINT64_C(0xbf58476d1ce4e5b9) + 1;
    for (unsigned i = 0; i < SANDBOX_SIZE; i += 8) {
        memcpy(&v, &s->ram[i], 8);
        h = (h ^ v) * UINT64_C(0x94d049bb133111eb) + 1;
    }
    return h;
}

bool sandbox_equal(const Sandbox *a, const Sandbox *b, const char **where)
{
    *where = memcmp(a->env.r, b->env.r, sizeof a->env.r)   ? "registers"
             : memcmp(a->ram, b->ram, SANDBOX_SIZE)        ? "memory"
             : a->env.pc != b->env.pc                      ? "pc"
             : a->env.left != b->env.left                  ? "left"
             : a->env.res_addr != b->env.res_addr          ? "reservation address"
             : a->env.res_value != b->env.res_value        ? "reservation value"
             : a->env.fflags != b->env.fflags              ? "fflags"
             : a->env.frm != b->env.frm                    ? "frm"
             : a->env.fp_off != b->env.fp_off              ? "fp_off"
             : a->n_denied != b->n_denied                  ? "number of denied instructions"
             : a->n_faults != b->n_faults                  ? "number of faults"
             : a->n_helpers != b->n_helpers                ? "number of helper calls"
             : a->n_accesses != b->n_accesses              ? "number of accesses"
             : a->trace != b->trace                        ? "trace"
                                                           : NULL;
    return *where == NULL;
}
