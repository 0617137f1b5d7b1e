// SPDX-License-Identifier: GPL-3.0-or-later
// From a machine that ran to a view of its code: which addresses were meant, which pieces get all their forms, and
// where it goes.
#include "machine/blocks/blocks_run.h"

#include "machine/blocks/blocks_text.h"
#include "machine/exec_private.h"
#include "machine/guest_line.h"
#include "machine/sampler.h"
#include <errno.h>
#include <gio/gio.h>
#include <string.h>

#define FILL      100 // regions; each takes some tenths of a second
#define FILL_TIME 30  // seconds

static bool file_error(const char *path, GError **error)
{
    g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "-o %s: %s", path, g_strerror(errno));
    return false;
}

bool blocks_run_check(const Options *o, GError **error)
{
    if (o->command != COMMAND_BLOCKS || !o->blocks_output)
        return true;
    FILE *f = fopen(o->blocks_output, "ae");
    return (f && !fclose(f)) || file_error(o->blocks_output, error);
}

static void sample(void *opaque, Cpu *cpu, uint64_t insns)
{
    (void)opaque;
    inspect_sample(cpu->engine, cpu->hart.env.pc, insns);
}

void blocks_run_attach(const Options *o, Machine *m)
{
    if (o->command == COMMAND_BLOCKS)
        machine_add_sampler(m, SAMPLER_PERIOD, &(SampleListener){NULL, sample});
}

int blocks_run_status(const Options *o, const Machine *m, int status)
{
    return o->command == COMMAND_BLOCKS && (status == EXIT_STATUS_LIMIT || m->interrupted) ? 0 : status;
}

// --- names and addresses -------------------------------------------------------------------------

static Name name_at(void *opaque, unsigned hart, uint64_t pc, bool lines)
{
    Machine *m = opaque;
    return names_at(machine_names(m), machine_cpu(m, hart), pc, lines);
}

static bool to_number(const char *text, uint64_t *out)
{
    char *end;
    if (!g_ascii_isdigit(*text))
        return false;
    errno = 0;
    *out = g_ascii_strtoull(text, &end, g_str_has_prefix(text, "0x") ? 16 : 10);
    return !*end && !errno;
}

// An address, a symbol, or a symbol and a distance from it.
static bool to_pc(Machine *m, const char *text, uint64_t *out, GError **error)
{
    uint64_t distance;
    if (to_number(text, out) || names_address(machine_names(m), text, out))
        return true;
    const char *plus = strrchr(text, '+');
    g_autofree char *symbol = plus ? g_strndup(text, (gsize)(plus - text)) : NULL;
    if (plus && to_number(plus + 1, &distance) && names_address(machine_names(m), symbol, out)) {
        *out += distance;
        return true;
    }
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "--pc %s: no number, and no symbol of that name is known",
                text);
    return false;
}

static bool find_pcs(Machine *m, const Options *o, GArray *pcs, GError **error)
{
    for (unsigned i = 0; i < o->blocks_pcs->len; i++) {
        uint64_t pc;
        if (!to_pc(m, o->blocks_pcs->pdata[i], &pc, error))
            return false;
        g_array_append_val(pcs, pc);
    }
    return true;
}

// --- all forms -----------------------------------------------------------------------------------

// With -accel check compiled code is the mirror's.
static Engine *engine_of(Machine *m, unsigned hart)
{
    Cpu *mirror = machine_mirror(m);
    return (mirror ? mirror : machine_cpu(m, hart))->engine;
}

typedef struct {
    unsigned regions, filled; // selected, and with all forms
    unsigned failed;
    char *why; // ... the first one
    bool late;
} FillResult;

static void fill_piece(Machine *m, ViewPiece *p, FillResult *r)
{
    g_autoptr(GError) error = NULL;
    p->filled = true;
    if (inspect_fill(engine_of(m, p->code->hart), p->code, &error))
        return;
    if (!r->failed++)
        r->why = g_strdup(error->message);
}

// The hottest regions, for so long; what else there is costs next to nothing.
static void fill(const Options *o, Machine *m, View *v, FillResult *r)
{
    gint64 end = g_get_monotonic_time() + (o->blocks_fill_time ? o->blocks_fill_time : FILL_TIME) * G_USEC_PER_SEC;
    unsigned most = o->blocks_fill_given ? o->blocks_fill : FILL;
    for (unsigned i = 0; i < v->selected->len; i++) {
        ViewPiece *p = v->selected->pdata[i];
        bool region = p->code->tier == CODE_REGION;
        r->regions += region;
        if (region && r->filled >= most)
            continue;
        r->late |= region && g_get_monotonic_time() > end;
        if (region && r->late)
            continue;
        r->filled += region;
        fill_piece(m, p, r);
    }
}

static void tell(const FillResult *r)
{
    if (r->filled < r->regions)
        fprintf(stderr, "addend: blocks: %u of %u regions are shown without all forms: %s\n", r->regions - r->filled,
                r->regions, r->late ? "more time is over (--fill-time)" : "more were not asked for (--fill)");
    if (r->failed)
        fprintf(stderr, "addend: blocks: %u pieces are shown without all forms: %s\n", r->failed, r->why);
}

// --- output --------------------------------------------------------------------------------------

static char *print(const Options *o, const View *v)
{
    switch (o->blocks_format) {
    case FORMAT_JSON:
        return blocks_json(v);
    case FORMAT_DOT:
        return blocks_dot(v);
    case FORMAT_HTML:
        return blocks_html(v);
    default:
        return blocks_text(v);
    }
}

static bool write_output(const Options *o, const char *text, GError **error)
{
    const char *path = o->blocks_output;
    FILE *f = path ? fopen(path, "we") : stdout;
    if (!f)
        return file_error(path, error);
    fputs(text, f);
    bool ok = !fflush(f) && !ferror(f);
    if (path && fclose(f))
        ok = false;
    return ok || file_error(path ? path : "standard output", error);
}

static ViewRun describe(const Options *o, Machine *m, const RunResult *run, char *guest)
{
    static const char *const accels[] = {"jit", "interp", "baseline", "check"};
    ViewRun r = {.guest = guest, .machine = o->machine, .accel = accels[o->accel], .ended = run->message,
                 .harts = board_harts(machine_board(m)), .seconds = run->seconds};
    for (unsigned i = 0; i < r.harts; i++)
        r.insns += ir_env_icount(&machine_cpu(m, i)->hart.env);
    return r;
}

static void select_pieces(const Options *o, View *v, GArray *pcs)
{
    static const unsigned tops[] = {[FORMAT_TEXT] = 10, [FORMAT_JSON] = 3000, [FORMAT_DOT] = 100, [FORMAT_HTML] = 3000};
    unsigned top = o->blocks_top_given ? o->blocks_top : tops[o->blocks_format];
    view_select(v, &(ViewWanted){pcs, o->blocks_symbols, o->blocks_tiers, top});
}

bool blocks_run_finish(const Options *o, Machine *m, const RunResult *run, GError **error)
{
    if (o->command != COMMAND_BLOCKS || !machine_ran(m))
        return true;
    g_autoptr(GArray) pcs = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    if (!find_pcs(m, o, pcs, error))
        return false;
    unsigned harts = board_harts(machine_board(m));
    g_autofree Inspection **inspections = g_new(Inspection *, harts);
    for (unsigned i = 0; i < harts; i++)
        inspections[i] = inspect(engine_of(m, i));
    g_autofree char *guest = guest_line(o);
    ViewRun about = describe(o, m, run, guest);
    View *v = view_new(&about, &(ViewNames){m, name_at}, inspections, harts);
    select_pieces(o, v, pcs);
    FillResult r = {0};
    if (o->blocks_format != FORMAT_DOT)
        fill(o, m, v, &r);
    tell(&r);
    g_free(r.why);
    g_autofree char *text = print(o, v);
    bool ok = write_output(o, text, error);
    view_free(v);
    for (unsigned i = 0; i < harts; i++)
        inspection_free(inspections[i]);
    return ok;
}
