// SPDX-License-Identifier: GPL-3.0-or-later
// A flame graph as a picture that a browser makes interactive: click zooms, typing searches, hovering tells.
#include "machine/profile/flame_private.h"

#include "machine/profile/quote.h"
#include <inttypes.h>
#include <string.h>

#define WIDTH 1200
#define ROW 17
#define TOP 54
#define NARROW 0.00005 // parts of the whole that are too narrow to be drawn

typedef struct Box {
    char *name;
    uint64_t start, count;
    unsigned depth;
} Box;

typedef struct {
    GString *s;
    uint64_t total;
    unsigned depth; // of the deepest box
    GArray *open;   // Box: from the root to the stack before
    GArray *boxes;  // those that are complete
} Drawing;

static void close_boxes(Drawing *d, unsigned depth)
{
    while (d->open->len > depth) {
        Box *b = &g_array_index(d->open, Box, d->open->len - 1);
        if ((double)b->count >= NARROW * (double)d->total)
            g_array_append_vals(d->boxes, b, 1);
        else
            g_free(b->name);
        g_array_set_size(d->open, d->open->len - 1);
    }
}

static void open_box(Drawing *d, const char *name, uint64_t start)
{
    Box b = {g_strdup(name), start, 0, d->open->len};
    g_array_append_val(d->open, b);
}

// Sorted stacks with a common start lie side by side.
static void lay_out(Drawing *d, const FlameStack *stacks, unsigned n)
{
    uint64_t at = 0;
    open_box(d, "all", 0);
    for (unsigned i = 0; i < n; i++) {
        g_auto(GStrv) frames = g_strsplit(stacks[i].frames, ";", -1);
        unsigned k = 0;
        while (frames[k] && k + 1 < d->open->len && !strcmp(frames[k], g_array_index(d->open, Box, k + 1).name))
            k++;
        close_boxes(d, k + 1);
        for (; frames[k]; k++)
            open_box(d, frames[k], at);
        for (unsigned o = 0; o < d->open->len; o++)
            g_array_index(d->open, Box, o).count += stacks[i].count;
        at += stacks[i].count;
    }
    close_boxes(d, 0);
    for (unsigned i = 0; i < d->boxes->len; i++)
        d->depth = MAX(d->depth, g_array_index(d->boxes, Box, i).depth);
}

// Warm colours for most, others for what is known about privilege; the same name always has the same one.
static void add_colour(GString *s, const char *name)
{
    unsigned h = g_str_hash(name);
    bool kernel = g_str_has_prefix(name, "[kernel]"), firmware = g_str_has_prefix(name, "[firmware]");
    bool user = g_str_has_prefix(name, "[user]"), unknown = name[0] == '[' && !kernel && !firmware && !user;
    unsigned hue = kernel ? 210 : firmware ? 280 : user ? 120 : h % 50 + 8;
    unsigned full = unknown ? 0 : 70 + h / 50 % 25;
    g_string_append_printf(s, "hsl(%u,%u%%,%u%%)", hue, full, 62 + h / 1250 % 12);
}

static void draw_box(Drawing *d, const Box *b)
{
    double part = (double)b->count / (double)d->total, x = (double)b->start / (double)d->total;
    GString *s = d->s;
    g_string_append_printf(s, "<g class=\"b\" data-x=\"%.7f\" data-w=\"%.7f\" data-d=\"%u\"><title>", x, part,
                           b->depth);
    quote_xml(s, b->name);
    g_string_append_printf(s, " (%" PRIu64 " instructions, %.2f %%)</title><rect x=\"%.2f\" y=\"%u\" width=\"%.2f\" "
                              "height=\"%u\" rx=\"2\" fill=\"",
                           b->count, 100 * part, x * WIDTH, TOP + b->depth * ROW, part * WIDTH, ROW - 1);
    add_colour(s, b->name);
    g_string_append_printf(s, "\"/><text x=\"%.2f\" y=\"%u\">", x * WIDTH + 3, TOP + b->depth * ROW + 12);
    size_t room = (size_t)(part * WIDTH / 7.3);
    if (room >= 3) {
        g_autofree char *valid = g_utf8_make_valid(b->name, -1);
        g_autofree char *text = g_utf8_substring(valid, 0, MIN(g_utf8_strlen(valid, -1), (glong)room));
        quote_xml(s, text);
    }
    g_string_append(s, "</text></g>\n");
}

static const char style[] =
    "<style>.b text{font:12px monospace;pointer-events:none;fill:#000}.b rect{stroke:#fff;stroke-width:.4}"
    ".b:hover rect{stroke:#000;stroke-width:1}.b{cursor:pointer}.b.dim{opacity:.45}.b.found rect{fill:#c050ff}"
    ".ui{font:13px sans-serif;fill:#222}.button{cursor:pointer;text-decoration:underline}</style>\n";

// What a browser does with the picture. Boxes keep where they are in parts of the whole.
static const char script[] =
    "(function(){\n"
    "const svg=document.querySelector('svg.flame'),W=1200,boxes=[...svg.querySelectorAll('g.b')].map(g=>({g:g,\n"
    " x:+g.dataset.x,w:+g.dataset.w,d:+g.dataset.d,rect:g.querySelector('rect'),text:g.querySelector('text'),\n"
    " title:g.querySelector('title').textContent}));\n"
    "for(const b of boxes)b.name=b.title.replace(/ \\(\\d+ instructions, [\\d.]+ %\\)$/,'');\n"
    "const info=svg.querySelector('#info'),reset=svg.querySelector('#reset'),found=svg.querySelector('#found');\n"
    "function label(b,w){const n=Math.floor(w/7.3);b.text.textContent=n<3?'':b.name.length<=n?b.name:"
    "b.name.slice(0,n-1)+'\\u2026'}\n"
    "function zoom(z){\n"
    " for(const b of boxes){\n"
    "  const inside=b.x+b.w>z.x+1e-6&&b.x<z.x+z.w-1e-6,above=b.d<z.d;\n"
    "  b.g.style.display=inside?'':'none';\n"
    "  if(!inside)continue;\n"
    "  const x=above?0:(b.x-z.x)/z.w*W,w=above?W:b.w/z.w*W;\n"
    "  b.rect.setAttribute('x',x);b.rect.setAttribute('width',Math.max(w,.1));b.text.setAttribute('x',x+3);\n"
    "  b.g.classList.toggle('dim',above);label(b,w)}\n"
    " reset.style.display=z.d?'':'none'}\n"
    "function search(word){\n"
    " let re=null,sum=0,end=-1;\n"
    " if(word)try{re=new RegExp(word,'i')}catch(e){re={test:s=>s.toLowerCase().includes(word.toLowerCase())}}\n"
    " const hits=[];\n"
    " for(const b of boxes){const hit=re!==null&&b.d>0&&re.test(b.name);b.g.classList.toggle('found',hit);"
    "if(hit)hits.push(b)}\n"
    " hits.sort((a,b)=>a.x-b.x||b.w-a.w);\n"
    " for(const b of hits)if(b.x>=end-1e-6){sum+=b.w;end=b.x+b.w}\n"
    " found.textContent=re?'matched '+(100*sum).toFixed(2)+' %':''}\n"
    "svg.addEventListener('click',e=>{const g=e.target.closest('g.b');"
    "if(g)zoom(boxes.find(b=>b.g===g))});\n"
    "svg.addEventListener('mouseover',e=>{const g=e.target.closest('g.b');"
    "info.textContent=g?boxes.find(b=>b.g===g).title:''});\n"
    "reset.addEventListener('click',()=>zoom({x:0,w:1,d:0}));\n"
    "const ask=svg.querySelector('#ask'),field=document.getElementById('search');\n"
    "if(field){ask.style.display='none';field.addEventListener('input',()=>search(field.value))}\n"
    "ask.addEventListener('click',()=>search(prompt('a name, or a regular expression')||''));\n"
    "window.addEventListener('keydown',e=>{if(e.key==='Escape')zoom({x:0,w:1,d:0})});\n"
    "window.flame={zoom:n=>zoom(boxes.find(b=>b.name===n)),search:search,"
    "visible:()=>boxes.filter(b=>b.g.style.display!=='none').map(b=>b.name),found:()=>found.textContent};\n"
    "document.documentElement.dataset.ready=1;\n"
    "})();\n";

static void draw(GString *s, const FlameStack *stacks, unsigned n)
{
    Drawing d = {.s = s};
    d.open = g_array_new(FALSE, FALSE, sizeof(Box));
    d.boxes = g_array_new(FALSE, FALSE, sizeof(Box));
    for (unsigned i = 0; i < n; i++)
        d.total += stacks[i].count;
    if (d.total)
        lay_out(&d, stacks, n);
    unsigned height = TOP + (d.depth + 1) * ROW + 8;
    g_string_append_printf(s,
                           "<svg class=\"flame\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %u %u\" "
                           "width=\"100%%\" preserveAspectRatio=\"xMinYMin\">\n",
                           WIDTH, height);
    g_string_append(s, style);
    g_string_append_printf(s,
                           "<rect width=\"%u\" height=\"%u\" fill=\"#fcfaf2\"/>\n"
                           "<text class=\"ui\" x=\"4\" y=\"18\">%" PRIu64 " guest instructions</text>\n"
                           "<text class=\"ui\" x=\"4\" y=\"40\" id=\"info\"></text>\n"
                           "<text class=\"ui button\" x=\"600\" y=\"18\" id=\"reset\" style=\"display:none\">"
                           "all</text>\n"
                           "<text class=\"ui button\" x=\"1120\" y=\"18\" id=\"ask\">search</text>\n"
                           "<text class=\"ui\" x=\"900\" y=\"18\" id=\"found\"></text>\n",
                           WIDTH, height, d.total);
    for (unsigned i = 0; i < d.boxes->len; i++) {
        Box *b = &g_array_index(d.boxes, Box, i);
        draw_box(&d, b);
        g_free(b->name);
    }
    g_array_free(d.open, TRUE);
    g_array_free(d.boxes, TRUE);
}

GString *flame_svg(const FlameStack *stacks, unsigned n)
{
    GString *s = g_string_new("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    draw(s, stacks, n);
    g_string_append_printf(s, "<script><![CDATA[\n%s]]></script>\n</svg>\n", script);
    return s;
}

GString *flame_html(const FlameStack *stacks, unsigned n)
{
    GString *s = g_string_new("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                              "<title>Flame graph</title>"
                              "<style>body{margin:8px;background:#fcfaf2}#search{position:absolute;right:24px;top:14px}"
                              "</style></head><body>\n"
                              "<input id=\"search\" placeholder=\"search\" size=\"24\">\n");
    draw(s, stacks, n);
    g_string_append(s, "</svg>\n<script>");
    g_string_append(s, script);
    g_string_append(s, "</script></body></html>\n");
    return s;
}
