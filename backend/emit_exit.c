// SPDX-License-Identifier: GPL-3.0-or-later
// Ways into and out of a region: entries, edges, chain slots, stops.
//
// Every cycle of blocks has an edge to a block of the same or a smaller number. On such edges, and at the entries,
// `left` is tested, so compiled code cannot run on for ever.
#include "backend/emit.h"

#define MAX_LABELS 25 // of an asm statement
#define EXITS_LEFT ((int)offsetof(JitSlotsHead, exits_left) - (int)sizeof(JitSlotsHead)) // from the slots

static unsigned add_site(Emit *e, JitSite s)
{
    g_array_append_val(e->sites, s);
    return e->sites->len - 1;
}

unsigned emit_site_before(Emit *e)
{
    const IrBlock *b = e->block;
    JitSite s = {.adjust = -(e->ahead[e->block_index] + (int32_t)e->insn), .why = JIT_BEFORE};
    unsigned n = 0, i = 0;
    while (b->ops[i].op != IR_OP_INSN || n++ != e->insn)
        i++;
    s.pc = b->ops[i].imm;
    for (; e->stats && i < b->n_ops; i++)
        emit_count_access(b->ops[i].op, &s.loads, &s.stores);
    return add_site(e, s);
}

// One slot for each guest address that static exits go to; slots are the first sites.
void emit_number_slots(Emit *e)
{
    for (unsigned b = 0; b < e->code->n_blocks; b++) {
        const IrBlock *blk = e->code->blocks[b];
        unsigned last = blk->ops[blk->n_ops - 1].op, edges = last == IR_OP_JUMP ? 1 : ir_is_br(last) ? 2 : 0;
        for (unsigned k = 0; k < edges; k++) {
            if (blk->edge[k].block >= 0)
                continue;
            unsigned s = 0;
            while (s < e->sites->len && g_array_index(e->sites, JitSite, s).pc != blk->edge[k].pc)
                s++;
            if (s == e->sites->len)
                add_site(e, (JitSite){.pc = blk->edge[k].pc});
        }
    }
    e->n_slots = e->sites->len;
}

static bool has_form(const Emit *e, unsigned r, uint8_t form)
{
    return r < EMIT_F0 ? form == EMIT_BITS : e->form[r - EMIT_F0] & form;
}

static const char *form_letter(const Emit *e, unsigned r)
{
    return has_form(e, r, EMIT_BITS) ? "" : has_form(e, r, EMIT_DOUBLE) ? "d" : has_form(e, r, EMIT_LOW) ? "l" : "n";
}

void emit_stop(Emit *e, EmitAsm *a, GString *text, unsigned site)
{
    g_string_append_printf(text, ".Lc%%=:\n\tcall *%zu(%%%%rbp)\n.Lr%%=:\n\t.pushsection .addend%s, \"\", @progbits\n\t"
                                 ".long .Lr%%=-region%s\n\t.asciz \"%u;%d=%%%u;",
                           offsetof(IrEnv, jit_stop), e->number, e->number, site, IR_NREGS, a->n_out + a->n_in);
    emit_asm_input(a, "rme", gcc_jit_lvalue_as_rvalue(e->left));
    for (unsigned r = 0; r < IR_NREGS; r++) {
        if (!(e->dirty >> r & 1))
            continue;
        bool narrow = e->narrow >> r & 1; // then its extension need not be computed for this
        gcc_jit_rvalue *v = gcc_jit_lvalue_as_rvalue(e->reg[r]);
        g_string_append_printf(text, "%u=%s%%%s%u;", r, narrow ? "s" : form_letter(e, r), narrow ? "q" : "",
                               a->n_out + a->n_in);
        emit_asm_input(a, r < EMIT_F0 ? "rme" : "xm", narrow ? emit_cast(e, v, e->i32) : v);
    }
    g_string_append(text, "\"\n\t.popsection");
    a->keep = a->memory = true;
}

// Ends bb, behind an asm statement that leaves.
static void gone(Emit *e, gcc_jit_block *bb)
{
    if (!e->dead) {
        e->dead = gcc_jit_function_new_block(e->fn, "dead");
        gcc_jit_block_end_with_return(e->dead, emit_at, gcc_jit_context_null(e->ctx, e->char_ptr));
    }
    gcc_jit_block_end_with_jump(bb, emit_at, e->dead);
}

void emit_leave(Emit *e, gcc_jit_block *bb, unsigned site)
{
    g_autoptr(GString) text = g_string_new("pushq $0\n\tpushq $0\n\t");
    EmitAsm a = {.keep = true};
    emit_stop(e, &a, text, site);
    emit_asm(bb, &a, text->str);
    gone(e, bb);
}

void emit_leave_if(Emit *e, const char *test, unsigned site)
{
    gcc_jit_block *stop = gcc_jit_function_new_block(e->fn, NULL), *go_on = gcc_jit_function_new_block(e->fn, NULL);
    gcc_jit_lvalue *leaves = emit_local(e, e->u8);
    EmitAsm a = {.keep = true};
    emit_asm_output(&a, "=@ccne", leaves);
    emit_asm(e->bb, &a, test);
    gcc_jit_block_end_with_conditional(e->bb, emit_at, emit_likely(e, emit_flag(e, leaves), false), stop, go_on);
    emit_leave(e, stop, site);
    e->bb = go_on;
}

// env->r[r] := a float that has not EMIT_BITS.
static void store_float(Emit *e, gcc_jit_block *bb, unsigned r)
{
    size_t at = offsetof(IrEnv, r) + 8 * r;
    bool is_double = has_form(e, r, EMIT_DOUBLE);
    g_autoptr(GString) text = g_string_new(NULL);
    EmitAsm a = {.keep = true, .memory = true};
    emit_asm_input(&a, "x", gcc_jit_lvalue_as_rvalue(e->reg[r]));
    g_string_printf(text, "movs%c %%0, %zu(%%%%rbp)\n\t", is_double ? 'd' : 's', at);
    if (!is_double)
        g_string_append_printf(text, "movl $-1, %zu(%%%%rbp)\n\t", at + 4);
    if (!has_form(e, r, EMIT_LOW)) {
        g_string_append_printf(text, "ucomis%c %%0, %%0\n\tjp .Ln%%=\n.Lb%%=:\n\t.subsection 1\n.Ln%%=:\n\t",
                               is_double ? 'd' : 's');
        if (is_double)
            g_string_append_printf(text, "movl $0, %zu(%%%%rbp)\n\t", at);
        g_string_append_printf(text, "movl $%u, %zu(%%%%rbp)\n\tjmp .Lb%%=\n\t.subsection 0",
                               is_double ? 0x7ff80000u : 0x7fc00000u, is_double ? at + 4 : at);
    }
    emit_asm(bb, &a, text->str);
}

static void write_back(Emit *e, gcc_jit_block *bb)
{
    emit_env(e, bb);
    for (unsigned r = 0; r < IR_NREGS; r++)
        if ((e->dirty >> r & 1) && !has_form(e, r, EMIT_BITS))
            store_float(e, bb, r);
        else if (e->dirty >> r & 1)
            gcc_jit_block_add_assignment(bb, emit_at, emit_env_reg(e, r), gcc_jit_lvalue_as_rvalue(e->reg[r]));
    gcc_jit_block_add_assignment(bb, emit_at, emit_env_u64(e, offsetof(IrEnv, left)),
                                 emit_cast(e, emit_left_behind(e), e->u64));
}

// A static exit: through its slot.
static gcc_jit_block *exit_block(Emit *e, int64_t pc)
{
    unsigned s = 0;
    while (g_array_index(e->sites, JitSite, s).pc != pc)
        s++;
    gcc_jit_block *bb = gcc_jit_function_new_block(e->fn, NULL);
    EmitAsm a = {.keep = true, .memory = true};
    size_t slot = s * sizeof(JitSlot);
    write_back(e, bb);
    g_autofree char *text = g_strdup_printf(
        "movq %%%%rbp, %%%%rdi\n\tmovq %zu(%%%%rdi), %%%%rsi\n\tmovq %zu(%%%%rdi), %%%%rsp\n\t"
        "subq $1, %d(%%%%rsi)\n\tjs .Lc%%=\n\t"
        "movq %zu(%%%%rsi), %%%%rax\n\tmovq %zu(%%%%rsi), %%%%rdx\n\tmovq %zu(%%%%rsi), %%%%rsi\n\tjmp *%%%%rax\n\t"
        ".subsection 1\n.Lc%%=:\n\tmovq %%%%rsi, %%%%rax\n\tmovq $%u, %zu(%%%%rdi)\n\tret\n\t.subsection 0",
        offsetof(IrEnv, jit_slots), offsetof(IrEnv, jit_sp), EXITS_LEFT, slot + offsetof(JitSlot, code),
        slot + offsetof(JitSlot, entry), slot + offsetof(JitSlot, slots), s, offsetof(IrEnv, exit_site));
    emit_asm(bb, &a, text);
    gone(e, bb);
    return bb;
}

// Ends bb: leaves before block n if `left` is used up, else goes there.
static void test_left(Emit *e, gcc_jit_block *bb, unsigned n)
{
    gcc_jit_block *stop = gcc_jit_function_new_block(e->fn, NULL);
    gcc_jit_rvalue *over =
        gcc_jit_context_new_comparison(e->ctx, emit_at, GCC_JIT_COMPARISON_LE, gcc_jit_lvalue_as_rvalue(e->left),
                                       gcc_jit_context_new_rvalue_from_int(e->ctx, e->i64, e->ahead[n]));
    gcc_jit_block_end_with_conditional(bb, emit_at, emit_likely(e, over, false), stop, e->start[n]);
    emit_leave(e, stop, add_site(e, (JitSite){.pc = e->code->blocks[n]->pc, .adjust = -e->ahead[n]}));
}

// Tests `left` before block n, which has what is dirty there at most.
static gcc_jit_block *check_block(Emit *e, unsigned n)
{
    if (!e->check[n]) {
        uint64_t dirty = e->dirty, narrow = e->narrow;
        uint8_t form[EMIT_N_FP];
        memcpy(form, e->form, sizeof form);
        memcpy(e->form, e->form_in[n], sizeof form);
        e->dirty = e->dirty_in[n];
        e->narrow = 0;
        e->check[n] = gcc_jit_function_new_block(e->fn, NULL);
        test_left(e, e->check[n], n);
        e->dirty = dirty;
        e->narrow = narrow;
        memcpy(e->form, form, sizeof form);
    }
    return e->check[n];
}

// The way to block n, of which `to` is the end: makes floats have the forms that they have there.
static gcc_jit_block *convert(Emit *e, unsigned n, gcc_jit_block *to)
{
    gcc_jit_block *bb = NULL;
    uint64_t live = (e->live_in[n] | e->dirty_in[n]) & e->used_regs;
    for (unsigned r = EMIT_F0; r < IR_NREGS; r++) {
        uint8_t now = e->form[r - EMIT_F0], in = e->form_in[n][r - EMIT_F0];
        if (!(live >> r & 1) || !(in & ~now))
            continue;
        g_assert(in == EMIT_BITS || in == EMIT_LOW);
        if (!bb)
            bb = gcc_jit_function_new_block(e->fn, NULL);
        gcc_jit_rvalue *v = emit_converted(e, bb, gcc_jit_lvalue_as_rvalue(e->reg[r]), now, in);
        gcc_jit_block_add_assignment(bb, emit_at, e->reg[r], v);
    }
    if (!bb)
        return to;
    gcc_jit_block_end_with_jump(bb, emit_at, to);
    return bb;
}

gcc_jit_block *emit_edge(Emit *e, const IrEdge *edge, unsigned from)
{
    if (edge->block < 0)
        return exit_block(e, edge->pc);
    unsigned n = (unsigned)edge->block;
    return convert(e, n, emit_count_edge(e, from, n, n > from ? e->start[n] : check_block(e, n)));
}

// Through the jump cache: jit_jump_row * 32 without shifts back and forth.
static void exit_indirect(Emit *e, gcc_jit_block *bb, gcc_jit_rvalue *target)
{
    EmitAsm a = {.keep = true, .memory = true};
    write_back(e, bb);
    emit_asm_input(&a, "a", target);
    unsigned site = add_site(e, (JitSite){.pc = e->block->pc, .why = JIT_JUMPED});
    g_autofree char *text = g_strdup_printf(
        "movq %%%%rbp, %%%%rdi\n\tmovq %%%%rax, %zu(%%%%rdi)\n\tmovq %zu(%%%%rdi), %%%%rsp\n\t"
        "movq %zu(%%%%rdi), %%%%rsi\n\tsubq $1, %d(%%%%rsi)\n\tjs .Lc%%=\n\t"
        "movq %%%%rax, %%%%rdx\n\tshlq $4, %%%%rdx\n\tmovq %%%%rax, %%%%rcx\n\tshrq $%u, %%%%rcx\n\t"
        "xorq %%%%rcx, %%%%rdx\n\tandl $%u, %%%%edx\n\tmovq %zu(%%%%rbp), %%%%rcx\n\t"
        "cmpq %%%%rax, (%%%%rcx,%%%%rdx)\n\tjne .Ls%%=\n"
        ".Lb%%=:\n\tmovq 16(%%%%rcx,%%%%rdx), %%%%rsi\n\tmovq 8(%%%%rcx,%%%%rdx), %%%%rax\n\t"
        "movq 24(%%%%rcx,%%%%rdx), %%%%rdx\n\tjmp *%%%%rax\n\t"
        ".subsection 1\n.Ls%%=:\n\txorq $32, %%%%rdx\n\tcmpq %%%%rax, (%%%%rcx,%%%%rdx)\n\tje .Lb%%=\n\t"
        "movq %zu(%%%%rdi), %%%%rax\n\tmovq $-1, %zu(%%%%rdi)\n\tret\n"
        ".Lc%%=:\n\tmovq %%%%rsi, %%%%rax\n\tmovq $%u, %zu(%%%%rdi)\n\tret\n\t.subsection 0",
        offsetof(IrEnv, pc), offsetof(IrEnv, jit_sp), offsetof(IrEnv, jit_slots), EXITS_LEFT, JIT_JUMP_SHIFT - 4,
        (unsigned)(((1u << JIT_JUMP_BITS) - 1) * sizeof(JumpEntry)), offsetof(IrEnv, jumps), offsetof(IrEnv, jit_slots),
        offsetof(IrEnv, exit_site), site, offsetof(IrEnv, exit_site));
    emit_asm(bb, &a, text);
    gone(e, bb);
}

// Compares the target with the known ones, most likely first; else through the jump cache.
void emit_jmpind(Emit *e, const IrInst *op, unsigned from)
{
    const IrBlock *b = e->block;
    gcc_jit_lvalue *keep = emit_local(e, e->u64);
    gcc_jit_block_add_assignment(e->bb, emit_at, keep, emit_use(e, op->a));
    gcc_jit_rvalue *target = gcc_jit_lvalue_as_rvalue(keep);
    for (unsigned k = 0; k < b->n_guess; k++) {
        gcc_jit_rvalue *pc = emit_guest_pc(e, b->guess[k].pc);
        gcc_jit_rvalue *same = gcc_jit_context_new_comparison(e->ctx, emit_at, GCC_JIT_COMPARISON_EQ, target, pc);
        gcc_jit_block *next = gcc_jit_function_new_block(e->fn, NULL);
        gcc_jit_block_end_with_conditional(e->bb, emit_at, same, emit_edge(e, &b->guess[k], from), next);
        e->bb = next;
    }
    exit_indirect(e, e->bb, target);
}

// Text that jumps to .Le with the host's flags at "not equal" if env->r[r] has not the form.
static void guard_form(GString *text, unsigned r, uint8_t form)
{
    size_t low = offsetof(IrEnv, r) + 8 * r, high = low + 4;
    if (form & (EMIT_LOW | EMIT_SINGLE))
        g_string_append_printf(text, "cmpl $-1, %zu(%%rbp)\n\tjne .Le%%=\n\t", high);
    if (form & EMIT_SINGLE)
        g_string_append_printf(text,
                               "cmpl $0x7f800000, %zu(%%rbp)\n\tjg .Lo%%=_%u\n\t"
                               "cmpl $0xff800000, %zu(%%rbp)\n\tja .Le%%=\n.Lk%%=_%u:\n\t"
                               ".subsection 1\n.Lo%%=_%u:\n\tcmpl $0x7fc00000, %zu(%%rbp)\n\tje .Lk%%=_%u\n\t"
                               "jmp .Le%%=\n\t.subsection 0\n\t",
                               low, r, low, r, r, low, r);
    if (form & EMIT_DOUBLE)
        g_string_append_printf(text,
                               "cmpl $0x7ff00000, %zu(%%rbp)\n\tjge .Lo%%=_%u\n\t"
                               "cmpl $0xfff00000, %zu(%%rbp)\n\tjae .Lo%%=_%u\n.Lk%%=_%u:\n\t"
                               ".subsection 1\n.Lo%%=_%u:\n\tcmpl $0, %zu(%%rbp)\n\tjne .Le%%=\n\t"
                               "cmpl $0x7ff80000, %zu(%%rbp)\n\tje .Lk%%=_%u\n\t"
                               "cmpl $0x7ff00000, %zu(%%rbp)\n\tje .Lk%%=_%u\n\t"
                               "cmpl $0xfff00000, %zu(%%rbp)\n\tje .Lk%%=_%u\n\tjmp .Le%%=\n\t.subsection 0\n\t",
                               high, r, high, r, r, r, low, high, r, high, r, high, r);
}

// Ends bb; the block returned goes on if entry n can deal with what is in env. Else the interpreter does the next
// instruction.
static gcc_jit_block *guard_entry(Emit *e, gcc_jit_block *bb, unsigned n)
{
    g_autoptr(GString) text = g_string_new(NULL);
    if (e->checks_ahead[n])
        g_string_append_printf(text, "testb $%u, %zu(%%rbp)\n\tjne .Le%%=\n\t", e->checks_ahead[n],
                               offsetof(IrEnv, fp_leave));
    for (unsigned r = EMIT_F0; r < IR_NREGS; r++)
        if ((e->live_in[n] & e->used_regs) >> r & 1)
            guard_form(text, r, e->form_in[n][r - EMIT_F0]);
    if (!text->len)
        return bb;
    g_string_append(text, "cmpq %rbp, %rbp\n.Le%=:");
    g_string_replace(text, "%rbp", "%%rbp", 0);
    e->bb = bb;
    JitSite s = {.pc = e->code->blocks[n]->pc, .adjust = -e->ahead[n], .why = JIT_REFUSED};
    emit_leave_if(e, text->str, add_site(e, s));
    return e->bb;
}

// Loads what is live at block n and goes there; nothing is dirty yet.
static gcc_jit_block *entry_block(Emit *e, unsigned n)
{
    char name[16]; // asm goto segfaults without
    g_snprintf(name, sizeof name, "entry%u", n);
    gcc_jit_block *bb = gcc_jit_function_new_block(e->fn, name);
    gcc_jit_rvalue *left = gcc_jit_lvalue_as_rvalue(emit_env_u64(e, offsetof(IrEnv, left)));
    gcc_jit_rvalue *ahead = gcc_jit_context_new_rvalue_from_int(e->ctx, e->i64, e->ahead[n]);
    gcc_jit_block_add_assignment(bb, emit_at, e->left,
                                 emit_binary(e, GCC_JIT_BINARY_OP_PLUS, emit_cast(e, left, e->i64), ahead));
    e->dirty = 0;
    for (unsigned r = 0; r < IR_NREGS; r++)
        if ((e->live_in[n] & e->used_regs) >> r & 1)
            gcc_jit_block_add_assignment(bb, emit_at, e->reg[r], gcc_jit_lvalue_as_rvalue(emit_env_reg(e, r)));
    emit_clear_caches(e, bb);
    emit_load_runs(e, bb);
    emit_start_loops(e, bb);
    test_left(e, guard_entry(e, bb, n), n);
    return bb;
}

// To one of blocks[start] to blocks[end - 1], by a table that is code like the rest.
static void dispatch(Emit *e, gcc_jit_block *bb, GPtrArray *blocks, unsigned start, unsigned end)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_string_printf(text,
                    "leaq .Ls%%=(%%%%rip), %%%%rax\n\tmovslq -%u(%%%%rax,%%0,4), %%%%rdx\n\t"
                    "addq %%%%rdx, %%%%rax\n\tjmp *%%%%rax\n\t.subsection 1\n\t.balign 4\n.Ls%%=:",
                    4 * start);
    for (unsigned i = start; i < end; i++)
        g_string_append_printf(text, "\n\t.long %%l%u-.Ls%%=", i - start + 1);
    g_string_append(text, "\n\t.subsection 0");
    gcc_jit_extended_asm *x = gcc_jit_block_end_with_extended_asm_goto(
        bb, emit_at, text->str, (int)(end - start), (gcc_jit_block **)blocks->pdata + start, NULL);
    gcc_jit_extended_asm_add_input_operand(x, NULL, "r", gcc_jit_param_as_rvalue(e->entry));
    gcc_jit_extended_asm_add_clobber(x, "rax");
    gcc_jit_extended_asm_add_clobber(x, "rdx");
    gcc_jit_extended_asm_add_clobber(x, "cc");
}

void emit_entry(Emit *e, gcc_jit_block *first)
{
    g_autoptr(GPtrArray) blocks = g_ptr_array_new();
    EmitAsm a = {.keep = true};
    e->env = gcc_jit_param_as_rvalue(e->env_param);
    emit_asm_input(&a, "r", e->env);
    emit_asm(first, &a, "movq %0, %%rbp");
    gcc_jit_block_add_assignment(first, emit_at, emit_env_ptr(e, offsetof(IrEnv, jit_slots)),
                                 gcc_jit_param_as_rvalue(e->slots));
    for (unsigned n = 0; n < e->code->n_blocks; n++) {
        if (!e->code->blocks[n]->is_entry)
            continue;
        g_array_append_val(e->entries, e->code->blocks[n]->pc);
        g_ptr_array_add(blocks, entry_block(e, n));
    }
    for (unsigned start = 0, end; blocks->len > 1 && start < blocks->len; start = end) {
        end = MIN(start + MAX_LABELS, blocks->len);
        if (end == blocks->len) {
            dispatch(e, first, blocks, start, end);
            return;
        }
        gcc_jit_block *here = gcc_jit_function_new_block(e->fn, NULL), *next = gcc_jit_function_new_block(e->fn, NULL);
        gcc_jit_rvalue *in = gcc_jit_context_new_comparison(e->ctx, emit_at, GCC_JIT_COMPARISON_LT,
                                                            gcc_jit_param_as_rvalue(e->entry), emit_u64(e, end));
        gcc_jit_block_end_with_conditional(first, emit_at, in, here, next);
        dispatch(e, here, blocks, start, end);
        first = next;
    }
    gcc_jit_block_end_with_jump(first, emit_at, blocks->pdata[0]);
}
