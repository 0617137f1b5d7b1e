// SPDX-License-Identifier: GPL-3.0-or-later
// The report of an analysis for people and programs: text, JSON, CSV, SVG, HTML. All are made from the same tables.
//
// The same result gives the same bytes: no times, no paths.
#pragma once
#include "lab/analysis.h"

typedef enum {
    REPORT_TEXT = 1,
    REPORT_JSON = 2,
    REPORT_CSV = 4,
    REPORT_SVG = 8,
    REPORT_HTML = 16,
} ReportFormat;

typedef struct Report Report;
// result is good as long as the report. host_causes: n names, for the causes of the emulator's misses.
Report *report_new(const AnalysisResult *result, const char *const *host_causes, unsigned n);
void report_free(Report *r);

// The caller frees them.
char *report_text(const Report *r);
char *report_json(const Report *r);
char *report_html(const Report *r); // with the charts in it
char *report_csv(const Report *r);  // all tables, each under a line "# id" and with an empty line behind it
char *report_main_csv(const Report *r); // the counts of the model, or else the sweep's fully associative misses
char *report_main_svg(const Report *r); // the miss curve, or else the first chart; NULL: there is none

// One file of this format; NULL path: standard output. False: *error names it.
bool report_write_file(const Report *r, ReportFormat format, const char *path, GError **error);
// report.txt, report.json, report.html, a CSV file for each table, an SVG file for each chart, of these formats. The
// folder is made if it is not there.
bool report_write_folder(const Report *r, unsigned formats, const char *folder, GError **error);
