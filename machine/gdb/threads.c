// SPDX-License-Identifier: GPL-3.0-or-later
// Harts as threads: hart n is thread n + 1.
#include "machine/gdb/gdb_private.h"

enum { ERROR_INVALID = 22 };

bool gdb_thread_id(const char **text, int64_t *id)
{
    uint64_t v;
    if (g_str_has_prefix(*text, "-1")) {
        *text += 2;
        *id = -1;
        return true;
    }
    if (!packet_number(text, &v) || v > INT32_MAX)
        return false;
    *id = (int64_t)v;
    return true;
}

bool gdb_thread_hart(const Gdb *g, int64_t id, unsigned *hart)
{
    if (id > (int64_t)gdb_n_harts(g) || id < 0)
        return false;
    *hart = id ? (unsigned)id - 1 : g->hart;
    return true;
}

void gdb_thread_alive(Gdb *g, const char *args)
{
    int64_t id;
    unsigned hart;
    if (gdb_thread_id(&args, &id) && id > 0 && gdb_thread_hart(g, id, &hart))
        gdb_reply_ok(g);
    else
        gdb_reply_error(g, ERROR_INVALID);
}

// "gID": for registers and memory; "cID": for c and s.
void gdb_thread_select(Gdb *g, const char *args)
{
    char what = *args;
    int64_t id;
    unsigned hart = g->hart;
    const char *text = args + (what != 0);
    if ((what != 'g' && what != 'c') || !gdb_thread_id(&text, &id) || (id >= 0 && !gdb_thread_hart(g, id, &hart))) {
        gdb_reply_error(g, ERROR_INVALID);
        return;
    }
    if (what == 'g') {
        g->hart = hart;
    } else {
        g->run_all = id <= 0;
        g->run_hart = hart;
    }
    gdb_reply_ok(g);
}

void gdb_threads_first(Gdb *g, const char *args G_GNUC_UNUSED)
{
    g_string_append_c(g->reply, 'm');
    for (unsigned i = 0; i < gdb_n_harts(g); i++)
        g_string_append_printf(g->reply, "%s%x", i ? "," : "", i + 1);
}

void gdb_threads_next(Gdb *g, const char *args G_GNUC_UNUSED)
{
    g_string_append_c(g->reply, 'l');
}

void gdb_thread_info(Gdb *g, const char *args)
{
    static const char modes[] = "US?M";
    int64_t id;
    unsigned n;
    if (!gdb_thread_id(&args, &id) || id <= 0 || !gdb_thread_hart(g, id, &n)) {
        gdb_reply_error(g, ERROR_INVALID);
        return;
    }
    const Hart *hart = &machine_cpu(g->m, n)->hart;
    g_autofree char *text = g_strdup_printf("hart %u, %c-mode%s", n, modes[hart->priv & 3], hart->wfi ? ", wfi" : "");
    packet_put_bytes(g->reply, text, strlen(text));
}
