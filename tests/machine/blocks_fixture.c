// SPDX-License-Identifier: GPL-3.0-or-later
// Pieces of code made by hand, in the formats of addend blocks: blocks_fixture text|json|dot|html [N]. With N: so many
// pieces more, as a boot has them.
#include "machine/blocks/blocks_text.h"

#include "frontend/decode.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY(type, ...) \
    array(sizeof(type), (const type[]){__VA_ARGS__}, sizeof((const type[]){__VA_ARGS__}) / sizeof(type))

static GArray *array(size_t size, const void *from, size_t n)
{
    GArray *a = g_array_new(FALSE, FALSE, (guint)size);
    return g_array_append_vals(a, from, (guint)n);
}

// --- names ---------------------------------------------------------------------------------------

static const struct {
    uint64_t start, size;
    const char *name;
} functions[] = {{0x80000000, 0x100, "main"}, {0x80000100, 0x100, "_Z3sumIiEvT_<&>"}, {0x81000000, 0x100000, "copy"}};

static Name name_at(void *opaque, unsigned hart, uint64_t pc, bool lines)
{
    (void)opaque, (void)hart;
    for (unsigned i = 0; i < G_N_ELEMENTS(functions); i++) {
        if (pc - functions[i].start >= functions[i].size)
            continue;
        Name n = {.function = functions[i].name, .offset = pc - functions[i].start, .start = functions[i].start,
                  .size = functions[i].size};
        if (lines && i == 0) {
            n.file = "/no/such/folder/main.c";
            n.line = 10 + (unsigned)(n.offset / 8);
        }
        return n;
    }
    return (Name){0};
}

// --- pieces --------------------------------------------------------------------------------------

static CodePiece *region(void)
{
    CodePiece *p = g_new0(CodePiece, 1);
    *p = (CodePiece){.id = 0, .tier = CODE_REGION, .pc = 0x80000010, .mode = 3, .times_made = 2, .count = 12,
                     .heat = 3000000, .host_bytes = 26, .cold_bytes = 7, .exact = true};
    p->blocks = ARRAY(CodeBlock, {0x80000010, 0x8000001a, 0, 3, 1000000, true},
                      {0x8000001a, 0x8000001e, 3, 1, 12, false});
    // addi a0,a0,1; c.add a1,a0; bne a0,a2,-6 (to 0x80000010); jalr zero,0(ra)
    p->insns = ARRAY(CodeInsn, {0x80000010, 0x00150513, 4, 0}, {0x80000014, 0x95aa, 2, 0},
                     {0x80000016, 0xfec51de3, 4, 0},
                     {0x8000001a, 0x00008067, 4, 1});
    p->edges = ARRAY(CodeEdge, {EDGE_TAKEN, 0x80000016, 0x80000010, 0, true, 0},
                     {EDGE_INDIRECT, 0x8000001a, UINT64_MAX, -1, false, 12},
                     {EDGE_NEXT, 0x8000001a, 0x80000104, 1, true, 11},
                     {EDGE_SYSTEM, 0x8000001a, 0x80005000, -1, false, 0});
    p->stages = ARRAY(CodeStage, {"lift", 20000}, {"passes", 130000}, {"gcc", 9500000}, {"assemble", 800000});
    p->end_reason = g_strdup("a return, whose target is not among its blocks");
    p->forms = ARRAY(
        CodeForm,
        {g_strdup("lifted"),
         g_strdup("code 0x80000010\nblock b0 +0x0 entry insns=3 count=1000000 {\n  insn +0x0 len=4 bits=0x150513\n"
                  "  v1 = get r10\n  v2 = const 0x1\n  v3 = add v1, v2\n  put r10, v3\n  insn +0x4 len=2 bits=0x95aa\n"
                  "  v6 = get r11\n  v7 = get r10\n  v8 = add v6, v7\n  put r11, v8\n"
                  "  insn +0x6 len=4 bits=0xfec51de3\n  v11 = get r10\n  v12 = get r12\n  br.ne v11, v12, b0, b1\n}\n"
                  "block b1 +0xa insns=1 count=12 {\n  insn +0xa len=4 bits=0x8067\n  v1 = get r1\n  jmpind v1\n}\n"),
         false, 19},
        {g_strdup("state"),
         g_strdup("code 0x80000010\nblock b0 +0x0 entry insns=3 count=1000000 {\n  insn +0x0 len=4 bits=0x150513\n"
                  "  v1 = get r10\n  v2 = const 0x1\n  v3 = add v1, v2\n  put r10, v3\n  insn +0x4 len=2 bits=0x95aa\n"
                  "  v6 = get r11\n  v7 = add v6, v3\n  put r11, v7\n  insn +0x6 len=4 bits=0xfec51de3\n"
                  "  v10 = get r12\n  br.ne v3, v10, b0, b1\n}\n"
                  "block b1 +0xa insns=1 count=12 {\n  insn +0xa len=4 bits=0x8067\n  v1 = get r1\n  jmpind v1\n}\n"),
         true, 17},
        {g_strdup("fold"),
         g_strdup("code 0x80000010\nblock b0 +0x0 entry insns=3 count=1000000 {\n  insn +0x0 len=4 bits=0x150513\n"
                  "  v1 = get r10\n  v2 = const 0x1\n  v3 = add v1, v2\n  put r10, v3\n  insn +0x4 len=2 bits=0x95aa\n"
                  "  v6 = get r11\n  v7 = add v6, v3\n  put r11, v7\n  insn +0x6 len=4 bits=0xfec51de3\n"
                  "  v10 = get r12\n  br.ne v3, v10, b0, b1\n}\n"
                  "block b1 +0xa insns=1 count=12 {\n  insn +0xa len=4 bits=0x8067\n  v1 = get r1\n  jmpind v1\n}\n"),
         false, 17},
        {g_strdup("GIMPLE"),
         g_strdup("char * region (long long unsigned int * env)\n{\n  entry0:\n  /* 0x80000010: addi a0,a0,1 */\n"
                  "  r10 = r10 + 1;\n  /* 0x80000014: c.add a1,a0 */\n  r11 = r11 + r10;\n"
                  "  /* 0x80000016: bne a0,a2,0x80000010 */\n  if (r10 != r12) goto <D.1>; else goto <D.2>;\n"
                  "  /* 0x8000001a: jalr zero,0(ra) */\n  return exit;\n}\n"),
         false, 0});
    p->host = ARRAY(CodeHost, {0x7f0000001000, 4, false, -1, g_strdup("movq       0x50(%rbp), %rax"), g_strdup("a0")},
                    {0x7f0000001004, 4, false, 0, g_strdup("addq       $1, %rax"), NULL},
                    {0x7f0000001008, 3, false, 1, g_strdup("addq       %rax, %rdx"), NULL},
                    {0x7f000000100b, 3, false, 2, g_strdup("cmpq       %rcx, %rax"), NULL},
                    {0x7f000000100e, 2, false, 2, g_strdup("jne        0x7f0000001004"), NULL},
                    {0x7f0000001010, 10, false, 3, g_strdup("jmpq       *%rsi"), NULL},
                    {0x7f0000009000, 7, true, 3, g_strdup("jmpq       *0x20(%rbp)"),
                     g_strdup("slow <path> & \"more\"")});
    return p;
}

static CodePiece *baseline(unsigned id, uint64_t pc, uint64_t heat)
{
    CodePiece *p = g_new0(CodePiece, 1);
    *p = (CodePiece){.id = id, .tier = CODE_BASELINE, .pc = pc, .mode = 3, .count = heat / 2,
                     .heat = heat, .host_bytes = 40, .cold_bytes = 20};
    p->blocks = ARRAY(CodeBlock, {pc, pc + 8, 0, 2, heat / 2, true});
    p->insns = ARRAY(CodeInsn, {pc, 0x00052503, 4, 0}, {pc + 4, 0x00000073, 4, 0}); // lw a0,0(a0); ecall
    p->edges = ARRAY(CodeEdge, {EDGE_TAKEN, pc + 4, 0x80000010, 0, true, 0});
    p->stages = ARRAY(CodeStage, {"translate", 3000}, {"baseline", 4000});
    p->end_reason = g_strdup("a system instruction");
    p->not_better = g_strdup("it ran 50000 times of the 3000000 that a region takes");
    return p;
}

static CodePiece *interpreted(unsigned id)
{
    CodePiece *p = g_new0(CodePiece, 1);
    *p = (CodePiece){.id = id, .tier = CODE_INTERP, .pc = 0x80005000, .mode = 0, .paged = true, .count = 1, .heat = 1};
    p->blocks = ARRAY(CodeBlock, {0x80005000, 0x80005002, 0, 1, 1, true});
    p->insns = ARRAY(CodeInsn, {0x80005000, 0x9002, 2, 0}); // c.ebreak
    p->edges = g_array_new(FALSE, FALSE, sizeof(CodeEdge));
    p->end_reason = g_strdup("a system instruction");
    p->not_better = g_strdup("it was entered once, of 16 times");
    return p;
}

static void free_piece(gpointer data)
{
    CodePiece *p = data;
    for (unsigned i = 0; p->forms && i < p->forms->len; i++) {
        g_free(g_array_index(p->forms, CodeForm, i).name);
        g_free(g_array_index(p->forms, CodeForm, i).text);
    }
    for (unsigned i = 0; p->host && i < p->host->len; i++) {
        g_free(g_array_index(p->host, CodeHost, i).text);
        g_free(g_array_index(p->host, CodeHost, i).note);
    }
    GArray *arrays[] = {p->blocks, p->insns, p->edges, p->stages, p->forms, p->host};
    for (unsigned i = 0; i < G_N_ELEMENTS(arrays); i++)
        if (arrays[i])
            g_array_free(arrays[i], TRUE);
    g_free(p->end_reason);
    g_free(p->not_better);
    g_free(p);
}

int main(int argc, char **argv)
{
    unsigned more = argc > 2 ? (unsigned)atoi(argv[2]) : 0;
    GPtrArray *pieces = g_ptr_array_new_with_free_func(free_piece);
    g_ptr_array_add(pieces, region());
    g_ptr_array_add(pieces, baseline(1, 0x80000100, 100000));
    g_ptr_array_add(pieces, interpreted(2));
    for (unsigned i = 0; i < more; i++)
        g_ptr_array_add(pieces, baseline(3 + i, 0x81000000 + 8 * i, 2 + more - i));
    Inspection inspection = {pieces}, *all = &inspection;
    ViewRun run = {.guest = "fixture", .machine = "clabpu", .accel = "jit", .ended = "the guest exited", .harts = 1,
                   .seconds = 0.5, .insns = 3100001};
    decode_init();
    View *v = view_new(&run, &(ViewNames){NULL, name_at}, &all, 1);
    view_select(v, &(ViewWanted){0});
    ((ViewPiece *)v->pieces->pdata[0])->filled = true;
    const char *format = argc > 1 ? argv[1] : "text";
    g_autofree char *text = !strcmp(format, "json")  ? blocks_json(v)
                            : !strcmp(format, "dot") ? blocks_dot(v)
                            : !strcmp(format, "html") ? blocks_html(v)
                                                      : blocks_text(v);
    fputs(text, stdout);
    view_free(v);
    g_ptr_array_free(pieces, TRUE);
    return 0;
}
