// SPDX-License-Identifier: GPL-3.0-or-later
// A report as text, JSON, CSV and HTML, and in files.
#include "lab/report_private.h"

#include <errno.h>
#include <gio/gio.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const ReportItem *item_at(const Report *r, unsigned i)
{
    return &g_array_index(r->items, ReportItem, i);
}

// What the run was, as pairs of name and value.
static char *run_line(const Report *r)
{
    const TraceInfo *i = &r->a->info;
    return g_strdup_printf("%s; %s, %u hart%s%s; %s instructions", i->guest && *i->guest ? i->guest : "no guest file",
                           i->machine, i->harts, i->harts > 1 ? "s" : "", i->icount ? ", -icount" : "",
                           table_number(r->a->all.insns));
}

static void underlined(GString *s, const char *text, char with)
{
    g_string_append_printf(s, "%s\n", text);
    for (long i = 0; i < g_utf8_strlen(text, -1); i++)
        g_string_append_c(s, with);
    g_string_append_c(s, '\n');
}

#define WRAP 110 // columns of text

// A line, broken between words, the rest of it further in.
static void wrapped(GString *s, const char *line)
{
    unsigned indent = (unsigned)strspn(line, " ") + 2, column = indent;
    g_auto(GStrv) words = g_strsplit(line + indent - 2, " ", -1);
    g_string_append_printf(s, "%*s", (int)indent, "");
    for (char **w = words; *w; w++) {
        unsigned width = (unsigned)g_utf8_strlen(*w, -1);
        if (w > words && column + 1 + width > WRAP) {
            g_string_append_printf(s, "\n%*s", (int)indent + 4, "");
            column = indent + 4;
        } else if (w > words) {
            g_string_append_c(s, ' ');
            column++;
        }
        g_string_append(s, *w);
        column += width;
    }
    g_string_append_c(s, '\n');
}

char *report_text(const Report *r)
{
    GString *s = g_string_new(NULL);
    g_autofree char *run = run_line(r);
    underlined(s, "Addend TLB report", '=');
    g_string_append_printf(s, "%s\n", run);
    for (unsigned i = 0; i < r->items->len; i++) {
        const ReportItem *item = item_at(r, i);
        if (item->kind == ITEM_CHART || (item->kind == ITEM_TABLE && !item->people))
            continue;
        g_string_append_c(s, '\n');
        if (item->kind == ITEM_HEADING) {
            underlined(s, item->title, '=');
        } else if (item->kind == ITEM_TABLE) {
            table_write_text(item->table, s);
        } else {
            g_string_append_printf(s, "%s\n", item->title);
            for (unsigned k = 0; k < item->lines->len; k++)
                wrapped(s, item->lines->pdata[k]);
        }
    }
    return g_string_free(s, FALSE);
}

static void json_member(GString *s, const char *name)
{
    g_string_append(s, ",\n  ");
    json_append_string(s, name);
    g_string_append(s, ": ");
}

char *report_json(const Report *r)
{
    const AnalysisResult *a = r->a;
    GString *s = g_string_new("{\n  \"schema_version\": 1");
    json_member(s, "guest");
    json_append_string(s, a->info.guest ? a->info.guest : "");
    json_member(s, "machine");
    json_append_string(s, a->info.machine);
    g_string_append_printf(s, ",\n  \"harts\": %u,\n  \"icount\": %s", a->info.harts,
                           a->info.icount ? "true" : "false");
    g_string_append_printf(s, ",\n  \"instructions\": %" PRIu64 ",\n  \"loads\": %" PRIu64 ",\n  \"stores\": %" PRIu64,
                           a->all.insns, a->all.loads, a->all.stores);
    g_string_append_printf(s, ",\n  \"records\": %" PRIu64, a->all.records);
    if (a->has_model) {
        json_member(s, "model");
        g_string_append(s, "{\"name\": ");
        json_append_string(s, a->model.name);
        g_string_append(s, ", \"geometry\": ");
        json_append_string(s, r->geometry);
        g_string_append_c(s, '}');
    }
    for (unsigned i = 0; i < r->items->len; i++) {
        const ReportItem *item = item_at(r, i);
        if (item->kind == ITEM_TABLE && item->data) {
            json_member(s, table_id(item->table));
            table_write_json(item->table, s, 2);
        } else if (item->kind == ITEM_LINES) {
            json_member(s, item->id);
            g_string_append_c(s, '[');
            for (unsigned k = 0; k < item->lines->len; k++) {
                g_string_append(s, k ? ",\n    " : "\n    ");
                json_append_string(s, g_strchug(item->lines->pdata[k]));
            }
            g_string_append(s, item->lines->len ? "\n  ]" : "]");
        }
    }
    g_string_append(s, "\n}\n");
    return g_string_free(s, FALSE);
}

static const char html_head[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n<title>Addend TLB report</title>\n<style>\n"
    "body { font: 15px/1.5 'Helvetica Neue', Helvetica, Arial, 'Liberation Sans', sans-serif; color: #1f2933; "
    "background: #fff; max-width: 1100px; margin: 2em auto; padding: 0 1.2em }\n"
    "h1 { font-size: 1.7em; margin-bottom: 0 }\n"
    "h1.part { font-size: 1.35em; margin-top: 2.2em; border-bottom: 2px solid #1b6ca8; padding-bottom: .2em }\n"
    "h2 { font-size: 1.05em; margin: 1.8em 0 .3em }\n"
    "p { margin: .2em 0; color: #52606d }\n"
    "div.table { overflow-x: auto }\n"
    "table { border-collapse: collapse; font-size: .86em; font-variant-numeric: tabular-nums; margin-top: .5em }\n"
    "th, td { text-align: left; padding: .22em .7em; white-space: nowrap }\n"
    "th { border-bottom: 1.5px solid #52606d }\n"
    "tr.rule td { border-top: 1px solid #9aa5b1 }\n"
    ".n { text-align: right }\n"
    "tbody tr:nth-child(even) { background: #f5f7fa }\n"
    "ul { list-style: none; padding-left: 0; margin: .3em 0 } li.sub { margin-left: 1.5em }\n"
    "li.top { margin-top: .6em; font-weight: 600 }\n"
    "svg { max-width: 100%; height: auto; margin: 1em 0 }\n"
    "</style>\n</head>\n<body>\n<h1>Addend TLB report</h1>\n";

static void html_lines(const ReportItem *item, GString *s)
{
    bool groups = false;
    for (unsigned k = 0; k < item->lines->len; k++)
        groups |= *(const char *)item->lines->pdata[k] == ' ';
    g_string_append(s, "<h2>");
    xml_append_string(s, item->title);
    g_string_append(s, "</h2>\n<ul>\n");
    for (unsigned k = 0; k < item->lines->len; k++) {
        const char *line = item->lines->pdata[k];
        g_string_append(s, *line == ' ' ? "<li class=\"sub\">" : groups ? "<li class=\"top\">" : "<li>");
        xml_append_string(s, line);
        g_string_append(s, "</li>\n");
    }
    g_string_append(s, "</ul>\n");
}

char *report_html(const Report *r)
{
    GString *s = g_string_new(html_head);
    g_autofree char *run = run_line(r);
    g_string_append(s, "<p>");
    xml_append_string(s, run);
    g_string_append(s, "</p>\n");
    for (unsigned i = 0; i < r->items->len; i++) {
        const ReportItem *item = item_at(r, i);
        if (item->kind == ITEM_HEADING) {
            g_string_append(s, "<h1 class=\"part\">");
            xml_append_string(s, item->title);
            g_string_append(s, "</h1>\n");
        } else if (item->kind == ITEM_CHART) {
            g_string_append(s, item->svg);
        } else if (item->kind == ITEM_LINES) {
            html_lines(item, s);
        } else if (item->people) {
            table_write_html(item->table, s);
        }
    }
    g_string_append(s, "</body>\n</html>\n");
    return g_string_free(s, FALSE);
}

char *report_csv(const Report *r)
{
    GString *s = g_string_new(NULL);
    for (unsigned i = 0; i < r->items->len; i++) {
        const ReportItem *item = item_at(r, i);
        if (item->kind != ITEM_TABLE || !item->data)
            continue;
        g_string_append_printf(s, "%s# %s\n", s->len ? "\n" : "", table_id(item->table));
        table_write_csv(item->table, s);
    }
    return g_string_free(s, FALSE);
}

char *report_main_csv(const Report *r)
{
    GString *s = g_string_new(NULL);
    const char *id = r->a->has_model ? "counts" : "sweep_full";
    for (unsigned i = 0; i < r->items->len; i++)
        if (item_at(r, i)->kind == ITEM_TABLE && !strcmp(table_id(item_at(r, i)->table), id))
            table_write_csv(item_at(r, i)->table, s);
    return g_string_free(s, FALSE);
}

char *report_main_svg(const Report *r)
{
    const char *first = NULL;
    for (unsigned i = 0; i < r->items->len; i++) {
        const ReportItem *item = item_at(r, i);
        if (item->kind != ITEM_CHART)
            continue;
        if (!strcmp(item->id, "miss_curve"))
            return g_strdup(item->svg);
        first = first ? first : item->svg;
    }
    return g_strdup(first);
}

static bool write_text(const char *path, const char *text, GError **error)
{
    FILE *f = path ? fopen(path, "we") : stdout;
    bool ok = f && fputs(text, f) >= 0 && !fflush(f);
    int why = errno;
    if (f && path && fclose(f)) {
        why = ok ? errno : why;
        ok = false;
    }
    if (!ok)
        g_set_error(error, G_IO_ERROR, g_io_error_from_errno(why), "%s: %s", path ? path : "standard output",
                    g_strerror(why));
    return ok;
}

bool report_write_file(const Report *r, ReportFormat format, const char *path, GError **error)
{
    g_autofree char *text = format == REPORT_TEXT   ? report_text(r)
                            : format == REPORT_JSON ? report_json(r)
                            : format == REPORT_CSV  ? (path ? report_main_csv(r) : report_csv(r))
                            : format == REPORT_SVG  ? report_main_svg(r)
                                                    : report_html(r);
    if (!text) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "there is no chart in this report");
        return false;
    }
    return write_text(path, text, error);
}

static bool write_in(const char *folder, const char *name, const char *ending, const char *text, GError **error)
{
    g_autofree char *file = g_strconcat(name, ".", ending, NULL), *path = g_build_filename(folder, file, NULL);
    return write_text(path, text, error);
}

static bool write_items(const Report *r, unsigned formats, const char *folder, GError **error)
{
    for (unsigned i = 0; i < r->items->len; i++) {
        const ReportItem *item = item_at(r, i);
        if (item->kind == ITEM_CHART && formats & REPORT_SVG && !write_in(folder, item->id, "svg", item->svg, error))
            return false;
        if (item->kind != ITEM_TABLE || !item->data || !(formats & REPORT_CSV))
            continue;
        g_autoptr(GString) csv = g_string_new(NULL);
        table_write_csv(item->table, csv);
        if (!write_in(folder, table_id(item->table), "csv", csv->str, error))
            return false;
    }
    return true;
}

bool report_write_folder(const Report *r, unsigned formats, const char *folder, GError **error)
{
    static const struct {
        ReportFormat format;
        const char *ending;
        char *(*text)(const Report *r);
    } whole[] = {{REPORT_TEXT, "txt", report_text}, {REPORT_JSON, "json", report_json},
                 {REPORT_HTML, "html", report_html}};
    if (mkdir(folder, 0777) && errno != EEXIST) {
        g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "%s: %s", folder, g_strerror(errno));
        return false;
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(whole); i++) {
        if (!(formats & whole[i].format))
            continue;
        g_autofree char *text = whole[i].text(r);
        if (!write_in(folder, "report", whole[i].ending, text, error))
            return false;
    }
    return write_items(r, formats, folder, error);
}
