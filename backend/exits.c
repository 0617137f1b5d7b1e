// SPDX-License-Identifier: GPL-3.0-or-later
// Reading side tables, and stopping by them.
#include "backend/exits.h"

#include "backend/code_cache.h"
#include "backend/loader.h"
#include <gio/gio.h>
#include <stdlib.h>
#include <string.h>

#define RSP 4

typedef struct {
    uint32_t at; // return address, from the function's start
    uint32_t site;
    uint32_t first, n; // of locs
} Exit;

struct ExitTable {
    GArray *exits; // Exit, ascending
    GArray *locs;  // ExitLoc
};

static int gpr_number(const char *name, size_t len)
{
    static const char *const names[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                        "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
    for (int i = 0; i < 16; i++)
        if (strlen(names[i]) == len && !memcmp(names[i], name, len))
            return i;
    return -1;
}

static bool parse_number(const char *text, const char *end, int32_t *out)
{
    char *stop;
    if (text == end) {
        *out = 0;
        return true;
    }
    long long v = strtoll(text, &stop, 0);
    *out = (int32_t)v;
    return stop == end && v == *out;
}

// "%NAME" up to `end`: the register's number, or -1.
static int parse_gpr(const char *text, const char *end)
{
    return end - text > 1 && *text == '%' ? gpr_number(text + 1, (size_t)(end - text) - 1) : -1;
}

// disp(%base), disp(%base,%index), disp(%base,%index,scale)
static bool parse_memory(const char *text, size_t len, ExitLoc *out)
{
    const char *open = memchr(text, '(', len), *end = text + len - 1;
    if (!open || *end != ')')
        return false;
    const char *comma = memchr(open, ',', (size_t)(end - open));
    int32_t scale = 0;
    int base = parse_gpr(open + 1, comma ? comma : end), index = 0;
    if (comma) {
        const char *second = memchr(comma + 1, ',', (size_t)(end - comma - 1));
        index = parse_gpr(comma + 1, second ? second : end);
        scale = 1;
        if (second && !parse_number(second + 1, end, &scale))
            return false;
    }
    *out = (ExitLoc){.reg = out->reg, .kind = EXIT_IN_MEMORY, .base = (uint8_t)base, .index = (uint8_t)index,
                     .scale = (uint8_t)scale};
    return base >= 0 && index >= 0 && parse_number(text, open, &out->value);
}

bool exits_parse_operand(const char *text, size_t len, ExitLoc *out)
{
    if (len > 1 && *text == '$') {
        *out = (ExitLoc){.reg = out->reg, .kind = EXIT_IS_CONSTANT};
        return parse_number(text + 1, text + len, &out->value);
    }
    if (len > 4 && !memcmp(text, "%xmm", 4)) {
        int32_t n;
        bool ok = parse_number(text + 4, text + len, &n) && n >= 0 && n < 16;
        *out = (ExitLoc){.reg = out->reg, .kind = EXIT_IN_XMM, .base = (uint8_t)n};
        return ok;
    }
    if (len > 1 && *text == '%') {
        int n = gpr_number(text + 1, len - 1);
        *out = (ExitLoc){.reg = out->reg, .kind = EXIT_IN_GPR, .base = (uint8_t)n};
        return n >= 0 && n != RSP;
    }
    return parse_memory(text, len, out);
}

// "SITE;REG=OPERAND;...;"
static bool parse_exit(ExitTable *t, uint32_t at, const char *text, unsigned n_sites)
{
    char *p;
    Exit x = {.at = at, .site = (uint32_t)strtoul(text, &p, 10), .first = t->locs->len};
    if (p == text || *p++ != ';' || x.site >= n_sites)
        return false;
    while (*p) {
        char *number = p, *end;
        unsigned long reg = strtoul(number, &p, 10);
        if (p == number || *p++ != '=' || reg > EXIT_LEFT || !(end = strchr(p, ';')))
            return false;
        ExitLoc loc = {.reg = (uint8_t)reg};
        char form = *p && strchr("sdln", *p) ? *p++ : 0;
        if (!exits_parse_operand(p, (size_t)(end - p), &loc))
            return false;
        loc.form = form;
        g_array_append_val(t->locs, loc);
        p = end + 1;
    }
    x.n = t->locs->len - x.first;
    g_array_append_val(t->exits, x);
    return true;
}

static int by_address(gconstpointer p, gconstpointer q)
{
    const Exit *a = p, *b = q;
    return a->at < b->at ? -1 : a->at > b->at;
}

static bool parse_all(ExitTable *t, const char *data, size_t size, unsigned n_sites, GError **error)
{
    for (size_t i = 0; i < size;) {
        uint32_t at;
        const char *end = size - i > 4 ? memchr(data + i + 4, 0, size - i - 4) : NULL;
        if (!end) {
            g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "the table of exits is cut off");
            return false;
        }
        memcpy(&at, data + i, 4);
        if (!parse_exit(t, at, data + i + 4, n_sites)) {
            g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "unknown exit %s", data + i + 4);
            return false;
        }
        i = (size_t)(end + 1 - data);
    }
    return true;
}

ExitTable *exits_parse(const void *section, size_t size, unsigned n_sites, GError **error)
{
    ExitTable *t = g_new(ExitTable, 1);
    t->exits = g_array_new(FALSE, FALSE, sizeof(Exit));
    t->locs = g_array_new(FALSE, FALSE, sizeof(ExitLoc));
    if (!parse_all(t, section, size, n_sites, error)) {
        exits_free(t);
        return NULL;
    }
    g_array_sort(t->exits, by_address);
    return t;
}

GByteArray *exits_section(const void *object, size_t size, unsigned index, GError **error)
{
    GByteArray *out = g_byte_array_new();
    g_autofree char *name = object_name(".addend", index);
    if (object_section(object, size, name, out))
        return out;
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "object file from GCC: no good table of exits");
    g_byte_array_free(out, TRUE);
    return NULL;
}

void exits_free(ExitTable *t)
{
    if (!t)
        return;
    g_array_free(t->exits, TRUE);
    g_array_free(t->locs, TRUE);
    g_free(t);
}

static const Exit *find_exit(const ExitTable *t, uint64_t at)
{
    unsigned lo = 0, hi = t->exits->len;
    while (lo < hi) {
        unsigned mid = (lo + hi) / 2;
        const Exit *x = &g_array_index(t->exits, Exit, mid);
        if (x->at == at)
            return x;
        if (x->at < at)
            lo = mid + 1;
        else
            hi = mid;
    }
    g_assert_not_reached();
}

static uint64_t value_at(const ExitLoc *l, const JitFrame *f, const uint64_t (*xmm)[2])
{
    uint64_t v;
    switch ((ExitPlace)l->kind) {
    case EXIT_IN_GPR:
        return f->gpr[l->base];
    case EXIT_IN_XMM:
        return xmm[l->base][0];
    case EXIT_IS_CONSTANT:
        return (uint64_t)(int64_t)l->value;
    case EXIT_IN_MEMORY:
        break;
    }
    // behind the frame lies the stack as the asm statement found it
    const char *base = l->base == RSP ? (const char *)(f + 1) : (const char *)(uintptr_t)f->gpr[l->base];
    base += (uint64_t)(int64_t)l->value + f->gpr[l->index] * l->scale;
    if (l->form == 's') {
        int32_t word;
        memcpy(&word, base, sizeof word);
        return (uint64_t)(int64_t)word;
    }
    memcpy(&v, base, sizeof v);
    return v;
}

// What the guest has, of a value in a form of side tables.
static uint64_t settle(uint64_t v, char form)
{
    const uint64_t box = UINT64_C(0xffffffff00000000);
    switch (form) {
    case 's':
        return (uint64_t)(int64_t)(int32_t)v;
    case 'd':
        return v << 1 > UINT64_C(0xffe0000000000000) ? UINT64_C(0x7ff8000000000000) : v;
    case 'n':
        return box | ((uint32_t)v << 1 > UINT32_C(0xff000000) ? UINT32_C(0x7fc00000) : (uint32_t)v);
    case 'l':
        return box | v;
    default:
        return v;
    }
}

bool exits_stop(IrEnv *env, JitFrame *f, const uint64_t (*xmm)[2])
{
    void *addend = f->kind ? env->ram_slow(env, f->va, f->kind) : NULL;
    if (addend) {
        f->kind = (uint64_t)(uintptr_t)addend;
        return true;
    }
    const JitUnit *u = jit_unit_of(env->jit_slots);
    const ExitTable *t = u->exits;
    const Exit *x = find_exit(t, f->at - (uint64_t)(uintptr_t)u->code);
    for (unsigned i = 0; i < x->n; i++) {
        const ExitLoc *l = &g_array_index(t->locs, ExitLoc, x->first + i);
        uint64_t v = value_at(l, f, xmm);
        v = settle(v, l->form);
        if (l->reg == EXIT_LEFT)
            env->left = (int64_t)v;
        else
            env->r[l->reg] = v;
    }
    env->exit_site = x->site;
    return false;
}
