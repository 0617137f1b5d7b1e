// SPDX-License-Identifier: GPL-3.0-or-later
// Drawing: SVG elements, text that fits, legends, round numbers for axes.
#include "lab/svg_private.h"

#include "lab/table.h"
#include <math.h>
#include <string.h>

const char *const svg_fetch_color = "#1b6ca8", *const svg_data_color = "#d1495b";

#define FONT "'Helvetica Neue', Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"

GString *svg_begin(unsigned height, const char *title)
{
    GString *s = g_string_new(NULL);
    g_string_append_printf(s,
                           "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"%u\" height=\"%u\" "
                           "viewBox=\"0 0 %u %u\" font-family=\"" FONT "\">\n<title>",
                           SVG_WIDTH, height, SVG_WIDTH, height);
    xml_append_string(s, title);
    g_string_append(s, "</title>\n");
    svg_rect(s, 0, 0, SVG_WIDTH, height, "#ffffff");
    g_autofree char *fits = svg_fit(title, 17, SVG_WIDTH - 48);
    g_string_append_printf(s, "<text x=\"24\" y=\"32\" font-size=\"17\" font-weight=\"600\" fill=\"%s\">", SVG_INK);
    xml_append_string(s, fits);
    g_string_append(s, "</text>\n");
    return s;
}

char *svg_finish(GString *s)
{
    g_string_append(s, "</svg>\n");
    return g_string_free(s, FALSE);
}

void svg_text(GString *s, double x, double y, unsigned size, SvgAnchor anchor, const char *color, const char *text)
{
    static const char *const anchors[] = {"start", "middle", "end"};
    g_string_append_printf(s, "<text x=\"%.1f\" y=\"%.1f\" font-size=\"%u\" text-anchor=\"%s\" fill=\"%s\">", x, y,
                           size, anchors[anchor], color);
    xml_append_string(s, text);
    g_string_append(s, "</text>\n");
}

void svg_text_up(GString *s, double x, double y, unsigned size, const char *color, const char *text)
{
    g_string_append_printf(s,
                           "<text transform=\"translate(%.1f %.1f) rotate(-90)\" font-size=\"%u\" "
                           "text-anchor=\"middle\" fill=\"%s\">",
                           x, y, size, color);
    xml_append_string(s, text);
    g_string_append(s, "</text>\n");
}

void svg_line(GString *s, double x1, double y1, double x2, double y2, const char *color)
{
    g_string_append_printf(s, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\"/>\n", x1, y1, x2,
                           y2, color);
}

void svg_rect(GString *s, double x, double y, double w, double h, const char *color)
{
    g_string_append_printf(s, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>\n", x, y, w, h,
                           color);
}

double svg_text_width(const char *text, unsigned size)
{
    return (double)g_utf8_strlen(text, -1) * size * 0.58;
}

char *svg_fit(const char *text, unsigned size, double width)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    long room = (long)(width / (size * 0.58));
    if (g_utf8_strlen(valid, -1) <= room)
        return g_steal_pointer(&valid);
    g_autofree char *head = g_utf8_substring(valid, 0, MAX(room - 2, 1));
    return g_strconcat(head, "...", NULL);
}

double svg_legend(GString *s, double x, double y, const SvgKey *keys, unsigned n)
{
    const double left = x, step = 20;
    for (unsigned i = 0; i < n; i++) {
        double w = 26 + svg_text_width(keys[i].name, 13) + 18;
        if (x > left && x + w > SVG_WIDTH - 16) {
            x = left;
            y += step;
        }
        if (s && keys[i].dot)
            g_string_append_printf(s,
                                   "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"5\" fill=\"#ffffff\" stroke=\"%s\" "
                                   "stroke-width=\"2.5\"/>\n",
                                   x + 9, y - 4, keys[i].color);
        else if (s)
            svg_rect(s, x, y - 10, 18, 11, keys[i].color);
        if (s)
            svg_text(s, x + 25, y, 13, SVG_START, SVG_INK, keys[i].name);
        x += w;
    }
    return y;
}

double svg_step(double max, unsigned n)
{
    if (!(max > 0))
        return 1;
    double step = pow(10, floor(log10(max / n)));
    while (max / step > n * (1 + 1e-9)) {
        double lead = step / pow(10, floor(log10(step) + 1e-9));
        step *= lead < 1.5 ? 2 : lead < 3 ? 2.5 : 2;
    }
    return step;
}

char *svg_short(double v)
{
    static const struct {
        double unit;
        const char *name;
    } units[] = {{1e12, " T"}, {1e9, " G"}, {1e6, " M"}, {1e3, " k"}};
    for (unsigned i = 0; i < G_N_ELEMENTS(units); i++)
        if (fabs(v) >= units[i].unit)
            return g_strdup_printf("%.3g%s", v / units[i].unit, units[i].name);
    return g_strdup_printf("%.3g", v);
}
