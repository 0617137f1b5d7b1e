// SPDX-License-Identifier: GPL-3.0-or-later
// addend ir compile.
#include "backend/baseline.h"
#include "backend/engine_private.h"
#include "backend/host_code.h"
#include "ir/plant.h"
#include "machine/irtool/ir_command.h"

#include <gio/gio.h>
#include <inttypes.h>

static void print_part(FILE *out, const char *name, const uint8_t *code, size_t size, bool baseline)
{
    fprintf(out, "%s: %zu bytes\n", name, size);
    g_autoptr(GArray) host = g_array_new(FALSE, FALSE, sizeof(CodeHost));
    g_array_set_clear_func(host, (GDestroyNotify)host_code_clear);
    host_code_read(host, code, size, 0, &(HostCode){.baseline = baseline});
    for (unsigned i = 0; i < host->len; i++) {
        const CodeHost *h = &g_array_index(host, CodeHost, i);
        fprintf(out, "0x%08" PRIx64 ":  %s%s%s\n", h->addr, h->text, h->note ? "  # " : "", h->note ? h->note : "");
    }
}

static bool compile_region(const Options *o, CaseTools *t, const IrCase *c, const CaseOptions *options, FILE *out,
                           GError **error)
{
    QueueResult *q = case_compile(t, c, options, o->ir_gimple, error);
    size_t entry;
    g_autoptr(GByteArray) text = q ? text_of_result(q, &entry, error) : NULL;
    if (text) {
        unsigned insns = 0;
        for (unsigned i = 0; i < c->code->n_blocks; i++)
            insns += c->code->blocks[i]->n_insns;
        fprintf(out,
                "region 0x%" PRIx64 ": %u blocks, %u guest instructions, %u bytes, %u entries, %u slots, %.1f ms\n",
                c->code->base, c->code->n_blocks, insns, text->len, q->n_entries, q->n_slots,
                (double)q->compile_ns / 1e6);
        if (o->ir_gimple)
            fprintf(out, "GIMPLE:\n%s\n", q->gimple ? q->gimple : "");
        if (o->ir_asm || !o->ir_gimple)
            print_part(out, "code", text->data, text->len, false);
    }
    if (q)
        queue_result_free(q);
    return text;
}

static bool compile_block(const IrCase *c, unsigned n, FILE *out, GError **error)
{
    CodeMemory *memory = code_memory_new(0);
    CodeArena *arena = code_arena_new();
    CaseMachine *m = case_machine_new(c, error);
    Block *b = m ? interp_translate(c->code->blocks[n], c->code->base, false, NULL) : NULL;
    JitUnit *u = NULL;
    if (b) {
        b->mode = c->paged ? CODE_PAGED : 3;
        u = baseline_translate(b, &m->env, false, false, memory, arena, error);
    } else if (m) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "block b%u has too many values for the interpreter", n);
    }
    if (u) {
        fprintf(out, "baseline 0x%" PRIx64 ": %u guest instructions, %zu bytes\n", b->pc, b->n_insns,
                u->code_size + u->cold_size);
        print_part(out, "code", u->text, u->code_size, true);
        print_part(out, "out of line", u->cold, u->cold_size, true);
    }
    if (b)
        block_free(b);
    case_machine_free(m);
    code_arena_free(arena);
    code_memory_free(memory);
    return u;
}

int ir_command_compile(const Options *o, IrCase *c, FILE *out, GError **error)
{
    CaseOptions options = {.opt = o->jit_opt < 0 ? ENGINE_DEFAULT_OPT : (unsigned)o->jit_opt, .plant = plant_get()};
    bool ok = ir_command_passes(o->ir_passes, &options.skip_passes, error) && ir_case_finish(c, error);
    if (ok && !o->ir_baseline) {
        g_autoptr(CaseTools) tools = case_tools_new();
        return !compile_region(o, tools, c, &options, out, error);
    }
    for (unsigned n = 0; ok && n < c->code->n_blocks; n++)
        ok = compile_block(c, n, out, error);
    return !ok;
}
