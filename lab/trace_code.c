// SPDX-License-Identifier: GPL-3.0-or-later
// Coding of tap records by prediction.
//
// A program does the same again and again: the site that comes next is mostly the one that came next the last time, as
// many accesses later, and on the page that it touched the last time, or as far on as the last time. So coder and
// decoder keep the same tables of what came before, and a token says of each record which table was right: of its tag,
// of its count, and of its `what`. Tables have no tags of their own: two contexts that share a row spoil each other's
// guesses, nothing else.
#include "lab/trace_code.h"

#include <glib.h>
#include <string.h>

#define BITS 16 // of a table

typedef struct { // behind a context
    uint32_t tag, step;
} Next;

typedef struct { // of a tag: its last record
    uint64_t what, stride;
    uint32_t step, count;
} Last;

struct TraceCoder {
    Next near[1 << BITS], far[1 << BITS]; // by the tag before; by the four before
    Last last[1 << BITS];                 // by tag
    uint64_t follow[1 << BITS];           // what: by tag and the data access before
    uint64_t page[256];                   // seen: by the low bits of their number
    // --- of the records before
    uint32_t history[4];  // tags, the last one first
    uint64_t recent[3];   // pages of the last data accesses, the last one first
    uint64_t data, fetch; // what of the last data access; page of the last fetch
    uint32_t data_count, fetch_count;
};

// Token: bits 0, 1: TagCode, 2, 3: CountCode, 4 to 7: WhatCode.
typedef enum { TAG_FAR, TAG_NEAR, TAG_SAID } TagCode;
typedef enum { COUNT_NEXT, COUNT_LAST, COUNT_BYTE, COUNT_SAID } CountCode;
typedef enum {
    WHAT_LAST, WHAT_FOLLOW, WHAT_STRIDE, // all of it
    // The page, and the low 12 bits in TRACE_LOWS:
    WHAT_LAST_PAGE, WHAT_FOLLOW_PAGE, WHAT_STRIDE_PAGE, WHAT_RECENT0, WHAT_RECENT1, WHAT_RECENT2, WHAT_FETCH,
    WHAT_KNOWN_PAGE, // its number's low 8 bits are in TRACE_WHATS
    WHAT_PAGE_DELTA, // in pages from the last, in TRACE_WHATS
    // The page, and the low 12 bits of the last:
    WHAT_RECENT0_LOW, WHAT_FETCH_LOW,
    WHAT_DATA,  // all of the last data access'
    WHAT_DELTA, // from the last, in TRACE_WHATS
} WhatCode;

const uint8_t trace_stream_max[TRACE_STREAMS] = {
    [TRACE_TOKENS] = 1, [TRACE_TAGS] = 6, [TRACE_WHATS] = 10, [TRACE_LOWS] = 2, [TRACE_COUNTS] = 6,
};

#define LOW 0xfffu

TraceCoder *trace_coder_new(void)
{
    return g_new(TraceCoder, 1);
}

void trace_coder_free(TraceCoder *c)
{
    g_free(c);
}

// --- numbers ---------------------------------------------------------------------------------------------------

static uint64_t zigzag(uint64_t v)
{
    return v << 1 ^ (uint64_t)((int64_t)v >> 63);
}

static uint64_t unzigzag(uint64_t v)
{
    return v >> 1 ^ (0 - (v & 1));
}

// Seven bits a byte, the lowest first; bit 7: more follow.
static uint8_t *put(uint8_t *p, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        *p++ = (uint8_t)(v | 0x80);
    *p++ = (uint8_t)v;
    return p;
}

static const uint8_t *get(const uint8_t *p, uint64_t *v)
{
    *v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        *v |= (uint64_t)(*p & 0x7f) << shift;
        if (!(*p++ & 0x80))
            break;
    }
    return p;
}

// --- what both sides know --------------------------------------------------------------------------------------

static uint32_t row(uint64_t v)
{
    return (uint32_t)(v * UINT64_C(0x9e3779b97f4a7c15) >> (64 - BITS));
}

typedef struct { // the rows that belong to a record
    Next *far, *near;
} Context;

static Context context_of(TraceCoder *c)
{
    const uint32_t *h = c->history;
    uint64_t f = h[0] + ((uint64_t)h[1] << 21) + ((uint64_t)h[2] << 40) + h[2] + (uint64_t)h[3] * 0x2545f491u;
    return (Context){&c->far[row(f)], &c->near[row(h[0])]};
}

static bool is_event(uint32_t tag)
{
    return (tag & TAP_KIND) == TAP_EVENT;
}

static uint64_t *follow_of(TraceCoder *c, uint32_t tag)
{
    return &c->follow[row(c->data ^ (uint64_t)tag << 32)];
}

// Between a record's count and its step: how far the counts came since the record before of its kind.
static uint32_t base_of(const TraceCoder *c, uint32_t tag, const Last *last)
{
    return is_event(tag) ? last->count : (tag & TAP_KIND) == ACCESS_FETCH ? c->fetch_count : c->data_count;
}

// The halves of a data access' count are two numbers.
static uint32_t step_of(uint32_t tag, uint32_t count, uint32_t base)
{
    uint32_t step = count - base;
    return (tag & TAP_KIND) < ACCESS_FETCH && (count & 0xffff) < (base & 0xffff) ? step + 0x10000 : step;
}

static uint32_t count_of(uint32_t tag, uint32_t step, uint32_t base)
{
    uint32_t count = step + base;
    return (tag & TAP_KIND) < ACCESS_FETCH && (step & 0xffff) + (base & 0xffff) > 0xffff ? count - 0x10000 : count;
}

static void learn_access(TraceCoder *c, const TapRecord *r)
{
    uint64_t page = r->what & ~(uint64_t)LOW;
    c->page[r->what >> 12 & 0xff] = page;
    if ((r->tag & TAP_KIND) == ACCESS_FETCH) {
        c->fetch = page;
        c->fetch_count = r->count;
        return;
    }
    c->recent[2] = c->recent[1];
    c->recent[1] = c->recent[0];
    c->recent[0] = page;
    c->data = r->what;
    // This access itself counts, its second page not again.
    uint32_t one = (r->tag & TAP_KIND) == ACCESS_WRITE ? 0x10000 : 1;
    c->data_count = count_of(0, r->tag & TAP_CROSS ? 0 : one, r->count);
}

static void learn_event(TraceCoder *c, const TapRecord *r)
{
    if (r->tag >> TAP_SHIFT == TAP_TIME)
        c->fetch_count = (uint32_t)r->what;
    else if (r->tag >> TAP_SHIFT == TAP_LOADS)
        c->data_count = (c->data_count & 0xffff0000u) | (uint32_t)(r->what & 0xffff);
    else if (r->tag >> TAP_SHIFT == TAP_STORES)
        c->data_count = (c->data_count & 0xffff) | (uint32_t)r->what << 16;
}

static void learn(TraceCoder *c, const TapRecord *r, Context x, Last *last, uint64_t *follow, uint32_t step)
{
    *x.far = *x.near = (Next){r->tag, step};
    *last = (Last){r->what, r->what - last->what, step, r->count};
    *follow = r->what;
    memmove(c->history + 1, c->history, sizeof c->history - sizeof *c->history);
    c->history[0] = r->tag;
    if (is_event(r->tag))
        learn_event(c, r);
    else
        learn_access(c, r);
}

// --- coding ----------------------------------------------------------------------------------------------------

static uint8_t *put_tag(uint8_t *p, uint32_t tag, uint32_t before)
{
    uint64_t site = zigzag((uint64_t)(tag >> TAP_SHIFT) - (before >> TAP_SHIFT));
    return put(p, site << TAP_SHIFT | (tag & ((1u << TAP_SHIFT) - 1)));
}

static CountCode put_count(uint8_t **p, uint32_t tag, uint32_t step, const Next *next, const Last *last)
{
    bool data = (tag & TAP_KIND) < ACCESS_FETCH;
    if (next && step == next->step)
        return COUNT_NEXT;
    if (step == last->step)
        return COUNT_LAST;
    if (data ? (step & 0xfff0fff0u) == 0 : step < 0x100) {
        *(*p)++ = (uint8_t)(data ? step | step >> 12 : step);
        return COUNT_BYTE;
    }
    *p = data ? put(put(*p, step & 0xffff), step >> 16) : put(*p, zigzag((uint64_t)(int64_t)(int32_t)step));
    return COUNT_SAID;
}

// How to say what; low: bits 0 to 11 must be said too.
static WhatCode choose_what(const TraceCoder *c, uint64_t what, const Last *last, uint64_t follow)
{
    uint64_t stride = last->what + last->stride;
    if (what == last->what)
        return WHAT_LAST;
    if (what == follow)
        return WHAT_FOLLOW;
    if (what == stride)
        return WHAT_STRIDE;
    if (what == c->data)
        return WHAT_DATA;
    if (((what ^ last->what) & LOW) == 0) {
        if (what >> 12 == c->recent[0] >> 12)
            return WHAT_RECENT0_LOW;
        if (what >> 12 == c->fetch >> 12)
            return WHAT_FETCH_LOW;
    }
    if (what >> 12 == last->what >> 12)
        return WHAT_LAST_PAGE;
    if (what >> 12 == follow >> 12)
        return WHAT_FOLLOW_PAGE;
    if (what >> 12 == stride >> 12)
        return WHAT_STRIDE_PAGE;
    for (unsigned i = 0; i < G_N_ELEMENTS(c->recent); i++)
        if (what >> 12 == c->recent[i] >> 12)
            return WHAT_RECENT0 + i;
    if (what >> 12 == c->fetch >> 12)
        return WHAT_FETCH;
    return what >> 12 == c->page[what >> 12 & 0xff] >> 12 ? WHAT_KNOWN_PAGE : WHAT_PAGE_DELTA;
}

static bool says_low(WhatCode code)
{
    return code >= WHAT_LAST_PAGE && code <= WHAT_PAGE_DELTA;
}

void trace_encode(TraceCoder *c, const TapRecord *r, size_t n, uint8_t *const stream[TRACE_STREAMS],
                  size_t size[TRACE_STREAMS])
{
    uint8_t *p[TRACE_STREAMS];
    memcpy(p, stream, sizeof p);
    memset(c, 0, sizeof *c);
    for (size_t i = 0; i < n; i++, r++) {
        Context x = context_of(c);
        Last *last = &c->last[row(r->tag)];
        uint64_t *follow = follow_of(c, r->tag);
        TagCode tag = r->tag == x.far->tag ? TAG_FAR : r->tag == x.near->tag ? TAG_NEAR : TAG_SAID;
        if (tag == TAG_SAID)
            p[TRACE_TAGS] = put_tag(p[TRACE_TAGS], r->tag, c->history[0]);
        uint32_t step = step_of(r->tag, r->count, base_of(c, r->tag, last));
        CountCode count = put_count(&p[TRACE_COUNTS], r->tag, step,
                                    tag == TAG_FAR ? x.far : tag == TAG_NEAR ? x.near : NULL, last);
        WhatCode what = choose_what(c, r->what, last, *follow);
        if (what == WHAT_PAGE_DELTA && is_event(r->tag)) {
            what = WHAT_DELTA;
            p[TRACE_WHATS] = put(p[TRACE_WHATS], zigzag(r->what - last->what));
        } else if (what == WHAT_PAGE_DELTA) {
            p[TRACE_WHATS] = put(p[TRACE_WHATS], zigzag((r->what >> 12) - (last->what >> 12)));
        } else if (what == WHAT_KNOWN_PAGE) {
            *p[TRACE_WHATS]++ = (uint8_t)(r->what >> 12);
        }
        if (says_low(what)) {
            *p[TRACE_LOWS]++ = (uint8_t)r->what;
            *p[TRACE_LOWS]++ = (uint8_t)(r->what >> 8 & 0xf);
        }
        *p[TRACE_TOKENS]++ = (uint8_t)(tag | count << 2 | what << 4);
        learn(c, r, x, last, follow, step);
    }
    for (unsigned s = 0; s < TRACE_STREAMS; s++)
        size[s] = (size_t)(p[s] - stream[s]);
}

// --- decoding --------------------------------------------------------------------------------------------------

static uint32_t get_tag(const uint8_t **p, uint32_t before)
{
    uint64_t v;
    *p = get(*p, &v);
    uint32_t site = (uint32_t)(unzigzag(v >> TAP_SHIFT) + (before >> TAP_SHIFT));
    return site << TAP_SHIFT | (uint32_t)(v & ((1u << TAP_SHIFT) - 1));
}

static uint32_t get_count(const uint8_t **p, CountCode code, uint32_t tag, const Next *next, const Last *last)
{
    uint64_t v, w;
    bool data = (tag & TAP_KIND) < ACCESS_FETCH;
    switch (code) {
    case COUNT_NEXT:
        return next->step;
    case COUNT_LAST:
        return last->step;
    case COUNT_BYTE:
        v = *(*p)++;
        return (uint32_t)(data ? (v & 0xf) | (v & 0xf0) << 12 : v);
    default:
        *p = get(*p, &v);
        if (!data)
            return (uint32_t)unzigzag(v);
        *p = get(*p, &w);
        return (uint32_t)((v & 0xffff) | w << 16);
    }
}

// Without the low bits where they are said.
static uint64_t get_what(TraceCoder *c, const uint8_t **p, WhatCode code, const Last *last, uint64_t follow)
{
    uint64_t v, low = last->what & LOW;
    switch (code) {
    case WHAT_LAST:
    case WHAT_LAST_PAGE:
        return last->what;
    case WHAT_FOLLOW:
    case WHAT_FOLLOW_PAGE:
        return follow;
    case WHAT_STRIDE:
    case WHAT_STRIDE_PAGE:
        return last->what + last->stride;
    case WHAT_RECENT0:
    case WHAT_RECENT1:
    case WHAT_RECENT2:
        return c->recent[code - WHAT_RECENT0];
    case WHAT_FETCH:
        return c->fetch;
    case WHAT_KNOWN_PAGE:
        return c->page[*(*p)++];
    case WHAT_RECENT0_LOW:
        return c->recent[0] | low;
    case WHAT_FETCH_LOW:
        return c->fetch | low;
    case WHAT_DATA:
        return c->data;
    default:
        *p = get(*p, &v);
        return code == WHAT_DELTA ? last->what + unzigzag(v) : (last->what & ~(uint64_t)LOW) + (unzigzag(v) << 12);
    }
}

bool trace_decode(TraceCoder *c, const uint8_t *const stream[TRACE_STREAMS], const size_t size[TRACE_STREAMS],
                  TapRecord *r, size_t n)
{
    const uint8_t *p[TRACE_STREAMS];
    memcpy(p, stream, sizeof p);
    memset(c, 0, sizeof *c);
    if (size[TRACE_TOKENS] != n)
        return false;
    for (size_t i = 0; i < n; i++, r++) {
        unsigned token = *p[TRACE_TOKENS]++;
        WhatCode what = token >> 4;
        Context x = context_of(c);
        Next *next = token & TAG_NEAR ? x.near : x.far;
        r->tag = token & TAG_SAID ? get_tag(&p[TRACE_TAGS], c->history[0]) : next->tag;
        Last *last = &c->last[row(r->tag)];
        uint64_t *follow = follow_of(c, r->tag);
        uint32_t step = get_count(&p[TRACE_COUNTS], token >> 2 & 3, r->tag, next, last);
        r->count = count_of(r->tag, step, base_of(c, r->tag, last));
        r->what = get_what(c, &p[TRACE_WHATS], what, last, *follow);
        if (says_low(what)) {
            r->what = (r->what & ~(uint64_t)LOW) | p[TRACE_LOWS][0] | (uint64_t)(p[TRACE_LOWS][1] & 0xf) << 8;
            p[TRACE_LOWS] += 2;
        }
        for (unsigned s = TRACE_TAGS; s < TRACE_STREAMS; s++)
            if ((size_t)(p[s] - stream[s]) > size[s])
                return false;
        learn(c, r, x, last, follow, step);
    }
    for (unsigned s = 0; s < TRACE_STREAMS; s++)
        if ((size_t)(p[s] - stream[s]) != size[s])
            return false;
    return true;
}
