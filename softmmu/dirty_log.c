// SPDX-License-Identifier: GPL-3.0-or-later
// Who logs: users of a region's log, of global logging, and the clients of each range (R3.21, R3.22).
#include "softmmu/dirty.h"
#include "softmmu/listener.h"
#include "softmmu/space.h"

static bool translator, paused; // this and the following under the big lock
static unsigned global_users;   // DirtyUsers
static unsigned put_off;        // of these, who has stopped while the machine was paused

uint8_t dirty_region_mask(const MemoryRegion *mr)
{
    unsigned mask = mr->log_users ? DIRTY_BIT(DIRTY_VGA) : 0;
    if (mr->ram) {
        mask |= translator ? DIRTY_BIT(DIRTY_CODE) : 0;
        // What a host device has in its registers is its own.
        mask |= global_users && mr->kind != REGION_RAM_DEVICE ? DIRTY_BIT(DIRTY_MIGRATION) : 0;
    }
    return (uint8_t)mask;
}

unsigned dirty_global_users(void)
{
    return global_users;
}

static void render_again(void)
{
    memory_transaction_begin();
    space_mark_pending();
    memory_transaction_commit();
}

void memory_region_set_log(MemoryRegion *mr, bool on, DirtyClient client)
{
    g_assert(client == DIRTY_VGA);
    while (mr->alias) {
        mr = mr->alias;
    }
    memory_transaction_begin();
    g_assert(on || mr->log_users);
    bool before = mr->log_users;
    mr->log_users += on ? 1 : -1u;
    if (before != (mr->log_users != 0) && mr->enabled) {
        space_mark_pending();
    }
    memory_transaction_commit();
}

void memory_set_translator(bool in_use)
{
    memory_lock();
    if (translator != in_use) {
        translator = in_use;
        render_again();
    }
    memory_unlock();
}

// --- global logging ------------------------------------------------------------------------------------------

static void stop(unsigned users)
{
    unsigned before = global_users;
    global_users &= ~users;
    if (before && !global_users) {
        render_again();
        listeners_global_stop();
    }
}

static bool start(unsigned users, GError **error)
{
    bool first = !global_users;
    if (first && !listeners_global_start(error)) {
        return false;
    }
    global_users |= users;
    if (first) {
        render_again();
    }
    return true;
}

bool memory_global_dirty_log_start(unsigned users, GError **error)
{
    g_assert(users && !(users & ~(unsigned)(DIRTY_USER_MIGRATION | DIRTY_USER_RATE | DIRTY_USER_LIMIT)));
    memory_lock();
    put_off &= ~users; // they go on
    bool ok = start(users, error);
    memory_unlock();
    return ok;
}

void memory_global_dirty_log_stop(unsigned users)
{
    memory_lock();
    g_assert(!(users & ~global_users));
    if (paused) {
        put_off |= users;
    } else {
        stop(users);
    }
    memory_unlock();
}

void memory_set_paused(bool now)
{
    memory_lock();
    paused = now;
    if (!paused && put_off) {
        unsigned users = put_off;
        put_off = 0;
        stop(users);
    }
    memory_unlock();
}
