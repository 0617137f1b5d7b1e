// SPDX-License-Identifier: GPL-3.0-or-later
// Counting instructions by the executions of their blocks.
#include "machine/profile/mix_private.h"

#include "machine/exec_private.h"
#include "machine/tally.h"
#include <gio/gio.h>
#include <inttypes.h>
#include <string.h>

struct Mix {
    Machine *m;
    MixCounts *hart; // of each
    unsigned n_harts;
};

const char *const mix_class_names[MIX_CLASSES] = {
    [MIX_ALU] = "arithmetic", [MIX_MULDIV] = "multiply, divide", [MIX_LOAD] = "load", [MIX_STORE] = "store",
    [MIX_BRANCH] = "branch", [MIX_JUMP] = "jump", [MIX_FP] = "floating point", [MIX_ATOMIC] = "atomic",
    [MIX_CSR] = "CSR", [MIX_SYSTEM] = "system",
};
const char *const mix_priv_names[MIX_PRIVS] = {"user", "supervisor", "machine"};
const char *const mix_ext_names[EXTS] = {
    [EXT_I] = "I", [EXT_M] = "M", [EXT_A] = "A", [EXT_F] = "F", [EXT_D] = "D", [EXT_ZICSR] = "Zicsr",
    [EXT_ZIFENCEI] = "Zifencei", [EXT_ZBA] = "Zba", [EXT_ZBB] = "Zbb", [EXT_ZBS] = "Zbs", [EXT_PRIV] = "privileged",
    [EXT_SVINVAL] = "Svinval", [EXT_ZICBOM] = "Zicbom", [EXT_ZICBOZ] = "Zicboz", [EXT_ZAWRS] = "Zawrs",
};

MixClass mix_class(InsnId id)
{
    const InsnInfo *i = &insn_info[id];
    switch (i->format) {
    case FMT_B:
        return MIX_BRANCH;
    case FMT_LOAD:
        return id == INSN_JALR ? MIX_JUMP : MIX_LOAD;
    case FMT_FLOAD:
        return MIX_LOAD;
    case FMT_S:
    case FMT_FS:
        return MIX_STORE;
    case FMT_J:
        return MIX_JUMP;
    case FMT_AMO:
    case FMT_LR:
        return MIX_ATOMIC;
    case FMT_CSR:
    case FMT_CSRI:
        return MIX_CSR;
    case FMT_NONE:
    case FMT_FENCE:
    case FMT_SFENCE:
    case FMT_CBO:
        return MIX_SYSTEM;
    default:
        return i->ext == EXT_M ? MIX_MULDIV : i->ext == EXT_F || i->ext == EXT_D ? MIX_FP : MIX_ALU;
    }
}

// By MMU index of fetches.
static MixPriv priv_of(unsigned mode)
{
    static const MixPriv privs[] = {MIX_USER, MIX_SUPERVISOR, MIX_SUPERVISOR, MIX_MACHINE};
    return privs[mode & CODE_MMU];
}

static void count(void *opaque, unsigned hart, const EngineRuns *r)
{
    MixCounts *c = &((Mix *)opaque)->hart[hart];
    MixPriv priv = priv_of(r->mode);
    if (r->whole)
        c->blocks += (uint64_t)r->count;
    for (unsigned i = 0; i < r->n_insns; i++) {
        uint16_t low, high = 0;
        const uint8_t *at = r->bytes + r->insn_pc[i];
        memcpy(&low, at, sizeof low);
        bool compressed = insn_is_compressed(low);
        if (!compressed)
            memcpy(&high, at + sizeof low, sizeof high);
        Insn insn = decode(low | (uint32_t)high << 16);
        c->insn[insn.id] += (uint64_t)r->count;
        c->priv[priv][insn.id] += (uint64_t)r->count;
        c->compressed += compressed ? (uint64_t)r->count : 0;
        c->all += (uint64_t)r->count;
    }
}

Mix *mix_attach(Machine *m)
{
    Mix *mix = g_new0(Mix, 1);
    mix->m = m;
    mix->n_harts = board_harts(machine_board(m));
    mix->hart = g_new0(MixCounts, mix->n_harts);
    machine_add_tally(m, &(TallyListener){mix, count});
    return mix;
}

static void add(MixCounts *sum, const MixCounts *c)
{
    uint64_t *to = (uint64_t *)(void *)sum;
    const uint64_t *from = (const uint64_t *)(const void *)c;
    for (unsigned i = 0; i < sizeof *sum / sizeof *to; i++)
        to[i] += from[i];
}

GString *mix_text(Mix *mix, const char *path, GError **error)
{
    g_autofree MixCounts *sum = g_new0(MixCounts, 1);
    for (unsigned i = 0; i < mix->n_harts; i++) {
        uint64_t retired = ir_env_icount(&machine_cpu(mix->m, i)->hart.env);
        add(sum, &mix->hart[i]);
        if (mix->hart[i].all == retired)
            continue;
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED,
                    "--mix: counts do not add up: hart %u: %" PRIu64 " counted, %" PRIu64 " retired", i,
                    mix->hart[i].all, retired);
        return NULL;
    }
    if (path && g_str_has_suffix(path, ".json"))
        return mix_json(sum);
    return path && g_str_has_suffix(path, ".csv") ? mix_csv(sum) : mix_table(sum);
}

void mix_free(Mix *mix)
{
    if (!mix)
        return;
    g_free(mix->hart);
    g_free(mix);
}
