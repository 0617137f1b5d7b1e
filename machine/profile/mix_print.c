// SPDX-License-Identifier: GPL-3.0-or-later
// The output of an instruction mix.
#include "machine/profile/mix_private.h"

#include <inttypes.h>
#include <stdlib.h>

typedef struct {
    const char *name;
    uint64_t count;
} Row;

static double percent(uint64_t part, uint64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

static uint64_t of_class(const uint64_t *insn, MixClass class)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < INSNS; i++)
        n += insn[i] && mix_class((InsnId)i) == class ? insn[i] : 0;
    return n;
}

static uint64_t of_ext(const uint64_t *insn, InsnExt ext)
{
    uint64_t n = 0;
    for (unsigned i = 1; i < INSNS; i++)
        n += insn_info[i].ext == ext ? insn[i] : 0;
    return n;
}

static uint64_t of_priv(const MixCounts *c, MixPriv priv)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < INSNS; i++)
        n += c->priv[priv][i];
    return n;
}

// The mnemonics that ran, most frequent first; how many. out: INSNS rows.
static unsigned mnemonics(const MixCounts *c, unsigned *out)
{
    unsigned n = 0;
    for (unsigned i = 0; i < INSNS; i++)
        if (c->insn[i])
            out[n++] = i;
    for (unsigned i = 1; i < n; i++) { // ties stay in the order of the table
        unsigned id = out[i], k = i;
        for (; k && c->insn[out[k - 1]] < c->insn[id]; k--)
            out[k] = out[k - 1];
        out[k] = id;
    }
    return n;
}

static void add_row(GString *s, const char *name, uint64_t count, const MixCounts *c)
{
    if (count)
        g_string_append_printf(s, "  %-18s %16" PRIu64 "  %6.2f %%\n", name, count, percent(count, c->all));
}

GString *mix_table(const MixCounts *c)
{
    unsigned ids[INSNS], n = mnemonics(c, ids);
    GString *s = g_string_new(NULL);
    g_string_append_printf(s, "instruction mix     %16" PRIu64 " instructions, %.2f %% of them compressed, %.2f in a "
                              "block on average\nby class\n",
                           c->all, percent(c->compressed, c->all),
                           c->blocks ? (double)c->all / (double)c->blocks : 0.0);
    for (unsigned i = 0; i < MIX_CLASSES; i++)
        add_row(s, mix_class_names[i], of_class(c->insn, (MixClass)i), c);
    g_string_append(s, "by extension\n");
    for (unsigned i = 0; i < EXTS; i++)
        add_row(s, mix_ext_names[i], of_ext(c->insn, (InsnExt)i), c);
    g_string_append(s, "by privilege\n");
    for (unsigned i = 0; i < MIX_PRIVS; i++)
        add_row(s, mix_priv_names[i], of_priv(c, (MixPriv)i), c);
    g_string_append(s, "by mnemonic\n");
    for (unsigned i = 0; i < n; i++)
        add_row(s, insn_info[ids[i]].name, c->insn[ids[i]], c);
    return s;
}

static void add_member(GString *s, const char *name, uint64_t count, bool *first)
{
    g_string_append_printf(s, "%s\n    \"%s\": %" PRIu64, *first ? "" : ",", name, count);
    *first = false;
}

static void add_privs(GString *s, const MixCounts *c)
{
    bool first = true;
    g_string_append(s, "  \"privileges\": {");
    for (unsigned i = 0; i < MIX_PRIVS; i++)
        add_member(s, mix_priv_names[i], of_priv(c, (MixPriv)i), &first);
    g_string_append(s, "\n  },\n");
}

GString *mix_json(const MixCounts *c)
{
    unsigned ids[INSNS], n = mnemonics(c, ids);
    GString *s = g_string_new("{\n  \"schema_version\": 1,\n");
    bool first = true;
    g_string_append_printf(s, "  \"instructions\": %" PRIu64 ",\n  \"compressed\": %" PRIu64
                              ",\n  \"block_entries\": %" PRIu64 ",\n  \"classes\": {",
                           c->all, c->compressed, c->blocks);
    for (unsigned i = 0; i < MIX_CLASSES; i++)
        add_member(s, mix_class_names[i], of_class(c->insn, (MixClass)i), &first);
    g_string_append(s, "\n  },\n  \"extensions\": {");
    first = true;
    for (unsigned i = 0; i < EXTS; i++)
        add_member(s, mix_ext_names[i], of_ext(c->insn, (InsnExt)i), &first);
    g_string_append(s, "\n  },\n");
    add_privs(s, c);
    g_string_append(s, "  \"mnemonics\": {");
    first = true;
    for (unsigned i = 0; i < n; i++)
        add_member(s, insn_info[ids[i]].name, c->insn[ids[i]], &first);
    g_string_append(s, "\n  }\n}\n");
    return s;
}

GString *mix_csv(const MixCounts *c)
{
    unsigned ids[INSNS], n = mnemonics(c, ids);
    GString *s = g_string_new("mnemonic,class,extension,count,user,supervisor,machine\n");
    for (unsigned i = 0; i < n; i++) {
        unsigned id = ids[i];
        g_string_append_printf(s, "%s,\"%s\",%s,%" PRIu64, insn_info[id].name, mix_class_names[mix_class((InsnId)id)],
                               mix_ext_names[insn_info[id].ext], c->insn[id]);
        for (unsigned p = 0; p < MIX_PRIVS; p++)
            g_string_append_printf(s, ",%" PRIu64, c->priv[p][id]);
        g_string_append_c(s, '\n');
    }
    return s;
}
