// SPDX-License-Identifier: GPL-3.0-or-later
// Case files that say what single guest instructions do: parsing, running, comparing.
#include "tests/exec_cases.h"
#include "frontend/csr.h"
#include "frontend/decode.h"
#include "frontend/helpers.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define BUDGET 1000

// opaque: run the passes first if not NULL.
static void run_eval(void *opaque, ExecMachine *m)
{
    IrEnv *env = &m->hart.env;
    LiftSource src = {m, exec_fetch, 8, 0};
    IrMem mem = {m, exec_load, exec_store};
    while (m->hart.trap_count == 0 && env->left > 0) {
        MemFault fault;
        g_autoptr(IrCode) code = ir_code_new(env->pc & PAGE_MASK);
        IrBlock *b = ir_block_new(0);
        ir_code_add(code, b);
        b->is_entry = true;
        if (!lift_block(b, &src, code->base, env->pc, &fault)) {
            hart_env_ops.mem_fault(env, &fault);
            return;
        }
        g_autoptr(GError) error = NULL;
        if (!ir_verify(code, HELPERS, &error)) {
            g_error("%s", error->message);
        }
        if (opaque) {
            ir_optimize(code, true, HELPERS);
        }
        ir_eval(code, 0, env, &mem);
    }
}

const ExecEngine exec_engine_eval = {"eval", NULL, run_eval};
const ExecEngine exec_engine_passes = {"passes", (void *)"", run_eval};

// What a case says: the machine before it and the one that must come out, plus what to look at besides
// registers and memory.
typedef struct {
    ExecMachine *machine; // before, then after the run
    ExecMachine *wanted;  // registers, memory and env.pc
    uint64_t cause;
    bool names_cause; // another end than the c.ebreak behind the instructions
    bool delegated;   // ... and it goes to S-mode
    GArray *csrs;      // of CsrWant
} Case;

typedef struct {
    unsigned csr;
    uint64_t value;
} CsrWant;

static bool parse_number(const char *text, uint64_t *value)
{
    char *end;
    *value = *text == '-' ? (uint64_t)g_ascii_strtoll(text, &end, 0) : g_ascii_strtoull(text, &end, 0);
    return end != text && *end == '\0';
}

static int find_reg(const char *name)
{
    for (int i = 0; i < IR_NREGS; i++) {
        if (strcmp(name, hart_reg_names[i]) == 0) {
            return i;
        }
    }
    return -1;
}

static int find_csr(const char *name)
{
    for (unsigned i = 0; i < 4096; i++) {
        if (csr_name(i) && strcmp(csr_name(i), name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

// One "key=value" of the state before or after.
static bool assign(Case *c, ExecMachine *m, bool after, const char *item)
{
    static const char *const sizes = "bh w   d"; // at index size - 1
    uint64_t value, addr;
    g_auto(GStrv) kv = g_strsplit(item, "=", 2);
    if (!kv[1] || !parse_number(kv[1], &value)) {
        return false;
    }
    int reg = find_reg(kv[0]), csr = find_csr(kv[0]);
    if (reg > 0) {
        m->hart.env.r[reg] = value;
    } else if (strcmp(kv[0], "pc") == 0) {
        m->hart.env.pc = value;
    } else if (strcmp(kv[0], "priv") == 0 && !after) {
        m->hart.priv = (uint8_t)value;
    } else if (strcmp(kv[0] + 1, "cause") == 0 && after) {
        c->cause = value;
        c->names_cause = true;
        c->delegated = kv[0][0] == 's';
    } else if (strcmp(kv[0], "svadu") == 0 && !after) {
        m->hart.features.svadu = value;
    } else if (csr >= 0 && after) {
        g_array_append_val(c->csrs, ((CsrWant){(unsigned)csr, value}));
    } else if (csr >= 0) {
        return csr_write(&m->hart, (unsigned)csr, value);
    } else if (kv[0][0] != ' ' && strchr(sizes, kv[0][0]) && kv[0][1] == '@' &&
               parse_number(kv[0] + 2, &addr)) {
        return exec_store_physical(m, addr, (unsigned)(strchr(sizes, kv[0][0]) - sizes) + 1, value);
    } else {
        return false;
    }
    return true;
}

static bool assign_all(Case *c, ExecMachine *m, bool after, const char *text)
{
    g_auto(GStrv) items = g_strsplit_set(text, " \t", -1);
    for (char **i = items; *i; i++) {
        if (**i && !assign(c, m, after, *i)) {
            fprintf(stderr, "bad item '%s'\n", *i);
            return false;
        }
    }
    return true;
}

// Puts the instructions where the pc points; false if a word is not hex. *end: behind the last one.
static bool place_code(ExecMachine *m, const char *hex, uint64_t *end, unsigned *count)
{
    g_auto(GStrv) words = g_strsplit_set(hex, " \t", -1);
    *end = m->hart.env.pc;
    *count = 0;
    for (char **w = words; *w; w++) {
        unsigned size = (unsigned)strlen(*w) / 2;
        char *rest;
        uint64_t bits = g_ascii_strtoull(*w, &rest, 16);
        if (**w == '\0') {
            continue;
        }
        if (*rest || (size != 2 && size != 4) || !exec_store_physical(m, *end, size, bits)) {
            return false;
        }
        *end += size;
        ++*count;
    }
    return *count != 0;
}

static unsigned complain(const ExecEngine *engine, const char *line, const char *what, uint64_t got,
                         uint64_t want)
{
    fprintf(stderr, "%s: %s\n    %s = 0x%" PRIx64 ", wanted 0x%" PRIx64 "\n", engine->name, line, what, got,
            want);
    return 1;
}

static unsigned compare(Case *c, const ExecEngine *engine, const char *line, unsigned count)
{
    Hart *got = &c->machine->hart, *want = &c->wanted->hart;
    unsigned bad = 0;
    if (got->trap_count != 1) {
        return complain(engine, line, "traps", got->trap_count, 1);
    }
    uint64_t cause = c->delegated ? got->scause : got->mcause, pc = c->delegated ? got->sepc : got->mepc;
    if (cause != c->cause) {
        bad += complain(engine, line, "cause", cause, c->cause);
    }
    if (pc != want->env.pc) {
        bad += complain(engine, line, "pc", pc, want->env.pc);
    }
    if (!c->names_cause && ir_env_icount(&got->env) != count) {
        bad += complain(engine, line, "instructions", ir_env_icount(&got->env), count);
    }
    for (unsigned i = 0; i < IR_NREGS; i++) {
        if (got->env.r[i] != want->env.r[i]) {
            bad += complain(engine, line, hart_reg_names[i], got->env.r[i], want->env.r[i]);
        }
    }
    for (unsigned i = 0; i < EXEC_RAM_SIZE; i++) {
        if (c->machine->ram[i] != c->wanted->ram[i]) {
            g_autofree char *what = g_strdup_printf("byte at 0x%" PRIx64, EXEC_RAM_BASE + i);
            bad += complain(engine, line, what, c->machine->ram[i], c->wanted->ram[i]);
        }
    }
    for (unsigned i = 0; i < c->csrs->len; i++) {
        CsrWant *w = &g_array_index(c->csrs, CsrWant, i);
        uint64_t value = 0;
        csr_read(got, w->csr, &value);
        if (value != w->value) {
            bad += complain(engine, line, csr_name(w->csr), value, w->value);
        }
    }
    return bad != 0;
}

static unsigned run_case(Case *c, const ExecEngine *engine, const char *line)
{
    g_auto(GStrv) part = g_strsplit(line, ";", 3);
    g_auto(GStrv) state = g_strsplit(part[0] && part[1] && part[2] ? part[2] : "", "=>", 2);
    uint64_t end;
    unsigned count;
    exec_reset(c->machine);
    c->machine->hart.env.icount_limit = c->machine->hart.env.left = BUDGET;
    c->cause = EXC_BREAKPOINT;
    c->names_cause = c->delegated = false;
    g_array_set_size(c->csrs, 0);
    if (!state[0] || !state[1] || !assign_all(c, c->machine, false, state[0]) ||
        !place_code(c->machine, part[1], &end, &count)) {
        fprintf(stderr, "not a case: %s\n", line);
        return 1;
    }
    memcpy(c->wanted, c->machine, sizeof *c->wanted);
    c->wanted->hart.env.pc = end;
    if (!assign_all(c, c->wanted, true, state[1])) {
        fprintf(stderr, "not a case: %s\n", line);
        return 1;
    }
    engine->run(engine->opaque, c->machine);
    return compare(c, engine, line, count);
}

unsigned exec_cases_run(const char *path, const ExecEngine *engine, unsigned *cases)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    *cases = 0;
    if (!g_file_get_contents(path, &text, NULL, &error)) {
        fprintf(stderr, "%s\n", error->message);
        return 1;
    }
    decode_init();
    Case c = {.machine = g_new0(ExecMachine, 1),
              .wanted = g_new0(ExecMachine, 1),
              .csrs = g_array_new(FALSE, FALSE, sizeof(CsrWant))};
    unsigned failures = 0;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **l = lines; *l; l++) {
        if (**l && **l != '#') {
            failures += run_case(&c, engine, *l);
            ++*cases;
        }
    }
    g_array_free(c.csrs, TRUE);
    g_free(c.machine);
    g_free(c.wanted);
    return failures;
}
