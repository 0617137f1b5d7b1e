// SPDX-License-Identifier: GPL-3.0-or-later
// The log behind -d, -D and -dfilter.
#include "util/log.h"

#include <errno.h>
#include <gio/gio.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    const char *name, *help;
    unsigned bit;
} LogItem;

typedef struct {
    uint64_t first, last;
} LogRange;

static const LogItem log_items[] = {
#define LOG(name, text, help) {text, help, LOG_##name},
#include "util/log.def"
#undef LOG
};

unsigned log_mask;
static FILE *log_file;
static GArray *log_ranges;

bool log_in_filter(uint64_t addr)
{
    if (!log_ranges)
        return true;
    for (unsigned i = 0; i < log_ranges->len; i++) {
        const LogRange *r = &g_array_index(log_ranges, LogRange, i);
        if (addr >= r->first && addr <= r->last)
            return true;
    }
    return false;
}

bool log_parse_items(const char *items, GError **error)
{
    g_auto(GStrv) words = g_strsplit(items, ",", -1);
    for (char **w = words; *w; w++) {
        unsigned i;
        for (i = 0; i < G_N_ELEMENTS(log_items) && strcmp(*w, log_items[i].name); i++)
            ;
        if (i == G_N_ELEMENTS(log_items)) {
            g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                        "-d: unknown item '%s' (-d help lists them)", *w);
            return false;
        }
        log_mask |= log_items[i].bit;
    }
    return true;
}

static bool parse_range(const char *text, LogRange *out)
{
    char *end;
    errno = 0;
    uint64_t a = g_ascii_strtoull(text, &end, 0);
    if (end == text || errno)
        return false;
    char kind = *end;
    const char *rest = end + (kind == '.' ? 2 : 1);
    if (!kind || (kind == '.' && end[1] != '.'))
        return false;
    uint64_t b = g_ascii_strtoull(rest, &end, 0);
    if (end == rest || *end || errno)
        return false;
    if (kind == '+' && b)
        *out = (LogRange){a, a + (b - 1)};
    else if (kind == '-' && b)
        *out = (LogRange){a - (b - 1), a};
    else if (kind == '.')
        *out = (LogRange){a, b};
    else
        return false;
    return out->first <= out->last;
}

bool log_parse_filter(const char *ranges, GError **error)
{
    g_auto(GStrv) words = g_strsplit(*ranges ? ranges : ",", ",", -1); // nothing is an empty word, and bad
    if (!log_ranges)
        log_ranges = g_array_new(FALSE, FALSE, sizeof(LogRange));
    for (char **w = words; *w; w++) {
        LogRange r;
        if (!parse_range(*w, &r)) {
            g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                        "-dfilter: '%s' is not start+len, start-len or start..end", *w);
            return false;
        }
        g_array_append_val(log_ranges, r);
    }
    return true;
}

bool log_open(const char *path, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(path, "%d", -1);
    g_autofree char *pid = g_strdup_printf("%d", (int)getpid());
    g_autofree char *real = g_strjoinv(pid, parts);
    log_file = fopen(real, "w");
    if (!log_file) {
        g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "-D: cannot write %s: %s", real,
                    g_strerror(errno));
        return false;
    }
    setvbuf(log_file, NULL, _IOLBF, 0);
    return true;
}

FILE *log_lock(void)
{
    FILE *f = log_file ? log_file : stderr;
    flockfile(f);
    return f;
}

void log_unlock(void)
{
    funlockfile(log_file ? log_file : stderr);
}

void log_printf(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vfprintf(log_lock(), fmt, ap);
    log_unlock();
    va_end(ap);
}

void log_print_help(FILE *out)
{
    fprintf(out, "Log items (comma separated):\n");
    for (unsigned i = 0; i < G_N_ELEMENTS(log_items); i++)
        fprintf(out, "%-14s %s\n", log_items[i].name, log_items[i].help);
}
