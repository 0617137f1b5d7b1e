// SPDX-License-Identifier: GPL-3.0-or-later
// Operands of side tables as GCC prints them.
#include "backend/exits.h"

#include <setjmp.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static ExitLoc parse(const char *text)
{
    ExitLoc l = {.reg = 7};
    assert_true(exits_parse_operand(text, strlen(text), &l));
    assert_int_equal(l.reg, 7);
    return l;
}

static void registers(void **state)
{
    (void)state;
    static const char *const names[] = {"%rax", "%rcx", "%rdx", "%rbx", NULL,   "%rbp", "%rsi", "%rdi",
                                        "%r8",  "%r9",  "%r10", "%r11", "%r12", "%r13", "%r14", "%r15"};
    for (unsigned i = 0; i < 16; i++) {
        if (!names[i])
            continue;
        ExitLoc l = parse(names[i]);
        assert_int_equal(l.kind, EXIT_IN_GPR);
        assert_int_equal(l.base, i);
    }
    assert_int_equal(parse("%xmm0").kind, EXIT_IN_XMM);
    assert_int_equal(parse("%xmm15").base, 15);
}

static void constants(void **state)
{
    (void)state;
    assert_int_equal(parse("$-1").kind, EXIT_IS_CONSTANT);
    assert_int_equal(parse("$-1").value, -1);
    assert_int_equal(parse("$0x7fffffff").value, 0x7fffffff);
}

static void memory(void **state)
{
    (void)state;
    ExitLoc l = parse("72(%rsp)");
    assert_int_equal(l.kind, EXIT_IN_MEMORY);
    assert_int_equal(l.base, 4);
    assert_int_equal(l.value, 72);
    assert_int_equal(l.scale, 0);
    assert_int_equal(parse("(%r13)").value, 0);
    assert_int_equal(parse("-8(%rax,%rdx)").value, -8);
    l = parse("16(%rbx,%r9,8)");
    assert_int_equal(l.base, 3);
    assert_int_equal(l.index, 9);
    assert_int_equal(l.scale, 8);
    assert_int_equal(l.value, 16);
}

static void nonsense(void **state)
{
    (void)state;
    static const char *const bad[] = {"",         "%",       "%rsp",         "%eax",          "%xmm16",         "$",
                                      "$foo",     "5",       "(%rax",        "x(%rax)",       ".LC0(%rip)",     "%rax)",
                                      "(%rax,)",  "()",      "$99999999999", "8(%rax,%rbx,)x", "99999999999(%rax)"};
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        ExitLoc l = {.reg = 1};
        if (exits_parse_operand(bad[i], strlen(bad[i]), &l))
            fail_msg("\"%s\" was understood", bad[i]);
    }
}

static void no_object(void **state)
{
    (void)state;
    g_autoptr(GError) error = NULL;
    assert_null(exits_section("not ELF", 7, 0, &error));
    assert_non_null(error);
    exits_free(NULL);
}

static void sections(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
    } bad[] = {
        {"\1\0\0", 3},         // no room for an address
        {"\1\0\0\0", 4},       // nor for a text
        {"\1\0\0\0" "1;", 6},  // no end
        {"\1\0\0\0" "1", 6},   // no semicolon
        {"\1\0\0\0" "3;", 7},  // no such site
        {"\1\0\0\0" "-1;", 8},
        {"\1\0\0\0" "1;66=%rax;", 15}, // no such register
        {"\1\0\0\0" "1;5=%rax", 13},
        {"\1\0\0\0" "1;5", 8},
        {"\1\0\0\0" "1;5=%eax;", 14},
        {"\1\0\0\0" "1;\0\2\0\0", 10}, // a second one is cut off
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree void *copy = g_memdup2(bad[i].bytes, bad[i].size);
        ExitTable *t = exits_parse(copy, bad[i].size, 3, &error);
        if (t || !error)
            fail_msg("section %u was understood", i);
    }
    ExitTable *t = exits_parse("\1\0\0\0" "1;5=%rax;64=s8(%rsp);\0\2\0\0\0" "2;", 33, 3, NULL);
    assert_non_null(t);
    exits_free(t);
    t = exits_parse(NULL, 0, 0, NULL); // a region that never leaves
    assert_non_null(t);
    exits_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registers), cmocka_unit_test(constants), cmocka_unit_test(memory),
        cmocka_unit_test(nonsense),  cmocka_unit_test(no_object),  cmocka_unit_test(sections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
