// SPDX-License-Identifier: GPL-3.0-or-later
// CLINT registers: msip words, then mtimecmp double words, mtime at the end of its window.
//
// mtime is the clock of the hooks in ticks of 100 ns plus an offset that a guest write of mtime changes. MTIP
// follows (mtimecmp <= mtime) at every register write and whenever clint_run is called. So does STIP with the stimecmp
// of harts that have Sstc.
#include "machine/devices/clint.h"
#include "frontend/hart.h"
#include "machine/device_tree.h"
#include "util/bits.h"
#include <inttypes.h>

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
    Device device;
    MemoryRegion swi, timer;
    MemoryOwner timer_owner; // in QEMU, and so in listings, the timers are a device of their own
    char *timer_path;
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
    return device_now_ns(&c->device);
}

static void set_irq(const Clint *c, unsigned hart, unsigned irq, bool level)
{
    const BoardHooks *hooks = &c->device.bus->hooks;
    hooks->set_irq(hooks->opaque, hart, irq, level);
}

static void deadline_changed(const Clint *c, unsigned hart)
{
    const BoardHooks *hooks = &c->device.bus->hooks;
    hooks->deadline_changed(hooks->opaque, hart);
}

static void update_timer(Clint *c, unsigned hart, uint64_t now)
{
    ClintHart *h = &c->harts[hart];
    h->mtip = h->mtimecmp <= mtime_at(c, now);
    set_irq(c, hart, IRQ_M_TIMER, h->mtip);
    bool stip = h->sstc && h->stimecmp <= mtime_at(c, now);
    if (stip != h->stip) {
        h->stip = stip;
        set_irq(c, hart, IRQ_S_TIMER, stip);
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
    set_irq(c, hart, IRQ_M_SOFT, data & 1);
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
        deadline_changed(c, addr / 8);
    } else if (addr >= MTIME_OFFSET) {
        __atomic_store_n(&c->mtime_offset, value - now / CLINT_TICK_NS, __ATOMIC_RELAXED);
        for (unsigned i = 0; i < c->n; i++) {
            update_timer(c, i, now);
            deadline_changed(c, i);
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

static bool realize(Device *d, GError **error G_GNUC_UNUSED)
{
    Clint *c = (Clint *)d;
    c->n = d->bus->harts;
    g_assert(c->n <= MTIME_OFFSET / 8);
    c->harts = g_new0(ClintHart, c->n);
    memory_region_init_io(&c->swi, &swi_ops, c, "riscv.aclint.swi", SWI_SIZE);
    memory_region_init_io(&c->timer, &timer_ops, c, "riscv.aclint.mtimer", TIMER_SIZE);
    c->timer_path = device_new_path(d->bus);
    memory_owner_init(&c->timer_owner, d->type->name, c->timer_path, true, NULL);
    memory_region_set_owner(&c->timer, &c->timer_owner);
    device_map(d, &c->swi, 0);
    device_map(d, &c->timer, TIMER_BASE);
    return true;
}

static void unrealize(Device *d)
{
    Clint *c = (Clint *)d;
    device_unmap(d, &c->swi);
    device_unmap(d, &c->timer);
    memory_region_deinit(&c->swi);
    memory_region_deinit(&c->timer);
    g_free(c->timer_path);
    g_free(c->harts);
}

// mtimecmp is 0, so MTIP is pending; MSIP is clear. mtime goes on.
static void reset(Device *d)
{
    Clint *c = (Clint *)d;
    uint64_t now = now_ns(c);
    for (unsigned i = 0; i < c->n; i++) {
        c->harts[i] = (ClintHart){0};
        set_irq(c, i, IRQ_M_SOFT, false);
        set_irq(c, i, IRQ_S_TIMER, false);
        update_timer(c, i, now);
        deadline_changed(c, i);
    }
}

static void describe(const Device *d, DtWriter *w)
{
    dt_begin(w, "clint@%" PRIx64, d->row->base);
    device_tree_hart_irqs(w, d->bus->harts, IRQ_M_SOFT, IRQ_M_TIMER);
    dt_reg(w, d->row->base, d->row->size);
    dt_words(w, "compatible", "sifive,clint0 riscv,clint0");
    dt_end(w);
}

const DeviceType device_clint = {"clint", sizeof(Clint), realize, unrealize, .reset = reset, .describe = describe};

uint64_t clint_mtime(const Clint *c)
{
    return mtime_at(c, now_ns(c));
}

void clint_set_stimecmp(Clint *c, unsigned hart, bool enabled, uint64_t value)
{
    c->harts[hart].sstc = enabled;
    c->harts[hart].stimecmp = value;
    update_timer(c, hart, now_ns(c));
    deadline_changed(c, hart);
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
