// SPDX-License-Identifier: GPL-3.0-or-later
// What -d prints of translation: guest assembly, IR, GIMPLE, host assembly, in QEMU's text shapes.
#include "backend/engine_private.h"

#include "backend/host_code.h"
#include "util/log.h"
#include <inttypes.h>

static void print_asm(Engine *e, FILE *f, const IrBlock *ir, uint64_t base)
{
    for (unsigned i = 0; i < ir->n_ops; i++) {
        const IrInst *op = &ir->ops[i];
        if (op->op == IR_OP_INSN)
            e->guest.print_insn(e->guest.opaque, f, base + (uint64_t)op->imm, op->reg, ir_insn_bits(op));
    }
}

static void print_ir(FILE *f, const IrBlock *ir, int index)
{
    GString *s = g_string_new(NULL);
    ir_print_block(s, ir, index);
    fputs(s->str, f);
    g_string_free(s, TRUE);
}

void dump_block(Engine *e, const IrBlock *ir, uint64_t base)
{
    uint64_t pc = base + (uint64_t)ir->pc;
    if (!log_in_filter(pc))
        return;
    FILE *f = log_lock();
    if (log_on(LOG_IN_ASM)) {
        fprintf(f, "----------------\nIN: %s\n", e->guest.symbol(e->guest.opaque, pc));
        print_asm(e, f, ir, base);
        fputc('\n', f);
    }
    if (log_on(LOG_OP)) {
        fprintf(f, "OP: 0x%016" PRIx64 " %s\n", pc, e->guest.symbol(e->guest.opaque, pc));
        print_ir(f, ir, 0);
        fputc('\n', f);
    }
    log_unlock();
}

// QEMU's four fields, so that scripts find the pc in the second: cs_base and flags are 0 here, and what QEMU calls
// cflags, whose low bits are its count of instructions, is just that count.
void dump_exec(Engine *e, const Block *b)
{
    if (log_in_filter(b->pc))
        log_printf("Trace 0: %p [%016x/%016" PRIx64 "/%08x/%08x] %s\n",
                   b->unit ? (void *)b->unit->code : (void *)b->ops, 0, b->pc, 0, b->n_insns,
                   e->guest.symbol(e->guest.opaque, b->pc));
}

static void print_bytes(FILE *f, const uint8_t *code, size_t size, bool baseline)
{
    g_autoptr(GArray) host = g_array_new(FALSE, FALSE, sizeof(CodeHost));
    g_array_set_clear_func(host, (GDestroyNotify)host_code_clear);
    host_code_read(host, code, size, (uintptr_t)code, &(HostCode){.baseline = baseline});
    for (unsigned i = 0; i < host->len; i++) {
        const CodeHost *h = &g_array_index(host, CodeHost, i);
        fprintf(f, "0x%08" PRIx64 ":  %s\n", h->addr, h->text);
    }
}

static void print_host(FILE *f, const JitUnit *u)
{
    print_bytes(f, u->text, u->code_size, u->block);
    if (u->block)
        print_bytes(f, u->cold, u->cold_size, true);
}

static void print_all_asm(Engine *e, FILE *f, const IrCode *code)
{
    for (unsigned i = 0; i < code->n_blocks; i++)
        print_asm(e, f, code->blocks[i], code->base);
}

static void print_code(FILE *f, const char *title, const IrCode *code)
{
    GString *s = g_string_new(NULL);
    ir_print(s, code);
    fprintf(f, "%s\n%s\n", title, s->str);
    g_string_free(s, TRUE);
}

void engine_print_code(Engine *e, uint64_t pc, FILE *f)
{
    Block *b = engine_peek(e, pc);
    const JitUnit *u = b ? b->unit : NULL;
    if (!u) {
        fprintf(f, "no compiled code at 0x%016" PRIx64 "\n", pc);
        return;
    }
    if (u->block) {
        fprintf(f, "OUT: [size=%zu], baseline\n", u->code_size + u->cold_size);
        print_host(f, u);
        return;
    }
    fprintf(f, "IN: %s\n", e->guest.symbol(e->guest.opaque, pc));
    print_all_asm(e, f, u->ir);
    print_code(f, "OP:", u->ir);
    GString *text = g_string_new(NULL);
    ir_print(text, u->ir);
    IrCode *copy = ir_parse(text->str, NULL);
    ir_optimize(copy, false, e->env->ops->n_helpers);
    print_code(f, "OP after optimization:", copy);
    ir_code_free(copy);
    if (e->queue && queue_idle(e->queue)) {
        JitRequest rq = {.opt = (uint8_t)e->config.opt, .want_gimple = 1, .n_helpers = e->env->ops->n_helpers};
        queue_submit(e->queue, &rq, text->str, NULL);
        QueueResult *r;
        while ((r = queue_take(e->queue, true)) && r->job) { // a region that was under way
            trace_free(r->job);
            queue_result_free(r);
        }
        fprintf(f, "GIMPLE:\n%s\n", r && r->gimple ? r->gimple : "");
        if (r)
            queue_result_free(r);
    }
    g_string_free(text, TRUE);
    fprintf(f, "OUT: [size=%zu]\n", u->code_size);
    print_host(f, u);
}

void dump_baseline(Engine *e, const JitUnit *u)
{
    if (!log_in_filter(u->base))
        return;
    FILE *f = log_lock();
    fprintf(f, "OUT: [size=%zu] 0x%016" PRIx64 " %s, baseline\n", u->code_size + u->cold_size, u->base,
            e->guest.symbol(e->guest.opaque, u->base));
    print_host(f, u);
    fputc('\n', f);
    log_unlock();
}

void dump_region(Engine *e, const QueueResult *r, const JitUnit *u)
{
    if (!log_in_filter(u->base))
        return;
    const char *name = e->guest.symbol(e->guest.opaque, u->base);
    FILE *f = log_lock();
    if (log_on(LOG_JIT))
        fprintf(f, "jit: region 0x%016" PRIx64 " %s: %u blocks, %u guest instructions, %zu bytes, %u entries, "
                   "%.1f ms\n",
                u->base, name, u->n_blocks, u->n_insns, u->code_size, u->n_entries, (double)u->compile_ns / 1e6);
    if (log_on(LOG_OUT_ASM | LOG_GIMPLE | LOG_OP_OPT) && log_on(LOG_IN_ASM)) {
        fprintf(f, "----------------\nIN: %s\n", name);
        print_all_asm(e, f, u->ir);
    }
    if (log_on(LOG_OP_OPT) && r->ir)
        fprintf(f, "OP after optimization: 0x%016" PRIx64 " %s\n%s\n", u->base, name, r->ir);
    if (log_on(LOG_GIMPLE) && r->gimple)
        fprintf(f, "GIMPLE: 0x%016" PRIx64 " %s\n%s\n", u->base, name, r->gimple);
    if (log_on(LOG_OUT_ASM)) {
        fprintf(f, "OUT: [size=%zu] 0x%016" PRIx64 " %s\n", u->code_size, u->base, name);
        print_host(f, u);
        fputc('\n', f);
    }
    log_unlock();
}
