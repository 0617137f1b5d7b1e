// SPDX-License-Identifier: GPL-3.0-or-later
// Lines of host code: asking for them does not change the code, and they begin where instructions do.
#include "tests/test.h"
#include "backend/engine_private.h"
#include "backend/host_code.h"
#include "backend/line_marks.h"
#include "backend/unit_lines.h"
#include "tests/ir/gen.h"
#include <glib/gstdio.h>

#define N 60

static void on_result(void *opaque)
{
    (void)opaque;
}

static IrCode *random_code(GenRng *rng, unsigned i)
{
    GenConfig config = {.base = 0x80000000 + 0x1000 * i, .max_blocks = 1 + i % 20, .max_insns = 1 + i % 9, .max_ops = 5,
                        .n_regs = i % 2 ? 40 : 12, .n_helpers = 2, .leave = true, .memory = true,
                        .atomics = i % 3 == 0, .fp = i % 2, .floats = i % 4 == 1, .mem_base = 0x80200000,
                        .mem_size = 4096};
    return gen_code(rng, &config);
}

static QueueResult *compile(Queue *q, const IrCode *code, JitRequest rq)
{
    g_autoptr(GString) text = g_string_new(NULL);
    ir_print(text, code);
    queue_submit(q, &rq, text->str, q);
    QueueResult *r = queue_take(q, true);
    if (r->failed)
        fail_msg("%s\n%s", r->message, text->str);
    return r;
}

static bool has_insn(const IrCode *code, int64_t pc)
{
    for (unsigned i = 0; i < code->n_blocks; i++)
        for (unsigned k = 0; k < code->blocks[i]->n_ops; k++)
            if (code->blocks[i]->ops[k].op == IR_OP_INSN && code->blocks[i]->ops[k].imm == pc)
                return true;
    return false;
}

// Every line begins where a host instruction does, at an instruction of the code.
static void check_lines(const IrCode *code, const GByteArray *text, const GArray *lines)
{
    g_autoptr(GArray) some = unit_lines_of(lines, code->base);
    g_autoptr(GArray) host = g_array_new(FALSE, FALSE, sizeof(CodeHost));
    g_array_set_clear_func(host, (GDestroyNotify)host_code_clear);
    host_code_read(host, text->data, text->len, 0, &(HostCode){.lines = some});
    unsigned at = 0, of_insns = 0;
    for (unsigned i = 0; i < lines->len; i++) {
        const JitLine *l = &g_array_index(lines, JitLine, i);
        while (at < host->len && g_array_index(host, CodeHost, at).addr < l->host)
            at++;
        assert_true(l->host == text->len || (at < host->len && g_array_index(host, CodeHost, at).addr == l->host));
        assert_true(!i || l->host > l[-1].host);
        assert_true(l->kind != JIT_LINE_INSN || has_insn(code, l->pc));
        of_insns += l->kind == JIT_LINE_INSN;
    }
    assert_true(of_insns > 0);
}

static void lines_change_no_code(void **state)
{
    (void)state;
    Queue *q = queue_new(1, on_result, NULL);
    GenRng rng = {7};
    unsigned same = 0;
    for (unsigned i = 0; i < N; i++) {
        g_autoptr(IrCode) code = random_code(&rng, i);
        JitRequest rq = {.opt = 1, .movable = i % 4 == 1, .linear = i % 4 == 2, .stats = i % 4 == 3, .n_helpers = 2};
        QueueResult *plain = compile(q, code, rq);
        rq.want_lines = 1;
        rq.want_gimple = i % 2;
        QueueResult *told = compile(q, code, rq);
        size_t entry[2];
        g_autoptr(GError) error = NULL;
        g_autoptr(GByteArray) a = text_of_result(plain, &entry[0], &error), b = text_of_result(told, &entry[1], &error);
        assert_true(a && b);
        assert_null(plain->lines);
        assert_non_null(told->lines);
        check_lines(code, b, told->lines);
        bool equal = a->len == b->len && !memcmp(a->data, b->data, a->len) && entry[0] == entry[1];
        if (!equal)
            print_message("region %u: %u and %u bytes\n", i, a->len, b->len);
        same += equal;
        queue_result_free(plain);
        queue_result_free(told);
    }
    queue_free(q, NULL);
    assert_int_equal(same, N);
}

// What GCC writes for debuggers goes, up to the next section; .text, too, is one.
static void sections(void **state)
{
    (void)state;
    g_autofree char *dir = g_dir_make_tmp("addend-lines-XXXXXX", NULL), *path = g_build_filename(dir, "a.s", NULL);
    g_autofree char *text = NULL;
    g_autoptr(GArray) lines = g_array_new(FALSE, FALSE, sizeof(int64_t));
    g_assert_true(g_file_set_contents(path, "\t.text\n\tnop\n\t.section .debug_line,\"\"\n\t.quad 1\n.text\n\tret\n"
                                      "\t.section\t.debug_info\n\t.quad 2\n\t.section .rodata\n\t.quad 3\n\t.text\n",
                                      -1, NULL));
    assert_true(line_marks(path, lines, NULL));
    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_unlink(path);
    g_rmdir(dir);
    assert_true(g_str_has_prefix(text, "\t.text\n\tnop\n.text\n\tret\n\t.section .rodata\n\t.quad 3\n\t.text\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lines_change_no_code), cmocka_unit_test(sections)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
