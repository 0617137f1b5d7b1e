// SPDX-License-Identifier: GPL-3.0-or-later
// How a frame is found without call frame information: the function's own code is followed from its start to the pc,
// along all branches, with what it does to the stack pointer and where it keeps the registers that it must preserve.
#include "machine/names_private.h"

#include "frontend/decode.h"
#include <string.h>

#define BYTES_MAX   65536 // of a function
#define PENDING_MAX 512   // branch targets

enum { RA = 1, SP = 2, T0 = 5, FP = 8 };
enum { SSCRATCH = 0x140, MSCRATCH = 0x340 };
#define PRESERVED 0x0ffc0302u // ra, s0..s11

typedef struct { // before an instruction
    bool sp_known, fp_known;
    bool switched;        // sp is another stack's
    int64_t frame;        // CFA = sp + frame, if sp_known
    int64_t fp;           // CFA = s0 + fp, if fp_known
    uint32_t saved;       // bit r: register r lies at CFA + at[r]
    int32_t at[32];
    uint32_t constants;   // bit r: register r is value[r]
    int64_t value[32];
} State;

typedef struct {
    uint64_t at;
    State s;
} Pending;

typedef struct {
    const uint8_t *code;
    uint64_t start, end, pc;
    GArray *pending; // of Pending
    uint8_t *seen;   // by halfword
    State best;      // for code that only a computed jump leads to
    bool has_best, found, trap;
    State result;
} Walk;

static void keep_best(Walk *w, const State *s, bool computed)
{
    if (w->has_best && !computed && s->frame <= w->best.frame)
        return;
    w->best = *s;
    w->has_best = true;
}

static void save(State *s, unsigned reg, int64_t at)
{
    if (!(PRESERVED >> reg & 1) || s->saved >> reg & 1 || at != (int32_t)at || at >= 0)
        return;
    s->saved |= 1u << reg;
    s->at[reg] = (int32_t)at;
}

static void set_constant(State *s, unsigned reg, bool known, int64_t value)
{
    s->constants &= ~(1u << reg);
    if (known && reg && reg != SP && reg != FP) {
        s->constants |= 1u << reg;
        s->value[reg] = value;
    }
}

static bool constant(const State *s, unsigned reg, int64_t *value)
{
    *value = reg ? s->value[reg] : 0;
    return !reg || s->constants >> reg & 1;
}

static void add_to_sp(State *s, const Insn *i, int64_t n)
{
    if (i->rs1 == SP || i->rs2 == SP) {
        s->frame -= n;
    } else {
        s->sp_known = i->rs1 == FP && s->fp_known;
        s->switched = !s->sp_known;
        s->frame = s->fp - n;
    }
}

// What an instruction that is no jump does.
static void step(State *s, const Insn *i)
{
    int64_t n = i->imm, k = 0;
    bool add = i->id == INSN_ADDI, known = false;
    if (i->id == INSN_ADD && (constant(s, i->rs2, &n) || constant(s, i->rs1, &n)))
        add = i->rs1 == SP || i->rs2 == SP || i->rs1 == FP;
    if (i->id == INSN_SD) {
        if (i->rs1 == SP && s->sp_known)
            save(s, i->rs2, n - s->frame);
        else if (i->rs1 == FP && s->fp_known)
            save(s, i->rs2, n - s->fp);
        return;
    }
    if (insn_info[i->id].format == FMT_S || insn_info[i->id].format == FMT_FS || !i->rd)
        return;
    if (i->id == INSN_LD && s->saved >> i->rd & 1 && i->rs1 == SP && s->sp_known && n - s->frame == s->at[i->rd])
        s->saved &= ~(1u << i->rd);
    if (i->rd == SP && add) {
        add_to_sp(s, i, n);
    } else if (i->rd == SP) {
        s->sp_known = false;
        s->switched = i->id == INSN_LD || (i->id == INSN_ADD && i->rs1 != SP && i->rs2 != SP);
    } else if (i->rd == FP) {
        s->fp_known = add && i->rs1 == SP && s->sp_known;
        s->fp = s->frame - n;
    } else {
        if (i->id == INSN_LUI)
            known = true, k = n;
        else if ((i->id == INSN_ADDI || i->id == INSN_ADDIW) && constant(s, i->rs1, &k))
            known = true, k += n;
        set_constant(s, i->rd, known, k);
    }
}

static void push(Walk *w, uint64_t at, const State *s)
{
    if (at < w->start || at >= w->end || w->seen[(at - w->start) / 2] || w->pending->len >= PENDING_MAX)
        return;
    Pending p = {at, *s};
    g_array_append_val(w->pending, p);
}

// Follows the code from p on until it is known, leaves or jumps.
static void follow(Walk *w, Pending *p)
{
    State *s = &p->s;
    for (uint64_t at = p->at; at + 2 <= w->end && !w->seen[(at - w->start) / 2];) {
        const uint8_t *code = w->code + (at - w->start);
        uint32_t bits = code[0] | code[1] << 8;
        if ((bits & 3) == 3 && at + 4 <= w->end)
            bits |= (uint32_t)code[2] << 16 | (uint32_t)code[3] << 24;
        Insn i = decode(bits);
        w->seen[(at - w->start) / 2] = 1;
        if (i.id == INSN_ILLEGAL || at + i.len > w->end)
            return;
        w->seen[(at + i.len - w->start) / 2 - 1] = 1;
        if (w->pc >= at && w->pc < at + i.len) {
            w->found = true;
            w->result = *s;
            return;
        }
        if (i.id == INSN_MRET || i.id == INSN_SRET) {
            w->trap = true;
            return;
        }
        if (insn_info[i.id].format == FMT_B) {
            keep_best(w, s, false);
            push(w, at + (uint64_t)i.imm, s);
        } else if (i.id == INSN_JAL && !i.rd) {
            push(w, at + (uint64_t)i.imm, s);
            return;
        } else if (i.id == INSN_JALR && !i.rd) {
            if (i.rs1 != RA && i.rs1 != T0)
                keep_best(w, s, true);
            return;
        } else if (i.id == INSN_JAL || i.id == INSN_JALR) {
            keep_best(w, s, false);
            s->constants = 0;
        } else {
            step(s, &i);
        }
        at += i.len;
    }
}

static void follow_all(Walk *w)
{
    while (w->pending->len && !w->found && !w->trap) {
        Pending p = g_array_index(w->pending, Pending, w->pending->len - 1);
        g_array_set_size(w->pending, w->pending->len - 1);
        follow(w, &p);
    }
}

// Traps begin by exchanging a register with a scratch register of their own.
static bool is_trap_entry(const uint8_t *code, uint64_t len)
{
    if (len < 4)
        return false;
    Insn i = decode((uint32_t)(code[0] | code[1] << 8 | code[2] << 16) | (uint32_t)code[3] << 24);
    return i.id == INSN_CSRRW && (i.imm == SSCRATCH || i.imm == MSCRATCH);
}

static void rule_of(const State *s, FrameRule *out)
{
    out->known = s->sp_known || s->fp_known;
    out->base = s->sp_known ? SP : FP;
    out->cfa = s->sp_known ? s->frame : s->fp;
    out->switches = !s->sp_known && s->switched;
    out->saved = s->saved;
    memcpy(out->at, s->at, sizeof out->at);
}

bool frame_rule_by_code(Cpu *cpu, uint64_t start, uint64_t size, uint64_t pc, FrameRule *out)
{
    *out = (FrameRule){0};
    uint64_t len = MIN(MAX(size, pc - start + 4), BYTES_MAX);
    if (pc - start >= BYTES_MAX || start % 2)
        return true;
    g_autofree uint8_t *code = g_malloc(len);
    uint64_t have = 0;
    for (uint64_t part; have < len; have += part) {
        part = MIN(len - have, PAGE_SIZE - ((start + have) & ~PAGE_MASK));
        if (!names_read(cpu, start + have, code + have, part))
            break;
    }
    g_autofree uint8_t *seen = g_malloc0(have / 2 + 1);
    Walk w = {.code = code, .start = start, .end = start + have, .pc = pc, .seen = seen,
              .trap = is_trap_entry(code, have), .pending = g_array_new(FALSE, FALSE, sizeof(Pending))};
    State entry = {.sp_known = true};
    push(&w, start, &entry);
    follow_all(&w);
    // Then what only computed jumps lead to: it lies behind an end, in the state in which they jump.
    for (uint64_t at = start; at < w.end && w.has_best && !w.found && !w.trap; at += 2) {
        push(&w, at, &w.best);
        follow_all(&w);
    }
    g_array_free(w.pending, TRUE);
    if (w.trap)
        out->known = out->outermost = true;
    else if (w.found)
        rule_of(&w.result, out);
    return have == len;
}
