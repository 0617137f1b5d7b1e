// SPDX-License-Identifier: GPL-3.0-or-later
// The platform-level interrupt controller (RISC-V PLIC specification 1.0.0, SiFive's register map).
//
// Each source has a gateway. It forwards a request if its line is up (level-triggered) or has gone up (edge-triggered;
// of edges that come while one is being handled it remembers one), and then nothing until the handler has completed it.
// Pending means forwarded and not yet claimed; a request that was forwarded stays, even if the line goes down. A
// context is a hart in M or in S mode; its line is up while an enabled pending source has a priority above the
// context's threshold. Ties go to the lowest source.
#include "frontend/hart.h"
#include "machine/device_tree.h"
#include "machine/devices/devices.h"
#include "util/log.h"
#include <inttypes.h>
#include <string.h>

#define SOURCES 96 // 1 to 96; 0 stands for "none"
#define WORDS   (SOURCES / 32 + 1)
#define PRIORITY_MASK 7

#define PENDING_BASE  0x1000
#define ENABLE_BASE   0x2000
#define ENABLE_STRIDE 0x80
#define CONTEXT_BASE  0x200000
#define CONTEXT_STRIDE 0x1000

typedef struct { // two for each hart: M, then S
    uint32_t enable[WORDS];
    uint32_t threshold;
    bool raised; // as last told to the hart
} Context;

typedef struct {
    Device device;
    uint32_t priority[SOURCES + 1];
    uint32_t level[WORDS], pending[WORDS], claimed[WORDS];
    uint32_t edge[WORDS];   // these are edge-triggered
    uint32_t waiting[WORDS]; // edges not forwarded yet
    unsigned n;
    Context *contexts;
} Plic;

static bool bit(const uint32_t *words, unsigned n)
{
    return words[n / 32] >> (n % 32) & 1;
}

static void set_bit(uint32_t *words, unsigned n, bool value)
{
    words[n / 32] = (words[n / 32] & ~(UINT32_C(1) << n % 32)) | (uint32_t)value << n % 32;
}

// The most urgent source for a context among those above the threshold; 0 if there is none.
static unsigned best_source(const Plic *p, const Context *c, uint32_t threshold)
{
    unsigned best = 0;
    uint32_t highest = threshold;
    for (unsigned w = 0; w < WORDS; w++) {
        for (uint32_t left = p->pending[w] & c->enable[w]; left; left &= left - 1) {
            unsigned source = 32 * w + (unsigned)__builtin_ctz(left);
            if (p->priority[source] > highest) {
                highest = p->priority[source];
                best = source;
            }
        }
    }
    return best;
}

static void update(Plic *p)
{
    const BoardHooks *hooks = &p->device.bus->hooks;
    for (unsigned i = 0; i < p->n; i++) {
        Context *c = &p->contexts[i];
        bool raised = best_source(p, c, c->threshold);
        if (raised == c->raised)
            continue;
        c->raised = raised;
        hooks->set_irq(hooks->opaque, i / 2, i % 2 ? IRQ_S_EXT : IRQ_M_EXT, raised);
    }
}

// The gateway of a source: a request goes on if there is one, and none on its way or being handled.
static void gateway(Plic *p, unsigned source)
{
    uint32_t *wanted = bit(p->edge, source) ? p->waiting : p->level;
    if (!bit(wanted, source) || bit(p->claimed, source))
        return;
    set_bit(p->pending, source, true);
    set_bit(p->waiting, source, false);
}

static void set_irq(Device *d, unsigned source, bool level)
{
    Plic *p = (Plic *)d;
    g_assert(source >= 1 && source <= SOURCES);
    if (bit(p->level, source) == level)
        return;
    set_bit(p->level, source, level);
    if (!level)
        return;
    set_bit(p->waiting, source, true);
    gateway(p, source);
    update(p);
}

static uint32_t claim(Plic *p, Context *c)
{
    unsigned source = best_source(p, c, 0);
    if (source) {
        set_bit(p->pending, source, false);
        set_bit(p->claimed, source, true);
        update(p);
    }
    return source;
}

static void complete(Plic *p, const Context *c, uint64_t source)
{
    if (source > SOURCES || !bit(c->enable, (unsigned)source)) // 3.9: silently ignored
        return;
    set_bit(p->claimed, (unsigned)source, false);
    gateway(p, (unsigned)source);
    update(p);
}

// The register words of contexts: enable bits, and threshold or claim. NULL: none there.
static Context *context_at(const Plic *p, uint64_t offset, unsigned stride)
{
    return offset / stride < p->n ? &p->contexts[offset / stride] : NULL;
}

static uint64_t plic_read(void *opaque, uint64_t addr, unsigned size G_GNUC_UNUSED)
{
    Plic *p = opaque;
    if (addr < PENDING_BASE)
        return addr / 4 <= SOURCES ? p->priority[addr / 4] : 0;
    if (addr < ENABLE_BASE)
        return addr - PENDING_BASE < 4 * WORDS ? p->pending[(addr - PENDING_BASE) / 4] : 0;
    if (addr < CONTEXT_BASE) {
        const Context *c = context_at(p, addr - ENABLE_BASE, ENABLE_STRIDE);
        uint64_t word = addr % ENABLE_STRIDE / 4;
        return c && word < WORDS ? c->enable[word] : 0;
    }
    Context *c = context_at(p, addr - CONTEXT_BASE, CONTEXT_STRIDE);
    if (c && addr % CONTEXT_STRIDE == 0)
        return c->threshold;
    return c && addr % CONTEXT_STRIDE == 4 ? claim(p, c) : 0;
}

static void write_enable(Plic *p, uint64_t offset, uint32_t data)
{
    Context *c = context_at(p, offset, ENABLE_STRIDE);
    uint64_t word = offset % ENABLE_STRIDE / 4;
    if (!c || word >= WORDS)
        return;
    if (word == SOURCES / 32) // the bits behind the last source
        data &= (UINT32_C(2) << SOURCES % 32) - 1;
    c->enable[word] = word ? data : data & ~UINT32_C(1);
    update(p);
}

static void plic_write(void *opaque, uint64_t addr, uint64_t data, unsigned size G_GNUC_UNUSED)
{
    Plic *p = opaque;
    if (addr < PENDING_BASE) {
        if (addr && addr / 4 <= SOURCES)
            p->priority[addr / 4] = data & PRIORITY_MASK;
        update(p);
    } else if (addr >= CONTEXT_BASE) {
        Context *c = context_at(p, addr - CONTEXT_BASE, CONTEXT_STRIDE);
        if (c && addr % CONTEXT_STRIDE == 0) {
            c->threshold = data & PRIORITY_MASK;
            update(p);
        } else if (c && addr % CONTEXT_STRIDE == 4) {
            complete(p, c, data);
        }
    } else if (addr >= ENABLE_BASE) {
        write_enable(p, addr - ENABLE_BASE, (uint32_t)data);
    } else if (log_on(LOG_GUEST_ERROR)) {
        log_printf("plic: store of 0x%" PRIx64 " to the pending bits at 0x%" PRIx64 " ignored\n", data, addr);
    }
}

static const MemoryRegionOps plic_ops = {
    .read = plic_read,
    .write = plic_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 4, .max_access_size = 4},
    .impl = {.min_access_size = 4, .max_access_size = 4},
};

// edge=MASK: bit n for source n, which is then edge-triggered.
static bool realize(Device *d, GError **error G_GNUC_UNUSED)
{
    Plic *p = (Plic *)d;
    uint64_t edge = device_property_number(d, "edge", 0);
    p->edge[0] = (uint32_t)edge;
    p->edge[1] = (uint32_t)(edge >> 32);
    p->n = 2 * d->bus->harts;
    p->contexts = g_new0(Context, p->n);
    g_assert(CONTEXT_BASE + (uint64_t)p->n * CONTEXT_STRIDE <= d->row->size);
    device_map_io(d, &plic_ops, d->row->size);
    return true;
}

static void unrealize(Device *d)
{
    Plic *p = (Plic *)d;
    device_unrealize(d);
    g_free(p->contexts);
}

// The levels stay: they are the devices', which reset themselves.
static void reset(Device *d)
{
    Plic *p = (Plic *)d;
    memset(p->priority, 0, sizeof p->priority);
    memset(p->claimed, 0, sizeof p->claimed);
    memset(p->waiting, 0, sizeof p->waiting);
    for (unsigned w = 0; w < WORDS; w++)
        p->pending[w] = p->level[w] & ~p->edge[w];
    for (unsigned i = 0; i < p->n; i++)
        p->contexts[i] = (Context){.raised = p->contexts[i].raised};
    update(p);
}

static void describe(const Device *d, DtWriter *w)
{
    device_node(d, w, "plic", "sifive,plic-1.0.0 riscv,plic0", 0);
    dt_u32(w, "riscv,ndev", SOURCES);
    device_tree_hart_irqs(w, d->bus->harts, IRQ_M_EXT, IRQ_S_EXT);
    dt_flag(w, "interrupt-controller");
    dt_u32(w, "#address-cells", 0);
    dt_u32(w, "#interrupt-cells", 1);
    dt_end(w);
}

const DeviceType device_plic = {
    "plic", sizeof(Plic), realize, unrealize, .reset = reset, .set_irq = set_irq, .describe = describe,
};
