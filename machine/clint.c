// SPDX-License-Identifier: GPL-3.0-or-later
// CLINT registers: msip words, then mtimecmp double words, mtime at the end of its window.
//
// mtime is the clock of the hooks in ticks of 100 ns plus an offset that a guest write of mtime changes. MTIP
// follows (mtimecmp <= mtime) at every register write and whenever clint_run is called. So does STIP with the stimecmp
// of harts that have Sstc.
#include "machine/clint.h"
#include "frontend/hart.h"
#include "util/bits.h"

#define SWI_SIZE 0x4000
#define TIMER_BASE 0x4000
#define TIMER_SIZE 0x8000
#define MTIME_OFFSET 0x7ff8 // in the timer window

typedef struct {
    bool msip, mtip, stip; // as last told to the hart
    bool sstc;             // stimecmp counts
    uint64_t mtimecmp, stimecmp;
} ClintHart;

struct Clint {
    MemoryRegion *parent, swi, timer;
    ClintHooks hooks;
    unsigned n;
    ClintHart *harts;
    uint64_t mtime_offset; // mtime = ticks of the clock + this
};

static uint64_t mtime_at(const Clint *c, uint64_t now_ns)
{
    return now_ns / CLINT_TICK_NS + __atomic_load_n(&c->mtime_offset, __ATOMIC_RELAXED);
}

static uint64_t now_ns(const Clint *c)
{
    return c->hooks.clock_ns(c->hooks.opaque);
}

static void update_timer(Clint *c, unsigned hart, uint64_t now)
{
    ClintHart *h = &c->harts[hart];
    h->mtip = h->mtimecmp <= mtime_at(c, now);
    c->hooks.set_irq(c->hooks.opaque, hart, IRQ_M_TIMER, h->mtip);
    bool stip = h->sstc && h->stimecmp <= mtime_at(c, now);
    if (stip != h->stip) {
        h->stip = stip;
        c->hooks.set_irq(c->hooks.opaque, hart, IRQ_S_TIMER, stip);
    }
}

static uint64_t swi_read(void *opaque, uint64_t addr, unsigned size G_GNUC_UNUSED)
{
    Clint *c = opaque;
    return addr / 4 < c->n ? c->harts[addr / 4].msip : 0;
}

static void swi_write(void *opaque, uint64_t addr, uint64_t data, unsigned size G_GNUC_UNUSED)
{
    Clint *c = opaque;
    unsigned hart = addr / 4;
    if (hart >= c->n)
        return;
    c->harts[hart].msip = data & 1;
    c->hooks.set_irq(c->hooks.opaque, hart, IRQ_M_SOFT, data & 1);
}

// Whoever has seen mtime reach mtimecmp also sees MTIP, though clint_run may not have come yet.
static uint64_t read_mtime(Clint *c)
{
    uint64_t now = now_ns(c), mtime = mtime_at(c, now);
    for (unsigned i = 0; i < c->n; i++)
        if (!c->harts[i].mtip && c->harts[i].mtimecmp <= mtime)
            update_timer(c, i, now);
    return mtime;
}

// The 64-bit register that holds offset addr of the timer window; 0 in the gap.
static uint64_t timer_register(Clint *c, uint64_t addr)
{
    if (addr / 8 < c->n)
        return c->harts[addr / 8].mtimecmp;
    return addr >= MTIME_OFFSET ? read_mtime(c) : 0;
}

static uint64_t timer_read(void *opaque, uint64_t addr, unsigned size)
{
    return bits_get(timer_register(opaque, addr), addr % 8 * 8, size * 8);
}

static void timer_write(void *opaque, uint64_t addr, uint64_t data, unsigned size)
{
    Clint *c = opaque;
    uint64_t now = now_ns(c);
    uint64_t value = bits_set(timer_register(c, addr), addr % 8 * 8, size * 8, data);
    if (addr / 8 < c->n) {
        c->harts[addr / 8].mtimecmp = value;
        update_timer(c, addr / 8, now);
        c->hooks.deadline_changed(c->hooks.opaque, addr / 8);
    } else if (addr >= MTIME_OFFSET) {
        __atomic_store_n(&c->mtime_offset, value - now / CLINT_TICK_NS, __ATOMIC_RELAXED);
        for (unsigned i = 0; i < c->n; i++) {
            update_timer(c, i, now);
            c->hooks.deadline_changed(c->hooks.opaque, i);
        }
    }
}

static const MemoryRegionOps swi_ops = {
    .read = swi_read,
    .write = swi_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 4, .max_access_size = 4},
    .impl = {.min_access_size = 4, .max_access_size = 4},
};

static const MemoryRegionOps timer_ops = {
    .read = timer_read,
    .write = timer_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 4, .max_access_size = 8},
    .impl = {.min_access_size = 4, .max_access_size = 8},
};

Clint *clint_new(MemoryRegion *parent, gpa_t base, unsigned harts, const ClintHooks *hooks)
{
    g_assert(harts <= MTIME_OFFSET / 8);
    Clint *c = g_new0(Clint, 1);
    c->parent = parent;
    c->hooks = *hooks;
    c->n = harts;
    c->harts = g_new0(ClintHart, harts);
    memory_region_init_io(&c->swi, &swi_ops, c, "riscv.aclint.swi", SWI_SIZE);
    memory_region_init_io(&c->timer, &timer_ops, c, "riscv.aclint.mtimer", TIMER_SIZE);
    memory_region_add_subregion(parent, base, &c->swi);
    memory_region_add_subregion(parent, base + TIMER_BASE, &c->timer);
    return c;
}

void clint_free(Clint *c)
{
    if (!c)
        return;
    memory_region_del_subregion(c->parent, &c->swi);
    memory_region_del_subregion(c->parent, &c->timer);
    memory_region_deinit(&c->swi);
    memory_region_deinit(&c->timer);
    g_free(c->harts);
    g_free(c);
}

void clint_reset(Clint *c)
{
    uint64_t now = now_ns(c);
    for (unsigned i = 0; i < c->n; i++) {
        c->harts[i] = (ClintHart){0};
        c->hooks.set_irq(c->hooks.opaque, i, IRQ_M_SOFT, false);
        c->hooks.set_irq(c->hooks.opaque, i, IRQ_S_TIMER, false);
        update_timer(c, i, now);
        c->hooks.deadline_changed(c->hooks.opaque, i);
    }
}

uint64_t clint_mtime(const Clint *c)
{
    return mtime_at(c, now_ns(c));
}

void clint_set_stimecmp(Clint *c, unsigned hart, bool enabled, uint64_t value)
{
    c->harts[hart].sstc = enabled;
    c->harts[hart].stimecmp = value;
    update_timer(c, hart, now_ns(c));
    c->hooks.deadline_changed(c->hooks.opaque, hart);
}

// When mtime reaches cmp; now if it has and the line does not say so yet.
static uint64_t deadline(const Clint *c, uint64_t now, uint64_t cmp, bool line)
{
    uint64_t ticks = now / CLINT_TICK_NS, mtime = mtime_at(c, now), at;
    if (cmp <= mtime)
        return line ? UINT64_MAX : now;
    bool never = __builtin_add_overflow(ticks, cmp - mtime, &at) || __builtin_mul_overflow(at, CLINT_TICK_NS, &at);
    return never ? UINT64_MAX : at;
}

uint64_t clint_next_deadline_ns(const Clint *c, unsigned first, unsigned harts)
{
    uint64_t now = now_ns(c), best = UINT64_MAX;
    for (unsigned i = first; i < first + harts; i++) {
        const ClintHart *h = &c->harts[i];
        best = MIN(best, deadline(c, now, h->mtimecmp, h->mtip));
        if (h->sstc)
            best = MIN(best, deadline(c, now, h->stimecmp, h->stip));
    }
    return best;
}

void clint_run(Clint *c, unsigned first, unsigned harts, uint64_t now)
{
    for (unsigned i = first; i < first + harts; i++)
        update_timer(c, i, now);
}
