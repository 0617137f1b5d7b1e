// SPDX-License-Identifier: GPL-3.0-or-later
// Numbers as commands take them: a parser by precedence.
#include "machine/monitor/expression.h"

#include "frontend/csr.h"
#include <errno.h>
#include <gio/gio.h>
#include <string.h>

#define DEPTH_MAX 64 // of parentheses and signs

typedef struct {
    Cpu *cpu;
    const char *at;
    unsigned depth;
    GError **error;
} Parser;

static bool fail(Parser *p, const char *what, const char *name, size_t len)
{
    g_set_error(p->error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "%s%.*s", what, (int)len, name);
    return false;
}

static void skip(Parser *p)
{
    p->at += strspn(p->at, " \t");
}

static size_t name_length(const char *s)
{
    size_t n = 0;
    while (g_ascii_isalnum(s[n]) || s[n] == '_' || s[n] == '.')
        n++;
    return n;
}

static bool csr_by_name(Cpu *cpu, const char *name, uint64_t *value)
{
    for (unsigned csr = 0; csr < 0x1000; csr++) {
        const char *is = csr_name(csr);
        if (!is || strcmp(is, name))
            continue;
        Hart as_machine = cpu->hart; // whatever privilege it has
        as_machine.priv = PRV_M;
        return csr_read(&as_machine, csr, value);
    }
    return false;
}

static bool register_value(Parser *p, uint64_t *value)
{
    size_t len = name_length(p->at);
    g_autofree char *name = g_strndup(p->at, len);
    const Hart *hart = &p->cpu->hart;
    p->at += len;
    if (!strcmp(name, "pc")) {
        *value = hart->env.pc;
        return true;
    }
    for (unsigned i = 0; i < IR_NREGS; i++) {
        char number[8];
        g_snprintf(number, sizeof number, "%c%u", i < 32 ? 'x' : 'f', i % 32);
        if (!strcmp(name, hart_reg_names[i]) || !strcmp(name, number)) {
            *value = hart->env.r[i];
            return true;
        }
    }
    if (!strcmp(name, "fp")) {
        *value = hart->env.r[8];
        return true;
    }
    return csr_by_name(p->cpu, name, value) || fail(p, "there is no register $", name, len);
}

static bool number_or_symbol(Parser *p, uint64_t *value)
{
    size_t len = name_length(p->at);
    if (!len)
        return fail(p, "a number is missing", "", 0);
    g_autofree char *word = g_strndup(p->at, len);
    p->at += len;
    if (!g_ascii_isdigit(*word))
        return cpu_symbol_address(p->cpu, word, value) || fail(p, "there is no symbol ", word, len);
    char *end;
    errno = 0;
    *value = g_ascii_strtoull(word, &end, 0);
    return (!*end && !errno) || fail(p, "not a number: ", word, len);
}

static bool sum(Parser *p, uint64_t *value);

static bool unary(Parser *p, uint64_t *value)
{
    skip(p);
    if (p->depth == DEPTH_MAX)
        return fail(p, "too many parentheses or signs", "", 0);
    p->depth++;
    char c = *p->at;
    bool ok;
    if (c == '-' || c == '~' || c == '+') {
        p->at++;
        ok = unary(p, value);
        *value = c == '-' ? -*value : c == '~' ? ~*value : *value;
    } else if (c == '(') {
        p->at++;
        ok = sum(p, value);
        if (ok && *p->at != ')')
            ok = fail(p, "a ) is missing", "", 0);
        p->at += ok;
    } else if (c == '$') {
        p->at++;
        ok = register_value(p, value);
    } else {
        ok = number_or_symbol(p, value);
    }
    p->depth--;
    skip(p);
    return ok;
}

static bool product(Parser *p, uint64_t *value)
{
    if (!unary(p, value))
        return false;
    while (*p->at && strchr("*/%", *p->at)) {
        char op = *p->at++;
        uint64_t right = 0;
        if (!unary(p, &right))
            return false;
        if (op != '*' && !right)
            return fail(p, "division by zero", "", 0);
        *value = op == '*' ? *value * right : op == '/' ? *value / right : *value % right;
    }
    return true;
}

static bool sum(Parser *p, uint64_t *value)
{
    *value = 0;
    if (!product(p, value))
        return false;
    while (*p->at && strchr("+-&|^", *p->at)) {
        char op = *p->at++;
        uint64_t right = 0;
        if (!product(p, &right))
            return false;
        *value = op == '+'   ? *value + right
                 : op == '-' ? *value - right
                 : op == '&' ? *value & right
                 : op == '|' ? *value | right
                             : *value ^ right;
    }
    return true;
}

bool expression_value(Cpu *cpu, const char **text, uint64_t *value, GError **error)
{
    Parser p = {.cpu = cpu, .at = *text, .error = error};
    if (!sum(&p, value))
        return false;
    *text = p.at;
    return true;
}
