// SPDX-License-Identifier: GPL-3.0-or-later
// The sampler of a machine's harts.
#include "machine/sampler.h"

#include "machine/exec_private.h"
#include "machine/gdb/gdb.h"

// A slice ends some instructions later than it should. So that a sample is at an instruction drawn evenly from all, it
// is due a fixed distance, the reach, behind that: more than what was the latest end not long ago.
#define REACH 64 // at first: of a block
#define REACH_MAX 4096
#define REACH_SHRINKS 64 // by one part in so many each time that it was more than needed

typedef struct {
    uint64_t random; // of xorshift, never 0
    int64_t left;    // instructions until the slice is to end
    uint64_t reach;
    uint64_t last;   // the count of instructions at the last sample
} SampledHart;

struct Sampler {
    GArray *listeners; // SampleListener
    uint64_t period;
    SampledHart *hart;
};

static uint64_t draw(SampledHart *h, uint64_t bound)
{
    h->random ^= h->random << 13;
    h->random ^= h->random >> 7;
    h->random ^= h->random << 17;
    return h->random % bound;
}

// Half a period to one and a half.
static void draw_next(const Sampler *s, SampledHart *h)
{
    h->left = (int64_t)(s->period / 2 + draw(h, s->period));
}

void machine_add_sampler(Machine *m, uint64_t period, const SampleListener *listener)
{
    unsigned harts = board_harts(m->board);
    period = MAX(period, SAMPLER_MIN_PERIOD);
    if (!m->sampler) {
        m->sampler = g_new0(Sampler, 1);
        m->sampler->listeners = g_array_new(FALSE, FALSE, sizeof(SampleListener));
        m->sampler->period = period;
        m->sampler->hart = g_new0(SampledHart, harts);
    }
    Sampler *s = m->sampler;
    g_array_append_val(s->listeners, *listener);
    s->period = MIN(s->period, period);
    for (unsigned i = 0; i < harts; i++) {
        s->hart[i].random = UINT64_C(0x9e3779b97f4a7c15) * (i + 1);
        s->hart[i].reach = REACH;
        draw_next(s, &s->hart[i]);
    }
}

void sampler_free(Sampler *s)
{
    if (!s)
        return;
    g_array_free(s->listeners, TRUE);
    g_free(s->hart);
    g_free(s);
}

int64_t sampler_part(const Machine *m, unsigned hart, int64_t length)
{
    return CLAMP(m->sampler->hart[hart].left, 1, length);
}

// engine_step_within takes back what ir_env_kick_self did to the slice.
static bool must_stop(const Machine *m, const Hart *hart)
{
    return (m->gdb && gdb_has_seen(m->gdb, (unsigned)hart->hartid)) || hart->wfi || hart_interrupt_takeable(hart) ||
           g_atomic_int_get(&hart->env.exit_request) || hart->trap_loop_count;
}

// Interprets blocks as long as they end within n instructions.
static void walk(const Machine *m, Cpu *cpu, uint64_t n)
{
    uint64_t end = ir_env_icount(&cpu->hart.env) + n;
    for (uint64_t now; !must_stop(m, &cpu->hart) && (now = ir_env_icount(&cpu->hart.env)) < end;)
        if (!engine_step_within(cpu->engine, end - now))
            break;
}

// Instructions from here to where the sample is due.
static uint64_t reach(SampledHart *h)
{
    uint64_t late = (uint64_t)-h->left, was = h->reach;
    h->reach = CLAMP(was - was / REACH_SHRINKS, MIN(late + 1, REACH_MAX), REACH_MAX);
    return was > late ? was - late : 0;
}

void sampler_look(Machine *m, Cpu *cpu, int64_t done, int64_t length)
{
    Sampler *s = m->sampler;
    SampledHart *h = &s->hart[cpu->hart.hartid];
    h->left -= done;
    if (h->left > 0)
        return;
    if (!m->check && done < length) // whose other hart does not see these steps
        walk(m, cpu, MIN(reach(h), (uint64_t)(length - done)));
    uint64_t now = ir_env_icount(&cpu->hart.env), insns = now - h->last;
    h->last = now;
    draw_next(s, h);
    for (unsigned i = 0; i < s->listeners->len; i++) {
        const SampleListener *l = &g_array_index(s->listeners, SampleListener, i);
        l->sample(l->opaque, cpu, insns);
    }
}
