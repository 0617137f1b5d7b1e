// SPDX-License-Identifier: GPL-3.0-or-later
// addend ir: the file, the pieces of code in it, and what is to be done with each.
#include "machine/irtool/ir_command.h"

#include "ir/plant.h"
#include <gio/gio.h>
#include <inttypes.h>
#include <string.h>

bool irtool_plant(const Options *o, GError **error)
{
    Plant p;
    if (!o->plant)
        return true;
    if (!plant_parse(o->plant, &p, error)) {
        g_prefix_error(error, "plant: ");
        return false;
    }
    plant_set(plant_pack(&p));
    return true;
}

bool ir_command_passes(const char *list, unsigned *skip, GError **error)
{
    unsigned all = (1u << IR_PASSES) - 1;
    *skip = 0;
    if (!list)
        return true;
    *skip = all;
    g_auto(GStrv) words = g_strsplit(list, ",", -1);
    for (char **w = words; *w; w++) {
        unsigned i = 0;
        while (i < IR_PASSES && strcmp(*w, ir_pass_names[i]))
            i++;
        if (i < IR_PASSES)
            *skip &= ~(1u << i);
        else if (strcmp(*w, "none")) {
            g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                        "--passes: '%s' is none of unpeel, state, fold, dce, widen and none", *w);
            return false;
        }
    }
    return true;
}

// Blocks of code that passes have been over may count more instructions than they have (ir_widen), and come from
// dumps all the same.
void ir_command_count(IrCode *code)
{
    for (unsigned i = 0; i < code->n_blocks; i++) {
        IrBlock *b = code->blocks[i];
        unsigned n = 0;
        for (unsigned k = 0; k < b->n_ops; k++)
            n += b->ops[k].op == IR_OP_INSN;
        b->n_insns = n;
    }
}

static bool set_all(const Options *o, IrCase *c, GError **error)
{
    for (unsigned i = 0; i < o->ir_set->len; i++) {
        const char *text = g_ptr_array_index(o->ir_set, i);
        if (!ir_case_set(c, text, error)) {
            g_prefix_error(error, "--set '%s': ", text);
            return false;
        }
    }
    return true;
}

// The one to run.
static IrPiece *choose(const Options *o, const GPtrArray *pieces, GError **error)
{
    if (pieces->len == 1)
        return g_ptr_array_index(pieces, 0);
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "%u pieces of code%s: choose one with --at ADDRESS",
                pieces->len, o->ir_at_given ? " at that address" : "");
    return NULL;
}

static void keep_at(const Options *o, GPtrArray *pieces)
{
    for (unsigned i = pieces->len; o->ir_at_given && i-- > 0;) {
        const IrPiece *p = g_ptr_array_index(pieces, i);
        if (p->c->code->base != o->ir_at)
            g_ptr_array_remove_index(pieces, i);
    }
}

static int run_one(const Options *o, const GPtrArray *pieces, FILE *out, GError **error)
{
    IrPiece *p = choose(o, pieces, error);
    if (!p || !set_all(o, p->c, error) || !ir_case_finish(p->c, error))
        return 1;
    return ir_command_run(o, p->c, out, error);
}

static int each(const Options *o, const GPtrArray *pieces, FILE *out, GError **error)
{
    int status = 0;
    for (unsigned i = 0; i < pieces->len && !*error; i++) {
        IrPiece *p = g_ptr_array_index(pieces, i);
        ir_command_count(p->c->code);
        if (!p->c->code->n_blocks)
            continue;
        if (!set_all(o, p->c, error) || !ir_verify(p->c->code, CASE_HELPERS, error)) {
            g_prefix_error(error, "line %u: ", p->line);
            return 1;
        }
        status |= o->ir_action == IR_OPT ? ir_command_opt(o, p->c, out, error)
                                         : ir_command_compile(o, p->c, out, error);
    }
    return *error ? 1 : status;
}

int ir_command(const Options *o, FILE *out, GError **error)
{
    g_autofree char *text = ir_text_read(o->ir_file, error);
    if (!text)
        return 1;
    g_autoptr(GPtrArray) pieces = ir_text_pieces(text, error);
    int status = 1;
    if (pieces) {
        keep_at(o, pieces);
        if (!pieces->len)
            g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "no code at 0x%" PRIx64, o->ir_at);
        else
            status = o->ir_action == IR_RUN ? run_one(o, pieces, out, error) : each(o, pieces, out, error);
    }
    if (*error)
        g_prefix_error(error, "%s: ", o->ir_file);
    return status;
}
