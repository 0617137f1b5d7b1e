// SPDX-License-Identifier: GPL-3.0-or-later
// Makes a failing case smaller: registers, memory and constants.
#include "machine/irtool/reduce.h"

#include "util/access.h"
#include <string.h>

static bool simpler_register(Reduce *r, IrCase **best, unsigned reg)
{
    uint64_t v = (*best)->r[reg];
    const uint64_t tries[] = {0, 1, v & 0xff, v & UINT32_MAX};
    for (unsigned i = 0; i < G_N_ELEMENTS(tries); i++) {
        if (tries[i] >= v)
            continue;
        IrCase *c = ir_case_copy(*best);
        c->r[reg] = tries[i];
        if (reduce_try(r, best, c))
            return true;
    }
    return false;
}

// Half of all registers at once, then less.
static bool fewer_registers(Reduce *r, IrCase **best)
{
    bool any = false;
    for (unsigned n = IR_NREGS; n > 1; n /= 2)
        for (unsigned first = 0; first < IR_NREGS; first += n) {
            bool some = false;
            for (unsigned k = first; k < first + n; k++)
                some |= (*best)->r[k] != 0;
            IrCase *c = some ? ir_case_copy(*best) : NULL;
            if (!c)
                continue;
            memset(&c->r[first], 0, n * sizeof c->r[0]);
            any |= reduce_try(r, best, c);
        }
    return any;
}

static bool fewer_lines(Reduce *r, IrCase **best)
{
    bool any = false;
    for (unsigned n = (*best)->mem->len; n > 0 && !reduce_out_of_time(r); n /= 2)
        for (unsigned first = 0; first < (*best)->mem->len;) {
            IrCase *c = ir_case_copy(*best);
            g_array_remove_range(c->mem, first, MIN(n, c->mem->len - first));
            if (reduce_try(r, best, c))
                any = true;
            else
                first += n;
        }
    return any;
}

static bool fewer_bytes(Reduce *r, IrCase **best)
{
    bool any = false;
    for (unsigned i = 0; i < (*best)->mem->len; i++)
        for (unsigned k = 0; k < g_array_index((*best)->mem, CaseMem, i).len && !reduce_out_of_time(r); k++) {
            if (!g_array_index((*best)->mem, CaseMem, i).bytes[k])
                continue;
            IrCase *c = ir_case_copy(*best);
            g_array_index(c->mem, CaseMem, i).bytes[k] = 0;
            any |= reduce_try(r, best, c);
        }
    return any;
}

static uint64_t ram_bytes(const IrCase *c)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < c->ram->len; i++)
        n += g_array_index(c->ram, CaseRange, i).len;
    return n;
}

// Without a range, but for its pages that memory is named in: finishing a case puts those back.
static bool less_ram(Reduce *r, IrCase **best)
{
    bool any = false;
    for (unsigned i = 0; i < (*best)->ram->len; i++) {
        IrCase *c = ir_case_copy(*best);
        g_array_remove_index(c->ram, i);
        if (ir_case_finish(c, NULL) && ram_bytes(c) < ram_bytes(*best)) {
            any |= reduce_try(r, best, c);
        } else {
            ir_case_free(c);
        }
    }
    return any;
}

static bool simpler_constant(Reduce *r, IrCase **best, unsigned n, unsigned i)
{
    int64_t v = (*best)->code->blocks[n]->ops[i].imm;
    const int64_t tries[] = {0, 1, v & 0xff, v / 2};
    for (unsigned k = 0; k < G_N_ELEMENTS(tries); k++) {
        if (ABS(tries[k]) >= ABS(v))
            continue;
        IrCase *c = ir_case_copy(*best);
        c->code->blocks[n]->ops[i].imm = tries[k];
        if (reduce_try(r, best, c))
            return true;
    }
    return false;
}

static bool simpler_constants(Reduce *r, IrCase **best)
{
    bool any = false;
    for (unsigned n = 0; n < (*best)->code->n_blocks; n++)
        for (unsigned i = 0; i < (*best)->code->blocks[n]->n_ops && !reduce_out_of_time(r); i++) {
            const IrInst *o = &(*best)->code->blocks[n]->ops[i];
            bool access = ir_is_load(o->op) || ir_is_store(o->op);
            if (o->imm && o->imm != INT64_MIN && (access || o->op == IR_OP_CONST))
                any |= simpler_constant(r, best, n, i);
        }
    return any;
}

static bool plainer(Reduce *r, IrCase **best)
{
    bool any = false;
    for (unsigned what = 0; what < 5; what++) {
        IrCase *c = ir_case_copy(*best);
        switch (what) {
        case 0:
            c->frm = 0;
            break;
        case 1:
            c->fflags = 0;
            break;
        case 2:
            c->fp_off = 0;
            break;
        case 3:
            c->res_addr = UINT64_MAX;
            c->res_value = 0;
            break;
        default:
            c->movable = false;
        }
        bool changed = c->frm != (*best)->frm || c->fflags != (*best)->fflags || c->fp_off != (*best)->fp_off ||
                       c->res_addr != (*best)->res_addr || c->movable != (*best)->movable;
        if (changed)
            any |= reduce_try(r, best, c);
        else
            ir_case_free(c);
    }
    return any;
}

bool shrink_state(Reduce *r, IrCase **best)
{
    bool any = fewer_lines(r, best);
    any |= fewer_registers(r, best);
    for (unsigned reg = 1; reg < IR_NREGS && !reduce_out_of_time(r); reg++)
        any |= simpler_register(r, best, reg);
    any |= simpler_constants(r, best);
    any |= fewer_bytes(r, best);
    any |= plainer(r, best);
    any |= less_ram(r, best);
    return any;
}
