// SPDX-License-Identifier: GPL-3.0-or-later
// The engine's side of kept blocks: what one run translated, the next one takes from the persistent code cache.
//
// A program that runs a little of much code, as an operating system does when it boots, spends its time on translating
// that. When it ends, blocks and their baseline code are written to one file for all of the program (block_file.h).
// A later run takes a block from there if the guest has the same bytes at the same address in the same mode, which is
// all that a block follows from besides what is in the key. Kept baseline code is used from a block's first entry on:
// that it became warm once is reason enough.
#include "backend/engine_private.h"

#include "backend/baseline.h"
#include "backend/block_file.h"
#include "backend/fp_host.h"
#include "util/log.h"
#include <gio/gio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define OPEN_AT 256      // blocks of a run before its file is looked for: small programs shall not pay for it
#define NEW_OF_KEPT 8 // a file is written anew when one in so many of its blocks were missing

struct TierBlocks {
    char *name;
    RegionKey key;
    BlockFile *file; // NULL: none, or not looked for yet
    bool looked;
    unsigned made, taken; // baseline code: by ourselves, from the file
    uint8_t *used;        // by record: 1 it was taken, 2 there is something better
    GByteArray *code;     // for tier_blocks_code
};

TierBlocks *tier_blocks_new(Engine *e)
{
    if (!e->persistent || !e->config.program || !e->config.system || !e->config.baseline || log_on(LOG_IN_ASM | LOG_OP))
        return NULL;
    TierBlocks *k = g_new0(TierBlocks, 1);
    k->code = g_byte_array_new();
    return k;
}

// Programs of an operating system come at another address each time.
bool tier_blocks_wanted(const Engine *e, const Block *b)
{
    return e->kept && e->config.keep_blocks && b->n_spans == 1 && !b->cut && !tier_movable(b);
}

static void name_file(Engine *e)
{
    TierBlocks *k = e->kept;
    gsize n = sizeof k->key.bytes;
    uint64_t rules[] = {e->config.lift_rules, e->config.baseline, e->config.system};
    GChecksum *c = g_checksum_new(G_CHECKSUM_SHA256);
    g_checksum_update(c, tier_cache_surroundings(e)->bytes, REGION_KEY_SIZE);
    g_checksum_update(c, (const guchar *)rules, sizeof rules);
    g_checksum_get_digest(c, k->key.bytes, &n);
    g_checksum_free(c);
    k->name = block_file_name(e->config.program, &k->key);
}

// It is damaged: no more of it.
static void give_up(Engine *e, GError *error)
{
    TierBlocks *k = e->kept;
    region_store_damaged(e->config.store, k->name, error->message);
    g_error_free(error);
    block_file_free(k->file);
    k->file = NULL;
}

static void look(Engine *e)
{
    TierBlocks *k = e->kept;
    uint64_t size;
    GError *error = NULL;
    k->looked = true;
    name_file(e);
    int fd = region_store_open_file(e->config.store, k->name, &size);
    if (fd < 0)
        return;
    k->file = block_file_open(fd, size, &k->key, &error);
    if (k->file)
        k->used = g_malloc0(block_file_count(k->file));
    else
        give_up(e, error);
}

// --- taking --------------------------------------------------------------------------------------------------

// The ops of a record become b's. False: that is no block.
static bool take_ops(const Engine *e, Block *b, const BlockRecord *r, const BlockParts *parts)
{
    const IrFpFn *fp = fp_host_functions();
    memcpy(b->ops, parts->ops, r->n_ops * sizeof(IOp));
    for (IOp *op = b->ops, *end = b->ops + r->n_ops; op < end;) {
        uintptr_t iop = (uintptr_t)op->handler;
        if (iop >= IOPS || interp_cells((unsigned)iop) > end - op)
            return false;
        if ((iop == IOP_FP && !ir_is_fp((unsigned)op[1].imm)) ||
            (iop == IOP_SYS && (uint32_t)op->imm >= e->env->ops->n_helpers))
            return false;
        if (iop == IOP_FP)
            op[1].handler = (const void *)fp[op[1].imm - IR_OP_FADD32];
        op->handler = interp_handler((unsigned)iop);
        op += interp_cells((unsigned)iop);
    }
    return true;
}

static Block *take(Engine *e, const BlockRecord *r, const BlockParts *parts, ram_t ram)
{
    unsigned n_targets = r->has_targets ? BLOCK_TARGETS : 0;
    Block *b = code_arena_alloc(code_cache_arena(e->cache), block_size(n_targets, r->n_ops, r->n_insns));
    interp_block_init(b, r->n_ops, r->n_insns, n_targets);
    if (!take_ops(e, b, r, parts))
        return NULL;
    memcpy(b->insn_pc, parts->insn_pc, r->n_insns * sizeof *b->insn_pc);
    memcpy(block_bytes(b), parts->bytes, r->n_bytes);
    b->pc = r->pc;
    b->succ_pc[0] = r->succ_pc[0];
    b->succ_pc[1] = r->succ_pc[1];
    b->is_call = r->is_call;
    b->is_system = r->is_system;
    b->n_load = r->n_load;
    b->n_store = r->n_store;
    b->span[0] = (CodeSpan){ram, r->n_bytes};
    b->n_spans = 1;
    b->kept_code = r->hot_size;
    return b;
}

// Has it made so many blocks that kept ones could be worth the look?
static bool is_large(const Engine *e)
{
    return e->stats.blocks >= (e->config.keep_blocks ? MIN(e->config.keep_blocks, OPEN_AT) : OPEN_AT);
}

Block *tier_blocks_find(Engine *e, uint64_t pc, ram_t ram, const uint8_t *host)
{
    TierBlocks *k = e->kept;
    if (!k->looked && is_large(e))
        look(e);
    if (!k->file)
        return NULL;
    uint32_t i = BLOCK_NOWHERE;
    while ((i = block_file_find(k->file, pc, e->mode, i)) != BLOCK_NOWHERE) {
        BlockParts parts;
        GError *error = NULL;
        const BlockRecord *r = block_file_read(k->file, i, &parts, &error);
        if (!r) {
            give_up(e, error);
            return NULL;
        }
        if (r->pc != pc || r->mode != e->mode || (pc & ~PAGE_MASK) + r->n_bytes > PAGE_SIZE ||
            memcmp(parts.bytes, host, r->n_bytes))
            continue;
        Block *b = take(e, r, &parts, ram);
        if (!b)
            continue;
        b->kept = i + 1;
        k->used[i] |= 1;
        e->stats.blocks++;
        e->stats.block_insns += b->n_insns;
        e->stats.kept_blocks++;
        return b;
    }
    return NULL;
}

static const uint8_t *place(const JitUnit *u, uint32_t at)
{
    return at & BLOCK_COLD ? u->cold + (at & ~BLOCK_COLD) : u->text + at;
}

// Puts the code at where it is now.
static void fix_up(uint8_t *code, const BlockRecord *r, const BlockParts *parts, const JitUnit *u)
{
    uint64_t hot = (uintptr_t)u->text - r->hot_at, cold = (uintptr_t)u->cold - r->cold_at;
    uint64_t counter = (uintptr_t)u->counter - r->counter_at, slots = (uintptr_t)u->slots - r->slots_at;
    uint64_t targets = (uintptr_t)u->block->target - r->targets_at;
    const uint64_t more[][2] = { // for the hot part, and the cold one
        [BLOCK_TO_CODE] = {cold - hot, hot - cold},
        [BLOCK_TO_COUNTER] = {counter - hot, counter - cold},
        [BLOCK_TO_SLOTS] = {slots, slots},
        [BLOCK_TO_TARGETS] = {targets, targets},
    };
    for (unsigned i = 0; i < r->n_fixups; i++) {
        uint32_t f = parts->fixups[i];
        bool in_cold = BLOCK_FIXUP_IS_COLD(f);
        uint8_t *at = code + (in_cold ? r->hot_size : 0) + BLOCK_FIXUP_OFFSET(f);
        uint64_t v = 0;
        unsigned size = BLOCK_FIXUP_TO(f) < BLOCK_TO_SLOTS ? 4 : 8;
        memcpy(&v, at, size);
        v += more[BLOCK_FIXUP_TO(f)][in_cold];
        memcpy(at, &v, size);
    }
}

static JitUnit *take_code(Engine *e, Block *b, const BlockRecord *r, const BlockParts *parts, GError **error)
{
    CodeMemory *memory = code_cache_memory(e->cache);
    CodeArena *arena = code_cache_arena(e->cache);
    GByteArray *code = e->kept->code;
    CodePlace where;
    if (!code_memory_place(memory, r->hot_size, r->cold_size, &where, error))
        return NULL;
    JitUnit *u = baseline_unit_new(b, r->n_slots, arena);
    u->kept = true;
    u->system = e->config.system;
    *where.counter = *b->runs;
    b->runs = where.counter;
    u->memory = memory;
    u->text = where.hot;
    u->cold = where.cold;
    u->counter = where.counter;
    u->code_size = r->hot_size;
    u->cold_size = r->cold_size;
    u->code = (JitCode)(uintptr_t)place(u, r->entry);
    u->body = u->text;
    g_byte_array_set_size(code, 0);
    g_byte_array_append(code, parts->hot, r->hot_size + r->cold_size);
    fix_up(code->data, r, parts, u);
    code_memory_write(memory, u->text, code->data, r->hot_size);
    code_memory_write(memory, u->cold, code->data + r->hot_size, r->cold_size);
    u->n_sites = r->n_sites;
    u->sites = memcpy(code_arena_alloc(arena, r->n_sites * sizeof(JitSite)), parts->sites,
                      r->n_sites * sizeof(JitSite));
    for (unsigned s = 0; s < r->n_slots; s++) {
        u->stub[s] = place(u, r->stub[s]);
        u->jump[s] = r->jump[s] == BLOCK_NOWHERE ? NULL : (uint8_t *)(uintptr_t)place(u, r->jump[s]);
        code_cache_reset_slot(u, s);
    }
    return u;
}

JitUnit *tier_blocks_code(Engine *e, Block *b, GError **error)
{
    TierBlocks *k = e->kept;
    if (!b->kept_code)
        return NULL;
    b->kept_code = false;
    BlockParts parts;
    GError *damage = NULL;
    const BlockRecord *r = k->file ? block_file_read(k->file, b->kept - 1, &parts, &damage) : NULL;
    if (!r && k->file)
        give_up(e, damage);
    JitUnit *u = r ? take_code(e, b, r, &parts, error) : NULL;
    k->taken += u != NULL;
    e->stats.kept_code += u != NULL;
    return u;
}

// --- keeping -------------------------------------------------------------------------------------------------

void tier_blocks_made(Engine *e, Block *b)
{
    if (!e->kept || !b->base->fixups)
        return;
    b->made = b->base;
    e->kept->made++;
}

static uint32_t place_of(const JitUnit *u, const uint8_t *at)
{
    if (!at)
        return BLOCK_NOWHERE;
    bool hot = at >= u->text && at < u->text + u->code_size;
    return (uint32_t)(hot ? at - u->text : at - u->cold) | (hot ? 0 : BLOCK_COLD);
}

static void describe_code(BlockRecord *r, BlockParts *parts, const Block *b)
{
    const JitUnit *u = b->made;
    if (!u)
        return;
    r->n_sites = u->n_sites;
    r->n_fixups = u->n_fixups;
    r->hot_size = (uint32_t)u->code_size;
    r->cold_size = (uint32_t)u->cold_size;
    r->n_slots = (uint8_t)u->n_slots;
    r->entry = place_of(u, (const uint8_t *)(uintptr_t)u->code);
    for (unsigned s = 0; s < 2; s++) {
        r->jump[s] = place_of(u, u->jump[s]);
        r->stub[s] = place_of(u, s < u->n_slots ? u->stub[s] : NULL);
    }
    r->hot_at = (uintptr_t)u->text;
    r->cold_at = (uintptr_t)u->cold;
    r->counter_at = (uintptr_t)u->counter;
    r->slots_at = (uintptr_t)u->slots;
    r->targets_at = (uintptr_t)b->target;
    parts->sites = u->sites;
    parts->fixups = u->fixups;
    parts->hot = u->text;
    parts->cold = u->cold;
}

static bool write_block(BlockWriter *w, const Block *b, GArray *ops)
{
    BlockRecord r = {.pc = b->pc, .succ_pc = {b->succ_pc[0], b->succ_pc[1]}, .n_ops = b->n_ops,
                     .n_insns = b->n_insns, .n_bytes = (uint16_t)b->span[0].len, .n_load = b->n_load,
                     .n_store = b->n_store, .mode = b->mode, .is_call = b->is_call, .is_system = b->is_system,
                     .has_targets = b->n_targets != 0};
    BlockParts parts = {.insn_pc = b->insn_pc, .bytes = block_bytes(b)};
    g_array_set_size(ops, 0);
    g_array_append_vals(ops, b->ops, b->n_ops);
    for (IOp *op = (IOp *)(void *)ops->data, *end = op + b->n_ops; op < end;) {
        unsigned iop = interp_op(op->handler);
        op->handler = (const void *)(uintptr_t)iop;
        if (iop == IOP_FP)
            op[1].handler = NULL;
        op += interp_cells(iop);
    }
    parts.ops = (const uint64_t *)(const void *)ops->data;
    describe_code(&r, &parts, b);
    return block_writer_add(w, &r, &parts);
}

// Of the old file: what was used while there is room, then the rest. False: it is damaged.
static bool write_old(TierBlocks *k, BlockWriter *w, bool used, GError **error)
{
    for (uint32_t i = 0; i < block_file_count(k->file); i++) {
        if ((k->used[i] & 2) || (k->used[i] & 1) != used)
            continue;
        BlockParts parts;
        const BlockRecord *r = block_file_read(k->file, i, &parts, error);
        if (!r)
            return false;
        if (!block_writer_add(w, r, &parts))
            return true;
    }
    return true;
}

static void write_new(Engine *e, BlockWriter *w)
{
    GArray *ops = g_array_new(FALSE, FALSE, sizeof(IOp));
    for (unsigned i = 0; i < code_cache_blocks(e->cache); i++) {
        const Block *b = code_cache_block(e->cache, i);
        bool is_new = b->made || !b->kept;
        if (is_new && tier_blocks_wanted(e, b) && !write_block(w, b, ops))
            break;
    }
    g_array_free(ops, TRUE);
}

// Bytes that the file may have.
static uint64_t room(const Engine *e)
{
    return MIN(BLOCK_FILE_MAX, region_store_max_bytes(e->config.store) / 2);
}

// Is the file worth being written?
static bool worth_keeping(const Engine *e)
{
    const TierBlocks *k = e->kept;
    bool full = k->file && block_file_size(k->file) > room(e) / 8 * 7;
    return e->config.keep_blocks && k->made >= e->config.keep_blocks && k->made >= k->taken / NEW_OF_KEPT && !full;
}

// All in one file again, in about the order in which they are needed.
static void keep(Engine *e)
{
    TierBlocks *k = e->kept;
    GError *error = NULL;
    char temporary[REGION_STORE_TEMPORARY];
    int fd = region_store_create(e->config.store, temporary);
    if (fd < 0)
        return;
    BlockWriter *w = block_writer_new(fd, &k->key, room(e));
    for (unsigned i = 0; k->file && i < code_cache_blocks(e->cache); i++) {
        const Block *b = code_cache_block(e->cache, i);
        if (b->kept && b->made)
            k->used[b->kept - 1] |= 2;
    }
    if (k->file && !write_old(k, w, true, &error))
        give_up(e, error);
    write_new(e, w);
    if (k->file && !write_old(k, w, false, &error))
        give_up(e, error);
    region_store_keep_file(e->config.store, temporary, fd, k->name, block_writer_finish(w));
}

void tier_blocks_free(Engine *e)
{
    TierBlocks *k = e->kept;
    if (!k)
        return;
    if (e->config.keep_blocks && k->made >= e->config.keep_blocks && !k->looked)
        look(e);
    if (worth_keeping(e)) {
        sigset_t too_large, old;
        sigemptyset(&too_large);
        sigaddset(&too_large, SIGXFSZ); // writing shall just fail
        pthread_sigmask(SIG_BLOCK, &too_large, &old);
        keep(e);
        pthread_sigmask(SIG_SETMASK, &old, NULL);
    }
    block_file_free(k->file);
    g_byte_array_free(k->code, TRUE);
    g_free(k->used);
    g_free(k->name);
    g_free(k);
    e->kept = NULL;
}
