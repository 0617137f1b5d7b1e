// SPDX-License-Identifier: GPL-3.0-or-later
// How the machine goes on: what each hart does, detaching, killing.
#include "machine/gdb/gdb_private.h"

enum { ERROR_INVALID = 22 };

static void set_action(GdbHart *h, HartAction action, uint64_t from, uint64_t to)
{
    g_atomic_int_set(&h->action, (int)action);
    h->from = from;
    h->to = to;
}

static void set_all(Gdb *g, HartAction action)
{
    for (unsigned i = 0; i < gdb_n_harts(g); i++)
        set_action(&g->harts[i], action, 0, 0);
}

static bool any(const Gdb *g, HartAction action)
{
    for (unsigned i = 0; i < gdb_n_harts(g); i++)
        if (g->harts[i].action == (int)action)
            return true;
    return false;
}

// What is set is what the harts stop at, from now on.
static void go(Gdb *g)
{
    gdb_points_apply(g, !any(g, HART_RUNS));
    g->own_cont = true;
    machine_cont(g->m);
    g->own_cont = false;
    machine_wake(g->m); // harts that were held, or are to step out of a wfi
}

// The debugger waits for what stops them.
static void resume(Gdb *g)
{
    g->silent = g->resumed = true;
    gdb_console_flush(g);
    go(g);
}

void gdb_all_run(Gdb *g)
{
    set_all(g, HART_RUNS);
    gdb_points_apply(g, false);
}

void gdb_let_go(Gdb *g)
{
    gdb_points_clear(g);
    set_all(g, HART_RUNS);
    go(g);
}

// --- c and s -------------------------------------------------------------------------------------------------

// "[ADDR]": where it goes on, else where it is. False: an answer has been given.
static bool set_pc(Gdb *g, const char *args)
{
    uint64_t pc;
    if (!*args)
        return true;
    if (!packet_number_then(&args, 0, &pc)) {
        gdb_reply_error(g, ERROR_INVALID);
        return false;
    }
    machine_cpu(g->m, g->run_hart)->hart.env.pc = pc & ~UINT64_C(1);
    return true;
}

static void one(Gdb *g, HartAction action, const char *args)
{
    if (!set_pc(g, args))
        return;
    set_all(g, g->run_all ? HART_RUNS : HART_HELD);
    set_action(&g->harts[g->run_hart], action, 0, 0);
    resume(g);
}

void gdb_continue(Gdb *g, const char *args)
{
    one(g, HART_RUNS, args);
}

void gdb_step(Gdb *g, const char *args)
{
    one(g, HART_STEPS, args);
}

// "SIGNAL[;ADDR]": there are no signals.
static const char *behind_signal(const char *args)
{
    uint64_t n;
    return !packet_number(&args, &n) ? "?" : *args == ';' ? args + 1 : args;
}

void gdb_continue_signal(Gdb *g, const char *args)
{
    one(g, HART_RUNS, behind_signal(args));
}

void gdb_step_signal(Gdb *g, const char *args)
{
    one(g, HART_STEPS, behind_signal(args));
}

// --- vCont ---------------------------------------------------------------------------------------------------

typedef struct {
    HartAction action;
    uint64_t from, to;
    int64_t id;
} Asked;

// One "ACTION[:THREAD]" off *text.
static bool parse_action(const char **text, Asked *a)
{
    char what = *(*text)++;
    uint64_t ignored;
    *a = (Asked){.id = -1};
    switch (what) {
    case 'C':
    case 'S':
        if (!packet_number(text, &ignored))
            return false;
        break;
    case 'r':
        if (!packet_number_then(text, ',', &a->from) || !packet_number(text, &a->to) || a->to < a->from)
            return false;
        break;
    case 'c':
    case 's':
    case 't':
        break;
    default:
        return false;
    }
    a->action = what == 'c' || what == 'C' ? HART_RUNS : what == 't' ? HART_HELD : HART_STEPS;
    if (**text == ':') {
        (*text)++;
        if (!gdb_thread_id(text, &a->id))
            return false;
    }
    return !**text || **text == ';';
}

// Writes down what each hart is to do: what comes first counts. False: that is no list of actions, or for no hart.
static bool parse_actions(Gdb *g, const char *text)
{
    bool given[CODE_PAGES_VIEWS] = {false}, some = false;
    set_all(g, HART_HELD);
    while (*text == ';') {
        Asked a;
        text++;
        if (!*text || !parse_action(&text, &a))
            return false;
        for (unsigned i = 0; i < gdb_n_harts(g); i++) {
            bool meant = a.id < 0 || (a.id ? a.id == i + 1 : i == g->run_hart);
            if (!meant || given[i])
                continue;
            given[i] = true;
            some |= a.action != HART_HELD;
            set_action(&g->harts[i], a.action, a.from, a.to);
        }
    }
    return some && !*text;
}

void gdb_vcont(Gdb *g, const char *args)
{
    if (*args == '?')
        gdb_reply(g, "vCont;c;C;s;S;t;r");
    else if (parse_actions(g, args))
        resume(g);
    else
        gdb_reply_error(g, ERROR_INVALID);
}

// --- the end -------------------------------------------------------------------------------------------------

void gdb_detach(Gdb *g, const char *args G_GNUC_UNUSED)
{
    gdb_reply_ok(g);
    gdb_let_go(g);
}

void gdb_kill(Gdb *g, const char *args G_GNUC_UNUSED)
{
    g->silent = true;
    machine_quit(g->m);
}
