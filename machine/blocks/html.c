// SPDX-License-Identifier: GPL-3.0-or-later
// The view as one page. Its data are JSON, packed and in base64: an index, which the page reads at once, and bundles of
// some pieces each, which it unpacks when they are looked at. So thousands of pieces cost nothing when it opens.
#include "machine/blocks/blocks_json.h"
#include "machine/blocks/blocks_text.h"
#include "machine/blocks/page.h"

#include <gio/gio.h>
#include <string.h>

#define BUNDLE_SIZE (128 << 10) // bytes of JSON, at least but for the last

typedef struct {
    GString *out;
    const View *v;
    unsigned *bundle, *place; // by place in selected: which bundle it is in, and where there
} Page;

static GBytes *pack(const GString *text)
{
    g_autoptr(GZlibCompressor) z = g_zlib_compressor_new(G_ZLIB_COMPRESSOR_FORMAT_GZIP, 6);
    g_autoptr(GOutputStream) memory = g_memory_output_stream_new_resizable();
    g_autoptr(GOutputStream) stream = g_converter_output_stream_new(memory, G_CONVERTER(z));
    bool ok = g_output_stream_write_all(stream, text->str, text->len, NULL, NULL, NULL) &&
              g_output_stream_close(stream, NULL, NULL);
    g_assert(ok); // into memory
    return g_memory_output_stream_steal_as_bytes(G_MEMORY_OUTPUT_STREAM(memory));
}

static void put_data(GString *out, const char *id, const GString *json)
{
    g_autoptr(GBytes) bytes = pack(json);
    gsize size;
    const guchar *data = g_bytes_get_data(bytes, &size);
    g_autofree char *text = g_base64_encode(data, size);
    g_string_append_printf(out, "<script type=\"text/plain\" id=\"%s\">%s</script>\n", id, text);
}

static void end_bundle(GString *out, JsonOut *j, unsigned number)
{
    char id[16];
    g_snprintf(id, sizeof id, "d%u", number);
    json_end(j, ']');
    put_data(out, id, j->out);
    g_string_truncate(j->out, 0);
    j->comma = false;
}

static void put_bundles(Page *p, GString *out)
{
    JsonOut j = {g_string_new(NULL), false};
    SourceText *sources = source_text_new();
    const GPtrArray *selected = p->v->selected;
    unsigned bundle = 0, place = 0;
    for (unsigned i = 0; i < selected->len; i++) {
        if (!j.out->len)
            json_begin(&j, NULL, '[');
        blocks_json_piece(&j, p->v, selected->pdata[i], sources, true);
        p->bundle[i] = bundle;
        p->place[i] = place++;
        if (j.out->len < BUNDLE_SIZE && i + 1 < selected->len)
            continue;
        end_bundle(out, &j, bundle++);
        place = 0;
    }
    source_text_free(sources);
    g_string_free(j.out, TRUE);
}

// What else than the symbol of its head a filter shall find a piece by.
static void put_functions(JsonOut *j, const View *v, const ViewPiece *p)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    json_begin(j, NULL, '[');
    for (unsigned i = 0; i < p->code->blocks->len; i++) {
        uint64_t pc = g_array_index(p->code->blocks, CodeBlock, i).pc;
        const char *function = v->names.at(v->names.opaque, p->code->hart, pc, false).function;
        if (function && g_hash_table_add(seen, (gpointer)function))
            json_text(j, NULL, function);
    }
    json_end(j, ']');
}

static void put_targets(JsonOut *j, const View *v, const ViewPiece *p)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
    json_begin(j, NULL, '[');
    for (unsigned i = 0; i < p->code->edges->len; i++) {
        const ViewPiece *to = view_target(v, p, &g_array_index(p->code->edges, CodeEdge, i));
        if (to && to->selected && g_hash_table_add(seen, (gpointer)to))
            json_count(j, NULL, to->id);
    }
    json_end(j, ']');
}

// One row of the list; page.js names the columns in the same order.
static void put_row(Page *page, JsonOut *j, unsigned i)
{
    const ViewPiece *p = page->v->selected->pdata[i];
    const CodePiece *c = p->code;
    json_begin(j, NULL, '[');
    json_count(j, NULL, p->id);
    json_count(j, NULL, c->hart);
    json_count(j, NULL, c->tier);
    json_count(j, NULL, c->mode);
    json_count(j, NULL, c->dead);
    json_hex(j, NULL, c->pc);
    json_text(j, NULL, p->symbol);
    json_real(j, NULL, p->percent, 5);
    json_count(j, NULL, c->count);
    json_count(j, NULL, c->insns->len);
    json_count(j, NULL, c->host_bytes + c->cold_bytes);
    json_real(j, NULL, view_expansion(p), 2);
    json_real(j, NULL, (double)view_ns(p) / 1e6, 3);
    json_count(j, NULL, page->bundle[i]);
    json_count(j, NULL, page->place[i]);
    put_functions(j, page->v, p);
    put_targets(j, page->v, p);
    json_end(j, ']');
}

static void put_index(Page *p)
{
    JsonOut j = {g_string_new(NULL), false};
    json_begin(&j, NULL, '{');
    blocks_json_run(&j, p->v);
    json_begin(&j, "rows", '[');
    for (unsigned i = 0; i < p->v->selected->len; i++)
        put_row(p, &j, i);
    json_end(&j, ']');
    json_end(&j, '}');
    put_data(p->out, "index", j.out);
    g_string_free(j.out, TRUE);
}

// Appends the page's text up to a marker and returns what is behind it.
static const char *put_until(GString *out, const char *text, const char *end, const char *marker)
{
    const char *at = g_strstr_len(text, end - text, marker);
    g_assert(at);
    g_string_append_len(out, text, at - text);
    return at + strlen(marker);
}

char *blocks_html(const View *v)
{
    const char *text = (const char *)page_html, *end = text + page_html_size;
    Page p = {g_string_new(NULL), v, g_new0(unsigned, v->selected->len + 1), g_new0(unsigned, v->selected->len + 1)};
    g_autoptr(GString) bundles = g_string_new(NULL); // made first: the index says where pieces are
    text = put_until(p.out, text, end, "@CSS@");
    g_string_append_len(p.out, (const char *)page_css, (gssize)page_css_size);
    put_bundles(&p, bundles);
    text = put_until(p.out, text, end, "@INDEX@");
    put_index(&p);
    text = put_until(p.out, text, end, "@JS@");
    g_string_append_len(p.out, (const char *)page_js, (gssize)page_js_size);
    text = put_until(p.out, text, end, "@DATA@");
    g_string_append_len(p.out, bundles->str, (gssize)bundles->len);
    g_string_append_len(p.out, text, end - text);
    g_free(p.bundle);
    g_free(p.place);
    return g_string_free(p.out, FALSE);
}
